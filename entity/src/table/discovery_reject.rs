use sea_orm::entity::prelude::*;

use crate::kind::RejectReason;
use crate::value::StoredTimestamp;

/// A repository that a search found and that is not taken up.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "discovery_reject")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub host: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub forge_id: i64,
    pub full_name: String,
    pub web_url: Option<String>,
    pub reason: RejectReason,
    pub detail: String,
    pub stars: i64,
    pub pushed_at: Option<StoredTimestamp>,
    /// The search that found it.
    pub search: String,
    pub seen_at: StoredTimestamp,
}

impl ActiveModelBehavior for ActiveModel {}
