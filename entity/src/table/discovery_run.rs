use sea_orm::entity::prelude::*;

use crate::input::SearchState;
use crate::value::{JsonText, StoredTimestamp};

/// A run of all searches.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "discovery_run")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub started_at: StoredTimestamp,
    pub finished_at: Option<StoredTimestamp>,
    pub searches: JsonText<Vec<SearchState>>,
    pub requests: i64,
    pub unchanged: i64,
    pub found: i64,
    pub known: i64,
    pub accepted: i64,
    pub set_aside: i64,
    pub rejected: i64,
}

impl ActiveModelBehavior for ActiveModel {}
