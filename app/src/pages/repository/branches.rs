//! A repository's branches: how they are watched, and all of them.

use entity::kind::Permission;
use entity::view::{Branch, Listing, PageQuery, Repository, Timestamp, Watch};
use leptos::prelude::*;

use super::super::branches::branch_table;
use super::super::filters::{chips, values};
use crate::components::{
    Choice, EmptyState, FilterBar, Glyph, PageUrl, Pager, Select, TextField, counted, status, watch_href,
};
use crate::viewer::may;

/// How a repository's branches are watched.
pub(super) struct About {
    pub watch: Option<Watch>,
    /// Watched branches that are there.
    pub watched: u64,
    pub is_configured: bool,
}

pub(super) fn view(
    repository: &Repository,
    listing: Listing<Branch>,
    page: PageQuery,
    about: &About,
    url: &PageUrl,
    now: Timestamp,
) -> AnyView {
    let (filters, is_filtered) = filters(url);
    let is_looked_at = about.watch.as_ref().is_some_and(|watch| watch.first_look_at.is_some());
    let count = listing.count;
    let list = match (listing.data.is_empty(), count) {
        (true, 0) if is_filtered => view! {
            <EmptyState title="No branch matches"><p>"Remove a filter to see more."</p></EmptyState>
        }
        .into_any(),
        (true, 0) => nothing(repository, about),
        (true, _) => ().into_any(),
        (false, _) => branch_table(listing.data, Some(repository.default_branch.as_str()), now),
    };
    view! {
        {state(repository, about)}
        {(is_looked_at || is_filtered).then_some(filters)}
        {list}
        <Pager page count url=url.clone() what="branches" />
    }
    .into_any()
}

/// Which are watched, and the way to change that.
fn state(repository: &Repository, about: &About) -> AnyView {
    let href = watch_href(repository.id);
    let enabled = about.watch.as_ref().filter(|watch| watch.is_enabled);
    let words = match enabled {
        None => status("idle", Glyph::Minus, "Not watched"),
        Some(watch) => {
            let many = counted(i64::try_from(about.watched).unwrap_or(i64::MAX), "branch", "branches");
            let which = match watch.branch_regex.clone() {
                Some(regex) => {
                    view! { <span class="quiet">"those that match "</span> <code class="path">{regex}</code> }
                        .into_any()
                }
                None => view! { <span class="quiet">"all of them"</span> }.into_any(),
            };
            view! { {status("good", Glyph::Check, "Watched")} <span class="fact">{many} ", " {which}</span> }.into_any()
        }
    };
    let may_change = may(Permission::ManageRepositories) && !about.is_configured;
    let change = match (may_change, enabled.is_some()) {
        (false, _) => view! { <a class="button" href=href>"Watch and webhook"</a> }.into_any(),
        (true, false) => view! { <a class="button primary" href=href>"Watch branches…"</a> }.into_any(),
        (true, true) => view! { <a class="button" href=href>"Change…"</a> }.into_any(),
    };
    view! { <div class="watch-state"><div class="facts">{words}</div> {change}</div> }.into_any()
}

fn nothing(repository: &Repository, about: &About) -> AnyView {
    let is_on = about.watch.as_ref().is_some_and(|watch| watch.is_enabled);
    let (title, text) = match (is_on, repository.sync_status.is_set_aside() || !repository.enabled) {
        (true, false) => ("No branch is known yet", "They stand here after the next sync. This page fills by itself."),
        (true, true) => {
            ("No branch is known yet", "Nothing new is fetched of this repository, so its branches are not looked at.")
        }
        (false, _) => (
            "Branches are not watched",
            "Once they are, all of them stand here, and every push to those that are chosen is noted and can start pipelines.",
        ),
    };
    view! { <EmptyState title glyph=Glyph::Branch><p>{text}</p></EmptyState> }.into_any()
}

fn filters(url: &PageUrl) -> (AnyView, bool) {
    let value = values(url);
    let chips = chips(url, &[("text", "Branch"), ("watched", "Watched"), ("there", "Show")]);
    let is_filtered = !chips.is_empty();
    let bar = view! {
        <FilterBar url=url.clone() keys=&["text", "watched", "there"] chips>
            <TextField name="text" label="Branch" placeholder="Branch" search=true value=value("text") />
            <Select
                name="watched"
                label="Watched"
                choices=vec![Choice::word("yes"), Choice::word("no")]
                selected=value("watched")
            />
            <Select
                name="there"
                label="Show"
                choices=vec![Choice::new("gone", "gone ones"), Choice::new("all", "all")]
                selected=value("there")
                none="those that are there"
            />
        </FilterBar>
    };
    (bar.into_any(), is_filtered)
}
