use entity::kind::{GitOpsTool, Origin, SyncStatus};
use entity::view::{Repository, Sort, Timestamp};
use leptos::prelude::*;

use super::filters::{chips, choices, values};
use super::{load, show};
use crate::components::{
    Breadcrumb, Choice, Crumb, EmptyState, FilterBar, GitOpsBadge, MaybeTimeAgo, Number, OriginBadge, PageHead,
    PageUrl, Pager, Select, SkeletonBlock, SkeletonRows, SortHead, StatusBadge, Table, TextField, counted, gitops_word,
    repository_href,
};
use crate::live::Live;
use crate::server_fns::{self, RepositoriesData};

/// `/repositories`: all that are watched.
#[component]
pub fn Repositories() -> impl IntoView {
    let page = load(|_, query| server_fns::list_repositories(query), |_, live| matches!(live, Live::Repository { .. }));
    show(page, "The repositories", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=25 />
    }
    .into_any()
}

fn view(data: RepositoriesData, url: PageUrl) -> AnyView {
    let RepositoriesData { now, repositories, page, languages, total } = data;
    let value = values(&url);
    let statuses = SyncStatus::ALL.iter().map(|status| Choice::new(status.as_str(), status_word(*status))).collect();
    let tools = GitOpsTool::ALL.iter().map(|tool| Choice::new(tool.as_str(), gitops_word(*tool))).collect();
    let mut chips = chips(
        &url,
        &[("text", "Text"), ("language", "Language"), ("status", "Status"), ("tool", "GitOps"), ("origin", "Origin")],
    );
    for chip in &mut chips {
        match chip.key {
            "status" => {
                chip.value = chip.value.parse().map_or_else(|_| chip.value.clone(), |s| status_word(s).to_owned())
            }
            "tool" => {
                chip.value = chip.value.parse().map_or_else(|_| chip.value.clone(), |t| gitops_word(t).to_owned())
            }
            _ => {}
        }
    }
    let filtered = !chips.is_empty();
    let facts = view! { <span class="quiet">{counted(total, "repository is", "repositories are")} " watched"</span> };
    let list = if repositories.data.is_empty() { empty(filtered, total) } else { table(repositories.data, &url, now) };
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Repositories")] />
        <PageHead title="Repositories" facts=facts.into_any() />
        <FilterBar url=url.clone() keys=&["text", "language", "status", "tool"] chips>
            <TextField name="text" label="Name or description" placeholder="Name or description" search=true value=value("text") />
            <Select name="language" label="Language" choices=choices(languages) selected=value("language") />
            <Select name="status" label="Status" choices=statuses selected=value("status") />
            <Select name="tool" label="GitOps" choices=tools selected=value("tool") />
        </FilterBar>
        {list}
        <Pager page count=repositories.count url what="repositories" />
    }
    .into_any()
}

const fn status_word(status: SyncStatus) -> &'static str {
    match status {
        SyncStatus::Pending => "waiting",
        SyncStatus::Syncing => "running",
        SyncStatus::Success => "up to date",
        SyncStatus::Error => "failed",
        SyncStatus::Blocked => "set aside",
        SyncStatus::PendingApproval => "to approve",
    }
}

fn empty(filtered: bool, total: i64) -> AnyView {
    if filtered && total > 0 {
        return view! {
            <EmptyState title="No repository matches">
                <p>"Remove a filter, or " <a href="/repositories">"see all of them"</a> "."</p>
            </EmptyState>
        }
        .into_any();
    }
    view! {
        <EmptyState title="No repositories yet">
            <p>"Name them under " <code>"repositories:"</code> " in " <code>"kubestats.yaml"</code> " and start Kubestats again."</p>
        </EmptyState>
    }
    .into_any()
}

fn table(repositories: Vec<Repository>, url: &PageUrl, now: Timestamp) -> AnyView {
    let sorted_by = url.get("sort").unwrap_or("last_commit").to_owned();
    let first = if sorted_by == "name" { Sort::Ascending } else { Sort::Descending };
    let direction = match url.get("direction") {
        Some("ascending") => Sort::Ascending,
        Some("descending") => Sort::Descending,
        _ => first,
    };
    let url = url.clone();
    let head = move |label: &'static str, key: &'static str, numeric: bool| {
        let first = if key == "name" { Sort::Ascending } else { Sort::Descending };
        let (url, sorted_by) = (url.clone(), sorted_by.clone());
        view! { <SortHead label key url sorted_by direction first numeric /> }
    };
    let rows = repositories.into_iter().map(|repository| row(repository, now)).collect_view();
    view! {
        <Table caption="Repositories">
            <thead>
                <tr>
                    {head("Repository", "name", false)}
                    <th scope="col">"GitOps"</th>
                    <th scope="col">"Status"</th>
                    {head("Resources", "resources", true)}
                    {head("Releases", "helm_releases", true)}
                    {head("Changes", "events", true)}
                    {head("Problems", "problems", true)}
                    {head("Last commit", "last_commit", false)}
                    {head("Last sync", "last_sync", false)}
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

/// The state that tells most: a failing or running scan before a sync that went well.
pub(super) fn state(repository: &Repository) -> (SyncStatus, &'static str) {
    match (repository.sync_status, repository.scan_status) {
        (SyncStatus::Success, scan) => (scan, "Scan"),
        (sync, _) => (sync, "Sync"),
    }
}

fn row(repository: Repository, now: Timestamp) -> AnyView {
    let (status, of) = state(&repository);
    // "Up to date" needs no word on what of; everything else does.
    let of = if status == SyncStatus::Success { String::new() } else { of.to_owned() };
    let counts = repository.counts;
    let scanned = repository.scanned_commit.is_some();
    let count = move |value: i64| {
        if scanned {
            view! { <Number value /> }.into_any()
        } else {
            view! { <span class="quiet" title="Not scanned yet">"–"</span> }.into_any()
        }
    };
    let about = repository.description.clone().or_else(|| repository.sync_error.clone());
    let origin = (repository.origin != Origin::Config).then(|| view! { <OriginBadge origin=repository.origin /> });
    view! {
        <tr>
            <td class="row-link" data-label="Repository">
                <a href=repository_href(repository.id)>{repository.full_name.clone()}</a>
                " "
                {origin}
                {about.map(|about| view! { <span class="row-about quiet" title=about.clone()>{about.clone()}</span> })}
            </td>
            <td data-label="GitOps"><GitOpsBadge tool=repository.gitops_tool /></td>
            <td data-label="Status">
                {if of.is_empty() {
                    view! { <StatusBadge status /> }.into_any()
                } else {
                    view! { <StatusBadge status of /> }.into_any()
                }}
            </td>
            <td class="num" data-label="Resources">{count(counts.active_resources)}</td>
            <td class="num" data-label="Releases">{count(counts.helm_releases)}</td>
            <td class="num" data-label="Changes">{count(counts.events)}</td>
            <td class="num" data-label="Problems">{count(counts.problems)}</td>
            <td data-label="Last commit">
                <MaybeTimeAgo time=repository.head_committed_at now none="not known yet" />
            </td>
            <td data-label="Last sync"><MaybeTimeAgo time=repository.last_sync_at now /></td>
        </tr>
    }
    .into_any()
}
