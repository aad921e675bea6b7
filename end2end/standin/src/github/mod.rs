//! GitHub: search, repositories by name and id with their branches, Git's objects and comparisons, the quota, GraphQL, signing
//! in; below `/` and, as Enterprise has it, `/api/v3`.

mod branches;
mod compare;
mod fields;
mod graphql;
pub(crate) mod oauth;
mod objects;
mod problem;
mod query;
mod search;
mod value;
mod wire;

use std::sync::Arc;

use axum::extract::{OriginalUri, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::json;

use crate::forge::{Forge, lock};
use crate::gate::{self, Caller};
use crate::world::{Access, Named, Repository};

/// The routes, below both of their roots.
pub(crate) fn router(forge: &Arc<Forge>) -> Router<Arc<Forge>> {
    let gate = axum::middleware::from_fn_with_state(Arc::clone(forge), gate::api);
    let rest = Router::new()
        .route("/search/repositories", get(search::repositories))
        .route("/repos/{owner}/{name}", get(by_name))
        .route("/repos/{owner}/{name}/branches", get(branches::by_name))
        .route("/repos/{owner}/{name}/git/{what}/{sha}", get(objects::by_name))
        .route("/repos/{owner}/{name}/compare/{basehead}", get(compare::by_name))
        .route("/repositories/{id}", get(by_id))
        .route("/repositories/{id}/branches", get(branches::by_id))
        .route("/repositories/{id}/git/{what}/{sha}", get(objects::by_id))
        .route("/repositories/{id}/compare/{basehead}", get(compare::by_id))
        .route("/rate_limit", get(rate_limit))
        .route("/graphql", post(graphql::answer))
        .route_layer(gate.clone());
    let enterprise = Router::new().route("/api/graphql", post(graphql::answer)).route_layer(gate);
    rest.clone().nest("/api/v3", rest).merge(enterprise).merge(oauth::router())
}

/// Where links in an answer lead: the root that the request came by.
fn api_root(forge: &Forge, uri: &OriginalUri) -> String {
    let prefix = if uri.path().starts_with("/api/v3/") { "/api/v3" } else { "" };
    format!("{}{prefix}", forge.url())
}

async fn by_name(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    uri: OriginalUri,
    Path((owner, name)): Path<(String, String)>,
) -> Response {
    let root = api_root(&forge, &uri);
    let world = forge.world();
    let (id, moved) = match world.named(&format!("{owner}/{name}")) {
        Some(Named::Here(id)) => (id, false),
        Some(Named::Moved(id)) => (id, true),
        None => return not_found(),
    };
    let Some(repository) = world.by_id(id).filter(|found| visible(found, caller)) else { return not_found() };
    if moved {
        return moved_to(&format!("{root}/repositories/{id}"));
    }
    full(&forge, &root, repository)
}

async fn by_id(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    uri: OriginalUri,
    Path(id): Path<String>,
) -> Response {
    let root = api_root(&forge, &uri);
    let world = forge.world();
    match id.parse().ok().and_then(|id| world.by_id(id)).filter(|found| visible(found, caller)) {
        Some(repository) => full(&forge, &root, repository),
        None => not_found(),
    }
}

fn full(forge: &Forge, root: &str, repository: &Repository) -> Response {
    if repository.state == Access::Blocked {
        return gate::blocked(forge);
    }
    let modified = repository.updated_at.max(repository.pushed_at).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let headers =
        [(header::LAST_MODIFIED, modified), (header::CACHE_CONTROL, "private, max-age=60, s-maxage=60".to_owned())];
    (headers, Json(wire::full(forge.url(), root, repository))).into_response()
}

/// Where a renamed repository is.
fn moved_to(target: &str) -> Response {
    let body = json!({
        "message": "Moved Permanently",
        "url": target,
        "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
    });
    (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, target)], Json(body)).into_response()
}

/// The repository that a caller sees under a name, and whether it had that name only before.
fn named(forge: &Forge, caller: Caller, full_name: &str) -> Option<(Repository, bool)> {
    let world = forge.world();
    let (id, moved) = match world.named(full_name)? {
        Named::Here(id) => (id, false),
        Named::Moved(id) => (id, true),
    };
    world.by_id(id).filter(|found| visible(found, caller)).map(|found| (found.clone(), moved))
}

/// Whether a caller is told that a repository exists.
fn visible(repository: &Repository, caller: Caller) -> bool {
    repository.state != Access::Private || caller.sees_private()
}

fn not_found() -> Response {
    gate::said(StatusCode::NOT_FOUND, "Not Found", "https://docs.github.com/rest/repos/repos#get-a-repository")
}

async fn rate_limit(State(forge): State<Arc<Forge>>, Extension(caller): Extension<Caller>) -> Response {
    let mut budgets = lock(&forge.budgets);
    let mut of = |resource| {
        let (budget, _) = budgets.take(&forge.options.limits, caller.token(), resource, 0);
        json!({
            "limit": budget.limit,
            "used": budget.used,
            "remaining": budget.remaining(),
            "reset": budget.reset.timestamp() + 1,
        })
    };
    let (core, search, graphql) = (of("core"), of("search"), of("graphql"));
    Json(json!({"resources": {"core": core, "search": search, "graphql": graphql}, "rate": core})).into_response()
}
