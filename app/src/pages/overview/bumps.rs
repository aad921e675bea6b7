//! Charts and images that went from one version to another: one line for each step, whoever took it.

use entity::view::{BumpSubject, BumpedResource, Timestamp, VersionBump};
use leptos::prelude::*;

use crate::components::{
    EmptyState, Glyph, Icon, KindBadge, Section, TimeAgo, VersionChange, commit_href, counted, repository_href,
    resource_href, short_sha, upgrade_href,
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
    let VersionBump { subject, chart_key, name, before, after, repositories, resources, changes } = bump;
    let word = match subject {
        BumpSubject::Chart => "chart",
        BumpSubject::Image => "image",
        BumpSubject::Source => "source",
    };
    // The last part of a name tells images, and charts, apart; where it comes from stands behind.
    let whole = chart_key.clone().unwrap_or_else(|| name.clone());
    let place = whole.rsplit_once('/').map(|(place, _)| place.to_owned());
    let short = name.rsplit_once('/').map_or(name.clone(), |(_, short)| short.to_owned());
    let Some(newest) = changes.first().cloned() else { return ().into_any() };
    let alone = changes.len() == 1;
    // A step that one resource took leads to that resource.
    let short = match newest.resource_id.filter(|_| alone) {
        Some(id) => view! { <a class="bump-name" href=resource_href(id)>{short}</a> }.into_any(),
        None => view! { <span class="bump-name">{short}</span> }.into_any(),
    };
    let step = match (chart_key, &before, &after) {
        (Some(key), Some(from), Some(to)) => Some(upgrade_href(&key, from, to)),
        _ => None,
    };
    let change = view! { <VersionChange before after /> }.into_any();
    // A line that opens has no room for a link: keyboard and ear could not tell it from the line.
    let (change, others) = match step {
        Some(href) if alone => (
            view! { <a class="step-link" href=href title="What others changed with this step">{change}</a> }.into_any(),
            None,
        ),
        step => (change, step.map(|href| view! { <li><a href=href>"What others changed with this step"</a></li> })),
    };
    let what = view! {
        <span class="bump-what" title=whole>
            <span class="bump-subject">{word}</span>
            {short}
            {place.map(|place| view! { <span class="quiet">{place}</span> })}
        </span>
        {change}
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
            <ol class="bump-changes">{lines} {more} {others}</ol>
        </details>
    }
    .into_any()
}

/// Where it was, in which commit, and in which resource, where more than one did it.
fn whose(change: BumpedResource, with_resource: bool) -> AnyView {
    let commit = match (change.author_name, change.commit_subject) {
        (Some(author), Some(subject)) => format!("Commit {} by {author}: {subject}", short_sha(&change.commit)),
        _ => format!("Commit {}", short_sha(&change.commit)),
    };
    let resource = with_resource.then(|| {
        let name = match change.resource_id {
            Some(id) => view! { <a href=resource_href(id)>{change.resource_name}</a> }.into_any(),
            None => view! { <span>{change.resource_name}</span> }.into_any(),
        };
        view! {
            <KindBadge kind=change.resource_kind />
            {name}
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
