//! Rows of resources as they stand after a batch.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::apply::{bytes, clean, clean_option};
use super::bulk::Bulk;
use super::figures::{Deltas, Stored};
use super::group_of;
use super::parts::write_parts;
use crate::db::Result;
use crate::db::sql::{Sql, stored_time};
use entity::found::FoundResource;
use entity::kind::ResourceStatus;

/// What becomes of a resource's count of events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// `new_events` come on top.
    Add,
    /// It is counted afterwards.
    Keep,
}

const HEAD: &str = "INSERT INTO kubernetesresource (id, repository_id, api_version, api_group, kind, name, namespace, \
    namespace_inherited, file_path, search, file_hash, version, status, blob, line_start, line_end, created_at, \
    updated_at, deleted_at, first_sequence, commit_sha, source_kind, source_name, source_namespace, chart_name, \
    chart_url, events)";

const REPLACE: &str = " ON CONFLICT (id) DO UPDATE SET api_version = excluded.api_version, \
    api_group = excluded.api_group, kind = excluded.kind, name = excluded.name, namespace = excluded.namespace, \
    namespace_inherited = excluded.namespace_inherited, file_path = excluded.file_path, search = excluded.search, \
    file_hash = excluded.file_hash, version = excluded.version, status = excluded.status, blob = excluded.blob, \
    line_start = excluded.line_start, line_end = excluded.line_end, created_at = excluded.created_at, \
    updated_at = excluded.updated_at, deleted_at = excluded.deleted_at, first_sequence = excluded.first_sequence, \
    commit_sha = excluded.commit_sha, source_kind = excluded.source_kind, source_name = excluded.source_name, \
    source_namespace = excluded.source_namespace, chart_name = excluded.chart_name, chart_url = excluded.chart_url, \
    events = kubernetesresource.events + excluded.events";

/// For rows whose other columns stay as they are. SQLite writes every index anew whose columns are named here, changed
/// or not, and half of a row's indexes are about these others.
const REPLACE_IN_PLACE: &str = " ON CONFLICT (id) DO UPDATE SET file_hash = excluded.file_hash, \
    version = excluded.version, blob = excluded.blob, line_start = excluded.line_start, \
    line_end = excluded.line_end, updated_at = excluded.updated_at, deleted_at = excluded.deleted_at, \
    commit_sha = excluded.commit_sha, source_namespace = excluded.source_namespace, \
    chart_name = excluded.chart_name, chart_url = excluded.chart_url, \
    events = kubernetesresource.events + excluded.events";

/// Inserts or replaces resources and what they use and name; tells by how much the figures change.
pub(super) async fn write_resources(
    c: &impl ConnectionTrait,
    repository: Uuid,
    resources: &[FoundResource],
    count: Count,
) -> Result<Deltas> {
    let mut deltas = Deltas::default();
    let mut stored = HashMap::with_capacity(resources.len());
    for chunk in resources.chunks(500) {
        deltas.take_stored(c, repository, chunk, &mut stored).await?;
    }
    for parked in park_doubles(c, resources).await? {
        stored.entry(parked).and_modify(|stored| *stored = Stored::Elsewhere);
    }
    let (mut moving, mut staying) = (Bulk::new(c, HEAD, REPLACE, 27), Bulk::new(c, HEAD, REPLACE_IN_PLACE, 27));
    // Those that go make room for those that come to the same place.
    let (deleted, active): (Vec<_>, Vec<_>) =
        resources.iter().partition(|resource| resource.status == ResourceStatus::Deleted);
    for resource in deleted.into_iter().chain(active) {
        deltas.put(resource);
        let events = if count == Count::Add { resource.new_events } else { 0 };
        let in_place = count == Count::Add && stored.get(&resource.id) == Some(&Stored::InPlace);
        let bulk = if in_place { &mut staying } else { &mut moving };
        bulk.push(resource_row(repository, resource, events)).await?;
    }
    moving.finish().await?;
    staying.finish().await?;
    deltas.recharted_since = write_parts(c, repository, resources, |id| stored.contains_key(&id)).await?;
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
/// such rows give their places up first. Gives back which they are.
async fn park_doubles(c: &impl ConnectionTrait, resources: &[FoundResource]) -> Result<Vec<Uuid>> {
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
    Ok(doubles)
}
