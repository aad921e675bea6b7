//! How often one may ask the API, by address or by account, and how often one may try to log in.
//!
//! What our own pages ask for has no such limit: their server functions, their files, and the live updates, which have
//! seats of their own. Paths decide, as headers that tell of pages can be written by anybody.

mod keyed;
mod logins;

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use chrono::TimeDelta;
use uuid::Uuid;

use super::api::problem::Problem;
use super::client_address::{Client, one_party};
use super::hosts::is_health;
use crate::clock;
use keyed::{Keyed, Verdict};

pub use logins::{LoginLimits, RetryAfter};

const HOUR: Duration = Duration::from_hours(1);
const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Whose account asks; a layer further out puts it into the request's extensions once it has checked who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedIn(pub Uuid);

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Everybody without an account there (of IPv6: a /64).
    Address(IpAddr),
    /// An account, from wherever.
    Account(Uuid),
}

impl Key {
    /// Who asks.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        match (extensions.get::<SignedIn>(), extensions.get::<Client>()) {
            (Some(SignedIn(account)), _) => Self::Account(*account),
            (None, Some(client)) => Self::Address(one_party(client.address)),
            (None, None) => Self::Address(Ipv4Addr::UNSPECIFIED.into()),
        }
    }
}

/// Limits of the API; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RateLimits(Option<Arc<Limiters>>);

#[derive(Debug)]
struct Limiters {
    by_address: Keyed<IpAddr>,
    by_account: Keyed<Uuid>,
}

impl RateLimits {
    /// So many requests in an hour; they come back one by one.
    #[must_use]
    pub fn per_hour(anonymous: NonZeroU32, signed_in: NonZeroU32) -> Self {
        let by_address = Keyed::new(anonymous, HOUR / anonymous.get());
        let by_account = Keyed::new(signed_in, HOUR / signed_in.get());
        Self(Some(Arc::new(Limiters { by_address, by_account })))
    }

    /// No limits.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    fn check(&self, key: Key) -> Option<Verdict> {
        let limiters = self.0.as_deref()?;
        Some(match key {
            Key::Address(address) => limiters.by_address.check(address),
            Key::Account(account) => limiters.by_account.check(account),
        })
    }

    /// Counts a request, where its path has a limit.
    fn count(&self, request: &Request) -> Option<Verdict> {
        match is_limited(request.uri().path()) {
            true => self.check(Key::of(request)),
            false => None,
        }
    }
}

/// Whether a path is asked for by programs, and costs work.
#[must_use]
pub fn is_limited(path: &str) -> bool {
    path.starts_with("/api/") && path != "/api/v1/stream" && !is_health(path)
}

/// Refuses what comes too often, and says what is left.
pub async fn limit(State(limits): State<RateLimits>, request: Request, next: Next) -> Response {
    let verdict = limits.count(&request);
    let Some(verdict) = verdict else { return next.run(request).await };
    let response = match verdict.retry_after {
        None => next.run(request).await,
        Some(after) => too_often(verdict.limit, after),
    };
    tell(verdict, response)
}

/// Counts a request that is answered before it gets to [`limit`]: whoever brings what does not work is a stranger like others,
/// however much of it they try.
#[must_use]
pub fn limit_refused(limits: &RateLimits, request: &Request, refusal: Problem) -> Response {
    let Some(verdict) = limits.count(request) else { return refusal.into_response() };
    let response = match verdict.retry_after {
        None => refusal.into_response(),
        Some(after) => too_often(verdict.limit, after),
    };
    tell(verdict, response)
}

fn too_often(limit: u32, after: Duration) -> Response {
    let seconds = RetryAfter(after).seconds();
    let detail =
        format!("The limit of {limit} requests in an hour is reached; the next one is answered in {seconds} s");
    Problem::too_many(detail, seconds).into_response()
}

/// Says what is left with the answer.
fn tell(verdict: Verdict, mut response: Response) -> Response {
    let resets_at = clock::now() + TimeDelta::from_std(verdict.resets_in).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(X_RATELIMIT_LIMIT, HeaderValue::from(verdict.limit));
    headers.insert(X_RATELIMIT_REMAINING, HeaderValue::from(verdict.remaining));
    headers.insert(X_RATELIMIT_RESET, HeaderValue::from(resets_at.timestamp()));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn the_api_is_limited_and_what_pages_and_probes_ask_for_is_not() {
        for path in ["/api/v1/jobs", "/api/v1/repositories/", "/api/v1/openapi.json", "/api/nothing", "/api/v1/stream/"]
        {
            assert!(is_limited(path), "{path}");
        }
        for path in ["/", "/repositories", "/ui/add", "/assets/a.js", "/api/v1/stream", "/api/health/db", "/health"] {
            assert!(!is_limited(path), "{path}");
        }
    }

    #[test]
    fn an_account_is_counted_by_itself_wherever_it_asks_from() {
        let ask = |address: &str, account: Option<Uuid>| {
            let mut request = Request::new(Body::empty());
            let client = Client { address: address.parse().unwrap(), https: false, host: None };
            request.extensions_mut().insert(client);
            account.map(|account| request.extensions_mut().insert(SignedIn(account)));
            Key::of(&request)
        };
        let account = Uuid::from_u128(7);
        assert_eq!(ask("10.0.0.1", Some(account)), ask("10.0.0.2", Some(account)));
        assert_ne!(ask("10.0.0.1", Some(account)), ask("10.0.0.1", None));
        assert_eq!(ask("2001:db8::1", None), ask("2001:db8::2", None));
        let limits = RateLimits::per_hour(NonZeroU32::MIN, NonZeroU32::new(2).unwrap());
        let through = |key| limits.check(key).unwrap().retry_after.is_none();
        let (address, account) = (ask("10.0.0.1", None), ask("10.0.0.1", Some(account)));
        assert_eq!([through(address), through(address)], [true, false]);
        assert_eq!([through(account), through(account), through(account)], [true, true, false]);
    }
}
