//! What happened to a branch and what followed from each: who was to be told and why, what was sent, and what came of it.

use entity::kind::{BranchEventState, ClauseKind, DeliveryState};
use entity::view::{BranchEvent, Clause, CommitSummary, CommitWords, Delivery, Timestamp, Verdict};
use leptos::prelude::*;
use uuid::Uuid;

use super::super::list::forced_tag;
use super::data::Entry;
use super::tekton;
use crate::components::{Glyph, Icon, TimeAgo, commit_href, counted};
use crate::pages::branches::{happened_badge, noticed_words, state_badge, step};
use crate::pages::commits::commit_counts;
use crate::pages::triggers::{delivery_badge, delivery_href, run_badge, trigger_href};

/// The events in the order given; `chosen` is the one that the address names.
pub(super) fn view(entries: Vec<Entry>, chosen: Option<&str>, now: Timestamp) -> AnyView {
    let items = entries.into_iter().map(|entry| item(entry, chosen, now)).collect_view();
    view! { <ol class="happenings">{items}</ol> }.into_any()
}

fn item(entry: Entry, chosen: Option<&str>, now: Timestamp) -> AnyView {
    let Entry { event, compare_url, commit, words, others, more, deliveries } = entry;
    let id = event.id.to_string();
    let is_chosen = chosen == Some(id.as_str());
    let (by, how) = noticed_words(event.noticed_by);
    let forced = (event.is_forced == Some(true)).then(forced_tag);
    let error = event.error.clone().map(|error| view! { <p class="field-error">{error}</p> });
    let followed = followed(&event, deliveries, now);
    let said = commit.map(changed).or_else(|| words.map(|words| commit_line(event.repository_id, words, None)));
    let others = others.into_iter().map(changed).collect_view();
    let more = (more > 0).then(|| more_commits(more, compare_url.clone()));
    let found = event.tekton.map(tekton::view);
    view! {
        <li class="happening" id=id aria-current=is_chosen.then_some("true")>
            <div class="happening-head">
                {happened_badge(event.kind)}
                {step(event.old_commit.as_deref(), event.new_commit.as_deref(), compare_url)} {forced}
                <span class="quiet" title=how>"noticed by " {by}</span>
                {state_badge(event.state)}
                <TimeAgo time=event.noticed_at now />
            </div>
            {error}
            {said}
            {others}
            {more}
            {found}
            {followed}
        </li>
    }
    .into_any()
}

/// The new commit where it changed resources that are read here: which sorts of change, and how many.
fn changed(commit: CommitSummary) -> AnyView {
    let counts = view! { <span class="commit-counts">{commit_counts(&commit)}</span> }.into_any();
    let CommitSummary { repository_id, sha, author_name, subject, .. } = commit;
    commit_line(repository_id, CommitWords { sha, author_name, subject }, Some(counts))
}

/// What a commit says of itself, with what it changed where that is known.
fn commit_line(repository_id: Uuid, words: CommitWords, counts: Option<AnyView>) -> AnyView {
    let href = commit_href(repository_id, &words.sha);
    let subject = if words.subject.is_empty() { "(no subject)".to_owned() } else { words.subject };
    view! {
        <p class="happening-commit">
            <Icon glyph=Glyph::Commit />
            <a class="happening-subject" href=href title=subject.clone()>{subject.clone()}</a>
            <span class="quiet">{words.author_name}</span>
            {counts}
        </p>
    }
    .into_any()
}

/// Commits of a push that are not shown, with the way to all of them where there is one.
fn more_commits(count: i64, compare_url: Option<String>) -> AnyView {
    let text = counted(count, "more commit", "more commits");
    let text = match compare_url {
        Some(href) => view! { <a href=href rel="noopener external">{text}</a> }.into_any(),
        None => view! { <span class="quiet">{text}</span> }.into_any(),
    };
    view! { <p class="happening-commit">{text}</p> }.into_any()
}

/// Who was to be told, and what came of it; or why nobody was yet.
fn followed(event: &BranchEvent, deliveries: Vec<Delivery>, now: Timestamp) -> AnyView {
    if event.verdicts.is_empty() {
        let text = match (event.processed_at.is_some(), event.state) {
            (true, BranchEventState::Failed) => "Which triggers it meets could not be found out.",
            (true, _) => "No trigger was on then.",
            (false, BranchEventState::Retrying) => "Which triggers it meets is found out once its commit can be read.",
            (false, _) => "Which triggers it meets is found out within seconds.",
        };
        return view! { <p class="quiet happening-none">{text}</p> }.into_any();
    }
    let of = |verdict: &Verdict| {
        verdict.delivery_id.and_then(|id| deliveries.iter().find(|delivery| delivery.id == id).cloned())
    };
    // Those that match first: they are what somebody looks for.
    let (met, others): (Vec<&Verdict>, Vec<&Verdict>) = event.verdicts.iter().partition(|verdict| verdict.is_match);
    let lines = met.into_iter().chain(others).map(|verdict| line(verdict, of(verdict), now)).collect_view();
    view! { <ul class="verdicts" aria-label="Triggers">{lines}</ul> }.into_any()
}

fn line(verdict: &Verdict, delivery: Option<Delivery>, now: Timestamp) -> AnyView {
    let name = verdict.trigger_name.clone();
    let (glyph, class, word) = match verdict.is_match {
        true => (Glyph::Check, "verdict", "matches"),
        false => (Glyph::Minus, "verdict not-met", "does not match"),
    };
    let missed = verdict.clauses.iter().find(|clause| !clause.is_match);
    let why = missed.map(|clause| {
        view! { <span class="quiet"><strong>{clause_word(clause.kind)}</strong> ": " {clause.why.clone()}</span> }
    });
    let repeated = verdict.is_repeated.then(|| {
        view! { <span class="quiet">"told before, when the branch stood at the same commit"</span> }
    });
    let none = (verdict.is_match && verdict.delivery_id.is_none())
        .then(|| view! { <span class="quiet">"there is nothing to tell of it"</span> });
    let lost = (verdict.delivery_id.is_some() && delivery.is_none())
        .then(|| view! { <span class="quiet">"the delivery is no longer kept"</span> });
    view! {
        <li class=class>
            <Icon glyph />
            <div class="verdict-body">
                <p class="verdict-head">
                    <a class="verdict-name" href=trigger_href(verdict.trigger_id)>{name}</a>
                    <span class="sr-only">{word}</span>
                    {why} {repeated} {none} {lost}
                </p>
                {delivery.map(|delivery| sent(delivery, now))}
                {clauses(&verdict.clauses)}
            </div>
        </li>
    }
    .into_any()
}

/// A part of a condition as people read it.
const fn clause_word(kind: ClauseKind) -> &'static str {
    match kind {
        ClauseKind::Event => "Event",
        ClauseKind::Repository => "Repository",
        ClauseKind::Branch => "Branch",
        ClauseKind::Paths => "Paths",
        ClauseKind::Tekton => "Tekton",
        ClauseKind::Expression => "Expression",
    }
}

/// Every part of the condition that was held against the event.
fn clauses(clauses: &[Clause]) -> Option<AnyView> {
    if clauses.is_empty() {
        return None;
    }
    let met = clauses.iter().filter(|clause| clause.is_match).count();
    let met = i64::try_from(met).unwrap_or(i64::MAX);
    let rows = clauses
        .iter()
        .map(|clause| {
            let (glyph, word) = if clause.is_match { (Glyph::Check, "met: ") } else { (Glyph::Minus, "not met: ") };
            view! {
                <li>
                    <Icon glyph /> <span class="sr-only">{word}</span>
                    <strong>{clause_word(clause.kind)}</strong> " " {clause.why.clone()}
                </li>
            }
        })
        .collect_view();
    Some(
        view! {
            <details class="disclosure small">
                <summary>{counted(met, "condition is met", "conditions are met")}</summary>
                <ul class="clauses">{rows}</ul>
            </details>
        }
        .into_any(),
    )
}

/// A delivery: how far it is, what the target answered, and what became of what that began.
fn sent(delivery: Delivery, now: Timestamp) -> AnyView {
    let attempts = (delivery.attempts > 0)
        .then(|| view! { <span class="quiet">{counted(delivery.attempts.into(), "attempt", "attempts")}</span> });
    let answered = delivery
        .status
        .map(|status| view! { <span class="fact"><span class="quiet">"answered "</span> <code>{status}</code></span> });
    let called = delivery.answer_id.clone().map(|id| {
        let short: String = id.chars().take(40).collect();
        view! { <span class="fact"><span class="quiet">"as "</span> <code class="path" title=id>{short}</code></span> }
    });
    let next = delivery
        .next_try_at
        .filter(|_| !delivery.state.is_finished())
        .map(|time| view! { <span class="fact"><span class="quiet">"next try "</span> <TimeAgo time now /></span> });
    let finished = delivery.finished_at.map(|time| view! { <TimeAgo time now /> });
    let failed = delivery
        .error
        .clone()
        .filter(|_| delivery.state != DeliveryState::Delivered)
        .map(|error| view! { <p class="field-error">{error}</p> });
    view! {
        <div class="verdict-sent">
            <p class="facts">
                {delivery_badge(delivery.state)} {attempts} {answered} {called} {next} {finished}
                <a href=delivery_href(delivery.id)>"See the delivery"</a>
            </p>
            {failed}
            {run(&delivery, now)}
        </div>
    }
    .into_any()
}

/// What the target said of the run that it began.
fn run(delivery: &Delivery, now: Timestamp) -> Option<AnyView> {
    let state = run_badge(delivery.run_state?);
    let name = delivery.run_name.clone().map(|name| view! { <code class="path">{name}</code> });
    let at = delivery.run_at.map(|time| view! { <TimeAgo time now /> });
    Some(
        view! { <p class="facts"><span class="fact"><span class="quiet">"run "</span> {state}</span> {name} {at}</p> }
            .into_any(),
    )
}
