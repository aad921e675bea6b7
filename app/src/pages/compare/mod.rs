mod data;

use entity::view::{ChartComparison, ChartRelease, ComparedValue};
use leptos::prelude::*;

use self::data::{CompareData, compare_chart};
use super::filters::past;
use super::{load, show};
use crate::components::{
    Breadcrumb, Choice, Crumb, EmptyState, FilterBar, PageHead, PageUrl, Section, Select, SkeletonBlock, SkeletonRows,
    Table, Version, chart_href, counted, repository_href, resource_href,
};
use crate::live::Live;

/// `/compare/charts/{key}`: values of several repositories side by side.
#[component]
pub fn Compare() -> impl IntoView {
    let page = load(
        |path, query| compare_chart(path.get("key").unwrap_or_default(), query),
        |_, live| matches!(live, Live::Events { .. }),
    );
    show(page, "The comparison", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=50 />
    }
    .into_any()
}

fn view(data: CompareData, url: PageUrl) -> AnyView {
    let CompareData { key, name, comparison, repositories, at } = data;
    let mut chosen: Vec<String> = comparison.releases.iter().map(|release| release.repository_id.to_string()).collect();
    chosen.dedup();
    let url = url.without("add").with("repositories", chosen.join(","));
    let others = repositories.iter().filter(|(id, _)| !chosen.contains(id));
    let others: Vec<Choice> = others.map(|(id, name)| Choice::new(id.clone(), name.clone())).collect();
    let body = match comparison.releases.len() {
        0 => view! {
            <EmptyState title="Choose repositories to compare">
                <p>"Each is a column; values that differ stand first."</p>
            </EmptyState>
        }
        .into_any(),
        _ => columns(comparison, &chosen, &url),
    };
    let chart = PageUrl::new(chart_href(&key)).with("at", url.get("at").unwrap_or_default());
    let past = past(at, &url);
    let crumbs =
        vec![Crumb::link("Charts", "/charts"), Crumb::link(name.clone(), chart.href()), Crumb::here("Compare")];
    view! {
        <Breadcrumb crumbs />
        <PageHead title=format!("{name}: values side by side") />
        {past}
        <FilterBar url=url keys=&["add"]>
            <Select name="add" label="Add" choices=others none="a repository" />
        </FilterBar>
        {body}
    }
    .into_any()
}

fn columns(comparison: ChartComparison, chosen: &[String], url: &PageUrl) -> AnyView {
    let ChartComparison { releases, of, rows } = comparison;
    let shown = i64::try_from(releases.len()).unwrap_or(i64::MAX);
    let left_out = (of > shown).then(|| {
        let all = format!("These are {shown} of the {of} releases of these repositories, the first by file of each.");
        view! { <p class="quiet">{all}</p> }
    });
    let (chosen, url, columns) = (chosen.to_vec(), url.clone(), releases.clone());
    let head = move || columns.iter().map(|release| head(release, &chosen, &url)).collect_view();
    let names: Vec<String> = releases.iter().map(label).collect();
    let (differ, same): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.differs);
    let count = |rows: &[ComparedValue]| counted(i64::try_from(rows.len()).unwrap_or(i64::MAX), "value", "values");
    let (first, second) = (format!("{} differ", count(&differ)), format!("{} are the same", count(&same)));
    let many = releases.len() > 1;
    let table = move |rows: Vec<ComparedValue>, caption: String| {
        let (names, head) = (names.clone(), head());
        view! {
            <Table caption>
                <thead><tr><th scope="col">"Value"</th>{head}</tr></thead>
                <tbody>{rows.into_iter().map(|row| line(row, &names)).collect_view()}</tbody>
            </Table>
        }
        .into_any()
    };
    if !many {
        let title = count(&same);
        let all = table(same, title.clone());
        return view! { {left_out} <Section title>{all}</Section> }.into_any();
    }
    let same = (!same.is_empty()).then(|| {
        let rest = table(same, second.clone());
        view! { <details class="older"><summary>{second}</summary>{rest}</details> }
    });
    let differ = table(differ, first.clone());
    view! { {left_out} <Section title=first>{differ}</Section> {same} }.into_any()
}

fn head(release: &ChartRelease, chosen: &[String], url: &PageUrl) -> AnyView {
    let id = release.repository_id.to_string();
    let rest = chosen.iter().filter(|other| **other != id).cloned().collect::<Vec<_>>().join(",");
    let without = url.with("repositories", rest).href();
    let name = release.repository.clone();
    let about = release.release_name.clone().or_else(|| release.name.clone()).unwrap_or_default();
    let about = match release.resource_id {
        Some(id) => view! { <a href=resource_href(id)>{about}</a> }.into_any(),
        None => about.into_any(),
    };
    let namespace = release.namespace.as_ref().map(|namespace| format!(" in {namespace}"));
    view! {
        <th scope="col">
            <a href=repository_href(release.repository_id)>{name.clone()}</a>
            <span class="compared" title=release.file_path.clone()>{about} <span class="quiet">{namespace}</span></span>
            <Version version=release.version.clone() /> " "
            <a class="quiet" href=without title=format!("Leave {name} out")>"leave out"</a>
        </th>
    }
    .into_any()
}

/// What a column is called where it is a line of its own: on a phone.
fn label(release: &ChartRelease) -> String {
    match release.release_name.as_deref().or(release.name.as_deref()) {
        Some(name) => format!("{}: {name}", release.repository),
        None => release.repository.clone(),
    }
}

fn line(row: ComparedValue, names: &[String]) -> AnyView {
    let cells = row
        .values
        .into_iter()
        .zip(row.masked)
        .zip(names)
        .map(|((value, masked), name)| {
            let shown = match value {
                None => view! { <span class="quiet">"not set"</span> }.into_any(),
                Some(_) if masked => {
                    view! { <span class="quiet" title="Not shown: it may be a secret">"hidden"</span> }.into_any()
                }
                Some(text) if text.is_empty() => view! { <span class="quiet">"empty"</span> }.into_any(),
                Some(text) => view! { <code class="value whole">{text}</code> }.into_any(),
            };
            view! { <td data-label=name.clone()>{shown}</td> }
        })
        .collect_view();
    view! { <tr><th scope="row"><code class="value-path">{row.path}</code></th>{cells}</tr> }.into_any()
}
