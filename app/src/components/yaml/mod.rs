//! A manifest's text, highlighted on the server: the browser gets finished lines and no highlighter.

#[cfg(feature = "ssr")]
mod fold;
mod folding;
#[cfg(feature = "ssr")]
mod highlight;
#[cfg(feature = "ssr")]
mod link;

#[cfg(feature = "ssr")]
pub(crate) use highlight::escape;
#[cfg(feature = "ssr")]
pub use highlight::highlight;
use leptos::prelude::*;
#[cfg(feature = "ssr")]
pub use link::NamedResource;
use serde::{Deserialize, Serialize};

use super::{CopyButton, Glyph, Icon, counted};

/// Highlighted text, made by [`highlight`]; everything from outside in it is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct YamlHtml {
    /// The lines.
    pub html: String,
    /// The text itself, for copying.
    pub text: String,
    /// How many lines are shown.
    pub lines: usize,
    /// How many more there are that are not shown.
    pub cut: usize,
}

/// A manifest with line numbers that link (`#L12`), as they do on forges.
#[component]
pub fn YamlView(
    /// The highlighted text.
    yaml: YamlHtml,
    /// Path of the file.
    #[prop(into)]
    path: String,
    /// The file on its forge at this commit and line.
    #[prop(optional_no_strip, into)]
    web_url: Option<String>,
) -> impl IntoView {
    let lines = i64::try_from(yaml.lines).unwrap_or(i64::MAX);
    let cut = i64::try_from(yaml.cut).unwrap_or(i64::MAX);
    folding::open_linked_lines();
    view! {
        <div class="code">
            <div class="code-head">
                <Icon glyph=Glyph::File />
                <span class="path">{path}</span>
                <span class="quiet num">{counted(lines, "line", "lines")}</span>
                <span class="code-actions">
                    <CopyButton text=yaml.text what="manifest" />
                    {web_url
                        .map(|url| {
                            view! {
                                <a class="icon-button" href=url rel="noopener external" aria-label="Open on the forge" title="Open on the forge">
                                    <Icon glyph=Glyph::External />
                                </a>
                            }
                        })}
                </span>
            </div>
            <pre class="code-lines" tabindex="0" on:click=folding::on_click inner_html=yaml.html></pre>
            {(cut > 0)
                .then(|| view! { <p class="code-cut quiet">{format!("{} not shown; open the file on its forge.", counted(cut, "more line is", "more lines are"))}</p> })}
        </div>
    }
}
