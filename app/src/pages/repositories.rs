use leptos::prelude::*;

use crate::components::{Breadcrumb, Crumb, PageHead};

/// The page's frame; its content comes with the questions it asks.
#[component]
pub fn Repositories() -> impl IntoView {
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Repositories")] />
        <PageHead title="Repositories" />
    }
}
