//! Triggers of the configuration, with their secrets sealed.

use std::collections::HashSet;

use actions::secrets::purpose;
use auth::seal::Keys;
use entity::view::Timestamp;
use store::db::{ConnectionTrait, Transaction};
use store::secrets::{find_secret, put_secret, remove_secret};
use store::triggers::{NewTrigger, list_triggers, pin_triggers};
use triggers::TargetSecrets;
use uuid::Uuid;

use crate::config::{ConfiguredTrigger, Secret};

/// Brings them in; those of an earlier configuration are off, and their secrets are gone.
pub(super) async fn pin(
    txn: &Transaction,
    configured: &[ConfiguredTrigger],
    keys: &Keys,
    now: Timestamp,
) -> anyhow::Result<()> {
    let known = list_triggers(txn, now).await?;
    let wanted: Vec<NewTrigger> = configured.iter().map(new).collect();
    let mut pinned = HashSet::new();
    for (end, trigger) in pin_triggers(txn, &wanted, now).await?.into_iter().zip(configured) {
        let Some(id) = end.id() else {
            anyhow::bail!(
                "triggers: there is one named {:?} already, which somebody made on /triggers; give one of them another name",
                trigger.name
            );
        };
        keep(txn, id, &secrets(trigger), keys, now).await?;
        pinned.insert(id);
    }
    for left in known.iter().filter(|known| known.is_configured && !pinned.contains(&known.id)) {
        remove_secret(txn, &secret_name(left.id)).await?;
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

/// Under which name the secrets of a trigger are kept.
fn secret_name(trigger: Uuid) -> String {
    format!("trigger:{trigger}")
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
    let (purpose, plain) = (purpose(&name), zeroize::Zeroizing::new(serde_json::to_vec(secrets)?));
    let kept = find_secret(w, &name).await?.and_then(|sealed| keys.open(&purpose, &sealed).ok());
    if kept.is_none_or(|kept| *kept != *plain) {
        put_secret(w, &name, keys.seal(&purpose, &plain), now).await?;
    }
    Ok(())
}
