use sea_orm::entity::prelude::*;

/// When what is stored of a repository changed last: answers that were kept from before it are not given any more.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "repository_change")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub repository_id: Uuid,
    /// Milliseconds since 1970, and more than it was before.
    pub changed: i64,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
