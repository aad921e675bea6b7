use leptos::prelude::*;

/// Rows of a list while it loads, as high as the rows will be.
#[component]
pub fn SkeletonRows(
    /// How many rows are expected.
    #[prop(default = 25)]
    rows: usize,
) -> impl IntoView {
    let rows: Vec<_> =
        (0..rows.min(100)).map(|_| view! { <div class="skeleton-row"><i></i><i></i><i></i><i></i></div> }).collect();
    view! {
        <div class="skeleton" role="status">
            <span class="sr-only">"Loading"</span>
            {rows}
        </div>
    }
}

/// A block while it loads: `metrics`, `chart`, `head`, `code` have the sizes of what they stand for.
#[component]
pub fn SkeletonBlock(
    /// What it stands for.
    of: &'static str,
) -> impl IntoView {
    view! {
        <div class="skeleton skeleton-block" data-of=of role="status">
            <span class="sr-only">"Loading"</span>
        </div>
    }
}
