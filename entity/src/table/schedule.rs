use sea_orm::entity::prelude::*;

use crate::kind::JobKind;
use crate::value::StoredTimestamp;

/// What asks for jobs at set times.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "schedule")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub kind: JobKind,
    pub cron: String,
    pub enabled: bool,
    pub last_run_at: Option<StoredTimestamp>,
    pub next_run_at: Option<StoredTimestamp>,
    /// The job may be deleted since.
    pub last_job_id: Option<Uuid>,
    pub total_runs: i64,
    #[sea_orm(belongs_to, from = "last_job_id", to = "id", skip_fk)]
    pub last_job: BelongsTo<Option<super::job::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
