//! Secrets of targets: sealed, shown to nobody, replaced without a gap.

use auth::seal::Keys;
use entity::kind::{AuditAction, TargetKind};
use entity::view::{Timestamp, TriggerSecret};
use serde_json::json;
use store::db::{ConnectionTrait, DataError};
use store::secrets::of_trigger;
use triggers::TargetSecrets;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{changeable, object};
use crate::audit::Change;
use crate::secrets::purpose;
use crate::{Actions, Actor, Refusal, Result};

/// Whether such a target can be told nothing without a secret.
#[must_use]
pub fn wants_secret(kind: TargetKind) -> bool {
    triggers::secret_use(kind) == triggers::SecretUse::Required
}

/// Opens a trigger's secrets: for the one attempt that needs them.
///
/// # Errors
/// If they were sealed with another key, or are damaged.
pub fn open_secrets(keys: &Keys, trigger: Uuid, sealed: &[u8]) -> std::result::Result<TargetSecrets, String> {
    let plain = keys.open(&purpose(&of_trigger(trigger)), sealed).map_err(|error| error.to_string())?;
    serde_json::from_slice(&plain).map_err(|_| "a trigger's secret is damaged; enter it anew".to_owned())
}

/// Keeps a trigger's secrets in place of those before.
///
/// # Errors
/// The database's.
pub async fn put_secrets(
    w: &impl ConnectionTrait,
    keys: &Keys,
    trigger: Uuid,
    secrets: &TargetSecrets,
    now: Timestamp,
) -> store::db::Result<()> {
    let name = of_trigger(trigger);
    let damaged = |error: serde_json::Error| DataError::Damaged { what: "sealed_secret", reason: error.to_string() };
    let plain = Zeroizing::new(serde_json::to_vec(secrets).map_err(damaged)?);
    store::secrets::put_secret(w, &name, keys.seal(&purpose(&name), &plain), now).await
}

/// Forgets a trigger's secrets; whether there were any.
pub(super) async fn forget_secret(w: &impl ConnectionTrait, trigger: Uuid) -> Result<bool> {
    Ok(store::secrets::remove_secret(w, &of_trigger(trigger)).await?)
}

/// A secret for signing webhooks, written as the Standard Webhooks specification has it.
pub(super) fn make_webhook_secret() -> Result<Zeroizing<String>> {
    let made = triggers::new_webhook_secret();
    made.map(Zeroizing::new).map_err(|error| Refusal::Unusable(format!("the system gives no randomness: {error}")))
}

/// What is told of a trigger's secret.
///
/// # Errors
/// The refusal.
pub async fn find_secret_state(ctx: &Actions, actor: &Actor, trigger: Uuid) -> Result<TriggerSecret> {
    actor.need(entity::kind::Permission::Read)?;
    let kept = store::secrets::find_sealed(&ctx.db.read, &of_trigger(trigger)).await?;
    let Some(kept) = kept else { return Ok(TriggerSecret::default()) };
    let has_previous =
        open_secrets(&ctx.outside.keys, trigger, &kept.sealed).is_ok_and(|secrets| secrets.previous.is_some());
    Ok(TriggerSecret { changed_at: Some(kept.changed_at), has_previous })
}

/// A secret that was kept. It has no `Debug`, which logs are made of.
pub struct NewSecret {
    /// Where it was made here; shown once.
    pub made: Option<Zeroizing<String>>,
    pub state: TriggerSecret,
}

/// Keeps a secret for a trigger's target. For webhooks one is made where none is given, and the one before goes on being used
/// beside it until it is removed, so that the receiver can change over at any time.
///
/// # Errors
/// The refusal.
pub async fn set_secret(
    ctx: &Actions,
    actor: &Actor,
    id: Uuid,
    given: Option<&Zeroizing<String>>,
) -> Result<NewSecret> {
    actor.may_to_all(AuditAction::SetTriggerSecret)?;
    let trigger = changeable(ctx, id).await?;
    let kind = trigger.target.kind();
    let (current, made) = match given.map(|given| given.trim()).filter(|given| !given.is_empty()) {
        Some(given) => {
            triggers::check_secret(kind, given)
                .map_err(|error| Refusal::Unusable(format!("the secret {}", error.message)))?;
            (Zeroizing::new(given.to_owned()), None)
        }
        None if kind == TargetKind::Webhook => {
            let made = make_webhook_secret()?;
            (made.clone(), Some(made))
        }
        None => return Err(Refusal::Unusable("enter the secret; only for webhooks one can be made here".to_owned())),
    };
    let (now, keys) = (ctx.now(), &ctx.outside.keys);
    let txn = ctx.db.begin().await?;
    // It was entered for the target that it was checked against.
    if store::triggers::hold_target(&txn, id).await?.as_ref() != Some(&trigger.target) {
        let why = "the trigger's target was changed meanwhile; look at it, and set the secret again";
        return Err(Refusal::Unusable(why.to_owned()));
    }
    let before = match store::secrets::find_secret(&txn, &of_trigger(id)).await? {
        // What can't be opened is used by nobody.
        Some(sealed) => open_secrets(keys, id, &sealed).ok().and_then(|secrets| secrets.current),
        None => None,
    };
    let previous = before.filter(|before| kind == TargetKind::Webhook && *before != *current);
    let state = TriggerSecret { changed_at: Some(now), has_previous: previous.is_some() };
    put_secrets(&txn, keys, id, &TargetSecrets { current: Some(current.to_string()), previous }, now).await?;
    let change = Change::to(json!({ "is_made_here": made.is_some(), "has_previous": state.has_previous }));
    ctx.tell(&txn, actor, AuditAction::SetTriggerSecret, object(id, &trigger.name), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    super::change::tell_open_pages(ctx, id);
    Ok(NewSecret { made, state })
}

/// Which of a trigger's secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretPart {
    /// Both.
    #[default]
    All,
    /// The one that is being replaced.
    Previous,
}

/// Forgets a trigger's secret, or only the one before it.
///
/// # Errors
/// The refusal.
pub async fn remove_secret(ctx: &Actions, actor: &Actor, id: Uuid, part: SecretPart) -> Result<()> {
    actor.may_to_all(AuditAction::RemoveTriggerSecret)?;
    let trigger = changeable(ctx, id).await?;
    let keys = &ctx.outside.keys;
    let txn = ctx.db.begin().await?;
    let sealed = store::secrets::find_secret(&txn, &of_trigger(id)).await?.ok_or(Refusal::Missing("secret"))?;
    match part {
        SecretPart::All => {
            forget_secret(&txn, id).await?;
        }
        SecretPart::Previous => {
            let secrets = open_secrets(keys, id, &sealed).map_err(Refusal::Unusable)?;
            if secrets.previous.is_none() {
                return Err(Refusal::Missing("secret"));
            }
            put_secrets(&txn, keys, id, &TargetSecrets { previous: None, ..secrets }, ctx.now()).await?;
        }
    }
    let change = Change::to(json!({ "only_previous": part == SecretPart::Previous }));
    ctx.tell(&txn, actor, AuditAction::RemoveTriggerSecret, object(id, &trigger.name), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    super::change::tell_open_pages(ctx, id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_sealed_for_their_trigger_alone() {
        let keys = Keys::new([7; 32], None);
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let plain = serde_json::to_vec(&TargetSecrets { current: Some("a".into()), previous: Some("b".into()) });
        let sealed = keys.seal(&purpose(&of_trigger(own)), &plain.unwrap());
        let opened = open_secrets(&keys, own, &sealed).unwrap();
        assert_eq!((opened.current.as_deref(), opened.previous.as_deref()), (Some("a"), Some("b")));
        assert!(open_secrets(&keys, other, &sealed).is_err());
        assert!(open_secrets(&Keys::new([8; 32], None), own, &sealed).is_err());
    }

    #[test]
    fn secrets_that_are_made_can_be_used() {
        let made = make_webhook_secret().unwrap();
        assert!(made.starts_with("whsec_") && *made != *make_webhook_secret().unwrap());
        assert_eq!(triggers::check_secret(TargetKind::Webhook, &made), Ok(()));
    }
}
