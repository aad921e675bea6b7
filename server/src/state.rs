//! What every request may use.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use actions::Actions;
use app::context::ServerContext;
use axum::extract::FromRef;
use entity::view::Timestamp;
use leptos::config::LeptosOptions;
use store::{db::Db, queue::JobQueue};
use tokio_util::sync::CancellationToken;

use crate::watching::{Hooks, Polling, Runs};
use crate::web::{
    assets::Site,
    client_address::TrustedProxies,
    health::LastLook,
    hosts::AllowedHosts,
    identity::Identity,
    metrics::{Access, Metrics},
    rate_limits::{LoginLimits, RateLimits},
    seats::Seats,
    sign_in::providers::Providers,
};

tokio::task_local! {
    /// What the request at hand is to be read from, where that is a replica.
    pub static READING: Db;
}

/// What every request may use. As small as a pointer: each layer around a handler copies what the handler keeps, once for every
/// layer around itself.
#[derive(Clone)]
pub struct AppState(Arc<Handles>);

impl AppState {
    /// Made once, when the program starts.
    #[must_use]
    pub fn new(handles: Handles) -> Self {
        Self(Arc::new(handles))
    }

    /// The same with some of them changed.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut Handles)) -> Self {
        let mut handles = Handles::clone(&self.0);
        change(&mut handles);
        Self::new(handles)
    }
}

impl Deref for AppState {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        &self.0
    }
}

/// Handlers take what they need of the state by its type.
macro_rules! taken_by_type {
    ($($field:ident: $of:ty,)*) => {
        $(impl FromRef<AppState> for $of {
            fn from_ref(state: &AppState) -> Self {
                state.$field.clone()
            }
        })*
    };
}

impl FromRef<AppState> for Db {
    fn from_ref(state: &AppState) -> Self {
        READING.try_with(Self::clone).unwrap_or_else(|_| state.db.clone())
    }
}

/// What an [`AppState`] leads to.
#[derive(Clone)]
pub struct Handles {
    /// The database, where it is written; handlers get what their request is to be read from.
    pub db: Db,
    /// The job queue with its bus of live updates.
    pub queue: JobQueue,
    /// What may be asked for.
    pub actions: Actions,
    /// What pages and server functions get.
    pub context: ServerContext,
    /// What Leptos wants to know when it renders.
    pub leptos: LeptosOptions,
    /// The site's files.
    pub site: Arc<Site>,
    /// The names that are answered to.
    pub hosts: Arc<AllowedHosts>,
    /// The proxies that are believed.
    pub proxies: TrustedProxies,
    /// Who asks.
    pub identity: Identity,
    /// How often one may ask the API.
    pub rate_limits: RateLimits,
    /// How often one may try to log in.
    pub login_limits: Arc<LoginLimits>,
    /// Whom people may be known by beside their password.
    pub providers: Arc<Providers>,
    /// Figures for Prometheus.
    pub metrics: Metrics,
    /// Who may read them.
    pub metrics_access: Access,
    /// What was found of every part's health last.
    pub last_look: LastLook,
    /// Where clones are, and a SQLite database unless it is elsewhere.
    pub data_dir: Arc<Path>,
    /// When the program started.
    pub started_at: Timestamp,
    /// Takes forges' webhooks.
    pub hooks: Hooks,
    /// Takes what targets tell of the runs that they began.
    pub runs: Runs,
    /// Tells how remotes are asked.
    pub polling: Polling,
    /// Seats for live streams.
    pub seats: Seats,
    /// Cancelled when the program stops: live streams end then.
    pub shutdown: CancellationToken,
}

taken_by_type! {
    queue: JobQueue,
    actions: Actions,
    context: ServerContext,
    leptos: LeptosOptions,
    site: Arc<Site>,
    hosts: Arc<AllowedHosts>,
    proxies: TrustedProxies,
    identity: Identity,
    rate_limits: RateLimits,
    login_limits: Arc<LoginLimits>,
    providers: Arc<Providers>,
    metrics: Metrics,
    metrics_access: Access,
    last_look: LastLook,
    data_dir: Arc<Path>,
    hooks: Hooks,
    runs: Runs,
    polling: Polling,
    seats: Seats,
    shutdown: CancellationToken,
}
