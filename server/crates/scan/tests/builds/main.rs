//! The builds of trees, against an independent program's figures and against kustomize itself.
#![expect(clippy::print_stderr, reason = "a skipped check must be seen")]

mod corpus;
mod kustomize;
mod rules;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use entity::input::ObjectId;
use scan::build::{Builds, Part, Tree, is_bare_kustomization};
use scan::file::{DocumentIndex, ParsedFile, read_file};
use yaml::Limits;

/// A tree's files that are read.
#[derive(Default)]
pub struct Files(Vec<(String, Arc<ParsedFile>)>);

impl Files {
    #[must_use]
    pub fn of(texts: &[(&str, &str)]) -> Self {
        Self(texts.iter().map(|(path, text)| ((*path).to_owned(), read(path, text.as_bytes()))).collect())
    }

    /// Regular files below a folder on disk.
    pub fn below(root: &Path) -> Result<Self> {
        let mut files = Self::default();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let (path, kind) = (entry.path(), entry.file_type()?);
                if kind.is_dir() && entry.file_name() != ".git" {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(root)?.to_str().context("a path that is no text")?;
                let is_read = name.ends_with(".yaml") || name.ends_with(".yml") || is_bare_kustomization(name);
                if kind.is_file() && is_read {
                    files.0.push((name.to_owned(), read(name, &std::fs::read(&path)?)));
                }
            }
        }
        Ok(files)
    }

    #[must_use]
    pub fn builds(&self) -> Builds {
        let parts: Vec<(&str, DocumentIndex, Part)> = self
            .manifests()
            .filter_map(|(path, file, at)| {
                let manifest = &file.manifests[at];
                Some((path, manifest.index, Part::read(manifest)?))
            })
            .collect();
        let kustomizations = self.0.iter().filter_map(|(path, file)| Some((path.as_str(), file.kustomize.as_ref()?)));
        let paths = self.0.iter().map(|(path, _)| path.as_str());
        Builds::of(&Tree::new(paths, kustomizations, parts.iter().map(|(path, index, part)| (*path, *index, part))))
    }

    pub fn manifests(&self) -> impl Iterator<Item = (&str, &ParsedFile, usize)> {
        self.0.iter().flat_map(|(path, file)| (0..file.manifests.len()).map(move |at| (path.as_str(), &**file, at)))
    }

    /// What resources inherit, as `name namespace`; those that inherit nothing have a dash.
    #[must_use]
    pub fn inherited(&self) -> Vec<String> {
        let builds = self.builds();
        let mut all: Vec<String> = self
            .manifests()
            .map(|(path, file, at)| {
                let manifest = &file.manifests[at];
                let literal = scan::build::is_literal(manifest.root());
                let inherited = builds.inherited(path, &manifest.key, literal);
                format!("{} {}", manifest.key.name, inherited.as_deref().unwrap_or("-"))
            })
            .collect();
        all.sort();
        all
    }
}

fn read(path: &str, text: &[u8]) -> Arc<ParsedFile> {
    Arc::new(read_file(ObjectId([0; 20]), text, &Limits::default())).at_path(path)
}
