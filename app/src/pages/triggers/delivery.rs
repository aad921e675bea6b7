use entity::kind::{DeliveryState, Permission};
use entity::view::{Delivery, MASK, SentRequest, Timestamp};
use leptos::prelude::*;
use leptos_router::params::ParamsMap;

use super::act::ReplayDelivery;
use super::data::{AttemptRow, DeliveryData, find_delivery};
use super::parts::{branch, commit, kind_word, run_badge, state_badge, trigger_href};
use super::{load, show};
use crate::components::{
    ActForm, Breadcrumb, CopyButton, Crumb, EmptyState, Glyph, PageHead, PageUrl, Section, SkeletonBlock, SkeletonRows,
    TimeAgo, exact, number_text, short_sha, status,
};
use crate::live::Live;
use crate::pages::branches::happened_badge;
use crate::pages::outcome::outcome;
use crate::viewer::may;

/// `/deliveries/{id}`
#[component]
pub fn OneDelivery() -> impl IntoView {
    let page = load(|path, query| find_delivery(path.get("id").unwrap_or_default(), query), concerns);
    show(page, "The delivery", skeleton, view)
}

fn concerns(path: &ParamsMap, live: &Live) -> bool {
    match live {
        // What is told of many at once names none.
        Live::Trigger { delivery_id, .. } => delivery_id.as_deref().is_none_or(|id| path.get_str("id") == Some(id)),
        _ => false,
    }
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=8 />
    }
    .into_any()
}

fn view(data: DeliveryData, _: PageUrl) -> AnyView {
    let DeliveryData { now, delivery, is_on, attempts, next, sees_all, outcome: told } = data;
    let title = format!("{} {}", delivery.branch_name, short_sha(&delivery.commit));
    let crumbs = vec![
        Crumb::link("Triggers", "/triggers"),
        Crumb::link(delivery.trigger_name.clone(), trigger_href(delivery.trigger_id)),
        Crumb::here(title.clone()),
    ];
    let facts = view! {
        {state_badge(delivery.state)}
        {branch(&delivery)}
        {happened_badge(delivery.kind)}
        {commit(&delivery)}
        <span class="quiet">"made " <TimeAgo time=delivery.created_at now /></span>
    };
    let replay = (may(Permission::ManagePipelines) && delivery.state.may_be_replayed()).then(|| {
        let action = ServerAction::<ReplayDelivery>::new();
        let title = if is_on { "Sends it once more, by the same id" } else { "It goes out once its trigger is on" };
        let word = if delivery.state.is_finished() { "Replay" } else { "Try now" };
        view! {
            <ActForm action>
                <input type="hidden" name="delivery_id" value=delivery.id.to_string() />
                <button type="submit" class="button" title=title>{word}</button>
            </ActForm>
        }
    });
    view! {
        <Breadcrumb crumbs />
        <PageHead title facts=facts.into_any()>{replay}</PageHead>
        {outcome(told)}
        {state(&delivery, next, now)}
        {list(attempts, sees_all, now)}
    }
    .into_any()
}

fn state(delivery: &Delivery, next: String, now: Timestamp) -> AnyView {
    let next_try = delivery.next_try_at.filter(|_| delivery.state == DeliveryState::Retrying);
    let next_try = next_try.map(|at| view! { <div><dt>"Next try"</dt><dd><TimeAgo time=at now /></dd></div> });
    let error = delivery.error.clone().filter(|_| delivery.state != DeliveryState::Delivered);
    let error = error.map(|why| view! { <div><dt>"Why it failed"</dt><dd class="wrap">{why}</dd></div> });
    let answer_id = delivery.answer_id.clone().map(|id| {
        let name = match delivery.target_kind {
            entity::kind::TargetKind::Tekton => "Tekton’s event ID",
            _ => "The target’s id",
        };
        view! { <div><dt>{name}</dt><dd class="secret"><code>{id.clone()}</code> <CopyButton text=id what="id" /></dd></div> }
    });
    view! {
        <dl class="about-list" aria-live="polite">
            <div><dt>"Now"</dt><dd>{next}</dd></div>
            {next_try}
            {error}
            <div><dt>"Trigger"</dt><dd><a href=trigger_href(delivery.trigger_id)>{delivery.trigger_name.clone()}</a> " " <span class="quiet">{kind_word(delivery.target_kind)}</span></dd></div>
            <div><dt>"Id"</dt><dd class="secret"><code>{delivery.id.to_string()}</code> <CopyButton text=delivery.id.to_string() what="id" /></dd></div>
            {answer_id}
            {run(delivery, now)}
        </dl>
    }
    .into_any()
}

/// How far what it began got, where the target told.
fn run(delivery: &Delivery, now: Timestamp) -> Option<AnyView> {
    let state = run_badge(delivery.run_state?);
    let name = delivery.run_name.clone().map(|name| view! { " " <code>{name}</code> });
    let at = delivery.run_at.map(|at| view! { " " <span class="quiet"><TimeAgo time=at now /></span> });
    Some(view! { <div><dt>"Run"</dt><dd>{state} {name} {at}</dd></div> }.into_any())
}

fn list(attempts: Vec<AttemptRow>, sees_all: bool, now: Timestamp) -> AnyView {
    let none = attempts.is_empty();
    let hidden = (!sees_all && !none).then(|| {
        view! { <p class="quiet">"Requests and answers are shown to those who may manage pipelines."</p> }
    });
    let inner = if none {
        view! { <EmptyState title="No attempt yet"><p>"The first one shows here by itself."</p></EmptyState> }
            .into_any()
    } else {
        let rows = attempts.into_iter().enumerate().map(|(place, row)| attempt(row, place == 0, now)).collect_view();
        view! { <ol class="attempts" reversed=true>{rows}</ol> }.into_any()
    };
    view! { <Section title="Attempts">{hidden}{inner}</Section> }.into_any()
}

fn attempt(row: AttemptRow, is_last: bool, now: Timestamp) -> AnyView {
    let AttemptRow { attempt, curl } = row;
    let went = match (&attempt.error, attempt.status) {
        (Some(_), _) => status("bad", Glyph::Failed, "Failed"),
        (None, _) => status("good", Glyph::Check, "Arrived"),
    };
    let answered = attempt.status.map(|code| view! { <span class="num">"status " {code.to_string()}</span> });
    let took = format!("{} ms", number_text(attempt.duration_ms));
    let why = attempt.error.map(|why| view! { <p class="wrap">{why}</p> });
    let next = attempt.next_try_at.map(|at| {
        view! { <p class="quiet">"Next try: " <span title=exact(at)><TimeAgo time=at now /></span></p> }
    });
    let sent = attempt.request.map(|request| sent(request, curl, is_last));
    let answer = attempt.answer.filter(|answer| !answer.is_empty()).map(|answer| {
        view! {
            <details class="disclosure small" open=is_last>
                <summary>"Answer"</summary>
                <pre class="snippet wrap" tabindex="0"><code>{answer}</code></pre>
            </details>
        }
    });
    view! {
        <li class="attempt">
            <div class="facts">
                <strong>"Attempt " {number_text(i64::from(attempt.number))}</strong>
                {went}
                {answered}
                <span class="num quiet">{took}</span>
                <span class="quiet"><TimeAgo time=attempt.started_at now /></span>
            </div>
            {why}
            {next}
            {sent}
            {answer}
        </li>
    }
    .into_any()
}

fn sent(request: SentRequest, curl: Option<String>, is_open: bool) -> AnyView {
    let SentRequest { method, url, headers, body } = request;
    let headers = headers
        .into_iter()
        .map(|(name, value)| view! { <div><dt>{name}</dt><dd class="wrap">{value}</dd></div> })
        .collect_view();
    // What is hidden in a body was signed as well.
    let is_cut = body.contains(MASK);
    let body = (!body.is_empty()).then(|| {
        let text = body.clone();
        view! {
            <div class="attempt-body">
                <pre class="snippet wrap" tabindex="0"><code>{text}</code></pre>
                <CopyButton text=body what="body" />
            </div>
        }
    });
    let title = match is_cut {
        true => "What must not be shown is left as <secret> in it, in its body too: a signature does not fit that",
        false => "Secrets are left as <secret> in it",
    };
    let curl = curl.map(|command| {
        view! {
            <button type="button" class="button small needs-script" data-copy=command title=title>
                "Copy as curl"
            </button>
        }
    });
    view! {
        <details class="disclosure small" open=is_open>
            <summary>"Request"</summary>
            <p class="attempt-line"><code class="wrap">{method} " " {url}</code> {curl}</p>
            <dl class="about-list mono">{headers}</dl>
            {body}
        </details>
    }
    .into_any()
}
