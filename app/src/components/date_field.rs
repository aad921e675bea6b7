use leptos::html;
use leptos::prelude::*;

use super::given::give;

/// A day, for filter bars.
#[component]
pub fn DateField(
    /// Key in the address.
    name: &'static str,
    /// Label, read aloud and shown before the day.
    #[prop(into)]
    label: String,
    /// The day, `YYYY-MM-DD`.
    #[prop(optional_no_strip, into)]
    value: Option<String>,
) -> impl IntoView {
    let (field, given) = (NodeRef::<html::Input>::new(), value.clone().unwrap_or_default());
    let is_set = value.is_some();
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            give(&field, &given);
        }
    });
    view! {
        <label class="field-inline" class:set=is_set>
            <span class="field-label">{label}</span>
            <input type="date" name=name value=value node_ref=field />
        </label>
    }
}
