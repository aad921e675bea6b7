use std::collections::BTreeMap;

use entity::view::{ResourceTreeRow, file_of};
use leptos::prelude::*;

use super::{Glyph, Icon, KindBadge, PageUrl, Version, number_text, resource_href};

/// Resources in their folders and files; folders open without JavaScript.
#[component]
pub fn Tree(
    /// The resources, in any order.
    rows: Vec<ResourceTreeRow>,
    /// Open every folder: for small trees and while searching.
    #[prop(optional)]
    open: bool,
    /// As of when its resources are to be shown; empty for now.
    #[prop(optional, into)]
    at: String,
) -> impl IntoView {
    let mut root = Folder::default();
    for row in rows {
        root.insert(row);
    }
    // A tree that fits a screen is better read than opened.
    let open = open || root.resources <= 40;
    view! { <div class="tree">{root.view(0, open, &at)}</div> }
}

#[derive(Default)]
struct Folder {
    folders: BTreeMap<String, Folder>,
    files: BTreeMap<String, Vec<ResourceTreeRow>>,
    resources: i64,
}

impl Folder {
    fn insert(&mut self, row: ResourceTreeRow) {
        // Paths come from outside: a path of thousands of folders must not nest thousands of elements.
        const DEEPEST: usize = 24;
        let path = file_of(&row.file_path);
        let mut parts: Vec<&str> = path.splitn(DEEPEST, '/').collect();
        let file = parts.pop().unwrap_or(path).to_owned();
        let mut here = self;
        here.resources += 1;
        let parts: Vec<String> = parts.into_iter().map(str::to_owned).collect();
        for part in parts {
            here = here.folders.entry(part).or_default();
            here.resources += 1;
        }
        here.files.entry(file).or_default().push(row);
    }

    fn view(self, depth: usize, open: bool, at: &str) -> AnyView {
        let folders: Vec<_> = self
            .folders
            .into_iter()
            .map(|(mut name, mut folder)| {
                // A chain of folders with nothing else in them is one line.
                while folder.files.is_empty() && folder.folders.len() == 1 {
                    let Some((next, inner)) = folder.folders.pop_first() else { break };
                    name = format!("{name}/{next}");
                    folder = inner;
                }
                let count = number_text(folder.resources);
                view! {
                    <li>
                        <details open=open || depth == 0>
                            <summary>
                                <span class="fold-mark"><Icon glyph=Glyph::Expand /></span>
                                <Icon glyph=Glyph::Folder />
                                <span class="tree-name">{name}</span>
                                <span class="num quiet">{count}</span>
                            </summary>
                            {folder.view(depth + 1, open, at)}
                        </details>
                    </li>
                }
            })
            .collect();
        let files: Vec<_> = self
            .files
            .into_iter()
            .map(|(name, rows)| {
                let resources: Vec<_> = rows
                    .into_iter()
                    .map(|row| {
                        let href = PageUrl::new(resource_href(row.id)).with("at", at).href();
                        view! {
                            <li class="tree-resource">
                                <KindBadge kind=row.kind />
                                <a href=href>{row.name}</a>
                                {row.namespace.map(|namespace| view! { <span class="quiet">{namespace}</span> })}
                                {row.version.map(|version| view! { <Version version=Some(version) /> })}
                            </li>
                        }
                    })
                    .collect();
                view! {
                    <li>
                        <span class="tree-file"><Icon glyph=Glyph::File />{name}</span>
                        <ul>{resources}</ul>
                    </li>
                }
            })
            .collect();
        view! { <ul>{folders} {files}</ul> }.into_any()
    }
}
