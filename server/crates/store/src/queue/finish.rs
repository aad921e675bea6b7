//! How far work is, how it ends, and how it is called off.

use chrono::TimeDelta;
use uuid::Uuid;

use super::bell::Note;
use super::log::{LogLine, append_in};
use super::{HELD, JobQueue};
use crate::db::sql::{Sql, stored_time};
use crate::db::{DataError, Result, Transaction};
use crate::repositories::shorten;
use entity::kind::JobKind;
use entity::view::Timestamp;

/// How a job ended, as its handler says.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Done; what came of it in words.
    Succeeded(String),
    /// Failed, may work later: tried again after 60·2ⁿ seconds, as often as its kind says ([`JobKind::max_retries`]),
    /// then it has failed for good.
    Retry(String),
    /// Cannot run now (a rate limit, for one): queued for that time, without counting as a try.
    Later(String, Timestamp),
    /// Failed for good.
    GiveUp(String),
    /// Stopped by a person or by the end of the program.
    Cancelled,
}

/// A run of a job that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    pub job: Uuid,
    pub outcome: Outcome,
    /// What it said and what is not kept yet.
    pub log: Vec<LogLine>,
}

impl JobQueue {
    /// Says how far a job is; open pages hear it.
    pub async fn progress(&self, job: Uuid, text: &str, done: Option<i64>, total: Option<i64>) -> Result<()> {
        let mut sql = Sql::new("UPDATE job SET progress_text = ");
        sql.bind(shorten(text)).push(", progress_done = ").bind(done).push(", progress_total = ").bind(total);
        sql.push(" WHERE state = 'running' AND id = ").bind(job);
        sql.run(&self.db.write).await?;
        self.tell(&[job]).await;
        Ok(())
    }

    /// Ends a run of a job as its handler says.
    pub async fn finish(&self, job: Uuid, worker: &str, outcome: Outcome, now: Timestamp) -> Result<()> {
        let lost = self.finish_many(worker, &[Ended { job, outcome, log: Vec::new() }], now).await?;
        if lost.is_empty() { Ok(()) } else { Err(DataError::LostLease { job, worker: worker.to_owned() }) }
    }

    /// Ends runs of jobs in one transaction; gives those that were no longer this worker's to end.
    pub async fn finish_many(&self, worker: &str, ended: &[Ended], now: Timestamp) -> Result<Vec<Uuid>> {
        let now = stored_time(now);
        let txn = self.db.begin().await?;
        let mut lost = Vec::new();
        for run in ended {
            append_if_any(&txn, run).await?;
            let held = match &run.outcome {
                Outcome::Retry(_) | Outcome::Later(..) => end_for_now(&txn, worker, run, now).await?,
                _ => end_for_good(&txn, worker, run, now).await?,
            };
            if !held {
                lost.push(run.job);
            }
        }
        txn.commit().await?;
        // A job of the same key may wait for this one's end.
        self.ring();
        let jobs: Vec<Uuid> = ended.iter().map(|run| run.job).collect();
        self.tell(&jobs).await;
        Ok(lost)
    }

    /// A machine wants to be left alone until then: what else waits for it waits as long, but for what people ask for later.
    /// How many jobs those are.
    pub async fn postpone_others(&self, job: Uuid, until: Timestamp) -> Result<u64> {
        let mut sql = Sql::new("UPDATE job SET run_at = ");
        sql.bind(stored_time(until)).push(" WHERE state = 'queued' AND run_at < ").bind(stored_time(until));
        sql.push(" AND host = (SELECT limited.host FROM job limited WHERE limited.id = ").bind(job).push(")");
        Ok(sql.run(&self.db.write).await?.rows_affected())
    }

    /// Cancels a job that is queued or running; whether there was one. A running handler is told at once.
    pub async fn cancel(&self, job: Uuid, now: Timestamp) -> Result<bool> {
        let mut sql = Sql::new("UPDATE job SET state = 'cancelled', lease_until = NULL, finished_at = ");
        sql.bind(stored_time(now)).push(" WHERE state IN ('queued', 'running') AND id = ").bind(job);
        let found = sql.run(&self.db.write).await?.rows_affected() > 0;
        if found {
            self.running.stop(job);
            self.bell.outbox.put(Note::Cancel(job));
        }
        self.tell(&[job]).await;
        Ok(found)
    }
}

async fn append_if_any(txn: &Transaction, run: &Ended) -> Result<()> {
    if run.log.is_empty() { Ok(()) } else { append_in(txn, run.job, &run.log).await }
}

/// A run after which nothing more happens; whether the job was the worker's.
async fn end_for_good(txn: &Transaction, worker: &str, run: &Ended, now: Timestamp) -> Result<bool> {
    let mut sql = Sql::new("UPDATE job SET lease_until = NULL, finished_at = ");
    sql.bind(now);
    match &run.outcome {
        Outcome::Succeeded(result) => {
            sql.push(
                ", state = 'succeeded', error = NULL, progress_text = NULL, progress_done = progress_total, result = ",
            );
            sql.bind(shorten(result));
        }
        Outcome::Retry(error) | Outcome::GiveUp(error) | Outcome::Later(error, _) => {
            sql.push(", state = 'failed', error = ").bind(shorten(error));
        }
        Outcome::Cancelled => drop(sql.push(", state = 'cancelled'")),
    }
    sql.push(HELD).bind(worker).push(" AND id = ").bind(run.job);
    Ok(sql.run(txn).await?.rows_affected() > 0)
}

/// A run that will be tried again, unless it was tried often enough or the same work waits already.
async fn end_for_now(txn: &Transaction, worker: &str, run: &Ended, now: Timestamp) -> Result<bool> {
    let mut sql = Sql::new("SELECT attempts, key, kind FROM job");
    sql.push(HELD).bind(worker).push(" AND id = ").bind(run.job);
    let Some(row) = sql.row(txn).await? else { return Ok(false) };
    let (attempts, key): (i32, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    let kind: String = row.try_get_by_index(2)?;
    // A kind of another version is not tried again here.
    let retries = kind.parse().map_or(0, JobKind::max_retries);
    let (at, reason, attempts) = match &run.outcome {
        Outcome::Retry(error) if attempts <= retries => {
            let exponent = u32::try_from(attempts.max(1) - 1).unwrap_or(0);
            (now + TimeDelta::seconds(60 * 2i64.pow(exponent.min(16))), error, attempts)
        }
        Outcome::Later(reason, at) => (stored_time(*at), reason, attempts - 1),
        _ => return end_for_good(txn, worker, run, now).await,
    };
    let mut sql = Sql::new("SELECT 1 FROM job WHERE state = 'queued' AND key = ");
    sql.bind(key);
    if sql.row(txn).await?.is_some() {
        // The one that waits does the work. Giving way to it is a failure only where the try was one.
        let state = if matches!(run.outcome, Outcome::Later(..)) { "cancelled" } else { "failed" };
        let mut sql = Sql::new("UPDATE job SET lease_until = NULL, finished_at = ");
        sql.bind(now).push(", state = ").bind(state).push(", error = ");
        sql.bind(shorten(&format!("{reason}; another of its kind waits"))).push(" WHERE id = ").bind(run.job);
        return Ok(sql.run(txn).await?.rows_affected() > 0);
    }
    let mut sql = Sql::new("UPDATE job SET lease_until = NULL, state = 'queued', worker = NULL, run_at = ");
    sql.bind(at).push(", attempts = ").bind(attempts).push(", error = ").bind(shorten(reason));
    sql.push(" WHERE id = ").bind(run.job);
    Ok(sql.run(txn).await?.rows_affected() > 0)
}
