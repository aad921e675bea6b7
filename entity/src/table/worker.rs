use sea_orm::entity::prelude::*;

use crate::value::StoredTimestamp;

/// A process that works on jobs.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "worker")]
pub struct Model {
    /// The name that stands in the jobs it holds.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub role: String,
    pub host: String,
    pub pid: i64,
    pub version: String,
    pub started_at: StoredTimestamp,
    /// When it was last heard of.
    pub seen_at: StoredTimestamp,
    /// Jobs that it takes at once.
    pub capacity: i64,
    pub disk_limit_bytes: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
