//! Charts for the same app, and how people went from one to another.

use std::cmp::Reverse;

use chrono::{Months, NaiveDate};
use entity::view::{ChartAdoption, ChartAlternative, ChartDetail};
use leptos::prelude::*;

use super::parts::{percent, share};
use crate::components::{EmptyState, Number, PageUrl, Section, Table, chart_href};

/// One of the charts beside each other, the page's own among them.
struct Side {
    key: String,
    name: String,
    repositories: i64,
    is_own: bool,
    over_time: Vec<ChartAdoption>,
}

impl Side {
    /// How many had it at the end of a day: as many as at the last day that is counted up to it.
    fn on(&self, day: &str) -> i64 {
        let known = self.over_time.iter().rev().find(|point| point.date.as_str() <= day);
        known.map_or(0, |point| point.repositories)
    }
}

pub(super) fn view(alternatives: Vec<ChartAlternative>, detail: &ChartDetail, at: &str) -> AnyView {
    if alternatives.is_empty() {
        return view! {
            <Section title="Alternatives"><EmptyState title="No other chart is known for the same app" /></Section>
        }
        .into_any();
    }
    let own = Side {
        key: detail.chart.key.clone(),
        name: detail.chart.name.clone(),
        repositories: detail.chart.repositories,
        is_own: true,
        over_time: detail.adoption.clone(),
    };
    let other = |ChartAlternative { key, name, repositories, over_time }| Side {
        key,
        name,
        repositories,
        is_own: false,
        over_time,
    };
    let mut sides: Vec<Side> = std::iter::once(own).chain(alternatives.into_iter().map(other)).collect();
    sides.sort_by_key(|side| Reverse(side.repositories));
    let days = days(&sides);
    let last = days.last().cloned().unwrap_or_default();
    let before = |months| {
        let day: Option<NaiveDate> = last.parse().ok();
        day.and_then(|day| day.checked_sub_months(Months::new(months))).map(|day| day.to_string())
    };
    let then = [before(3), before(12)];
    let all = |day: &str| sides.iter().map(|side| side.on(day)).sum::<i64>();
    let totals: Vec<i64> = days.iter().map(|day| all(day)).collect();
    let now: i64 = sides.iter().map(|side| side.repositories).sum();
    let row = |side: &Side| {
        let href = PageUrl::new(chart_href(&side.key)).with("at", at).href();
        let name = match side.is_own {
            true => view! { <strong>{side.name.clone()}</strong> }.into_any(),
            false => view! { <a href=href title=side.key.clone()>{side.name.clone()}</a> }.into_any(),
        };
        let was = |day: &Option<String>| match day.as_deref().map(|day| (side.on(day), all(day))) {
            Some((part, of @ 1..)) => {
                view! { <span title=format!("{part} of {of}")>{percent(part, of)}</span> }.into_any()
            }
            _ => view! { <span class="quiet" title="Nobody had any of them">"–"</span> }.into_any(),
        };
        let line = line(days.iter().zip(&totals).map(|(day, of)| (side.on(day), *of)));
        view! {
            <tr>
                <td data-label="Chart">{name}<span class="row-about quiet">{side.key.clone()}</span></td>
                <td class="num" data-label="Repositories"><Number value=side.repositories /></td>
                <td class="num" data-label="Share">{share(side.repositories, now)}</td>
                <td class="num" data-label="3 months ago">{was(&then[0])}</td>
                <td class="num" data-label="A year ago">{was(&then[1])}</td>
                <td data-label="Share over time">
                    <svg class="spark" viewBox="0 0 300 100" preserveAspectRatio="none" aria-hidden="true"><path d=line></path></svg>
                </td>
            </tr>
        }
    };
    let rows = sides.iter().map(row).collect_view();
    let since = days.first().cloned().unwrap_or_default();
    view! {
        <Section title="Alternatives">
            <p class="quiet">{format!("Charts of this name, and releases of this name with the image of this name; since {since}.")}</p>
            <Table caption="Charts for the same app">
                <thead>
                    <tr>
                        <th scope="col">"Chart"</th>
                        <th scope="col" class="num">"Repositories"</th>
                        <th scope="col" class="num">"Share"</th>
                        <th scope="col" class="num">"3 months ago"</th>
                        <th scope="col" class="num">"A year ago"</th>
                        <th scope="col">"Share over time"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

/// The days that any of them is counted of, oldest first.
fn days(sides: &[Side]) -> Vec<String> {
    let days = sides.iter().flat_map(|side| side.over_time.iter().map(|point| point.date.clone()));
    let mut days: Vec<String> = days.collect();
    days.sort_unstable();
    days.dedup();
    days
}

/// The area below a share over time, 300 wide and 100 high.
pub(super) fn line(shares: impl ExactSizeIterator<Item = (i64, i64)>) -> String {
    let last = i64::try_from(shares.len()).unwrap_or(i64::MAX).saturating_sub(1).max(1);
    let mut path = "M0 100".to_owned();
    for (place, (part, of)) in (0..).zip(shares) {
        let high = if of > 0 { part * 100 / of } else { 0 };
        path.push_str(&format!("L{} {}", place * 300 / last, 100 - high));
    }
    path.push_str("L300 100z");
    path
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn an_area_is_as_high_as_the_share() {
        assert_eq!(line([(0, 0), (1, 2), (3, 3)].into_iter()), "M0 100L0 100L150 50L300 0L300 100z");
        assert_eq!(line([(1, 4)].into_iter()), "M0 100L0 75L300 100z");
    }
}
