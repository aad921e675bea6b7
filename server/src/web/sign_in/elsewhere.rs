//! Coming in by somebody else's word: to the provider, and back with what it says. What belongs together is kept by the
//! browser, sealed, until it comes back: nothing is stored for people who only begin.

use std::sync::Arc;

use actions::accounts as ask;
use actions::{Actions, Refusal};
use app::context::IDENTITY_COOKIE;
use app::cookies::{self, Keeping};
use auth::{Begun, Identity, SignInError};
use axum::{
    extract::{FromRequestParts, Query, State},
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use chrono::TimeDelta;
use entity::kind::Via;
use serde::{Deserialize, Serialize};
use store::db::Db;

use super::providers::{Provider, Providers};
use super::{PENDING, Pending, Sender, back, later, refused, to, way_on};
use crate::state::AppState;
use crate::web::api::extract::PathText;
use crate::web::api::problem::Problem;
use crate::web::client_address::Client;
use crate::web::rate_limits::LoginLimits;

/// How long somebody may take at the provider.
const WITHIN: TimeDelta = TimeDelta::minutes(10);
/// The browser keeps what belongs to it as long; not away from other sites, or it would be missing when the provider leads back.
const KEPT: Keeping = Keeping::so_long(600);
const PATH: &str = "/sign-in";
/// Where somebody agrees to come in by it.
const CONNECT: &str = "/account?connect#connections";

/// Who began, and what for.
#[derive(Serialize, Deserialize)]
pub struct Flight {
    begun: Begun,
    from: String,
    /// An invitation that is to be taken by it.
    invite: Option<String>,
    /// Whether a program gets tokens for it, in place of a browser its session.
    pub for_program: bool,
}

fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-kubestats_begun" } else { "kubestats_begun" }
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// What it is sealed for: a flight to one provider is of no use at another.
fn purpose(provider: &Provider) -> String {
    format!("sign-in-by:{}", provider.id)
}

/// Begins, and gives the cookie that belongs to it.
///
/// # Errors
/// If the provider can't be asked how people sign in there.
pub async fn begin(
    ctx: &Actions,
    provider: &Provider,
    client: &Client,
    flight: impl FnOnce(Begun) -> Flight,
) -> Result<(Begun, Option<HeaderValue>), SignInError> {
    let begun = provider.begin().await?;
    let flight = flight(Begun { url: String::new(), ..begun.clone() });
    let sealed = ask::keep_sealed(ctx, &purpose(provider), &flight, WITHIN);
    let cookie = sealed.and_then(|sealed| cookies::set(cookie_name(client.https), &sealed, KEPT));
    Ok((begun, cookie))
}

/// For a program: what it gets are tokens.
#[must_use]
pub fn of_program(begun: Begun) -> Flight {
    Flight { begun, from: String::new(), invite: None, for_program: true }
}

#[derive(Deserialize)]
pub(super) struct Beginning {
    #[serde(default)]
    from: String,
    invite: Option<String>,
}

/// `/auth/{provider}`: leads to the provider.
pub(super) async fn leave(
    place: Place,
    path: PathText,
    Query(given): Query<Beginning>,
    sender: Sender,
) -> Result<Response, Problem> {
    let provider = place.provider(&path)?;
    // Cookies have little room.
    const LONGEST_LINK: usize = 100;
    let from = way_on(&given.from).to_owned();
    let invite = given.invite.filter(|link| link.len() <= LONGEST_LINK);
    let flight = |begun| Flight { begun, from, invite, for_program: false };
    match begin(&place.ctx, provider, &sender.client, flight).await {
        Ok((begun, cookie)) => Ok(with_cookie(to(&begun.url), cookie)),
        Err(error) => {
            tracing::warn!(%error, provider = provider.id, "a sign-in elsewhere can't begin");
            Ok(back(PATH, Some("elsewhere=away"), &given.from))
        }
    }
}

/// What signing in elsewhere works with.
#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub struct Place {
    #[from_request(via(State))]
    pub ctx: Actions,
    #[from_request(via(State))]
    pub db: Db,
    #[from_request(via(State))]
    pub identity: crate::web::identity::Identity,
    #[from_request(via(State))]
    pub limits: Arc<LoginLimits>,
    #[from_request(via(State))]
    providers: Arc<Providers>,
}

impl Place {
    /// The provider that a path names.
    ///
    /// # Errors
    /// 404 where there is none such.
    pub fn provider(&self, path: &PathText) -> Result<&Provider, Problem> {
        let found = path.get("provider").and_then(|id| self.providers.find(id));
        found.ok_or_else(|| Refusal::Missing("way to sign in").into())
    }
}

/// What a provider answers with.
#[derive(Deserialize)]
pub struct Answer {
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub state: String,
    pub iss: Option<String>,
    pub error: Option<String>,
    pub error_description: Option<String>,
}

/// What was begun in this browser and belongs to an answer; nothing where it does not, or too long ago.
#[must_use]
pub fn begun(ctx: &Actions, provider: &Provider, sender: &Sender, answer: &Answer) -> Option<Flight> {
    let sealed = cookies::find(&sender.headers, cookie_name(sender.client.https))?;
    let flight: Flight = ask::open_sealed(ctx, &purpose(provider), &sealed)?;
    flight.begun.is_state(&answer.state).then_some(flight)
}

/// Who somebody is, by what the provider answered to what was begun.
///
/// # Errors
/// If what the provider says does not hold.
pub async fn land(provider: &Provider, flight: &Flight, answer: &Answer) -> Result<Identity, SignInError> {
    if let Some(error) = &answer.error {
        let reason = answer.error_description.as_ref().unwrap_or(error);
        let reason = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
        return Err(SignInError::Denied { provider: provider.admission.provider.clone(), reason });
    }
    provider.finish(&answer.code, answer.iss.as_deref(), &flight.begun).await
}

/// The begun sign-in is good for one answer.
#[must_use]
pub fn done(response: Response, client: &Client) -> Response {
    with_cookie(response, cookies::set(cookie_name(client.https), "", Keeping::so_long(0)))
}

/// `/auth/{provider}/callback`: where the provider leads back to.
pub(super) async fn come_back(
    place: Place,
    path: PathText,
    Query(answer): Query<Answer>,
    sender: Sender,
) -> Result<Response, Problem> {
    let provider = place.provider(&path)?;
    let Some(flight) = begun(&place.ctx, provider, &sender, &answer) else {
        return Ok(back(PATH, Some("elsewhere=again"), ""));
    };
    // Each answer makes us ask the provider.
    if let Err(after) = place.limits.check_answer(sender.client.address) {
        return Ok(later(PATH, after, ""));
    }
    let response = match land(provider, &flight, &answer).await {
        Ok(who) if flight.for_program => {
            let given = crate::web::api::v1::elsewhere::tokens(&place, &sender, provider, &who).await;
            given.into_response()
        }
        Ok(who) => arrive(&place.ctx, &place.db, &sender, provider, &who, &flight).await?,
        Err(error) => unfinished(&place.db, &error).await?,
    };
    Ok(done(response, &sender.client))
}

/// A browser whose person is known by the provider.
async fn arrive(
    ctx: &Actions,
    db: &Db,
    sender: &Sender,
    provider: &Provider,
    who: &Identity,
    flight: &Flight,
) -> Result<Response, Problem> {
    // Somebody who is here already wants to come in by it from now on, and is asked so.
    if flight.invite.is_none() && sender.actor.in_person().is_ok() {
        return Ok(offer(ctx, provider, who, to(CONNECT)));
    }
    let known = match &flight.invite {
        Some(link) => ask::take_account_elsewhere(ctx, &sender.actor, link, who, &provider.admission).await.map(Some),
        None => ask::sign_in_elsewhere(ctx, &sender.actor, who, &provider.admission).await,
    };
    match known {
        Ok(Some(known)) if known.needs_code => {
            sender.note(PENDING, Pending::of(&known, Via::Provider)).await?;
            Ok(back("/sign-in/code", None, &flight.from))
        }
        Ok(Some(known)) => Ok(match sender.open(&known).await? {
            true => to(way_on(&flight.from)),
            false => back(PATH, Some("elsewhere=again"), &flight.from),
        }),
        Ok(None) => Ok(offer(ctx, provider, who, back(PATH, Some("connect"), CONNECT))),
        Err(Refusal::DeadLink) => Ok(to("/welcome/gone")),
        Err(refusal) => {
            // What its reader can't mend, such as a role that is not there, is the operator's.
            tracing::warn!(
                refusal = refusal.text(),
                provider = provider.id,
                "somebody whom a provider knows is not let in"
            );
            refused(db, PATH, refusal).await
        }
    }
}

/// Leads to where somebody is asked whether the account is to be theirs by the provider's word too.
fn offer(ctx: &Actions, provider: &Provider, who: &Identity, response: Response) -> Response {
    let sealed = ask::keep_identity(ctx, who, &provider.admission.provider);
    let cookie = sealed.and_then(|sealed| cookies::set(IDENTITY_COOKIE, &sealed, KEPT));
    with_cookie(response, cookie)
}

/// Back to the form, which tells why.
async fn unfinished(db: &Db, error: &SignInError) -> Result<Response, Problem> {
    tracing::warn!(%error, "a sign-in elsewhere was not finished");
    refused(db, PATH, Refusal::Unusable(error.to_string())).await
}
