//! A history of plain texts, and a store that does with batches what the database does.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chrono::{TimeDelta, TimeZone, Utc};
use entity::input::{
    Batch, FileProblems, FoundEvent, FoundResource, KnownResource, ObjectId, ResourceKey, ScannedCommit, TextPlace,
};
use entity::kind::ResourceStatus;
use scan::file::{ParsedFile, read_file};
use scan::replay::{CommitInfo, FileChange, Memory, NoMemory, Options, Replay, Start};
use uuid::Uuid;
use yaml::Limits;

use super::memory::StoreMemory;

/// Texts by path.
pub type Tree = BTreeMap<String, String>;

/// Commits as the trees that they leave.
#[derive(Clone, Default)]
pub struct History {
    pub trees: Vec<Tree>,
}

impl History {
    /// The next commit: files that are written, and with `None` removed.
    pub fn commit(&mut self, files: &[(&str, Option<&str>)]) -> &mut Self {
        let mut tree = self.trees.last().cloned().unwrap_or_default();
        for (path, text) in files {
            match text {
                Some(text) => drop(tree.insert((*path).to_owned(), (*text).to_owned())),
                None => drop(tree.remove(*path)),
            }
        }
        self.trees.push(tree);
        self
    }

    pub fn info(at: usize) -> CommitInfo {
        CommitInfo {
            id: commit_id(at),
            sequence: at as i64,
            // Pairs of commits share a second.
            committed_at: Utc.timestamp_opt(1_700_000_000, 0).unwrap() + TimeDelta::seconds(at as i64 / 2),
            author_name: "Somebody".to_owned(),
            subject: format!("Commit {at}"),
        }
    }

    pub fn changes(&self, at: usize) -> Vec<FileChange> {
        let empty = Tree::new();
        let (old, new) = (if at == 0 { &empty } else { &self.trees[at - 1] }, &self.trees[at]);
        let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let differ = paths.into_iter().filter(|path| old.get(*path) != new.get(*path));
        differ
            .map(|path| FileChange {
                path: path.clone(),
                before: old.get(path).map(|text| blob_id(text)),
                after: new.get(path).map(|text| parsed(text)),
            })
            .collect()
    }

    pub fn files(&self, at: usize) -> Vec<(String, Arc<ParsedFile>)> {
        self.trees[at].iter().map(|(path, text)| (path.clone(), parsed(text))).collect()
    }
}

pub fn blob_id(text: &str) -> ObjectId {
    let mut id = [0; 20];
    id.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..20]);
    ObjectId(id)
}

pub fn commit_id(at: usize) -> ObjectId {
    blob_id(&format!("commit {at}"))
}

pub fn parsed(text: &str) -> Arc<ParsedFile> {
    Arc::new(read_file(blob_id(text), text.as_bytes(), &Limits::default()))
}

/// How the way through a history is interrupted.
#[derive(Clone, Copy, Debug)]
pub enum Restart {
    /// Batches are taken, the replay lives on.
    Never,
    /// A new replay that is given everything.
    Full,
    /// A new replay that asks for what it needs.
    Incremental,
}

/// What the batches left behind.
#[derive(Default)]
pub struct Store {
    pub rows: BTreeMap<Uuid, (FoundResource, i64)>,
    pub events: Vec<(i64, FoundEvent)>,
    pub texts: HashMap<ObjectId, Vec<u8>>,
    pub problems: BTreeMap<String, FileProblems>,
    pub scanned: Option<ScannedCommit>,
}

impl Store {
    /// Replays a whole history, cut after every `every` commits.
    pub fn of(history: &History, every: usize, restart: Restart) -> Result<Self> {
        let mut store = Self::default();
        let mut replay = Replay::new(Start::Fresh, Options::default());
        for at in 0..history.trees.len() {
            let mut memory = StoreMemory { history, store: &store };
            replay.apply(&History::info(at), history.changes(at), &mut memory).map_err(anyhow::Error::from_boxed)?;
            if (at + 1) % every == 0 || at + 1 == history.trees.len() {
                let batch = take(&mut replay, &mut memory)?;
                store.apply(batch)?;
                replay = match (restart, store.scanned) {
                    (Restart::Full, Some(at)) => Replay::new(store.full(history, at), Options::default()),
                    (Restart::Incremental, Some(at)) => Replay::new(Start::Incremental { at }, Options::default()),
                    _ => replay,
                };
            }
        }
        store.check(history)?;
        Ok(store)
    }

    fn full(&self, history: &History, at: ScannedCommit) -> Start {
        Start::Full { at, rows: self.known(|_| true), files: history.files(at.sequence as usize) }
    }

    fn apply(&mut self, batch: Batch) -> Result<()> {
        ensure!(batch.after == self.scanned.map(|scanned| scanned.id), "the batch follows another commit");
        self.scanned = batch.through.or(self.scanned);
        for row in batch.resources {
            let events = self.rows.get(&row.id).map_or(0, |(_, events)| *events) + row.new_events;
            self.rows.insert(row.id, (FoundResource { new_events: 0, ..row }, events));
        }
        for commit in batch.commits {
            self.events.extend(commit.events.into_iter().map(|event| (commit.sequence, event)));
        }
        for text in batch.manifests {
            self.texts.insert(text.id, text.compressed);
        }
        for problems in batch.problems {
            if problems.problems.is_empty() {
                self.problems.remove(&problems.file_path);
            } else {
                self.problems.insert(problems.file_path.clone(), problems);
            }
        }
        Ok(())
    }

    pub fn known(&self, wanted: impl Fn(&FoundResource) -> bool) -> Vec<KnownResource> {
        self.rows.values().map(|(row, _)| row).filter(|row| wanted(row)).map(known).collect()
    }

    /// What must hold after any history: active rows are the head's documents, counts and texts agree.
    fn check(&self, history: &History) -> Result<()> {
        let tree = history.trees.last().context("no commits")?;
        let mut expected = BTreeSet::new();
        for (path, text) in tree {
            for manifest in &parsed(text).at_path(path).manifests {
                expected.insert((manifest.place(path), manifest.key.clone(), manifest.file_hash()));
            }
        }
        // What stands in files whose content is elsewhere, the head does not tell.
        let is_told = |row: &&FoundResource| {
            tree.get(entity::view::file_of(&row.file_path)).is_none_or(|text| !parsed(text).is_elsewhere())
        };
        let active = self.rows.values().map(|(row, _)| row).filter(|row| row.status == ResourceStatus::Active);
        let active = active.filter(is_told);
        let found: Vec<_> = active.map(|row| (row.file_path.clone(), key(row), row.file_hash.clone())).collect();
        ensure!(found.len() == expected.len(), "{} active rows for {} documents", found.len(), expected.len());
        ensure!(found.into_iter().collect::<BTreeSet<_>>() == expected, "active rows are not the documents");
        for (id, (row, count)) in &self.rows {
            let events = self.events.iter().filter(|(_, event)| event.resource_id == *id).count();
            ensure!(events as i64 == *count && events > 0, "{} has {events} events, but counts {count}", row.name);
        }
        for (_, event) in &self.events {
            let Some(TextPlace { blob, line_start, line_end }) = event.place else { continue };
            let text = self.texts.get(&blob).context("an event points to a text that was not given")?;
            let lines = String::from_utf8_lossy(text).lines().count() as i32;
            ensure!(line_start >= 1 && line_start <= line_end && line_end <= lines.max(1), "lines outside the text");
        }
        Ok(())
    }

    /// Everything, with ids numbered by first appearance: equal for equal outcomes.
    pub fn outcome(&self) -> String {
        let mut numbers: HashMap<Uuid, usize> = HashMap::new();
        for (_, event) in &self.events {
            let next = numbers.len();
            numbers.entry(event.resource_id).or_insert(next);
        }
        let mut lines = Vec::new();
        for (sequence, event) in &self.events {
            lines.push(format!("{sequence} {event:?}"));
        }
        let mut rows: Vec<_> = self.rows.values().collect();
        rows.sort_by_key(|(row, _)| numbers.get(&row.id));
        lines.extend(rows.iter().map(|row| format!("{row:?}")));
        let mut texts: Vec<String> = self.texts.keys().map(ToString::to_string).collect();
        texts.sort();
        lines.push(texts.join(" "));
        lines.push(format!("{:?}", self.problems));
        let mut outcome = lines.join("\n");
        for (id, number) in numbers {
            outcome = outcome.replace(&id.to_string(), &format!("resource-{number}"));
        }
        outcome
    }

    /// `TYPE kind/name tags` of every event of a commit, each with the changed fields.
    pub fn told(&self, at: usize) -> Vec<String> {
        let told = |event: &FoundEvent| {
            let changes = event.changes.iter().map(|change| {
                let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
                format!(" {}: {} > {}", change.path, side(&change.old), side(&change.new))
            });
            let tags = event.changes_detected.len() - event.changes.len();
            let tags = event.changes_detected[..tags].join(",");
            format!("{} {}/{} {tags}{}", event.event_type, event.kind, event.name, changes.collect::<String>())
        };
        self.events.iter().filter(|(sequence, _)| *sequence == at as i64).map(|(_, event)| told(event)).collect()
    }

    /// The only resource of this kind and name.
    pub fn row(&self, kind: &str, name: &str) -> &FoundResource {
        let mut rows = self.rows.values().map(|(row, _)| row).filter(|row| row.kind == kind && row.name == name);
        let row = rows.next().expect("the resource is known");
        assert!(rows.next().is_none(), "{kind}/{name} is there twice");
        row
    }
}

fn take(replay: &mut Replay, memory: &mut dyn Memory) -> Result<Batch> {
    replay.take_batch(memory, &|text| Ok(text.to_vec())).map_err(anyhow::Error::from_boxed)
}

/// Replays in one go, and fails if any cut or restart would give another outcome.
pub fn replay(history: &History) -> Store {
    let store = Store::of(history, usize::MAX, Restart::Never).expect("the replay");
    let outcome = store.outcome();
    for (every, restart) in [
        (1, Restart::Never),
        (1, Restart::Full),
        (1, Restart::Incremental),
        (3, Restart::Never),
        (3, Restart::Full),
        (3, Restart::Incremental),
    ] {
        let other = Store::of(history, every, restart).expect("the replay with cuts").outcome();
        if other != outcome {
            let differ = outcome.lines().zip(other.lines()).find(|(left, right)| left != right);
            let (left, right) = differ.unwrap_or(("another number of lines", ""));
            panic!("{restart:?} after every {every} commits:\n{left}\n{right}");
        }
    }
    store
}

/// A rewritten branch: rows as kept events tell them, rebuilt at `at`.
pub fn rewound(history: &History, at: usize) -> (Store, Store) {
    let undisturbed = Store::of(&History { trees: history.trees[..=at].to_vec() }, usize::MAX, Restart::Never);
    let undisturbed = undisturbed.expect("the replay");
    let mut rows = undisturbed.known(|_| true);
    for row in &mut rows {
        // Events know where the document stood when it last changed, and nothing of what is inherited.
        let last = undisturbed.events.iter().rev().find(|(_, event)| event.resource_id == row.id).expect("an event");
        row.file_path.clone_from(&last.1.file_path);
        row.namespace_inherited = None;
        row.source = None;
        if row.status == ResourceStatus::Active {
            (row.chart_name, row.chart_url) = (None, None);
        }
    }
    let scanned = undisturbed.scanned.expect("a commit");
    let mut memory = StoreMemory { history, store: &undisturbed };
    let mut replay =
        Replay::rewound(scanned, rows, history.files(at), Options::default(), &mut memory).expect("rows are rebuilt");
    let batch = take(&mut replay, &mut memory).expect("a batch");
    for path in undisturbed.problems.keys() {
        assert!(history.trees[at].contains_key(path), "a problem of a file that is gone");
    }
    let mut store = Store {
        events: undisturbed.events.clone(),
        texts: undisturbed.texts.clone(),
        problems: BTreeMap::new(),
        scanned: undisturbed.scanned,
        rows: BTreeMap::new(),
    };
    store.apply(batch).expect("the batch fits");
    for (row, count) in store.rows.values_mut() {
        *count = store.events.iter().filter(|(_, event)| event.resource_id == row.id).count() as i64;
    }
    (undisturbed, store)
}

/// A replay that keeps everything in memory and only counts.
pub fn ledger(history: &History) -> scan::replay::HistoryEvents {
    let mut replay =
        Replay::new(Start::Fresh, Options { events: false, texts: false, ledger: true, ..Options::default() });
    for at in 0..history.trees.len() {
        replay.apply(&History::info(at), history.changes(at), &mut NoMemory).expect("nothing is asked");
    }
    replay.ledger()
}

pub fn key(row: &FoundResource) -> ResourceKey {
    ResourceKey {
        group: row.api_version.rsplit_once('/').map_or("", |(group, _)| group).to_owned(),
        kind: row.kind.clone(),
        namespace: row.namespace.clone().unwrap_or_default(),
        name: row.name.clone(),
    }
}

pub fn known(row: &FoundResource) -> KnownResource {
    let row = row.clone();
    let chart = row.charts.first().cloned();
    KnownResource {
        id: row.id,
        api_version: row.api_version,
        kind: row.kind,
        name: row.name,
        namespace: row.namespace,
        namespace_inherited: row.namespace_inherited,
        file_path: row.file_path,
        file_hash: row.file_hash,
        version: row.version,
        status: row.status,
        place: row.place,
        created_at: row.created_at,
        updated_at: row.updated_at,
        deleted_at: row.deleted_at,
        first_sequence: row.first_sequence,
        commit: row.commit,
        source: row.source,
        chart_name: chart.as_ref().map(|chart| chart.name.clone()),
        chart_url: chart.and_then(|chart| chart.url),
    }
}
