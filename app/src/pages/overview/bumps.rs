//! Charts and images that went from one version to another: one line for each step, whoever took it.

use entity::view::{BumpSubject, BumpedResource, Timestamp, VersionBump};
use leptos::prelude::*;

use crate::components::{
    EmptyState, Glyph, Icon, KindBadge, Section, TimeAgo, VersionChange, commit_href, counted, repository_href,
    resource_href, short_sha,
};

pub(super) fn view(bumps: Vec<VersionBump>, now: Timestamp) -> AnyView {
    if bumps.is_empty() {
        return view! {
            <Section title="Version bumps">
                <EmptyState title="No version changed yet">
                    <p>"Bumps of charts, images and sources stand here as soon as a scan finds one."</p>
                </EmptyState>
            </Section>
        }
        .into_any();
    }
    let lines = bumps.into_iter().map(|bump| view! { <li>{one(bump, now)}</li> }).collect_view();
    view! {
        <Section title="Version bumps">
            <ol class="bumps">{lines}</ol>
        </Section>
    }
    .into_any()
}

fn one(bump: VersionBump, now: Timestamp) -> AnyView {
    let VersionBump { subject, name, before, after, repositories, resources, changes } = bump;
    let word = match subject {
        BumpSubject::Chart => "chart",
        BumpSubject::Image => "image",
        BumpSubject::Source => "source",
    };
    // The last part of an image's name tells images apart; where it comes from stands behind.
    let (place, short) =
        name.rsplit_once('/').map_or((None, name.clone()), |(place, short)| (Some(place.to_owned()), short.to_owned()));
    let Some(newest) = changes.first().cloned() else { return ().into_any() };
    let alone = changes.len() == 1;
    // A step that one resource took leads to that resource.
    let short = match alone {
        true => view! { <a class="bump-name" href=resource_href(newest.resource_id)>{short}</a> }.into_any(),
        false => view! { <span class="bump-name">{short}</span> }.into_any(),
    };
    let what = view! {
        <span class="bump-what" title=name>
            <span class="bump-subject">{word}</span>
            {short}
            {place.map(|place| view! { <span class="quiet">{place}</span> })}
        </span>
        <VersionChange before after />
    }
    .into_any();
    if alone {
        let time = newest.event_timestamp;
        return view! {
            <div class="bump">
                <span class="bump-mark"></span>
                {what}
                {whose(newest, false)}
                <TimeAgo time now />
            </div>
        }
        .into_any();
    }
    let count = if repositories > 1 {
        counted(repositories, "repository", "repositories")
    } else {
        format!("{} in {}", counted(resources, "resource", "resources"), newest.repository_full_name)
    };
    let newest = newest.event_timestamp;
    let hidden = resources - i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let more =
        (hidden > 0).then(|| view! { <li class="quiet">{counted(hidden, "more resource", "more resources")}</li> });
    let lines = changes
        .into_iter()
        .map(|change| {
            let time = change.event_timestamp;
            view! { <li class="bump-change">{whose(change, true)} <TimeAgo time now /></li> }
        })
        .collect_view();
    view! {
        <details>
            <summary class="bump">
                <span class="bump-mark"><Icon glyph=Glyph::Expand /></span>
                {what}
                <span class="bump-where">{count}</span>
                <TimeAgo time=newest now />
            </summary>
            <ol class="bump-changes">{lines} {more}</ol>
        </details>
    }
    .into_any()
}

/// Where it was, in which commit, and in which resource, where more than one did it.
fn whose(change: BumpedResource, with_resource: bool) -> AnyView {
    let commit = format!("Commit {} by {}: {}", short_sha(&change.commit), change.author_name, change.commit_subject);
    let resource = with_resource.then(|| {
        view! {
            <KindBadge kind=change.resource_kind />
            <a href=resource_href(change.resource_id)>{change.resource_name}</a>
        }
    });
    view! {
        <span class="bump-where">
            <a href=repository_href(change.repository_id)>{change.repository_full_name}</a>
            {resource}
            <a class="sha" href=commit_href(change.repository_id, &change.commit) title=commit.clone() aria-label=commit>
                {short_sha(&change.commit)}
            </a>
        </span>
    }
    .into_any()
}
