//! How much of a forge's limit is left, and when the next request may go out.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode};
use net::limit::Limit;

use crate::store::Window;

/// What an answer says of the limit that it counts against. `None` where it says nothing.
pub(crate) fn window(headers: &HeaderMap, status: StatusCode, body: &str, now: DateTime<Utc>) -> Option<Window> {
    let Limit { quota, remaining, resets_at, blocked_until } = Limit::read(headers, status.as_u16(), body, now);
    if quota.is_none() && remaining.is_none() && blocked_until.is_none() {
        return None;
    }
    Some(Window { quota, remaining, resets_at, blocked_until, seen_at: now })
}

/// When the next request may go out, if not now. A little is left to others who use the same token.
pub(crate) fn wait_until(window: &Window, cost: i64, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if let Some(until) = window.blocked_until.filter(|until| *until > now) {
        return Some(until);
    }
    let reserve = window.quota.map_or(0, |quota| quota / 50);
    let resets_at = window.resets_at.filter(|at| *at > now)?;
    // Clocks differ a little; the forge's second has to be over.
    (window.remaining? < cost + reserve).then(|| resets_at + TimeDelta::seconds(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn headers_of_each_forge_are_read() {
        let github = headers(&[
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "4999"),
            ("x-ratelimit-reset", "1790000600"),
        ]);
        let found = window(&github, StatusCode::OK, "", now()).unwrap();
        assert_eq!((found.quota, found.remaining, found.blocked_until), (Some(5000), Some(4999), None));
        assert_eq!((found.resets_at.unwrap() - now()).num_seconds(), 600);
        let gitlab = headers(&[("ratelimit-limit", "400"), ("ratelimit-remaining", "7"), ("ratelimit-reset", "30")]);
        let found = window(&gitlab, StatusCode::OK, "", now()).unwrap();
        assert_eq!((found.remaining, (found.resets_at.unwrap() - now()).num_seconds()), (Some(7), 30));
        assert_eq!(window(&HeaderMap::new(), StatusCode::OK, "", now()), None);
    }

    #[test]
    fn the_last_requests_are_not_spent() {
        let window = |quota, remaining| Window {
            quota: Some(quota),
            remaining: Some(remaining),
            resets_at: Some(now() + TimeDelta::seconds(50)),
            blocked_until: None,
            seen_at: now(),
        };
        assert_eq!(wait_until(&window(5000, 101), 1, now()), None);
        assert_eq!(wait_until(&window(5000, 100), 1, now()), Some(now() + TimeDelta::seconds(51)));
        assert_eq!(wait_until(&window(30, 1), 1, now()), None);
        assert!(wait_until(&window(30, 0), 1, now()).is_some());
        assert_eq!(wait_until(&window(30, 0), 1, now() + TimeDelta::seconds(51)), None);
        let blocked = Window { blocked_until: Some(now() + TimeDelta::seconds(9)), ..window(30, 30) };
        assert_eq!(wait_until(&blocked, 1, now()), blocked.blocked_until);
    }
}
