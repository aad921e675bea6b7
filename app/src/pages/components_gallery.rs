use leptos::prelude::*;

use crate::components::{Breadcrumb, Crumb, PageHead};

/// Every component in every state, for those who work on them.
#[component]
pub fn ComponentsGallery() -> impl IntoView {
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Components")] />
        <PageHead title="Components" />
    }
}
