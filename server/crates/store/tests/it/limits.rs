//! What requests ask is stopped when it takes too long; work is not.

use std::time::{Duration, Instant};

use sea_orm::{Statement, TransactionTrait as _};
use store::db::{ConnectionTrait, DataError, Db, DbSettings, Engine};
use store::queue::JobQueue;

use crate::support::TestDb;
use crate::support::input::add_repository;

/// What is stopped, and well before a test gives up; what is not to be stopped takes no such time on any machine.
const LIMIT: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_mins(1);

/// A question that never ends by itself within a test.
fn endless(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        Engine::Postgres => "SELECT pg_sleep(600)",
    }
}

async fn ask(c: &impl ConnectionTrait, sql: &str) -> Result<(), DataError> {
    c.query_one_raw(Statement::from_string(c.get_database_backend(), sql)).await?;
    Ok(())
}

async fn setting(c: &impl ConnectionTrait, name: &str) -> String {
    let statement = Statement::from_string(c.get_database_backend(), format!("SELECT current_setting('{name}')"));
    c.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn count(db: &Db) -> i64 {
    store::overview::system_state(&db.read).await.unwrap().repositories
}

/// The same database by a handle whose limit is short, with one connection for requests.
async fn limited(test: &TestDb) -> Db {
    let settings = DbSettings { question_timeout: LIMIT, max_connections: 3, ..test.settings.clone() };
    Db::connect(&settings).await.unwrap()
}

#[tokio::test]
async fn a_question_that_takes_too_long_is_stopped_and_its_connection_goes_on() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(test) = TestDb::open(engine).await else { continue };
        add_repository(&test.db, "ada/home").await;
        let db = limited(&test).await;
        let requests = db.for_requests();
        for _ in 0..3 {
            let began = Instant::now();
            let error = ask(&requests.read, endless(engine)).await.unwrap_err();
            assert!(error.is_stopped() && !error.is_transient(), "{error:?}");
            assert!(error.passing_sentence().unwrap().contains("took too long"), "{error}");
            assert!(began.elapsed() >= LIMIT && began.elapsed() < SOON, "{:?}", began.elapsed());
            // Through the same connection: there is one.
            assert_eq!(count(&requests).await, 1);
        }
        // So within a transaction, which still ends as it should.
        let txn = requests.read.begin().await.unwrap();
        assert!(ask(&txn, endless(engine)).await.unwrap_err().is_stopped());
        txn.rollback().await.unwrap();
        assert_eq!(count(&requests).await, 1);
        db.close().await.unwrap();
        test.close().await;
    }
}

#[tokio::test]
async fn what_a_request_left_behind_ends_and_whoever_comes_next_has_their_own_time() {
    for (engine, is_encrypted) in [(Engine::Sqlite, false), (Engine::Postgres, false), (Engine::Postgres, true)] {
        let Some(mut test) = TestDb::open(engine).await else { continue };
        if is_encrypted {
            // Where the server speaks it.
            test.settings.url = test.settings.url.split('?').next().unwrap().to_owned();
        }
        let db = limited(&test).await;
        let requests = db.for_requests();
        for _ in 0..3 {
            let given_up = tokio::time::timeout(LIMIT / 4, ask(&requests.read, endless(engine))).await;
            assert!(given_up.is_err(), "it should still run");
            let began = Instant::now();
            assert_eq!(count(&requests).await, 0);
            assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        }
        db.close().await.unwrap();
        test.close().await;
    }
}

#[tokio::test]
async fn work_takes_as_long_as_it_needs() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(test) = TestDb::open(engine).await else { continue };
        let short = Duration::from_millis(20);
        let settings = DbSettings { question_timeout: short, ..test.settings.clone() };
        let db = Db::connect(&settings).await.unwrap();
        let long = match engine {
            Engine::Sqlite => {
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT max(i) FROM n"
            }
            Engine::Postgres => "SELECT pg_sleep(0.3)",
        };
        for connection in [&db.read, &db.write] {
            let began = Instant::now();
            ask(connection, long).await.unwrap();
            assert!(began.elapsed() > short, "it is no proof: {:?}", began.elapsed());
        }
        assert!(ask(&db.for_requests().read, long).await.unwrap_err().is_stopped());
        db.close().await.unwrap();
        test.close().await;
    }
}

#[tokio::test]
async fn postgres_connections_are_limited_as_their_use_wants() {
    let Some(test) = TestDb::open(Engine::Postgres).await else { return };
    let db = limited(&test).await;
    let requests = db.for_requests();
    assert_eq!(setting(&requests.read, "statement_timeout").await, "1s");
    assert_eq!(setting(&db.write, "statement_timeout").await, "0");
    for connection in [&requests.read, &db.write] {
        assert_eq!(setting(connection, "lock_timeout").await, "1min");
        assert_eq!(setting(connection, "idle_in_transaction_session_timeout").await, "5min");
    }
    // Whoever prepares the database makes others wait for as long as that takes.
    let turn = db.take_turn().await.unwrap().unwrap();
    for name in ["lock_timeout", "idle_in_transaction_session_timeout"] {
        assert_eq!(setting(&turn, name).await, "0");
    }
    turn.rollback().await.unwrap();
    assert_eq!(setting(&db.write, "lock_timeout").await, "1min");
    db.close().await.unwrap();
    test.close().await;
}

/// Whoever runs the server may have limits of their own for a role, which are not meant for jobs.
#[tokio::test]
async fn limits_of_the_server_or_the_role_do_not_stop_jobs() {
    let Some(test) = TestDb::open(Engine::Postgres).await else { return };
    let names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
    let given = names.map(|name| format!("options[{name}]=777")).join("&");
    let address = test.settings.url.split('?').next().unwrap();
    let settings = DbSettings { url: format!("{address}?{given}"), ..test.settings.clone() };
    let db = Db::connect(&settings).await.unwrap();
    let requests = db.for_requests();
    for (connection, expected) in [(&db.write, "0"), (&requests.read, "25s")] {
        assert_eq!(setting(connection, "statement_timeout").await, expected);
        assert_eq!(setting(connection, "lock_timeout").await, "1min");
        assert_eq!(setting(connection, "idle_in_transaction_session_timeout").await, "5min");
    }
    db.close().await.unwrap();
    test.close().await;
}

/// One connection hears what other processes tell for as long as the process lives, and whoever reads the configuration again
/// holds one while it is brought in.
#[tokio::test]
async fn the_fewest_connections_are_enough_to_listen_to_hold_a_turn_and_to_write() {
    let Some(test) = TestDb::open(Engine::Postgres).await else { return };
    let settings = DbSettings { max_connections: 1, acquire_timeout: Duration::from_secs(20), ..test.settings.clone() };
    let db = Db::connect(&settings).await.unwrap();
    let queue = JobQueue::new(db.clone());
    let wire = tokio::spawn(async move { queue.wire().await });
    let began = Instant::now();
    while !db.pools().iter().any(|(name, used)| name == "work" && used.open > used.idle) {
        assert!(began.elapsed() < SOON, "nobody listens: {:?}", db.pools());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let turn = db.take_turn().await.unwrap().unwrap();
    let txn = db.begin().await.unwrap();
    assert_eq!(count(&db.for_requests()).await, 0);
    txn.rollback().await.unwrap();
    turn.rollback().await.unwrap();
    wire.abort();
    let _ = wire.await;
    db.close().await.unwrap();
    test.close().await;
}
