//! Webhooks that forges send: `/webhooks/<kind>/<repository id>`. Anybody may knock; who has no secret that was made here learns
//! nothing, and is not listened to for long.

use std::sync::LazyLock;
use std::time::Duration;

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use forge::hooks::{HookError, HookKind, MAX_HOOK_BYTES};
use serde::Serialize;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::api::problem::Problem;
use crate::state::AppState;
use crate::watching::{HookAnswer, Hooks};

/// Larger ones are read a few at a time.
const SMALL_BODY: usize = 256 << 10;
const LARGE_AT_ONCE: usize = 8;
/// Who sends for longer is not waited for.
const READ_WITHIN: Duration = Duration::from_secs(10);

static LARGE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(LARGE_AT_ONCE));

/// What a webhook that was taken is answered.
#[derive(Debug, Serialize)]
struct Taken {
    detail: &'static str,
}

/// Where webhooks come in.
pub fn routes() -> Router<AppState> {
    Router::new().route("/webhooks/{kind}/{repository_id}", post(take))
}

async fn take(
    State(hooks): State<Hooks>,
    Path((kind, repository_id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(kind) = HookKind::read(&kind) else { return unknown() };
    let Ok(repository) = repository_id.parse::<Uuid>() else { return unknown() };
    let secret = match hooks.secret(repository).await {
        Ok(secret) => secret,
        Err(answer) => return answered(repository, answer),
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let _seat = match announced {
        Some(bytes) if bytes <= SMALL_BODY => None,
        _ => match LARGE.try_acquire() {
            Ok(seat) => Some(seat),
            Err(_) => {
                return Problem::unavailable("Too many large webhooks come in at once; send it again", 5)
                    .into_response();
            }
        },
    };
    let body = match tokio::time::timeout(READ_WITHIN, to_bytes(body, MAX_HOOK_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return refused(&HookError::TooLarge { limit: MAX_HOOK_BYTES }),
        Err(_) => {
            return Problem::new(StatusCode::REQUEST_TIMEOUT, "The webhook's body did not come in time")
                .into_response();
        }
    };
    answered(repository, hooks.take(kind, repository, &secret, &headers, &body).await)
}

fn answered(repository: Uuid, answer: HookAnswer) -> Response {
    match answer {
        HookAnswer::Taken(detail) => (StatusCode::ACCEPTED, Json(Taken { detail })).into_response(),
        HookAnswer::NoneHere => unknown(),
        HookAnswer::Refused(error) => refused(&error),
        HookAnswer::Unavailable(why) => {
            tracing::error!(%repository, why, "a webhook could not be taken");
            Problem::unavailable("The webhook can't be taken now; send it again", 30).into_response()
        }
    }
}

/// The same whether there is such a repository or not.
fn unknown() -> Response {
    let detail = "No webhook is set up here: the repository's page in Kubestats tells the address and makes the secret";
    Problem::new(StatusCode::NOT_FOUND, detail).into_response()
}

fn refused(error: &HookError) -> Response {
    let status = match error {
        HookError::Unsigned { .. } | HookError::WrongSignature { .. } | HookError::Stale { .. } => {
            StatusCode::UNAUTHORIZED
        }
        HookError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        HookError::Malformed { .. } => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, error.to_string()).into_response()
}
