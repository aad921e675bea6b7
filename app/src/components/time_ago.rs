use entity::view::Timestamp;
use leptos::prelude::*;

/// How long ago, in one unit. The same words are in `public/ui.js`, which keeps them fresh in an open page.
#[must_use]
pub fn relative(time: Timestamp, now: Timestamp) -> String {
    let seconds = (now - time).num_seconds();
    let (amount, unit) = match seconds.abs() {
        0..45 => return "just now".to_owned(),
        s @ 45..3_570 => (((s + 30) / 60).max(1), "min"),
        s @ 3_570..84_600 => ((s + 1_800) / 3_600, "h"),
        s if s < 30 * 86_400 => count((s + 43_200) / 86_400, "day", "days"),
        s if s < 365 * 86_400 => count(((s + 1_314_900) / 2_629_800).max(1), "month", "months"),
        s => count(((s + 15_778_800) / 31_557_600).max(1), "year", "years"),
    };
    if seconds < 0 { format!("in {amount} {unit}") } else { format!("{amount} {unit} ago") }
}

const fn count(amount: i64, one: &'static str, many: &'static str) -> (i64, &'static str) {
    (amount, if amount == 1 { one } else { many })
}

/// The exact time for titles, before the page puts it into the reader's zone.
#[must_use]
pub fn exact(time: Timestamp) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A time as distance from now, exact on hover in the reader's zone.
#[component]
pub fn TimeAgo(
    /// The time.
    time: Timestamp,
    /// The server's clock when the data was read: both halves render the same words from it.
    now: Timestamp,
) -> impl IntoView {
    view! {
        <time class="time" datetime=time.format("%Y-%m-%dT%H:%M:%SZ").to_string() title=exact(time) data-relative="">
            {relative(time, now)}
        </time>
    }
}

/// A time that may not have come yet, with the words for that.
#[component]
pub fn MaybeTimeAgo(
    /// The time, if there was one.
    time: Option<Timestamp>,
    /// The server's clock when the data was read.
    now: Timestamp,
    /// What is said where there was none.
    #[prop(default = "never")]
    none: &'static str,
) -> impl IntoView {
    match time {
        Some(time) => view! { <TimeAgo time now /> }.into_any(),
        None => view! { <span class="quiet">{none}</span> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone, Utc};

    use super::relative;

    #[test]
    fn distances_are_told_in_one_unit() {
        let now = Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).unwrap();
        let ago = |seconds| relative(now - TimeDelta::seconds(seconds), now);
        assert_eq!(ago(3), "just now");
        assert_eq!(ago(60), "1 min ago");
        assert_eq!(ago(3_600), "1 h ago");
        assert_eq!(ago(86_400), "1 day ago");
        assert_eq!(ago(86_400 * 45), "1 month ago");
        assert_eq!(ago(86_400 * 800), "2 years ago");
        assert_eq!(ago(-7_200), "in 2 h");
    }
}
