//! Runs: how far each search is, what came, what was left out and why.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
    Set, TryInsertResult,
};
use uuid::Uuid;

use crate::db::pattern::contains;
use crate::db::select::{count, count_all, is_counted, is_like, paged};
use crate::db::upsert::replace;
use crate::db::{ConnectionTrait, Result, new_id};
use entity::input::{RejectedRepository, SearchState};
use entity::kind::SyncStatus;
use entity::table::{discovery_reject, discovery_run, discovery_seen, repository, tombstone};
use entity::value::{JsonText, StoredTimestamp};
use entity::view::{Discovery, DiscoveryRun, DiscoverySettings, Listing, RejectFilter, Timestamp};

/// Runs that are kept to be looked at.
const KEPT_RUNS: u64 = 50;
/// Of these so many are shown.
const SHOWN_RUNS: i64 = 10;

/// A run that goes on, or could.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    pub id: Uuid,
    pub started_at: Timestamp,
    pub searches: Vec<SearchState>,
}

/// What one page of a search adds to its run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageCounts {
    pub requests: i64,
    pub unchanged: i64,
    pub known: i64,
    pub accepted: i64,
    pub set_aside: i64,
    pub rejected: i64,
}

fn into_view(run: discovery_run::Model) -> DiscoveryRun {
    DiscoveryRun {
        id: run.id,
        started_at: run.started_at.into(),
        finished_at: run.finished_at.map(Into::into),
        searches: run.searches.0.into_iter().map(|search| search.shown).collect(),
        requests: run.requests,
        unchanged: run.unchanged,
        found: run.found,
        known: run.known,
        accepted: run.accepted,
        set_aside: run.set_aside,
        rejected: run.rejected,
    }
}

/// Runs, the one that began last first.
fn newest_first() -> Select<discovery_run::Entity> {
    use discovery_run::Column::{Id, StartedAt};
    discovery_run::Entity::find().order_by_desc(StartedAt).order_by_desc(Id)
}

/// One run.
pub async fn find_run(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<DiscoveryRun>> {
    Ok(discovery_run::Entity::find_by_id(id).one(c).await?.map(into_view))
}

/// The newest runs that ended, the last one first.
pub async fn list_runs(c: &impl ConnectionTrait, limit: i64) -> Result<Vec<DiscoveryRun>> {
    let ended = newest_first().filter(discovery_run::COLUMN.finished_at.is_not_null());
    let runs = ended.limit(u64::try_from(limit).unwrap_or(0)).all(c).await?;
    Ok(runs.into_iter().map(into_view).collect())
}

async fn unfinished(c: &impl ConnectionTrait) -> Result<Option<discovery_run::Model>> {
    Ok(newest_first().filter(discovery_run::COLUMN.finished_at.is_null()).one(c).await?)
}

/// The run that was begun and not finished.
pub async fn find_current_run(c: &impl ConnectionTrait) -> Result<Option<StoredRun>> {
    let run = unfinished(c).await?;
    Ok(run.map(|run| StoredRun { id: run.id, started_at: run.started_at.into(), searches: run.searches.0 }))
}

/// A run begins; others that were not finished are given up, old ones forgotten.
pub async fn begin_run(w: &impl ConnectionTrait, searches: &[SearchState], now: Timestamp) -> Result<StoredRun> {
    let started_at = StoredTimestamp::from(now);
    let given_up = discovery_run::ActiveModel { finished_at: Set(Some(started_at)), ..Default::default() };
    let given_up = discovery_run::Entity::update_many().set(given_up);
    given_up.filter(discovery_run::COLUMN.finished_at.is_null()).exec(w).await?;
    let kept = newest_first().select_only().column(discovery_run::Column::Id).limit(KEPT_RUNS).into_query();
    let others = discovery_run::COLUMN.id.not_in_subquery(kept);
    discovery_run::Entity::delete_many().filter(others).exec(w).await?;
    let run = StoredRun { id: new_id(now), started_at: started_at.into(), searches: searches.to_vec() };
    let row = discovery_run::ActiveModel {
        id: Set(run.id),
        started_at: Set(started_at),
        searches: Set(JsonText(run.searches.clone())),
        ..Default::default()
    };
    discovery_run::Entity::insert(row).exec_without_returning(w).await?;
    Ok(run)
}

/// How far the searches are now, and what a page brought.
pub async fn record_run(w: &impl ConnectionTrait, run: &StoredRun, page: PageCounts) -> Result<()> {
    use discovery_run::Column::{Accepted, Found, Known, Rejected, Requests, SetAside, Unchanged};
    let searches = Set(JsonText(run.searches.clone()));
    let read = discovery_run::ActiveModel { searches, ..Default::default() };
    let mut read = discovery_run::Entity::update_many().set(read);
    for (column, more) in [
        (Requests, page.requests),
        (Unchanged, page.unchanged),
        (Known, page.known),
        (Accepted, page.accepted),
        (SetAside, page.set_aside),
        (Rejected, page.rejected),
    ] {
        read = read.col_expr(column, column.into_expr().add(more));
    }
    let seen = seen_by(run.id).select_only().expr(count_all()).into_query();
    read.col_expr(Found, seen.into()).filter(discovery_run::COLUMN.id.eq(run.id)).exec(w).await?;
    Ok(())
}

fn seen_by(run: Uuid) -> Select<discovery_seen::Entity> {
    discovery_seen::Entity::find().filter(discovery_seen::COLUMN.run_id.eq(run))
}

/// Which repositories the run saw; gives back those that it had not seen before.
pub async fn record_seen(w: &impl ConnectionTrait, run: Uuid, host: &str, ids: &[i64]) -> Result<Vec<i64>> {
    let row =
        |id: &i64| discovery_seen::ActiveModel { run_id: Set(run), host: Set(host.to_owned()), forge_id: Set(*id) };
    let insert = discovery_seen::Entity::insert_many(ids.iter().map(row)).on_conflict_do_nothing();
    match insert.exec_with_returning_keys(w).await? {
        TryInsertResult::Inserted(new) => Ok(new.into_iter().map(|(_, _, id)| id).collect()),
        TryInsertResult::Empty | TryInsertResult::Conflicted => Ok(Vec::new()),
    }
}

/// How many different repositories the run saw.
pub async fn count_seen(c: &impl ConnectionTrait, run: Uuid) -> Result<u64> {
    count(c, seen_by(run)).await
}

/// A run ended. Where it saw everything, what is no longer found is no longer "left out" either.
pub async fn finish_run(w: &impl ConnectionTrait, run: &StoredRun, now: Timestamp) -> Result<()> {
    let finished = discovery_run::ActiveModel {
        finished_at: Set(Some(now.into())),
        searches: Set(JsonText(run.searches.clone())),
        ..Default::default()
    };
    let finished = discovery_run::Entity::update_many().set(finished);
    finished.filter(discovery_run::COLUMN.id.eq(run.id)).exec(w).await?;
    let whole = |search: &SearchState| search.shown.done && !search.shown.incomplete && search.shown.error.is_none();
    let hosts: BTreeSet<&str> = run.searches.iter().map(|search| search.shown.host.as_str()).collect();
    for host in hosts {
        if run.searches.iter().filter(|search| search.shown.host == host).all(whole) {
            let before = discovery_reject::COLUMN.seen_at.lt(StoredTimestamp::from(run.started_at));
            let of_host = discovery_reject::Entity::delete_many().filter(discovery_reject::COLUMN.host.eq(host));
            of_host.filter(before).exec(w).await?;
        }
    }
    discovery_seen::Entity::delete_many().filter(discovery_seen::COLUMN.run_id.eq(run.id)).exec(w).await?;
    Ok(())
}

/// A repository is left out; the newest reason counts.
pub async fn record_rejected(w: &impl ConnectionTrait, rejected: &[RejectedRepository], now: Timestamp) -> Result<()> {
    let newest = replace::<discovery_reject::Entity>();
    for found in rejected {
        let row = discovery_reject::ActiveModel {
            host: Set(found.host.clone()),
            forge_id: Set(found.forge_id),
            full_name: Set(found.full_name.clone()),
            web_url: Set(found.web_url.clone()),
            reason: Set(found.reason),
            detail: Set(found.detail.clone()),
            stars: Set(found.stars),
            pushed_at: Set(found.pushed_at.map(Into::into)),
            search: Set(found.search.clone()),
            seen_at: Set(now.into()),
        };
        discovery_reject::Entity::insert(row).on_conflict(newest.clone()).exec_without_returning(w).await?;
    }
    Ok(())
}

/// These are here now.
pub async fn forget_rejected(w: &impl ConnectionTrait, host: &str, ids: &[i64]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let of_host = discovery_reject::Entity::delete_many().filter(discovery_reject::COLUMN.host.eq(host));
    of_host.filter(discovery_reject::COLUMN.forge_id.is_in(ids.iter().copied())).exec(w).await?;
    Ok(())
}

/// What searches cover, and what they left out and why: the most stars first.
pub async fn discovery(
    c: &impl ConnectionTrait,
    settings: &DiscoverySettings,
    filter: &RejectFilter,
) -> Result<Discovery> {
    use discovery_reject::Column::{ForgeId, FullName, Host, Reason, Stars};
    let current = unfinished(c).await?.map(into_view);
    let runs = list_runs(c, SHOWN_RUNS).await?;
    let by_reason = discovery_reject::Entity::find().select_only().column(Reason).expr_as(count_all(), "count");
    let by_reason = by_reason.group_by(Reason).order_by_desc(Expr::col("count")).order_by_asc(Reason);
    let text = filter.text.as_deref().filter(|text| !text.is_empty());
    let wanted = Condition::all()
        .add_option(text.map(|text| is_like(Func::lower(FullName.into_expr()), contains(text))))
        .add_option(filter.reason.map(|reason| Reason.eq(reason)));
    let rejected = discovery_reject::Entity::find().filter(wanted);
    let rows = rejected.clone().order_by_desc(Stars).order_by_asc(FullName).order_by_asc(Host).order_by_asc(ForgeId);
    let waiting = repository::Entity::find().filter(is_counted(repository::Column::Id));
    let waiting = waiting.filter(repository::Column::SyncStatus.eq(SyncStatus::PendingApproval));
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(Discovery {
        settings: settings.clone(),
        current,
        last: runs.first().cloned(),
        runs,
        by_reason: by_reason.into_model().all(c).await?,
        rejected: Listing {
            count: count(c, rejected).await?,
            data: paged(rows, filter.page).into_model().all(c).await?,
        },
        deleted: number(count(c, tombstone::Entity::find()).await?),
        pending_approval: number(count(c, waiting).await?),
    })
}
