//! Asking for work.

use uuid::Uuid;

use super::JobQueue;
use crate::db::sql::{Sql, stored_time};
use crate::db::{ConnectionTrait, DataError, Result, new_id};
use entity::kind::{JobRequest, Priority, RequestedBy};
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

    /// Queues a job that waits until `run_at`, so that what asks for it again and again is answered once.
    pub async fn enqueue_at(
        &self,
        request: &JobRequest,
        requested_by: RequestedBy,
        priority: Priority,
        now: Timestamp,
        run_at: Timestamp,
    ) -> Result<Uuid> {
        let txn = self.db.begin().await?;
        let id = Self::insert(&txn, request, requested_by, priority, now, run_at).await?;
        txn.commit().await?;
        self.ring();
        self.tell(&[id]).await;
        Ok(id)
    }

    /// Queues a job in the caller's transaction; call [`JobQueue::ring`] after the commit.
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
        let mut sql = Sql::new(
            "INSERT INTO job (id, kind, payload, key, priority, state, attempts, requested_by, repository_id, \
             created_at, run_at, host) VALUES (",
        );
        sql.bind(id).push(", ").bind(request.kind().as_str()).push(", ").bind(payload).push(", ");
        sql.bind(request.key()).push(", ").bind(priority.0).push(", 'queued', 0, ").bind(requested_by.as_str());
        sql.push(", ").bind(request.repository_id()).push(", ").bind(stored_time(now)).push(", ");
        sql.bind(stored_time(run_at)).push(", ");
        match request {
            // Syncs load the machine that they ask, so they are counted by it.
            JobRequest::SyncRepository { repository_id } => {
                sql.push("(SELECT NULLIF(r.host, '') FROM repository r WHERE r.id = ").bind(*repository_id).push(")");
            }
            _ => drop(sql.push("NULL")),
        }
        // A click on what already waits makes it more urgent, not double; and it does not wait for a retry's time.
        sql.push(
            ") ON CONFLICT (key) WHERE state = 'queued' DO UPDATE SET \
             priority = CASE WHEN excluded.priority > job.priority THEN excluded.priority ELSE job.priority END, \
             run_at = CASE WHEN excluded.run_at < job.run_at AND (excluded.priority > job.priority \
             OR excluded.priority >= ",
        );
        sql.bind(Priority::CLICK.0).push(") THEN excluded.run_at ELSE job.run_at END RETURNING id");
        let row = sql.row(txn).await?.ok_or(DataError::NotFound { what: "job", id })?;
        Ok(row.try_get_by_index(0)?)
    }
}
