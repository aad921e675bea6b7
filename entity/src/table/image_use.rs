use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;

use crate::kind::{ImagePlaceKind, ImageState};
use crate::value::JsonText;

/// An image in one place, while it stays the same.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "image_use")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub repository_id: Uuid,
    /// The release whose values have it.
    pub release_id: Option<i64>,
    pub chart_id: Option<i64>,
    pub place: ImagePlaceKind,
    /// Of the document, as resources say it.
    pub file_path: String,
    pub document: String,
    /// Of the document's resource.
    pub kind: Option<String>,
    pub name: Option<String>,
    pub path: String,
    /// Tells apart what stands at one path.
    pub ordinal: i32,
    pub state: ImageState,
    /// Nothing where no image can be told.
    pub image_id: Option<i64>,
    pub tag: Option<String>,
    pub digest: Option<String>,
    /// As it is written, where something is left to be filled in.
    pub written: Option<String>,
    /// What the variables stand for that stand in it, as far as the repository says so; of one in values the release has them.
    pub variables: Option<JsonText<BTreeMap<String, String>>>,
    pub from_sequence: i64,
    pub from_time: i64,
    pub to_sequence: Option<i64>,
    pub to_time: Option<i64>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
    #[sea_orm(belongs_to, from = "release_id", to = "id", on_delete = "Cascade")]
    pub release: BelongsTo<Option<super::chart_release::Entity>>,
    #[sea_orm(belongs_to, from = "chart_id", to = "id")]
    pub chart: BelongsTo<Option<super::chart::Entity>>,
    #[sea_orm(belongs_to, from = "image_id", to = "id")]
    pub image: BelongsTo<Option<super::image::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
