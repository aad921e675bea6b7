use sea_orm::entity::prelude::*;

use crate::kind::{ReloadCause, ReloadOutcome};
use crate::value::{JsonText, StoredTimestamp};
use crate::view::ConfigProblem;

/// A time at which a process read its configuration again.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "config_reload")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The process, which may be gone.
    pub worker: String,
    /// The machine that it runs on.
    pub host: String,
    pub read_at: StoredTimestamp,
    pub cause: ReloadCause,
    pub outcome: ReloadOutcome,
    /// Who asked, where somebody did.
    pub asked_by: Option<String>,
    pub applied: JsonText<Vec<String>>,
    pub needs_restart: JsonText<Vec<String>>,
    pub error_count: i32,
    /// What is wrong, of very many things the first.
    pub errors: JsonText<Vec<ConfigProblem>>,
}

impl ActiveModelBehavior for ActiveModel {}
