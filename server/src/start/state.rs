//! What requests and connections are served with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actions::forges::KnownForge;
use actions::{Actions, Outside};
use app::context::{ReadCommit, ReadPushes, ServerContext};
use auth::password::Passwords;
use auth::seal::{KeyError, Keys};
use entity::kind::TokenSource;
use entity::view::DiscoverySettings;
use leptos::config::LeptosOptions;
use store::db::Db;
use store::queue::JobQueue;
use tokio_util::sync::CancellationToken;

use super::InForce;
use super::reload::{Handle, Reloader};
use crate::adding::Adding;
use crate::config::{Config, ForgeConfig, Secret, ServerConfig};
use crate::forges::{Forges, check_access};
use crate::jobs::clone_dir;
use crate::state::{AppState, Handles};
use crate::turns::Turns;
use crate::watching::{CloneReader, Hooks, Polling, Runs, Secrets};
use crate::web::api::needs;
use crate::web::assets::Site;
use crate::web::client_address::TrustedProxies;
use crate::web::health::LastLook;
use crate::web::hosts::AllowedHosts;
use crate::web::identity::{Identity, Settings};
use crate::web::listen::{Bounds, Limits, Patience, Tls, TlsError};
use crate::web::metrics::{Access, Metrics};
use crate::web::rate_limits::{LoginLimits, RateLimits, RetryAfter};
use crate::web::seats::Seats;
use crate::web::sign_in::providers::{Provider, Providers};
use crate::{clock, replay};

/// What people and programs may ask for.
#[must_use]
pub fn actions(config: &Config, db: &Db, queue: &JobQueue, keys: Keys, logins: Arc<LoginLimits>) -> Actions {
    live_actions(&InForce::new(config.clone()), db, queue, keys, logins)
}

/// The same, as the configuration in force has it whenever something is asked for.
fn live_actions(in_force: &InForce, db: &Db, queue: &JobQueue, keys: Keys, logins: Arc<LoginLimits>) -> Actions {
    let known = Arc::clone(&logins);
    let config = || in_force.clone();
    let outside = Outside {
        now: clock::now,
        discovery_is_on: {
            let config = config();
            Arc::new(move || config.get().discovery.is_on())
        },
        read_address: {
            let config = config();
            Arc::new(move |text| {
                let adding = Adding::new(&config.get());
                Box::pin(async move { adding.read(&text).await })
            })
        },
        passwords: Passwords::new(),
        tries: Arc::new(move |address, account| {
            // A shell of the machine has no address.
            let Some(address) = address else { return Ok(()) };
            logins.check(address, account).map_err(RetryAfter::seconds)
        }),
        knows: Arc::new(move |address, email| known.knows(address, email)),
        keys,
        sends_mail: in_force.get().mail.is_some(),
        forges: {
            let config = config();
            Arc::new(move || {
                let config = config.get();
                config.forges.iter().map(|forge| known_forge(&config, forge)).collect()
            })
        },
        try_token: {
            let config = config();
            Arc::new(move |host, provider, token| {
                let config = config.get();
                Box::pin(async move {
                    let token = Secret::new(token.to_string());
                    let tried = Forges::try_token(&config, &host, provider, token, TRY_WITHIN).await;
                    tried.map_err(|error| error.to_string())
                })
            })
        },
        check_access: {
            let config = config();
            Arc::new(move |asked| {
                let config = config.get();
                Box::pin(async move { check_access(&config, &asked).await })
            })
        },
    };
    let reader = Arc::new(CloneReader::new(&in_force.get().app.data_dir));
    Actions::new(db.clone(), queue.clone(), outside).with_reader(reader)
}

/// A forge that does not answer by then is away.
const TRY_WITHIN: Duration = Duration::from_secs(10);

fn known_forge(config: &Config, forge: &ForgeConfig) -> KnownForge {
    let token = match &forge.token {
        None => TokenSource::None,
        Some(_) if forge.token_key == ForgeConfig::GITHUB_TOKEN => TokenSource::Environment,
        Some(_) => TokenSource::Configuration,
    };
    KnownForge {
        host: forge.host(),
        provider: forge.provider,
        is_searched: config.discovery.is_on() && forge.search,
        token,
    }
}

/// What seals secrets: from the environment, else a file that the first start makes.
///
/// # Errors
/// If the key can't be had; names where and what to do.
pub fn keys(config: &Config) -> Result<Keys, KeyError> {
    let (current, previous) = given_keys(config);
    Keys::load(&config.app.data_dir, current, previous)
}

/// The same for a look at things, which makes nothing; nothing where no start has made the file.
///
/// # Errors
/// As [`keys`].
pub(crate) fn find_keys(config: &Config) -> Result<Option<Keys>, KeyError> {
    let (current, previous) = given_keys(config);
    Keys::find(&config.app.data_dir, current, previous)
}

fn given_keys(config: &Config) -> (Option<&str>, Option<&str>) {
    let accounts = &config.accounts;
    (accounts.secret_key.as_ref().map(Secret::expose), accounts.previous_secret_key.as_ref().map(Secret::expose))
}

/// Who asks, and by which keys access tokens are known.
fn identity(config: &Config, db: &Db, keys: &Keys) -> Identity {
    let settings = Settings {
        anonymous_read: config.server.anonymous_read,
        session_idle: config.accounts.session_idle,
        session_max: config.accounts.session_max,
        access_token: config.accounts.access_token,
        secure: is_https(&config.server),
    };
    Identity::new(db.clone(), keys, settings)
}

/// Whether browsers come by https alone.
fn is_https(server: &ServerConfig) -> bool {
    server.tls.is_some() || server.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
}

/// Where people find the program: as the configuration says, else where it listens.
#[must_use]
pub fn public_url(config: &Config) -> String {
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    config.server.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", config.app.listen))
}

/// What every request may use.
#[must_use]
pub fn state(
    config: &Config,
    db: &Db,
    queue: &JobQueue,
    keys: &Keys,
    providers: Providers,
    stop: &CancellationToken,
) -> AppState {
    live_state(&InForce::new(config.clone()), None, (db, queue, keys), providers, stop)
}

/// The same, where the configuration can be read again.
#[must_use]
pub fn live_state(
    in_force: &InForce,
    reloader: Option<&Arc<Reloader>>,
    (db, queue, keys): (&Db, &JobQueue, &Keys),
    providers: Providers,
    stop: &CancellationToken,
) -> AppState {
    let config = &*in_force.get();
    let db = &db.for_requests();
    let compare = Arc::new(|old: &str, new: &str| replay::compare(old, new));
    let login_limits = Arc::new(LoginLimits::default());
    let actions = live_actions(in_force, db, queue, keys.clone(), Arc::clone(&login_limits));
    let actions = match reloader {
        Some(reloader) => actions.with_configuration(Arc::new(Handle(Arc::clone(reloader)))),
        None => actions,
    };
    let providers = Arc::new(providers);
    let metrics_access = metrics_access(config);
    AppState::new(Handles {
        db: db.clone(),
        queue: queue.clone(),
        actions: actions.clone(),
        context: ServerContext {
            db: db.clone(),
            actions,
            compare,
            read_commit: commit_reader(config.app.data_dir.clone()),
            read_pushes: pushes_reader(config.app.data_dir.clone()),
            discovery: {
                let in_force = in_force.clone();
                Arc::new(move || discovery_settings(&in_force.get()))
            },
            operations: Arc::new(needs::routes_here(&metrics_access)),
            anonymous_read: config.server.anonymous_read,
            public_url: config.server.public_url.as_deref().map(|url| url.trim_end_matches('/').into()),
            providers: providers.iter().map(Provider::shown).collect(),
        },
        leptos: LeptosOptions::builder().output_name("kubestats").build(),
        site: Arc::new(Site::open(std::env::var_os("KUBESTATS_SITE_DIR").map(Into::into))),
        hosts: Arc::new(AllowedHosts::new(config.app.listen, &config.app.allowed_hosts)),
        identity: identity(config, db, keys),
        rate_limits: rate_limits(config),
        login_limits,
        providers,
        metrics: Metrics::default(),
        metrics_access,
        last_look: LastLook::default(),
        hooks: Hooks::new(db, queue, Secrets::new(db, keys)),
        runs: Runs::new(db, queue, Secrets::new(db, keys)),
        polling: {
            let in_force = in_force.clone();
            Polling::new(move || in_force.get())
        },
        data_dir: config.app.data_dir.as_path().into(),
        proxies: TrustedProxies::new(&config.server.trusted_proxies),
        started_at: clock::now(),
        seats: Seats::default(),
        shutdown: stop.clone(),
    })
}

/// Reads commits from clones, a few at a time: the line of a long history takes a moment to walk.
fn commit_reader(data_dir: PathBuf) -> ReadCommit {
    const AT_ONCE: usize = 2;
    let turns = Turns::new(AT_ONCE);
    Arc::new(move |repository, sha| {
        let (turns, clone, sha) = (turns.clone(), clone_dir(&data_dir, repository.id), sha.to_owned());
        let (head, scanned) = (repository.head_commit.clone(), repository.scanned_commit.clone());
        let read = move || replay::read_commit(&clone, &sha, head.as_deref(), scanned.as_deref());
        Box::pin(async move { turns.work(read).await.ok().flatten() })
    })
}

/// Reads which commits came by pushes from clones, a few at a time; a page does not wait long for it.
fn pushes_reader(data_dir: PathBuf) -> ReadPushes {
    const AT_ONCE: usize = 4;
    const WITHIN: Duration = Duration::from_millis(500);
    let turns = Turns::new(AT_ONCE);
    Arc::new(move |repository, pushes| {
        let (turns, clone) = (turns.clone(), clone_dir(&data_dir, repository));
        let read = move || replay::read_pushes(&clone, &pushes);
        Box::pin(async move {
            let read = tokio::time::timeout(WITHIN, turns.work(read)).await;
            read.ok().and_then(Result::ok).unwrap_or_default()
        })
    })
}

/// Whether nobody but this machine can ask. A proxy on it brings others, and tells of them only where it is set up to.
fn is_local(config: &Config) -> bool {
    config.app.listen.ip().to_canonical().is_loopback() && !config.server.is_reached_by_others()
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
