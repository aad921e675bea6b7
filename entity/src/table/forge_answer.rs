use sea_orm::entity::prelude::*;

use crate::value::StoredTimestamp;

/// A forge's answer with the tag that it is known again by.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "forge_answer")]
pub struct Model {
    /// What was asked, and as whom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub host: String,
    pub etag: String,
    /// Compressed.
    pub body: Vec<u8>,
    /// Where the next page is.
    pub next: Option<String>,
    pub used_at: StoredTimestamp,
}

impl ActiveModelBehavior for ActiveModel {}
