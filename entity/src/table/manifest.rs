use sea_orm::entity::prelude::*;

use crate::value::ObjectId;

/// A file's text, once for the whole database: secrets masked, then compressed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "manifest")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ObjectId,
    /// What it is compressed with, see `store::db::text`.
    pub dictionary: i16,
    /// Bytes before compression.
    pub size: i64,
    pub compressed: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
