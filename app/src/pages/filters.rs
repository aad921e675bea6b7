//! What the filter bars of several pages have in common.

use entity::kind::ResourceStatus;
use entity::view::{NamedCount, ResourceFacets, Timestamp};
use leptos::prelude::*;

use super::repository_choice::RepositoryChoice;
use crate::components::{Chip, Choice, DateField, FilterBar, Notice, PageUrl, Select, TextField, exact};

/// Choices with the number of rows behind each.
pub(super) fn choices(counts: Vec<NamedCount>) -> Vec<Choice> {
    counts.into_iter().map(|named| Choice::word(named.name).counting(named.count)).collect()
}

/// Reads what a filter is set to.
pub(super) fn values(url: &PageUrl) -> impl Fn(&str) -> Option<String> + Send + use<> {
    let url = url.clone();
    move |key| url.get(key).map(str::to_owned)
}

/// The filters that are set, of those that a page has: key, label, and how a value is read.
pub(super) fn chips(url: &PageUrl, filters: &[(&'static str, &'static str)]) -> Vec<Chip> {
    filters
        .iter()
        .filter_map(|(key, label)| {
            let value = url.get(key)?.to_owned();
            Some(Chip::new(*label, value, key))
        })
        .collect()
}

/// Says that a page shows how things were, and leads to how they are.
pub(super) fn past(at: Option<Timestamp>, url: &PageUrl) -> AnyView {
    let Some(at) = at else { return ().into_any() };
    let now = url.without("at").href();
    view! { <Notice>{format!("As it was on {}. ", exact(at))}<a href=now>"Show it as it is now"</a></Notice> }
        .into_any()
}

/// Where one says of which day a page tells.
pub(super) fn as_of(url: &PageUrl) -> AnyView {
    let value = url.get("at").map(str::to_owned);
    view! { <FilterBar url=url.without("page") keys=&["at"]><DateField name="at" label="As of" value /></FilterBar> }
        .into_any()
}

/// Filters of a list of resources; `repositories` only where the list is over all of them.
pub(super) fn resource_filters(
    url: &PageUrl,
    facets: ResourceFacets,
    repositories: Option<RepositoryChoice>,
) -> AnyView {
    let mut chips = chips(
        url,
        &[
            ("text", "Text"),
            ("repository", "Repository"),
            ("kind", "Kind"),
            ("name", "Name"),
            ("chart", "Chart"),
            ("api_version", "API version"),
            ("namespace", "Namespace"),
            ("status", "Status"),
        ],
    );
    if repositories.is_none() {
        chips.retain(|chip| chip.key != "repository");
    }
    if let Some(repositories) = &repositories {
        repositories.tell(&mut chips);
    }
    for chip in &mut chips {
        if let Some((_, label)) = STATUSES.iter().find(|(value, _)| chip.key == "status" && *value == chip.value) {
            chip.value = (*label).to_owned();
        }
    }
    let value = values(url);
    let repository = repositories.map(RepositoryChoice::field);
    let statuses = STATUSES.iter().map(|(value, label)| Choice::new(*value, *label)).collect();
    view! {
        <FilterBar url=url.clone() keys=&["text", "repository", "kind", "api_version", "namespace", "status"] chips>
            <TextField name="text" label="Name or path" placeholder="Name or path" search=true value=value("text") />
            {repository}
            <Select name="kind" label="Kind" choices=choices(facets.kinds) selected=value("kind") />
            <Select name="namespace" label="Namespace" choices=choices(facets.namespaces) selected=value("namespace") />
            <Select
                name="api_version"
                label="API version"
                choices=choices(facets.api_versions)
                selected=value("api_version")
            />
            <Select name="status" label="Status" choices=statuses selected=value("status") none="active" />
        </FilterBar>
    }
    .into_any()
}

const STATUSES: [(&str, &str); 2] = [(ResourceStatus::Deleted.as_str(), "deleted"), ("all", "active and deleted")];
