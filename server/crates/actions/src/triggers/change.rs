//! Adding, changing, switching and removing triggers.

use entity::kind::{AuditAction, TargetKind};
use entity::view::{Condition, Live, Pace, Target, Trigger};
use serde_json::{Value, json};
use store::db::DataError;
use store::triggers::{self as stored, NewTrigger};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::check::usable;
use super::secret::{forget_secret, make_webhook_secret, put_secrets};
use super::sink::forget_sink;
use super::{changeable, find, object};
use crate::audit::Change;
use crate::{Actions, Actor, Refusal, Result};

/// A trigger as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerRequest {
    pub name: String,
    /// Nothing leaves it as it is; new ones are off then.
    pub is_enabled: Option<bool>,
    pub condition: Condition,
    pub target: Target,
    pub pace: Pace,
}

impl TriggerRequest {
    fn row(&self, is_enabled: bool) -> NewTrigger {
        NewTrigger {
            name: self.name.trim().to_owned(),
            is_enabled,
            condition: self.condition.clone(),
            target: self.target.clone(),
            pace: self.pace.clone(),
        }
    }
}

/// A trigger that was made. It may hold a secret, so it has no `Debug`, which logs are made of.
pub struct MadeTrigger {
    pub trigger: Trigger,
    /// What the target checks signatures with, where one was made with it; shown once.
    pub secret: Option<Zeroizing<String>>,
}

/// A trigger that was changed.
#[derive(Clone, Debug)]
pub struct ChangedTrigger {
    pub trigger: Trigger,
    /// Its secret was for another target, and is forgotten.
    pub forgot_secret: bool,
}

/// Adds a trigger. One that sends webhooks gets a secret at once, as nothing is sent unsigned.
///
/// # Errors
/// The refusal, with all that is wrong by its field.
pub async fn add(ctx: &Actions, actor: &Actor, wanted: &TriggerRequest) -> Result<MadeTrigger> {
    actor.may_to_all(AuditAction::AddTrigger)?;
    usable(wanted)?;
    let (now, new) = (ctx.now(), wanted.row(wanted.is_enabled.unwrap_or(false)));
    let secret = match new.target.kind() {
        TargetKind::Webhook => Some(make_webhook_secret()?),
        _ => None,
    };
    let txn = ctx.db.begin().await?;
    let id = stored::insert_trigger(&txn, &new, now).await.map_err(|error| taken(error, &new.name))?;
    if let Some(secret) = &secret {
        let secrets = triggers::TargetSecrets { current: Some(secret.to_string()), previous: None };
        put_secrets(&txn, &ctx.outside.keys, id, &secrets, now).await?;
    }
    ctx.tell(&txn, actor, AuditAction::AddTrigger, object(id, &new.name), Change::to(told(&new))).await?;
    txn.commit().await.map_err(DataError::from)?;
    tell_open_pages(ctx, id);
    Ok(MadeTrigger { trigger: written(ctx, id).await?, secret })
}

/// Changes a trigger. A secret goes only to the target that it was entered for: with another kind of target or another machine
/// it is forgotten.
///
/// # Errors
/// The refusal, with all that is wrong by its field.
pub async fn change(ctx: &Actions, actor: &Actor, id: Uuid, wanted: &TriggerRequest) -> Result<ChangedTrigger> {
    actor.may_to_all(AuditAction::ChangeTrigger)?;
    let before = changeable(ctx, id).await?;
    usable(wanted)?;
    let new = wanted.row(wanted.is_enabled.unwrap_or(before.is_enabled));
    let txn = ctx.db.begin().await?;
    let is_there = stored::update_trigger(&txn, id, &new, ctx.now()).await.map_err(|error| taken(error, &new.name))?;
    if !is_there {
        return Err(Refusal::Missing("trigger"));
    }
    let is_elsewhere = place(&before.target) != place(&new.target);
    let forgot_secret = is_elsewhere && forget_secret(&txn, id).await?;
    if new.target.kind() != TargetKind::Tekton {
        forget_sink(&txn, id).await?;
    }
    let was = NewTrigger {
        name: before.name,
        is_enabled: before.is_enabled,
        condition: before.condition,
        target: before.target,
        pace: before.pace,
    };
    let change = Change::between(told(&was), told(&new));
    ctx.tell(&txn, actor, AuditAction::ChangeTrigger, object(id, &new.name), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    tell_open_pages(ctx, id);
    Ok(ChangedTrigger { trigger: written(ctx, id).await?, forgot_secret })
}

/// Switches a trigger on or off. What it still has to tell waits while it is off; what happens meanwhile it is never told. One of
/// the configuration may be switched on again where its target had it switched off.
///
/// # Errors
/// The refusal.
pub async fn switch(ctx: &Actions, actor: &Actor, id: Uuid, on: bool) -> Result<Trigger> {
    actor.may_to_all(AuditAction::SwitchTrigger)?;
    let before = find(ctx, id).await?;
    let txn = ctx.db.begin().await?;
    if !stored::switch_trigger(&txn, id, on, ctx.now()).await? {
        return Err(match before.is_configured {
            true => Refusal::ConfiguredTrigger { name: before.name },
            false => Refusal::Missing("trigger"),
        });
    }
    let change = Change::between(json!({ "is_enabled": before.is_enabled }), json!({ "is_enabled": on }));
    ctx.tell(&txn, actor, AuditAction::SwitchTrigger, object(id, &before.name), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    ctx.queue.bell().ring_for_deliveries();
    tell_open_pages(ctx, id);
    written(ctx, id).await
}

/// Removes a trigger with all that it told, and its secrets.
///
/// # Errors
/// The refusal.
pub async fn remove(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<Trigger> {
    actor.may_to_all(AuditAction::RemoveTrigger)?;
    let before = find(ctx, id).await?;
    if before.is_configured && before.unconfigured_at.is_none() {
        return Err(Refusal::ConfiguredTrigger { name: before.name });
    }
    // It may take many transactions, so that it is told before them.
    let change = Change { before: Some(json!({ "target": place(&before.target) })), after: None };
    ctx.tell(&ctx.db.write, actor, AuditAction::RemoveTrigger, object(id, &before.name), change).await?;
    if !stored::remove_trigger(&ctx.db, id, ctx.now()).await? {
        return Err(Refusal::Missing("trigger"));
    }
    tell_open_pages(ctx, id);
    Ok(before)
}

/// As it is now, read where it was written.
async fn written(ctx: &Actions, id: Uuid) -> Result<Trigger> {
    let found = stored::find_trigger(&ctx.db.write, id, ctx.now()).await?;
    match found {
        Some(trigger) => Ok(trigger),
        None => find(ctx, id).await,
    }
}

pub(super) fn tell_open_pages(ctx: &Actions, trigger_id: Uuid) {
    ctx.queue.bus().send(Live::Trigger { trigger_id, delivery_id: None });
}

fn taken(error: DataError, name: &str) -> Refusal {
    match error.is_taken() {
        true => {
            let message = format!("there is a trigger called {name} already; choose another name");
            Refusal::Wrong(vec![entity::view::FieldError { field: "name".to_owned(), message }])
        }
        false => Refusal::Failed(error),
    }
}

/// A trigger in the log of what people did: headers and paths of addresses may be secrets, so they are not in it.
fn told(trigger: &NewTrigger) -> Value {
    json!({
        "name": trigger.name,
        "is_enabled": trigger.is_enabled,
        "condition": trigger.condition,
        "target": place(&trigger.target),
        "pace": trigger.pace,
    })
}

/// The kind of a target and the machine that it is on.
pub(super) fn place(target: &Target) -> String {
    let kind = target.kind();
    let url = match target {
        Target::Tekton { url, .. } | Target::Webhook { url, .. } | Target::Flux { url } => url,
        Target::GithubDispatch { api_url, .. } | Target::GitlabPipeline { api_url, .. } => api_url,
        Target::Command { .. } => return kind.to_string(),
    };
    format!("{kind} {}", origin(url))
}

/// Scheme, machine and port of an address, read as the sender does: what stands before an @ would be a secret.
#[must_use]
pub fn origin(url: &str) -> String {
    url::Url::parse(url.trim()).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_targets_place_tells_no_path_and_no_password() {
        let flux = |url: &str| place(&Target::Flux { url: url.to_owned() });
        assert_eq!(flux("https://Flux.example:8443/hook/s3cret?token=a"), "flux https://flux.example:8443");
        assert_eq!(flux("http://ada:pw@flux.example"), "flux http://flux.example");
        assert_eq!(flux("http://flux.example\\@evil.example/"), "flux http://flux.example");
        assert_eq!(place(&Target::Command { command: vec!["/opt/deploy".into(), "s3cret".into()] }), "command");
    }
}
