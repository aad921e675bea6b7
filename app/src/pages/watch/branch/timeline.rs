//! What happened to a branch and what followed from each: who was to be told and why, what was sent, and what came of it.

use entity::kind::{BranchEventState, ClauseKind, DeliveryState, RunState};
use entity::view::{BranchEvent, Clause, CommitSummary, CommitWords, DeliveryProgress, Timestamp, Verdict};
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
fn followed(event: &BranchEvent, deliveries: Vec<DeliveryProgress>, now: Timestamp) -> AnyView {
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
    // Those that match are what somebody looks for; where none does, why not is.
    let (met, others): (Vec<&Verdict>, Vec<&Verdict>) = event.verdicts.iter().partition(|verdict| verdict.is_match);
    let others = (!others.is_empty()).then(|| not_met(&others, met.is_empty()));
    let lines = met.into_iter().map(|verdict| line(verdict, of(verdict), now)).collect_view();
    view! { <ul class="verdicts" aria-label="Triggers">{lines} {others}</ul> }.into_any()
}

/// A trigger whose condition the event meets: what it was told, and why.
fn line(verdict: &Verdict, delivery: Option<DeliveryProgress>, now: Timestamp) -> AnyView {
    let mut facts = Vec::new();
    let mut quiet = |text: &'static str| facts.push(view! { <span class="quiet">{text}</span> }.into_any());
    if verdict.is_repeated {
        quiet("told before, when the branch stood at the same commit");
    }
    match (verdict.delivery_id, &delivery) {
        (None, _) => quiet("there is nothing to tell of it"),
        (Some(_), None) => quiet("the delivery is no longer kept"),
        (Some(_), Some(_)) => {}
    }
    let mut below = Vec::new();
    if let Some(delivery) = delivery {
        sent(&delivery, now, &mut facts);
        let error = delivery.error.filter(|_| delivery.state != DeliveryState::Delivered);
        below.extend(error.map(|error| view! { <p class="field-error">{error}</p> }.into_any()));
        below.extend(delivery.run_state.map(|state| run(state, delivery.run_name, delivery.run_at, now)));
    }
    below.extend(clauses(&verdict.clauses));
    view! {
        <li class="verdict">
            <Icon glyph=Glyph::Check />
            <div class="verdict-body">
                <p class="facts">
                    <a class="verdict-name" href=trigger_href(verdict.trigger_id)>{verdict.trigger_name.clone()}</a>
                    <span class="sr-only">"matches"</span>
                    {facts}
                </p>
                {below}
            </div>
        </li>
    }
    .into_any()
}

/// Triggers whose condition the event does not meet, each with the first part of it that is not met.
fn not_met(verdicts: &[&Verdict], is_open: bool) -> AnyView {
    let count = i64::try_from(verdicts.len()).unwrap_or(i64::MAX);
    let line = |verdict: &&Verdict| {
        let missed = verdict.clauses.iter().find(|clause| !clause.is_match).map(words);
        let name = verdict.trigger_name.clone();
        view! { <li><a class="verdict-name" href=trigger_href(verdict.trigger_id)>{name}</a> " " {missed}</li> }
            .into_any()
    };
    let lines = verdicts.iter().map(line).collect_view();
    view! {
        <li class="verdict not-met">
            <Icon glyph=Glyph::Minus />
            <details class="disclosure small" open=is_open>
                <summary>{counted(count, "trigger does not match", "triggers do not match")}</summary>
                <ul class="clauses">{lines}</ul>
            </details>
        </li>
    }
    .into_any()
}

/// A part of a condition as people read it, with what it came to.
fn words(clause: &Clause) -> String {
    let word = match clause.kind {
        ClauseKind::Event => "Event",
        ClauseKind::Repository => "Repository",
        ClauseKind::Branch => "Branch",
        ClauseKind::Paths => "Paths",
        ClauseKind::Tekton => "Tekton",
        ClauseKind::Expression => "Expression",
    };
    format!("{word}: {}", clause.why)
}

/// Every part of a condition that is met.
fn clauses(clauses: &[Clause]) -> Option<AnyView> {
    if clauses.is_empty() {
        return None;
    }
    let count = i64::try_from(clauses.len()).unwrap_or(i64::MAX);
    let rows = clauses.iter().map(|clause| view! { <li>{words(clause)}</li> }).collect_view();
    Some(
        view! {
            <details class="disclosure small">
                <summary>{counted(count, "condition is met", "conditions are met")}</summary>
                <ul class="clauses">{rows}</ul>
            </details>
        }
        .into_any(),
    )
}

/// A delivery: how far it is, what the target answered, and where there is more of it.
fn sent(delivery: &DeliveryProgress, now: Timestamp, facts: &mut Vec<AnyView>) {
    facts.push(delivery_badge(delivery.state));
    // One attempt is what is expected.
    if delivery.attempts > 1 || (delivery.attempts == 1 && delivery.state != DeliveryState::Delivered) {
        let attempts = counted(delivery.attempts.into(), "attempt", "attempts");
        facts.push(view! { <span class="quiet">{attempts}</span> }.into_any());
    }
    if let Some(status) = delivery.status {
        let text = format!("answered {status}");
        facts.push(view! { <span class="quiet">{text}</span> }.into_any());
    }
    if let Some(id) = delivery.answer_id.clone() {
        let short: String = id.chars().take(40).collect();
        let whole = (short.len() < id.len()).then_some(id);
        facts.push(view! { <span class="fact"><span class="quiet">"as "</span> <code class="path" title=whole>{short}</code></span> }.into_any());
    }
    if let Some(time) = delivery.next_try_at.filter(|_| !delivery.state.is_finished()) {
        facts.push(
            view! { <span class="fact"><span class="quiet">"next try "</span> <TimeAgo time now /></span> }.into_any(),
        );
    }
    if let Some(time) = delivery.finished_at {
        facts.push(view! { <TimeAgo time now /> }.into_any());
    }
    facts.push(view! { <a href=delivery_href(delivery.id)>"See the delivery"</a> }.into_any());
}

/// What the target said of the run that it began.
fn run(state: RunState, name: Option<String>, at: Option<Timestamp>, now: Timestamp) -> AnyView {
    let state = run_badge(state);
    let name = name.map(|name| view! { <code class="path">{name}</code> });
    let at = at.map(|time| view! { <TimeAgo time now /> });
    view! { <p class="facts"><span class="fact"><span class="quiet">"run "</span> {state}</span> {name} {at}</p> }
        .into_any()
}
