use leptos::prelude::*;

/// `1.2.3 → 1.3.0`; a version that came or went says so.
#[component]
pub fn VersionChange(
    /// What it was.
    #[prop(optional_no_strip, into)]
    before: Option<String>,
    /// What it is.
    #[prop(optional_no_strip, into)]
    after: Option<String>,
) -> impl IntoView {
    let side = |text: Option<String>, word: &'static str, class: &'static str| match text {
        Some(text) => view! { <span class=class title=text.clone()>{short_version(&text)}</span> }.into_any(),
        None => view! { <span class="quiet">{word}</span> }.into_any(),
    };
    view! {
        <span class="version-change">
            {side(before, "none", "version old")}
            <span class="arrow" aria-hidden="true">" → "</span>
            <span class="sr-only">" to "</span>
            {side(after, "none", "version new")}
        </span>
    }
}

/// A version on its own.
#[component]
pub fn Version(
    /// The version, if it has one.
    #[prop(optional_no_strip, into)]
    version: Option<String>,
) -> impl IntoView {
    match version {
        Some(text) => view! { <span class="version" title=text.clone()>{short_version(&text)}</span> }.into_any(),
        None => view! { <span class="quiet" title="No version is written">"–"</span> }.into_any(),
    }
}

/// An image's tag and digest as one version.
#[must_use]
pub fn tag_version(tag: Option<String>, digest: Option<String>) -> Option<String> {
    match (tag, digest) {
        (Some(tag), Some(digest)) => Some(format!("{tag}@{digest}")),
        (tag, digest) => tag.or(digest),
    }
}

/// Digests are cut to what tells them apart; the title has them whole.
fn short_version(text: &str) -> String {
    match text.find("sha256:") {
        Some(at) if text.len() > at + 7 + 12 && text.is_char_boundary(at + 19) => format!("{}…", &text[..at + 19]),
        _ if text.chars().count() > 48 => text.chars().take(47).chain(['…']).collect(),
        _ => text.to_owned(),
    }
}
