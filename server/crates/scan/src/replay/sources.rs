//! What a resource deploys, where its source decides that: through `chartRef` and `sourceRef` to what stands live.
//!
//! Only what manifests write decides, never where batches are cut: references and namespaces as written, then
//! the nearest folder. Most manifests write no namespace and inherit theirs, so that one that is not written rules
//! nothing out; and where the only source of a name is said to be in another namespace, it is the one that is meant.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use entity::input::{ResourceKey, SourceRef};
use entity::kind::EventType;
use entity::view::{FieldChange, file_of, shared_folders};

use super::draft::Draft;
use super::matching::closeness;
use super::rows::{Body, MainChart, RowId, name_of};
use super::{CommitInfo, Memory, MemoryError, Replay};
use crate::detect::{Provides, Takes};

/// Sources of one kind and name compared; a repository with more of them means to be slow.
const MAX_CANDIDATES: usize = 1_000;

/// What a resource deploys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    version: Option<String>,
    chart: Option<MainChart>,
}

/// The sources that a commit touched.
#[derive(Default)]
struct Touched {
    /// What each delivered before.
    before: HashMap<RowId, Option<Provides>>,
    by_name: HashMap<(String, String), Vec<RowId>>,
    /// Kinds and names whose dependents are still to be asked.
    next: VecDeque<(String, String)>,
}

impl Touched {
    fn add(&mut self, key: &ResourceKey, row: RowId, before: Option<Provides>) {
        // Charts that name each other in a circle come here twice and deploy nothing.
        if self.before.contains_key(&row) {
            return;
        }
        self.before.insert(row, before);
        let name = (key.kind.clone(), key.name.clone());
        if !self.next.contains(&name) {
            self.next.push_back(name.clone());
        }
        self.by_name.entry(name).or_default().push(row);
    }

    fn next(&mut self) -> Option<(String, String)> {
        self.next.pop_front()
    }

    /// Who changed what is deployed from `now`: that source itself, else one that stood in its place.
    fn cause(&self, kind: &str, name: &str, now: Option<RowId>) -> Option<RowId> {
        if let Some(now) = now.filter(|now| self.before.contains_key(now)) {
            return Some(now);
        }
        let touched = self.by_name.get(&(kind.to_owned(), name.to_owned()))?;
        let delivered = |row: &&RowId| self.before.get(row).is_some_and(Option::is_some);
        touched.iter().find(delivered).or(touched.first()).copied()
    }
}

impl Replay {
    /// Settles what the commit's resources deploy, and finds those that deploy something else because a source changed.
    pub(super) fn resolve_sources(
        &mut self,
        commit: &CommitInfo,
        drafts: &mut Vec<Draft>,
        memory: &mut dyn Memory,
    ) -> Result<(), MemoryError> {
        let mut own: Vec<(u8, RowId)> = drafts
            .iter()
            .filter(|draft| draft.event_type != EventType::Deleted)
            .map(|draft| (self.depth(draft.row), draft.row))
            .collect();
        own.sort_unstable_by_key(|(depth, _)| *depth);
        let before: HashMap<RowId, Resolved> = own.iter().map(|(_, row)| (*row, self.settled(*row))).collect();
        for (_, row) in &own {
            let resolved = self.resolve(*row, memory)?;
            self.settle(*row, &resolved);
        }
        // Who is to be asked again: those who deploy from a source that the commit touched.
        let mut touched = Touched::default();
        for draft in drafts.iter().filter(|draft| self.rows[draft.row].is_source()) {
            touched.add(&self.rows[draft.row].key, draft.row, draft.provided_before.clone());
        }
        let mut places: HashMap<RowId, usize> = drafts.iter().enumerate().map(|(at, draft)| (draft.row, at)).collect();
        while let Some((kind, name)) = touched.next() {
            for row in self.dependents_of(&kind, &name, memory)? {
                let was = before.get(&row).cloned().unwrap_or_else(|| self.settled(row));
                let (resolved, source) = self.resolve_from(row, memory)?;
                if resolved == was {
                    continue;
                }
                let Some(cause) = touched.cause(&kind, &name, source) else { continue };
                let provided_before = touched.before.get(&cause).cloned().flatten();
                let at = match places.get(&row) {
                    Some(&at) => {
                        // What came, or changed by itself, needs no source that delivers what it did before.
                        let came = matches!(drafts[at].event_type, EventType::Created | EventType::Resurrected);
                        let told = came || drafts[at].is_blamed() || provided_before.as_ref() == self.provided(cause);
                        (!told).then_some(at)
                    }
                    None => {
                        drafts.push(Draft::by_source(row, &self.rows[row]));
                        places.insert(row, drafts.len() - 1);
                        Some(drafts.len() - 1)
                    }
                };
                if let Some(at) = at {
                    let changes = self.source_changes(cause, provided_before.as_ref(), &was, &resolved);
                    drafts[at].blame(self.rows[cause].id, changes);
                }
                if self.settled(row) != resolved {
                    if self.rows[row].is_source() {
                        let provided = self.provided(row).cloned();
                        touched.add(&self.rows[row].key, row, provided);
                    }
                    self.settle(row, &resolved);
                }
                self.rows[row].updated_at = commit.committed_at;
                self.rows[row].commit = commit.id;
            }
        }
        Ok(())
    }

    /// Sources before those that deploy from them, charts in between.
    pub(super) fn depth(&self, row: RowId) -> u8 {
        let takes = self.rows[row].body.as_ref().map_or(Takes::Nothing, |body| body.manifest().facts.takes);
        match (self.rows[row].is_source(), takes) {
            (true, Takes::Nothing) => 0,
            (true, _) => 1,
            (false, _) => 2,
        }
    }

    fn settled(&self, row: RowId) -> Resolved {
        Resolved { version: self.rows[row].version.clone(), chart: self.rows[row].chart.clone() }
    }

    pub(super) fn settle(&mut self, row: RowId, resolved: &Resolved) {
        let state = &mut self.rows[row];
        state.version.clone_from(&resolved.version);
        state.chart.clone_from(&resolved.chart);
    }

    /// What an active resource deploys now.
    pub(super) fn resolve(&mut self, row: RowId, memory: &mut dyn Memory) -> Result<Resolved, MemoryError> {
        self.resolve_from(row, memory).map(|(resolved, _)| resolved)
    }

    /// The same with the source that it deploys from.
    fn resolve_from(&mut self, row: RowId, memory: &mut dyn Memory) -> Result<(Resolved, Option<RowId>), MemoryError> {
        self.load_body(row, memory)?;
        let Some(body) = self.rows[row].body.clone() else { return Ok((self.settled(row), None)) };
        let facts = &body.manifest().facts;
        let own_chart = facts.charts.first().map(|chart| (chart.name.clone(), chart.url.clone()));
        let delivered = match (&facts.source, facts.takes) {
            (None, _) | (_, Takes::Nothing) => {
                return Ok((Resolved { version: facts.version.clone(), chart: own_chart }, None));
            }
            (Some(source), _) => self.delivered(row, source, memory)?,
        };
        let source = delivered.as_ref().map(|(source, _)| *source);
        let delivered = delivered.map(|(_, provides)| provides).unwrap_or_default();
        let resolved = match facts.takes {
            Takes::Nothing | Takes::Address => Resolved {
                version: facts.version.clone(),
                chart: own_chart.map(|(name, url)| (name, url.or(delivered.url))),
            },
            Takes::Chart => {
                Resolved { version: delivered.version, chart: delivered.chart.map(|name| (name, delivered.url)) }
            }
            Takes::Version => Resolved { version: delivered.version, chart: own_chart },
        };
        Ok((resolved, source))
    }

    /// What the source that a resource names delivers; nothing where it is not in the repository.
    fn delivered(
        &mut self,
        row: RowId,
        wanted: &SourceRef,
        memory: &mut dyn Memory,
    ) -> Result<Option<(RowId, Provides)>, MemoryError> {
        let name = name_of(&wanted.kind, &wanted.name);
        if !self.complete && self.asked.sources.insert(name) {
            for known in memory.sources(&wanted.kind, &wanted.name)? {
                self.rows.remember(known);
            }
        }
        let path = file_of(&self.rows[row].file_path);
        let rank = |id: RowId| {
            let source = &self.rows[id];
            let namespace = match (&wanted.namespace, source.key.namespace.as_str()) {
                (Some(wanted), written) if wanted == written => 2,
                (_, "") | (None, _) => 1,
                _ => 0,
            };
            (namespace, shared_folders(file_of(&source.file_path), path))
        };
        let all = self.rows.sources(&wanted.kind, &wanted.name).iter().copied().take(MAX_CANDIDATES);
        let ranked: Vec<_> = all.filter(|id| *id != row).map(|id| (rank(id), id)).collect();
        let Some(best) = ranked.iter().map(|(rank, _)| *rank).max() else { return Ok(None) };
        let mut nearest: Vec<RowId> = ranked.into_iter().filter(|(rank, _)| *rank == best).map(|(_, id)| id).collect();
        nearest.sort_by(|a, b| {
            let place = |id: &RowId| {
                let source = &self.rows[*id];
                (std::cmp::Reverse(closeness(file_of(&source.file_path), path)), &source.file_path, source.id)
            };
            place(a).cmp(&place(b))
        });
        let mut found: Option<(RowId, Provides)> = None;
        for source in nearest {
            self.load_body(source, memory)?;
            let Some(mut provides) =
                self.rows[source].body.as_ref().and_then(|body| body.manifest().facts.provides.clone())
            else {
                continue;
            };
            if provides.url.is_none() {
                // A HelmChart has its address from its own source.
                provides.url = self.rows[source].chart.as_ref().and_then(|(_, url)| url.clone());
            }
            match &found {
                None => found = Some((source, provides)),
                // Sources that are as near as each other and deliver different things: which one is meant, the
                // manifests do not say.
                Some((_, other)) if other.delivers() != provides.delivers() => return Ok(None),
                Some(_) => {}
            }
        }
        Ok(found)
    }

    /// Active resources whose reference has this kind and name.
    fn dependents_of(&mut self, kind: &str, name: &str, memory: &mut dyn Memory) -> Result<Vec<RowId>, MemoryError> {
        if !self.complete && self.asked.dependents.insert(name_of(kind, name)) {
            for known in memory.dependents(kind, name)? {
                self.rows.remember(known);
            }
        }
        let mut rows = self.rows.dependents(kind, name).to_vec();
        rows.sort_by(|a, b| {
            let place = |id: &RowId| (&self.rows[*id].file_path, self.rows[*id].id);
            place(a).cmp(&place(b))
        });
        Ok(rows)
    }

    /// What a source delivers now; nothing when it is gone.
    fn provided(&self, source: RowId) -> Option<&Provides> {
        let row = &self.rows[source];
        row.body.as_ref().filter(|_| row.is_active())?.manifest().facts.provides.as_ref()
    }

    /// The source's fields that decide, before and after, under the source's name.
    fn source_changes(
        &self,
        source: RowId,
        before: Option<&Provides>,
        was: &Resolved,
        is: &Resolved,
    ) -> Vec<FieldChange> {
        let row = &self.rows[source];
        let name = format!("{}/{}", row.key.kind, row.key.name);
        let after = self.provided(source);
        let fields = |provides: Option<&Provides>| provides.map_or_else(Vec::new, |provides| provides.fields.clone());
        let (old, new) = (fields(before), fields(after));
        let value = |fields: &[(&'static str, String)], path: &str| {
            fields.iter().find(|(other, _)| *other == path).map(|(_, value)| value.clone())
        };
        let mut paths: Vec<&'static str> = old.iter().chain(&new).map(|(path, _)| *path).collect();
        paths.sort_unstable();
        paths.dedup();
        let changes: Vec<FieldChange> = paths
            .into_iter()
            .map(|path| FieldChange { path: format!("{name}.{path}"), old: value(&old, path), new: value(&new, path) })
            .filter(|change| change.old != change.new)
            .collect();
        if !changes.is_empty() {
            return changes;
        }
        if was.version != is.version {
            return vec![FieldChange { path: name, old: was.version.clone(), new: is.version.clone() }];
        }
        let url = |resolved: &Resolved| resolved.chart.as_ref().and_then(|(_, url)| url.clone());
        vec![FieldChange { path: name, old: url(was), new: url(is) }]
    }

    /// Fetches the manifest of a row that was only known by its columns.
    pub(super) fn load_body(&mut self, row: RowId, memory: &mut dyn Memory) -> Result<(), MemoryError> {
        let state = &self.rows[row];
        if state.body.is_some() {
            return Ok(());
        }
        let path = file_of(&state.file_path);
        let file = memory.file(path, state.place.blob)?;
        let same_key = |at: &usize| file.manifests[*at].key == state.key;
        let starts =
            |at: &usize| i32::try_from(file.manifests[*at].line_start).is_ok_and(|line| line == state.place.line_start);
        let candidates = || (0..file.manifests.len()).filter(same_key);
        let at = candidates().find(starts).or_else(|| candidates().next());
        self.rows[row].body = at.map(|at| Body { file: Arc::clone(&file), at });
        Ok(())
    }
}
