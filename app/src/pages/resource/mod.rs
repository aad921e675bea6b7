//! `/resources/{id}`: a resource's text, its states over time, any two of them compared, what it names.

mod data;
mod head;
mod others;
mod references;
mod shown;

use entity::view::{Listing, PageQuery, ResourceVersion, Timestamp};
use leptos::prelude::*;

pub use self::data::Comparison;
#[cfg(feature = "ssr")]
pub(super) use self::data::compared_by;
use self::data::{ResourceData, Shown, find_resource};
pub(super) use self::others::others;
#[cfg(feature = "ssr")]
pub(super) use self::others::read_others;
use super::filters::{as_of, past};
use super::{load, show};
use crate::components::{
    Breadcrumb, Crumb, EmptyState, PageUrl, Pager, Section, SkeletonBlock, SkeletonRows, VersionTimeline,
    repository_href,
};
use crate::live::Live;

/// One resource.
#[component]
pub fn Resource() -> impl IntoView {
    let page = load(
        |path, query| find_resource(path.get("id").unwrap_or_default(), query),
        |_, live| matches!(live, Live::Events { .. }),
    );
    show(page, "The resource", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonBlock of="code" />
        <SkeletonRows rows=8 />
    }
    .into_any()
}

fn view(data: ResourceData, url: PageUrl) -> AnyView {
    let ResourceData {
        now,
        resource,
        status,
        at,
        deleted_by,
        versions,
        page,
        references,
        charts,
        images,
        written,
        shown,
    } = data;
    let crumbs = vec![
        Crumb::link("Repositories", "/repositories"),
        Crumb::link(resource.repository_full_name.clone(), repository_href(resource.repository_id)),
        Crumb::here(format!("{} {}", resource.kind, resource.name)),
    ];
    let (from, to) = match &shown {
        Shown::Comparison(comparison) => (comparison.from.as_ref().map(|v| v.number), Some(comparison.to.number)),
        Shown::Text { version, .. } => {
            // What one would compare first: this state with the one before.
            let number = version.as_ref().map(|version| version.number);
            (number.filter(|n| *n > 1).map(|n| n - 1), number)
        }
        Shown::NoSuchVersion(_) | Shown::NotYet => (None, None),
    };
    // A day is chosen for the resource as a whole, whatever state or comparison is shown.
    let whole = PageUrl::new(url.path());
    let whole = whole.with("at", at.and_then(|_| url.get("at")).unwrap_or_default());
    view! {
        <Breadcrumb crumbs />
        {past(at, &whole)}
        {head::view(&resource, status, deleted_by, (charts, images, written), &whole, now)}
        {as_of(&whole)}
        <div class="with-aside">
            <div class="main-part">{shown::view(&resource, shown, &url, now)}</div>
            <aside class="aside-part">{references::view(references, at.is_some())}</aside>
        </div>
        {timeline(versions, page, from, to, &url, now)}
    }
    .into_any()
}

fn timeline(
    versions: Listing<ResourceVersion>,
    page: PageQuery,
    from: Option<i64>,
    to: Option<i64>,
    url: &PageUrl,
    now: Timestamp,
) -> AnyView {
    let count = versions.count;
    // A link to a state alone has no place in a comparison.
    let here = url.with_same_rows("at", "");
    let body = if versions.data.is_empty() && count > 0 {
        ().into_any()
    } else if versions.data.is_empty() {
        view! { <EmptyState title="No version is known yet" /> }.into_any()
    } else {
        view! { <VersionTimeline versions=versions.data from to url=here now /> }.into_any()
    };
    let pager = (count > 10 || page.skip >= count)
        .then(|| view! { <Pager page count url=url.clone().at_part("timeline") what="versions" /> });
    view! { <div id="timeline"><Section title="Timeline">{body} {pager}</Section></div> }.into_any()
}
