//! Watches of the repositories that the configuration names.

use std::collections::HashSet;

use entity::kind::Origin;
use store::db::{ConnectionTrait, DataError};
use store::repositories::SyncTarget;
use store::watch::{WatchSettings, set_watch, unset_watches};
use uuid::Uuid;

use crate::config::Config;

/// Watches what is to be watched, and nothing else of what the configuration names, or named: it alone says how branches of its
/// repositories are watched. `known` is what was stored before, `stored` the configured repositories in their order.
pub(super) async fn pin(
    w: &impl ConnectionTrait,
    config: &Config,
    known: &[SyncTarget],
    stored: &[(Uuid, bool)],
) -> Result<(), DataError> {
    let configured: HashSet<Uuid> = stored.iter().map(|(id, _)| *id).collect();
    let known = known.iter().filter(|known| known.origin == Origin::Config).map(|known| known.id);
    let mut left: Vec<Uuid> = known.filter(|id| !configured.contains(id)).collect();
    for (repository, (id, _)) in config.repositories.iter().zip(stored) {
        if repository.branch_regex.is_none() {
            left.push(*id);
            continue;
        }
        let wanted = WatchSettings {
            is_enabled: repository.enabled,
            branch_regex: repository.branch_regex.clone(),
            tells_first_look: config.watching.first_look_events,
            polling_interval_seconds: repository.polling_seconds(),
        };
        set_watch(w, *id, &wanted).await?;
    }
    unset_watches(w, &left).await?;
    Ok(())
}
