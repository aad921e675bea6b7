use sea_orm::entity::prelude::*;

/// What happened in all repositories on one day, UTC.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "day_total")]
pub struct Model {
    /// `YYYY-MM-DD`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: String,
    pub created: i64,
    pub modified: i64,
    pub deleted: i64,
    pub resurrected: i64,
    pub commits: i64,
    pub version_changes: i64,
}

impl ActiveModelBehavior for ActiveModel {}
