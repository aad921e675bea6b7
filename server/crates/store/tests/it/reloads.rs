use chrono::TimeDelta;
use entity::kind::{ReloadCause, ReloadOutcome};
use entity::table::config_reload;
use entity::view::{ConfigProblem, ConfigReload, Timestamp};
use sea_orm::EntityTrait as _;
use store::db::Db;
use store::reloads::{list_reloads, record_reload};

use crate::support::{at, on_each_engine};

fn reload(worker: &str, at: Timestamp) -> ConfigReload {
    ConfigReload {
        at,
        worker: worker.to_owned(),
        host: format!("host of {worker}"),
        cause: ReloadCause::File,
        asked_by: None,
        outcome: ReloadOutcome::Applied,
        applied: vec!["polling.interval".to_owned(), "triggers".to_owned()],
        needs_restart: vec!["server.idle_timeout".to_owned()],
        error_count: 0,
        errors: Vec::new(),
    }
}

async fn record(db: &Db, reload: &ConfigReload) {
    let txn = db.begin().await.unwrap();
    record_reload(&txn, reload).await.unwrap();
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn reloads_of_all_processes_are_told_newest_first_as_they_were_kept() {
    on_each_engine(|db| async move {
        assert_eq!(list_reloads(&db.read).await.unwrap(), []);
        let problem = |number: usize| ConfigProblem {
            file: "kubestats.yaml".to_owned(),
            line: Some(3),
            key: format!("repositories[{number}].url"),
            message: "is \"missing\" <ü> '%'".to_owned(),
        };
        let first = reload("a-0", at(8, 0));
        let second = ConfigReload {
            cause: ReloadCause::Request,
            asked_by: Some("ada@example.org".to_owned()),
            outcome: ReloadOutcome::Refused,
            applied: Vec::new(),
            needs_restart: Vec::new(),
            error_count: 2,
            errors: vec![problem(0), ConfigProblem { line: None, key: String::new(), ..problem(1) }],
            ..reload("b-0", at(8, 1))
        };
        record(&db, &first).await;
        record(&db, &second).await;
        assert_eq!(list_reloads(&db.read).await.unwrap(), [second, first.clone()]);

        // Of a file in which everything is wrong the first of it is kept, and the number of all.
        let long = ConfigProblem { message: "x\0".repeat(10_000), ..problem(0) };
        let errors = std::iter::once(long).chain((1..5_000).map(problem)).collect();
        record(&db, &ConfigReload { error_count: 5_000, errors, ..reload("b-0", at(8, 2)) }).await;
        let told = list_reloads(&db.read).await.unwrap();
        assert_eq!((told[0].error_count, told[0].errors.len()), (5_000, 100));
        assert_eq!(told[0].errors[0].message.chars().count(), 1_000);
        assert_eq!((&told[0].errors[99], &told[2]), (&problem(99), &first));
    })
    .await;
}

#[tokio::test]
async fn one_process_crowds_no_other_out_and_all_together_are_bounded() {
    on_each_engine(|db| async move {
        record(&db, &reload("quiet-0", at(7, 0))).await;
        for minute in 0..30 {
            record(&db, &reload("busy-0", at(8, minute))).await;
        }
        let told = list_reloads(&db.read).await.unwrap();
        let of = |worker: &str| told.iter().filter(|reload| reload.worker == worker).count();
        assert_eq!((of("busy-0"), of("quiet-0"), told.len()), (20, 1, 21));
        assert_eq!((told[0].at, told[19].at), (at(8, 29), at(8, 10)));

        // A clock that stood ahead: what it told is no newer than what comes now.
        record(&db, &reload("busy-0", at(8, 20))).await;
        let told = list_reloads(&db.read).await.unwrap();
        assert_eq!((told[0].at, told.iter().filter(|reload| reload.at > at(8, 20)).count()), (at(8, 20), 0));

        // Processes that come and go, each with a name of its own.
        for number in 0..250 {
            record(&db, &reload(&format!("gone-{number}"), at(9, 0) + TimeDelta::seconds(number))).await;
        }
        let told = list_reloads(&db.read).await.unwrap();
        assert_eq!((told.len(), told[0].worker.as_str()), (50, "gone-249"));
        assert_eq!(config_reload::Entity::find().all(&db.read).await.unwrap().len(), 200);
    })
    .await;
}

/// A process looks at its files again and again where what they say could not be brought in.
#[tokio::test]
async fn what_is_refused_once_more_for_the_same_reason_is_told_once() {
    on_each_engine(|db| async move {
        record(&db, &reload("one-0", at(7, 0))).await;
        let problem = |message: &str| ConfigProblem {
            file: "kubestats.yaml".to_owned(),
            line: None,
            key: String::new(),
            message: message.to_owned(),
        };
        let refused = |minute: u32, message: &str| ConfigReload {
            outcome: ReloadOutcome::Refused,
            applied: Vec::new(),
            needs_restart: Vec::new(),
            error_count: 1,
            errors: vec![problem(message)],
            ..reload("one-0", at(8, minute))
        };
        for minute in 0..30 {
            record(&db, &refused(minute, "the name is taken")).await;
        }
        let times = async || {
            let told = list_reloads(&db.read).await.unwrap();
            told.into_iter().map(|reload| reload.at).collect::<Vec<_>>()
        };
        assert_eq!(times().await, [at(8, 29), at(7, 0)]);
        // Another reason, another process and somebody who asks are news; so is the same reason after something else.
        record(&db, &refused(30, "another name is taken")).await;
        record(&db, &ConfigReload { worker: "two-0".to_owned(), ..refused(31, "another name is taken") }).await;
        let asked = ConfigReload { cause: ReloadCause::Request, ..refused(32, "another name is taken") };
        record(&db, &asked).await;
        record(&db, &refused(33, "the name is taken")).await;
        let expected = [at(8, 33), at(8, 32), at(8, 31), at(8, 30), at(8, 29), at(7, 0)];
        assert_eq!(times().await, expected);
        // What was kept by a try of which nobody heard the end is the same one.
        record(&db, &asked).await;
        assert_eq!(times().await, [at(8, 32), at(8, 31), at(8, 30), at(8, 29), at(7, 0)]);
    })
    .await;
}
