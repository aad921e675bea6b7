//! What commits did: rows of commits and events, and their numbers by day.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Set};
use uuid::Uuid;

use crate::db::bulk::Bulk;
use crate::db::clean::{clean, clean_option};
use crate::db::upsert::sum_up;
use crate::db::{Result, milliseconds};
use entity::input::{FoundCommit, FoundEvent};
use entity::kind::EventType;
use entity::table::{commit, event, repository_day};
use entity::value::{JsonText, StoredTimestamp, is_uncounted, uncounted};
use entity::view::Timestamp;

pub(super) async fn insert_commits(c: &impl ConnectionTrait, repository: Uuid, commits: &[FoundCommit]) -> Result<()> {
    let mut bulk = Bulk::<_, commit::Entity>::new(c);
    for commit in commits {
        let counts = Counts::of(commit);
        let row = commit::ActiveModel {
            repository_id: Set(repository),
            sequence: Set(commit.sequence),
            sha: Set(commit.id),
            committed_at: Set(commit.committed_at.into()),
            author_name: Set(clean(&commit.author_name)),
            subject: Set(clean(&commit.subject)),
            created: Set(counts.created),
            modified: Set(counts.modified),
            deleted: Set(counts.deleted),
            resurrected: Set(counts.resurrected),
        };
        bulk.push(row).await?;
    }
    bulk.finish().await?;
    Ok(())
}

pub(super) async fn insert_events(
    c: &impl ConnectionTrait,
    repository: Uuid,
    run: Uuid,
    commits: &[FoundCommit],
) -> Result<u64> {
    let mut bulk = Bulk::<_, event::Entity>::new(c);
    for commit in commits {
        for (index, event) in commit.events.iter().enumerate() {
            bulk.push(event_row(repository, run, commit, index, event)).await?;
        }
    }
    bulk.finish().await
}

fn event_row(
    repository: Uuid,
    run: Uuid,
    commit: &FoundCommit,
    index: usize,
    event: &FoundEvent,
) -> event::ActiveModel {
    let time = Timestamp::from(StoredTimestamp::from(commit.committed_at));
    event::ActiveModel {
        id: Set(event_id(repository, time, commit.sequence, index)),
        resource_id: Set(event.resource_id),
        repository_id: Set(repository),
        sequence: Set(commit.sequence),
        sync_run_id: Set(run),
        event_type: Set(event.event_type),
        event_timestamp: Set(time.into()),
        resource_api_version: Set(clean(&event.api_version)),
        resource_kind: Set(clean(&event.kind)),
        resource_name: Set(clean(&event.name)),
        resource_namespace: Set(clean_option(event.namespace.as_deref())),
        file_path: Set(clean(&event.file_path)),
        file_path_before: Set(clean_option(event.file_path_before.as_deref())),
        file_hash_before: Set(clean_option(event.file_hash_before.as_deref())),
        file_hash_after: Set(clean_option(event.file_hash_after.as_deref())),
        version_before: Set(clean_option(event.version_before.as_deref())),
        version_after: Set(clean_option(event.version_after.as_deref())),
        version_changed: Set(changes_version(event)),
        changes_detected: Set(JsonText(event.changes_detected.clone())),
        changes: Set(JsonText(event.changes.clone())),
        changes_total: Set(event.changes_total),
        blob: Set(event.place.map(|place| place.blob)),
        line_start: Set(event.place.map(|place| place.line_start)),
        line_end: Set(event.place.map(|place| place.line_end)),
        caused_by_resource_id: Set(event.caused_by_resource_id),
    }
}

/// Adds the commits to the repository's days; gives back by how much each day's numbers grew.
pub(super) async fn add_days(
    c: &impl ConnectionTrait,
    repository: Uuid,
    commits: &[FoundCommit],
) -> Result<BTreeMap<String, [i64; 6]>> {
    let mut days: BTreeMap<String, Counts> = BTreeMap::new();
    for commit in commits {
        let day = Timestamp::from(StoredTimestamp::from(commit.committed_at)).date_naive().to_string();
        days.entry(day).or_default().add(&Counts::of(commit));
    }
    let days: BTreeMap<String, [i64; 6]> = days.into_iter().map(|(day, counts)| (day, counts.in_order())).collect();
    let mut bulk = Bulk::<_, repository_day::Entity>::new(c).on_conflict(sum_up::<repository_day::Entity>());
    for (day, [created, modified, deleted, resurrected, commits, version_changes]) in &days {
        let row = repository_day::ActiveModel {
            repository_id: Set(repository),
            day: Set(day.clone()),
            created: Set(*created),
            modified: Set(*modified),
            deleted: Set(*deleted),
            resurrected: Set(*resurrected),
            commits: Set(*commits),
            version_changes: Set(*version_changes),
        };
        bulk.push(row).await?;
    }
    bulk.finish().await?;
    Ok(days)
}

/// What a commit, or a day of commits, did.
#[derive(Clone, Copy, Default)]
struct Counts {
    created: i64,
    modified: i64,
    deleted: i64,
    resurrected: i64,
    commits: i64,
    version_changes: i64,
}

impl Counts {
    fn of(commit: &FoundCommit) -> Self {
        let mut counts = Self { commits: 1, ..Self::default() };
        for event in &commit.events {
            counts.version_changes += i64::from(changes_version(event));
            *match event.event_type {
                EventType::Created => &mut counts.created,
                EventType::Modified => &mut counts.modified,
                EventType::Deleted => &mut counts.deleted,
                EventType::Resurrected => &mut counts.resurrected,
            } += 1;
        }
        counts
    }

    fn add(&mut self, other: &Self) {
        self.created += other.created;
        self.modified += other.modified;
        self.deleted += other.deleted;
        self.resurrected += other.resurrected;
        self.commits += other.commits;
        self.version_changes += other.version_changes;
    }

    fn in_order(self) -> [i64; 6] {
        [self.created, self.modified, self.deleted, self.resurrected, self.commits, self.version_changes]
    }
}

/// Whether an event counts as a new version of what is deployed.
fn changes_version(event: &FoundEvent) -> bool {
    event.event_type == EventType::Modified && event.version_before != event.version_after
}

/// An id of version 7 that says when (the commit's time), where in history and where in the commit the event
/// happened: ids sort as history does, and a replay gives an event the same id again. It counts where its repository does.
fn event_id(repository: Uuid, time: Timestamp, sequence: i64, index: usize) -> Uuid {
    const TWENTY: u128 = (1 << 20) - 1;
    const THIRTY_FOUR: u128 = (1 << 34) - 1;
    let place = (u128::from(sequence.unsigned_abs()) & TWENTY) << 54
        | ((index as u128) & TWENTY) << 34
        | (repository.as_u128() & THIRTY_FOUR);
    let bits =
        (milliseconds(time) << 80) | (0x7 << 76) | ((place >> 62) << 64) | (0b10 << 62) | (place & ((1 << 62) - 1));
    let id = Uuid::from_u128(bits);
    if is_uncounted(repository) { uncounted(id) } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::first_id;

    #[test]
    fn event_ids_sort_by_time_then_history_then_place_in_the_commit() {
        let repository = Uuid::from_u128(0x0123_4567_89ab_7cde_8f01_2345_6789_abcd);
        let at = |seconds| Timestamp::from_timestamp(seconds, 0).unwrap();
        let ids = [
            event_id(repository, at(-5), 0, 0),
            event_id(repository, at(100), 7, 0),
            event_id(repository, at(100), 7, 1),
            event_id(repository, at(100), 8, 0),
            event_id(repository, at(101), 3, 0),
        ];
        assert!(ids.is_sorted() && ids.iter().all(|id| id.get_version_num() == 7));
        assert_eq!(ids[1].get_variant(), uuid::Variant::RFC4122);
        assert!(first_id(at(100)) < ids[1] && ids[3] < first_id(at(101)));
        assert_ne!(ids[1], event_id(Uuid::from_u128(1), at(100), 7, 0));
        assert_eq!(event_id(uncounted(repository), at(100), 7, 0), uncounted(ids[1]));
    }
}
