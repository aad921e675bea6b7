//! How far syncs and scans of repositories are, and when the next ones are due.

use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait as _, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IdenStatic as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Set, UpdateMany,
};
use uuid::Uuid;

use crate::db::select::{at_most, constant, count};
use crate::db::{ConnectionTrait, DataError, Db, Result};
use entity::input::SyncedHead;
use entity::kind::{JobKind, JobState, SyncStatus};
use entity::table::{job, repository};
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// A sync begins. Why the last one failed stays until this one has ended: it may yet be postponed.
pub async fn record_sync_started(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let started = repository::Entity::update_many();
    let started = started.col_expr(repository::Column::SyncStatus, unless_blocked(SyncStatus::Syncing));
    must_touch(w, id, started).await
}

/// A sync ended well; also where nothing was new.
///
/// Who was blocked meanwhile stays blocked.
pub async fn record_synced(w: &impl ConnectionTrait, id: Uuid, head: &SyncedHead, now: Timestamp) -> Result<()> {
    let synced = set(repository::ActiveModel {
        sync_error: Set(None),
        last_sync_at: Set(Some(now.into())),
        default_branch: Set(Some(head.branch.clone())),
        head_commit: Set(Some(head.head)),
        head_committed_at: Set(Some(head.committed_at.into())),
        clone_bytes: Set(head.clone_bytes),
        ..Default::default()
    });
    let synced = synced.col_expr(repository::Column::SyncStatus, unless_blocked(SyncStatus::Success));
    must_touch(w, id, synced).await
}

/// A sync found nothing new: the one write that it costs.
pub async fn record_unmoved(
    w: &impl ConnectionTrait,
    id: Uuid,
    next_sync_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let unmoved = set(repository::ActiveModel {
        sync_status: Set(SyncStatus::Success),
        sync_error: Set(None),
        sync_failures: Set(0),
        last_sync_at: Set(Some(now.into())),
        next_sync_at: Set(next_sync_at.map(Into::into)),
        ..Default::default()
    });
    // What was set aside while the sync ran stays so.
    let set_aside = [SyncStatus::Blocked, SyncStatus::PendingApproval];
    let unmoved = unmoved.filter(repository::Column::SyncStatus.is_not_in(set_aside));
    unmoved.filter(repository::COLUMN.id.eq(id)).exec(w).await?;
    Ok(())
}

/// When a repository is synced next, `None` for never by itself, and how often syncs failed in a row.
pub async fn plan_next_sync(
    w: &impl ConnectionTrait,
    id: Uuid,
    next_sync_at: Option<Timestamp>,
    failures: u32,
) -> Result<()> {
    let planned = repository::ActiveModel {
        next_sync_at: Set(next_sync_at.map(Into::into)),
        sync_failures: Set(i64::from(failures)),
        ..Default::default()
    };
    must_touch(w, id, set(planned)).await
}

/// Repositories that may be synced by themselves; the index of due ones is over these, and serves where the statement
/// says so in the same words.
fn is_syncable() -> Expr {
    let set_aside = [SyncStatus::Blocked, SyncStatus::PendingApproval].map(constant);
    let may_be = repository::Column::SyncStatus.into_expr().is_not_in(set_aside);
    repository::Column::Enabled.into_expr().and(may_be)
}

/// How many repositories a sync of all reaches now.
pub async fn count_syncable(c: &impl ConnectionTrait) -> Result<i64> {
    let syncable = count(c, repository::Entity::find().filter(is_syncable())).await?;
    Ok(i64::try_from(syncable).unwrap_or(i64::MAX))
}

/// Takes repositories whose time has come, the longest due first: each is given to one caller only, and comes again
/// at `again` unless its sync sets another time. Costs one look into an index where none is due.
pub async fn take_due(db: &Db, now: Timestamp, again: Timestamp, limit: u64) -> Result<Vec<Uuid>> {
    use repository::Column::{Id, NextSyncAt};
    let due = repository::Entity::find().select_only().column(Id).filter(is_syncable());
    let due = due.filter(NextSyncAt.lte(StoredTimestamp::from(now))).order_by_asc(NextSyncAt).limit(at_most(limit));
    if due.clone().into_tuple::<Uuid>().one(&db.read).await?.is_none() {
        return Ok(Vec::new());
    }
    // SQLite has one writer and no such locks; SeaORM leaves them out there.
    let due = due.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked).into_query();
    let later = repository::ActiveModel { next_sync_at: Set(Some(again.into())), ..Default::default() };
    let mut take = set(later).filter(Id.in_subquery(due)).into_query();
    take.returning_col(Id);
    let taken = db.write.query_all(&take).await?;
    Ok(taken.iter().map(|row| row.try_get("", Id.as_str())).collect::<std::result::Result<_, _>>()?)
}

/// Brings times that lie further ahead than any plan reaches (the clock was set back) nearer; how many. `most` is the
/// longest that a repository without an interval of its own waits.
pub async fn correct_next_syncs(db: &Db, most: TimeDelta, now: Timestamp) -> Result<u64> {
    use repository::Column::{Id, NextSyncAt, PollingIntervalSeconds};
    let ahead = NextSyncAt.gt(StoredTimestamp::from(now + most * 2));
    let ahead =
        repository::Entity::find().select_only().columns([Id, NextSyncAt, PollingIntervalSeconds]).filter(ahead);
    let ahead: Vec<(Uuid, StoredTimestamp, Option<i64>)> = ahead.into_tuple().all(&db.read).await?;
    let mut corrected = 0;
    for (id, planned, own) in ahead {
        let longest = own.and_then(TimeDelta::try_seconds).map_or(most, |own| own.max(most));
        if Timestamp::from(planned) <= now + longest * 2 {
            continue;
        }
        let next_sync_at = Set(Some((now + longest / 2).into()));
        let nearer = set(repository::ActiveModel { next_sync_at, ..Default::default() });
        let as_read = nearer.filter(repository::COLUMN.id.eq(id)).filter(NextSyncAt.eq(planned));
        corrected += as_read.exec(&db.write).await?.rows_affected;
    }
    Ok(corrected)
}

/// Brings the next syncs of repositories without an interval of their own nearer, where they lie behind a time; how many.
pub async fn bring_syncs_forward(w: &impl ConnectionTrait, to: Timestamp) -> Result<u64> {
    use repository::Column::{NextSyncAt, PollingIntervalSeconds};
    let nearer = set(repository::ActiveModel { next_sync_at: Set(Some(to.into())), ..Default::default() });
    let nearer = nearer.filter(NextSyncAt.gt(StoredTimestamp::from(to))).filter(PollingIntervalSeconds.is_null());
    Ok(nearer.exec(w).await?.rows_affected)
}

/// A clone was removed from disk.
pub async fn record_clone_removed(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let removed = set(repository::ActiveModel { clone_bytes: Set(0), ..Default::default() });
    removed.filter(repository::COLUMN.id.eq(id)).exec(w).await?;
    Ok(())
}

/// A sync ended well and found no commits at all.
pub async fn record_synced_empty(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<()> {
    let empty = repository::ActiveModel {
        sync_status: Set(SyncStatus::Success),
        sync_error: Set(None),
        last_sync_at: Set(Some(now.into())),
        head_commit: Set(None),
        head_committed_at: Set(None),
        ..Default::default()
    };
    must_touch(w, id, set(empty)).await
}

/// A sync ended badly; `status` is `Error`, `Blocked` or `PendingApproval`. The reason is cut to 2,000 characters.
pub async fn record_sync_failed(
    w: &impl ConnectionTrait,
    id: Uuid,
    status: SyncStatus,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    let failed = set(repository::ActiveModel {
        sync_error: Set(Some(shorten(reason))),
        last_sync_at: Set(Some(now.into())),
        ..Default::default()
    });
    let status = match status {
        // A sync that fails while somebody blocks its repository does not undo that.
        SyncStatus::Error => unless_blocked(status),
        _ => Expr::val(status),
    };
    must_touch(w, id, failed.col_expr(repository::Column::SyncStatus, status)).await
}

/// A sync was stopped on request: the repository waits for the next one.
pub async fn record_sync_stopped(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let stopped = set(repository::ActiveModel {
        sync_status: Set(SyncStatus::Pending),
        sync_error: Set(None),
        ..Default::default()
    });
    let stopped = stopped.filter(repository::Column::SyncStatus.ne(SyncStatus::Blocked));
    stopped.filter(repository::COLUMN.id.eq(id)).exec(w).await?;
    Ok(())
}

/// A sync could not be made now, for a reason that is not the repository's: it stands where it stood before.
pub async fn record_sync_postponed(w: &impl ConnectionTrait, id: Uuid, before: SyncStatus) -> Result<()> {
    let before = if before == SyncStatus::Syncing { SyncStatus::Pending } else { before };
    let postponed = set(repository::ActiveModel { sync_status: Set(before), ..Default::default() });
    let postponed = postponed.filter(repository::Column::SyncStatus.eq(SyncStatus::Syncing));
    postponed.filter(repository::COLUMN.id.eq(id)).exec(w).await?;
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
    let mut state = repository::ActiveModel {
        scan_status: Set(status),
        scan_error: Set(reason.map(shorten)),
        ..Default::default()
    };
    if matches!(status, SyncStatus::Success | SyncStatus::Error) {
        state.last_scan_at = Set(Some(now.into()));
    }
    must_touch(w, id, set(state)).await
}

/// Whether any repository is `syncing`, rightly or not.
pub async fn has_syncing(c: &impl ConnectionTrait) -> Result<bool> {
    use repository::Column::{Id, ScanStatus, SyncStatus as Status};
    let syncing = Status.eq(SyncStatus::Syncing).or(ScanStatus.eq(SyncStatus::Syncing));
    let id = repository::Entity::find().select_only().column(Id).filter(syncing);
    Ok(id.into_tuple::<Uuid>().one(c).await?.is_some())
}

/// Whatever is still `syncing` although no job runs for it (after a crash) goes back to `pending`.
pub async fn reset_interrupted(w: &impl ConnectionTrait) -> Result<u64> {
    use repository::Column::{ScanStatus, SyncStatus as Status};
    let sync =
        repository::ActiveModel { sync_status: Set(SyncStatus::Pending), sync_error: Set(None), ..Default::default() };
    let scan =
        repository::ActiveModel { scan_status: Set(SyncStatus::Pending), scan_error: Set(None), ..Default::default() };
    let mut count = 0;
    for (pending, status, kind) in
        [(sync, Status, JobKind::SyncRepository), (scan, ScanStatus, JobKind::ScanRepository)]
    {
        let left = set(pending).filter(status.eq(SyncStatus::Syncing)).filter(no_job_runs(kind));
        count += left.exec(w).await?.rows_affected;
    }
    Ok(count)
}

/// Written so that the index of jobs that run for repositories serves.
fn no_job_runs(kind: JobKind) -> Expr {
    use job::Column::{Id, Kind, RepositoryId, State};
    let of_repository = RepositoryId.into_expr().equals((repository::Entity, repository::Column::Id));
    let runs = State.into_expr().eq(constant(JobState::Running));
    let running = job::Entity::find().select_only().column(Id).filter(of_repository).filter(runs);
    Expr::not_exists(running.filter(Kind.eq(kind)).into_query())
}

/// This status, unless somebody blocks the repository.
fn unless_blocked(status: SyncStatus) -> Expr {
    let column = repository::Column::SyncStatus;
    Expr::case(column.eq(SyncStatus::Blocked), column.into_expr()).finally(Expr::val(status)).into()
}

fn set(values: repository::ActiveModel) -> UpdateMany<repository::Entity> {
    repository::Entity::update_many().set(values)
}

/// Makes an update of this repository, which must be there.
async fn must_touch(w: &impl ConnectionTrait, id: Uuid, update: UpdateMany<repository::Entity>) -> Result<()> {
    match update.filter(repository::COLUMN.id.eq(id)).exec(w).await?.rows_affected {
        0 => Err(DataError::NotFound { what: "repository", id }),
        _ => Ok(()),
    }
}

/// A reason as it is kept: at most 2,000 characters, and none that PostgreSQL refuses.
pub(crate) fn shorten(reason: &str) -> String {
    reason.chars().filter(|c| *c != '\0').take(2000).collect()
}

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;

    use super::*;

    #[test]
    fn due_repositories_are_asked_for_in_the_words_of_their_index() {
        let words = "WHERE \"repository\".\"enabled\" AND \"repository\".\"sync_status\" \
                     NOT IN ('blocked', 'pending_approval')";
        for backend in [DbBackend::Sqlite, DbBackend::Postgres] {
            let sql = repository::Entity::find().filter(is_syncable()).build(backend).sql;
            assert!(sql.ends_with(words), "{sql}");
        }
    }
}
