use leptos::html::Textarea;
use leptos::prelude::*;

use super::given::give;

/// Lines of text, with label and hint.
#[component]
pub fn TextArea(
    /// Key in the form, and the field's id.
    name: &'static str,
    /// Label.
    label: &'static str,
    /// What stands in it.
    value: String,
    /// An example of what could stand in it.
    placeholder: &'static str,
    /// What to know before typing.
    hint: &'static str,
) -> impl IntoView {
    // What stands in a text area is not escaped by the framework, and it may be anything.
    let shown = value.replace('&', "&amp;").replace('<', "&lt;");
    let field = NodeRef::<Textarea>::new();
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            give(&field, &value);
        }
    });
    let about = format!("{name}-about");
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <textarea
                id=name
                name=name
                class="input"
                rows="8"
                required=true
                spellcheck="false"
                autocapitalize="off"
                autocomplete="off"
                aria-describedby=about.clone()
                placeholder=placeholder
                node_ref=field
                inner_html=shown
            ></textarea>
            <p class="field-hint" id=about>{hint}</p>
        </div>
    }
}
