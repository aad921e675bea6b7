//! How far syncs and scans of repositories are, and when the next ones are due.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::db::sql::{Sql, stored_time};
use crate::db::{ConnectionTrait, DataError, Db, Engine, Result};
use entity::found::SyncedHead;
use entity::kind::SyncStatus;
use entity::view::Timestamp;

/// A sync begins. Why the last one failed stays until this one has ended: it may yet be postponed.
pub async fn record_sync_started(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET sync_status = CASE WHEN sync_status = 'blocked' THEN sync_status ");
    sql.push("ELSE 'syncing' END WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// A sync ended well; also where nothing was new.
///
/// Who was blocked meanwhile stays blocked.
pub async fn record_synced(w: &impl ConnectionTrait, id: Uuid, head: &SyncedHead, now: Timestamp) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET sync_status = CASE WHEN sync_status = 'blocked' THEN sync_status ");
    sql.push("ELSE 'success' END, sync_error = NULL, last_sync_at = ");
    sql.bind(stored_time(now)).push(", default_branch = ").bind(head.branch.as_str());
    sql.push(", head_commit = ").bind(head.head.0.to_vec());
    sql.push(", head_committed_at = ").bind(stored_time(head.committed_at));
    sql.push(", clone_bytes = ").bind(head.clone_bytes).push(" WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// A sync found nothing new: the one write that it costs.
pub async fn record_unmoved(
    w: &impl ConnectionTrait,
    id: Uuid,
    next_sync_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET sync_status = 'success', sync_error = NULL, sync_failures = 0, ");
    sql.push("last_sync_at = ").bind(stored_time(now)).push(", next_sync_at = ").bind(next_sync_at.map(stored_time));
    // What was set aside while the sync ran stays so.
    sql.push(" WHERE sync_status NOT IN ('blocked', 'pending_approval') AND id = ").bind(id);
    sql.run(w).await?;
    Ok(())
}

/// When a repository is synced next, `None` for never by itself, and how often syncs failed in a row.
pub async fn plan_next_sync(
    w: &impl ConnectionTrait,
    id: Uuid,
    next_sync_at: Option<Timestamp>,
    failures: u32,
) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET next_sync_at = ");
    sql.bind(next_sync_at.map(stored_time)).push(", sync_failures = ").bind(i64::from(failures));
    sql.push(" WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// Repositories that may be synced by themselves; the index of due ones is over these.
const SYNCABLE: &str = "enabled AND sync_status NOT IN ('blocked', 'pending_approval')";

/// How many repositories a sync of all reaches now.
pub async fn count_syncable(c: &impl ConnectionTrait) -> Result<i64> {
    let row = Sql::new(&format!("SELECT CAST(COUNT(*) AS BIGINT) FROM repository WHERE {SYNCABLE}")).row(c).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
}

/// Takes repositories whose time has come, the longest due first: each is given to one caller only, and comes again
/// at `again` unless its sync sets another time. Costs one look into an index where none is due.
pub async fn take_due(db: &Db, now: Timestamp, again: Timestamp, limit: u64) -> Result<Vec<Uuid>> {
    let mut due = Sql::new(&format!("SELECT id FROM repository WHERE {SYNCABLE} AND next_sync_at <= "));
    due.bind(stored_time(now)).push(" ORDER BY next_sync_at LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    if due.clone().row(&db.read).await?.is_none() {
        return Ok(Vec::new());
    }
    if db.engine == Engine::Postgres {
        due.push(" FOR UPDATE SKIP LOCKED");
    }
    let mut sql = Sql::new("UPDATE repository SET next_sync_at = ");
    sql.bind(stored_time(again)).push(" WHERE id IN (").append(&due).push(") RETURNING id");
    let mut taken = Vec::new();
    for row in sql.rows(&db.write).await? {
        taken.push(row.try_get_by_index(0)?);
    }
    Ok(taken)
}

/// Brings times that lie further ahead than any plan reaches (the clock was set back) nearer; how many. `most` is the
/// longest that a repository without an interval of its own waits.
pub async fn correct_next_syncs(db: &Db, most: TimeDelta, now: Timestamp) -> Result<u64> {
    let mut sql = Sql::new("SELECT id, next_sync_at, polling_interval_seconds FROM repository WHERE next_sync_at > ");
    sql.bind(stored_time(now + most * 2));
    let mut corrected = 0;
    for row in sql.rows(&db.read).await? {
        let (id, planned): (Uuid, Timestamp) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let own: Option<i64> = row.try_get_by_index(2)?;
        let longest = own.and_then(TimeDelta::try_seconds).map_or(most, |own| own.max(most));
        if planned <= now + longest * 2 {
            continue;
        }
        let mut sql = Sql::new("UPDATE repository SET next_sync_at = ");
        sql.bind(stored_time(now + longest / 2)).push(" WHERE id = ").bind(id);
        sql.push(" AND next_sync_at = ").bind(stored_time(planned));
        corrected += sql.run(&db.write).await?.rows_affected();
    }
    Ok(corrected)
}

/// A clone was removed from disk.
pub async fn record_clone_removed(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET clone_bytes = 0 WHERE id = ");
    sql.bind(id);
    sql.run(w).await?;
    Ok(())
}

/// A sync ended well and found no commits at all.
pub async fn record_synced_empty(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET sync_status = 'success', sync_error = NULL, last_sync_at = ");
    sql.bind(stored_time(now)).push(", head_commit = NULL, head_committed_at = NULL WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// A sync ended badly; `status` is `Error`, `Blocked` or `PendingApproval`. The reason is cut to 2,000 characters.
pub async fn record_sync_failed(
    w: &impl ConnectionTrait,
    id: Uuid,
    status: SyncStatus,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET sync_status = ");
    // A sync that fails while somebody blocks its repository does not undo that.
    if status == SyncStatus::Error {
        sql.push("CASE WHEN sync_status = 'blocked' THEN sync_status ELSE 'error' END");
    } else {
        sql.bind(status.as_str());
    }
    sql.push(", sync_error = ").bind(shorten(reason));
    sql.push(", last_sync_at = ").bind(stored_time(now)).push(" WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// A sync was stopped on request: the repository waits for the next one.
pub async fn record_sync_stopped(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let mut sql = Sql::new(
        "UPDATE repository SET sync_status = 'pending', sync_error = NULL WHERE sync_status <> 'blocked' AND id = ",
    );
    sql.bind(id);
    sql.run(w).await?;
    Ok(())
}

/// A sync could not be made now, for a reason that is not the repository's: it stands where it stood before.
pub async fn record_sync_postponed(w: &impl ConnectionTrait, id: Uuid, before: SyncStatus) -> Result<()> {
    let before = if before == SyncStatus::Syncing { SyncStatus::Pending } else { before };
    let mut sql = Sql::new("UPDATE repository SET sync_status = ");
    sql.bind(before.as_str()).push(" WHERE sync_status = 'syncing' AND id = ").bind(id);
    sql.run(w).await?;
    Ok(())
}

/// A repository is set aside (too large, for one) until a person approves it.
pub async fn record_set_aside(w: &impl ConnectionTrait, id: Uuid, reason: &str, now: Timestamp) -> Result<()> {
    record_sync_failed(w, id, SyncStatus::PendingApproval, reason, now).await
}

/// Where the scan of a repository stands; a reason only for errors.
pub async fn record_scan_state(
    w: &impl ConnectionTrait,
    id: Uuid,
    status: SyncStatus,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET scan_status = ");
    sql.bind(status.as_str()).push(", scan_error = ").bind(reason.map(shorten));
    if matches!(status, SyncStatus::Success | SyncStatus::Error) {
        sql.push(", last_scan_at = ").bind(stored_time(now));
    }
    sql.push(" WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// Whether any repository is `syncing`, rightly or not.
pub async fn has_syncing(c: &impl ConnectionTrait) -> Result<bool> {
    let sql = Sql::new("SELECT 1 FROM repository WHERE sync_status = 'syncing' OR scan_status = 'syncing' LIMIT 1");
    Ok(sql.row(c).await?.is_some())
}

/// Whatever is still `syncing` although no job runs for it (after a crash) goes back to `pending`.
pub async fn reset_interrupted(w: &impl ConnectionTrait) -> Result<u64> {
    let mut count = 0;
    for what in ["sync", "scan"] {
        let mut sql = Sql::new(&format!(
            "UPDATE repository SET {what}_status = 'pending', {what}_error = NULL WHERE {what}_status = 'syncing' "
        ));
        sql.push("AND NOT EXISTS (SELECT 1 FROM job j WHERE j.repository_id = repository.id AND j.state = 'running' ");
        sql.push("AND j.kind = ").bind(format!("{what}_repository")).push(")");
        count += sql.run(w).await?.rows_affected();
    }
    Ok(count)
}

/// Runs an update that must touch this repository.
async fn touch_one(sql: Sql, w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    match sql.run(w).await?.rows_affected() {
        0 => Err(DataError::NotFound { what: "repository", id }),
        _ => Ok(()),
    }
}

/// A reason as it is kept: at most 2,000 characters, and none that PostgreSQL refuses.
pub(crate) fn shorten(reason: &str) -> String {
    reason.chars().filter(|c| *c != '\0').take(2000).collect()
}
