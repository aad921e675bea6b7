//! What the configuration names: repositories with their watches, triggers, schedules, and the samples.

use std::collections::HashMap;

use auth::seal::Keys;
use chrono::TimeDelta;
use entity::input::FoundRepository;
use entity::kind::{JobRequest, Origin, Priority, RequestedBy};
use entity::view::Timestamp;
use store::db::{ConnectionTrait, DataError, Db};
use store::queue::JobQueue;
use store::repositories::SyncTarget;
use store::{discovery, ecosystem, repositories, secrets};
use tracing::{info, warn};
use uuid::Uuid;

use super::{configured_triggers, watches};
use crate::config::{Config, PollingConfig, RepositoryConfig};
use crate::jobs::{needless_branch, schedule};
use crate::{clock, replay, samples};

/// Who asks for the syncs of what was brought in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// All are synced.
    Start,
    /// Those that were not here before, or about which something else is written, are synced.
    Reload,
}

/// Brings what the configuration names into the database, all of it or nothing, and asks for first syncs.
pub(super) async fn pin(
    config: &Config,
    db: &Db,
    queue: &JobQueue,
    keys: &Keys,
    occasion: Occasion,
) -> anyhow::Result<()> {
    let now = clock::now();
    let configured: Vec<FoundRepository> = config.repositories.iter().map(found).collect();
    let mut samples = match config.shows_samples() {
        true => samples::write_all(&config.app.data_dir)?,
        false => Vec::new(),
    };
    // Every machine has the samples in a place of its own; they are the same repositories wherever they lie.
    let known = repositories::list_sync_targets(&db.read).await?;
    let is_same = |id: Uuid, wanted: &FoundRepository| {
        known.iter().any(|known| {
            known.id == id
                && known.branch_regex == wanted.branch_regex
                && known.polling_interval_seconds == wanted.polling_interval_seconds
        })
    };
    for sample in &mut samples {
        let same = |known: &&SyncTarget| known.origin == Origin::Sample && known.full_name == sample.full_name;
        if let Some(known) = known.iter().find(same) {
            sample.url.clone_from(&known.url);
        }
    }
    if !samples.is_empty() && config.app.samples != "always" {
        // Who deleted a sample does not want it back with the next start, unless the configuration says so.
        let deleted = discovery::list_tombstones(&db.read).await?;
        let is_deleted = |name: &str| deleted.iter().any(|stone| stone.is_local() && stone.full_name == name);
        samples.retain(|sample| !is_deleted(&sample.full_name));
    }
    // What was taken from files by other rules may show what these mask.
    let format = replay::scan_format(&config.security.mask_rules(), &config.charts.known);
    let outdated = known.iter().filter(|known| known.enabled && known.scanned.is_some() && known.scan_format != format);
    let scans: Vec<JobRequest> = outdated.map(|known| JobRequest::ScanRepository { repository_id: known.id }).collect();
    let txn = db.begin().await?;
    for request in &scans {
        queue.enqueue_in(&txn, request, RequestedBy::Start, Priority::FOLLOW_UP, now).await?;
    }
    schedule::store_in(&txn, &config.schedules, config.app.time_zone, now).await?;
    for (origin, wanted) in [(Origin::Config, &configured), (Origin::Sample, &samples)] {
        let urls: Vec<String> = wanted.iter().map(|repository| repository.url.clone()).collect();
        match origin {
            Origin::Sample => {
                if !repositories::remove_missing(&txn, origin, &urls).await?.is_empty() {
                    ecosystem::ask_if_stale(queue, &txn, now).await?;
                }
            }
            _ => drop(repositories::disable_missing(&txn, origin, &urls).await?),
        }
        let stored = repositories::upsert_repositories(&txn, wanted, now).await?;
        if origin == Origin::Config {
            watches::pin(&txn, config, &known, &stored).await?;
            forget_entered(&txn, &stored).await?;
            for id in pin_branches(&txn, config, &known, &stored, occasion, now).await? {
                let request = JobRequest::SyncRepository { repository_id: id };
                queue.enqueue_in(&txn, &request, RequestedBy::Start, Priority::ROUTINE, now).await?;
            }
        }
        for ((id, _), wanted) in stored.into_iter().zip(wanted) {
            if occasion == Occasion::Start || wanted.enabled && !is_same(id, wanted) {
                let request = JobRequest::SyncRepository { repository_id: id };
                queue.enqueue_in(&txn, &request, RequestedBy::Start, Priority::ROUTINE, now).await?;
            }
        }
    }
    configured_triggers::pin(&txn, &config.triggers, keys, occasion, now).await?;
    if occasion == Occasion::Reload
        && let Some(wait) = longest_wait(&config.polling)
    {
        repositories::bring_syncs_forward(&txn, now + wait).await?;
    }
    txn.commit().await.map_err(DataError::from)?;
    queue.ring();
    info!(
        configured = configured.len(),
        samples = samples.len(),
        triggers = config.triggers.len(),
        "repositories and triggers pinned"
    );
    Ok(())
}

/// Brings in the branches that are scanned beside the main ones, and switches others off. Gives those to be synced, as it is with
/// repositories: all at a start, else those that are new, were off, or are looked at in another interval.
async fn pin_branches(
    w: &impl ConnectionTrait,
    config: &Config,
    known: &[SyncTarget],
    configured: &[(Uuid, bool)],
    occasion: Occasion,
    now: Timestamp,
) -> Result<Vec<Uuid>, DataError> {
    let (mut kept, mut to_sync) = (Vec::new(), Vec::new());
    let intervals: HashMap<Uuid, _> = known.iter().map(|known| (known.id, known.polling_interval_seconds)).collect();
    for (repository, (main, _)) in config.repositories.iter().zip(configured) {
        let pinned = repositories::pin_branches(w, *main, &repository.scan_branches, now).await?;
        if pinned.len() < repository.scan_branches.len()
            && let Some(branch) = repositories::sync_target(w, *main).await?.and_then(|main| main.branch)
        {
            warn!("{}", needless_branch(&repository.name, &branch));
        }
        for (id, _) in pinned {
            let is_same = intervals.get(&id) == Some(&repository.polling_seconds());
            if occasion == Occasion::Start || repository.enabled && !is_same {
                to_sync.push(id);
            }
            kept.push(id);
        }
    }
    repositories::disable_other_branches(w, &kept).await?;
    Ok(to_sync)
}

/// The configuration's own keys say how its repositories are asked: what somebody entered for one before is forgotten.
async fn forget_entered(w: &impl ConnectionTrait, configured: &[(Uuid, bool)]) -> Result<(), DataError> {
    let entered = secrets::list_with_access(w).await?;
    for (id, _) in configured.iter().filter(|(id, _)| entered.contains(id)) {
        secrets::remove_secret(w, &secrets::of_access(*id)).await?;
        info!(repository = %id, "the configuration names it now: the access that somebody entered for it is forgotten");
    }
    Ok(())
}

/// How long a repository without an interval of its own waits at most, now that another may be written.
fn longest_wait(polling: &PollingConfig) -> Option<TimeDelta> {
    TimeDelta::from_std(polling.interval.unwrap_or(polling.max_interval)).ok()
}

fn found(repository: &RepositoryConfig) -> FoundRepository {
    let (owner, name) = repository.name.rsplit_once('/').unwrap_or(("", &repository.name));
    let is_web = repository.url.starts_with("https://") || repository.url.starts_with("http://");
    FoundRepository {
        url: repository.url.clone(),
        owner: owner.to_owned(),
        name: name.to_owned(),
        full_name: repository.name.clone(),
        description: None,
        provider: repository.provider,
        origin: Origin::Config,
        web_url: is_web.then(|| repository.url.trim_end_matches('/').trim_end_matches(".git").to_owned()),
        enabled: repository.enabled,
        branch_regex: repository.branch_regex.clone(),
        polling_interval_seconds: repository.polling_seconds(),
        topics: Vec::new(),
    }
}
