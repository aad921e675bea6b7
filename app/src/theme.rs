//! Light, dark or as the system is: kept in a cookie, so that the server renders the right one at once and
//! nothing flashes. `style/js/parts/theme.js` switches without a reload; without JavaScript the form does.

use leptos::prelude::*;
use leptos::server_fn::codec::Postcard;

use crate::components::{Glyph, Icon};
use crate::error::AppError;

/// Name of the cookie.
#[cfg(feature = "ssr")]
const COOKIE: &str = "theme";

/// Remembers the theme for a year and goes back to the page it was chosen on.
#[server(prefix = "/ui", endpoint = "theme", output = Postcard, client = crate::client::PageClient)]
pub async fn set_theme(theme: String) -> Result<(), AppError> {
    let theme = known(&theme).ok_or_else(|| AppError::invalid("The theme is one of: system, light, dark."))?;
    // The script that switches without a reload writes it too.
    let keeping = crate::cookies::Keeping { open: true, ..crate::cookies::Keeping::so_long(31_536_000) };
    crate::pages::ask::set_cookie(COOKIE, theme, keeping);
    Ok(())
}

#[cfg(feature = "ssr")]
fn known(theme: &str) -> Option<&'static str> {
    ["system", "light", "dark"].into_iter().find(|word| *word == theme)
}

/// The theme that the request's cookie names.
#[cfg(feature = "ssr")]
pub fn current_theme() -> &'static str {
    crate::pages::ask::cookie(COOKIE).and_then(|theme| known(&theme)).unwrap_or("system")
}

/// The three choices. Which one holds is told by `data-theme` of the document.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let choice = |word: &'static str, name: &'static str, glyph: Glyph| {
        view! {
            <button type="submit" name="theme" value=word data-theme-choice=word aria-label=name title=name>
                <Icon glyph />
            </button>
        }
    };
    view! {
        <form class="theme-switch" method="post" action="/ui/theme">
            <div class="theme-choices" role="group" aria-label="Theme">
            {choice("system", "Theme as the system", Glyph::System)}
            {choice("light", "Light theme", Glyph::Sun)}
            {choice("dark", "Dark theme", Glyph::Moon)}
            </div>
        </form>
    }
}
