//! `GET /repos/{owner}/{name}/compare/{base}...{head}`: what lies between where two commits parted and the second one; a
//! repository's old name redirects to its number.

use std::sync::Arc;

use axum::extract::{OriginalUri, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::branches::{self, Branch, Signature};
use crate::compare::{self, Change, Compared};
use crate::forge::Forge;
use crate::gate::{self, Caller};
use crate::world::{Access, Repository};
use crate::{Error, objects};

use super::{api_root, moved_to, named, visible};

const PAGE: &str = "https://docs.github.com/rest/commits/commits#compare-two-commits";
/// More files are not told of, however many there are.
const FILES: usize = 300;
/// Commits that are told of where nobody says how many.
const COMMITS: u64 = 250;

pub(super) async fn by_name(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    uri: OriginalUri,
    Path((owner, name, basehead)): Path<(String, String, String)>,
    RawQuery(raw): RawQuery,
) -> Response {
    let root = api_root(&forge, &uri);
    match named(&forge, caller, &format!("{owner}/{name}")) {
        None => not_found("Not Found"),
        Some((found, true)) => {
            let query = raw.map(|raw| format!("?{raw}")).unwrap_or_default();
            moved_to(&format!("{root}/repositories/{}/compare/{basehead}{query}", found.id))
        }
        Some((found, false)) => compared(&forge, &root, &found, &basehead, raw.as_deref()).await,
    }
}

pub(super) async fn by_id(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    uri: OriginalUri,
    Path((id, basehead)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Response {
    let root = api_root(&forge, &uri);
    let found = id.parse().ok().and_then(|id| forge.world().by_id(id).cloned());
    match found.filter(|found| visible(found, caller)) {
        Some(found) => compared(&forge, &root, &found, &basehead, raw.as_deref()).await,
        None => not_found("Not Found"),
    }
}

async fn compared(forge: &Forge, root: &str, of: &Repository, basehead: &str, raw: Option<&str>) -> Response {
    if of.state == Access::Blocked {
        return gate::blocked(forge);
    }
    let Some((base, head)) = basehead.split_once("...") else { return not_found("Not Found") };
    let asked: Vec<(String, String)> =
        url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).into_owned().collect();
    let number = |name: &str| {
        let given = asked.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<u64>().ok());
        given.filter(|number| *number > 0)
    };
    let (page, size) = (number("page").unwrap_or(1), number("per_page").unwrap_or(COMMITS).min(COMMITS));
    let at = Place {
        api: format!("{root}/repos/{}", of.full_name()),
        html: format!("{}/{}", forge.url(), of.full_name()),
        head,
    };
    match compare::between(&of.git, base, head, false).await {
        Ok(Some(Compared { merge_base: None, .. })) => {
            not_found(&format!("No common ancestor between {base} and {head}."))
        }
        Ok(Some(found)) => match told(of, &at, base, &found, page, size).await {
            Ok(body) => Json(body).into_response(),
            Err(error) => gate::said(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), PAGE),
        },
        Ok(None) => not_found("Not Found"),
        Err(error) => gate::said(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), PAGE),
    }
}

fn not_found(message: &str) -> Response {
    gate::said(StatusCode::NOT_FOUND, message, PAGE)
}

/// Where a comparison's addresses lead.
struct Place<'a> {
    api: String,
    html: String,
    head: &'a str,
}

async fn told(
    of: &Repository,
    at: &Place<'_>,
    base: &str,
    found: &Compared,
    page: u64,
    size: u64,
) -> Result<Value, Error> {
    let Place { api, html, head } = at;
    let merge_base = found.merge_base.as_deref().unwrap_or_default();
    let status = match (merge_base == base, merge_base == *head) {
        (true, true) => "identical",
        (true, false) => "ahead",
        (false, true) => "behind",
        (false, false) => "diverged",
    };
    // The oldest first.
    let ahead: Vec<&String> = found.ahead.iter().rev().collect();
    let mut commits = Vec::new();
    for id in branches::page(&ahead, page, size).0 {
        commits.push(commit(of, at, id).await?);
    }
    let mut body = json!({
        "url": format!("{api}/compare/{base}...{head}"),
        "html_url": format!("{html}/compare/{base}...{head}"),
        "permalink_url": format!("{html}/compare/{base}...{head}"),
        "diff_url": format!("{html}/compare/{base}...{head}.diff"),
        "patch_url": format!("{html}/compare/{base}...{head}.patch"),
        "base_commit": commit(of, at, base).await?,
        "merge_base_commit": commit(of, at, merge_base).await?,
        "status": status,
        "ahead_by": found.ahead.len(),
        "behind_by": found.behind,
        "total_commits": found.ahead.len(),
        "commits": commits,
    });
    // The other pages have commits alone.
    if page == 1 {
        body["files"] = found.changes.iter().take(FILES).map(|change| file(at, change)).collect();
    }
    Ok(body)
}

async fn commit(of: &Repository, at: &Place<'_>, id: &str) -> Result<Value, Error> {
    let Some((Branch { commit: sha, parents, author, committer, message, .. }, tree)) =
        objects::commit(&of.git, id).await?
    else {
        return Ok(Value::Null);
    };
    let Place { api, html, .. } = at;
    let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let person = |who: &Signature| json!({"name": who.name, "email": who.email, "date": moment(who.at)});
    let url = |sha: &str| format!("{api}/commits/{sha}");
    let parent = |sha: &String| json!({"sha": sha, "url": url(sha), "html_url": format!("{html}/commit/{sha}")});
    Ok(json!({
        "sha": sha,
        "node_id": format!("C_{sha}"),
        "commit": {
            "author": person(&author),
            "committer": person(&committer),
            "message": message.trim_end(),
            "tree": {"sha": tree, "url": format!("{api}/git/trees/{tree}")},
            "url": format!("{api}/git/commits/{sha}"),
            "comment_count": 0,
            "verification": {
                "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null,
            },
        },
        "url": url(&sha),
        "html_url": format!("{html}/commit/{sha}"),
        "comments_url": format!("{}/comments", url(&sha)),
        // Nobody here has an account of that address.
        "author": null,
        "committer": null,
        "parents": parents.iter().map(parent).collect::<Vec<_>>(),
    }))
}

fn file(Place { api, html, head }: &Place<'_>, change: &Change) -> Value {
    let Change { letter, path, old_path, id, added_lines, removed_lines, .. } = change;
    let status = match letter {
        'A' => "added",
        'D' => "removed",
        'R' => "renamed",
        'T' => "changed",
        _ => "modified",
    };
    let mut told = json!({
        "sha": id,
        "filename": path,
        "status": status,
        "additions": added_lines,
        "deletions": removed_lines,
        "changes": added_lines + removed_lines,
        "blob_url": format!("{html}/blob/{head}/{path}"),
        "raw_url": format!("{html}/raw/{head}/{path}"),
        "contents_url": format!("{api}/contents/{path}?ref={head}"),
    });
    if *letter == 'R' {
        told["previous_filename"] = json!(old_path);
    }
    told
}
