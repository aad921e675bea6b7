//! Forges and the tokens that admins enter for them. No answer holds a token.

use actions::Actions;
use actions::forges as ask;
use axum::{Json, extract::State, http::StatusCode};
use entity::view::{ForgeStatus, TokenTest};
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::web::api::extract::{Body, PathText};
use crate::web::api::problem::Problem;
use crate::web::rights::Actor;

/// Forges, and where their tokens come from
#[utoipa::path(
    get, path = "/admin/forges", operation_id = "list_forges", tag = "admin",
    responses(
        (status = 200, description = "Those of the configuration and those that repositories come from, by host", body = [ForgeStatus]),
    )
)]
pub async fn list_forges(State(ctx): State<Actions>, Actor(actor): Actor) -> Result<Json<Vec<ForgeStatus>>, Problem> {
    Ok(Json(ask::list_forges(&ctx, &actor).await?))
}

/// A forge's token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgeToken {
    #[schema(value_type = String, format = Password)]
    pub token: Zeroizing<String>,
}

/// Enter a token for a forge
///
/// The forge is asked with it first; one that it does not take is not kept. Kept sealed, and never shown again. A token of the
/// configuration wins.
#[utoipa::path(
    put, path = "/admin/forges/{host}/token", operation_id = "change_forge_token", tag = "admin",
    request_body = ForgeToken,
    params(("host" = String, Path, description = "The forge, such as `github.com`")),
    responses(
        (status = 200, description = "It is used from now on; what the forge tells of it", body = TokenTest),
        (status = 404, description = "There is no such forge", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn set_forge_token(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    path: PathText,
    Body(given): Body<ForgeToken>,
) -> Result<Json<TokenTest>, Problem> {
    Ok(Json(ask::set_forge_token(&ctx, &actor, path.get("host").unwrap_or_default(), &given.token).await?))
}

/// Forget the token that was entered for a forge
#[utoipa::path(
    delete, path = "/admin/forges/{host}/token", operation_id = "delete_forge_token", tag = "admin",
    params(("host" = String, Path, description = "The forge, such as `github.com`")),
    responses(
        (status = 204, description = "It is forgotten"),
        (status = 404, description = "No token was entered for it", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn remove_forge_token(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    path: PathText,
) -> Result<StatusCode, Problem> {
    ask::remove_forge_token(&ctx, &actor, path.get("host").unwrap_or_default()).await?;
    Ok(StatusCode::NO_CONTENT)
}
