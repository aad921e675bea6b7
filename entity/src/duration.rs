//! Durations as people write them, in forms, in the configuration and on the command line.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Reads a duration as Go writes it: `30s`, `5m`, `1h30m`, `250ms`; `d` for days as well.
///
/// # Errors
/// A sentence that says what is wrong and what is allowed.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration; write a number with a unit, such as 30s, 5m, 1h30m or 7d");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total = 0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = match &rest[..end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(wrong()),
        };
        total += number * seconds;
        rest = &rest[end..];
    }
    Duration::try_from_secs_f64(total).map_err(|_| wrong())
}

/// How far apart looks at a remote may be, for one repository or for all.
pub const POLLING_INTERVAL: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(30 * 24);

/// Reads a duration within bounds.
///
/// # Errors
/// A sentence that says what is wrong and what is allowed.
pub fn within(text: &str, bounds: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let found = parse(text)?;
    if bounds.contains(&found) {
        return Ok(found);
    }
    Err(format!("found {text:?}; {}", allowed(bounds)))
}

/// Bounds in words.
#[must_use]
pub fn allowed(bounds: &RangeInclusive<Duration>) -> String {
    format!("from {} to {} is allowed", format(*bounds.start()), format(*bounds.end()))
}

/// Writes a duration the way it is read.
#[must_use]
pub fn format(duration: Duration) -> String {
    let millis = duration.as_millis();
    if !millis.is_multiple_of(1_000) {
        return format!("{millis}ms");
    }
    let seconds = duration.as_secs();
    let mut text = String::new();
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        let rest = if unit == "d" { seconds } else { seconds % (size * if unit == "h" { 24 } else { 60 }) };
        if rest / size > 0 {
            text.push_str(&format!("{}{unit}", rest / size));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// For `#[serde(serialize_with)]`.
pub fn serialize<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// For `#[serde(serialize_with)]` on lists of durations.
pub fn serialize_list<S: serde::Serializer>(durations: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(durations.iter().map(|duration| format(*duration)))
}

/// For `#[serde(serialize_with)]` on optional durations.
pub fn serialize_option<S: serde::Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serialize(duration, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, seconds) in
            [("30s", 30.0), ("5m", 300.0), ("1h30m", 5_400.0), ("250ms", 0.25), ("7d", 604_800.0), ("1.5h", 5_400.0)]
        {
            assert_eq!(parse(text).unwrap(), Duration::from_secs_f64(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_examples() {
        for text in ["", "5", "m", "-5m", "5 minutes", "1e400s", "5x"] {
            assert!(parse(text).unwrap_err().contains("such as 30s"), "{text}");
        }
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["30s", "5m", "1h30m", "250ms", "7d", "1d1h1m1s", "0s"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }
}
