//! The job queue: work is rows. A job is inserted and the bell rung in one call; a worker claims, renews, finishes.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::SqlErr;
use tokio::sync::{Notify, broadcast};
use uuid::Uuid;

use crate::db::sql::{Sql, stored_time};
use crate::db::{ConnectionTrait, DataError, Db, Engine, Result, new_id};
use crate::kind::{JobKind, JobRequest, Priority, RequestedBy};
use crate::query::jobs::find_job;
use crate::query::repositories::shorten;
use crate::view::{Live, Timestamp};

/// Wakes workers when there may be work. Losing a ring costs a poll interval, never work.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Tells a worker to look.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for a ring; one that came since the last wait counts.
    pub async fn heard(&self) {
        self.0.notified().await;
    }
}

/// What goes out to open pages. Lossy: a slow listener misses messages and is told how many.
#[derive(Clone, Debug)]
pub struct Bus(broadcast::Sender<Live>);

impl Default for Bus {
    fn default() -> Self {
        Self(broadcast::Sender::new(256))
    }
}

impl Bus {
    /// Sends to whoever listens; nobody need to.
    pub fn send(&self, live: Live) {
        // An error only says that nobody listens.
        let _ = self.0.send(live);
    }

    fn has_listeners(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Hears everything from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Live> {
        self.0.subscribe()
    }
}

/// A job that a worker holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedJob {
    pub id: Uuid,
    pub request: JobRequest,
    pub requested_by: RequestedBy,
    pub priority: Priority,
    /// 1 on the first try.
    pub attempts: i32,
}

/// How a job ended, as its handler says.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Done; what came of it in words.
    Succeeded(String),
    /// Failed, may work later: tried again after 60·2ⁿ seconds, three times, then it has failed for good.
    Retry(String),
    /// Cannot run now (a rate limit, for one): queued for that time, without counting as a try.
    Later(String, Timestamp),
    /// Failed for good.
    GiveUp(String),
    /// Stopped by a person or by the end of the program.
    Cancelled,
}

/// The queue with its bell and its bus.
#[derive(Clone, Debug)]
pub struct JobQueue {
    db: Db,
    bell: Bell,
    bus: Bus,
}

impl JobQueue {
    /// A queue over this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, bell: Bell::default(), bus: Bus::default() }
    }

    /// What wakes workers.
    #[must_use]
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// What open pages listen to.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Queues a job and rings the bell. Where one with the same key is queued already, gives back its id.
    pub async fn enqueue(
        &self,
        request: &JobRequest,
        requested_by: RequestedBy,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Uuid> {
        let txn = self.db.begin().await?;
        let id = self.enqueue_in(&txn, request, requested_by, priority, now).await?;
        txn.commit().await?;
        self.ring();
        self.tell(id).await?;
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
        let id = new_id(now);
        let key = request.key();
        let payload = serde_json::to_string(request)
            .map_err(|error| DataError::Damaged { what: "job.payload", reason: error.to_string() })?;
        // A click on what already waits makes it more urgent, not double.
        let mut sql = Sql::new(
            "INSERT INTO job (id, kind, payload, key, priority, state, attempts, requested_by, repository_id, \
             created_at, run_at) VALUES (",
        );
        sql.bind(id).push(", ").bind(request.kind().as_str()).push(", ").bind(payload).push(", ");
        sql.bind(key).push(", ").bind(priority.0).push(", 'queued', 0, ").bind(requested_by.as_str()).push(", ");
        sql.bind(request.repository_id()).push(", ").bind(stored_time(now)).push(", ").bind(stored_time(now));
        sql.push(
            ") ON CONFLICT (key) WHERE state = 'queued' DO UPDATE SET \
             priority = CASE WHEN excluded.priority > job.priority THEN excluded.priority ELSE job.priority END, \
             run_at = CASE WHEN excluded.priority > job.priority AND excluded.run_at < job.run_at \
             THEN excluded.run_at ELSE job.run_at END RETURNING id",
        );
        let row = sql.row(txn).await?.ok_or(DataError::NotFound { what: "job", id })?;
        Ok(row.try_get_by_index(0)?)
    }

    /// Wakes a worker.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// Takes the next job that may run, or nothing. Never one whose key a running job has.
    pub async fn claim(
        &self,
        worker: &str,
        kinds: &[JobKind],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<ClaimedJob>> {
        let txn = self.db.begin().await?;
        let now = stored_time(now);
        let mut sql = Sql::new("SELECT q.id FROM job q WHERE q.state = 'queued' AND q.run_at <= ");
        sql.bind(now).push(" AND q.kind IN ").bind_list(kinds.iter().map(|kind| kind.as_str()));
        sql.push(" AND NOT EXISTS (SELECT 1 FROM job a WHERE a.key = q.key AND a.state = 'running')");
        sql.push(" ORDER BY q.priority DESC, q.run_at, q.id LIMIT 1");
        if self.db.engine == Engine::Postgres {
            sql.push(" FOR UPDATE SKIP LOCKED");
        }
        let Some(row) = sql.row(&txn).await? else { return Ok(None) };
        let id: Uuid = row.try_get_by_index(0)?;
        let mut sql = Sql::new("UPDATE job SET state = 'running', attempts = attempts + 1, worker = ");
        sql.bind(worker).push(", started_at = ").bind(now).push(", lease_until = ").bind(lease_end(now, lease));
        sql.push(
            ", progress_text = NULL, progress_done = NULL, progress_total = NULL WHERE state = 'queued' AND id = ",
        );
        sql.bind(id).push(" RETURNING payload, requested_by, priority, attempts");
        let row = match sql.row(&txn).await {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(None),
            // Another machine began a job of the same key at this very moment.
            Err(DataError::Database(error))
                if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let payload: String = row.try_get_by_index(0)?;
        let requested_by: RequestedBy = row.try_get_by_index(1)?;
        let (priority, attempts) = (Priority(row.try_get_by_index(2)?), row.try_get_by_index(3)?);
        let Ok(request) = serde_json::from_str(&payload) else {
            // Queued by another version of the program: nobody here can run it, and it must not block the queue.
            let mut sql = Sql::new("UPDATE job SET state = 'failed', worker = NULL, lease_until = NULL, ");
            sql.push("error = 'this version of the program does not know such a job', finished_at = ").bind(now);
            sql.push(" WHERE id = ").bind(id);
            sql.run(&txn).await?;
            txn.commit().await?;
            self.tell(id).await?;
            return Ok(None);
        };
        txn.commit().await?;
        self.tell(id).await?;
        Ok(Some(ClaimedJob { id, request, requested_by, priority, attempts }))
    }

    /// Holds a job for another lease; [`DataError::LostLease`] where it is another's by now or was cancelled.
    pub async fn renew(&self, job: Uuid, worker: &str, now: Timestamp, lease: Duration) -> Result<()> {
        let mut sql = Sql::new("UPDATE job SET lease_until = ");
        sql.bind(lease_end(stored_time(now), lease)).push(HELD).bind(worker).push(" AND id = ").bind(job);
        self.held(sql, job, worker).await
    }

    /// Says how far a job is; open pages hear it.
    pub async fn progress(&self, job: Uuid, text: &str, done: Option<i64>, total: Option<i64>) -> Result<()> {
        let mut sql = Sql::new("UPDATE job SET progress_text = ");
        sql.bind(shorten(text)).push(", progress_done = ").bind(done).push(", progress_total = ").bind(total);
        sql.push(" WHERE state = 'running' AND id = ").bind(job);
        sql.run(&self.db.write).await?;
        self.tell(job).await
    }

    /// Ends a run of a job as its handler says.
    pub async fn finish(&self, job: Uuid, worker: &str, outcome: Outcome, now: Timestamp) -> Result<()> {
        let now = stored_time(now);
        let txn = self.db.begin().await?;
        let mut sql = Sql::new("SELECT attempts, key FROM job WHERE state = 'running' AND worker = ");
        sql.bind(worker).push(" AND id = ").bind(job);
        let lost = || DataError::LostLease { job, worker: worker.to_owned() };
        let row = sql.row(&txn).await?.ok_or_else(lost)?;
        let (attempts, key): (i32, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let again = match &outcome {
            Outcome::Retry(error) if attempts <= MAX_RETRIES => {
                let exponent = u32::try_from(attempts.max(1) - 1).unwrap_or(0);
                let seconds = 60 * 2i64.pow(exponent.min(16));
                Some((now + TimeDelta::seconds(seconds), error.as_str(), attempts))
            }
            Outcome::Later(reason, at) => Some((stored_time(*at), reason.as_str(), attempts - 1)),
            _ => None,
        };
        // What is queued already does the same work, and its time has come.
        let mut sql = Sql::new("SELECT 1 FROM job WHERE state = 'queued' AND key = ");
        sql.bind(key);
        let other_waits = again.is_some() && sql.row(&txn).await?.is_some();
        let mut sql = Sql::new("UPDATE job SET lease_until = NULL, ");
        match (again, &outcome) {
            (Some((at, reason, attempts)), _) if !other_waits => {
                sql.push("state = 'queued', worker = NULL, run_at = ").bind(at);
                sql.push(", attempts = ").bind(attempts).push(", error = ").bind(shorten(reason));
            }
            (_, Outcome::Succeeded(result)) => {
                sql.push("state = 'succeeded', error = NULL, result = ").bind(shorten(result));
                sql.push(", finished_at = ").bind(now);
            }
            (_, Outcome::Retry(error) | Outcome::GiveUp(error) | Outcome::Later(error, _)) => {
                sql.push("state = 'failed', error = ").bind(shorten(error)).push(", finished_at = ").bind(now);
            }
            (_, Outcome::Cancelled) => {
                sql.push("state = 'cancelled', finished_at = ").bind(now);
            }
        }
        sql.push(" WHERE id = ").bind(job);
        sql.run(&txn).await?;
        txn.commit().await?;
        // A job of the same key may wait for this one's end.
        self.ring();
        self.tell(job).await
    }

    /// Cancels a job that is queued or running; whether there was one. A running handler notices when it renews.
    pub async fn cancel(&self, job: Uuid, now: Timestamp) -> Result<bool> {
        let mut sql = Sql::new("UPDATE job SET state = 'cancelled', lease_until = NULL, finished_at = ");
        sql.bind(stored_time(now)).push(" WHERE state IN ('queued', 'running') AND id = ").bind(job);
        let found = sql.run(&self.db.write).await?.rows_affected() > 0;
        self.tell(job).await?;
        Ok(found)
    }

    /// Puts back jobs whose lease ran out; how many.
    pub async fn take_over_expired(&self, now: Timestamp) -> Result<u64> {
        let mut sql = Sql::new("SELECT id FROM job WHERE state = 'running' AND lease_until < ");
        sql.bind(stored_time(now));
        self.put_back(sql, now).await
    }

    /// Puts back jobs that this worker held before it was restarted; how many.
    pub async fn recover_own(&self, worker: &str, now: Timestamp) -> Result<u64> {
        let mut sql = Sql::new("SELECT id FROM job WHERE state = 'running' AND worker = ");
        sql.bind(worker);
        self.put_back(sql, now).await
    }

    /// When the next queued job may run, for a worker that sleeps.
    pub async fn next_run_at(&self, kinds: &[JobKind]) -> Result<Option<Timestamp>> {
        let mut sql = Sql::new("SELECT MIN(run_at) FROM job WHERE state = 'queued' AND kind IN ");
        sql.bind_list(kinds.iter().map(|kind| kind.as_str()));
        match sql.row(&self.db.read).await? {
            Some(row) => Ok(row.try_get_by_index(0)?),
            None => Ok(None),
        }
    }

    /// Puts running jobs back into the queue; one whose key waits there already has failed.
    async fn put_back(&self, mut which: Sql, now: Timestamp) -> Result<u64> {
        let txn = self.db.begin().await?;
        if self.db.engine == Engine::Postgres {
            which.push(" FOR UPDATE SKIP LOCKED");
        }
        let mut jobs: Vec<Uuid> = Vec::new();
        for row in which.rows(&txn).await? {
            jobs.push(row.try_get_by_index(0)?);
        }
        for job in &jobs {
            let mut sql = Sql::new("UPDATE job SET state = 'queued', worker = NULL, lease_until = NULL, ");
            sql.push("error = 'interrupted', run_at = ").bind(stored_time(now)).push(" WHERE id = ").bind(*job);
            sql.push(" AND NOT EXISTS (SELECT 1 FROM job w WHERE w.key = job.key AND w.state = 'queued')");
            if sql.run(&txn).await?.rows_affected() == 0 {
                let mut sql = Sql::new("UPDATE job SET state = 'failed', lease_until = NULL, ");
                sql.push("error = 'interrupted; another of its kind waits', finished_at = ").bind(stored_time(now));
                sql.push(" WHERE id = ").bind(*job);
                sql.run(&txn).await?;
            }
        }
        txn.commit().await?;
        if !jobs.is_empty() {
            self.ring();
        }
        for job in &jobs {
            self.tell(*job).await?;
        }
        Ok(jobs.len() as u64)
    }

    /// Runs an update that only the holder of the job may make.
    async fn held(&self, sql: Sql, job: Uuid, worker: &str) -> Result<()> {
        match sql.run(&self.db.write).await?.rows_affected() {
            0 => Err(DataError::LostLease { job, worker: worker.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Sends a job as it is now to open pages; asks the database only if somebody listens.
    async fn tell(&self, job: Uuid) -> Result<()> {
        if self.bus.has_listeners()
            && let Some(job) = find_job(&self.db.read, job).await?
        {
            self.bus.send(Live::Job { job: Box::new(job) });
        }
        Ok(())
    }
}

/// Tries after the first before a job has failed for good.
pub const MAX_RETRIES: i32 = 3;

/// Condition of an update by the worker that holds the job.
const HELD: &str = " WHERE state = 'running' AND worker = ";

fn lease_end(now: Timestamp, lease: Duration) -> Timestamp {
    TimeDelta::from_std(lease).ok().and_then(|lease| now.checked_add_signed(lease)).unwrap_or(now)
}
