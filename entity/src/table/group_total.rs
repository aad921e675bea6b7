use sea_orm::entity::prelude::*;

/// How many resources have one kind and name, wherever they stand.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "group_total")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub active: i64,
    pub deleted: i64,
}

impl ActiveModelBehavior for ActiveModel {}
