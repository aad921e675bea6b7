//! Finding and adding repositories, and what people decide about them.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::{HeaderName, StatusCode},
};
use entity::{
    db::DataError,
    kind::{JobRequest, Priority, RejectReason, RequestedBy},
    query::discovery::{self, Decided},
    view::{Added, Discovery, Listing, Live, RejectFilter},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Accepted,
    repositories::{NOT_FOUND, enqueue},
};
use crate::{
    clock,
    state::AppState,
    web::{
        api::{
            extract::{Check, Id, PageParams, Params},
            problem::Problem,
        },
        rights::Actor,
    },
};

/// The most addresses that are taken at once.
const MAX_AT_ONCE: usize = 1_000;

/// Addresses to add.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddRepositories {
    /// Addresses as a browser or git has them, such as `https://github.com/owner/name`; at most 1,000.
    urls: Vec<String>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// For people.
    pub message: String,
}

/// Which of those that searches left out.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DiscoveryParams {
    /// Part of the repository's name.
    text: Option<String>,
    /// Only those left out for this reason.
    #[param(value_type = Option<RejectReason>)]
    reason: Option<String>,
}

/// Ask for discovery: search the forges for repositories that are not here yet
#[utoipa::path(
    post, path = "/repositories/discover", operation_id = "discover_repositories", tag = "repositories",
    responses(
        (status = 202, description = "The job is queued, or was already", body = Accepted,
            headers(("location" = String, description = "Where the job can be watched"))),
        (status = 409, description = "Discovery is switched off", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn discover_repositories(
    _: Actor,
    State(state): State<AppState>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Accepted>), Problem> {
    if !state.context.discovery.enabled {
        return Err(Problem::conflict(
            "Discovery is switched off, no forge is asked: set discovery.enabled, topics or queries in the configuration, or \
             GITHUB_TOKEN",
        ));
    }
    let (status, location, Json(mut accepted)) =
        enqueue(&state, JobRequest::DiscoverRepositories, String::new()).await?;
    accepted.message = format!("Repository discovery task started: {}", accepted.job_id);
    Ok((status, location, Json(accepted)))
}

/// What searches cover, and what they left out and why
#[utoipa::path(
    get, path = "/discovery", operation_id = "get_discovery", tag = "repositories",
    params(PageParams, DiscoveryParams),
    responses(
        (status = 200, description = "The newest runs, and a page of what they left out", body = Discovery),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_discovery(
    State(state): State<AppState>,
    Params(page): Params<PageParams>,
    Params(params): Params<DiscoveryParams>,
) -> Result<Json<Discovery>, Problem> {
    let mut check = Check::default();
    let filter = RejectFilter {
        text: check.text("text", params.text.as_deref()),
        reason: check.word("reason", params.reason.as_deref()),
        page: page.page(&mut check),
    };
    check.finish()?;
    Ok(Json(discovery::discovery(&state.db.read, &state.context.discovery, &filter).await?))
}

/// Add repositories by address
#[utoipa::path(
    post, path = "/repositories/", operation_id = "add_repositories", tag = "repositories",
    request_body = AddRepositories,
    responses(
        (status = 200, description = "What became of each address, in the order given", body = Listing<Added>),
        (status = 400, description = "No JSON", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not said to be JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No list of addresses, or too long a one", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn add_repositories(
    _: Actor,
    State(state): State<AppState>,
    body: Result<Json<AddRepositories>, JsonRejection>,
) -> Result<Json<Listing<Added>>, Problem> {
    let Json(wanted) = body.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
    if wanted.urls.is_empty() || wanted.urls.len() > MAX_AT_ONCE {
        let text = format!("urls has {} addresses; from 1 to {MAX_AT_ONCE} are taken at once", wanted.urls.len());
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    let data = (state.context.add)(wanted.urls, RequestedBy::Api).await?;
    for added in data.iter().filter(|added| added.added) {
        if let Some(repository_id) = added.repository_id {
            state.queue.bus().send(Live::Repository { repository_id });
        }
    }
    Ok(Json(Listing { count: data.len() as u64, data }))
}

/// Approve a repository that is blocked or waits for approval
#[utoipa::path(
    post, path = "/repositories/{repository_id}/approve", operation_id = "approve_repository", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 200, description = "It stays approved; a sync is queued", body = Message),
        (status = 400, description = "It is neither blocked nor does it wait for approval", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn approve_repository(_: Actor, State(state): State<AppState>, Id(id): Id) -> Result<Json<Message>, Problem> {
    let now = clock::now();
    let txn = state.db.begin().await?;
    let repository = match discovery::approve(&txn, id, now).await? {
        Decided::Done(repository) => repository,
        Decided::NotFound => return Err(Problem::not_found(NOT_FOUND)),
        Decided::NotNow(status) => {
            let text = format!("Repository is neither blocked nor pending approval, but {status}");
            return Err(Problem::new(StatusCode::BAD_REQUEST, text));
        }
    };
    let request = JobRequest::SyncRepository { repository_id: id };
    state.queue.enqueue_in(&txn, &request, RequestedBy::Api, Priority::CLICK, now).await?;
    txn.commit().await.map_err(DataError::from)?;
    state.queue.ring();
    state.queue.bus().send(Live::Repository { repository_id: id });
    Ok(Json(Message { message: format!("Repository {} approved", repository.full_name) }))
}

/// Block a repository: it is not synced any more
#[utoipa::path(
    post, path = "/repositories/{repository_id}/block", operation_id = "block_repository", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 200, description = "What was found in it stays readable", body = Message),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn block_repository(_: Actor, State(state): State<AppState>, Id(id): Id) -> Result<Json<Message>, Problem> {
    let repository = match discovery::block(&state.db.write, id, "blocked by hand").await? {
        Decided::Done(repository) => repository,
        Decided::NotFound | Decided::NotNow(_) => return Err(Problem::not_found(NOT_FOUND)),
    };
    state.queue.bus().send(Live::Repository { repository_id: id });
    Ok(Json(Message { message: format!("Repository {} blocked", repository.full_name) }))
}

/// Delete a repository with all that was found in it; searches do not bring it back
#[utoipa::path(
    delete, path = "/repositories/{repository_id}", operation_id = "delete_repository", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 200, description = "It is gone", body = Message),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The configuration names it", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete_repository(_: Actor, State(state): State<AppState>, Id(id): Id) -> Result<Json<Message>, Problem> {
    let repository = super::repositories::find(&state.db, id).await?;
    if repository.origin == entity::kind::Origin::Config && repository.enabled {
        // It would be back after the next start.
        let text = format!("{} stands in the configuration; take it out there, or block it here", repository.full_name);
        return Err(Problem::conflict(text));
    }
    let txn = state.db.begin().await?;
    if discovery::remove_repository_for_good(&txn, id, clock::now()).await?.is_none() {
        return Err(Problem::not_found(NOT_FOUND));
    }
    txn.commit().await.map_err(DataError::from)?;
    state.queue.bus().send(Live::Repository { repository_id: id });
    Ok(Json(Message { message: format!("Repository {} deleted", repository.full_name) }))
}
