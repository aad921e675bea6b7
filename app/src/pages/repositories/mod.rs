mod bulk;
mod data;
mod picked;

use entity::kind::{GitOpsTool, Origin, Permission, SyncStatus};
use entity::view::{Repository, Sort, Timestamp};
use leptos::prelude::*;
use uuid::Uuid;

use self::bulk::Bulk;
use self::data::{RepositoriesData, list_repositories};
use self::picked::Picked;
use super::filters::{chips, choices, values};
use super::outcome::{SyncAllRepositories, outcome};
use super::question::{Question, QuestionDialog};
use super::{load, show};
use crate::components::{
    ActForm, Breadcrumb, Choice, Crumb, EmptyState, FilterBar, GitOpsBadge, Glyph, Icon, MaybeTimeAgo, Number,
    OriginBadge, PageHead, PageUrl, Pager, Select, SkeletonBlock, SkeletonRows, SortHead, StatusBadge, Table,
    TextField, counted, gitops_word, repository_href,
};
use crate::live::Live;
use crate::viewer::may;

/// `/repositories`: all that are watched.
#[component]
pub fn Repositories() -> impl IntoView {
    let page = load(|_, query| list_repositories(query), |_, live| matches!(live, Live::Repository { .. }));
    let question = Question::provide();
    Picked::provide();
    view! {
        {show(page, "The repositories", skeleton, view)}
        <QuestionDialog question />
    }
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=25 />
    }
    .into_any()
}

fn view(data: RepositoriesData, url: PageUrl) -> AnyView {
    let RepositoriesData { now, repositories, page, languages, total, outcome: told } = data;
    let value = values(&url);
    let statuses = SyncStatus::ALL.iter().map(|status| Choice::new(status.as_str(), status_word(*status))).collect();
    let tools = GitOpsTool::ALL.iter().map(|tool| Choice::new(tool.as_str(), gitops_word(*tool))).collect();
    let mut chips = chips(
        &url,
        &[
            ("text", "Text"),
            ("language", "Language"),
            ("topic", "Topic"),
            ("status", "Status"),
            ("tool", "GitOps"),
            ("origin", "Origin"),
        ],
    );
    for chip in &mut chips {
        match chip.key {
            "status" => {
                chip.value = chip.value.parse().map_or_else(|_| chip.value.clone(), |s| status_word(s).to_owned());
            }
            "tool" => {
                chip.value = chip.value.parse().map_or_else(|_| chip.value.clone(), |t| gitops_word(t).to_owned());
            }
            _ => {}
        }
    }
    let list = match repositories.data.is_empty() {
        true if repositories.count > 0 => ().into_any(),
        true => empty(total),
        false => table(repositories.data, &url, now),
    };
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Repositories")] />
        {head(total)}
        {outcome(told)}
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
        SyncStatus::Blocked => "blocked",
        SyncStatus::PendingApproval => "to approve",
    }
}

fn empty(total: i64) -> AnyView {
    if total > 0 {
        return view! {
            <EmptyState title="No repository here">
                <p>"Remove a filter, or " <a href="/repositories">"see all of them"</a> "."</p>
            </EmptyState>
        }
        .into_any();
    }
    if !may(Permission::ManageRepositories) {
        return view! { <EmptyState title="No repositories yet"><p>"Somebody who may add repositories has to sign in first."</p></EmptyState> }.into_any();
    }
    view! {
        <EmptyState title="No repositories yet">
            <p>
                <a href="/repositories/add">"Add one by its address"</a> ", name them under " <code>"repositories:"</code>
                " in " <code>"kubestats.yaml"</code> " and start Kubestats again, or "
                <a href="/repositories/coverage">"have them found"</a> "."
            </p>
        </EmptyState>
    }
    .into_any()
}

fn table(repositories: Vec<Repository>, url: &PageUrl, now: Timestamp) -> AnyView {
    let (Some(picked), Some(question)) = (use_context::<Picked>(), use_context::<Question>()) else {
        return ().into_any();
    };
    picked.show(repositories.iter().map(|repository| repository.id).collect());
    let columns = columns(url, picked);
    let rows = repositories.into_iter().map(|repository| row(repository, picked, now)).collect_view();
    view! {
        <Table caption="Repositories">
            {columns}
            <tbody>{rows}</tbody>
        </Table>
        {may(Permission::ManageRepositories).then(|| view! { <Bulk picked question /> })}
    }
    .into_any()
}

/// Columns to sort by, as the address says, and the box that ticks all rows.
fn columns(url: &PageUrl, picked: Picked) -> AnyView {
    let sorted_by = url.get("sort").unwrap_or("last_commit").to_owned();
    let first = |key: &str| if key == "name" { Sort::Ascending } else { Sort::Descending };
    let direction = match url.get("direction") {
        Some("ascending") => Sort::Ascending,
        Some("descending") => Sort::Descending,
        _ => first(&sorted_by),
    };
    let head = |label: &'static str, key: &'static str, numeric: bool| {
        let (url, sorted_by) = (url.clone(), sorted_by.clone());
        view! { <SortHead label key url sorted_by direction first=first(key) numeric /> }
    };
    view! {
        <thead>
            <tr>
                {may(Permission::ManageRepositories).then(|| view! { <th scope="col" class="pick-cell">
                    <input
                        type="checkbox"
                        class="pick-all needs-script"
                        aria-label="Select all on this page"
                        form="bulk"
                        prop:checked=move || picked.has_all()
                        prop:indeterminate=move || picked.has_some()
                        on:change=move |event| picked.set_all(event_target_checked(&event))
                    />
                </th> })}
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
    }
    .into_any()
}

fn head(total: i64) -> AnyView {
    let facts = view! {
        <span class="quiet">{counted(total, "repository is", "repositories are")} " watched"</span>
        <a href="/repositories/coverage">"Why is one not here?"</a>
    };
    let sync_all = ServerAction::<SyncAllRepositories>::new();
    view! {
        <PageHead title="Repositories" facts=facts.into_any()>
            {may(Permission::RunJobs).then(|| view! { <ActForm action=sync_all>
                <button type="submit" class="button" title="Look for new commits in all of them now">
                    <Icon glyph=Glyph::Sync />
                    "Sync all"
                </button>
            </ActForm> })}
            {may(Permission::ManageRepositories).then(|| view! { <a class="button primary" href="/repositories/add">"Add repository"</a> })}
        </PageHead>
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

/// The box that chooses a row; named by the link beside it.
fn pick(id: Uuid, picked: Picked) -> impl IntoView {
    let name = id.to_string();
    view! {
        <td class="pick-cell">
            <input
                type="checkbox"
                class="pick"
                name="id[]"
                value=name.clone()
                form="bulk"
                aria-labelledby=name
                prop:checked=move || picked.has(id)
                on:click=move |event| picked.click(id, &event)
            />
        </td>
    }
}

fn row(repository: Repository, picked: Picked, now: Timestamp) -> AnyView {
    let (status, of) = state(&repository);
    // What says all by itself needs no word on what of; everything else does.
    let says_all = matches!(status, SyncStatus::Success | SyncStatus::Blocked | SyncStatus::PendingApproval);
    let of = if says_all { String::new() } else { of.to_owned() };
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
    let id = repository.id;
    let name = id.to_string();
    view! {
        <tr>
            {may(Permission::ManageRepositories).then(|| pick(id, picked))}
            <td class="row-link" data-label="Repository">
                <a href=repository_href(id) id=name>{repository.full_name.clone()}</a>
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
