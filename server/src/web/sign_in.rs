//! Coming in and going: plain forms that lead on, so that they work without scripts and with any password manager.

pub mod described;
pub mod elsewhere;
pub mod providers;

use std::sync::Arc;

use actions::accounts::{self as ask, Person, SignedIn};
use actions::{Actions, Actor, Refusal};
use app::context::EMAIL_COOKIE;
use app::cookies::{self, Keeping};
use axum::{
    Router,
    extract::{Extension, Form, FromRequestParts, Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use chrono::TimeDelta;
use entity::kind::Via;
use entity::view::{OutcomeOf, Timestamp};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use store::db::Db;
use tower_sessions::{Session, session, session_store};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::api::problem::Problem;
use super::client_address::Client;
use super::identity::{ACCOUNT, OUTDATED, PASSWORD_SINCE, PENDING, SESSION_ADDRESS, SESSION_USER_AGENT};
use super::rate_limits::{LoginLimits, RetryAfter};
use crate::clock;
use crate::state::AppState;

/// What must not stand in an address as it is.
const IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'&').add(b'+').add(b'%');

/// A code is asked for no longer after the password was right.
const CODE_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// What a browser is known by, and for how long, from which somebody came in. It opens nothing: with it the right password is
/// taken also while others try many.
const DEVICE_COOKIE: &str = "kubestats_device";
const DEVICE_FOR: TimeDelta = TimeDelta::days(180);

/// Where the forms are sent.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/sign-in", post(sign_in))
        .route("/sign-in/code", post(give_code))
        .route("/sign-in/forgot", post(forgot))
        .route("/sign-out", post(sign_out))
        .route("/set-up/{link}", post(set_up))
        .route("/welcome/{link}", post(take_account))
        .route("/welcome/{link}/address", post(confirm_address))
        .route("/auth/{provider}", get(elsewhere::leave))
        .route("/auth/{provider}/callback", get(elsewhere::come_back))
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
fn back(path: &str, why: Option<&str>, from: &str) -> Response {
    let why = why.map_or_else(String::new, |why| format!("{why}&"));
    to(&format!("{path}?{why}from={}", utf8_percent_encode(way_on(from), IN_QUERY)))
}

/// Back to a form that was sent too often.
fn later(path: &str, after: RetryAfter, from: &str) -> Response {
    back(path, Some(&format!("later={}", after.seconds())), from)
}

/// Who sends a form, from where, and the session that it comes with.
#[derive(FromRequestParts)]
pub struct Sender {
    #[from_request(via(Extension))]
    pub actor: Actor,
    #[from_request(via(Extension))]
    pub client: Client,
    session: Session,
    pub headers: HeaderMap,
}

impl Sender {
    /// Notes in the session whose it is, and what people are told to know it by. It is emptied and gets another name first:
    /// one that somebody else may know opens nothing.
    async fn note(&self, key: &str, of: impl Serialize) -> Result<(), Problem> {
        let agent = self.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        self.session.clear().await;
        self.session.cycle_id().await.map_err(unavailable)?;
        self.session.insert(key, of).await.map_err(unavailable)?;
        self.session.insert(SESSION_USER_AGENT, agent).await.map_err(unavailable)?;
        self.session.insert(SESSION_ADDRESS, self.client.address.to_string()).await.map_err(unavailable)
    }

    /// Opens a session for somebody; false where their password is another since they were looked at.
    async fn open(&self, who: &SignedIn) -> Result<bool, Problem> {
        self.note(ACCOUNT, who.account).await?;
        self.session.insert(PASSWORD_SINCE, who.password_since).await.map_err(unavailable)?;
        // Not only as the answer leaves: what comes of it decides where the answer leads.
        match self.session.save().await {
            Ok(()) => Ok(true),
            Err(session::Error::Store(session_store::Error::Backend(why))) if why == OUTDATED => {
                self.session.clear().await;
                Ok(false)
            }
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// Keeps the e-mail address for the next try.
fn remembering(mut response: Response, email: &str) -> Response {
    const MOST: usize = 254;
    let kept = utf8_percent_encode(email.trim(), NON_ALPHANUMERIC).to_string();
    let keeping = Keeping { path: "/sign-in", strict: true, ..Keeping::so_long(300) };
    if let Some(cookie) = cookies::set(EMAIL_COOKIE, &kept, keeping).filter(|_| email.len() <= MOST) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A browser that somebody came in with.
#[derive(Serialize, Deserialize)]
struct Device {
    id: Uuid,
    /// Whom it vouches for.
    email: String,
}

/// The browser's own name, where somebody came in to this account with it before.
fn known_device(ctx: &Actions, headers: &HeaderMap, email: &str) -> Option<Uuid> {
    let sealed = cookies::find(headers, DEVICE_COOKIE)?;
    let device: Device = ask::open_sealed(ctx, DEVICE_COOKIE, &sealed)?;
    (device.email == email.trim().to_lowercase()).then_some(device.id)
}

/// Lets the browser vouch for its person from now on.
fn with_device(ctx: &Actions, mut response: Response, email: &str) -> Response {
    let device = Device { id: Uuid::now_v7(), email: email.trim().to_lowercase() };
    let sealed = ask::keep_sealed(ctx, DEVICE_COOKIE, &device, DEVICE_FOR);
    let seconds = u32::try_from(DEVICE_FOR.num_seconds()).unwrap_or(u32::MAX);
    let keeping = Keeping { path: "/sign-in", strict: true, ..Keeping::so_long(seconds) };
    if let Some(cookie) = sealed.and_then(|sealed| cookies::set(DEVICE_COOKIE, &sealed, keeping)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn unavailable(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "a session could not be stored");
    Problem::unavailable("The session could not be stored; try again in a moment", 5)
}

#[derive(Deserialize)]
struct SignIn {
    email: String,
    password: Zeroizing<String>,
    #[serde(default)]
    from: String,
}

/// Who is known by a password or a provider, and since when: a code is asked for within minutes, and only while the password is
/// the same.
#[derive(Serialize, Deserialize)]
struct Pending {
    account: Uuid,
    /// When that password was set.
    #[serde(default)]
    password_since: Option<Timestamp>,
    since: Timestamp,
    first: Via,
}

impl Pending {
    fn of(known: &SignedIn, first: Via) -> Self {
        Self { account: known.account, password_since: known.password_since, since: clock::now(), first }
    }
}

async fn sign_in(
    State(ctx): State<Actions>,
    State(limits): State<Arc<LoginLimits>>,
    sender: Sender,
    Form(given): Form<SignIn>,
) -> Result<Response, Problem> {
    const PATH: &str = "/sign-in";
    let address = sender.client.address;
    let device = known_device(&ctx, &sender.headers, &given.email);
    if let Some(device) = device {
        limits.vouch(address, &given.email, device);
    }
    if let Err(after) = limits.check(address, &given.email) {
        return Ok(remembering(later(PATH, after, &given.from), &given.email));
    }
    // In a box: whoever sends a form slowly holds no room for what comes after it.
    let why = match Box::pin(ask::sign_in(&ctx, &sender.actor, &given.email, &given.password)).await {
        Ok(known) => {
            limits.succeeded(address, &given.email);
            let answer = if known.needs_code {
                sender.note(PENDING, Pending::of(&known, Via::Password)).await?;
                Some(back("/sign-in/code", None, &given.from))
            } else {
                sender.open(&known).await?.then(|| to(way_on(&given.from)))
            };
            match answer {
                Some(answer) if device.is_some() => return Ok(answer),
                Some(answer) => return Ok(with_device(&ctx, answer, &given.email)),
                None => "wrong",
            }
        }
        Err(Refusal::WrongPassword) => "wrong",
        Err(Refusal::Busy) => "later=5",
        Err(refusal) => return Err(refusal.into()),
    };
    Ok(remembering(back(PATH, Some(why), &given.from), &given.email))
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
    sender: Sender,
    Form(given): Form<Code>,
) -> Result<Response, Problem> {
    const PATH: &str = "/sign-in/code";
    let pending: Option<Pending> = sender.session.get(PENDING).await.map_err(unavailable)?;
    let in_time = |pending: &Pending| clock::now() - pending.since < CODE_WITHIN;
    let Some(Pending { account, password_since, since, first }) = pending.filter(in_time) else {
        return Ok(back("/sign-in", None, &given.from));
    };
    let known = SignedIn { account, password_since, needs_code: true };
    if let Err(after) = limits.check(sender.client.address, &account.to_string()) {
        return Ok(later(PATH, after, &given.from));
    }
    match Box::pin(ask::check_second_factor(&ctx, &sender.actor, &known, since, first, &given.code)).await {
        Ok(()) => Ok(match sender.open(&known).await? {
            true => to(way_on(&given.from)),
            false => back("/sign-in", Some("wrong"), &given.from),
        }),
        Err(Refusal::WrongCode) => Ok(back(PATH, Some("wrong-code"), &given.from)),
        // So many were wrong that the password is asked for anew.
        Err(Refusal::Later(seconds)) => {
            sender.session.flush().await.map_err(unavailable)?;
            Ok(back("/sign-in", Some(&format!("later={seconds}")), &given.from))
        }
        Err(Refusal::Busy) => Ok(back(PATH, Some("later=5"), &given.from)),
        Err(refusal) => Err(refusal.into()),
    }
}

#[derive(Deserialize)]
struct Forgot {
    email: String,
}

/// Has a link sent to whoever has the account of this address. Nothing of the answer depends on whether anybody has.
async fn forgot(
    State(ctx): State<Actions>,
    State(db): State<Db>,
    State(limits): State<Arc<LoginLimits>>,
    sender: Sender,
    Form(given): Form<Forgot>,
) -> Result<Response, Problem> {
    const PATH: &str = "/sign-in/forgot";
    if let Err(after) = limits.check(sender.client.address, &given.email) {
        return Ok(remembering(later(PATH, after, ""), &given.email));
    }
    match Box::pin(actions::mail::ask_password_reset(&ctx, &sender.actor, &given.email)).await {
        Ok(()) => Ok(remembering(to("/sign-in?sent"), &given.email)),
        Err(refusal) => refused(&db, PATH, refusal).await,
    }
}

async fn sign_out(State(ctx): State<Actions>, sender: Sender) -> Result<Response, Problem> {
    ask::sign_out(&ctx, &sender.actor).await?;
    sender.session.flush().await.map_err(unavailable)?;
    let mut response = to("/");
    // Pages that the browser kept are of somebody who is no longer there.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(response)
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
    sender: Sender,
    Path(link): Path<String>,
    Form(given): Form<FirstAccount>,
) -> Result<Response, Problem> {
    let path = format!("/set-up/{link}");
    if let Err(after) = limits.check(sender.client.address, &link) {
        return Ok(later(&path, after, ""));
    }
    let person = Person { email: given.email, full_name: Some(given.full_name), password: given.password };
    match Box::pin(ask::set_up(&ctx, &sender.actor, &link, person)).await {
        Ok(known) => Ok(to(if sender.open(&known).await? { "/" } else { "/sign-in" })),
        Err(refusal) => refused(&db, &path, refusal).await,
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
    sender: Sender,
    Path(link): Path<String>,
    Form(given): Form<Taken>,
) -> Result<Response, Problem> {
    let path = format!("/welcome/{link}");
    if let Err(after) = limits.check(sender.client.address, &link) {
        return Ok(later(&path, after, ""));
    }
    match Box::pin(ask::take_account(&ctx, &sender.actor, &link, Some(&given.full_name), &given.password)).await {
        Ok(_) => {
            sender.session.flush().await.map_err(unavailable)?;
            Ok(to("/sign-in?chosen"))
        }
        Err(refusal) => refused(&db, &path, refusal).await,
    }
}

/// Gives an account the address that a link was mailed to. What came of it is told on the account's own page.
async fn confirm_address(
    State(ctx): State<Actions>,
    State(db): State<Db>,
    State(limits): State<Arc<LoginLimits>>,
    sender: Sender,
    Path(link): Path<String>,
) -> Result<Response, Problem> {
    let path = format!("/welcome/{link}");
    if let Err(after) = limits.check(sender.client.address, &link) {
        return Ok(later(&path, after, ""));
    }
    match Box::pin(ask::confirm_address(&ctx, &sender.actor, &link)).await {
        Ok(address) => {
            let text = format!("Your e-mail address is {address} from now on.");
            let id = store::outcomes::record_outcome(&db.write, &OutcomeOf::Done(text), clock::now()).await?;
            Ok(to(&format!("/account?outcome={id}")))
        }
        // The page asks for somebody who is signed in.
        Err(Refusal::NotSignedIn) => Ok(to(&path)),
        Err(refusal) => refused(&db, &path, refusal).await,
    }
}

/// Back to the form, which tells why.
async fn refused(db: &Db, path: &str, refusal: Refusal) -> Result<Response, Problem> {
    match refusal {
        Refusal::Unusable(_) | Refusal::Busy => {
            let text = refusal.sentence();
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
