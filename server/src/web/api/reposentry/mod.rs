//! The REST API that RepoSentry's clients know: its paths, its fields, and its envelope around every answer.
//!
//! `data` holds what was asked for, or `error` says why there is none. What any request may be refused with (401, 403, 429, 5xx) is
//! a problem as everywhere else.

mod events;
mod events_v1;
mod health;
mod program;
mod repositories;

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use store::db::DataError;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::problem::Problem;
use crate::{clock, state::AppState};

pub use health::HealthSummary;
pub use program::Life;

/// Every operation, with its full path.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(program::get_api))
        .routes(routes!(program::get_status))
        .routes(routes!(program::get_v1_status))
        .routes(routes!(program::get_version))
        .routes(routes!(program::get_v1_version))
        .routes(routes!(repositories::list_reposentry_repositories))
        .routes(routes!(repositories::get_reposentry_repository))
        .routes(routes!(repositories::get_repository_status))
        .routes(routes!(events::list_reposentry_events))
        .routes(routes!(events::list_recent_reposentry_events))
        .routes(routes!(events::get_reposentry_event))
        .routes(routes!(events_v1::list_v1_reposentry_events))
        .routes(routes!(events_v1::list_recent_v1_reposentry_events))
        .routes(routes!(events_v1::get_v1_reposentry_event))
}

/// Those that tell how the program is, for everybody and for workers as well.
pub fn probes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(program::get_healthz)).routes(routes!(program::get_ready))
}

/// What is put around every answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Envelope<T> {
    /// Whether `data` is what was asked for.
    pub success: bool,
    /// What was asked for.
    pub data: T,
    /// Why it is not; null where it is.
    pub error: Option<String>,
    /// When it was answered.
    pub timestamp: DateTime<Utc>,
}

impl<T> Envelope<T> {
    /// An answer that went well.
    pub fn of(data: T) -> Json<Self> {
        Json(Self { success: true, data, error: None, timestamp: clock::now() })
    }
}

/// A request that can't be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Failure {
    /// Never true.
    pub success: bool,
    /// Why, for people.
    pub error: String,
    /// When it was refused.
    pub timestamp: DateTime<Utc>,
}

/// How a request is refused: in RepoSentry's words where it has any.
pub enum Refused {
    Known(StatusCode, String),
    Other(Problem),
}

impl Refused {
    fn missing(what: &str) -> Self {
        Self::Known(StatusCode::NOT_FOUND, what.to_owned())
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        match StatusCode::from_u16(problem.status) {
            Ok(status @ (StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY)) => {
                Self::Known(status, problem.detail.into_string())
            }
            _ => Self::Other(problem),
        }
    }
}

impl From<DataError> for Refused {
    fn from(error: DataError) -> Self {
        Self::Other(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Known(status, error) => {
                (status, Json(Failure { success: false, error, timestamp: clock::now() })).into_response()
            }
            Self::Other(problem) => problem.into_response(),
        }
    }
}
