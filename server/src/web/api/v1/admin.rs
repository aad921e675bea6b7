//! What admins ask for: accounts and roles.

use actions::accounts::{self as ask, AccountChange};
use actions::{Actions, Refusal};
use axum::{Json, extract::State, http::StatusCode};
use entity::kind::Permission;
use entity::view::{Account, Listing, RoleDetail};
use serde::{Deserialize, Serialize};
use store::accounts as stored;
use store::db::Db;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::web::api::extract::{Body, Check, Id, PageParams, Params, PathText};
use crate::web::api::problem::Problem;
use crate::web::rights::Actor;

/// Which accounts.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AccountParams {
    /// Part of the e-mail address or the name.
    text: Option<String>,
}

/// Accounts
#[utoipa::path(
    get, path = "/admin/users", operation_id = "list_accounts", tag = "admin",
    params(PageParams, AccountParams),
    responses(
        (status = 200, description = "By e-mail address", body = Listing<Account>),
        (status = 422, description = "A parameter can't be used", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_accounts(
    State(db): State<Db>,
    Params(page): Params<PageParams>,
    Params(params): Params<AccountParams>,
) -> Result<Json<Listing<Account>>, Problem> {
    let mut check = Check::default();
    let text = check.text("text", params.text.as_deref());
    let page = page.page(&mut check);
    check.finish()?;
    Ok(Json(stored::list_accounts(&db.read, text.as_deref(), page).await?))
}

/// Who is to have an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    pub email: String,
    pub full_name: Option<String>,
    /// The name of a role.
    pub role: String,
}

/// An account that was made, or a link for one.
#[derive(Serialize, ToSchema)]
pub struct Invited {
    pub id: Uuid,
    /// The path of a page where its person chooses a password; works once, for two days. Shown this once.
    pub link: String,
    /// Whether it goes to the account by mail, too.
    pub is_mailed: bool,
}

impl From<ask::Invited> for Invited {
    fn from(invited: ask::Invited) -> Self {
        let link = format!("/welcome/{}", invited.link.as_str());
        Self { id: invited.id, link, is_mailed: invited.is_mailed }
    }
}

/// Make an account
#[utoipa::path(
    post, path = "/admin/users", operation_id = "create_account", tag = "admin",
    request_body = NewAccount,
    responses(
        (status = 201, description = "The account, and what its person comes in by", body = Invited),
    )
)]
pub async fn create_account(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Body(given): Body<NewAccount>,
) -> Result<(StatusCode, Json<Invited>), Problem> {
    let made = ask::create_account(&ctx, &actor, &given.email, given.full_name.as_deref(), &given.role).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// What is to be different about an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedAccount {
    /// The name of a role.
    pub role: Option<String>,
    /// Whether it may sign in.
    pub is_active: Option<bool>,
}

/// Give an account another role, or switch it off or on
#[utoipa::path(
    patch, path = "/admin/users/{account_id}", operation_id = "change_account", tag = "admin",
    request_body = ChangedAccount,
    params(("account_id" = Uuid, Path, description = "The account")),
    responses(
        (status = 200, description = "The account", body = Account),
        (status = 404, description = "There is no such account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change_account(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
    Body(given): Body<ChangedAccount>,
) -> Result<Json<Account>, Problem> {
    let change = AccountChange { role: given.role, is_active: given.is_active };
    Ok(Json(ask::change_account(&ctx, &actor, id, &change).await?))
}

/// Delete an account
#[utoipa::path(
    delete, path = "/admin/users/{account_id}", operation_id = "delete_account", tag = "admin",
    params(("account_id" = Uuid, Path, description = "The account")),
    responses(
        (status = 204, description = "It is gone; what it did stays told"),
        (status = 404, description = "There is no such account", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is the last one that may administer", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete_account(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::delete_account(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a link by which an account's person chooses a new password
#[utoipa::path(
    post, path = "/admin/users/{account_id}/link", operation_id = "create_account_link", tag = "admin",
    params(("account_id" = Uuid, Path, description = "The account")),
    responses(
        (status = 201, description = "The link, shown once; others of the account work no more", body = Invited),
        (status = 404, description = "There is no such account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn make_link(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
) -> Result<(StatusCode, Json<Invited>), Problem> {
    Ok((StatusCode::CREATED, Json(ask::make_link(&ctx, &actor, id).await?.into())))
}

/// Remove the second factor of who lost it
///
/// All sessions of the account end. The own second factor is removed with the own password, on its page.
#[utoipa::path(
    delete, path = "/admin/users/{account_id}/second-factor", operation_id = "delete_second_factor", tag = "admin",
    params(("account_id" = Uuid, Path, description = "The account")),
    responses(
        (status = 204, description = "No code is asked for any more"),
        (status = 404, description = "There is no such account", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It has none, or is the own account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete_second_factor(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::remove_second_factor_of(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Roles and what they may do
#[utoipa::path(
    get, path = "/admin/roles", operation_id = "list_roles", tag = "admin",
    responses(
        (status = 200, description = "The program's, then those that somebody made", body = [RoleDetail]),
    )
)]
pub async fn list_roles(State(db): State<Db>) -> Result<Json<Vec<RoleDetail>>, Problem> {
    Ok(Json(stored::list_roles(&db.read).await?))
}

/// What a role may do.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolePermissions {
    pub permissions: Vec<Permission>,
}

/// Make a role, or change what it may do
#[utoipa::path(
    put, path = "/admin/roles/{name}", operation_id = "change_role", tag = "admin",
    request_body = RolePermissions,
    params(("name" = String, Path, description = "Of a to z, 0 to 9, - and _")),
    responses(
        (status = 204, description = "It may do that from now on"),
    )
)]
pub async fn put_role(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    path: PathText,
    Body(given): Body<RolePermissions>,
) -> Result<StatusCode, Problem> {
    let name = path.get("name").unwrap_or_default();
    match ask::set_role(&ctx, &actor, name, &given.permissions).await {
        Err(Refusal::Missing(_)) => ask::create_role(&ctx, &actor, name, &given.permissions).await?,
        other => other?,
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a role that nobody has
#[utoipa::path(
    delete, path = "/admin/roles/{name}", operation_id = "delete_role", tag = "admin",
    params(("name" = String, Path, description = "The role")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such role", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Somebody has it, or it is the program's", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete_role(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    path: PathText,
) -> Result<StatusCode, Problem> {
    ask::delete_role(&ctx, &actor, path.get("name").unwrap_or_default()).await?;
    Ok(StatusCode::NO_CONTENT)
}
