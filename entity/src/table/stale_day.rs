use sea_orm::entity::prelude::*;

/// A mark: what happened changes the statistics of this day and of all after it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stale_day")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `YYYY-MM-DD`.
    pub day: String,
}

impl ActiveModelBehavior for ActiveModel {}
