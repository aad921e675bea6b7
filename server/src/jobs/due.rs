//! When each repository is looked at next, and asking for the syncs whose time has come.

use std::time::Duration;

use chrono::TimeDelta;
use entity::kind::{JobRequest, Origin, Priority, RequestedBy};
use entity::view::Timestamp;
use store::db::{DataError, Db};
use store::queue::JobQueue;
use store::repositories::{self, SyncTarget};
use store::triggers::correct_ahead;
use store::watch;
use uuid::Uuid;

use crate::config::PollingConfig;

/// So much is asked for at once: after a long pause the queue fills step by step.
const BATCH: u64 = 200;

/// When a sync that failed is tried again soon, where the configuration says how often or when; nothing where it does not, or once
/// that was often enough.
pub(super) fn next_try(polling: &PollingConfig, failures: u32, now: Timestamp) -> Option<Timestamp> {
    const LONGEST: Duration = Duration::from_hours(1);
    const USUAL: Duration = Duration::from_mins(1);
    if polling.retry_attempts.is_none() && polling.retry_backoff.is_none() || failures > soon_again(polling) {
        return None;
    }
    let wait = polling.retry_backoff.unwrap_or(USUAL).saturating_mul(1 << failures.saturating_sub(1).min(16));
    now.checked_add_signed(TimeDelta::from_std(wait.min(LONGEST)).unwrap_or(TimeDelta::hours(1)))
}

/// Syncs of one repository that failed in a row and are still tried again soon; after that only its next time counts.
pub(super) fn soon_again(polling: &PollingConfig) -> u32 {
    const SOON_AGAIN: u32 = 4;
    polling.retry_attempts.unwrap_or(SOON_AGAIN)
}

/// When a repository is synced next: half the age of its last commit, within the configured bounds; later where syncs
/// fail, each time twice as late. An interval that is set wins over the age. Spread by a hash over a quarter of the
/// time, so that repositories that once were in step do not stay so. `None` for samples, which never change.
pub(super) fn next_sync(
    polling: &PollingConfig,
    target: &SyncTarget,
    head_committed_at: Option<Timestamp>,
    failures: u32,
    now: Timestamp,
) -> Option<Timestamp> {
    if target.origin == Origin::Sample && failures == 0 {
        return None;
    }
    let explicit = explicit(polling, target);
    let (least, most) = bounds(polling, explicit);
    let base = interval(polling, target, head_committed_at, now);
    let wait = match failures {
        0 => base,
        _ => base.max(least.saturating_mul(1 << (failures - 1).min(16))).min(most),
    };
    let spread = wait.mul_f64(0.25 * share(target.id, now));
    let wait = if explicit.is_some() || wait + spread > most { wait.saturating_sub(spread) } else { wait + spread };
    now.checked_add_signed(TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1)))
}

/// How far apart looks at a repository are while nothing fails: as is set, for itself before for all; else half the age of its
/// last commit, within the configured bounds.
pub(crate) fn interval(
    polling: &PollingConfig,
    target: &SyncTarget,
    head_committed_at: Option<Timestamp>,
    now: Timestamp,
) -> Duration {
    let by_age = || {
        let age = head_committed_at.and_then(|at| (now - at).to_std().ok()).unwrap_or_default();
        // Nothing is known of a repository without commits; an hour is no burden.
        if head_committed_at.is_some() { age / 2 } else { Duration::from_hours(1) }
    };
    let explicit = explicit(polling, target);
    let (least, most) = bounds(polling, explicit);
    explicit.unwrap_or_else(by_age).clamp(least, most)
}

/// The interval that is set, for itself or for all.
fn explicit(polling: &PollingConfig, target: &SyncTarget) -> Option<Duration> {
    let own = target.polling_interval_seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    own.or(polling.interval)
}

/// The shortest and the longest wait; an interval that is set is within them.
fn bounds(polling: &PollingConfig, explicit: Option<Duration>) -> (Duration, Duration) {
    match explicit {
        Some(interval) => (interval.min(polling.min_interval), interval.max(polling.max_interval)),
        None => (polling.min_interval, polling.max_interval),
    }
}

/// A number from 0 to 1 that differs by repository and by hour.
fn share(id: Uuid, now: Timestamp) -> f64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(id.as_bytes()).update(&(now.timestamp() / 3_600).to_le_bytes());
    let bytes = hasher.finalize();
    f64::from(u16::from_le_bytes([bytes.as_bytes()[0], bytes.as_bytes()[1]])) / f64::from(u16::MAX)
}

/// Queues syncs of repositories whose time has come; how many. So many at a time: after a long pause the queue fills step by step.
///
/// # Errors
/// If the database refuses.
pub async fn enqueue_due_syncs(
    db: &Db,
    queue: &JobQueue,
    polling: &PollingConfig,
    now: Timestamp,
) -> Result<usize, DataError> {
    // Until its sync says when to look again; a sync that is lost is so asked for once more.
    let again = now + TimeDelta::from_std(polling.min_interval).unwrap_or(TimeDelta::minutes(10));
    let due = repositories::take_due(db, now, again, polling.batch_size).await?;
    if !due.is_empty() {
        let requests: Vec<JobRequest> =
            due.iter().map(|id| JobRequest::SyncRepository { repository_id: *id }).collect();
        queue.enqueue_many(&requests, RequestedBy::Schedule, Priority::ROUTINE, now).await?;
    }
    Ok(due.len())
}

/// Queues the following of branches whose events wait for it, such as those whose commits could not be read before.
///
/// # Errors
/// If the database refuses.
pub async fn enqueue_due_events(db: &Db, queue: &JobQueue, now: Timestamp) -> Result<(), DataError> {
    let due = watch::repositories_to_follow(&db.read, now, BATCH).await?;
    if !due.is_empty() {
        let requests: Vec<JobRequest> =
            due.iter().map(|id| JobRequest::FollowBranches { repository_id: *id }).collect();
        queue.enqueue_many(&requests, RequestedBy::Schedule, Priority::FOLLOW_UP, now).await?;
    }
    Ok(())
}

/// Corrects times that no plan can have made: the clock stood ahead when they were stored.
///
/// # Errors
/// If the database refuses.
pub async fn correct(db: &Db, queue: &JobQueue, polling: &PollingConfig, now: Timestamp) -> Result<(), DataError> {
    let most = TimeDelta::from_std(polling.max_interval.max(polling.interval.unwrap_or_default()));
    repositories::correct_next_syncs(db, most.unwrap_or(TimeDelta::days(1)), now).await?;
    queue.correct_waiting(now).await?;
    if correct_ahead(db, now).await? > 0 {
        queue.bell().ring_for_deliveries();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use entity::kind::{Provider, SyncStatus};

    use super::*;

    fn target(id: u128) -> SyncTarget {
        SyncTarget {
            id: Uuid::from_u128(id),
            url: "https://h/a/b".into(),
            full_name: "a/b".into(),
            provider: Provider::Git,
            forge_host: None,
            origin: Origin::Config,
            enabled: true,
            branch: None,
            scanned_branch: None,
            branch_regex: None,
            polling_interval_seconds: None,
            head: None,
            head_committed_at: None,
            scan_format: 0,
            scanned: None,
            sync_status: SyncStatus::Success,
            approved: false,
            scan_status: SyncStatus::Success,
            last_sync_at: None,
            sync_failures: 0,
        }
    }

    fn polling(text: &str) -> PollingConfig {
        crate::config::parse(Path::new("test"), text, [].into()).unwrap().polling
    }

    /// Minutes until the next sync of many repositories: the least and the most.
    fn minutes(config: &str, target_of: impl Fn(u128) -> SyncTarget, age: TimeDelta, failures: u32) -> (i64, i64) {
        let now: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let polling = polling(config);
        let waits = (0..500).map(|id| {
            let next = next_sync(&polling, &target_of(id), Some(now - age), failures, now).unwrap();
            (next - now).num_minutes()
        });
        let waits: Vec<i64> = waits.collect();
        (*waits.iter().min().unwrap(), *waits.iter().max().unwrap())
    }

    #[test]
    fn half_the_age_of_the_last_commit_within_bounds_and_spread() {
        assert_eq!(minutes("", target, TimeDelta::seconds(5), 0), (10, 12));
        let (least, most) = minutes("", target, TimeDelta::hours(10), 0);
        assert!((300..310).contains(&least) && (365..=375).contains(&most), "{least} {most}");
        let (least, most) = minutes("", target, TimeDelta::days(900), 0);
        assert!((1_080..1_100).contains(&least) && (1_420..=1_440).contains(&most), "{least} {most}");
        // A commit from the future, as clocks of people have it.
        assert_eq!(minutes("", target, TimeDelta::days(-3), 0).0, 10);
    }

    #[test]
    fn a_failing_one_waits_twice_as_long_each_time() {
        let most = |failures| minutes("", target, TimeDelta::seconds(5), failures).1;
        assert_eq!((most(1), most(2), most(3)), (12, 24, 49));
        assert!(most(12) <= 1_440 && most(12) > 1_400);
        // One that rests is not looked at sooner because it fails.
        assert!(minutes("", target, TimeDelta::hours(10), 1).0 >= 300);
    }

    #[test]
    fn a_set_interval_wins() {
        let own = |id| SyncTarget { polling_interval_seconds: Some(300), ..target(id) };
        assert_eq!(minutes("", own, TimeDelta::days(90), 0), (3, 4));
        let (least, most) = minutes("polling: {interval: 2h}", target, TimeDelta::days(90), 0);
        assert!((90..=91).contains(&least) && (118..=120).contains(&most), "{least} {most}");
        assert_eq!(minutes("polling: {interval: 2h}", own, TimeDelta::days(90), 0), (3, 4));
    }

    #[test]
    fn what_is_told_as_the_interval_is_what_looks_keep_to() {
        let now: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let minutes = |text: &str, target: &SyncTarget, committed_at| {
            interval(&polling(text), target, committed_at, now).as_secs() / 60
        };
        let own = SyncTarget { polling_interval_seconds: Some(300), ..target(1) };
        let old = Some(now - TimeDelta::hours(10));
        assert_eq!(minutes("polling: {interval: 2h}", &own, old), 5);
        assert_eq!(minutes("polling: {interval: 2h}", &target(1), old), 120);
        assert_eq!(minutes("", &target(1), old), 300);
        assert_eq!(minutes("", &target(1), Some(now)), 10);
        assert_eq!(minutes("polling: {max_interval: 3h}", &target(1), old), 180);
        assert_eq!(minutes("", &target(1), None), 60);
    }

    #[test]
    fn failed_syncs_are_tried_again_as_the_configuration_says() {
        let now: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let waits = |text: &str| {
            let polling = polling(text);
            (1..).map_while(|failures| next_try(&polling, failures, now)).map(|at| (at - now).num_seconds()).collect()
        };
        let seconds: Vec<i64> = waits("polling: {retry_attempts: 3, retry_backoff: 1s}");
        assert_eq!(seconds, [1, 2, 4]);
        let seconds: Vec<i64> = waits("polling: {retry_attempts: 7}");
        assert_eq!(seconds, [60, 120, 240, 480, 960, 1_920, 3_600]);
        let seconds: Vec<i64> = waits("polling: {retry_attempts: 0}");
        assert_eq!(seconds, [0; 0]);
        // The queue has waits of its own.
        let seconds: Vec<i64> = waits("");
        assert_eq!(seconds, [0; 0]);
    }

    #[test]
    fn samples_are_synced_once() {
        let now: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let sample = SyncTarget { origin: Origin::Sample, ..target(1) };
        assert_eq!(next_sync(&polling(""), &sample, Some(now), 0, now), None);
        assert!(next_sync(&polling(""), &sample, Some(now), 1, now).is_some());
    }
}
