//! `GET /repos/{owner}/{name}/branches`: by name, in pages; a repository's old name redirects to its number.

use std::sync::Arc;

use axum::extract::{OriginalUri, Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::branches;
use crate::forge::Forge;
use crate::gate::{self, Caller};
use crate::world::{Access, Repository};

use super::search::link;
use super::{api_root, moved_to, named, visible};

const PAGE: &str = "https://docs.github.com/rest/branches/branches#list-branches";

pub(super) async fn by_name(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    uri: OriginalUri,
    Path((owner, name)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Response {
    let root = api_root(&forge, &uri);
    match named(&forge, caller, &format!("{owner}/{name}")) {
        None => gate::said(StatusCode::NOT_FOUND, "Not Found", PAGE),
        Some((found, true)) => {
            let query = raw.map(|raw| format!("?{raw}")).unwrap_or_default();
            moved_to(&format!("{root}/repositories/{}/branches{query}", found.id))
        }
        Some((found, false)) => list(&forge, &root, &found, raw.as_deref()).await,
    }
}

pub(super) async fn by_id(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    uri: OriginalUri,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    let root = api_root(&forge, &uri);
    let found = id.parse().ok().and_then(|id| forge.world().by_id(id).cloned());
    match found.filter(|found| visible(found, caller)) {
        Some(found) => list(&forge, &root, &found, raw.as_deref()).await,
        None => gate::said(StatusCode::NOT_FOUND, "Not Found", PAGE),
    }
}

async fn list(forge: &Forge, root: &str, repository: &Repository, raw: Option<&str>) -> Response {
    if repository.state == Access::Blocked {
        return gate::blocked(forge);
    }
    let asked: Vec<(String, String)> =
        url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).into_owned().collect();
    let of = |name: &str| asked.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let per_page = of("per_page").and_then(|text| text.parse().ok()).filter(|n| *n > 0).unwrap_or(30_u64).min(100);
    let number = of("page").and_then(|text| text.parse().ok()).unwrap_or(1_u64).max(1);
    let mut all = match branches::list(&repository.git).await {
        Ok(all) => all,
        Err(error) => return gate::said(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string(), PAGE),
    };
    if let Some(wanted) = of("protected") {
        all.retain(|branch| forge.is_protected(repository.id, &branch.name) == (wanted == "true"));
    }
    let (shown, pages) = branches::page(&all, number, per_page);
    let commits = format!("{root}/repos/{}/commits", repository.full_name());
    let body: Vec<Value> = shown
        .iter()
        .map(|branch| {
            json!({
                "name": branch.name,
                "commit": {"sha": branch.commit, "url": format!("{commits}/{}", branch.commit)},
                "protected": forge.is_protected(repository.id, &branch.name),
            })
        })
        .collect();
    let mut response = Json(body).into_response();
    let at = forge.link_root().map(|link_root| root.replacen(forge.url(), link_root, 1));
    let at = at.map(|at| format!("{at}/repositories/{}/branches", repository.id));
    if let Some(link) = at.and_then(|at| link(&at, &asked, number, pages)) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}
