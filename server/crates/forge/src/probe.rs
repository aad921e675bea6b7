//! A single look at a forge: whether it answers, what its limits are, and what time it has.

use chrono::{DateTime, Utc};
use http::HeaderMap;
use http::header::DATE;
use serde::Deserialize;

use crate::error::ForgeError;
use crate::exchange::{Ask, Exchange};
use crate::limit;
use crate::store::Window;

/// What one cheap request tells of a forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The time by the forge's clock, to the second; nothing where it does not say.
    pub time: Option<DateTime<Utc>>,
    /// Each of its limits that it tells, by name.
    pub limits: Vec<(String, Window)>,
}

/// Asks for something that costs a request at most, and keeps nothing of it.
pub(crate) async fn probe(
    exchange: &Exchange,
    resource: &'static str,
    parts: &[&str],
    query: Option<&str>,
) -> Result<Probe, ForgeError> {
    let mut url = exchange.url(parts);
    url.set_query(query);
    let ask = Ask { what: "a sign of life", resource, url, body: None };
    let (head, body) = exchange.look(&ask).await?;
    let now = Utc::now();
    let of_answer = limit::window(&head.headers, head.status, "", now).map(|window| (resource.to_owned(), window));
    let told = serde_json::from_slice::<Quotas>(&body).map(|quotas| quotas.windows(now)).unwrap_or_default();
    let limits = if told.is_empty() { of_answer.into_iter().collect() } else { told };
    Ok(Probe { time: time(&head.headers), limits })
}

/// The header `Date`, which is written in one of RFC 2822's forms.
fn time(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    Some(DateTime::parse_from_rfc2822(text).ok()?.to_utc())
}

/// What GitHub's `/rate_limit` answers, as far as it is used.
#[derive(Default, Deserialize)]
struct Quotas {
    resources: std::collections::BTreeMap<String, Quota>,
}

#[derive(Deserialize)]
struct Quota {
    limit: i64,
    remaining: i64,
    reset: i64,
}

impl Quotas {
    /// Those that we spend.
    fn windows(self, now: DateTime<Utc>) -> Vec<(String, Window)> {
        let ours = |(name, _): &(String, Quota)| ["core", "search", "graphql"].contains(&name.as_str());
        let window = |quota: Quota| Window {
            quota: Some(quota.limit),
            remaining: Some(quota.remaining),
            resets_at: DateTime::from_timestamp(quota.reset, 0),
            blocked_until: None,
            seen_at: now,
        };
        // A server whose administrator switched limits off says so by zeros.
        let limited = |(_, quota): &(String, Quota)| quota.limit > 0;
        self.resources.into_iter().filter(ours).filter(limited).map(|(name, quota)| (name, window(quota))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_an_answer_is_read() {
        let mut headers = HeaderMap::new();
        assert_eq!(time(&headers), None);
        headers.insert(DATE, "Fri, 27 Nov 2026 10:39:58 GMT".parse().unwrap());
        assert_eq!(time(&headers).unwrap().to_rfc3339(), "2026-11-27T10:39:58+00:00");
        headers.insert(DATE, "yesterday".parse().unwrap());
        assert_eq!(time(&headers), None);
    }

    #[test]
    fn limits_that_are_spent_are_told_and_no_others() {
        let text = r#"{"resources": {
            "core": {"limit": 5000, "remaining": 4990, "reset": 1790000000, "used": 10},
            "search": {"limit": 0, "remaining": 0, "reset": 1790000000},
            "scim": {"limit": 15, "remaining": 15, "reset": 1790000000}}, "rate": {}}"#;
        let windows = serde_json::from_str::<Quotas>(text).unwrap().windows(Utc::now());
        assert_eq!(windows.len(), 1);
        assert_eq!(
            (windows[0].0.as_str(), windows[0].1.quota, windows[0].1.remaining),
            ("core", Some(5000), Some(4990))
        );
    }
}
