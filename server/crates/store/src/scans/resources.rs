//! Rows of resources as they stand after a batch.

use std::collections::HashMap;

use sea_orm::sea_query::{ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, Iterable as _, QueryFilter as _, Set};
use uuid::Uuid;

use super::deltas::{Deltas, Stored};
use super::group_of;
use super::parts::write_parts;
use crate::db::Result;
use crate::db::bulk::Bulk;
use crate::db::clean::{clean, clean_option};
use crate::db::upsert::excluded;
use crate::resources::is_active;
use entity::input::FoundResource;
use entity::kind::ResourceStatus;
use entity::table::resource;

/// What becomes of a resource's count of events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// `new_events` come on top.
    Add,
    /// It is counted afterwards.
    Keep,
}

/// The columns of the new row, but for events, which are added.
fn replace_with(columns: impl IntoIterator<Item = resource::Column>) -> OnConflict {
    use resource::Column::{Events, Id};
    let events = Events.into_expr().add(excluded(Events));
    OnConflict::column(Id).update_columns(columns).value(Events, events).to_owned()
}

fn replace_all() -> OnConflict {
    use resource::Column::{Events, Id, RepositoryId};
    replace_with(resource::Column::iter().filter(|column| !matches!(column, Id | RepositoryId | Events)))
}

/// For rows whose other columns stay as they are. SQLite writes every index anew whose columns are named here, changed
/// or not, and half of a row's indexes are about these others.
fn replace_in_place() -> OnConflict {
    use resource::Column::{
        Blob, ChartName, ChartUrl, CommitSha, DeletedAt, FileHash, LineEnd, LineStart, SourceNamespace, UpdatedAt,
        Version,
    };
    let texts = [FileHash, Version, Blob, LineStart, LineEnd];
    let others = [UpdatedAt, DeletedAt, CommitSha, SourceNamespace, ChartName, ChartUrl];
    replace_with(texts.into_iter().chain(others))
}

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
    let mut moving = Bulk::<_, resource::Entity>::new(c).on_conflict(replace_all());
    let mut staying = Bulk::<_, resource::Entity>::new(c).on_conflict(replace_in_place());
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
    write_parts(c, repository, resources, |id| stored.contains_key(&id)).await?;
    Ok(deltas)
}

fn resource_row(repository: Uuid, resource: &FoundResource, events: i64) -> resource::ActiveModel {
    let search = format!("{}\n{}", resource.name, resource.file_path).to_lowercase();
    let source = resource.source.as_ref();
    let chart = resource.charts.first();
    resource::ActiveModel {
        id: Set(resource.id),
        repository_id: Set(repository),
        api_version: Set(clean(&resource.api_version)),
        api_group: Set(clean(group_of(&resource.api_version))),
        kind: Set(clean(&resource.kind)),
        name: Set(clean(&resource.name)),
        namespace: Set(clean_option(resource.namespace.as_deref())),
        namespace_inherited: Set(clean_option(resource.namespace_inherited.as_deref())),
        file_path: Set(clean(&resource.file_path)),
        search: Set(clean(&search)),
        file_hash: Set(clean(&resource.file_hash)),
        version: Set(clean_option(resource.version.as_deref())),
        status: Set(resource.status),
        blob: Set(resource.place.blob),
        line_start: Set(resource.place.line_start),
        line_end: Set(resource.place.line_end),
        created_at: Set(resource.created_at.into()),
        updated_at: Set(resource.updated_at.into()),
        deleted_at: Set(resource.deleted_at.map(Into::into)),
        first_sequence: Set(resource.first_sequence),
        commit_sha: Set(resource.commit),
        source_kind: Set(clean_option(source.map(|source| source.kind.as_str()))),
        source_name: Set(clean_option(source.map(|source| source.name.as_str()))),
        source_namespace: Set(clean_option(source.and_then(|source| source.namespace.as_deref()))),
        chart_name: Set(clean_option(chart.map(|chart| chart.name.as_str()))),
        chart_url: Set(clean_option(chart.and_then(|chart| chart.url.as_deref()))),
        events: Set(events),
    }
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
        let parked = resource::ActiveModel { status: Set(ResourceStatus::Deleted), ..Default::default() };
        let these = resource::COLUMN.id.is_in(ids.iter().copied());
        let update = resource::Entity::update_many().set(parked).filter(is_active(resource::Entity));
        update.filter(these).exec(c).await?;
    }
    Ok(doubles)
}
