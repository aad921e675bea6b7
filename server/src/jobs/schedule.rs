//! Asks for the jobs whose time has come. A schedule only enqueues: once for each time, in one of the processes; what
//! was missed while nothing ran is caught up with once.

use chrono_tz::Tz;
use entity::kind::{JobRequest, Priority, RequestedBy};
use entity::view::Timestamp;
use store::db::{ConnectionTrait, DataError, Db};
use store::queue::JobQueue;
use store::schedules::{self, PlannedSchedule};
use tracing::info;

use crate::config::SchedulesConfig;

/// Brings the configured schedules into the database.
///
/// # Errors
/// If the database refuses.
pub async fn store(db: &Db, config: &SchedulesConfig, zone: Tz, now: Timestamp) -> Result<(), DataError> {
    let txn = db.begin().await?;
    store_in(&txn, config, zone, now).await?;
    txn.commit().await?;
    Ok(())
}

/// The same within a transaction.
///
/// # Errors
/// If the database refuses.
pub async fn store_in(
    w: &impl ConnectionTrait,
    config: &SchedulesConfig,
    zone: Tz,
    now: Timestamp,
) -> Result<(), DataError> {
    let planned: Vec<PlannedSchedule> = config
        .0
        .iter()
        .map(|schedule| PlannedSchedule {
            name: schedule.name,
            kind: schedule.kind,
            cron: schedule.text.clone(),
            enabled: schedule.is_on(),
            next_run_at: schedule.next_after(now, zone),
        })
        .collect();
    schedules::upsert_schedules(w, &planned).await
}

/// Enqueues what is due; how many jobs.
///
/// # Errors
/// If the database refuses.
pub async fn run_due(
    db: &Db,
    queue: &JobQueue,
    config: &SchedulesConfig,
    zone: Tz,
    now: Timestamp,
) -> Result<u64, DataError> {
    let mut asked = 0;
    for stored in schedules::list_schedule_times(&db.read).await? {
        let Some(schedule) = config.0.iter().find(|schedule| schedule.name == stored.name) else { continue };
        let next = schedule.next_after(now, zone);
        if stored.next_run_at.is_none_or(|at| at > now) {
            // Later than the next time by the clock is possible only if the clock was set back since.
            if next.is_some() && (stored.next_run_at.is_none() || stored.next_run_at > next) {
                schedules::move_schedule_on(&db.write, &stored, next, None).await?;
            }
            continue;
        }
        let Some(request) = JobRequest::plain(schedule.kind) else { continue };
        let txn = db.begin().await?;
        if schedules::move_schedule_on(&txn, &stored, next, Some(now)).await? {
            let job = queue.enqueue_in(&txn, &request, RequestedBy::Schedule, Priority::ROUTINE, now).await?;
            schedules::record_scheduled_job(&txn, schedule.name, job).await?;
            txn.commit().await?;
            queue.ring();
            asked += 1;
            info!(schedule = schedule.name, job.id = %job, "a schedule's time has come");
        }
    }
    Ok(asked)
}
