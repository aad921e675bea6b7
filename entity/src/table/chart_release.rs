use sea_orm::entity::prelude::*;

/// A chart that somebody installs, through all of its versions, values, and files that it was moved to.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chart_release")]
pub struct Model {
    /// Follows from where and when it was first seen.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub repository_id: Uuid,
    /// The place of the commit that brought it on the first-parent line.
    pub first_sequence: i64,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
