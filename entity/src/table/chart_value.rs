use sea_orm::entity::prelude::*;

use crate::kind::ValueType;

/// A leaf of a release's values, while it stays the same.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chart_value")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub path_id: i64,
    /// Tells apart what stands at one path: the items of a list.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ordinal: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub from_sequence: i64,
    pub from_time: i64,
    pub to_sequence: Option<i64>,
    pub to_time: Option<i64>,
    /// The chart that the release has meanwhile.
    pub chart_id: Option<i64>,
    pub kind: ValueType,
    /// Empty where it must not be shown.
    pub text: String,
    pub masked: bool,
    /// Where it stood in the commit that brought it.
    pub file_path: Option<String>,
    pub line: i32,
    #[sea_orm(belongs_to, from = "release_id", to = "id", on_delete = "Cascade")]
    pub release: BelongsTo<super::chart_release::Entity>,
    #[sea_orm(belongs_to, from = "chart_id", to = "id")]
    pub chart: BelongsTo<Option<super::chart::Entity>>,
    #[sea_orm(belongs_to, from = "path_id", to = "id")]
    pub path: BelongsTo<super::value_path::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
