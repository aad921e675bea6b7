//! Triggers of the configuration, with their secrets sealed.

use std::collections::HashSet;

use actions::triggers::{open_secrets, put_secrets, secret_name};
use auth::seal::Keys;
use entity::view::Timestamp;
use store::db::ConnectionTrait;
use store::secrets::{find_secret, remove_secret};
use store::triggers::{NewTrigger, list_triggers, pin_triggers};
use triggers::TargetSecrets;
use uuid::Uuid;

use crate::config::{ConfiguredTrigger, Secret};

/// Brings them in; those of an earlier configuration are off, and their secrets are gone.
pub(super) async fn pin(
    w: &impl ConnectionTrait,
    configured: &[ConfiguredTrigger],
    keys: &Keys,
    now: Timestamp,
) -> anyhow::Result<()> {
    let known = list_triggers(w, now).await?;
    for other in known.iter().filter(|known| !known.is_configured) {
        if configured.iter().any(|configured| configured.name == other.name) {
            anyhow::bail!(
                "triggers: there is one named {:?} already, which somebody made on /triggers; give one of them another name",
                other.name
            );
        }
    }
    let wanted: Vec<NewTrigger> = configured.iter().map(new).collect();
    let ids = pin_triggers(w, &wanted, now).await?;
    for (id, trigger) in ids.iter().zip(configured) {
        keep(w, *id, &secrets(trigger), keys, now).await?;
    }
    let pinned: HashSet<Uuid> = ids.into_iter().collect();
    for left in known.iter().filter(|known| known.is_configured && !pinned.contains(&known.id)) {
        remove_secret(w, &secret_name(left.id)).await?;
    }
    Ok(())
}

fn new(trigger: &ConfiguredTrigger) -> NewTrigger {
    NewTrigger {
        name: trigger.name.clone(),
        is_enabled: trigger.is_enabled,
        condition: trigger.condition.clone(),
        target: trigger.target.clone(),
        pace: trigger.pace.clone(),
    }
}

fn secrets(trigger: &ConfiguredTrigger) -> TargetSecrets {
    let exposed = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
    TargetSecrets { current: exposed(&trigger.secret), previous: exposed(&trigger.previous_secret) }
}

/// Seals them, unless they are kept already; where there are none, none stay.
async fn keep(
    w: &impl ConnectionTrait,
    trigger: Uuid,
    secrets: &TargetSecrets,
    keys: &Keys,
    now: Timestamp,
) -> anyhow::Result<()> {
    let name = secret_name(trigger);
    if secrets.current.is_none() && secrets.previous.is_none() {
        remove_secret(w, &name).await?;
        return Ok(());
    }
    let kept = find_secret(w, &name).await?.and_then(|sealed| open_secrets(keys, trigger, &sealed).ok());
    if kept.as_ref() != Some(secrets) {
        put_secrets(w, keys, trigger, secrets, now).await?;
    }
    Ok(())
}
