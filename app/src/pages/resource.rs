use leptos::prelude::*;

use crate::components::{Breadcrumb, Crumb, PageHead};

/// The page's frame; its content comes with the questions it asks.
#[component]
pub fn Resource() -> impl IntoView {
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Resource")] />
        <PageHead title="Resource" />
    }
}
