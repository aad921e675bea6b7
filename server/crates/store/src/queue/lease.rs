//! Holding work, and putting back what its holder lost or a wrong clock hid.

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait as _, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, SelectGetableTuple, Selector, Set,
};
use uuid::Uuid;

use super::claim::no_other;
use super::finish::{failed, update};
use super::{JobQueue, held, lease_end};
use crate::db::{DataError, Result};
use crate::jobs::is_in;
use entity::kind::JobState;
use entity::table::job;
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// No lease is given for so long.
const FURTHEST_LEASE: TimeDelta = TimeDelta::minutes(10);
/// Limits of forges, which jobs wait longest for, are believed for a day.
const FURTHEST_WAIT: TimeDelta = TimeDelta::hours(25);
/// The clocks of machines that share a database may differ by so much.
pub const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

impl JobQueue {
    /// Holds a job for another lease; [`DataError::LostLease`] where it is another's by now or was cancelled.
    pub async fn renew(&self, job: Uuid, worker: &str, now: Timestamp, lease: Duration) -> Result<()> {
        match self.hold(worker, &[job], now, lease).await? {
            0 => Err(DataError::LostLease { job, worker: worker.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Holds all of a worker's jobs for another lease, those that this process runs; after a time in which the database
    /// was away, so that it does not take them from itself.
    pub async fn renew_running(&self, worker: &str, now: Timestamp, lease: Duration) -> Result<()> {
        let jobs = self.running.jobs();
        if !jobs.is_empty() {
            self.hold(worker, &jobs, now, lease).await?;
        }
        Ok(())
    }

    /// Holds those of the jobs that are the worker's for another lease; how many.
    async fn hold(&self, worker: &str, jobs: &[Uuid], now: Timestamp, lease: Duration) -> Result<u64> {
        let until = StoredTimestamp::from(lease_end(now, lease));
        let longer = job::ActiveModel { lease_until: Set(Some(until)), ..Default::default() };
        let update = job::Entity::update_many().set(longer).filter(held(worker));
        let update = update.filter(job::COLUMN.id.is_in(jobs.iter().copied()));
        Ok(update.exec(&self.db.write).await?.rows_affected)
    }

    /// Puts back jobs whose lease ran out; how many. A lease that ends further ahead than any is given was made while a
    /// clock stood wrong, and its holder, if it lived, would have renewed it since.
    pub async fn take_over_expired(&self, now: Timestamp) -> Result<u64> {
        let has_run_out = job::COLUMN.lease_until.lt(StoredTimestamp::from(now));
        let is_wrong = job::COLUMN.lease_until.gt(StoredTimestamp::from(now + FURTHEST_LEASE));
        self.put_back(is_in(JobState::Running).and(has_run_out.or(is_wrong)), now).await
    }

    /// Lets jobs run that wait for a time which no clock that is right can have set: those that were asked for later
    /// than now, and those that wait for longer than anything makes them wait. How many.
    pub async fn correct_waiting(&self, now: Timestamp) -> Result<u64> {
        let is_later = job::COLUMN.created_at.gt(StoredTimestamp::from(now + CLOCKS_DIFFER));
        let waits_long = job::COLUMN.run_at.gt(StoredTimestamp::from(now + FURTHEST_WAIT));
        let wrong = is_in(JobState::Queued).and(is_later.or(waits_long));
        // Nearly always there is none, which a reader can tell.
        if ids(wrong.clone()).one(&self.db.read).await?.is_none() {
            return Ok(0);
        }
        let now = StoredTimestamp::from(now);
        let created_at = Expr::case(job::COLUMN.created_at.gt(now), now).finally(job::Column::CreatedAt.into_expr());
        let update = job::Entity::update_many().set(job::ActiveModel { run_at: Set(now), ..Default::default() });
        let update = update.col_expr(job::Column::CreatedAt, created_at.into()).filter(wrong);
        let corrected = update.exec(&self.db.write).await?.rows_affected;
        self.ring();
        Ok(corrected)
    }

    /// Puts back jobs that this worker held before it was restarted; how many.
    pub async fn recover_own(&self, worker: &str, now: Timestamp) -> Result<u64> {
        self.put_back(held(worker), now).await
    }

    /// Puts running jobs back into the queue; one whose key waits there already has failed.
    async fn put_back(&self, which: Expr, now: Timestamp) -> Result<u64> {
        // Nearly always there is none, which a reader can tell.
        if ids(which.clone()).one(&self.db.read).await?.is_none() {
            return Ok(0);
        }
        let now = StoredTimestamp::from(now);
        let txn = self.db.begin().await?;
        // SQLite, which has one writer, knows no locks of rows and is told of none.
        let jobs = job::Entity::find().filter(which).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        let jobs: Vec<Uuid> = jobs.select_only().column(job::Column::Id).into_tuple().all(&txn).await?;
        for job in &jobs {
            let queued = job::ActiveModel {
                state: Set(JobState::Queued),
                worker: Set(None),
                lease_until: Set(None),
                error: Set(Some("interrupted".to_owned())),
                run_at: Set(now),
                ..Default::default()
            };
            let alone = no_other(JobState::Queued, job::Column::Key);
            if !update(&txn, queued, job::COLUMN.id.eq(*job).and(alone)).await? {
                let failed = failed("interrupted; another of its kind waits", now);
                update(&txn, failed, job::COLUMN.id.eq(*job)).await?;
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

/// Ids of jobs.
fn ids(which: Expr) -> Selector<SelectGetableTuple<Uuid>> {
    job::Entity::find().filter(which).select_only().column(job::Column::Id).into_tuple()
}
