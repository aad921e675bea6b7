//! Jobs as people and clients watch them; the queue itself is `crate::queue`.

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func, JoinType, Query, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::pattern::contains;
use crate::db::select::{at_most, constant, count, is_like, matching, paged};
use entity::kind::{JobKind, JobState, RequestedBy};
use entity::table::{job, repository};
use entity::value::StoredTimestamp;
use entity::view::{Job, JobFilter, Listing, Timestamp};

/// Jobs with what a [`Job`] shows of others: the repository's name.
pub(crate) fn find_views() -> Select<job::Entity> {
    job::Entity::find().left_join(repository::Entity)
}

/// Jobs in a state; written so that the indexes of queued and of running jobs serve.
pub(crate) fn is_in(state: JobState) -> Expr {
    job::Column::State.into_expr().eq(constant(state))
}

/// Jobs that are queued or run.
pub(crate) fn is_unfinished() -> Expr {
    job::Column::State.into_expr().is_in([JobState::Queued, JobState::Running].map(constant))
}

/// One job.
pub async fn find_job(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Job>> {
    Ok(find_views().filter(job::COLUMN.id.eq(id)).into_partial_model().one(c).await?)
}

/// Which jobs, newest first.
pub async fn list_jobs(c: &impl ConnectionTrait, filter: &JobFilter) -> Result<Listing<Job>> {
    let jobs = matching::<job::Entity>(conditions(filter));
    let count = count(c, jobs.clone()).await?;
    let ids = jobs.select_only().column(job::Column::Id).order_by_desc(job::Column::Id);
    let ids = paged(ids, filter.page).into_query();
    let rows = find_views().filter(job::COLUMN.id.in_subquery(ids)).order_by_desc(job::Column::Id);
    Ok(Listing { data: rows.into_partial_model().all(c).await?, count })
}

fn conditions(filter: &JobFilter) -> Condition {
    let tried = |retrying| match retrying {
        true => job::COLUMN.attempts.gt(0),
        false => job::COLUMN.attempts.eq(0),
    };
    let text = filter.text.as_deref().filter(|text| !text.is_empty());
    let time = StoredTimestamp::from;
    Condition::all()
        .add_option(filter.repository_id.map(|id| job::COLUMN.repository_id.eq(id)))
        .add_option(filter.state.map(|state| job::Column::State.eq(state)))
        .add_option(filter.unfinished.then(is_unfinished))
        .add_option(filter.kind.map(|kind| job::Column::Kind.eq(kind)))
        .add_option(filter.requested_by.map(|by| job::Column::RequestedBy.eq(by)))
        .add_option(filter.retrying.map(|retrying| is_in(JobState::Queued).and(tried(retrying))))
        .add_option(filter.since.map(|since| job::COLUMN.finished_at.gte(time(since))))
        .add_option(filter.until.map(|until| job::COLUMN.finished_at.lt(time(until))))
        .add_option(text.map(|text| job::COLUMN.id.in_subquery(with_text(&contains(text)))))
}

/// Results and errors of so many of the newest jobs are read for a text.
const READ: u64 = 20_000;

/// Names are few and lead to jobs by an index; what jobs said is read, so only of the newest.
fn with_text(pattern: &str) -> SelectStatement {
    let named = repository::Entity::find().select_only().column(repository::Column::Id);
    let named = named.filter(is_like(repository::Column::Search.into_expr(), pattern.to_owned())).into_query();
    let newest = job::Entity::find().select_only().column(job::Column::Id).order_by_desc(job::Column::Id).limit(READ);
    let says = |column: job::Column| is_like(Func::lower(column.into_expr()), pattern.to_owned());
    let said = Query::select()
        .column((job::Entity, job::Column::Id))
        .from_subquery(newest.into_query(), "i")
        .join(JoinType::InnerJoin, job::Entity, job::Column::Id.into_expr().equals(("i", job::Column::Id)))
        .and_where(says(job::Column::Error).or(says(job::Column::Result)))
        .to_owned();
    let of_named = job::Entity::find().select_only().column(job::Column::Id);
    let mut of_named = of_named.filter(job::COLUMN.repository_id.in_subquery(named)).into_query();
    of_named.union(UnionType::All, said).to_owned()
}

/// Removes syncs that were made by themselves, found nothing new and ended before a time, at most so many; how many.
/// There is one for each repository every few minutes, and each says the same.
pub async fn remove_idle_syncs_before(w: &impl ConnectionTrait, before: Timestamp, limit: u64) -> Result<u64> {
    let idle = ended_before(before, limit)
        .filter(job::Column::State.eq(JobState::Succeeded))
        .filter(job::Column::Kind.eq(JobKind::SyncRepository))
        .filter(job::Column::RequestedBy.eq(RequestedBy::Schedule))
        .filter(job::COLUMN.result.starts_with("nothing new"));
    let removed = job::Entity::delete_many().filter(job::COLUMN.id.in_subquery(idle.into_query()));
    Ok(removed.exec(w).await?.rows_affected)
}

/// Removes finished jobs that ended before a time, the oldest first and at most so many; how many.
pub async fn remove_finished_before(w: &impl ConnectionTrait, before: Timestamp, limit: u64) -> Result<u64> {
    let finished = job::Column::State.is_in(JobState::ALL.iter().copied().filter(|state| state.is_finished()));
    let old = job::COLUMN.id.in_subquery(ended_before(before, limit).into_query());
    Ok(job::Entity::delete_many().filter(old).filter(finished).exec(w).await?.rows_affected)
}

/// Ids of jobs that ended before a time, the oldest first.
fn ended_before(before: Timestamp, limit: u64) -> Select<job::Entity> {
    let ended = job::COLUMN.finished_at.lt(StoredTimestamp::from(before));
    let ids = job::Entity::find().select_only().column(job::Column::Id).filter(ended);
    ids.order_by_asc(job::Column::FinishedAt).order_by_asc(job::Column::Id).limit(at_most(limit))
}
