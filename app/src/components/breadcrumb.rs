use leptos::prelude::*;
use leptos_meta::Title;

/// One step of the way to a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crumb {
    /// Its name.
    pub label: String,
    /// Its address; the last step has none.
    pub href: Option<String>,
}

impl Crumb {
    /// A step that leads somewhere.
    #[must_use]
    pub fn link(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: Some(href.into()) }
    }

    /// The page at hand.
    #[must_use]
    pub fn here(label: impl Into<String>) -> Self {
        Self { label: label.into(), href: None }
    }
}

/// The way to this page. It stands first in a page and is laid into the top bar; it also names the document.
#[component]
pub fn Breadcrumb(
    /// The steps, the page itself last.
    crumbs: Vec<Crumb>,
) -> impl IntoView {
    let title = crumbs.iter().rev().map(|crumb| crumb.label.as_str()).collect::<Vec<_>>().join(" · ");
    let steps: Vec<_> = crumbs
        .into_iter()
        .map(|crumb| match crumb.href {
            Some(href) => view! { <li><a href=href>{crumb.label}</a></li> }.into_any(),
            None => view! { <li><span aria-current="page">{crumb.label}</span></li> }.into_any(),
        })
        .collect();
    view! {
        <Title text=title />
        <nav class="breadcrumb" aria-label="Where this is"><ol>{steps}</ol></nav>
    }
}

/// A page's head: what it is about on the left, its one or two actions on the right.
#[component]
pub fn PageHead(
    /// What it is about.
    #[prop(into)]
    title: String,
    /// Badges, links and facts below the title.
    #[prop(optional)]
    facts: Option<AnyView>,
    /// The actions.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <header class="page-head">
            <div class="page-title">
                <h1>{title}</h1>
                {facts.map(|facts| view! { <div class="page-facts">{facts}</div> })}
            </div>
            {children.map(|children| view! { <div class="page-actions">{children()}</div> })}
        </header>
    }
}

/// A part of a page with its heading and, beside it, what belongs to it.
#[component]
pub fn Section(
    /// The heading.
    #[prop(into)]
    title: String,
    /// What links lead to it by.
    #[prop(optional)]
    id: Option<&'static str>,
    /// Stands right of the heading: ranges, a link to all.
    #[prop(optional)]
    aside: Option<AnyView>,
    /// The content.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="section" id=id>
            <div class="section-head">
                <h2>{title}</h2>
                {aside}
            </div>
            {children()}
        </section>
    }
}
