//! What the gallery shows: one of each state, the same in the browser and on the server.

use chrono::{DateTime, TimeDelta};
use entity::kind::{EventType, GitOpsTool, JobKind, JobState, RequestedBy, SyncStatus};
use entity::view::{
    ActivityBucket, ChartStep, Event, FieldChange, Job, MASK, ResourceTreeRow, ResourceVersion, Timestamp,
};
use uuid::Uuid;

use crate::components::Glyph;

#[cfg(feature = "ssr")]
pub(super) const OLD: &str = include_str!("old.yaml");
#[cfg(feature = "ssr")]
pub(super) const NEW: &str = include_str!("new.yaml");

pub(super) const ROWS: [(&str, SyncStatus, GitOpsTool, i64); 5] = [
    ("home/cluster", SyncStatus::Success, GitOpsTool::Flux, 12_340),
    ("team/app-of-apps", SyncStatus::Syncing, GitOpsTool::ArgoCd, 830),
    ("a-very-long-owner-name/with-an-even-longer-repository-name", SyncStatus::Error, GitOpsTool::Both, 17),
    ("plain/manifests", SyncStatus::Blocked, GitOpsTool::Plain, 2),
    ("new/one", SyncStatus::Pending, GitOpsTool::None, 0),
];

pub(super) const GLYPHS: &[Glyph] = Glyph::ALL;

pub(super) fn now() -> Timestamp {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default()
}

pub(super) fn ago(seconds: i64) -> Timestamp {
    now() - TimeDelta::seconds(seconds)
}

fn event(number: u128, event_type: EventType, kind: &str, name: &str) -> Event {
    Event {
        id: Uuid::from_u128(number),
        event_type,
        event_timestamp: ago(i64::try_from(number).unwrap_or(0) * 7_000),
        resource_name: name.to_owned(),
        resource_namespace: Some("observability".to_owned()),
        resource_namespace_inherited: None,
        resource_kind: kind.to_owned(),
        resource_api_version: "helm.toolkit.fluxcd.io/v2".to_owned(),
        file_path: format!("kubernetes/apps/observability/{name}/app/helmrelease.yaml"),
        changes_detected: Vec::new(),
        sync_run_id: Uuid::nil(),
        repository_id: Uuid::from_u128(1),
        repository_full_name: "home/cluster".to_owned(),
        resource_id: Uuid::from_u128(number),
        commit: format!("{number:x}c0ffee{:033x}", number * 7_919),
        commit_subject: "feat(container): update image ghcr.io/example/grafana (1.2.3 → 1.3.0)".to_owned(),
        author_name: "renovate[bot]".to_owned(),
        file_path_before: None,
        version_before: None,
        version_after: None,
        file_hash_before: None,
        file_hash_after: None,
        changes: Vec::new(),
        changes_total: 0,
        caused_by_resource_id: None,
        chart_step: None,
    }
}

pub(super) fn events() -> Vec<Event> {
    let bump = Event {
        version_before: Some("1.2.3".to_owned()),
        version_after: Some("1.3.0".to_owned()),
        chart_step: Some(ChartStep {
            chart_id: 1,
            chart_key: "charts.example.org/grafana".to_owned(),
            from: "1.2.3".to_owned(),
            to: "1.3.0".to_owned(),
        }),
        ..event(1, EventType::Modified, "HelmRelease", "grafana")
    };
    let field = Event {
        changes: changes().split_off(3),
        changes_total: 1,
        ..event(2, EventType::Modified, "Deployment", "echo")
    };
    let moved = Event {
        file_path_before: Some("cluster/apps/old/helmrelease.yaml".to_owned()),
        ..event(3, EventType::Modified, "HelmRelease", "a-resource-with-a-rather-long-name-that-goes-on")
    };
    let many = Event { changes: changes(), changes_total: 9, ..event(4, EventType::Modified, "ConfigMap", "settings") };
    let same = |n, event_type, kind, name| Event { commit: "5".repeat(40), ..event(n, event_type, kind, name) };
    vec![
        bump,
        field,
        moved,
        many,
        Event { version_after: Some("0.4.1".to_owned()), ..same(5, EventType::Created, "HelmRelease", "loki") },
        same(6, EventType::Created, "OCIRepository", "loki"),
        same(7, EventType::Deleted, "HelmRelease", "promtail"),
        same(8, EventType::Resurrected, "Kustomization", "cluster-apps"),
        event(9, EventType::Deleted, "Secret", "old-token"),
    ]
}

pub(super) fn changes() -> Vec<FieldChange> {
    let change = |path: &str, old: Option<&str>, new: Option<&str>| FieldChange {
        path: path.to_owned(),
        old: old.map(str::to_owned),
        new: new.map(str::to_owned),
    };
    vec![
        change("spec.chart.spec.version", Some("1.2.3"), Some("1.3.0")),
        change(
            "spec.values.ingress.annotations.\"cert-manager.io/cluster-issuer\"",
            None,
            Some("letsencrypt-production"),
        ),
        change("stringData.password", Some(MASK), Some(MASK)),
        change("spec.replicas", Some("1"), Some("3")),
        change(
            "spec.values.args[3]",
            Some("--a-long-argument=with a long value that has to be broken over several lines somewhere"),
            None,
        ),
    ]
}

pub(super) fn versions() -> Vec<ResourceVersion> {
    let version = |number: i64, event_type, days: i64, before: Option<&str>, after: &str| ResourceVersion {
        number,
        event: Event {
            event_timestamp: ago(days * 86_400),
            version_before: before.map(str::to_owned),
            version_after: Some(after.to_owned()),
            ..event(u128::try_from(number).unwrap_or(0), event_type, "HelmRelease", "grafana")
        },
        line_start: 1,
        line_end: 40,
        web_url: (number > 2).then(|| "https://example.org".to_owned()),
    };
    vec![
        version(5, EventType::Resurrected, 3, None, "1.3.0"),
        version(4, EventType::Deleted, 12, Some("1.3.0"), "1.3.0"),
        version(3, EventType::Modified, 40, Some("1.2.3"), "1.3.0"),
        version(2, EventType::Modified, 200, Some("1.2.3"), "1.2.3"),
        version(1, EventType::Created, 410, None, "1.2.3"),
    ]
}

pub(super) fn jobs() -> Vec<Job> {
    let job = |state, done: Option<i64>, text: Option<&str>| Job {
        id: Uuid::from_u128(1),
        kind: JobKind::ScanRepository,
        state,
        repository_id: Some(Uuid::from_u128(1)),
        repository_full_name: Some("home/cluster".to_owned()),
        requested_by: RequestedBy::Page,
        attempts: 1,
        progress_text: text.map(str::to_owned),
        progress_done: done,
        progress_total: done.map(|_| 25_700),
        result: (state == JobState::Succeeded).then(|| "412 commits, 1 204 changes".to_owned()),
        error: (state == JobState::Failed).then(|| "the remote did not answer within 30 s".to_owned()),
        created_at: ago(300),
        run_at: ago(300),
        started_at: Some(ago(200)),
        finished_at: state.is_finished().then(|| ago(100)),
        worker: None,
    };
    vec![
        job(JobState::Queued, None, None),
        job(JobState::Running, None, Some("listing refs")),
        job(JobState::Running, Some(9_412), Some("replaying commits")),
        job(JobState::Succeeded, None, None),
        job(JobState::Failed, None, None),
    ]
}

pub(super) fn tree() -> Vec<ResourceTreeRow> {
    [
        ("clusters/home/apps.yaml", "Kustomization", "apps", Some("flux-system"), None),
        (
            "kubernetes/apps/observability/grafana/helmrelease.yaml",
            "HelmRelease",
            "grafana",
            Some("observability"),
            Some("1.3.0"),
        ),
        (
            "kubernetes/apps/observability/grafana/helmrelease.yaml#1",
            "OCIRepository",
            "grafana",
            Some("observability"),
            Some("1.3.0"),
        ),
        ("kubernetes/apps/default/echo/deployment.yaml", "Deployment", "echo", None, None),
    ]
    .into_iter()
    .enumerate()
    .map(|(number, (path, kind, name, namespace, version))| ResourceTreeRow {
        id: Uuid::from_u128(number as u128),
        file_path: path.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        namespace: namespace.map(str::to_owned),
        version: version.map(str::to_owned),
    })
    .collect()
}

pub(super) fn buckets() -> Vec<ActivityBucket> {
    (0..90)
        .map(|day: i64| {
            let start = ago((90 - day) * 86_400).format("%Y-%m-%d").to_string();
            let wave = (day * 37) % 11;
            ActivityBucket {
                start,
                days: 1,
                created: if day % 9 == 0 { wave } else { 0 },
                modified: if day % 7 > 4 { 0 } else { wave * 2 },
                deleted: day % 13 / 9,
                resurrected: i64::from(day % 31 == 30),
            }
        })
        .collect()
}
