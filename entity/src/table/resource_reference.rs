use sea_orm::entity::prelude::*;

use crate::kind::ReferenceKind;

/// A resource naming another, which need not be there.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resource_reference")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    pub repository_id: Uuid,
    pub relation: ReferenceKind,
    pub kind: String,
    pub name: String,
    pub namespace: Option<String>,
    #[sea_orm(belongs_to, from = "resource_id", to = "id", on_delete = "Cascade")]
    pub resource: BelongsTo<super::resource::Entity>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", skip_fk)]
    pub repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
