//! What a scan would bring in, in few words.

use entity::input::*;
use entity::kind::*;
use entity::view::{FieldChange, Timestamp};
use store::db::{Db, text};
use store::{repositories, scans};
use uuid::Uuid;

use super::{at, time};

pub fn oid(number: u8) -> ObjectId {
    let mut bytes = [number; 20];
    bytes[0] = number.wrapping_mul(37);
    ObjectId(bytes)
}

pub fn repository(full_name: &str) -> FoundRepository {
    let (owner, name) = full_name.split_once('/').unwrap_or(("", full_name));
    FoundRepository {
        url: format!("https://github.com/{full_name}"),
        owner: owner.to_owned(),
        name: name.to_owned(),
        full_name: full_name.to_owned(),
        description: None,
        provider: Provider::Github,
        origin: Origin::Config,
        web_url: Some(format!("https://github.com/{full_name}")),
        enabled: true,
        branch_regex: None,
        polling_interval_seconds: None,
        topics: vec![],
    }
}

pub async fn add_repository(db: &Db, full_name: &str) -> Uuid {
    repositories::upsert_repositories(&db.write, &[repository(full_name)], at(8, 0)).await.unwrap()[0].0
}

/// An active resource of the first commit, lines 1 to 3 of its file.
pub fn resource(api_version: &str, kind: &str, name: &str, file_path: &str) -> FoundResource {
    FoundResource {
        id: Uuid::now_v7(),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        namespace: Some("default".to_owned()),
        namespace_inherited: None,
        file_path: file_path.to_owned(),
        file_hash: "a".repeat(64),
        version: None,
        data: "{\"interval\":\"1h\"}".to_owned(),
        status: ResourceStatus::Active,
        place: TextPlace { blob: oid(1), line_start: 1, line_end: 3 },
        created_at: time("2026-01-01T10:00:00Z"),
        updated_at: time("2026-01-01T10:00:00Z"),
        deleted_at: None,
        first_sequence: 0,
        commit: oid(100),
        new_events: 1,
        source: None,
        charts: vec![],
        images: vec![],
    }
}

pub fn event(resource: &FoundResource, event_type: EventType) -> FoundEvent {
    let tag = match event_type {
        EventType::Created => "resource_created",
        EventType::Modified => "file_content",
        EventType::Deleted => "resource_deleted",
        EventType::Resurrected => "resource_resurrected",
    };
    FoundEvent {
        resource_id: resource.id,
        event_type,
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
        name: resource.name.clone(),
        namespace: resource.namespace.clone(),
        file_path: resource.file_path.clone(),
        file_path_before: None,
        file_hash_before: None,
        file_hash_after: Some(resource.file_hash.clone()),
        version_before: None,
        version_after: resource.version.clone(),
        changes_detected: vec![tag.to_owned()],
        changes: vec![FieldChange { path: "spec.interval".into(), old: None, new: Some("1h".into()) }],
        changes_total: 1,
        place: (event_type != EventType::Deleted).then_some(resource.place),
        caused_by_resource_id: None,
    }
}

/// A commit on a day of January 2026 whose hash is `oid(100 + sequence)`.
pub fn commit(sequence: u8, events: Vec<FoundEvent>) -> FoundCommit {
    FoundCommit {
        id: oid(100 + sequence),
        sequence: i64::from(sequence),
        committed_at: day(sequence),
        author_name: "Ada".to_owned(),
        subject: format!("commit {sequence}"),
        events,
    }
}

pub fn day(sequence: u8) -> Timestamp {
    time(&format!("2026-01-{:02}T10:00:00Z", sequence + 1))
}

pub fn scanned(sequence: u8) -> ScannedCommit {
    ScannedCommit { id: oid(100 + sequence), sequence: i64::from(sequence), committed_at: day(sequence) }
}

pub fn manifest(id: ObjectId, yaml: &str) -> FoundManifest {
    FoundManifest { id, compressed: text::compress(yaml.as_bytes()).unwrap(), size: yaml.len() as i64 }
}

/// A batch of these commits after the one before the first of them.
pub fn batch(commits: Vec<FoundCommit>, resources: Vec<FoundResource>) -> Batch {
    let first = commits.first().unwrap().sequence;
    let last = commits.last().unwrap().sequence as u8;
    Batch {
        after: (first > 0).then(|| oid(100 + (first as u8) - 1)),
        through: Some(scanned(last)),
        commits,
        resources,
        manifests: vec![],
        problems: vec![],
        uses: UsesBatch::default(),
    }
}

/// Applies a batch in a scan of its own and ends the scan.
pub async fn scan(db: &Db, repository: Uuid, batch: &Batch) -> u64 {
    let run = scans::begin_scan(&db.write, repository, at(9, 0)).await.unwrap();
    let events = scans::apply_batch(&db.write, repository, run, batch, at(9, 1)).await.unwrap();
    scans::finish_scan(&db.write, repository, run, HeadFigures { yaml_files: 7 }, at(9, 2)).await.unwrap();
    events
}

/// From the first commit on.
const FROM_THE_START: Span = Span { from: LinePoint { sequence: 0, time: 1_767_225_600 }, to: None };

/// A release by a HelmRelease that is called as its chart; where the chart comes from is not known.
pub fn chart_use(id: i64, file_path: &str, name: &str) -> FoundChartUse {
    let facts = ChartUseFacts {
        chart_id: None,
        source_id: None,
        file_path: file_path.to_owned(),
        document: "0".to_owned(),
        part: None,
        kind: ChartUseKind::HelmRelease,
        name: Some(name.to_owned()),
        release_name: Some(name.to_owned()),
        namespace: None,
        chart_name: Some(name.to_owned()),
        source_url: None,
        version: None,
        version_kind: VersionKind::Exact,
        digest: None,
        how: ChartResolution::HelmRepository,
        reason: None,
        by_name: false,
        rendered: Renderer::None,
        values_resolved: 0,
        values_missing: 0,
        values_secret: 0,
        variables: Default::default(),
    };
    FoundChartUse { id, release_id: id, facts, span: FROM_THE_START }
}

/// An image in a resource.
pub fn image_use(id: i64, file_path: &str, path: &str, image: i64) -> FoundImageUse {
    let facts = ImageUseFacts {
        release_id: None,
        chart_id: None,
        place: ImagePlaceKind::Resource,
        file_path: file_path.to_owned(),
        document: "0".to_owned(),
        kind: None,
        name: None,
        path: path.to_owned(),
        state: ImageState::Image,
        image_id: Some(image),
        tag: None,
        digest: None,
        written: None,
        variables: Default::default(),
    };
    FoundImageUse { id, ordinal: 0, facts, span: FROM_THE_START }
}

/// Tells of a release at a place what it was from each of these commits of the batch on: the version of a chart, and empty once it
/// is gone. The chart's place is known.
pub fn install(batch: &mut Batch, id: i64, file_path: &str, chart: &str, states: &[(usize, &str)]) {
    let point = |place: usize| {
        let commit = &batch.commits[place];
        LinePoint { sequence: commit.sequence, time: commit.committed_at.timestamp() }
    };
    let points: Vec<LinePoint> = states.iter().map(|(place, _)| point(*place)).collect();
    let chart_id = chart_id(chart);
    let key = format!("charts.example/{chart}");
    let uses = &mut batch.uses;
    for (at, (place, _)) in points.iter().zip(states) {
        if uses.commits.iter().all(|commit| commit.at != *at) {
            uses.commits.push(UseCommit { id: batch.commits[*place].id, at: *at });
        }
    }
    uses.sources.push(FoundChartSource {
        id: chart_id,
        key: key.clone(),
        url: "https://charts.example".to_owned(),
        chart_id,
        chart_key: key,
        chart_name: chart.to_owned(),
    });
    uses.releases.push(FoundRelease { id, first_sequence: points[0].sequence });
    for (place, (_, version)) in states.iter().enumerate().filter(|(_, (_, version))| !version.is_empty()) {
        let mut one = chart_use(id, file_path, chart);
        one.id = id * 100 + place as i64;
        one.facts.chart_id = Some(chart_id);
        one.facts.source_id = Some(chart_id);
        one.facts.version = Some((*version).to_owned());
        one.span = Span { from: points[place], to: points.get(place + 1).copied() };
        uses.uses.push(one);
    }
}

/// The id of a chart that is installed by its name.
pub fn chart_id(chart: &str) -> i64 {
    chart.bytes().fold(1, |sum, byte| sum * 31 % 1_000_000_007 + i64::from(byte))
}
