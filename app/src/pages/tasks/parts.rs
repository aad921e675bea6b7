//! The tables of the page of tasks.

use entity::kind::Permission;
use entity::view::{DiskUse, ForgeBudget, QueueDepth, Schedule, Timestamp, Worker};
use leptos::form::ActionForm;
use leptos::prelude::*;

use super::Trigger;
use crate::components::{
    EmptyState, Glyph, JobLine, JobStateBadge, MaybeTimeAgo, Number, Progress, Section, Table, TimeAgo, bytes_text,
    counted, number_text, status,
};
use crate::viewer::may;

/// The processes and what each does now.
pub(super) fn workers(workers: Vec<Worker>, now: Timestamp) -> AnyView {
    if workers.is_empty() {
        return view! {
            <Section title="Workers">
                <EmptyState title="No process says that it works">
                    <p>"Jobs wait until a " <code>"kubestats serve"</code> " with the role worker or all runs."</p>
                </EmptyState>
            </Section>
        }
        .into_any();
    }
    let one = move |worker: Worker| {
        let (tone, glyph, word) =
            if worker.alive { ("good", Glyph::Check, "Working") } else { ("bad", Glyph::Failed, "Not heard from") };
        let busy = i64::try_from(worker.running.len()).unwrap_or(0);
        let idle = worker.running.is_empty().then(|| view! { <p class="quiet">"Nothing runs here now."</p> });
        let lines = worker
            .running
            .into_iter()
            .map(|job| view! { <li><JobLine job now with_repository=true linked=true /></li> })
            .collect_view();
        view! {
            <li class="worker">
                <div class="facts">
                    <strong>{worker.host}</strong>
                    {status(tone, glyph, word)}
                    <span class="tag">{role_word(&worker.role)}</span>
                    <span class="quiet">{number_text(busy)} " of " {counted(worker.capacity, "slot", "slots")} " taken"</span>
                    <span class="quiet">"version " {worker.version} ", process " <span class="num">{worker.pid.to_string()}</span></span>
                    <span class="quiet">"heard from " <TimeAgo time=worker.seen_at now /></span>
                    // Last, for it grows each minute, and what came after it would move.
                    <span class="quiet">"started " <TimeAgo time=worker.started_at now /></span>
                </div>
                {idle}
                <ul class="jobs">{lines}</ul>
            </li>
        }
    };
    view! {
        <Section title="Workers">
            <ul class="workers">{workers.into_iter().map(one).collect_view()}</ul>
        </Section>
    }
    .into_any()
}

fn role_word(role: &str) -> &'static str {
    match role {
        "web" => "serves pages",
        "worker" => "does jobs",
        _ => "pages and jobs",
    }
}

/// How much of each kind waits, runs, went well and failed.
pub(super) fn queue(queue: Vec<QueueDepth>) -> AnyView {
    let row = |depth: QueueDepth| {
        let failed = depth.failed_last_24_h;
        view! {
            <tr>
                <td class="row-link" data-label="What">
                    <a href=format!("/tasks?kind={}", depth.kind)>{depth.kind.label()}</a>
                </td>
                <td class="num" data-label="Running"><Number value=depth.running /></td>
                <td class="num" data-label="Ready"><Number value=depth.ready /></td>
                <td class="num" data-label="Later"><Number value=depth.waiting /></td>
                <td class="num" data-label="Done, 24 h"><Number value=depth.succeeded_last_24_h /></td>
                <td class="num" data-label="Failed, 24 h" class:bad=move || failed != 0><Number value=failed /></td>
            </tr>
        }
    };
    view! {
        <Section title="Queue">
            <Table caption="Jobs by kind and state">
                <thead>
                    <tr>
                        <th scope="col">"What"</th>
                        <th scope="col" class="num">"Running"</th>
                        <th scope="col" class="num">"Ready"</th>
                        <th scope="col" class="num" title="Retries, and what waits for a rate limit">"Later"</th>
                        <th scope="col" class="num">"Done, 24 h"</th>
                        <th scope="col" class="num">"Failed, 24 h"</th>
                    </tr>
                </thead>
                <tbody>{queue.into_iter().map(row).collect_view()}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

/// What asks for jobs at set times, and the button that does not wait for the time.
pub(super) fn schedules(schedules: Vec<Schedule>, now: Timestamp) -> AnyView {
    if schedules.is_empty() {
        return ().into_any();
    }
    let row = move |schedule: Schedule| {
        let last = schedule.last_job.map(|job| {
            view! { " " <a href=format!("/tasks/{}", job.id)><JobStateBadge state=job.state /></a> }
        });
        let next = if schedule.enabled {
            view! { <MaybeTimeAgo time=schedule.next_run_at now none="not planned" /> }.into_any()
        } else {
            view! { <span class="quiet">"switched off"</span> }.into_any()
        };
        let trigger = use_context::<Trigger>().filter(|_| may(Permission::RunJobs));
        let button = trigger.map(|Trigger(action)| {
            let name = schedule.name.clone();
            view! {
                <ActionForm action>
                    <input type="hidden" name="name" value=name />
                    <button type="submit" class="button small">"Run now"</button>
                </ActionForm>
            }
        });
        view! {
            <tr>
                <th scope="row" data-label="What">{schedule.kind.label()}</th>
                <td class="path" data-label="Name">{schedule.name}</td>
                <td data-label="When"><code title="Minute, hour, day of the month, month, day of the week">{schedule.cron}</code></td>
                <td data-label="Last"><MaybeTimeAgo time=schedule.last_run_at now />{last}</td>
                <td data-label="Next">{next}</td>
                <td class="num" data-label="Runs"><Number value=schedule.total_runs /></td>
                <td class="num">{button}</td>
            </tr>
        }
    };
    view! {
        <Section title="Schedules">
            <Table caption="Schedules">
                <thead>
                    <tr>
                        <th scope="col">"What"</th>
                        <th scope="col">"Name"</th>
                        <th scope="col">"When"</th>
                        <th scope="col">"Last"</th>
                        <th scope="col">"Next"</th>
                        <th scope="col" class="num">"Runs"</th>
                        <th scope="col"><span class="sr-only">"Action"</span></th>
                    </tr>
                </thead>
                <tbody>{schedules.into_iter().map(row).collect_view()}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

/// What forges still let us ask, and the disk that clones take.
pub(super) fn budgets(budgets: Vec<ForgeBudget>, disk: DiskUse, now: Timestamp) -> AnyView {
    let none = budgets.is_empty().then(|| {
        view! {
            <p class="quiet">"No forge was asked for anything that it counts. Refs of repositories cost no quota."</p>
        }
    });
    let one = move |budget: ForgeBudget| {
        let left = match (budget.remaining, budget.quota) {
            (Some(left), Some(quota)) => format!("{} of {} left", number_text(left), number_text(quota)),
            (Some(left), None) => format!("{} left", number_text(left)),
            _ => "the forge does not say how much is left".to_owned(),
        };
        let percent = budget.remaining.zip(budget.quota).filter(|(_, quota)| *quota > 0).map(|(left, quota)| {
            let spent = (quota - left).clamp(0, quota);
            u8::try_from(spent * 100 / quota).unwrap_or(100)
        });
        let bar = percent.map(|percent| view! { <Progress label="Spent" percent=Some(percent) /> });
        let blocked = budget.blocked_until.filter(|until| *until > now).map(|until| {
            view! { <span class="bad">"nothing is asked until it resets " <TimeAgo time=until now /></span> }
        });
        view! {
            <li class="budget">
                <span><strong>{budget.host}</strong> " " <span class="quiet">{budget.resource}</span></span>
                {bar}
                <span class="num">{left}</span>
                <span class="quiet">"resets " <MaybeTimeAgo time=budget.resets_at now none="at a time not known" /></span>
                <span class="quiet" title="The next day is expected to need as much">
                    {number_text(budget.spent_last_24_h)} " spent in 24 hours"
                </span>
                {blocked}
            </li>
        }
    };
    let percent = disk
        .limit_bytes
        .filter(|limit| *limit > 0)
        .map(|limit| u8::try_from((disk.bytes.clamp(0, limit)).saturating_mul(100) / limit).unwrap_or(100));
    let limit =
        disk.limit_bytes.map_or_else(|| "no limit is set".to_owned(), |limit| format!("of {}", bytes_text(limit)));
    view! {
        <Section title="Limits">
            {none}
            <ul class="budgets">
                {budgets.into_iter().map(one).collect_view()}
                <li class="budget">
                    <span><strong>"Disk"</strong> " " <span class="quiet">{counted(disk.clones, "clone", "clones")}</span></span>
                    {percent.map(|percent| view! { <Progress label="Disk used" percent=Some(percent) /> })}
                    <span class="num">{bytes_text(disk.bytes)}</span>
                    <span class="quiet">{limit}</span>
                </li>
            </ul>
        </Section>
    }
    .into_any()
}
