use entity::view::{FieldChange, MASK};
use leptos::prelude::*;

use super::counted;

/// The changed fields of a manifest with old and new values; the structural form of a difference.
#[component]
pub fn FieldChanges(
    /// The fields that are kept.
    changes: Vec<FieldChange>,
    /// How many fields changed in all.
    total: i64,
) -> impl IntoView {
    if changes.is_empty() {
        return view! { <p class="quiet">"No field differs; only formatting, comments or the place of the file."</p> }
            .into_any();
    }
    let hidden = total - i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let rows: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let sign = match (&change.old, &change.new) {
                (None, _) => ("+", "added", "created"),
                (_, None) => ("−", "removed", "deleted"),
                _ => ("~", "changed", "modified"),
            };
            view! {
                <li class="change">
                    <span class="event-type compact" data-tone=sign.2 title=sign.1>
                        <span class="sign" aria-hidden="true">{sign.0}</span>
                        <span class="sr-only">{sign.1}</span>
                    </span>
                    <code class="change-path">{change.path}</code>
                    <span class="change-values">
                        {value(change.old, "old")}
                        <span class="arrow" aria-hidden="true">"→"</span>
                        {value(change.new, "new")}
                    </span>
                </li>
            }
        })
        .collect();
    view! {
        <ul class="changes">{rows}</ul>
        {(hidden > 0)
            .then(|| view! { <p class="quiet">{format!("{} not listed.", counted(hidden, "more field is", "more fields are"))}</p> })}
    }
    .into_any()
}

fn value(text: Option<String>, side: &'static str) -> AnyView {
    match text {
        None => view! { <span class="quiet" data-side=side>"absent"</span> }.into_any(),
        Some(text) if text == MASK => {
            view! { <span class="quiet" data-side=side title="Values of secrets are never stored">{text}</span> }
                .into_any()
        }
        Some(text) if text.is_empty() => view! { <span class="quiet" data-side=side>"empty"</span> }.into_any(),
        Some(text) => view! { <code class="change-value" data-side=side>{text}</code> }.into_any(),
    }
}
