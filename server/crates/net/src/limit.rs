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

/// When to come again, as `Retry-After` says it in seconds or as a date: what is over is now, and a day from now is the latest.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    let at = match text.parse::<u32>() {
        Ok(seconds) => now + TimeDelta::seconds(i64::from(seconds)),
        // More digits than a number has are a very long time.
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => now + LONGEST,
        Err(_) => DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc),
    };
    Some(at.clamp(now, now + LONGEST))
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

    #[test]
    fn retry_after_is_seconds_or_a_date_and_a_day_at_most() {
        let after = |text: &str| {
            let headers = HeaderMap::from_iter([("retry-after".parse().unwrap(), text.parse().unwrap())]);
            retry_after(&headers, now()).map(|at| (at - now()).num_seconds())
        };
        for (text, expected) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("1000000", Some(86_400)),
            ("4294967296", Some(86_400)),
            ("99999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Fri, 01 Jan 2100 00:00:00 GMT", Some(86_400)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(after(text), expected, "{text}");
        }
        let date = (now() + TimeDelta::seconds(90)).to_rfc2822();
        assert_eq!((after(&date), retry_after(&HeaderMap::new(), now())), (Some(90), None));
    }
}
