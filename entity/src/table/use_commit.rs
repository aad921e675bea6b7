use sea_orm::entity::prelude::*;

use crate::value::ObjectId;

/// A commit at which a use, a value or an image began or ended: `commit` has only those with events.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "use_commit")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub repository_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub sha: ObjectId,
    /// Seconds since 1970, never before those of an earlier place on the line.
    pub time: i64,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
