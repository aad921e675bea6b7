use sea_orm::entity::prelude::*;

use crate::kind::{AuditAction, Via};
use crate::value::{JsonText, StoredTimestamp};

/// What somebody did. Rows are added and never changed; accounts may go, what they did stays told.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: StoredTimestamp,
    pub action: AuditAction,
    pub account_id: Option<Uuid>,
    /// The account's e-mail address then, or what acted.
    pub who: String,
    pub via: Via,
    /// The session or token.
    pub via_id: Option<Uuid>,
    pub object_kind: String,
    pub object_id: Option<String>,
    pub object_name: String,
    pub before: Option<JsonText<serde_json::Value>>,
    pub after: Option<JsonText<serde_json::Value>>,
    pub address: Option<String>,
    pub request_id: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
