//! Accounts that tests make, and how their people ask.

use actions::accounts::SignedIn;
use axum::{
    body::Body,
    http::{Method, Request, header},
};
use entity::kind::{Permission, Role};
use serde_json::Value;
use store::accounts::{self, NewAccount, NewToken};
use uuid::Uuid;

use crate::support::{Answer, Nobody, TestApp, day};

pub(super) const PASSWORD: &str = "violet anchor timber seventeen";

/// An account with this role, and a token of it that may what the role may.
pub(super) async fn account(app: &TestApp, email: &str, role: &str) -> (Uuid, String) {
    let new = NewAccount { email: email.to_owned(), full_name: None, role: role.to_owned(), password_hash: None };
    let id = accounts::insert_account(&app.state.db.write, &new, day(1)).await.unwrap();
    (id, token(app, id, &[Permission::Admin], &[]).await)
}

pub(super) async fn token(app: &TestApp, account_id: Uuid, scopes: &[Permission], repositories: &[&str]) -> String {
    let minted = auth::token::mint();
    let new = NewToken {
        account_id,
        token_hash: minted.hash,
        name: "test".to_owned(),
        scopes: scopes.to_vec(),
        repositories: repositories.iter().map(|&pattern| pattern.to_owned()).collect(),
        expires_at: None,
    };
    accounts::insert_token(&app.state.db.write, &new, day(1)).await.unwrap();
    minted.text.to_string()
}

/// Asks as whoever a token is of, or as nobody.
pub(super) async fn ask(app: &TestApp, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = match body {
        Some(body) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    app.send(request.extension(Nobody).body(body).unwrap()).await
}

pub(super) async fn form(app: &TestApp, path: &str, fields: &[(&str, &str)], cookie: Option<&str>) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    app.send(request.extension(Nobody).body(Body::from(body)).unwrap()).await
}

/// Signs in as programs do.
pub(super) async fn login(app: &TestApp, email: &str, password: &str) -> Answer {
    form(app, "/api/v1/login/access-token", &[("username", email), ("password", password)], None).await
}

pub(super) fn location(answer: &Answer) -> &str {
    answer.headers.get(header::LOCATION).map_or("", |place| place.to_str().unwrap())
}

/// What a browser would send back.
pub(super) fn cookie(answer: &Answer) -> Option<String> {
    let set = answer.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let session = set.filter(|value| value.starts_with("kubestats=")).find(|value| !value.contains("Max-Age=0"));
    session.map(|value| value.split(';').next().unwrap().to_owned())
}

pub(super) async fn by_cookie(app: &TestApp, path: &str, cookie: &str) -> Answer {
    app.send(Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap()).await
}

/// An account that signs in with [`PASSWORD`].
pub(super) async fn person(app: &TestApp, email: &str, role: Role) -> Uuid {
    let hash = auth::password::Passwords::new().hash(PASSWORD).await.unwrap();
    let role = role.as_str().to_owned();
    let new = NewAccount { email: email.to_owned(), full_name: None, role, password_hash: Some(hash) };
    accounts::insert_account(&app.state.db.write, &new, day(1)).await.unwrap()
}

/// Whoever has this account, as one who is known by their password just now.
pub(super) async fn known(app: &TestApp, id: Uuid) -> SignedIn {
    let found = accounts::find_credentials(&app.state.db.read, id).await.unwrap().unwrap();
    let password_since = found.password_changed_at.map(Into::into);
    SignedIn { account: id, password_since, needs_code: found.totp_since.is_some() }
}

/// The code that an authenticator app shows now.
pub(super) fn support_code(url: &str) -> String {
    let now = u64::try_from(chrono::Utc::now().timestamp()).unwrap();
    totp_rs::Totp::from_url(url).unwrap().generate(now).to_string()
}
