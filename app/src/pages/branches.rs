//! Branches and what happened to them, as several pages show them.

use entity::kind::{BranchEventKind, BranchEventState, NoticedBy};
use entity::view::{Branch, Timestamp};
use leptos::prelude::*;

use crate::components::{Glyph, Icon, Table, TimeAgo, branch_href, repository_href, short_sha, status};

/// The sign, the word and the CSS word of what happened to a branch.
pub(super) const fn happened(kind: BranchEventKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        BranchEventKind::BranchCreated => ("+", "created", "created"),
        BranchEventKind::BranchUpdated => ("~", "pushed", "modified"),
        BranchEventKind::BranchDeleted => ("−", "deleted", "deleted"),
        BranchEventKind::TektonDetected => ("»", "Tekton found", "returned"),
    }
}

/// What happened to a branch, as sign and word.
pub(super) fn happened_badge(kind: BranchEventKind) -> AnyView {
    let (sign, word, tone) = happened(kind);
    view! { <span class="event-type" data-tone=tone><span class="sign" aria-hidden="true">{sign}</span> <span>{word}</span></span> }
        .into_any()
}

/// How far everybody who is to be told has been.
pub(super) const fn state_word(state: BranchEventState) -> &'static str {
    match state {
        BranchEventState::Pending => "Pending",
        BranchEventState::Processed => "Done",
        BranchEventState::Failed => "Failed",
        BranchEventState::Retrying => "Retrying",
    }
}

/// The same as icon and word.
pub(super) fn state_badge(state: BranchEventState) -> AnyView {
    let (tone, glyph) = match state {
        BranchEventState::Pending => ("busy", Glyph::Clock),
        BranchEventState::Processed => ("good", Glyph::Check),
        BranchEventState::Failed => ("bad", Glyph::Failed),
        BranchEventState::Retrying => ("warn", Glyph::Sync),
    };
    status(tone, glyph, state_word(state))
}

/// How a change came to be known.
pub(super) const fn noticed_words(by: NoticedBy) -> (&'static str, &'static str) {
    match by {
        NoticedBy::Poll => ("polling", "A look at the remote’s branches found it"),
        NoticedBy::Webhook => ("webhook", "The forge told"),
        NoticedBy::Api => ("API", "The forge’s API was asked, as Git’s own list could not be had"),
    }
}

/// Whether a branch is there, and watched.
pub(super) fn branch_state(branch: &Branch) -> AnyView {
    match (branch.deleted_at.is_some(), branch.is_watched) {
        (true, _) => status("gone", Glyph::Minus, "Gone"),
        (false, true) => status("good", Glyph::Check, "Watched"),
        (false, false) => status("idle", Glyph::Minus, "Not watched"),
    }
}

/// Branches as rows. `repository` has the one that is read by default where they are all of one repository; else each row says
/// whose it is.
pub(super) fn branch_table(branches: Vec<Branch>, repository: Option<&str>, now: Timestamp) -> AnyView {
    let with_repository = repository.is_none();
    let rows = branches.into_iter().map(|branch| row(branch, repository, now)).collect_view();
    view! {
        <Table caption="Branches">
            <thead>
                <tr>
                    <th scope="col">"Branch"</th>
                    {with_repository.then(|| view! { <th scope="col">"Repository"</th> })}
                    <th scope="col">"State"</th>
                    <th scope="col">"Protected"</th>
                    <th scope="col">"Commit"</th>
                    <th scope="col">"Changed"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

fn row(branch: Branch, repository: Option<&str>, now: Timestamp) -> AnyView {
    let whose = repository.is_none().then(|| {
        let (href, name) = (repository_href(branch.repository_id), branch.repository_full_name.clone());
        view! { <td data-label="Repository"><a href=href title=name.clone()>{name.clone()}</a></td> }
    });
    let default = (repository == Some(branch.name.as_str()))
        .then(|| view! { " " <span class="tag" title="The branch that is read">"default"</span> });
    let state = branch_state(&branch);
    view! {
        <tr>
            <td class="row-link branch-name" data-label="Branch"><a href=branch_href(branch.id)>{branch.name}</a> {default}</td>
            {whose}
            <td data-label="State">{state}</td>
            <td data-label="Protected">{protected(branch.is_protected)}</td>
            <td data-label="Commit"><code class="sha" title=branch.head_commit.clone()>{short_sha(&branch.head_commit)}</code></td>
            <td data-label="Changed"><TimeAgo time=branch.changed_at now /></td>
        </tr>
    }
    .into_any()
}

/// Whether the forge protects a branch, which not all tell.
fn protected(is_protected: Option<bool>) -> AnyView {
    match is_protected {
        Some(true) => status("idle", Glyph::Shield, "Protected"),
        Some(false) => view! { <span class="quiet">"no"</span> }.into_any(),
        None => view! { <span class="quiet" title="The forge did not tell">"–"</span> }.into_any(),
    }
}

/// Where a branch stood and where it stands, as far as both are known; a link where the forge can compare them.
pub(super) fn step(old: Option<&str>, new: Option<&str>, compare: Option<String>) -> AnyView {
    let sides = match (old, new) {
        (Some(old), Some(new)) => {
            let (before, after) = (short_sha(old), short_sha(new));
            let (old, new) = (old.to_owned(), new.to_owned());
            view! { <span title=old>{before}</span><span class="arrow">" → "</span><span title=new>{after}</span> }
                .into_any()
        }
        (None, Some(new)) => view! { <span title=new.to_owned()>{short_sha(new)}</span> }.into_any(),
        (Some(old), None) => {
            view! { <span class="quiet">"was"</span>" "<span title=old.to_owned()>{short_sha(old)}</span> }.into_any()
        }
        (None, None) => ().into_any(),
    };
    match compare {
        Some(href) => view! {
            <a class="sha" href=href rel="noopener external" title="Compare on the forge">{sides} " " <Icon glyph=Glyph::External /></a>
        }
        .into_any(),
        None => view! { <span class="sha">{sides}</span> }.into_any(),
    }
}
