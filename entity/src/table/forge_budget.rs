use sea_orm::entity::prelude::*;

use crate::value::StoredTimestamp;

/// What a forge last said of a limit.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "forge_budget")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub host: String,
    /// Names the token without telling it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource: String,
    pub quota: Option<i64>,
    pub remaining: Option<i64>,
    pub resets_at: Option<StoredTimestamp>,
    pub blocked_until: Option<StoredTimestamp>,
    pub seen_at: StoredTimestamp,
}

impl ActiveModelBehavior for ActiveModel {}
