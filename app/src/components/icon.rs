use leptos::prelude::*;

/// The icons in use, drawn by Lucide (ISC licence, `public/licences/lucide.txt`); each is named by what it says here. Their shapes
/// are in the stylesheet alone: rows have several, and neither the page nor the WebAssembly holds any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Glyph {
    Overview,
    Repository,
    Resource,
    Commit,
    Branch,
    Search,
    Sun,
    Moon,
    System,
    Menu,
    Expand,
    First,
    Previous,
    Next,
    Last,
    Check,
    Clock,
    Warning,
    Failed,
    Blocked,
    Busy,
    Copy,
    External,
    Close,
    Filter,
    Table,
    Tree,
    Chart,
    Image,
    Package,
    File,
    Folder,
    ArrowUp,
    ArrowDown,
    Sync,
    Scan,
    Help,
    Tag,
    Inbox,
    Link,
    Compare,
    History,
    Minus,
    Account,
    Shield,
    Trigger,
}

impl Glyph {
    /// Every icon, for the gallery.
    #[cfg(any(test, debug_assertions))]
    pub const ALL: &[Self] = &[
        Self::Overview,
        Self::Repository,
        Self::Resource,
        Self::Commit,
        Self::Branch,
        Self::Search,
        Self::Sun,
        Self::Moon,
        Self::System,
        Self::Menu,
        Self::Expand,
        Self::First,
        Self::Previous,
        Self::Next,
        Self::Last,
        Self::Check,
        Self::Clock,
        Self::Warning,
        Self::Failed,
        Self::Blocked,
        Self::Busy,
        Self::Copy,
        Self::External,
        Self::Close,
        Self::Filter,
        Self::Table,
        Self::Tree,
        Self::Chart,
        Self::Image,
        Self::Package,
        Self::File,
        Self::Folder,
        Self::ArrowUp,
        Self::ArrowDown,
        Self::Sync,
        Self::Scan,
        Self::Help,
        Self::Tag,
        Self::Inbox,
        Self::Link,
        Self::Compare,
        Self::History,
        Self::Minus,
        Self::Account,
        Self::Shield,
        Self::Trigger,
    ];

    /// The class that `style/components/icon.css` draws, by a file of `style/icons`.
    const fn class(self) -> &'static str {
        match self {
            Self::Overview => "icon of-overview",
            Self::Repository => "icon of-repository",
            Self::Resource => "icon of-resource",
            Self::Commit => "icon of-commit",
            Self::Branch => "icon of-branch",
            Self::Search => "icon of-search",
            Self::Sun => "icon of-sun",
            Self::Moon => "icon of-moon",
            Self::System => "icon of-system",
            Self::Menu => "icon of-menu",
            Self::Expand => "icon of-expand",
            Self::First => "icon of-first",
            Self::Previous => "icon of-previous",
            Self::Next => "icon of-next",
            Self::Last => "icon of-last",
            Self::Check => "icon of-check",
            Self::Clock => "icon of-clock",
            Self::Warning => "icon of-warning",
            Self::Failed => "icon of-failed",
            Self::Blocked => "icon of-blocked",
            Self::Busy => "icon of-busy",
            Self::Copy => "icon of-copy",
            Self::External => "icon of-external",
            Self::Close => "icon of-close",
            Self::Filter => "icon of-filter",
            Self::Table => "icon of-table",
            Self::Tree => "icon of-tree",
            Self::Chart => "icon of-chart",
            Self::Image => "icon of-image",
            Self::Package => "icon of-package",
            Self::File => "icon of-file",
            Self::Folder => "icon of-folder",
            Self::ArrowUp => "icon of-arrow-up",
            Self::ArrowDown => "icon of-arrow-down",
            Self::Sync => "icon of-sync",
            Self::Scan => "icon of-scan",
            Self::Help => "icon of-help",
            Self::Tag => "icon of-tag",
            Self::Inbox => "icon of-inbox",
            Self::Link => "icon of-link",
            Self::Compare => "icon of-compare",
            Self::History => "icon of-history",
            Self::Minus => "icon of-minus",
            Self::Account => "icon of-account",
            Self::Shield => "icon of-shield",
            Self::Trigger => "icon of-trigger",
        }
    }
}

/// An icon beside a word. One that stands alone needs a name on the link or button around it.
#[component]
pub fn Icon(
    /// Which.
    glyph: Glyph,
) -> impl IntoView {
    view! { <span class=glyph.class()></span> }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::Glyph;

    #[test]
    fn each_is_drawn() {
        let style = Path::new(env!("CARGO_MANIFEST_DIR")).join("../style");
        let css = fs::read_to_string(style.join("components/icon.css")).unwrap();
        for class in Glyph::ALL.iter().map(|glyph| glyph.class()) {
            let name = class.strip_prefix("icon of-").unwrap();
            let rule = format!(".of-{name} {{ --glyph: url(\"../icons/{name}.svg\"); }}");
            assert!(css.contains(&rule), "no rule draws {name}");
            assert!(style.join(format!("icons/{name}.svg")).is_file(), "no picture of {name}");
        }
        assert_eq!(fs::read_dir(style.join("icons")).unwrap().count(), Glyph::ALL.len(), "pictures that nothing shows");
    }
}
