//! What one repository is asked with that somebody entered for it alone. No answer holds the token.

use actions::Actions;
use actions::access::{self as ask, NewAccess};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode},
    response::AppendHeaders,
};
use entity::view::RepositoryAccess;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::web::api::extract::{Body, Id};
use crate::web::api::problem::Problem;
use crate::web::rights::Actor;

/// What a repository is to be asked with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessSettings {
    /// Goes to the machine that the repository is cloned from, and to the API. Left out, the one that is kept stays, as long as
    /// `api_base_url` does.
    #[schema(value_type = Option<String>, format = Password)]
    pub token: Option<Zeroizing<String>>,
    /// Where the forge's API is, such as `https://git.example.org/api/v4`; at its usual place where this is left out.
    #[schema(max_length = 1000)]
    pub api_base_url: Option<String>,
}

/// What was set.
#[derive(Serialize, ToSchema)]
pub struct ChangedAccess {
    #[serde(flatten)]
    pub access: RepositoryAccess,
    /// The token that was kept was entered with another address, and is forgotten.
    pub forgot_token: bool,
}

/// What a repository is asked with
///
/// Whether a token of its own is kept, not which.
#[utoipa::path(
    get, path = "/repositories/{repository_id}/access", operation_id = "get_repository_access", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 200, description = "What somebody entered for it alone; of what the configuration gives it nothing is told", body = RepositoryAccess),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_repository_access(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
) -> Result<Json<RepositoryAccess>, Problem> {
    Ok(Json(ask::find_access(&ctx, &actor, id).await?))
}

/// Give a repository a token or the address of an API of its own
///
/// In place of what was entered before. Kept sealed, and the token is never shown again. Another `api_base_url` without a token
/// makes the one that is kept forgotten. A sync follows, which tries it. What the configuration names has its token and address
/// there alone.
#[utoipa::path(
    put, path = "/repositories/{repository_id}/access", operation_id = "change_repository_access", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    request_body = AccessSettings,
    responses(
        (status = 200, description = "What it is asked with now", body = ChangedAccess,
            headers(("location" = String, description = "Where the job that tries it can be watched, where one is queued"))),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The repository stands in the configuration, or is a sample", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id, no token, or an address that may not be talked to", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change_repository_access(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
    Body(given): Body<AccessSettings>,
) -> Result<(AppendHeaders<Option<(HeaderName, String)>>, Json<ChangedAccess>), Problem> {
    let AccessSettings { token, api_base_url } = given;
    let ask::SetAccess { access, forgot_token, job } =
        ask::set_access(&ctx, &actor, id, NewAccess { token, api_base_url }).await?;
    Ok((AppendHeaders(job.map(super::watch_job)), Json(ChangedAccess { access, forgot_token })))
}

/// Forget a repository's own token and the address of its API
///
/// It is asked as all others are from then on.
#[utoipa::path(
    delete, path = "/repositories/{repository_id}/access", operation_id = "delete_repository_access", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 204, description = "They are forgotten"),
        (status = 404, description = "No such repository, or nothing was entered for it", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The repository stands in the configuration, or is a sample", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete_repository_access(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::remove_access(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
