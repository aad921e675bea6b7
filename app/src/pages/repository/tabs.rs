//! The views of a repository below its chart: events, resources, charts and images, problems, branches.

use entity::kind::EventType;
use entity::view::{
    Event, Listing, NamedCount, PageQuery, Problem, Repository, RepositoryCounts, ResourceTreeRow, Timestamp,
};
use leptos::prelude::*;

use super::super::filters::{as_of, chips, choices, past, resource_filters, values};
use super::super::resources::resource_table;
use super::data::RepositoryTab;
use crate::components::{
    Choice, EmptyState, EventList, FilterBar, Glyph, Notice, PageUrl, Pager, ProblemBadge, Segments, Select, Tab,
    Table, Tabs, TextField, TimeAgo, Tree, commit_href, event_words, number_text, short_sha,
};

pub(super) fn view(repository: &Repository, tab: RepositoryTab, url: &PageUrl, now: Timestamp) -> AnyView {
    let counts = repository.counts;
    let url = &url.clone().at_part("views");
    let chosen = match tab {
        RepositoryTab::Events { .. } => "events",
        RepositoryTab::Tree { .. } | RepositoryTab::Table { .. } => "resources",
        RepositoryTab::Charts { .. } | RepositoryTab::Release { .. } | RepositoryTab::Images { .. } => "charts",
        RepositoryTab::Branches { .. } => "branches",
        RepositoryTab::Problems { .. } => "problems",
    };
    // Filters are of one view; only the range of the chart goes along.
    let base = PageUrl::new(url.path()).with("span", url.get("span").unwrap_or_default()).at_part("views");
    let link = |word: &'static str, label: &'static str, count: i64| {
        let target = if word == "events" { base.clone() } else { base.with("tab", word) };
        Tab::new(label, target.href(), chosen == word).counting(count)
    };
    let branches = Tab::new("Branches", base.with("tab", "branches").href(), chosen == "branches");
    let of_scan = || {
        [
            link("events", "Changes", counts.events),
            link("resources", "Resources", counts.active_resources),
            link("charts", "Charts and images", counts.charts + counts.images),
            link("problems", "Problems", counts.problems),
        ]
    };
    // Branches are there before anything is read of them.
    let is_read = repository.scanned_commit.is_some() || counts.problems > 0;
    // Of a row that is one branch the main one tells of all.
    let branches = repository.scanned_branch.is_none().then_some(branches);
    let tabs: Vec<Tab> = is_read.then(of_scan).into_iter().flatten().chain(branches).collect();
    let here = base.with("tab", chosen);
    // Charts and images are of one time.
    let then = here.with("at", url.get("at").unwrap_or_default());
    let body = match tab {
        RepositoryTab::Branches { branches, page, watch, watched, is_configured } => {
            let about = super::branches::About { watch, watched, is_configured };
            super::branches::view(repository, branches, page, &about, url, now)
        }
        _ if !is_read => ().into_any(),
        RepositoryTab::Events { events: listing, page, kinds, namespaces } => {
            events(listing, page, kinds, namespaces, url, now)
        }
        RepositoryTab::Tree { leaves, at } => {
            let day = then.get("at").unwrap_or_default();
            view! { {past(at, url)} {ways(&here, "tree")} {as_of(url)} {tree(leaves, &here, day)} }.into_any()
        }
        RepositoryTab::Table { resources, page, facets } => {
            let count = resources.count;
            let (empty, beyond) = (count == 0, resources.data.is_empty());
            view! {
                {ways(&here, "table")}
                {resource_filters(url, facets, None)}
                {if empty {
                    view! { <EmptyState title="No resource matches"><p>"Remove a filter to see more."</p></EmptyState> }
                        .into_any()
                } else if beyond {
                    ().into_any()
                } else {
                    resource_table(resources.data, false, url, now)
                }}
                <Pager page count url=url.clone() what="resources" />
            }
            .into_any()
        }
        RepositoryTab::Charts { charts: listing, page, at } => {
            let ways = uses(&then, "charts", at.is_none().then_some(counts));
            view! { {past(at, url)} {ways} {as_of(url)} {super::uses::charts(listing, page, url, now)} }.into_any()
        }
        RepositoryTab::Release { release, values, page, at } => {
            let ways = uses(&then, "charts", at.is_none().then_some(counts));
            let body = super::release::view(release.map(|release| *release), values, page, (&then, url), now);
            view! { {past(at, url)} {ways} {as_of(url)} {body} }.into_any()
        }
        RepositoryTab::Images { images: listing, page, at } => {
            let ways = uses(&then, "images", at.is_none().then_some(counts));
            view! { {past(at, url)} {ways} {as_of(url)} {super::uses::images(listing, page, url)} }.into_any()
        }
        RepositoryTab::Problems { problems: listing, templates, page } => {
            // Those who follow an old link to templates that are gone find the way back.
            let both = templates || counts.helm_templates > 0;
            let chosen = if templates { "templates" } else { "problems" };
            let ways = both.then(|| problem_ways(&here, chosen, counts.problems, counts.helm_templates));
            view! { {ways} {problems(listing, templates, counts.helm_templates, page, url, now)} }.into_any()
        }
    };
    view! {
        <div id="views" class="views">
            <Tabs label="Views of the repository" tabs />
            <div class="tab-body">{body}</div>
        </div>
    }
    .into_any()
}

fn events(
    listing: Listing<Event>,
    page: PageQuery,
    kinds: Vec<NamedCount>,
    namespaces: Vec<NamedCount>,
    url: &PageUrl,
    now: Timestamp,
) -> AnyView {
    let value = values(url);
    let types = EventType::ALL.iter().map(|kind| Choice::new(kind.as_str(), event_words(*kind).1)).collect();
    let mut chips = chips(
        url,
        &[("text", "Text"), ("type", "Change"), ("kind", "Kind"), ("namespace", "Namespace"), ("versions", "Versions")],
    );
    for chip in &mut chips {
        if let (true, Ok(kind)) = (chip.key == "type", chip.value.parse::<EventType>()) {
            event_words(kind).1.clone_into(&mut chip.value);
        }
    }
    let filtered = !chips.is_empty();
    let list = match (listing.data.is_empty(), filtered) {
        (true, _) if listing.count > 0 => ().into_any(),
        (false, _) => view! { <EventList events=listing.data now /> }.into_any(),
        (true, true) => view! {
            <EmptyState title="No change matches"><p>"Remove a filter to see more."</p></EmptyState>
        }
        .into_any(),
        (true, false) => view! {
            <EmptyState title="No changes yet"><p>"They stand here as soon as a scan has found some."</p></EmptyState>
        }
        .into_any(),
    };
    view! {
        <FilterBar url=url.clone() keys=&["text", "type", "kind", "namespace", "versions"] chips>
            <TextField name="text" label="Name or path" placeholder="Name or path" search=true value=value("text") />
            <Select name="type" label="Change" choices=types selected=value("type") />
            <Select name="kind" label="Kind" choices=choices(kinds) selected=value("kind") />
            <Select name="namespace" label="Namespace" choices=choices(namespaces) selected=value("namespace") />
            <Select
                name="versions"
                label="Versions"
                choices=vec![Choice::new("only", "changed")]
                selected=value("versions")
            />
        </FilterBar>
        {list}
        <Pager page count=listing.count url=url.clone() what="changes" />
    }
    .into_any()
}

/// Tree or table.
fn ways(here: &PageUrl, chosen: &'static str) -> AnyView {
    let tabs = vec![
        Tab::new("Tree", here.href(), chosen == "tree"),
        Tab::new("Table", here.with("view", "table").href(), chosen == "table"),
    ];
    view! { <div class="tab-ways"><Segments label="How resources are shown" tabs /></div> }.into_any()
}

fn tree(leaves: Listing<ResourceTreeRow>, here: &PageUrl, at: &str) -> AnyView {
    let Listing { data: rows, count: all } = leaves;
    let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let number = |n: u64| number_text(i64::try_from(n).unwrap_or(i64::MAX));
    let table = here.with("view", "table").href();
    let cut = (all > shown).then(|| {
        let whole = at.is_empty().then(|| view! { <a href=table>"The table"</a> " has them all." });
        view! {
            <Notice>
                {format!("These are the first {} of {} by path. ", number(shown), number(all))}
                {whole}
            </Notice>
        }
    });
    let body = match all {
        0 if at.is_empty() => view! { <EmptyState title="No resource stands at the head of the branch" /> }.into_any(),
        0 => view! { <EmptyState title="No resource stood here then" /> }.into_any(),
        _ => view! { <Tree rows at=at.to_owned() /> }.into_any(),
    };
    view! { {cut} {body} }.into_any()
}

/// Charts or images. How many there are is known of the head; of a past day the list below says it.
fn uses(here: &PageUrl, chosen: &'static str, counts: Option<RepositoryCounts>) -> AnyView {
    let tab = |label: &'static str, word: &'static str, target: PageUrl, count: Option<i64>| Tab {
        count,
        ..Tab::new(label, target.href(), chosen == word)
    };
    let tabs = vec![
        tab("Charts", "charts", here.clone(), counts.map(|counts| counts.charts)),
        tab("Images", "images", here.with("view", "images"), counts.map(|counts| counts.images)),
    ];
    view! { <div class="tab-ways"><Segments label="Charts or images" tabs /></div> }.into_any()
}

fn problem_ways(here: &PageUrl, chosen: &'static str, problems: i64, templates: i64) -> AnyView {
    let tabs = vec![
        Tab::new("Problems", here.href(), chosen == "problems").counting(problems),
        Tab::new("Helm templates, not read", here.with("view", "templates").href(), chosen == "templates")
            .counting(templates),
    ];
    view! { <div class="tab-ways"><Segments label="Problems or Helm templates" tabs /></div> }.into_any()
}

fn problems(
    listing: Listing<Problem>,
    templates: bool,
    helm_templates: i64,
    page: PageQuery,
    url: &PageUrl,
    now: Timestamp,
) -> AnyView {
    let what = if templates { "templates" } else { "problems" };
    if listing.count == 0 && templates {
        return view! {
            <EmptyState title="No Helm templates">
                <p>"No file below a chart's templates folder is written for Helm alone."</p>
            </EmptyState>
        }
        .into_any();
    }
    if listing.count == 0 {
        let but_for = (helm_templates > 0).then_some(", but for the templates of Helm charts");
        return view! {
            <EmptyState title="No problems" glyph=Glyph::Check>
                <p>"Every YAML file at the head of the branch could be read" {but_for} "."</p>
            </EmptyState>
        }
        .into_any();
    }
    if listing.data.is_empty() {
        return view! { <Pager page count=listing.count url=url.clone() what /> }.into_any();
    }
    let rows = listing.data.into_iter().map(|problem| problem_row(problem, now)).collect_view();
    let about = if templates {
        "Templates of Helm charts: only Helm knows what they become. They are not read, and nothing is wrong with them."
    } else {
        "Files at the head of the branch that could not be read as they should. They hide no other file."
    };
    view! {
        <p class="quiet">{about}</p>
        <Table caption={if templates { "Helm templates" } else { "Problems" }}>
            <thead>
                <tr>
                    <th scope="col">"Where"</th>
                    <th scope="col">"What"</th>
                    <th scope="col">"Reason"</th>
                    <th scope="col">"Since"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
        <Pager page count=listing.count url=url.clone() what />
    }
    .into_any()
}

fn problem_row(problem: Problem, now: Timestamp) -> AnyView {
    let place = match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}", problem.file_path),
        (Some(line), None) => format!("{}:{line}", problem.file_path),
        _ => problem.file_path.clone(),
    };
    let place = match problem.web_url {
        Some(href) => view! { <a class="path" href=href rel="noopener external">{place}</a> }.into_any(),
        None => view! { <span class="path">{place}</span> }.into_any(),
    };
    view! {
        <tr>
            <td data-label="Where">{place}</td>
            <td data-label="What"><ProblemBadge class=problem.class /></td>
            <td data-label="Reason">{problem.message}</td>
            <td data-label="Since">
                <TimeAgo time=problem.since now />
                " "
                <a class="sha" href=commit_href(problem.repository_id, &problem.commit)>{short_sha(&problem.commit)}</a>
            </td>
        </tr>
    }
    .into_any()
}
