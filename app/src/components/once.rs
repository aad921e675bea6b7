use leptos::prelude::*;

use super::CopyButton;

/// What its maker sees only this once: to be copied before the page is left.
#[component]
pub fn Once(
    /// What it is, in a sentence: `this secret`, `the token backup`.
    #[prop(into)]
    name: String,
    /// What is copied, for the button's name: `secret`.
    what: &'static str,
    /// The text that is not shown again.
    text: String,
    /// What goes on in the line that says so.
    #[prop(optional)]
    beside: Option<&'static str>,
    /// What to know of it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="once" role="status">
            <p><strong>{format!("Copy {name} now. It is shown only this once.")}</strong> {beside}</p>
            <p class="secret"><code>{text.clone()}</code> <CopyButton text what /></p>
            {children.map(|children| children())}
        </div>
    }
}
