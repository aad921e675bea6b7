use sea_orm::entity::prelude::*;

/// A key under which kubesearch has shown a chart, or Kubestats one that is grouped otherwise since: links to it exist, and lead here.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chart_alias")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub alias: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub chart_id: i64,
    #[sea_orm(belongs_to, from = "chart_id", to = "id")]
    pub chart: BelongsTo<super::chart::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
