use entity::kind::{DeliveryState, Permission};
use entity::view::{ShownOnce, Timestamp, TriggerSecret};
use leptos::prelude::*;
use leptos::tachys::view::keyed::keyed;
use leptos_router::params::ParamsMap;
use uuid::Uuid;

use super::act::{RemoveTrigger, RemoveTriggerSecret, ReplayTrigger, SetTriggerSecret, SwitchTrigger, TestTrigger};
use super::data::{TriggerData, TriggerRow, find_trigger};
use super::parts::{deliveries, in_row, kind_word, origin, spark, state_word, success_text, switch_badge, warning};
use super::{load, runs, show};
use crate::components::{
    ActForm, Breadcrumb, Choice, Crumb, DateField, EmptyState, FilterBar, InputField, Metric, Metrics, Notice, Once,
    PageHead, PageUrl, Pager, Section, Select, SkeletonBlock, SkeletonRows, TimeAgo, number_text, relative,
};
use crate::live::Live;
use crate::pages::filters::{chips, values};
use crate::pages::outcome::outcome;
use crate::viewer::may;

/// `/triggers/{id}`
#[component]
pub fn OneTrigger() -> impl IntoView {
    runs::provide_kept();
    let page = load(|path, query| find_trigger(path.get("id").unwrap_or_default(), query), concerns);
    show(page, "The trigger", skeleton, view)
}

fn concerns(path: &ParamsMap, live: &Live) -> bool {
    matches!(live, Live::Trigger { trigger_id, .. } if path.get_str("id") == Some(trigger_id.as_str()))
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonBlock of="metrics" />
        <SkeletonRows rows=25 />
    }
    .into_any()
}

fn view(data: TriggerData, url: PageUrl) -> AnyView {
    let now = data.now;
    let manages = may(Permission::ManagePipelines);
    let trigger = data.trigger.clone();
    let crumbs = vec![Crumb::link("Triggers", "/triggers"), Crumb::here(trigger.name.clone())];
    let told = outcome(data.outcome.clone());
    let (secret, sink) = match runs::kept(&data) {
        Some(ShownOnce::TriggerSecret { text, .. }) => (Some(shown_secret(text)), None),
        Some(ShownOnce::TriggerSink { path, .. }) => (None, Some(path)),
        _ => (None, None),
    };
    view! {
        <Breadcrumb crumbs />
        {head(&data, manages)}
        {told}
        {secret}
        {states(&trigger, data.lacks_secret)}
        {figures(&trigger, now)}
        {about(&data)}
        {manages.then(|| tools(&data))}
        {manages.then(|| runs::view(&data, sink)).flatten()}
        {list(data, &url)}
    }
    .into_any()
}

fn head(data: &TriggerData, manages: bool) -> AnyView {
    let (trigger, now) = (&data.trigger, data.now);
    let facts = view! {
        {switch_badge(trigger)}
        {warning(trigger)}
        <span>{kind_word(trigger.kind)} " " <span class="quiet">{trigger.place.clone()}</span></span>
        {origin(trigger)}
        <span class="quiet">"changed " <TimeAgo time=data.changed_at now /></span>
    };
    let (id, on) = (trigger.id, trigger.is_enabled);
    let is_own = !trigger.is_configured && !trigger.is_left;
    // One that its target had switched off may be switched on again, whoever wrote it.
    let may_switch = is_own || (trigger.is_configured && trigger.why_off.is_some());
    let edit = is_own.then(|| view! { <a class="button" href=format!("/triggers/{id}/edit")>"Edit"</a> });
    let switch = may_switch.then(|| {
        let switch = ServerAction::<SwitchTrigger>::new();
        view! {
            <ActForm action=switch>
                <input type="hidden" name="trigger_id" value=id.to_string() />
                <input type="hidden" name="on" value=(!on).to_string() />
                <button type="submit" class="button" class:primary=!on>{if on { "Switch off" } else { "Switch on" }}</button>
            </ActForm>
        }
    });
    let acts = manages.then_some(view! { {edit} {switch} });
    view! { <PageHead title=trigger.name.clone() facts=facts.into_any()>{acts}</PageHead> }.into_any()
}

/// What somebody should know before they read on.
fn states(trigger: &TriggerRow, lacks_secret: bool) -> AnyView {
    let lacks =
        lacks_secret.then(|| view! { <Notice tone="warn">"Nothing can be sent until its secret is set."</Notice> });
    let off = trigger.why_off.clone().map(|why| {
        view! { <Notice tone="bad">"Its target wants to hear no more, so it was switched off: " {why} ". Switch it on once that is mended."</Notice> }
    });
    let failing = trigger.failing.map(|failing| {
        let why = trigger.last_error.clone().map(|why| format!(" The last one: {why}."));
        let tone = if failing >= 90 { "bad" } else { "warn" };
        let in_row = in_row(trigger);
        view! {
            <Notice tone>
                {format!("{failing} % of the attempts of the last 3 days failed.")} {why} " "
                {in_row}
            </Notice>
        }
    });
    view! { {off} {lacks} {failing} }.into_any()
}

fn figures(trigger: &TriggerRow, now: Timestamp) -> AnyView {
    let last = trigger.last_delivery_at.map_or_else(|| "never".to_owned(), |at| relative(at, now));
    let share = success_text(trigger);
    let (delivered, failed, in_row) = (trigger.delivered, trigger.failed, trigger.failures_in_row);
    let ended = delivered + failed;
    let note = (ended > 0).then(|| format!("of {} in 30 days", number_text(ended)));
    view! {
        <div class="trigger-figures">
            <Metrics>
                <Metric label="Delivered" value=Some(delivered) note=Some("in 30 days".to_owned()) />
                <Metric label="Failed" value=Some(failed) note=Some("in 30 days".to_owned()) alert={failed > 0} />
                <Metric label="Arrived" value=None text=Some(share) note=note />
                <Metric label="Failures in a row" value=Some(in_row) />
                <Metric label="Last arrived" value=None text=Some(last) />
            </Metrics>
            {spark(&trigger.days)}
        </div>
    }
    .into_any()
}

fn about(data: &TriggerData) -> AnyView {
    let conditions = data.trigger.about.iter().cloned().map(|part| view! { <li>{part}</li> }).collect_view();
    let target = data.target.iter().cloned().map(|(name, value)| {
        view! { <div><dt>{name}</dt><dd class="wrap">{value}</dd></div> }
    });
    let target = target.collect_view();
    view! {
        <div class="columns">
            <Section title="When"><ul class="trigger-when">{conditions}</ul></Section>
            <Section title="Tells"><dl class="about-list">{target}</dl></Section>
        </div>
    }
    .into_any()
}

fn shown_secret(text: String) -> AnyView {
    view! {
        <Once name="this secret" what="secret" text>
            <p class="quiet">"The receiver checks the header webhook-signature with it, as the Standard Webhooks specification says."</p>
        </Once>
    }
    .into_any()
}

/// What is done with a trigger now and then.
fn tools(data: &TriggerData) -> AnyView {
    let trigger = &data.trigger;
    let id = trigger.id;
    let secret = data.secret_name.clone().filter(|_| !trigger.is_configured && !trigger.is_left);
    let secret = secret.map(|name| secret_part(id, &name, data.secret, trigger, data.now));
    let delete = (!trigger.is_configured).then(|| delete(id, &trigger.name));
    view! {
        <div class="trigger-tools">
            {test(data)}
            {replay(id, data.failed)}
            {secret}
            {delete}
        </div>
    }
    .into_any()
}

fn test(data: &TriggerData) -> AnyView {
    let (id, on) = (data.trigger.id, data.trigger.is_enabled);
    let action = ServerAction::<TestTrigger>::new();
    let inner = if data.branches.is_empty() {
        view! { <p class="quiet">"No branch is watched yet. Once one is, what happened to it last can be sent here."</p> }.into_any()
    } else if !on {
        view! { <p class="quiet">"The trigger is off and sends nothing. Switch it on first."</p> }.into_any()
    } else {
        // News bring others and another order: an option stays its branch's, so that the chosen one does.
        let option =
            |_, (id, name): (Uuid, String)| (|_: usize| {}, view! { <option value=id.to_string()>{name}</option> });
        let options = keyed(data.branches.clone(), |(id, _)| *id, option);
        view! {
            <p class="quiet">"Sends the newest event of a branch, whatever the condition says of it; of one that has not changed since it was first seen, that it is there. What was sent before goes out once more, by the same id."</p>
            <ActForm action class="settings-line">
                <input type="hidden" name="trigger_id" value=id.to_string() />
                <label class="field-inline"><span class="field-label">"Branch"</span><select name="branch_id">{options}</select></label>
                <button type="submit" class="button">"Send test"</button>
            </ActForm>
        }
        .into_any()
    };
    view! { <details class="disclosure"><summary class="button">"Test…"</summary>{inner}</details> }.into_any()
}

fn replay(id: Uuid, failed: u64) -> AnyView {
    let (of_failed, of_all) = (ServerAction::<ReplayTrigger>::new(), ServerAction::<ReplayTrigger>::new());
    let many = number_text(i64::try_from(failed).unwrap_or(i64::MAX));
    let failed = match failed {
        0 => "No delivery was given up.".to_owned(),
        1 => "1 delivery was given up.".to_owned(),
        1_000.. => format!("{many} deliveries or more were given up."),
        _ => format!("{many} deliveries were given up."),
    };
    view! {
        <details class="disclosure">
            <summary class="button">"Replay…"</summary>
            <p class="quiet">{failed} " What is sent once more keeps its id, and those of a branch keep their order. At most 1,000 at once."</p>
            <ActForm action=of_failed class="settings-line">
                <input type="hidden" name="trigger_id" value=id.to_string() />
                <DateField name="since" label="Failed since" />
                <button type="submit" class="button" name="act" value="failed">"Replay failed"</button>
            </ActForm>
            <ActForm action=of_all class="settings-line">
                <input type="hidden" name="trigger_id" value=id.to_string() />
                <DateField name="since" label="Made from" />
                <DateField name="until" label="to" />
                <button type="submit" class="button" name="act" value="all">"Replay all of it"</button>
            </ActForm>
        </details>
    }
    .into_any()
}

fn secret_part(id: Uuid, name: &str, secret: TriggerSecret, trigger: &TriggerRow, now: Timestamp) -> AnyView {
    let is_webhook = trigger.kind == entity::kind::TargetKind::Webhook;
    let (set, remove) = (ServerAction::<SetTriggerSecret>::new(), ServerAction::<RemoveTriggerSecret>::new());
    let state = match secret.changed_at {
        Some(at) => view! { <span class="quiet">"set " <TimeAgo time=at now /></span> }.into_any(),
        None => view! { <span class="quiet">"none is set"</span> }.into_any(),
    };
    let previous = secret.has_previous.then(|| {
        view! {
            <p class="quiet">"The secret before is used beside it, so that the receiver can change over. Remove it once it has."</p>
            <button type="submit" class="button" name="act" value="previous">"Remove previous"</button>
        }
    });
    let removal = secret.changed_at.is_some().then(|| {
        view! {
            <ActForm action=remove class="settings-line">
                <input type="hidden" name="trigger_id" value=id.to_string() />
                {previous}
                <button type="submit" class="button danger" name="act" value="all">"Remove secret"</button>
            </ActForm>
        }
    });
    let hint = if is_webhook {
        "Leave it empty and one is made and shown once. The one before stays in use until you remove it."
    } else {
        "It is kept sealed and shown to nobody. It replaces the one before at once."
    };
    let save = if is_webhook { "Save or make one" } else { "Save" };
    let label = if is_webhook { "New signing secret" } else { "New secret" };
    view! {
        <details class="disclosure">
            <summary class="button">{name.to_owned()} "…"</summary>
            <p>{name.to_owned()} ": " {state}</p>
            <ActForm action=set class="settings-form" clear=true>
                <input type="hidden" name="trigger_id" value=id.to_string() />
                <InputField name="secret" label kind="password" within="trigger" required={!is_webhook} hint />
                <p><button type="submit" class="button primary">{save}</button></p>
            </ActForm>
            {removal}
        </details>
    }
    .into_any()
}

fn delete(id: Uuid, name: &str) -> AnyView {
    let action = ServerAction::<RemoveTrigger>::new();
    view! {
        <details class="disclosure">
            <summary class="button danger">"Delete…"</summary>
            <p>"Deletes " <strong>{name.to_owned()}</strong> " with its secret and all of its deliveries. This can’t be undone; to have it tell nothing for a while, switch it off."</p>
            <ActForm action>
                <input type="hidden" name="trigger_id" value=id.to_string() />
                <button type="submit" class="button danger">"Delete for good"</button>
            </ActForm>
        </details>
    }
    .into_any()
}

fn list(data: TriggerData, url: &PageUrl) -> AnyView {
    let TriggerData { now, deliveries: found, page, .. } = data;
    let url = url.clone().at_part("deliveries");
    let value = values(&url);
    let mut chips = chips(&url, &[("state", "State"), ("branch", "Branch"), ("since", "Since")]);
    for chip in &mut chips {
        match chip.key {
            "state" => {
                chip.value = chip.value.parse().map_or_else(|_| chip.value.clone(), |s| state_word(s).to_owned());
            }
            "branch" => {
                let name = found.data.first().map(|delivery| delivery.branch_name.clone());
                chip.value = name.unwrap_or_else(|| chip.value.clone());
            }
            _ => {}
        }
    }
    let is_filtered = !chips.is_empty();
    let states = DeliveryState::ALL.iter().map(|state| Choice::new(state.as_str(), state_word(*state))).collect();
    let rows = match found.data.is_empty() {
        true if found.count > 0 => ().into_any(),
        true if is_filtered => view! { <EmptyState title="No delivery matches" /> }.into_any(),
        true => view! {
            <EmptyState title="Nothing was told yet">
                <p>"Each event that meets the condition becomes one delivery here, with its attempts and the target’s answers."</p>
            </EmptyState>
        }
        .into_any(),
        false => deliveries(found.data, now),
    };
    view! {
        <Section title="Deliveries" id="deliveries">
            <FilterBar url=url.clone() keys=&["state", "since"] chips>
                <Select name="state" label="State" choices=states selected=value("state") />
                <DateField name="since" label="Made since" value=value("since") />
            </FilterBar>
            {rows}
            <Pager page count=found.count url what="deliveries" />
        </Section>
    }
    .into_any()
}
