//! Webhooks that forges send: `/webhooks/<kind>/<repository id>`, and what Tekton tells of runs:
//! `/webhooks/tekton/<trigger id>/<secret>`. Anybody may knock; who has no secret that was made here learns nothing, and is not
//! listened to for long.

use std::sync::LazyLock;
use std::time::Duration;

use axum::{
    Json,
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{any, post},
};
use forge::hooks::{HookError, HookKind, MAX_HOOK_BYTES};
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use triggers::MAX_RUN_BYTES;
use utoipa::ToSchema;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::api::extract::PathText;
use super::api::problem::Problem;
use crate::state::AppState;
use crate::watching::{HookAnswer, Hooks, RunAnswer, Runs};

/// Larger ones are read a few at a time.
const SMALL_BODY: usize = 256 << 10;
const LARGE_AT_ONCE: usize = 8;
/// Who sends for longer is not waited for.
const READ_WITHIN: Duration = Duration::from_secs(10);

static LARGE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(LARGE_AT_ONCE));

/// Below it nothing but webhooks is answered.
pub const PLACE: &str = "/webhooks/";

/// What a webhook that was taken is answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookTaken {
    /// What came of it.
    detail: &'static str,
}

/// Where webhooks come in.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(receive_github_webhook))
        .routes(routes!(receive_gitlab_webhook))
        .routes(routes!(receive_forgejo_webhook))
        .routes(routes!(receive_generic_webhook))
        .routes(routes!(receive_tekton_event))
        // Gitea is what Forgejo was made of.
        .route("/webhooks/gitea/{repository_id}", post(receive_forgejo_webhook))
        // Senders are no people: none is told by a page that there is nothing.
        .route(PLACE, any(async || unknown()))
        .route("/webhooks/{*path}", any(async || unknown()))
}

/// How webhooks prove whose they are, by the names that the operations below have for it.
pub fn proofs() -> [(&'static str, SecurityScheme); 6] {
    let in_header =
        |header: &str, text: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(header, text)));
    let hmac = "`sha256=` and the HMAC-SHA256 of the body by the repository's secret, in hexadecimal digits";
    let bare = "The HMAC-SHA256 of the body's JSON by the repository's secret, in hexadecimal digits";
    let standard = "`v1,` and the HMAC-SHA256 of id, time and body by the repository's secret in Base64, as the Standard \
                    Webhooks specification has it; `webhook-id` and `webhook-timestamp` stand beside it";
    [
        ("HubSignature", in_header("X-Hub-Signature-256", hmac)),
        ("GitlabToken", in_header("X-Gitlab-Token", "The repository's secret")),
        ("ForgejoSignature", in_header("X-Forgejo-Signature", bare)),
        ("GiteaSignature", in_header("X-Gitea-Signature", bare)),
        ("StandardWebhook", in_header("webhook-signature", standard)),
        ("Signature", in_header("X-Signature", hmac)),
    ]
}

/// A webhook of GitHub
///
/// What a push says of a branch is noted; what does not follow from what is stored asks for a look at the remote. The
/// repository's page makes the secret, and tells how to set it up.
#[utoipa::path(
    post, path = "/webhooks/github/{repository_id}", operation_id = "receive_github_webhook", tag = "webhooks",
    params(("repository_id" = Uuid, Path, description = "The repository that it tells of")),
    request_body(
        content((Object = "application/json"), (Object = "application/x-www-form-urlencoded")),
        description = "What GitHub sends; of a form its field `payload`",
    ),
    responses(
        (status = 202, description = "It was taken", body = WebhookTaken),
        (status = 401, description = "It is not signed, or with another secret", body = Problem, content_type = "application/problem+json"),
    ),
    security(("HubSignature" = []))
)]
pub async fn receive_github_webhook(
    State(hooks): State<Hooks>,
    path: Result<PathText, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(HookKind::Github, &hooks, path, &headers, body).await
}

/// A webhook of GitLab
///
/// As those of GitHub, with the secret as it is or signed by GitLab's signing token.
#[utoipa::path(
    post, path = "/webhooks/gitlab/{repository_id}", operation_id = "receive_gitlab_webhook", tag = "webhooks",
    params(("repository_id" = Uuid, Path, description = "The repository that it tells of")),
    request_body(content = Object, content_type = "application/json", description = "What GitLab sends"),
    responses(
        (status = 202, description = "It was taken", body = WebhookTaken),
        (
            status = 401, description = "It carries no secret, another one, or a signature that is too old",
            body = Problem, content_type = "application/problem+json",
        ),
    ),
    security(("GitlabToken" = []), ("StandardWebhook" = []))
)]
pub async fn receive_gitlab_webhook(
    State(hooks): State<Hooks>,
    path: Result<PathText, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(HookKind::Gitlab, &hooks, path, &headers, body).await
}

/// A webhook of Forgejo or Gitea
///
/// As those of GitHub. `/webhooks/gitea/{repository_id}` is the same.
#[utoipa::path(
    post, path = "/webhooks/forgejo/{repository_id}", operation_id = "receive_forgejo_webhook", tag = "webhooks",
    params(("repository_id" = Uuid, Path, description = "The repository that it tells of")),
    request_body(
        content((Object = "application/json"), (Object = "application/x-www-form-urlencoded")),
        description = "What Forgejo sends; of a form its field `payload`",
    ),
    responses(
        (status = 202, description = "It was taken", body = WebhookTaken),
        (status = 401, description = "It is not signed, or with another secret", body = Problem, content_type = "application/problem+json"),
    ),
    security(("ForgejoSignature" = []), ("GiteaSignature" = []), ("HubSignature" = []))
)]
pub async fn receive_forgejo_webhook(
    State(hooks): State<Hooks>,
    path: Result<PathText, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(HookKind::Forgejo, &hooks, path, &headers, body).await
}

/// A webhook of anything else
///
/// Of a `post-receive` hook, say. It may tell `ref`, `before` and `after` as GitHub does, or nothing but that there is news.
#[utoipa::path(
    post, path = "/webhooks/generic/{repository_id}", operation_id = "receive_generic_webhook", tag = "webhooks",
    params(("repository_id" = Uuid, Path, description = "The repository that it tells of")),
    request_body(
        content = Option<Object>, content_type = "application/json",
        description = "`ref`, `before`, `after` and `deleted`, as far as the sender knows them",
    ),
    responses(
        (status = 202, description = "It was taken", body = WebhookTaken),
        (
            status = 401, description = "It is not signed, signed with another secret, or too long ago",
            body = Problem, content_type = "application/problem+json",
        ),
    ),
    security(("Signature" = []), ("StandardWebhook" = []))
)]
pub async fn receive_generic_webhook(
    State(hooks): State<Hooks>,
    path: Result<PathText, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(HookKind::Generic, &hooks, path, &headers, body).await
}

/// An event of a run, as Tekton tells it
///
/// A CloudEvent, in binary or in structured mode. It says what became of the run that a delivery began. Who knows the address may
/// send there: it is shown once, by the trigger's page or `POST /api/v1/triggers/{trigger_id}/sink`.
#[utoipa::path(
    post, path = "/webhooks/tekton/{trigger_id}/{token}", operation_id = "receive_tekton_event", tag = "webhooks",
    params(
        ("trigger_id" = Uuid, Path, description = "The trigger whose address it is"),
        ("token" = String, Path, description = "What makes the address a secret"),
    ),
    request_body(
        content((Object = "application/json"), (Object = "application/cloudevents+json")),
        description = "The event's data, with its attributes in the `ce-` headers; or all of it",
    ),
    responses((status = 202, description = "It was taken", body = WebhookTaken))
)]
pub async fn receive_tekton_event(
    State(runs): State<Runs>,
    path: Result<PathText, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Ok(path) = path else { return unknown() };
    let trigger = path.get("trigger_id").and_then(|id| id.parse::<Uuid>().ok());
    let Some((trigger, token)) = trigger.zip(path.get("token")) else { return unknown() };
    if let Err(answer) = runs.admit(trigger, token).await {
        return told(trigger, answer);
    }
    match read(&headers, body, MAX_RUN_BYTES).await {
        Ok((_seat, body)) => told(trigger, runs.take(trigger, &headers, &body).await),
        Err(problem) => problem.into_response(),
    }
}

async fn take(
    kind: HookKind,
    hooks: &Hooks,
    path: Result<PathText, Problem>,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let repository = path.ok().and_then(|path| path.get("repository_id")?.parse::<Uuid>().ok());
    let Some(repository) = repository else { return unknown() };
    let secret = match hooks.secret(repository).await {
        Ok(secret) => secret,
        Err(answer) => return answered(repository, answer),
    };
    match read(headers, body, MAX_HOOK_BYTES).await {
        Ok((_seat, body)) => answered(repository, hooks.take(kind, repository, &secret, headers, &body).await),
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
        HookAnswer::Taken(detail) => (StatusCode::ACCEPTED, Json(WebhookTaken { detail })).into_response(),
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
        RunAnswer::Taken(detail) => (StatusCode::ACCEPTED, Json(WebhookTaken { detail })).into_response(),
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
