//! `GET /projects/{id}/repository/{tree,commits/{sha},blobs/{sha}/raw}`: folders by their path, in pages, and files as they are.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::forge::Forge;
use crate::gate::Caller;
use crate::objects::{self, Entry};
use crate::world::Repository;
use crate::{Error, branches as listed};

use super::{Asked, branches, find, not_found, offset_headers};

/// The project, or why it is not told of.
pub(super) fn project(forge: &Forge, caller: Caller, id: &str, rest: &str) -> Result<Repository, Box<Response>> {
    let world = forge.world();
    find(forge, &world, caller, id, rest).cloned()
}

pub(super) fn failed(error: &Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"message": format!("500 {error}")}))).into_response()
}

pub(super) async fn tree(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    let project = match project(&forge, caller, &id, "/repository/tree") {
        Ok(project) => project,
        Err(refused) => return *refused,
    };
    let asked = Asked::read(raw.as_deref());
    let (commit, folder) = (asked.of("ref").unwrap_or_default(), asked.of("path").unwrap_or_default());
    let entries = match objects::below(&project.git, commit, folder, asked.is("recursive")).await {
        Ok(Some(entries)) if entries.is_empty() && !folder.is_empty() => return not_found("invalid revision or path"),
        Ok(Some(entries)) => entries,
        Ok(None) => return not_found("Tree"),
        Err(error) => return failed(&error),
    };
    let per_page = asked.number("per_page").unwrap_or(20).clamp(1, 100);
    let number = asked.number("page").unwrap_or(1).max(1);
    let at = format!("{}/api/v4/projects/{}/repository/tree", forge.link_root().unwrap_or_default(), project.id);
    let mut headers = HeaderMap::new();
    offset_headers(&mut headers, &at, &asked, entries.len(), number, per_page);
    if forge.link_root().is_none() {
        headers.remove("link");
    }
    let row = |entry: &Entry| {
        let name = entry.path.rsplit('/').next().unwrap_or_default();
        json!({"id": entry.id, "name": name, "type": entry.kind, "path": entry.path, "mode": entry.mode})
    };
    let body: Vec<Value> = listed::page(&entries, number, per_page).0.iter().map(row).collect();
    (headers, Json(body)).into_response()
}

pub(super) async fn commit(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path((id, sha)): Path<(String, String)>,
) -> Response {
    let project = match project(&forge, caller, &id, &format!("/repository/commits/{sha}")) {
        Ok(project) => project,
        Err(refused) => return *refused,
    };
    match objects::commit(&project.git, &sha).await {
        Ok(Some((told, _))) => Json(branches::commit(&forge, &project, &told)).into_response(),
        Ok(None) => not_found("Commit"),
        Err(error) => failed(&error),
    }
}

pub(super) async fn raw(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path((id, sha)): Path<(String, String)>,
) -> Response {
    let project = match project(&forge, caller, &id, &format!("/repository/blobs/{sha}/raw")) {
        Ok(project) => project,
        Err(refused) => return *refused,
    };
    match objects::blob(&project.git, &sha).await {
        Ok(Some(bytes)) => bytes.into_response(),
        Ok(None) => not_found("Blob"),
        Err(error) => failed(&error),
    }
}
