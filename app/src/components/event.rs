use entity::kind::{ChangeTag, EventType};
use entity::view::{ChartStep, Event, FieldChange, Timestamp};
use leptos::prelude::*;

use super::{
    EventTypeBadge, Glyph, Icon, KindBadge, TimeAgo, VersionChange, commit_href, counted, repository_href,
    resource_href, short_sha, upgrade_href,
};

/// One change of one resource in one line: what happened, to what, how, where, by whom, in which commit, when.
#[component]
pub fn EventLine(
    /// The event.
    event: Event,
    /// The server's clock when the data was read.
    now: Timestamp,
    /// Name the repository: on pages that are not one repository's.
    #[prop(optional)]
    with_repository: bool,
    /// Leave out who, when and which commit: inside a fold that has said so.
    #[prop(optional)]
    within_commit: bool,
) -> impl IntoView {
    let how = how(&event);
    let path = cut_path(&event.file_path);
    let path_title = event.file_path.clone();
    let commit = (!within_commit).then(|| {
        view! {
            <span class="event-who" title=event.author_name.clone()>{event.author_name.clone()}</span>
            <a
                class="sha"
                href=commit_href(event.repository_id, &event.commit)
                title=event.commit_subject.clone()
                aria-label=format!("Commit {}: {}", short_sha(&event.commit), event.commit_subject)
            >
                {short_sha(&event.commit)}
            </a>
            <TimeAgo time=event.event_timestamp now />
        }
    });
    let repository = with_repository.then(|| {
        view! {
            <a class="event-repository" href=repository_href(event.repository_id)>
                {event.repository_full_name.clone()}
            </a>
        }
    });
    view! {
        <div class="event" class:within=within_commit>
            <EventTypeBadge event_type=event.event_type compact=true />
            <span class="event-what">
                <KindBadge kind=event.resource_kind.clone() />
                <a class="event-name" href=resource_href(event.resource_id)>{event.resource_name.clone()}</a>
                {event.effective_namespace().map(str::to_owned).map(|namespace| view! { <span class="quiet">{namespace}</span> })}
            </span>
            <span class="event-how">{how}</span>
            <span class="event-where" title=path_title>
                {repository}
                {path}
            </span>
            {commit}
        </div>
    }
}

/// The version if it changed, else the place if it moved, else the fields.
pub(super) fn how(event: &Event) -> AnyView {
    if let Some((before, after)) = event.version_step() {
        let (before, after) = (before.map(str::to_owned), after.map(str::to_owned));
        let shown = view! { <VersionChange before after /> }.into_any();
        return match &event.chart_step {
            Some(step) => to_others(step, shown),
            None => shown,
        };
    }
    // It came with that version.
    if event.version_before != event.version_after && event.event_type != EventType::Deleted {
        let version = event.version_after.clone();
        return view! { <super::Version version /> }.into_any();
    }
    if let Some(before) = event.file_path_before.as_ref().filter(|before| **before != event.file_path) {
        return view! { <span class="quiet" title=before.clone()>"moved from " <span class="path">{before.clone()}</span></span> }
            .into_any();
    }
    match event.event_type {
        EventType::Created | EventType::Deleted | EventType::Resurrected => {
            let (_, word, _) = super::event_words(event.event_type);
            view! { <span class="quiet">{word}</span> }.into_any()
        }
        EventType::Modified => fields(event),
    }
}

/// A step that leads to what others changed with the same.
fn to_others(step: &ChartStep, shown: AnyView) -> AnyView {
    let href = upgrade_href(&step.chart_key, &step.from, &step.to);
    view! { <a class="step-link" href=href title="What others changed with this step">{shown}</a> }.into_any()
}

fn fields(event: &Event) -> AnyView {
    if let [only] = event.changes.as_slice()
        && event.changes_total <= 1
    {
        let values = short_values(only).map(|(before, after)| view! { " " <VersionChange before after /> });
        return view! { <code class="field-path">{last_parts(&only.path)}</code> {values} }.into_any();
    }
    let paths: Vec<String> = if event.changes.is_empty() {
        let tags: Vec<&str> = ChangeTag::ALL.iter().map(|tag| tag.as_str()).collect();
        event.changes_detected.iter().filter(|text| !tags.contains(&text.as_str())).cloned().collect()
    } else {
        event.changes.iter().map(|change| change.path.clone()).collect()
    };
    let Some(first) = paths.first() else {
        let word = if event.caused_by_resource_id.is_some() { "its source changed" } else { "content" };
        return view! { <span class="quiet">{word}</span> }.into_any();
    };
    let total = event.changes_total.max(i64::try_from(paths.len()).unwrap_or(i64::MAX));
    let more = (total > 1).then(
        || view! { <span class="quiet">{format!(" and {}", counted(total - 1, "more field", "more fields"))}</span> },
    );
    let title = paths.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    view! { <code class="field-path" title=title>{last_parts(first)}</code> {more} }.into_any()
}

/// Both sides of a change, where they are short enough for a line. A digest behind a tag says nothing to people unless
/// it is all that changed.
fn short_values(change: &FieldChange) -> Option<(Option<String>, Option<String>)> {
    let tag =
        |side: &Option<String>| side.as_ref().map(|text| text.split("@sha256:").next().unwrap_or(text).to_owned());
    let (mut before, mut after) = (tag(&change.old), tag(&change.new));
    if before == after {
        let digest = |side: &Option<String>| {
            let digest = side.as_deref()?.split_once("@sha256:")?.1;
            Some(format!("sha256:{}…", digest.chars().take(7).collect::<String>()))
        };
        let digests = (digest(&change.old), digest(&change.new));
        (before, after) = if digests.0 == digests.1 { (change.old.clone(), change.new.clone()) } else { digests };
    }
    let short = |side: &Option<String>| side.as_deref().is_none_or(|text| text.len() <= 32 && !text.contains('\n'));
    (short(&before) && short(&after)).then_some((before, after))
}

/// The version changes among a commit's events: name, before, after; a release before the source that it deploys from.
fn bumps(events: &[Event]) -> Vec<(String, Option<String>, Option<String>)> {
    let mut found: Vec<(String, Option<String>, Option<String>)> = Vec::new();
    for event in events {
        let Some((before, Some(after))) = event.version_step() else { continue };
        let bump = (event.resource_name.clone(), before.map(str::to_owned), Some(after.to_owned()));
        if !found.contains(&bump) {
            found.push(bump);
        }
    }
    found
}

/// The last two names of a field path: the part that tells changes apart.
fn last_parts(path: &str) -> String {
    let mut dots = path.rmatch_indices('.').map(|(at, _)| at);
    match dots.nth(1) {
        Some(at) if !path.contains('"') => format!("…{}", &path[at..]),
        _ => path.to_owned(),
    }
}

/// A path that is cut in its folders, never in its file, where it has no room.
pub(crate) fn cut_path(path: &str) -> AnyView {
    let (folder, file) = split_path(path);
    view! { <span class="path"><span class="path-folder">{folder}</span><span class="path-file">{file}</span></span> }
        .into_any()
}

/// Folder (with slash) and file of a path.
fn split_path(path: &str) -> (String, String) {
    path.rfind('/')
        .map_or_else(|| (String::new(), path.to_owned()), |at| (path[..=at].to_owned(), path[at + 1..].to_owned()))
}

/// Events in the order given; neighbours of one commit fold into one line that opens.
#[component]
pub fn EventList(
    /// The events, newest first.
    events: Vec<Event>,
    /// The server's clock when the data was read.
    now: Timestamp,
    /// Name the repository: on pages that are not one repository's.
    #[prop(optional)]
    with_repository: bool,
) -> impl IntoView {
    let lines: Vec<_> = fold_by_commit(events)
        .into_iter()
        .map(|mut group| {
            let inner = if group.len() == 1 {
                view! { <EventLine event=group.remove(0) now with_repository /> }.into_any()
            } else {
                view! { <CommitFold events=group now with_repository /> }.into_any()
            };
            view! { <li>{inner}</li> }
        })
        .collect();
    view! { <ol class="events">{lines}</ol> }
}

/// Runs of neighbours that one commit made.
fn fold_by_commit(events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut groups: Vec<Vec<Event>> = Vec::new();
    for event in events {
        match groups.last_mut() {
            Some(group)
                if group
                    .first()
                    .is_some_and(|f| f.commit == event.commit && f.repository_id == event.repository_id) =>
            {
                group.push(event);
            }
            _ => groups.push(vec![event]),
        }
    }
    groups
}

/// Many changes by one commit in one line that opens.
#[component]
pub fn CommitFold(
    /// The events, all of one commit; nothing is shown for none.
    events: Vec<Event>,
    /// The server's clock when the data was read.
    now: Timestamp,
    /// Name the repository: on pages that are not one repository's.
    #[prop(optional)]
    with_repository: bool,
    /// Whether it is open at first.
    #[prop(optional)]
    open: bool,
) -> impl IntoView {
    let Some(first) = events.first().cloned() else { return ().into_any() };
    let counts: Vec<_> = EventType::ALL
        .iter()
        .filter_map(|event_type| {
            let count = events.iter().filter(|event| event.event_type == *event_type).count();
            (count > 0).then(|| {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                view! { <EventTypeBadge event_type=*event_type count=Some(count) /> }
            })
        })
        .collect();
    let bumps = bumps(&events);
    let more = (bumps.len() > 2).then(|| view! { <span class="quiet">{format!("+{}", bumps.len() - 2)}</span> });
    let bumps = bumps
        .into_iter()
        .take(2)
        .map(|(name, before, after)| {
            view! { <span class="fold-bump">{name} " " <VersionChange before after /></span> }
        })
        .collect_view();
    let lines: Vec<_> =
        events.into_iter().map(|event| view! { <li><EventLine event now within_commit=true /></li> }).collect();
    let href = commit_href(first.repository_id, &first.commit);
    view! {
        <div class="fold">
            <details open=open>
                <summary class="event fold-head">
                    <span class="fold-mark"><Icon glyph=Glyph::Expand /></span>
                    <span class="fold-subject" title=first.commit_subject.clone()>{first.commit_subject.clone()}</span>
                    <span class="fold-counts">{counts} {bumps} {more}</span>
                </summary>
                <ol class="events">{lines}</ol>
            </details>
            // Links within a summary cannot be told from it by keyboard and ear, so they lie over it.
            <div class="event fold-about">
                <span class="event-where">
                    {with_repository
                        .then(|| {
                            view! {
                                <a class="event-repository" href=repository_href(first.repository_id)>
                                    {first.repository_full_name.clone()}
                                </a>
                            }
                        })}
                </span>
                <span class="event-who" title=first.author_name.clone()>{first.author_name.clone()}</span>
                <a class="sha" href=href aria-label=format!("Commit {}", short_sha(&first.commit))>
                    {short_sha(&first.commit)}
                </a>
                <TimeAgo time=first.event_timestamp now />
            </div>
        </div>
    }
    .into_any()
}
