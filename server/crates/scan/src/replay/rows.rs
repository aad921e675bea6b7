//! The resources that the replay knows: what stands, and slim records of what is gone.

use std::collections::HashMap;
use std::sync::Arc;

use entity::input::{FoundChart, FoundResource, KnownResource, ResourceKey, SourceRef, TextPlace};
use entity::kind::ResourceStatus;
use entity::view::Timestamp;
use uuid::Uuid;

use crate::detect::SOURCE_GROUP;
use crate::file::{Manifest, ParsedFile};

/// A manifest within its file.
#[derive(Clone)]
pub(super) struct Body {
    pub file: Arc<ParsedFile>,
    pub at: usize,
}

impl Body {
    pub fn manifest(&self) -> &Manifest {
        &self.file.manifests[self.at]
    }

    pub fn place(&self) -> TextPlace {
        let manifest = self.manifest();
        let line = |line: u32| i32::try_from(line).unwrap_or(i32::MAX);
        TextPlace { blob: self.file.id, line_start: line(manifest.line_start), line_end: line(manifest.line_end) }
    }
}

/// Name and address of the main chart.
pub(super) type MainChart = (String, Option<String>);

/// One resource, as its row will be.
pub(super) struct Row {
    pub id: Uuid,
    pub key: ResourceKey,
    pub api_version: String,
    pub file_path: String,
    pub inherited: Option<String>,
    pub file_hash: String,
    pub version: Option<String>,
    pub chart: Option<MainChart>,
    pub status: ResourceStatus,
    pub place: TextPlace,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    pub first_sequence: i64,
    pub commit: entity::input::ObjectId,
    pub source: Option<SourceRef>,
    /// Its manifest; of deleted resources only until the batch that says so is taken.
    pub body: Option<Body>,
    pub new_events: i64,
    pub dirty: bool,
}

impl Row {
    fn known(known: KnownResource) -> Self {
        let group = known.api_version.rsplit_once('/').map_or("", |(group, _)| group).to_owned();
        Self {
            id: known.id,
            key: ResourceKey {
                group,
                kind: known.kind,
                namespace: known.namespace.unwrap_or_default(),
                name: known.name,
            },
            api_version: known.api_version,
            file_path: known.file_path,
            inherited: known.namespace_inherited,
            file_hash: known.file_hash,
            version: known.version,
            chart: known.chart_name.map(|name| (name, known.chart_url)),
            status: known.status,
            place: known.place,
            created_at: known.created_at,
            updated_at: known.updated_at,
            deleted_at: known.deleted_at,
            first_sequence: known.first_sequence,
            commit: known.commit,
            source: known.source,
            body: None,
            new_events: 0,
            dirty: false,
        }
    }

    pub fn is_active(&self) -> bool {
        self.status == ResourceStatus::Active
    }

    pub fn is_source(&self) -> bool {
        self.key.group == SOURCE_GROUP
    }

    pub fn namespace(&self) -> Option<String> {
        (!self.key.namespace.is_empty()).then(|| self.key.namespace.clone())
    }

    /// The row to store; `body` is its manifest.
    pub fn found(&self, body: &Body) -> FoundResource {
        let manifest = body.manifest();
        let facts = &manifest.facts;
        let mut charts = facts.charts.clone();
        if let Some((name, url)) = &self.chart {
            match charts.first_mut() {
                Some(main) => main.url.clone_from(url),
                None => charts.push(FoundChart { name: name.clone(), url: url.clone(), version: self.version.clone() }),
            }
        }
        FoundResource {
            id: self.id,
            api_version: self.api_version.clone(),
            kind: self.key.kind.clone(),
            name: self.key.name.clone(),
            namespace: self.namespace(),
            namespace_inherited: self.inherited.clone(),
            file_path: self.file_path.clone(),
            file_hash: self.file_hash.clone(),
            version: self.version.clone(),
            data: manifest.spec_json(),
            status: self.status,
            place: self.place,
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: self.deleted_at,
            first_sequence: self.first_sequence,
            commit: self.commit,
            new_events: self.new_events,
            source: self.source.clone(),
            charts,
            images: facts.images.clone(),
        }
    }
}

/// Number of a row within one replay.
pub(super) type RowId = usize;

/// All rows, findable by what the replay asks for.
#[derive(Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    /// Rows that came from the store.
    stored: HashMap<Uuid, RowId>,
    deleted: HashMap<ResourceKey, Vec<RowId>>,
    sources: HashMap<String, Vec<RowId>>,
    dependents: HashMap<String, Vec<RowId>>,
    dirty: Vec<RowId>,
}

impl std::ops::Index<RowId> for Rows {
    type Output = Row;

    fn index(&self, id: RowId) -> &Row {
        &self.rows[id]
    }
}

impl std::ops::IndexMut<RowId> for Rows {
    fn index_mut(&mut self, id: RowId) -> &mut Row {
        &mut self.rows[id]
    }
}

impl Rows {
    /// Takes a stored row in; a row that is here already is further than what is stored.
    pub fn remember(&mut self, known: KnownResource) -> RowId {
        if let Some(&id) = self.stored.get(&known.id) {
            return id;
        }
        self.stored.insert(known.id, self.rows.len());
        self.push(Row::known(known))
    }

    pub fn push(&mut self, row: Row) -> RowId {
        let id = self.push_unindexed(row);
        self.index(id);
        id
    }

    /// A row that is not findable yet.
    pub fn push_unindexed(&mut self, row: Row) -> RowId {
        self.rows.push(row);
        self.rows.len() - 1
    }

    pub fn active(&self) -> impl Iterator<Item = RowId> + '_ {
        self.rows.iter().enumerate().filter(|(_, row)| row.is_active()).map(|(id, _)| id)
    }

    pub fn all(&self) -> std::ops::Range<RowId> {
        0..self.rows.len()
    }

    pub fn touch(&mut self, id: RowId) {
        if !std::mem::replace(&mut self.rows[id].dirty, true) {
            self.dirty.push(id);
        }
    }

    pub fn dirty(&self) -> &[RowId] {
        &self.dirty
    }

    pub fn take_dirty(&mut self) -> Vec<RowId> {
        std::mem::take(&mut self.dirty)
    }

    /// Makes a row findable by its present state; undone by [`Rows::unindex`] before that changes.
    pub fn index(&mut self, id: RowId) {
        let row = &self.rows[id];
        if !row.is_active() {
            self.deleted.entry(row.key.clone()).or_default().push(id);
            return;
        }
        if row.is_source() {
            self.sources.entry(name_of(&row.key.kind, &row.key.name)).or_default().push(id);
        }
        if let Some(source) = &row.source {
            self.dependents.entry(name_of(&source.kind, &source.name)).or_default().push(id);
        }
    }

    pub fn unindex(&mut self, id: RowId) {
        let row = &self.rows[id];
        if !row.is_active() {
            remove(&mut self.deleted, &row.key, id);
            return;
        }
        if row.is_source() {
            remove(&mut self.sources, &name_of(&row.key.kind, &row.key.name), id);
        }
        if let Some(source) = &row.source {
            remove(&mut self.dependents, &name_of(&source.kind, &source.name), id);
        }
    }

    pub fn sources(&self, kind: &str, name: &str) -> &[RowId] {
        self.sources.get(&name_of(kind, name)).map_or(&[], Vec::as_slice)
    }

    pub fn dependents(&self, kind: &str, name: &str) -> &[RowId] {
        self.dependents.get(&name_of(kind, name)).map_or(&[], Vec::as_slice)
    }

    /// The deleted resource that comes back at a place: the one that stood there, else the one deleted last.
    pub fn to_resurrect(&self, key: &ResourceKey, place: &str) -> Option<RowId> {
        let rank = |id: &RowId| {
            let row = &self.rows[*id];
            (row.file_path == place, row.deleted_at, row.first_sequence, &row.file_path, row.id)
        };
        self.deleted.get(key)?.iter().copied().max_by(|a, b| rank(a).cmp(&rank(b)))
    }
}

/// Kinds hold no slash, so that this tells every pair apart.
pub(super) fn name_of(kind: &str, name: &str) -> String {
    format!("{kind}/{name}")
}

fn remove<K: std::hash::Hash + Eq>(map: &mut HashMap<K, Vec<RowId>>, key: &K, id: RowId) {
    if let Some(ids) = map.get_mut(key) {
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            map.remove(key);
        }
    }
}
