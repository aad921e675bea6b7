//! Branches that are scanned beside a repository's main one: rows of their own at the same address, which count for nobody.

use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Select, Set,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result, SyncTarget, searched_text};
use crate::db::answers::mark_changed;
use crate::db::new_id;
use crate::db::select::is_any;
use entity::kind::{GitOpsTool, SyncStatus};
use entity::table::repository;
use entity::value::{FIRST_UNCOUNTED, JsonText, is_uncounted, uncounted};
use entity::view::{ScannedBranch, Timestamp};

/// Brings in branches of a repository, each to be scanned beside the main one, with what is known of that. Gives each one's id and
/// whether it is new, in the order given, without the main one, where it is known and among them: that is scanned already, and a row
/// that it had is switched off.
pub async fn pin_branches(
    w: &impl ConnectionTrait,
    main: Uuid,
    branches: &[String],
    now: Timestamp,
) -> Result<Vec<(Uuid, bool)>> {
    use repository::Column::{
        Description, Enabled, FullName, Host, Name, Origin, Owner, PollingIntervalSeconds, Provider, ScannedBranch,
        Search, Url, WebUrl,
    };
    if branches.is_empty() {
        return Ok(Vec::new());
    }
    let Some(main) = repository::Entity::find_by_id(main).one(w).await? else { return Ok(Vec::new()) };
    let newer = OnConflict::columns([Url, ScannedBranch])
        .update_columns([Owner, Name, FullName, Description, Search, WebUrl, Provider, Origin, Enabled, Host])
        .update_columns([PollingIntervalSeconds])
        .to_owned();
    // What nobody may fetch from is not fetched from for another branch either.
    let is_blocked = main.sync_status == SyncStatus::Blocked;
    // Before its first sync a forge may have told what its default is, which need not be what is followed.
    let followed = main.default_branch.clone().filter(|_| main.head_commit.is_some());
    let is_main = |branch: &str| followed.as_deref() == Some(branch);
    let mut result = Vec::with_capacity(branches.len());
    for branch in branches {
        if is_main(branch) {
            let row = repository::COLUMN.url.eq(main.url.as_str());
            switch_off(w, Some(row.and(repository::COLUMN.scanned_branch.eq(branch.as_str())))).await?;
            continue;
        }
        let known = repository::Entity::find().select_only().column(repository::Column::Id);
        let known = known.filter(repository::COLUMN.url.eq(main.url.as_str()));
        let known = known.filter(repository::COLUMN.scanned_branch.eq(branch.as_str()));
        let known: Option<Uuid> = known.into_tuple().one(w).await?;
        let id = known.unwrap_or_else(|| uncounted(new_id(now)));
        let row = repository::ActiveModel {
            id: Set(id),
            scanned_branch: Set(branch.clone()),
            default_branch: Set(Some(branch.clone())),
            topics: Set(JsonText(Vec::new())),
            created_at: Set(main.created_at),
            discovery_tags: Set(JsonText(Vec::new())),
            discovered_at: Set(now.into()),
            sync_status: Set(if is_blocked { SyncStatus::Blocked } else { SyncStatus::Pending }),
            sync_error: Set(main.sync_error.clone().filter(|_| is_blocked)),
            scan_status: Set(SyncStatus::Pending),
            provider: Set(main.provider),
            origin: Set(main.origin),
            enabled: Set(main.enabled),
            polling_interval_seconds: Set(main.polling_interval_seconds),
            host: Set(main.host.clone()),
            next_sync_at: Set(Some(now.into())),
            gitops_tool: Set(GitOpsTool::None),
            ..named(&main, branch)
        };
        repository::Entity::insert(row).on_conflict(newer.clone()).exec_without_returning(w).await?;
        mark_changed(w, id, now).await?;
        result.push((id, known.is_none()));
    }
    Ok(result)
}

/// What a branch has of its repository, whatever becomes of that: where it lies, and how it is called.
fn named(main: &repository::Model, branch: &str) -> repository::ActiveModel {
    let full_name = format!("{}@{branch}", main.full_name);
    repository::ActiveModel {
        url: Set(main.url.clone()),
        owner: Set(main.owner.clone()),
        name: Set(format!("{}@{branch}", main.name)),
        description: Set(main.description.clone()),
        search: Set(searched_text(&full_name, main.description.as_deref())),
        full_name: Set(full_name),
        web_url: Set(main.web_url.clone()),
        ..Default::default()
    }
}

/// Lets branches follow their repository, which was renamed or has moved.
pub(crate) async fn follow_main(w: &impl ConnectionTrait, main: Uuid, branches: &[Uuid]) -> Result<()> {
    use repository::Column::{Id, ScannedBranch as Branch};
    if branches.is_empty() {
        return Ok(());
    }
    let Some(main) = repository::Entity::find_by_id(main).one(w).await? else { return Ok(()) };
    let rows = repository::Entity::find().filter(is_any(Id.into_expr(), branches.iter().copied()));
    let rows: Vec<(Uuid, String)> = rows.select_only().columns([Id, Branch]).into_tuple().all(w).await?;
    for (id, branch) in rows {
        let follows = repository::Entity::update_many().set(named(&main, &branch));
        follows.filter(repository::COLUMN.id.eq(id)).exec(w).await?;
    }
    Ok(())
}

/// Switches off the branches that are scanned beside main ones and are not among these; gives back how many. What was found in
/// them stays readable.
pub async fn disable_other_branches(w: &impl ConnectionTrait, kept: &[Uuid]) -> Result<u64> {
    let others = (!kept.is_empty()).then(|| repository::COLUMN.id.is_not_in(kept.iter().copied()));
    switch_off(w, others).await
}

/// Switches one such branch off, as it is the main one; whether it was on.
pub async fn disable_branch(w: &impl ConnectionTrait, id: Uuid) -> Result<bool> {
    Ok(switch_off(w, Some(repository::COLUMN.id.eq(id))).await? > 0)
}

/// Switches off branches that are scanned beside main ones: these of them, or all.
async fn switch_off(w: &impl ConnectionTrait, these: Option<Expr>) -> Result<u64> {
    let off = repository::ActiveModel { enabled: Set(false), ..Default::default() };
    let beside = repository::Entity::update_many().set(off).filter(repository::COLUMN.id.gte(FIRST_UNCOUNTED));
    let on = beside.filter(repository::COLUMN.enabled.eq(true));
    Ok(on.apply_if(these, sea_orm::QueryFilter::filter).exec(w).await?.rows_affected)
}

/// The repository that a branch is scanned beside; nothing where it is none of those.
pub async fn main_of(c: &impl ConnectionTrait, branch: Uuid) -> Result<Option<SyncTarget>> {
    if !is_uncounted(branch) {
        return Ok(None);
    }
    let main = at_address_of(branch).filter(repository::COLUMN.scanned_branch.eq(""));
    Ok(main.one(c).await?.map(SyncTarget::from))
}

/// The rows at the address of this one.
fn at_address_of(id: Uuid) -> Select<repository::Entity> {
    let address = repository::Entity::find_by_id(id).select_only().column(repository::Column::Url).into_query();
    repository::Entity::find().filter(repository::Column::Url.in_subquery(address))
}

/// The branches of a repository that are scanned, the main one first; nothing where that is the only one.
pub async fn list_scanned_branches(c: &impl ConnectionTrait, id: Uuid) -> Result<Vec<ScannedBranch>> {
    use repository::Column::{DefaultBranch, Enabled, Id, ScannedBranch as Branch, SyncStatus as Status};
    let rows = at_address_of(id).select_only().columns([Id, Branch, DefaultBranch, Status]).filter(Enabled.eq(true));
    let rows: Vec<(Uuid, String, Option<String>, SyncStatus)> = rows.order_by_asc(Branch).into_tuple().all(c).await?;
    if !rows.iter().any(|(id, ..)| is_uncounted(*id)) {
        return Ok(Vec::new());
    }
    let told = |(repository_id, branch, default, sync_status): (Uuid, String, Option<String>, SyncStatus)| {
        let (is_main, branch) = match scanned(branch) {
            Some(branch) => (false, branch),
            None => (true, default_branch(default)),
        };
        ScannedBranch { repository_id, branch, is_main, sync_status }
    };
    Ok(rows.into_iter().map(told).collect())
}

/// The branches of a repository that are scanned beside its main one now, in the order of their ids; none where it is such a branch
/// itself.
pub async fn branches_beside(c: &impl ConnectionTrait, main: Uuid) -> Result<Vec<Uuid>> {
    beside(c, main, Condition::all().add(repository::Column::Enabled.eq(true))).await
}

/// The same with those that were, and are switched off.
pub(crate) async fn ids_beside(c: &impl ConnectionTrait, main: Uuid) -> Result<Vec<Uuid>> {
    beside(c, main, Condition::all()).await
}

async fn beside(c: &impl ConnectionTrait, main: Uuid, which: Condition) -> Result<Vec<Uuid>> {
    use repository::Column::Id;
    if is_uncounted(main) {
        return Ok(Vec::new());
    }
    let beside = at_address_of(main).filter(Id.gte(FIRST_UNCOUNTED)).filter(which).order_by_asc(Id);
    Ok(beside.select_only().column(Id).into_tuple().all(c).await?)
}

/// The branch that a row is beside the main one; nothing where it is the repository itself.
pub(super) fn scanned(branch: String) -> Option<String> {
    Some(branch).filter(|branch| !branch.is_empty())
}

/// What the default branch is called. Clients get a name before the first sync told one.
pub(super) fn default_branch(known: Option<String>) -> String {
    known.unwrap_or_else(|| "main".to_owned())
}
