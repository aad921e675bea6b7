//! Charts: described on the server, drawn in the browser by `style/js/parts/chart.js`; without JavaScript a plain
//! drawing stands in the same place, and the numbers are always there as a table.

mod line;
#[cfg(feature = "ssr")]
mod options;

use entity::view::ActivityBucket;
use leptos::prelude::*;
#[cfg(feature = "ssr")]
pub use line::draw_line;
pub use line::{LineChart, LineData};
#[cfg(feature = "ssr")]
pub use options::activity_options;

use crate::components::{EmptyState, Glyph, Segments, Tab, counted, number_text};

/// Changes over time, by type.
#[component]
pub fn ActivityChart(
    /// Spans of days, oldest first, without gaps.
    buckets: Vec<ActivityBucket>,
    /// What [`activity_options`] made of the same spans; empty draws only the plain form.
    #[prop(into)]
    options: String,
    /// The ranges to choose from.
    #[prop(optional)]
    ranges: Vec<Tab>,
) -> impl IntoView {
    let total: i64 = buckets.iter().map(|b| b.created + b.modified + b.deleted + b.resurrected).sum();
    let first = buckets.first().map(|bucket| bucket.start.clone()).unwrap_or_default();
    let days = buckets.first().map_or(1, |bucket| bucket.days);
    let step = match days {
        1 => "a day".to_owned(),
        7 => "a week".to_owned(),
        28..=31 => "a month".to_owned(),
        days => format!("{days} days"),
    };
    let body = if total == 0 {
        view! {
            <div class="chart-empty">
                <EmptyState title="No changes in this range" glyph=Glyph::Chart>
                    "Choose a longer range to see older ones."
                </EmptyState>
            </div>
        }
        .into_any()
    } else {
        let label = format!("{} since {first}, one bar for {step}", counted(total, "change", "changes"));
        let drawing = bars(&buckets);
        figure(label, options, drawing, table(buckets, &step))
    };
    view! {
        <div class="chart">
            {(!ranges.is_empty()).then(|| view! { <div class="chart-head"><Segments label="Range of the chart" tabs=ranges /></div> })}
            {body}
        </div>
    }
}

type Count = fn(&ActivityBucket) -> i64;

/// The types in the order they are stacked, with their CSS words.
const STACK: [(&str, Count); 4] = [
    ("modified", |bucket| bucket.modified),
    ("created", |bucket| bucket.created),
    ("returned", |bucket| bucket.resurrected),
    ("deleted", |bucket| bucket.deleted),
];

/// What the browser draws a chart over: the plain drawing, which is all there is without scripts, and the numbers.
fn figure(label: String, options: String, drawing: AnyView, table: AnyView) -> AnyView {
    view! {
        <figure class="chart-figure">
            <ks-chart class="chart-canvas" role="img" aria-label=label>
                <script type="application/json" inner_html=options></script>
                <div class="chart-line">{drawing}</div>
            </ks-chart>
            <details class="chart-table">
                <summary>"As table"</summary>
                <div class="chart-table-scroll" tabindex="0">{table}</div>
            </details>
        </figure>
    }
    .into_any()
}

/// Stacked bars as plain SVG, stretched to the chart's place, with the scale beside them and the days below.
fn bars(buckets: &[ActivityBucket]) -> AnyView {
    let most = buckets.iter().map(|b| STACK.iter().map(|(_, count)| count(b)).sum::<i64>()).max().unwrap_or(0).max(1);
    // One shape for each type: a bar of each day would be an element of its own otherwise.
    let mut shapes = STACK.map(|(tone, _)| (tone, String::new()));
    for (place, bucket) in buckets.iter().enumerate() {
        let mut below = 0;
        for ((_, count), (_, shape)) in STACK.iter().zip(&mut shapes) {
            let value = count(bucket);
            if value > 0 {
                let height = (value * 1000 / most).max(4);
                below += height;
                shape.push_str(&format!("M{} {}h8v{height}h-8z", place * 10 + 1, 1000 - below));
            }
        }
    }
    let shapes = shapes.map(|(tone, shape)| view! { <path data-tone=tone d=shape /> });
    let day = |bucket: Option<&ActivityBucket>| bucket.map(|bucket| bucket.start.clone()).unwrap_or_default();
    view! {
        <span class="line-high num">{number_text(most)}</span>
        <span class="line-low num">"0"</span>
        <svg class="chart-plain" viewBox=format!("0 0 {} 1000", buckets.len() * 10) preserveAspectRatio="none" aria-hidden="true">
            {shapes}
        </svg>
        <span class="line-days num">
            <span>{day(buckets.first())}</span>
            <span>{day(buckets.last())}</span>
        </span>
    }
    .into_any()
}

fn table(buckets: Vec<ActivityBucket>, step: &str) -> AnyView {
    let rows: Vec<_> = buckets
        .into_iter()
        .rev()
        .filter(|b| b.created + b.modified + b.deleted + b.resurrected > 0)
        .map(|bucket| {
            view! {
                <tr>
                    <th scope="row">{bucket.start}</th>
                    <td class="num">{number_text(bucket.created)}</td>
                    <td class="num">{number_text(bucket.modified)}</td>
                    <td class="num">{number_text(bucket.deleted)}</td>
                    <td class="num">{number_text(bucket.resurrected)}</td>
                </tr>
            }
        })
        .collect();
    view! {
                <table class="table plain">
                    <caption>{format!("Changes by type, newest first; one row for {step} with changes")}</caption>
                    <thead>
                        <tr>
                            <th scope="col">"From"</th>
                            <th scope="col" class="num">"Created"</th>
                            <th scope="col" class="num">"Modified"</th>
                            <th scope="col" class="num">"Deleted"</th>
                            <th scope="col" class="num">"Returned"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
    }
    .into_any()
}
