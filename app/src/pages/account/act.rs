//! What somebody does with their own account. Each is a form's target and leads back to the page, which says what came of it.

use leptos::prelude::*;
use leptos::server_fn::codec::Postcard;
use uuid::Uuid;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::pages::{ask, outcome::tell};
#[cfg(feature = "ssr")]
use actions::accounts;

#[cfg(feature = "ssr")]
const PAGE: &str = "/account";

/// Changes name and e-mail address; where mails are sent, the address waits until its link is opened.
#[server(prefix = "/ui", endpoint = "change_profile", output = Postcard, client = crate::client::PageClient)]
pub async fn change_profile(
    email: String,
    #[server(default)] full_name: String,
    #[server(default)] password: String,
) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let password = (!password.is_empty()).then(|| password.into());
    let done = accounts::change_profile(&ctx, &actor, &email, Some(&full_name), password.as_ref()).await;
    let said = |waits: Option<String>| match waits {
        Some(address) => format!("Your e-mail address changes once you open the link that was sent to {address}."),
        None => "Your profile is saved.".to_owned(),
    };
    tell::lead_to(PAGE, done.map(said)).await
}

/// Leaves the e-mail address as it is: the link that was mailed works no more.
#[server(prefix = "/ui", endpoint = "cancel_address", output = Postcard, client = crate::client::PageClient)]
pub async fn cancel_address() -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::cancel_address(&ctx, &actor).await;
    tell::lead_to(PAGE, done.map(|()| "Your e-mail address stays as it is.".to_owned())).await
}

/// Changes the password.
#[server(prefix = "/ui", endpoint = "change_password", output = Postcard, client = crate::client::PageClient)]
pub async fn change_password(current: String, new: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::change_password(&ctx, &actor, &current.into(), &new.into()).await;
    let said = "Your password is changed, and you are signed out everywhere else.";
    tell::lead_to(PAGE, done.map(|()| said.to_owned())).await
}

/// Begins with a second factor; the page then shows its picture.
#[server(prefix = "/ui", endpoint = "begin_second_factor", output = Postcard, client = crate::client::PageClient)]
pub async fn begin_second_factor(#[server(default)] password: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::begin_second_factor(&ctx, &actor, &password.into()).await;
    if done.is_ok() {
        ask::show_once(&ctx, &actor, entity::view::ShownOnce::SecondFactor);
    }
    let said = "Add Kubestats to your authenticator app, then enter a code to finish.";
    tell::lead_to(PAGE, done.map(|_| said.to_owned())).await
}

/// Has a code asked for from now on; the page then shows the recovery codes.
#[server(prefix = "/ui", endpoint = "confirm_second_factor", output = Postcard, client = crate::client::PageClient)]
pub async fn confirm_second_factor(code: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::confirm_second_factor(&ctx, &actor, &code).await;
    if let Ok(codes) = &done {
        let codes = codes.iter().map(|code| code.to_string()).collect();
        ask::show_once(&ctx, &actor, entity::view::ShownOnce::RecoveryCodes(codes));
    }
    tell::lead_to(PAGE, done.map(|_| "Two-factor sign-in is on.".to_owned())).await
}

/// No code is asked for any more.
#[server(prefix = "/ui", endpoint = "remove_second_factor", output = Postcard, client = crate::client::PageClient)]
pub async fn remove_second_factor(#[server(default)] password: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::remove_second_factor(&ctx, &actor, &password.into()).await;
    tell::lead_to(PAGE, done.map(|()| "Two-factor sign-in is off.".to_owned())).await
}

/// Ends one of the own sessions.
#[server(prefix = "/ui", endpoint = "end_session", output = Postcard, client = crate::client::PageClient)]
pub async fn end_session(session_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::end_session(&ctx, &actor, session_id).await;
    tell::lead_to(PAGE, done.map(|()| "That session is signed out.".to_owned())).await
}

/// Ends all own sessions but the one that asks.
#[server(prefix = "/ui", endpoint = "end_other_sessions", output = Postcard, client = crate::client::PageClient)]
pub async fn end_other_sessions() -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::end_other_sessions(&ctx, &actor).await;
    tell::lead_to(PAGE, done.map(|_| "You are signed out everywhere else.".to_owned())).await
}

/// Has somebody let in by who they are elsewhere.
#[server(prefix = "/ui", endpoint = "link_identity", output = Postcard, client = crate::client::PageClient)]
pub async fn link_identity(#[server(default)] password: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let sealed = ask::cookie(crate::context::IDENTITY_COOKIE).unwrap_or_default();
    let password = (!password.is_empty()).then(|| password.into());
    let done = accounts::link_identity(&ctx, &actor, &sealed, password.as_ref()).await;
    let page = if done.is_ok() { PAGE } else { "/account?connect" };
    tell::lead_to(page, done.map(|who| format!("You can sign in by {} from now on.", who.provider))).await
}

/// Has somebody let in by it no more.
#[server(prefix = "/ui", endpoint = "unlink_identity", output = Postcard, client = crate::client::PageClient)]
pub async fn unlink_identity(issuer: String, subject: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::unlink_identity(&ctx, &actor, &issuer, &subject).await;
    tell::lead_to(PAGE, done.map(|()| "It lets you in no more.".to_owned())).await
}

/// Makes a token; the page then shows it, once.
#[server(prefix = "/ui", endpoint = "create_token", output = Postcard, client = crate::client::PageClient)]
pub async fn create_token(
    name: String,
    #[server(default)] scope: Vec<String>,
    #[server(default)] repositories: String,
    #[server(default)] days: String,
) -> Result<(), AppError> {
    use accounts::TokenRequest;
    use entity::view::ShownOnce;

    let (ctx, actor) = ask::actions()?;
    let known = scope.iter().map(|scope| scope.parse().map_err(|_| scope));
    let scopes = known.collect::<Result<Vec<_>, _>>();
    let scopes = scopes.map_err(|scope| AppError::invalid(format!("There is no scope {scope:.40?}.")))?;
    let days = match days.as_str() {
        "never" => None,
        days => Some(days.parse().map_err(|_| AppError::invalid(format!("{days:.20?} is no number of days.")))?),
    };
    let lines = repositories.split(|c: char| c.is_whitespace() || c == ',').filter(|line| !line.is_empty());
    let request = TokenRequest { scopes, days, repositories: lines.map(str::to_owned).collect(), name };
    let done = accounts::create_token(&ctx, &actor, &request).await;
    if let Ok(made) = &done {
        let shown = ShownOnce::Token { name: request.name.trim().to_owned(), text: made.text.to_string() };
        ask::show_once(&ctx, &actor, shown);
    }
    tell::lead_to(PAGE, done.map(|_| "The token is created.".to_owned())).await
}

/// Makes a token stop working.
#[server(prefix = "/ui", endpoint = "revoke_token", output = Postcard, client = crate::client::PageClient)]
pub async fn revoke_token(token_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::revoke_token(&ctx, &actor, token_id).await;
    tell::lead_to(PAGE, done.map(|()| "The token no longer works.".to_owned())).await
}
