use entity::kind::ResourceStatus;
use entity::view::{Event, Resource, SharedUse, Timestamp, WrittenImage};
use leptos::prelude::*;

use super::super::chart::stands_for;
use super::super::resources::namespace;
use crate::components::{
    KindBadge, Notice, PageHead, PageUrl, ResourceStatusBadge, TimeAgo, Version, chart_href, commit_href, counted,
    image_href, repository_href, short_sha,
};

/// Charts, images, and written images, that a head names, and versions of one; a list of many would be all that one sees of the page.
const MOST_SHARED: usize = 3;

/// What the resource is, where it stands, and since when it is gone if it is.
pub(super) fn view(
    resource: &Resource,
    status: Option<ResourceStatus>,
    deleted_by: Option<Event>,
    (charts, images, written): (Vec<SharedUse>, Vec<SharedUse>, Vec<WrittenImage>),
    url: &PageUrl,
    now: Timestamp,
) -> AnyView {
    // What it leads to is of the same day.
    let then = |href: String| PageUrl::new(href).with("at", url.get("at").unwrap_or_default()).href();
    let has_namespace = resource.namespace.is_some() || resource.namespace_inherited.is_some();
    let space = has_namespace
        .then(|| view! { <span class="fact"><span class="quiet">"namespace "</span>{namespace(resource)}</span> });
    let version = resource.version.clone().map(|version| {
        view! { <span class="fact"><span class="quiet">"version "</span><Version version=Some(version) /></span> }
    });
    let chart = resource.chart_name.clone().map(|chart| {
        view! {
            <span class="fact" title=resource.chart_url.clone()><span class="quiet">"chart "</span>{chart}</span>
        }
    });
    let installs = (charts.len() == 1 && resource.chart_name.is_some(), charts.len());
    let charts = charts.into_iter().take(MOST_SHARED).map(|one| {
        // Where its only chart is named already, the name says nothing more.
        let name = (!installs.0).then(|| last_part(&one.key).to_owned());
        shared("chart", name, then(chart_href(&one.key)), one)
    });
    let charts = charts.collect_view();
    let more_images = images.len().saturating_sub(MOST_SHARED);
    let images = images
        .into_iter()
        .take(MOST_SHARED)
        .map(|one| shared("image", Some(last_part(&one.key).to_owned()), then(image_href(&one.key)), one));
    let images = images.collect_view();
    let more_written = written.len().saturating_sub(MOST_SHARED);
    let written = written.into_iter().take(MOST_SHARED).map(|one| {
        let known = stands_for(&one.written, &one.variables);
        view! { <span class="fact"><span class="quiet">"image "</span><code class="path">{one.written}</code>{known}</span> }
    });
    let written = written.collect_view();
    let more = more_images + more_written + installs.1.saturating_sub(MOST_SHARED);
    let more = (more > 0).then(|| view! { <span class="fact quiet">{format!("and {more} more")}</span> });
    let gone = deleted_by.map(|event| {
        view! {
            <Notice tone="warn">
                "Deleted " <TimeAgo time=event.event_timestamp now /> " by " {event.author_name.clone()} " in "
                <a href=commit_href(event.repository_id, &event.commit)>
                    <span class="sha">{short_sha(&event.commit)}</span> " " {event.commit_subject.clone()}
                </a> ". Its last text is below."
            </Notice>
        }
    });
    let facts = view! {
        <div class="facts">
            <KindBadge kind=resource.kind.clone() />
            <span class="quiet">{resource.api_version.clone()}</span>
            {status.map(|status| view! { <ResourceStatusBadge status /> })}
            {space} {version} {chart} {charts} {images} {written} {more}
            <span class="fact">
                <span class="quiet">"in "</span>
                <a href=repository_href(resource.repository_id)>{resource.repository_full_name.clone()}</a>
            </span>
            <span class="fact">
                <span class="quiet">"since "</span>
                <TimeAgo time=resource.created_at now />
            </span>
            <span class="fact">
                <span class="quiet">{counted(resource.events, "change", "changes")} ", last "</span>
                <TimeAgo time=resource.updated_at now />
            </span>
        </div>
    };
    view! {
        <PageHead title=resource.name.clone() facts=facts.into_any() />
        {gone}
    }
    .into_any()
}

/// How many others have what a resource has.
fn shared(what: &'static str, name: Option<String>, href: String, one: SharedUse) -> AnyView {
    let others = counted(one.repositories - 1, "other repository", "other repositories");
    let used = if one.repositories > 1 { format!("used by {others}") } else { "used here only".to_owned() };
    let name = name.map(|name| {
        let versions =
            one.versions.into_iter().take(MOST_SHARED).map(|version| view! { <Version version=Some(version) /> " " });
        view! { <span class="quiet">{what} " "</span> {name} " " {versions.collect_view()} }
    });
    view! { <span class="fact" title=one.key>{name} <a href=href>{used}</a></span> }.into_any()
}

fn last_part(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}
