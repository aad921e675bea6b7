//! GitLab: projects by search, by id or path and by group, with keyset and offset paging, below `/api/v4`.

mod branches;
mod compare;
mod files;
mod wire;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};

use crate::forge::Forge;
use crate::gate::{self, Caller};
use crate::world::{Access, Named, Repository};

/// GitLab stops counting here.
const COUNTED: usize = 10_000;

/// The routes.
pub(crate) fn router(forge: &Arc<Forge>) -> Router<Arc<Forge>> {
    let gate = axum::middleware::from_fn_with_state(Arc::clone(forge), gate::api);
    Router::new()
        .route("/api/v4/projects", get(projects))
        .route("/api/v4/projects/{id}", get(project))
        .route("/api/v4/projects/{id}/languages", get(languages))
        .route("/api/v4/projects/{id}/repository/branches", get(branches::list))
        .route("/api/v4/projects/{id}/repository/tree", get(files::tree))
        .route("/api/v4/projects/{id}/repository/commits/{sha}", get(files::commit))
        .route("/api/v4/projects/{id}/repository/blobs/{sha}/raw", get(files::raw))
        .route("/api/v4/projects/{id}/repository/compare", get(compare::compared))
        .route("/api/v4/projects/{id}/repository/merge_base", get(compare::merge_base))
        .route("/api/v4/groups/{id}/projects", get(group))
        .route("/api/v4/user", get(user))
        .route("/api/v4/personal_access_tokens/self", get(own_token))
        .route_layer(gate)
}

/// A request's query.
struct Asked(Vec<(String, String)>);

impl Asked {
    fn read(raw: Option<&str>) -> Self {
        Self(url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    fn of(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Of what may be given more than once.
    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.of(name).and_then(|text| text.parse().ok())
    }

    fn is(&self, name: &str) -> bool {
        self.of(name).is_some_and(|value| matches!(value, "true" | "1" | "yes"))
    }

    /// The same query with these instead.
    fn with(&self, instead: &[(&str, String)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.0.iter().filter(|(key, _)| instead.iter().all(|(other, _)| key != other)));
        query.extend_pairs(instead);
        query.finish()
    }
}

async fn projects(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
) -> Response {
    list(&forge, caller, "/projects", &Asked::read(raw.as_deref()), |_| true)
}

/// The first of the people lends us the tokens.
async fn user(State(forge): State<Arc<Forge>>, Extension(caller): Extension<Caller>) -> Response {
    match (caller, forge.options.people.first()) {
        (Caller::Token { .. }, Some(first)) => {
            let url = format!("{}/{}", forge.url(), first.login);
            Json(
                json!({"id": first.id, "username": first.login, "name": first.name, "state": "active", "web_url": url}),
            )
            .into_response()
        }
        _ => (StatusCode::UNAUTHORIZED, Json(json!({"message": "401 Unauthorized"}))).into_response(),
    }
}

/// <https://docs.gitlab.com/api/personal_access_tokens/#get-details-on-a-personal-access-token>
async fn own_token(State(forge): State<Arc<Forge>>, Extension(caller): Extension<Caller>) -> Response {
    match (caller, forge.options.people.first()) {
        (Caller::Token { place, private }, Some(first)) => {
            let scopes = if private { vec!["read_api", "read_repository"] } else { vec!["read_api"] };
            Json(json!({"id": place + 1, "name": "kubestats", "revoked": false, "user_id": first.id, "scopes": scopes,
                "created_at": "2026-04-01T08:00:00.000Z", "active": true, "expires_at": "2027-04-01"}))
            .into_response()
        }
        _ => (StatusCode::UNAUTHORIZED, Json(json!({"message": "401 Unauthorized"}))).into_response(),
    }
}

async fn group(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    let asked = Asked::read(raw.as_deref());
    let world = forge.world();
    // Every part of an owner's path is a group: `a` and `a/b` of `a/b`.
    let named = |group: &str| group.eq_ignore_ascii_case(&id) || id.parse() == Ok(crate::world::owner_id(group));
    let path =
        world.all().iter().find_map(|one| wire::groups(&one.owner).find(|group| named(group)).map(str::to_owned));
    drop(world);
    let Some(path) = path else { return not_found("Group") };
    let nested = asked.is("include_subgroups");
    let encoded: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    list(&forge, caller, &format!("/groups/{encoded}/projects"), &asked, |one| {
        one.owner == path || nested && wire::groups(&one.owner).any(|group| group == path)
    })
}

fn list(forge: &Forge, caller: Caller, path: &str, asked: &Asked, wanted: impl Fn(&Repository) -> bool) -> Response {
    let keyset = asked.of("pagination") == Some("keyset");
    let order = asked.of("order_by").unwrap_or("created_at");
    if keyset && order != "id" {
        let error = json!({"error": "Keyset pagination is not yet available for this type of request"});
        return (StatusCode::METHOD_NOT_ALLOWED, Json(error)).into_response();
    }
    let ascending = asked.of("sort") == Some("asc");
    let world = forge.world();
    let mut found: Vec<&Repository> =
        world.all().iter().filter(|one| visible(one, caller) && wanted(one) && accepts(asked, one)).collect();
    found.sort_by_key(|one| one.id);
    match order {
        "id" => {}
        "created_at" => found.sort_by_key(|one| one.created_at),
        "updated_at" => found.sort_by_key(|one| one.updated_at),
        "last_activity_at" => found.sort_by_key(|one| one.pushed_at),
        "name" | "path" => found.sort_by_key(|one| one.name.to_lowercase()),
        "star_count" => found.sort_by_key(|one| one.stars),
        _ => {
            let error = json!({"error": "order_by does not have a valid value"});
            return (StatusCode::BAD_REQUEST, Json(error)).into_response();
        }
    }
    if !ascending {
        found.reverse();
    }
    let per_page = asked.number("per_page").unwrap_or(20).clamp(1, 100);
    let at = format!("{}/api/v4{path}", forge.link_root().unwrap_or_default());
    let size = usize::try_from(per_page).unwrap_or(100);
    let mut headers = HeaderMap::new();
    let shown: Vec<&Repository> = if keyset {
        let from = found.partition_point(|one| match (asked.number("id_after"), asked.number("id_before")) {
            (Some(after), _) if ascending => one.id <= after,
            (_, Some(before)) if !ascending => one.id >= before,
            _ => false,
        });
        let page: Vec<_> = found.into_iter().skip(from).take(size).collect();
        // A full page may have a next one, which GitLab finds out only there.
        if let Some(last) = page.last().filter(|_| page.len() == size) {
            let key = if ascending { "id_after" } else { "id_before" };
            put(&mut headers, "link", &format!("<{at}?{}>; rel=\"next\"", asked.with(&[(key, last.id.to_string())])));
        }
        page
    } else {
        let page = asked.number("page").unwrap_or(1).max(1);
        offset_headers(&mut headers, &at, asked, found.len(), page, per_page);
        let from = usize::try_from((page - 1).saturating_mul(per_page)).unwrap_or(usize::MAX);
        found.into_iter().skip(from).take(size).collect()
    };
    if forge.link_root().is_none() {
        headers.remove("link");
    }
    let simple = caller.token().is_none() || asked.is("simple");
    let body: Vec<Value> = shown
        .into_iter()
        .map(|one| wire::project(forge.url(), one, simple, asked.is("statistics") && caller.sees_private()))
        .collect();
    (headers, Json(body)).into_response()
}

fn offset_headers(headers: &mut HeaderMap, at: &str, asked: &Asked, total: usize, page: u64, per_page: u64) {
    let pages = (total as u64).div_ceil(per_page).max(1);
    let to = |number: u64, relation: &str| {
        let query = asked.with(&[("page", number.to_string()), ("per_page", per_page.to_string())]);
        format!("<{at}?{query}>; rel=\"{relation}\"")
    };
    let mut links = Vec::new();
    if page > 1 {
        links.push(to(page - 1, "prev"));
    }
    if page < pages {
        links.push(to(page + 1, "next"));
    }
    links.push(to(1, "first"));
    put(headers, "x-page", &page.to_string());
    put(headers, "x-per-page", &per_page.to_string());
    put(headers, "x-prev-page", &if page > 1 { (page - 1).to_string() } else { String::new() });
    put(headers, "x-next-page", &if page < pages { (page + 1).to_string() } else { String::new() });
    if total <= COUNTED {
        links.push(to(pages, "last"));
        put(headers, "x-total", &total.to_string());
        put(headers, "x-total-pages", &pages.to_string());
    }
    put(headers, "link", &links.join(", "));
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn accepts(asked: &Asked, one: &Repository) -> bool {
    let flag = |name: &str, value: bool| asked.of(name).is_none_or(|wanted| (wanted == "true") == value);
    let topics = |wanted: &str| wanted.split(',').all(|topic| one.topics.iter().any(|own| own == topic.trim()));
    let search = |wanted: &str| {
        let wanted = wanted.to_lowercase();
        one.name.to_lowercase().contains(&wanted)
            || one.description.as_ref().is_some_and(|text| text.to_lowercase().contains(&wanted))
            || asked.is("search_namespaces") && one.owner.to_lowercase().contains(&wanted)
    };
    let after = |name: &str, at: chrono::DateTime<chrono::Utc>, later: bool| {
        let bound = asked.of(name).and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
        bound.is_none_or(|bound| if later { at >= bound } else { at <= bound })
    };
    flag("archived", one.archived)
        && asked.of("topic").is_none_or(topics)
        && asked.of("search").is_none_or(search)
        && asked.of("visibility").is_none_or(|wanted| wanted == wire::visibility(one))
        && after("last_activity_after", one.pushed_at, true)
        && after("last_activity_before", one.pushed_at, false)
}

fn visible(repository: &Repository, caller: Caller) -> bool {
    repository.state == Access::Public || repository.state == Access::Private && caller.sees_private()
}

fn not_found(what: &str) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"message": format!("404 {what} Not Found")}))).into_response()
}

/// By id or by path, now or before; a path of before redirects to the id.
fn find<'w>(
    forge: &Forge,
    world: &'w crate::world::World,
    caller: Caller,
    id: &str,
    rest: &str,
) -> Result<&'w Repository, Box<Response>> {
    let missing = || Box::new(not_found("Project"));
    let number = match (id.parse::<u64>(), world.named(id)) {
        (Ok(number), _) => number,
        (_, Some(Named::Here(number))) => number,
        (_, Some(Named::Moved(number))) => {
            world.by_id(number).filter(|one| visible(one, caller)).ok_or_else(missing)?;
            let target = format!("{}/api/v4/projects/{number}{rest}", forge.url());
            let moved = (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, target)], "").into_response();
            return Err(Box::new(moved));
        }
        _ => return Err(missing()),
    };
    match world.by_id(number) {
        Some(one) if one.state == Access::Blocked => Err(Box::new(gate::blocked(forge))),
        Some(one) if visible(one, caller) => Ok(one),
        _ => Err(missing()),
    }
}

async fn project(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    let asked = Asked::read(raw.as_deref());
    let world = forge.world();
    match find(&forge, &world, caller, &id, "") {
        Ok(one) => {
            let mut body = wire::project(
                forge.url(),
                one,
                caller.token().is_none(),
                asked.is("statistics") && caller.sees_private(),
            );
            if asked.is("license") {
                wire::license(&mut body, forge.url(), one);
            }
            Json(body).into_response()
        }
        Err(refused) => *refused,
    }
}

async fn languages(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    let world = forge.world();
    match find(&forge, &world, caller, &id, "/languages") {
        Ok(one) => {
            let shares: serde_json::Map<_, _> = one
                .language
                .iter()
                .flat_map(|language| [(language.clone(), json!(87.5)), ("Dockerfile".to_owned(), json!(12.5))])
                .collect();
            Json(shares).into_response()
        }
        Err(refused) => *refused,
    }
}
