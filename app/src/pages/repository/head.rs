//! What a repository is, what can be asked of it, and what its state means.

use entity::address::is_local;
use entity::kind::{GitOpsTool, Origin, Permission, RepositoryAction, SyncStatus};
use entity::view::{Repository, ScannedBranch, Timestamp, web_page};
use leptos::form::ActionForm;
use leptos::prelude::*;

use super::data::{RequestScan, RequestSync};
use crate::busy::Busy;
use crate::components::{
    ActFailed, CopyButton, GitOpsBadge, Glyph, Icon, MaybeTimeAgo, Notice, OriginBadge, PageHead, PageUrl, StatusBadge,
    commit_href, repository_href, short_sha, watch_href,
};
use crate::pages::outcome::act_button;
use crate::pages::question::ask_link;
use crate::viewer::may;

/// The two buttons' requests on their way; kept outside the data, which comes anew while they run.
#[derive(Clone, Copy)]
pub(super) struct Requests {
    sync: ServerAction<RequestSync>,
    scan: ServerAction<RequestScan>,
}

impl Requests {
    pub(super) fn new() -> Self {
        let (sync, scan) = (ServerAction::new(), ServerAction::new());
        if let Some(busy) = use_context::<Busy>() {
            busy.wait_while(move || sync.pending().get() || scan.pending().get());
        }
        Self { sync, scan }
    }

    /// How many requests were answered; tracked.
    pub(super) fn answered(self) -> usize {
        self.sync.version().get() + self.scan.version().get()
    }
}

/// Name, facts, actions.
pub(super) fn view(repository: &Repository, url: &PageUrl, now: Timestamp) -> AnyView {
    let buttons = buttons(repository);
    let decisions = decisions(repository, url);
    view! {
        <PageHead title=repository.full_name.clone() facts=facts(repository, now)>
            {buttons}
            {decisions}
        </PageHead>
    }
    .into_any()
}

fn facts(repository: &Repository, now: Timestamp) -> AnyView {
    let link = match web_page(repository.web_url.clone()) {
        Some(url) => view! {
            <a href=url.clone() rel="noopener external">{plain(&url)} <Icon glyph=Glyph::External /></a>
        }
        .into_any(),
        None if !is_local(&repository.url) => {
            view! { <span class="path" title="Where it is cloned from">{plain(&repository.url)}</span> }.into_any()
        }
        // Paths of the server are nobody's business.
        None => view! { <span class="quiet">"a folder on this server"</span> }.into_any(),
    };
    let tool =
        (repository.gitops_tool != GitOpsTool::None).then(|| view! { <GitOpsBadge tool=repository.gitops_tool /> });
    let head = repository.head_commit.clone().map(|sha| {
        view! {
            <span class="fact">
                <span class="quiet">"at "</span>
                <a class="sha" href=commit_href(repository.id, &sha) title=sha.clone()>{short_sha(&sha)}</a>
                <CopyButton text=sha what="commit hash" />
                " "
                <MaybeTimeAgo time=repository.head_committed_at now none="" />
            </span>
        }
    });
    let branch = (!repository.default_branch.is_empty()).then(|| {
        view! { <span class="fact"><span class="quiet">"branch "</span><code>{repository.default_branch.clone()}</code></span> }
    });
    let beside = beside(repository);
    let language = repository.language.clone().map(|language| view! { <span class="tag">{language}</span> });
    let about = repository.description.clone().map(|about| view! { <p class="page-about">{about}</p> });
    view! {
        {about}
        <div class="facts">
            {link} {tool} <OriginBadge origin=repository.origin /> {language} {branch} {beside} {head}
            <StatusBadge status=repository.sync_status of="Sync" />
            <StatusBadge status=repository.scan_status of="Scan" />
            <span class="fact">
                <span class="quiet">"synced "</span>
                <MaybeTimeAgo time=repository.last_sync_at now />
            </span>
        </div>
    }
    .into_any()
}

/// Its other branches that are scanned.
fn beside(repository: &Repository) -> Option<AnyView> {
    let link = |(place, one): (usize, &ScannedBranch)| {
        let comma = if place == 0 { " " } else { ", " };
        let failed = (one.sync_status == SyncStatus::Error)
            .then(|| view! { " " <StatusBadge status=SyncStatus::Error of="Sync" /> });
        view! { {comma} <a href=repository_href(one.repository_id)><code>{one.branch.clone()}</code></a> {failed} }
    };
    let others = repository.scanned_branches.iter().filter(|one| one.repository_id != repository.id);
    let links: Vec<_> = others.enumerate().map(link).collect();
    (!links.is_empty())
        .then(|| view! { <span class="fact"><span class="quiet">"also scanned"</span> {links}</span> }.into_any())
}

/// An address as people read it.
fn plain(url: &str) -> String {
    url.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches(".git").to_owned()
}

/// What people may decide about it in this state.
fn decisions(repository: &Repository, url: &PageUrl) -> AnyView {
    if !may(Permission::ManageRepositories) {
        return ().into_any();
    }
    let (id, from) = (repository.id, url.href());
    let let_in = |label| act_button(RepositoryAction::Approve, id, from.clone(), "button primary", label);
    let block = |label| ask_link(RepositoryAction::Block, id, from.clone(), label);
    let decide = match repository.sync_status {
        SyncStatus::PendingApproval => view! { {let_in("Approve")} {block("Block…")} }.into_any(),
        SyncStatus::Blocked => let_in("Unblock"),
        _ => block("Block…"),
    };
    // What the configuration names would be back after the next start.
    let delete = repository.may_be_deleted().then(|| ask_link(RepositoryAction::Delete, id, from.clone(), "Delete…"));
    view! { {decide} {delete} }.into_any()
}

fn buttons(repository: &Repository) -> AnyView {
    // Asking in vain is not offered.
    if repository.sync_status.is_set_aside() || !may(Permission::ManageRepositories) {
        return ().into_any();
    }
    let Some(Requests { sync, scan }) = use_context::<Requests>() else { return ().into_any() };
    let (id, same) = (repository.id.to_string(), repository.id.to_string());
    view! {
        <ActionForm action=sync>
            <input type="hidden" name="repository_id" value=id />
            <button type="submit" class="button primary" title="Look for new commits now">
                <Icon glyph=Glyph::Sync />
                "Sync"
            </button>
        </ActionForm>
        <ActionForm action=scan>
            <input type="hidden" name="repository_id" value=same />
            <button type="submit" class="button" title="Read what is fetched but not yet scanned">
                "Scan"
            </button>
        </ActionForm>
        <ActFailed action=sync />
        <ActFailed action=scan />
    }
    .into_any()
}

/// What the state means and what to do about it, for every state but the plain good one.
pub(super) fn states(repository: &Repository) -> AnyView {
    let reason = |reason: &Option<String>| reason.clone().unwrap_or_else(|| "no reason was given".to_owned());
    let scanned = repository.scanned_commit.is_some();
    let is_branch = repository.scanned_branch.is_some().then(|| {
        view! {
            <Notice>
                "This is one branch of a repository, scanned beside the main one. Where repositories are counted or listed it is left out."
            </Notice>
        }
    });
    let disabled = (!repository.enabled).then(|| {
        view! {
            <Notice tone="warn">
                "This repository is no longer in the configuration. What was found in it stays, nothing new is fetched."
            </Notice>
        }
    });
    let stands = if scanned { " What was read before stands below." } else { "" };
    let sync = match repository.sync_status {
        SyncStatus::Pending if !scanned => {
            Some(("info", "Waiting for its first sync. This page fills by itself.".to_owned()))
        }
        SyncStatus::Syncing if !scanned => {
            Some(("info", "Being fetched for the first time. This page fills by itself.".to_owned()))
        }
        SyncStatus::Error => {
            Some(("bad", format!("The last sync failed: {}.{stands}", full_stop(&reason(&repository.sync_error)))))
        }
        SyncStatus::Blocked => Some((
            "warn",
            format!("Blocked, so nothing new is fetched: {}.{stands}", full_stop(&reason(&repository.sync_error))),
        )),
        SyncStatus::PendingApproval => Some((
            "warn",
            format!(
                "Not fetched until somebody approves it: {}. A larger limit (scan.max_repository_size_mb) lets it in as well.{stands}",
                full_stop(&reason(&repository.sync_error))
            ),
        )),
        SyncStatus::Success if repository.head_commit.is_none() => Some((
            "info",
            "The repository is empty: its branch has no commits. It is looked at again with every sync.".to_owned(),
        )),
        _ => None,
    };
    let scan = match repository.scan_status {
        SyncStatus::Error => {
            Some(("bad", format!("The last scan failed: {}.{stands}", full_stop(&reason(&repository.scan_error)))))
        }
        SyncStatus::Syncing if !scanned => {
            Some(("info", "Its history is being replayed for the first time. This page fills by itself.".to_owned()))
        }
        SyncStatus::Success
            if scanned && repository.counts.active_resources == 0 && repository.counts.deleted_resources == 0 =>
        {
            Some(("info", "No Kubernetes resource was found in any commit of this branch.".to_owned()))
        }
        _ => None,
    };
    let token = token(repository);
    let sync = sync.map(|(tone, text)| view! { <Notice tone>{text} {token}</Notice> });
    let scan = scan.map(|(tone, text)| view! { <Notice tone>{text}</Notice> });
    view! { {is_branch} {disabled} {sync} {scan} }.into_any()
}

/// Where one that can't be had is given a token, if it may have one of its own.
fn token(repository: &Repository) -> Option<AnyView> {
    let is_refused = matches!(repository.sync_status, SyncStatus::Error | SyncStatus::Blocked);
    let may_have_one = matches!(repository.origin, Origin::Added | Origin::Discovered);
    let href = PageUrl::new(watch_href(repository.id)).at_part("access").href();
    (is_refused && may_have_one && may(Permission::ManageRepositories))
        .then(|| view! { " If it is private, " <a href=href>"enter a token for it"</a> "." }.into_any())
}

/// A reason without the full stop that the sentence around it brings.
fn full_stop(reason: &str) -> &str {
    reason.trim_end().trim_end_matches('.')
}
