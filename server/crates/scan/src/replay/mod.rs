//! The history of a repository's resources, commit by commit.
//!
//! The caller walks first-parent commits and hands in the files that changed, parsed; the replay knows what stood
//! before, decides what became of it, and gives batches of rows and events back. It knows neither git nor the
//! database: what is stored it asks of a [`Memory`]. The outcome does not depend on where batches are cut, on
//! restarts, or on whether the state was given whole or is asked for piece by piece.

mod batch;
mod changes;
mod draft;
mod given;
mod ledger;
mod load;
mod matching;
mod memory;
mod namespaces;
mod rows;
mod sources;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::file::ParsedFile;
use entity::input::{FileProblems, FoundCommit, KnownResource, ObjectId, ScannedCommit};

pub use batch::Compress;
use draft::Draft;
pub use given::{CommitInfo, FileChange, Options, Start};
pub use ledger::HistoryEvents;
use matching::{After, Before};
pub use memory::{Memory, MemoryError, NoMemory, ProblemOrigin, StoredTree};
use namespaces::Decisive;
use rows::{Body, RowId, Rows};

/// What waits to be taken as a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Commits applied since the last batch, with or without events.
    pub commits: usize,
    pub events: usize,
    pub resources: usize,
    /// Texts, and events by their length in memory.
    pub bytes: usize,
}

/// A file as it stands, and the rows of its manifests.
struct LiveFile {
    file: Arc<ParsedFile>,
    rows: Vec<Option<RowId>>,
    /// Rows of what the file held before its content went elsewhere.
    held: Vec<RowId>,
}

/// The state machine. After an error it must be thrown away: a commit may be half applied.
pub struct Replay {
    options: Options,
    /// Whether `files` and `rows` hold everything there is.
    complete: bool,
    /// The last commit taken as a batch.
    stored: Option<ScannedCommit>,
    /// The last commit applied.
    through: Option<ScannedCommit>,
    files: HashMap<Arc<str>, LiveFile>,
    /// Every path of the tree, also of files without anything to say; only where the replay is complete.
    paths: BTreeSet<Arc<str>>,
    rows: Rows,
    asked: Asked,
    /// What changed since namespaces were inherited last.
    decisive: Decisive,
    commits: Vec<FoundCommit>,
    texts: Vec<(ObjectId, Vec<u8>)>,
    given: HashSet<ObjectId>,
    problems: BTreeMap<Arc<str>, FileProblems>,
    pending: Pending,
    ledger: Option<ledger::Ledger>,
    moved: i64,
}

/// What an incomplete replay has asked for already.
#[derive(Default)]
struct Asked {
    paths: HashSet<Arc<str>>,
    keys: HashSet<entity::input::ResourceKey>,
    sources: HashSet<String>,
    dependents: HashSet<String>,
    active: bool,
}

impl Replay {
    /// A replay that goes on from `start`.
    #[must_use]
    pub fn new(start: Start, options: Options) -> Self {
        let mut replay = Self {
            options,
            complete: true,
            stored: None,
            through: None,
            files: HashMap::new(),
            paths: BTreeSet::new(),
            rows: Rows::default(),
            asked: Asked::default(),
            decisive: Decisive::default(),
            commits: Vec::new(),
            texts: Vec::new(),
            given: HashSet::new(),
            problems: BTreeMap::new(),
            pending: Pending::default(),
            ledger: options.ledger.then(ledger::Ledger::default),
            moved: 0,
        };
        match start {
            Start::Fresh => {}
            Start::Incremental { at } => {
                replay.complete = false;
                (replay.stored, replay.through) = (Some(at), Some(at));
            }
            Start::Full { at, rows, files } => {
                (replay.stored, replay.through) = (Some(at), Some(at));
                replay.stand(rows, files);
            }
        }
        replay
    }

    /// Rebuilds rows after the branch was rewritten: `rows` as the kept events tell them (place, status, hash and
    /// version of each resource's last kept event), `files` the whole tree at the fork. The next batch holds every
    /// row as it was then, without events, and every problem of the tree; after that the replay goes on from there.
    ///
    /// # Errors
    /// What the memory says when it is asked for the last text of a deleted resource, or since when a file is broken.
    pub fn rewound(
        at: ScannedCommit,
        rows: Vec<KnownResource>,
        files: Vec<(String, Arc<ParsedFile>)>,
        options: Options,
        memory: &mut dyn Memory,
    ) -> Result<Self, MemoryError> {
        let mut replay = Self::standing(at, rows, files, options, memory)?;
        for (path, live) in replay.files.iter().filter(|(_, live)| !live.file.problems.is_empty()) {
            let (file_path, problems) = (path.to_string(), live.file.problems.clone());
            let (commit, since) = memory.problems_since(at, path, &problems)?;
            replay.problems.insert(Arc::clone(path), FileProblems { file_path, commit, since, problems });
        }
        Ok(replay)
    }

    /// The same without the files' problems: what resources deploy at a commit of the past.
    ///
    /// # Errors
    /// What the memory says when it is asked for a text.
    pub fn standing(
        at: ScannedCommit,
        rows: Vec<KnownResource>,
        files: Vec<(String, Arc<ParsedFile>)>,
        options: Options,
        memory: &mut dyn Memory,
    ) -> Result<Self, MemoryError> {
        let mut replay = Self::new(Start::Full { at, rows, files }, options);
        replay.decisive.tree = true;
        for row in replay.rows.all() {
            replay.rows.touch(row);
            replay.load_body(row, memory)?;
            // Events do not say what a resource deploys from; its manifest does.
            if let Some(body) = replay.rows[row].body.clone() {
                replay.rows.unindex(row);
                replay.rows[row].source.clone_from(&body.manifest().facts.source);
                replay.rows.index(row);
            }
        }
        let mut active: Vec<RowId> = replay.rows.active().collect();
        active.sort_by_key(|row| replay.depth(*row));
        for row in active {
            let resolved = replay.resolve(row, memory)?;
            replay.settle(row, &resolved);
        }
        Ok(replay)
    }

    /// How much waits to be taken.
    #[must_use]
    pub fn pending(&self) -> Pending {
        Pending { resources: self.rows.dirty().len(), ..self.pending }
    }

    /// The figures of the whole way since the first commit; all zero unless asked for in [`Options`].
    #[must_use]
    pub fn ledger(&self) -> HistoryEvents {
        let mut figures = self.ledger.as_ref().map(ledger::Ledger::figures).unwrap_or_default();
        figures.moved = self.moved;
        figures
    }

    /// The last commit applied.
    #[must_use]
    pub fn through(&self) -> Option<ScannedCommit> {
        self.through
    }

    /// Applies the next commit. Changes may come in any order, one per path.
    ///
    /// # Errors
    /// What the memory says; the replay is of no use afterwards.
    pub fn apply(
        &mut self,
        commit: &CommitInfo,
        mut changes: Vec<FileChange>,
        memory: &mut dyn Memory,
    ) -> Result<(), MemoryError> {
        changes.retain(|change| change.before != change.after.as_ref().map(|file| file.id));
        changes.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        for change in &mut changes {
            change.after = change.after.take().map(|file| file.at_path(&change.path));
        }
        self.load_files(&changes, memory)?;
        let mut drafts = Vec::new();
        let (mut before, mut after) = (Vec::new(), Vec::new());
        if let Some(ledger) = &mut self.ledger {
            ledger.begin();
        }
        for change in changes {
            self.change_file(commit, change, &mut drafts, &mut before, &mut after);
        }
        if let Some(ledger) = &mut self.ledger {
            ledger.end();
        }
        let (pairs, gone, new) = matching::between_files(before, after);
        for (before, after) in pairs {
            // Nothing else knows the new file's rows yet.
            self.seat(&after, before.row);
            self.modify(commit, before, after, &mut drafts);
        }
        for before in gone {
            if let Some(before) = self.hold(before) {
                self.delete(commit, before, &mut drafts);
            }
        }
        self.load_deleted(&new, memory)?;
        for after in new {
            self.appear(commit, after, &mut drafts);
        }
        if self.options.events {
            self.resolve_sources(commit, &mut drafts, memory)?;
        }
        self.finish(commit, drafts);
        self.through =
            Some(ScannedCommit { id: commit.id, sequence: commit.sequence, committed_at: commit.committed_at });
        self.pending.commits += 1;
        Ok(())
    }

    /// One changed file: pairs within it are settled here, the rest is left to be matched with other files.
    fn change_file(
        &mut self,
        commit: &CommitInfo,
        change: FileChange,
        drafts: &mut Vec<Draft>,
        gone: &mut Vec<Before>,
        new: &mut Vec<After>,
    ) {
        let old = self.files.remove(change.path.as_str());
        let path: Arc<str> = change.path.into();
        self.note_path(&path, change.before.is_some(), change.after.is_some());
        let (old_file, new_file) = (old.as_ref().map(|old| &old.file), change.after.as_ref());
        if old_file.is_none() && new_file.is_none() {
            return;
        }
        self.note_problems(commit, &path, old_file.map(|file| &**file), new_file.map(|file| &**file));
        if let Some(ledger) = &mut self.ledger {
            ledger.file(old_file.map(|file| &**file), new_file.map(|file| &**file));
        }
        self.note_kustomization(&path, old_file.map(|file| &**file), new_file.map(|file| &**file));
        let held = old.as_ref().map(|old| self.held(&path, old)).unwrap_or_default();
        gone.extend(held);
        let mut rows = vec![None; new_file.map_or(0, |file| file.manifests.len())];
        match (&old, new_file) {
            (Some(old), Some(file)) => {
                let found = matching::within_file(&old.file, file, |at| old.rows[at].is_some());
                for (old_at, new_at) in found.pairs {
                    let Some(row) = old.rows[old_at] else { continue };
                    rows[new_at] = Some(row);
                    let body = Body { file: Arc::clone(&old.file), at: old_at };
                    let before = Before { path: Arc::clone(&path), body, row };
                    let body = Body { file: Arc::clone(file), at: new_at };
                    self.modify(commit, before, After { path: Arc::clone(&path), body }, drafts);
                }
                found.before.into_iter().for_each(|at| gone.extend(left(&path, old, at)));
                new.extend(found.after.into_iter().map(|at| appearing(&path, file, at)));
            }
            (Some(old), None) => {
                (0..old.rows.len()).for_each(|at| gone.extend(left(&path, old, at)));
            }
            (None, Some(file)) => {
                new.extend((0..file.manifests.len()).map(|at| appearing(&path, file, at)));
            }
            (None, None) => {}
        }
        if let Some(file) = change.after
            && self.is_worth_keeping(&file)
        {
            self.files.insert(path, LiveFile { file, rows, held: Vec::new() });
        }
    }

    /// What a file held before its content went elsewhere, in an order that only places decide.
    fn held(&self, path: &Arc<str>, file: &LiveFile) -> Vec<Before> {
        let mut rows = file.held.clone();
        rows.sort_by(|a, b| self.rows[*a].file_path.cmp(&self.rows[*b].file_path));
        let before = |row: RowId| Some(Before { path: Arc::clone(path), body: self.rows[row].body.clone()?, row });
        rows.into_iter().filter_map(before).collect()
    }

    /// Keeps a row in its file if the content of that is elsewhere now; gives it back if it is gone.
    fn hold(&mut self, before: Before) -> Option<Before> {
        let Some(live) = self.files.get_mut(&before.path).filter(|live| live.file.is_elsewhere()) else {
            return Some(before);
        };
        live.held.push(before.row);
        self.rows[before.row].body = Some(before.body);
        None
    }

    /// Files without anything to say need no place in memory.
    fn is_worth_keeping(&self, file: &ParsedFile) -> bool {
        !file.manifests.is_empty()
            || file.kustomize.is_some()
            || !file.problems.is_empty()
            || (self.ledger.is_some() && ledger::has_documents(file))
    }

    fn note_problems(
        &mut self,
        commit: &CommitInfo,
        path: &Arc<str>,
        old: Option<&ParsedFile>,
        new: Option<&ParsedFile>,
    ) {
        let (old, new) = (old.map_or(&[][..], |file| &file.problems), new.map_or(&[][..], |file| &file.problems));
        if old != new && self.options.events {
            let problems = FileProblems {
                file_path: path.to_string(),
                commit: commit.id,
                since: commit.committed_at,
                problems: new.to_vec(),
            };
            self.problems.insert(Arc::clone(path), problems);
        }
    }
}

fn left(path: &Arc<str>, old: &LiveFile, at: usize) -> Option<Before> {
    let row = old.rows[at]?;
    Some(Before { path: Arc::clone(path), body: Body { file: Arc::clone(&old.file), at }, row })
}

fn appearing(path: &Arc<str>, file: &Arc<ParsedFile>, at: usize) -> After {
    After { path: Arc::clone(path), body: Body { file: Arc::clone(file), at } }
}
