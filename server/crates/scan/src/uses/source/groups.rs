//! Which keys of charts mean the same chart: pull-through proxies, mirrors, and repositories that moved.

use std::collections::HashMap;

use serde::Deserialize;
use thiserror::Error;

/// What Kubestats knows itself. `evidence` says where each fact can be read.
const BUILT_IN: &str = include_str!("../sources.json");
/// Rules applied one after the other to one key.
const MAX_STEPS: usize = 5;

/// A file of sources that cannot be read.
#[derive(Debug, Error)]
#[error("this is no file of chart sources, a JSON object of proxies, hosts, charts and prefixes")]
pub struct SourcesError(#[from] serde_json::Error);

/// Equivalent sources of charts. Rules of a user's file come before the built-in ones.
#[derive(Clone, Debug, Default)]
pub struct ChartSources {
    proxies: Vec<String>,
    hosts: Vec<(String, String)>,
    charts: HashMap<String, String>,
    prefixes: Vec<Prefix>,
    /// Differs where any of the texts differs that it was read from.
    fingerprint: u64,
}

#[derive(Clone, Debug)]
struct Prefix {
    from: String,
    to: String,
    /// Only these charts; all where it is empty.
    only: Vec<String>,
}

/// The file as it is written.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    proxies: Vec<WrittenProxy>,
    #[serde(default)]
    hosts: Vec<WrittenChart>,
    #[serde(default)]
    charts: Vec<WrittenChart>,
    #[serde(default)]
    prefixes: Vec<WrittenPrefix>,
}

#[derive(Deserialize)]
struct WrittenProxy {
    hosts: Vec<String>,
}

#[derive(Deserialize)]
struct WrittenChart {
    from: String,
    to: String,
}

#[derive(Deserialize)]
struct WrittenPrefix {
    from: Vec<String>,
    to: String,
    #[serde(default)]
    only: Vec<String>,
}

impl ChartSources {
    /// What Kubestats knows itself.
    #[must_use]
    pub fn built_in() -> Self {
        let mut sources = Self::default();
        // A test reads it.
        let _ = sources.add(BUILT_IN);
        sources
    }

    /// The same with a user's file on top, written as the built-in one is.
    ///
    /// # Errors
    /// When the text is no such file.
    pub fn with(json: &str) -> Result<Self, SourcesError> {
        let mut sources = Self::default();
        sources.add(json)?;
        let _ = sources.add(BUILT_IN);
        Ok(sources)
    }

    /// Differs for sources of which any are others: what was grouped by them is grouped anew.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn add(&mut self, json: &str) -> Result<(), SourcesError> {
        let written: Written = serde_json::from_str(json)?;
        let mut hash = blake3::Hasher::new();
        hash.update(&self.fingerprint.to_le_bytes()).update(json.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finalize().as_bytes()[..8]);
        self.fingerprint = u64::from_le_bytes(first);
        let pair = |WrittenChart { from, to }| (from, to);
        self.proxies.extend(written.proxies.into_iter().flat_map(|proxy| proxy.hosts).map(|host| host + "/"));
        self.hosts.extend(written.hosts.into_iter().map(pair));
        for (from, to) in written.charts.into_iter().map(pair) {
            self.charts.entry(from).or_insert(to);
        }
        for WrittenPrefix { from, to, only } in written.prefixes {
            let prefix = |from| Prefix { from, to: to.clone(), only: only.clone() };
            self.prefixes.extend(from.into_iter().map(prefix));
        }
        Ok(())
    }

    /// The key that stands for all of a chart's places.
    #[must_use]
    pub fn group(&self, key: &str) -> String {
        let mut key = key.to_owned();
        for _ in 0..MAX_STEPS {
            match self.step(&key) {
                Some(next) if next != key => key = next,
                _ => break,
            }
        }
        key
    }

    fn step(&self, key: &str) -> Option<String> {
        if let Some(rest) = self.proxies.iter().find_map(|proxy| key.strip_prefix(proxy.as_str())) {
            return Some(rest.to_owned());
        }
        if let Some(moved) =
            self.hosts.iter().find_map(|(from, to)| Some(format!("{to}{}", key.strip_prefix(from.as_str())?)))
        {
            return Some(moved);
        }
        if let Some(to) = self.charts.get(key) {
            return Some(to.clone());
        }
        self.prefixes.iter().find_map(|Prefix { from, to, only }| {
            let chart = key.strip_prefix(from.as_str()).filter(|chart| !chart.is_empty())?;
            let applies = only.is_empty() || only.iter().any(|name| name == chart);
            applies.then(|| format!("{to}{chart}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubestats_knows_can_be_read_and_ends() {
        let sources = ChartSources::with(r#"{"charts": [{"from": "a.example/x", "to": "b.example/x"}]}"#).unwrap();
        assert!(!sources.prefixes.is_empty() && !sources.proxies.is_empty());
        for to in sources.charts.values().chain(sources.prefixes.iter().map(|prefix| &prefix.to)) {
            assert_eq!(*to, to.to_lowercase());
        }
        assert_eq!(sources.group("a.example/x"), "b.example/x");
        assert_eq!(sources.group("charts.jetstack.io/cert-manager"), "quay.io/jetstack/charts/cert-manager");
        assert!(ChartSources::with(r#"{"charts": 1}"#).is_err());
    }

    #[test]
    fn rules_are_applied_one_after_the_other_and_circles_end() {
        let sources = ChartSources::with(
            r#"{"proxies": [{"hosts": ["proxy.example"]}], "hosts": [{"from": "m.example/", "to": "h.example/"}],
                "prefixes": [{"from": ["h.example/a/"], "to": "h.example/b/", "only": ["web"]},
                             {"from": ["h.example/c/"], "to": "h.example/d/"}, {"from": ["h.example/d/"], "to": "h.example/c/"}]}"#,
        )
        .unwrap();
        assert_eq!(sources.group("proxy.example/m.example/a/web"), "h.example/b/web");
        assert_eq!(sources.group("h.example/a/db"), "h.example/a/db");
        assert_eq!(sources.group("h.example/a/"), "h.example/a/");
        assert!(sources.group("h.example/c/web").ends_with("/web"));
    }
}
