use sea_orm::entity::prelude::*;

use crate::kind::{JobKind, JobState, Priority, RequestedBy};
use crate::value::StoredTimestamp;

/// A job: what it is to do, where it is in its life, and what came of it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: JobKind,
    /// A [`crate::kind::JobRequest`] as JSON; text, so that one of another version of the program can be refused by itself.
    pub payload: String,
    /// Two jobs with one key would do the same.
    pub key: String,
    pub priority: Priority,
    pub state: JobState,
    pub attempts: i32,
    pub requested_by: RequestedBy,
    pub repository_id: Option<Uuid>,
    pub created_at: StoredTimestamp,
    /// Not before this time.
    pub run_at: StoredTimestamp,
    pub started_at: Option<StoredTimestamp>,
    pub finished_at: Option<StoredTimestamp>,
    pub worker: Option<String>,
    /// The worker is taken for dead after it.
    pub lease_until: Option<StoredTimestamp>,
    pub progress_text: Option<String>,
    pub progress_done: Option<i64>,
    pub progress_total: Option<i64>,
    pub result: Option<String>,
    pub error: Option<String>,
    /// The machine that it loads, where jobs are counted by it.
    pub host: Option<String>,
    /// Lines that it said, also those that were not kept.
    pub log_lines: i64,
    /// The trace of what asked for it, as W3C's `traceparent`; a request and its jobs are one.
    pub traceparent: Option<String>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<Option<super::repository::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
