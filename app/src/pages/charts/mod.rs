mod data;

use entity::kind::ChartUseKind;
use entity::view::{ChartSummary, Sort};
use leptos::prelude::*;

use self::data::{ChartsData, list_charts};
use super::chart::percent;
use super::filters::{chips, values};
use super::{load, show};
use crate::components::{
    Breadcrumb, Choice, Crumb, DateField, EmptyState, FilterBar, Number, PageHead, PageUrl, Pager, Select,
    SkeletonBlock, SkeletonRows, SortHead, Table, TextField, Version, chart_href, number_text,
};
use crate::live::Live;

/// `/charts`: what people install.
#[component]
pub fn Charts() -> impl IntoView {
    let page = load(|_, query| list_charts(query), |_, live| matches!(live, Live::Events { .. }));
    show(page, "The charts", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=50 />
    }
    .into_any()
}

fn view(data: ChartsData, url: PageUrl) -> AnyView {
    let ChartsData { charts, page, at } = data;
    let count = charts.count;
    let body = match charts.data.is_empty() {
        true if count > 0 => ().into_any(),
        true => view! {
            <EmptyState title="No chart matches">
                <p>"Remove a filter, or " <a href="/charts">"see all of them"</a> ". Charts appear once a repository that installs one is scanned."</p>
            </EmptyState>
        }
        .into_any(),
        false => table(charts.data, &url, at.is_some()),
    };
    let facts = view! { <span class="quiet">"Helm charts, by the repositories that install them"</span> }.into_any();
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Charts")] />
        <PageHead title="Charts" facts />
        {filters(&url)}
        {body}
        <Pager page count url what="charts" />
    }
    .into_any()
}

fn filters(url: &PageUrl) -> AnyView {
    let value = values(url);
    let mut chips = chips(
        url,
        &[
            ("text", "Name"),
            ("kind", "Installed by"),
            ("source", "Source"),
            ("used_by", "Used by at least"),
            ("trend", "Trend"),
            ("at", "As of"),
        ],
    );
    for chip in &mut chips {
        if let (true, Ok(kind)) = (chip.key == "kind", chip.value.parse::<ChartUseKind>()) {
            kind_word(kind).clone_into(&mut chip.value);
        }
    }
    let kinds = ChartUseKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), kind_word(*kind))).collect();
    let used = ["2", "3", "5", "10", "25", "100"].map(|n| Choice::new(n, format!("{n} repositories"))).into();
    let trends = vec![
        Choice::new("rising", "rising in 90 days"),
        Choice::new("falling", "falling in 90 days"),
        Choice::new("new", "new in 30 days"),
    ];
    view! {
        <FilterBar url=url.clone() keys=&["text", "kind", "source", "used_by", "trend", "at"] chips>
            <TextField name="text" label="Name" placeholder="Chart" search=true value=value("text") />
            <Select name="kind" label="Installed by" choices=kinds selected=value("kind") />
            <TextField name="source" label="Source" placeholder="Source" search=true value=value("source") />
            <Select name="used_by" label="Used by" choices=used selected=value("used_by") />
            <Select name="trend" label="Trend" choices=trends selected=value("trend") />
            <DateField name="at" label="As of" value=value("at") />
        </FilterBar>
    }
    .into_any()
}

/// A kind of use as people call it.
pub(super) fn kind_word(kind: ChartUseKind) -> &'static str {
    match kind {
        ChartUseKind::HelmRelease => "Flux",
        ChartUseKind::Argo => "Argo CD",
        ChartUseKind::Kustomize => "kustomize",
        ChartUseKind::K3s => "k3s",
        ChartUseKind::Dependency => "dependency",
    }
}

fn table(charts: Vec<ChartSummary>, url: &PageUrl, past: bool) -> AnyView {
    let sorted_by = url.get("sort").unwrap_or("repositories").to_owned();
    let usual = |key: &str| if key == "name" { Sort::Ascending } else { Sort::Descending };
    let direction = match url.get("direction") {
        Some("ascending") => Sort::Ascending,
        Some("descending") => Sort::Descending,
        _ => usual(&sorted_by),
    };
    let at = url.get("at").unwrap_or_default().to_owned();
    let rows = charts.into_iter().map(|chart| row(chart, &at)).collect_view();
    let url = url.clone();
    let head = move |label: &'static str, key: &'static str, num: bool| {
        let (url, sorted_by) = (url.clone(), sorted_by.clone());
        view! { <SortHead label key url sorted_by direction first=usual(key) numeric=num /> }
    };
    let caption = if past { "Charts as they were used then" } else { "Charts in use" };
    view! {
        <Table caption>
            <thead>
                <tr>
                    {head("Chart", "name", false)}
                    {head("Repositories", "repositories", true)}
                    {head("Releases", "releases", true)}
                    <th scope="col">"Newest"</th>
                    <th scope="col">"Most used"</th>
                    <th scope="col" class="num">"Stars of users"</th>
                    {head("30 days", "change", true)}
                    <th scope="col" class="num">"90 days"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

fn row(chart: ChartSummary, at: &str) -> AnyView {
    let href = PageUrl::new(chart_href(&chart.key)).with("at", at).href();
    let stars = match chart.stars {
        Some(stars) => view! { <Number value=stars /> }.into_any(),
        None => view! { <span class="quiet" title="Not known">"–"</span> }.into_any(),
    };
    let is_known = chart.releases > 0 && chart.most_used_version.is_some();
    let share = is_known.then(|| format!(" {}", percent(chart.most_used_releases, chart.releases)));
    view! {
        <tr>
            <td class="row-link" data-label="Chart">
                <a href=href>{chart.name}</a>
                <span class="quiet row-about" title=chart.key.clone()>{chart.key.clone()}</span>
            </td>
            <td class="num" data-label="Repositories"><Number value=chart.repositories /></td>
            <td class="num" data-label="Releases"><Number value=chart.releases /></td>
            <td data-label="Newest"><Version version=chart.newest_version /></td>
            <td data-label="Most used"><Version version=chart.most_used_version /><span class="quiet num">{share}</span></td>
            <td class="num" data-label="Stars of users">{stars}</td>
            <td class="num" data-label="30 days">{change(chart.change_30_days)}</td>
            <td class="num" data-label="90 days">{change(chart.change_90_days)}</td>
        </tr>
    }
    .into_any()
}

/// By how many repositories more or fewer.
pub(super) fn change(value: i64) -> AnyView {
    match value {
        0 => view! { <span class="quiet" title="As many repositories">"–"</span> }.into_any(),
        1.. => view! { <span class="rise" title="More repositories">{format!("+{}", number_text(value))}</span> }
            .into_any(),
        _ => view! { <span class="fall" title="Fewer repositories">{number_text(value)}</span> }.into_any(),
    }
}
