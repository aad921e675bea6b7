use entity::kind::EventType;
use entity::view::{CommitSummary, Timestamp};
use leptos::prelude::*;

use crate::components::{EventTypeBadge, TimeAgo, commit_href, repository_href, short_sha};

/// What a commit did, as one count for each sort of change that there is.
pub(super) fn commit_counts(commit: &CommitSummary) -> AnyView {
    let counts = [
        (EventType::Created, commit.created),
        (EventType::Modified, commit.modified),
        (EventType::Deleted, commit.deleted),
        (EventType::Resurrected, commit.resurrected),
    ];
    counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(event_type, count)| view! { <EventTypeBadge event_type count=Some(count) /> })
        .collect_view()
        .into_any()
}

/// A commit in a line: what it did, how much, where, by whom, when.
#[component]
pub(super) fn CommitLine(commit: CommitSummary, now: Timestamp) -> impl IntoView {
    let href = commit_href(commit.repository_id, &commit.sha);
    view! {
        <li class="commit-line">
            <a class="commit-subject" href=href.clone() title=commit.subject.clone()>{commit.subject.clone()}</a>
            <span class="commit-counts">{commit_counts(&commit)}</span>
            <span class="commit-about">
                <a href=repository_href(commit.repository_id)>{commit.repository_full_name.clone()}</a>
                <span class="event-who">{commit.author_name.clone()}</span>
                <a class="sha" href=href tabindex="-1">{short_sha(&commit.sha)}</a>
                <TimeAgo time=commit.committed_at now />
            </span>
        </li>
    }
}
