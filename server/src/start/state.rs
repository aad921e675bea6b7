//! What requests and connections are served with.

use std::path::PathBuf;
use std::sync::Arc;

use actions::{Actions, Outside};
use app::context::{ReadCommit, ServerContext};
use entity::view::DiscoverySettings;
use leptos::config::LeptosOptions;
use store::db::Db;
use store::queue::JobQueue;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::adding::Adding;
use crate::config::{Config, ForgeConfig, ServerConfig};
use crate::jobs::clone_dir;
use crate::state::AppState;
use crate::web::assets::Site;
use crate::web::client_address::TrustedProxies;
use crate::web::health::LastLook;
use crate::web::hosts::AllowedHosts;
use crate::web::listen::{Bounds, Limits, Patience, Tls, TlsError};
use crate::web::metrics::{Access, Metrics};
use crate::web::rate_limits::RateLimits;
use crate::web::seats::Seats;
use crate::{clock, replay};

/// What every request may use.
#[must_use]
pub fn state(config: &Config, db: &Db, queue: &JobQueue, stop: &CancellationToken) -> AppState {
    let compare = Arc::new(|old: &str, new: &str| replay::compare(old, new));
    let adding = Arc::new(Adding::new(config));
    let outside = Outside {
        now: clock::now,
        discovery_is_on: config.discovery.is_on(),
        read_address: Arc::new(move |text| {
            let adding = Arc::clone(&adding);
            Box::pin(async move { adding.read(&text).await })
        }),
    };
    let actions = Actions::new(db.clone(), queue.clone(), outside);
    AppState {
        db: db.clone(),
        queue: queue.clone(),
        actions: actions.clone(),
        context: ServerContext {
            db: db.clone(),
            actions,
            compare,
            read_commit: commit_reader(config.app.data_dir.clone()),
            discovery: Arc::new(discovery_settings(config)),
        },
        leptos: LeptosOptions::builder().output_name("kubestats").build(),
        site: Arc::new(Site::open(std::env::var_os("KUBESTATS_SITE_DIR").map(Into::into))),
        hosts: Arc::new(AllowedHosts::new(config.app.listen, &config.app.allowed_hosts)),
        rate_limits: rate_limits(config),
        login_limits: Arc::default(),
        metrics: Metrics::default(),
        metrics_access: metrics_access(config),
        last_look: LastLook::default(),
        data_dir: config.app.data_dir.as_path().into(),
        proxies: TrustedProxies::new(&config.server.trusted_proxies),
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

/// Whether nobody but this machine can ask.
fn is_local(config: &Config) -> bool {
    config.app.listen.ip().to_canonical().is_loopback() && config.server.trusted_proxies.is_empty()
}

fn rate_limits(config: &Config) -> RateLimits {
    let limits = &config.server.rate_limits;
    match limits.enabled {
        "false" => RateLimits::off(),
        "auto" if is_local(config) => RateLimits::off(),
        _ => RateLimits::per_hour(limits.anonymous_per_hour, limits.signed_in_per_hour),
    }
}

/// Strangers read no figures: they are for who has the token, for an address of their own, or for this machine.
fn metrics_access(config: &Config) -> Access {
    let metrics = &config.server.metrics;
    let is_guarded = metrics.token.is_some() || is_local(config);
    Access {
        among_pages: metrics.enabled && metrics.listen.is_none() && is_guarded,
        token: metrics.token.as_ref().map(|token| token.expose().into()),
    }
}

/// What connections may take, and what encrypts them.
///
/// # Errors
/// If the certificate cannot be used.
pub fn limits(config: &ServerConfig) -> Result<Limits, TlsError> {
    let tls = config.tls.as_ref().map(|tls| Tls::open(&tls.cert, &tls.key)).transpose()?;
    Ok(Limits {
        bounds: Bounds { in_all: config.max_connections, per_address: config.max_connections_per_address },
        patience: Patience { head: config.header_timeout, idle: config.idle_timeout, stall: config.stall_timeout },
        proxies: TrustedProxies::new(&config.trusted_proxies),
        tls: tls.map(Arc::new),
    })
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
