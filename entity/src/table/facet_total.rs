use sea_orm::entity::prelude::*;

use crate::kind::Facet;

/// How many resources of all repositories have one value, such as one kind.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "facet_total")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub facet: Facet,
    #[sea_orm(primary_key, auto_increment = false)]
    pub value: String,
    pub active: i64,
    pub deleted: i64,
}

impl ActiveModelBehavior for ActiveModel {}
