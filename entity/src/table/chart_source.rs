use sea_orm::entity::prelude::*;

/// A place that a chart comes from.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chart_source")]
pub struct Model {
    /// Follows from the key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    #[sea_orm(unique)]
    pub key: String,
    /// Repository or registry, in its one spelling.
    pub url: String,
    pub chart_id: i64,
    #[sea_orm(belongs_to, from = "chart_id", to = "id")]
    pub chart: BelongsTo<super::chart::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
