//! `schedules`: when the program asks itself for work.

use std::str::FromStr as _;

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use entity::kind::{Clocked, JobKind};
use serde::Serialize;
use serde::ser::SerializeMap as _;

use super::reader::Section;

/// Switches a schedule off.
const OFF: &str = "off";

/// A job that is asked for at set times.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub name: &'static str,
    pub kind: JobKind,
    /// The expression as written, or `off`.
    pub text: String,
    cron: Option<Cron>,
}

impl Schedule {
    /// The first time after `now`, by the clocks of `zone`; `None` where the schedule is off or never comes.
    #[must_use]
    pub fn next_after(&self, now: DateTime<Utc>, zone: chrono_tz::Tz) -> Option<DateTime<Utc>> {
        let next = self.cron.as_ref()?.find_next_occurrence(&now.with_timezone(&zone), false);
        next.ok().map(|next| next.with_timezone(&Utc))
    }

    /// Whether it asks for anything.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.cron.is_some()
    }
}

/// Every schedule, under the names that clients know.
#[derive(Clone, Debug)]
pub struct SchedulesConfig(pub Vec<Schedule>);

impl Serialize for SchedulesConfig {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for schedule in &self.0 {
            map.serialize_entry(schedule.name, &schedule.text)?;
        }
        map.end()
    }
}

impl SchedulesConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        let schedule = |(kind, clocked): (JobKind, Clocked)| {
            let found = section.value(clocked.name, |text| parse(text).map(|cron| (text.trim().to_owned(), cron)));
            let (text, cron) = found.unwrap_or_else(|| (clocked.cron.to_owned(), parse(clocked.cron).ok().flatten()));
            Schedule { name: clocked.name, kind, text, cron }
        };
        let schedules = known().map(schedule).collect();
        section.finish();
        Self(schedules)
    }
}

impl SchedulesConfig {
    /// Never asks for what could do nothing.
    pub(super) fn switch_off(&mut self, kind: JobKind) {
        for schedule in self.0.iter_mut().filter(|schedule| schedule.kind == kind) {
            (schedule.text, schedule.cron) = (OFF.to_owned(), None);
        }
    }
}

/// The schedules there are, by the table of jobs.
fn known() -> impl Iterator<Item = (JobKind, Clocked)> {
    JobKind::ALL.iter().filter_map(|kind| Some((*kind, kind.clocked()?)))
}

fn parse(text: &str) -> Result<Option<Cron>, String> {
    // YAML reads a bare `off` as a word or as false, whoever wrote the file.
    if matches!(text.trim(), OFF | "Off" | "OFF" | "false") {
        return Ok(None);
    }
    let wrong = |reason: String| {
        format!(
            "{text:?} is no schedule ({reason}); allowed: a cron expression of five fields such as \"15 */2 * * *\", or off"
        )
    };
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(text.trim()).map_err(|error| wrong(error.to_string()))?;
    // A date that never comes, the 31st of February for one.
    let epoch = DateTime::<Utc>::from_str("2026-01-01T00:00:00Z").unwrap_or_default();
    match cron.find_next_occurrence(&epoch, false) {
        Ok(_) => Ok(Some(cron)),
        Err(error) => Err(wrong(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn next(cron: &str, zone: &str, now: &str) -> String {
        let schedule =
            Schedule { name: "prune", kind: JobKind::Prune, text: cron.to_owned(), cron: parse(cron).unwrap() };
        schedule.next_after(at(now), zone.parse().unwrap()).unwrap().to_rfc3339()
    }

    #[test]
    fn times_follow_the_zones_clocks_also_where_they_are_set() {
        assert_eq!(next("15 */2 * * *", "UTC", "2026-11-21T08:15:00Z"), "2026-11-21T10:15:00+00:00");
        assert_eq!(next("30 2 * * *", "Europe/Oslo", "2026-07-01T12:00:00Z"), "2026-07-02T00:30:00+00:00");
        assert_eq!(next("30 2 * * *", "Europe/Oslo", "2026-12-01T12:00:00Z"), "2026-12-02T01:30:00+00:00");
        // The hour that summer time skips: the run is not lost.
        assert!(next("30 2 * * *", "Europe/Oslo", "2026-03-28T12:00:00Z").as_str() < "2026-03-29T03:00:00+00:00");
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_what_is_allowed() {
        for text in ["every day", "* * * *", "61 * * * *", "0 0 31 2 *", "* * * * * *", ""] {
            let error = parse(text).map(|_| ()).unwrap_err();
            assert!(error.contains("allowed: a cron expression of five fields"), "{text:?}: {error}");
        }
        assert!(parse("off").unwrap().is_none());
    }

    #[test]
    fn every_default_can_be_read() {
        for (kind, clocked) in known() {
            assert!(parse(clocked.cron).unwrap().is_some(), "{kind}");
        }
        assert_eq!(known().count(), 7);
    }
}
