//! What is invented: repositories, commits, resources, problems.

use chrono::TimeDelta;
use entity::input::{
    Batch, FileProblems, FoundChart, FoundCommit, FoundEvent, FoundImage, FoundManifest, FoundProblem, FoundRepository,
    FoundResource, ObjectId, SourceRef, TextPlace,
};
use entity::kind::{EventType, Origin, ProblemClass, Provider, ResourceStatus};
use entity::view::{FieldChange, Timestamp};
use store::db::{new_id, text};

use super::{DAYS, Dice, Scale, now};

const KINDS: &[(&str, &str)] = &[
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
    ("source.toolkit.fluxcd.io/v1", "HelmRepository"),
    ("source.toolkit.fluxcd.io/v1", "OCIRepository"),
    ("external-secrets.io/v1", "ExternalSecret"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Namespace"),
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("monitoring.coreos.com/v1", "PrometheusRule"),
];
pub(super) const APPS: &[&str] = &[
    "grafana",
    "prometheus",
    "loki",
    "sonarr",
    "radarr",
    "plex",
    "jellyfin",
    "immich",
    "authelia",
    "traefik",
    "nginx",
    "cert-manager",
    "external-dns",
    "cilium",
    "longhorn",
    "rook-ceph",
    "volsync",
    "postgres",
    "redis",
    "gitea",
    "minio",
    "velero",
    "reloader",
    "spegel",
    "kyverno",
    "paperless",
    "n8n",
    "vaultwarden",
    "home-assistant",
    "zigbee2mqtt",
];
pub(super) const PARTS: &[&str] =
    &["", "-app", "-config", "-data", "-web", "-db", "-cache", "-backup", "-metrics", "-worker"];
const NAMESPACES: &[&str] =
    &["default", "kube-system", "flux-system", "monitoring", "media", "network", "security", "storage", "database"];

pub(super) fn invent_repository(number: u32, dice: &mut Dice) -> FoundRepository {
    let name = format!("{}-{number}", dice.pick(&["home-ops", "k8s-gitops", "cluster", "homelab", "infra"]));
    let owner = format!("{}{}", dice.pick(&["ada", "kim", "lee", "sol", "max"]), number / 5);
    let full_name = format!("{owner}/{name}");
    let url = format!("https://github.com/{full_name}");
    FoundRepository {
        web_url: Some(url.clone()),
        url,
        owner,
        name,
        full_name,
        description: Some(format!("Kubernetes at home, number {number}")),
        provider: Provider::Github,
        origin: Origin::Config,
        enabled: true,
        branch_regex: None,
        polling_interval_seconds: None,
        topics: vec!["kubernetes".to_owned(), "gitops".to_owned()],
    }
}

pub(super) fn invent_problem(number: u64, batch: &Batch) -> FileProblems {
    FileProblems {
        file_path: format!("templates/broken-{number}.yaml"),
        commit: batch.through.map_or(ObjectId([0; 20]), |through| through.id),
        since: now(),
        problems: vec![FoundProblem {
            class: ProblemClass::Template,
            line: Some(3),
            column: Some(1),
            message: "a template, not YAML".to_owned(),
        }],
    }
}

pub(super) fn invent_commit(
    sequence: i64,
    commits: i64,
    scale: Scale,
    resources: &mut Vec<FoundResource>,
    batch: &mut Batch,
    touched: &mut std::collections::BTreeSet<usize>,
    dice: &mut Dice,
) -> FoundCommit {
    let minutes = DAYS * 24 * 60;
    let committed_at =
        now() - TimeDelta::minutes(minutes - minutes * sequence / commits) + TimeDelta::seconds(dice.roll(60) as i64);
    let id = dice.object();
    let mut events = Vec::new();
    let wanted = scale.resources as usize;
    if resources.len() < wanted {
        for _ in 0..20.min(wanted - resources.len()) {
            let place = resources.len();
            let resource = invent_resource(place, id, sequence, committed_at, batch, dice);
            events.push(event_of(&resource, EventType::Created, None, vec!["resource_created".to_owned()], Vec::new()));
            resources.push(resource);
            touched.insert(place);
        }
    } else {
        let first = dice.roll(wanted as u64) as usize;
        for place in [first, (first + 1) % wanted] {
            let resource = &mut resources[place];
            let before = resource.version.clone();
            let deleted = resource.status == ResourceStatus::Deleted;
            resource.new_events += 1;
            resource.updated_at = committed_at;
            resource.commit = id;
            if deleted {
                resource.status = ResourceStatus::Active;
                resource.deleted_at = None;
                let tags = vec!["resource_resurrected".to_owned()];
                events.push(event_of(resource, EventType::Resurrected, before, tags, Vec::new()));
            } else if dice.roll(25) == 0 {
                resource.status = ResourceStatus::Deleted;
                resource.deleted_at = Some(committed_at);
                let tags = vec!["resource_deleted".to_owned()];
                events.push(event_of(resource, EventType::Deleted, before, tags, Vec::new()));
            } else {
                let version = dice.roll(3) == 0 && resource.version.is_some();
                let mut tags = vec!["file_content".to_owned()];
                if version {
                    resource.version = Some(format!("{}.{}.{}", dice.roll(9), dice.roll(30), dice.roll(30)));
                    tags.push("version".to_owned());
                }
                tags.push("spec.values.image.tag".to_owned());
                resource.place.blob = dice.object();
                resource.file_hash = hash(dice);
                if dice.roll(4) == 0 {
                    batch.manifests.push(manifest(resource));
                }
                let (old, new) = (format!("1.{}", dice.roll(90)), format!("1.{}", dice.roll(90)));
                let change = FieldChange { path: "spec.values.image.tag".to_owned(), old: Some(old), new: Some(new) };
                events.push(event_of(resource, EventType::Modified, before, tags, vec![change]));
            }
            touched.insert(place);
        }
    }
    FoundCommit {
        id,
        sequence,
        committed_at,
        author_name: dice.pick(&["Ada", "Kim", "renovate[bot]"]).to_owned(),
        subject: format!("feat(container): update image {} ({sequence})", dice.pick(APPS)),
        events,
    }
}

pub(super) fn hash(dice: &mut Dice) -> String {
    (0..4).map(|_| format!("{:016x}", dice.roll(u64::MAX))).collect()
}

pub(super) fn manifest(resource: &FoundResource) -> FoundManifest {
    let yaml = format!(
        "apiVersion: {}\nkind: {}\nmetadata:\n  name: {}\n  namespace: {}\nspec:\n  interval: 1h\n  hash: {}\n  \
         chart:\n    spec:\n      chart: app-template\n      version: {}\n",
        resource.api_version,
        resource.kind,
        resource.name,
        resource.namespace.as_deref().unwrap_or_default(),
        resource.file_hash,
        resource.version.as_deref().unwrap_or_default(),
    );
    FoundManifest {
        id: resource.place.blob,
        compressed: text::compress(yaml.as_bytes()).unwrap_or_default(),
        size: i64::try_from(yaml.len()).unwrap_or(0),
    }
}

pub(super) fn invent_resource(
    place: usize,
    commit: ObjectId,
    sequence: i64,
    at: Timestamp,
    batch: &mut Batch,
    dice: &mut Dice,
) -> FoundResource {
    let (api_version, kind) = KINDS[place % KINDS.len()];
    let app = dice.pick(APPS);
    let name = format!("{app}{}", dice.pick(PARTS));
    let namespace = dice.pick(NAMESPACES);
    let release = kind == "HelmRelease";
    let mut resource = FoundResource {
        id: new_id(at),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: (dice.roll(3) > 0).then(|| namespace.to_owned()),
        namespace_inherited: (dice.roll(3) == 0).then(|| namespace.to_owned()),
        file_path: format!("kubernetes/apps/{namespace}/{app}/{place}/{}.yaml", kind.to_lowercase()),
        name,
        file_hash: hash(dice),
        version: release.then(|| format!("{}.{}.{}", dice.roll(9), dice.roll(30), dice.roll(30))),
        data: format!("{{\"interval\":\"1h\",\"values\":{{\"image\":{{\"tag\":\"1.{}\"}}}}}}", dice.roll(90)),
        status: ResourceStatus::Active,
        place: TextPlace { blob: dice.object(), line_start: 1, line_end: 11 },
        created_at: at,
        updated_at: at,
        deleted_at: None,
        first_sequence: sequence,
        commit,
        new_events: 1,
        source: None,
        charts: Vec::new(),
        images: Vec::new(),
    };
    if release {
        let source = dice.pick(APPS).to_owned();
        resource.source = Some(SourceRef { kind: "HelmRepository".to_owned(), name: source.clone(), namespace: None });
        resource.charts.push(FoundChart {
            name: app.to_owned(),
            url: Some(format!("https://{app}.example/charts")),
            version: resource.version.clone(),
        });
        resource.images.push(FoundImage {
            image: format!("ghcr.io/{app}/{app}"),
            tag: Some("1.2.3".to_owned()),
            digest: None,
            field_path: "spec.values.image".to_owned(),
        });
    }
    batch.manifests.push(manifest(&resource));
    resource
}

pub(super) fn event_of(
    resource: &FoundResource,
    event_type: EventType,
    version_before: Option<String>,
    changes_detected: Vec<String>,
    changes: Vec<FieldChange>,
) -> FoundEvent {
    FoundEvent {
        resource_id: resource.id,
        event_type,
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
        name: resource.name.clone(),
        namespace: resource.namespace.clone(),
        file_path: resource.file_path.clone(),
        file_path_before: None,
        file_hash_before: (event_type != EventType::Created).then(|| resource.file_hash.clone()),
        file_hash_after: (event_type != EventType::Deleted).then(|| resource.file_hash.clone()),
        version_before,
        version_after: resource.version.clone(),
        changes_detected,
        changes_total: changes.len() as i64,
        changes,
        place: (event_type != EventType::Deleted).then_some(resource.place),
        caused_by_resource_id: None,
    }
}
