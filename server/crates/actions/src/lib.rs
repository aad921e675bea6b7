//! What people and programs may ask for: one function for each, whatever the door it is asked at.
//!
//! A page, a REST handler, a command and a schedule call the same function with the [`Actor`] that asks, and only translate
//! its answer: what was done, or the [`Refusal`]. Whether somebody may, whether it fits the state of things, and what job
//! follows is decided here and nowhere else.

pub mod access;
pub mod accounts;
mod actor;
mod adding;
mod audit;
mod configuration;
mod discovery;
pub mod forges;
mod job;
pub mod mail;
mod refusal;
mod refused;
mod repository;
mod schedule;
pub mod secrets;
mod statistics;
pub mod triggers;
pub mod watch;

use std::net::IpAddr;
use std::sync::Arc;

use auth::password::Passwords;
use auth::seal::Keys;
use entity::kind::{AuditAction, JobRequest, Priority};
use entity::view::Timestamp;
use store::db::{DataError, Db, Transaction};
use store::queue::JobQueue;
use uuid::Uuid;

pub use actor::{Actor, Door};
pub use adding::{MAX_ADDED, NotUsable, ReadAddress, add};
pub use configuration::{Configuration, Soon, check_configuration, list_reloads, reload_configuration};
pub use discovery::discover;
pub use job::cancel;
pub use refusal::Refusal;
pub use refused::tell_refused;
pub use repository::{Done, act, may_delete, scan, sync, sync_all};
pub use schedule::trigger;
pub use statistics::aggregate;

/// What came of asking.
pub type Result<T> = std::result::Result<T, Refusal>;

/// What actions work with; cheap to clone.
#[derive(Clone)]
pub struct Actions {
    db: Db,
    queue: JobQueue,
    outside: Arc<Outside>,
    /// The configuration, in a process that reads it again while it runs.
    configuration: Option<Arc<dyn Configuration>>,
    /// What was refused lately, so that the log of it is bounded.
    refused: Arc<refused::Refused>,
    /// Reads commits from clones, in processes that have them.
    reader: Option<Arc<dyn triggers::CommitReader>>,
    dry_runs: Arc<tokio::sync::Semaphore>,
}

/// So many dry runs of triggers go on at the same time.
const DRY_RUNS: usize = 2;

/// Whether somebody may try to prove who they are.
pub type Tries = Arc<dyn Fn(Option<IpAddr>, &str) -> std::result::Result<(), u32> + Send + Sync>;

/// Whether an address and an e-mail address belong together.
pub type Knows = Arc<dyn Fn(IpAddr, &str) -> bool + Send + Sync>;

/// What actions need to be told, as they know neither configuration nor network.
pub struct Outside {
    /// What time it is.
    pub now: fn() -> Timestamp,
    /// Whether forges are searched; a reload may change it, and the next as well.
    pub discovery_is_on: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Reads and checks an address that somebody wants to add.
    pub read_address: ReadAddress,
    /// Hashes passwords, two at a time.
    pub passwords: Passwords,
    /// Whether somebody may try a password now, by where they ask from and whose it is; else in how many seconds.
    pub tries: Tries,
    /// Whether somebody came in from there with that e-mail address before.
    pub knows: Knows,
    /// Seals what is kept secret.
    pub keys: Keys,
    /// Whether there is a server that mails go to.
    pub sends_mail: bool,
    /// Forges of the configuration.
    pub forges: Arc<dyn Fn() -> Vec<forges::KnownForge> + Send + Sync>,
    /// Asks a forge what it thinks of a token.
    pub try_token: forges::TryToken,
    /// Whether a repository's own token and the API that is named for it may be talked to there.
    pub check_access: access::CheckAccess,
}

impl Actions {
    /// Over this database and queue.
    #[must_use]
    pub fn new(db: Db, queue: JobQueue, outside: Outside) -> Self {
        let dry_runs = Arc::new(tokio::sync::Semaphore::new(DRY_RUNS));
        let refused = Arc::default();
        Self { db, queue, outside: Arc::new(outside), configuration: None, refused, reader: None, dry_runs }
    }

    /// The same with clones at hand.
    #[must_use]
    pub fn with_reader(self, reader: Arc<dyn triggers::CommitReader>) -> Self {
        Self { reader: Some(reader), ..self }
    }

    /// The same, by which the configuration can be read again.
    #[must_use]
    pub fn with_configuration(self, configuration: Arc<dyn Configuration>) -> Self {
        Self { configuration: Some(configuration), ..self }
    }

    /// How many passwords this process hashed or compared so far.
    #[must_use]
    pub fn password_hashes(&self) -> u64 {
        self.outside.passwords.hashes()
    }

    /// Asks for a job, and tells that somebody did, in one transaction. One that waits already serves for both who asked.
    async fn ask(
        &self,
        actor: &Actor,
        action: AuditAction,
        object: audit::Object,
        request: &JobRequest,
    ) -> Result<Uuid> {
        let txn = self.db.begin().await?;
        let job = self.ask_in(&txn, actor, action, object, request).await?;
        self.settle(txn, job).await
    }

    /// The same in a transaction in which more is done; [`Actions::settle`] ends it.
    async fn ask_in(
        &self,
        txn: &Transaction,
        actor: &Actor,
        action: AuditAction,
        object: audit::Object,
        request: &JobRequest,
    ) -> Result<Uuid> {
        let job = self.queue.enqueue_in(txn, request, actor.requested_by(), Priority::CLICK, self.now()).await?;
        self.tell(txn, actor, action, object, audit::Change::NONE).await?;
        Ok(job)
    }

    /// Commits what a job was asked for in, and wakes a worker.
    async fn settle(&self, txn: Transaction, job: Uuid) -> Result<Uuid> {
        txn.commit().await.map_err(DataError::from)?;
        self.queue.announce(&[job]).await;
        Ok(job)
    }

    fn now(&self) -> Timestamp {
        (self.outside.now)()
    }
}
