//! The running program: database, repositories, runner and web server, started in order and ended in order.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use app::context::{AddRepositories, ReadCommit, ServerContext};
use entity::db::{Db, DbSettings};
use entity::found::FoundRepository;
use entity::kind::{JobRequest, Origin, Priority, RequestedBy};
use entity::query::repositories::SyncTarget;
use entity::query::{discovery, repositories, workers};
use entity::queue::JobQueue;
use entity::view::DiscoverySettings;
use leptos::config::LeptosOptions;
use migration::{Migrator, MigratorTrait as _};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::adding::Adding;
use crate::config::{Config, ForgeConfig, RepositoryConfig, ServerConfig};
use crate::forges::Forges;
use crate::jobs::{Deps, Identity, Runner, clone_dir, schedule};
use crate::replay::BatchLimits;
use crate::state::AppState;
use crate::web::assets::Site;
use crate::web::hosts::AllowedHosts;
use crate::web::listen::{Bounds, Limits, Patience};
use crate::web::stream::Seats;
use crate::{clock, replay, samples, web};

/// Connects to the configured database, its directory made if need be.
///
/// # Errors
/// If the directory or the database cannot be had.
pub async fn connect(config: &Config) -> anyhow::Result<Db> {
    if config.storage.engine == "sqlite"
        && let Some(folder) = config.sqlite_path().parent()
    {
        make_private(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let mut settings = DbSettings::new(config.database_url().expose());
    settings.max_connections = config.storage.max_connections;
    Db::connect(&settings).await.context("the database cannot be opened")
}

/// Which half of the program a process plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Pages and REST only
    Web,
    /// Jobs only; its health is told where --listen says, else nothing is listened on
    Worker,
    /// Both
    #[default]
    All,
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Worker => "worker",
            Self::All => "all",
        }
    }
}

/// Serves until the process is told to stop; pages and REST, or for a worker that listens only how it is.
///
/// # Errors
/// If something that the program cannot do without fails at start.
pub async fn run(config: Config, role: Role, listens: bool) -> anyhow::Result<()> {
    // A SQLite file and its clones belong to one process; PostgreSQL spreads the work over many.
    let shares_work = config.storage.engine == "postgres";
    anyhow::ensure!(
        shares_work || role == Role::All,
        "--role {} needs PostgreSQL (storage.type: postgres): a SQLite database is for one process that plays both roles",
        role.as_str()
    );
    web::listen::raise_open_files();
    let _lock = if shares_work { None } else { Some(lock(&config.app.data_dir)?) };
    let identity = Identity::take(&config.app.data_dir, role.as_str())
        .with_context(|| format!("app.data_dir {} cannot be used", config.app.data_dir.display()))?;
    let listener = match listens {
        false => None,
        true => Some(tokio::net::TcpListener::bind(config.app.listen).await.with_context(|| {
            format!("{} cannot be listened on; app.listen sets another address", config.app.listen)
        })?),
    };
    let db = connect(&config).await?;
    let queue = JobQueue::new(db.clone());
    let deps = deps(&config, &db, &queue);
    {
        // Processes that start at the same time prepare the database one after the other.
        let turn = db.take_turn().await?;
        Migrator::up(&db.write, None).await.context("the database schema cannot be brought up to date")?;
        repositories::reset_interrupted(&db.write).await?;
        schedule::store(&db, &config.schedules, config.app.time_zone, clock::now()).await?;
        pin(&config, &db, &queue).await?;
        drop(turn);
    }

    let stop = CancellationToken::new();
    info!(worker = identity.worker, role = role.as_str(), "started");
    let worker = identity.worker.clone();
    let working = match role {
        Role::Web => tokio::spawn(identity.show(deps, stop.clone())),
        Role::Worker | Role::All => tokio::spawn(Runner::new(deps, identity).run(stop.clone())),
    };
    let wire = tokio::spawn({
        let queue = queue.clone();
        async move { queue.wire().await }
    });
    tokio::spawn(stop_on_signal(stop.clone()));
    let served = match listener {
        Some(listener) => {
            info!("serving http://{}", listener.local_addr()?);
            let state = state(&config, &db, &queue, &stop);
            match role {
                Role::Worker => web::serve_health(listener, state, limits(&config.server), stop.clone()).await,
                Role::Web | Role::All => web::serve(listener, state, limits(&config.server), stop.clone()).await,
            }
        }
        None => {
            stop.cancelled().await;
            Ok(())
        }
    };
    stop.cancel();
    working.await?;
    if let Err(error) = workers::remove_worker(&db.write, &worker).await {
        tracing::warn!(%error, "this worker could not sign off; it will be shown as vanished");
    }
    wire.abort();
    let _ = wire.await;
    db.close().await?;
    Ok(served?)
}

/// What every request may use.
#[must_use]
pub fn state(config: &Config, db: &Db, queue: &JobQueue, stop: &CancellationToken) -> AppState {
    let compare = Arc::new(|old: &str, new: &str| replay::compare(old, new));
    let adding = Arc::new(Adding::new(config, db, queue));
    let add: AddRepositories = Arc::new(move |urls, requested_by| {
        let adding = Arc::clone(&adding);
        Box::pin(async move { adding.add(&urls, requested_by).await })
    });
    AppState {
        db: db.clone(),
        queue: queue.clone(),
        context: ServerContext {
            db: db.clone(),
            queue: queue.clone(),
            compare,
            add,
            read_commit: commit_reader(config.app.data_dir.clone()),
            discovery: Arc::new(discovery_settings(config)),
        },
        leptos: LeptosOptions::builder().output_name("kubestats").build(),
        site: Arc::new(Site::open(std::env::var_os("KUBESTATS_SITE_DIR").map(Into::into))),
        hosts: Arc::new(AllowedHosts::new(config.app.listen, &config.app.allowed_hosts)),
        seats: Seats::default(),
        shutdown: stop.clone(),
    }
}

/// Reads commits from clones, a few at a time: the line of a long history takes a moment to walk.
fn commit_reader(data_dir: PathBuf) -> ReadCommit {
    const AT_ONCE: usize = 2;
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    Arc::new(move |repository, sha| {
        let (turns, clone, sha) = (Arc::clone(&turns), clone_dir(&data_dir, repository.id), sha.to_owned());
        let (head, scanned) = (repository.head_commit.clone(), repository.scanned_commit.clone());
        Box::pin(async move {
            let _turn = turns.acquire().await.ok()?;
            let read = move || replay::read_commit(&clone, &sha, head.as_deref(), scanned.as_deref());
            tokio::task::spawn_blocking(read).await.ok().flatten()
        })
    })
}

/// What connections may take.
#[must_use]
pub fn limits(config: &ServerConfig) -> Limits {
    Limits {
        bounds: Bounds { in_all: config.max_connections, per_address: config.max_connections_per_address },
        patience: Patience { head: config.header_timeout, idle: config.idle_timeout, stall: config.stall_timeout },
    }
}

/// What people are told of discovery's configuration.
#[must_use]
pub fn discovery_settings(config: &Config) -> DiscoverySettings {
    let discovery = &config.discovery;
    DiscoverySettings {
        enabled: discovery.is_on(),
        topics: discovery.topics.clone(),
        queries: discovery.queries.clone(),
        hosts: config.forges.iter().filter(|forge| forge.search).map(ForgeConfig::host).collect(),
        max_age_days: i64::try_from(discovery.max_age.as_secs() / 86_400).unwrap_or(i64::MAX),
        max_repository_size_mb: i64::try_from(config.scan.max_repository_size_mb).unwrap_or(i64::MAX),
        archived: discovery.archived,
        forks: discovery.forks,
        block: discovery.block.clone(),
    }
}

/// What job handlers work with.
#[must_use]
pub fn deps(config: &Config, db: &Db, queue: &JobQueue) -> Deps {
    let token = |repository: &RepositoryConfig| Some((repository.url.clone(), repository.token.clone()?));
    Deps {
        db: db.clone(),
        queue: queue.clone(),
        scan: config.scan.clone(),
        mask: config.security.mask_rules(),
        polling: config.polling.clone(),
        schedules: config.schedules.clone(),
        time_zone: config.app.time_zone,
        max_disk_bytes: config.app.max_disk_mb.map(|megabytes| megabytes * 1_000_000),
        shares_work: config.storage.engine == "postgres",
        data_dir: config.app.data_dir.clone(),
        tokens: Arc::new(config.repositories.iter().filter_map(token).collect::<HashMap<_, _>>()),
        allow_local: config.security.allow_local_repositories,
        discovery: config.discovery.clone(),
        forges: Arc::new(Forges::new(config, db)),
        batches: BatchLimits::default(),
    }
}

/// Brings the configured repositories and the samples into the database and asks for their first sync.
async fn pin(config: &Config, db: &Db, queue: &JobQueue) -> anyhow::Result<()> {
    let now = clock::now();
    let configured: Vec<FoundRepository> = config.repositories.iter().map(found).collect();
    let mut samples = match config.shows_samples() {
        true => samples::write_all(&config.app.data_dir)?,
        false => Vec::new(),
    };
    // Every machine has the samples in a place of its own; they are the same repositories wherever they lie.
    let known = repositories::list_sync_targets(&db.read).await?;
    for sample in &mut samples {
        let same = |known: &&SyncTarget| known.origin == Origin::Sample && known.full_name == sample.full_name;
        if let Some(known) = known.iter().find(same) {
            sample.url.clone_from(&known.url);
        }
    }
    if !samples.is_empty() && config.app.samples != "always" {
        // Who deleted a sample does not want it back with the next start, unless the configuration says so.
        let deleted = discovery::list_tombstones(&db.read).await?;
        let is_deleted = |name: &str| deleted.iter().any(|stone| stone.is_local() && stone.full_name == name);
        samples.retain(|sample| !is_deleted(&sample.full_name));
    }
    // What was taken from files by other rules may show what these mask.
    let format = replay::scan_format(&config.security.mask_rules());
    let outdated = known.iter().filter(|known| known.enabled && known.scanned.is_some() && known.scan_format != format);
    let scans: Vec<JobRequest> = outdated.map(|known| JobRequest::ScanRepository { repository_id: known.id }).collect();
    let txn = db.begin().await?;
    for request in &scans {
        queue.enqueue_in(&txn, request, RequestedBy::Start, Priority::FOLLOW_UP, now).await?;
    }
    for (origin, wanted) in [(Origin::Config, &configured), (Origin::Sample, &samples)] {
        let urls: Vec<String> = wanted.iter().map(|repository| repository.url.clone()).collect();
        match origin {
            Origin::Sample => drop(repositories::remove_missing(&txn, origin, &urls).await?),
            _ => drop(repositories::disable_missing(&txn, origin, &urls).await?),
        }
        for (id, _) in repositories::upsert_repositories(&txn, wanted, now).await? {
            let request = JobRequest::SyncRepository { repository_id: id };
            queue.enqueue_in(&txn, &request, RequestedBy::Start, Priority::ROUTINE, now).await?;
        }
    }
    txn.commit().await.map_err(entity::db::DataError::from)?;
    info!(configured = configured.len(), samples = samples.len(), "repositories pinned");
    Ok(())
}

fn found(repository: &RepositoryConfig) -> FoundRepository {
    let (owner, name) = repository.name.rsplit_once('/').unwrap_or(("", &repository.name));
    let is_web = repository.url.starts_with("https://") || repository.url.starts_with("http://");
    FoundRepository {
        url: repository.url.clone(),
        owner: owner.to_owned(),
        name: name.to_owned(),
        full_name: repository.name.clone(),
        description: None,
        provider: repository.provider,
        origin: Origin::Config,
        web_url: is_web.then(|| repository.url.trim_end_matches('/').trim_end_matches(".git").to_owned()),
        enabled: repository.enabled,
        branch_regex: repository.branch_regex.clone(),
        polling_interval_seconds: repository
            .polling_interval
            .and_then(|interval| i64::try_from(interval.as_secs()).ok()),
        topics: Vec::new(),
    }
}

/// A directory, if there is none yet, that is nobody else's to read: private repositories lie in it.
fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Two programs on one data directory would fetch into the same clones.
fn lock(data_dir: &Path) -> anyhow::Result<File> {
    let context = || format!("app.data_dir {} cannot be used", data_dir.display());
    make_private(data_dir).with_context(context)?;
    let file = File::create(data_dir.join("kubestats.lock")).with_context(context)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => anyhow::bail!("{}: another kubestats is running on it", context()),
        Err(std::fs::TryLockError::Error(error)) => Err(error).with_context(context),
    }
}

/// Ends on Ctrl-C or SIGTERM; a second signal ends the process at once.
async fn stop_on_signal(stop: CancellationToken) {
    signal().await;
    info!("stopping; once more to stop at once");
    stop.cancel();
    tokio::spawn(async {
        signal().await;
        std::process::exit(130);
    });
}

async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::make_private;

    #[test]
    fn data_is_nobody_elses_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/data");
        make_private(&data).unwrap();
        assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
        // One that is there stays as somebody made it.
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o750)).unwrap();
        make_private(&data).unwrap();
        assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o750);
    }
}
