//! Releases: which use of one commit is which use of the one before, and what became of its values.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use entity::input::{
    ChartUseFacts, FoundChartUse, FoundChartValue, FoundRelease, ImageUseFacts, KnownChartUse, KnownImageUse,
    KnownValue, LinePoint, Span, ValueFacts, ValueSpanKey,
};
use entity::kind::ChartUseKind;
use entity::value::clean;
use entity::view::file_of;

use super::super::chart_use::{ChartUse, once};
use super::super::evaluator::Evaluator;
use super::super::values::{Leaf, Values};
use super::changes::{by_path, changes, is_same};
use super::facts::{of_leaf, of_use, of_value_image};
use super::names::{path_id, stable_id};
use super::slots::{Slots, compare};
use super::{KnownSpans, OpenImage, Tracker};

/// Which use it is: what nobody changes in passing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct UseKey {
    file: Box<str>,
    document: Box<str>,
    part: Option<i32>,
    kind: ChartUseKind,
    name: Option<Box<str>>,
    release: Option<Box<str>>,
    namespace: Option<Box<str>>,
}

/// What a use is still known by where its file is moved.
type Moved<'k> = (ChartUseKind, &'k Option<Box<str>>, &'k Option<Box<str>>, &'k Option<Box<str>>);

impl UseKey {
    pub fn of(one: &ChartUse) -> Self {
        Self {
            file: one.file.as_ref().into(),
            document: one.document.as_ref().into(),
            part: one.part.map(|part| i32::try_from(part).unwrap_or(i32::MAX)),
            kind: one.kind,
            name: one.name.clone(),
            release: one.release.clone(),
            namespace: one.namespace.clone(),
        }
    }

    pub fn stored(facts: &ChartUseFacts) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(Into::into);
        Self {
            file: file_of(&facts.file_path).into(),
            document: facts.document.as_str().into(),
            part: facts.part,
            kind: facts.kind,
            name: text(&facts.name),
            release: text(&facts.release_name),
            namespace: text(&facts.namespace),
        }
    }

    fn moved(&self) -> Moved<'_> {
        (self.kind, &self.name, &self.release, &self.namespace)
    }

    /// Of the release that begins with it, `number` among those that begin with one commit.
    fn id(&self, repository: &[u8], number: usize, sequence: i64) -> i64 {
        let text = |text: &Option<Box<str>>| text.as_deref().map_or_else(|| "-".to_owned(), |text| format!("+{text}"));
        let part = self.part.map_or_else(String::new, |part| part.to_string());
        let (name, release, namespace) = (text(&self.name), text(&self.release), text(&self.namespace));
        stable_id(
            "release",
            &[
                repository,
                self.file.as_bytes(),
                self.document.as_bytes(),
                part.as_bytes(),
                self.kind.as_str().as_bytes(),
                name.as_bytes(),
                release.as_bytes(),
                namespace.as_bytes(),
                &(number as u64).to_le_bytes(),
                &sequence.to_le_bytes(),
            ],
        )
    }
}

/// A release that is in the tree.
#[derive(Debug)]
pub(super) struct Open {
    id: i64,
    release_id: i64,
    facts: ChartUseFacts,
    /// By path; not read yet where it is `None`.
    values: Option<HashMap<i64, Slots<OpenValue>>>,
    images: BTreeMap<String, Slots<OpenImage>>,
    /// What the values were, where this scan has seen them.
    last: Option<Arc<Values>>,
}

#[derive(Debug)]
struct OpenValue {
    from_sequence: i64,
    facts: ValueFacts,
}

impl Open {
    pub fn stored(one: KnownChartUse, stored: Vec<KnownImageUse>) -> Self {
        let mut images: BTreeMap<String, Slots<OpenImage>> = BTreeMap::new();
        for image in stored {
            let open = OpenImage { id: image.id, facts: image.facts };
            images.entry(open.facts.path.clone()).or_default().insert(image.ordinal, open);
        }
        Self { id: one.id, release_id: one.release_id, facts: one.facts, values: None, images, last: None }
    }

    pub fn release_id(&self) -> i64 {
        self.release_id
    }

    /// Reads the values that are stored, where that was not done.
    fn read<K: KnownSpans>(&mut self, known: &mut K) -> Result<&mut HashMap<i64, Slots<OpenValue>>, K::Error> {
        if self.values.is_none() {
            let mut values: HashMap<i64, Slots<OpenValue>> = HashMap::new();
            for KnownValue { key, facts } in known.values(self.release_id)? {
                let value = OpenValue { from_sequence: key.from_sequence, facts };
                values.entry(key.path_id).or_default().insert(key.ordinal, value);
            }
            self.values = Some(values);
        }
        Ok(self.values.get_or_insert_default())
    }
}

/// A use as the tree has it now.
struct Now {
    facts: ChartUseFacts,
    values: Arc<Values>,
}

impl Tracker {
    pub(super) fn follow_uses<K: KnownSpans>(
        &mut self,
        at: LinePoint,
        keys: &BTreeSet<UseKey>,
        evaluator: &Evaluator,
        known: &mut K,
    ) -> Result<(), K::Error> {
        let mut leaving: Vec<(UseKey, Open)> = Vec::new();
        let mut coming: Vec<(UseKey, Now)> = Vec::new();
        for key in keys {
            let mut now = self.now(key, evaluator);
            let mut staying: Vec<Open> = Vec::new();
            let mut others: Vec<Open> = Vec::new();
            // Those about which nothing but values changed first, then the others in their order.
            for mut open in self.open.remove(key).unwrap_or_default() {
                match place_of_equal(&mut open, &now, known)? {
                    Some(place) => {
                        self.go_on(at, &mut open, now.remove(place), known)?;
                        staying.push(open);
                    }
                    None => others.push(open),
                }
            }
            let left = others.split_off(others.len().min(now.len()));
            for mut open in others {
                self.go_on(at, &mut open, now.remove(0), known)?;
                staying.push(open);
            }
            leaving.extend(left.into_iter().map(|open| (key.clone(), open)));
            coming.extend(now.into_iter().map(|now| (key.clone(), now)));
            self.keep(key, staying);
        }
        let mut begun: BTreeMap<UseKey, usize> = BTreeMap::new();
        for (key, now) in coming {
            let same = |(from, open): &(UseKey, Open)| {
                from.moved() == key.moved() && open.facts.chart_name == now.facts.chart_name
            };
            let open = match leaving.iter().position(same) {
                Some(place) => {
                    let (_, mut open) = leaving.remove(place);
                    self.go_on(at, &mut open, now, known)?;
                    open
                }
                None => {
                    let number = begun.entry(key.clone()).or_default();
                    *number += 1;
                    let release_id = key.id(&self.repository, *number, at.sequence);
                    self.begin(at, release_id, now, known)?
                }
            };
            self.keep(&key, vec![open]);
        }
        for (_, mut open) in leaving {
            self.end(at, &mut open, known)?;
        }
        Ok(())
    }

    fn keep(&mut self, key: &UseKey, open: Vec<Open>) {
        if !open.is_empty() {
            let kept = self.open.entry(key.clone()).or_default();
            kept.extend(open);
            kept.sort_unstable_by_key(Open::release_id);
        }
    }

    /// What the tree has of a use, each different one once, in order.
    fn now(&mut self, key: &UseKey, evaluator: &Evaluator) -> Vec<Now> {
        let said = once(self.said.get(key).cloned().unwrap_or_default());
        let now = |one: Arc<ChartUse>| Now {
            facts: of_use(&one, evaluator.tree(), &mut self.names, &mut self.batch),
            values: Arc::clone(&one.values),
        };
        said.into_iter().map(now).collect()
    }

    fn begin<K: KnownSpans>(
        &mut self,
        at: LinePoint,
        release_id: i64,
        now: Now,
        known: &mut K,
    ) -> Result<Open, K::Error> {
        self.batch.releases.push(FoundRelease { id: release_id, first_sequence: at.sequence });
        let id = self.begin_use(at, release_id, &now.facts);
        let (values, images) = (Some(HashMap::new()), BTreeMap::new());
        let mut open = Open { id, release_id, facts: now.facts, values, images, last: None };
        self.replace_values(at, &mut open, &now.values, known)?;
        Ok(open)
    }

    fn begin_use(&mut self, at: LinePoint, release_id: i64, facts: &ChartUseFacts) -> i64 {
        let id = stable_id("use", &[&release_id.to_le_bytes(), &at.sequence.to_le_bytes()]);
        self.changed = true;
        self.began_uses.insert(id, self.batch.uses.len());
        let span = Span { from: at, to: None };
        self.batch.uses.push(FoundChartUse { id, release_id, facts: facts.clone(), span });
        id
    }

    fn go_on<K: KnownSpans>(
        &mut self,
        at: LinePoint,
        open: &mut Open,
        now: Now,
        known: &mut K,
    ) -> Result<(), K::Error> {
        if open.facts != now.facts {
            if open.facts.chart_id != now.facts.chart_id {
                // What is set of one chart is not what is set of another.
                self.end_values(at, open, known)?;
            }
            self.end_use(at, open.id);
            open.id = self.begin_use(at, open.release_id, &now.facts);
            open.facts = now.facts;
        }
        self.replace_values(at, open, &now.values, known)
    }

    fn end<K: KnownSpans>(&mut self, at: LinePoint, open: &mut Open, known: &mut K) -> Result<(), K::Error> {
        self.end_values(at, open, known)?;
        self.end_use(at, open.id);
        Ok(())
    }

    fn end_use(&mut self, at: LinePoint, id: i64) {
        self.changed = true;
        match self.began_uses.get(&id) {
            Some(place) => self.batch.uses[*place].span.to = Some(at),
            None => self.batch.ended_uses.push((id, at)),
        }
    }

    fn end_values<K: KnownSpans>(&mut self, at: LinePoint, open: &mut Open, known: &mut K) -> Result<(), K::Error> {
        self.replace_values(at, open, &Arc::default(), known)
    }

    /// Puts values and their images in the place of those that were.
    fn replace_values<K: KnownSpans>(
        &mut self,
        at: LinePoint,
        open: &mut Open,
        values: &Arc<Values>,
        known: &mut K,
    ) -> Result<(), K::Error> {
        if open.last.as_ref().is_some_and(|last| is_same(last, values)) {
            return Ok(());
        }
        let last = open.last.replace(Arc::clone(values));
        let (release_id, chart_id) = (open.release_id, open.facts.chart_id);
        let slots = open.read(known)?;
        // What is stored may be anything; what this scan has put there is what the values of before say.
        let (changed, mut gone): (Vec<&[Leaf]>, BTreeSet<i64>) = match &last {
            Some(last) => {
                let (changed, gone) = changes(last, values);
                (changed, gone.into_iter().map(path_id).collect())
            }
            None => (by_path(values).collect(), slots.keys().copied().collect()),
        };
        for leaves in changed {
            let path_id = self.names.path(&leaves[0].path, &mut self.batch);
            gone.remove(&path_id);
            let slots = slots.entry(path_id).or_default();
            let now: Vec<ValueFacts> = leaves.iter().map(of_leaf).collect();
            let difference = compare(slots, |open| &open.facts, now);
            for ordinal in difference.ended {
                self.end_value(at, slots, release_id, path_id, ordinal);
            }
            for (ordinal, facts) in difference.began {
                self.changed = true;
                let leaf = leaves.iter().find(|leaf| of_leaf(leaf) == facts);
                let key = ValueSpanKey { release_id, path_id, ordinal, from_sequence: at.sequence };
                self.began_values.insert(key, self.batch.values.len());
                self.batch.values.push(FoundChartValue {
                    key,
                    chart_id,
                    facts: facts.clone(),
                    file_path: leaf.and_then(|leaf| leaf.file.as_deref()).map(clean),
                    line: leaf.map_or(0, |leaf| i32::try_from(leaf.line).unwrap_or(i32::MAX)),
                    span: Span { from: at, to: None },
                });
                slots.insert(ordinal, OpenValue { from_sequence: at.sequence, facts });
            }
        }
        for path_id in gone {
            let Some(mut of_path) = slots.remove(&path_id) else { continue };
            let ordinals: Vec<i32> = of_path.keys().copied().collect();
            for ordinal in ordinals {
                self.end_value(at, &mut of_path, release_id, path_id, ordinal);
            }
        }
        // The chart is the same too: where it changed, all values ended before these began.
        if last.is_some_and(|last| last.images == values.images) {
            return Ok(());
        }
        let mut images: BTreeMap<String, Vec<ImageUseFacts>> = BTreeMap::new();
        for image in &values.images {
            let facts = of_value_image(image, release_id, &open.facts, &mut self.names, &mut self.batch);
            images.entry(facts.path.clone()).or_default().push(facts);
        }
        for path in open.images.keys() {
            images.entry(path.clone()).or_default();
        }
        for (path, now) in images {
            let mut slots = open.images.remove(&path).unwrap_or_default();
            self.replace_images(at, &[&release_id.to_le_bytes()], &path, &mut slots, now);
            if !slots.is_empty() {
                open.images.insert(path, slots);
            }
        }
        Ok(())
    }

    fn end_value(&mut self, at: LinePoint, slots: &mut Slots<OpenValue>, release_id: i64, path_id: i64, ordinal: i32) {
        let Some(OpenValue { from_sequence, .. }) = slots.remove(&ordinal) else { return };
        self.changed = true;
        let key = ValueSpanKey { release_id, path_id, ordinal, from_sequence };
        match self.began_values.get(&key) {
            Some(place) => self.batch.values[*place].span.to = Some(at),
            None => self.batch.ended_values.push((key, at)),
        }
    }
}

/// Where among `now` the use is that is stored: of several whose facts are the same, the one with its values.
fn place_of_equal<K: KnownSpans>(open: &mut Open, now: &[Now], known: &mut K) -> Result<Option<usize>, K::Error> {
    let equal: Vec<usize> = (0..now.len()).filter(|place| now[*place].facts == open.facts).collect();
    let [first, _, ..] = equal.as_slice() else { return Ok(equal.first().copied()) };
    let first = *first;
    let stored: BTreeSet<(i64, ValueFacts)> = open
        .read(known)?
        .iter()
        .flat_map(|(path, slots)| slots.values().map(|value| (*path, value.facts.clone())))
        .collect();
    let same = |place: &usize| {
        let leaves = now[*place].values.leaves.iter();
        leaves.map(|leaf| (path_id(&leaf.path), of_leaf(leaf))).collect::<BTreeSet<_>>() == stored
    };
    Ok(Some(equal.iter().copied().find(same).unwrap_or(first)))
}
