//! What an answer means for the delivery.

use std::time::Duration;

use ::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Utc};
use entity::kind::TargetKind;
use net::limit::{Limit, retry_after};
use net::{AddressGuard, Refused};
use serde_json::Value;
use url::Url;

use super::SendEnd;
use crate::text::cut;

/// Longest name of what a target began.
const MAX_ID: usize = 200;

/// What came back.
pub(super) struct Answer<'a> {
    pub(super) kind: TargetKind,
    pub(super) url: &'a Url,
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) text: &'a str,
}

/// A name that leads nowhere may lead somewhere later, and so may an address be allowed that is not yet: processes read a
/// configuration one after the other. The schedule ends by itself.
pub(super) fn of_guard(refused: &Refused) -> SendEnd {
    let why = refused.to_string();
    match refused {
        Refused::Unresolved { .. } | Refused::Address { .. } => SendEnd::Failed { why, retry_after: None },
        Refused::NoHost { .. } => SendEnd::Refused { why },
    }
}

pub(super) fn of_answer(answer: &Answer<'_>, guard: &AddressGuard) -> SendEnd {
    let status = answer.status;
    if status.is_success() {
        return SendEnd::Delivered;
    }
    let now = Utc::now();
    let retry_after = retry_after(answer.headers, now).map(|at| until(at, now));
    if status == StatusCode::GONE {
        return SendEnd::Gone { why: said(answer) };
    }
    if status.is_redirection() {
        return redirected(answer, guard, retry_after);
    }
    match answer.kind {
        TargetKind::GithubDispatch | TargetKind::GitlabPipeline => of_forge(answer, retry_after, now),
        // Whoever writes receivers makes mistakes that are mended; the schedule ends by itself.
        TargetKind::Tekton | TargetKind::Webhook | TargetKind::Flux | TargetKind::Command => {
            SendEnd::Failed { why: said(answer), retry_after }
        }
    }
}

/// APIs that say precisely what is wrong: a token, a name or a field that will be as wrong the next time.
fn of_forge(answer: &Answer<'_>, retry_after: Option<Duration>, now: DateTime<Utc>) -> SendEnd {
    let code = answer.status.as_u16();
    if let Some(at) = Limit::read(answer.headers, code, answer.text, now).blocked_until {
        return SendEnd::Failed { why: said(answer), retry_after: Some(until(at, now)) };
    }
    match code {
        400 | 401 | 403 | 404 | 405 | 406 | 413 | 414 | 415 | 422 | 431 | 451 => {
            let hint = match (answer.kind, code) {
                (_, 401) => "; the token is wrong or has ended",
                (TargetKind::GithubDispatch, 403 | 404) => {
                    "; the repository is not there, or the token may not write its contents"
                }
                (_, 404) => "; the project is not there, or the trigger token is not one of it",
                _ => "",
            };
            SendEnd::Refused { why: format!("{}{hint}", said(answer)) }
        }
        _ => SendEnd::Failed { why: said(answer), retry_after },
    }
}

fn redirected(answer: &Answer<'_>, guard: &AddressGuard, retry_after: Option<Duration>) -> SendEnd {
    let location = answer.headers.get("location").and_then(|to| to.to_str().ok());
    let Some(to) = location.and_then(|to| answer.url.join(to).ok()) else {
        return SendEnd::Failed { why: said(answer), retry_after };
    };
    let status = answer.status.as_u16();
    if let Err(refused) = guard.check_url(&to) {
        return SendEnd::Refused {
            why: format!("answers {status} and leads elsewhere, which is not followed: {refused}"),
        };
    }
    let place = cut(&entity::credential::without_credentials(to.as_str()), 200);
    let why =
        format!("answers {status} and leads to {place}, which is not followed; write that address where it is meant");
    SendEnd::Failed { why, retry_after }
}

/// `answers 503 Service Unavailable: try later`
fn said(answer: &Answer<'_>) -> String {
    let status = answer.status;
    let name = status.canonical_reason().map(|name| format!(" {name}")).unwrap_or_default();
    let line = answer.text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.map(|line| format!(": {}", cut(line, 200))).unwrap_or_default();
    format!("answers {}{name}{line}", status.as_u16())
}

/// What is over is over.
fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or_default()
}

/// Tekton's `eventID`, or the number of GitLab's pipeline.
pub(super) fn answer_id(answer: &Answer<'_>) -> Option<String> {
    let key = match answer.kind {
        TargetKind::Tekton => "eventID",
        TargetKind::GitlabPipeline => "id",
        _ => return None,
    };
    if !answer.status.is_success() {
        return None;
    }
    let id = match serde_json::from_str::<Value>(answer.text).ok()?.get(key)? {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    (!id.is_empty()).then(|| cut(&id, MAX_ID))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(kind: TargetKind, status: u16, pairs: &[(&'static str, &str)], text: &str) -> SendEnd {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let url = Url::parse("https://target.example/a").unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        of_answer(&Answer { kind, url: &url, status, headers: &headers, text }, &AddressGuard::default())
    }

    fn wait(end: &SendEnd) -> Option<u64> {
        match end {
            SendEnd::Failed { retry_after, .. } => retry_after.map(|wait| wait.as_secs()),
            _ => None,
        }
    }

    #[test]
    fn webhooks_are_tried_again_whatever_they_answer_but_gone() {
        for status in [400, 401, 403, 404, 405, 408, 413, 422, 429, 500, 502, 503, 504] {
            let end = end(TargetKind::Webhook, status, &[], "");
            assert!(matches!(end, SendEnd::Failed { retry_after: None, .. }), "{status}: {end:?}");
        }
        for status in [200, 201, 202, 204] {
            assert_eq!(end(TargetKind::Webhook, status, &[], ""), SendEnd::Delivered);
        }
        let gone = end(TargetKind::Webhook, 410, &[], "\n we moved\nand more");
        assert_eq!(gone, SendEnd::Gone { why: "answers 410 Gone: we moved".to_owned() });
    }

    #[test]
    fn forges_are_asked_again_only_where_time_mends_it() {
        for kind in [TargetKind::GithubDispatch, TargetKind::GitlabPipeline] {
            for status in [400, 401, 403, 404, 422] {
                assert!(matches!(end(kind, status, &[], ""), SendEnd::Refused { .. }), "{kind} {status}");
            }
            for status in [408, 409, 429, 500, 502, 503] {
                assert!(matches!(end(kind, status, &[], ""), SendEnd::Failed { .. }), "{kind} {status}");
            }
        }
        let limited = end(TargetKind::GithubDispatch, 403, &[], "You have exceeded a secondary rate limit");
        assert!(wait(&limited).is_some_and(|wait| (58..=60).contains(&wait)), "{limited:?}");
        let limited = end(TargetKind::GithubDispatch, 403, &[("retry-after", "30")], "");
        assert!(wait(&limited).is_some_and(|wait| (28..=30).contains(&wait)), "{limited:?}");
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let after = |text: &str| wait(&end(TargetKind::Tekton, 503, &[("retry-after", text)], ""));
        assert_eq!(after("7"), Some(7));
        assert_eq!(after("0"), Some(0));
        assert_eq!(after("99999999999999999999999"), Some(86_400));
        assert_eq!(after("1000000"), Some(86_400));
        assert_eq!(after("soon"), None);
        assert_eq!(after("-5"), None);
        let date = (Utc::now() + chrono::TimeDelta::seconds(90)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        assert!(after(&date).is_some_and(|wait| (85..=90).contains(&wait)), "{date}");
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0));
    }

    #[test]
    fn redirects_are_not_followed_and_inward_ones_are_refused() {
        let outward = end(TargetKind::Webhook, 308, &[("location", "https://other.example/b?token=hunter")], "");
        let SendEnd::Failed { why, .. } = &outward else { panic!("{outward:?}") };
        assert!(why.contains("leads to https://other.example/b") && !why.contains("hunter"), "{why}");
        let inward = end(TargetKind::Webhook, 307, &[("location", "http://169.254.169.254/latest/meta-data")], "");
        let SendEnd::Refused { why } = &inward else { panic!("{inward:?}") };
        assert!(why.contains("169.254.169.254") && why.contains("security.allowed_networks"), "{why}");
        assert!(matches!(end(TargetKind::Webhook, 304, &[], ""), SendEnd::Failed { .. }));
    }

    #[test]
    fn what_a_target_began_is_read_from_its_answer() {
        let url = Url::parse("https://target.example/").unwrap();
        let headers = HeaderMap::new();
        let id = |kind, text: &str| {
            answer_id(&Answer { kind, url: &url, status: StatusCode::ACCEPTED, headers: &headers, text })
        };
        let tekton =
            r#"{"eventListener":"l","namespace":"n","eventListenerUID":"u","eventID":"14a657c3-6816-45bf-b214"}"#;
        assert_eq!(id(TargetKind::Tekton, tekton).as_deref(), Some("14a657c3-6816-45bf-b214"));
        assert_eq!(id(TargetKind::GitlabPipeline, r#"{"id":257,"status":"created"}"#).as_deref(), Some("257"));
        assert_eq!(id(TargetKind::Webhook, tekton), None);
        assert_eq!(id(TargetKind::Tekton, r#"{"eventID":{}}"#), None);
        assert_eq!(id(TargetKind::Tekton, "no JSON"), None);
    }
}
