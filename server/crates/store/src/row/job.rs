use sea_orm::FromQueryResult;
use uuid::Uuid;

use entity::kind::{JobKind, JobState, RequestedBy};
use entity::view::{Job, Timestamp};

/// A job with its repository's name.
#[derive(Debug, FromQueryResult)]
pub(crate) struct JobRow {
    id: Uuid,
    kind: JobKind,
    state: JobState,
    repository_id: Option<Uuid>,
    repository_full_name: Option<String>,
    requested_by: RequestedBy,
    attempts: i32,
    progress_text: Option<String>,
    progress_done: Option<i64>,
    progress_total: Option<i64>,
    result: Option<String>,
    error: Option<String>,
    created_at: Timestamp,
    run_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    worker: Option<String>,
}

impl JobRow {
    /// Columns and tables of this row; `j` is the job.
    pub(crate) const SELECT: &'static str = "SELECT j.id, j.kind, j.state, j.repository_id, \
        r.full_name AS repository_full_name, j.requested_by, j.attempts, j.progress_text, j.progress_done, \
        j.progress_total, j.result, j.error, j.created_at, j.run_at, j.started_at, j.finished_at, j.worker \
        FROM job j LEFT JOIN repository r ON r.id = j.repository_id";

    pub(crate) fn into_view(self) -> Job {
        Job {
            id: self.id,
            kind: self.kind,
            state: self.state,
            repository_id: self.repository_id,
            repository_full_name: self.repository_full_name,
            requested_by: self.requested_by,
            attempts: self.attempts,
            progress_text: self.progress_text,
            progress_done: self.progress_done,
            progress_total: self.progress_total,
            result: self.result,
            error: self.error,
            created_at: self.created_at,
            run_at: self.run_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            worker: self.worker,
        }
    }
}
