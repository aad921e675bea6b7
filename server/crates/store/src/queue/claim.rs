//! Taking work, holding it, and putting back what its holder lost.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use sea_orm::SqlErr;
use uuid::Uuid;

use super::{HELD, JobQueue, lease_end};
use crate::db::sql::{Sql, stored_time};
use crate::db::{DataError, Engine, Result, Transaction};
use entity::kind::{JobKind, JobRequest, Priority, RequestedBy};
use entity::view::Timestamp;

/// No lease is given for so long.
const FURTHEST_LEASE: TimeDelta = TimeDelta::minutes(10);
/// Limits of forges, which jobs wait longest for, are believed for a day.
const FURTHEST_WAIT: TimeDelta = TimeDelta::hours(25);
/// The clocks of machines that share a database may differ by so much.
pub const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// How often jobs that may not run are looked past.
const LOOK_PAST: Duration = Duration::from_secs(1);

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

/// What a worker has room for.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    /// Names the worker in the jobs it holds.
    pub worker: &'a str,
    pub kinds: &'a [JobKind],
    /// Jobs at most.
    pub jobs: usize,
    /// Jobs that ask one machine at the same time, over all workers; `None` where it does not matter.
    pub max_per_host: Option<usize>,
    /// How long a job is held without a renewal.
    pub lease: Duration,
}

/// A job that could be taken.
struct Candidate {
    id: Uuid,
    key: String,
    repository_id: Option<Uuid>,
    host: Option<String>,
}

impl JobQueue {
    /// Takes the next job that may run, or nothing.
    pub async fn claim(
        &self,
        worker: &str,
        kinds: &[JobKind],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<ClaimedJob>> {
        let room = Room { worker, kinds, jobs: 1, max_per_host: None, lease };
        Ok(self.claim_many(room, now).await?.pop())
    }

    /// Takes the next jobs that may run, the most urgent first. Never one whose key or repository a running job has.
    pub async fn claim_many(&self, room: Room<'_>, now: Timestamp) -> Result<Vec<ClaimedJob>> {
        if room.jobs == 0 || room.kinds.is_empty() {
            return Ok(Vec::new());
        }
        let now = stored_time(now);
        let txn = self.db.begin().await?;
        if self.db.engine == Engine::Postgres {
            // One process at a time looks, so that counts per machine hold and nobody picks what another just took.
            Sql::new("SELECT pg_advisory_xact_lock(5223, 1)").row(&txn).await?;
        }
        let picked = self.pick(&txn, room, now).await?;
        if picked.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new("UPDATE job SET state = 'running', attempts = attempts + 1, worker = ");
        sql.bind(room.worker).push(", started_at = ").bind(now).push(", lease_until = ");
        sql.bind(lease_end(now, room.lease));
        sql.push(
            ", progress_text = NULL, progress_done = NULL, progress_total = NULL WHERE state = 'queued' AND id IN ",
        );
        sql.bind_list(picked.iter().copied()).push(" RETURNING id, payload, requested_by, priority, attempts");
        let rows = match sql.rows(&txn).await {
            Ok(rows) => rows,
            // A program of another version began a job of the same key at this very moment.
            Err(DataError::Database(error))
                if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) =>
            {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let mut jobs = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, payload): (Uuid, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            match serde_json::from_str(&payload) {
                Ok(request) => jobs.push(ClaimedJob {
                    id,
                    request,
                    requested_by: row.try_get_by_index(2)?,
                    priority: Priority(row.try_get_by_index(3)?),
                    attempts: row.try_get_by_index(4)?,
                }),
                Err(_) => {
                    // Queued by another version of the program: nobody here can run it, and it must not block the queue.
                    let mut sql = Sql::new("UPDATE job SET state = 'failed', worker = NULL, lease_until = NULL, ");
                    sql.push("error = 'this version of the program does not know such a job', finished_at = ");
                    sql.bind(now).push(" WHERE id = ").bind(id);
                    sql.run(&txn).await?;
                }
            }
        }
        txn.commit().await?;
        jobs.sort_by_key(|job| picked.iter().position(|id| *id == job.id));
        self.tell(&picked).await;
        Ok(jobs)
    }

    /// Holds a job for another lease; [`DataError::LostLease`] where it is another's by now or was cancelled.
    pub async fn renew(&self, job: Uuid, worker: &str, now: Timestamp, lease: Duration) -> Result<()> {
        let mut sql = Sql::new("UPDATE job SET lease_until = ");
        sql.bind(lease_end(stored_time(now), lease)).push(HELD).bind(worker).push(" AND id = ").bind(job);
        match sql.run(&self.db.write).await?.rows_affected() {
            0 => Err(DataError::LostLease { job, worker: worker.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Holds all of a worker's jobs for another lease, those that this process runs; after a time in which the database
    /// was away, so that it does not take them from itself.
    pub async fn renew_running(&self, worker: &str, now: Timestamp, lease: Duration) -> Result<()> {
        let jobs = self.running.jobs();
        if jobs.is_empty() {
            return Ok(());
        }
        let mut sql = Sql::new("UPDATE job SET lease_until = ");
        sql.bind(lease_end(stored_time(now), lease)).push(HELD).bind(worker).push(" AND id IN ").bind_list(jobs);
        sql.run(&self.db.write).await?;
        Ok(())
    }

    /// Puts back jobs whose lease ran out; how many. A lease that ends further ahead than any is given was made while a
    /// clock stood wrong, and its holder, if it lived, would have renewed it since.
    pub async fn take_over_expired(&self, now: Timestamp) -> Result<u64> {
        let mut sql = Sql::new("SELECT id FROM job WHERE state = 'running' AND (lease_until < ");
        sql.bind(stored_time(now)).push(" OR lease_until > ").bind(stored_time(now + FURTHEST_LEASE)).push(")");
        self.put_back(sql, now).await
    }

    /// Lets jobs run that wait for a time which no clock that is right can have set: those that were asked for later
    /// than now, and those that wait for longer than anything makes them wait. How many.
    pub async fn correct_waiting(&self, now: Timestamp) -> Result<u64> {
        let wrong = |sql: &mut Sql| {
            sql.push(" WHERE state = 'queued' AND (created_at > ").bind(stored_time(now + CLOCKS_DIFFER));
            sql.push(" OR run_at > ").bind(stored_time(now + FURTHEST_WAIT)).push(")");
        };
        // Nearly always there is none, which a reader can tell.
        let mut look = Sql::new("SELECT 1 FROM job");
        wrong(&mut look);
        look.push(" LIMIT 1");
        if look.row(&self.db.read).await?.is_none() {
            return Ok(0);
        }
        let mut sql = Sql::new("UPDATE job SET run_at = ");
        sql.bind(stored_time(now)).push(", created_at = CASE WHEN created_at > ").bind(stored_time(now));
        sql.push(" THEN ").bind(stored_time(now)).push(" ELSE created_at END");
        wrong(&mut sql);
        let corrected = sql.run(&self.db.write).await?.rows_affected();
        self.ring();
        Ok(corrected)
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
    async fn put_back(&self, which: Sql, now: Timestamp) -> Result<u64> {
        // Nearly always there is none, which a reader can tell.
        if which.clone().row(&self.db.read).await?.is_none() {
            return Ok(0);
        }
        let txn = self.db.begin().await?;
        let mut which = which;
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
        self.tell(&jobs).await;
        Ok(jobs.len() as u64)
    }
}

impl JobQueue {
    /// The jobs to take now. A machine that is asked as much as it may be holds up nobody but its own: those that may not
    /// run beside what is picked are looked past.
    async fn pick(&self, txn: &Transaction, room: Room<'_>, now: Timestamp) -> Result<Vec<Uuid>> {
        let mut asked = match room.max_per_host {
            Some(_) => running_by_host(txn).await?,
            None => HashMap::new(),
        };
        let most = room.max_per_host.unwrap_or(usize::MAX);
        let (mut picked, mut keys, mut repositories) = (Vec::new(), HashSet::new(), HashSet::new());
        let mut looks_past = None;
        loop {
            let beside = Beside { asked: &asked, most, keys: &keys, repositories: &repositories };
            let candidates = candidates(txn, room, beside, now).await?;
            let seen_all = candidates.len() < look_ahead(room);
            for Candidate { id, key, repository_id, host } in candidates {
                if picked.len() >= room.jobs {
                    break;
                }
                let asked = host.map(|host| asked.entry(host).or_default());
                let may = asked.as_ref().is_none_or(|count| **count < most);
                if !may || keys.contains(&key) || repository_id.is_some_and(|id| !repositories.insert(id)) {
                    continue;
                }
                keys.insert(key);
                if let Some(count) = asked {
                    *count += 1;
                }
                picked.push(id);
            }
            if seen_all || picked.len() >= room.jobs || !*looks_past.get_or_insert_with(|| self.may_look_past()) {
                return Ok(picked);
            }
        }
    }

    /// Looking past many jobs reads them all. Where one machine has the whole queue that is in vain each time, so it is not
    /// done with every claim.
    fn may_look_past(&self) -> bool {
        let mut last = self.looked_past.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| last.elapsed() >= LOOK_PAST);
        if may {
            *last = Some(Instant::now());
        }
        may
    }
}

/// How many jobs run on each machine.
async fn running_by_host(txn: &Transaction) -> Result<HashMap<String, usize>> {
    let sql = Sql::new("SELECT host, COUNT(*) FROM job WHERE state = 'running' AND host IS NOT NULL GROUP BY host");
    let mut running = HashMap::new();
    for row in sql.rows(txn).await? {
        let (host, count): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        running.insert(host, usize::try_from(count).unwrap_or(0));
    }
    Ok(running)
}

/// So many jobs are looked at for each that may be taken.
fn look_ahead(room: Room<'_>) -> usize {
    room.jobs.saturating_mul(4)
}

/// What runs or is picked already, and what may not run beside it.
#[derive(Clone, Copy)]
struct Beside<'a> {
    asked: &'a HashMap<String, usize>,
    most: usize,
    keys: &'a HashSet<String>,
    repositories: &'a HashSet<Uuid>,
}

/// The first jobs of the queue that may run beside the others.
async fn candidates(
    txn: &Transaction,
    room: Room<'_>,
    Beside { asked, most, keys, repositories }: Beside<'_>,
    now: Timestamp,
) -> Result<Vec<Candidate>> {
    let mut sql =
        Sql::new("SELECT q.id, q.key, q.repository_id, q.host FROM job q WHERE q.state = 'queued' AND q.run_at <= ");
    sql.bind(now);
    // Kinds of another version are left to it.
    sql.push(" AND q.kind IN ").bind_list(room.kinds.iter().map(|kind| kind.as_str()));
    sql.push(
        " AND NOT EXISTS (SELECT 1 FROM job a WHERE a.key = q.key AND a.state = 'running') \
         AND NOT EXISTS (SELECT 1 FROM job a WHERE a.repository_id = q.repository_id AND a.state = 'running')",
    );
    let full: Vec<&str> = asked.iter().filter(|(_, count)| **count >= most).map(|(host, _)| host.as_str()).collect();
    if !full.is_empty() {
        sql.push(" AND (q.host IS NULL OR q.host NOT IN ").bind_list(full.iter().copied()).push(")");
    }
    if !keys.is_empty() {
        sql.push(" AND q.key NOT IN ").bind_list(keys.iter().map(String::as_str));
    }
    if !repositories.is_empty() {
        sql.push(" AND (q.repository_id IS NULL OR q.repository_id NOT IN ").bind_list(repositories.iter().copied());
        sql.push(")");
    }
    sql.push(" ORDER BY q.priority DESC, q.run_at, q.id LIMIT ");
    sql.bind(i64::try_from(look_ahead(room)).unwrap_or(i64::MAX));
    let rows = sql.rows(txn).await?;
    let candidate = |row: &sea_orm::QueryResult| {
        Ok(Candidate {
            id: row.try_get_by_index(0)?,
            key: row.try_get_by_index(1)?,
            repository_id: row.try_get_by_index(2)?,
            host: row.try_get_by_index(3)?,
        })
    };
    rows.iter().map(candidate).collect()
}
