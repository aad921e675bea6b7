//! Finding and adding repositories, and what people decide about them.

use actions::{Actions, Done, MAX_ADDED, Refusal};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode},
};
use entity::{
    kind::{RejectReason, RepositoryAction},
    view::{Added, Discovery, Listing, RejectFilter, WhyNot},
};
use serde::{Deserialize, Serialize};
use store::discovery;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Accepted, accepted};
use crate::{
    state::AppState,
    web::{
        api::{
            extract::{Body, Check, Id, PageParams, Params},
            problem::Problem,
        },
        rights::Actor,
    },
};

/// Addresses to add.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddRepositories {
    /// Addresses as a browser or git has them, such as `https://github.com/owner/name`; at most 1,000.
    #[schema(min_items = 1, max_items = 1000)]
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
    Actor(actor): Actor,
    State(ctx): State<Actions>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Accepted>), Problem> {
    let job = actions::discover(&ctx, &actor).await?;
    Ok(accepted(job, format!("Repository discovery task started: {job}")))
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
    Ok(Json(discovery::discovery(&state.db.read, &(state.context.discovery)(), &filter).await?))
}

/// Which repository is asked about.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhyParams {
    /// `owner/name` or an address.
    #[param(required = true, value_type = String, min_length = 1)]
    repository: Option<String>,
}

/// Why a repository is not here, or that it is: one answer for each that the name can mean
#[utoipa::path(
    get, path = "/discovery/why", operation_id = "get_why_not_here", tag = "repositories",
    params(WhyParams),
    responses(
        (status = 200, description = "From what is stored and configured; no forge is asked", body = Listing<WhyNot>),
        (status = 422, description = "No repository is named", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn why_not_here(
    State(state): State<AppState>,
    Params(params): Params<WhyParams>,
) -> Result<Json<Listing<WhyNot>>, Problem> {
    let mut check = Check::default();
    let asked = check.text("repository", params.repository.as_deref()).unwrap_or_default();
    if asked.is_empty() {
        check.refuse("repository", &asked, "missing", "must be given: owner/name or an address");
    }
    check.finish()?;
    let data = discovery::why_not(&state.db.read, &(state.context.discovery)(), &asked).await?;
    Ok(Json(Listing { count: data.len() as u64, data }))
}

/// Add repositories by address
#[utoipa::path(
    post, path = "/repositories/", operation_id = "add_repositories", tag = "repositories",
    request_body = AddRepositories,
    responses(
        (status = 200, description = "What became of each address, in the order given", body = Listing<Added>),
        (status = 413, description = "Too long", body = Problem, content_type = "application/problem+json"),
        (status = 400, description = "No JSON", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not said to be JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No list of addresses, or too long a one", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn add_repositories(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Body(wanted): Body<AddRepositories>,
) -> Result<Json<Listing<Added>>, Problem> {
    let mut check = Check::default();
    let data = match actions::add(&ctx, &actor, wanted.urls).await {
        Ok(data) => data,
        Err(Refusal::AddressCount(count)) => {
            let text = format!("has {count} addresses; from 1 to {MAX_ADDED} are taken at once");
            check.at("body").refuse("urls", "", "length", text);
            return Err(check.problem());
        }
        Err(refusal) => return Err(refusal.into()),
    };
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
pub async fn approve_repository(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
) -> Result<Json<Message>, Problem> {
    act(&ctx, &actor, RepositoryAction::Approve, id, "approved").await
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
pub async fn block_repository(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
) -> Result<Json<Message>, Problem> {
    act(&ctx, &actor, RepositoryAction::Block, id, "blocked").await
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
pub async fn delete_repository(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
) -> Result<Json<Message>, Problem> {
    act(&ctx, &actor, RepositoryAction::Delete, id, "deleted").await
}

async fn act(
    ctx: &Actions,
    actor: &actions::Actor,
    action: RepositoryAction,
    id: Uuid,
    done: &str,
) -> Result<Json<Message>, Problem> {
    let Done { repository, .. } = actions::act(ctx, actor, action, id).await?;
    Ok(Json(Message { message: format!("Repository {} {done}", repository.full_name) }))
}
