use sea_orm::entity::prelude::*;

/// The masked `spec` of a resource, apart from it so that lists read narrow rows.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resource_data")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource_id: Uuid,
    /// JSON; it is stored as the scan wrote it.
    pub data: String,
    #[sea_orm(belongs_to, from = "resource_id", to = "id", on_delete = "Cascade")]
    pub resource: BelongsTo<super::resource::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
