//! Watches of the repositories that the configuration names.

use entity::kind::Origin;
use store::db::{ConnectionTrait, DataError};
use store::repositories::SyncTarget;
use store::watch::{WatchSettings, find_watch, set_watch, unset_watch};
use uuid::Uuid;

use crate::config::Config;

/// Watches what is to be watched, and no longer what was by an earlier configuration alone. `known` is what was stored before,
/// `stored` the configured repositories in their order.
pub(super) async fn pin(
    w: &impl ConnectionTrait,
    config: &Config,
    known: &[SyncTarget],
    stored: &[(Uuid, bool)],
) -> Result<(), DataError> {
    let mut watched = Vec::new();
    for (repository, (id, _)) in config.repositories.iter().zip(stored) {
        // Who names no branches may still have them watched by the pages; that is left alone.
        if repository.branch_regex.is_none() {
            continue;
        }
        watched.push(*id);
        let wanted = WatchSettings {
            is_enabled: repository.enabled,
            branch_regex: repository.branch_regex.clone(),
            tells_first_look: config.watching.first_look_events,
        };
        let is_same = find_watch(w, *id).await?.is_some_and(|watch| {
            watch.is_enabled == wanted.is_enabled
                && watch.branch_regex == wanted.branch_regex
                && watch.tells_first_look == wanted.tells_first_look
        });
        // Setting it makes the next look compare everything again.
        if !is_same {
            set_watch(w, *id, &wanted).await?;
        }
    }
    let by_configuration = known.iter().filter(|known| known.origin == Origin::Config && known.branch_regex.is_some());
    for left in by_configuration.filter(|known| !watched.contains(&known.id)) {
        unset_watch(w, left.id).await?;
    }
    Ok(())
}
