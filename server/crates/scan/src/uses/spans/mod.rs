//! What a repository uses as spans of history. [`Tracker`] follows an [`Evaluator`] from commit to commit and says what begins
//! and what ends; it goes on from what is stored, and gives the same spans wherever a history is cut.

mod changes;
mod facts;
mod names;
mod references;
mod releases;
mod slots;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use entity::input::{
    FoundImageUse, ImageUseFacts, KnownChartUse, KnownImageUse, KnownValue, LinePoint, ObjectId, Span, UseCommit,
    UsesBatch, ValueSpanKey,
};

use super::chart_use::ChartUse;
use super::evaluator::{Delta, Evaluator};
use names::{Names, stable_id};
use releases::{Open, UseKey};
use slots::{Slots, compare};

pub use names::chart_id;

/// What is stored of a repository at the commit that a tracker goes on from.
pub trait KnownSpans {
    /// Why it cannot be had.
    type Error;

    /// The open values of a release.
    ///
    /// # Errors
    /// What the store says.
    fn values(&mut self, release_id: i64) -> Result<Vec<KnownValue>, Self::Error>;
}

/// Nothing is stored.
#[derive(Clone, Copy, Debug)]
pub struct NothingKnown;

impl KnownSpans for NothingKnown {
    type Error = std::convert::Infallible;

    fn values(&mut self, _: i64) -> Result<Vec<KnownValue>, Self::Error> {
        Ok(Vec::new())
    }
}

/// Follows what a repository uses.
pub struct Tracker {
    /// What ids begin with, so that those of two repositories differ.
    repository: Box<[u8]>,
    /// Time of the newest point: times never go back.
    time: i64,
    /// Uses of the tree as documents say them, those of several documents several times.
    said: HashMap<UseKey, Vec<Arc<ChartUse>>>,
    /// In the order of their ids.
    open: BTreeMap<UseKey, Vec<Open>>,
    /// Images of documents themselves, by file, then by document and path.
    images: HashMap<Arc<str>, FileImages>,
    names: Names,
    batch: UsesBatch,
    /// Where in the batch spans are that began in it, by their ids.
    began_uses: HashMap<i64, usize>,
    began_values: HashMap<ValueSpanKey, usize>,
    began_images: HashMap<i64, usize>,
    began_references: HashMap<i64, usize>,
    /// Ids of open spans, by the key of the edge.
    open_references: HashMap<i64, i64>,
    /// Whether the commit that is followed began or ended anything.
    changed: bool,
}

/// Images of a file, by document and path.
type FileImages = BTreeMap<(String, String), Slots<OpenImage>>;

/// An open span of an image.
#[derive(Clone, Debug)]
struct OpenImage {
    id: i64,
    facts: ImageUseFacts,
}

/// A commit as spans see it.
#[derive(Clone, Copy, Debug)]
pub struct TrackedCommit {
    pub id: ObjectId,
    pub sequence: i64,
    /// Seconds since 1970.
    pub time: i64,
}

impl Tracker {
    /// Nothing is used yet.
    #[must_use]
    pub fn new(repository: &[u8]) -> Self {
        Self {
            repository: repository.into(),
            time: i64::MIN,
            said: HashMap::new(),
            open: BTreeMap::new(),
            images: HashMap::new(),
            names: Names::default(),
            batch: UsesBatch::default(),
            began_uses: HashMap::new(),
            began_values: HashMap::new(),
            began_images: HashMap::new(),
            began_references: HashMap::new(),
            open_references: HashMap::new(),
            changed: false,
        }
    }

    /// Goes on from what is stored: `tree` is what the evaluator says of the tree of the last scanned commit, `time` the time of
    /// the last point that is stored; of references the keys of their edges, and their ids.
    #[must_use]
    pub fn known(
        repository: &[u8],
        time: Option<i64>,
        tree: Delta,
        uses: Vec<KnownChartUse>,
        images: Vec<KnownImageUse>,
        references: Vec<(i64, i64)>,
    ) -> Self {
        let mut tracker = Self { time: time.unwrap_or(i64::MIN), ..Self::new(repository) };
        tracker.open_references.extend(references);
        for one in tree.came.uses {
            tracker.said.entry(UseKey::of(&one)).or_default().push(one);
        }
        let mut by_release: HashMap<i64, Vec<KnownImageUse>> = HashMap::new();
        for image in images {
            match image.facts.release_id {
                Some(release) => by_release.entry(release).or_default().push(image),
                None => {
                    let file: Arc<str> = entity::view::file_of(&image.facts.file_path).into();
                    let places = tracker.images.entry(file).or_default();
                    let place = (image.facts.document.clone(), image.facts.path.clone());
                    let open = OpenImage { id: image.id, facts: image.facts };
                    places.entry(place).or_default().insert(image.ordinal, open);
                }
            }
        }
        for one in uses {
            let key = UseKey::stored(&one.facts);
            let images = by_release.remove(&one.release_id).unwrap_or_default();
            tracker.open.entry(key).or_default().push(Open::stored(one, images));
        }
        tracker.open.values_mut().for_each(|open| open.sort_unstable_by_key(Open::release_id));
        tracker
    }

    /// Notes what a commit did.
    ///
    /// # Errors
    /// What `known` says; the tracker is of no use afterwards.
    pub fn follow<K: KnownSpans>(
        &mut self,
        commit: TrackedCommit,
        delta: Delta,
        evaluator: &Evaluator,
        known: &mut K,
    ) -> Result<(), K::Error> {
        let at = LinePoint { sequence: commit.sequence, time: commit.time.max(self.time) };
        self.changed = false;
        let mut keys = BTreeSet::new();
        for one in delta.went.uses {
            let key = UseKey::of(&one);
            if let Some(said) = self.said.get_mut(&key) {
                if let Some(place) = said.iter().position(|other| *other == one) {
                    said.swap_remove(place);
                }
                if said.is_empty() {
                    self.said.remove(&key);
                }
            }
            keys.insert(key);
        }
        for one in delta.came.uses {
            let key = UseKey::of(&one);
            self.said.entry(key.clone()).or_default().push(one);
            keys.insert(key);
        }
        self.follow_uses(at, &keys, evaluator, known)?;
        self.follow_references(at, &delta.went.references, delta.came.references);
        for file in &delta.touched {
            self.follow_images(at, file, evaluator);
        }
        if self.changed {
            self.time = at.time;
            self.batch.commits.push(UseCommit { id: commit.id, at });
        }
        Ok(())
    }

    /// What began and ended since the last batch.
    pub fn take_batch(&mut self) -> UsesBatch {
        self.began_uses.clear();
        self.began_values.clear();
        self.began_images.clear();
        self.began_references.clear();
        std::mem::take(&mut self.batch)
    }

    /// Tells names anew from here on, as if this were another scan.
    pub fn forget_names(&mut self) {
        self.names = Names::default();
    }

    /// How much waits in the batch.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.batch.uses.len() + self.batch.values.len() + self.batch.image_uses.len() + self.batch.references.len()
    }

    fn follow_images(&mut self, at: LinePoint, file: &Arc<str>, evaluator: &Evaluator) {
        let tree = evaluator.tree();
        let found = tree.facts(file).map(|facts| evaluator.images_of(file, facts)).unwrap_or_default();
        if found.is_empty() && !self.images.contains_key(file) {
            return;
        }
        let found = facts::of_file(evaluator, file, found, &mut self.names, &mut self.batch);
        let mut places: BTreeMap<(String, String), Vec<ImageUseFacts>> = BTreeMap::new();
        for facts in found {
            places.entry((facts.document.clone(), facts.path.clone())).or_default().push(facts);
        }
        let mut open = self.images.remove(file).unwrap_or_default();
        for place in open.keys() {
            places.entry(place.clone()).or_default();
        }
        for (place, now) in places {
            let slots = open.entry(place.clone()).or_default();
            let owner = [file.as_bytes(), place.0.as_bytes()];
            self.replace_images(at, &owner, &place.1, slots, now);
            if slots.is_empty() {
                open.remove(&place);
            }
        }
        if !open.is_empty() {
            self.images.insert(Arc::clone(file), open);
        }
    }

    /// Puts what stands at one path in the place of what stood there.
    fn replace_images(
        &mut self,
        at: LinePoint,
        owner: &[&[u8]],
        path: &str,
        slots: &mut Slots<OpenImage>,
        mut now: Vec<ImageUseFacts>,
    ) {
        now.sort_unstable();
        let difference = compare(slots, |open| &open.facts, now);
        for ordinal in difference.ended {
            if let Some(open) = slots.remove(&ordinal) {
                self.end_image(at, open.id);
            }
        }
        for (ordinal, facts) in difference.began {
            let (number, sequence) = (ordinal.to_le_bytes(), at.sequence.to_le_bytes());
            let mut parts: Vec<&[u8]> = vec![&self.repository];
            parts.extend(owner);
            parts.extend([path.as_bytes(), &number, &sequence]);
            let id = stable_id("image use", &parts);
            self.changed = true;
            self.began_images.insert(id, self.batch.image_uses.len());
            let span = Span { from: at, to: None };
            self.batch.image_uses.push(FoundImageUse { id, ordinal, facts: facts.clone(), span });
            slots.insert(ordinal, OpenImage { id, facts });
        }
    }

    fn end_image(&mut self, at: LinePoint, id: i64) {
        self.changed = true;
        match self.began_images.get(&id) {
            Some(place) => self.batch.image_uses[*place].span.to = Some(at),
            None => self.batch.ended_images.push((id, at)),
        }
    }
}
