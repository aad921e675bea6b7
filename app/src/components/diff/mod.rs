//! Two texts compared, on the server: the browser gets finished lines.

#[cfg(feature = "ssr")]
mod compute;

#[cfg(feature = "ssr")]
pub use compute::compare;
use entity::view::FieldChange;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{FieldChanges, Glyph, PageUrl, Segments, Tab, number_text};

/// How a difference is shown; the word in the address (`view`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiffMode {
    /// One column, removed before added.
    #[default]
    Unified,
    /// Old left, new right.
    Split,
    /// A list of changed fields.
    Fields,
}

impl DiffMode {
    /// Reads the word; anything else is unified.
    #[must_use]
    pub fn from_word(word: Option<&str>) -> Self {
        match word {
            Some("split") => Self::Split,
            Some("fields") => Self::Fields,
            _ => Self::Unified,
        }
    }

    /// The word in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unified => "unified",
            Self::Split => "split",
            Self::Fields => "fields",
        }
    }
}

/// A compared text, made by [`compare`]; everything from outside in it is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffHtml {
    /// How it is shown.
    pub mode: DiffMode,
    /// The lines; empty for [`DiffMode::Fields`].
    pub html: String,
    /// Lines added.
    pub added: usize,
    /// Lines removed.
    pub removed: usize,
    /// Set where comparing took too long and the difference is coarser than it could be.
    pub coarse: bool,
}

/// A difference with its modes as links.
#[component]
pub fn DiffView(
    /// The compared text.
    diff: DiffHtml,
    /// The changed fields.
    changes: Vec<FieldChange>,
    /// How many fields changed in all.
    total: i64,
    /// The address at hand; the mode is its `view`.
    url: PageUrl,
    /// What is compared: path of the file.
    #[prop(into)]
    path: String,
) -> impl IntoView {
    let tab = |label: &str, mode: DiffMode| {
        Tab::new(
            label,
            url.with_same_rows("view", if mode == DiffMode::Unified { "" } else { mode.as_str() }).href(),
            diff.mode == mode,
        )
    };
    let tabs = vec![
        tab("Unified", DiffMode::Unified),
        tab("Side by side", DiffMode::Split),
        tab("Fields", DiffMode::Fields).counting(total),
    ];
    let of_source: Vec<FieldChange> = match diff.mode {
        DiffMode::Fields => Vec::new(),
        _ => changes.iter().filter(|change| change.is_of_source()).cloned().collect(),
    };
    let count = |n: usize| number_text(i64::try_from(n).unwrap_or(i64::MAX));
    let body = if diff.mode == DiffMode::Fields {
        view! { <FieldChanges changes total /> }.into_any()
    } else if diff.added + diff.removed == 0 {
        let same =
            if of_source.is_empty() { "The texts are the same." } else { "The manifest itself stayed the same." };
        view! { <p class="diff-same quiet">{same}</p> }.into_any()
    } else {
        view! { <div class="diff-lines" data-mode=diff.mode.as_str() tabindex="0" inner_html=diff.html></div> }
            .into_any()
    };
    view! {
        <div class="code diff">
            <div class="code-head">
                <super::Icon glyph=Glyph::Compare />
                <span class="path">{path}</span>
                <span class="diff-stat num">
                    <span data-tone="created" title="lines added">"+" {count(diff.added)}</span>
                    " "
                    <span data-tone="deleted" title="lines removed">"−" {count(diff.removed)}</span>
                </span>
                <span class="code-actions"><Segments label="How the difference is shown" tabs /></span>
            </div>
            {body}
            {(!of_source.is_empty())
                .then(|| {
                    let total = i64::try_from(of_source.len()).unwrap_or(i64::MAX);
                    view! {
                        <div class="diff-source">
                            <p class="quiet">"Changed in what it takes its version from:"</p>
                            <FieldChanges changes=of_source total />
                        </div>
                    }
                })}
            {diff.coarse.then(|| view! { <p class="code-cut quiet">"The texts are large; the difference is coarser than it could be."</p> })}
        </div>
    }
}
