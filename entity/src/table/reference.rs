use sea_orm::entity::prelude::*;

use crate::kind::ReferenceStatus;

/// A document naming something, while what becomes of it stays the same.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reference")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub repository_id: Uuid,
    /// Of the edge itself: the same in all its spans.
    pub key: i64,
    /// Of the document, as resources say it.
    pub file_path: String,
    pub from_kind: String,
    pub from_name: String,
    /// The field that names it.
    pub field: String,
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
    pub status: ReferenceStatus,
    pub from_sequence: i64,
    pub from_time: i64,
    pub to_sequence: Option<i64>,
    pub to_time: Option<i64>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
