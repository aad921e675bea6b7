//! Reading the configuration again: checked as a whole, then put in force together, or not at all.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use actions::{Configuration, Soon};
use auth::seal::Keys;
use entity::credential::without_credentials;
use entity::kind::{ReloadCause, ReloadOutcome};
use entity::view::{ConfigCheck, ConfigProblem, ConfigReload, Live};
use store::db::{DataError, Db};
use store::queue::JobQueue;
use store::reloads::record_reload;
use tokio::sync::Mutex;
use tracing::{error, info, warn};

use super::InForce;
use super::database::wait_for_others;
use super::repositories::{Occasion, pin};
use super::workers::deps;
use crate::clock;
use crate::config::{self, Config, DEFAULT_FILE, Environment, Reloaded};
use crate::jobs::{LiveDeps, ProcessName};
use crate::telemetry::LogLevel;

/// So many reloads wait to be kept while the database can't be written.
const UNKEPT: usize = 20;
/// Nobody waits longer for that.
const KEEP_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);
/// How long others may keep the database busy.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

/// Where the configuration came from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// As named at the start; `kubestats.yaml` where nothing was.
    pub file: Option<PathBuf>,
    pub environment: Environment,
    /// In place of `app.listen`.
    pub listen: Option<SocketAddr>,
}

impl Source {
    fn read(&self) -> Result<Config, Refused> {
        let mut config =
            config::load(self.file.as_deref(), self.environment.clone()).map_err(|errors| Refused(errors.0))?;
        config.app.listen = self.listen.unwrap_or(config.app.listen);
        Ok(config)
    }
}

/// Reads the configuration of this process again.
pub struct Reloader {
    source: Source,
    in_force: InForce,
    live: LiveDeps,
    db: Db,
    queue: JobQueue,
    keys: Keys,
    log_level: LogLevel,
    /// Who this is among the processes that share the database.
    name: ProcessName,
    /// One at a time.
    turn: Mutex<()>,
    /// What could not be kept yet, the oldest first.
    unkept: Mutex<VecDeque<ConfigReload>>,
    /// Whether the last one failed for a reason that may pass.
    hindered: AtomicBool,
}

/// Why nothing is changed.
struct Refused(Vec<ConfigProblem>);

impl Reloader {
    /// Over the parts that change.
    #[must_use]
    pub fn new(
        source: Source,
        in_force: InForce,
        live: LiveDeps,
        (db, queue, keys): (&Db, &JobQueue, &Keys),
        log_level: LogLevel,
        name: ProcessName,
    ) -> Arc<Self> {
        Arc::new(Self {
            source,
            in_force,
            live,
            db: db.clone(),
            queue: queue.clone(),
            keys: keys.clone(),
            log_level,
            name,
            turn: Mutex::default(),
            unkept: Mutex::default(),
            hindered: AtomicBool::new(false),
        })
    }

    /// The files whose change calls for a reload.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.in_force.get().files.clone()
    }

    /// Whether the files say something else than is in force and could be, or are others.
    pub(super) async fn is_behind(&self) -> bool {
        let (source, in_force) = (self.source.clone(), self.in_force.get());
        let read = move || {
            let new = source.read();
            new.map_or(true, |new| new.files != in_force.files || !in_force.reloaded(new).applied.is_empty())
        };
        tokio::task::spawn_blocking(read).await.unwrap_or(false)
    }

    /// Reads it again. Goes on to its end, whoever stops waiting for it.
    pub async fn run(self: &Arc<Self>, cause: ReloadCause, asked_by: Option<String>) -> ConfigReload {
        let reloader = Arc::clone(self);
        let work = tokio::spawn(async move {
            let _turn = reloader.turn.lock().await;
            let found = reloader.try_reload().await;
            reloader.record(cause, asked_by, found).await
        });
        match work.await {
            Ok(reload) => reload,
            Err(error) => {
                error!(%error, "reading the configuration again ended in its middle");
                let message = "ended in its middle; the program's log has the details".to_owned();
                self.record(cause, None, Err(Refused(vec![self.problem(message)]))).await
            }
        }
    }

    /// Whether what the files say could not be brought in, although nothing is wrong with it.
    pub(super) fn was_hindered(&self) -> bool {
        self.hindered.load(Ordering::Relaxed)
    }

    async fn try_reload(&self) -> Result<Reloaded, Refused> {
        self.hindered.store(false, Ordering::Relaxed);
        let source = self.source.clone();
        let read = tokio::task::spawn_blocking(move || source.read());
        let new = read.await.map_err(|error| self.refused(error.to_string()))??;
        let reloaded = self.in_force.get().reloaded(new);
        if reloaded.applied.is_empty() {
            // Other files may say the same; they are the ones to follow now.
            self.in_force.replace(reloaded.config.clone());
        } else {
            self.apply(&reloaded.config).await.map_err(|error| {
                self.hindered.store(true, Ordering::Relaxed);
                self.refused(format!("{error:#}"))
            })?;
        }
        Ok(reloaded)
    }

    /// What may fail comes first; the database is changed in one transaction, and all else after it.
    async fn apply(&self, config: &Config) -> anyhow::Result<()> {
        let deps = deps(config, &self.db, &self.queue, Some(&self.keys))?;
        let began = Instant::now();
        while let Err(error) = self.pin(config).await {
            wait_for_others(error, began, PATIENCE).await?;
        }
        self.live.replace(deps);
        self.in_force.replace(config.clone());
        if let Err(error) = self.log_level.set(&config.app.log_level) {
            warn!(error, "app.log_level stays as it was");
        }
        self.queue.ring();
        Ok(())
    }

    async fn pin(&self, config: &Config) -> anyhow::Result<()> {
        let _turn = self.db.take_turn().await?;
        pin(config, &self.db, &self.queue, &self.keys, Occasion::Reload).await
    }

    fn refused(&self, message: String) -> Refused {
        // It goes to others than those who wrote the file.
        Refused(vec![self.problem(without_credentials(&message).into_owned())])
    }

    fn problem(&self, message: String) -> ConfigProblem {
        ConfigProblem { file: self.main_file().display().to_string(), line: None, key: String::new(), message }
    }

    fn main_file(&self) -> PathBuf {
        self.source.file.clone().unwrap_or_else(|| DEFAULT_FILE.into())
    }

    /// Logs what came of it, and keeps it where every process tells of it.
    async fn record(
        &self,
        cause: ReloadCause,
        asked_by: Option<String>,
        found: Result<Reloaded, Refused>,
    ) -> ConfigReload {
        let mut reload = ConfigReload {
            at: clock::now(),
            worker: self.name.worker.clone(),
            host: self.name.host.clone(),
            cause,
            asked_by,
            outcome: ReloadOutcome::Refused,
            applied: Vec::new(),
            needs_restart: Vec::new(),
            error_count: 0,
            errors: Vec::new(),
        };
        match found {
            Ok(Reloaded { applied, needs_restart, .. }) => {
                let is_changed = !applied.is_empty();
                reload.outcome = if is_changed { ReloadOutcome::Applied } else { ReloadOutcome::Unchanged };
                (reload.applied, reload.needs_restart) = (applied, needs_restart);
            }
            Err(Refused(errors)) => {
                reload.error_count = u32::try_from(errors.len()).unwrap_or(u32::MAX);
                reload.errors = errors;
            }
        }
        log(&reload);
        self.keep(reload.clone()).await;
        reload
    }

    /// Keeps it, and what could not be kept before it.
    async fn keep(&self, reload: ConfigReload) {
        let mut unkept = self.unkept.lock().await;
        unkept.push_back(reload);
        if unkept.len() > UNKEPT {
            unkept.pop_front();
        }
        self.try_to_keep(&mut unkept).await;
    }

    /// Keeps what could not be kept so far, as the database was away or busy.
    pub(super) async fn keep_rest(&self) {
        let mut unkept = self.unkept.lock().await;
        if !unkept.is_empty() {
            self.try_to_keep(&mut unkept).await;
        }
    }

    async fn try_to_keep(&self, unkept: &mut VecDeque<ConfigReload>) {
        let kept = tokio::time::timeout(KEEP_WITHIN, keep_all(&self.db, unkept)).await;
        match kept {
            Ok(Ok(())) => {
                unkept.clear();
                // Open pages of all processes, each of which may have been told alone.
                self.queue.bus().send(Live::Reload);
            }
            Ok(Err(error)) => warn!(%error, "what came of reading the configuration again is kept later"),
            Err(_) => {
                warn!("the database does not answer: what came of reading the configuration again is kept later");
            }
        }
    }
}

async fn keep_all(db: &Db, reloads: &VecDeque<ConfigReload>) -> Result<(), DataError> {
    let txn = db.begin().await?;
    for reload in reloads {
        record_reload(&txn, reload).await?;
    }
    txn.commit().await?;
    Ok(())
}

fn log(reload: &ConfigReload) {
    let cause = reload.cause.as_str();
    match reload.outcome {
        ReloadOutcome::Applied => info!(cause, applied = reload.applied.join(", "), "the configuration is read again"),
        ReloadOutcome::Unchanged => info!(cause, "the configuration is read again; nothing changed"),
        ReloadOutcome::Refused => {
            let errors = reload.error_count;
            error!(cause, errors, "the configuration is refused, and the one before stays in force");
            for problem in &reload.errors {
                error!("{problem}");
            }
        }
    }
    if !reload.needs_restart.is_empty() {
        warn!(keys = reload.needs_restart.join(", "), "what the configuration says here needs a restart");
    }
}

/// What actions see of it.
pub(super) struct Handle(pub(super) Arc<Reloader>);

impl Configuration for Handle {
    fn reload(&self, asked_by: String) -> Soon<'_, ConfigReload> {
        Box::pin(async move { self.0.run(ReloadCause::Request, Some(asked_by)).await })
    }

    fn check(&self, text: String) -> Soon<'_, ConfigCheck> {
        Box::pin(async move {
            let (path, known) = (self.0.main_file(), self.0.files());
            let environment = self.0.source.environment.clone();
            let work = tokio::task::spawn_blocking(move || config::check(&path, &text, environment, &known));
            let errors = work.await.unwrap_or_else(|error| vec![self.0.problem(error.to_string())]);
            ConfigCheck { is_valid: errors.is_empty(), errors }
        })
    }
}
