use leptos::prelude::*;

use super::{Glyph, Icon};

/// Copies a text; `style/js/ui.js` does the work, so without JavaScript the button is not shown.
#[component]
pub fn CopyButton(
    /// The text.
    #[prop(into)]
    text: String,
    /// What is copied, for the button's name: `commit hash`.
    #[prop(default = "text")]
    what: &'static str,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="icon-button needs-script"
            data-copy=text
            aria-label=format!("Copy {what}")
            title=format!("Copy {what}")
        >
            <Icon glyph=Glyph::Copy />
        </button>
    }
}
