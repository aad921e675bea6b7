//! What several of these pages show.

use entity::kind::{DeliveryState, RunState, TargetKind};
use entity::view::{Delivery, Timestamp};
use leptos::prelude::*;
use uuid::Uuid;

use super::data::TriggerRow;
use crate::components::{
    Glyph, Icon, Table, TimeAgo, branch_href, commit_href, counted, number_text, repository_href, short_sha, status,
    status_about,
};
use crate::pages::branches::happened_badge;

/// From so many failures of 100 attempts on a target is worth a word.
pub(super) const WORTH_A_WORD: u8 = 50;

pub(in crate::pages) fn trigger_href(id: Uuid) -> String {
    format!("/triggers/{id}")
}

pub(in crate::pages) fn delivery_href(id: Uuid) -> String {
    format!("/deliveries/{id}")
}

/// What a kind of target is called.
pub(super) const fn kind_word(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Tekton => "Tekton EventListener",
        TargetKind::Webhook => "Webhook",
        TargetKind::Flux => "Flux Receiver",
        TargetKind::GithubDispatch => "GitHub dispatch",
        TargetKind::GitlabPipeline => "GitLab pipeline",
        TargetKind::Command => "Command",
    }
}

/// How far a delivery is.
pub(super) const fn state_word(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Behind => "Behind another",
        DeliveryState::Pending => "Next",
        DeliveryState::Sending => "Sending",
        DeliveryState::Retrying => "Retrying",
        DeliveryState::Delivered => "Delivered",
        DeliveryState::Failed => "Failed",
    }
}

/// The same as icon and word.
pub(in crate::pages) fn state_badge(state: DeliveryState) -> AnyView {
    let (tone, glyph) = match state {
        DeliveryState::Behind | DeliveryState::Pending => ("idle", Glyph::Clock),
        DeliveryState::Sending => ("busy", Glyph::Busy),
        DeliveryState::Retrying => ("warn", Glyph::Sync),
        DeliveryState::Delivered => ("good", Glyph::Check),
        DeliveryState::Failed => ("bad", Glyph::Failed),
    };
    status(tone, glyph, state_word(state))
}

/// What became of the run that a delivery began, as icon and word.
pub(in crate::pages) fn run_badge(state: RunState) -> AnyView {
    match state {
        RunState::Started => status("busy", Glyph::Busy, "Started"),
        RunState::Succeeded => status("good", Glyph::Check, "Succeeded"),
        RunState::Failed => status("bad", Glyph::Failed, "Failed"),
    }
}

/// Where a trigger comes from, if nobody made it here.
pub(super) fn origin(trigger: &TriggerRow) -> Option<AnyView> {
    let (word, title) = match (trigger.is_configured, trigger.is_left) {
        (true, _) => ("configured", "Written in the configuration, which alone changes it"),
        (_, true) => ("no longer configured", "The configuration names it no more; it is off, and can be deleted"),
        _ => return None,
    };
    Some(view! { <span class="tag" title=title>{word}</span> }.into_any())
}

/// Whether a trigger is on.
pub(super) fn switch_badge(trigger: &TriggerRow) -> AnyView {
    match (trigger.is_enabled, trigger.why_off.is_some()) {
        (true, _) => status("good", Glyph::Check, "On"),
        (false, true) => status("bad", Glyph::Blocked, "Off by itself"),
        (false, false) => status("idle", Glyph::Blocked, "Off"),
    }
}

/// What is wrong with a trigger's target, as far as its attempts tell.
pub(super) fn warning(trigger: &TriggerRow) -> Option<AnyView> {
    let failing = trigger.failing?;
    let (is_bad, word) = failing_word(failing)?;
    let (tone, glyph) = if is_bad { ("bad", Glyph::Failed) } else { ("warn", Glyph::Warning) };
    let title = format!("{failing} % of the attempts of the last 3 days failed");
    Some(status_about(tone, glyph, word.to_owned(), Some(title)))
}

/// What so many failures of 100 attempts are called, and whether that is bad; nothing where it is not worth a word.
const fn failing_word(failing: u8) -> Option<(bool, &'static str)> {
    match failing {
        100.. => Some((true, "every attempt fails")),
        90.. => Some((true, "9 of 10 attempts fail")),
        70.. => Some((false, "7 of 10 attempts fail")),
        WORTH_A_WORD.. => Some((false, "half of the attempts fail")),
        _ => None,
    }
}

/// Deliveries of the last days: a bar a day, what arrived above the line, what was given up below it.
pub(super) fn spark(days: &[(i64, i64)]) -> AnyView {
    const WIDTH: usize = 4;
    const HALF: i64 = 100;
    let most = days.iter().map(|(delivered, failed)| delivered.max(failed)).max().copied().unwrap_or(0).max(1);
    let (mut above, mut below) = (String::new(), String::new());
    for (place, (delivered, failed)) in days.iter().enumerate() {
        // What is there is seen, however little it is beside the most.
        let height = |value: i64| (value * HALF / most).max(6);
        let x = place * WIDTH;
        if *delivered > 0 {
            let height = height(*delivered);
            above.push_str(&format!("M{x} {}h3v{height}h-3z", HALF - height));
        }
        if *failed > 0 {
            below.push_str(&format!("M{x} {HALF}h3v{}h-3z", height(*failed)));
        }
    }
    let sum = |of: fn(&(i64, i64)) -> i64| days.iter().map(of).sum::<i64>();
    let label = format!(
        "{} delivered and {} failed in {} days",
        number_text(sum(|day| day.0)),
        number_text(sum(|day| day.1)),
        days.len()
    );
    view! {
        <svg class="spark-days" viewBox=format!("0 0 {} {}", days.len() * WIDTH, 2 * HALF) preserveAspectRatio="none" role="img" aria-label=label>
            <path class="spark-line" d=format!("M0 {HALF}h{}", days.len() * WIDTH) />
            <path data-tone="good" d=above />
            <path data-tone="bad" d=below />
        </svg>
    }
    .into_any()
}

/// How many deliveries arrived, of those that ended.
pub(super) fn success_text(trigger: &TriggerRow) -> String {
    trigger.success.map_or_else(|| "–".to_owned(), |success| format!("{success} %"))
}

/// Deliveries as rows.
pub(super) fn deliveries(rows: Vec<Delivery>, now: Timestamp) -> AnyView {
    let rows = rows.into_iter().map(|delivery| delivery_row(delivery, now)).collect_view();
    view! {
        <Table caption="Deliveries">
            <thead>
                <tr>
                    <th scope="col">"State"</th>
                    <th scope="col">"Branch"</th>
                    <th scope="col">"Event"</th>
                    <th scope="col">"Commit"</th>
                    <th scope="col" class="num">"Attempts"</th>
                    <th scope="col">"Answer"</th>
                    <th scope="col">"Made"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

fn delivery_row(delivery: Delivery, now: Timestamp) -> AnyView {
    let next = delivery.next_try_at.filter(|_| delivery.state == DeliveryState::Retrying);
    let next = next.map(|at| view! { " " <span class="quiet">"again " <TimeAgo time=at now /></span> });
    let answer = match (delivery.status, &delivery.error) {
        (_, Some(error)) => view! { <span class="cut" title=error.clone()>{error.clone()}</span> }.into_any(),
        (Some(status), None) => view! { <span class="num">{status.to_string()}</span> }.into_any(),
        (None, None) => view! { <span class="quiet">"–"</span> }.into_any(),
    };
    let name = format!("{} · {}", delivery.repository_full_name, delivery.branch_name);
    view! {
        <tr>
            <td data-label="State">{state_badge(delivery.state)} {next}</td>
            <th scope="row" class="row-link" data-label="Branch">
                <a href=delivery_href(delivery.id) title=name>
                    <span class="quiet">{delivery.repository_full_name.clone()} " "</span> {delivery.branch_name.clone()}
                </a>
            </th>
            <td data-label="Event">{happened_badge(delivery.kind)}</td>
            <td data-label="Commit">{commit(&delivery)}</td>
            <td data-label="Attempts" class="num">{number_text(i64::from(delivery.attempts))}</td>
            <td data-label="Answer">{answer}</td>
            <td data-label="Made"><TimeAgo time=delivery.created_at now /></td>
        </tr>
    }
    .into_any()
}

/// A delivery's commit, which leads to what it did.
pub(super) fn commit(delivery: &Delivery) -> AnyView {
    let href = commit_href(delivery.repository_id, &delivery.commit);
    view! { <a class="sha" href=href>{short_sha(&delivery.commit)}</a> }.into_any()
}

/// A delivery's repository and branch.
pub(super) fn branch(delivery: &Delivery) -> AnyView {
    view! {
        <a href=repository_href(delivery.repository_id)>{delivery.repository_full_name.clone()}</a>
        <a href=branch_href(delivery.branch_id)><Icon glyph=Glyph::Branch /> {delivery.branch_name.clone()}</a>
    }
    .into_any()
}

/// Failures in a row, where there are so many that one attempt goes out at a time.
pub(super) fn in_row(trigger: &TriggerRow) -> Option<String> {
    trigger.is_held_back.then(|| {
        let many = counted(trigger.failures_in_row, "failure", "failures");
        format!("{many} in a row: one attempt goes out at a time until one arrives.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_warned_of_in_four_steps() {
        let words = |failing: &[u8]| failing.iter().map(|failing| failing_word(*failing)).collect::<Vec<_>>();
        assert_eq!(words(&[0, 49]), [None; 2]);
        assert_eq!(words(&[50, 69]), [Some((false, "half of the attempts fail")); 2]);
        assert_eq!(words(&[70, 89]), [Some((false, "7 of 10 attempts fail")); 2]);
        assert_eq!(words(&[90, 99]), [Some((true, "9 of 10 attempts fail")); 2]);
        assert_eq!(words(&[100]), [Some((true, "every attempt fails"))]);
    }
}
