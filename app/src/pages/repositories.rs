use entity::kind::{GitOpsTool, Origin, SyncStatus};
use entity::view::{Repository, Timestamp};
use leptos::prelude::*;

use super::filters::{chips, choices, values};
use super::{load, show};
#[cfg(feature = "ssr")]
use crate::components::counted;
use crate::components::{
    Breadcrumb, Choice, Crumb, EmptyState, FilterBar, GitOpsBadge, MaybeTimeAgo, Number, OriginBadge, PageUrl, Pager,
    Select, SkeletonBlock, SkeletonRows, StatusBadge, Table, TextField, gitops_word, repository_href,
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
    let RepositoriesData { now, repositories, page, languages, total, head, columns, outcome: told } = data;
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
                chip.value = chip.value.parse().map_or_else(|_| chip.value.clone(), |s| status_word(s).to_owned())
            }
            "tool" => {
                chip.value = chip.value.parse().map_or_else(|_| chip.value.clone(), |t| gitops_word(t).to_owned())
            }
            _ => {}
        }
    }
    let list = match repositories.data.is_empty() {
        true if repositories.count > 0 => ().into_any(),
        true => empty(total),
        false => table(repositories.data, columns, now),
    };
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Repositories")] />
        <div inner_html=head></div>
        <div class="outcome" role="status" inner_html=told></div>
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
    let (title, text) = if total > 0 { ("No repository here", NO_MATCH) } else { ("No repositories yet", NONE) };
    view! {
        <EmptyState title>
            <p inner_html=text></p>
        </EmptyState>
    }
    .into_any()
}

fn table(repositories: Vec<Repository>, columns: String, now: Timestamp) -> AnyView {
    let rows = repositories.into_iter().map(|repository| row(repository, now)).collect_view();
    view! {
        // What is ticked is known to `style/js/parts/pick.js`, where scripts run: rows come anew, ticks stay with theirs.
        <Table caption="Repositories">
            <thead inner_html=columns></thead>
            <tbody>{rows}</tbody>
        </Table>
        <div class="bulk-place" inner_html=BULK></div>
    }
    .into_any()
}

// Fixed markup as text: it costs the WebAssembly a tenth of what building it would. Forms do not say where they stand; the
// server sees it by the request's `Referer`.
const NO_MATCH: &str = r#"Remove a filter, or <a href="/repositories">see all of them</a>."#;
const NONE: &str = concat!(
    r#"<a href="/repositories/add">Add one by its address</a>, name them under <code>repositories:</code> in "#,
    r#"<code>kubestats.yaml</code> and start Kubestats again, or <a href="/repositories/coverage">have them found</a>."#,
);
// Enter in a box is to do nothing: a form's first button is what Enter presses, and a disabled one is none.
const BULK: &str = concat!(
    r#"<form id="bulk" class="bulk" method="get" action="/repositories/confirm" aria-label="With those that are selected" data-act>"#,
    r#"<button type="submit" disabled hidden></button>"#,
    r#"<output class="bulk-count"></output>"#,
    r#"<button type="button" class="button pick-rest needs-script">Select all on this page</button>"#,
    r#"<span class="bulk-actions">"#,
    r#"<button class="button" name="act" value="sync" formmethod="post" formaction="/ui/act">Sync</button>"#,
    r#"<button class="button" name="act" value="approve" formmethod="post" formaction="/ui/act" "#,
    r#"title="Lets in what waits for approval or is blocked">Approve</button>"#,
    r#"<button class="button" name="act" value="block" data-ask aria-haspopup="dialog">Block…</button>"#,
    r#"<button class="button danger" name="act" value="delete" data-ask aria-haspopup="dialog">Delete…</button>"#,
    r#"</span>"#,
    r#"<button type="reset" class="icon-button" aria-label="Select none" title="Select none">✕</button></form>"#,
);

/// The table's head as HTML: columns to sort by, as the address says, and the box that ticks all rows.
#[cfg(feature = "ssr")]
pub(crate) fn columns_html(url: &PageUrl) -> String {
    use crate::components::SortHead;
    use entity::view::Sort;

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
        <tr>
            <th scope="col" class="pick-cell">
                <input type="checkbox" class="pick-all needs-script" aria-label="Select all on this page" form="bulk" />
            </th>
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
    }
    .to_html()
}

/// The page's head as HTML, written by the server so that browsers need no code for it.
#[cfg(feature = "ssr")]
pub(crate) fn head_html(total: i64) -> String {
    use crate::components::{Glyph, Icon, PageHead};

    let facts = view! {
        <span class="quiet">{counted(total, "repository is", "repositories are")} " watched"</span>
        <a href="/repositories/coverage">"Why is one not here?"</a>
    };
    view! {
        <PageHead title="Repositories" facts=facts.into_any()>
            <form method="post" action="/ui/sync_all" data-act="">
                <button type="submit" class="button" title="Look for new commits in all of them now">
                    <Icon glyph=Glyph::Sync />
                    "Sync all"
                </button>
            </form>
            <a class="button primary" href="/repositories/add">"Add repository"</a>
        </PageHead>
    }
    .to_html()
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
    let id = repository.id.to_string();
    // Named by the link beside it.
    let pick =
        format!(r#"<input type="checkbox" class="pick" name="id[]" value="{id}" form="bulk" aria-labelledby="{id}">"#);
    view! {
        <tr>
            <td class="pick-cell" inner_html=pick></td>
            <td class="row-link" data-label="Repository">
                <a href=repository_href(repository.id) id=id>{repository.full_name.clone()}</a>
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
