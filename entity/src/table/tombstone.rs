use sea_orm::entity::prelude::*;

use crate::value::StoredTimestamp;

/// A repository that was deleted here, so that searches do not bring it back. It has the repository's id.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tombstone")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub url: String,
    pub full_name: String,
    pub forge_host: Option<String>,
    pub forge_id: Option<i64>,
    pub deleted_at: StoredTimestamp,
}

impl ActiveModelBehavior for ActiveModel {}
