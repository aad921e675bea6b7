//! Tekton EventListeners: CloudEvents 1.0 in binary mode, as RepoSentry sent them. Bindings and interceptors depend on every
//! name and value, so what is there stands as it stood; what Kubestats adds stands behind it.

use std::collections::BTreeMap;

use entity::value::ObjectId;
use entity::view::{TektonFound, TektonResource};
use serde::Serialize;

use super::{Content, MAX_RESOURCES, Request, TargetError, TargetSecrets, Telling, check, json, second};

/// What RepoSentry wrote where it knew no message.
const NO_MESSAGE: &str = "No commit message available";
/// As many digits of a commit.
const SHORT: usize = 8;
/// Where no commit is: Git's own word for it, which nothing can check out by mistake.
const NO_COMMIT: ObjectId = ObjectId([0; 20]);

#[derive(Serialize)]
struct Body<'a> {
    repository: Repository<'a>,
    branch: Branch<'a>,
    commit: Commit<'a>,
    event: Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_commit: Option<PreviousCommit>,
    /// Not RepoSentry's.
    #[serde(skip_serializing_if = "Option::is_none")]
    detection: Option<Detection<'a>>,
}

#[derive(Serialize)]
struct Repository<'a> {
    provider: &'static str,
    organization: &'a str,
    name: &'a str,
    full_name: &'a str,
    url: &'a str,
    id: String,
}

#[derive(Serialize)]
struct Branch<'a> {
    name: &'a str,
    #[serde(rename = "ref")]
    reference: String,
}

#[derive(Serialize)]
struct Commit<'a> {
    sha: String,
    short_sha: String,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Author<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
    email: &'a str,
}

#[derive(Serialize)]
struct Event {
    #[serde(rename = "type")]
    kind: &'static str,
    trigger_source: &'static str,
    trigger_id: String,
    detection_time: String,
}

#[derive(Serialize)]
struct PreviousCommit {
    sha: String,
    short_sha: String,
}

/// What the commit brings, by the names that RepoSentry had for it and never sent.
#[derive(Serialize)]
pub(super) struct Detection<'a> {
    has_tekton_directory: bool,
    scan_path: &'static str,
    total_files: u32,
    valid_files: u32,
    resources: Vec<Resource<'a>>,
    resource_counts: BTreeMap<&'a str, usize>,
    estimated_action: &'static str,
    action_reasons: &'a [String],
    errors: &'a [String],
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Resource<'a> {
    api_version: &'a str,
    kind: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    file_path: &'a str,
    resource_index: u32,
    is_valid: bool,
    errors: &'a [String],
    dependencies: &'a [String],
}

impl<'a> Detection<'a> {
    pub(super) fn new(found: &'a TektonFound) -> Self {
        let mut resource_counts = BTreeMap::new();
        for resource in &found.resources {
            *resource_counts.entry(resource.kind.as_str()).or_insert(0) += 1;
        }
        Self {
            has_tekton_directory: found.has_directory,
            scan_path: ".tekton",
            total_files: found.total_files,
            valid_files: found.valid_files,
            resources: found.resources.iter().take(MAX_RESOURCES).map(resource).collect(),
            resource_counts,
            estimated_action: found.estimated_action.as_str(),
            action_reasons: &found.reasons,
            errors: &found.errors,
            warnings: &found.warnings,
        }
    }
}

fn resource(found: &TektonResource) -> Resource<'_> {
    Resource {
        api_version: &found.api_version,
        kind: &found.kind,
        name: &found.name,
        namespace: found.namespace.as_deref(),
        file_path: &found.path,
        resource_index: found.index,
        is_valid: found.is_valid,
        errors: &found.errors,
        dependencies: &found.dependencies,
    }
}

pub(super) fn request(
    url: &str,
    headers: &BTreeMap<String, String>,
    secrets: &TargetSecrets,
    telling: &Telling<'_>,
) -> Result<Content, TargetError> {
    let url = check::web_url("url", url, false)?;
    let provider = telling.provider.as_str();
    let kind = telling.kind.as_str();
    let commit = telling.new_commit.unwrap_or(NO_COMMIT);
    let id = format!("event_{}_{}", short(commit), telling.noticed_at.format("%Y%m%d_%H%M%S"));
    let own = [
        ("Content-Type", "application/json".to_owned()),
        ("ce-specversion", "1.0".to_owned()),
        ("ce-type", format!("dev.reposentry.repository.{kind}")),
        ("ce-source", format!("reposentry/{provider}")),
        ("ce-id", id),
        ("ce-time", second(telling.noticed_at)),
        ("ce-datacontenttype", "application/json".to_owned()),
        ("X-GitHub-Event", "push".to_owned()),
        ("User-Agent", "RepoSentry/1.0".to_owned()),
        ("X-Source", "reposentry".to_owned()),
    ];
    let mut sent: Vec<(String, String)> = own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    super::webhook::add_headers(&mut sent, headers);
    if let Some(secret) = &secrets.current {
        sent.push(("Authorization".to_owned(), format!("Bearer {secret}")));
    }
    // Two branches that come to one commit within a second have one `ce-id`.
    sent.push(("ce-deliveryid".to_owned(), telling.delivery_id.to_string()));
    Ok(Content::Request(Request { url, headers: sent, body: as_go_writes_it(&json(&body(telling))?) }))
}

fn body<'a>(telling: &Telling<'a>) -> Body<'a> {
    let provider = telling.provider.as_str();
    let full_name = telling.repository_full_name;
    let (organization, name) = full_name.rsplit_once('/').unwrap_or(("", full_name));
    let commit = telling.new_commit.unwrap_or(NO_COMMIT);
    let of_commit = telling.commit.filter(|_| !telling.is_gone());
    Body {
        repository: Repository {
            provider,
            organization,
            name,
            full_name,
            url: telling.repository_url,
            id: format!("{provider}-{}", full_name.to_lowercase().replace('/', "-")),
        },
        branch: Branch { name: telling.branch, reference: format!("refs/heads/{}", telling.branch) },
        commit: Commit {
            sha: commit.to_string(),
            short_sha: short(commit),
            message: of_commit.and_then(|_| telling.message()).unwrap_or(NO_MESSAGE),
            author: of_commit.map(|it| Author { name: it.author_name, email: it.author_email }),
            timestamp: of_commit.map(|it| second(it.time)),
        },
        event: Event {
            kind: telling.kind.as_str(),
            trigger_source: "reposentry",
            trigger_id: format!("reposentry-{provider}-{}", telling.noticed_at.timestamp()),
            detection_time: second(telling.noticed_at),
        },
        previous_commit: telling.old_commit.map(|it| PreviousCommit { sha: it.to_string(), short_sha: short(it) }),
        detection: telling.tekton.map(Detection::new),
    }
}

fn short(commit: ObjectId) -> String {
    format!("{commit:.SHORT$}")
}

/// RepoSentry was written in Go, whose writer of JSON escapes what HTML gives a meaning. All of these stand within texts.
pub(super) fn as_go_writes_it(json: &str) -> String {
    let mut written = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => written.push_str("\\u003c"),
            '>' => written.push_str("\\u003e"),
            '&' => written.push_str("\\u0026"),
            '\u{2028}' => written.push_str("\\u2028"),
            '\u{2029}' => written.push_str("\\u2029"),
            c => written.push(c),
        }
    }
    written
}
