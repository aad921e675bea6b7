//! Limits as forges tell them in the headers of their answers.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode};

use crate::store::Window;

/// How long to be silent after a refusal that does not say for how long; GitHub asks for at least a minute.
const SILENCE: TimeDelta = TimeDelta::seconds(60);
/// No forge closes for longer than a day; a larger number is a mistake or malice.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// What an answer says of the limit that it counts against. `None` where it says nothing.
pub(crate) fn window(headers: &HeaderMap, status: StatusCode, body: &str, now: DateTime<Utc>) -> Option<Window> {
    let quota = number(headers, &["x-ratelimit-limit", "ratelimit-limit"]);
    let remaining = number(headers, &["x-ratelimit-remaining", "ratelimit-remaining"]);
    let resets_at = number(headers, &["x-ratelimit-reset", "ratelimit-reset"]).and_then(|at| moment(at, now));
    let blocked_until = is_limit(headers, status, body).then(|| {
        let asked = retry_after(headers, now);
        let reset = resets_at.filter(|_| remaining == Some(0));
        asked.or(reset).unwrap_or(now + SILENCE).clamp(now + TimeDelta::seconds(1), now + LONGEST)
    });
    if quota.is_none() && remaining.is_none() && blocked_until.is_none() {
        return None;
    }
    Some(Window { quota, remaining, resets_at, blocked_until, seen_at: now })
}

/// A refusal may mean a limit, or that something is not allowed: 429 always is the first, 403 by its headers or words.
pub(crate) fn is_limit(headers: &HeaderMap, status: StatusCode, body: &str) -> bool {
    match status.as_u16() {
        429 => true,
        403 => {
            headers.contains_key("retry-after")
                || number(headers, &["x-ratelimit-remaining"]) == Some(0)
                || body.to_ascii_lowercase().contains("rate limit")
        }
        503 => headers.contains_key("retry-after"),
        _ => false,
    }
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

fn number(headers: &HeaderMap, names: &[&str]) -> Option<i64> {
    names.iter().find_map(|name| headers.get(*name)?.to_str().ok()?.trim().parse().ok())
}

/// Seconds since 1970, or from now where the number is too small for that.
fn moment(seconds: i64, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = match seconds {
        ..0 => return None,
        0..100_000_000 => now + TimeDelta::try_seconds(seconds)?,
        _ => DateTime::from_timestamp(seconds, 0)?,
    };
    (at <= now + LONGEST).then_some(at)
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    match text.parse::<i64>() {
        Ok(seconds) => now.checked_add_signed(TimeDelta::try_seconds(seconds)?),
        Err(_) => DateTime::parse_from_rfc2822(text).ok().map(|at| at.with_timezone(&Utc)),
    }
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

    fn blocked(status: u16, pairs: &[(&'static str, &str)], body: &str) -> Option<i64> {
        let status = StatusCode::from_u16(status).unwrap();
        let window = window(&headers(pairs), status, body, now())?;
        window.blocked_until.map(|until| (until - now()).num_seconds())
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
    fn refusals_are_limits_or_not() {
        assert_eq!(blocked(429, &[], ""), Some(60));
        assert_eq!(blocked(429, &[("retry-after", "7")], ""), Some(7));
        assert_eq!(blocked(403, &[("retry-after", "30")], "You have exceeded a secondary rate limit"), Some(30));
        assert_eq!(blocked(403, &[], "You have exceeded a secondary rate limit"), Some(60));
        let primary = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1790000090")];
        assert_eq!(blocked(403, &primary, "API rate limit exceeded"), Some(90));
        assert_eq!(blocked(403, &[("x-ratelimit-remaining", "10")], "Resource not accessible"), None);
        assert_eq!(blocked(503, &[("retry-after", "5")], ""), Some(5));
        assert_eq!(blocked(502, &[], ""), None);
        let absurd = [("retry-after", "99999999999")];
        assert_eq!(blocked(429, &absurd, ""), Some(24 * 3600));
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
