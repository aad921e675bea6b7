use entity::kind::{BranchEventKind, BranchEventState, Permission};
use entity::view::{Branch, BranchEvent, Listing, Timestamp};
use leptos::prelude::*;

use super::data::{WatchData, WatchedList, read_watch};
use super::{load, show, skeleton};
use crate::components::{
    Breadcrumb, Choice, Crumb, EmptyState, FilterBar, Glyph, PageHead, PageUrl, Pager, Select, Tab, Table, Tabs,
    TextField, TimeAgo, branch_href, counted, number_text, repository_href,
};
use crate::live::Live;
use crate::pages::branches::{branch_table, happened, happened_badge, noticed_words, state_badge, state_word, step};
use crate::pages::filters::{chips, values};
use crate::pages::repository_choice::RepositoryChoice;
use crate::viewer::may;

/// `/watch`
#[component]
pub fn WatchList() -> impl IntoView {
    let page = load(|_, query| read_watch(query), |_, live| matches!(live, Live::Branches { .. }));
    show(page, "What is watched", skeleton, view)
}

fn view(data: WatchData, url: PageUrl) -> AnyView {
    let WatchData { now, list, page, repositories, watching, watched } = data;
    let is_branches = matches!(list, WatchedList::Branches(_));
    // Filters that both have go along.
    let other = |view: &str| url.without("type").without("state").without("there").with("view", view).href();
    let tabs = vec![
        Tab::new("Events", other(""), !is_branches),
        Tab::new("Branches", other("branches"), is_branches).counting(i64::try_from(watched).unwrap_or(i64::MAX)),
    ];
    let (filters, is_filtered, body, count, what) = match list {
        WatchedList::Events(listing) => {
            let count = listing.count;
            let (filters, is_filtered) = event_filters(&url, repositories);
            (filters, is_filtered, events(listing, is_filtered, watching, now), count, "events")
        }
        WatchedList::Branches(listing) => {
            let count = listing.count;
            let (filters, is_filtered) = branch_filters(&url, repositories);
            (filters, is_filtered, branches(listing, is_filtered, watching, now), count, "branches")
        }
    };
    let facts = view! {
        <div class="facts">
            <span>{counted(i64::try_from(watched).unwrap_or(i64::MAX), "branch", "branches")} " of "
            {counted(i64::try_from(watching).unwrap_or(i64::MAX), "repository", "repositories")} " watched"</span>
        </div>
    };
    // Where filters left nothing, they are what has to be mended.
    let is_new = watching == 0 && count == 0 && !is_filtered;
    let another = (!is_new && may(Permission::ManageRepositories)).then(|| {
        let title = "Open one, its tab Branches, and choose which to watch";
        view! { <a class="button" href="/repositories" title=title>"Watch another repository"</a> }
    });
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Watch")] />
        <PageHead title="Watch" facts=facts.into_any()>{another}</PageHead>
        <Tabs label="What is watched" tabs />
        <div class="tab-body">
            {(!is_new).then_some(filters)}
            {body}
            <Pager page count url what />
        </div>
    }
    .into_any()
}

/// How one begins.
fn begin() -> AnyView {
    let who = (!may(Permission::ManageRepositories))
        .then_some(" That needs an account that may manage repositories, or the configuration.");
    view! {
        <EmptyState title="No branch is watched yet" glyph=Glyph::Branch>
            <p>
                "What happens to watched branches stands here, and can start pipelines. Open "
                <a href="/repositories">"a repository"</a> ", its tab Branches, and choose which of them to watch." {who}
            </p>
        </EmptyState>
    }
    .into_any()
}

fn no_match(title: &'static str) -> AnyView {
    view! { <EmptyState title><p>"Remove a filter to see more."</p></EmptyState> }.into_any()
}

fn events(listing: Listing<BranchEvent>, is_filtered: bool, watching: u64, now: Timestamp) -> AnyView {
    match (listing.data.is_empty(), listing.count) {
        (true, 0) if is_filtered => no_match("No event matches"),
        (true, 0) if watching == 0 => begin(),
        (true, 0) => view! {
            <EmptyState title="Nothing happened yet">
                <p>"Pushes to watched branches stand here as they are noticed. What was there at the first look is what changes are compared with."</p>
            </EmptyState>
        }
        .into_any(),
        (true, _) => ().into_any(),
        (false, _) => {
            let rows = listing.data.into_iter().map(|event| event_row(event, now)).collect_view();
            view! {
                <Table caption="What happened to branches">
                    <thead>
                        <tr>
                            <th scope="col">"What"</th>
                            <th scope="col">"Branch"</th>
                            <th scope="col">"Repository"</th>
                            <th scope="col">"Commits"</th>
                            <th scope="col">"Noticed by"</th>
                            <th scope="col" class="num">"Triggers"</th>
                            <th scope="col">"State"</th>
                            <th scope="col">"When"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </Table>
            }
            .into_any()
        }
    }
}

fn event_row(event: BranchEvent, now: Timestamp) -> AnyView {
    let href = format!("{0}?event={1}#{1}", branch_href(event.branch_id), event.id);
    let (by, how) = noticed_words(event.noticed_by);
    let forced = (event.is_forced == Some(true)).then(forced_tag);
    let triggers = match event.processed_at {
        Some(_) => number_text(event.matches.into()),
        None => "–".to_owned(),
    };
    view! {
        <tr>
            <td data-label="What">{happened_badge(event.kind)}</td>
            <td class="row-link branch-name" data-label="Branch"><a href=href>{event.branch_name}</a></td>
            <td data-label="Repository">
                <a href=repository_href(event.repository_id) title=event.repository_full_name.clone()>
                    {event.repository_full_name.clone()}
                </a>
            </td>
            <td data-label="Commits">{step(event.old_commit.as_deref(), event.new_commit.as_deref(), None)} {forced}</td>
            <td data-label="Noticed by"><span title=how>{by}</span></td>
            <td class="num" data-label="Triggers" title="Triggers whose condition it meets">{triggers}</td>
            <td data-label="State" title=event.error>{state_badge(event.state)}</td>
            <td data-label="When"><TimeAgo time=event.noticed_at now /></td>
        </tr>
    }
    .into_any()
}

/// Says that a push left commits behind.
pub(super) fn forced_tag() -> AnyView {
    view! { " " <span class="tag" data-forced="" title="The new commit does not descend from the old one">"forced"</span> }.into_any()
}

fn branches(listing: Listing<Branch>, is_filtered: bool, watching: u64, now: Timestamp) -> AnyView {
    match (listing.data.is_empty(), listing.count) {
        (true, 0) if is_filtered => no_match("No branch matches"),
        (true, 0) if watching == 0 => begin(),
        (true, 0) => view! {
            <EmptyState title="No watched branch is known yet">
                <p>"They stand here after the first look at their remotes, which follows by itself."</p>
            </EmptyState>
        }
        .into_any(),
        (true, _) => ().into_any(),
        (false, _) => branch_table(listing.data, None, now),
    }
}

fn event_filters(url: &PageUrl, repositories: RepositoryChoice) -> (AnyView, bool) {
    let value = values(url);
    let types = BranchEventKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), happened(*kind).1)).collect();
    let states = BranchEventState::ALL.iter().map(|state| Choice::new(state.as_str(), state_word(*state))).collect();
    let mut chips =
        chips(url, &[("text", "Branch"), ("repository", "Repository"), ("type", "What"), ("state", "State")]);
    repositories.tell(&mut chips);
    for chip in &mut chips {
        let word = match chip.key {
            "type" => chip.value.parse().map(|kind| happened(kind).1),
            "state" => chip.value.parse().map(state_word),
            _ => continue,
        };
        chip.value = word.map_or_else(|_| chip.value.clone(), str::to_owned);
    }
    let is_filtered = !chips.is_empty();
    let repository = repositories.field();
    let bar = view! {
        <FilterBar url=url.clone() keys=&["text", "repository", "type", "state"] chips>
            <TextField name="text" label="Branch" placeholder="Branch" search=true value=value("text") />
            {repository}
            <Select name="type" label="What" choices=types selected=value("type") />
            <Select name="state" label="State" choices=states selected=value("state") />
        </FilterBar>
    };
    (bar.into_any(), is_filtered)
}

fn branch_filters(url: &PageUrl, repositories: RepositoryChoice) -> (AnyView, bool) {
    let value = values(url);
    let mut chips = chips(url, &[("text", "Branch"), ("repository", "Repository"), ("there", "Show")]);
    repositories.tell(&mut chips);
    let is_filtered = !chips.is_empty();
    let repository = repositories.field();
    let bar = view! {
        <FilterBar url=url.clone() keys=&["text", "repository", "there"] chips>
            <TextField name="text" label="Branch" placeholder="Branch" search=true value=value("text") />
            {repository}
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
