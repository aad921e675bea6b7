use sea_orm::entity::prelude::*;

use crate::kind::Permission;
use crate::value::{JsonText, StoredTimestamp};

/// A role that somebody made here.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "role")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub permissions: JsonText<Vec<Permission>>,
    pub created_at: StoredTimestamp,
}

impl ActiveModelBehavior for ActiveModel {}
