//! Whose requests are answered, and who may change something: every request passes [`gate`], in this one place.
//!
//! Requests for a name that is not ours are not answered at all ([`AllowedHosts`]).
//!
//! There are no accounts yet, so everybody who reaches the program may act. What is refused already is a
//! request that another website makes a visitor's browser send: browsers say where a request comes from
//! (`Sec-Fetch-Site`, `Origin`), programs such as curl do not and are let through.

use std::sync::Arc;

use actions::Door;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, StatusCode, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::api::problem::Problem;
use super::hosts::{AllowedHosts, is_health};

/// Who asks, once the check was passed; handlers that change something take it as an argument.
#[derive(Clone, Copy, Debug)]
pub struct Actor(pub actions::Actor);

/// Lets a request act, or says why not.
///
/// # Errors
/// A 403 for a browser's request that comes from another site.
pub fn check(method: &Method, headers: &HeaderMap) -> Result<Actor, Problem> {
    if method.is_safe() || same_site(headers) {
        return Ok(Actor(actions::Actor::anyone(Door::Api)));
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

/// The gate in front of all routes, pages' server functions included.
pub async fn gate(State(hosts): State<Arc<AllowedHosts>>, request: Request, next: Next) -> Response {
    let named = match is_health(request.uri().path()) {
        true => Ok(()),
        false => hosts.check(request.uri(), request.headers()),
    };
    match named.and_then(|()| check(request.method(), request.headers())) {
        Ok(_) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        check(&parts.method, &parts.headers)
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
