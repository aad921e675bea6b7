//! What everybody may see of triggers, and what only those who manage pipelines: addresses and headers of targets may open
//! something, such as a Receiver's path, and answers tell of machines inside.

use std::collections::BTreeMap;

use entity::kind::Permission;
use entity::view::{Delivery, DeliveryAttempt, DeliveryProgress, MASK, Target, Trigger};

use super::change::origin;
use crate::Actor;

fn sees_all(actor: &Actor) -> bool {
    actor.permissions().has(Permission::ManagePipelines)
}

/// A trigger as this actor may see it: others see the machine, but neither path nor headers.
#[must_use]
pub fn show_trigger(actor: &Actor, trigger: Trigger) -> Trigger {
    if sees_all(actor) {
        return trigger;
    }
    let target = hide(trigger.target);
    let (last_error, disabled_reason) =
        (trigger.last_error.map(|_| hidden()), trigger.disabled_reason.map(|_| hidden()));
    Trigger { target, last_error, disabled_reason, ..trigger }
}

fn hidden() -> String {
    "who may manage pipelines sees why".to_owned()
}

fn hide(target: Target) -> Target {
    let url = |url: &str| format!("{}/{MASK}", origin(url));
    let headers = |headers: BTreeMap<String, String>| headers.into_keys().map(|name| (name, MASK.to_owned())).collect();
    match target {
        Target::Tekton { url: to, headers: with } => Target::Tekton { url: url(&to), headers: headers(with) },
        Target::Webhook { url: to, headers: with } => Target::Webhook { url: url(&to), headers: headers(with) },
        Target::Flux { url: to } => Target::Flux { url: url(&to) },
        Target::GithubDispatch { api_url, repository, event_type } => {
            Target::GithubDispatch { api_url: url(&api_url), repository, event_type }
        }
        Target::GitlabPipeline { api_url, project, reference } => {
            Target::GitlabPipeline { api_url: url(&api_url), project, reference }
        }
        Target::Command { command } => {
            Target::Command { command: command.into_iter().take(1).chain([MASK.to_owned()]).collect() }
        }
    }
}

/// A delivery as this actor may see it: others see that it failed, not what the target said.
#[must_use]
pub fn show_delivery(actor: &Actor, delivery: Delivery) -> Delivery {
    match sees_all(actor) {
        true => delivery,
        false => Delivery { error: delivery.error.map(|_| hidden()), ..delivery },
    }
}

/// The same of how far one is.
#[must_use]
pub fn show_progress(actor: &Actor, progress: DeliveryProgress) -> DeliveryProgress {
    match sees_all(actor) {
        true => progress,
        false => DeliveryProgress { error: progress.error.map(|_| hidden()), ..progress },
    }
}

/// Attempts as this actor may see them.
#[must_use]
pub fn show_attempts(actor: &Actor, attempts: Vec<DeliveryAttempt>) -> Vec<DeliveryAttempt> {
    if sees_all(actor) {
        return attempts;
    }
    let hide = |attempt: DeliveryAttempt| DeliveryAttempt {
        request: None,
        answer: None,
        error: attempt.error.map(|_| hidden()),
        ..attempt
    };
    attempts.into_iter().map(hide).collect()
}
