//! Many workers, schedules, logs, and what the page of tasks shows of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use entity::kind::*;
use entity::view::{JobFilter, Live, Timestamp};
use store::db::{Db, Engine};
use store::queue::{Ended, JobQueue, LogLine, MAX_LOG_LINES, Outcome, Room};
use store::schedules::{self, PlannedSchedule, ScheduleTime};
use store::workers::{self, FoundWorker};
use store::{jobs, tasks};
use uuid::Uuid;

use crate::support::input::{add_repository, repository};
use crate::support::{at, on_each_engine};

const LEASE: Duration = Duration::from_mins(1);

fn room(jobs: usize, max_per_host: Option<usize>) -> Room<'static> {
    Room { worker: "w", kinds: JobKind::ALL, jobs, max_per_host, lease: LEASE }
}

/// Repositories on a machine, each with a sync that waits.
async fn syncs_on(db: &Db, queue: &JobQueue, host: &str, number: usize, now: Timestamp) {
    let found: Vec<_> = (0..number)
        .map(|index| {
            let mut found = repository(&format!("{host}/r{index}"));
            found.url = format!("https://{host}/ada/r{index}");
            found
        })
        .collect();
    let stored = store::repositories::upsert_repositories(&db.write, &found, at(8, 0)).await.unwrap();
    let requests: Vec<_> =
        stored.into_iter().map(|(repository_id, _)| JobRequest::SyncRepository { repository_id }).collect();
    queue.enqueue_many(&requests, RequestedBy::Schedule, Priority::ROUTINE, now).await.unwrap();
}

async fn hosts(db: &Db, claimed: &[store::queue::ClaimedJob]) -> Vec<String> {
    let mut hosts = Vec::new();
    for job in claimed {
        let name = jobs::find_job(&db.read, job.id).await.unwrap().unwrap().repository_full_name.unwrap();
        hosts.push(name.split('/').next().unwrap().to_owned());
    }
    hosts
}

#[tokio::test]
async fn one_machine_is_asked_by_so_many_jobs_at_once_and_holds_up_no_other() {
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        syncs_on(&db, &queue, "slow.example", 12, at(8, 0)).await;
        syncs_on(&db, &queue, "other.example", 1, at(8, 1)).await;
        let first = queue.claim_many(room(2, Some(3)), at(9, 0)).await.unwrap();
        assert_eq!(hosts(&db, &first).await, ["slow.example"; 2]);
        // Another process counts those of this one.
        let other = JobQueue::new(db.clone());
        let mut rest = other.claim_many(room(2, Some(3)), at(9, 0)).await.unwrap();
        rest.extend(other.claim_many(room(8, Some(3)), at(9, 0)).await.unwrap());
        assert_eq!(hosts(&db, &rest).await, ["slow.example", "other.example"]);
        assert!(other.claim_many(room(8, Some(3)), at(9, 0)).await.unwrap().is_empty());
        queue.finish(first[0].id, "w", Outcome::Succeeded(String::new()), at(9, 1)).await.unwrap();
        assert_eq!(queue.claim_many(room(8, Some(3)), at(9, 1)).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn however_many_wait_for_one_machine_those_of_another_are_found_behind_them() {
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        // More than a claim looks at first.
        syncs_on(&db, &queue, "slow.example", 40, at(8, 0)).await;
        syncs_on(&db, &queue, "next.example", 40, at(8, 1)).await;
        syncs_on(&db, &queue, "other.example", 2, at(8, 2)).await;
        let claimed = queue.claim_many(room(5, Some(2)), at(9, 0)).await.unwrap();
        let expected = ["slow.example", "slow.example", "next.example", "next.example", "other.example"];
        assert_eq!(hosts(&db, &claimed).await, expected);
    })
    .await;
}

#[tokio::test]
async fn a_machine_that_wants_to_be_left_alone_is_not_asked_by_those_that_wait() {
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        syncs_on(&db, &queue, "limited.example", 3, at(8, 0)).await;
        syncs_on(&db, &queue, "other.example", 1, at(8, 1)).await;
        let first = queue.claim_many(room(1, None), at(8, 2)).await.unwrap();
        assert_eq!(queue.postpone_others(first[0].id, at(9, 0)).await.unwrap(), 2);
        let later = Outcome::Later("rate limit".into(), at(9, 0));
        queue.finish(first[0].id, "w", later, at(8, 3)).await.unwrap();
        let claimed = queue.claim_many(room(8, None), at(8, 59)).await.unwrap();
        assert_eq!(hosts(&db, &claimed).await, ["other.example"]);
        assert_eq!(queue.claim_many(room(8, None), at(9, 0)).await.unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_repository_is_worked_on_by_one_job_at_a_time() {
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        let repository_id = add_repository(&db, "ada/home").await;
        let requests = [JobRequest::ScanRepository { repository_id }, JobRequest::SyncRepository { repository_id }];
        for (minute, request) in (0..).zip(&requests) {
            queue.enqueue(request, RequestedBy::Api, Priority::CLICK, at(8, minute)).await.unwrap();
        }
        let claimed = queue.claim_many(room(5, None), at(8, 1)).await.unwrap();
        assert_eq!(claimed.iter().map(|job| &job.request).collect::<Vec<_>>(), [&requests[0]]);
        assert!(queue.claim_many(room(5, None), at(8, 1)).await.unwrap().is_empty());
        queue.finish(claimed[0].id, "w", Outcome::Succeeded(String::new()), at(8, 2)).await.unwrap();
        assert_eq!(queue.claim_many(room(5, None), at(8, 2)).await.unwrap()[0].request, requests[1]);
    })
    .await;
}

#[tokio::test]
async fn a_batch_ends_each_job_as_its_handler_says_and_names_those_that_were_lost() {
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        syncs_on(&db, &queue, "h.example", 4, at(8, 0)).await;
        let claimed = queue.claim_many(room(4, None), at(8, 1)).await.unwrap();
        let ids: Vec<Uuid> = claimed.iter().map(|job| job.id).collect();
        queue.cancel(ids[3], at(8, 2)).await.unwrap();
        let outcomes = [
            Outcome::Succeeded("done".into()),
            Outcome::Retry("timed out".into()),
            Outcome::Later("rate limit".into(), at(9, 0)),
            Outcome::Succeeded("too late".into()),
        ];
        let line = LogLine { at: at(8, 2), level: LogLevel::Warn, text: "slow".into() };
        let ended: Vec<Ended> = ids
            .iter()
            .zip(outcomes)
            .map(|(job, outcome)| Ended { job: *job, outcome, log: vec![line.clone()] })
            .collect();
        assert_eq!(queue.finish_many("w", &ended, at(8, 3)).await.unwrap(), [ids[3]]);
        let mut states = Vec::new();
        for id in &ids {
            let detail = tasks::find_job_detail(&db.read, *id).await.unwrap().unwrap();
            assert_eq!((detail.log.len(), detail.log[0].text.as_str()), (1, "slow"));
            states.push((detail.job.state, detail.job.attempts));
        }
        let (queued, done) = (JobState::Queued, JobState::Succeeded);
        assert_eq!(states, [(done, 1), (queued, 1), (queued, 0), (JobState::Cancelled, 1)]);
        let retrying = JobFilter { retrying: Some(true), ..JobFilter::default() };
        assert_eq!(jobs::list_jobs(&db.read, &retrying).await.unwrap().data[0].id, ids[1]);
    })
    .await;
}

#[tokio::test]
async fn a_log_is_kept_up_to_its_limit_and_the_rest_counted() {
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        let job = queue.enqueue(&JobRequest::Prune, RequestedBy::Api, Priority::CLICK, at(8, 0)).await.unwrap();
        let lines = |from: i64, to: i64| -> Vec<LogLine> {
            let line = |number: i64| LogLine { at: at(8, 0), level: LogLevel::Info, text: format!("line {number}\0") };
            (from..to).map(line).collect()
        };
        queue.append_log(job, &lines(0, 990)).await.unwrap();
        queue.append_log(job, &lines(990, 1_015)).await.unwrap();
        queue.append_log(job, &lines(1_015, 1_020)).await.unwrap();
        let detail = tasks::find_job_detail(&db.read, job).await.unwrap().unwrap();
        assert_eq!((detail.log.len() as i64, detail.log_lines_dropped), (MAX_LOG_LINES, 20));
        assert_eq!((detail.log[995].text.as_str(), detail.log[995].level.as_str()), ("line 995", "info"));
        queue.append_log(Uuid::now_v7(), &lines(0, 1)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_cancel_reaches_a_running_job_at_once() {
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        let job = queue.enqueue(&JobRequest::Prune, RequestedBy::Api, Priority::CLICK, at(8, 0)).await.unwrap();
        queue.claim("w", JobKind::ALL, at(8, 0), LEASE).await.unwrap().unwrap();
        let flag = Arc::new(AtomicBool::new(false));
        let entered = queue.running().enter(job, flag.clone());
        queue.cancel(job, at(8, 1)).await.unwrap();
        assert!(flag.swap(false, Ordering::Relaxed));
        drop(entered);
        queue.cancel(job, at(8, 1)).await.unwrap();
        assert!(!flag.load(Ordering::Relaxed));
    })
    .await;
}

fn planned(name: &'static str, kind: JobKind, cron: &str, next: Option<Timestamp>) -> PlannedSchedule {
    PlannedSchedule { name, kind, cron: cron.to_owned(), enabled: next.is_some(), next_run_at: next }
}

#[tokio::test]
async fn of_many_processes_that_see_a_schedule_due_one_runs_it() {
    on_each_engine(async |db| {
        let prune = planned("prune", JobKind::Prune, "45 3 * * *", Some(at(3, 45)));
        schedules::upsert_schedules(&db.write, &[prune]).await.unwrap();
        let due = schedules::list_schedule_times(&db.read).await.unwrap();
        assert_eq!(due, [ScheduleTime { name: "prune".into(), next_run_at: Some(at(3, 45)) }]);
        let go = || schedules::move_schedule_on(&db.write, &due[0], Some(at(23, 45)), Some(at(3, 46)));
        let (a, b, c) = tokio::join!(go(), go(), go());
        let won = [a.unwrap(), b.unwrap(), c.unwrap()].into_iter().filter(|won| *won).count();
        let schedule = &schedules::list_schedules(&db.read).await.unwrap()[0];
        assert_eq!((won, schedule.total_runs, schedule.last_run_at), (1, 1, Some(at(3, 46))));
        assert_eq!((schedule.next_run_at, schedule.kind), (Some(at(23, 45)), JobKind::Prune));
    })
    .await;
}

#[tokio::test]
async fn a_missed_time_stays_due_and_a_changed_expression_starts_anew() {
    on_each_engine(async |db| {
        let next = async || {
            schedules::list_schedule_times(&db.read)
                .await
                .unwrap()
                .into_iter()
                .map(|s| s.next_run_at)
                .collect::<Vec<_>>()
        };
        let set = async |cron: &str, time: Option<Timestamp>| {
            let sync = planned("sync_all_repositories", JobKind::SyncAllRepositories, "0 2 * * *", Some(at(2, 0)));
            let list = [planned("prune", JobKind::Prune, cron, time), sync];
            schedules::upsert_schedules(&db.write, &list).await.unwrap();
        };
        set("45 3 * * *", Some(at(3, 45))).await;
        // Down from 3 to 5 o'clock: the next time by the clock is another, what was missed is still due.
        set("45 3 * * *", Some(at(23, 45))).await;
        assert_eq!(next().await, [Some(at(3, 45)), Some(at(2, 0))]);
        set("0 6 * * *", Some(at(6, 0))).await;
        assert_eq!(next().await, [Some(at(6, 0)), Some(at(2, 0))]);
        set("off", None).await;
        assert_eq!(next().await, [Some(at(2, 0))]);
        let only = planned("prune", JobKind::Prune, "0 6 * * *", Some(at(6, 0)));
        schedules::upsert_schedules(&db.write, &[only]).await.unwrap();
        assert_eq!(next().await, [Some(at(6, 0))]);
    })
    .await;
}

#[tokio::test]
async fn tasks_tell_workers_queue_schedules_and_disk() {
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        let prune = planned("prune", JobKind::Prune, "45 3 * * *", Some(at(3, 45)));
        schedules::upsert_schedules(&db.write, &[prune]).await.unwrap();
        let worker = |id: &str, role| FoundWorker {
            id: id.to_owned(),
            role,
            host: "box".into(),
            pid: 7,
            version: "1.2.3",
            started_at: at(7, 0),
            capacity: 4,
            disk_limit_bytes: Some(5 << 20),
        };
        workers::record_worker(&db.write, &worker("gone", "worker"), at(7, 0)).await.unwrap();
        workers::record_worker(&db.write, &worker("w", "all"), at(7, 0)).await.unwrap();
        workers::record_worker(&db.write, &worker("w", "all"), at(8, 0)).await.unwrap();
        let job = queue.enqueue(&JobRequest::Prune, RequestedBy::Api, Priority::CLICK, at(8, 0)).await.unwrap();
        assert!(schedules::record_triggered(&db.write, "prune", job, at(8, 0)).await.unwrap());
        assert!(!schedules::record_triggered(&db.write, "dance", job, at(8, 0)).await.unwrap());
        queue.claim("w", JobKind::ALL, at(8, 0), LEASE).await.unwrap().unwrap();
        syncs_on(&db, &queue, "h.example", 3, at(8, 0)).await;
        let failed = queue.claim("w", &[JobKind::SyncRepository], at(8, 0), LEASE).await.unwrap().unwrap();
        queue.finish(failed.id, "w", Outcome::GiveUp("no such host".into()), at(8, 0)).await.unwrap();
        let later = queue.claim("w", &[JobKind::SyncRepository], at(8, 0), LEASE).await.unwrap().unwrap();
        queue.finish(later.id, "w", Outcome::Later("limit".into(), at(10, 0)), at(8, 0)).await.unwrap();

        let tasks = tasks::tasks(&db.read, at(8, 0)).await.unwrap();
        let seen: Vec<_> =
            tasks.workers.iter().map(|w| (w.id.as_str(), w.alive, w.running.len(), w.capacity)).collect();
        assert_eq!(seen, [("w", true, 1, 4), ("gone", false, 0, 4)]);
        let depth: Vec<_> =
            tasks.queue.iter().map(|d| (d.kind, d.ready, d.waiting, d.running, d.failed_last_24_h)).collect();
        assert_eq!(depth, [(JobKind::SyncRepository, 1, 1, 0, 1), (JobKind::Prune, 0, 0, 1, 0)]);
        assert_eq!(tasks.schedules[0].last_job.as_ref().unwrap().id, job);
        assert_eq!((tasks.disk.clones, tasks.disk.limit_bytes), (0, Some(5 << 20)));

        let filter = |text: &str| JobFilter { text: Some(text.into()), ..JobFilter::default() };
        for (text, count) in [("H.EXAMPLE", 3), ("such host", 1), ("%", 0)] {
            assert_eq!(jobs::list_jobs(&db.read, &filter(text)).await.unwrap().count, count, "{text}");
        }
        let since = JobFilter { since: Some(at(8, 0)), until: Some(at(8, 1)), ..JobFilter::default() };
        assert_eq!(jobs::list_jobs(&db.read, &since).await.unwrap().count, 1);
        assert_eq!(workers::remove_vanished(&db.write, at(8, 0) - TimeDelta::minutes(5)).await.unwrap(), 1);
        workers::remove_worker(&db.write, "w").await.unwrap();
        assert!(workers::list_workers(&db.read, at(8, 0)).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn old_jobs_go_with_their_logs_and_idle_syncs_sooner() {
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        syncs_on(&db, &queue, "h.example", 3, at(8, 0)).await;
        let claimed = queue.claim_many(room(3, None), at(8, 0)).await.unwrap();
        for (job, result) in
            claimed.iter().zip(["nothing new: main stands at 12345678", "fetched main at 1", "nothing new: x"])
        {
            let log = vec![LogLine { at: at(8, 0), level: LogLevel::Info, text: "x".into() }];
            let ended = Ended { job: job.id, outcome: Outcome::Succeeded(result.into()), log };
            queue.finish_many("w", &[ended], at(8, 0)).await.unwrap();
        }
        assert_eq!(jobs::remove_idle_syncs_before(&db.write, at(8, 0), 10).await.unwrap(), 0);
        assert_eq!(jobs::remove_idle_syncs_before(&db.write, at(9, 0), 1).await.unwrap(), 1);
        assert_eq!(jobs::remove_idle_syncs_before(&db.write, at(9, 0), 10).await.unwrap(), 1);
        assert_eq!(jobs::remove_finished_before(&db.write, at(8, 0), 10).await.unwrap(), 0);
        assert_eq!(jobs::remove_finished_before(&db.write, at(9, 0), 10).await.unwrap(), 1);
        for job in claimed {
            assert!(tasks::find_job_detail(&db.read, job.id).await.unwrap().is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn processes_on_one_server_hear_each_others_bell_cancels_and_updates() {
    on_each_engine(async |db| {
        if db.engine == Engine::Sqlite {
            return;
        }
        let (here, there) = (JobQueue::new(db.clone()), JobQueue::new(db.clone()));
        let wires = [here.clone(), there.clone()].map(|queue| tokio::spawn(async move { queue.wire().await }));
        let mut heard = there.bus().subscribe();
        // A fresh listener rings once, for what was said before.
        let soon = Duration::from_mins(1);
        tokio::time::timeout(soon, there.bell().heard()).await.unwrap();
        let job = here.enqueue(&JobRequest::Prune, RequestedBy::Api, Priority::CLICK, at(8, 0)).await.unwrap();
        tokio::time::timeout(soon, there.bell().heard()).await.unwrap();
        let told = tokio::time::timeout(soon, heard.recv()).await.unwrap().unwrap();
        assert!(matches!(told, Live::Job { job: told } if told.id == job));
        here.bus().send(Live::Reload);
        let told = tokio::time::timeout(soon, async {
            // The job that was queued may be told of once more.
            while heard.recv().await.unwrap() != Live::Reload {}
        });
        told.await.unwrap();
        there.claim("w", JobKind::ALL, at(8, 0), LEASE).await.unwrap().unwrap();
        let flag = Arc::new(AtomicBool::new(false));
        let _entered = there.running().enter(job, flag.clone());
        here.cancel(job, at(8, 1)).await.unwrap();
        tokio::time::timeout(soon, async {
            while !flag.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
        for wire in wires {
            wire.abort();
        }
    })
    .await;
}
