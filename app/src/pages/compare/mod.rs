mod data;

use std::collections::{BTreeMap, BTreeSet};

use entity::view::{ChartComparison, ChartRelease, ComparedValue};
use leptos::prelude::*;
use uuid::Uuid;

use self::data::{CompareData, compare_chart};
use super::chart::stands_for;
use super::filters::{as_of, past};
use super::{load, show};
use crate::components::{
    Breadcrumb, Choice, Crumb, EmptyState, FilterBar, Glyph, Icon, Notice, PageHead, PageUrl, Section, Select,
    SkeletonBlock, SkeletonRows, Table, Version, chart_href, counted, repository_href, resource_href,
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
    let CompareData { key, name, comparison, chosen, unknown, repositories, release, at } = data;
    let url = url.without("add").with("repositories", chosen.join(","));
    let sides = sides(&chosen, &repositories, &comparison, &url);
    let others = repositories.iter().filter(|(id, _)| !chosen.contains(id));
    let others: Vec<Choice> = others.map(|(id, name)| Choice::new(id.clone(), name.clone())).collect();
    // An id says nothing to people.
    let (ids, names): (Vec<String>, Vec<String>) = unknown.into_iter().partition(|name| name.parse::<Uuid>().is_ok());
    let then = if at.is_some() { "used the chart then" } else { "uses the chart" };
    let names = (!names.is_empty()).then(|| format!("No repository that {then} is called {}.", names.join(", ")));
    let ids = (!ids.is_empty()).then(|| {
        let left = counted(i64::try_from(ids.len()).unwrap_or(i64::MAX), "repository is", "repositories are");
        format!("{left} not here: none of them {then}.")
    });
    let unknown: Vec<String> = names.into_iter().chain(ids).collect();
    let unknown = (!unknown.is_empty()).then(|| view! { <Notice tone="warn">{unknown.join(" ")}</Notice> });
    let named = (comparison.names.len() > 1 || release.is_some()).then(|| {
        let choices: Vec<Choice> = comparison.names.iter().map(Choice::word).collect();
        view! { <Select name="release" label="Release" choices selected=release.clone() none="any name" /> }
    });
    let body = match (comparison.releases.len(), chosen.len()) {
        (0, 0) => view! {
            <EmptyState title="Choose repositories to compare">
                <p>"Each of their releases is a column; values that differ stand first."</p>
            </EmptyState>
        }
        .into_any(),
        (0, _) => {
            let any = url.without("release").href();
            view! {
                <EmptyState title="None of them has a release of this name">
                    <p><a href=any>"Show releases of any name"</a></p>
                </EmptyState>
            }
            .into_any()
        }
        _ => columns(comparison),
    };
    let chart = PageUrl::new(chart_href(&key)).with("at", url.get("at").unwrap_or_default());
    let (past, day) = (past(at, &url), as_of(&url));
    let crumbs =
        vec![Crumb::link("Charts", "/charts"), Crumb::link(name.clone(), chart.href()), Crumb::here("Compare")];
    view! {
        <Breadcrumb crumbs />
        <PageHead title=format!("{name}: values side by side")>{day}</PageHead>
        {past}
        {unknown}
        <FilterBar url=url keys=&["add", "release"]>
            <Select name="add" label="Add" choices=others none="a repository" />
            {named}
        </FilterBar>
        {sides}
        {body}
    }
    .into_any()
}

/// The repositories that are compared, each with a way to leave it out, and what it has none of.
fn sides(chosen: &[String], names: &[(String, String)], comparison: &ChartComparison, url: &PageUrl) -> AnyView {
    let side = |id: &String| {
        let name = names.iter().find(|(other, _)| other == id).map(|(_, name)| name.clone()).unwrap_or_default();
        let rest = chosen.iter().filter(|other| *other != id).cloned().collect::<Vec<_>>().join(",");
        let without = url.with("repositories", rest).href();
        let of_it = comparison.releases.iter().filter(|release| release.repository_id.to_string() == *id);
        let versions: BTreeSet<&str> = of_it.clone().filter_map(|release| release.version.as_deref()).collect();
        let versions = match of_it.count() {
            0 => "none shown".to_owned(),
            _ => versions.into_iter().collect::<Vec<_>>().join(", "),
        };
        let leave_out = format!("Leave {name} out");
        view! {
            <li>
                <a class="chip" href=without title=leave_out>
                    <span class="sr-only">"Leave out "</span>
                    <span class="chip-label">{name}</span>
                    <span class="chip-value">{versions}</span>
                    <Icon glyph=Glyph::Close />
                </a>
            </li>
        }
    };
    let sides = chosen.iter().map(side).collect_view();
    (!chosen.is_empty())
        .then(|| view! { <ul class="chips" aria-label="Repositories that are compared">{sides}</ul> })
        .into_any()
}

fn columns(comparison: ChartComparison) -> AnyView {
    let ChartComparison { releases, of, rows, .. } = comparison;
    let shown = i64::try_from(releases.len()).unwrap_or(i64::MAX);
    let left_out = (of > shown).then(|| {
        let all = format!("These are {shown} of the {of} releases of these repositories, the first by file of each. Choose a name to see others.");
        view! { <p class="quiet">{all}</p> }
    });
    let names: Vec<(String, BTreeMap<String, String>)> =
        labels(&releases).into_iter().zip(releases.iter().map(|release| release.variables.clone())).collect();
    let is_alone = |release: &ChartRelease| {
        let same = |other: &&ChartRelease| {
            other.repository_id == release.repository_id && other.release_name == release.release_name
        };
        releases.iter().filter(same).count() == 1
    };
    let alone: Vec<bool> = releases.iter().map(is_alone).collect();
    let head = move || releases.iter().zip(&alone).map(|(release, alone)| head(release, *alone)).collect_view();
    let (differ, same): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.differs);
    let count = |rows: &[ComparedValue]| counted(i64::try_from(rows.len()).unwrap_or(i64::MAX), "value", "values");
    let (first, second) = (format!("{} differ", count(&differ)), format!("{} are the same", count(&same)));
    let many = shown > 1;
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

/// A column's head; of two releases of one name their files tell which is which.
fn head(release: &ChartRelease, is_alone: bool) -> AnyView {
    let about = release.release_name.clone().or_else(|| release.name.clone()).unwrap_or_default();
    let about = match release.resource_id {
        Some(id) => view! { <a href=resource_href(id)>{about}</a> }.into_any(),
        None => about.into_any(),
    };
    let file = (!is_alone).then(|| view! { <span class="compared quiet">{release.file_path.clone()}</span> });
    let namespace = release.namespace.as_ref().map(|namespace| format!(" in {namespace}"));
    view! {
        <th scope="col">
            <a href=repository_href(release.repository_id)>{release.repository.clone()}</a>
            <span class="compared">{about} <span class="quiet">{namespace}</span></span>
            {file}
            <Version version=release.version.clone() />
        </th>
    }
    .into_any()
}

/// What each column is called where it is a line of its own: on a phone. A name that stands twice says its file too.
fn labels(releases: &[ChartRelease]) -> Vec<String> {
    let name = |release: &ChartRelease| match release.release_name.as_deref().or(release.name.as_deref()) {
        Some(name) => format!("{}: {name}", release.repository),
        None => release.repository.clone(),
    };
    let names: Vec<String> = releases.iter().map(name).collect();
    let is_alone = |name: &String| names.iter().filter(|other| *other == name).count() == 1;
    let label = |(name, release): (&String, &ChartRelease)| match is_alone(name) {
        true => name.clone(),
        false => format!("{name} ({})", release.file_path),
    };
    names.iter().zip(releases).map(label).collect()
}

fn line(row: ComparedValue, names: &[(String, BTreeMap<String, String>)]) -> AnyView {
    let cells = row
        .values
        .into_iter()
        .zip(row.masked)
        .zip(names)
        .map(|((value, masked), (name, variables))| {
            let shown = match value {
                None => view! { <span class="quiet">"not set"</span> }.into_any(),
                Some(_) if masked => {
                    view! { <span class="quiet" title="Not shown: it may be a secret">"hidden"</span> }.into_any()
                }
                Some(text) if text.is_empty() => view! { <span class="quiet">"empty"</span> }.into_any(),
                Some(text) => {
                    let known = stands_for(&text, variables);
                    view! { <code class="value whole">{text}</code> {known} }.into_any()
                }
            };
            view! { <td data-label=name.clone()>{shown}</td> }
        })
        .collect_view();
    view! { <tr><th scope="row"><code class="value-path">{row.path}</code></th>{cells}</tr> }.into_any()
}
