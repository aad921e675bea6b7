//! A line over time.

#[cfg(feature = "ssr")]
use charming::Chart;
#[cfg(feature = "ssr")]
use charming::component::{Axis, Grid};
#[cfg(feature = "ssr")]
use charming::element::{AxisType, Tooltip, Trigger};
#[cfg(feature = "ssr")]
use charming::series::Line;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::components::{EmptyState, Glyph, Segments, Tab, number_text};

/// A line that [`draw_line`] drew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineData {
    /// What it tells in a sentence.
    pub label: String,
    /// What it is of.
    pub name: String,
    /// Numbers by day, oldest first; none where there is nothing to draw.
    pub points: Vec<(String, i64)>,
    /// Where the scale begins and ends.
    pub scale: (i64, i64),
    /// The line as SVG has it, 1,000 wide and high.
    pub path: String,
    /// The same for `style/js/parts/chart.js`.
    pub options: String,
}

/// Draws numbers by day, oldest first; nothing where there are too few to make a line, or none but zero.
#[cfg(feature = "ssr")]
#[must_use]
pub fn draw_line(name: &str, points: &[(String, i64)]) -> LineData {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return LineData::default() };
    let label = match points {
        [only] => format!("{name}: {} on {}. A line needs two days.", number_text(only.1), only.0),
        _ => format!("{name}: {} on {}, {} on {}", number_text(first.1), first.0, number_text(last.1), last.0),
    };
    let low = points.iter().map(|point| point.1).min().unwrap_or(0);
    let high = points.iter().map(|point| point.1).max().unwrap_or(0);
    if points.len() < 2 || high <= 0 {
        return LineData { label, ..LineData::default() };
    }
    let floor = floor(low, high);
    LineData {
        label,
        name: name.to_owned(),
        points: points.to_vec(),
        scale: (floor, high),
        path: path(points, floor, high),
        options: options(name, points, floor),
    }
}

/// Where the scale begins: at nothing, unless all there is to see happens far above.
#[cfg(feature = "ssr")]
fn floor(low: i64, high: i64) -> i64 {
    let span = high - low;
    if low <= 0 || span == 0 || low < span * 2 {
        return 0;
    }
    let mut step = 1;
    while step * 10 <= span {
        step *= 10;
    }
    (low - 1).max(0) / step * step
}

#[cfg(feature = "ssr")]
fn path(points: &[(String, i64)], floor: i64, high: i64) -> String {
    let (count, height) = (points.len() - 1, (high - floor).max(1));
    let mut line = String::new();
    for (place, (_, value)) in points.iter().enumerate() {
        // A little room above, so that the line is not cut at its highest.
        let (x, y) = (place * 1000 / count, 1000 - (value - floor) * 960 / height);
        line.push_str(&format!("{}{x} {y}", if place == 0 { 'M' } else { 'L' }));
    }
    line
}

fn drawing(line: &LineData) -> AnyView {
    let day = |at: usize| line.points.get(at).map(|point| point.0.clone()).unwrap_or_default();
    let last = line.points.len().saturating_sub(1);
    view! {
        <span class="line-high num">{number_text(line.scale.1)}</span>
        <span class="line-low num">{number_text(line.scale.0)}</span>
        <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">
            <path class="line-area" d=format!("{}L1000 1000L0 1000z", line.path) />
            <path class="line-line" d=line.path.clone() />
        </svg>
        <span class="line-days num">
            <span>{day(0)}</span>
            <span>{day(last / 2)}</span>
            <span>{day(last)}</span>
        </span>
    }
    .into_any()
}

fn table(line: &LineData) -> AnyView {
    let row = |(day, value): &(String, i64)| {
        view! { <tr><th scope="row">{day.clone()}</th><td class="num">{number_text(*value)}</td></tr> }
    };
    let rows: Vec<_> = line.points.iter().rev().map(row).collect();
    view! {
        <table class="table plain">
            <caption>{format!("{} by day, newest first", line.name)}</caption>
            <thead><tr><th scope="col">"At the end of"</th><th scope="col" class="num">"Number"</th></tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn options(name: &str, points: &[(String, i64)], floor: i64) -> String {
    let chart = Chart::new()
        .grid(Grid::new().left(8).right(16).top(12).bottom(8).contain_label(true))
        .tooltip(Tooltip::new().trigger(Trigger::Axis))
        .x_axis(
            Axis::new().type_(AxisType::Category).data(points.iter().map(|point| point.0.clone()).collect::<Vec<_>>()),
        )
        .y_axis(Axis::new().type_(AxisType::Value).min(floor).min_interval(1))
        .series(Line::new().name(name).show_symbol(false).data(points.iter().map(|point| point.1).collect()));
    super::options::described(&chart)
}

/// A line with its choices above it.
#[component]
pub fn LineChart(
    /// What [`draw_line`] drew.
    line: LineData,
    /// What it may be of.
    choices: Vec<Tab>,
    /// What is said where there is nothing to draw.
    #[prop(into)]
    none: String,
) -> impl IntoView {
    let body = if line.points.is_empty() {
        view! { <div class="chart-empty"><EmptyState title=none glyph=Glyph::Chart>{line.label}</EmptyState></div> }
            .into_any()
    } else {
        let (drawing, table) = (drawing(&line), table(&line));
        super::figure(line.label, line.options, drawing, table)
    };
    view! {
        <div class="chart">
            <div class="chart-head"><Segments label="What the line is of" tabs=choices /></div>
            {body}
        </div>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::{draw_line, floor};

    fn points(values: &[i64]) -> Vec<(String, i64)> {
        values.iter().zip(1..).map(|(value, day)| (format!("2025-01-{day:02}"), *value)).collect()
    }

    #[test]
    fn line_goes_from_the_first_day_to_the_last_and_higher_is_more() {
        let line = draw_line("Resources", &points(&[0, 5, 10]));
        assert_eq!((line.path.as_str(), line.scale), ("M0 1000L500 520L1000 40", (0, 10)));
        assert_eq!(line.label, "Resources: 0 on 2025-01-01, 10 on 2025-01-03");
        let options: serde_json::Value = serde_json::from_str(&line.options).unwrap();
        assert_eq!(
            (options["series"][0]["type"].as_str(), options["series"][0]["data"][2].as_f64()),
            (Some("line"), Some(10.0))
        );
    }

    #[test]
    fn one_day_and_nothing_but_zero_are_no_line() {
        let one = draw_line("Resources", &points(&[7]));
        assert_eq!((one.path.as_str(), one.label.as_str()), ("", "Resources: 7 on 2025-01-01. A line needs two days."));
        assert!(draw_line("Resources", &points(&[0, 0])).points.is_empty());
        assert!(draw_line("Resources", &[]).label.is_empty());
    }

    #[test]
    fn scale_begins_at_nothing_unless_what_changes_is_far_above() {
        assert_eq!((floor(0, 100), floor(12, 12), floor(50, 100)), (0, 0, 0));
        assert_eq!((floor(1234, 1290), floor(9_990, 10_010)), (1230, 9_980));
    }
}
