use entity::view::{
    EcosystemGrowth, EcosystemRange, EcosystemStats, NamedCount, RecentRepository, ReleaseActivity, ReleaseChange,
    Repository, Timestamp,
};
use leptos::prelude::*;

use super::{load, show};
use crate::chart::ActivityChart;
use crate::components::{
    Breadcrumb, Crumb, EmptyState, EventTypeBadge, FieldChanges, Metric, Metrics, Notice, Number, PageHead, PageUrl,
    Pager, Section, SkeletonBlock, SkeletonRows, Tab, Table, TimeAgo, VersionChange, commit_href, counted, number_text,
    repository_href, resource_href, short_sha,
};
use crate::live::Live;
use crate::server_fns::{self, EcosystemData};

/// Rows of each list of what there is most of.
const MOST: usize = 12;

/// `/ecosystem`: all repositories together, and how they change.
#[component]
pub fn Ecosystem() -> impl IntoView {
    let page = load(|_, query| server_fns::read_ecosystem(query), |_, live| matches!(live, Live::Events { .. }));
    show(page, "The ecosystem", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonBlock of="metrics" />
        <SkeletonBlock of="chart" />
        <SkeletonRows rows=12 />
    }
    .into_any()
}

fn view(data: EcosystemData, url: PageUrl) -> AnyView {
    let EcosystemData { now, range, latest, growth, stale, activity, chart, .. } = data;
    let Some(latest) = latest else {
        return view! {
            <Breadcrumb crumbs=vec![Crumb::here("Ecosystem")] />
            <PageHead title="Ecosystem" />
            <EmptyState title="No day is computed yet">
                <p>"Days are computed soon after the first scan; this page fills by itself."</p>
            </EmptyState>
        }
        .into_any();
    };
    let ranges = EcosystemRange::ALL
        .iter()
        .map(|other| Tab::new(other.as_str(), url.with("range", other.as_str()).href(), *other == range))
        .collect();
    let stale = stale.then(|| {
        view! { <Notice>"New history is still being counted; the numbers follow within minutes."</Notice> }
    });
    let facts = view! { <span class="quiet">"All repositories together, by days in UTC"</span> }.into_any();
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Ecosystem")] />
        <PageHead title="Ecosystem" facts />
        {stale}
        {figures(&latest, growth, range)}
        <Section title="Changes">
            <ActivityChart buckets=activity options=chart ranges />
        </Section>
        <div class="columns even">
            {most("Kinds", data.kinds, "No resource stands anywhere", |kind| format!("/resources?kind={}", plain(kind)))}
            {most("Charts", data.charts, "No chart is installed anywhere", |chart| format!("/resources?text={}", plain(chart)))}
            {most("Languages", data.languages, "No forge has told languages yet", |language| format!("/repositories?language={}", plain(language)))}
            {most("Topics", data.topics, "No forge has told topics yet", |topic| format!("/repositories?text={}", plain(topic)))}
        </div>
        <div class="columns even">
            {most_active(data.most_active, now)}
            {newest(data.newest, now)}
        </div>
        {releases(data.releases.data, now)}
        <Pager page=data.page count=data.releases.count url what="releases" />
    }
    .into_any()
}

/// A name as it may stand in an address.
fn plain(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

fn figures(latest: &EcosystemStats, growth: EcosystemGrowth, range: EcosystemRange) -> AnyView {
    let &EcosystemStats { total_repositories, active_repositories, active_resources, total_resource_events, .. } =
        latest;
    let span = match range {
        EcosystemRange::Week => "in 7 days",
        EcosystemRange::Month => "in 30 days",
        EcosystemRange::Quarter => "in 90 days",
        EcosystemRange::Year => "in a year",
        EcosystemRange::All => "since the first commit",
    };
    let grown = move |value: i64| {
        let sign = if value > 0 { "+" } else { "" };
        Some(if value == 0 { format!("as many {span}") } else { format!("{sign}{} {span}", number_text(value)) })
    };
    let measured = latest.measured_repositories > 0;
    let stars = measured.then_some(latest.total_stars);
    let issues = measured.then_some(latest.total_open_issues);
    let star_note = match (measured, growth.stars) {
        (true, Some(stars)) => grown(stars),
        (true, None) => Some(format!("of {}", counted(latest.measured_repositories, "repository", "repositories"))),
        (false, _) => Some("no forge was asked yet".to_owned()),
    };
    view! {
        <Metrics>
            <Metric label="Repositories" value=total_repositories note=grown(growth.repositories) href=Some("/repositories".to_owned()) />
            <Metric label="Active in 90 days" value=active_repositories note=grown(growth.active_repositories) />
            <Metric label="Resources" value=active_resources note=grown(growth.active_resources) href=Some("/resources".to_owned()) />
            <Metric label="Changes" value=total_resource_events note=grown(growth.events) />
            <Metric label="Stars" value=stars note=star_note />
            <Metric label="Open issues" value=issues />
        </Metrics>
    }
    .into_any()
}

/// What there is most of, with bars to compare by.
fn most(title: &'static str, counts: Vec<NamedCount>, none: &'static str, href: fn(&str) -> String) -> AnyView {
    if counts.is_empty() {
        return view! { <Section title><EmptyState title=none /></Section> }.into_any();
    }
    let largest = counts.iter().map(|named| named.count).max().unwrap_or(1).max(1);
    let row = move |named: NamedCount| {
        let width = format!("inline-size: {}%", named.count.max(0).saturating_mul(100) / largest);
        view! {
            <li class="rank">
                <a href=href(&named.name)>{named.name.clone()}</a>
                <span class="rank-bar" aria-hidden="true"><span style=width></span></span>
                <Number value=named.count />
            </li>
        }
    };
    view! {
        <Section title>
            <ol class="ranks">{counts.into_iter().take(MOST).map(row).collect_view()}</ol>
        </Section>
    }
    .into_any()
}

fn most_active(repositories: Vec<RecentRepository>, now: Timestamp) -> AnyView {
    if repositories.is_empty() {
        return view! { <Section title="Most active"><EmptyState title="Nothing changed in this range" /></Section> }
            .into_any();
    }
    let row = move |repository: RecentRepository| {
        view! {
            <tr>
                <td class="row-link" data-label="Repository"><a href=repository_href(repository.repository_id)>{repository.full_name}</a></td>
                <td class="num" data-label="Changes"><Number value=repository.total_events /></td>
                <td data-label="Last change"><TimeAgo time=repository.last_activity now /></td>
            </tr>
        }
    };
    view! {
        <Section title="Most active">
            <Table caption="Repositories with most changes in this range">
                <thead><tr><th scope="col">"Repository"</th><th scope="col" class="num">"Changes"</th><th scope="col">"Last change"</th></tr></thead>
                <tbody>{repositories.into_iter().map(row).collect_view()}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

fn newest(repositories: Vec<Repository>, now: Timestamp) -> AnyView {
    let row = move |repository: Repository| {
        view! {
            <tr>
                <td class="row-link" data-label="Repository"><a href=repository_href(repository.id)>{repository.full_name}</a></td>
                <td class="num" data-label="Resources"><Number value=repository.counts.active_resources /></td>
                <td data-label="Here since"><TimeAgo time=repository.discovered_at now /></td>
            </tr>
        }
    };
    view! {
        <Section title="Newest here">
            <Table caption="Repositories that came here last">
                <thead><tr><th scope="col">"Repository"</th><th scope="col" class="num">"Resources"</th><th scope="col">"Here since"</th></tr></thead>
                <tbody>{repositories.into_iter().map(row).collect_view()}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

/// HelmReleases by name, each with what changed, where and by whom.
fn releases(releases: Vec<ReleaseActivity>, now: Timestamp) -> AnyView {
    if releases.is_empty() {
        return view! { <Section title="Helm releases"><EmptyState title="No HelmRelease changed yet" /></Section> }
            .into_any();
    }
    let one = move |release: ReleaseActivity| {
        let lines = release.changes.into_iter().map(|change| self::change(change, now)).collect_view();
        view! {
            <li class="release">
                <h3>{release.release_name}</h3>
                <ul>{lines}</ul>
            </li>
        }
    };
    view! {
        <Section title="Helm releases">
            <ol class="releases">{releases.into_iter().map(one).collect_view()}</ol>
        </Section>
    }
    .into_any()
}

fn change(change: ReleaseChange, now: Timestamp) -> AnyView {
    let bumped = change.version_before != change.version_after && change.version_before.is_some();
    let version = bumped.then(|| {
        view! { <VersionChange before=change.version_before.clone() after=change.version_after.clone() /> }
    });
    let sha = change.commit.clone();
    let fields = (!change.field_changes.is_empty()).then(|| {
        let label = counted(change.changes_total, "field", "fields");
        view! {
            <details class="release-fields">
                <summary>{label}</summary>
                <FieldChanges changes=change.field_changes total=change.changes_total />
            </details>
        }
    });
    view! {
        <li class="release-change">
            <EventTypeBadge event_type=change.change_type compact=true />
            <a href=resource_href(change.resource_id)>{change.user.unwrap_or_else(|| "a repository".to_owned())}</a>
            {version}
            <span class="release-subject" title=change.commit_subject.clone()>{change.commit_subject.clone()}</span>
            <span class="quiet">{change.author_name}</span>
            <a class="sha" href=commit_href(change.repository_id, &sha)>{short_sha(&sha)}</a>
            <TimeAgo time=change.timestamp now />
            {fields}
        </li>
    }
    .into_any()
}
