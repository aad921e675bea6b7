//! What it means when a remote refuses, and how it is told.

use std::time::Duration;

use reqwest::header::HeaderMap;
use url::Url;

use crate::GitError;

/// How long to be silent after a refusal that does not say for how long.
const SILENCE: Duration = Duration::from_secs(60);
/// No remote closes for longer; a larger number is a mistake or malice.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// How long to wait where a refusal means a limit: 429 always does, 403 and 503 where they say when to come again or that
/// nothing remains.
pub(super) fn limited(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text("retry-after").and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let is_used_up = text("x-ratelimit-remaining") == Some("0");
    let is_limit = match status {
        429 => true,
        403 => headers.contains_key("retry-after") || is_used_up,
        503 => headers.contains_key("retry-after"),
        _ => false,
    };
    let reset = text("x-ratelimit-reset").and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let until_reset = reset.filter(|_| is_used_up).map(|reset| reset.saturating_sub(now));
    is_limit.then(|| asked.or(until_reset).unwrap_or(SILENCE).clamp(Duration::from_secs(1), LONGEST))
}

/// A URL for messages: what a remote sends may hold anything.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    let text = url.to_string();
    text.strip_suffix("/info/refs").unwrap_or(&text).chars().take(200).collect()
}

/// What the guard said, if it is why a request failed.
pub(super) fn refusal<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a net::Refused> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref() {
            return Some(refused);
        }
        cause = error.source();
    }
    None
}

/// The address leads where the guard lets nobody go.
pub(in crate::remote) fn refused_address(url: &str, refused: &net::Refused) -> GitError {
    match refused {
        net::Refused::Unresolved { host, reason } => {
            GitError::Unreachable { host: host.clone(), reason: reason.clone() }
        }
        refused => GitError::RefusedUrl { url: url.chars().take(200).collect(), reason: refused.to_string() },
    }
}

/// The innermost cause: "connection refused" says more than "error sending request".
pub(super) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string().chars().take(200).collect()
}
