use leptos::prelude::*;

use super::number_text;

/// A strip of figures.
#[component]
pub fn Metrics(
    /// [`Metric`]s.
    children: Children,
) -> impl IntoView {
    view! { <dl class="metrics">{children()}</dl> }
}

/// Characters of a text that stand on a line beside other figures at their size.
const SHORT: usize = 9;

/// One figure with its name; what is not known is said to be not known.
#[component]
pub fn Metric(
    /// Its name.
    #[prop(into)]
    label: String,
    /// The figure; `None` is "not known".
    #[prop(into)]
    value: Option<i64>,
    /// The figure as text, where it is no plain number (a size, a time).
    #[prop(optional_no_strip, into)]
    text: Option<String>,
    /// What stands behind it: `12 in the last 7 days`.
    #[prop(optional_no_strip, into)]
    note: Option<String>,
    /// Where the figure leads.
    #[prop(optional_no_strip, into)]
    href: Option<String>,
    /// A figure that asks for attention (problems above zero).
    #[prop(optional)]
    alert: bool,
) -> impl IntoView {
    let known = text.is_some() || value.is_some();
    let long = text.as_ref().is_some_and(|text| text.chars().count() > SHORT);
    let title = value.map(|value| value.to_string()).or_else(|| text.clone().filter(|_| long));
    let shown = text.or_else(|| value.map(number_text)).unwrap_or_else(|| "not known".to_owned());
    let figure = match href {
        Some(href) if known => view! { <a href=href>{shown}</a> }.into_any(),
        _ => view! { {shown} }.into_any(),
    };
    view! {
        <div class="metric" class:unknown=!known class:alert=alert>
            <dt>{label}</dt>
            <dd class="metric-value num" class:long=long title=title>{figure}</dd>
            {note.map(|note| view! { <dd class="metric-note">{note}</dd> })}
        </div>
    }
}
