use sea_orm::entity::prelude::*;

use crate::value::{ObjectId, StoredTimestamp};

/// A commit with events; those without are not stored.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "commit")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub repository_id: Uuid,
    /// Place on the first-parent line, 0 for the first commit.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub sha: ObjectId,
    pub committed_at: StoredTimestamp,
    pub author_name: String,
    pub subject: String,
    pub created: i64,
    pub modified: i64,
    pub deleted: i64,
    pub resurrected: i64,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
