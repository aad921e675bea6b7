//! What the program is, and how it is.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Envelope;
use crate::build_info::{BUILD_TIME, GIT_COMMIT, VERSION};
use crate::clock;
use crate::state::AppState;
use crate::web::api::needs;
use crate::web::health::{self, Condition, DetailedHealth, PartHealth};

/// The components that RepoSentry tells of, and the parts of the program that they are here.
const COMPONENTS: [(&str, &[&str]); 6] = [
    ("config", &[]),
    ("storage", &["database", "disk", "replicas"]),
    ("git_client", &["forges"]),
    ("trigger", &["queue"]),
    ("poller", &["scheduler"]),
    ("api_server", &[]),
];

/// Where something is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LifeState {
    Running,
    Stopping,
    Error,
}

/// How well a component is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ComponentHealth {
    pub status: Condition,
    /// What is wrong; null where nothing is.
    pub message: Option<String>,
}

/// A component.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Component {
    pub name: &'static str,
    pub state: LifeState,
    pub started_at: DateTime<Utc>,
    /// In nanoseconds.
    pub uptime: i64,
    pub health: ComponentHealth,
}

/// How the program is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProgramStatus {
    pub state: LifeState,
    pub started_at: DateTime<Utc>,
    /// In nanoseconds.
    pub uptime: i64,
    pub version: &'static str,
    /// By name.
    pub components: BTreeMap<String, Component>,
}

/// What the program was built from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProgramVersion {
    pub api_version: &'static str,
    pub app_version: &'static str,
    /// When the commit was made that it was built from; `unknown` where the build was not told.
    pub build_time: &'static str,
    /// That commit; `unknown` where the build was not told.
    pub git_commit: &'static str,
    /// Always null: it is not written in Go.
    pub go_version: Option<String>,
}

/// An operation of the API.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Endpoint {
    pub method: String,
    pub path: String,
}

/// What the API is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApiDescription {
    pub name: &'static str,
    pub version: &'static str,
    /// Where people read of it.
    pub documentation: &'static str,
    /// Where programs do.
    pub openapi: &'static str,
    /// Every operation, by path.
    pub endpoints: Vec<Endpoint>,
}

/// A word of life.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Life {
    /// `alive`, `ready` or `not ready`.
    pub status: &'static str,
}

/// How the program and its components are
#[utoipa::path(
    get, path = "/status", operation_id = "get_status", tag = "reposentry",
    responses((status = 200, description = "Whatever its state", body = Envelope<ProgramStatus>))
)]
pub async fn get_status(State(state): State<AppState>) -> Json<Envelope<ProgramStatus>> {
    Envelope::of(status_of(&state).await)
}

/// The same under another path
#[utoipa::path(
    get, path = "/api/v1/status", operation_id = "get_v1_status", tag = "reposentry",
    responses((status = 200, description = "Whatever its state", body = Envelope<ProgramStatus>))
)]
pub async fn get_v1_status(State(state): State<AppState>) -> Json<Envelope<ProgramStatus>> {
    get_status(State(state)).await
}

async fn status_of(state: &AppState) -> ProgramStatus {
    let health = health::look_again(state).await;
    let started_at = state.started_at;
    let uptime = (clock::now() - started_at).num_nanoseconds().unwrap_or(i64::MAX).max(0);
    let component = |(name, health): (&'static str, ComponentHealth)| {
        let state = if health.status == Condition::Unhealthy { LifeState::Error } else { LifeState::Running };
        (name.to_owned(), Component { name, state, started_at, uptime, health })
    };
    let components: BTreeMap<_, _> = components(&health).map(component).collect();
    let state = match components.values().any(|component| component.state == LifeState::Error) {
        _ if state.shutdown.is_cancelled() => LifeState::Stopping,
        true => LifeState::Error,
        false => LifeState::Running,
    };
    ProgramStatus { state, started_at, uptime, version: VERSION, components }
}

/// Each component by its name.
pub(super) fn components(health: &DetailedHealth) -> impl Iterator<Item = (&'static str, ComponentHealth)> {
    COMPONENTS.into_iter().map(|(name, parts)| (name, component_health(health, parts)))
}

/// The worst of its parts, and what each of them says.
fn component_health(health: &DetailedHealth, parts: &[&str]) -> ComponentHealth {
    let own = || health.parts.iter().filter(|part| parts.contains(&part.name));
    let said: Vec<&str> = own().filter_map(|part: &PartHealth| part.detail.as_deref()).collect();
    ComponentHealth {
        status: own().map(|part| part.status).max().unwrap_or(Condition::Healthy),
        message: (!said.is_empty()).then(|| said.join("; ")),
    }
}

/// What the program was built from
#[utoipa::path(
    get, path = "/version", operation_id = "get_version", tag = "reposentry",
    responses((status = 200, description = "Its version", body = Envelope<ProgramVersion>))
)]
pub async fn get_version() -> Json<Envelope<ProgramVersion>> {
    Envelope::of(ProgramVersion {
        api_version: "v1",
        app_version: VERSION,
        build_time: BUILD_TIME,
        git_commit: GIT_COMMIT,
        go_version: None,
    })
}

/// The same under another path
#[utoipa::path(
    get, path = "/api/v1/version", operation_id = "get_v1_version", tag = "reposentry",
    responses((status = 200, description = "Its version", body = Envelope<ProgramVersion>))
)]
pub async fn get_v1_version() -> Json<Envelope<ProgramVersion>> {
    get_version().await
}

/// Which operations there are
#[utoipa::path(
    get, path = "/api", operation_id = "get_api", tag = "reposentry",
    responses((status = 200, description = "All of them", body = Envelope<ApiDescription>))
)]
pub async fn get_api() -> Json<Envelope<ApiDescription>> {
    let endpoints =
        needs::routes().into_iter().map(|route| Endpoint { method: route.verb, path: route.path }).collect();
    Envelope::of(ApiDescription {
        name: "Kubestats",
        version: VERSION,
        documentation: "/docs",
        openapi: super::super::openapi::PATH,
        endpoints,
    })
}

/// Whether the process lives
#[utoipa::path(
    get, path = "/healthz", operation_id = "get_healthz", tag = "health",
    responses((status = 200, description = "It does", body = Envelope<Life>))
)]
pub async fn get_healthz() -> Json<Envelope<Life>> {
    Envelope::of(Life { status: "alive" })
}

/// Whether requests should be sent here
#[utoipa::path(
    get, path = "/ready", operation_id = "get_ready", tag = "health",
    responses(
        (status = 200, description = "They are answered", body = Envelope<Life>),
        (status = 503, description = "The database does not answer, or the program stops", body = Envelope<Life>),
    )
)]
pub async fn get_ready(State(state): State<AppState>) -> (StatusCode, Json<Envelope<Life>>) {
    if health::is_ready(&state).await {
        return (StatusCode::OK, Envelope::of(Life { status: "ready" }));
    }
    let error = Some(health::NOT_READY.to_owned());
    let envelope = Envelope { success: false, data: Life { status: "not ready" }, error, timestamp: clock::now() };
    (StatusCode::SERVICE_UNAVAILABLE, Json(envelope))
}
