use sea_orm::entity::prelude::*;

use crate::value::StoredTimestamp;

/// Which branches of a repository are watched, and how far the last look at them got.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "watch")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub repository_id: Uuid,
    pub is_enabled: bool,
    /// Names of branches that are watched; all where there is none.
    pub branch_regex: Option<String>,
    /// Whether branches that the first look finds are events.
    pub tells_first_look: bool,
    /// Grows with every change that is noted: a look that began before a change can't overrule it.
    pub version: i64,
    /// Of what the last look found, if nothing was noted since.
    pub refs_hash: Option<Vec<u8>>,
    pub first_look_at: Option<StoredTimestamp>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
