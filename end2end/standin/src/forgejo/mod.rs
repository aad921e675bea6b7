//! Forgejo and Gitea: repositories by search, by name and by id, their branches, Git's objects and comparisons, below
//! `/api/v1`.

mod branches;
mod compare;
mod objects;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::forge::Forge;
use crate::gate::{self, Caller};
use crate::world::{Access, Named, Repository};

/// The routes.
pub(crate) fn router(forge: &Arc<Forge>) -> Router<Arc<Forge>> {
    let gate = axum::middleware::from_fn_with_state(Arc::clone(forge), gate::api);
    Router::new()
        .route("/api/v1/repos/search", get(search))
        .route("/api/v1/repos/{owner}/{name}", get(by_name))
        .route("/api/v1/repos/{owner}/{name}/branches", get(branches::list))
        .route("/api/v1/repos/{owner}/{name}/git/{what}/{sha}", get(objects::object))
        .route("/api/v1/repos/{owner}/{name}/compare/{basehead}", get(compare::compared))
        .route("/api/v1/repositories/{id}", get(by_id))
        .route("/api/v1/user", get(user))
        .route_layer(gate)
}

/// The first of the people lends us the tokens; without `read:user`, as those without private repositories are, a token may
/// not ask.
async fn user(State(forge): State<Arc<Forge>>, Extension(caller): Extension<Caller>) -> Response {
    match (caller, forge.options.people.first()) {
        (Caller::Token { private: true, .. }, Some(first)) => {
            Json(json!({"id": first.id, "login": first.login, "full_name": first.name, "active": true})).into_response()
        }
        (Caller::Token { .. }, _) => {
            let message = "token does not have at least one of required scope(s): [read:user]";
            (StatusCode::FORBIDDEN, Json(json!({"message": message}))).into_response()
        }
        _ => (StatusCode::UNAUTHORIZED, Json(json!({"message": "token is required"}))).into_response(),
    }
}

async fn search(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
) -> Response {
    let asked: Vec<(String, String)> =
        url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).into_owned().collect();
    let of = |name: &str| asked.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let is = |name: &str| of(name).is_some_and(|value| matches!(value, "true" | "1" | "t"));
    let q = of("q").unwrap_or_default().to_lowercase();
    let matches = |one: &Repository| {
        if is("topic") {
            return one.topics.contains(&q);
        }
        q.is_empty()
            || one.full_name().to_lowercase().contains(&q)
            || one.topics.iter().any(|topic| topic.contains(&q))
            || is("includeDesc") && one.description.as_ref().is_some_and(|text| text.to_lowercase().contains(&q))
    };
    let world = forge.world();
    let mut found: Vec<&Repository> = world
        .all()
        .iter()
        .filter(|one| visible(one, caller) && matches(one))
        .filter(|one| of("archived").is_none_or(|wanted| (wanted == "true") == one.archived))
        .filter(|one| of("mode").is_none_or(|mode| (mode == "fork") == one.fork))
        .collect();
    found.sort_by_key(|one| one.id);
    match of("sort") {
        Some("id") => {}
        Some("created") => found.sort_by_key(|one| one.created_at),
        Some("updated") => found.sort_by_key(|one| one.updated_at),
        Some("size") => found.sort_by_key(|one| one.size_kb),
        Some("stars") => found.sort_by_key(|one| one.stars),
        Some("forks") => found.sort_by_key(|one| one.forks),
        None | Some("alpha" | "") => found.sort_by_key(|one| one.full_name().to_lowercase()),
        Some(other) => {
            let message = format!("Invalid sort mode: \"{other}\"");
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(error(&forge, &message))).into_response();
        }
    }
    if of("order") == Some("desc") {
        found.reverse();
    }
    let number = |name: &str| of(name).and_then(|text| text.parse::<u64>().ok()).filter(|number| *number > 0);
    let (page, limit) = (number("page").unwrap_or(1), number("limit").unwrap_or(30).min(forge.options.forgejo_most));
    let total = found.len();
    let from = usize::try_from((page - 1).saturating_mul(limit)).unwrap_or(usize::MAX);
    let size = usize::try_from(limit).unwrap_or(50);
    let data: Vec<Value> = found.into_iter().skip(from).take(size).map(|one| wire(forge.url(), one)).collect();
    let mut headers = HeaderMap::new();
    headers.insert("x-total-count", HeaderValue::from(total));
    link(&forge, &mut headers, "repos/search", &asked, page, (total as u64).div_ceil(limit).max(1));
    (headers, Json(json!({"ok": true, "data": data}))).into_response()
}

/// Where the other pages of a list are, unless a proxy drops that.
fn link(forge: &Forge, headers: &mut HeaderMap, path: &str, asked: &[(String, String)], page: u64, pages: u64) {
    let to = |number: u64, relation: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(asked.iter().filter(|(key, _)| key != "page"));
        query.append_pair("page", &number.to_string());
        let root = forge.link_root().unwrap_or_default();
        format!("<{root}/api/v1/{path}?{}>; rel=\"{relation}\"", query.finish())
    };
    let mut links = Vec::new();
    if page < pages {
        links.extend([to(page + 1, "next"), to(pages, "last")]);
    }
    if page > 1 {
        links.extend([to(1, "first"), to(page - 1, "prev")]);
    }
    if let Ok(link) = HeaderValue::from_str(&links.join(","))
        && !links.is_empty()
        && forge.link_root().is_some()
    {
        headers.insert(header::LINK, link);
    }
}

async fn by_name(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path((owner, name)): Path<(String, String)>,
) -> Response {
    let world = forge.world();
    let (id, moved) = match world.named(&format!("{owner}/{name}")) {
        Some(Named::Here(id)) => (id, false),
        Some(Named::Moved(id)) => (id, true),
        None => return not_found(&forge),
    };
    match world.by_id(id).filter(|one| visible(one, caller)) {
        Some(one) if moved => {
            let target = format!("/api/v1/repos/{}", one.full_name());
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, target)], "").into_response()
        }
        Some(one) => Json(wire(forge.url(), one)).into_response(),
        None => hidden(&forge, world.by_id(id)),
    }
}

async fn by_id(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    let world = forge.world();
    let found = id.parse().ok().and_then(|id| world.by_id(id));
    match found.filter(|one| visible(one, caller)) {
        Some(one) => Json(wire(forge.url(), one)).into_response(),
        None => hidden(&forge, found),
    }
}

/// The repository of which `rest` is asked, or why it is not told of; under a name of before it is redirected to.
fn sought(
    forge: &Forge,
    caller: Caller,
    full_name: &str,
    rest: &str,
    raw: Option<&str>,
) -> Result<Repository, Box<Response>> {
    let world = forge.world();
    let (id, moved) = match world.named(full_name) {
        Some(Named::Here(id)) => (id, false),
        Some(Named::Moved(id)) => (id, true),
        None => return Err(Box::new(not_found(forge))),
    };
    match world.by_id(id).filter(|one| visible(one, caller)) {
        Some(one) if moved => {
            let query = raw.map(|raw| format!("?{raw}")).unwrap_or_default();
            let target = format!("/api/v1/repos/{}/{rest}{query}", one.full_name());
            let moved = (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, target)], "").into_response();
            Err(Box::new(moved))
        }
        Some(one) => Ok(one.clone()),
        None => Err(Box::new(hidden(forge, world.by_id(id)))),
    }
}

fn visible(repository: &Repository, caller: Caller) -> bool {
    repository.state == Access::Public || repository.state == Access::Private && caller.sees_private()
}

fn hidden(forge: &Forge, found: Option<&Repository>) -> Response {
    match found {
        Some(one) if one.state == Access::Blocked => gate::blocked(forge),
        _ => not_found(forge),
    }
}

fn error(forge: &Forge, message: &str) -> Value {
    json!({"message": message, "url": format!("{}/api/swagger", forge.url())})
}

fn not_found(forge: &Forge) -> Response {
    (StatusCode::NOT_FOUND, Json(error(forge, "The target couldn't be found."))).into_response()
}

/// A repository in the words of Forgejo's REST API; what is not known is an empty text there, never null.
fn wire(web: &str, one: &Repository) -> Value {
    let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let full_name = one.full_name();
    let html = format!("{web}/{full_name}");
    let host = web.trim_start_matches("http://");
    let owner = json!({
        "id": one.owner_id(),
        "login": one.owner,
        "login_name": "",
        "source_id": 0,
        "full_name": "",
        "email": format!("{}@noreply.example.org", one.owner),
        "avatar_url": format!("{web}/avatars/{}", one.owner_id()),
        "html_url": format!("{web}/{}", one.owner),
        "visibility": "public",
    });
    let named = json!({
        "id": one.id,
        "owner": owner,
        "name": one.name,
        "full_name": full_name,
        "description": one.description.as_deref().unwrap_or_default(),
        "empty": false,
        "private": one.state == Access::Private,
        "fork": one.fork,
        "template": false,
        "mirror": false,
        "size": one.size_kb,
        "language": one.language.as_deref().unwrap_or_default(),
        "languages_url": format!("{web}/api/v1/repos/{full_name}/languages"),
        "html_url": html,
        "url": format!("{web}/api/v1/repos/{full_name}"),
        "link": "",
        "ssh_url": format!("ssh://git@{host}/{full_name}.git"),
        "clone_url": format!("{html}.git"),
        "original_url": "",
        "website": one.homepage.as_deref().unwrap_or_default(),
    });
    let counted = json!({
        "stars_count": one.stars,
        "forks_count": one.forks,
        "watchers_count": one.subscribers,
        "open_issues_count": one.open_issues,
        "open_pr_counter": one.open_pulls,
        "release_counter": 0,
        "default_branch": one.default_branch,
        "archived": one.archived,
        "created_at": moment(one.created_at),
        "updated_at": moment(one.updated_at),
        "archived_at": "1970-01-01T00:00:00Z",
        "permissions": {"admin": false, "push": false, "pull": true},
        "has_issues": true,
        "has_pull_requests": true,
        "internal": false,
        "avatar_url": "",
        "object_format_name": "sha1",
        "topics": one.topics,
        "licenses": one.license.iter().collect::<Vec<_>>(),
    });
    match (named, counted) {
        (Value::Object(mut all), Value::Object(more)) => {
            all.extend(more);
            Value::Object(all)
        }
        (named, _) => named,
    }
}
