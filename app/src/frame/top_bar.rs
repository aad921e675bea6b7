use entity::kind::Permission;
use leptos::prelude::*;

use super::account_menu::AccountMenu;
use crate::components::{Glyph, Icon, SearchForm};
use crate::theme::ThemeSwitch;
use crate::viewer::may;

/// Search, theme and account; the page at hand lays its breadcrumb into the bar.
#[component]
pub fn TopBar(
    /// Out of reach while the menu covers it.
    #[prop(into)]
    inert: Signal<bool>,
) -> impl IntoView {
    view! {
        <header class="top-bar" inert=move || inert.get()>
            {may(Permission::Read).then(|| view! {
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
            })}
            <ThemeSwitch />
            <AccountMenu />
        </header>
    }
}
