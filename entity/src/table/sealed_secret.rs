use sea_orm::entity::prelude::*;

use crate::value::StoredTimestamp;

/// A secret that somebody entered, sealed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sealed_secret")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub sealed: Vec<u8>,
    pub changed_at: StoredTimestamp,
}

impl ActiveModelBehavior for ActiveModel {}
