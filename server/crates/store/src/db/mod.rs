//! The handle that every other crate holds instead of naming the database library.
//!
//! SQLite has one writer: `write` holds a single connection there, `read` holds several that can't write.
//! On PostgreSQL both are the same pool, unless a reader was given a handle on a replica. What requests ask has connections of
//! its own, on which no question runs for long: a handle for them reads by those.

pub(crate) mod answers;
pub(crate) mod bulk;
pub(crate) mod clean;
mod error;
mod limits;
pub(crate) mod pattern;
mod replicas;
pub(crate) mod select;
mod settings;
pub mod text;
pub(crate) mod upsert;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::{Func, Query};
use sea_orm::sqlx::{self, Connection as _};
use sea_orm::{ConnectOptions, Database, SqliteTransactionMode, TransactionOptions, TransactionTrait};

pub use error::DataError;
pub use limits::LOCK_WITHIN;
pub use replicas::{READ_OWN, ReplicaState};
pub use sea_orm::{ConnectionTrait, DatabaseConnection as Connection, DatabaseTransaction as Transaction};
pub use settings::DbSettings;

/// What a question or write gives back, or why it could not.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// Which database stores everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One file, one machine.
    Sqlite,
    /// A server that many machines share.
    Postgres,
}

/// A pool's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Open ones.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
}

/// Connections to the database. As small as a pointer: every layer and handler of the server keeps a copy for each request.
#[derive(Clone, Debug)]
pub struct Db(Arc<Handles>);

impl Deref for Db {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        &self.0
    }
}

/// What a [`Db`] leads to.
#[derive(Clone, Debug)]
pub struct Handles {
    /// For questions.
    pub read: Connection,
    /// For writes; on SQLite the only connection that may.
    pub write: Connection,
    /// What the connections lead to.
    pub engine: Engine,
    work: Connection,
    requests: Connection,
    answers: answers::Answers,
    replicas: replicas::Replicas,
    /// Which of them `read` asks.
    replica: Option<usize>,
}

impl Db {
    /// Connects; does not migrate. The handle is for work, whose questions take as long as they need.
    pub async fn connect(settings: &DbSettings) -> Result<Self> {
        let engine = settings.engine()?;
        let (for_requests, for_work) = settings.shares(engine);
        match engine {
            Engine::Sqlite => {
                let write = Database::connect(sqlite_options(settings, 1, false)).await?;
                let mut work = sqlite_options(settings, for_work, true);
                // Each keeps pages for itself, which nobody needs between two scans.
                work.min_connections(0).connect_lazy(true).idle_timeout(IDLE_READER);
                let mut requests = sqlite_options(settings, for_requests, true);
                limits::of_sqlite_requests(&mut requests, settings.question_timeout);
                let (work, requests) = (Database::connect(work).await?, Database::connect(requests).await?);
                Ok(Self(Arc::new(Handles { requests, ..Self::handles(work, write, engine) })))
            }
            Engine::Postgres => {
                let mut work = options(settings, for_work);
                limits::of_work(&mut work);
                work.min_connections(1);
                let pool = Database::connect(work).await?;
                // Made when it is asked first: a process that only works needs none.
                let mut requests = options(settings, for_requests);
                limits::of_requests(&mut requests, settings.question_timeout);
                requests.min_connections(0).connect_lazy(true);
                let requests = Database::connect(requests).await?;
                let replicas = replicas::Replicas::open(settings).await?;
                let handles = Self::handles(pool.clone(), pool, engine);
                Ok(Self(Arc::new(Handles { requests, replicas, ..handles })))
            }
        }
    }

    /// All that is read by one pool.
    fn handles(read: Connection, write: Connection, engine: Engine) -> Handles {
        Handles {
            work: read.clone(),
            requests: read.clone(),
            read,
            write,
            engine,
            answers: answers::Answers::default(),
            replicas: replicas::Replicas::default(),
            replica: None,
        }
    }

    /// A handle for what requests ask: a question that takes longer than [`DbSettings::question_timeout`] is stopped, and
    /// [`DataError::is_stopped`] says so. What it writes is not limited.
    #[must_use]
    pub fn for_requests(&self) -> Self {
        let own = Handles::clone(self);
        Self(Arc::new(Handles { read: own.requests.clone(), ..own }))
    }

    /// The same, which tells each statement as it was done, on whatever connection: what a request costs is counted by it. Of a
    /// handle that nobody else holds yet; what copies of it ask before is not told.
    #[must_use]
    pub fn telling(self, told: impl Fn(&str) + Clone + Send + Sync + 'static) -> Self {
        let mut own = Arc::unwrap_or_clone(self.0);
        for pool in [&mut own.read, &mut own.write, &mut own.work, &mut own.requests] {
            let told = told.clone();
            pool.set_metric_callback(move |done| told(&done.statement.sql));
        }
        own.replicas.tell(&told);
        Self(Arc::new(own))
    }

    /// A database that is there, as it is: nothing is made, and nothing is set up for work. Of SQLite one connection, which
    /// writes only where it may.
    pub async fn open_existing(settings: &DbSettings, may_write: bool) -> Result<Self> {
        let engine = settings.engine()?;
        let mut options = options(settings, if engine == Engine::Sqlite { 1 } else { 4 });
        let busy_timeout = settings.busy_timeout;
        options.map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite.create_if_missing(false).foreign_keys(true).busy_timeout(busy_timeout);
            sqlite.pragma("query_only", if may_write { "0" } else { "1" })
        });
        let pool = Database::connect(options).await?;
        let replicas = match engine {
            Engine::Sqlite => replicas::Replicas::default(),
            Engine::Postgres => replicas::Replicas::open(settings).await?,
        };
        Ok(Self(Arc::new(Handles { replicas, ..Self::handles(pool.clone(), pool, engine) })))
    }

    /// Begins a transaction that may write.
    pub async fn begin(&self) -> Result<Transaction> {
        begin(&self.write).await
    }

    /// Begins a transaction that decides about accounts by what it reads of all of them, such as who else may administer:
    /// no other such runs beside it. SQLite has one writer anyway.
    pub async fn begin_about_accounts(&self) -> Result<Transaction> {
        let txn = self.begin().await?;
        if self.engine == Engine::Postgres {
            wait_for_turn(&txn, Turn::Accounts).await?;
        }
        Ok(txn)
    }

    /// Waits until no other process prepares the same database, and lets none until it is dropped. On SQLite there is
    /// only one process, and nothing to wait for.
    pub async fn take_turn(&self) -> Result<Option<Transaction>> {
        if self.engine == Engine::Sqlite {
            return Ok(None);
        }
        let txn = self.begin().await?;
        limits::lift(&txn).await?;
        wait_for_turn(&txn, Turn::Prepare).await?;
        Ok(Some(txn))
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.read.ping().await?)
    }

    /// How many connections there are, by pool.
    #[must_use]
    pub fn pools(&self) -> Vec<(String, PoolUse)> {
        let used = |open: u32, idle: usize| PoolUse { open, idle: u32::try_from(idle).unwrap_or(u32::MAX) };
        match self.engine {
            Engine::Sqlite => [("requests", &self.requests), ("work", &self.work), ("write", &self.write)]
                .map(|(name, pool)| (name, pool.get_sqlite_connection_pool()))
                .map(|(name, pool)| (name.to_owned(), used(pool.size(), pool.num_idle())))
                .to_vec(),
            Engine::Postgres => {
                let own = [("requests", &self.requests), ("work", &self.work)]
                    .map(|(name, pool)| (name, pool.get_postgres_connection_pool()))
                    .map(|(name, pool)| (name.to_owned(), used(pool.size(), pool.num_idle())));
                let replicas = self.replicas.pools().into_iter().enumerate();
                own.into_iter().chain(replicas.map(|(at, used)| (format!("replica {}", at + 1), used))).collect()
            }
        }
    }

    /// Ends all connections; on SQLite the write-ahead log is folded back into the file.
    pub async fn close(&self) -> Result<()> {
        self.requests.close_by_ref().await?;
        self.work.close_by_ref().await?;
        self.write.close_by_ref().await?;
        self.replicas.close().await
    }
}

/// What one process at a time does, of those that share a PostgreSQL.
#[derive(Clone, Copy)]
pub(crate) enum Turn {
    Claim = 1,
    Prepare = 2,
    Accounts = 3,
    Deliver = 4,
    Configure = 5,
}

/// Waits until no other transaction has this turn; it ends with the transaction.
pub(crate) async fn wait_for_turn(txn: &Transaction, turn: Turn) -> Result<()> {
    /// Tells our locks from those of others that use the same database.
    const OURS: i32 = 5223;
    let lock = Func::cust("pg_advisory_xact_lock").args([OURS.into(), (turn as i32).into()]);
    txn.query_one(&Query::select().expr(lock).to_owned()).await?;
    Ok(())
}

/// Begins a transaction that may write. SQLite takes the lock at once, as a transaction that first reads
/// and then writes is refused (not made to wait) when another process has written in between.
pub(crate) async fn begin(connection: &Connection) -> Result<Transaction> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    Ok(connection.begin_with_options(options).await?)
}

fn options(settings: &DbSettings, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(settings.url.clone());
    options
        .max_connections(connections)
        .acquire_timeout(settings.acquire_timeout)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false);
    options
}

/// Whether a connection that comes back is in no transaction. SQLite ends one by itself where the disk is full or fails; the
/// driver, whose own end of it then fails, takes all that follows for parts of it, and they would never be stored. Such a
/// connection is closed.
async fn is_outside(connection: &mut sqlx::SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // One that was let go of is about to be rolled back; what answers comes after that.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

/// A reader of SQLite for work that nobody used for so long is closed.
const IDLE_READER: Duration = Duration::from_mins(5);

fn sqlite_options(settings: &DbSettings, connections: u32, read_only: bool) -> ConnectOptions {
    let mut options = options(settings, connections);
    let busy_timeout = settings.busy_timeout;
    let synchronous = if settings.durable { "FULL" } else { "NORMAL" };
    options.min_connections(1).idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    options.map_sqlx_sqlite_pool_opts(|pool| pool.after_release(|connection, _| Box::pin(is_outside(connection))));
    options.map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(busy_timeout)
            // Scans write in statements of eight sizes for each table: none of them is prepared twice.
            .statement_cache_capacity(if read_only { 100 } else { 256 })
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", synchronous)
            .pragma("temp_store", "MEMORY")
            .pragma("mmap_size", "67108864")
            // Kibibytes; the writer keeps the pages that a large scan touches.
            .pragma("cache_size", if read_only { "-8192" } else { "-32768" })
            // Pages: a scan writes the same ones with every batch, and each check copies them into the file.
            .pragma("wal_autocheckpoint", "8192")
            .pragma("journal_size_limit", "67108864")
            .pragma("query_only", if read_only { "1" } else { "0" })
            .optimize_on_close(!read_only, None)
    });
    options
}

/// The least id that anything can have that was made at a time or later; times that 48 bits of milliseconds do not hold are as
/// the nearest that they do.
#[must_use]
pub fn first_id(time: entity::view::Timestamp) -> uuid::Uuid {
    uuid::Uuid::from_u128(milliseconds(time) << 80)
}

/// Since 1970, as 48 bits hold it; earlier times are as 1970.
pub(crate) fn milliseconds(time: entity::view::Timestamp) -> u128 {
    u128::try_from(time.timestamp_millis()).unwrap_or(0).min((1 << 48) - 1)
}

/// An id that sorts by the time it was made at.
#[must_use]
pub fn new_id(now: entity::view::Timestamp) -> uuid::Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos()))
}
