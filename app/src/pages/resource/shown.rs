//! The larger part of the page: the text of a state, or two states compared.

use entity::view::{Resource, ResourceVersion, Timestamp};
use leptos::prelude::*;

use super::data::{Comparison, Shown};
use crate::components::{
    DiffView, EmptyState, EventTypeBadge, FieldChanges, Glyph, PageUrl, TimeAgo, Version, YamlHtml, YamlView,
    commit_href, resource_href, short_sha,
};

pub(super) fn view(resource: &Resource, shown: Shown, url: &PageUrl, now: Timestamp) -> AnyView {
    let newest = resource_href(resource.id);
    match shown {
        Shown::Text { yaml, file_path, version, missing } => {
            text(resource, yaml, file_path, version, missing, url, now)
        }
        Shown::Comparison(comparison) => compared(resource, *comparison, url, now),
        Shown::NoSuchVersion(number) => view! {
            <EmptyState title=format!("There is no version {number}") glyph=Glyph::Search>
                <p><a href=newest>"See the newest one"</a>", or choose one from the timeline."</p>
            </EmptyState>
        }
        .into_any(),
        Shown::NotYet => view! {
            <EmptyState title="It was not there yet" glyph=Glyph::Search>
                <p><a href=newest>"See it as it is now"</a>", or choose a version from the timeline."</p>
            </EmptyState>
        }
        .into_any(),
    }
}

fn text(
    resource: &Resource,
    yaml: YamlHtml,
    file_path: String,
    version: Option<Box<ResourceVersion>>,
    missing: Option<String>,
    url: &PageUrl,
    now: Timestamp,
) -> AnyView {
    let old = url.get("at").is_some();
    let web_url = version.as_ref().and_then(|version| version.web_url.clone());
    let about = version.filter(|_| old).map(|version| {
        view! {
            <div class="shown-about">
                <p>{state(&version, now)}</p>
                <p>
                    <a href=comparing(url, version.number).href()>"What it changed"</a> " · "
                    <a href=resource_href(resource.id)>"Newest manifest"</a>
                </p>
            </div>
        }
    });
    let body = match missing {
        Some(reason) => view! {
            <EmptyState title="This text is not to be had" glyph=Glyph::File><p>{reason}</p></EmptyState>
        }
        .into_any(),
        None => view! { <YamlView yaml path=file_path web_url /> }.into_any(),
    };
    view! { {about} {body} }.into_any()
}

/// The address that compares a state with the one before.
fn comparing(url: &PageUrl, number: i64) -> PageUrl {
    let before = if number > 1 { (number - 1).to_string() } else { String::new() };
    PageUrl::new(url.path()).with("from", before).with("to", number.to_string())
}

/// A state in words: number, what happened, when, by which commit.
fn state(version: &ResourceVersion, now: Timestamp) -> AnyView {
    let event = &version.event;
    view! {
        <span class="shown-state">
            <strong>{format!("Version {}", version.number)}</strong> " "
            {event.version_after.clone().map(|version| view! { <Version version=Some(version) /> " " })}
            <EventTypeBadge event_type=event.event_type /> " " <TimeAgo time=event.event_timestamp now /> " by "
            {event.author_name.clone()} " in "
            <a class="sha" href=commit_href(event.repository_id, &event.commit) title=event.commit_subject.clone()>
                {short_sha(&event.commit)}
            </a>
        </span>
    }
    .into_any()
}

fn compared(resource: &Resource, comparison: Comparison, url: &PageUrl, now: Timestamp) -> AnyView {
    let Comparison { from, to, diff, changes, total, missing, others } = comparison;
    let path = match from.as_ref().map(|from| &from.event.file_path).filter(|before| **before != to.event.file_path) {
        Some(before) => format!("{before} → {}", to.event.file_path),
        None => to.event.file_path.clone(),
    };
    let whole = PageUrl::new(url.path()).with("at", to.number.to_string()).href();
    let before = match &from {
        Some(from) => state(from, now),
        None => view! { <span class="quiet">"Nothing"</span> }.into_any(),
    };
    let body = match missing {
        Some(reason) => view! {
            <EmptyState title="These texts cannot be compared" glyph=Glyph::Compare><p>{reason}</p></EmptyState>
            // What changed was recorded even where the texts are not to be had.
            {(!changes.is_empty()).then(|| view! { <FieldChanges changes total /> })}
        }
        .into_any(),
        None => view! { <DiffView diff changes total url=url.clone() path /> }.into_any(),
    };
    view! {
        <div class="shown-about">
            <p>{before}</p>
            <p><span aria-hidden="true">"→ "</span>{state(&to, now)}</p>
            <p><a href=whole>"The whole manifest then"</a> " · " <a href=resource_href(resource.id)>"Newest manifest"</a></p>
            {others.map(super::others::others)}
        </div>
        {body}
    }
    .into_any()
}
