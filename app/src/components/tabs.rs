use leptos::prelude::*;

use super::{Glyph, Icon, number_text};

/// One of several views of the same thing, each with an address of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// Its name.
    pub label: String,
    /// Its address.
    pub href: String,
    /// How much is in it, where that is known.
    pub count: Option<i64>,
    /// Whether it is the one at hand.
    pub current: bool,
    /// An icon before the name.
    pub glyph: Option<Glyph>,
}

impl Tab {
    /// A view by name and address.
    #[must_use]
    pub fn new(label: impl Into<String>, href: impl Into<String>, current: bool) -> Self {
        Self { label: label.into(), href: href.into(), count: None, current, glyph: None }
    }

    /// The same with how much is in it.
    #[must_use]
    pub const fn counting(mut self, count: i64) -> Self {
        self.count = Some(count);
        self
    }

    /// The same with an icon.
    #[must_use]
    pub const fn icon(mut self, glyph: Glyph) -> Self {
        self.glyph = Some(glyph);
        self
    }
}

fn links(tabs: Vec<Tab>, stay: bool) -> Vec<impl IntoView> {
    tabs.into_iter()
        .map(|tab| {
            view! {
                <a href=tab.href data-noscroll=stay.then_some("") aria-current=tab.current.then_some("page")>
                    {tab.glyph.map(|glyph| view! { <Icon glyph /> })}
                    {tab.label}
                    {tab.count.map(|count| view! { <span class="tab-count num">{number_text(count)}</span> })}
                </a>
            }
        })
        .collect()
}

/// Views of one thing as links.
#[component]
pub fn Tabs(
    /// What they are views of, for people who cannot see them.
    #[prop(into)]
    label: String,
    /// The views.
    tabs: Vec<Tab>,
) -> impl IntoView {
    view! { <nav class="tabs" aria-label=label>{links(tabs, false)}</nav> }
}

/// A few choices side by side, as time ranges or ways to show: links as well. What is chosen changes what is in sight,
/// so the page stays where it is.
#[component]
pub fn Segments(
    /// What is chosen, for people who cannot see it.
    #[prop(into)]
    label: String,
    /// The choices.
    tabs: Vec<Tab>,
) -> impl IntoView {
    view! { <nav class="segments" aria-label=label>{links(tabs, true)}</nav> }
}
