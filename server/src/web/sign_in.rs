//! Coming in and going: plain forms that lead on, so that they work without scripts and with any password manager.

use std::sync::Arc;

use actions::accounts::{self as ask, Person};
use actions::{Actions, Actor, Refusal};
use axum::{
    Router,
    extract::{Extension, Form, FromRequestParts, Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::post,
};
use entity::view::OutcomeOf;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use store::db::Db;
use tower_sessions::Session;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::api::problem::Problem;
use super::client_address::Client;
use super::identity::{ACCOUNT, PENDING, SESSION_ADDRESS, SESSION_USER_AGENT};
use super::rate_limits::LoginLimits;
use crate::clock;
use crate::state::AppState;

/// What must not stand in an address as it is.
const IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'&').add(b'+').add(b'%');
/// Keeps the e-mail address for the next try, away from the page's address and so from every log.
const EMAIL_COOKIE: &str = "kubestats_email";

/// Where the forms are sent.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/sign-in", post(sign_in))
        .route("/sign-in/code", post(give_code))
        .route("/sign-out", post(sign_out))
        .route("/set-up/{link}", post(set_up))
        .route("/welcome/{link}", post(take_account))
}

/// A page of ours that somebody is led back to, or the first page: never another site.
#[must_use]
pub fn way_on(from: &str) -> &str {
    const MOST: usize = 2_000;
    let plain = from.len() <= MOST && from.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let ours = from.starts_with('/') && !from.starts_with("//");
    let leads_away =
        ["/sign-in", "/sign-out", "/set-up", "/welcome", "/auth/"].iter().any(|path| from.starts_with(path));
    if plain && ours && !leads_away { from } else { "/" }
}

fn to(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// Back to a form, with a word that says what was wrong: the page has the sentence, so that no link can put one there.
fn back(path: &str, why: &str, from: &str) -> Response {
    to(&format!("{path}?{why}&from={}", utf8_percent_encode(way_on(from), IN_QUERY)))
}

#[derive(Deserialize)]
struct SignIn {
    email: String,
    password: Zeroizing<String>,
    #[serde(default)]
    from: String,
}

async fn sign_in(
    State(ctx): State<Actions>,
    State(limits): State<Arc<LoginLimits>>,
    Extension(actor): Extension<Actor>,
    Extension(client): Extension<Client>,
    session: Session,
    headers: HeaderMap,
    Form(given): Form<SignIn>,
) -> Result<Response, Problem> {
    if let Err(later) = limits.check(client.address, &given.email) {
        return Ok(remembering(back("/sign-in", &format!("later={}", later.seconds()), &given.from), &given.email));
    }
    match ask::sign_in(&ctx, &actor, &given.email, &given.password).await {
        Ok(signed_in) => {
            limits.succeeded(client.address, &given.email);
            renew(&session).await?;
            let key = if signed_in.needs_code { PENDING } else { ACCOUNT };
            open(&session, key, signed_in.account, &client, &headers).await?;
            Ok(match signed_in.needs_code {
                true => back("/sign-in/code", "", &given.from),
                false => to(way_on(&given.from)),
            })
        }
        Err(Refusal::WrongPassword) => Ok(remembering(back("/sign-in", "wrong", &given.from), &given.email)),
        Err(Refusal::Busy) => Ok(remembering(back("/sign-in", "later=5", &given.from), &given.email)),
        Err(refusal) => Err(refusal.into()),
    }
}

fn remembering(mut response: Response, email: &str) -> Response {
    const MOST: usize = 254;
    let kept: String = utf8_percent_encode(email.trim(), percent_encoding::NON_ALPHANUMERIC).to_string();
    let cookie = format!("{EMAIL_COOKIE}={kept}; Path=/sign-in; Max-Age=300; HttpOnly; SameSite=Strict");
    if email.len() <= MOST
        && let Ok(value) = HeaderValue::from_str(&cookie)
    {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

fn unavailable(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "a session could not be stored");
    Problem::unavailable("The session could not be stored; try again in a moment", 5)
}

/// Empties a session and gives it another name: one that somebody else may know opens nothing.
async fn renew(session: &Session) -> Result<(), Problem> {
    session.clear().await;
    session.cycle_id().await.map_err(unavailable)
}

/// Notes in a session who it is of, and what people are told to know it by.
async fn open(
    session: &Session,
    key: &str,
    account: Uuid,
    client: &Client,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    session.insert(key, account.to_string()).await.map_err(unavailable)?;
    session.insert(SESSION_USER_AGENT, agent).await.map_err(unavailable)?;
    session.insert(SESSION_ADDRESS, client.address.to_string()).await.map_err(unavailable)
}

#[derive(Deserialize)]
struct Code {
    code: Zeroizing<String>,
    #[serde(default)]
    from: String,
}

async fn give_code(
    State(ctx): State<Actions>,
    State(limits): State<Arc<LoginLimits>>,
    Extension(actor): Extension<Actor>,
    Extension(client): Extension<Client>,
    session: Session,
    headers: HeaderMap,
    Form(given): Form<Code>,
) -> Result<Response, Problem> {
    let pending: Option<Uuid> = session.get(PENDING).await.map_err(unavailable)?;
    let Some(account) = pending else { return Ok(back("/sign-in", "", &given.from)) };
    if let Err(later) = limits.check(client.address, &account.to_string()) {
        return Ok(back("/sign-in/code", &format!("later={}", later.seconds()), &given.from));
    }
    match ask::check_second_factor(&ctx, &actor, account, &given.code).await {
        Ok(()) => {
            renew(&session).await?;
            open(&session, ACCOUNT, account, &client, &headers).await?;
            Ok(to(way_on(&given.from)))
        }
        Err(Refusal::WrongCode) => Ok(back("/sign-in/code", "wrong", &given.from)),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn sign_out(
    State(ctx): State<Actions>,
    Extension(actor): Extension<Actor>,
    session: Session,
) -> Result<Response, Problem> {
    ask::sign_out(&ctx, &actor).await?;
    session.flush().await.map_err(unavailable)?;
    let mut response = to("/");
    // Pages that the browser kept are of somebody who is no longer there.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(response)
}

/// Who sends a form, from where, and the session that it comes with.
#[derive(FromRequestParts)]
struct Sender {
    #[from_request(via(Extension))]
    actor: Actor,
    #[from_request(via(Extension))]
    client: Client,
    session: Session,
    headers: HeaderMap,
}

#[derive(Deserialize)]
struct FirstAccount {
    email: String,
    #[serde(default)]
    full_name: String,
    password: Zeroizing<String>,
}

async fn set_up(
    State(ctx): State<Actions>,
    State(db): State<Db>,
    State(limits): State<Arc<LoginLimits>>,
    Sender { actor, client, session, headers }: Sender,
    Path(link): Path<String>,
    Form(given): Form<FirstAccount>,
) -> Result<Response, Problem> {
    if let Err(later) = limits.check(client.address, "set-up") {
        return Ok(to(&format!("/set-up/{link}?later={}", later.seconds())));
    }
    let person = Person { email: given.email, full_name: Some(given.full_name), password: given.password };
    match ask::set_up(&ctx, &actor, &link, person).await {
        Ok(account) => {
            renew(&session).await?;
            open(&session, ACCOUNT, account, &client, &headers).await?;
            Ok(to("/"))
        }
        Err(refusal) => refused(&db, &format!("/set-up/{link}"), refusal).await,
    }
}

#[derive(Deserialize)]
struct Taken {
    #[serde(default)]
    full_name: String,
    password: Zeroizing<String>,
}

async fn take_account(
    State(ctx): State<Actions>,
    State(db): State<Db>,
    State(limits): State<Arc<LoginLimits>>,
    Sender { actor, client, session, .. }: Sender,
    Path(link): Path<String>,
    Form(given): Form<Taken>,
) -> Result<Response, Problem> {
    if let Err(later) = limits.check(client.address, &link) {
        return Ok(to(&format!("/welcome/{link}?later={}", later.seconds())));
    }
    match ask::take_account(&ctx, &actor, &link, Some(&given.full_name), &given.password).await {
        Ok(_) => {
            renew(&session).await?;
            Ok(to("/sign-in?chosen"))
        }
        Err(refusal) => refused(&db, &format!("/welcome/{link}"), refusal).await,
    }
}

/// Back to the form, which tells why.
async fn refused(db: &Db, path: &str, refusal: Refusal) -> Result<Response, Problem> {
    match refusal {
        Refusal::Unusable(_) | Refusal::Busy => {
            let text = super::api::problem::sentence(&refusal.text());
            let id = store::outcomes::record_outcome(&db.write, &OutcomeOf::Nothing(text), clock::now()).await?;
            Ok(to(&format!("{path}?outcome={id}")))
        }
        Refusal::DeadLink => Ok(to(path)),
        refusal => Err(refusal.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        for ours in ["/", "/charts?at=2026-01-01", "/repositories/a%20b#c"] {
            assert_eq!(way_on(ours), ours);
        }
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "\\/evil.example",
            "/a\r\nset-cookie: a=b",
            "/ a",
            "/sign-out",
            "/sign-in?from=/sign-in",
        ] {
            assert_eq!(way_on(other), "/", "{other:?}");
        }
    }
}
