//! What resources hold: the text of their `spec`, and images. Which charts they install, uses tell.

use sea_orm::{ConnectionTrait, EntityTrait as _, QueryFilter as _, Set};
use uuid::Uuid;

use crate::db::Result;
use crate::db::bulk::Bulk;
use crate::db::clean::{clean, clean_option};
use crate::db::upsert::replace;
use entity::input::FoundResource;
use entity::table::{resource_data, resource_image};

/// Replaces what resources hold; `is_stored` says whether there may be anything to replace.
pub(super) async fn write_parts(
    c: &impl ConnectionTrait,
    repository: Uuid,
    resources: &[FoundResource],
    is_stored: impl Fn(Uuid) -> bool,
) -> Result<()> {
    let mut data = Bulk::<_, resource_data::Entity>::new(c).on_conflict(replace::<resource_data::Entity>());
    for resource in resources {
        let row = resource_data::ActiveModel { resource_id: Set(resource.id), data: Set(clean(&resource.data)) };
        data.push(row).await?;
    }
    data.finish().await?;
    for chunk in resources.chunks(500) {
        let stored: Vec<Uuid> = chunk.iter().map(|resource| resource.id).filter(|id| is_stored(*id)).collect();
        if !stored.is_empty() {
            let of_images = resource_image::COLUMN.resource_id.is_in(stored);
            resource_image::Entity::delete_many().filter(of_images).exec(c).await?;
        }
    }
    insert(c, repository, resources).await
}

async fn insert(c: &impl ConnectionTrait, repository: Uuid, resources: &[FoundResource]) -> Result<()> {
    let mut images = Bulk::<_, resource_image::Entity>::new(c);
    for resource in resources {
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
    images.finish().await?;
    Ok(())
}
