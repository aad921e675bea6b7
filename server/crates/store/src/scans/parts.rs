//! What resources use: charts, images, and the text of their `spec`.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, EntityTrait as _, QueryFilter as _, Set};
use uuid::Uuid;

use crate::db::Result;
use crate::db::bulk::Bulk;
use crate::db::clean::{clean, clean_option};
use crate::db::upsert::replace;
use entity::input::FoundResource;
use entity::table::{resource_chart, resource_data, resource_image};
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// Replaces what resources use; `is_stored` says whether there may be anything to replace. Gives back since
/// when the oldest of those stands whose charts have other names now: its charts count over its whole life.
pub(super) async fn write_parts(
    c: &impl ConnectionTrait,
    repository: Uuid,
    resources: &[FoundResource],
    is_stored: impl Fn(Uuid) -> bool,
) -> Result<Option<Timestamp>> {
    let mut data = Bulk::<_, resource_data::Entity>::new(c).on_conflict(replace::<resource_data::Entity>());
    for resource in resources {
        let row = resource_data::ActiveModel { resource_id: Set(resource.id), data: Set(clean(&resource.data)) };
        data.push(row).await?;
    }
    data.finish().await?;
    let mut recharted_since: Option<Timestamp> = None;
    for chunk in resources.chunks(500) {
        let stored: Vec<Uuid> = chunk.iter().map(|resource| resource.id).filter(|id| is_stored(*id)).collect();
        let mut before = delete(c, &stored).await?;
        for resource in chunk {
            let mut after: Vec<String> = resource.charts.iter().map(|chart| clean(&chart.name)).collect();
            let mut before = before.remove(&resource.id).unwrap_or_default();
            after.sort_unstable();
            before.sort_unstable();
            if before != after {
                let since = Timestamp::from(StoredTimestamp::from(resource.created_at));
                recharted_since = Some(recharted_since.map_or(since, |oldest| oldest.min(since)));
            }
        }
    }
    insert(c, repository, resources).await?;
    Ok(recharted_since)
}

async fn insert(c: &impl ConnectionTrait, repository: Uuid, resources: &[FoundResource]) -> Result<()> {
    let mut charts = Bulk::<_, resource_chart::Entity>::new(c);
    let mut images = Bulk::<_, resource_image::Entity>::new(c);
    for resource in resources {
        for (place, chart) in (0i32..).zip(&resource.charts) {
            let row = resource_chart::ActiveModel {
                resource_id: Set(resource.id),
                position: Set(place),
                repository_id: Set(repository),
                name: Set(clean(&chart.name)),
                url: Set(clean_option(chart.url.as_deref())),
                version: Set(clean_option(chart.version.as_deref())),
            };
            charts.push(row).await?;
        }
        for (place, image) in (0i32..).zip(&resource.images) {
            let row = resource_image::ActiveModel {
                resource_id: Set(resource.id),
                position: Set(place),
                repository_id: Set(repository),
                image: Set(clean(&image.image)),
                tag: Set(clean_option(image.tag.as_deref())),
                digest: Set(clean_option(image.digest.as_deref())),
                field_path: Set(clean(&image.field_path)),
            };
            images.push(row).await?;
        }
    }
    charts.finish().await?;
    images.finish().await?;
    Ok(())
}

/// Deletes what these resources use; gives back the names of their charts.
async fn delete(c: &impl ConnectionTrait, resources: &[Uuid]) -> Result<HashMap<Uuid, Vec<String>>> {
    let mut charts: HashMap<Uuid, Vec<String>> = HashMap::new();
    if resources.is_empty() {
        return Ok(charts);
    }
    let these = || resources.iter().copied();
    let deleted = resource_chart::Entity::delete_many().filter(resource_chart::COLUMN.resource_id.is_in(these()));
    for chart in deleted.exec_with_returning(c).await? {
        charts.entry(chart.resource_id).or_default().push(chart.name);
    }
    let of_images = resource_image::COLUMN.resource_id.is_in(these());
    resource_image::Entity::delete_many().filter(of_images).exec(c).await?;
    Ok(charts)
}
