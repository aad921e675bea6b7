//! What a replay reads and writes: known resources, batches, scan runs.

use std::collections::HashSet;

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::repositories::shorten;
use super::{ConnectionTrait, DataError, Result};
use crate::db::sql::{Sql, stored_time};
use crate::db::{Connection, begin, new_id};
use crate::row::{KnownRow, hex, object_id};
use entity::found::{FileProblems, HeadFigures, KnownResource, ObjectId, ResourceKey};
use entity::kind::SyncStatus;
use entity::view::{Listing, PageQuery, RepositoryCounts, ScanRun, Timestamp, file_of};

mod apply;
pub(crate) mod bulk;
mod events;
mod figures;
mod parts;
mod resources;
mod rewind;
mod templates;
pub(crate) mod totals;
mod unused;

pub use apply::apply_batch;
pub(crate) use events::event_id_floor;
pub use rewind::rewind;
pub use templates::mark_helm_templates;
pub use unused::remove_unused_manifests;

/// Every resource of the repository, deleted ones too, in a stable order.
pub async fn known_all(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<KnownResource>> {
    let mut sql = known(repository);
    sql.push(" ORDER BY id");
    into_known(sql.all(c).await?)
}

/// Every resource as the events up to a place on the line tell it: what a rewritten history goes on from.
pub async fn known_at(c: &impl ConnectionTrait, repository: Uuid, sequence: i64) -> Result<Vec<KnownResource>> {
    let mut sql = Sql::new(KnownRow::SELECT_PAST);
    for (name, condition) in [("last", ""), ("text", " AND e.blob IS NOT NULL")] {
        sql.push(&format!(" JOIN kubernetesresourceevent {name} ON {name}.id = (SELECT e.id FROM "));
        sql.push(&format!("kubernetesresourceevent e WHERE e.resource_id = r.id{condition} AND e.sequence <= "));
        sql.bind(sequence).push(" ORDER BY e.sequence DESC, e.id DESC LIMIT 1)");
    }
    sql.push(" JOIN \"commit\" c ON c.repository_id = r.repository_id AND c.sequence = last.sequence");
    sql.push(" WHERE r.repository_id = ").bind(repository).push(" ORDER BY r.id");
    into_known(sql.all(c).await?)
}

/// Resources that are gone at a place on the line and were back after it, with where they went: what they deployed then
/// is not what their rows say now.
pub async fn gone_for_a_while(c: &impl ConnectionTrait, repository: Uuid, sequence: i64) -> Result<Vec<(Uuid, i64)>> {
    let mut sql =
        Sql::new("SELECT r.id, last.sequence FROM kubernetesresource r JOIN kubernetesresourceevent last ON ");
    sql.push("last.id = (SELECT e.id FROM kubernetesresourceevent e WHERE e.resource_id = r.id AND e.sequence <= ");
    sql.bind(sequence).push(" ORDER BY e.sequence DESC, e.id DESC LIMIT 1) WHERE r.repository_id = ").bind(repository);
    sql.push(" AND last.event_type = 'DELETED' AND EXISTS (SELECT 1 FROM kubernetesresourceevent later ");
    sql.push("WHERE later.resource_id = r.id AND later.sequence > ").bind(sequence).push(") ORDER BY r.id");
    let rows = sql.rows(c).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// Active resources that stand in these files (paths without `#index`).
pub async fn known_by_files<S: AsRef<str> + Sync>(
    c: &impl ConnectionTrait,
    repository: Uuid,
    files: &[S],
) -> Result<Vec<KnownResource>> {
    let mut all = Vec::new();
    for files in files.chunks(200) {
        let mut sql = known(repository);
        sql.push(" AND status = 'ACTIVE' AND (");
        for (n, file) in files.iter().map(AsRef::as_ref).enumerate() {
            sql.push(if n == 0 { "file_path = " } else { " OR file_path = " }).bind(file);
            // `#` is followed by `$` in the order of bytes.
            sql.push(" OR (file_path >= ").bind(format!("{file}#")).push(" AND file_path < ");
            sql.bind(format!("{file}$")).push(")");
        }
        sql.push(")");
        all.extend(into_known(sql.all(c).await?)?);
    }
    // `a` also finds the place `a#b.yaml`, which is another file.
    all.retain(|known| files.iter().any(|file| file_of(&known.file_path) == file.as_ref()));
    all.sort_by(|a, b| (&a.file_path, a.id).cmp(&(&b.file_path, b.id)));
    all.dedup_by_key(|known| known.id);
    Ok(all)
}

/// Resources with these keys, active and deleted.
pub async fn known_by_keys(
    c: &impl ConnectionTrait,
    repository: Uuid,
    keys: &[ResourceKey],
) -> Result<Vec<KnownResource>> {
    let mut all = Vec::new();
    for keys in keys.chunks(500) {
        let mut sql = Sql::new("WITH wanted (kind, name) AS (VALUES ");
        for (n, key) in keys.iter().enumerate() {
            sql.push(if n == 0 { "(" } else { ", (" }).bind(key.kind.as_str());
            sql.push(", ").bind(key.name.as_str()).push(")");
        }
        sql.push(") ").append(&known(repository)).push(" AND (kind, name) IN (SELECT kind, name FROM wanted)");
        all.extend(into_known(sql.all(c).await?)?);
    }
    let wanted: HashSet<&ResourceKey> = keys.iter().collect();
    all.retain(|known| {
        let key = ResourceKey {
            group: group_of(&known.api_version).to_owned(),
            kind: known.kind.clone(),
            namespace: known.namespace.clone().unwrap_or_default(),
            name: known.name.clone(),
        };
        wanted.contains(&key)
    });
    all.sort_by_key(|known| known.id);
    all.dedup_by_key(|known| known.id);
    Ok(all)
}

/// Active resources that get what they deploy from a source of this kind and name.
pub async fn known_by_source(
    c: &impl ConnectionTrait,
    repository: Uuid,
    kind: &str,
    name: &str,
) -> Result<Vec<KnownResource>> {
    let mut sql = known(repository);
    sql.push(" AND status = 'ACTIVE' AND source_kind = ").bind(kind);
    sql.push(" AND source_name = ").bind(name).push(" ORDER BY id");
    into_known(sql.all(c).await?)
}

/// Active resources of this kind and name: the sources that a reference may mean, whatever their namespace.
pub async fn known_sources(
    c: &impl ConnectionTrait,
    repository: Uuid,
    kind: &str,
    name: &str,
) -> Result<Vec<KnownResource>> {
    let mut sql = known(repository);
    sql.push(" AND status = 'ACTIVE' AND kind = ").bind(kind);
    sql.push(" AND name = ").bind(name).push(" ORDER BY id");
    into_known(sql.all(c).await?)
}

/// Opens a scan run; its id is the events' `sync_run_id`. Runs that a crash left open are closed with a reason.
pub async fn begin_scan(w: &impl ConnectionTrait, repository: Uuid, now: Timestamp) -> Result<Uuid> {
    let mut sql = Sql::new("UPDATE scan_run SET error = 'interrupted', finished_at = ");
    sql.bind(stored_time(now)).push(" WHERE finished_at IS NULL AND repository_id = ").bind(repository);
    sql.run(w).await?;
    let id = new_id(now);
    let mut sql = Sql::new("INSERT INTO scan_run (id, repository_id, started_at, from_commit, commits, events) ");
    sql.push("SELECT ").bind(id).push(", id, ").bind(stored_time(now)).push(", scanned_commit, 0, 0 ");
    sql.push("FROM repository WHERE id = ").bind(repository);
    if sql.run(w).await?.rows_affected() == 0 {
        return Err(DataError::NotFound { what: "repository", id: repository });
    }
    Ok(id)
}

/// Notes by which rules a repository is scanned from its first commit on. To be called while nothing of it is stored.
pub async fn record_format(w: &impl ConnectionTrait, repository: Uuid, format: i64) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET scan_format = ");
    sql.bind(format).push(" WHERE id = ").bind(repository);
    sql.run(w).await?;
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
    let mut sql = Sql::new("UPDATE repository SET scan_status = 'success', scan_error = NULL, last_scan_at = ");
    sql.bind(stored_time(now)).push(", yaml_files = ").bind(figures.yaml_files).push(" WHERE id = ").bind(repository);
    if sql.run(&txn).await?.rows_affected() == 0 {
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
    let mut sql = Sql::new("DELETE FROM problem WHERE class = 'path' AND repository_id = ");
    sql.bind(repository);
    let removed = sql.run(&txn).await?.rows_affected();
    apply::replace_problems(&txn, repository, found, now).await?;
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
    super::repositories::record_scan_state(&txn, repository, SyncStatus::Error, Some(&reason), now).await?;
    figures::refresh(&txn, repository).await?;
    close_run(&txn, repository, run, Some(reason), now).await?;
    txn.commit().await?;
    Ok(())
}

/// Commits with events, newest first: where a rewritten history forks off.
pub async fn event_commits(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<(ObjectId, i64)>> {
    let mut sql = Sql::new("SELECT sha, sequence FROM \"commit\" WHERE repository_id = ");
    sql.bind(repository).push(" ORDER BY sequence DESC");
    let rows = sql.rows(c).await?;
    rows.iter()
        .map(|row| {
            let sha: Vec<u8> = row.try_get_by_index(0)?;
            Ok((object_id(&sha)?, row.try_get_by_index(1)?))
        })
        .collect()
}

/// Scan runs of a repository, newest first.
pub async fn list_scan_runs(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ScanRun>> {
    let mut count = Sql::new("SELECT COUNT(*) FROM scan_run WHERE repository_id = ");
    count.bind(repository);
    let mut rows = Sql::new(
        "SELECT id, repository_id, started_at, finished_at, from_commit, to_commit, commits, events, error \
         FROM scan_run WHERE repository_id = ",
    );
    rows.bind(repository).push(" ORDER BY started_at DESC, id DESC").page(page);
    let count = count.count(c).await?;
    Ok(Listing { data: rows.all::<RunRow>(c).await?.into_iter().map(RunRow::into_view).collect(), count })
}

fn known(repository: Uuid) -> Sql {
    let mut sql = Sql::new(KnownRow::SELECT);
    sql.push(" WHERE repository_id = ").bind(repository);
    sql
}

fn into_known(rows: Vec<KnownRow>) -> Result<Vec<KnownResource>> {
    rows.into_iter().map(KnownRow::into_known).collect()
}

/// `apps` of `apps/v1`, nothing of `v1`.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

async fn close_run(
    w: &impl ConnectionTrait,
    repository: Uuid,
    run: Uuid,
    error: Option<String>,
    now: Timestamp,
) -> Result<()> {
    let mut sql = Sql::new("UPDATE scan_run SET finished_at = ");
    sql.bind(stored_time(now)).push(", error = ").bind(error);
    sql.push(", to_commit = (SELECT r.scanned_commit FROM repository r WHERE r.id = ").bind(repository);
    sql.push(") WHERE id = ").bind(run).push(" AND repository_id = ").bind(repository);
    match sql.run(w).await?.rows_affected() {
        0 => Err(DataError::NotFound { what: "scan run", id: run }),
        _ => Ok(()),
    }
}

#[derive(FromQueryResult)]
struct RunRow {
    id: Uuid,
    repository_id: Uuid,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    from_commit: Option<Vec<u8>>,
    to_commit: Option<Vec<u8>>,
    commits: i64,
    events: i64,
    error: Option<String>,
}

impl RunRow {
    fn into_view(self) -> ScanRun {
        ScanRun {
            id: self.id,
            repository_id: self.repository_id,
            started_at: self.started_at,
            finished_at: self.finished_at,
            from_commit: self.from_commit.as_deref().map(hex),
            to_commit: self.to_commit.as_deref().map(hex),
            commits: self.commits,
            events: self.events,
            error: self.error,
        }
    }
}
