//! What forges know of repositories: who they are, their figures, and that they are gone.

use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{
    ActiveValue, ColumnTrait as _, DerivePartialModel, EntityTrait as _, NotSet, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, Set, UpdateMany, Value,
};
use uuid::Uuid;

use crate::db::answers::mark_changed;
use crate::db::select::{count, is_counted};
use crate::db::{ConnectionTrait, DataError, Result, new_id};
use crate::repositories::{follow_main, ids_beside, searched_text, shorten, upsert_repositories, with_metrics};
use entity::input::{FoundRepository, RepositoryFacts};
use entity::kind::{Origin, Provider, SyncStatus};
use entity::table::{repository, repository_metrics};
use entity::value::{JsonText, StoredTimestamp};
use entity::view::{RepositoryMetrics, Timestamp};

/// A repository that is here, as much as it takes to know it again.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "repository::Entity")]
pub struct KnownRepository {
    pub id: Uuid,
    pub url: String,
    pub full_name: String,
    pub origin: Origin,
    pub forge_host: Option<String>,
    pub forge_id: Option<i64>,
    pub sync_status: SyncStatus,
    pub gone_at: Option<Timestamp>,
}

/// A repository whose facts are to be asked for.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "repository::Entity")]
pub struct MetricsTarget {
    pub id: Uuid,
    pub url: String,
    pub full_name: String,
    pub provider: Provider,
    pub origin: Origin,
    pub forge_host: Option<String>,
    pub forge_id: Option<i64>,
    pub forge_node_id: Option<String>,
    pub discovery_tags: String,
    pub gone_at: Option<Timestamp>,
}

/// Every repository, to compare with what a search finds.
pub async fn list_known(c: &impl ConnectionTrait) -> Result<Vec<KnownRepository>> {
    let known = repository::Entity::find().filter(is_counted(repository::Column::Id));
    Ok(known.order_by_asc(repository::Column::Id).into_partial_model().all(c).await?)
}

/// Repositories of forges that nobody was asked about since then, longest first. Samples have no forge.
pub async fn list_metrics_targets(c: &impl ConnectionTrait, since: Timestamp) -> Result<Vec<MetricsTarget>> {
    use repository::Column::{FactsAt, Id};
    let of_forges = repository::Column::Provider.ne(Provider::Git).and(repository::Column::Origin.ne(Origin::Sample));
    let before = FactsAt.lt(StoredTimestamp::from(since));
    // What was asked about at a time that has not come is of a clock that stood wrong.
    let ahead = FactsAt.gt(StoredTimestamp::from(since + TimeDelta::days(1)));
    let targets = repository::Entity::find()
        .filter(is_counted(Id))
        .filter(of_forges)
        .filter(FactsAt.is_null().or(before).or(ahead));
    let targets = targets.order_by_asc(FactsAt.is_not_null()).order_by_asc(FactsAt).order_by_asc(Id);
    Ok(targets.into_partial_model().all(c).await?)
}

/// One repository, as its forge is asked about it.
pub async fn find_metrics_target(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<MetricsTarget>> {
    Ok(repository::Entity::find_by_id(id).into_partial_model().one(c).await?)
}

/// A new repository comes in with what its forge tells; with a reason it waits for approval.
pub async fn take_up(
    w: &impl ConnectionTrait,
    facts: &RepositoryFacts,
    tags: &[String],
    set_aside: Option<&str>,
    now: Timestamp,
) -> Result<Uuid> {
    let found = FoundRepository {
        url: facts.clone_url.clone(),
        owner: facts.owner.clone(),
        name: facts.name.clone(),
        full_name: facts.full_name.clone(),
        description: facts.description.clone(),
        provider: facts.provider,
        origin: Origin::Discovered,
        web_url: facts.web_url.clone(),
        enabled: true,
        branch_regex: None,
        polling_interval_seconds: None,
        topics: facts.topics.clone(),
    };
    let ids = upsert_repositories(w, &[found], now).await?;
    let id = ids.first().map(|(id, _)| *id).ok_or(DataError::NotFound { what: "repository", id: Uuid::nil() })?;
    record_facts(w, id, facts, Asked::InSearch, now).await?;
    record_tags(w, id, tags).await?;
    if let Some(reason) = set_aside {
        let waits = repository::ActiveModel {
            sync_status: Set(SyncStatus::PendingApproval),
            sync_error: Set(Some(shorten(reason))),
            ..Default::default()
        };
        update(id, waits).exec(w).await?;
    }
    Ok(id)
}

/// How a forge came to tell something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Among what a search found: where figures are missing, the next round asks for them, rather than one hours later.
    InSearch,
    /// For this repository.
    ForItself,
}

/// What the forge tells now. A name follows renames and transfers; so does the address, unless the configuration wrote it
/// down or another repository has it; and so do branches that are scanned beside it. A repository that was gone is back.
pub async fn record_facts(
    w: &impl ConnectionTrait,
    id: Uuid,
    facts: &RepositoryFacts,
    asked: Asked,
    now: Timestamp,
) -> Result<()> {
    use repository::Column::{DefaultBranch, GoneAt, NextSyncAt, SyncError, SyncStatus as Status};
    let is_answered = asked == Asked::ForItself || facts.watchers.is_some();
    let told = repository::ActiveModel {
        github_id: Set(Some(facts.forge_id)),
        forge_host: Set(Some(facts.host.clone())),
        forge_id: Set(Some(facts.forge_id)),
        forge_node_id: if_told(facts.node_id.clone()),
        owner: Set(facts.owner.clone()),
        name: Set(facts.name.clone()),
        full_name: Set(facts.full_name.clone()),
        search: Set(searched_text(&facts.full_name, facts.description.as_deref())),
        description: Set(facts.description.clone()),
        language: if_told(facts.language.clone()),
        topics: Set(JsonText(facts.topics.clone())),
        license_name: if_told(facts.license_name.clone()),
        web_url: if_told(facts.web_url.clone()),
        created_at: facts.created_at.map_or(NotSet, |at| Set(at.into())),
        is_archived: Set(facts.is_archived),
        facts_at: Set(is_answered.then(|| now.into())),
        gone_at: Set(None),
        ..Default::default()
    };
    // All of these look at the row as it was.
    let if_back = |column: repository::Column, value: Expr| -> Expr {
        Expr::case(GoneAt.is_null(), column.into_expr()).finally(value).into()
    };
    let branch = Func::coalesce([DefaultBranch.into_expr(), Expr::val(facts.default_branch.clone())]);
    let told = update(id, told)
        .col_expr(DefaultBranch, branch.into())
        .col_expr(SyncError, if_back(SyncError, Expr::null()))
        .col_expr(Status, if_back(Status, Expr::val(SyncStatus::Pending)))
        .col_expr(NextSyncAt, if_back(NextSyncAt, Expr::val(StoredTimestamp::from(now))));
    if told.exec(w).await?.rows_affected == 0 {
        return Err(DataError::NotFound { what: "repository", id });
    }
    // By its address, which may be another in a moment.
    let branches = ids_beside(w, id).await?;
    let url = facts.clone_url.as_str();
    let taken = repository::Entity::find().select_only().column(repository::Column::Id);
    let taken = taken.filter(repository::COLUMN.url.eq(url)).into_query();
    let moved = repository::ActiveModel { url: Set(url.to_owned()), ..Default::default() };
    let moved = update(id, moved)
        .filter(repository::Column::Origin.is_in([Origin::Discovered, Origin::Added]))
        .filter(repository::COLUMN.url.ne(url))
        .filter(Expr::not_exists(taken));
    moved.exec(w).await?;
    follow_main(w, id, &branches).await?;
    mark_changed(w, id, now).await
}

/// What is not told stays as it was told before.
fn if_told<T: Into<Value>>(value: Option<T>) -> ActiveValue<Option<T>>
where
    Option<T>: Into<Value>,
{
    value.map_or(NotSet, |value| Set(Some(value)))
}

fn update(id: Uuid, values: repository::ActiveModel) -> UpdateMany<repository::Entity> {
    repository::Entity::update_many().set(values).filter(repository::COLUMN.id.eq(id))
}

/// Whether another repository here has this number of the forge: it is the same one under another address.
pub async fn is_taken(c: &impl ConnectionTrait, id: Uuid, host: &str, forge_id: i64) -> Result<bool> {
    let others = repository::Entity::find()
        .filter(repository::COLUMN.forge_host.eq(host))
        .filter(repository::COLUMN.forge_id.eq(forge_id))
        .filter(repository::COLUMN.id.ne(id));
    Ok(count(c, others).await? > 0)
}

/// By which of the topics that are searched for the repository is found.
pub async fn record_tags(w: &impl ConnectionTrait, id: Uuid, tags: &[String]) -> Result<()> {
    let tags = JsonText(tags.to_vec());
    let others = repository::Column::DiscoveryTags.ne(tags.clone());
    let tagged = repository::ActiveModel { discovery_tags: Set(tags), ..Default::default() };
    update(id, tagged).filter(others).exec(w).await?;
    Ok(())
}

/// What a snapshot of a repository begins with.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "repository::Entity")]
struct LastSnapshot {
    active_resources: i64,
    #[sea_orm(nested)]
    metrics: Option<RepositoryMetrics>,
}

/// A snapshot of a forge's figures. What this answer does not tell is taken over from the last snapshot; what none has told
/// stays unknown. Wants a transaction.
pub async fn record_metrics(w: &impl ConnectionTrait, id: Uuid, facts: &RepositoryFacts, now: Timestamp) -> Result<()> {
    let last = with_metrics().filter(repository::COLUMN.id.eq(id)).into_partial_model().one(w).await?;
    let Some(LastSnapshot { active_resources, metrics: last }) = last else { return Ok(()) };
    let last = last.as_ref();
    let or_last = |value: Option<i64>, last: Option<(i64, bool)>| match value {
        Some(value) => (value, true),
        None => last.unwrap_or((0, false)),
    };
    let (forks, forks_known) = or_last(facts.forks, last.map(|last| (last.forks_count, last.forks_known)));
    let (watchers, watchers_known) =
        or_last(facts.watchers, last.map(|last| (last.watchers_count, last.watchers_known)));
    let (open_issues, open_issues_known) =
        or_last(facts.open_issues, last.map(|last| (last.open_issues_count, last.open_issues_known)));
    let (size, size_known) = or_last(facts.size_kb, last.map(|last| (last.size, last.size_known)));
    let snapshot = repository_metrics::ActiveModel {
        id: Set(new_id(now)),
        repository_id: Set(id),
        stars_count: Set(facts.stars),
        forks_count: Set(forks),
        forks_known: Set(forks_known),
        watchers_count: Set(watchers),
        watchers_known: Set(watchers_known),
        open_issues_count: Set(open_issues),
        open_issues_known: Set(open_issues_known),
        size: Set(size),
        size_known: Set(size_known),
        kubernetes_resources_count: Set(active_resources),
        updated_at: Set(facts.updated_at.unwrap_or(now).into()),
        pushed_at: Set(facts.pushed_at.map(Into::into)),
        recorded_at: Set(now.into()),
    };
    repository_metrics::Entity::insert(snapshot).exec_without_returning(w).await?;
    mark_changed(w, id, now).await
}

/// Asked in vain for a reason that is not the repository's; it is asked about again with the others.
pub async fn touch_facts(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<()> {
    let asked = repository::ActiveModel { facts_at: Set(Some(now.into())), ..Default::default() };
    update(id, asked).exec(w).await?;
    Ok(())
}

/// The repository is gone, for this reason. It is blocked until it is seen again; what was found in it stays.
pub async fn record_gone(w: &impl ConnectionTrait, id: Uuid, reason: &str, now: Timestamp) -> Result<()> {
    use repository::Column::{GoneAt, SyncStatus as Status};
    let gone = repository::ActiveModel {
        sync_status: Set(SyncStatus::Blocked),
        sync_error: Set(Some(shorten(reason))),
        facts_at: Set(Some(now.into())),
        ..Default::default()
    };
    let since = Func::coalesce([GoneAt.into_expr(), Expr::val(StoredTimestamp::from(now))]);
    // Who blocked it by hand has the last word, also once it is back.
    let not_by_hand = Status.ne(SyncStatus::Blocked).or(GoneAt.is_not_null());
    let gone = update(id, gone).col_expr(GoneAt, since.into()).filter(not_by_hand);
    if gone.exec(w).await?.rows_affected == 0 {
        touch_facts(w, id, now).await?;
    }
    Ok(())
}

/// Somebody entered a way to ask for it: its forge is asked anew, and what was gone for others is looked for again. Whether it
/// was gone.
pub async fn ask_anew(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<bool> {
    let anew = repository::ActiveModel { facts_at: Set(None), ..Default::default() };
    update(id, anew).exec(w).await?;
    let back = repository::ActiveModel {
        sync_status: Set(SyncStatus::Pending),
        sync_error: Set(None),
        gone_at: Set(None),
        next_sync_at: Set(Some(now.into())),
        ..Default::default()
    };
    let back = update(id, back).filter(repository::Column::GoneAt.is_not_null());
    Ok(back.exec(w).await?.rows_affected > 0)
}
