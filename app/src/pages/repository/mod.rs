//! `/repositories/{id}`: what runs here, how alive it is, what changed last; then one of six views.

mod branches;
mod data;
mod head;
mod release;
mod tabs;
mod uses;

use entity::kind::JobState;
use entity::view::{Job, Repository as View, Timestamp};
use leptos::prelude::*;
use leptos_router::params::ParamsMap;

use self::data::{RepositoryData, find_repository};
use self::head::Requests;
use super::outcome::outcome;
use super::question::{Question, QuestionDialog};
use super::{load, show};
use crate::chart::ActivityChart;
use crate::components::{
    Breadcrumb, Crumb, JobLine, Metric, Metrics, PageUrl, Section, SkeletonBlock, SkeletonRows, bytes_text, counted,
    number_text, repository_href,
};
use crate::live::Live;

/// One repository.
#[component]
pub fn Repository() -> impl IntoView {
    let page = load(|path, query| find_repository(path.get("id").unwrap_or_default(), query), concerns);
    let requests = Requests::new();
    provide_context(requests);
    // The queued job shows at once, not only with the next news.
    Effect::new(move |asked: Option<usize>| {
        let now = requests.answered();
        if asked.is_some_and(|before| before != now) {
            page.refetch();
        }
        now
    });
    let question = Question::provide();
    view! {
        {show(page, "The repository", skeleton, view)}
        <QuestionDialog question />
    }
}

fn concerns(path: &ParamsMap, live: &Live) -> bool {
    live.repository_id().is_some_and(|id| path.get_str("id") == Some(id))
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonBlock of="metrics" />
        <SkeletonBlock of="chart" />
        <SkeletonRows rows=25 />
    }
    .into_any()
}

fn view(data: RepositoryData, url: PageUrl) -> AnyView {
    let RepositoryData { now, repository, jobs, span, activity, chart, tab, outcome: told } = data;
    let crumbs = vec![Crumb::link("Repositories", "/repositories"), Crumb::here(repository.full_name.clone())];
    let scanned = repository.scanned_commit.is_some();
    let ranges = span.tabs(&url);
    let chart = scanned.then(|| {
        view! {
            <Section title="Activity">
                <ActivityChart buckets=activity options=chart ranges />
            </Section>
        }
    });
    let views = tabs::view(&repository, tab, &url, now);
    view! {
        <Breadcrumb crumbs />
        {head::view(&repository, &url, now)}
        {outcome(told)}
        {head::states(&repository)}
        {work(jobs, now)}
        {figures(&repository)}
        {chart}
        {views}
    }
    .into_any()
}

/// What is being done now, or was done last: always one row, as work begins and ends by itself.
fn work(jobs: Vec<Job>, now: Timestamp) -> AnyView {
    let unfinished = jobs.iter().filter(|job| !job.state.is_finished()).count();
    let waiting = i64::try_from(unfinished.saturating_sub(1)).unwrap_or(0);
    let more =
        (waiting > 0).then(|| view! { <span class="quiet">{format!("{} more waiting", number_text(waiting))}</span> });
    // What runs goes before what waits, that before what is done; of one sort the newest is first.
    let first = jobs.into_iter().min_by_key(|job| match job.state {
        JobState::Running => 0,
        JobState::Queued => 1,
        _ => 2,
    });
    let line = match first {
        Some(job) => view! { <JobLine job now linked=true /> {more} }.into_any(),
        None => view! { <div class="job quiet">"Nothing was done for it yet"</div> }.into_any(),
    };
    view! { <ul class="jobs steady" aria-label="Work on this repository" aria-live="polite"><li>{line}</li></ul> }
        .into_any()
}

fn figures(repository: &View) -> AnyView {
    let scanned = repository.scanned_commit.is_some();
    let counts = repository.counts;
    let known = move |value: i64| scanned.then_some(value);
    let id = repository.id;
    let to = move |tab: &'static str| Some(PageUrl::new(repository_href(id)).with("tab", tab).at_part("views").href());
    let deleted = (counts.deleted_resources > 0).then(|| format!("{} deleted", number_text(counts.deleted_resources)));
    let commits = scanned.then(|| format!("in {}", counted(counts.commits, "commit", "commits")));
    let files = scanned.then(|| counted(counts.yaml_files, "YAML file", "YAML files"));
    // The deleted ones first, or they would read as deleted files.
    let resources_note = match deleted {
        Some(deleted) => files.map(|files| format!("{deleted} · {files}")),
        None => files.map(|files| format!("in {files}")),
    };
    let forge = repository.latest_metrics.as_ref().map(|metrics| {
        let forks = metrics.forks_known.then(|| counted(metrics.forks_count, "fork", "forks"));
        let issues = metrics.open_issues_known.then_some(metrics.open_issues_count);
        view! {
            <Metric label="Stars" value=metrics.stars_count note=forks />
            <Metric label="Open issues" value=issues />
        }
    });
    let templates_note = (counts.helm_templates > 0)
        .then(|| format!("{} not read", counted(counts.helm_templates, "Helm template", "Helm templates")));
    let size = (counts.clone_bytes > 0).then(|| bytes_text(counts.clone_bytes));
    view! {
        <Metrics>
            <Metric label="Resources" value=known(counts.active_resources) note=resources_note href=to("resources") />
            <Metric label="Helm releases" value=known(counts.helm_releases) />
            <Metric label="Charts" value=known(counts.charts) href=to("charts") />
            <Metric label="Images" value=known(counts.images) href=to("charts") />
            <Metric label="Changes" value=known(counts.events) note=commits href=to("events") />
            <Metric
                label="Problems"
                value=known(counts.problems)
                note=templates_note
                href=to("problems")
                alert={counts.problems > 0}
            />
            {forge}
            <Metric label="Clone" value=None text=size />
        </Metrics>
    }
    .into_any()
}
