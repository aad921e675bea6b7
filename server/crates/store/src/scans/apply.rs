//! One batch, one transaction.

use sea_orm::sea_query::{ExprTrait as _, LockType, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::events::{add_days, insert_commits, insert_events};
use super::figures;
use super::resources::{Count, write_resources};
use super::uses::write_uses;
use crate::db::answers::mark_changed;
use crate::db::bulk::Bulk;
use crate::db::clean::clean;
use crate::db::upsert::excluded;
use crate::db::{Connection, DataError, Result, begin, new_id, text};
use entity::input::{Batch, FileProblems, FoundManifest, ObjectId, ScannedCommit};
use entity::table::{manifest, problem, repository, scan_run};
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
    write_uses(&txn, repository, &batch.uses).await?;
    figures::add(&txn, repository, &deltas, events).await?;
    if let Some(through) = &batch.through {
        move_cursor(&txn, repository, Some(through)).await?;
        let commits = through.sequence - before.unwrap_or(-1);
        let of_batch = i64::try_from(events).unwrap_or(i64::MAX);
        let counted = scan_run::Entity::update_many()
            .col_expr(scan_run::Column::Commits, scan_run::COLUMN.commits.add(commits))
            .col_expr(scan_run::Column::Events, scan_run::COLUMN.events.add(of_batch))
            .filter(scan_run::COLUMN.id.eq(run))
            .filter(scan_run::COLUMN.repository_id.eq(repository));
        if counted.exec(&txn).await?.rows_affected == 0 {
            return Err(DataError::NotFound { what: "scan run", id: run });
        }
    }
    mark_changed(&txn, repository, now).await?;
    let mut totals = deltas.into_totals();
    totals.days = days;
    totals.mark_changed_days();
    totals.mark_used(batch.uses.commits.iter().map(|commit| commit.at.time).min());
    totals.write(&txn, repository).await?;
    txn.commit().await?;
    Ok(events)
}

/// The scanned commit's sequence, if the batch begins there. PostgreSQL holds the row, so that of two scans of one
/// repository the second waits and then sees that it is stale; on SQLite the transaction has the only lock there is.
async fn check_cursor(c: &impl ConnectionTrait, repository: Uuid, after: Option<ObjectId>) -> Result<Option<i64>> {
    use repository::Column::{ScannedCommit, ScannedSequence};
    let this = repository::Entity::find_by_id(repository).select_only().columns([ScannedCommit, ScannedSequence]);
    // Whoever only refers to the repository need not wait.
    let row: Option<(Option<ObjectId>, Option<i64>)> = this.lock(LockType::NoKeyUpdate).into_tuple().one(c).await?;
    let (stored, sequence) = row.ok_or(DataError::NotFound { what: "repository", id: repository })?;
    if stored != after {
        return Err(DataError::StaleBatch { repository, expected: after, stored });
    }
    Ok(sequence)
}

/// Says how far the repository is scanned.
pub(super) async fn move_cursor(
    c: &impl ConnectionTrait,
    repository: Uuid,
    through: Option<&ScannedCommit>,
) -> Result<()> {
    let scanned = repository::ActiveModel {
        scanned_commit: Set(through.map(|through| through.id)),
        scanned_sequence: Set(through.map(|through| through.sequence)),
        scanned_committed_at: Set(through.map(|through| through.committed_at.into())),
        commits: Set(through.map_or(0, |through| through.sequence + 1)),
        ..Default::default()
    };
    let this = repository::COLUMN.id.eq(repository);
    repository::Entity::update_many().set(scanned).filter(this).exec(c).await?;
    Ok(())
}

async fn insert_manifests(c: &impl ConnectionTrait, manifests: &[FoundManifest]) -> Result<()> {
    // In one order everywhere: two scans that store the same texts would else wait for each other.
    let mut manifests: Vec<&FoundManifest> = manifests.iter().collect();
    manifests.sort_by_key(|manifest| manifest.id);
    manifests.dedup_by_key(|manifest| manifest.id);
    use manifest::Column::{Compressed, Dictionary, Id, Size};
    // What an earlier scan stored may show more than it should, by rules of its own.
    let replace = OnConflict::column(Id)
        .update_columns([Dictionary, Size, Compressed])
        .action_and_where(Compressed.into_expr().ne(excluded(Compressed)))
        .to_owned();
    let mut bulk = Bulk::<_, manifest::Entity>::new(c).on_conflict(replace);
    for manifest in manifests {
        let row = manifest::ActiveModel {
            id: Set(manifest.id),
            dictionary: Set(text::CURRENT_DICTIONARY),
            size: Set(manifest.size),
            compressed: Set(manifest.compressed.clone()),
        };
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
        let these = problem::COLUMN.file_path.is_in(files.iter().map(|file| clean(&file.file_path)));
        let of = problem::COLUMN.repository_id.eq(repository);
        problem::Entity::delete_many().filter(of).filter(these).exec(c).await?;
    }
    let place = |number: Option<u32>| number.and_then(|number| i32::try_from(number).ok());
    let mut bulk = Bulk::<_, problem::Entity>::new(c);
    for file in files {
        for problem in &file.problems {
            let row = problem::ActiveModel {
                id: Set(new_id(now)),
                repository_id: Set(repository),
                file_path: Set(clean(&file.file_path)),
                line: Set(place(problem.line)),
                column_number: Set(place(problem.column)),
                class: Set(problem.class),
                message: Set(clean(&problem.message)),
                commit_sha: Set(file.commit),
                since: Set(file.since.into()),
            };
            bulk.push(row).await?;
        }
    }
    bulk.finish().await?;
    Ok(())
}
