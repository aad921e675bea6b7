use sea_orm::entity::prelude::*;

/// A path of values, such as `controllers.main.containers.app.image.tag`, kept once.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "value_path")]
pub struct Model {
    /// Follows from the path.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub path: String,
}

impl ActiveModelBehavior for ActiveModel {}
