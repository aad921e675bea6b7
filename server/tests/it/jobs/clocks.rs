//! The machine's clock set forward and back, by an hour and by a year.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::kind::{JobKind, JobRequest, JobState, Priority, RequestedBy};
use server::{
    clock, config,
    jobs::{self, JobContext, due, schedule},
};
use store::{
    db::ConnectionTrait as _,
    discovery,
    queue::{Outcome, Room},
    schedules, workers,
};
use uuid::Uuid;

use super::repository::{Bench, Origins, rows};
use super::world::World;
use crate::support::on_each_engine;
use crate::watching::away;

const JUMPS: [TimeDelta; 4] = [TimeDelta::hours(1), TimeDelta::days(365), TimeDelta::hours(-1), TimeDelta::days(-365)];

/// The clock is the process': a test that sets it runs in one of its own.
fn is_alone(test: &str) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some();
    // nextest gives each test a process.
    if is_set("NEXTEST") || is_set("KUBESTATS_ALONE") {
        return true;
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("KUBESTATS_ALONE", "1")
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{test} failed in a process of its own");
    false
}

#[tokio::test]
async fn schedules_fire_once_each_time_wherever_the_clock_jumps_to() {
    on_each_engine(async |app| {
        let (db, queue) = (&app.state.db, &app.state.queue);
        let planned = config::parse(std::path::Path::new("test"), "", [].into()).unwrap().schedules;
        let zone = chrono_tz::UTC;
        let start: DateTime<Utc> = "2026-11-21T08:07:00Z".parse().unwrap();
        schedule::store(db, &planned, zone, start).await.unwrap();
        let total = async || {
            let all = schedules::list_schedules(&db.read).await.unwrap();
            all.iter().map(|schedule| schedule.total_runs).sum::<i64>()
        };
        let each = i64::try_from(schedules::list_schedule_times(&db.read).await.unwrap().len()).unwrap();
        assert!(each >= 6);
        for jump in JUMPS {
            let before = total().await;
            let there = start + jump;
            // Several looks, also by several processes: what was missed is caught up with once.
            for second in 0..4 {
                schedule::run_due(db, queue, &planned, zone, there + TimeDelta::seconds(15 * second)).await.unwrap();
            }
            let fired = total().await - before;
            assert!(fired <= each, "{jump}: {fired} runs of {each} schedules");
            // Back at the true time: nothing is due that was not, and nothing waits for the false time.
            for second in 0..4 {
                schedule::run_due(db, queue, &planned, zone, start + TimeDelta::seconds(15 * second)).await.unwrap();
            }
            let again = total().await - before - fired;
            assert!(again <= each, "{jump} and back: {again} runs of {each} schedules");
            let after = total().await;
            let mut now = start + TimeDelta::minutes(2);
            while now < start + TimeDelta::hours(25) {
                schedule::run_due(db, queue, &planned, zone, now).await.unwrap();
                now += TimeDelta::minutes(5);
            }
            // Hourly, every two hours, every six, and three times once a day.
            let ran = total().await - after;
            assert!((25 + 12 + 4 + 3..=25 + 13 + 5 + 3).contains(&ran), "{jump}: {ran} runs within 25 hours");
            // The next jump starts where this one did.
            db.write.execute_unprepared("DELETE FROM schedule").await.unwrap();
            schedule::store(db, &planned, zone, start).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn leases_and_waiting_jobs_of_a_false_time_are_not_waited_for() {
    on_each_engine(async |app| {
        let queue = &app.state.queue;
        let now: DateTime<Utc> = "2026-11-21T08:07:00Z".parse().unwrap();
        let lease = Duration::from_mins(1);
        for jump in JUMPS {
            let there = now + jump;
            let ask = async |request: JobRequest, at| {
                queue.enqueue(&request, RequestedBy::Schedule, Priority::ROUTINE, at).await.unwrap()
            };
            let take = async |worker: &'static str, at| {
                let room = Room { worker, kinds: JobKind::ALL, jobs: 1, max_per_host: None, lease };
                queue.claim_many(room, at).await.unwrap().pop().map(|job| job.id)
            };
            // Held by one that vanished while the clock stood wrong; asked for while it stood wrong; waiting since then.
            let held = ask(JobRequest::Prune, there).await;
            assert_eq!(take("vanished", there).await, Some(held));
            let postponed = ask(JobRequest::DiscoverRepositories, there).await;
            assert_eq!(take("w", there).await, Some(postponed));
            let until = there + TimeDelta::hours(1);
            queue.finish(postponed, "w", Outcome::Later("a limit".to_owned(), until), there).await.unwrap();
            let asked = ask(JobRequest::SyncAllRepositories, there).await;

            queue.correct_waiting(now).await.unwrap();
            // Whoever lives has renewed by now; the runner waits for that after a jump.
            queue.take_over_expired(now + TimeDelta::seconds(61)).await.unwrap();
            let at = now + TimeDelta::minutes(62);
            queue.correct_waiting(at).await.unwrap();
            let mut got = Vec::new();
            while let Some(job) = take("w", at).await {
                queue.finish(job, "w", Outcome::Succeeded(String::new()), at).await.unwrap();
                got.push(job);
            }
            got.sort();
            let mut wanted = vec![held, postponed, asked];
            wanted.sort();
            assert_eq!(got, wanted, "{jump}: within an hour all have run, once");
            app.state.db.write.execute_unprepared("DELETE FROM job").await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_limit_of_a_forge_is_waited_for_also_where_the_clock_is_looked_at_again_and_again() {
    on_each_engine(async |app| {
        let queue = &app.state.queue;
        let now: DateTime<Utc> = "2026-11-21T08:07:00Z".parse().unwrap();
        let request = JobRequest::DiscoverRepositories;
        let job = queue.enqueue(&request, RequestedBy::Schedule, Priority::ROUTINE, now).await.unwrap();
        let claim = async |at| queue.claim("w", JobKind::ALL, at, Duration::from_mins(1)).await.unwrap();
        claim(now).await.unwrap();
        queue.finish(job, "w", Outcome::Later("a limit".to_owned(), now + TimeDelta::hours(24)), now).await.unwrap();
        for hour in 0..24 {
            let at = now + TimeDelta::hours(hour);
            assert_eq!(queue.correct_waiting(at).await.unwrap(), 0);
            assert_eq!(claim(at).await, None, "hour {hour}");
        }
        assert!(claim(now + TimeDelta::hours(24)).await.is_some());
    })
    .await;
}

/// Everything that was stored while the clock stood a year ahead, seen when it is right again.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_stalls_after_a_year_in_the_future() {
    if !is_alone("jobs::clocks::nothing_stalls_after_a_year_in_the_future") {
        return;
    }
    on_each_engine(async |app| {
        let db = &app.state.db;
        let world = World::start(db, true).await;
        let run =
            async |request: JobRequest| jobs::handle(&world.deps, &JobContext::new(Uuid::now_v7()), &request).await;
        clock::set_by(TimeDelta::days(365));
        run(JobRequest::DiscoverRepositories).await.unwrap();
        run(JobRequest::RefreshMetrics).await.unwrap();
        let all = world.repositories().await;
        world
            .execute(
                "UPDATE repository SET polling_interval_seconds = 3600 WHERE created_at < $1 AND full_name = 'ada/r1'",
                clock::now(),
            )
            .await;
        for found in &all {
            run(JobRequest::SyncRepository { repository_id: found.id }).await.unwrap();
            run(JobRequest::ScanRepository { repository_id: found.id }).await.unwrap();
        }
        run(JobRequest::AggregateDailyEcosystemStats).await.unwrap();
        world.ask(JobRequest::SyncAllRepositories).await;
        clock::set_by(TimeDelta::zero());

        let now = clock::now();
        due::correct(db, &world.deps.queue, &world.deps.polling, now).await.unwrap();
        let due = due::enqueue_due_syncs(db, &world.deps.queue, &world.deps.polling, now + TimeDelta::hours(25)).await;
        assert_eq!(due.unwrap(), all.len(), "every repository is synced within a day");
        let waiting = world.jobs(Some(JobState::Queued)).await;
        let asked = waiting.iter().find(|job| job.kind == JobKind::SyncAllRepositories).unwrap();
        assert!(asked.run_at <= now, "{asked:?}");
        let stale = now - TimeDelta::hours(5);
        let targets = discovery::list_metrics_targets(&db.read, stale).await.unwrap();
        assert_eq!(targets.len(), 3, "figures are asked for again");
        // A limit that was seen in the future holds nobody up.
        let later = now + TimeDelta::days(365);
        world.execute("UPDATE forge_budget SET blocked_until = $1, seen_at = $1", later).await;
        run(JobRequest::DiscoverRepositories).await.unwrap();
        workers::list_workers(&db.read, now).await.unwrap();

        // The statistics of days that have not come are gone, and are right when they come.
        run(JobRequest::AggregateDailyEcosystemStats).await.unwrap();
        let statement = |sql: &str| sea_orm::Statement::from_string(db.read.get_database_backend(), sql.to_owned());
        let count = async |sql: String| {
            let row = db.read.query_one_raw(statement(&sql)).await.unwrap().unwrap();
            row.try_get_by_index::<i64>(0).unwrap()
        };
        // The day may have ended since.
        let now = clock::now();
        let today = now.date_naive();
        assert_eq!(count(format!("SELECT COUNT(*) FROM ecosystemstats WHERE day > '{today}'")).await, 0);
        let text = "SELECT COUNT(*) FROM ecosystemstats WHERE calculated_at > ";
        let tomorrow = (now + TimeDelta::days(1)).format("%Y-%m-%d 00:00:00");
        assert_eq!(count(format!("{text}'{tomorrow}'")).await, 0, "no day is taken for computed that was only guessed");
        away::telling_goes_on(db).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_for_their_remote_for_days() {
    if !is_alone("jobs::clocks::events_wait_for_their_remote_for_days") {
        return;
    }
    on_each_engine(async |app| away::events_wait_for_days(&app.state.db).await).await;
}

/// A job that is taken over while its first holder still works: both do it, once to effect.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_two_hold_at_once_has_its_effects_once() {
    on_each_engine(async |app| {
        let db = app.state.db.clone();
        let origin = Origins::new();
        for number in 0..60 {
            let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{key: v{number}}}\n");
            let other = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: b{number}}}\n");
            let path = format!("b{}.yaml", number % 7);
            origin.commit(&format!("change {number}"), &[("a.yaml", Some(&text)), (&path, Some(&other))]);
        }
        let alone = Bench::new(&db);
        let repository = alone.pin(&origin.path()).await;
        alone.bring_up_to_date(repository).await;
        let expected = rows(&db).await;
        store::repositories::remove_repository(&db.write, repository).await.unwrap();

        let (one, other) = (Bench::new(&db), Bench::new(&db));
        let repository = one.pin(&origin.path()).await;
        one.sync(repository).await.unwrap();
        // Each on a machine of its own; the second begins at any moment of the first's work.
        for pause in [0, 3, 10, 30] {
            let second = async {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                other.scan(repository).await
            };
            // One may be told that the other has gone on; that is a retry and no failure.
            let _ = tokio::join!(one.scan(repository), second);
        }
        one.scan(repository).await.unwrap();
        assert_eq!(rows(&db).await, expected);
    })
    .await;
}
