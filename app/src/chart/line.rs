//! A line over time, drawn on the server whole: the browser only puts it in its place.

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

#[cfg(feature = "ssr")]
use crate::components::number_text;
use crate::components::{EmptyState, Glyph, Segments, Tab};

/// A line that [`draw_line`] drew; nothing in it comes from outside but numbers and days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineHtml {
    /// What it tells in a sentence.
    pub label: String,
    /// The line with its scale; empty where there is nothing to draw.
    pub drawing: String,
    /// The same for `style/js/chart.js`.
    pub options: String,
    /// The same as a table.
    pub table: String,
}

/// Draws numbers by day, oldest first; nothing where there are too few to make a line, or none but zero.
#[cfg(feature = "ssr")]
#[must_use]
pub fn draw_line(name: &str, points: &[(String, i64)]) -> LineHtml {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return LineHtml::default() };
    let label = match points {
        [only] => format!("{name}: {} on {}. A line needs two days.", number_text(only.1), only.0),
        _ => format!("{name}: {} on {}, {} on {}", number_text(first.1), first.0, number_text(last.1), last.0),
    };
    let low = points.iter().map(|point| point.1).min().unwrap_or(0);
    let high = points.iter().map(|point| point.1).max().unwrap_or(0);
    if points.len() < 2 || high <= 0 {
        return LineHtml { label, ..LineHtml::default() };
    }
    let floor = floor(low, high);
    LineHtml {
        label,
        drawing: drawing(points, floor, high),
        options: options(name, points, floor),
        table: table(name, points),
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
fn drawing(points: &[(String, i64)], floor: i64, high: i64) -> String {
    let (count, height) = (points.len() - 1, (high - floor).max(1));
    let mut line = String::new();
    for (place, (_, value)) in points.iter().enumerate() {
        // A little room above, so that the line is not cut at its highest.
        let (x, y) = (place * 1000 / count, 1000 - (value - floor) * 960 / height);
        line.push_str(&format!("{}{x} {y}", if place == 0 { 'M' } else { 'L' }));
    }
    let middle = &points[count / 2].0;
    format!(
        r#"<span class="line-high num">{}</span><span class="line-low num">{}</span><svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true"><path class="line-area" d="{line}L1000 1000L0 1000z"/><path class="line-line" d="{line}"/></svg><span class="line-days num"><span>{}</span><span>{middle}</span><span>{}</span></span>"#,
        number_text(high),
        number_text(floor),
        points[0].0,
        points[count].0,
    )
}

#[cfg(feature = "ssr")]
fn table(name: &str, points: &[(String, i64)]) -> String {
    let rows: String = points.iter().rev().map(row).collect();
    format!(
        r#"<table class="table plain"><caption>{name} by day, newest first</caption><thead><tr><th scope="col">At the end of</th><th scope="col" class="num">Number</th></tr></thead><tbody>{rows}</tbody></table>"#
    )
}

#[cfg(feature = "ssr")]
fn row((day, value): &(String, i64)) -> String {
    format!(r#"<tr><th scope="row">{day}</th><td class="num">{}</td></tr>"#, number_text(*value))
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
    line: LineHtml,
    /// What it may be of.
    choices: Vec<Tab>,
    /// What is said where there is nothing to draw.
    #[prop(into)]
    none: String,
) -> impl IntoView {
    let body = if line.drawing.is_empty() {
        view! { <div class="chart-empty"><EmptyState title=none glyph=Glyph::Chart>{line.label}</EmptyState></div> }
            .into_any()
    } else {
        view! {
            <figure class="chart-figure">
                <ks-chart class="chart-canvas" role="img" aria-label=line.label>
                    <script type="application/json" inner_html=line.options></script>
                    <div class="chart-line" inner_html=line.drawing></div>
                </ks-chart>
                <details class="chart-table">
                    <summary>"As table"</summary>
                    <div class="chart-table-scroll" tabindex="0" inner_html=line.table></div>
                </details>
            </figure>
        }
        .into_any()
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
        assert!(line.drawing.contains(r#"class="line-line" d="M0 1000L500 520L1000 40""#), "{}", line.drawing);
        assert_eq!(line.label, "Resources: 0 on 2025-01-01, 10 on 2025-01-03");
        assert!(line.table.contains(r#"<caption>Resources by day, newest first</caption>"#), "{}", line.table);
        assert!(line.table.contains(r#"<tbody><tr><th scope="row">2025-01-03</th>"#), "{}", line.table);
        let options: serde_json::Value = serde_json::from_str(&line.options).unwrap();
        assert_eq!(
            (options["series"][0]["type"].as_str(), options["series"][0]["data"][2].as_f64()),
            (Some("line"), Some(10.0))
        );
    }

    #[test]
    fn one_day_and_nothing_but_zero_are_no_line() {
        let one = draw_line("Resources", &points(&[7]));
        assert_eq!(
            (one.drawing.as_str(), one.label.as_str()),
            ("", "Resources: 7 on 2025-01-01. A line needs two days.")
        );
        assert!(draw_line("Resources", &points(&[0, 0])).drawing.is_empty());
        assert!(draw_line("Resources", &[]).label.is_empty());
    }

    #[test]
    fn scale_begins_at_nothing_unless_what_changes_is_far_above() {
        assert_eq!((floor(0, 100), floor(12, 12), floor(50, 100)), (0, 0, 0));
        assert_eq!((floor(1234, 1290), floor(9_990, 10_010)), (1230, 9_980));
    }
}
