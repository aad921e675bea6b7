mod data;

use entity::kind::EventType;
use entity::view::{CommitDetail, CommitPlace, CommitSummary, Event, PageQuery, QuietCommit, Timestamp};
use leptos::prelude::*;

use self::data::{CommitData, CommitShown, find_commit};
use super::commits::commit_counts;
use super::{load, show};
use crate::components::{
    Breadcrumb, CopyButton, Crumb, EmptyState, EventLine, FieldChanges, Glyph, Icon, Notice, PageHead, PageUrl, Pager,
    Section, SkeletonBlock, SkeletonRows, TimeAgo, commit_href, counted, event_words, number_text, repository_href,
    short_sha,
};
use crate::live::Live;

/// `/commits/{repository}/{sha}`: what one commit did to the cluster.
#[component]
pub fn Commit() -> impl IntoView {
    let page = load(
        |path, query| {
            let part = |name| path.get(name).unwrap_or_default();
            find_commit(part("repository"), part("sha"), query)
        },
        // A commit does not change, but the head may not be scanned yet.
        |path, live| {
            matches!(live, Live::Events { .. })
                && live.repository_id().is_some_and(|id| path.get_str("repository") == Some(id))
        },
    );
    show(page, "The commit", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=12 />
    }
    .into_any()
}

fn view(data: CommitData, url: PageUrl) -> AnyView {
    let CommitData { now, shown } = data;
    match shown {
        CommitShown::Changed { detail, page } => changed(detail, page, url, now),
        CommitShown::Quiet(commit) => quiet(commit, now),
    }
}

/// A commit in which no resource changed.
fn quiet(commit: QuietCommit, now: Timestamp) -> AnyView {
    let short = short_sha(&commit.sha);
    let crumbs = vec![
        Crumb::link("Repositories", "/repositories"),
        Crumb::link(commit.repository_full_name.clone(), repository_href(commit.repository_id)),
        Crumb::here(short.clone()),
    ];
    let (title, text) = match commit.place {
        CommitPlace::NotScanned => {
            ("This commit is not scanned yet", "What it changed stands here as soon as a scan has read it.")
        }
        CommitPlace::Aside => (
            "Nothing was read in this commit",
            "It is not on the branch's own line: it came in by a merge, and what it changed stands at the commit that merged it.",
        ),
        CommitPlace::Scanned => (
            "This commit changed no Kubernetes resource",
            "It touched no manifest, or only their formatting and comments.",
        ),
    };
    let problems = (commit.problems > 0).then(|| {
        let href = PageUrl::new(repository_href(commit.repository_id)).with("tab", "problems").at_part("views").href();
        let text = counted(commit.problems, "problem begins", "problems begin");
        view! { <Notice tone="warn">{text} " with this commit. " <a href=href>"Show the problems"</a></Notice> }
    });
    // Of a manifest that can't be read any more nobody knows what changed.
    let text = if commit.problems > 0 { "As far as its files could be read." } else { text };
    let heading = match commit.subject {
        None => format!("Commit {short}"),
        Some(subject) if subject.is_empty() => "(no subject)".to_owned(),
        Some(subject) => subject,
    };
    let who = match (commit.author_name, commit.committed_at) {
        (Some(author), Some(time)) => Some(
            view! { <span class="fact">{author} <span class="quiet">" committed "</span> <TimeAgo time now /></span> }
                .into_any(),
        ),
        (None, Some(time)) => Some(
            view! { <span class="fact"><span class="quiet">"committed "</span> <TimeAgo time now /></span> }.into_any(),
        ),
        _ => None,
    };
    let facts = view! {
        <div class="facts">
            <span class="fact"><code class="sha">{short}</code> <CopyButton text=commit.sha what="commit hash" /></span>
            {who}
            <span class="fact">
                <span class="quiet">"in "</span>
                <a href=repository_href(commit.repository_id)>{commit.repository_full_name}</a>
            </span>
            {on_the_forge(commit.web_url)}
        </div>
    };
    view! {
        <Breadcrumb crumbs />
        <PageHead title=heading facts=facts.into_any() />
        {problems}
        <EmptyState title>
            <p>{text} " " <a href=repository_href(commit.repository_id)>"See what changed last in the repository."</a></p>
        </EmptyState>
    }
    .into_any()
}

fn on_the_forge(web_url: Option<String>) -> Option<AnyView> {
    web_url.map(|href| {
        view! { <a href=href rel="noopener external">"On the forge " <Icon glyph=Glyph::External /></a> }.into_any()
    })
}

fn changed(detail: CommitDetail, page: PageQuery, url: PageUrl, now: Timestamp) -> AnyView {
    let CommitDetail { commit, web_url, previous, next, events } = detail;
    let crumbs = vec![
        Crumb::link("Repositories", "/repositories"),
        Crumb::link(commit.repository_full_name.clone(), repository_href(commit.repository_id)),
        Crumb::here(short_sha(&commit.sha)),
    ];
    let facts = view! {
        <div class="facts">
            <span class="fact"><code class="sha">{short_sha(&commit.sha)}</code> <CopyButton text=commit.sha.clone() what="commit hash" /></span>
            <span class="fact">
                {commit.author_name.clone()} <span class="quiet">" committed "</span>
                <TimeAgo time=commit.committed_at now />
            </span>
            <span class="fact">
                <span class="quiet">"in "</span>
                <a href=repository_href(commit.repository_id)>{commit.repository_full_name.clone()}</a>
            </span>
            {on_the_forge(web_url)}
            <span class="fact commit-counts">{commit_counts(&commit)}</span>
        </div>
    };
    let repository = commit.repository_id;
    let neighbour = move |sha: Option<String>, label: &'static str, glyph: Glyph| match sha {
        Some(sha) => view! {
            <a class="button" data-towards=label href=commit_href(repository, &sha)><Icon glyph /> {label}</a>
        }
        .into_any(),
        None => {
            view! { <span class="button off" data-towards=label aria-disabled="true"><Icon glyph /> {label}</span> }
                .into_any()
        }
    };
    let title = if commit.subject.is_empty() { "(no subject)".to_owned() } else { commit.subject.clone() };
    let count = events.count;
    let pager = (count > page.limit || page.skip >= count).then(|| view! { <Pager page count url what="changes" /> });
    view! {
        <Breadcrumb crumbs />
        <PageHead title facts=facts.into_any()>
            {neighbour(previous, "Older", Glyph::Previous)}
            {neighbour(next, "Newer", Glyph::Next)}
        </PageHead>
        {changes(events.data, &commit, now)}
        {pager}
    }
    .into_any()
}

/// The changes by what they did, those that came and went before those that only changed.
fn changes(events: Vec<Event>, commit: &CommitSummary, now: Timestamp) -> AnyView {
    let mut groups: Vec<(EventType, Vec<Event>)> =
        [EventType::Deleted, EventType::Created, EventType::Resurrected, EventType::Modified]
            .into_iter()
            .map(|event_type| (event_type, Vec::new()))
            .collect();
    for event in events {
        if let Some((_, group)) = groups.iter_mut().find(|(event_type, _)| *event_type == event.event_type) {
            group.push(event);
        }
    }
    groups
        .into_iter()
        .filter(|(_, group)| !group.is_empty())
        .map(|(event_type, group)| {
            let (sign, word, _) = event_words(event_type);
            // Of the whole commit, whose changes may fill several pages.
            let count = number_text(match event_type {
                EventType::Created => commit.created,
                EventType::Modified => commit.modified,
                EventType::Deleted => commit.deleted,
                EventType::Resurrected => commit.resurrected,
            });
            let lines = group.into_iter().map(|event| change(event, now)).collect_view();
            view! {
                <Section title=format!("{sign} {count} {word}")>
                    <ol class="events">{lines}</ol>
                </Section>
            }
        })
        .collect_view()
        .into_any()
}

/// A change, with its fields where there are more than its line says.
fn change(event: Event, now: Timestamp) -> AnyView {
    let long = |side: &Option<String>| side.as_deref().is_some_and(|text| text.len() > 24 || text.contains('\n'));
    let told = match event.changes.as_slice() {
        [] => true,
        [only] => event.changes_total <= 1 && !long(&only.old) && !long(&only.new),
        _ => false,
    };
    let fields = (event.event_type == EventType::Modified && !told).then(|| {
        let (changes, total) = (event.changes.clone(), event.changes_total);
        view! {
            <div class="commit-fields"><FieldChanges changes total /></div>
        }
    });
    view! {
        <li>
            <EventLine event now within_commit=true />
            {fields}
        </li>
    }
    .into_any()
}
