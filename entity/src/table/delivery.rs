use sea_orm::entity::prelude::*;

use crate::kind::{BranchEventKind, DeliveryState, RunState};
use crate::value::{ObjectId, StoredTimestamp};

/// What one trigger's target is told of one event. No second one has the same trigger, branch, commit and kind.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    /// What the target knows it by, the same at every attempt.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub trigger_id: Uuid,
    pub event_id: Uuid,
    pub repository_id: Uuid,
    pub branch_id: Uuid,
    pub kind: BranchEventKind,
    /// Where the branch stands after the event; where it stood, if it is gone.
    pub commit_hash: ObjectId,
    /// The event's: deliveries of one trigger and branch go out in this order.
    pub sequence: i64,
    pub state: DeliveryState,
    /// Attempts since it was made or asked for again: how long the next one waits follows from it.
    pub tries: i32,
    /// Attempts in all.
    pub attempts: i32,
    /// Nothing while it is behind another, held, or finished.
    pub next_try_at: Option<StoredTimestamp>,
    pub worker: Option<String>,
    /// The worker is taken for dead after it.
    pub lease_until: Option<StoredTimestamp>,
    pub created_at: StoredTimestamp,
    pub finished_at: Option<StoredTimestamp>,
    /// Of the last answer.
    pub status: Option<i32>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// What the target calls what it began, such as Tekton's `eventID`.
    pub answer_id: Option<String>,
    /// How far what it began got, where the target tells.
    pub run_state: Option<RunState>,
    /// What the target calls the run.
    pub run_name: Option<String>,
    pub run_at: Option<StoredTimestamp>,
    #[sea_orm(belongs_to, from = "trigger_id", to = "id", on_delete = "Cascade")]
    pub trigger: BelongsTo<super::trigger::Entity>,
    #[sea_orm(belongs_to, from = "event_id", to = "id", on_delete = "Cascade")]
    pub event: BelongsTo<super::branch_event::Entity>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
    #[sea_orm(belongs_to, from = "branch_id", to = "id", on_delete = "Cascade")]
    pub branch: BelongsTo<super::branch::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
