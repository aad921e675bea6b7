use sea_orm::entity::prelude::*;

/// What came of a trigger's deliveries on one day, UTC.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trigger_day")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub trigger_id: Uuid,
    /// `YYYY-MM-DD`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: String,
    pub delivered: i64,
    /// Deliveries that were given up.
    pub failed: i64,
    pub attempts: i64,
    pub failed_attempts: i64,
    #[sea_orm(belongs_to, from = "trigger_id", to = "id", on_delete = "Cascade")]
    pub trigger: BelongsTo<super::trigger::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
