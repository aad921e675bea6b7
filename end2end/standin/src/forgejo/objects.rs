//! `GET /api/v1/repos/{owner}/{name}/git/{trees,blobs,commits}/{sha}`: Git's objects, trees in pages.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::branches::{self, Branch, Signature};
use crate::forge::Forge;
use crate::gate::Caller;
use crate::objects::{self, Entry, Tree};

use super::{error, not_found, sought};

pub(super) async fn object(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path((owner, name, what, sha)): Path<(String, String, String, String)>,
    RawQuery(raw): RawQuery,
) -> Response {
    let rest = format!("git/{what}/{sha}");
    let found = match sought(&forge, caller, &format!("{owner}/{name}"), &rest, raw.as_deref()) {
        Ok(found) => found,
        Err(refused) => return *refused,
    };
    let at = format!("{}/api/v1/repos/{}/git", forge.url(), found.full_name());
    let asked: Vec<(String, String)> =
        url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).into_owned().collect();
    let of = |name: &str| asked.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    // What is not there is a bad request, but for commits.
    let (told, missing) = match what.as_str() {
        "trees" => {
            let recursive = of("recursive").is_some_and(|value| matches!(value, "true" | "1" | "t"));
            let number = |name: &str| of(name).and_then(|text| text.parse::<u64>().ok()).filter(|number| *number > 0);
            let most = forge.options.forgejo_trees;
            let (page, size) = (number("page").unwrap_or(1), number("per_page").unwrap_or(most).min(most));
            let found = objects::tree(&found.git, &sha, recursive).await;
            (found.map(|found| found.map(|found| tree(&at, &found, page, size))), StatusCode::BAD_REQUEST)
        }
        "blobs" => {
            let found = objects::blob(&found.git, &sha).await;
            (found.map(|found| found.map(|bytes| blob(&at, &sha, &bytes))), StatusCode::BAD_REQUEST)
        }
        "commits" => {
            let html = format!("{}/{}/commit", forge.url(), found.full_name());
            let found = objects::commit(&found.git, &sha).await;
            (found.map(|found| found.map(|(told, tree)| commit(&at, &html, &told, &tree))), StatusCode::NOT_FOUND)
        }
        _ => return not_found(&forge),
    };
    match told {
        Ok(Some(body)) => Json(body).into_response(),
        Ok(None) => (missing, Json(error(&forge, &format!("sha not found [{sha}]")))).into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, Json(error(&forge, &why.to_string()))).into_response(),
    }
}

fn tree(at: &str, tree: &Tree, page: u64, size: u64) -> Value {
    let row = |entry: &Entry| {
        let url = match entry.kind.as_str() {
            "tree" => format!("{at}/trees/{}", entry.id),
            "blob" => format!("{at}/blobs/{}", entry.id),
            _ => String::new(),
        };
        json!({
            "path": entry.path, "mode": entry.mode, "type": entry.kind, "size": entry.size.unwrap_or_default(),
            "sha": entry.id, "url": url,
        })
    };
    let (shown, pages) = branches::page(&tree.entries, page, size);
    json!({
        "sha": tree.id,
        "url": format!("{at}/trees/{}", tree.id),
        // As Go writes a list that nobody made.
        "tree": if shown.is_empty() { Value::Null } else { shown.iter().map(row).collect() },
        "truncated": page < pages,
        "page": page,
        "total_count": tree.entries.len(),
    })
}

fn blob(at: &str, sha: &str, bytes: &[u8]) -> Value {
    json!({
        "content": BASE64_STANDARD.encode(bytes),
        "encoding": "base64",
        "url": format!("{at}/blobs/{sha}"),
        "sha": sha,
        "size": bytes.len(),
    })
}

pub(super) fn commit(at: &str, html: &str, told: &Branch, tree: &str) -> Value {
    let moment = |who: &Signature| who.at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let created = moment(&told.committer);
    let person = |who: &Signature| json!({"name": who.name, "email": who.email, "date": moment(who)});
    let meta = |kind: &str, sha: &str| json!({"url": format!("{at}/{kind}/{sha}"), "sha": sha, "created": created});
    let parents: Vec<Value> = told.parents.iter().map(|sha| meta("commits", sha)).collect();
    json!({
        "url": format!("{at}/commits/{}", told.commit),
        "sha": told.commit,
        "created": created,
        "html_url": format!("{html}/{}", told.commit),
        "commit": {
            "url": format!("{at}/commits/{}", told.commit),
            "author": person(&told.author),
            "committer": person(&told.committer),
            "message": told.message,
            "tree": meta("trees", tree),
        },
        "parents": parents,
    })
}
