//! `GET /projects/{id}/repository/branches`: by name, in numbered pages or on after a name (`page_token`).

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::branches::{self, Branch};
use crate::forge::Forge;
use crate::gate::Caller;
use crate::world::Repository;

use super::{Asked, find, offset_headers, put};

pub(super) async fn list(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    let found = {
        let world = forge.world();
        match find(&forge, &world, caller, &id, "/repository/branches") {
            Ok(one) => one.clone(),
            Err(refused) => return *refused,
        }
    };
    let asked = Asked::read(raw.as_deref());
    let mut all = match branches::list(&found.git).await {
        Ok(all) => all,
        Err(error) => {
            let body = json!({"message": format!("500 {error}")});
            return (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response();
        }
    };
    if let Some(wanted) = asked.of("search") {
        all.retain(|branch| branch.name.contains(wanted));
    }
    let per_page = asked.number("per_page").unwrap_or(20).clamp(1, 100);
    let at = format!("{}/api/v4/projects/{}/repository/branches", forge.link_root().unwrap_or_default(), found.id);
    let mut headers = HeaderMap::new();
    let shown: &[Branch] = if asked.of("pagination") == Some("keyset") {
        let from = asked.of("page_token").map_or(0, |after| all.partition_point(|one| one.name.as_str() <= after));
        let (shown, _) = branches::page(&all[from..], 1, per_page);
        // A full page may have a next one, which GitLab finds out only there.
        if let Some(last) = shown.last().filter(|_| shown.len() as u64 == per_page) {
            let query = asked.with(&[("page_token", last.name.clone())]);
            put(&mut headers, "link", &format!("<{at}?{query}>; rel=\"next\""));
        }
        shown
    } else {
        let number = asked.number("page").unwrap_or(1).max(1);
        offset_headers(&mut headers, &at, &asked, all.len(), number, per_page);
        branches::page(&all, number, per_page).0
    };
    if forge.link_root().is_none() {
        headers.remove("link");
    }
    let body: Vec<Value> = shown.iter().map(|branch| wire(&forge, &found, branch)).collect();
    (headers, Json(body)).into_response()
}

/// A branch in the words of GitLab's REST API.
fn wire(forge: &Forge, project: &Repository, branch: &Branch) -> Value {
    json!({
        "name": branch.name,
        "commit": commit(forge, project, branch),
        "merged": false,
        "protected": forge.is_protected(project.id, &branch.name),
        "developers_can_push": false,
        "developers_can_merge": false,
        "can_push": false,
        "default": branch.name == project.default_branch,
        "web_url": format!("{}/{}/-/tree/{}", forge.url(), project.full_name(), branch.name),
    })
}

/// The same of its commit.
pub(super) fn commit(forge: &Forge, project: &Repository, branch: &Branch) -> Value {
    let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({
        "id": branch.commit,
        "short_id": branch.commit.get(..8),
        "created_at": moment(branch.committer.at),
        "parent_ids": branch.parents,
        "title": branch.title,
        "message": branch.message,
        "author_name": branch.author.name,
        "author_email": branch.author.email,
        "authored_date": moment(branch.author.at),
        "committer_name": branch.committer.name,
        "committer_email": branch.committer.email,
        "committed_date": moment(branch.committer.at),
        "trailers": {},
        "extended_trailers": {},
        "web_url": format!("{}/{}/-/commit/{}", forge.url(), project.full_name(), branch.commit),
    })
}
