use sea_orm::entity::prelude::*;

use crate::value::{JsonText, StoredTimestamp};
use crate::view::SentRequest;

/// One attempt to deliver, with what was sent (secrets masked) and what came back.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery_attempt")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub delivery_id: Uuid,
    /// From 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    pub started_at: StoredTimestamp,
    pub duration_ms: i64,
    /// Nothing where the process ended before it could tell.
    pub request: Option<JsonText<SentRequest>>,
    pub status: Option<i32>,
    /// The beginning of it.
    pub answer: Option<String>,
    pub error: Option<String>,
    pub next_try_at: Option<StoredTimestamp>,
    #[sea_orm(belongs_to, from = "delivery_id", to = "id", on_delete = "Cascade")]
    pub delivery: BelongsTo<super::delivery::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
