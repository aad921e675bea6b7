//! Signing in for programs, and the account that asks: names and shapes as clients of the v1 API know them.

use std::sync::Arc;

use actions::accounts::{self as ask, SignedIn, TokenRequest};
use actions::{Actions, Refusal};
use axum::{
    Form, Json,
    extract::{Extension, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header},
};
use chrono::TimeDelta;
use entity::kind::{Permission, Via};
use entity::view::{Account, ApiToken, Session};
use serde::{Deserialize, Serialize};
use store::accounts::{self as stored, Holder};
use store::db::Db;
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::discovery::Message;
use crate::clock;
use crate::web::api::extract::{Body, Id, unreadable_body};
use crate::web::api::problem::Problem;
use crate::web::client_address::Client;
use crate::web::identity::Identity;
use crate::web::rate_limits::LoginLimits;
use crate::web::rights::Actor;

/// How long a program may stay away before its refresh token works no more.
const REFRESH_WORKS: TimeDelta = TimeDelta::days(30);

/// The form of OAuth 2.0's password grant.
#[derive(Deserialize, ToSchema)]
pub struct Login {
    /// The e-mail address.
    pub username: String,
    #[schema(value_type = String, format = Password)]
    pub password: Zeroizing<String>,
    /// The second factor's code, where one is asked for.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub code: Option<Zeroizing<String>>,
}

/// What a program comes in with from now on.
#[derive(Serialize, ToSchema)]
pub struct Token {
    pub access_token: String,
    /// `bearer`
    pub token_type: &'static str,
    /// Seconds that the access token works.
    pub expires_in: u64,
    /// Gets the next access token, once.
    pub refresh_token: String,
}

fn token(identity: &Identity, holder: &Holder, session: Uuid, refresh: &str) -> Token {
    Token {
        access_token: identity.access_token(holder, session),
        token_type: "bearer",
        expires_in: identity.settings().access_token.as_secs(),
        refresh_token: refresh.to_owned(),
    }
}

/// Sign in with e-mail address and password
#[utoipa::path(
    post, path = "/login/access-token", operation_id = "get_access_token", tag = "login",
    request_body(content = Login, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Signed in", body = Token),
        (status = 400, description = "E-mail address, password or code is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn login(
    State(ctx): State<Actions>,
    State(identity): State<Identity>,
    State(limits): State<Arc<LoginLimits>>,
    Actor(actor): Actor,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    given: Result<Form<Login>, FormRejection>,
) -> Result<Json<Token>, Problem> {
    let Form(given) = given.map_err(unreadable)?;
    limits
        .check(client.address, &given.username)
        .map_err(|later| Problem::too_many("Too many tries to sign in; try again later", later.seconds()))?;
    let known = Box::pin(ask::sign_in(&ctx, &actor, &given.username, &given.password)).await?;
    if known.needs_code {
        let code = given.code.unwrap_or_default();
        Box::pin(ask::check_second_factor(&ctx, &actor, &known, clock::now(), Via::Password, &code)).await?;
    }
    limits.succeeded(client.address, &given.username);
    Box::pin(open(&ctx, &identity, &actor, &headers, &known)).await.map(Json)
}

/// Says what can't be read of a form, in the words in which other bodies are refused.
fn unreadable(rejection: FormRejection) -> Problem {
    match rejection {
        FormRejection::FailedToDeserializeFormBody(error) => unreadable_body(error.body_text()),
        other => Problem::new(other.status(), other.body_text()),
    }
}

/// Opens a program's session, and gives it its first tokens.
pub(super) async fn open(
    ctx: &Actions,
    identity: &Identity,
    actor: &actions::Actor,
    headers: &HeaderMap,
    who: &SignedIn,
) -> Result<Token, Problem> {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let agent = agent.map(|agent| agent.chars().take(300).collect());
    let (session, holder, refresh) = ask::start_api_session(ctx, actor, who, agent, REFRESH_WORKS).await?;
    Ok(token(identity, &holder, session, &refresh))
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    #[schema(value_type = String)]
    pub refresh_token: Zeroizing<String>,
}

/// The next access token
///
/// The refresh token works once; the answer has the next one. One that is used again ends the session, for whoever has it:
/// somebody else may have a copy.
#[utoipa::path(
    post, path = "/auth/refresh", operation_id = "get_next_access_token", tag = "login",
    request_body = Refresh,
    responses(
        (status = 200, description = "Tokens", body = Token),
        (status = 401, description = "The refresh token does not work (any more)", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn refresh(
    State(ctx): State<Actions>,
    State(identity): State<Identity>,
    Actor(actor): Actor,
    Body(given): Body<Refresh>,
) -> Result<Json<Token>, Problem> {
    match ask::refresh(&ctx, &actor, &given.refresh_token, REFRESH_WORKS).await {
        Ok((session, holder, refresh)) => Ok(Json(token(&identity, &holder, session, &refresh))),
        Err(Refusal::DeadLink) => {
            Err(Problem::new(StatusCode::UNAUTHORIZED, "The refresh token does not work any more; sign in again"))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// End the session that asks
#[utoipa::path(
    post, path = "/auth/logout", operation_id = "end_own_session", tag = "login",
    responses((status = 200, description = "Its tokens work no more", body = Message))
)]
pub async fn logout(State(ctx): State<Actions>, Actor(actor): Actor) -> Result<Json<Message>, Problem> {
    ask::sign_out(&ctx, &actor).await?;
    Ok(Json(Message { message: "Signed out".to_owned() }))
}

/// The account that asks, as clients of the v1 API know it
#[utoipa::path(
    get, path = "/me", operation_id = "get_me", tag = "users",
    responses(
        (status = 200, description = "The account", body = Account),
    )
)]
pub async fn read_me(State(db): State<Db>, Actor(actor): Actor) -> Result<Json<Account>, Problem> {
    let own = actor.signed_in()?;
    let account = stored::find_account(&db.read, own.id).await?.ok_or(Refusal::Missing("account"))?;
    Ok(Json(account))
}

/// The account that asks
#[utoipa::path(
    get, path = "/users/me", operation_id = "get_own_account", tag = "users",
    responses(
        (status = 200, description = "The account", body = Account),
    )
)]
pub async fn read_own(db: State<Db>, actor: Actor) -> Result<Json<Account>, Problem> {
    read_me(db, actor).await
}

/// What is to be different about the own account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub full_name: Option<String>,
    /// Changes only with the password. Where mails are sent, it is another once the link is opened that goes there.
    pub email: Option<String>,
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Zeroizing<String>>,
}

/// Change what the own account is called
///
/// The answer is the account as it is then: where mails are sent, it has its old address until its person has opened the link
/// that was mailed to the new one.
#[utoipa::path(
    put, path = "/users/me", operation_id = "change_own_account", tag = "users",
    request_body = Profile,
    responses(
        (status = 200, description = "The account", body = Account),
    )
)]
pub async fn change_own(
    State(ctx): State<Actions>,
    State(db): State<Db>,
    Actor(actor): Actor,
    Body(given): Body<Profile>,
) -> Result<Json<Account>, Problem> {
    let own = actor.signed_in()?;
    let email = given.email.as_deref().unwrap_or(&own.email);
    let name = given.full_name.as_deref().or(own.full_name.as_deref());
    ask::change_profile(&ctx, &actor, email, name, given.password.as_ref()).await?;
    read_me(State(db), Actor(actor)).await
}

/// Sessions of the own account
#[utoipa::path(
    get, path = "/users/me/sessions", operation_id = "list_sessions", tag = "users",
    responses(
        (status = 200, description = "Open ones, the one last seen first", body = [Session]),
    )
)]
pub async fn list_sessions(
    State(db): State<Db>,
    State(identity): State<Identity>,
    Actor(actor): Actor,
) -> Result<Json<Vec<Session>>, Problem> {
    let (own, now) = (actor.signed_in()?.id, clock::now());
    Ok(Json(stored::list_open_sessions(&db.read, own, identity.idle_since(now), now).await?))
}

/// End one of the own sessions
#[utoipa::path(
    delete, path = "/users/me/sessions/{session_id}", operation_id = "end_session", tag = "users",
    params(("session_id" = Uuid, Path, description = "The session")),
    responses(
        (status = 204, description = "It is over"),
        (status = 404, description = "There is no such session", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn end_session(State(ctx): State<Actions>, Actor(actor): Actor, Id(id): Id) -> Result<StatusCode, Problem> {
    ask::end_session(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tokens of the own account
#[utoipa::path(
    get, path = "/users/me/tokens", operation_id = "list_tokens", tag = "users",
    responses(
        (status = 200, description = "The newest first", body = [ApiToken]),
    )
)]
pub async fn list_tokens(State(db): State<Db>, Actor(actor): Actor) -> Result<Json<Vec<ApiToken>>, Problem> {
    Ok(Json(stored::list_tokens(&db.read, actor.signed_in()?.id).await?))
}

/// What a token is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    pub scopes: Vec<Permission>,
    /// Patterns of full names that it may change, such as `owner/*`; all where there is none.
    #[serde(default)]
    pub repositories: Vec<String>,
    /// Days until it works no more; 90 where nothing is given, null for ever.
    #[serde(default = "usual_days")]
    pub days: Option<u16>,
}

#[expect(clippy::unnecessary_wraps, reason = "null is a value of its own")]
fn usual_days() -> Option<u16> {
    Some(90)
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
pub struct CreatedToken {
    pub id: Uuid,
    /// Shown this once.
    pub token: String,
}

/// Make a token of the own account
#[utoipa::path(
    post, path = "/users/me/tokens", operation_id = "create_token", tag = "users",
    request_body = NewToken,
    responses(
        (status = 201, description = "The token, shown once", body = CreatedToken),
        (status = 403, description = "It would be allowed more than who asks", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create_token(
    State(ctx): State<Actions>,
    Actor(actor): Actor,
    Body(given): Body<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    let NewToken { name, scopes, repositories, days } = given;
    let made = ask::create_token(&ctx, &actor, &TokenRequest { name, scopes, repositories, days }).await?;
    Ok((StatusCode::CREATED, Json(CreatedToken { id: made.id, token: made.text.to_string() })))
}

/// Make a token stop working
#[utoipa::path(
    delete, path = "/users/me/tokens/{token_id}", operation_id = "revoke_token", tag = "users",
    params(("token_id" = Uuid, Path, description = "The token")),
    responses(
        (status = 204, description = "It works no more"),
        (status = 404, description = "There is no such token", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn revoke_token(State(ctx): State<Actions>, Actor(actor): Actor, Id(id): Id) -> Result<StatusCode, Problem> {
    ask::revoke_token(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
