use sea_orm::entity::prelude::*;

use crate::kind::{BranchEventKind, BranchEventState, NoticedBy};
use crate::value::{JsonText, ObjectId, StoredTimestamp};
use crate::view::{TektonFound, Verdict};

/// Something that happened to a watched branch.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "branch_event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub repository_id: Uuid,
    pub branch_id: Uuid,
    /// The watch's version that noted it: the order of a branch's events, whatever clocks say.
    pub sequence: i64,
    pub kind: BranchEventKind,
    pub old_commit: Option<ObjectId>,
    pub new_commit: Option<ObjectId>,
    /// Whether the new commit does not descend from the old one, where that is known.
    pub is_forced: Option<bool>,
    pub noticed_by: NoticedBy,
    pub noticed_at: StoredTimestamp,
    pub state: BranchEventState,
    /// What each trigger made of it.
    pub verdicts: JsonText<Vec<Verdict>>,
    /// How many of them match.
    pub matches: i32,
    /// What the new commit brings in `.tekton/`, where that is known.
    pub tekton: Option<JsonText<TektonFound>>,
    /// How often following it failed.
    pub tries: i32,
    /// When it is (next) decided who is to be told; nothing once that is done.
    pub due_at: Option<StoredTimestamp>,
    /// When its commit is (next) read; nothing once that is done.
    pub facts_due_at: Option<StoredTimestamp>,
    pub processed_at: Option<StoredTimestamp>,
    pub error: Option<String>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id", on_delete = "Cascade")]
    pub repository: BelongsTo<super::repository::Entity>,
    #[sea_orm(belongs_to, from = "branch_id", to = "id", on_delete = "Cascade")]
    pub branch: BelongsTo<super::branch::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
