//! Scan runs: how they begin, end and are listed.

use sea_orm::QueryTrait as _;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::apply::replace_problems;
use super::{Connection, ConnectionTrait, DataError, Result, figures};
use crate::db::select::{count, insert_from, paged};
use crate::db::{begin, new_id};
use crate::repositories::{record_scan_state, shorten};
use entity::input::{FileProblems, HeadFigures};
use entity::kind::{ProblemClass, SyncStatus};
use entity::table::{problem, repository, scan_run};
use entity::value::{ObjectId, StoredTimestamp};
use entity::view::{Listing, PageQuery, RepositoryCounts, ScanRun, Timestamp};

/// Opens a scan run; its id is the events' `sync_run_id`. Runs that a crash left open are closed with a reason.
pub async fn begin_scan(w: &impl ConnectionTrait, repository: Uuid, now: Timestamp) -> Result<Uuid> {
    use scan_run::Column::{Commits, Events, FromCommit, Id, RepositoryId, StartedAt};
    let closed = scan_run::ActiveModel {
        error: Set(Some("interrupted".to_owned())),
        finished_at: Set(Some(now.into())),
        ..Default::default()
    };
    let left_open = scan_run::COLUMN.finished_at.is_null();
    let of = scan_run::COLUMN.repository_id.eq(repository);
    scan_run::Entity::update_many().set(closed).filter(left_open).filter(of).exec(w).await?;
    let id = new_id(now);
    let run = repository::Entity::find_by_id(repository)
        .select_only()
        .expr(Expr::val(id))
        .column(repository::Column::Id)
        .expr(Expr::val(StoredTimestamp::from(now)))
        .column(repository::Column::ScannedCommit)
        .exprs([Expr::val(0_i64), Expr::val(0_i64)])
        .into_query();
    let columns = [Id, RepositoryId, StartedAt, FromCommit, Commits, Events];
    if insert_from::<scan_run::Entity>(w, columns, run).await? == 0 {
        return Err(DataError::NotFound { what: "repository", id: repository });
    }
    Ok(id)
}

/// Notes by which rules a repository is scanned from its first commit on. To be called while nothing of it is stored.
pub async fn record_format(w: &impl ConnectionTrait, repository: Uuid, format: i64) -> Result<()> {
    let scanned = repository::ActiveModel { scan_format: Set(format), ..Default::default() };
    repository::Entity::update_many().set(scanned).filter(repository::COLUMN.id.eq(repository)).exec(w).await?;
    Ok(())
}

/// Closes a scan run that reached the head and recomputes the repository's figures.
pub async fn finish_scan(
    w: &Connection,
    repository: Uuid,
    run: Uuid,
    figures: HeadFigures,
    now: Timestamp,
) -> Result<RepositoryCounts> {
    let txn = begin(w).await?;
    let scanned = repository::ActiveModel {
        scan_status: Set(SyncStatus::Success),
        scan_error: Set(None),
        last_scan_at: Set(Some(now.into())),
        yaml_files: Set(figures.yaml_files),
        ..Default::default()
    };
    let update = repository::Entity::update_many().set(scanned).filter(repository::COLUMN.id.eq(repository));
    if update.exec(&txn).await?.rows_affected == 0 {
        return Err(DataError::NotFound { what: "repository", id: repository });
    }
    let counts = figures::refresh(&txn, repository).await?;
    close_run(&txn, repository, run, None, now).await?;
    txn.commit().await?;
    Ok(counts)
}

/// Replaces what is known of paths that are not read (not UTF-8, leading out of the repository, too long): those at the head.
pub async fn record_odd_paths(w: &Connection, repository: Uuid, found: &[FileProblems], now: Timestamp) -> Result<()> {
    let txn = begin(w).await?;
    let of = problem::COLUMN.repository_id.eq(repository);
    let odd = problem::Entity::delete_many().filter(problem::COLUMN.class.eq(ProblemClass::Path)).filter(of);
    let removed = odd.exec(&txn).await?.rows_affected;
    replace_problems(&txn, repository, found, now).await?;
    // Most repositories never have one.
    if removed > 0 || !found.is_empty() {
        figures::refresh(&txn, repository).await?;
    }
    txn.commit().await?;
    Ok(())
}

/// Closes a scan run that ended badly; what it stored so far stays, and so does the cursor.
pub async fn fail_scan(w: &Connection, repository: Uuid, run: Uuid, reason: &str, now: Timestamp) -> Result<()> {
    let txn = begin(w).await?;
    let reason = shorten(reason);
    record_scan_state(&txn, repository, SyncStatus::Error, Some(&reason), now).await?;
    figures::refresh(&txn, repository).await?;
    close_run(&txn, repository, run, Some(reason), now).await?;
    txn.commit().await?;
    Ok(())
}

/// Scan runs of a repository, newest first.
pub async fn list_scan_runs(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ScanRun>> {
    use scan_run::Column::{Id, StartedAt};
    let runs = scan_run::Entity::find().filter(scan_run::COLUMN.repository_id.eq(repository));
    let count = count(c, runs.clone()).await?;
    let rows = paged(runs.order_by_desc(StartedAt).order_by_desc(Id), page).all(c).await?;
    Ok(Listing { data: rows.into_iter().map(shown).collect(), count })
}

fn shown(run: scan_run::Model) -> ScanRun {
    let hash = |id: Option<ObjectId>| id.map(|id| id.to_string());
    ScanRun {
        id: run.id,
        repository_id: run.repository_id,
        started_at: run.started_at.into(),
        finished_at: run.finished_at.map(Into::into),
        from_commit: hash(run.from_commit),
        to_commit: hash(run.to_commit),
        commits: run.commits,
        events: run.events,
        error: run.error,
    }
}

async fn close_run(
    w: &impl ConnectionTrait,
    repository: Uuid,
    run: Uuid,
    error: Option<String>,
    now: Timestamp,
) -> Result<()> {
    let scanned = repository::Entity::find_by_id(repository).select_only().column(repository::Column::ScannedCommit);
    let closed = scan_run::ActiveModel { finished_at: Set(Some(now.into())), error: Set(error), ..Default::default() };
    let update = scan_run::Entity::update_many()
        .set(closed)
        .col_expr(scan_run::Column::ToCommit, scanned.into_query().into())
        .filter(scan_run::COLUMN.id.eq(run))
        .filter(scan_run::COLUMN.repository_id.eq(repository));
    match update.exec(w).await?.rows_affected {
        0 => Err(DataError::NotFound { what: "scan run", id: run }),
        _ => Ok(()),
    }
}
