//! Namespaces of real repositories, as an independent program found them.
//!
//! The repositories are not part of this one: without them (`KUBESTATS_SHARED`, or `../shared`) the test says so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use scan::build::is_literal;
use serde_json::Value;

use crate::Files;

fn corpus() -> Option<PathBuf> {
    let shared = match std::env::var_os("KUBESTATS_SHARED") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared"),
    };
    let corpus = shared.join("corpus");
    if corpus.join("uses.json").is_file() {
        return Some(corpus);
    }
    eprintln!("SKIPPED: no corpus at {}; name its parent folder in KUBESTATS_SHARED", corpus.display());
    None
}

/// How many named documents have one namespace, several, or none that is known; and how many namespaces there are.
#[derive(Debug, PartialEq, Eq)]
struct Figures([u64; 4]);

impl Figures {
    fn expected(figures: &Value) -> Option<Self> {
        let names = ["namespace_one", "namespace_several", "namespace_unknown", "namespaces"];
        let all: Option<Vec<u64>> = names.iter().map(|name| figures[name].as_u64()).collect();
        Some(Self(all?.try_into().ok()?))
    }

    /// The independent program gives cluster-wide kinds a namespace too: they are counted apart.
    fn found(files: &Files) -> (Self, u64) {
        let builds = files.builds();
        let (mut figures, mut all, mut dropped) = ([0; 4], BTreeSet::new(), 0);
        for (path, file, at) in files.manifests() {
            let manifest = &file.manifests[at];
            let mut spaces = builds.namespaces(path, Some(&manifest.key.namespace), is_literal(manifest.root()));
            figures[if spaces.len() > 1 { 1 } else { usize::from(spaces == [None]) * 2 }] += 1;
            let known = spaces.iter().any(Option::is_some);
            dropped += u64::from(known && builds.is_cluster_wide(&manifest.key.group, &manifest.key.kind));
            all.extend(spaces.drain(..).flatten());
        }
        figures[3] = all.len() as u64;
        (Self(figures), dropped)
    }
}

#[test]
fn namespaces_of_real_repositories_are_those_that_were_found_independently() -> Result<()> {
    let Some(corpus) = corpus() else { return Ok(()) };
    let mut wrong = Vec::new();
    let mut dropped = 0;
    for folder in [corpus.clone(), corpus.join("made")] {
        let uses: Value = serde_json::from_slice(&std::fs::read(folder.join("uses.json"))?)?;
        let repositories = uses["repositories"].as_array().context("repositories")?;
        ensure!(!repositories.is_empty(), "{} names no repository", folder.display());
        for repository in repositories {
            let name = repository["full_name"].as_str().context("full_name")?;
            let clone = tempfile::tempdir()?;
            let bundle = folder.join(format!("{}.bundle", name.replace('/', "__")));
            let status = Command::new("git")
                .args(["-c", "core.autocrlf=false", "-c", "init.defaultBranch=main", "clone", "-q"])
                .args([&bundle, clone.path()])
                .status()?;
            ensure!(status.success(), "git clone of {name} failed");
            let (found, cluster_wide) = Figures::found(&Files::below(clone.path())?);
            dropped += cluster_wide;
            let expected = Figures::expected(&repository["figures"]).context("figures")?;
            eprintln!("{name}: {found:?}, {cluster_wide} of them cluster-wide");
            if found != expected {
                wrong.push(format!("{name}: expected {expected:?}, found {found:?}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{} repositories differ:\n{}", wrong.len(), wrong.join("\n"));
    ensure!(dropped > 0, "no cluster-wide resource is in a build with a namespace");
    Ok(())
}
