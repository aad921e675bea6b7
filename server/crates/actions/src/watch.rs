//! Which branches are watched, and the secrets by which forges prove that they tell of them.

use auth::token::mint_opaque;
use entity::duration::{self, POLLING_INTERVAL};
use entity::kind::{AuditAction, JobRequest, Origin, Permission, Priority, Provider};
use entity::view::{Live, PageQuery, Repository, RepositoryWebhooks, Watch, WatchPreview};
use serde_json::json;
use store::db::DataError;
use store::repositories::{find_repository, sync_target};
use store::secrets::of_webhook;
use store::watch::{self, WatchSettings};
use triggers::BranchPattern;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::audit::Change;
use crate::repository::{may_work, object};
use crate::secrets::purpose;
use crate::{Actions, Actor, Refusal, Result};

/// So many names are held against an expression for a preview.
const PREVIEWED: u64 = 20_000;
/// So many names of a preview are shown of each sort.
const SHOWN: usize = 12;

/// Whether the configuration says how its branches are watched, which nobody else changes. Of what is one branch itself, the
/// repository's watch tells.
#[must_use]
pub fn is_configured(repository: &Repository) -> bool {
    repository.origin == Origin::Config && (repository.enabled || repository.scanned_branch.is_some())
}

/// A repository whose watch somebody wants to change.
async fn changeable(ctx: &Actions, actor: &Actor, action: AuditAction, id: Uuid) -> Result<Repository> {
    let found = of_repository(ctx, actor, action, id).await?;
    match is_configured(&found) {
        true => Err(Refusal::ConfiguredWatch { name: found.full_name }),
        false => Ok(found),
    }
}

async fn of_repository(ctx: &Actions, actor: &Actor, action: AuditAction, id: Uuid) -> Result<Repository> {
    actor.may(action)?;
    let found = find_repository(&ctx.db.read, id).await?.ok_or(Refusal::Missing("repository"))?;
    actor.may_to(action, &found)?;
    Ok(found)
}

/// How a repository's branches are watched now.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    pub watch: Watch,
    /// The sync that looks at the branches, where one is asked for.
    pub job: Option<Uuid>,
}

/// Sets how a repository's branches are watched, and asks for a sync, which looks at them. Open pages are told.
///
/// # Errors
/// The refusal.
pub async fn set_watch(ctx: &Actions, actor: &Actor, id: Uuid, mut settings: WatchSettings) -> Result<Watched> {
    let repository = changeable(ctx, actor, AuditAction::SetWatch, id).await?;
    if settings.is_enabled {
        may_work(&repository)?;
    }
    settings.branch_regex = settings.branch_regex.filter(|text| !text.trim().is_empty());
    BranchPattern::new(settings.branch_regex.as_deref()).map_err(Refusal::Unusable)?;
    is_far_enough(settings.polling_interval_seconds)?;
    let now = ctx.now();
    let txn = ctx.db.begin().await?;
    let before = watch::find_watch(&txn, id).await?;
    watch::set_watch(&txn, id, &settings).await?;
    let watch = watch::find_watch(&txn, id).await?.ok_or(Refusal::Missing("repository"))?;
    let job = match settings.is_enabled {
        true => {
            let sync = JobRequest::SyncRepository { repository_id: id };
            Some(ctx.queue.enqueue_in(&txn, &sync, actor.requested_by(), Priority::CLICK, now).await?)
        }
        false => None,
    };
    let change = Change { before: before.as_ref().map(told), after: Some(told(&watch)) };
    ctx.tell(&txn, actor, AuditAction::SetWatch, object(&repository), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    if let Some(job) = job {
        ctx.queue.announce(&[job]).await;
    }
    ctx.queue.bus().send(Live::Branches { repository_id: id });
    Ok(Watched { watch, job })
}

/// Whether looks may be so far apart.
fn is_far_enough(seconds: Option<i64>) -> Result<()> {
    let Some(seconds) = seconds else { return Ok(()) };
    let interval = u64::try_from(seconds).map(std::time::Duration::from_secs).unwrap_or_default();
    match POLLING_INTERVAL.contains(&interval) {
        true => Ok(()),
        false => Err(Refusal::Unusable(format!(
            "a repository can't be looked at every {seconds} seconds; {}",
            duration::allowed(&POLLING_INTERVAL),
        ))),
    }
}

fn told(watch: &Watch) -> serde_json::Value {
    json!({
        "is_enabled": watch.is_enabled,
        "branch_regex": watch.branch_regex,
        "tells_first_look": watch.tells_first_look,
        "polling_interval_seconds": watch.polling_interval_seconds,
    })
}

/// Nobody watches a repository's branches any more; what was seen stays. Open pages are told.
///
/// # Errors
/// The refusal, also where nobody watches.
pub async fn unset_watch(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<()> {
    let repository = changeable(ctx, actor, AuditAction::UnsetWatch, id).await?;
    let txn = ctx.db.begin().await?;
    if !watch::unset_watch(&txn, id).await? {
        return Err(Refusal::Missing("watch"));
    }
    ctx.tell(&txn, actor, AuditAction::UnsetWatch, object(&repository), Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.bus().send(Live::Branches { repository_id: id });
    Ok(())
}

/// How a repository's branches are watched; off where they never were.
///
/// # Errors
/// The refusal.
pub async fn find_watch(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<Watch> {
    actor.need(Permission::Read)?;
    let target = sync_target(&ctx.db.read, id).await?.ok_or(Refusal::Missing("repository"))?;
    let off = Watch {
        is_enabled: false,
        branch_regex: None,
        tells_first_look: false,
        polling_interval_seconds: target.polling_interval_seconds,
        first_look_at: None,
    };
    Ok(watch::find_watch(&ctx.db.read, id).await?.unwrap_or(off))
}

/// What an expression would watch of the branches that are known; nothing is changed.
///
/// # Errors
/// The refusal; an expression that can't be used is part of the answer.
pub async fn preview_watch(ctx: &Actions, actor: &Actor, id: Uuid, pattern: Option<&str>) -> Result<WatchPreview> {
    actor.need(Permission::Read)?;
    let repository = find_repository(&ctx.db.read, id).await?.ok_or(Refusal::Missing("repository"))?;
    let pattern = match BranchPattern::new(pattern) {
        Ok(pattern) => pattern,
        Err(why) => return Ok(WatchPreview { error: Some(why), ..WatchPreview::default() }),
    };
    let mut names = watch::list_branch_names(&ctx.db.read, id, PREVIEWED).await?;
    let is_complete = !names.is_empty() && u64::try_from(names.len()).is_ok_and(|names| names < PREVIEWED);
    if names.is_empty() && !repository.default_branch.is_empty() {
        names.push(repository.default_branch);
    }
    let known = names.len();
    let (mut matching, mut others): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| pattern.matches(name));
    let matches = matching.len();
    matching.truncate(SHOWN);
    others.truncate(SHOWN);
    let (known, matches) = (known as u64, matches as u64);
    Ok(WatchPreview { known, matches, matching, others, is_complete, error: None })
}

/// Where a forge sends its webhooks to.
#[must_use]
pub fn webhook_path(provider: Provider, repository: Uuid) -> String {
    let forge = match provider {
        Provider::Github => "github",
        Provider::Gitlab => "gitlab",
        Provider::Forgejo => "forgejo",
        Provider::Git => "generic",
    };
    format!("/webhooks/{forge}/{repository}")
}

/// A secret that was just made, to be shown once. It has no `Debug`, which logs are made of.
pub struct MadeSecret {
    /// 32 random bytes as text.
    pub text: Zeroizing<String>,
    /// Where the forge sends its webhooks to.
    pub path: String,
}

/// Makes the secret that a forge signs webhooks of a repository with, in place of the one before. It is kept sealed, and given
/// back this once.
///
/// # Errors
/// The refusal.
pub async fn make_webhook_secret(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<MadeSecret> {
    let repository = of_repository(ctx, actor, AuditAction::SetWebhookSecret, id).await?;
    let (name, text) = (of_webhook(id), mint_opaque().text);
    let sealed = ctx.outside.keys.seal(&purpose(&name), text.as_bytes());
    let txn = ctx.db.begin().await?;
    store::secrets::put_secret(&txn, &name, sealed, ctx.now()).await?;
    ctx.tell(&txn, actor, AuditAction::SetWebhookSecret, object(&repository), Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.bus().send(Live::Branches { repository_id: id });
    Ok(MadeSecret { text, path: webhook_path(repository.provider, id) })
}

/// Forgets the secret: webhooks of the repository are taken no more.
///
/// # Errors
/// The refusal, also where there is none.
pub async fn remove_webhook_secret(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<()> {
    let repository = of_repository(ctx, actor, AuditAction::RemoveWebhookSecret, id).await?;
    let txn = ctx.db.begin().await?;
    if !store::secrets::remove_secret(&txn, &of_webhook(id)).await? {
        return Err(Refusal::Missing("webhook secret"));
    }
    ctx.tell(&txn, actor, AuditAction::RemoveWebhookSecret, object(&repository), Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.bus().send(Live::Branches { repository_id: id });
    Ok(())
}

/// How a repository's forge tells of it, and what it told lately.
///
/// # Errors
/// The refusal.
pub async fn list_webhooks(ctx: &Actions, actor: &Actor, id: Uuid, page: PageQuery) -> Result<RepositoryWebhooks> {
    actor.need(Permission::Read)?;
    let repository = find_repository(&ctx.db.read, id).await?.ok_or(Refusal::Missing("repository"))?;
    let receipts = watch::list_receipts(&ctx.db.read, id, page).await?;
    Ok(RepositoryWebhooks {
        path: webhook_path(repository.provider, id),
        secret_made_at: store::secrets::find_secret_time(&ctx.db.read, &of_webhook(id)).await?,
        data: receipts.data,
        count: receipts.count,
    })
}
