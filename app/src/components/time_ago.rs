use entity::view::Timestamp;
use std::time::Duration;

use chrono::SecondsFormat;
use leptos::ev::PointerEvent;
use leptos::prelude::*;
use leptos::web_sys::Element;
use leptos::web_sys::js_sys::{Date, Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};

/// What time it is in an open page; nothing before the first half minute is over.
#[derive(Clone, Copy)]
struct Clock(RwSignal<Option<Timestamp>>);

/// Keeps the words of times fresh in an open page; called once by the frame.
pub fn provide_clock() {
    let clock = RwSignal::new(None);
    provide_context(Clock(clock));
    Effect::new(move |_| {
        let tick = move || {
            if !document().hidden() {
                clock.set(Timestamp::from_timestamp_millis(Date::now() as i64));
            }
        };
        let _ = set_interval_with_handle(tick, Duration::from_secs(30));
        let _ = window_event_listener_untyped("visibilitychange", move |_| tick());
    });
}

/// How long ago, in one unit that is full; the day, where it is more than a month.
#[must_use]
pub fn relative(time: Timestamp, now: Timestamp) -> String {
    let seconds = (now - time).num_seconds();
    let (amount, unit) = match seconds.abs() {
        // Clocks of machines differ by seconds.
        0..60 if seconds > -5 => return "just now".to_owned(),
        0..60 => return "in a moment".to_owned(),
        s @ 60..3_600 => (s / 60, "min"),
        s @ 3_600..86_400 => (s / 3_600, "h"),
        s if s < 31 * 86_400 => (s / 86_400, if s < 2 * 86_400 { "day" } else { "days" }),
        _ => return time.format("%-d %b %Y").to_string(),
    };
    if seconds < 0 { format!("in {amount} {unit}") } else { format!("{amount} {unit} ago") }
}

/// The exact time for titles, before the page puts it into the reader's zone.
#[must_use]
pub fn exact(time: Timestamp) -> String {
    machine_readable(time).replace('T', " ").replace('Z', " UTC")
}

/// `2026-11-29T01:39:31Z`
fn machine_readable(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The exact time in the reader's zone and language.
fn in_readers_zone(time: Timestamp) -> String {
    let language = window().navigator().language().unwrap_or_else(|| "en".to_owned());
    let options = Object::new();
    for (key, value) in [("dateStyle", "full"), ("timeStyle", "long")] {
        let _ = Reflect::set(&options, &JsValue::from_str(key), &JsValue::from_str(value));
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any year that people see are exact")]
    let date = Date::new(&JsValue::from_f64(time.timestamp_millis() as f64));
    date.to_locale_string(&language, &options).into()
}

/// A time as distance from now, exact on hover in the reader's zone.
#[component]
pub fn TimeAgo(
    /// The time.
    time: Timestamp,
    /// The server's clock when the data was read: both halves render the same words from it.
    now: Timestamp,
) -> impl IntoView {
    let clock = use_context::<Clock>();
    // A machine whose clock is behind the server's must not turn what was just now into the future.
    let text = move || relative(time, clock.and_then(|Clock(clock)| clock.get()).map_or(now, |clock| clock.max(now)));
    let in_zone = move |event: PointerEvent| {
        if let Some(element) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) {
            let _ = element.set_attribute("title", &in_readers_zone(time));
        }
    };
    view! {
        <time class="time" datetime=machine_readable(time) title=exact(time) on:pointerenter=in_zone>
            {text}
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

    use super::{exact, relative};

    #[test]
    fn the_exact_time_is_told_in_utc() {
        let time = Utc.with_ymd_and_hms(2026, 11, 9, 1, 2, 3).unwrap() + TimeDelta::milliseconds(999);
        assert_eq!(exact(time), "2026-11-09 01:02:03 UTC");
    }

    #[test]
    fn distances_are_told_in_one_unit() {
        let now = Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).unwrap();
        let ago = |seconds| relative(now - TimeDelta::seconds(seconds), now);
        assert_eq!(ago(3), "just now");
        assert_eq!(ago(-3), "just now");
        assert_eq!(ago(-30), "in a moment");
        assert_eq!(ago(60), "1 min ago");
        assert_eq!(ago(3_599), "59 min ago");
        assert_eq!(ago(3_600), "1 h ago");
        assert_eq!(ago(86_400), "1 day ago");
        assert_eq!(ago(86_400 * 31 - 1), "30 days ago");
        assert_eq!(ago(86_400 * 45), "7 Oct 2026");
        assert_eq!(ago(86_400 * 800), "12 Sep 2024");
        assert_eq!(ago(-7_200), "in 2 h");
    }
}
