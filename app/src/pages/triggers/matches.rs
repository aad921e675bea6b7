//! What a dry run found.

use entity::view::{DryRun, DryRunMatch};
use leptos::prelude::*;

use crate::components::{Glyph, Icon, TimeAgo, commit_href, counted, number_text, repository_href, short_sha};
use crate::pages::branches::happened_badge;

/// How often a trigger would have fired, for what, and what is not known.
pub(super) fn dry_run(run: DryRun) -> AnyView {
    let DryRun { until: now, events, commits, matched, unknown, is_complete, notes, matches, .. } = run;
    let looked = [
        (events > 0).then(|| counted(i64::from(events), "event", "events")),
        (commits > 0).then(|| counted(i64::from(commits), "commit", "commits")),
    ];
    let looked = looked.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    let least = if is_complete { "" } else { "at least " };
    let times = match matched {
        0 if events + commits == 0 => "Nothing happened in the last 30 days that it could have fired for.".to_owned(),
        0 => "It would not have fired in the last 30 days.".to_owned(),
        _ => {
            format!("It would have fired {least}{} in the last 30 days.", counted(i64::from(matched), "time", "times"))
        }
    };
    let looked = (!looked.is_empty()).then(|| view! { <p class="quiet">"Held against " {looked} "."</p> });
    let unknown = (unknown > 0).then(|| {
        let of = counted(i64::from(unknown), "of them is", "of them are");
        view! { <p class="status" data-tone="warn"><Icon glyph=Glyph::Warning /> {of} " unknown."</p> }
    });
    let shown = matches.len();
    let more = (i64::from(matched) > i64::try_from(shown).unwrap_or(i64::MAX)).then(|| {
        view! { <p class="quiet">"The newest " {number_text(i64::try_from(shown).unwrap_or(i64::MAX))} " are listed."</p> }
    });
    let notes = notes.into_iter().map(|note| view! { <p class="quiet">{note}</p> }).collect_view();
    let rows = matches.into_iter().map(|found| row(found, now)).collect_view();
    view! {
        <p><strong>{times}</strong></p>
        {looked}
        {unknown}
        {(shown > 0).then(|| view! { <ul class="dry-matches">{rows}</ul> })}
        {more}
        {notes}
    }
    .into_any()
}

fn row(found: DryRunMatch, now: entity::view::Timestamp) -> AnyView {
    let DryRunMatch { event_id, at, kind, repository_id, repository_full_name, branch_name, commit, subject } = found;
    let commit = commit.map(|commit| {
        view! { <a class="sha" href=commit_href(repository_id, &commit)>{short_sha(&commit)}</a> }
    });
    let what = match subject {
        Some(subject) => view! { <span class="cut" title=subject.clone()>{subject.clone()}</span> }.into_any(),
        None => happened_badge(kind),
    };
    let unwatched = event_id.is_none().then(|| {
        view! { <span class="tag" title="A commit of the default branch from before it was watched">"commit"</span> }
    });
    view! {
        <li>
            <span class="quiet num"><TimeAgo time=at now /></span>
            <span class="dry-where">
                <a href=repository_href(repository_id)>{repository_full_name}</a> " " <span class="quiet">{branch_name}</span>
            </span>
            {what}
            {unwatched}
            {commit}
        </li>
    }
    .into_any()
}
