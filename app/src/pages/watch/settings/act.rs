//! What people do with how a repository's branches are watched. Each is a form's target and leads back to the page.

use leptos::prelude::*;
use leptos::server_fn::codec::Postcard;
use uuid::Uuid;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::pages::{ask, outcome::tell};
#[cfg(feature = "ssr")]
use actions::{access, watch};

#[cfg(feature = "ssr")]
fn page_of(id: Uuid) -> String {
    crate::components::watch_href(id)
}

/// Watches branches by what their names are like.
#[server(prefix = "/ui", endpoint = "set_watch", output = Postcard, client = crate::client::PageClient)]
pub async fn set_watch(
    repository_id: Uuid,
    #[server(default)] branch_regex: String,
    #[server(default)] tells_first_look: bool,
    #[server(default)] polling_interval: String,
) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let mut page = crate::components::PageUrl::new(page_of(repository_id));
    let done = match seconds(&polling_interval) {
        Ok(polling_interval_seconds) => {
            let branch_regex = Some(branch_regex.clone());
            let is_enabled = true;
            let settings =
                store::watch::WatchSettings { is_enabled, branch_regex, tells_first_look, polling_interval_seconds };
            watch::set_watch(&ctx, &actor, repository_id, settings).await
        }
        Err(why) => Err(actions::Refusal::Unusable(why)),
    };
    if done.is_err() {
        // What was typed stays in the fields.
        page = page.and("branch_regex", branch_regex).and("polling_interval", polling_interval);
        page = page.with("tells_first_look", if tells_first_look { "true" } else { "" });
    }
    let said = |set: watch::Watched| {
        let which = match set.watch.branch_regex {
            Some(regex) => format!("Branches that match {regex} are watched"),
            None => "All branches are watched".to_owned(),
        };
        format!("{which}. A sync that looks at them is queued.")
    };
    tell::lead_to(&page.href(), done.map(said)).await
}

/// What somebody wrote, in seconds; nothing where nothing is written. The action says what is too short or too long.
#[cfg(feature = "ssr")]
fn seconds(text: &str) -> Result<Option<i64>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let interval = entity::duration::parse(text).map_err(|why| format!("how often it is looked at: {why}"))?;
    Ok(Some(i64::try_from(interval.as_secs()).unwrap_or(i64::MAX)))
}

/// Nobody watches the branches any more.
#[server(prefix = "/ui", endpoint = "unset_watch", output = Postcard, client = crate::client::PageClient)]
pub async fn unset_watch(repository_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = watch::unset_watch(&ctx, &actor, repository_id).await;
    let said = "The branches are no longer watched. What was seen of them stays.";
    tell::lead_to(&page_of(repository_id), done.map(|()| said.to_owned())).await
}

/// Makes the secret of a repository's webhooks; the page then shows it, once.
#[server(prefix = "/ui", endpoint = "make_webhook_secret", output = Postcard, client = crate::client::PageClient)]
pub async fn make_webhook_secret(repository_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = watch::make_webhook_secret(&ctx, &actor, repository_id).await;
    if let Ok(made) = &done {
        let text = made.text.to_string();
        ask::show_once(&ctx, &actor, entity::view::ShownOnce::WebhookSecret { repository_id, text });
    }
    let said = "The secret is made. Enter it at the forge now; earlier ones no longer work.";
    tell::lead_to(&page_of(repository_id), done.map(|_| said.to_owned())).await
}

/// Forgets the secret of a repository's webhooks.
#[server(prefix = "/ui", endpoint = "remove_webhook_secret", output = Postcard, client = crate::client::PageClient)]
pub async fn remove_webhook_secret(repository_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = watch::remove_webhook_secret(&ctx, &actor, repository_id).await;
    let said = "The secret is removed. Webhooks of this repository are refused until there is another one.";
    tell::lead_to(&page_of(repository_id), done.map(|()| said.to_owned())).await
}

/// Keeps a token, and where the forge's API is, for this repository alone.
#[server(prefix = "/ui", endpoint = "set_access", output = Postcard, client = crate::client::PageClient)]
pub async fn set_access(
    repository_id: Uuid,
    #[server(default)] token: String,
    #[server(default)] api_base_url: String,
) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let wanted = access::NewAccess { token: Some(token.into()), api_base_url: Some(api_base_url.clone()) };
    let done = access::set_access(&ctx, &actor, repository_id, wanted).await;
    if done.is_err() && crate::error::leads_on() && may_come_back(&api_base_url) {
        // The token does not come back, and what was typed beside it not by the page's address: it may be in the wrong field.
        ask::show_once(&ctx, &actor, entity::view::ShownOnce::ApiAddress { repository_id, text: api_base_url });
    }
    let said = |set: access::SetAccess| {
        let what = match (set.forgot_token, set.access.has_own_token) {
            (true, _) => "It is saved. The token was entered with another address, and is forgotten: enter it anew.",
            (false, true) => "It is saved. The token is kept sealed, and not shown again.",
            (false, false) => "It is saved.",
        };
        let then = if set.job.is_some() { " A sync that tries it is queued." } else { "" };
        format!("{what}{then}")
    };
    tell::lead_to(&page_of(repository_id), done.map(said)).await
}

/// Whether what was typed as an API's address may stand in its field again: nothing that may hold a password.
#[cfg(feature = "ssr")]
fn may_come_back(text: &str) -> bool {
    text.len() <= 1_000 && !text.contains(['@', '?', '#'])
}

/// Forgets what was entered for this repository alone.
#[server(prefix = "/ui", endpoint = "remove_access", output = Postcard, client = crate::client::PageClient)]
pub async fn remove_access(repository_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = access::remove_access(&ctx, &actor, repository_id).await;
    let said = "It is removed. The repository is asked as all others are.";
    tell::lead_to(&page_of(repository_id), done.map(|()| said.to_owned())).await
}
