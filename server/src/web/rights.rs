//! Whose requests are answered, and who may read and change something: every request passes [`gate`], in this one place.
//!
//! Requests for a name that is not ours are not answered at all ([`AllowedHosts`]). A request that another website makes a
//! visitor's browser send changes nothing: browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`), programs
//! such as curl do not and are let through. Whoever may not even read is led to where one signs in; who signed in and lacks
//! that is told so. What else somebody may is decided by the action that they ask for.

use std::sync::Arc;

use actions::Refusal;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use entity::kind::Permission;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::api::problem::Problem;
use super::hosts::{AllowedHosts, is_health};

/// Who asks, as [`super::identity`] found out.
#[derive(Clone, Debug)]
pub struct Actor(pub actions::Actor);

/// Whether a request was sent by us or by a program.
///
/// # Errors
/// A 403 for a browser's request that comes from another site.
pub fn check(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() || same_site(headers) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "This request was sent by a page of another site. Send it from Kubestats' own pages or from a program.",
    ))
}

fn same_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => matches!(site, "same-origin" | "none"),
        // Browsers that do not send it (plain http to another host than localhost) send `Origin` with posts.
        None => text("origin").is_none_or(|origin| {
            let from = origin.split_once("://").map(|(_, host)| host);
            // A proxy may have put its own name into `Host`; no page can set either of the two.
            [text("host"), text("x-forwarded-host")]
                .into_iter()
                .flatten()
                .any(|host| from.is_some_and(|from| from.eq_ignore_ascii_case(host)))
        }),
    }
}

/// What stands behind these opens something: it is told to nobody, and kept by nobody.
pub const LINKS: [&str; 3] = ["/set-up/", "/welcome/", "/webhooks/tekton/"];

/// What everybody is shown who may not read: how the program is, what is needed to come in, and files of the site.
pub(super) fn is_open(path: &str) -> bool {
    let below = |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    is_health(path)
        || [
            "/sign-in",
            "/sign-out",
            "/set-up",
            "/welcome",
            "/assets",
            "/auth",
            "/api/v1/auth",
            "/api/v1/login",
            "/metrics",
            "/api/v1/metrics",
            "/webhooks",
        ]
        .into_iter()
        .any(below)
        || matches!(path, "/favicon.ico" | "/favicon.svg" | "/robots.txt" | "/ui/welcome" | "/ui/theme")
}

/// Whether a person waits for a page, and no program for an answer.
fn is_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    request.method().is_safe() && accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Who may not read is led to where one signs in and then back here, a program is told so.
fn asked_in(request: &Request) -> Response {
    if is_page(request) {
        let from = request.uri().path_and_query().map_or("/", |from| from.as_str());
        return Redirect::to(&format!("/sign-in?from={}", utf8_percent_encode(from, NON_ALPHANUMERIC))).into_response();
    }
    not_signed_in()
}

/// The answer to a program that has to say who it is, and how.
pub(super) fn not_signed_in() -> Response {
    let mut response = Problem::from(Refusal::NotSignedIn).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    response
}

/// The gate in front of routes that ask for a key of their own.
pub async fn gate_of_hosts(State(hosts): State<Arc<AllowedHosts>>, request: Request, next: Next) -> Response {
    match hosts.check(request.uri(), request.headers()).and_then(|()| check(request.method(), request.headers())) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The gate in front of all routes, pages' server functions included.
pub async fn gate(State(hosts): State<Arc<AllowedHosts>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let named = match is_health(path) {
        true => Ok(()),
        false => hosts.check(request.uri(), request.headers()),
    };
    if let Err(problem) = named.and_then(|()| check(request.method(), request.headers())) {
        return problem.into_response();
    }
    // What a request of the API changes has a need of its own, which is asked for where the operation is known.
    let is_decided_later = path.starts_with("/api/") && !request.method().is_safe();
    if is_open(path) {
        return next.run(request).await;
    }
    match request.extensions().get::<actions::Actor>() {
        Some(actor) if is_decided_later && actor.signed_in().is_ok() => next.run(request).await,
        Some(actor) => match actor.need(Permission::Read) {
            Ok(()) => next.run(request).await,
            Err(refusal @ Refusal::NotAllowed(_)) if !is_page(&request) => Problem::from(refusal).into_response(),
            Err(_) => asked_in(&request),
        },
        None => asked_in(&request),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let actor = parts.extensions.get::<actions::Actor>().cloned();
        actor.map(Self).ok_or_else(|| Problem::internal_text("a handler asks for an actor where none was found out"))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn programs_and_own_pages_may_act() {
        for pairs in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("origin", "http://box.lan:3000"), ("host", "box.lan:3000")],
            &[("origin", "http://box.lan"), ("host", "10.0.0.7:3000"), ("x-forwarded-host", "box.lan")],
        ] {
            assert!(check(&Method::POST, &headers(pairs)).is_ok(), "{pairs:?}");
        }
    }

    #[test]
    fn pages_of_other_sites_may_only_read() {
        for pairs in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example"), ("host", "box.lan:3000")],
            &[("origin", "null"), ("host", "box.lan:3000")],
        ] {
            assert_eq!(check(&Method::POST, &headers(pairs)).unwrap_err().status, 403, "{pairs:?}");
            assert!(check(&Method::GET, &headers(pairs)).is_ok(), "{pairs:?}");
        }
    }
}
