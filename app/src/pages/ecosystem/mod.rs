mod charts;
mod data;

use entity::view::{
    EcosystemGrowth, EcosystemRange, EcosystemStats, NamedCount, PopularChart, RecentRepository, ReleaseActivity,
    ReleaseChange, Repository, Timestamp,
};
use leptos::prelude::*;

use self::data::{EcosystemData, OpenedChange, Total, read_ecosystem};
use super::filters::{as_of, past};
use super::resource::Comparison;
use super::{load, show};
use crate::chart::{ActivityChart, LineChart};
use crate::components::{
    Breadcrumb, Crumb, DiffView, EmptyState, EventTypeBadge, FieldChanges, KindBadge, Metric, Metrics, Notice, Number,
    PageHead, PageUrl, Pager, Section, Segments, SkeletonBlock, SkeletonRows, Tab, Table, TimeAgo, VersionChange,
    chart_href, commit_href, counted, number_text, repository_href, resource_href, short_sha, upgrade_href,
};
use crate::live::Live;

/// `/ecosystem`: all repositories together, and how they change.
#[component]
pub fn Ecosystem() -> impl IntoView {
    let page = load(|_, query| read_ecosystem(query), |_, live| matches!(live, Live::Events { .. }));
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
    let EcosystemData { now, range, latest, growth, total, line, stale, activity, chart, .. } = data;
    let (past, day) = (past(data.at, &url), as_of(&url));
    let Some(latest) = latest else {
        let why = match data.at {
            Some(_) => "No day before that is counted: history begins with the first commit, days with the first scan.",
            None => "Days are computed soon after the first scan; this page fills by itself.",
        };
        return view! {
            <Breadcrumb crumbs=vec![Crumb::here("Ecosystem")] />
            <PageHead title="Ecosystem">{day}</PageHead>
            {past}
            <EmptyState title="No day is computed yet"><p>{why}</p></EmptyState>
        }
        .into_any();
    };
    let ranges = EcosystemRange::ALL
        .iter()
        .map(|other| Tab::new(other.as_str(), url.with("range", other.as_str()).href(), *other == range))
        .collect();
    let choices = Total::ALL
        .iter()
        .map(|(other, name)| Tab::new(*name, url.with_same_rows("line", other.as_str()).href(), *other == total))
        .collect();
    let stale = stale.then(|| {
        view! { <Notice>"New history is still being counted; the numbers follow within minutes."</Notice> }
    });
    let (is_past, day_of) = (data.at.is_some(), url.get("at").unwrap_or_default().to_owned());
    let popular = data.charts.popular.iter().map(|chart| Rank::of_chart(chart, &day_of)).collect();
    let facts = view! { <span class="quiet">"All repositories together, by days in UTC"</span> }.into_any();
    let changed = data.at.is_none().then(|| {
        let count = data.releases.count;
        let releases = releases(data.releases.data, count, data.opened, &url, now);
        view! { {releases} <Pager page=data.page count url=url.at_part("releases") what="releases" /> }
    });
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Ecosystem")] />
        <PageHead title="Ecosystem" facts>
            <Segments label="How far back the page looks" tabs=ranges />
            {day}
        </PageHead>
        {past}
        {stale}
        {figures(&latest, growth, range)}
        <Section title="Totals">
            <LineChart line choices none="There is no line yet" />
        </Section>
        <Section title="Changes">
            <ActivityChart buckets=activity options=chart />
        </Section>
        <div class="columns even">
            {most("Kinds", ranks(data.kinds, |kind| format!("/resources?kind={}", plain(kind))), "No resource stands anywhere")}
            {most("Charts", popular, "No chart is installed anywhere")}
            {most("Languages", ranks(data.languages, |language| format!("/repositories?language={}", plain(language))), "No forge has told languages yet")}
            {most("Topics", ranks(data.topics, |topic| format!("/repositories?topic={}", plain(topic))), "No forge has told topics yet")}
        </div>
        {charts::view(data.charts, &day_of, now)}
        <div class="columns even">
            {most_active(data.most_active, data.active_days, is_past, now)}
            {newest(data.newest, is_past, now)}
        </div>
        {changed}
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
    let releases = latest.active_helm_releases;
    let span = match range {
        EcosystemRange::Week => "in 7 days",
        EcosystemRange::Month => "in 30 days",
        EcosystemRange::Quarter => "in 90 days",
        EcosystemRange::Year => "in a year",
        EcosystemRange::All => "since the first commit",
    };
    let grown = move |value: i64| {
        let sign = if value > 0 { "+" } else { "" };
        Some(if value == 0 { format!("no change {span}") } else { format!("{sign}{} {span}", number_text(value)) })
    };
    let measured = latest.measured_repositories > 0;
    let stars = measured.then_some(latest.total_stars);
    let known = latest.repositories_with_known_issues;
    let issues = (known > 0).then_some(latest.total_open_issues);
    let of = |repositories: i64| Some(format!("of {}", counted(repositories, "repository", "repositories")));
    let not_asked = (!measured).then(|| "no forge was asked yet".to_owned());
    let star_note = match growth.stars {
        Some(stars) if measured => grown(stars),
        _ => not_asked.clone().or_else(|| of(latest.measured_repositories)),
    };
    let issue_note = not_asked.or_else(|| of(known).filter(|_| issues.is_some()));
    view! {
        <Metrics>
            <Metric label="Repositories" value=total_repositories note=grown(growth.repositories) href=Some("/repositories".to_owned()) />
            <Metric label="Active in 90 days" value=active_repositories note=grown(growth.active_repositories) />
            <Metric label="Resources" value=active_resources note=grown(growth.active_resources) href=Some("/resources".to_owned()) />
            <Metric
                label="Helm releases"
                value=releases
                note=grown(growth.active_helm_releases)
                href=Some("/resources?kind=HelmRelease".to_owned())
            />
            <Metric label="Changes" value=total_resource_events note=grown(growth.events) />
            <Metric label="Stars" value=stars note=star_note />
            <Metric label="Open issues" value=issues note=issue_note />
        </Metrics>
    }
    .into_any()
}

/// One of what there is most of.
struct Rank {
    name: String,
    /// What tells apart two of one name.
    title: Option<String>,
    href: String,
    count: i64,
}

impl Rank {
    fn of_chart(chart: &PopularChart, at: &str) -> Self {
        let (name, title) = (chart.name.clone(), Some(chart.key.clone()));
        let href = PageUrl::new(chart_href(&chart.key)).with("at", at).href();
        Self { name, title, href, count: chart.releases }
    }
}

/// Names that lead to what is called so.
fn ranks(counts: Vec<NamedCount>, href: fn(&str) -> String) -> Vec<Rank> {
    let rank = |NamedCount { name, count }| Rank { href: href(&name), name, title: None, count };
    counts.into_iter().map(rank).collect()
}

/// What there is most of, with bars to compare by.
fn most(title: &'static str, ranks: Vec<Rank>, none: &'static str) -> AnyView {
    if ranks.is_empty() {
        return view! { <Section title><EmptyState title=none /></Section> }.into_any();
    }
    let largest = ranks.iter().map(|rank| rank.count).max().unwrap_or(1).max(1);
    let row = move |rank: Rank| {
        let width = format!("inline-size: {}%", rank.count.max(0).saturating_mul(100) / largest);
        view! {
            <li class="rank">
                <a href=rank.href title=rank.title>{rank.name}</a>
                <span class="rank-bar" aria-hidden="true"><span style=width></span></span>
                <Number value=rank.count />
            </li>
        }
    };
    view! {
        <Section title>
            <ol class="ranks">{ranks.into_iter().map(row).collect_view()}</ol>
        </Section>
    }
    .into_any()
}

/// What they did last, and what they have, is known of now alone: nothing of that is told of the past.
fn most_active(repositories: Vec<RecentRepository>, days: u32, is_past: bool, now: Timestamp) -> AnyView {
    let title = format!("Most active in {days} days");
    if repositories.is_empty() {
        return view! { <Section title><EmptyState title="Nothing changed in these days" /></Section> }.into_any();
    }
    let row = move |repository: RecentRepository| {
        view! {
            <tr>
                <td class="row-link" data-label="Repository"><a href=repository_href(repository.repository_id)>{repository.full_name}</a></td>
                <td class="num" data-label="Changes"><Number value=repository.total_events /></td>
                {(!is_past).then(|| view! { <td data-label="Last change"><TimeAgo time=repository.last_activity now /></td> })}
            </tr>
        }
    };
    view! {
        <Section title>
            <Table caption=format!("Repositories with most changes in {days} days")>
                <thead><tr><th scope="col">"Repository"</th><th scope="col" class="num">"Changes"</th>{(!is_past).then(|| view! { <th scope="col">"Last change"</th> })}</tr></thead>
                <tbody>{repositories.into_iter().map(row).collect_view()}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

fn newest(repositories: Vec<Repository>, is_past: bool, now: Timestamp) -> AnyView {
    let row = move |repository: Repository| {
        view! {
            <tr>
                <td class="row-link" data-label="Repository"><a href=repository_href(repository.id)>{repository.full_name}</a></td>
                {(!is_past).then(|| view! { <td class="num" data-label="Resources"><Number value=repository.counts.active_resources /></td> })}
                <td data-label="Here since"><TimeAgo time=repository.discovered_at now /></td>
            </tr>
        }
    };
    view! {
        <Section title="Newest here">
            <Table caption="Repositories that came here last">
                <thead><tr><th scope="col">"Repository"</th>{(!is_past).then(|| view! { <th scope="col" class="num">"Resources"</th> })}<th scope="col">"Here since"</th></tr></thead>
                <tbody>{repositories.into_iter().map(row).collect_view()}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

/// HelmReleases by name, each with what changed, where and by whom.
fn releases(
    releases: Vec<ReleaseActivity>,
    count: u64,
    opened: Option<Box<OpenedChange>>,
    url: &PageUrl,
    now: Timestamp,
) -> AnyView {
    if count == 0 && opened.is_none() {
        return view! { <Section title="Helm releases"><EmptyState title="No HelmRelease changed yet" /></Section> }
            .into_any();
    }
    let mut opened = opened.map(|opened| *opened);
    let one = |release: ReleaseActivity| {
        let mut lines = Vec::with_capacity(release.changes.len());
        for change in release.changes {
            let shown = opened.take_if(|opened| opened.event_id == change.event_id);
            lines.push(self::change(change, shown, url, now));
        }
        let all = format!("/resources?kind=HelmRelease&name={}", plain(&release.release_name));
        view! {
            <li class="release">
                <h3><a href=all>{release.release_name}</a></h3>
                <ul>{lines}</ul>
            </li>
        }
    };
    let releases = releases.into_iter().map(one).collect_view();
    // Newer changes may have moved it to another page since the address was made.
    let elsewhere = opened.map(|opened| difference(opened, url));
    view! {
        <Section title="Helm releases" id="releases">
            {elsewhere}
            <ol class="releases">{releases}</ol>
        </Section>
    }
    .into_any()
}

fn change(change: ReleaseChange, opened: Option<OpenedChange>, url: &PageUrl, now: Timestamp) -> AnyView {
    let version = match change.chart_step {
        Some(step) => {
            let href = upgrade_href(&step.chart_key, &step.from, &step.to);
            view! {
                <a class="step-link" href=href title="What others changed with this step">
                    <VersionChange before=Some(step.from) after=Some(step.to) />
                </a>
            }
            .into_any()
        }
        None if change.version_before != change.version_after && change.version_before.is_some() => {
            view! { <VersionChange before=change.version_before after=change.version_after /> }.into_any()
        }
        None => ().into_any(),
    };
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
    let id = change.event_id.to_string();
    let (word, chosen) = if opened.is_some() { ("Close", "") } else { ("YAML", id.as_str()) };
    let place = format!("change-{id}");
    let href = format!("{}#{place}", url.with_same_rows("change", chosen).href());
    let what = format!("{word}: what commit {} changed", short_sha(&sha));
    view! {
        <li class="release-change" id=place>
            <EventTypeBadge event_type=change.change_type compact=true />
            <a href=resource_href(change.resource_id)>{change.user.unwrap_or_else(|| "a repository".to_owned())}</a>
            {version}
            <span class="release-subject" title=change.commit_subject.clone()>{change.commit_subject.clone()}</span>
            <span class="quiet">{change.author_name}</span>
            <a class="sha" href=commit_href(change.repository_id, &sha)>{short_sha(&sha)}</a>
            <TimeAgo time=change.timestamp now />
            {fields}
            <a class="release-yaml" href=href aria-label=what data-noscroll="">{word}</a>
            {opened.map(|opened| difference(opened, url))}
        </li>
    }
    .into_any()
}

/// Both texts of a change compared.
fn difference(opened: OpenedChange, url: &PageUrl) -> AnyView {
    let OpenedChange { resource_id, kind, name, comparison, .. } = opened;
    let Comparison { from, to, diff, changes, total, missing, others } = comparison;
    let numbers = |url: PageUrl| {
        let from = from.as_ref().map(|from| from.number.to_string()).unwrap_or_default();
        url.with("from", from).with("to", to.number.to_string())
    };
    let compare = numbers(PageUrl::new(resource_href(resource_id))).href();
    let body = match missing {
        Some(reason) => view! {
            <p class="quiet">{reason}</p>
            {(!changes.is_empty()).then(|| view! { <FieldChanges changes total /> })}
        }
        .into_any(),
        None => view! { <DiffView diff changes total url=url.clone() path=to.event.file_path.clone() /> }.into_any(),
    };
    view! {
        <div class="release-diff">
            <p>
                <KindBadge kind /> " " <strong>{name}</strong> " "
                <a href=compare>{format!("Version {} on its own page", to.number)}</a>
            </p>
            {others.map(super::resource::others)}
            {body}
        </div>
    }
    .into_any()
}
