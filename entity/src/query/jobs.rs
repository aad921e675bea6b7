//! Jobs as people and clients watch them; the queue itself is `crate::queue`.

use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::{Sql, Where, stored_time};
use crate::kind::{JobKind, JobState};
use crate::row::JobRow;
use crate::view::{Job, JobFilter, Listing, Timestamp};

/// One job.
pub async fn find_job(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Job>> {
    let mut sql = Sql::new(JobRow::SELECT);
    sql.push(" WHERE j.id = ").bind(id);
    Ok(sql.one::<JobRow>(c).await?.map(JobRow::into_view))
}

/// Which jobs, newest first.
pub async fn list_jobs(c: &impl ConnectionTrait, filter: &JobFilter) -> Result<Listing<Job>> {
    let mut conditions = Where::default();
    conditions.equals("j.repository_id", filter.repository_id);
    conditions.equals("j.state", filter.state.map(JobState::as_str));
    if filter.unfinished {
        conditions.and().push("j.state IN ('queued', 'running')");
    }
    conditions.equals("j.kind", filter.kind.map(JobKind::as_str));
    let mut count = Sql::new("SELECT COUNT(*) FROM job j");
    count.append(conditions.sql());
    let mut page = Sql::new("SELECT j.id FROM job j");
    page.append(conditions.sql()).push(" ORDER BY j.id DESC").page(filter.page);
    let mut rows = Sql::new(JobRow::SELECT);
    rows.push(" WHERE j.id IN (").append(&page).push(") ORDER BY j.id DESC");
    let count = count.count(c).await?;
    Ok(Listing { data: rows.all::<JobRow>(c).await?.into_iter().map(JobRow::into_view).collect(), count })
}

/// Removes finished jobs that ended before a time, the oldest first and at most so many; how many.
pub async fn remove_finished_before(w: &impl ConnectionTrait, before: Timestamp, limit: u64) -> Result<u64> {
    let mut sql = Sql::new("DELETE FROM job WHERE id IN (SELECT id FROM job WHERE finished_at < ");
    sql.bind(stored_time(before))
        .push(" ORDER BY finished_at, id LIMIT ")
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.push(") AND state IN ('succeeded', 'failed', 'cancelled')");
    Ok(sql.run(w).await?.rows_affected())
}
