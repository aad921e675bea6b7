//! What admins do with accounts and roles. Each is a form's target and leads to a page that says what came of it.

use leptos::prelude::*;
use leptos::server_fn::codec::Postcard;
use uuid::Uuid;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::pages::{ask, outcome::tell};
#[cfg(feature = "ssr")]
use actions::accounts::{self, AccountChange, Invited};
#[cfg(feature = "ssr")]
use actions::forges;
#[cfg(feature = "ssr")]
use entity::kind::Permission;
#[cfg(feature = "ssr")]
use entity::view::ShownOnce;

#[cfg(feature = "ssr")]
fn page_of(id: Uuid) -> String {
    format!("/admin/users/{id}")
}

#[cfg(feature = "ssr")]
fn show_link(ctx: &actions::Actions, actor: &actions::Actor, invited: &Invited, email: &str) {
    let path = format!("/welcome/{}", invited.link.as_str());
    ask::show_once(ctx, actor, ShownOnce::Link { account_id: invited.id, email: email.to_owned(), path });
}

/// Makes an account; its page then shows the link by which its person comes in, once.
#[server(prefix = "/ui", endpoint = "create_account", output = Postcard, client = crate::client::PageClient)]
pub async fn create_account(email: String, #[server(default)] full_name: String, role: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    match accounts::create_account(&ctx, &actor, &email, Some(&full_name), &role).await {
        Ok(invited) => {
            show_link(&ctx, &actor, &invited, &email);
            let said = match invited.is_mailed {
                true => "The account is created, and a link is on its way to its owner by mail.",
                false => "The account is created. Send its link to its owner.",
            };
            tell::lead_to(&page_of(invited.id), Ok(said.to_owned())).await
        }
        Err(refusal) => tell::lead_to("/admin/users", Err(refusal)).await,
    }
}

/// Makes a link by which somebody chooses a new password; their page then shows it, once.
#[server(prefix = "/ui", endpoint = "make_account_link", output = Postcard, client = crate::client::PageClient)]
pub async fn make_account_link(account_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::make_link(&ctx, &actor, account_id).await;
    if let Ok(invited) = &done {
        show_link(&ctx, &actor, invited, "");
    }
    let said = |invited: Invited| {
        let mailed = if invited.is_mailed { " and on its way to its owner by mail" } else { "" };
        format!(
            "A new link is made{mailed}; earlier ones no longer work. The password stays as it is until the link is used; \
             tokens stop working then."
        )
    };
    tell::lead_to(&page_of(account_id), done.map(said)).await
}

/// Gives somebody another role.
#[server(prefix = "/ui", endpoint = "change_account_role", output = Postcard, client = crate::client::PageClient)]
pub async fn change_account_role(account_id: Uuid, role: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let change = AccountChange { role: Some(role), ..AccountChange::default() };
    let done = accounts::change_account(&ctx, &actor, account_id, &change).await;
    tell::lead_to(&page_of(account_id), done.map(|now| format!("The role is now {}.", now.role))).await
}

/// Switches an account off, or on again.
#[server(prefix = "/ui", endpoint = "switch_account", output = Postcard, client = crate::client::PageClient)]
pub async fn switch_account(account_id: Uuid, is_active: bool) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let change = AccountChange { is_active: Some(is_active), ..AccountChange::default() };
    let done = accounts::change_account(&ctx, &actor, account_id, &change).await;
    let said = if is_active { "The account is on again." } else { "The account is off and signed out everywhere." };
    tell::lead_to(&page_of(account_id), done.map(|_| said.to_owned())).await
}

/// Signs somebody out everywhere.
#[server(prefix = "/ui", endpoint = "end_sessions_of", output = Postcard, client = crate::client::PageClient)]
pub async fn end_sessions_of(account_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::end_sessions_of(&ctx, &actor, account_id).await;
    let said = |ended| crate::components::counted(i64::try_from(ended).unwrap_or(i64::MAX), "session", "sessions");
    tell::lead_to(&page_of(account_id), done.map(|ended| format!("Signed out: {}.", said(ended)))).await
}

/// Removes the second factor of somebody who lost it.
#[server(prefix = "/ui", endpoint = "remove_second_factor_of", output = Postcard, client = crate::client::PageClient)]
pub async fn remove_second_factor_of(account_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::remove_second_factor_of(&ctx, &actor, account_id).await;
    let said = "The second factor is removed; the account is signed out everywhere.";
    tell::lead_to(&page_of(account_id), done.map(|()| said.to_owned())).await
}

/// Deletes an account.
#[server(prefix = "/ui", endpoint = "delete_account", output = Postcard, client = crate::client::PageClient)]
pub async fn delete_account(account_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    match accounts::delete_account(&ctx, &actor, account_id).await {
        Ok(gone) => tell::lead_to("/admin/users", Ok(format!("{} is deleted.", gone.email))).await,
        Err(refusal) => tell::lead_to(&page_of(account_id), Err(refusal)).await,
    }
}

#[cfg(feature = "ssr")]
fn permissions(words: &[String]) -> Result<Vec<Permission>, AppError> {
    let read =
        |word: &String| word.parse().map_err(|_| AppError::invalid(format!("There is no permission {word:.40?}.")));
    words.iter().map(read).collect()
}

/// Makes a role.
#[server(prefix = "/ui", endpoint = "create_role", output = Postcard, client = crate::client::PageClient)]
pub async fn create_role(name: String, #[server(default)] permission: Vec<String>) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let name = name.trim();
    let done = accounts::create_role(&ctx, &actor, name, &permissions(&permission)?).await;
    tell::lead_to("/admin/roles", done.map(|()| format!("The role {name} is created."))).await
}

/// Changes what a role may do.
#[server(prefix = "/ui", endpoint = "set_role", output = Postcard, client = crate::client::PageClient)]
pub async fn set_role(name: String, #[server(default)] permission: Vec<String>) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::set_role(&ctx, &actor, &name, &permissions(&permission)?).await;
    tell::lead_to("/admin/roles", done.map(|()| format!("The role {name} is saved."))).await
}

/// Deletes a role that nobody has.
#[server(prefix = "/ui", endpoint = "delete_role", output = Postcard, client = crate::client::PageClient)]
pub async fn delete_role(name: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = accounts::delete_role(&ctx, &actor, &name).await;
    tell::lead_to("/admin/roles", done.map(|()| format!("The role {name} is deleted."))).await
}

/// Tries a token at its forge, and keeps it unless it is only to be tried.
#[server(prefix = "/ui", endpoint = "set_forge_token", output = Postcard, client = crate::client::PageClient)]
pub async fn set_forge_token(host: String, token: String, #[server(default)] act: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let token = token.into();
    let (done, said) = match act.as_str() {
        "test" => (forges::test_forge_token(&ctx, &actor, &host, &token).await, "It is not saved."),
        _ => (forges::set_forge_token(&ctx, &actor, &host, &token).await, "It is saved, and used within seconds."),
    };
    let done = done.map(|test| format!("{} {said}", super::tell::tested(&test)));
    tell::lead_to("/admin/forges", done).await
}

/// Forgets a token that was entered.
#[server(prefix = "/ui", endpoint = "remove_forge_token", output = Postcard, client = crate::client::PageClient)]
pub async fn remove_forge_token(host: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = forges::remove_forge_token(&ctx, &actor, &host).await;
    tell::lead_to("/admin/forges", done.map(|()| format!("The token for {host} is removed."))).await
}
