//! Webhooks that forges send: `/webhooks/<kind>/<repository id>`, and what Tekton tells of runs:
//! `/webhooks/tekton/<trigger id>/<secret>`. Anybody may knock; who has no secret that was made here learns nothing, and is not
//! listened to for long.

use std::sync::LazyLock;
use std::time::Duration;

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use forge::hooks::{HookError, HookKind, MAX_HOOK_BYTES};
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use triggers::MAX_RUN_BYTES;
use uuid::Uuid;

use super::api::problem::Problem;
use crate::state::AppState;
use crate::watching::{HookAnswer, Hooks, RunAnswer, Runs};

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
    Router::new()
        .route("/webhooks/{kind}/{repository_id}", post(take))
        .route("/webhooks/tekton/{trigger_id}/{token}", post(take_run))
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
    match read(&headers, body, MAX_HOOK_BYTES).await {
        Ok((_seat, body)) => answered(repository, hooks.take(kind, repository, &secret, &headers, &body).await),
        Err(problem) => problem.into_response(),
    }
}

async fn take_run(
    State(runs): State<Runs>,
    Path((trigger_id, token)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Ok(trigger) = trigger_id.parse::<Uuid>() else { return unknown() };
    if let Err(answer) = runs.admit(trigger, &token).await {
        return told(trigger, answer);
    }
    match read(&headers, body, MAX_RUN_BYTES).await {
        Ok((_seat, body)) => told(trigger, runs.take(trigger, &headers, &body).await),
        Err(problem) => problem.into_response(),
    }
}

/// A body, with the seat that a large one takes until it is done with.
async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<(Option<SemaphorePermit<'static>>, Bytes), Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let seat = match announced {
        Some(bytes) if bytes <= SMALL_BODY => None,
        _ => {
            let full = "Too many large webhooks come in at once; send it again";
            Some(LARGE.try_acquire().map_err(|_| Problem::unavailable(full, 5))?)
        }
    };
    match tokio::time::timeout(READ_WITHIN, to_bytes(body, limit)).await {
        Ok(Ok(body)) => Ok((seat, body)),
        Ok(Err(_)) => {
            let detail = HookError::TooLarge { limit }.to_string();
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
        }
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "The webhook's body did not come in time")),
    }
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

fn told(trigger: Uuid, answer: RunAnswer) -> Response {
    match answer {
        RunAnswer::Taken(detail) => (StatusCode::ACCEPTED, Json(Taken { detail })).into_response(),
        RunAnswer::NoneHere => unknown(),
        RunAnswer::Refused(error) => Problem::new(StatusCode::BAD_REQUEST, error.to_string()).into_response(),
        RunAnswer::Early => {
            let detail = "The delivery that began this run may not be known yet; send the event again";
            Problem::unavailable(detail, 1).into_response()
        }
        RunAnswer::Unavailable(why) => {
            tracing::error!(trigger.id = %trigger, why, "an event of a run could not be taken");
            Problem::unavailable("The event can't be taken now; send it again", 30).into_response()
        }
    }
}

/// The same whether there is such a repository or trigger, or not.
fn unknown() -> Response {
    let detail = "No webhook is set up here: the page of the repository or of the trigger in Kubestats tells the address and \
                  makes the secret";
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
