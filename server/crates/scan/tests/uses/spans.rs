//! Spans say of every commit what its tree uses, wherever the history is cut.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use entity::input::{
    FoundChartUse, FoundChartValue, FoundImageUse, FoundReference, KnownChartUse, KnownImageUse, KnownValue, LinePoint,
    ObjectId, UsesBatch, ValueSpanKey,
};
use entity::kind::{ChartResolution, ImagePlaceKind};
use scan::uses::{ChartSources, Evaluator, KnownSpans, Reference, TrackedCommit, Tracker, Uses};
use sha2::{Digest as _, Sha256};

use crate::repository::{Repository, corpus};

/// Commits of one repository that are followed, the newest.
const FOLLOWED: usize = 1_500;
/// Commits of one repository after which the spans are compared with the tree.
const COMPARED: usize = 12;
/// Where histories are cut, in commits.
const PIECE: usize = 97;

/// What a database would hold.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rows {
    paths: BTreeMap<i64, String>,
    images: BTreeMap<i64, String>,
    charts: BTreeMap<i64, (String, String)>,
    releases: BTreeMap<i64, i64>,
    uses: BTreeMap<i64, FoundChartUse>,
    values: BTreeMap<ValueSpanKey, FoundChartValue>,
    image_uses: BTreeMap<i64, FoundImageUse>,
    references: BTreeMap<i64, FoundReference>,
    commits: Vec<(ObjectId, LinePoint)>,
}

impl Rows {
    fn store(&mut self, batch: UsesBatch) {
        self.paths.extend(batch.paths);
        self.images.extend(batch.images);
        self.charts.extend(batch.sources.into_iter().map(|source| (source.id, (source.key, source.chart_key))));
        self.releases.extend(batch.releases.into_iter().map(|release| (release.id, release.first_sequence)));
        for one in batch.uses {
            assert!(self.uses.insert(one.id, one).is_none(), "a use began twice");
        }
        for one in batch.values {
            assert!(self.values.insert(one.key, one).is_none(), "a value began twice");
        }
        for one in batch.image_uses {
            assert!(self.image_uses.insert(one.id, one).is_none(), "an image began twice");
        }
        for one in batch.references {
            assert!(self.references.insert(one.id, one).is_none(), "a reference began twice");
        }
        for (id, at) in batch.ended_references {
            let one = self.references.get_mut(&id).expect("a reference that ends was there");
            assert_eq!(one.span.to.replace(at), None);
        }
        for (id, at) in batch.ended_uses {
            let one = self.uses.get_mut(&id).expect("a use that ends was there");
            assert_eq!(one.span.to.replace(at), None);
        }
        for (key, at) in batch.ended_values {
            let one = self.values.get_mut(&key).expect("a value that ends was there");
            assert_eq!(one.span.to.replace(at), None);
        }
        for (id, at) in batch.ended_images {
            let one = self.image_uses.get_mut(&id).expect("an image that ends was there");
            assert_eq!(one.span.to.replace(at), None);
        }
        self.commits.extend(batch.commits.into_iter().map(|commit| (commit.id, commit.at)));
    }

    fn tracker(&self, evaluator: &mut Evaluator, files: Vec<scan::uses::Change>, blobs: &Repository) -> Tracker {
        let tree = evaluator.apply(files, blobs);
        let is_open = |span: &entity::input::Span| span.to.is_none();
        let uses = self.uses.values().filter(|one| is_open(&one.span)).map(|one| KnownChartUse {
            id: one.id,
            release_id: one.release_id,
            facts: one.facts.clone(),
        });
        let images = self.image_uses.values().filter(|one| is_open(&one.span)).map(|one| KnownImageUse {
            id: one.id,
            ordinal: one.ordinal,
            facts: one.facts.clone(),
        });
        let time = self.commits.iter().map(|(_, at)| at.time).max();
        let references = self.references.values().filter(|one| is_open(&one.span)).map(|one| (one.key, one.id));
        Tracker::known(b"repository", time, tree, uses.collect(), images.collect(), references.collect())
    }

    /// Compares what is open at a place on the line with what its tree uses.
    fn same(&self, sequence: i64, uses: &Uses<'_>) -> Result<()> {
        let is_open = |span: &entity::input::Span| {
            span.from.sequence <= sequence && span.to.is_none_or(|to| to.sequence > sequence)
        };
        let mut stored = Vec::new();
        for one in self.uses.values().filter(|one| is_open(&one.span)) {
            let of_it = self.values.values().filter(|value| value.key.release_id == one.release_id);
            let mut leaves: Vec<_> = of_it
                .filter(|value| is_open(&value.span))
                .map(|value| (self.paths[&value.key.path_id].as_str(), value.facts.text.as_str(), value))
                .collect();
            leaves.sort_by_key(|(path, text, _)| (*path, *text));
            let masked = leaves.iter().any(|(_, _, value)| value.facts.masked);
            let group = one.facts.source_id.map(|id| self.charts[&id].1.clone());
            let facts = &one.facts;
            let names = (facts.name.clone(), facts.release_name.clone(), facts.namespace.clone());
            let source = (group, facts.version.clone(), facts.how.as_str().to_owned());
            // What is masked cannot be told from what is stored.
            let digest = (!masked).then(|| digest(leaves.iter().map(|(path, text, _)| (*path, *text))));
            stored.push((facts.document.clone(), names, source, leaves.len(), digest));
        }
        let mut right: Vec<_> = uses
            .charts
            .iter()
            .map(|one| {
                let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
                let names = (text(&one.name), text(&one.release), text(&one.namespace));
                // A chart in a folder of the repository is nobody else's, and has no id.
                let group = text(&one.group).filter(|_| one.how != ChartResolution::Local);
                let source = (group, text(&one.version), one.how.as_str().to_owned());
                let masked = one.values.leaves.iter().any(|leaf| leaf.masked || leaf.hidden.is_some());
                let digest = (!masked).then(|| one.values.digest.to_string());
                (one.document.to_string(), names, source, one.values.leaves.len(), digest)
            })
            .collect();
        stored.sort();
        right.sort();
        ensure!(stored == right, "uses differ: {stored:#?}\nand not {right:#?}");
        let edge = |one: &FoundReference| {
            let to = format!("{}/{}/{}", one.kind, one.namespace.as_deref().unwrap_or("-"), one.name);
            (one.file_path.clone(), one.field.clone(), to, one.status)
        };
        let stored: BTreeSet<_> = self.references.values().filter(|one| is_open(&one.span)).map(edge).collect();
        let place = |one: &Reference| one.index.map_or_else(|| one.file.to_string(), |index| index.place(&one.file));
        let edge = |one: &Reference| (place(one), one.field.to_owned(), one.to.to_string(), one.status);
        let right: BTreeSet<_> = uses.references.iter().copied().map(edge).collect();
        ensure!(stored == right, "references differ: {stored:#?}\nand not {right:#?}");
        let images = self.image_uses.values().filter(|one| is_open(&one.span));
        let mut stored: Vec<_> = images
            .map(|one| {
                let name = one.facts.image_id.map(|id| self.images[&id].as_str());
                (one.facts.place, one.facts.path.as_str(), name, one.facts.tag.as_deref())
            })
            .collect();
        let image = |(place, found): (ImagePlaceKind, &'_ scan::uses::ImagePlace)| {
            let (name, tag) = match &found.image {
                scan::uses::FoundImage::Image(name) => (Some(name.repository.clone()), name.tag.clone()),
                _ => (None, None),
            };
            (place, found.path.clone(), name, tag)
        };
        let mut right: Vec<_> = uses.image_places().map(image).collect();
        stored.sort_unstable();
        right.sort_unstable();
        let right: Vec<_> = right
            .iter()
            .map(|(place, path, name, tag)| (*place, path.as_ref(), name.as_deref(), tag.as_deref()))
            .collect();
        ensure!(stored == right, "images differ: {stored:#?}\nand not {right:#?}");
        Ok(())
    }
}

fn digest<'l>(leaves: impl Iterator<Item = (&'l str, &'l str)>) -> String {
    let mut hash = Sha256::new();
    for (path, text) in leaves {
        hash.update(path.as_bytes());
        hash.update([0]);
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A database that is asked by release.
struct Asked<'r>(&'r Rows);

impl KnownSpans for Asked<'_> {
    type Error = Infallible;

    fn values(&mut self, release_id: i64) -> Result<Vec<KnownValue>, Infallible> {
        let open = self.0.values.values().filter(|one| one.key.release_id == release_id && one.span.to.is_none());
        Ok(open.map(|one| KnownValue { key: one.key, facts: one.facts.clone() }).collect())
    }
}

#[test]
fn spans_are_what_each_tree_uses_wherever_a_history_is_cut() -> Result<()> {
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
    for bundle in &bundles {
        follow(bundle).with_context(|| bundle.display().to_string())?;
    }
    Ok(())
}

fn follow(bundle: &Path) -> Result<()> {
    let sources = Arc::new(ChartSources::built_in());
    let repository = Repository::open(bundle)?;
    let mut commits = repository.commits()?;
    let skipped = commits.len().saturating_sub(FOLLOWED);
    let commits = commits.split_off(skipped);
    let changes = |at: usize| match at {
        0 => repository.files(&commits[0]),
        at => repository.changes(&commits[at]),
    };
    // Times that go back now and then, as those of real commits do.
    let point = |at: usize| -> Result<TrackedCommit> {
        let (sequence, time) = (i64::try_from(at)?, i64::try_from(at ^ 3)?);
        Ok(TrackedCommit { id: commits[at].parse()?, sequence, time })
    };
    let mut whole = Rows::default();
    let mut evaluator = Evaluator::new(Arc::clone(&sources));
    let mut tracker = Tracker::new(b"repository");
    let step = commits.len().div_ceil(COMPARED);
    let mut compare = Vec::new();
    for at in 0..commits.len() {
        let delta = evaluator.apply(changes(at)?, &repository);
        let Ok(()) = tracker.follow(point(at)?, delta, &evaluator, &mut Asked(&Rows::default()));
        if at % step == 0 || at + 1 == commits.len() {
            compare.push(at);
        }
        if at % 10 == 0 || at + 1 == commits.len() {
            whole.store(tracker.take_batch());
        }
    }
    for at in compare {
        let mut tree = Evaluator::new(Arc::clone(&sources));
        tree.apply(repository.files(&commits[at])?, &repository);
        whole.same(i64::try_from(at)?, &Uses::of(&tree)).with_context(|| commits[at].clone())?;
    }
    let mut pieces = Rows::default();
    let mut at = 0;
    while at < commits.len() {
        let mut evaluator = Evaluator::new(Arc::clone(&sources));
        let mut tracker = match at {
            0 => Tracker::new(b"repository"),
            at => pieces.tracker(&mut evaluator, repository.files(&commits[at - 1])?, &repository),
        };
        let end = commits.len().min(at + PIECE);
        for at in at..end {
            let delta = evaluator.apply(changes(at)?, &repository);
            let Ok(()) = tracker.follow(point(at)?, delta, &evaluator, &mut Asked(&pieces));
        }
        pieces.store(tracker.take_batch());
        at = end;
    }
    let name = bundle.file_stem().unwrap_or_default().display();
    eprintln!(
        "{name}: {} commits, {} releases, {} spans of uses, {} of values, {} of images, {} paths",
        commits.len(),
        whole.releases.len(),
        whole.uses.len(),
        whole.values.len(),
        whole.image_uses.len(),
        whole.paths.len()
    );
    ensure!(whole.uses == pieces.uses, "other uses");
    ensure!(whole.values == pieces.values, "other values");
    ensure!(whole == pieces, "other rows where the history is cut");
    Ok(())
}
