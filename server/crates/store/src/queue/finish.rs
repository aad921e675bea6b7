//! How far work is, how it ends, and how it is called off.

use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _, Set};
use uuid::Uuid;

use super::bell::Note;
use super::log::{LogLine, append_in};
use super::{JobQueue, held};
use crate::db::select::count;
use crate::db::{ConnectionTrait, DataError, Result, Transaction};
use crate::jobs::{is_in, is_unfinished};
use crate::repositories::shorten;
use entity::kind::{JobKind, JobState};
use entity::table::job;
use entity::value::StoredTimestamp;
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
        let progress = job::ActiveModel {
            progress_text: Set(Some(shorten(text))),
            progress_done: Set(done),
            progress_total: Set(total),
            ..Default::default()
        };
        update(&self.db.write, progress, is_in(JobState::Running).and(job::COLUMN.id.eq(job))).await?;
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
        let now = StoredTimestamp::from(now);
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
        let until = StoredTimestamp::from(until);
        let postponed = job::ActiveModel { run_at: Set(until), ..Default::default() };
        let limited = job::Entity::find_by_id(job).select_only().column(job::Column::Host);
        let same_host = job::Column::Host.into_expr().eq(limited.into_query());
        let others = is_in(JobState::Queued).and(job::COLUMN.run_at.lt(until)).and(same_host);
        let update = job::Entity::update_many().set(postponed).filter(others);
        Ok(update.exec(&self.db.write).await?.rows_affected)
    }

    /// Cancels a job that is queued or running; whether there was one. A running handler is told at once.
    pub async fn cancel(&self, job: Uuid, now: Timestamp) -> Result<bool> {
        let found = self.cancel_in(&self.db.write, job, now).await?;
        match found {
            true => self.announce_cancelled(job).await,
            false => self.tell(&[job]).await,
        }
        Ok(found)
    }

    /// The same in a transaction of the caller's, who announces it once that is committed.
    pub async fn cancel_in(&self, txn: &impl ConnectionTrait, job: Uuid, now: Timestamp) -> Result<bool> {
        let cancelled = job::ActiveModel { state: Set(JobState::Cancelled), ..ended_at(now.into()) };
        update(txn, cancelled, is_unfinished().and(job::COLUMN.id.eq(job))).await
    }

    /// Stops the handler of a job that was cancelled, wherever it runs, and tells open pages.
    pub async fn announce_cancelled(&self, job: Uuid) {
        self.running.stop(job);
        self.bell.outbox.put(Note::Cancel(job));
        self.tell(&[job]).await;
    }
}

/// Changes the job that the condition names; whether there was one.
pub(super) async fn update(w: &impl ConnectionTrait, to: job::ActiveModel, which: Expr) -> Result<bool> {
    Ok(job::Entity::update_many().set(to).filter(which).exec(w).await?.rows_affected > 0)
}

/// What every job that has ended has in common.
fn ended_at(now: StoredTimestamp) -> job::ActiveModel {
    job::ActiveModel { lease_until: Set(None), finished_at: Set(Some(now)), ..Default::default() }
}

/// A job that nothing more happens to, for a reason that is not its own.
pub(super) fn failed(error: &str, now: StoredTimestamp) -> job::ActiveModel {
    job::ActiveModel { state: Set(JobState::Failed), error: Set(Some(error.to_owned())), ..ended_at(now) }
}

async fn append_if_any(txn: &Transaction, run: &Ended) -> Result<()> {
    if run.log.is_empty() { Ok(()) } else { append_in(txn, run.job, &run.log).await }
}

/// A run after which nothing more happens; whether the job was the worker's.
async fn end_for_good(txn: &Transaction, worker: &str, run: &Ended, now: StoredTimestamp) -> Result<bool> {
    let mut ended = ended_at(now);
    let mut update = job::Entity::update_many();
    match &run.outcome {
        Outcome::Succeeded(result) => {
            ended.state = Set(JobState::Succeeded);
            ended.error = Set(None);
            ended.progress_text = Set(None);
            ended.result = Set(Some(shorten(result)));
            update = update.col_expr(job::Column::ProgressDone, job::Column::ProgressTotal.into_expr());
        }
        Outcome::Retry(error) | Outcome::GiveUp(error) | Outcome::Later(error, _) => {
            ended.state = Set(JobState::Failed);
            ended.error = Set(Some(shorten(error)));
        }
        Outcome::Cancelled => ended.state = Set(JobState::Cancelled),
    }
    let update = update.set(ended).filter(held(worker)).filter(job::COLUMN.id.eq(run.job));
    Ok(update.exec(txn).await?.rows_affected > 0)
}

/// A run that will be tried again, unless it was tried often enough or the same work waits already.
async fn end_for_now(txn: &Transaction, worker: &str, run: &Ended, now: StoredTimestamp) -> Result<bool> {
    use job::Column::{Attempts, Key, Kind};
    let job = job::Entity::find_by_id(run.job).filter(held(worker)).select_only().columns([Attempts, Key, Kind]);
    let job: Option<(i32, String, String)> = job.into_tuple().one(txn).await?;
    let Some((attempts, key, kind)) = job else { return Ok(false) };
    // A kind of another version is not tried again here.
    let retries = kind.parse().map_or(0, JobKind::max_retries);
    let (at, reason, attempts) = match &run.outcome {
        Outcome::Retry(error) if attempts <= retries => {
            let exponent = u32::try_from(std::cmp::max(attempts, 1) - 1).unwrap_or(0);
            let wait = TimeDelta::seconds(60 * 2i64.pow(std::cmp::min(exponent, 16)));
            (StoredTimestamp::from(Timestamp::from(now) + wait), error, attempts)
        }
        Outcome::Later(reason, at) => (StoredTimestamp::from(*at), reason, attempts - 1),
        _ => return end_for_good(txn, worker, run, now).await,
    };
    let waiting = job::Entity::find().filter(is_in(JobState::Queued)).filter(job::COLUMN.key.eq(key));
    if count(txn, waiting).await? > 0 {
        // The one that waits does the work. Giving way to it is a failure only where the try was one.
        let is_later = matches!(run.outcome, Outcome::Later(..));
        let ended = job::ActiveModel {
            state: Set(if is_later { JobState::Cancelled } else { JobState::Failed }),
            error: Set(Some(shorten(&format!("{reason}; another of its kind waits")))),
            ..ended_at(now)
        };
        return update(txn, ended, job::COLUMN.id.eq(run.job)).await;
    }
    let again = job::ActiveModel {
        lease_until: Set(None),
        state: Set(JobState::Queued),
        worker: Set(None),
        run_at: Set(at),
        attempts: Set(attempts),
        error: Set(Some(shorten(reason))),
        ..Default::default()
    };
    update(txn, again, job::COLUMN.id.eq(run.job)).await
}
