use leptos::prelude::*;

use crate::components::{Glyph, Icon, SearchForm};
use crate::theme::ThemeSwitch;

/// Search and theme; the page at hand lays its breadcrumb into the bar.
#[component]
pub fn TopBar(
    /// Out of reach while the menu covers it.
    #[prop(into)]
    inert: Signal<bool>,
) -> impl IntoView {
    view! {
        <header class="top-bar" inert=move || inert.get()>
            <search class="top-search">
                <SearchForm action="/resources">
                    <label class="sr-only" for="search">"Search resources"</label>
                    <span class="input">
                        <Icon glyph=Glyph::Search />
                        <input id="search" type="search" name="text" placeholder="Search resources" autocomplete="off" aria-keyshortcuts="/ Control+K" />
                        <kbd class="needs-script" aria-hidden="true">"/"</kbd>
                    </span>
                </SearchForm>
            </search>
            <ThemeSwitch />
        </header>
    }
}
