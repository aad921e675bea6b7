//! `/charts/{key}`: is it used, is it alive, which version; then versions, values, who, upgrades, how to get it.

mod also;
mod alternatives;
mod data;
mod install;
mod overview;
mod parts;
mod upgrades;
mod users;
mod values;
mod versions;

use entity::view::{ChartDetail, Timestamp};
use leptos::prelude::*;

use self::also::Also;
use self::data::{ChartData, ChartTab, find_chart};
pub(super) use self::parts::{line_of, percent, stands_for, value};
use super::charts::kind_word;
use super::filters::{as_of, past};
use super::{load, show};
use crate::components::{
    Breadcrumb, CopyButton, Crumb, Metric, Metrics, PageHead, PageUrl, SkeletonBlock, SkeletonRows, Tab, Tabs,
    number_text, relative,
};
use crate::live::Live;

/// One chart.
#[component]
pub fn Chart() -> impl IntoView {
    let page = load(
        |path, query| find_chart(path.get("key").unwrap_or_default(), query),
        |_, live| matches!(live, Live::Events { .. }),
    );
    show(page, "The chart", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonBlock of="metrics" />
        <SkeletonRows rows=25 />
    }
    .into_any()
}

fn view(data: ChartData, url: PageUrl) -> AnyView {
    let ChartData { now, detail, line, tab, with, at } = data;
    let name = detail.chart.name.clone();
    let typed = url.get("also").map(str::to_owned);
    let url = with.iter().fold(url.without("with").without("also"), |url, (_, key)| url.and("with", key.clone()));
    let base = PageUrl::new(url.path()).with("at", url.get("at").unwrap_or_default());
    // What people set and who they are is told of releases of one name too, the rest of all alike.
    let narrowed = base.with("release", url.get("release").unwrap_or_default());
    let chosen = match &tab {
        ChartTab::Overview { .. } => "",
        ChartTab::Values { .. } | ChartTab::Path { .. } => "values",
        ChartTab::Users { .. } => "users",
        ChartTab::Upgrades { .. } => "upgrades",
        ChartTab::Install { .. } => "install",
        ChartTab::Related { .. } => "related",
    };
    let link = |word: &'static str, label: &'static str| {
        let base = if matches!(word, "" | "values" | "users") { &narrowed } else { &base };
        Tab::new(label, base.with("tab", word).href(), chosen == word)
    };
    let tabs = vec![
        link("", "Overview"),
        link("values", "Values"),
        link("users", "Who uses it").counting(detail.chart.releases),
        link("upgrades", "Upgrades"),
        link("install", "Install"),
        link("related", "Related"),
    ];
    let body = match tab {
        ChartTab::Overview { values, users } => overview::view(&detail, line, (values, users), (&base, &narrowed), now),
        ChartTab::Values { values, page, repositories, together, majors } => {
            let also = Also { together, chosen: with, typed };
            values::paths(values, page, values::Choices { repositories, majors, also }, &url)
        }
        ChartTab::Path { path, values, page } => values::path(path, values, page, (&url, &narrowed), &with, now),
        ChartTab::Users { users, page, repositories, together } => {
            let also = Also { together, chosen: with, typed };
            users::view(&detail, users, page, users::Choices { repositories, also }, &url, now)
        }
        ChartTab::Upgrades { upgrades, page } => upgrades::view(upgrades, page, &url, now),
        ChartTab::Install { snippets } => install::view(&detail, snippets),
        ChartTab::Related { together, alternatives } => install::related(together, alternatives, &detail, &base),
    };
    let (past, day) = (past(at, &narrowed), as_of(&url));
    view! {
        <Breadcrumb crumbs=vec![Crumb::link("Charts", "/charts"), Crumb::here(name.clone())] />
        <PageHead title=name facts=facts(&detail)>{day}</PageHead>
        {past}
        {figures(&detail, &base, now)}
        <div id="views" class="views">
            <Tabs label="Views of the chart" tabs />
            <div class="tab-body">{body}</div>
        </div>
    }
    .into_any()
}

fn facts(detail: &ChartDetail) -> AnyView {
    let key = detail.chart.key.clone();
    let kinds = detail
        .kinds
        .iter()
        .map(|one| format!("{} by {}", number_text(one.releases), kind_word(one.kind)))
        .collect::<Vec<_>>()
        .join(", ");
    view! {
        <div class="facts">
            <span class="fact"><code class="path">{key.clone()}</code><CopyButton text=key what="key of the chart" /></span>
            <span class="fact quiet">{kinds}</span>
        </div>
    }
    .into_any()
}

fn figures(detail: &ChartDetail, base: &PageUrl, now: Timestamp) -> AnyView {
    let chart = &detail.chart;
    let grown = match chart.change_90_days {
        0 => "as many as 90 days ago".to_owned(),
        more @ 1.. => format!("+{} in 90 days", number_text(more)),
        fewer => format!("{} in 90 days", number_text(fewer)),
    };
    let known = chart.most_used_version.is_some() && chart.releases > 0;
    let most_note = known.then(|| format!("{} of releases", percent(chart.most_used_releases, chart.releases)));
    let ago = |time: Timestamp| relative(time, now);
    let first = detail.first_used_at.map(ago);
    let upgrade = detail.last_upgrade_at.map(ago);
    let (repositories, releases, stars) = (chart.repositories, chart.releases, chart.stars);
    let (newest, most) = (chart.newest_version.clone(), chart.most_used_version.clone());
    let users = Some(base.with("tab", "users").at_part("views").href());
    view! {
        <Metrics>
            <Metric label="Repositories" value=repositories note=Some(grown) href=users />
            <Metric label="Releases" value=releases />
            <Metric label="Newest version in use" value=None text=newest />
            <Metric label="Most used version" value=None text=most note=most_note />
            <Metric label="Stars of users" value=stars />
            <Metric label="Last upgrade" value=None text=upgrade />
            <Metric label="First used" value=None text=first />
        </Metrics>
    }
    .into_any()
}
