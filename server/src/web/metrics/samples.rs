//! The figures one by one, for who reads JSON: read from the text that Prometheus gets, so that both tell the same.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A figure.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Metric {
    /// As `/metrics` has it.
    pub name: String,
    pub value: f64,
    /// `seconds` or `bytes`; empty of what is counted.
    pub unit: &'static str,
    /// When it was found out.
    pub timestamp: DateTime<Utc>,
    /// What it is of: its labels.
    pub tags: BTreeMap<String, String>,
}

/// Figures of this server.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MetricList {
    /// How many there are.
    pub total: usize,
    /// Each of them. Of histograms sum and count are told, and not how they are spread.
    pub metrics: Vec<Metric>,
}

/// Reads what [`prometheus_client`] wrote.
pub(super) fn read(text: &str, timestamp: DateTime<Utc>) -> impl Iterator<Item = Metric> {
    let samples = text.lines().filter(|line| !line.starts_with('#')).filter_map(sample);
    let samples = samples.filter(|(name, value, _)| !name.ends_with("_bucket") && value.is_finite());
    samples.map(move |(name, value, tags)| Metric { name: name.to_owned(), value, unit: unit(name), timestamp, tags })
}

fn sample(line: &str) -> Option<(&str, f64, BTreeMap<String, String>)> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, tags) = match series.split_once('{') {
        Some((name, labels)) => (name, tags(labels.strip_suffix('}')?)?),
        None => (series, BTreeMap::new()),
    };
    Some((name, value.parse().ok()?, tags))
}

/// Labels, without the braces around them.
fn tags(mut labels: &str) -> Option<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    while !labels.is_empty() {
        let (name, rest) = labels.split_once("=\"")?;
        let (mut value, mut chars) = (String::new(), rest.char_indices());
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        tags.insert(name.to_owned(), value);
        labels = rest[end + 1..].trim_start_matches(',');
    }
    Some(tags)
}

fn unit(name: &str) -> &'static str {
    let name = name.strip_suffix("_sum").unwrap_or(name);
    ["seconds", "bytes"].into_iter().find(|unit| name.ends_with(*unit)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_has_its_value_its_unit_and_its_labels() {
        let text = concat!(
            "# HELP jobs Jobs.\n# TYPE jobs gauge\n",
            "jobs{kind=\"a \\\"b\\\" \\\\ {c}, d=\\\"\\n\",state=\"ready\"} 3\n",
            "took_seconds_sum{method=\"GET\"} 0.25\ntook_seconds_count{method=\"GET\"} 2\n",
            "took_seconds_bucket{le=\"0.1\",method=\"GET\"} 1\nclones_bytes 1024\nodd NaN\n# EOF\n",
        );
        let at = DateTime::UNIX_EPOCH;
        let tags = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let metric = |name: &str, value, unit, tags| Metric { name: name.to_owned(), value, unit, timestamp: at, tags };
        let expected = [
            metric("jobs", 3.0, "", tags(&[("kind", "a \"b\" \\ {c}, d=\"\n"), ("state", "ready")])),
            metric("took_seconds_sum", 0.25, "seconds", tags(&[("method", "GET")])),
            metric("took_seconds_count", 2.0, "", tags(&[("method", "GET")])),
            metric("clones_bytes", 1024.0, "bytes", tags(&[])),
        ];
        assert_eq!(read(text, at).collect::<Vec<_>>(), expected);
    }
}
