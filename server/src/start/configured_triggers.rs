//! Triggers of the configuration, with their secrets sealed.

use std::collections::HashSet;

use actions::triggers::{open_secrets, put_secrets};
use auth::seal::Keys;
use entity::view::Timestamp;
use store::db::Transaction;
use store::secrets::{find_secret, of_trigger, remove_secret};
use store::triggers::{NewTrigger, list_triggers, pin_triggers};
use tracing::error;
use triggers::TargetSecrets;
use uuid::Uuid;

use super::repositories::Occasion;
use crate::config::{ConfiguredTrigger, Secret};

/// Brings them in; those of an earlier configuration are off, and their secrets are gone. A name that somebody took on the pages
/// refuses a reload; a start goes on without that trigger, and says so.
pub(super) async fn pin(
    txn: &Transaction,
    configured: &[ConfiguredTrigger],
    keys: &Keys,
    occasion: Occasion,
    now: Timestamp,
) -> anyhow::Result<()> {
    let known = list_triggers(txn, now).await?;
    let wanted: Vec<NewTrigger> = configured.iter().map(new).collect();
    let mut kept = HashSet::new();
    for (pinned, trigger) in pin_triggers(txn, &wanted, now).await?.into_iter().zip(configured) {
        let Some(id) = pinned.id() else {
            let told = format!(
                "there is a trigger named {:?} already, which somebody made on /triggers; give one of them another name",
                trigger.name
            );
            anyhow::ensure!(occasion == Occasion::Start, "triggers: {told}");
            error!("a trigger of the configuration is left out: {told}");
            continue;
        };
        keep(txn, id, &secrets(trigger), keys, now).await?;
        kept.insert(id);
    }
    let known = known.iter().filter(|known| known.is_configured).map(|known| known.id);
    let left: Vec<Uuid> = known.filter(|id| !kept.contains(id)).collect();
    for id in left {
        remove_secret(txn, &of_trigger(id)).await?;
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
    txn: &Transaction,
    trigger: Uuid,
    secrets: &TargetSecrets,
    keys: &Keys,
    now: Timestamp,
) -> anyhow::Result<()> {
    let name = of_trigger(trigger);
    if secrets.current.is_none() && secrets.previous.is_none() {
        remove_secret(txn, &name).await?;
        return Ok(());
    }
    let kept = find_secret(txn, &name).await?.and_then(|sealed| open_secrets(keys, trigger, &sealed).ok());
    if kept.as_ref() != Some(secrets) {
        put_secrets(txn, keys, trigger, secrets, now).await?;
    }
    Ok(())
}
