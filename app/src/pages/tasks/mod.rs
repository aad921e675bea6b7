//! `/tasks`: who works, on what, what waits, what is planned, what was done.

mod data;
mod job;
mod parts;
mod reloads;

use entity::kind::{JobKind, JobState};
use entity::view::Tasks as View;
use leptos::prelude::*;

pub use job::Job;

use self::data::{ReloadConfiguration, TasksData, TriggerSchedule, read_tasks};
use super::filters::{chips, values};
use super::{load, show};
use crate::busy::Busy;
use crate::components::{
    ActFailed, Breadcrumb, Choice, Crumb, EmptyState, FilterBar, JobLine, PageHead, PageUrl, Pager, Section, Select,
    SkeletonBlock, SkeletonRows, TextField, counted, number_text,
};
use crate::live::Live;

/// A schedule's "Run now" on its way; kept outside the data, which comes anew while it runs.
#[derive(Clone, Copy)]
pub(super) struct Trigger(ServerAction<TriggerSchedule>);

/// Reading the configuration again, on its way.
#[derive(Clone, Copy)]
pub(super) struct Reload(ServerAction<ReloadConfiguration>);

/// All work.
#[component]
pub fn Tasks() -> impl IntoView {
    let page = load(|_, query| read_tasks(query), |_, live| matches!(live, Live::Job { .. } | Live::Reload));
    let (trigger, reload) = (Trigger(ServerAction::new()), Reload(ServerAction::new()));
    if let Some(busy) = use_context::<Busy>() {
        busy.wait_while(move || trigger.0.pending().get() || reload.0.pending().get());
    }
    provide_context(trigger);
    provide_context(reload);
    // What was asked for shows at once, not only with the next news.
    Effect::new(move |asked: Option<usize>| {
        let now = trigger.0.version().get() + reload.0.version().get();
        if asked.is_some_and(|before| before != now) {
            page.refetch();
        }
        now
    });
    show(page, "The tasks", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonBlock of="metrics" />
        <SkeletonRows rows=20 />
    }
    .into_any()
}

fn view(data: TasksData, url: PageUrl) -> AnyView {
    let TasksData { now, tasks, jobs, page, reloads } = data;
    let failed = use_context::<Trigger>().map(|Trigger(action)| view! { <ActFailed action /> });
    let not_reloaded = use_context::<Reload>().map(|Reload(action)| view! { <ActFailed action /> });
    let value = values(&url);
    let states = JobState::ALL.iter().map(|state| Choice::new(state.as_str(), state_word(*state))).collect();
    let kinds = JobKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), kind.label())).collect();
    let mut chips = chips(&url, &[("text", "Text"), ("kind", "What"), ("state", "State")]);
    for chip in &mut chips {
        let word = match chip.key {
            "kind" => chip.value.parse().map(JobKind::label),
            "state" => chip.value.parse().map(state_word),
            _ => continue,
        };
        chip.value = word.map_or_else(|_| chip.value.clone(), str::to_owned);
    }
    let filtered = !chips.is_empty();
    let url = url.at_part("runs");
    let runs = if jobs.data.is_empty() && jobs.count > 0 {
        ().into_any()
    } else if jobs.data.is_empty() {
        let title = if filtered { "No run matches" } else { "Nothing was done yet" };
        view! { <EmptyState title /> }.into_any()
    } else {
        let line = |job| view! { <li><JobLine job now with_repository=true linked=true /></li> };
        view! { <ul class="jobs">{jobs.data.into_iter().map(line).collect_view()}</ul> }.into_any()
    };
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Tasks")] />
        <PageHead title="Tasks" facts=facts(&tasks) />
        {failed}
        {not_reloaded}
        {parts::workers(tasks.workers, now)}
        <div class="columns">
            {parts::queue(tasks.queue)}
            {parts::budgets(tasks.budgets, tasks.disk, now)}
        </div>
        {parts::schedules(tasks.schedules, now)}
        {reloads::reloads(reloads, now)}
        <Section title="Runs" id="runs">
            <FilterBar url=url.clone() keys=&["text", "kind", "state"] chips>
                <TextField name="text" label="Repository or outcome" placeholder="Repository or outcome" search=true value=value("text") />
                <Select name="kind" label="What" choices=kinds selected=value("kind") />
                <Select name="state" label="State" choices=states selected=value("state") />
            </FilterBar>
            {runs}
            <Pager page count=jobs.count url what="runs" />
        </Section>
    }
    .into_any()
}

const fn state_word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Succeeded => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

fn facts(tasks: &View) -> AnyView {
    let sum = |of: fn(&entity::view::QueueDepth) -> i64| tasks.queue.iter().map(of).sum::<i64>();
    let running = sum(|queue| queue.running);
    let waiting = sum(|queue| queue.ready + queue.waiting);
    let failed = sum(|queue| queue.failed_last_24_h);
    let alive = i64::try_from(tasks.workers.iter().filter(|worker| worker.alive).count()).unwrap_or(0);
    let failed = (failed > 0).then(|| {
        view! {
            <a class="bad" href="/tasks?state=failed">{number_text(failed)} " failed in 24 hours"</a>
        }
    });
    view! {
        <div class="facts">
            <span>{number_text(running)} " running"</span>
            <span class="quiet">{number_text(waiting)} " waiting"</span>
            <span class="quiet">{counted(alive, "process", "processes")}</span>
            {failed}
        </div>
    }
    .into_any()
}
