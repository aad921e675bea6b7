mod bumps;
mod data;
mod lately;

use entity::kind::Permission;
use entity::view::{CommitSummary, Overview as Figures, RunningWork, Timestamp};
use leptos::prelude::*;

use self::data::{OverviewData, read_overview};
use super::commits::CommitLine;
use super::{load, show};
use crate::chart::ActivityChart;
use crate::components::{
    Breadcrumb, Crumb, EmptyState, JobLine, Metric, Metrics, Notice, PageHead, PageUrl, Section, SkeletonBlock,
    SkeletonRows, counted, number_text,
};
use crate::viewer::may;

/// `/`: what changed lately, what is going on now.
#[component]
pub fn Overview() -> impl IntoView {
    // Everything here is of all repositories, so all news matter.
    let page = load(|_, query| read_overview(query), |_, _| true);
    show(page, "The overview", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonBlock of="metrics" />
        <SkeletonRows rows=12 />
    }
    .into_any()
}

fn view(data: OverviewData, url: PageUrl) -> AnyView {
    let OverviewData { now, overview, work, span, activity, chart } = data;
    if overview.repositories == 0 {
        let add = may(Permission::ManageRepositories)
            .then(|| view! { <a href="/repositories/add">"Add one by its address"</a> ", or name those to watch in " });
        return view! {
            <Breadcrumb crumbs=vec![Crumb::here("Overview")] />
            <PageHead title="Overview" />
            <EmptyState title="No repositories yet">
                <p>
                    {add.is_none().then_some("Name those to watch in ")} {add}
                    <code>"kubestats.yaml"</code> " and start Kubestats again:"
                </p>
                {snippet()}
            </EmptyState>
            <Work work now />
        }
        .into_any();
    }
    let samples = overview.only_samples.then(|| samples(overview.repositories));
    let facts = view! { <span class="quiet">"Newest first, from every repository that is watched"</span> }.into_any();
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Overview")] />
        <PageHead title="What changed lately" facts>
            <a class="button" href="/repositories">"All repositories"</a>
        </PageHead>
        {samples}
        {figures(&overview)}
        <div class="columns">
            {bumps::view(overview.bumps, now)}
            {commits(overview.commits, now)}
        </div>
        <Section title="Activity">
            <ActivityChart buckets=activity options=chart ranges=span.tabs(&url) />
        </Section>
        <div class="columns even">
            {lately::most_active(overview.most_active)}
            {lately::newest(overview.newest, now)}
        </div>
        // Last, and always there: work that begins and ends moves nothing.
        <Work work now />
    }
    .into_any()
}

fn figures(overview: &Figures) -> AnyView {
    let &Figures { repositories, resources, helm_releases, events, problems, growth, .. } = overview;
    let has_problems = overview.problems > 0;
    // What is not known is not told.
    let grown = |growth: Option<i64>| {
        growth.map(|more| match more {
            0 => "no change in 30 days".to_owned(),
            more => format!("{}{} in 30 days", if more > 0 { "+" } else { "" }, number_text(more)),
        })
    };
    let active = format!("{} changed in 90 days", number_text(overview.active_repositories));
    let repository_note = match growth.repositories.filter(|more| *more != 0) {
        Some(more) => format!("{} · {active}", grown(Some(more)).unwrap_or_default()),
        None => active,
    };
    view! {
        <Metrics>
            <Metric label="Repositories" value=repositories note=Some(repository_note) href=Some("/repositories".to_owned()) />
            <Metric label="Resources" value=resources note=grown(growth.resources) href=Some("/resources".to_owned()) />
            <Metric
                label="Helm releases"
                value=helm_releases
                note=grown(growth.helm_releases)
                href=Some("/resources?kind=HelmRelease".to_owned())
            />
            <Metric label="Changes" value=events note=grown(growth.events) />
            <Metric
                label="Problems"
                value=problems
                href=Some("/repositories?sort=problems&direction=descending".to_owned())
                alert=has_problems
            />
        </Metrics>
    }
    .into_any()
}

fn commits(commits: Vec<CommitSummary>, now: Timestamp) -> AnyView {
    if commits.is_empty() {
        return view! {
            <Section title="Commits">
                <EmptyState title="No commit changed a resource yet" />
            </Section>
        }
        .into_any();
    }
    let lines = commits.into_iter().map(|commit| view! { <CommitLine commit now /> }).collect_view();
    view! {
        <Section title="Commits">
            <ol class="commits">{lines}</ol>
        </Section>
    }
    .into_any()
}

/// Rows of work, whatever goes on.
const WORK_ROWS: usize = 5;

/// What is going on now, and what ended last: always as many rows, as they come and go by themselves.
#[component]
fn Work(work: RunningWork, now: Timestamp) -> impl IntoView {
    let running = i64::try_from(work.running.len()).unwrap_or(i64::MAX);
    if running == 0 && work.queued == 0 && work.finished.is_empty() {
        return ().into_any();
    }
    let waiting = match work.queued {
        0 => String::new(),
        queued => format!(", {}", counted(queued, "more job is waiting", "more jobs are waiting")),
    };
    let state = match (running, work.queued) {
        (0, 0) => "Nothing is running. What ended last:".to_owned(),
        (0, queued) => counted(queued, "job is waiting", "jobs are waiting"),
        (running, _) => format!("{} running{waiting}", number_text(running)),
    };
    let line = |job| view! { <li><JobLine job now with_repository=true /></li> };
    let lines = work.running.into_iter().chain(work.finished).take(WORK_ROWS).map(line).collect_view();
    view! {
        <Section title="Work">
            <p class="quiet">{state}</p>
            <ul class="jobs steady">{lines}</ul>
        </Section>
    }
    .into_any()
}

fn samples(repositories: i64) -> AnyView {
    view! {
        <Notice>
            <p>
                <strong>"These are samples. "</strong>
                {format!("Kubestats brought the {} below", counted(repositories, "repository", "repositories"))}
                " to show what it does. To see your own, write a file " <code>"kubestats.yaml"</code>
                " where Kubestats is started and start it again:"
            </p>
            {snippet()}
        </Notice>
    }
    .into_any()
}

fn snippet() -> AnyView {
    const TEXT: &str = "repositories:\n  - name: home-ops\n    url: https://github.com/<owner>/<repository>.git\n";
    view! { <pre class="snippet"><code>{TEXT}</code></pre> }.into_any()
}
