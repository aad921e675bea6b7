use entity::kind::EventType;
use entity::view::{CommitDetail, CommitSummary, Event, Timestamp};
use leptos::prelude::*;

use super::commits::commit_counts;
use super::{load, show};
use crate::components::{
    Breadcrumb, CopyButton, Crumb, EmptyState, EventLine, FieldChanges, Glyph, Icon, PageHead, PageUrl, Pager, Section,
    SkeletonBlock, SkeletonRows, TimeAgo, commit_href, event_words, number_text, repository_href, short_sha,
};
use crate::server_fns::{self, CommitData};

/// `/commits/{repository}/{sha}`: what one commit did to the cluster.
#[component]
pub fn Commit() -> impl IntoView {
    let page = load(
        |path, query| {
            let part = |name| path.get(name).unwrap_or_default();
            server_fns::find_commit(part("repository"), part("sha"), query)
        },
        // A commit does not change; only a rewritten history takes it away.
        |_, _| false,
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
    let CommitData { now, detail, page } = data;
    let CommitDetail { commit, web_url, previous, next, events } = detail;
    let crumbs = vec![
        Crumb::link("Repositories", "/repositories"),
        Crumb::link(commit.repository_full_name.clone(), repository_href(commit.repository_id)),
        Crumb::here(short_sha(&commit.sha)),
    ];
    let forge = web_url.map(|href| {
        view! { <a href=href rel="noopener external">"On the forge " <Icon glyph=Glyph::External /></a> }
    });
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
            {forge}
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
        {changes(events.data, count, &commit, now)}
        {pager}
    }
    .into_any()
}

/// The changes by what they did, those that came and went before those that only changed.
fn changes(events: Vec<Event>, count: u64, commit: &CommitSummary, now: Timestamp) -> AnyView {
    if count == 0 {
        return view! {
            <EmptyState title="This commit changed no resource">
                <p>"It touched no Kubernetes manifest, or only formatting and comments."</p>
            </EmptyState>
        }
        .into_any();
    }
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
