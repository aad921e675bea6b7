//! What people do with triggers. Each is a form's target and leads to a page that says what came of it.

use leptos::prelude::*;
use leptos::server_fn::codec::Postcard;
use uuid::Uuid;

use super::form_data::{FormCheck, TriggerForm};
#[cfg(feature = "ssr")]
use super::parts::{delivery_href, trigger_href};
use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::pages::{ask, outcome::tell};
#[cfg(feature = "ssr")]
use actions::triggers::{self, Replay, SecretPart};
#[cfg(feature = "ssr")]
use entity::view::{Replayed, ShownOnce};

/// What is wrong with a form as it stands, for who types in it.
#[server(prefix = "/ui", endpoint = "check_trigger", output = Postcard, client = crate::client::PageClient)]
pub async fn check_trigger(#[server(default)] form: TriggerForm) -> Result<FormCheck, AppError> {
    let (ctx, actor) = ask::actions()?;
    super::tell::look(&ctx, &actor, &form, false).await
}

/// Holds the condition of a form against what happened.
#[server(prefix = "/ui", endpoint = "dry_run_trigger", output = Postcard, client = crate::client::PageClient)]
pub async fn dry_run_trigger(#[server(default)] form: TriggerForm) -> Result<FormCheck, AppError> {
    let (ctx, actor) = ask::actions()?;
    super::tell::look(&ctx, &actor, &form, true).await
}

/// Makes a trigger, or changes one. A form that was sent without scripts comes back with all that stood in it where it is
/// refused.
#[server(prefix = "/ui", endpoint = "save_trigger", output = Postcard, client = crate::client::PageClient)]
pub async fn save_trigger(#[server(default)] id: String, #[server(default)] form: TriggerForm) -> Result<(), AppError> {
    use crate::components::PageUrl;
    use crate::error::leads_on;
    use actions::Refusal;
    use entity::view::OutcomeOf;

    let (ctx, actor) = ask::actions()?;
    actor.need(entity::kind::Permission::ManagePipelines)?;
    let known = if id.is_empty() { None } else { Some(ask::id(&id, "trigger")?) };
    let done = match super::tell::request(&form) {
        Err(errors) => Err(Refusal::Wrong(errors)),
        Ok(wanted) => match known {
            None => triggers::add(&ctx, &actor, &wanted).await.map(|made| {
                if let Some(secret) = made.secret {
                    let shown = ShownOnce::TriggerSecret { trigger_id: made.trigger.id, text: secret.to_string() };
                    ask::show_once(&ctx, &actor, shown);
                }
                let said = match made.trigger.is_enabled {
                    true => "The trigger is saved and on.",
                    false => "The trigger is saved. It is off until you switch it on.",
                };
                (made.trigger.id, said.to_owned())
            }),
            Some(id) => triggers::change(&ctx, &actor, id, &wanted).await.map(|changed| {
                let said = match changed.forgot_secret {
                    true => {
                        "The trigger is saved. Its secret was for another target and is forgotten; enter the new one."
                    }
                    false => "The trigger is saved.",
                };
                (id, said.to_owned())
            }),
        },
    };
    match done {
        Ok((id, said)) => tell::lead_to(&trigger_href(id), Ok(said)).await,
        Err(refusal @ (Refusal::Failed(_) | Refusal::NotSignedIn)) => Err(refusal.into()),
        Err(refusal) if leads_on() => {
            let of = match &refusal {
                Refusal::Wrong(errors) => OutcomeOf::Nothing(format!("Nothing is saved yet: {}.", in_words(errors))),
                refusal => OutcomeOf::Nothing(refusal.sentence()),
            };
            let outcome = store::outcomes::record_outcome(&ask::context()?.db.write, &of, ask::now()).await?;
            let path = known.map_or_else(|| "/triggers/new".to_owned(), |id| format!("{}/edit", trigger_href(id)));
            let url = PageUrl::new(path).with("kind", form.kind.clone()).with("outcome", outcome.to_string());
            let url = form.pairs().into_iter().fold(url, |url, (name, text)| url.and(name, text));
            leptos_axum::redirect(&url.href());
            Ok(())
        }
        Err(Refusal::Wrong(errors)) => Err(AppError::invalid(format!("nothing is saved yet: {}.", in_words(&errors)))),
        Err(refusal) => Err(refusal.into()),
    }
}

/// What is wrong in one sentence: each stands beside its field as well, but for what only saving finds out.
#[cfg(feature = "ssr")]
fn in_words(errors: &[entity::view::FieldError]) -> String {
    errors.iter().map(|error| error.message.trim_end_matches('.')).collect::<Vec<_>>().join("; ")
}

/// Switches a trigger on or off.
#[server(prefix = "/ui", endpoint = "switch_trigger", output = Postcard, client = crate::client::PageClient)]
pub async fn switch_trigger(trigger_id: Uuid, on: bool) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = triggers::switch(&ctx, &actor, trigger_id, on).await;
    let said = match on {
        true => "The trigger is on. What waited goes out now.",
        false => "The trigger is off. What it still has to tell waits; what happens meanwhile it is never told.",
    };
    tell::lead_to(&trigger_href(trigger_id), done.map(|_| said.to_owned())).await
}

/// Removes a trigger with all that it told.
#[server(prefix = "/ui", endpoint = "remove_trigger", output = Postcard, client = crate::client::PageClient)]
pub async fn remove_trigger(trigger_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    match triggers::remove(&ctx, &actor, trigger_id).await {
        Ok(gone) => tell::lead_to("/triggers", Ok(format!("The trigger {} is deleted.", gone.name))).await,
        Err(refusal) => tell::lead_to(&trigger_href(trigger_id), Err(refusal)).await,
    }
}

/// Keeps a secret for a trigger's target, or makes one.
#[server(prefix = "/ui", endpoint = "set_trigger_secret", output = Postcard, client = crate::client::PageClient)]
pub async fn set_trigger_secret(trigger_id: Uuid, #[server(default)] secret: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let secret = secret.into();
    let done = triggers::set_secret(&ctx, &actor, trigger_id, Some(&secret)).await;
    let done = done.map(|kept| {
        if let Some(made) = kept.made {
            ask::show_once(&ctx, &actor, ShownOnce::TriggerSecret { trigger_id, text: made.to_string() });
        }
        match kept.state.has_previous {
            true => "The new secret is in use. The one before is used beside it until you remove it.".to_owned(),
            false => "The secret is saved and in use.".to_owned(),
        }
    });
    tell::lead_to(&trigger_href(trigger_id), done).await
}

/// Forgets a trigger's secret, or the one before it.
#[server(prefix = "/ui", endpoint = "remove_trigger_secret", output = Postcard, client = crate::client::PageClient)]
pub async fn remove_trigger_secret(trigger_id: Uuid, #[server(default)] act: String) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let (part, said) = match act.as_str() {
        "previous" => (SecretPart::Previous, "The previous secret is removed."),
        _ => (SecretPart::All, "The secret is removed."),
    };
    let done = triggers::remove_secret(&ctx, &actor, trigger_id, part).await;
    tell::lead_to(&trigger_href(trigger_id), done.map(|()| said.to_owned())).await
}

/// Makes the address at which Tekton tells of a trigger's runs; the page then shows it, once.
#[server(prefix = "/ui", endpoint = "make_trigger_sink", output = Postcard, client = crate::client::PageClient)]
pub async fn make_trigger_sink(trigger_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = triggers::make_sink(&ctx, &actor, trigger_id).await;
    if let Ok(made) = &done {
        ask::show_once(&ctx, &actor, ShownOnce::TriggerSink { trigger_id, path: made.path.to_string() });
    }
    let said = "The address is made. Enter it at Tekton now; an earlier one is no longer known.";
    tell::lead_to(&trigger_href(trigger_id), done.map(|_| said.to_owned())).await
}

/// Forgets the address at which Tekton tells of a trigger's runs.
#[server(prefix = "/ui", endpoint = "remove_trigger_sink", output = Postcard, client = crate::client::PageClient)]
pub async fn remove_trigger_sink(trigger_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = triggers::remove_sink(&ctx, &actor, trigger_id).await;
    let said = "The address is removed. What Tekton tells there is taken no more.";
    tell::lead_to(&trigger_href(trigger_id), done.map(|()| said.to_owned())).await
}

/// Sends a branch's newest event to a trigger's target.
#[server(prefix = "/ui", endpoint = "test_trigger", output = Postcard, client = crate::client::PageClient)]
pub async fn test_trigger(trigger_id: Uuid, branch_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    match triggers::test(&ctx, &actor, trigger_id, branch_id).await {
        Ok(sent) => {
            tell::lead_to(&delivery_href(sent.id), Ok("The newest event of this branch goes out now.".to_owned())).await
        }
        Err(refusal) => tell::lead_to(&trigger_href(trigger_id), Err(refusal)).await,
    }
}

/// Sends one delivery once more.
#[server(prefix = "/ui", endpoint = "replay_delivery", output = Postcard, client = crate::client::PageClient)]
pub async fn replay_delivery(delivery_id: Uuid) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let done = triggers::replay_one(&ctx, &actor, delivery_id).await;
    let said = "It goes out once more, by the same id.".to_owned();
    tell::lead_to(&delivery_href(delivery_id), done.map(|_| said)).await
}

/// Sends many of a trigger's deliveries once more: those that were given up since a time, or all of a range.
#[server(prefix = "/ui", endpoint = "replay_trigger", output = Postcard, client = crate::client::PageClient)]
pub async fn replay_trigger(
    trigger_id: Uuid,
    #[server(default)] since: String,
    #[server(default)] until: String,
    #[server(default)] act: String,
) -> Result<(), AppError> {
    let (ctx, actor) = ask::actions()?;
    let (since, until) = (super::tell::begin_of(&since)?, super::tell::end_of(&until)?);
    let which = if act == "all" { Replay::Made { since, until } } else { Replay::Failed { since } };
    let done = triggers::replay(&ctx, &actor, trigger_id, which).await;
    let said = |Replayed { deliveries, has_more }| match deliveries {
        0 => "There is nothing in this range to send once more.".to_owned(),
        count => {
            let many = i64::try_from(count).unwrap_or(i64::MAX);
            let many = crate::components::counted(many, "delivery goes", "deliveries go");
            let rest = if has_more { " Ask again for the rest." } else { "" };
            format!("{many} out once more, in order, by the same ids.{rest}")
        }
    };
    tell::lead_to(&trigger_href(trigger_id), done.map(said)).await
}
