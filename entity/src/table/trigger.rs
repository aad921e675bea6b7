use sea_orm::entity::prelude::*;

use crate::kind::TargetKind;
use crate::value::{JsonText, StoredTimestamp};
use crate::view::{Condition, Pace, Target};

/// Who is told of which events, and how. Its secrets are sealed elsewhere.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trigger")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub name: String,
    pub is_enabled: bool,
    /// Written in the configuration, which alone changes it.
    pub is_configured: bool,
    pub condition: JsonText<Condition>,
    /// The target's, for lists.
    pub target_kind: TargetKind,
    pub target: JsonText<Target>,
    pub pace: JsonText<Pace>,
    pub created_at: StoredTimestamp,
    pub changed_at: StoredTimestamp,
    /// Why it is off, where no person switched it off.
    pub disabled_reason: Option<String>,
    /// When it was no longer written in the configuration that it came from; it is off since.
    pub unconfigured_at: Option<StoredTimestamp>,
    /// Attempts that failed since the last one that did not.
    pub failures_in_row: i64,
    pub last_delivery_at: Option<StoredTimestamp>,
    pub last_error: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
