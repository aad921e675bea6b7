//! Limits as servers tell them in the headers of their answers: forges' APIs, and Git's remotes in front of them.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderMap;

/// How long to be silent after a refusal that does not say for how long; GitHub asks for at least a minute.
const SILENCE: TimeDelta = TimeDelta::seconds(60);
/// No server closes for longer than a day; a larger number is a mistake or malice.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// What an answer says of the limit that it counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many requests one window has.
    pub quota: Option<i64>,
    pub remaining: Option<i64>,
    pub resets_at: Option<DateTime<Utc>>,
    /// Nothing may be asked before that time; only where the answer was a refusal for the limit's sake.
    pub blocked_until: Option<DateTime<Utc>>,
}

impl Limit {
    /// Reads an answer's headers, and its text where the status leaves open what it means.
    #[must_use]
    pub fn read(headers: &HeaderMap, status: u16, body: &str, now: DateTime<Utc>) -> Self {
        let remaining = number(headers, &["x-ratelimit-remaining", "ratelimit-remaining"]);
        let resets_at = number(headers, &["x-ratelimit-reset", "ratelimit-reset"]).and_then(|at| moment(at, now));
        let blocked_until = is_limit(headers, status, body).then(|| {
            let asked = retry_after(headers, now);
            let reset = resets_at.filter(|_| remaining == Some(0));
            asked.or(reset).unwrap_or(now + SILENCE).clamp(now + TimeDelta::seconds(1), now + LONGEST)
        });
        let quota = number(headers, &["x-ratelimit-limit", "ratelimit-limit"]);
        Self { quota, remaining, resets_at, blocked_until }
    }
}

/// A refusal may mean a limit, or that something is not allowed: 429 always is the first, 403 by its headers or words, 503
/// where it says when to come again.
#[must_use]
pub fn is_limit(headers: &HeaderMap, status: u16, body: &str) -> bool {
    match status {
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

    fn blocked(status: u16, pairs: &[(&'static str, &str)], body: &str) -> Option<i64> {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Limit::read(&headers, status, body, now()).blocked_until.map(|until| (until - now()).num_seconds())
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
        let date = (now() + TimeDelta::seconds(40)).to_rfc2822();
        assert_eq!(blocked(503, &[("retry-after", &date)], ""), Some(40));
        let relative = [("ratelimit-remaining", "0"), ("ratelimit-reset", "20")];
        assert_eq!(blocked(429, &relative, ""), Some(20));
        let absurd = [("retry-after", "99999999999")];
        assert_eq!(blocked(429, &absurd, ""), Some(24 * 3600));
    }
}
