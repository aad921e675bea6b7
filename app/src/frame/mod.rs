//! What stands around every page.

mod account_menu;
mod keys;
mod rail;
mod top_bar;

use entity::kind::Permission;
use leptos::prelude::*;

use self::keys::Keys;
use self::rail::{Drawer, Rail};
use self::top_bar::TopBar;
use crate::busy::Busy;
use crate::pages::Connection;
use crate::viewer::may;

/// Rail, bar and the place of the page at hand.
#[component]
pub fn Frame(
    /// Whether the reader waits for something.
    busy: Busy,
    /// The page.
    children: Children,
) -> impl IntoView {
    let drawer = Drawer::new();
    let covered = drawer.covers();
    view! {
        <div class="frame">
            <Rail drawer />
            <TopBar inert=covered />
            <main id="main" class="page" tabindex="-1" aria-busy=move || busy.attribute() inert=move || covered.get()>
                {children()}
            </main>
            // Whoever may not read gets no news either.
            {may(Permission::Read).then(|| view! { <Connection /> })}
            <Keys />
            // What `style/js/ui.js` says aloud.
            <div id="voice" class="sr-only" role="status"></div>
        </div>
    }
}
