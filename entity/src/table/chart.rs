use sea_orm::entity::prelude::*;

/// A chart, wherever it comes from: one key stands for all of its places.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chart")]
pub struct Model {
    /// Follows from the key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    #[sea_orm(unique)]
    pub key: String,
    pub name: String,
}

impl ActiveModelBehavior for ActiveModel {}
