use sea_orm::entity::prelude::*;

use crate::value::StoredTimestamp;

/// What was spent of a limit within one hour.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "forge_spending")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub host: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub token: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource: String,
    /// Its first moment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hour: StoredTimestamp,
    pub spent: i64,
}

impl ActiveModelBehavior for ActiveModel {}
