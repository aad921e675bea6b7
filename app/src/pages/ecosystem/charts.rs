//! Charts of all repositories together: where they are going, which are new, who upgraded.

use entity::view::{ChartMove, EcosystemCharts, Listing, NewChart, RecentUpgrade, Timestamp};
use leptos::prelude::*;

use crate::components::{
    EmptyState, Number, PageUrl, Section, Table, TimeAgo, VersionChange, chart_href, commit_href, counted, number_text,
    repository_href, short_sha,
};
use crate::pages::charts::change;

/// What stands behind what is used most, which the page shows beside kinds and languages.
pub(super) fn view(charts: EcosystemCharts, at: &str, now: Timestamp) -> AnyView {
    let EcosystemCharts { days, rising, falling, new, upgrades, .. } = charts;
    view! {
        <div class="columns even">
            {moves("Rising charts", rising, (days, at), false)}
            {moves("Falling charts", falling, (days, at), true)}
        </div>
        {new_charts(new, at, now)}
        {who_upgraded(upgrades, at, now)}
    }
    .into_any()
}

/// The list of all charts that comes nearest: it knows changes of 30 and of 90 days.
const fn all_charts(days: u32, falling: bool) -> Option<(&'static str, &'static str)> {
    match (days, falling) {
        (0..=30, false) => Some(("sort=change", "By their change in 30 days")),
        (0..=30, true) => Some(("sort=change&direction=ascending", "By their change in 30 days")),
        (31..=90, false) => Some(("trend=rising", "Those that rose in 90 days")),
        (31..=90, true) => Some(("trend=falling", "Those that fell in 90 days")),
        _ => None,
    }
}

fn moves(title: &'static str, moves: Vec<ChartMove>, (days, at): (u32, &str), falling: bool) -> AnyView {
    let aside = match all_charts(days, falling) {
        Some((query, which)) => view! { <a href=charts(query, at) title=which>"All charts"</a> }.into_any(),
        None => ().into_any(),
    };
    let than = if falling { "fewer" } else { "more" };
    if moves.is_empty() {
        let none = format!("No chart is used by {than} repositories than {days} days ago");
        return view! { <Section title aside><EmptyState title=none /></Section> }.into_any();
    }
    let row = |one: ChartMove| {
        let by = change(one.change());
        view! {
            <tr>
                <td class="row-link" data-label="Chart">{chart(&one.key, one.name, at)}</td>
                <td class="num" data-label="Now"><Number value=one.now /></td>
                <td class="num" data-label="Before"><Number value=one.before /></td>
                <td class="num" data-label="Change">{by}</td>
            </tr>
        }
    };
    let rows = moves.into_iter().map(row).collect_view();
    view! {
        <Section title aside>
            <Table caption=format!("Charts that {than} repositories use than {days} days ago")>
                <thead>
                    <tr>
                        <th scope="col">"Chart"</th>
                        <th scope="col" class="num">"Now"</th>
                        <th scope="col" class="num">{format!("{days} days ago")}</th>
                        <th scope="col" class="num">"Change"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

fn new_charts(new: Listing<NewChart>, at: &str, now: Timestamp) -> AnyView {
    let title = "New charts of the week";
    let aside = view! { <a href=charts("trend=new", at)>"New in 30 days"</a> }.into_any();
    if new.data.is_empty() {
        return view! { <Section title aside><EmptyState title="No chart came this week" /></Section> }.into_any();
    }
    let rest = rest(new.count, new.data.len(), "those of most repositories");
    let row = |one: NewChart| {
        let about = one.key.clone();
        view! {
            <tr>
                <td class="row-link" data-label="Chart">
                    {chart(&one.key, one.name, at)}
                    <span class="quiet row-about">{about}</span>
                </td>
                <td class="num" data-label="Repositories"><Number value=one.repositories /></td>
                <td data-label="First used"><TimeAgo time=one.first_used_at now /></td>
            </tr>
        }
    };
    let rows = new.data.into_iter().map(row).collect_view();
    view! {
        <Section title aside>
            <Table caption="Charts that nobody used a week ago">
                <thead>
                    <tr>
                        <th scope="col">"Chart"</th>
                        <th scope="col" class="num">"Repositories"</th>
                        <th scope="col">"First used"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
            {rest}
        </Section>
    }
    .into_any()
}

fn who_upgraded(upgrades: Listing<RecentUpgrade>, at: &str, now: Timestamp) -> AnyView {
    let title = "Who upgraded what this week";
    if upgrades.data.is_empty() {
        return view! { <Section title><EmptyState title="Nobody upgraded a chart this week" /></Section> }.into_any();
    }
    let rest = rest(upgrades.count, upgrades.data.len(), "the newest");
    let rows = upgrades.data.into_iter().map(|upgrade| upgrade_row(upgrade, at, now)).collect_view();
    view! {
        <Section title>
            <Table caption="Upgrades of the week, newest first">
                <thead>
                    <tr>
                        <th scope="col">"Chart"</th>
                        <th scope="col">"Step"</th>
                        <th scope="col">"Repositories"</th>
                        <th scope="col">"When"</th>
                        <th scope="col">"Commit"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
            {rest}
        </Section>
    }
    .into_any()
}

fn upgrade_row(upgrade: RecentUpgrade, at: &str, now: Timestamp) -> AnyView {
    let more = upgrade.repositories - i64::try_from(upgrade.by.len()).unwrap_or(i64::MAX);
    let more = (more > 0).then(|| format!(" and {} more", number_text(more)));
    // The newest, whose time the row tells.
    let commit = upgrade.by.first().map(|one| {
        let (href, title) = (commit_href(one.repository_id, &one.commit), format!("In {}", one.repository));
        view! { <a class="sha" href=href title=title>{short_sha(&one.commit)}</a> }
    });
    let mut names = Vec::with_capacity(upgrade.by.len());
    for (place, one) in upgrade.by.into_iter().enumerate() {
        let comma = (place > 0).then_some(", ");
        names.push(view! { {comma} <a href=repository_href(one.repository_id)>{one.repository}</a> });
    }
    let back = (upgrade.rolled_back > 0).then(|| {
        let title =
            format!("{} went back to a lower version", counted(upgrade.rolled_back, "repository", "repositories"));
        let text = format!("{} rolled back", number_text(upgrade.rolled_back));
        view! { " " <span class="tag" title=title>{text}</span> }
    });
    let step = PageUrl::new(chart_href(&upgrade.chart_key)).with("at", at).with("tab", "upgrades");
    let step = step.with("from", upgrade.from.clone()).with("to", upgrade.to.clone()).href();
    view! {
        <tr>
            <td class="row-link" data-label="Chart">{chart(&upgrade.chart_key, upgrade.chart_name, at)}</td>
            <td data-label="Step">
                <a class="step-link" href=step title="What others changed with this step">
                    <VersionChange before=Some(upgrade.from) after=Some(upgrade.to) />
                </a>
                {back}
            </td>
            <td data-label="Repositories">{names}{more}</td>
            <td data-label="When"><TimeAgo time=upgrade.at now /></td>
            <td data-label="Commit">{commit}</td>
        </tr>
    }
    .into_any()
}

/// The list of all charts as of the same time.
fn charts(query: &str, at: &str) -> String {
    PageUrl::current("/charts", query).with("at", at).href()
}

/// A chart's name as the link to its page; the key tells apart charts of one name.
fn chart(key: &str, name: String, at: &str) -> AnyView {
    let (href, title) = (PageUrl::new(chart_href(key)).with("at", at).href(), key.to_owned());
    view! { <a href=href title=title>{name}</a> }.into_any()
}

/// That there are more than these.
fn rest(count: u64, told: usize, which: &'static str) -> Option<AnyView> {
    let (count, told) = (i64::try_from(count).ok()?, i64::try_from(told).ok()?);
    let text = format!("These are {which}, {} of {}.", number_text(told), number_text(count));
    (count > told).then(|| view! { <p class="quiet">{text}</p> }.into_any())
}
