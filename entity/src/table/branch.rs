use sea_orm::entity::prelude::*;

use crate::value::{ObjectId, StoredTimestamp};

/// A branch of a remote; one that is gone keeps its row, so that its name keeps its history.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "branch")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub repository_id: Uuid,
    pub name: String,
    /// Where it stands, or stood last.
    pub head: ObjectId,
    /// Whether its name is one of those that are watched; changes of others are no events.
    pub is_watched: bool,
    /// As the forge tells; Git does not.
    pub is_protected: Option<bool>,
    /// The watch's version that changed it last.
    pub version: i64,
    pub first_seen_at: StoredTimestamp,
    pub changed_at: StoredTimestamp,
    /// When it was surely there; of one that is there, the repository's last sync says more.
    pub last_seen_at: StoredTimestamp,
    pub deleted_at: Option<StoredTimestamp>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
