use std::time::Duration;

use chrono::TimeDelta;
use entity::kind::*;
use entity::view::{JobFilter, Live, Timestamp};
use store::db::{DataError, Db};
use store::jobs::{find_job, list_jobs};
use store::overview::{running_work, system_state};
use store::queue::{JobQueue, Outcome, caused_by};
use store::tasks::oldest_ready;
use uuid::Uuid;

use crate::support::input::add_repository;
use crate::support::{at, on_each_engine};

const LEASE: Duration = Duration::from_mins(1);

async fn queue_with_repository(db: &Db) -> (JobQueue, JobRequest) {
    let repository_id = add_repository(db, "ada/home").await;
    (JobQueue::new(db.clone()), JobRequest::SyncRepository { repository_id })
}

async fn enqueue(queue: &JobQueue, request: &JobRequest, now: Timestamp) -> Uuid {
    queue.enqueue(request, RequestedBy::Page, Priority::CLICK, now).await.unwrap()
}

async fn state(db: &Db, job: Uuid) -> JobState {
    find_job(&db.read, job).await.unwrap().unwrap().state
}

#[tokio::test]
async fn ten_clicks_become_one_job() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        let first = enqueue(&queue, &request, at(8, 0)).await;
        for _ in 0..9 {
            assert_eq!(enqueue(&queue, &request, at(8, 1)).await, first);
        }
        let claimed = queue.claim("w", JobKind::ALL, at(8, 2), LEASE).await.unwrap().unwrap();
        assert_eq!((claimed.id, &claimed.request, claimed.attempts), (first, &request, 1));
        // One is running: its answer may be old already, so a click asks for another.
        let second = enqueue(&queue, &request, at(8, 3)).await;
        assert_ne!(second, first);
        assert_eq!(queue.claim("w2", JobKind::ALL, at(8, 4), LEASE).await.unwrap(), None, "its key is running");
        queue.finish(first, "w", Outcome::Succeeded("nothing new".into()), at(8, 5)).await.unwrap();
        assert_eq!(queue.claim("w2", JobKind::ALL, at(8, 6), LEASE).await.unwrap().map(|job| job.id), Some(second));
        let job = find_job(&db.read, first).await.unwrap().unwrap();
        assert_eq!((job.state, job.result.as_deref()), (JobState::Succeeded, Some("nothing new")));
        assert_eq!(job.repository_full_name.as_deref(), Some("ada/home"));
    })
    .await;
}

#[tokio::test]
async fn click_makes_a_waiting_job_more_urgent() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        let other = JobRequest::SyncRepository { repository_id: add_repository(&db, "kim/lab").await };
        let routine = |request| queue.enqueue(request, RequestedBy::Start, Priority::ROUTINE, at(8, 0));
        routine(&other).await.unwrap();
        routine(&request).await.unwrap();
        enqueue(&queue, &request, at(8, 1)).await;
        let first = queue.claim("w", JobKind::ALL, at(8, 2), LEASE).await.unwrap().unwrap();
        assert_eq!((first.request, first.priority), (request, Priority::CLICK));
    })
    .await;
}

#[tokio::test]
async fn two_workers_never_get_the_same_job() {
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        for number in 0..20 {
            let repository_id = add_repository(&db, &format!("a/r{number}")).await;
            enqueue(&queue, &JobRequest::ScanRepository { repository_id }, at(8, 0)).await;
        }
        let worker = async |name: &str| {
            let mut mine = Vec::new();
            let mut empty = 0;
            while empty < 3 {
                match queue.claim(name, JobKind::ALL, at(8, 1), LEASE).await.unwrap() {
                    Some(job) => mine.push(job.id),
                    None => empty += 1,
                }
            }
            mine
        };
        let (a, b, c) = tokio::join!(worker("a"), worker("b"), worker("c"));
        let mut all: Vec<Uuid> = [a, b, c].concat();
        all.sort();
        let claimed = all.len();
        all.dedup();
        assert_eq!((claimed, all.len()), (20, 20));
    })
    .await;
}

#[tokio::test]
async fn two_claimers_of_one_key_from_two_processes_run_it_once() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        for round in 0..10 {
            let job = enqueue(&queue, &request, at(8, round)).await;
            let other = JobQueue::new(db.clone());
            let (a, b) = tokio::join!(
                queue.claim("a", JobKind::ALL, at(9, 0), LEASE),
                other.claim("b", JobKind::ALL, at(9, 0), LEASE)
            );
            let claimed = [a.unwrap(), b.unwrap()];
            assert_eq!(claimed.iter().flatten().count(), 1);
            let worker = if claimed[0].is_some() { "a" } else { "b" };
            queue.finish(job, worker, Outcome::Succeeded(String::new()), at(9, 1)).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn failing_job_is_tried_three_times_more_and_then_given_up() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        let job = enqueue(&queue, &request, at(8, 0)).await;
        let mut now = at(8, 0);
        for seconds in [60, 120, 240] {
            queue.claim("w", JobKind::ALL, now, LEASE).await.unwrap().unwrap();
            queue.finish(job, "w", Outcome::Retry("timed out".into()), now).await.unwrap();
            assert_eq!(state(&db, job).await, JobState::Queued);
            let due = now + TimeDelta::seconds(seconds);
            assert_eq!(queue.next_run_at(JobKind::ALL).await.unwrap(), Some(due));
            let early = due - TimeDelta::seconds(1);
            assert_eq!(queue.claim("w", JobKind::ALL, early, LEASE).await.unwrap(), None);
            now = due;
        }
        queue.claim("w", JobKind::ALL, now, LEASE).await.unwrap().unwrap();
        queue.finish(job, "w", Outcome::Retry("timed out".into()), now).await.unwrap();
        let job = find_job(&db.read, job).await.unwrap().unwrap();
        assert_eq!((job.state, job.attempts, job.error.as_deref()), (JobState::Failed, 4, Some("timed out")));
    })
    .await;
}

#[tokio::test]
async fn each_kind_is_tried_again_as_often_as_it_says() {
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        for (request, retries) in [
            (JobRequest::RefreshMetrics, 2),
            (JobRequest::AggregateDailyEcosystemStats, 2),
            (JobRequest::DiscoverRepositories, 0),
            (JobRequest::SyncAllRepositories, 0),
            (JobRequest::CleanupRepositoryWorkdirs, 0),
            (JobRequest::Prune, 0),
        ] {
            let job = enqueue(&queue, &request, at(8, 0)).await;
            let mut now = at(8, 0);
            for tried in 0..=retries {
                queue.claim("w", JobKind::ALL, now, LEASE).await.unwrap().unwrap();
                queue.finish(job, "w", Outcome::Retry("timed out".into()), now).await.unwrap();
                let expected = if tried < retries { JobState::Queued } else { JobState::Failed };
                assert_eq!(state(&db, job).await, expected, "{request:?} after {} tries", tried + 1);
                now += TimeDelta::minutes(10);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_process_does_not_take_its_own_jobs_from_itself() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        let job = enqueue(&queue, &request, at(8, 0)).await;
        queue.claim("w", JobKind::ALL, at(8, 0), LEASE).await.unwrap().unwrap();
        let entered = queue.running().enter(job, Default::default());
        // The database was away for longer than the lease; now it is back.
        queue.renew_running("w", at(8, 5), LEASE).await.unwrap();
        assert_eq!(queue.take_over_expired(at(8, 5)).await.unwrap(), 0);
        drop(entered);
        queue.renew_running("w", at(8, 10), LEASE).await.unwrap();
        assert_eq!(queue.take_over_expired(at(8, 10)).await.unwrap(), 1, "one that it does not run is put back");
    })
    .await;
}

#[tokio::test]
async fn later_does_not_count_as_a_try() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        let job = enqueue(&queue, &request, at(8, 0)).await;
        for hour in 8..14 {
            let claimed = queue.claim("w", JobKind::ALL, at(hour, 0), LEASE).await.unwrap().unwrap();
            assert_eq!(claimed.attempts, 1);
            let later = Outcome::Later("rate limit".into(), at(hour + 1, 0));
            queue.finish(job, "w", later, at(hour, 1)).await.unwrap();
        }
        assert_eq!(state(&db, job).await, JobState::Queued);
    })
    .await;
}

#[tokio::test]
async fn retry_gives_way_to_a_newer_request_that_waits() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        let first = enqueue(&queue, &request, at(8, 0)).await;
        queue.claim("w", JobKind::ALL, at(8, 0), LEASE).await.unwrap().unwrap();
        let second = enqueue(&queue, &request, at(8, 1)).await;
        queue.finish(first, "w", Outcome::Retry("timed out".into()), at(8, 2)).await.unwrap();
        assert_eq!((state(&db, first).await, state(&db, second).await), (JobState::Failed, JobState::Queued));
    })
    .await;
}

#[tokio::test]
async fn expired_lease_is_taken_over_and_its_holder_learns_it() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        let job = enqueue(&queue, &request, at(8, 0)).await;
        queue.claim("dead", JobKind::ALL, at(8, 0), LEASE).await.unwrap().unwrap();
        queue.renew(job, "dead", at(8, 1), LEASE).await.unwrap();
        assert_eq!(queue.take_over_expired(at(8, 1)).await.unwrap(), 0);
        assert_eq!(queue.take_over_expired(at(8, 3)).await.unwrap(), 1);
        let again = queue.claim("alive", JobKind::ALL, at(8, 3), LEASE).await.unwrap().unwrap();
        assert_eq!((again.id, again.attempts), (job, 2));
        let renewed = queue.renew(job, "dead", at(8, 4), LEASE).await;
        assert!(matches!(renewed, Err(DataError::LostLease { .. })));
        let finished = queue.finish(job, "dead", Outcome::Succeeded(String::new()), at(8, 4)).await;
        assert!(matches!(finished, Err(DataError::LostLease { .. })));
        assert_eq!(state(&db, job).await, JobState::Running);
    })
    .await;
}

#[tokio::test]
async fn restarted_worker_puts_its_own_jobs_back_at_once() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        enqueue(&queue, &request, at(8, 0)).await;
        queue.claim("w", JobKind::ALL, at(8, 0), LEASE).await.unwrap().unwrap();
        assert_eq!(queue.recover_own("other", at(8, 0)).await.unwrap(), 0);
        assert_eq!(queue.recover_own("w", at(8, 0)).await.unwrap(), 1);
        assert!(queue.claim("w", JobKind::ALL, at(8, 0), LEASE).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn cancelled_job_does_not_run_and_a_running_one_notices() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        let job = enqueue(&queue, &request, at(8, 0)).await;
        assert!(queue.cancel(job, at(8, 0)).await.unwrap());
        assert!(!queue.cancel(job, at(8, 0)).await.unwrap());
        assert_eq!(queue.claim("w", JobKind::ALL, at(8, 1), LEASE).await.unwrap(), None);
        let job = enqueue(&queue, &request, at(8, 2)).await;
        queue.claim("w", JobKind::ALL, at(8, 2), LEASE).await.unwrap().unwrap();
        queue.cancel(job, at(8, 3)).await.unwrap();
        assert!(matches!(queue.renew(job, "w", at(8, 3), LEASE).await, Err(DataError::LostLease { .. })));
    })
    .await;
}

#[tokio::test]
async fn rolled_back_transaction_leaves_no_job() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        let txn = db.begin().await.unwrap();
        queue.enqueue_in(&txn, &request, RequestedBy::Job, Priority::FOLLOW_UP, at(8, 0)).await.unwrap();
        txn.rollback().await.unwrap();
        assert_eq!(list_jobs(&db.read, &JobFilter::default()).await.unwrap().count, 0);
    })
    .await;
}

#[tokio::test]
async fn open_pages_hear_a_job_from_click_to_end_and_workers_hear_the_bell() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        let mut heard = queue.bus().subscribe();
        let job = enqueue(&queue, &request, at(8, 0)).await;
        tokio::time::timeout(Duration::from_mins(1), queue.bell().heard()).await.unwrap();
        queue.claim("w", JobKind::ALL, at(8, 0), LEASE).await.unwrap().unwrap();
        queue.progress(job, "fetching", Some(3), Some(4)).await.unwrap();
        let work = running_work(&db.read).await.unwrap();
        assert_eq!((work.running.len(), work.running[0].percent(), work.queued), (1, Some(75), 0));
        assert_eq!(system_state(&db.read).await.unwrap().running_jobs, 1);
        queue.finish(job, "w", Outcome::GiveUp("no such host".into()), at(8, 1)).await.unwrap();
        let mut states = Vec::new();
        while let Ok(Live::Job { job }) = heard.try_recv() {
            states.push((job.state, job.progress_done));
        }
        let expected = [
            (JobState::Queued, None),
            (JobState::Running, None),
            (JobState::Running, Some(3)),
            (JobState::Failed, Some(3)),
        ];
        assert_eq!(states, expected);
        assert_eq!(running_work(&db.read).await.unwrap().finished.len(), 1);
        let failed = JobFilter { state: Some(JobState::Failed), ..JobFilter::default() };
        assert_eq!(list_jobs(&db.read, &failed).await.unwrap().count, 1);
        // What succeeded has done all there was to do.
        let job = enqueue(&queue, &request, at(8, 2)).await;
        queue.claim("w", JobKind::ALL, at(8, 2), LEASE).await.unwrap().unwrap();
        queue.progress(job, "fetching", Some(3), Some(4)).await.unwrap();
        queue.finish(job, "w", Outcome::Succeeded("fetched".into()), at(8, 3)).await.unwrap();
        let done = find_job(&db.read, job).await.unwrap().unwrap();
        assert_eq!((done.progress_text, done.progress_done, done.progress_total), (None, Some(4), Some(4)));
        let unfinished = JobFilter { unfinished: true, ..JobFilter::default() };
        assert_eq!(list_jobs(&db.read, &unfinished).await.unwrap().count, 0);
    })
    .await;
}

#[tokio::test]
async fn a_job_carries_the_trace_of_what_asked_for_it_first() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        let asked = caused_by(Some(TRACE.to_owned()), enqueue(&queue, &request, at(8, 0))).await;
        assert_eq!(enqueue(&queue, &request, at(8, 1)).await, asked, "it waits already");
        let other = enqueue(&queue, &JobRequest::Prune, at(8, 1)).await;
        let claimed = queue.claim("w", JobKind::ALL, at(8, 2), LEASE).await.unwrap().unwrap();
        assert_eq!((claimed.id, claimed.traceparent.as_deref()), (asked, Some(TRACE)));
        let claimed = queue.claim("w", JobKind::ALL, at(8, 2), LEASE).await.unwrap().unwrap();
        assert_eq!((claimed.id, claimed.traceparent), (other, None));
    })
    .await;
}

#[tokio::test]
async fn the_oldest_job_that_could_run_is_told_and_none_that_waits_for_its_time() {
    on_each_engine(async |db| {
        let (queue, request) = queue_with_repository(&db).await;
        assert_eq!(oldest_ready(&db.read, at(9, 0)).await.unwrap(), None);
        let (prune, by) = (JobRequest::Prune, RequestedBy::Schedule);
        queue.enqueue_at(&db.write, &prune, by, Priority::ROUTINE, at(8, 0), at(10, 0)).await.unwrap();
        assert_eq!(oldest_ready(&db.read, at(9, 0)).await.unwrap(), None);
        enqueue(&queue, &request, at(8, 5)).await;
        enqueue(&queue, &JobRequest::RefreshMetrics, at(8, 3)).await;
        assert_eq!(oldest_ready(&db.read, at(9, 0)).await.unwrap(), Some(at(8, 3)));
        while queue.claim("w", JobKind::ALL, at(9, 0), LEASE).await.unwrap().is_some() {}
        assert_eq!(oldest_ready(&db.read, at(9, 0)).await.unwrap(), None, "who runs does not wait");
    })
    .await;
}

#[tokio::test]
async fn every_pool_tells_its_connections() {
    on_each_engine(async |db| {
        db.ping().await.unwrap();
        db.for_requests().ping().await.unwrap();
        let pools = db.pools();
        assert!(pools.len() >= 2);
        assert!(pools.iter().all(|(_, used)| used.open >= 1 && used.idle <= used.open), "{pools:?}");
    })
    .await;
}
