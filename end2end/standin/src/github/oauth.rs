//! GitHub's OAuth apps: the web application flow with PKCE, and who a token belongs to.
//!
//! <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::forge::{Forge, lock};
use crate::gate::{self, Caller};

/// How long a code may be exchanged for a token.
const CODE_LASTS: TimeDelta = TimeDelta::minutes(10);
const ERRORS: &str = "/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors";
const BEFORE: &str = "/apps/managing-oauth-apps/troubleshooting-authorization-request-errors";

/// An OAuth app as it is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthApp {
    /// Public.
    pub client_id: String,
    /// Not.
    pub client_secret: String,
    /// The registered callback URL: answers go there or below.
    pub callback: String,
}

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Stays when the login changes.
    pub id: u64,
    /// The name in addresses.
    pub login: String,
    /// The name on the profile.
    pub name: Option<String>,
    /// Addresses, and whether each is the primary one and verified.
    pub emails: Vec<(String, bool, bool)>,
}

/// What was given out.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    codes: HashMap<String, Code>,
    tokens: HashMap<String, Token>,
}

impl Grants {
    pub(crate) fn expire_codes(&mut self) {
        for code in self.codes.values_mut() {
            code.ends = DateTime::UNIX_EPOCH;
        }
    }
}

#[derive(Debug)]
struct Code {
    login: String,
    scopes: Vec<String>,
    redirect_uri: String,
    challenge: Option<String>,
    ends: DateTime<Utc>,
}

#[derive(Debug)]
struct Token {
    login: String,
    scopes: Vec<String>,
}

type Pairs = HashMap<String, String>;

pub(super) fn router() -> Router<Arc<Forge>> {
    let api = Router::new().route("/user", get(user)).route("/user/emails", get(emails));
    Router::new()
        .route("/login/oauth/authorize", get(authorize))
        .route("/login/oauth/access_token", post(access_token))
        .merge(api.clone())
        .nest("/api/v3", api)
}

/// Asks who it is that signs in, as GitHub's own page does; `login` answers that, and an empty one means "cancel".
async fn authorize(State(forge): State<Arc<Forge>>, Query(asked): Query<Pairs>) -> Response {
    let of = |key: &str| asked.get(key).map(String::as_str);
    let Some(app) = forge.options.oauth_app.as_ref().filter(|app| Some(app.client_id.as_str()) == of("client_id"))
    else {
        return (StatusCode::NOT_FOUND, Html("<h1>404</h1><p>This is not the web page you are looking for.</p>"))
            .into_response();
    };
    let redirect_uri = of("redirect_uri").unwrap_or(&app.callback);
    let back = |to: &str, pairs: &[(&str, &str)]| {
        let Ok(mut url) = Url::parse(to) else { return StatusCode::BAD_REQUEST.into_response() };
        url.query_pairs_mut().extend_pairs(pairs).extend_pairs(of("state").map(|state| ("state", state)));
        Redirect::to(url.as_str()).into_response()
    };
    if redirect_uri != app.callback && !redirect_uri.starts_with(&format!("{}/", app.callback)) {
        let uri = format!("{BEFORE}/#redirect-uri-mismatch");
        let why = "The redirect_uri MUST match the registered callback URL for this application.";
        let pairs = [("error", "redirect_uri_mismatch"), ("error_description", why), ("error_uri", uri.as_str())];
        return back(&app.callback, &pairs);
    }
    let login = match of("login") {
        None => return ask(&forge, &asked),
        Some("") => {
            let uri = format!("{BEFORE}/#access-denied");
            let why = "The user has denied your application access.";
            return back(
                redirect_uri,
                &[("error", "access_denied"), ("error_description", why), ("error_uri", uri.as_str())],
            );
        }
        Some(login) => login,
    };
    if person(&forge, login).is_none() || of("code_challenge_method").is_some_and(|method| method != "S256") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let code = unguessable(10);
    let scopes = of("scope").unwrap_or_default().split([' ', ',']).filter(|scope| !scope.is_empty());
    let granted = Code {
        login: login.to_owned(),
        scopes: scopes.map(str::to_owned).collect(),
        redirect_uri: redirect_uri.to_owned(),
        challenge: of("code_challenge").map(str::to_owned),
        ends: Utc::now() + CODE_LASTS,
    };
    lock(&forge.grants).codes.insert(code.clone(), granted);
    back(redirect_uri, &[("code", code.as_str())])
}

fn ask(forge: &Forge, asked: &Pairs) -> Response {
    let link = |login: &str, text: &str| {
        let query = Serializer::new(String::new()).extend_pairs(asked).append_pair("login", login).finish();
        format!("<p><a href=\"/login/oauth/authorize?{}\">{text}</a></p>", query.replace('&', "&amp;"))
    };
    let people: String =
        forge.options.people.iter().map(|one| link(&one.login, &format!("Continue as {}", one.login))).collect();
    Html(format!("<!doctype html><title>Sign in</title><h1>Sign in</h1>{people}{}", link("", "Cancel"))).into_response()
}

async fn access_token(State(forge): State<Arc<Forge>>, headers: HeaderMap, Form(given): Form<Pairs>) -> Response {
    let answer = exchange(&forge, &given);
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("json") {
        return Json(answer).into_response();
    }
    let mut pairs = Serializer::new(String::new());
    for (key, value) in answer.as_object().into_iter().flatten() {
        pairs.append_pair(key, value.as_str().unwrap_or_default());
    }
    ([(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")], pairs.finish()).into_response()
}

/// A token, or what is wrong; the status is 200 either way.
fn exchange(forge: &Forge, given: &Pairs) -> Value {
    let of = |key: &str| given.get(key).map(String::as_str);
    let wrong =
        |error: &str, why: &str, place: String| json!({"error": error, "error_description": why, "error_uri": place});
    let Some(app) = forge.options.oauth_app.as_ref().filter(|app| {
        Some(app.client_id.as_str()) == of("client_id") && Some(app.client_secret.as_str()) == of("client_secret")
    }) else {
        let why = "The client_id and/or client_secret passed are incorrect.";
        return wrong("incorrect_client_credentials", why, format!("{ERRORS}/#incorrect-client-credentials"));
    };
    let mut grants = lock(&forge.grants);
    let proven = |code: &Code| {
        code.challenge.as_ref().is_none_or(|challenge| {
            of("code_verifier").is_some_and(|verifier| {
                BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == *challenge
            })
        })
    };
    // A code is gone once it is shown, right or wrong.
    let code = of("code").and_then(|code| grants.codes.remove(code));
    let Some(code) = code.filter(|code| code.ends > Utc::now() && proven(code)) else {
        let why = "The code passed is incorrect or expired.";
        return wrong("bad_verification_code", why, format!("{ERRORS}/#bad-verification-code"));
    };
    if of("redirect_uri").unwrap_or(&app.callback) != code.redirect_uri {
        let why = "The redirect_uri MUST match the registered callback URL for this application.";
        return wrong("redirect_uri_mismatch", why, format!("{BEFORE}/#redirect-uri-mismatch2"));
    }
    let token = format!("gho_{}", unguessable(18));
    let scope = code.scopes.join(",");
    grants.tokens.insert(token.clone(), Token { login: code.login, scopes: code.scopes });
    json!({"access_token": token, "scope": scope, "token_type": "bearer"})
}

async fn user(State(forge): State<Arc<Forge>>, headers: HeaderMap) -> Response {
    let (person, scopes) = match holder(&forge, &headers) {
        Ok(found) => found,
        Err(refused) => return *refused,
    };
    let api = format!("{}/users/{}", forge.url(), person.login);
    let mut told = json!({
        "login": person.login, "id": person.id, "node_id": format!("U_{}", person.id), "name": person.name,
        "avatar_url": format!("{}/avatars/u/{}", forge.url(), person.id), "gravatar_id": "",
        "url": api, "html_url": format!("{}/{}", forge.url(), person.login), "type": "User", "user_view_type": "private", "site_admin": false,
        "blog": "", "public_repos": 1, "two_factor_authentication": true,
        "created_at": "2019-04-01T08:00:00Z", "updated_at": "2026-04-01T08:00:00Z",
    });
    for field in ["company", "location", "email", "hireable", "bio", "twitter_username"] {
        told[field] = Value::Null;
    }
    for field in [
        "public_gists",
        "followers",
        "following",
        "private_gists",
        "total_private_repos",
        "owned_private_repos",
        "disk_usage",
        "collaborators",
    ] {
        told[field] = json!(0);
    }
    for (field, path) in [
        ("followers_url", "followers"),
        ("following_url", "following{/other_user}"),
        ("gists_url", "gists{/gist_id}"),
        ("starred_url", "starred{/owner}{/repo}"),
        ("subscriptions_url", "subscriptions"),
        ("organizations_url", "orgs"),
        ("repos_url", "repos"),
        ("events_url", "events{/privacy}"),
        ("received_events_url", "received_events"),
    ] {
        told[field] = json!(format!("{api}/{path}"));
    }
    ([("x-oauth-scopes", scopes.join(", "))], Json(told)).into_response()
}

async fn emails(State(forge): State<Arc<Forge>>, headers: HeaderMap) -> Response {
    let (person, scopes) = match holder(&forge, &headers) {
        Ok(found) => found,
        Err(refused) => return *refused,
    };
    if !scopes.iter().any(|scope| scope == "user" || scope == "user:email") {
        let place = "https://docs.github.com/rest/users/emails#list-email-addresses-for-the-authenticated-user";
        return gate::said(StatusCode::NOT_FOUND, "Not Found", place);
    }
    let told = person.emails.iter().map(|(email, primary, verified)| {
        let visibility = primary.then_some("private");
        json!({"email": email, "primary": primary, "verified": verified, "visibility": visibility})
    });
    Json(told.collect::<Value>()).into_response()
}

/// Whose token it is, and for what.
fn holder(forge: &Forge, headers: &HeaderMap) -> Result<(Person, Vec<String>), Box<Response>> {
    if !headers.contains_key(header::USER_AGENT) {
        return Err(Box::new(StatusCode::FORBIDDEN.into_response()));
    }
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| value.split_once(' ')).map(|(_, token)| token);
    // Whoever lends us a token for the API is the first of the people.
    if let (Caller::Token { private, .. }, Some(first)) = (gate::caller(forge, headers), forge.options.people.first()) {
        let scopes = if private { vec!["repo".to_owned()] } else { Vec::new() };
        return Ok((first.clone(), scopes));
    }
    let grants = lock(&forge.grants);
    let known = token.and_then(|token| grants.tokens.get(token));
    known
        .and_then(|token| Some((person(forge, &token.login)?.clone(), token.scopes.clone())))
        .ok_or_else(|| Box::new(gate::bad_credentials(forge.kind())))
}

fn person<'a>(forge: &'a Forge, login: &str) -> Option<&'a Person> {
    forge.options.people.iter().find(|one| one.login == login)
}

/// So many random bytes, in hex.
fn unguessable(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).expect("the system gives random bytes");
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}
