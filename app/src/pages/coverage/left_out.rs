use entity::kind::{Permission, RejectReason};
use entity::view::{Discovery, PageQuery, Rejected, Timestamp, web_page};
use leptos::prelude::*;

use crate::components::{
    Choice, EmptyState, FilterBar, Glyph, Icon, MaybeTimeAgo, Number, PageUrl, Pager, Select, Table, TextField,
};
use crate::pages::filters::{chips, values};
use crate::viewer::may;

/// What searches found and rules left out: by reason, by name, the most stars first.
pub(super) fn view(discovery: &Discovery, page: PageQuery, url: &PageUrl, now: Timestamp) -> AnyView {
    let url = url.clone().at_part("left-out");
    let value = values(&url);
    let choices = discovery
        .by_reason
        .iter()
        .map(|reason| Choice::new(reason.reason.as_str(), reason_word(reason.reason)).counting(reason.count))
        .collect();
    let mut set = chips(&url, &[("text", "Name"), ("reason", "Reason")]);
    for chip in set.iter_mut().filter(|chip| chip.key == "reason") {
        chip.value = chip.value.parse().map_or_else(|_| chip.value.clone(), |reason| reason_word(reason).to_owned());
    }
    let filtered = !set.is_empty();
    let rejected = discovery.rejected.clone();
    let none = discovery.by_reason.is_empty();
    let filters = (!none || filtered).then(|| {
        view! {
            <FilterBar url=url.clone() keys=&["text", "reason"] chips=set>
                <TextField name="text" label="Name" placeholder="Name" search=true value=value("text") />
                <Select name="reason" label="Reason" choices selected=value("reason") />
            </FilterBar>
        }
    });
    let list = if rejected.data.is_empty() && rejected.count > 0 {
        ().into_any()
    } else if rejected.data.is_empty() {
        let (title, text) = if filtered && !none {
            ("No repository matches", "Remove a filter.")
        } else if discovery.last.is_some() {
            ("Nothing was left out", "Every repository that the searches found is here.")
        } else {
            let text = "Once a search has run, each repository that a rule kept out stands here with the reason.";
            ("Nothing was searched yet", text)
        };
        view! { <EmptyState title><p>{text}</p></EmptyState> }.into_any()
    } else {
        table(rejected.data, now)
    };
    view! {
        <section class="section" id="left-out" aria-labelledby="left-out-title">
            <div class="section-head"><h2 id="left-out-title">"Found and left out"</h2></div>
            {filters}
            {list}
            <Pager page count=rejected.count url what="repositories" />
        </section>
    }
    .into_any()
}

fn table(rejected: Vec<Rejected>, now: Timestamp) -> AnyView {
    let row = move |found: Rejected| {
        let name = match web_page(found.web_url.clone()) {
            Some(href) => {
                view! { <a href=href rel="noopener external">{found.full_name.clone()} " " <Icon glyph=Glyph::External /></a> }
                    .into_any()
            }
            None => found.full_name.clone().into_any(),
        };
        // These two are not let in by adding either.
        let addable = !matches!(found.reason, RejectReason::Blocked | RejectReason::Address)
            && may(Permission::ManageRepositories);
        let add = addable.then(|| {
            let address = found.web_url.unwrap_or_else(|| format!("https://{}/{}", found.host, found.full_name));
            let href = PageUrl::new("/repositories/add").with("urls", address).href();
            let label = format!("Add {}", found.full_name);
            view! { <a class="button small" href=href aria-label=label>"Add"</a> }
        });
        view! {
            <tr>
                <th scope="row" data-label="Repository">{name} <span class="row-about quiet">{found.host}</span></th>
                <td data-label="Why">
                    <span class="tag">{reason_word(found.reason)}</span>
                    <span class="why-detail quiet">{found.detail}</span>
                </td>
                <td class="num" data-label="Stars"><Number value=found.stars /></td>
                <td data-label="Last push"><MaybeTimeAgo time=found.pushed_at now none="not known" /></td>
                <td data-label="Found by" title="The search that found it"><code>{found.search}</code></td>
                <td class="num">{add}</td>
            </tr>
        }
    };
    view! {
        <Table caption="Found and left out">
            <thead>
                <tr>
                    <th scope="col">"Repository"</th>
                    <th scope="col">"Why"</th>
                    <th scope="col" class="num">"Stars"</th>
                    <th scope="col">"Last push"</th>
                    <th scope="col">"Found by"</th>
                    <th scope="col"><span class="sr-only">"Action"</span></th>
                </tr>
            </thead>
            <tbody>{rejected.into_iter().map(row).collect_view()}</tbody>
        </Table>
    }
    .into_any()
}

const fn reason_word(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::Archived => "archived",
        RejectReason::Fork => "fork",
        RejectReason::Private => "private",
        RejectReason::Inactive => "no push for long",
        RejectReason::Blocked => "block list",
        RejectReason::Deleted => "deleted here",
        RejectReason::Address => "address not allowed",
    }
}
