use entity::view::PageQuery;
use leptos::prelude::*;
use leptos_router::params::ParamsMap;

use super::{EmptyState, Glyph, Icon, PageUrl, number_text};

/// Sizes of a page that people may choose.
pub const PAGE_SIZES: [u64; 4] = [10, 25, 50, 100];

/// Reads `page` (from 1) and `per` out of the address; what makes no sense counts as not given.
#[must_use]
pub fn page_query(query: &ParamsMap, default_size: u64) -> PageQuery {
    let number = |key| query.get_str(key).and_then(|text| text.parse::<u64>().ok());
    let limit = number("per").filter(|size| PAGE_SIZES.contains(size)).unwrap_or(default_size);
    let page = number("page").unwrap_or(1).clamp(1, 1_000_000);
    PageQuery { skip: (page - 1) * limit, limit }
}

/// Which rows of how many, links to the other pages, and the size of a page; nothing where there are no rows, which
/// the list itself says. A page after the last one is said here.
#[component]
pub fn Pager(
    /// The rows at hand.
    page: PageQuery,
    /// How many rows match in all.
    count: u64,
    /// The address at hand.
    url: PageUrl,
    /// What the rows are, in the plural: `events`.
    #[prop(default = "rows")]
    what: &'static str,
) -> impl IntoView {
    if count == 0 {
        return ().into_any();
    }
    let limit = page.limit.max(1);
    let last = count.div_ceil(limit).max(1);
    let current = (page.skip / limit + 1).min(last);
    let beyond = page.skip >= count;
    let from = page.skip + 1;
    let to = (page.skip + limit).min(count);
    let text = |value: u64| number_text(i64::try_from(value).unwrap_or(i64::MAX));
    let nothing = beyond.then(|| {
        let title = format!("There is no page {}", text(page.skip / limit + 1));
        let href = url.at_page(last).href();
        view! { <EmptyState title><p><a href=href>"Turn to the last one"</a></p></EmptyState> }
    });
    let range = if beyond {
        format!("{} {what} in all", text(count))
    } else {
        format!("{}–{} of {} {what}", text(from), text(to), text(count))
    };
    let step = |label: &'static str, glyph: Glyph, target: u64, possible: bool| {
        if possible {
            view! {
                <a class="pager-step" href=url.at_page(target).href() aria-label=label title=label>
                    <Icon glyph />
                </a>
            }
            .into_any()
        } else {
            view! { <span class="pager-step off" aria-hidden="true"><Icon glyph /></span> }.into_any()
        }
    };
    let sizes: Vec<_> = PAGE_SIZES
        .iter()
        .map(|size| {
            let here = *size == limit;
            view! {
                <a href=url.with("per", size.to_string()).href() aria-current=here.then_some("true")>
                    {size.to_string()}
                </a>
            }
        })
        .collect();
    let at = if beyond { "–".to_owned() } else { text(current) };
    view! {
        {nothing}
        <nav class="pager" aria-label=format!("Pages of {what}")>
            <span class="pager-range num">{range}</span>
            <span class="pager-sizes">
                <span class="quiet">"Per page"</span>
                {sizes}
            </span>
            <span class="pager-steps">
                {step("First page", Glyph::First, 1, current > 1 || beyond)}
                {step("Previous page", Glyph::Previous, if beyond { last } else { current.saturating_sub(1).max(1) }, current > 1 || beyond)}
                <span class="pager-at num">{format!("{at} / {}", text(last))}</span>
                {step("Next page", Glyph::Next, current + 1, current < last && !beyond)}
                {step("Last page", Glyph::Last, last, current < last && !beyond)}
            </span>
        </nav>
    }
    .into_any()
}
