//! Asking for work.

use sea_orm::sea_query::{Expr, ExprTrait as _, Func, Keyword, OnConflict, Query};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IdenStatic as _, QueryFilter as _, QuerySelect as _, QueryTrait as _,
};
use uuid::Uuid;

use super::JobQueue;
use super::cause::cause;
use crate::db::select::constant;
use crate::db::upsert::excluded;
use crate::db::{ConnectionTrait, DataError, Result, new_id};
use entity::kind::{JobRequest, JobState, Priority, RequestedBy};
use entity::table::job::Column;
use entity::table::{job, repository};
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

impl JobQueue {
    /// Queues a job and rings the bell. Where one with the same key is queued already, gives back its id.
    pub async fn enqueue(
        &self,
        request: &JobRequest,
        requested_by: RequestedBy,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Uuid> {
        let ids = self.enqueue_many(std::slice::from_ref(request), requested_by, priority, now).await?;
        ids.first().copied().ok_or(DataError::NotFound { what: "job", id: Uuid::nil() })
    }

    /// Queues jobs in one transaction and rings the bell; their ids in the order given.
    pub async fn enqueue_many(
        &self,
        requests: &[JobRequest],
        requested_by: RequestedBy,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Vec<Uuid>> {
        let txn = self.db.begin().await?;
        let mut ids = Vec::with_capacity(requests.len());
        for request in requests {
            ids.push(self.enqueue_in(&txn, request, requested_by, priority, now).await?);
        }
        txn.commit().await?;
        self.ring();
        self.tell(&ids).await;
        Ok(ids)
    }

    /// Queues a job that waits until `run_at`, in the caller's transaction, so that what asks for it again and again is
    /// answered once; call [`JobQueue::announce`] or [`JobQueue::ring`] after the commit.
    pub async fn enqueue_at(
        &self,
        txn: &impl ConnectionTrait,
        request: &JobRequest,
        requested_by: RequestedBy,
        priority: Priority,
        now: Timestamp,
        run_at: Timestamp,
    ) -> Result<Uuid> {
        Self::insert(txn, request, requested_by, priority, now, run_at).await
    }

    /// Queues a job in the caller's transaction; call [`JobQueue::announce`] or [`JobQueue::ring`] after the commit.
    pub async fn enqueue_in(
        &self,
        txn: &impl ConnectionTrait,
        request: &JobRequest,
        requested_by: RequestedBy,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Uuid> {
        Self::insert(txn, request, requested_by, priority, now, now).await
    }

    /// Wakes a worker for jobs that were queued in a transaction of the caller's, and tells open pages of them.
    pub async fn announce(&self, ids: &[Uuid]) {
        self.ring();
        self.tell(ids).await;
    }

    async fn insert(
        txn: &impl ConnectionTrait,
        request: &JobRequest,
        requested_by: RequestedBy,
        priority: Priority,
        now: Timestamp,
        run_at: Timestamp,
    ) -> Result<Uuid> {
        let id = new_id(now);
        let payload = serde_json::to_string(request)
            .map_err(|error| DataError::Damaged { what: "job.payload", reason: error.to_string() })?;
        let queued = [
            (Column::Id, id.into()),
            (Column::Kind, request.kind().into()),
            (Column::Payload, payload.into()),
            (Column::Key, request.key().into()),
            (Column::Priority, priority.into()),
            (Column::State, JobState::Queued.into()),
            (Column::Attempts, 0.into()),
            (Column::RequestedBy, requested_by.into()),
            (Column::RepositoryId, request.repository_id().into()),
            (Column::CreatedAt, StoredTimestamp::from(now).into()),
            (Column::RunAt, StoredTimestamp::from(run_at).into()),
            (Column::Host, host(request)),
            (Column::Traceparent, cause().into()),
        ];
        // Written by hand, as the host is looked up within the statement, which an active model has no place for.
        let (columns, values): (Vec<Column>, Vec<Expr>) = queued.into_iter().unzip();
        let mut insert = Query::insert();
        insert.into_table(job::Entity).columns(columns).values_panic(values);
        insert.on_conflict(unless_queued()).returning_col(Column::Id);
        let row = txn.query_one(&insert).await?.ok_or(DataError::NotFound { what: "job", id })?;
        Ok(row.try_get("", Column::Id.as_str())?)
    }
}

/// The machine that a job loads. Syncs load the one that they ask, so they are counted by it.
fn host(request: &JobRequest) -> Expr {
    let JobRequest::SyncRepository { repository_id } = request else { return Keyword::Null.into() };
    let host = Func::cust("NULLIF").arg(repository::Column::Host.into_expr()).arg("");
    let host = repository::Entity::find().select_only().column_as(Expr::from(host), "host");
    host.filter(repository::COLUMN.id.eq(*repository_id)).into_query().into()
}

/// A click on what already waits makes it more urgent, not double; and it does not wait for a retry's time.
fn unless_queued() -> OnConflict {
    use Column::{Key, Priority as P, RunAt};
    let stored = |column: Column| Expr::col((job::Entity, column));
    let is_more_urgent = || excluded(P).gt(stored(P));
    let may_hurry = is_more_urgent().or(excluded(P).gte(Priority::CLICK));
    let is_sooner = excluded(RunAt).lt(stored(RunAt)).and(may_hurry);
    OnConflict::column(Key)
        .target_and_where(Expr::col(Column::State).eq(constant(JobState::Queued)))
        .value(P, Expr::case(is_more_urgent(), excluded(P)).finally(stored(P)))
        .value(RunAt, Expr::case(is_sooner, excluded(RunAt)).finally(stored(RunAt)))
        .to_owned()
}
