use std::time::Duration;

use chrono::TimeDelta;
use entity::kind::{JobKind, JobRequest, Priority, RequestedBy};
use migration::{Migrator, MigratorTrait as _};
use store::db::{Db, DbSettings, Engine};
use store::queue::{JobQueue, Outcome};
use store::{maintenance, repositories, workers};

use crate::support::input::{add_repository, repository};
use crate::support::{TestDb, at, on_each_engine};

#[tokio::test]
async fn a_database_tells_its_schema_and_size_and_is_sound() {
    on_each_engine(async |db| {
        let applied = maintenance::applied_migrations(&db).await.unwrap().unwrap();
        assert!(applied.len() > 18 && applied.is_sorted(), "{applied:?}");
        assert!(maintenance::list_tables(&db).await.unwrap().contains(&"repository".to_owned()));
        assert!(maintenance::size_bytes(&db).await.unwrap() > 100_000);
        assert_eq!(maintenance::find_damage(&db).await.unwrap(), [""; 0]);
        let major = maintenance::server_major(&db).await.unwrap();
        assert_eq!(major.is_some_and(|major| major >= 13), db.engine == Engine::Postgres, "{major:?}");
    })
    .await;
}

#[tokio::test]
async fn an_empty_database_has_no_schema_and_a_full_one_can_be_emptied() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(test) = TestDb::open_bare(engine).await else { continue };
        assert_eq!(maintenance::applied_migrations(&test.db).await.unwrap(), None);
        test.close().await;
        let test = TestDb::open(engine).await.unwrap();
        add_repository(&test.db, "ada/home").await;
        if engine == Engine::Postgres {
            maintenance::drop_tables(&test.db).await.unwrap();
            assert_eq!(maintenance::list_tables(&test.db).await.unwrap(), [""; 0]);
            maintenance::drop_tables(&test.db).await.unwrap();
        }
        test.close().await;
    }
}

#[tokio::test]
async fn jobs_that_nobody_holds_are_counted() {
    const LEASE: Duration = Duration::from_mins(1);
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        for name in ["ada/home", "kim/lab"] {
            let request = JobRequest::SyncRepository { repository_id: add_repository(&db, name).await };
            queue.enqueue(&request, RequestedBy::Page, Priority::CLICK, at(8, 0)).await.unwrap();
        }
        queue.claim("w", JobKind::ALL, at(8, 1), LEASE).await.unwrap().unwrap();
        let lost = async |now| maintenance::count_lost_jobs(&db.read, now).await.unwrap();
        assert_eq!((lost(at(8, 1)).await, lost(at(8, 30)).await), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn jobs_that_run_far_longer_than_others_of_their_kind_are_found() {
    const LEASE: Duration = Duration::from_hours(6);
    on_each_engine(async |db| {
        let queue = JobQueue::new(db.clone());
        let begin = async |name: &str, now| {
            let request = JobRequest::SyncRepository { repository_id: add_repository(&db, name).await };
            queue.enqueue(&request, RequestedBy::Page, Priority::CLICK, now).await.unwrap();
            queue.claim("w", JobKind::ALL, now, LEASE).await.unwrap().unwrap().id
        };
        let end = async |id, now| queue.finish(id, "w", Outcome::Succeeded(String::new()), now).await.unwrap();
        let long = async |now| maintenance::list_long_jobs(&db.read, now, TimeDelta::hours(1)).await.unwrap();
        let first = begin("ada/home", at(8, 0)).await;
        assert!(long(at(8, 59)).await.is_empty(), "not that long yet");
        let found = long(at(9, 1)).await;
        assert_eq!((found.len(), found[0].job.id, found[0].longest), (1, first, None), "nothing to compare with");
        end(first, at(9, 10)).await;
        // What is usual is 70 minutes by now; five times as long is far longer.
        let second = begin("kim/lab", at(10, 0)).await;
        assert!(long(at(15, 49)).await.is_empty());
        let found = long(at(15, 51)).await;
        assert_eq!((found.len(), found[0].job.id), (1, second));
        assert_eq!((found[0].runs_for, found[0].longest), (TimeDelta::minutes(351), Some(TimeDelta::minutes(70))));
        assert_eq!(found[0].job.repository_full_name.as_deref(), Some("kim/lab"));
        // Whoever has lost the lease is told of elsewhere.
        assert!(long(at(16, 1)).await.is_empty());
        assert_eq!(maintenance::count_lost_jobs(&db.read, at(16, 1)).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_copy_is_of_one_moment_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let settings = |name: &str| DbSettings::new(format!("sqlite://{}?mode=rwc", folder.path().join(name).display()));
    let missing = Db::open_existing(&settings("a.db"), false).await;
    assert!(missing.is_err() && !folder.path().join("a.db").exists(), "nothing is made");
    let db = Db::connect(&settings("a.db")).await.unwrap();
    Migrator::up(&db.write, None).await.unwrap();
    add_repository(&db, "ada/home").await;
    let txn = db.begin().await.unwrap();
    repositories::upsert_repositories(&txn, &[repository("kim/lab")], at(8, 0)).await.unwrap();

    // Through a connection of its own, as another process has it; the open transaction is not in the copy.
    let copy = folder.path().join("copy.db");
    let reader = Db::open_existing(&settings("a.db"), false).await.unwrap();
    assert!(maintenance::copy_into(&reader, &copy).await.is_err(), "a reader may not");
    reader.close().await.unwrap();
    let other = Db::open_existing(&settings("a.db"), true).await.unwrap();
    let copying = tokio::time::timeout(Duration::from_mins(1), maintenance::copy_into(&other, &copy));
    copying.await.unwrap().unwrap();
    assert!(maintenance::copy_into(&other, &copy).await.is_err(), "a file that is there stays");
    other.close().await.unwrap();
    txn.commit().await.unwrap();

    let copied = Db::open_existing(&settings("copy.db"), false).await.unwrap();
    assert_eq!(maintenance::find_damage(&copied).await.unwrap(), [""; 0]);
    assert_eq!(count(&copied).await, 1);
    assert_eq!(count(&db).await, 2);
    assert!(workers::remove_worker(&copied.write, "w").await.is_err(), "what only reads cannot write");
    copied.close().await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn damage_is_told() {
    use std::os::unix::fs::FileExt as _;
    let folder = tempfile::tempdir().unwrap();
    let settings = DbSettings::new(format!("sqlite://{}", folder.path().join("a.db").display()));
    let db = Db::connect(&settings).await.unwrap();
    Migrator::up(&db.write, None).await.unwrap();
    for number in 0..200 {
        add_repository(&db, &format!("ada/{number}")).await;
    }
    db.close().await.unwrap();
    let file = std::fs::File::options().write(true).open(folder.path().join("a.db")).unwrap();
    let pages = file.metadata().unwrap().len() / 4_096;
    for page in pages / 2..pages - 2 {
        file.write_all_at(&[0x5a; 512], page * 4_096).unwrap();
    }
    // Where the damage is in what every connection reads first, not even that works.
    let db = match Db::open_existing(&settings, false).await {
        Ok(db) => db,
        Err(error) => {
            assert!(error.to_string().contains("malformed"), "{error}");
            return;
        }
    };
    let told = maintenance::find_damage(&db).await;
    assert!(told.as_ref().map_or(true, |problems| !problems.is_empty() && problems.len() <= 20), "{told:?}");
    db.close().await.unwrap();
}

async fn count(db: &Db) -> i64 {
    store::overview::system_state(&db.read).await.unwrap().repositories
}
