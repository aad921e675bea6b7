use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Delivery, DeliveryAttempt, Trigger};
use crate::kind::BranchEventKind;

/// A field of what was given that can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// Its way in what was given, such as `condition.branches`.
    pub field: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// Whether a condition can be used, and what of a commit it has to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConditionCheck {
    /// None where it can be used.
    pub errors: Vec<FieldError>,
    /// Which files changed has to be known.
    pub reads_paths: bool,
    /// What the commit brings in `.tekton/` has to be known.
    pub reads_tekton: bool,
}

/// What a trigger of this condition would have been for, had it been there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DryRun {
    /// From when on it was looked.
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    /// Events of watched branches that the condition was held against.
    pub events: u32,
    /// Commits of default branches that it was held against, each as a change of its branch: those from before the
    /// repository was watched.
    pub commits: u32,
    /// How many of both match.
    pub matched: u32,
    /// How many could not be decided, as what they changed could not be read.
    pub unknown: u32,
    /// Whether all there is was looked at.
    pub is_complete: bool,
    /// What is not in these figures and why, a sentence each.
    pub notes: Vec<String>,
    /// The newest of those that match.
    pub matches: Vec<DryRunMatch>,
}

/// Something that a trigger would have been for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DryRunMatch {
    /// The event; nothing where it is a commit of a repository that was not watched then.
    pub event_id: Option<Uuid>,
    pub at: DateTime<Utc>,
    pub kind: BranchEventKind,
    pub repository_id: Uuid,
    pub repository_full_name: String,
    pub branch_name: String,
    /// Where the branch stood after it, or before it, if it is gone.
    pub commit: Option<String>,
    /// The commit's first line, where it is known.
    pub subject: Option<String>,
}

/// What is told of a trigger's secret: never the secret itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TriggerSecret {
    /// Since when it is kept; nothing where there is none.
    pub changed_at: Option<DateTime<Utc>>,
    /// Whether the one before it is used beside it.
    pub has_previous: bool,
}

/// A trigger and what is told of its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TriggerDetail {
    pub trigger: Trigger,
    pub secret: TriggerSecret,
    /// Since when its target may tell of runs, at an address that was made for it; nothing where there is none.
    pub sink_made_at: Option<DateTime<Utc>>,
}

/// A delivery with its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryDetail {
    pub delivery: Delivery,
    /// The last ones, newest first. Requests and answers only for those who may manage pipelines.
    pub attempts: Vec<DeliveryAttempt>,
}

/// So many days of a trigger's attempts tell whether its target is well.
pub const HEALTH_DAYS: i64 = 3;
/// Fewer attempts tell nothing.
const FEWEST_ATTEMPTS: i64 = 5;

impl Trigger {
    /// How many of 100 attempts failed on the last days, where there were enough to tell.
    #[must_use]
    pub fn failing(&self, now: DateTime<Utc>) -> Option<u8> {
        let first = (now - chrono::TimeDelta::days(HEALTH_DAYS - 1)).format("%Y-%m-%d").to_string();
        let days = self.days.iter().filter(|day| day.day >= first);
        let (attempts, failed) =
            days.fold((0, 0), |(attempts, failed), day| (attempts + day.attempts, failed + day.failed_attempts));
        (attempts >= FEWEST_ATTEMPTS).then(|| u8::try_from(failed * 100 / attempts).unwrap_or(100))
    }

    /// How many of 100 deliveries that ended on the days that are known arrived; rounded down.
    #[must_use]
    pub fn success(&self) -> Option<u8> {
        let (delivered, failed) = self.ended();
        (delivered + failed > 0).then(|| u8::try_from(delivered * 100 / (delivered + failed)).unwrap_or(100))
    }

    /// Deliveries that arrived, and those that were given up, on the days that are known.
    #[must_use]
    pub fn ended(&self) -> (i64, i64) {
        self.days.iter().fold((0, 0), |(delivered, failed), day| (delivered + day.delivered, failed + day.failed))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{TimeZone as _, Utc};

    use super::*;
    use crate::view::{Condition, Pace, Target, TriggerDay};

    fn with(days: &[(&str, i64, i64, i64, i64)]) -> Trigger {
        let at = Utc.with_ymd_and_hms(2026, 3, 1, 0, 0, 0).unwrap();
        let day = |(day, delivered, failed, attempts, failed_attempts): &(&str, i64, i64, i64, i64)| TriggerDay {
            day: (*day).to_owned(),
            delivered: *delivered,
            failed: *failed,
            attempts: *attempts,
            failed_attempts: *failed_attempts,
        };
        Trigger {
            id: Uuid::nil(),
            name: "ci".into(),
            is_enabled: true,
            is_configured: false,
            condition: Condition::default(),
            target: Target::Webhook { url: "https://ci.example/hook".into(), headers: BTreeMap::new() },
            pace: Pace::default(),
            created_at: at,
            changed_at: at,
            disabled_reason: None,
            unconfigured_at: None,
            failures_in_row: 0,
            last_delivery_at: None,
            last_error: None,
            days: days.iter().map(day).collect(),
        }
    }

    #[test]
    fn a_target_is_judged_by_enough_attempts_of_the_last_days() {
        let now = Utc.with_ymd_and_hms(2026, 3, 10, 12, 0, 0).unwrap();
        assert_eq!(with(&[]).failing(now), None);
        assert_eq!(with(&[("2026-03-10", 0, 1, 4, 4)]).failing(now), None, "four attempts tell nothing");
        assert_eq!(with(&[("2026-03-08", 1, 0, 3, 2), ("2026-03-10", 0, 1, 3, 3)]).failing(now), Some(83));
        assert_eq!(with(&[("2026-03-07", 0, 9, 9, 9), ("2026-03-10", 9, 0, 9, 0)]).failing(now), Some(0));
    }

    #[test]
    fn success_is_of_deliveries_that_ended_and_rounded_down() {
        assert_eq!(with(&[]).success(), None);
        assert_eq!(with(&[("2026-02-10", 999, 1, 1_003, 4)]).success(), Some(99));
        assert_eq!(with(&[("2026-02-10", 2, 0, 9, 7)]).success(), Some(100));
    }
}
