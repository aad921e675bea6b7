//! One batch, one transaction.

use sea_orm::{ConnectionTrait, DbBackend, Value};
use uuid::Uuid;

use super::bulk::Bulk;
use super::events::{add_days, insert_commits, insert_events};
use super::figures;
use super::resources::{Count, write_resources};
use crate::db::sql::{Sql, stored_time};
use crate::db::{Connection, DataError, Result, begin, new_id, text};
use crate::row::object_id;
use entity::found::{Batch, FileProblems, FoundManifest, ObjectId, ScannedCommit};
use entity::view::Timestamp;

/// Stores a batch in one transaction and moves the repository's cursor; gives back how many events there were.
/// [`DataError::StaleBatch`] where the repository is not scanned up to `batch.after`.
pub async fn apply_batch(w: &Connection, repository: Uuid, run: Uuid, batch: &Batch, now: Timestamp) -> Result<u64> {
    let txn = begin(w).await?;
    let before = check_cursor(&txn, repository, batch.after).await?;
    insert_manifests(&txn, &batch.manifests).await?;
    let deltas = write_resources(&txn, repository, &batch.resources, Count::Add).await?;
    insert_commits(&txn, repository, &batch.commits).await?;
    let events = insert_events(&txn, repository, run, &batch.commits).await?;
    let days = add_days(&txn, repository, &batch.commits).await?;
    replace_problems(&txn, repository, &batch.problems, now).await?;
    figures::add(&txn, repository, &deltas, events).await?;
    if let Some(through) = &batch.through {
        move_cursor(&txn, repository, Some(through)).await?;
        let commits = through.sequence - before.unwrap_or(-1);
        let mut sql = Sql::new("UPDATE scan_run SET commits = commits + ");
        sql.bind(commits).push(", events = events + ").bind(i64::try_from(events).unwrap_or(i64::MAX));
        sql.push(" WHERE id = ").bind(run).push(" AND repository_id = ").bind(repository);
        if sql.run(&txn).await?.rows_affected() == 0 {
            return Err(DataError::NotFound { what: "scan run", id: run });
        }
    }
    let mut totals = deltas.into_totals();
    totals.days = days;
    totals.mark_changed_days();
    totals.write(&txn).await?;
    txn.commit().await?;
    Ok(events)
}

/// The scanned commit's sequence, if the batch begins there. PostgreSQL holds the row, so that of two scans of one
/// repository the second waits and then sees that it is stale; on SQLite the transaction has the only lock there is.
async fn check_cursor(c: &impl ConnectionTrait, repository: Uuid, after: Option<ObjectId>) -> Result<Option<i64>> {
    let mut sql = Sql::new("SELECT scanned_commit, scanned_sequence FROM repository WHERE id = ");
    sql.bind(repository);
    if c.get_database_backend() == DbBackend::Postgres {
        sql.push(" FOR UPDATE");
    }
    let row = sql.row(c).await?.ok_or(DataError::NotFound { what: "repository", id: repository })?;
    let stored: Option<Vec<u8>> = row.try_get_by_index(0)?;
    let stored = stored.as_deref().map(object_id).transpose()?;
    if stored != after {
        return Err(DataError::StaleBatch { repository, expected: after, stored });
    }
    Ok(row.try_get_by_index(1)?)
}

/// Says how far the repository is scanned.
pub(super) async fn move_cursor(
    c: &impl ConnectionTrait,
    repository: Uuid,
    through: Option<&ScannedCommit>,
) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET scanned_commit = ");
    sql.bind(through.map(|through| through.id.0.to_vec()));
    sql.push(", scanned_sequence = ").bind(through.map(|through| through.sequence));
    sql.push(", scanned_committed_at = ").bind(through.map(|through| stored_time(through.committed_at)));
    sql.push(", commits = ").bind(through.map_or(0, |through| through.sequence + 1));
    sql.push(" WHERE id = ").bind(repository);
    sql.run(c).await?;
    Ok(())
}

async fn insert_manifests(c: &impl ConnectionTrait, manifests: &[FoundManifest]) -> Result<()> {
    // In one order everywhere: two scans that store the same texts would else wait for each other.
    let mut manifests: Vec<&FoundManifest> = manifests.iter().collect();
    manifests.sort_by_key(|manifest| manifest.id);
    manifests.dedup_by_key(|manifest| manifest.id);
    let head = "INSERT INTO manifest (id, dictionary, size, compressed)";
    // What an earlier scan stored may show more than it should, by rules of its own.
    let update = " ON CONFLICT (id) DO UPDATE SET dictionary = excluded.dictionary, size = excluded.size, \
        compressed = excluded.compressed WHERE manifest.compressed <> excluded.compressed";
    let mut bulk = Bulk::new(c, head, update, 4);
    for manifest in manifests {
        let row: [Value; 4] = [
            bytes(manifest.id),
            text::CURRENT_DICTIONARY.into(),
            manifest.size.into(),
            manifest.compressed.clone().into(),
        ];
        bulk.push(row).await?;
    }
    bulk.finish().await?;
    Ok(())
}

pub(super) async fn replace_problems(
    c: &impl ConnectionTrait,
    repository: Uuid,
    files: &[FileProblems],
    now: Timestamp,
) -> Result<()> {
    for files in files.chunks(500) {
        let mut sql = Sql::new("DELETE FROM problem WHERE repository_id = ");
        sql.bind(repository).push(" AND file_path IN ");
        sql.bind_list(files.iter().map(|file| clean(&file.file_path)));
        sql.run(c).await?;
    }
    let head = "INSERT INTO problem (id, repository_id, file_path, line, column_number, class, message, commit_sha, \
        since)";
    let mut bulk = Bulk::new(c, head, "", 9);
    for file in files {
        for problem in &file.problems {
            let place = |number: Option<u32>| number.and_then(|number| i32::try_from(number).ok());
            let row: [Value; 9] = [
                new_id(now).into(),
                repository.into(),
                clean(&file.file_path),
                place(problem.line).into(),
                place(problem.column).into(),
                problem.class.as_str().into(),
                clean(&problem.message),
                bytes(file.commit),
                stored_time(file.since).into(),
            ];
            bulk.push(row).await?;
        }
    }
    bulk.finish().await?;
    Ok(())
}

pub(super) fn bytes(id: ObjectId) -> Value {
    id.0.to_vec().into()
}

/// Text without the one character that PostgreSQL refuses.
pub(super) fn clean(text: &str) -> Value {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

pub(super) fn clean_option(text: Option<&str>) -> Value {
    text.map_or(Value::String(None), clean)
}
