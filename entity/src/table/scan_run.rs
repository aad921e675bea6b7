use sea_orm::entity::prelude::*;

use crate::value::{ObjectId, StoredTimestamp};

/// One scan of a repository: from where to where, and what came of it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "scan_run")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub repository_id: Uuid,
    pub started_at: StoredTimestamp,
    pub finished_at: Option<StoredTimestamp>,
    pub from_commit: Option<ObjectId>,
    pub to_commit: Option<ObjectId>,
    pub commits: i64,
    pub events: i64,
    pub error: Option<String>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
