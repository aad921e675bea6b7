//! What resources use and name: charts, images, references, and the text of their `spec`.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::apply::{clean, clean_option};
use super::bulk::Bulk;
use crate::db::Result;
use crate::db::sql::{Sql, stored_time};
use entity::found::FoundResource;
use entity::view::Timestamp;

/// Replaces what resources use and name; `is_stored` says whether there may be anything to replace. Gives back since
/// when the oldest of those stands whose charts have other names now: its charts count over its whole life.
pub(super) async fn write_parts(
    c: &impl ConnectionTrait,
    repository: Uuid,
    resources: &[FoundResource],
    is_stored: impl Fn(Uuid) -> bool,
) -> Result<Option<Timestamp>> {
    let tail = " ON CONFLICT (resource_id) DO UPDATE SET data = excluded.data";
    let mut data = Bulk::new(c, "INSERT INTO resource_data (resource_id, data)", tail, 2);
    for resource in resources {
        data.push([resource.id.into(), clean(&resource.data)]).await?;
    }
    data.finish().await?;
    let mut recharted_since: Option<Timestamp> = None;
    for chunk in resources.chunks(500) {
        let stored: Vec<Uuid> = chunk.iter().map(|resource| resource.id).filter(|id| is_stored(*id)).collect();
        let mut before = delete(c, &stored).await?;
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

/// Deletes what these resources use and name; gives back the names of their charts.
async fn delete(c: &impl ConnectionTrait, resources: &[Uuid]) -> Result<HashMap<Uuid, Vec<String>>> {
    let mut charts: HashMap<Uuid, Vec<String>> = HashMap::new();
    if resources.is_empty() {
        return Ok(charts);
    }
    let mut sql = Sql::new("DELETE FROM resource_chart WHERE resource_id IN ");
    sql.bind_list(resources.iter().copied()).push(" RETURNING resource_id, name");
    for row in sql.rows(c).await? {
        charts.entry(row.try_get_by_index(0)?).or_default().push(row.try_get_by_index(1)?);
    }
    for table in ["resource_image", "resource_reference"] {
        let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE resource_id IN "));
        sql.bind_list(resources.iter().copied());
        sql.run(c).await?;
    }
    Ok(charts)
}
