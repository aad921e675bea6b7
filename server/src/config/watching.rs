//! `watching`: what holds for all watched branches and for all triggers that say nothing else.

use std::ops::RangeInclusive;
use std::time::Duration;

use entity::view::Pace;
use serde::Serialize;

use super::duration;
use super::reader::Section;

/// How long an attempt to tell somebody may take.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_mins(5);
/// Between two attempts.
const WAITS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_hours(24);
/// More attempts than this help nobody.
const MOST_WAITS: usize = 20;
/// Waits that double grow no further.
const LONGEST_DOUBLED: Duration = Duration::from_hours(10);

/// `watching`: branches that are watched, and telling of what happened to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WatchingConfig {
    /// Whether branches that the first look at a repository finds are events.
    pub first_look_events: bool,
    /// An attempt to tell a target may take this long, where its trigger says nothing else.
    #[serde(serialize_with = "duration::serialize")]
    pub timeout: Duration,
    /// Waits between attempts, where a trigger says nothing else.
    #[serde(serialize_with = "duration::serialize_list")]
    pub retry_waits: Vec<Duration>,
    /// Attempts at once in this process.
    pub max_deliveries: usize,
    /// Attempts at once at one trigger's target, over all processes.
    pub max_per_trigger: usize,
    /// Events, with what was told of them, are kept for so long; for ever where none is set.
    #[serde(serialize_with = "duration_or_off")]
    pub keep_events: Option<Duration>,
}

fn duration_or_off<S: serde::Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => duration::serialize(duration, serializer),
        None => serializer.serialize_str("off"),
    }
}

impl WatchingConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        const DAY: Duration = Duration::from_hours(24);
        let usual = Pace::default();
        let number = |name, most| section.number(name, 1..=most).and_then(|number| usize::try_from(number).ok());
        let keep = section.value("keep_events", |text| match duration::parse(text) {
            _ if matches!(text, "off" | "false") => Ok(None),
            Ok(found) if found >= DAY => Ok(Some(found)),
            _ => Err(format!("found {text:?}; at least 1d, or off to keep them for ever, is allowed")),
        });
        let config = Self {
            first_look_events: section.switch("first_look_events").unwrap_or(false),
            timeout: section.duration_within("timeout", TIMEOUTS).unwrap_or(Duration::from_millis(usual.timeout_ms)),
            retry_waits: waits(&section)
                .unwrap_or_else(|| usual.waits_ms.iter().copied().map(Duration::from_millis).collect()),
            max_deliveries: number("max_deliveries", 256).unwrap_or(32),
            max_per_trigger: number("max_per_trigger", 64).unwrap_or(4),
            keep_events: keep.unwrap_or(Some(180 * DAY)),
        };
        section.finish();
        config
    }
}

/// `timeout`, and `retry_waits` or RepoSentry's `retry_attempts` and `retry_backoff`, of a section that has a pace of its own.
pub(super) fn pace(section: &Section<'_>, or: &WatchingConfig) -> Pace {
    let timeout = section.duration_within("timeout", TIMEOUTS).unwrap_or(or.timeout);
    let listed = waits(section);
    let attempts = section.number("retry_attempts", 0..=MOST_WAITS as u64).and_then(|n| usize::try_from(n).ok());
    let backoff = section.duration_within("retry_backoff", WAITS);
    if listed.is_some() && (attempts.is_some() || backoff.is_some()) {
        section.error("retry_waits", "says all of it; leave out retry_attempts and retry_backoff");
    }
    let waits = match (listed, attempts, backoff) {
        (Some(listed), _, _) => listed,
        (None, attempts, Some(backoff)) => doubled(backoff, attempts.unwrap_or(or.retry_waits.len())),
        (None, Some(attempts), None) => repeated(&or.retry_waits, attempts),
        (None, None, None) => or.retry_waits.clone(),
    };
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Pace { timeout_ms: millis(timeout), waits_ms: waits.into_iter().map(millis).collect() }
}

fn waits(section: &Section<'_>) -> Option<Vec<Duration>> {
    let waits = section.list("retry_waits", |text| duration::within(text, &WAITS))?;
    if waits.len() > MOST_WAITS {
        section.error("retry_waits", format!("has {} waits; at most {MOST_WAITS} are allowed", waits.len()));
    }
    Some(waits)
}

/// So many waits, each twice as long as the one before.
fn doubled(first: Duration, count: usize) -> Vec<Duration> {
    std::iter::successors(Some(first), |wait| Some(wait.saturating_mul(2).min(LONGEST_DOUBLED.max(first))))
        .take(count)
        .collect()
}

/// So many of the usual waits; the last one again where there are not enough.
fn repeated(usual: &[Duration], count: usize) -> Vec<Duration> {
    let last = usual.last().copied().unwrap_or(LONGEST_DOUBLED);
    usual.iter().copied().chain(std::iter::repeat(last)).take(count).collect()
}
