//! Who uses a chart.

use entity::view::{ChartDetail, ChartRelease, Listing, PageQuery, Timestamp};
use leptos::prelude::*;

use super::super::filters::{chips, values};
use super::also::{self, Also};
use super::parts::{release_field, release_rows};
use crate::components::{Choice, EmptyState, FilterBar, PageUrl, Pager, Select, compare_href};

/// Repositories that fit beside each other.
const COMPARED: usize = 4;

/// What the filters choose from.
pub(super) struct Choices {
    pub repositories: Vec<(String, String)>,
    pub also: Also,
}

pub(super) fn view(
    detail: &ChartDetail,
    listing: Listing<ChartRelease>,
    page: PageQuery,
    choices: Choices,
    url: &PageUrl,
    now: Timestamp,
) -> AnyView {
    let Choices { repositories, also: others } = choices;
    let value = values(url);
    let filters =
        [("version", "Version"), ("release", "Release"), ("path", "Sets"), ("value", "To"), ("like", "Most like")];
    let mut set = chips(url, &filters);
    let name_of = |id: &str| repositories.iter().find(|(of, _)| of == id).map(|(_, name)| name.clone());
    for chip in &mut set {
        if let ("like", Some(name)) = (chip.key, name_of(&chip.value)) {
            chip.value = name;
        }
    }
    set.extend(also::chips(&others.chosen));
    let others = others.field();
    let like = repositories.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect();
    let in_use = detail.versions.iter().filter(|one| one.releases > 0);
    let versions = in_use.map(|one| Choice::word(one.version.clone()).counting(one.releases)).collect();
    let sorts =
        vec![Choice::new("recent", "newest step of version first"), Choice::new("repository", "repository and file")];
    let mut first: Vec<String> = Vec::new();
    for release in &listing.data {
        let id = release.repository_id.to_string();
        if !first.contains(&id) {
            first.push(id);
        }
    }
    let compare = (first.len() > 1).then(|| {
        let chosen = first.iter().take(COMPARED).cloned().collect::<Vec<_>>().join(",");
        let href = PageUrl::new(compare_href(&detail.chart.key)).with("repositories", chosen);
        let href = href.with("at", url.get("at").unwrap_or_default()).href();
        let label = format!("Compare the first {}", first.len().min(COMPARED));
        view! { <a class="button" href=href>{label}</a> }
    });
    let list = match listing.data.is_empty() {
        true if listing.count > 0 => ().into_any(),
        true => {
            view! { <EmptyState title="Nobody matches"><p>"Remove a filter to see more."</p></EmptyState> }.into_any()
        }
        false => release_rows(listing.data, false, now),
    };
    view! {
        <div class="tab-ways">{compare}</div>
        <FilterBar url=url.clone() keys=&["version", "release", "also", "like", "sort"] chips=set>
            <Select name="version" label="Version" choices=versions selected=value("version") />
            {release_field(value("release"))}
            {others}
            <Select name="like" label="Most like" choices=like selected=value("like") none="no repository" />
            <Select name="sort" label="Sort" choices=sorts selected=value("sort") none="most stars first" />
        </FilterBar>
        {list}
        <Pager page count=listing.count url=url.clone() what="releases" />
    }
    .into_any()
}
