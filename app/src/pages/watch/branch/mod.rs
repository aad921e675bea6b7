//! `/branches/{id}`: a branch, and all that happened to it and followed from that, as one line of time.

mod data;
mod tekton;
mod timeline;

use entity::view::{Branch, Timestamp};
use leptos::prelude::*;

use self::data::{BranchData, find_branch};
use super::{load, show, skeleton};
use crate::components::{
    Breadcrumb, CopyButton, Crumb, EmptyState, Glyph, Icon, Notice, PageHead, PageUrl, Pager, Section, TimeAgo,
    branch_href, repository_href, short_sha, status, watch_href,
};
use crate::live::Live;
use crate::pages::branches::branch_state;

/// One branch.
#[component]
pub fn BranchPage() -> impl IntoView {
    let page = load(
        |path, query| find_branch(path.get("id").unwrap_or_default(), query),
        |_, live| matches!(live, Live::Branches { .. }),
    );
    show(page, "The branch", skeleton, view)
}

fn view(data: BranchData, url: PageUrl) -> AnyView {
    let BranchData {
        now,
        branch,
        web_url,
        head_url,
        is_default,
        default_branch,
        scanned_as,
        entries,
        page,
        is_alone,
        trouble,
    } = data;
    let trouble = trouble.map(|why| {
        let why = why.trim_end_matches('.').to_owned();
        view! { <Notice tone="warn">"What happens to it is not seen now: " {why} "."</Notice> }
    });
    let of = repository_href(branch.repository_id);
    let tab = PageUrl::new(of.clone()).with("tab", "branches").at_part("views").href();
    let crumbs = vec![
        Crumb::link("Repositories", "/repositories"),
        Crumb::link(branch.repository_full_name.clone(), of),
        Crumb::link("Branches", tab),
        Crumb::here(branch.name.clone()),
    ];
    let alone = is_alone.then(|| {
        let href = branch_href(branch.id);
        view! { <Notice>"This is one event of the branch. "<a href=href>"Show all of them"</a></Notice> }
    });
    let count = entries.count;
    let unscanned = (!is_default && count > 0).then(|| match scanned_as {
        Some(id) => view! {
            <p class="quiet">
                "It is scanned beside " <code>{default_branch}</code> ": what its commits changed "
                <a href=repository_href(id)>"is told there"</a> "."
            </p>
        }
        .into_any(),
        None => view! {
            <p class="quiet">
                "It is not scanned: which resources a commit changed is known of those that are on " <code>{default_branch}</code> " as well."
            </p>
        }
        .into_any(),
    });
    let list = match entries.data.is_empty() {
        true if count > 0 => ().into_any(),
        true => nothing(&branch),
        false => timeline::view(entries.data, url.get("event"), now),
    };
    let pager = (!is_alone && (count > page.limit || page.skip >= count))
        .then(|| view! { <Pager page count url=url.without("event") what="events" /> });
    view! {
        <Breadcrumb crumbs />
        <PageHead title=branch.name.clone() facts=facts(&branch, web_url, head_url, is_default, now) />
        {trouble}
        {alone}
        <Section title="What happened">{unscanned} {list} {pager}</Section>
    }
    .into_any()
}

fn nothing(branch: &Branch) -> AnyView {
    let text = match branch.is_watched {
        true => "The next push is shown here, with the triggers that it meets and what came of them.",
        false => "Pushes to branches that are not watched are not noted.",
    };
    let way = (!branch.is_watched).then(|| {
        let href = watch_href(branch.repository_id);
        view! { " " <a href=href>"See which branches are watched"</a> }
    });
    view! { <EmptyState title="Nothing happened to it yet" glyph=Glyph::Branch><p>{text} {way}</p></EmptyState> }
        .into_any()
}

fn facts(
    branch: &Branch,
    web_url: Option<String>,
    head_url: Option<String>,
    is_default: bool,
    now: Timestamp,
) -> AnyView {
    let short = short_sha(&branch.head_commit);
    let stands = if branch.deleted_at.is_some() { "stood last at " } else { "at " };
    let head = match head_url {
        Some(href) => view! { <a class="sha" href=href rel="noopener external">{short}</a> }.into_any(),
        None => view! { <code class="sha">{short}</code> }.into_any(),
    };
    let gone = branch.deleted_at.map(|time| {
        view! { <span class="fact"><span class="quiet">"gone since "</span> <TimeAgo time now /></span> }
    });
    let seen = branch.deleted_at.is_none().then(|| {
        view! { <span class="fact"><span class="quiet">"last seen "</span> <TimeAgo time=branch.last_seen_at now /></span> }
    });
    let protected = (branch.is_protected == Some(true)).then(|| status("idle", Glyph::Shield, "Protected"));
    let default = is_default.then(|| view! { <span class="tag" title="The branch that is read">"default"</span> });
    let on_forge = web_url.map(|href| {
        view! { <a href=href rel="noopener external">"On the forge " <Icon glyph=Glyph::External /></a> }
    });
    view! {
        <div class="facts">
            {branch_state(branch)} {protected} {default}
            <span class="fact">
                <span class="quiet">"in "</span>
                <a href=repository_href(branch.repository_id)>{branch.repository_full_name.clone()}</a>
            </span>
            <span class="fact">
                <span class="quiet">{stands}</span> {head} <CopyButton text=branch.head_commit.clone() what="commit hash" />
            </span>
            <span class="fact"><span class="quiet">"changed "</span> <TimeAgo time=branch.changed_at now /></span>
            {gone} {seen} {on_forge}
        </div>
    }
    .into_any()
}
