//! References to folders and files.

use entity::kind::ReferenceStatus;
use std::sync::Arc;

use entity::credential::without_credentials;

use super::super::facts::{DocumentFacts, FluxPath, Subject};
use super::super::index::Key;
use super::super::source::SourceAddress;
use super::super::text::is_template;
use super::super::tree::Tree;
use super::reference::Reference;
use super::{Asker, Place};
use crate::build::{Folders, join};

/// The folder of a path from the tree's root.
pub fn from_root(path: &str) -> Option<String> {
    join("", path.trim_start_matches('/'))
}

/// An address as repositories are compared by it.
pub fn home_of(url: &str) -> Option<Box<str>> {
    SourceAddress::read(url).map(|address| address.without_git().to_lowercase().into())
}

/// Kind and name of the source of a Flux Kustomization whose folder, not the root, is in the tree.
pub fn serving<'f>(tree: &Tree, path: &'f FluxPath) -> Option<(&'f str, &'f str)> {
    let folder = path.folder.as_deref()?;
    let is_here = !folder.is_empty() && tree.has_folder(folder);
    is_here.then(|| Some((path.source_kind.as_deref().unwrap_or_default(), path.source_name.as_deref()?)))?
}

impl<'e> Asker<'e> {
    pub(super) fn folder_references(&self, place: Place<'e>, document: &DocumentFacts, into: &mut Vec<Reference>) {
        let Some(name) = &document.name else { return };
        let mut add = |field, path: &str, status| {
            into.push(Reference {
                file: Arc::clone(place.path),
                document: Arc::clone(&document.number),
                from: format!("{}/-/{name}", document.kind).into(),
                field,
                to: format!("folder/-/{path}").into(),
                status,
                index: Some(document.index),
            });
        };
        match &document.subject {
            Subject::FluxKustomization(flux) => {
                if let Some(path) = &flux.word {
                    add("spec.path", path, self.flux_path(flux, path));
                }
            }
            Subject::Argo(argo) if !argo.is_set => {
                for source in &argo.sources {
                    if let Some(path) = &source.path {
                        add("spec.source.path", path, self.argo_path(path, source.url.as_deref()));
                    }
                }
            }
            _ => {}
        }
    }

    fn flux_path(&self, flux: &FluxPath, path: &str) -> ReferenceStatus {
        let folder = from_root(path);
        if is_template(path) {
            return ReferenceStatus::Templated;
        }
        match folder.as_deref() {
            Some("") if self.is_served(flux) => ReferenceStatus::Resolved,
            Some(folder) if !folder.is_empty() && self.has_folder(folder) => ReferenceStatus::Resolved,
            Some(folder) if !folder.is_empty() && (flux.source_name.is_none() || self.is_served(flux)) => {
                ReferenceStatus::Dangling
            }
            _ => ReferenceStatus::External,
        }
    }

    /// Whether the source of a Flux Kustomization serves a folder of the tree.
    fn is_served(&self, flux: &FluxPath) -> bool {
        let Some(name) = &flux.source_name else { return false };
        let kind = flux.source_kind.clone().unwrap_or_default();
        self.note(Key::Serving(kind.as_ref().into(), name.as_ref().into()));
        self.serving.contains(&(kind, name.clone()))
    }

    fn argo_path(&self, path: &str, url: Option<&str>) -> ReferenceStatus {
        if is_template(path) {
            return ReferenceStatus::Templated;
        }
        let folder = from_root(path).filter(|folder| !folder.is_empty());
        if folder.as_deref().is_some_and(|folder| self.has_folder(folder)) {
            return ReferenceStatus::Resolved;
        }
        let home = url.and_then(home_of);
        let is_home = home.is_some_and(|home| {
            self.note(Key::Home(home.as_ref().into()));
            self.homes.contains(&home)
        });
        if is_home && folder.is_some() { ReferenceStatus::Dangling } else { ReferenceStatus::External }
    }

    pub(super) fn kustomization_references(&self, place: Place<'e>, folder: &str) -> Vec<Reference> {
        let Some(facts) = &place.facts.kustomization else { return Vec::new() };
        let document = Arc::from("0");
        let from: Arc<str> = format!("kustomization/-/{}", if folder.is_empty() { "." } else { folder }).into();
        let reference = |entry: &super::super::facts::Entry| {
            let path = join(folder, &entry.path);
            let is_folder = path.as_deref().is_some_and(|path| self.has_folder(path));
            let is_here = || {
                let Some(path) = &path else { return false };
                self.has_file(path) || self.kustomization(path).is_some()
            };
            let status = if is_template(&entry.path) {
                ReferenceStatus::Templated
            } else if is_here() {
                ReferenceStatus::Resolved
            } else if is_remote(&entry.path) {
                ReferenceStatus::External
            } else {
                ReferenceStatus::Dangling
            };
            let kind = if is_folder { "folder" } else { "file" };
            Reference {
                file: Arc::clone(place.path),
                document: Arc::clone(&document),
                from: from.as_ref().into(),
                field: entry.field,
                to: format!("{kind}/-/{}", without_credentials(&entry.path)).into(),
                status,
                index: None,
            }
        };
        facts.entries.iter().map(reference).collect()
    }
}

/// Whether an entry of a kustomization names a place outside of the tree.
fn is_remote(entry: &str) -> bool {
    let is_name =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let host = entry.split_once('/').map(|(host, _)| host);
    entry.contains("://")
        || entry.starts_with("git@")
        || entry.contains("?ref=")
        || host.is_some_and(|host| host.contains('.') && host.split('.').all(is_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_with_a_host_are_remote() {
        for entry in ["https://a.example/x", "git@a.example:x", "a.example/x", "./x?ref=main", "x.y.z/"] {
            assert!(is_remote(entry), "{entry}");
        }
        for entry in ["../x", "./x.yaml", "x.yaml", "a_b.c/x", "base/x"] {
            assert!(!is_remote(entry), "{entry}");
        }
    }
}
