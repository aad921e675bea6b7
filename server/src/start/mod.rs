//! The running program: database, repositories, runner and web server, started in order and ended in order.

mod configured_triggers;
mod database;
mod in_force;
mod providers;
mod reload;
mod repositories;
mod signals;
mod state;
mod watch_files;
mod watches;
mod workers;

use std::sync::Arc;

use actions::accounts::{Person, ensure_superuser, make_set_up_link};
use actions::{Actions, secrets};
use anyhow::Context as _;
use auth::seal::Keys;
use store::db::Db;
use store::queue::JobQueue;
use store::workers::remove_worker;
use tokio_util::sync::CancellationToken;
use tracing::{Level, info};
use tracing_subscriber::filter::Targets;
use zeroize::Zeroizing;

pub use database::{connect, migrate};
pub(crate) use database::{lock, make_private};
pub use in_force::InForce;
pub use providers::providers;
pub use reload::{Reloader, Source};
pub(crate) use state::find_keys;
pub use state::{actions, keys, limits, live_state, public_url, state};
pub(crate) use workers::configured_targets;
pub use workers::deps;

use crate::config::Config;
use crate::jobs::{Identity, LiveDeps, Runner};
use crate::telemetry::LogLevel;
use crate::watching::{CloneReader, Secrets, Teller};
use crate::web;

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

/// Somebody has to be the first: whom the environment names, or whoever has the link that only the log and the terminal
/// show. Whoever merely reaches the port has neither.
async fn first_account(config: &Config, actions: &Actions) -> anyhow::Result<()> {
    if let Some(first) = &config.accounts.first_superuser {
        let person = Person {
            email: first.email.clone(),
            full_name: None,
            password: Zeroizing::new(first.password.expose().to_owned()),
        };
        let made = ensure_superuser(actions, person).await;
        let made = made.map_err(|refusal| anyhow::anyhow!("FIRST_SUPERUSER can't be made: {}", refusal.text()))?;
        if made.is_some() {
            info!(email = first.email, "the first account is made");
        }
        return Ok(());
    }
    let link = make_set_up_link(actions).await;
    if let Some(link) = link.map_err(|refusal| anyhow::anyhow!("{}", refusal.text()))? {
        let address = format!("{}/set-up/{}", public_url(config), link.as_str());
        info!("nobody can sign in yet, so nothing can be changed: make the first account at {address}");
        if !logs_info(&config.app.log_level) {
            show_on_terminal(&address);
        }
    }
    Ok(())
}

/// Whether what is only told, as the link for the first account, gets into the log. A filter that is more than levels
/// of modules counts as one that leaves it out: told twice is better than not at all.
fn logs_info(log_level: &str) -> bool {
    log_level.parse::<Targets>().is_ok_and(|targets| targets.would_enable(module_path!(), &Level::INFO))
}

/// Without the link nobody could ever sign in.
#[expect(clippy::print_stderr, reason = "the log leaves it out")]
fn show_on_terminal(address: &str) {
    eprintln!("kubestats: nobody can sign in yet, so nothing can be changed: make the first account at {address}");
}

/// What the previous key sealed is sealed with the current one, so that the previous one can go.
async fn reseal(db: &Db, keys: &Keys) -> anyhow::Result<()> {
    let sealed = secrets::reseal(db, keys).await;
    let sealed = sealed.map_err(|refusal| anyhow::anyhow!("secrets can't be sealed anew: {}", refusal.text()))?;
    if sealed.done > 0 {
        info!(
            secrets = sealed.done,
            "sealed anew with the current key; once all processes have it, the previous one can go"
        );
    }
    if sealed.lost > 0 {
        tracing::warn!(
            secrets = sealed.lost,
            "sealed with a key that is not here: give it as KUBESTATS_SECRET_KEY_PREVIOUS, or enter them anew"
        );
    }
    Ok(())
}

/// Who tells targets of what happened to branches.
#[must_use]
pub fn teller(live: &LiveDeps, keys: &Keys, worker: &str) -> Teller {
    let deps = live.load();
    Teller {
        db: deps.db.clone(),
        queue: deps.queue.clone(),
        live: live.clone(),
        secrets: Secrets::new(&deps.db, keys),
        commits: CloneReader::new(&deps.data_dir),
        worker: worker.to_owned(),
    }
}

/// Serves until the process is told to stop; pages and REST, or for a worker that listens only how it is.
///
/// # Errors
/// If something that the program cannot do without fails at start.
pub async fn run(config: Config, source: Source, log_level: LogLevel, role: Role, listens: bool) -> anyhow::Result<()> {
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
    let limits = limits(&config.server)?;
    let listener = match listens {
        false => None,
        true => Some(tokio::net::TcpListener::bind(config.app.listen).await.with_context(|| {
            format!("{} cannot be listened on; app.listen sets another address", config.app.listen)
        })?),
    };
    let metrics_at = config.server.metrics.listen.filter(|_| config.server.metrics.enabled);
    let metrics =
        match metrics_at {
            None => None,
            Some(address) => Some(tokio::net::TcpListener::bind(address).await.with_context(|| {
                format!("{address} cannot be listened on; server.metrics.listen sets another address")
            })?),
        };
    let db = connect(&config).await?;
    let queue = JobQueue::new(db.clone());
    let keys = keys(&config)?;
    let providers = providers(&config)?;
    let live = LiveDeps::from(deps(&config, &db, &queue, Some(&keys))?);
    database::prepare(&config, &db, &queue, &keys).await?;
    reseal(&db, &keys).await?;
    if let Some(warning) = config.mail.as_ref().and_then(|mail| mail.smtp.warning()) {
        tracing::warn!("{warning}");
    }
    if role != Role::Worker {
        first_account(&config, &actions(&config, &db, &queue, keys.clone(), Arc::default())).await?;
    }

    let stop = CancellationToken::new();
    info!(worker = identity.worker, role = role.as_str(), "started");
    let (worker, name) = (identity.worker.clone(), identity.name());
    let telling = match role {
        Role::Web => None,
        Role::Worker | Role::All => Some(tokio::spawn(teller(&live, &keys, &worker).run(stop.clone()))),
    };
    let working = match role {
        Role::Web => tokio::spawn(identity.show(live.clone(), stop.clone())),
        Role::Worker | Role::All => tokio::spawn(Runner::new(live.clone(), identity).run(stop.clone())),
    };
    let wire = tokio::spawn({
        let queue = queue.clone();
        async move { queue.wire().await }
    });
    tokio::spawn(signals::stop_on_signal(stop.clone()));
    let in_force = InForce::new(config);
    let reloader = Reloader::new(source, in_force.clone(), live, (&db, &queue, &keys), log_level, name);
    tokio::spawn(signals::reload_on_signal(Arc::clone(&reloader), stop.clone()));
    tokio::spawn(watch_files::watch(Arc::clone(&reloader), stop.clone()));
    let state = live_state(&in_force, Some(&reloader), (&db, &queue, &keys), providers, &stop);
    let following = tokio::spawn({
        let db = db.clone();
        async move { db.follow_replicas().await }
    });
    let scraped = match metrics {
        None => None,
        Some(listener) => {
            info!("serving figures at {}/metrics", listener.local_addr()?);
            Some(tokio::spawn(web::serve_metrics(listener, state.clone(), limits.clone(), stop.clone())))
        }
    };
    let served = match listener {
        Some(listener) => {
            let scheme = if limits.tls.is_some() { "https" } else { "http" };
            info!("serving {scheme}://{}", listener.local_addr()?);
            match role {
                Role::Worker => web::serve_health(listener, state, limits, stop.clone()).await,
                Role::Web | Role::All => web::serve(listener, state, limits, stop.clone()).await,
            }
        }
        None => {
            stop.cancelled().await;
            Ok(())
        }
    };
    stop.cancel();
    if let Some(scraped) = scraped
        && let Err(error) = scraped.await?
    {
        tracing::warn!(%error, "the figures were not served to the end");
    }
    working.await?;
    if let Some(telling) = telling {
        telling.await?;
    }
    if let Err(error) = remove_worker(&db.write, &worker).await {
        tracing::warn!(%error, "this worker could not sign off; it will be shown as vanished");
    }
    following.abort();
    wire.abort();
    let _ = wire.await;
    db.close().await?;
    Ok(served?)
}

#[cfg(test)]
mod tests {
    use super::logs_info;

    #[test]
    fn the_first_link_is_shown_on_the_terminal_where_the_log_leaves_it_out() {
        for level in ["info", "INFO", "debug", "trace", "warn,server=info", "off,server::start=debug"] {
            assert!(logs_info(level), "{level}");
        }
        for level in ["warn", "error", "off", "server=warn", "info,server::start=error", "warn,[request]=info"] {
            assert!(!logs_info(level), "{level}");
        }
    }
}
