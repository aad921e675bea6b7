//! `/triggers/new` and `/triggers/{id}/edit`. The form keeps its whole state in itself: without scripts a dry run leads to the
//! same page with all fields in its address; with scripts it is checked while somebody types.

use std::time::Duration;

use entity::kind::{BranchEventKind, TargetKind};
use leptos::ev::{Event, MouseEvent};
use leptos::form::FromFormData as _;
use leptos::prelude::*;
use leptos::web_sys::{FormData as Fields, HtmlElement, HtmlFormElement};
use wasm_bindgen::JsCast as _;

use super::act::{CheckTrigger, DryRunTrigger, SaveTrigger};
use super::data::{FormData, read_form};
use super::form_data::{FormCheck, TriggerForm};
use super::matches::dry_run;
use super::parts::{kind_word, trigger_href};
use super::{load_still, show};
use crate::busy::Busy;
use crate::components::{ActFailed, ActForm, Breadcrumb, Crumb, PageHead, PageUrl, SkeletonBlock};
use crate::pages::outcome::outcome;

/// Names the form for what belongs to it and stands beside it.
const FORM: &str = "trigger-form";
/// Who types is not interrupted: it is checked once the keys rest.
const REST: Duration = Duration::from_millis(400);

/// A new trigger, or another form of one.
#[component]
pub fn TriggerFormPage() -> impl IntoView {
    let page = load_still(|path, query| read_form(path.get("id").unwrap_or_default(), query));
    show(page, "The form", || view! { <SkeletonBlock of="head" /> }.into_any(), view)
}

fn view(data: FormData, _: PageUrl) -> AnyView {
    let (title, last) = match &data.name {
        Some(name) => (format!("Edit {name}"), "Edit"),
        None => ("Add trigger".to_owned(), "Add"),
    };
    let mut crumbs = vec![Crumb::link("Triggers", "/triggers")];
    if let (Some(id), Some(name)) = (data.id, &data.name) {
        crumbs.push(Crumb::link(name.clone(), trigger_href(id)));
    }
    crumbs.push(Crumb::here(last));
    let told = outcome(data.outcome.clone());
    let inner = match data.form.kind.parse() {
        Ok(kind) if kind != TargetKind::Command => form(data, kind),
        _ => kinds(),
    };
    view! {
        <Breadcrumb crumbs />
        <PageHead title />
        {told}
        {inner}
    }
    .into_any()
}

const KINDS: [(TargetKind, &str); 5] = [
    (TargetKind::Tekton, "Starts pipelines by a CloudEvent, as RepoSentry sent it."),
    (TargetKind::Webhook, "Any program that takes signed webhooks by the Standard Webhooks specification."),
    (TargetKind::Flux, "Has Flux reconcile at once, by a Receiver: generic-hmac, or generic without a secret."),
    (TargetKind::GithubDispatch, "Starts GitHub Actions workflows that wait for repository_dispatch."),
    (TargetKind::GitlabPipeline, "Starts a pipeline of GitLab by a trigger token."),
];

/// Whom it is to tell comes first: the rest of the form follows from it.
fn kinds() -> AnyView {
    let one = |(kind, about): (TargetKind, &'static str)| {
        let href = PageUrl::new("/triggers/new").with("kind", kind.as_str()).href();
        view! { <li><a href=href><strong>{kind_word(kind)}</strong> <span class="quiet">{about}</span></a></li> }
    };
    view! {
        <p class="quiet page-about">"Whom should it tell of changes of branches?"</p>
        <ul class="trigger-kinds">{KINDS.map(one).collect_view()}</ul>
    }
    .into_any()
}

/// What came of looking at the form, by the fields that show it.
type Looked = Signal<FormCheck>;

/// The form's fields as they stand.
fn fields() -> Option<Fields> {
    let form = document().get_element_by_id(FORM)?.dyn_into::<HtmlFormElement>().ok()?;
    Fields::new_with_form(&form).ok()
}

fn form(data: FormData, kind: TargetKind) -> AnyView {
    let FormData { id, form, check: first, .. } = data;
    let save = ServerAction::<SaveTrigger>::new();
    let check = ServerAction::<CheckTrigger>::new();
    let dry = ServerAction::<DryRunTrigger>::new();
    if let Some(busy) = use_context::<Busy>() {
        busy.wait_while(move || dry.pending().get());
    }
    let looked = RwSignal::new(first.unwrap_or_default());
    // A look at the fields tells nothing of the past, so the last dry run stays.
    Effect::new(move |_| {
        if let Some(Ok(now)) = check.value().get() {
            looked.update(|looked| *looked = FormCheck { dry_run: looked.dry_run.take(), ..now });
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(now)) = dry.value().get() {
            looked.set(now);
        }
    });
    let look = move || {
        if let Some(Ok(asked)) = fields().map(|fields| CheckTrigger::from_form_data(&fields)) {
            check.dispatch(asked);
        }
    };
    leads_to_wrong(save, check, look);
    let turn = StoredValue::new(0_u64);
    let typed = move |_: Event| {
        let now = turn.try_update_value(|turn| {
            *turn += 1;
            *turn
        });
        set_timeout(
            move || {
                if turn.try_get_value() == now {
                    look();
                }
            },
            REST,
        );
    };
    let path = id.map_or_else(|| "/triggers/new".to_owned(), |id| format!("{}/edit", trigger_href(id)));
    let looked: Looked = looked.into();
    view! {
        <div class="trigger-form">
            <ActForm action=save id=FORM>
                <input type="hidden" name="id" value=id.map(|id| id.to_string()).unwrap_or_default() />
                <input type="hidden" name="form[kind]" value=kind.as_str() />
                <div class="trigger-fields" on:input=typed>
                    <Line name="name" label="Name" value=form.name.clone() looked hint="What it is for, such as “deploy main”." />
                    {target(&form, kind, looked)}
                    {condition(&form, looked)}
                    {pace(&form, looked)}
                    {switch(&form)}
                </div>
                <p><button type="submit" class="button primary">"Save"</button></p>
            </ActForm>
            {beside(dry, path, looked)}
        </div>
    }
    .into_any()
}

/// Once saving was refused, what is wrong is marked and has the caret.
fn leads_to_wrong(save: ServerAction<SaveTrigger>, check: ServerAction<CheckTrigger>, look: impl Fn() + 'static) {
    let wants = StoredValue::new(false);
    Effect::new(move |_| {
        if save.value().with(|value| matches!(value, Some(Err(_)))) {
            wants.set_value(true);
            look();
        }
    });
    Effect::new(move |_| {
        check.version().track();
        check.value().track();
        if !check.pending().get_untracked() && wants.try_update_value(std::mem::take).unwrap_or(false) {
            request_animation_frame(|| {
                let wrong = document().query_selector(&format!("#{FORM} [aria-invalid=true]")).ok().flatten();
                if let Some(field) = wrong.and_then(|field| field.dyn_into::<HtmlElement>().ok()) {
                    // What is closed has no caret.
                    if let Ok(Some(closed)) = field.closest("details:not([open])") {
                        let _ = closed.set_attribute("open", "");
                    }
                    let _ = field.focus();
                }
            });
        }
    });
}

/// What its condition would have been for.
fn beside(dry: ServerAction<DryRunTrigger>, path: String, looked: Looked) -> AnyView {
    let click = move |event: MouseEvent| {
        if let Some(Ok(asked)) = fields().map(|fields| DryRunTrigger::from_form_data(&fields)) {
            event.prevent_default();
            dry.dispatch(asked);
        }
    };
    let found = move || looked.with(|looked| looked.dry_run.clone()).map(dry_run);
    let reads = move || looked.with(|looked| looked.reads.clone()).map(|reads| view! { <p class="quiet">{reads}</p> });
    view! {
        <aside class="trigger-dry" aria-label="Dry run">
            <h2>"Dry run"</h2>
            <p class="quiet">"Holds the condition against what happened in the last 30 days. Nobody is told anything."</p>
            <p>
                <button type="submit" class="button" form=FORM name="dry" value="1" formmethod="get" formaction=path formnovalidate=true on:click=click>
                    {move || if dry.pending().get() { "Looking…" } else { "Try it on the last 30 days" }}
                </button>
            </p>
            {reads}
            <ActFailed action=dry />
            <div role="status">{found}</div>
        </aside>
    }
    .into_any()
}

/// A line of text, or several, with what is wrong with it.
#[component]
fn Line(
    /// The field's name in the form.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// What stands in it.
    value: String,
    /// What came of looking at the form.
    looked: Looked,
    /// What to know before typing.
    #[prop(optional)]
    hint: &'static str,
    /// An example of what could stand in it.
    #[prop(optional)]
    placeholder: &'static str,
    /// Of several lines, how many are seen.
    #[prop(optional)]
    rows: u8,
) -> impl IntoView {
    let (id, about) = (format!("trigger-{name}"), format!("trigger-{name}-about"));
    let wrong = Memo::new(move |_| looked.with(|looked| looked.error(name)));
    let invalid = move || wrong.with(Option::is_some).then_some("true");
    let named = format!("form[{name}]");
    let field = if rows > 0 {
        // What stands in a text area is not escaped by the framework, and it may be anything.
        let shown = value.replace('&', "&amp;").replace('<', "&lt;");
        view! {
            <textarea
                id=id.clone()
                name=named
                class="input"
                rows=rows.to_string()
                spellcheck="false"
                autocapitalize="off"
                autocomplete="off"
                placeholder=placeholder
                aria-describedby=about.clone()
                aria-invalid=invalid
                inner_html=shown
            ></textarea>
        }
        .into_any()
    } else {
        view! {
            <span class="input">
                <input
                    id=id.clone()
                    type="text"
                    name=named
                    value=value
                    spellcheck="false"
                    autocapitalize="off"
                    autocomplete="off"
                    placeholder=placeholder
                    aria-describedby=about.clone()
                    aria-invalid=invalid
                />
            </span>
        }
        .into_any()
    };
    let told = move || match wrong.get() {
        Some(wrong) => view! { <span class="field-error">{wrong}</span> }.into_any(),
        None => view! { <span class="field-hint">{hint}</span> }.into_any(),
    };
    view! {
        <div class="field" class:invalid=move || wrong.with(Option::is_some)>
            <label for=id>{label}</label>
            {field}
            <p id=about class="field-about">{told}</p>
        </div>
    }
}

fn target(form: &TriggerForm, kind: TargetKind, looked: Looked) -> AnyView {
    let url = |hint: &'static str, placeholder: &'static str| {
        view! { <Line name="url" label="Address" value=form.url.clone() looked hint placeholder /> }
    };
    let headers = || {
        view! {
            <Line
                name="headers"
                label="Headers (optional)"
                value=form.headers.clone()
                looked
                rows=2
                placeholder="X-Environment: staging"
                hint="One on each line, beside the event’s own. Secrets do not belong here."
            />
        }
    };
    let api = |placeholder: &'static str| {
        view! { <Line name="api_url" label="API" value=form.api_url.clone() looked placeholder hint="The root of the forge’s API." /> }
    };
    let inner = match kind {
        TargetKind::Tekton => view! {
            {url("The EventListener’s service, as this program reaches it.", "http://el-reposentry-standard-eventlistener.reposentry-system:8080")}
            {headers()}
        }
        .into_any(),
        TargetKind::Webhook => view! {
            {url("Each delivery is signed; the secret is made with the trigger and shown once.", "https://ci.example.org/hooks/kubestats")}
            {headers()}
        }
        .into_any(),
        TargetKind::Flux => url("The Receiver’s address: the notification controller’s, followed by the path in its status.", "https://flux.example.org/hook/…").into_any(),
        TargetKind::GithubDispatch => view! {
            {api("https://api.github.com")}
            <Line name="project" label="Repository (optional)" value=form.project.clone() looked placeholder="owner/name" hint="Whose workflows start; the event’s own repository if empty." />
            <Line name="event_type" label="Event type" value=form.event_type.clone() looked placeholder="kubestats" hint="What workflows wait for: on.repository_dispatch.types." />
        }
        .into_any(),
        TargetKind::GitlabPipeline => view! {
            {api("https://gitlab.com/api/v4")}
            <Line name="project" label="Project (optional)" value=form.project.clone() looked placeholder="group/project" hint="Its path or number; the event’s own repository if empty." />
            <Line name="reference" label="Branch or tag (optional)" value=form.reference.clone() looked placeholder="main" hint="What the pipeline runs for; the event’s own branch if empty." />
        }
        .into_any(),
        TargetKind::Command => ().into_any(),
    };
    view! { <fieldset class="trigger-part"><legend>"Tells: " {kind_word(kind)}</legend>{inner}</fieldset> }.into_any()
}

const EVENTS: [(BranchEventKind, &str); 4] = [
    (BranchEventKind::BranchCreated, "a branch is created"),
    (BranchEventKind::BranchUpdated, "a branch is pushed to"),
    (BranchEventKind::BranchDeleted, "a branch is deleted"),
    (BranchEventKind::TektonDetected, "a commit brings Tekton resources"),
];

fn condition(form: &TriggerForm, looked: Looked) -> AnyView {
    let events = EVENTS.map(|(kind, label)| {
        let checked = form.events.iter().any(|event| event == kind.as_str());
        view! {
            <label class="choice">
                <input type="checkbox" name="form[events][]" value=kind.as_str() checked=checked />
                <span>{label}</span>
            </label>
        }
    });
    let wrong_events =
        move || looked.with(|looked| looked.error("events")).map(|wrong| view! { <p class="field-error">{wrong}</p> });
    let tekton = [("", "does not matter"), ("true", "brings some"), ("false", "brings none")];
    let tekton =
        tekton.map(|(value, label)| view! { <option value=value selected={form.tekton == value}>{label}</option> });
    view! {
        <fieldset class="trigger-part">
            <legend>"When"</legend>
            <p class="field-hint">"All that is filled in has to be met. What is left empty does not matter."</p>
            <Line name="repositories" label="Repositories" value=form.repositories.clone() looked rows=2 placeholder="owner/*" hint="Full names or patterns, one on each line; one of them has to match." />
            <Line name="branches" label="Branches" value=form.branches.clone() looked placeholder="^(main|release/.*)$" hint="A regular expression that matches somewhere in the name." />
            <fieldset class="choices">
                <legend>"Events"</legend>
                {events.collect_view()}
                {wrong_events}
                <p class="field-hint">"Changes of branches if none is ticked."</p>
            </fieldset>
            <Line name="paths" label="Paths" value=form.paths.clone() looked rows=2 placeholder="clusters/**" hint="Patterns, one on each line; a changed file has to match one." />
            <label class="field-inline trigger-select"><span class="field-label">"Tekton: the commit"</span><select name="form[tekton]">{tekton.collect_view()}</select></label>
            <Line name="expression" label="Expression (CEL)" value=form.expression.clone() looked rows=2 placeholder="branch.startsWith('release/') && !forced" hint="Has to be true, where one is written." />
        </fieldset>
    }
    .into_any()
}

fn pace(form: &TriggerForm, looked: Looked) -> AnyView {
    // What is wrong is seen, and nothing closes over somebody's typing once it is mended.
    let is_open = Memo::new(move |was: Option<&bool>| {
        let is_wrong = looked.with(|looked| looked.is_wrong(&["timeout", "waits"]));
        is_wrong || was.copied().unwrap_or(false)
    });
    view! {
        <details class="disclosure" open=move || is_open.get()>
            <summary>"Attempts"</summary>
            <div class="trigger-part">
                <Line name="timeout" label="An attempt may take" value=form.timeout.clone() looked placeholder="10s" hint="From 500ms to 60s." />
                <Line name="waits" label="After a failed one, again after" value=form.waits.clone() looked placeholder="5s 1m 5m 30m 2h 5h 10h" hint="One wait for each further attempt; after the last one it is given up. Empty for one attempt alone." />
            </div>
        </details>
    }
    .into_any()
}

fn switch(form: &TriggerForm) -> AnyView {
    let is_on = form.is_enabled == "on";
    view! {
        <label class="choice">
            <input type="checkbox" name="form[is_enabled]" value="on" checked=is_on />
            <span>"On " <span class="quiet">"Off, it tells nothing; you can switch it on once you have tried it."</span></span>
        </label>
    }
    .into_any()
}
