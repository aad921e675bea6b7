use entity::kind::Provider;
use entity::view::{RepositoryAccess, RepositoryWebhooks, Timestamp, Watch, WatchPreview};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::AppError;
use crate::pages::outcome::OutcomeText;

/// What the page on how a repository's branches are watched shows. It has no `Debug`, which logs are made of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub repository_id: Uuid,
    pub full_name: String,
    pub provider: Provider,
    /// The configuration says how, and alone changes it.
    pub is_configured: bool,
    pub watch: Watch,
    /// How far apart looks are, in words, where that is set.
    pub every: Option<String>,
    /// What stands in the fields: what somebody tries, else what is set.
    pub pattern: String,
    pub interval: String,
    pub tells_first_look: bool,
    pub preview: WatchPreview,
    pub webhooks: RepositoryWebhooks,
    /// What somebody entered for this repository alone.
    pub access: RepositoryAccess,
    /// What was typed as the address of its API and refused, where that comes back.
    pub typed_api: Option<String>,
    /// The machine that a token of its own goes to; nothing where it can have none.
    pub machine: Option<String>,
    /// What such a token needs.
    pub scopes: String,
    /// Scheme and name of this site, as far as they are known.
    pub origin: Option<String>,
    /// Where the forge's webhooks are set up.
    pub forge_url: Option<String>,
    /// The secret, where it was made just now: it is shown this once.
    pub secret: Option<String>,
    /// What came of the last form.
    pub outcome: Option<OutcomeText>,
}

/// So many of the webhooks that came last are shown.
#[cfg(feature = "ssr")]
const SHOWN: entity::view::PageQuery = entity::view::PageQuery { skip: 0, limit: 10 };

/// How a repository's branches are watched, as the page's address says.
#[server(prefix = "/ui", endpoint = "watch_settings", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_settings(id: String, query: String) -> Result<SettingsData, AppError> {
    use std::time::Duration;

    use crate::pages::ask;
    use crate::pages::outcome::tell;
    use crate::pages::scopes::scopes;
    use actions::watch;
    use entity::address::Address;
    use entity::duration;
    use entity::view::{ShownOnce, webhooks_url};

    let ((ctx, actor), params) = (ask::actions()?, ask::params(&query)?);
    let (db, id) = (ask::context()?.db, ask::id(&id, "repository")?);
    let repository = store::repositories::find_repository(&db.read, id).await?;
    let repository = repository.ok_or_else(|| ask::missing("repository"))?;
    let watch = watch::find_watch(&ctx, &actor, id).await?;
    // Without scripts an expression is tried by the page's address.
    let is_tried = params.get_str("branch_regex").is_some();
    let every = watch.polling_interval_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let every = every.map(|seconds| duration::format(Duration::from_secs(seconds)));
    let (pattern, interval, tells_first_look) = match is_tried {
        true => {
            let (pattern, interval) = (ask::text(&params, "branch_regex")?, ask::text(&params, "polling_interval")?);
            (pattern, interval, params.get_str("tells_first_look") == Some("true"))
        }
        false => (watch.branch_regex.clone(), every.clone(), watch.tells_first_look),
    };
    let is_here = |shown: &ShownOnce| match shown {
        ShownOnce::WebhookSecret { repository_id, .. } | ShownOnce::ApiAddress { repository_id, .. } => {
            *repository_id == id
        }
        _ => false,
    };
    let (secret, typed_api) = match ask::shown_once(&ctx, &actor, is_here) {
        Some(ShownOnce::WebhookSecret { text, .. }) => (Some(text), None),
        Some(ShownOnce::ApiAddress { text, .. }) => (None, Some(text)),
        _ => (None, None),
    };
    let address = Address::read(&repository.url).ok().filter(|_| repository.origin.takes_access());
    Ok(SettingsData {
        now: ask::now(),
        repository_id: id,
        access: actions::access::find_access(&ctx, &actor, id).await?,
        typed_api,
        machine: address.map(|address| address.place()).filter(|place| !place.is_empty()),
        scopes: scopes(repository.provider).to_owned(),
        preview: watch::preview_watch(&ctx, &actor, id, pattern.as_deref()).await?,
        pattern: pattern.unwrap_or_default(),
        interval: interval.unwrap_or_default(),
        tells_first_look,
        every,
        webhooks: watch::list_webhooks(&ctx, &actor, id, SHOWN).await?,
        origin: ask::origin(),
        forge_url: webhooks_url(repository.provider, repository.web_url.as_deref()),
        secret,
        outcome: tell::find_text(&db, &params).await?,
        is_configured: watch::is_configured(&repository),
        provider: repository.provider,
        full_name: repository.full_name,
        watch,
    })
}

/// What an expression would watch, given back with it, as answers may come in another order than they were asked for.
#[server(prefix = "/ui", endpoint = "watch_preview", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn preview_watch(id: String, pattern: String) -> Result<(String, WatchPreview), AppError> {
    use crate::pages::ask;

    let (ctx, actor) = ask::actions()?;
    let preview = actions::watch::preview_watch(&ctx, &actor, ask::id(&id, "repository")?, Some(&pattern)).await?;
    Ok((pattern, preview))
}

/// Webhooks of a repository that came last, with the server's clock.
#[server(prefix = "/ui", endpoint = "webhooks", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_webhooks(id: String) -> Result<(RepositoryWebhooks, Timestamp), AppError> {
    use crate::pages::ask;

    let (ctx, actor) = ask::actions()?;
    let id = ask::id(&id, "repository")?;
    Ok((actions::watch::list_webhooks(&ctx, &actor, id, SHOWN).await?, ask::now()))
}
