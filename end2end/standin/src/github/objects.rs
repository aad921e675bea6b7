//! `GET /repos/{owner}/{name}/git/{trees,blobs,commits}/{sha}`: Git's objects; a repository's old name redirects to its number.

use std::sync::Arc;

use axum::extract::{OriginalUri, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::branches::{Branch, Signature};
use crate::forge::Forge;
use crate::gate::{self, Caller};
use crate::objects::{self, Entry, Tree};
use crate::world::{Access, Repository};

use super::{api_root, moved_to, named, visible};

const PAGE: &str = "https://docs.github.com/rest/git";
/// Characters of a line of base64.
const LINE: usize = 60;

pub(super) async fn by_name(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    uri: OriginalUri,
    Path((owner, name, what, sha)): Path<(String, String, String, String)>,
    RawQuery(raw): RawQuery,
) -> Response {
    let root = api_root(&forge, &uri);
    match named(&forge, caller, &format!("{owner}/{name}")) {
        None => not_found(),
        Some((found, true)) => {
            let query = raw.map(|raw| format!("?{raw}")).unwrap_or_default();
            moved_to(&format!("{root}/repositories/{}/git/{what}/{sha}{query}", found.id))
        }
        Some((found, false)) => object(&forge, &root, &found, &what, &sha, raw.as_deref()).await,
    }
}

pub(super) async fn by_id(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    uri: OriginalUri,
    Path((id, what, sha)): Path<(String, String, String)>,
    RawQuery(raw): RawQuery,
) -> Response {
    let root = api_root(&forge, &uri);
    let found = id.parse().ok().and_then(|id| forge.world().by_id(id).cloned());
    match found.filter(|found| visible(found, caller)) {
        Some(found) => object(&forge, &root, &found, &what, &sha, raw.as_deref()).await,
        None => not_found(),
    }
}

async fn object(forge: &Forge, root: &str, of: &Repository, what: &str, sha: &str, raw: Option<&str>) -> Response {
    if of.state == Access::Blocked {
        return gate::blocked(forge);
    }
    let at = format!("{root}/repos/{}/git", of.full_name());
    let told = match what {
        "trees" => {
            let mut asked = url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
            // Whatever its value is.
            let recursive = asked.any(|(key, _)| key == "recursive");
            // A tree that is empty is not found.
            let found = objects::tree(&of.git, sha, recursive).await;
            found.map(|found| {
                found.filter(|tree| !tree.entries.is_empty()).map(|found| tree(&at, &found, forge.options.github_trees))
            })
        }
        "blobs" => objects::blob(&of.git, sha).await.map(|found| found.map(|bytes| blob(&at, sha, &bytes))),
        "commits" => {
            let html = format!("{}/{}/commit", forge.url(), of.full_name());
            let found = objects::commit(&of.git, sha).await;
            found.map(|found| found.map(|(told, tree)| commit(&at, &html, &told, &tree)))
        }
        _ => Ok(None),
    };
    match told {
        Ok(Some(body)) => Json(body).into_response(),
        Ok(None) => not_found(),
        Err(error) => gate::said(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), PAGE),
    }
}

fn not_found() -> Response {
    gate::said(StatusCode::NOT_FOUND, "Not Found", PAGE)
}

fn tree(at: &str, tree: &Tree, most: usize) -> Value {
    let row = |entry: &Entry| {
        let mut row = json!({"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.id});
        if let Some(size) = entry.size {
            row["size"] = json!(size);
        }
        let kind = match entry.kind.as_str() {
            "tree" => Some("trees"),
            "blob" => Some("blobs"),
            _ => None,
        };
        if let Some(kind) = kind {
            row["url"] = json!(format!("{at}/{kind}/{}", entry.id));
        }
        row
    };
    let rows: Vec<Value> = tree.entries.iter().take(most).map(row).collect();
    let truncated = tree.entries.len() > most;
    json!({"sha": tree.id, "url": format!("{at}/trees/{}", tree.id), "tree": rows, "truncated": truncated})
}

fn blob(at: &str, sha: &str, bytes: &[u8]) -> Value {
    let mut content = String::new();
    for line in BASE64_STANDARD.encode(bytes).as_bytes().chunks(LINE) {
        content.push_str(&String::from_utf8_lossy(line));
        content.push('\n');
    }
    json!({
        "sha": sha,
        "node_id": format!("B_{sha}"),
        "size": bytes.len(),
        "url": format!("{at}/blobs/{sha}"),
        "content": content,
        "encoding": "base64",
    })
}

fn commit(at: &str, html: &str, told: &Branch, tree: &str) -> Value {
    let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let person = |who: &Signature| json!({"name": who.name, "email": who.email, "date": moment(who.at)});
    let url = |sha: &str| format!("{at}/commits/{sha}");
    let parent = |sha: &String| json!({"sha": sha, "url": url(sha), "html_url": format!("{html}/{sha}")});
    json!({
        "sha": told.commit,
        "node_id": format!("C_{}", told.commit),
        "url": url(&told.commit),
        "html_url": format!("{html}/{}", told.commit),
        "author": person(&told.author),
        "committer": person(&told.committer),
        "tree": {"sha": tree, "url": format!("{at}/trees/{tree}")},
        "message": told.message.trim_end(),
        "parents": told.parents.iter().map(parent).collect::<Vec<_>>(),
        "verification": {
            "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null,
        },
    })
}
