//! What a tree uses, kept from commit to commit, is what the tree as a whole uses.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use scan::uses::{Change, ChartSources, ChartUse, Delta, Evaluator, Figures, Reference, Uses};

use crate::repository::{Repository, corpus};

/// Commits of one repository after which everything is compared; the others are applied only.
const COMPARED: usize = 60;

/// The last commits of a repository that are followed.
const FOLLOWED: usize = 4_000;

#[test]
fn what_is_kept_from_commit_to_commit_is_what_the_whole_tree_uses() -> Result<()> {
    let Some(corpus) = corpus() else { return Ok(()) };
    let mut bundles = Vec::new();
    for folder in [corpus.clone(), corpus.join("history"), corpus.join("made")] {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "bundle") {
                bundles.push(path);
            }
        }
    }
    ensure!(bundles.len() > 1, "the corpus has no bundles");
    bundles.sort();
    let sources = Arc::new(ChartSources::built_in());
    for bundle in &bundles {
        follow(bundle, &sources).with_context(|| bundle.display().to_string())?;
    }
    Ok(())
}

/// Files of one repository that are taken away and put back.
const TAKEN: usize = 60;

#[test]
fn files_that_go_and_come_back_leave_nothing_behind() -> Result<()> {
    let Some(corpus) = corpus() else { return Ok(()) };
    let sources = Arc::new(ChartSources::built_in());
    for bundle in ["made/made__uses-sample", "vehagn__homelab", "Diaoul__home-ops"] {
        let repository = Repository::open(&corpus.join(format!("{bundle}.bundle")))?;
        let (_, files) = repository.head()?;
        let mut kept = Evaluator::new(Arc::clone(&sources));
        kept.apply(files.clone(), &repository);
        let mut all = Evaluator::new(Arc::clone(&sources));
        all.apply(files.clone(), &repository);
        let step = files.len().div_ceil(TAKEN);
        for (at, file) in files.iter().enumerate().step_by(step) {
            let mut without = files.clone();
            without.remove(at);
            let mut whole = Evaluator::new(Arc::clone(&sources));
            whole.apply(without, &repository);
            kept.apply(vec![Change { path: Arc::clone(&file.path), after: None }], &repository);
            same(&kept, &whole).with_context(|| format!("{bundle} without {}", file.path))?;
            kept.apply(vec![file.clone()], &repository);
            same(&kept, &all).with_context(|| format!("{bundle} with {} again", file.path))?;
        }
    }
    Ok(())
}

fn follow(bundle: &Path, sources: &Arc<ChartSources>) -> Result<()> {
    let repository = Repository::open(bundle)?;
    let mut commits = repository.commits()?;
    let mut evaluator = Evaluator::new(Arc::clone(sources));
    let mut rows = Rows::default();
    if let Some(skipped) = commits.len().checked_sub(FOLLOWED) {
        commits.drain(..skipped);
        rows.apply(evaluator.apply(repository.files(&commits.remove(0))?, &repository))?;
    }
    let step = commits.len().div_ceil(COMPARED);
    let (mut evaluated, mut applying, mut compared) = (0, Duration::ZERO, 0);
    for (number, commit) in commits.iter().enumerate() {
        let changes = repository.changes(commit)?;
        let start = Instant::now();
        let delta = evaluator.apply(changes, &repository);
        applying += start.elapsed();
        evaluated += delta.evaluated;
        rows.apply(delta).with_context(|| commit.clone())?;
        if number % step != 0 && number + 1 < commits.len() {
            continue;
        }
        compared += 1;
        let mut whole = Evaluator::new(Arc::clone(sources));
        whole.apply(repository.files(commit)?, &repository);
        same(&evaluator, &whole).with_context(|| commit.clone())?;
        ensure!(rows.references.len() == Uses::of(&whole).references.len(), "{commit}: other references came and went");
    }
    let name = bundle.file_stem().unwrap_or_default().display();
    eprintln!("{name}: {} commits, {compared} compared, {evaluated} documents evaluated, {applying:?}", commits.len());
    Ok(())
}

/// What came and did not go again.
#[derive(Default)]
struct Rows {
    references: HashMap<Reference, usize>,
    uses: Vec<Arc<ChartUse>>,
}

impl Rows {
    fn apply(&mut self, delta: Delta) -> Result<()> {
        for one in delta.went.references {
            ensure!(self.references.remove(&one).is_some(), "{one:?} went and was not there");
        }
        for one in delta.came.references {
            ensure!(self.references.insert(one.clone(), 1).is_none(), "{one:?} came twice");
        }
        for one in delta.went.uses {
            let at = self.uses.iter().position(|other| *other == one);
            self.uses.swap_remove(at.with_context(|| format!("{} went and was not there", one.file))?);
        }
        self.uses.extend(delta.came.uses);
        Ok(())
    }
}

fn same(kept: &Evaluator, whole: &Evaluator) -> Result<()> {
    let (kept, whole) = (Uses::of(kept), Uses::of(whole));
    for (left, right) in kept.charts.iter().zip(&whole.charts) {
        ensure!(left == right, "a use differs: {left:?}\n{right:?}");
    }
    ensure!(kept.charts.len() == whole.charts.len(), "{} uses, {} in all", kept.charts.len(), whole.charts.len());
    for (left, right) in kept.references.iter().zip(&whole.references) {
        ensure!(left == right, "a reference differs: {left:?}\n{right:?}");
    }
    ensure!(kept.references.len() == whole.references.len(), "{} references", kept.references.len());
    ensure!(kept.partials == whole.partials, "partial releases differ");
    ensure!(kept.cycles == whole.cycles, "cycles differ");
    ensure!(kept.images() == whole.images(), "images differ");
    ensure!(Figures::of(&kept) == Figures::of(&whole), "figures differ");
    Ok(())
}
