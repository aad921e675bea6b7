//! Where Tekton tells what became of the runs that a trigger began: the address, and how it is set up there.

use entity::kind::TargetKind;
use entity::view::ShownOnce;
use leptos::prelude::*;

use super::act::{MakeTriggerSink, RemoveTriggerSink};
use super::data::TriggerData;
use crate::components::{ActForm, Glyph, Once, Section, TimeAgo, status};

/// What was shown once stays while its page is open: news of the trigger have the page asked for anew, and it is told only once.
#[derive(Clone, Copy)]
pub(super) struct Kept(StoredValue<Option<ShownOnce>>);

/// Keeps it for the page at hand.
pub(super) fn provide_kept() {
    provide_context(Kept(StoredValue::new(None)));
}

/// What is shown once, as long as it opens something.
pub(super) fn kept(data: &TriggerData) -> Option<ShownOnce> {
    let shown = data.shown.clone();
    let Some(Kept(kept)) = use_context() else { return shown };
    if shown.is_some() {
        kept.try_set_value(shown);
    }
    kept.try_get_value().flatten().filter(|shown| match shown {
        ShownOnce::TriggerSecret { trigger_id, .. } => {
            *trigger_id == data.trigger.id && data.secret.changed_at.is_some()
        }
        ShownOnce::TriggerSink { trigger_id, .. } => *trigger_id == data.trigger.id && data.sink_made_at.is_some(),
        _ => false,
    })
}

/// For those who may manage pipelines; `made` is the address's path, where it was made just now.
pub(super) fn view(data: &TriggerData, made: Option<String>) -> Option<AnyView> {
    if data.trigger.kind != TargetKind::Tekton && data.sink_made_at.is_none() {
        return None;
    }
    let address = made.map(|path| match &data.origin {
        Some(origin) => format!("{origin}{path}"),
        None => path,
    });
    let beside = (address.is_some() && data.origin.is_none()).then(|| {
        view! { <p class="field-hint">"Below the address by which Tekton reaches this site (" <code>"server.public_url"</code> ")."</p> }
    });
    let state = match data.sink_made_at {
        None => status("idle", Glyph::Minus, "Off: there is no address"),
        Some(_) => status("good", Glyph::Check, "Tekton may tell"),
    };
    let steps = data.sink_made_at.is_some().then(|| how(address.as_deref()));
    let once = address.map(once);
    let acts = acts(data);
    Some(
        view! {
            <Section title="Runs" id="runs">
                <p class="quiet">
                    "Tekton can tell how the runs went that it began: a delivery then says whether its run started, succeeded or failed."
                </p>
                {once}
                {beside}
                <p class="facts">{state}</p>
                {acts}
                {steps}
            </Section>
        }
        .into_any(),
    )
}

fn once(address: String) -> AnyView {
    view! {
        <Once name="this address" what="address" text=address>
            <p class="quiet">"Its last part is a secret: whoever knows the address can say how runs went."</p>
        </Once>
    }
    .into_any()
}

fn acts(data: &TriggerData) -> AnyView {
    let (make, remove) = (ServerAction::<MakeTriggerSink>::new(), ServerAction::<RemoveTriggerSink>::new());
    let id = data.trigger.id.to_string();
    let Some(made) = data.sink_made_at else {
        return view! {
            <ActForm action=make class="settings-line">
                <input type="hidden" name="trigger_id" value=id />
                <button type="submit" class="button">"Make the address"</button>
            </ActForm>
        }
        .into_any();
    };
    let same = id.clone();
    view! {
        <div class="settings-line">
            <ActForm action=make>
                <input type="hidden" name="trigger_id" value=id />
                <button type="submit" class="button" title="The one before is unknown then">"Make another address"</button>
            </ActForm>
            <ActForm action=remove>
                <input type="hidden" name="trigger_id" value=same />
                <button type="submit" class="button" title="What Tekton tells is taken no more then">"Remove the address"</button>
            </ActForm>
            <span class="quiet">"made " <TimeAgo time=made now=data.now /></span>
        </div>
    }
    .into_any()
}

/// What to do at Tekton.
fn how(address: Option<&str>) -> AnyView {
    let sink = address.unwrap_or("<the address>");
    let command = format!(
        "kubectl -n tekton-pipelines patch configmap config-events --type merge \\\n  \
         -p '{{\"data\":{{\"formats\":\"tektonv1\",\"sink\":\"{sink}\"}}}}'\n"
    );
    view! {
        <details class="disclosure">
            <summary>"How to set it up at Tekton"</summary>
            <ol class="settings-steps">
                <li>
                    "Enter the address as " <code>"sink"</code> " in the ConfigMap " <code>"config-events"</code> " of Tekton Pipelines, beside "
                    <code>"formats: tektonv1"</code> ". Where a Tekton knows no such ConfigMap, it is the key "
                    <code>"default-cloud-events-sink"</code> " of " <code>"config-defaults"</code> "." <pre class="snippet"><code>{command}</code></pre>
                </li>
                <li>
                    "Tekton has to reach this site. Inside the cluster it may do so by the name of a Service, if "
                    <code>"app.allowed_hosts"</code> " names it."
                </li>
                <li>
                    "A cluster’s Tekton takes one address only. What comes there counts for all triggers that have no address of their own; runs that none of them began are passed over."
                </li>
            </ol>
        </details>
    }
    .into_any()
}
