use entity::view::Sort;
use leptos::prelude::*;

use super::{Glyph, Icon, PageUrl};

/// The frame of a table: sticky head, scrolls by itself where it is too wide, rows become cards on phones.
/// Cells name their column with `data-label` for the cards; `class="num"` aligns numbers right, a cell with
/// `class="row-link"` holds the link that the whole row follows.
#[component]
pub fn Table(
    /// What the table holds, for people who cannot see it.
    #[prop(into)]
    caption: String,
    /// `<thead>` and `<tbody>`.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="table-wrap">
            <table class="table">
                <caption class="sr-only">{caption}</caption>
                {children()}
            </table>
        </div>
    }
}

/// A column's head that sorts by it: the first click with the direction that makes sense for the column, the
/// next one the other way. The state is in `sort` and `direction` of the address.
#[component]
pub fn SortHead(
    /// The column's name.
    #[prop(into)]
    label: String,
    /// What `sort` is for this column.
    key: &'static str,
    /// The address at hand.
    url: PageUrl,
    /// What the list is sorted by now.
    #[prop(into)]
    sorted_by: String,
    /// The direction it is sorted in now.
    direction: Sort,
    /// The direction of the first click.
    #[prop(default = Sort::Descending)]
    first: Sort,
    /// Numbers stand right.
    #[prop(optional)]
    numeric: bool,
) -> impl IntoView {
    let active = sorted_by == key;
    let next = match (active, direction) {
        (false, _) => first,
        (true, Sort::Ascending) => Sort::Descending,
        (true, Sort::Descending) => Sort::Ascending,
    };
    let next_word = if next == Sort::Ascending { "ascending" } else { "descending" };
    let aria = active.then_some(if direction == Sort::Ascending { "ascending" } else { "descending" });
    let arrow = if direction == Sort::Ascending { Glyph::ArrowUp } else { Glyph::ArrowDown };
    view! {
        <th scope="col" class:num=numeric aria-sort=aria>
            <a class="sort" href=url.with("sort", key).with("direction", next_word).href() rel="nofollow">
                {label}
                {active.then(|| view! { <Icon glyph=arrow /> })}
            </a>
        </th>
    }
}
