//! `/repositories/coverage`: what searches cover, what they left out and why, and why one repository is not here.

mod data;
mod left_out;
mod searched;
mod why;

use entity::kind::Permission;
use entity::view::{Discovery, DiscoveryRun, DiscoverySettings, Timestamp};
use leptos::prelude::*;

use self::data::{CoverageData, read_coverage};
use super::outcome::{StartDiscovery, outcome};
use super::{load, show};
use crate::components::{
    ActForm, Breadcrumb, Crumb, Glyph, Icon, MaybeTimeAgo, Metric, Metrics, Notice, PageHead, PageUrl, SkeletonBlock,
    SkeletonRows,
};
use crate::live::Live;
use crate::viewer::may;

/// What is searched and found.
#[component]
pub fn Coverage() -> impl IntoView {
    let page = load(
        |_, query| read_coverage(query),
        // Discovery is work on no single repository.
        |_, live| matches!(live, Live::Job { repository_id: None } | Live::Repository { .. }),
    );
    show(page, "The coverage", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonBlock of="metrics" />
        <SkeletonRows rows=12 />
    }
    .into_any()
}

fn view(data: CoverageData, url: PageUrl) -> AnyView {
    let CoverageData { now, discovery, page, why: answers, outcome: told } = data;
    let enabled = discovery.settings.enabled;
    let from = url.href();
    let search_now = (enabled && may(Permission::RunJobs)).then(|| {
        let action = ServerAction::<StartDiscovery>::new();
        view! {
            <ActForm action>
                <input type="hidden" name="from" value=from />
                <button type="submit" class="button"><Icon glyph=Glyph::Search /> "Search now"</button>
            </ActForm>
        }
    });
    let off = (!enabled).then(off);
    view! {
        <Breadcrumb crumbs=vec![Crumb::link("Repositories", "/repositories"), Crumb::here("Coverage")] />
        <PageHead title="Coverage" facts=facts(&discovery, now)>
            {search_now}
            {may(Permission::ManageRepositories).then(|| view! { <a class="button primary" href="/repositories/add">"Add repository"</a> })}
        </PageHead>
        {outcome(told)}
        {off}
        {figures(&discovery)}
        {why::view(&url, answers, now)}
        {searched::view(&discovery, now)}
        {left_out::view(&discovery, page, &url, now)}
        {searched::runs(discovery.runs, now)}
    }
    .into_any()
}

fn facts(discovery: &Discovery, now: Timestamp) -> AnyView {
    let ended = discovery.last.as_ref().and_then(|run| run.finished_at);
    let running = discovery.current.as_ref().map(|_| view! { <span>"A search goes on now"</span> });
    let switched = if discovery.settings.enabled { "Discovery is on" } else { "Discovery is off" };
    view! {
        <div class="facts">
            <span>{switched}</span>
            {running}
            <span class="fact">
                <span class="quiet">"last search: "</span>
                <MaybeTimeAgo time=ended now none="never" />
            </span>
        </div>
    }
    .into_any()
}

fn off() -> AnyView {
    view! {
        <Notice tone="info">
            <p>
                "No forge is searched, and no request leaves this machine for it. To have repositories found by themselves, \
                 set topics or queries in " <code>"kubestats.yaml"</code> " and start again; a token in "
                <code>"GITHUB_TOKEN"</code> " does the same for GitHub\u{2019}s usual topics."
            </p>
            <pre class="snippet"><code>{SNIPPET}</code></pre>
        </Notice>
    }
    .into_any()
}

const SNIPPET: &str = "discovery:\n  topics: [kubesearch, k8s-at-home]";

fn figures(discovery: &Discovery) -> AnyView {
    let run = discovery.last.as_ref();
    let left_out: i64 = discovery.by_reason.iter().map(|reason| reason.count).sum();
    let waiting = (discovery.pending_approval > 0).then(|| "/repositories?status=pending_approval".to_owned());
    let (waiting_count, deleted, size) = (discovery.pending_approval, discovery.deleted, size(&discovery.settings));
    let of_run = |count: fn(&DiscoveryRun) -> i64| run.map(count);
    let (found, known, accepted) = (of_run(|run| run.found), of_run(|run| run.known), of_run(|run| run.accepted));
    view! {
        <Metrics>
            <Metric label="Found" value=found note=Some("by the last search".to_owned()) />
            <Metric label="Known before" value=known />
            <Metric label="Newly taken in" value=accepted />
            <Metric label="To approve" value=Some(waiting_count) href=waiting note=Some(size) />
            <Metric label="Left out" value=Some(left_out) href=Some("#left-out".to_owned()) />
            <Metric label="Deleted here" value=Some(deleted) note=Some("searches leave them out".to_owned()) />
        </Metrics>
    }
    .into_any()
}

fn size(settings: &DiscoverySettings) -> String {
    format!("larger than {} MB", settings.max_repository_size_mb)
}
