//! How long the database may be kept busy: by what a request asks, by waiting for a lock, by a transaction that does nothing.
//!
//! A request is given up after a while. What it asked would go on, take a core from others and hold a connection that they
//! wait for. PostgreSQL stops such a statement by itself. SQLite asks after every so many of its steps whether it may go on;
//! it is told no once all that somebody asked through one connection took too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sea_orm::ConnectOptions;
use sea_orm::sea_query::{Expr, Func, PostgresQueryBuilder, Query, SelectStatement};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, Executor};

use super::{ConnectionTrait as _, Result, Transaction, is_outside};

/// How long a statement waits for what another transaction locks. One that waits makes all wait that come after it.
pub const LOCK_WITHIN: Duration = Duration::from_mins(1);
/// A transaction that does nothing for so long has lost its program: what it locks is let go of.
const IDLE_WITHIN: Duration = Duration::from_mins(5);
/// Steps of SQLite from one look at the clock to the next: about a millisecond. Most questions end before the first.
const STEPS: i32 = 50_000;

const STATEMENT: &str = "statement_timeout";
const LOCK: &str = "lock_timeout";
const IDLE: &str = "idle_in_transaction_session_timeout";

/// Connections to PostgreSQL for what requests ask.
pub(super) fn of_requests(options: &mut ConnectOptions, question: Duration) {
    limit(options, &[(STATEMENT, question), (LOCK, LOCK_WITHIN), (IDLE, IDLE_WITHIN)]);
}

/// Connections to PostgreSQL for work, whose statements take as long as they need: what the server or the role has is for others.
pub(super) fn of_work(options: &mut ConnectOptions) {
    limit(options, &[(STATEMENT, Duration::ZERO), (LOCK, LOCK_WITHIN), (IDLE, IDLE_WITHIN)]);
}

/// Lifts the limits of work from a transaction that others wait for, and that itself waits for what is done beside it.
pub(super) async fn lift(txn: &Transaction) -> Result<()> {
    txn.query_one(&set(&[(LOCK, Duration::ZERO), (IDLE, Duration::ZERO)], true)).await?;
    Ok(())
}

/// Sets limits when a connection is made, rather than among the parameters that it begins with: poolers refuse those.
fn limit(options: &mut ConnectOptions, limits: &[(&'static str, Duration)]) {
    let set = set(limits, false).to_string(PostgresQueryBuilder);
    let may_encrypt = !options.get_url().contains("sslmode=disable");
    options.map_sqlx_postgres_pool_opts(move |pool| {
        let set = set.clone();
        let pool = pool.after_connect(move |connection, _| {
            let set = set.clone();
            Box::pin(async move { Executor::execute(connection, AssertSqlSafe(set)).await.map(|_| ()) })
        });
        if !may_encrypt {
            return pool;
        }
        // One whose last statement was left behind and then stopped is closed in order. The pool would hang up on it, for which
        // an encrypted one waits without end (sqlx 0.9), and its place would be lost.
        pool.after_release(|connection, _| Box::pin(async move { Ok(connection.ping().await.is_ok()) }))
    });
}

/// Zero is no limit.
fn set(limits: &[(&'static str, Duration)], only_in_transaction: bool) -> SelectStatement {
    let mut query = Query::select();
    for (name, limit) in limits {
        let milliseconds = limit.as_millis().to_string();
        let arguments = [Expr::val(*name), Expr::val(milliseconds), Expr::val(only_in_transaction)];
        query.expr(Func::cust("set_config").args(arguments));
    }
    query
}

/// Connections to SQLite for what requests ask.
pub(super) fn of_sqlite_requests(options: &mut ConnectOptions, question: Duration) {
    let limit = TimeLimit { within: question, running: Arc::default() };
    options.map_sqlx_sqlite_pool_opts(move |pool| {
        let (made, back) = (limit.clone(), limit.clone());
        let pool = pool.after_connect(move |connection, _| {
            let limit = made.clone();
            Box::pin(async move { limit.apply(connection).await })
        });
        pool.after_release(move |connection, _| {
            let limit = back.clone();
            Box::pin(async move {
                limit.apply_again(connection).await?;
                is_outside(connection).await
            })
        })
    });
}

/// What stops questions on the connections of one pool to SQLite; cheap to clone.
#[derive(Clone, Debug)]
struct TimeLimit {
    within: Duration,
    /// Connections whose stopwatch runs.
    running: Arc<AtomicUsize>,
}

/// A connection's, started by the first statement that takes many steps.
struct Stopwatch {
    limit: TimeLimit,
    since: Option<Instant>,
}

impl TimeLimit {
    /// Gives a connection a stopwatch that does not run yet.
    async fn apply(&self, connection: &mut sqlx::SqliteConnection) -> Result<(), sqlx::Error> {
        let mut stopwatch = Stopwatch { limit: self.clone(), since: None };
        connection.lock_handle().await?.set_progress_handler(STEPS, move || stopwatch.goes_on());
        Ok(())
    }

    /// The same for a connection that comes back. That waits for the end of a statement that whoever had it left behind.
    /// Where no stopwatch runs, as after most questions, there is nothing to do.
    async fn apply_again(&self, connection: &mut sqlx::SqliteConnection) -> Result<(), sqlx::Error> {
        if self.running.load(Ordering::Acquire) == 0 { Ok(()) } else { self.apply(connection).await }
    }
}

impl Stopwatch {
    /// Whether the statement at hand may go on.
    fn goes_on(&mut self) -> bool {
        let running = &self.limit.running;
        let since = *self.since.get_or_insert_with(|| {
            running.fetch_add(1, Ordering::AcqRel);
            Instant::now()
        });
        let goes_on = since.elapsed() < self.limit.within;
        if !goes_on {
            // What is asked next has its own time.
            self.stop();
        }
        goes_on
    }

    fn stop(&mut self) {
        if self.since.take().is_some() {
            self.limit.running.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        self.stop();
    }
}
