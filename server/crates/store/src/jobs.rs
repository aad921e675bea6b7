//! Jobs as people and clients watch them; the queue itself is `crate::queue`.

use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::{Sql, Where, contains, stored_time};
use crate::row::JobRow;
use entity::kind::{JobKind, JobState, RequestedBy};
use entity::view::{Job, JobFilter, Listing, Timestamp};

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
    conditions.equals("j.requested_by", filter.requested_by.map(RequestedBy::as_str));
    match filter.retrying {
        Some(true) => drop(conditions.and().push("j.state = 'queued' AND j.attempts > 0")),
        Some(false) => drop(conditions.and().push("j.state = 'queued' AND j.attempts = 0")),
        None => {}
    }
    if let Some(since) = filter.since {
        conditions.and().push("j.finished_at >= ").bind(stored_time(since));
    }
    if let Some(until) = filter.until {
        conditions.and().push("j.finished_at < ").bind(stored_time(until));
    }
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        // Names are few and lead to jobs by an index; what jobs said is read, so only of the newest.
        let pattern = contains(text);
        let sql = conditions.and().push("j.id IN (SELECT n.id FROM job n WHERE n.repository_id IN ");
        sql.push("(SELECT r.id FROM repository r WHERE r.search LIKE ").bind(pattern.clone()).push(" ESCAPE '\\') ");
        sql.push("UNION ALL SELECT s.id FROM (SELECT w.id FROM job w ORDER BY w.id DESC LIMIT ").bind(READ);
        sql.push(") i JOIN job s ON s.id = i.id WHERE lower(s.error) LIKE ").bind(pattern.clone());
        sql.push(" ESCAPE '\\' OR lower(s.result) LIKE ").bind(pattern).push(" ESCAPE '\\')");
    }
    let mut count = Sql::new("SELECT COUNT(*) FROM job j");
    count.append(conditions.sql());
    let mut page = Sql::new("SELECT j.id FROM job j");
    page.append(conditions.sql()).push(" ORDER BY j.id DESC").page(filter.page);
    let mut rows = Sql::new(JobRow::SELECT);
    rows.push(" WHERE j.id IN (").append(&page).push(") ORDER BY j.id DESC");
    let count = count.count(c).await?;
    Ok(Listing { data: rows.all::<JobRow>(c).await?.into_iter().map(JobRow::into_view).collect(), count })
}

/// Results and errors of so many of the newest jobs are read for a text.
const READ: i64 = 20_000;

/// Removes syncs that were made by themselves, found nothing new and ended before a time, at most so many; how many.
/// There is one for each repository every few minutes, and each says the same.
pub async fn remove_idle_syncs_before(w: &impl ConnectionTrait, before: Timestamp, limit: u64) -> Result<u64> {
    let mut sql = Sql::new("DELETE FROM job WHERE id IN (SELECT id FROM job WHERE finished_at < ");
    sql.bind(stored_time(before)).push(" AND state = 'succeeded' AND kind = 'sync_repository' ");
    sql.push("AND requested_by = 'schedule' AND result LIKE 'nothing new%' ORDER BY finished_at, id LIMIT ");
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX)).push(")");
    Ok(sql.run(w).await?.rows_affected())
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
