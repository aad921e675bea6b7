//! One batch, one transaction.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DbBackend, Value};
use uuid::Uuid;

use super::bulk::Bulk;
use super::figures::{self, Deltas};
use super::group_of;
use crate::db::sql::{Sql, stored_time};
use crate::db::{Connection, DataError, Result, begin, new_id, text};
use crate::found::{
    Batch, FileProblems, FoundCommit, FoundEvent, FoundManifest, FoundResource, ObjectId, ScannedCommit,
};
use crate::kind::{EventType, ResourceStatus};
use crate::row::{object_id, to_json};
use crate::view::Timestamp;

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
    let head = "INSERT INTO manifest (id, dictionary, size, compressed)";
    let mut bulk = Bulk::new(c, head, " ON CONFLICT (id) DO NOTHING", 4);
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

async fn insert_commits(c: &impl ConnectionTrait, repository: Uuid, commits: &[FoundCommit]) -> Result<()> {
    let head = "INSERT INTO \"commit\" (repository_id, sequence, sha, committed_at, author_name, subject, \
        created, modified, deleted, resurrected)";
    let mut bulk = Bulk::new(c, head, "", 10);
    for commit in commits {
        let counts = Counts::of(commit);
        let row: [Value; 10] = [
            repository.into(),
            commit.sequence.into(),
            bytes(commit.id),
            stored_time(commit.committed_at).into(),
            clean(&commit.author_name),
            clean(&commit.subject),
            counts.created.into(),
            counts.modified.into(),
            counts.deleted.into(),
            counts.resurrected.into(),
        ];
        bulk.push(row).await?;
    }
    bulk.finish().await?;
    Ok(())
}

async fn insert_events(c: &impl ConnectionTrait, repository: Uuid, run: Uuid, commits: &[FoundCommit]) -> Result<u64> {
    let head = "INSERT INTO kubernetesresourceevent (id, resource_id, repository_id, sequence, sync_run_id, \
        event_type, event_timestamp, resource_api_version, resource_kind, resource_name, resource_namespace, \
        file_path, file_path_before, file_hash_before, file_hash_after, version_before, version_after, \
        version_changed, changes_detected, changes, changes_total, blob, line_start, line_end, caused_by_resource_id)";
    let mut bulk = Bulk::new(c, head, "", 25);
    for commit in commits {
        let time = stored_time(commit.committed_at);
        for (index, event) in commit.events.iter().enumerate() {
            let row: [Value; 25] = [
                event_id(repository, time, commit.sequence, index).into(),
                event.resource_id.into(),
                repository.into(),
                commit.sequence.into(),
                run.into(),
                event.event_type.as_str().into(),
                time.into(),
                clean(&event.api_version),
                clean(&event.kind),
                clean(&event.name),
                clean_option(event.namespace.as_deref()),
                clean(&event.file_path),
                clean_option(event.file_path_before.as_deref()),
                clean_option(event.file_hash_before.as_deref()),
                clean_option(event.file_hash_after.as_deref()),
                clean_option(event.version_before.as_deref()),
                clean_option(event.version_after.as_deref()),
                changes_version(event).into(),
                to_json("event.changes_detected", &event.changes_detected)?.into(),
                to_json("event.changes", &event.changes)?.into(),
                event.changes_total.into(),
                event.place.map(|place| place.blob.0.to_vec()).into(),
                event.place.map(|place| place.line_start).into(),
                event.place.map(|place| place.line_end).into(),
                event.caused_by_resource_id.into(),
            ];
            bulk.push(row).await?;
        }
    }
    bulk.finish().await
}

/// Adds the commits to the repository's days; gives back by how much each day's numbers grew.
async fn add_days(
    c: &impl ConnectionTrait,
    repository: Uuid,
    commits: &[FoundCommit],
) -> Result<BTreeMap<String, [i64; 6]>> {
    let mut days: BTreeMap<String, Counts> = BTreeMap::new();
    for commit in commits {
        let day = stored_time(commit.committed_at).date_naive().to_string();
        days.entry(day).or_default().add(&Counts::of(commit));
    }
    let days: BTreeMap<String, [i64; 6]> = days.into_iter().map(|(day, counts)| (day, counts.in_order())).collect();
    let head = "INSERT INTO repository_day (repository_id, day, created, modified, deleted, resurrected, commits, \
        version_changes)";
    let tail = " ON CONFLICT (repository_id, day) DO UPDATE SET created = repository_day.created + excluded.created, \
        modified = repository_day.modified + excluded.modified, deleted = repository_day.deleted + excluded.deleted, \
        resurrected = repository_day.resurrected + excluded.resurrected, \
        commits = repository_day.commits + excluded.commits, \
        version_changes = repository_day.version_changes + excluded.version_changes";
    let mut bulk = Bulk::new(c, head, tail, 8);
    for (day, counts) in &days {
        let [created, modified, deleted, resurrected, commits, version_changes] = counts.map(Value::from);
        let day = day.as_str().into();
        bulk.push([repository.into(), day, created, modified, deleted, resurrected, commits, version_changes]).await?;
    }
    bulk.finish().await?;
    Ok(days)
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

/// What becomes of a resource's count of events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// `new_events` come on top.
    Add,
    /// It is counted afterwards.
    Keep,
}

/// Inserts or replaces resources and what they use and name; tells by how much the figures change.
pub(super) async fn write_resources(
    c: &impl ConnectionTrait,
    repository: Uuid,
    resources: &[FoundResource],
    count: Count,
) -> Result<Deltas> {
    let mut deltas = Deltas::default();
    for chunk in resources.chunks(500) {
        deltas.take_stored(c, repository, chunk.iter().map(|resource| resource.id)).await?;
    }
    park_doubles(c, resources).await?;
    let head = "INSERT INTO kubernetesresource (id, repository_id, api_version, api_group, kind, name, namespace, \
        namespace_inherited, file_path, search, file_hash, version, status, blob, line_start, line_end, created_at, \
        updated_at, deleted_at, first_sequence, commit_sha, source_kind, source_name, source_namespace, chart_name, \
        chart_url, events)";
    let tail = " ON CONFLICT (id) DO UPDATE SET api_version = excluded.api_version, api_group = excluded.api_group, \
        kind = excluded.kind, name = excluded.name, namespace = excluded.namespace, \
        namespace_inherited = excluded.namespace_inherited, file_path = excluded.file_path, \
        search = excluded.search, file_hash = excluded.file_hash, version = excluded.version, \
        status = excluded.status, blob = excluded.blob, line_start = excluded.line_start, \
        line_end = excluded.line_end, created_at = excluded.created_at, updated_at = excluded.updated_at, \
        deleted_at = excluded.deleted_at, first_sequence = excluded.first_sequence, \
        commit_sha = excluded.commit_sha, source_kind = excluded.source_kind, source_name = excluded.source_name, \
        source_namespace = excluded.source_namespace, chart_name = excluded.chart_name, \
        chart_url = excluded.chart_url, events = kubernetesresource.events + excluded.events";
    let mut bulk = Bulk::new(c, head, tail, 27);
    // Those that go make room for those that come to the same place.
    let (deleted, active): (Vec<_>, Vec<_>) =
        resources.iter().partition(|resource| resource.status == ResourceStatus::Deleted);
    for resource in deleted.into_iter().chain(active) {
        deltas.put(resource);
        let events = if count == Count::Add { resource.new_events } else { 0 };
        bulk.push(resource_row(repository, resource, events)).await?;
    }
    bulk.finish().await?;
    deltas.recharted_since = write_parts(c, repository, resources).await?;
    Ok(deltas)
}

fn resource_row(repository: Uuid, resource: &FoundResource, events: i64) -> [Value; 27] {
    let search = format!("{}\n{}", resource.name, resource.file_path).to_lowercase();
    let source = resource.source.as_ref();
    let chart = resource.charts.first();
    [
        resource.id.into(),
        repository.into(),
        clean(&resource.api_version),
        clean(group_of(&resource.api_version)),
        clean(&resource.kind),
        clean(&resource.name),
        clean_option(resource.namespace.as_deref()),
        clean_option(resource.namespace_inherited.as_deref()),
        clean(&resource.file_path),
        clean(&search),
        clean(&resource.file_hash),
        clean_option(resource.version.as_deref()),
        resource.status.as_str().into(),
        bytes(resource.place.blob),
        resource.place.line_start.into(),
        resource.place.line_end.into(),
        stored_time(resource.created_at).into(),
        stored_time(resource.updated_at).into(),
        resource.deleted_at.map(stored_time).into(),
        resource.first_sequence.into(),
        bytes(resource.commit),
        clean_option(source.map(|source| source.kind.as_str())),
        clean_option(source.map(|source| source.name.as_str())),
        clean_option(source.and_then(|source| source.namespace.as_deref())),
        clean_option(chart.map(|chart| chart.name.as_str())),
        clean_option(chart.and_then(|chart| chart.url.as_deref())),
        events.into(),
    ]
}

/// Two resources of one identity may change places within a batch, and rows are replaced one after the other:
/// such rows give their places up first.
async fn park_doubles(c: &impl ConnectionTrait, resources: &[FoundResource]) -> Result<()> {
    let mut same: HashMap<(&str, &str, Option<&str>, &str), Vec<Uuid>> = HashMap::new();
    for resource in resources {
        let group = group_of(&resource.api_version);
        let key = (group, resource.kind.as_str(), resource.namespace.as_deref(), resource.name.as_str());
        same.entry(key).or_default().push(resource.id);
    }
    let doubles: Vec<Uuid> = same.into_values().filter(|ids| ids.len() > 1).flatten().collect();
    for ids in doubles.chunks(500) {
        let mut sql = Sql::new("UPDATE kubernetesresource SET status = 'DELETED' WHERE status = 'ACTIVE' AND id IN ");
        sql.bind_list(ids.iter().copied());
        sql.run(c).await?;
    }
    Ok(())
}

/// Replaces what resources use and name. Gives back since when the oldest of those stands whose charts have other
/// names now: its charts count over its whole life.
async fn write_parts(
    c: &impl ConnectionTrait,
    repository: Uuid,
    resources: &[FoundResource],
) -> Result<Option<Timestamp>> {
    let tail = " ON CONFLICT (resource_id) DO UPDATE SET data = excluded.data";
    let mut data = Bulk::new(c, "INSERT INTO resource_data (resource_id, data)", tail, 2);
    for resource in resources {
        data.push([resource.id.into(), clean(&resource.data)]).await?;
    }
    data.finish().await?;
    let mut recharted_since: Option<Timestamp> = None;
    for chunk in resources.chunks(500) {
        let mut sql = Sql::new("DELETE FROM resource_chart WHERE resource_id IN ");
        sql.bind_list(chunk.iter().map(|resource| resource.id)).push(" RETURNING resource_id, name");
        let mut before: HashMap<Uuid, Vec<String>> = HashMap::new();
        for row in sql.rows(c).await? {
            before.entry(row.try_get_by_index(0)?).or_default().push(row.try_get_by_index(1)?);
        }
        for resource in chunk {
            let mut after: Vec<String> =
                resource.charts.iter().map(|chart| chart.name.replace('\0', "\u{fffd}")).collect();
            let mut before = before.remove(&resource.id).unwrap_or_default();
            after.sort_unstable();
            before.sort_unstable();
            if before != after {
                let since = stored_time(resource.created_at);
                recharted_since = Some(recharted_since.map_or(since, |oldest| oldest.min(since)));
            }
        }
        for table in ["resource_image", "resource_reference"] {
            let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE resource_id IN "));
            sql.bind_list(chunk.iter().map(|resource| resource.id));
            sql.run(c).await?;
        }
    }
    let head = "INSERT INTO resource_chart (resource_id, position, repository_id, name, url, version)";
    let mut charts = Bulk::new(c, head, "", 6);
    let head = "INSERT INTO resource_image (resource_id, position, repository_id, image, tag, digest, field_path)";
    let mut images = Bulk::new(c, head, "", 7);
    let head = "INSERT INTO resource_reference (resource_id, position, repository_id, relation, kind, name, namespace)";
    let mut references = Bulk::new(c, head, "", 7);
    for resource in resources {
        for (place, chart) in (0i32..).zip(&resource.charts) {
            let (url, version) = (clean_option(chart.url.as_deref()), clean_option(chart.version.as_deref()));
            let row = [resource.id.into(), place.into(), repository.into(), clean(&chart.name), url, version];
            charts.push(row).await?;
        }
        for (place, image) in (0i32..).zip(&resource.images) {
            let row: [Value; 7] = [
                resource.id.into(),
                place.into(),
                repository.into(),
                clean(&image.image),
                clean_option(image.tag.as_deref()),
                clean_option(image.digest.as_deref()),
                clean(&image.field_path),
            ];
            images.push(row).await?;
        }
        for (place, reference) in (0i32..).zip(&resource.references) {
            let row: [Value; 7] = [
                resource.id.into(),
                place.into(),
                repository.into(),
                reference.relation.as_str().into(),
                clean(&reference.kind),
                clean(&reference.name),
                clean_option(reference.namespace.as_deref()),
            ];
            references.push(row).await?;
        }
    }
    charts.finish().await?;
    images.finish().await?;
    references.finish().await?;
    Ok(recharted_since)
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

fn bytes(id: ObjectId) -> Value {
    id.0.to_vec().into()
}

/// Text without the one character that PostgreSQL refuses.
fn clean(text: &str) -> Value {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

fn clean_option(text: Option<&str>) -> Value {
    text.map_or(Value::String(None), clean)
}

/// An id of version 7 that says when (the commit's time), where in history and where in the commit the event
/// happened: ids sort as history does, and a replay gives an event the same id again.
fn event_id(repository: Uuid, time: Timestamp, sequence: i64, index: usize) -> Uuid {
    const TWENTY: u128 = (1 << 20) - 1;
    const THIRTY_FOUR: u128 = (1 << 34) - 1;
    let place = (u128::from(sequence.unsigned_abs()) & TWENTY) << 54
        | ((index as u128) & TWENTY) << 34
        | (repository.as_u128() & THIRTY_FOUR);
    let bits =
        (milliseconds(time) << 80) | (0x7 << 76) | ((place >> 62) << 64) | (0b10 << 62) | (place & ((1 << 62) - 1));
    Uuid::from_u128(bits)
}

/// No event at this time or later has a smaller id.
pub(crate) fn event_id_floor(time: Timestamp) -> Uuid {
    Uuid::from_u128(milliseconds(time) << 80)
}

/// Since 1970, as 48 bits hold it; earlier times are as 1970.
fn milliseconds(time: Timestamp) -> u128 {
    u128::try_from(time.timestamp_millis()).unwrap_or(0).min((1 << 48) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(event_id_floor(at(100)) < ids[1] && ids[3] < event_id_floor(at(101)));
        assert_ne!(ids[1], event_id(Uuid::from_u128(1), at(100), 7, 0));
    }
}
