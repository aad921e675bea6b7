//! Repositories: lists, what jobs need to know, coming and going.

mod branches;
mod list;
mod syncs;

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func, OnConflict};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::scans::first_use_after;
use super::scans::totals::Totals;
use super::{ConnectionTrait, Result};
use crate::db::answers::mark_changed;
use crate::db::new_id;
use crate::db::select::{is_any, is_counted};
use crate::db::upsert::excluded;
use crate::secrets::{of_access, of_webhook, remove_secret};
use entity::address::Address;
use entity::input::{FoundRepository, ObjectId, ScannedCommit};
use entity::kind::{GitOpsTool, Origin, Provider, SyncStatus};
use entity::table::{branch_event, delivery, event, repository};
use entity::value::JsonText;
use entity::view::Timestamp;

pub use branches::{
    branches_beside, disable_branch, disable_other_branches, list_scanned_branches, main_of, pin_branches,
};
pub(crate) use branches::{follow_main, ids_beside};
pub(crate) use list::{UNKNOWN_LANGUAGE, list_newest, read, with_metrics};
pub use list::{
    find_meant, find_repository, find_repository_by_name, list_languages, list_metrics, list_names, list_repositories,
};
pub(crate) use syncs::shorten;
pub use syncs::{
    bring_syncs_forward, correct_next_syncs, count_syncable, has_syncing, plan_next_sync, record_clone_removed,
    record_scan_state, record_set_aside, record_sync_failed, record_sync_postponed, record_sync_started,
    record_sync_stopped, record_synced, record_synced_empty, record_unmoved, reset_interrupted, take_due,
};

/// What a sync or scan needs to know of a repository.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncTarget {
    pub id: Uuid,
    pub url: String,
    pub full_name: String,
    pub provider: Provider,
    /// The host of the forge that knows it, as that told; nothing before it was asked.
    pub forge_host: Option<String>,
    pub origin: Origin,
    pub enabled: bool,
    /// The branch that was followed last; `None` before the first sync.
    pub branch: Option<String>,
    /// The only branch that may be followed, where it is one that is scanned beside the main one.
    pub scanned_branch: Option<String>,
    pub branch_regex: Option<String>,
    pub polling_interval_seconds: Option<i64>,
    /// The newest commit that is fetched.
    pub head: Option<ObjectId>,
    pub head_committed_at: Option<Timestamp>,
    /// How far the repository is scanned.
    pub scanned: Option<ScannedCommit>,
    /// The rules by which it was scanned; what was taken by others is taken anew.
    pub scan_format: i64,
    pub sync_status: SyncStatus,
    pub scan_status: SyncStatus,
    /// Somebody let it in although it is larger than others may be.
    pub approved: bool,
    pub last_sync_at: Option<Timestamp>,
    /// Syncs that failed in a row.
    pub sync_failures: u32,
}

impl SyncTarget {
    /// Nobody asks its remote: it is switched off, or blocked.
    #[must_use]
    pub fn is_off(&self) -> bool {
        !self.enabled || self.sync_status == SyncStatus::Blocked
    }
}

impl From<repository::Model> for SyncTarget {
    fn from(row: repository::Model) -> Self {
        let scanned = row.scanned_commit.zip(row.scanned_sequence).zip(row.scanned_committed_at);
        Self {
            id: row.id,
            url: row.url,
            full_name: row.full_name,
            provider: row.provider,
            forge_host: row.forge_host,
            origin: row.origin,
            enabled: row.enabled,
            branch: row.default_branch,
            scanned_branch: branches::scanned(row.scanned_branch),
            branch_regex: row.branch_regex,
            polling_interval_seconds: row.polling_interval_seconds,
            head: row.head_commit,
            head_committed_at: row.head_committed_at.map(Into::into),
            scanned: scanned.map(|((id, sequence), at)| ScannedCommit { id, sequence, committed_at: at.into() }),
            scan_format: row.scan_format,
            sync_status: row.sync_status,
            scan_status: row.scan_status,
            approved: row.approved_at.is_some(),
            last_sync_at: row.last_sync_at.map(Into::into),
            sync_failures: u32::try_from(row.sync_failures).unwrap_or(0),
        }
    }
}

/// Every enabled repository, as start-up and schedules need them.
pub async fn list_sync_targets(c: &impl ConnectionTrait) -> Result<Vec<SyncTarget>> {
    let enabled = repository::Entity::find().filter(repository::COLUMN.enabled.eq(true));
    let rows = enabled.order_by_asc(repository::Column::Id).all(c).await?;
    Ok(rows.into_iter().map(SyncTarget::from).collect())
}

/// What jobs need to know of one repository.
pub async fn sync_target(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<SyncTarget>> {
    Ok(repository::Entity::find_by_id(id).one(c).await?.map(SyncTarget::from))
}

/// The same of several, in no order; one that is no longer here is left out.
pub async fn find_sync_targets(
    c: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<SyncTarget>> {
    let these = repository::Entity::find().filter(is_any(repository::Column::Id.into_expr(), ids));
    Ok(these.all(c).await?.into_iter().map(SyncTarget::from).collect())
}

/// Brings in repositories, matched by URL. Gives each one's id and whether it is new, in the order given.
pub async fn upsert_repositories(
    w: &impl ConnectionTrait,
    found: &[FoundRepository],
    now: Timestamp,
) -> Result<Vec<(Uuid, bool)>> {
    let update = newer_words();
    let mut result = Vec::with_capacity(found.len());
    for found in found {
        let known = repository::Entity::find().select_only().column(repository::Column::Id);
        let known = known.filter(repository::COLUMN.url.eq(found.url.as_str()));
        let known = known.filter(repository::COLUMN.scanned_branch.eq(""));
        let known: Option<Uuid> = known.into_tuple().one(w).await?;
        let id = known.unwrap_or_else(|| new_id(now));
        let row = repository::ActiveModel {
            id: Set(id),
            url: Set(found.url.clone()),
            owner: Set(found.owner.clone()),
            name: Set(found.name.clone()),
            full_name: Set(found.full_name.clone()),
            description: Set(found.description.clone()),
            search: Set(searched_text(&found.full_name, found.description.as_deref())),
            topics: Set(JsonText(found.topics.clone())),
            created_at: Set(now.into()),
            discovery_tags: Set(JsonText(Vec::new())),
            discovered_at: Set(now.into()),
            sync_status: Set(SyncStatus::Pending),
            scan_status: Set(SyncStatus::Pending),
            web_url: Set(found.web_url.clone()),
            provider: Set(found.provider),
            origin: Set(found.origin),
            enabled: Set(found.enabled),
            branch_regex: Set(found.branch_regex.clone()),
            polling_interval_seconds: Set(found.polling_interval_seconds),
            host: Set(Address::read(&found.url).map(|address| address.place()).unwrap_or_default()),
            next_sync_at: Set(Some(now.into())),
            gitops_tool: Set(GitOpsTool::None),
            ..Default::default()
        };
        repository::Entity::insert(row).on_conflict(update.clone()).exec_without_returning(w).await?;
        if known.is_some() {
            mark_changed(w, id, now).await?;
        }
        result.push((id, known.is_none()));
    }
    Ok(result)
}

/// What becomes of a repository that comes in again: what it is called and how it is kept in step follows; what its forge
/// told stays.
fn newer_words() -> OnConflict {
    use repository::Column::{
        BranchRegex, Description, Enabled, FactsAt, FullName, Name, Origin, Owner, PollingIntervalSeconds, Provider,
        ScannedBranch, Search, Topics, Url, WebUrl,
    };
    let stored = |column: repository::Column| Expr::col((repository::Entity, column));
    let topics = Expr::case(stored(FactsAt).is_null(), excluded(Topics)).finally(stored(Topics));
    // The configuration alone says it of its own; of others somebody may have, which finding them again does not undo.
    let interval = Func::coalesce([excluded(PollingIntervalSeconds), stored(PollingIntervalSeconds)]);
    let interval = Expr::case(excluded(Origin).eq(entity::kind::Origin::Config), excluded(PollingIntervalSeconds))
        .finally(interval);
    OnConflict::columns([Url, ScannedBranch])
        .update_columns([Owner, Name, FullName, Search, WebUrl, Provider, Origin, Enabled])
        .update_columns([BranchRegex])
        .value(PollingIntervalSeconds, interval)
        .value(Description, Func::coalesce([excluded(Description), stored(Description)]))
        .value(Topics, topics)
        .to_owned()
}

/// What text is looked for in.
pub(crate) fn searched_text(full_name: &str, description: Option<&str>) -> String {
    format!("{full_name}\n{}", description.unwrap_or_default()).to_lowercase()
}

/// Repositories of this origin whose URL is not among those kept.
fn missing(origin: Origin, kept_urls: &[String]) -> Condition {
    let urls = kept_urls.iter().map(String::as_str);
    let elsewhere = (!kept_urls.is_empty()).then(|| repository::COLUMN.url.is_not_in(urls));
    let of_it = Condition::all().add(is_counted(repository::Column::Id)).add(repository::Column::Origin.eq(origin));
    of_it.add_option(elsewhere)
}

/// Switches off every repository of this origin whose URL is not among those kept; gives back how many.
/// What was found in them stays readable.
pub async fn disable_missing(w: &impl ConnectionTrait, origin: Origin, kept_urls: &[String]) -> Result<u64> {
    let off = repository::ActiveModel { enabled: Set(false), ..Default::default() };
    let enabled = repository::Entity::update_many().set(off).filter(repository::COLUMN.enabled.eq(true));
    Ok(enabled.filter(missing(origin, kept_urls)).exec(w).await?.rows_affected)
}

/// Removes every repository of this origin whose URL is not among those kept, with all that hangs on it.
pub async fn remove_missing(w: &impl ConnectionTrait, origin: Origin, kept_urls: &[String]) -> Result<Vec<Uuid>> {
    let ids = repository::Entity::find().select_only().column(repository::Column::Id);
    let ids: Vec<Uuid> = ids.filter(missing(origin, kept_urls)).into_tuple().all(w).await?;
    let mut removed = Vec::new();
    for id in ids {
        if remove_repository(w, id).await? {
            removed.push(id);
        }
    }
    Ok(removed)
}

/// Removes a repository with all that hangs on it, its other branches too; whether there was one. Wants a transaction: the totals
/// over all repositories change with it.
pub async fn remove_repository(w: &impl ConnectionTrait, id: Uuid) -> Result<bool> {
    // Before its branches: a webhook holds it first as well, and then asks for them.
    if !hold(w, id).await? {
        return Ok(false);
    }
    for branch in ids_beside(w, id).await? {
        remove_row(w, branch).await?;
    }
    remove_row(w, id).await
}

/// Holds a row that is to go, so that whoever writes of it waits; whether it is there.
async fn hold(w: &impl ConnectionTrait, id: Uuid) -> Result<bool> {
    let held = repository::Entity::find_by_id(id).select_only().column(repository::Column::Id);
    Ok(held.lock_exclusive().into_tuple::<Uuid>().one(w).await?.is_some())
}

/// Removes a row and what hangs on it.
async fn remove_row(w: &impl ConnectionTrait, id: Uuid) -> Result<bool> {
    // Before all that hangs on it: whoever writes of its branches holds it first, and now waits.
    if !hold(w, id).await? {
        return Ok(false);
    }
    let mut difference = Totals::default();
    difference.subtract(Totals::of(w, id).await?);
    difference.mark_changed_days();
    difference.mark_used(first_use_after(w, id, -1).await?);
    // Events first: the cascade would look for them resource by resource.
    event::Entity::delete_many().filter(event::COLUMN.repository_id.eq(id)).exec(w).await?;
    // So would it for deliveries, event by event and branch by branch.
    delivery::Entity::delete_many().filter(delivery::COLUMN.repository_id.eq(id)).exec(w).await?;
    branch_event::Entity::delete_many().filter(branch_event::COLUMN.repository_id.eq(id)).exec(w).await?;
    remove_secret(w, &of_webhook(id)).await?;
    remove_secret(w, &of_access(id)).await?;
    if repository::Entity::delete_by_id(id).exec(w).await?.rows_affected == 0 {
        return Ok(false);
    }
    difference.write(w, id).await?;
    Ok(true)
}
