//! Builders: repositories with a history, stored through the same writes that syncs and scans use.

use std::collections::HashMap;

use entity::{
    input::{
        Batch, ChartUseFacts, FileProblems, FoundChart, FoundChartSource, FoundChartUse, FoundCommit, FoundEvent,
        FoundImage, FoundImageUse, FoundManifest, FoundProblem, FoundReference, FoundRelease, FoundRepository,
        FoundResource, HeadFigures, ImageUseFacts, LinePoint, ObjectId, ScannedCommit, Span, SyncedHead, TextPlace,
        UseCommit, UsesBatch,
    },
    kind::{
        ChartResolution, ChartUseKind, EventType, ImagePlaceKind, ImageState, Origin, ProblemClass, Provider,
        ReferenceStatus, Renderer, ResourceStatus, VersionKind,
    },
    view::{FieldChange, Timestamp},
};
use store::{db::text, repositories, scans};
use uuid::Uuid;

use super::{TestApp, day};

/// A repository to be stored, with commits in order.
pub struct RepositoryBuilder {
    found: FoundRepository,
    commits: Vec<(Timestamp, String, Vec<Change>)>,
    problems: Vec<(String, FoundProblem)>,
}

/// What a commit does to one resource.
#[derive(Clone)]
pub enum Change {
    /// Brings it.
    Create(Manifest),
    /// Gives it this version.
    Modify(Manifest),
    /// Takes it away.
    Delete(Manifest),
}

/// A resource as it is written.
#[derive(Clone)]
pub struct Manifest {
    pub api_version: &'static str,
    pub kind: &'static str,
    pub name: String,
    pub namespace: Option<&'static str>,
    pub version: Option<String>,
    pub image: Option<&'static str>,
}

impl Manifest {
    /// A chart release.
    pub fn release(name: &str, version: &str) -> Self {
        Self {
            api_version: "helm.toolkit.fluxcd.io/v2",
            kind: "HelmRelease",
            name: name.to_owned(),
            namespace: Some("apps"),
            version: Some(version.to_owned()),
            image: None,
        }
    }

    /// A plain config map.
    pub fn config_map(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { api_version: "v1", kind: "ConfigMap", name, namespace: None, version: None, image: None }
    }

    /// A workload with an image.
    pub fn deployment(name: &str, image: &'static str) -> Self {
        Self {
            api_version: "apps/v1",
            kind: "Deployment",
            name: name.to_owned(),
            namespace: Some("web"),
            version: None,
            image: Some(image),
        }
    }

    pub fn path(&self) -> String {
        format!("apps/{}/{}.yaml", self.name, self.kind.to_lowercase())
    }

    pub fn text(&self) -> String {
        let version = self.version.as_deref().unwrap_or("none");
        format!(
            "apiVersion: {}\nkind: {}\nmetadata:\n  name: {}\nspec:\n  version: {version}\n",
            self.api_version, self.kind, self.name
        )
    }

    fn key(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    fn hash(&self) -> String {
        let byte = self.version.as_deref().unwrap_or_default().bytes().fold(7_u8, u8::wrapping_add);
        format!("{byte:02x}").repeat(32)
    }

    fn blob(&self) -> ObjectId {
        let mut bytes = [0_u8; 20];
        for (place, byte) in self.text().bytes().enumerate() {
            bytes[place % 20] = bytes[place % 20].wrapping_mul(31).wrapping_add(byte);
        }
        ObjectId(bytes)
    }

    fn place(&self) -> TextPlace {
        TextPlace { blob: self.blob(), line_start: 1, line_end: 6 }
    }
}

/// The id of a repository's commit in these tests.
pub fn commit_id(repository: &str, sequence: usize) -> ObjectId {
    let mut bytes = [0_u8; 20];
    for (place, byte) in repository.bytes().enumerate() {
        bytes[place % 16] = bytes[place % 16].wrapping_mul(31).wrapping_add(byte);
    }
    bytes[16..].copy_from_slice(&u32::try_from(sequence).unwrap().to_be_bytes());
    ObjectId(bytes)
}

impl RepositoryBuilder {
    pub fn new(full_name: &str) -> Self {
        let (owner, name) = full_name.split_once('/').unwrap();
        Self {
            found: FoundRepository {
                url: format!("https://github.com/{full_name}.git"),
                owner: owner.to_owned(),
                name: name.to_owned(),
                full_name: full_name.to_owned(),
                description: Some(format!("The clusters of {owner}")),
                provider: Provider::Github,
                origin: Origin::Config,
                web_url: Some(format!("https://github.com/{full_name}")),
                enabled: true,
                branch_regex: None,
                polling_interval_seconds: None,
                topics: vec!["kubernetes".to_owned()],
            },
            commits: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// As it comes in.
    pub fn found(self) -> FoundRepository {
        self.found
    }

    pub fn disabled(mut self) -> Self {
        self.found.enabled = false;
        self
    }

    /// Added by a person: the configuration, which others stand in, says nothing of it.
    pub fn added(mut self) -> Self {
        self.found.origin = Origin::Added;
        self
    }

    /// One that comes with the program.
    pub fn sample(mut self) -> Self {
        self.found.origin = Origin::Sample;
        self
    }

    /// A commit on a day of January 2026.
    pub fn commit(self, on: u32, subject: &str, changes: Vec<Change>) -> Self {
        self.commit_at(day(on), subject, changes)
    }

    pub fn commit_at(mut self, at: Timestamp, subject: &str, changes: Vec<Change>) -> Self {
        self.commits.push((at, subject.to_owned(), changes));
        self
    }

    pub fn problem(mut self, path: &str, line: u32, message: &str) -> Self {
        let problem = FoundProblem {
            class: ProblemClass::Syntax,
            line: Some(line),
            column: Some(1),
            message: message.to_owned(),
        };
        self.problems.push((path.to_owned(), problem));
        self
    }

    /// Stores the repository as a sync and a scan would; its id.
    pub async fn store(self, app: &TestApp) -> Uuid {
        let db = &app.state.db;
        let stored =
            repositories::upsert_repositories(&db.write, std::slice::from_ref(&self.found), day(1)).await.unwrap();
        let (id, new) = stored[0];
        assert!(new, "{} is there already", self.found.full_name);
        let Some((last, _, _)) = self.commits.last() else { return id };
        let last = *last;
        let name = self.found.full_name.clone();
        let head = commit_id(&name, self.commits.len() - 1);
        let synced = SyncedHead { branch: "main".to_owned(), head, committed_at: last, clone_bytes: 1_000 };
        repositories::record_synced(&db.write, id, &synced, last).await.unwrap();

        let run = scans::begin_scan(&db.write, id, last).await.unwrap();
        let batch = self.batch();
        scans::apply_batch(&db.write, id, run, &batch, last).await.unwrap();
        scans::finish_scan(&db.write, id, run, HeadFigures { yaml_files: 3 }, last).await.unwrap();
        id
    }

    fn batch(&self) -> Batch {
        let name = &self.found.full_name;
        let mut resources: HashMap<String, FoundResource> = HashMap::new();
        let mut manifests: HashMap<ObjectId, FoundManifest> = HashMap::new();
        let mut commits = Vec::new();
        for (sequence, (at, subject, changes)) in self.commits.iter().enumerate() {
            let id = commit_id(name, sequence);
            let sequence = i64::try_from(sequence).unwrap();
            let mut events = Vec::new();
            for change in changes {
                let (event_type, manifest) = match change {
                    Change::Create(manifest) => (EventType::Created, manifest),
                    Change::Modify(manifest) => (EventType::Modified, manifest),
                    Change::Delete(manifest) => (EventType::Deleted, manifest),
                };
                let text = manifest.text();
                manifests.entry(manifest.blob()).or_insert_with(|| FoundManifest {
                    id: manifest.blob(),
                    compressed: text::compress(text.as_bytes()).unwrap(),
                    size: i64::try_from(text.len()).unwrap(),
                });
                let known = resources.get(&manifest.key()).cloned();
                let mut resource = found_resource(manifest, id, sequence, *at, known.as_ref());
                if event_type == EventType::Deleted {
                    resource.status = ResourceStatus::Deleted;
                    resource.deleted_at = Some(*at);
                }
                events.push(found_event(manifest, event_type, &resource, known.as_ref()));
                resources.insert(manifest.key(), resource);
            }
            commits.push(FoundCommit {
                id,
                sequence,
                committed_at: *at,
                author_name: "Ada".to_owned(),
                subject: subject.clone(),
                events,
            });
        }
        let last = commits.last().unwrap();
        let through = ScannedCommit { id: last.id, sequence: last.sequence, committed_at: last.committed_at };
        let problems = self.problems.iter().map(|(path, problem)| FileProblems {
            file_path: path.clone(),
            commit: through.id,
            since: through.committed_at,
            problems: vec![problem.clone()],
        });
        Batch {
            after: None,
            through: Some(through),
            uses: uses(name, through, resources.values()),
            problems: problems.collect(),
            resources: resources.into_values().collect(),
            manifests: manifests.into_values().collect(),
            commits,
        }
    }
}

/// The charts that resources install, and what they name, as they stand at the head.
fn uses<'r>(repository: &str, at: ScannedCommit, resources: impl Iterator<Item = &'r FoundResource>) -> UsesBatch {
    let point = LinePoint { sequence: at.sequence, time: at.committed_at.timestamp() };
    let mut batch = UsesBatch { commits: vec![UseCommit { id: at.id, at: point }], ..UsesBatch::default() };
    for resource in resources.filter(|resource| resource.status == ResourceStatus::Active) {
        let id =
            |text: &str| text.bytes().fold(7_i64, |id, byte| id.wrapping_mul(31).wrapping_add(i64::from(byte))) >> 11;
        if resource.kind == "Deployment" {
            let edge = id(&format!("edge {repository}{}", resource.file_path)).abs();
            batch.references.push(FoundReference {
                id: edge,
                key: edge,
                file_path: resource.file_path.clone(),
                from_kind: resource.kind.clone(),
                from_name: resource.name.clone(),
                field: "pod.envFrom[]".to_owned(),
                kind: "ConfigMap".to_owned(),
                namespace: resource.namespace.clone(),
                name: "settings".to_owned(),
                status: ReferenceStatus::Resolved,
                span: Span { from: point, to: None },
            });
        }
        for (place, image) in (0..).zip(&resource.images) {
            let image_id = id(&image.image).abs();
            batch.images.push((image_id, image.image.clone()));
            let facts = ImageUseFacts {
                release_id: None,
                chart_id: None,
                place: ImagePlaceKind::Resource,
                file_path: resource.file_path.clone(),
                document: "0".to_owned(),
                kind: Some(resource.kind.clone()),
                name: Some(resource.name.clone()),
                path: image.field_path.clone(),
                state: ImageState::Image,
                image_id: Some(image_id),
                tag: image.tag.clone(),
                digest: image.digest.clone(),
                written: None,
                variables: Default::default(),
            };
            let use_id = id(&format!("{repository}{}{}{place}", resource.file_path, image.field_path)).abs();
            batch.image_uses.push(FoundImageUse {
                id: use_id,
                ordinal: place,
                facts,
                span: Span { from: point, to: None },
            });
        }
        let Some(chart) = resource.charts.first() else { continue };
        let key = format!("charts.example.org/{}", chart.name);
        let (chart_id, release_id) = (id(&key).abs(), id(&format!("{repository}{}", resource.file_path)).abs());
        batch.sources.push(FoundChartSource {
            id: chart_id,
            key: key.clone(),
            url: "https://charts.example.org".to_owned(),
            chart_id,
            chart_key: key,
            chart_name: chart.name.clone(),
        });
        batch.releases.push(FoundRelease { id: release_id, first_sequence: point.sequence });
        batch.uses.push(FoundChartUse {
            id: release_id,
            release_id,
            facts: ChartUseFacts {
                chart_id: Some(chart_id),
                source_id: Some(chart_id),
                file_path: resource.file_path.clone(),
                document: "0".to_owned(),
                part: None,
                kind: ChartUseKind::HelmRelease,
                name: Some(resource.name.clone()),
                release_name: Some(resource.name.clone()),
                namespace: resource.namespace.clone(),
                chart_name: Some(chart.name.clone()),
                source_url: chart.url.clone(),
                version: chart.version.clone(),
                version_kind: VersionKind::Exact,
                digest: None,
                how: ChartResolution::HelmRepository,
                reason: None,
                by_name: false,
                rendered: Renderer::Flux,
                values_resolved: 0,
                values_missing: 0,
                values_secret: 0,
                variables: Default::default(),
            },
            span: Span { from: point, to: None },
        });
    }
    batch
}

fn found_resource(
    manifest: &Manifest,
    commit: ObjectId,
    sequence: i64,
    at: Timestamp,
    known: Option<&FoundResource>,
) -> FoundResource {
    let chart = manifest.version.as_ref().map(|version| FoundChart {
        name: manifest.name.clone(),
        url: Some("https://charts.example.org".to_owned()),
        version: Some(version.clone()),
    });
    let image = manifest.image.map(|image| FoundImage {
        image: image.to_owned(),
        tag: Some("1.0".to_owned()),
        digest: None,
        field_path: "spec.template.spec.containers[0].image".to_owned(),
    });
    FoundResource {
        id: known.map_or_else(Uuid::now_v7, |known| known.id),
        api_version: manifest.api_version.to_owned(),
        kind: manifest.kind.to_owned(),
        name: manifest.name.clone(),
        namespace: manifest.namespace.map(str::to_owned),
        namespace_inherited: None,
        file_path: manifest.path(),
        file_hash: manifest.hash(),
        version: manifest.version.clone(),
        data: serde_json::json!({ "version": manifest.version }).to_string(),
        status: ResourceStatus::Active,
        place: manifest.place(),
        created_at: known.map_or(at, |known| known.created_at),
        updated_at: at,
        deleted_at: None,
        first_sequence: known.map_or(sequence, |known| known.first_sequence),
        commit,
        new_events: known.map_or(1, |known| known.new_events + 1),
        source: None,
        charts: chart.into_iter().collect(),
        images: image.into_iter().collect(),
    }
}

fn found_event(
    manifest: &Manifest,
    event_type: EventType,
    resource: &FoundResource,
    known: Option<&FoundResource>,
) -> FoundEvent {
    let before = known.and_then(|known| known.version.clone());
    let deleted = event_type == EventType::Deleted;
    let after = (!deleted).then(|| manifest.version.clone()).flatten();
    let mut changes_detected = match event_type {
        EventType::Created => vec!["resource_created".to_owned()],
        EventType::Deleted => vec!["resource_deleted".to_owned()],
        EventType::Modified => vec!["file_content".to_owned(), "version".to_owned()],
        EventType::Resurrected => vec!["resource_resurrected".to_owned()],
    };
    let mut changes = Vec::new();
    if event_type == EventType::Modified {
        changes_detected.push("spec.version".to_owned());
        changes.push(FieldChange { path: "spec.version".to_owned(), old: before.clone(), new: after.clone() });
    }
    FoundEvent {
        resource_id: resource.id,
        event_type,
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
        name: resource.name.clone(),
        namespace: resource.namespace.clone(),
        file_path: resource.file_path.clone(),
        file_path_before: None,
        file_hash_before: known.map(|known| known.file_hash.clone()),
        file_hash_after: (!deleted).then(|| resource.file_hash.clone()),
        version_before: before,
        version_after: after,
        changes_detected,
        changes_total: i64::try_from(changes.len()).unwrap(),
        changes,
        place: (!deleted).then_some(resource.place),
        caused_by_resource_id: None,
    }
}
