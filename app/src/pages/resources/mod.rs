mod data;

use entity::kind::ResourceStatus;
use entity::view::{GroupedResource, Resource, Sort, Timestamp};
use leptos::prelude::*;

use self::data::{ResourceList, ResourcesData, list_resources};
#[cfg(feature = "ssr")]
pub(super) use self::data::{is_unknown_status, resource_filter};
use super::filters::resource_filters;
use super::{load, show};
use crate::components::{
    Breadcrumb, Crumb, EmptyState, KindBadge, Number, PageHead, PageUrl, Pager, ResourceStatusBadge, Segments,
    SkeletonBlock, SkeletonRows, SortHead, Tab, Table, TimeAgo, Version, cut_path, repository_href, resource_href,
};
use crate::live::Live;

/// More repositories than this in a group are counted, not listed.
const MOST_IN_GROUP: usize = 8;

/// `/resources`: those of all repositories.
#[component]
pub fn Resources() -> impl IntoView {
    let page = load(|_, query| list_resources(query), |_, live| matches!(live, Live::Events { .. }));
    show(page, "The resources", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=50 />
    }
    .into_any()
}

fn view(data: ResourcesData, url: PageUrl) -> AnyView {
    let ResourcesData { now, list, page, facets, repositories } = data;
    let grouped = matches!(list, ResourceList::Grouped(_));
    let ways = vec![
        Tab::new("Each", url.with("view", "").href(), !grouped),
        Tab::new("By kind and name", url.without("sort").without("direction").with("view", "grouped").href(), grouped),
    ];
    let (body, count, what) = match list {
        ResourceList::Table(listing) if listing.data.is_empty() => {
            (empty(listing.count, &url), listing.count, "resources")
        }
        ResourceList::Table(listing) => (resource_table(listing.data, true, &url, now), listing.count, "resources"),
        ResourceList::Grouped(listing) if listing.data.is_empty() => {
            (empty(listing.count, &url), listing.count, "groups")
        }
        ResourceList::Grouped(listing) => (groups(listing.data, &url), listing.count, "groups"),
    };
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Resources")] />
        <PageHead title="Resources">
            <Segments label="How resources are shown" tabs=ways />
        </PageHead>
        {resource_filters(&url, facets, Some(repositories))}
        {body}
        <Pager page count url what />
    }
    .into_any()
}

/// Why the list is empty; a page after the last one is the pager's to tell.
fn empty(count: u64, url: &PageUrl) -> AnyView {
    if count > 0 {
        return ().into_any();
    }
    let hidden = url.get("status").is_none().then_some(" Deleted resources are hidden unless asked for.");
    view! {
        <EmptyState title="No resource matches">
            <p>"Remove a filter, or " <a href="/resources">"see all of them"</a> "." {hidden}</p>
        </EmptyState>
    }
    .into_any()
}

/// Resources as rows; `with_repository` where they are of several.
pub(super) fn resource_table(
    resources: Vec<Resource>,
    with_repository: bool,
    url: &PageUrl,
    now: Timestamp,
) -> AnyView {
    let sorted_by = url.get("sort").unwrap_or("updated").to_owned();
    let usual = |key: &str| if matches!(key, "name" | "kind") { Sort::Ascending } else { Sort::Descending };
    let direction = match url.get("direction") {
        Some("ascending") => Sort::Ascending,
        Some("descending") => Sort::Descending,
        _ => usual(&sorted_by),
    };
    let url = url.clone();
    let head = move |label: &'static str, key: &'static str| {
        let (url, sorted_by) = (url.clone(), sorted_by.clone());
        view! { <SortHead label key url sorted_by direction first=usual(key) /> }
    };
    let some_deleted = resources.iter().any(|resource| resource.status == ResourceStatus::Deleted);
    let rows = resources.into_iter().map(|resource| row(resource, with_repository, some_deleted, now)).collect_view();
    view! {
        <Table caption="Resources">
            <thead>
                <tr>
                    {head("Kind", "kind")}
                    {head("Name", "name")}
                    <th scope="col">"Namespace"</th>
                    <th scope="col">"Version"</th>
                    {with_repository.then(|| view! { <th scope="col">"Repository"</th> })}
                    <th scope="col">"File"</th>
                    {some_deleted.then(|| view! { <th scope="col">"Status"</th> })}
                    <th scope="col" class="num">"Changes"</th>
                    {head("Changed", "updated")}
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

fn row(resource: Resource, with_repository: bool, with_status: bool, now: Timestamp) -> AnyView {
    let namespace = namespace(&resource);
    let repository = with_repository.then(|| {
        view! {
            <td data-label="Repository">
                <a href=repository_href(resource.repository_id) title=resource.repository_full_name.clone()>
                    {resource.repository_full_name.clone()}
                </a>
            </td>
        }
    });
    let status =
        with_status.then(|| view! { <td data-label="Status"><ResourceStatusBadge status=resource.status /></td> });
    view! {
        <tr>
            <td data-label="Kind" title=resource.api_version.clone()><KindBadge kind=resource.kind.clone() /></td>
            <td class="row-link" data-label="Name"><a href=resource_href(resource.id)>{resource.name.clone()}</a></td>
            <td data-label="Namespace">{namespace}</td>
            <td data-label="Version"><Version version=resource.version.clone() /></td>
            {repository}
            <td class="file" data-label="File" title=resource.file_path.clone()>{cut_path(&resource.file_path)}</td>
            {status}
            <td class="num" data-label="Changes"><Number value=resource.events /></td>
            <td data-label="Changed"><TimeAgo time=resource.updated_at now /></td>
        </tr>
    }
    .into_any()
}

/// The namespace it lands in; where that is not what is written, the title says where it comes from.
pub(super) fn namespace(resource: &Resource) -> AnyView {
    match (&resource.namespace_inherited, &resource.namespace) {
        (Some(inherited), written) => {
            let title = match written {
                Some(written) => format!("Set by what builds it; {written} is written in the manifest"),
                None => "Set by what builds it; none is written in the manifest".to_owned(),
            };
            view! { <span class="inherited" title=title>{inherited.clone()}</span> }.into_any()
        }
        (None, Some(written)) => view! { {written.clone()} }.into_any(),
        (None, None) => view! { <span class="quiet" title="No namespace is written">"–"</span> }.into_any(),
    }
}

fn groups(groups: Vec<GroupedResource>, url: &PageUrl) -> AnyView {
    let list = url.without("view");
    let rows = groups.into_iter().map(|group| group_row(group, &list)).collect_view();
    view! {
        <Table caption="Resources by kind and name">
            <thead>
                <tr>
                    <th scope="col">"Kind"</th>
                    <th scope="col">"Name"</th>
                    <th scope="col" class="num">"Resources"</th>
                    <th scope="col" class="num">"Repositories"</th>
                    <th scope="col">"Where"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

fn group_row(group: GroupedResource, list: &PageUrl) -> AnyView {
    let same = list.without("text").with("kind", group.kind.clone()).with("name", group.name.clone());
    let repositories = i64::try_from(group.repositories.len()).unwrap_or(i64::MAX);
    let more = group.repositories.len().saturating_sub(MOST_IN_GROUP);
    let named = group
        .repositories
        .into_iter()
        .take(MOST_IN_GROUP)
        .map(|part| {
            let href = same.with("repository", part.repository_id.to_string()).href();
            let times = (part.count > 1).then(|| format!(" ×{}", part.count));
            view! { <a class="tag" href=href>{part.repository_name} {times}</a> " " }
        })
        .collect_view();
    let more = (more > 0).then(|| view! { <a class="quiet" href=same.href()>{format!("and {more} more")}</a> });
    view! {
        <tr>
            <td data-label="Kind"><KindBadge kind=group.kind /></td>
            <td class="row-link" data-label="Name"><a href=same.href()>{group.name}</a></td>
            <td class="num" data-label="Resources"><Number value=group.total_count /></td>
            <td class="num" data-label="Repositories"><Number value=repositories /></td>
            <td data-label="Where">{named} {more}</td>
        </tr>
    }
    .into_any()
}
