//! Before and after each API handler: who asks, what it costs, and whether it is news.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::forge::{Forge, Kind, lock};
use crate::limits::Budget;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Somebody without a token.
    Anonymous,
    /// The holder of a good token: its place in the list, and whether it sees private repositories.
    Token { place: usize, private: bool },
    /// Somebody whose token is not good.
    Stranger,
}

impl Caller {
    pub(crate) fn token(&self) -> Option<usize> {
        match self {
            Self::Token { place, .. } => Some(*place),
            _ => None,
        }
    }

    pub(crate) fn sees_private(&self) -> bool {
        matches!(self, Self::Token { private: true, .. })
    }
}

/// What an answer cost of the quota; carried along as an extension, for the record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost(pub(crate) u64);

/// Reads the token out of the headers that the forges and git take it from.
pub(crate) fn caller(forge: &Forge, headers: &HeaderMap) -> Caller {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let token = match text("authorization").and_then(|value| value.split_once(' ')) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => BASE64_STANDARD
            .decode(rest.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(|pair| pair.split_once(':').map_or(pair.clone(), |(_, password)| password.to_owned())),
        Some((_, rest)) => Some(rest.trim().to_owned()),
        None => text("private-token").map(str::to_owned),
    };
    let Some(token) = token else { return Caller::Anonymous };
    match forge.options.tokens.iter().position(|(known, _)| *known == token) {
        Some(place) => Caller::Token { place, private: forge.options.tokens[place].1 },
        None => Caller::Stranger,
    }
}

/// Which quota a path draws on.
pub(crate) fn resource(kind: Kind, path: &str) -> &'static str {
    match kind {
        Kind::GitHub if path.ends_with("/graphql") => "graphql",
        Kind::GitHub if path.contains("/search/") => "search",
        Kind::GitHub => "core",
        _ => "requests",
    }
}

/// Wraps every handler of a forge's API.
pub(crate) async fn api(State(forge): State<Arc<Forge>>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get().copied().unwrap_or(Caller::Anonymous);
    let path = request.uri().path().to_owned();
    let kind = forge.kind();
    if kind == Kind::GitHub && !request.headers().contains_key(header::USER_AGENT) {
        let message =
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    if caller == Caller::Stranger {
        return bad_credentials(kind);
    }
    if kind == Kind::GitHub && forge.running.load(Ordering::SeqCst) > forge.options.limits.concurrent {
        lock(&forge.record).counters.limited += 1;
        return secondary(StatusCode::FORBIDDEN, Some(60));
    }
    let resource = resource(kind, &path);
    // GraphQL counts points, which its handler knows; looking at the quota costs nothing.
    if resource == "graphql" || path.ends_with("/rate_limit") {
        return next.run(request).await;
    }
    let (mut budget, enough) = lock(&forge.budgets).take(&forge.options.limits, caller.token(), resource, 1);
    if !enough {
        lock(&forge.record).counters.limited += 1;
        return limited(&forge, caller.token(), resource);
    }
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let tagged = request.method() == Method::GET
        && match kind {
            Kind::GitHub => resource != "search" || forge.options.search_etags,
            Kind::GitLab => true,
            Kind::Forgejo | Kind::Git => false,
        };
    let mut response = next.run(request).await;
    let mut cost = 1;
    if tagged && response.status() == StatusCode::OK {
        response = tag(response, known.as_ref(), &path, caller).await;
        // A 304 is free at GitHub, for those who say who they are.
        if kind == Kind::GitHub && response.status() == StatusCode::NOT_MODIFIED && caller.token().is_some() {
            lock(&forge.budgets).give_back(caller.token(), resource, 1);
            budget.used = budget.used.saturating_sub(1);
            cost = 0;
        }
    }
    lock(&forge.record).spend(resource, cost);
    response.extensions_mut().insert(Cost(cost));
    quota(&mut response, kind, resource, &budget);
    response
}

/// Gives the answer its ETag, or turns it into a 304 if the client knows it already.
async fn tag(response: Response, known: Option<&HeaderValue>, path: &str, caller: Caller) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, 64 << 20).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // What one token is shown another need not be, so the tag is of both (`Vary: Authorization`).
    let mut hasher = DefaultHasher::new();
    (&bytes, path, caller.token()).hash(&mut hasher);
    let tag = format!("\"{:016x}{:016x}\"", hasher.finish(), bytes.len());
    let known = known.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let unchanged = known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag);
    if let Ok(value) = HeaderValue::from_str(&format!("W/{tag}")) {
        parts.headers.insert(header::ETAG, value);
    }
    if unchanged {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Tells the quota in the headers that this kind of forge has for it.
pub(crate) fn quota(response: &mut Response, kind: Kind, resource: &'static str, budget: &Budget) {
    let names: [&'static str; 4] = match kind {
        Kind::GitHub => ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-used", "x-ratelimit-reset"],
        Kind::GitLab => ["ratelimit-limit", "ratelimit-remaining", "ratelimit-observed", "ratelimit-reset"],
        Kind::Forgejo | Kind::Git => return,
    };
    let reset = budget.reset.timestamp().max(0).unsigned_abs() + 1;
    let headers = response.headers_mut();
    for (name, value) in names.into_iter().zip([budget.limit, budget.remaining(), budget.used, reset]) {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
    if kind == Kind::GitHub {
        headers.insert("x-ratelimit-resource", HeaderValue::from_static(resource));
        headers.insert("x-github-media-type", HeaderValue::from_static("github.v3; format=json"));
    }
}

/// The answer of a forge whose quota is used up.
pub(crate) fn limited(forge: &Forge, token: Option<usize>, resource: &'static str) -> Response {
    let (budget, _) = lock(&forge.budgets).take(&forge.options.limits, token, resource, 0);
    let mut response = match (forge.kind(), resource) {
        (Kind::GitHub, "graphql") => {
            let error = json!({"type": "RATE_LIMITED", "code": "graphql_rate_limit", "message": "API rate limit already exceeded for user ID 1."});
            Json(json!({ "errors": [error] })).into_response()
        }
        (Kind::GitHub, _) => {
            let whose = token.map_or("127.0.0.1. (But here's the good news: Authenticated requests get a higher rate limit. Check out the documentation for more details.)".to_owned(), |place| format!("user ID {}.", place + 1));
            let page = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api";
            said(StatusCode::FORBIDDEN, &format!("API rate limit exceeded for {whose}"), page)
        }
        _ => return with_quota(too_many(Some(budget.wait())), forge.kind(), resource, &budget),
    };
    quota(&mut response, forge.kind(), resource, &budget);
    response
}

fn with_quota(mut response: Response, kind: Kind, resource: &'static str, budget: &Budget) -> Response {
    quota(&mut response, kind, resource, budget);
    response
}

/// GitHub's secondary limit, which is told apart by its message and Retry-After.
pub(crate) fn secondary(status: StatusCode, retry_after: Option<u64>) -> Response {
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. \
                   If you reach out to GitHub Support for help, please include the request ID 0000:0000:0:0:0.";
    let page = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits";
    retry(said(status, message, page), retry_after)
}

/// 429 as GitLab and most proxies say it: plain text.
pub(crate) fn too_many(retry_after: Option<u64>) -> Response {
    retry((StatusCode::TOO_MANY_REQUESTS, "Retry later\n").into_response(), retry_after)
}

fn retry(mut response: Response, retry_after: Option<u64>) -> Response {
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The token is no good.
pub(crate) fn bad_credentials(kind: Kind) -> Response {
    match kind {
        Kind::GitHub => said(StatusCode::UNAUTHORIZED, "Bad credentials", "https://docs.github.com/rest"),
        Kind::GitLab => (StatusCode::UNAUTHORIZED, Json(json!({"message": "401 Unauthorized"}))).into_response(),
        _ => {
            let body = json!({"message": "user does not exist [uid: 0, name: ]", "url": "/api/swagger"});
            (StatusCode::UNAUTHORIZED, Json(body)).into_response()
        }
    }
}

/// Taken down for legal reasons.
pub(crate) fn blocked(forge: &Forge) -> Response {
    let body: Value = match forge.kind() {
        Kind::GitHub => json!({
            "message": "Repository access blocked",
            "block": {
                "reason": "dmca",
                "created_at": "2024-01-01T00:00:00Z",
                "html_url": format!("{}/notices/1", forge.url()),
            },
        }),
        _ => json!({"message": "451 Unavailable For Legal Reasons"}),
    };
    (StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, Json(body)).into_response()
}

/// An error in GitHub's words.
pub(crate) fn said(status: StatusCode, message: &str, page: &str) -> Response {
    let body = json!({"message": message, "documentation_url": page, "status": status.as_str()});
    (status, Json(body)).into_response()
}
