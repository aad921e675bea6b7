//! Signing in by somebody else's word, for programs that show people a browser: names and shapes as their clients know them.

use actions::accounts as ask;
use auth::SignInError;
use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use entity::view::Account;
use serde::{Deserialize, Serialize};
use store::accounts::find_account;
use utoipa::{IntoParams, ToSchema};

use super::accounts::{Token, open};
use crate::web::api::extract::{Params, PathText};
use crate::web::api::problem::Problem;
use crate::web::sign_in::Sender;
use crate::web::sign_in::elsewhere::{Answer, Place, begin, begun, done, land, of_program};
use crate::web::sign_in::providers::Provider;

/// Where somebody signs in elsewhere.
#[derive(Serialize, ToSchema)]
pub struct SignInElsewhere {
    /// Where the person's browser goes.
    pub auth_url: String,
    /// Comes back with the answer.
    pub state: String,
}

/// What a program comes in with from now on, and who its person is.
#[derive(Serialize, ToSchema)]
pub struct TokenOf {
    #[serde(flatten)]
    pub token: Token,
    pub user: Account,
}

/// Begin to sign in by GitHub, or by an issuer of OpenID Connect
///
/// The answer sets a cookie that has to come back with the callback: whoever begins is who ends.
#[utoipa::path(
    get, path = "/auth/{provider}", operation_id = "get_sign_in_elsewhere", tag = "login",
    params(("provider" = String, Path, description = "`github`, or the id of an entry of `accounts.oidc`")),
    responses(
        (status = 200, description = "Where it goes on", body = SignInElsewhere),
        (status = 404, description = "Nobody signs in here by that", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The provider can't be asked", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn begin_elsewhere(place: Place, path: PathText, sender: Sender) -> Result<Response, Problem> {
    let provider = place.provider(&path)?;
    let (begun, cookie) = begin(&place.ctx, provider, &sender.client, of_program).await.map_err(unfinished)?;
    let mut response = Json(SignInElsewhere { auth_url: begun.url, state: begun.state }).into_response();
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

/// What the provider answered.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Callback {
    /// What the provider gave.
    pub code: String,
    /// What the begin gave.
    pub state: String,
    /// Who answers, where the provider says so.
    pub iss: Option<String>,
}

/// End it: tokens for who came back from the provider
#[utoipa::path(
    get, path = "/auth/{provider}/callback", operation_id = "get_tokens_elsewhere", tag = "login",
    params(("provider" = String, Path, description = "As at the begin"), Callback),
    responses(
        (status = 200, description = "Signed in", body = TokenOf),
        (status = 400, description = "It was not begun here, took too long, or the provider says no", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Nobody signs in here by that", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Code or state is missing", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The provider can't be asked", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn end_elsewhere(
    place: Place,
    path: PathText,
    Params(given): Params<Callback>,
    sender: Sender,
) -> Result<Response, Problem> {
    let provider = place.provider(&path)?;
    let answer = Answer { code: given.code, state: given.state, iss: given.iss, error: None, error_description: None };
    let flight = begun(&place.ctx, provider, &sender, &answer).ok_or_else(|| unfinished(SignInError::Code))?;
    place
        .limits
        .check_answer(sender.client.address)
        .map_err(|later| Problem::too_many("Too many tries to sign in; try again later", later.seconds()))?;
    let who = land(provider, &flight, &answer).await.map_err(unfinished)?;
    if !flight.for_program {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "A page began this sign-in; begin anew by the API"));
    }
    let given = tokens(&place, &sender, provider, &who).await?;
    Ok(done(given.into_response(), &sender.client))
}

/// Tokens for somebody whom a provider knows.
///
/// # Errors
/// If no account is theirs, or it asks for a code too.
pub async fn tokens(
    place: &Place,
    sender: &Sender,
    provider: &Provider,
    who: &auth::Identity,
) -> Result<Json<TokenOf>, Problem> {
    let known = ask::sign_in_elsewhere(&place.ctx, &sender.actor, who, &provider.admission).await?;
    let refused = |why: &str| Problem::new(StatusCode::BAD_REQUEST, why);
    let known = known.ok_or_else(|| refused("An account has your address; connect it on its page first"))?;
    if known.needs_code {
        return Err(refused("This account asks for a code; sign in with its password and code"));
    }
    let token = open(&place.ctx, &place.identity, &sender.actor, &sender.headers, &known).await?;
    let user = find_account(&place.db.read, known.account).await?.ok_or(actions::Refusal::Missing("account"))?;
    Ok(Json(TokenOf { token, user }))
}

fn unfinished(error: SignInError) -> Problem {
    let text = error.to_string();
    match error {
        SignInError::Unreachable { .. } | SignInError::Refused(_) | SignInError::Provider { .. } => {
            Problem::unavailable(text, 30)
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, text),
    }
}
