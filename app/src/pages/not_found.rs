use leptos::prelude::*;

use crate::components::{Breadcrumb, Crumb, EmptyState, Glyph};
use crate::error::AppError;

/// No page is at this address.
#[component]
pub fn NotFound() -> impl IntoView {
    AppError::not_found("page").set_status();
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Not found")] />
        <h1 class="sr-only">"Not found"</h1>
        <EmptyState title="There is no page at this address" glyph=Glyph::Search>
            "It may have been removed, or the address is mistyped. Go to the " <a href="/">"overview"</a> " or to the "
            <a href="/repositories">"repositories"</a> "."
        </EmptyState>
    }
}
