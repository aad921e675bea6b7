//! What it means when a remote refuses, and how it is told.

use std::time::Duration;

use entity::credential::shown_address;
use net::limit::Limit;
use reqwest::header::HeaderMap;
use url::Url;

use crate::GitError;

/// How long to wait where a refusal means a limit.
pub(super) fn limited(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let now = chrono::Utc::now();
    let until = Limit::read(headers, status, "", now).blocked_until?;
    Some((until - now).to_std().unwrap_or_default())
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
        refused => {
            GitError::RefusedUrl { url: shown_address(url).chars().take(200).collect(), reason: refused.to_string() }
        }
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
