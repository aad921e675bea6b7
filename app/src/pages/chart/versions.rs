//! Versions of a chart over time: how each came and went.

use entity::view::{ChartVersionOverTime, ChartVersionsOverTime};
use leptos::prelude::*;

use super::alternatives::line;
use super::parts::{percent, share};
use crate::components::{PageUrl, Section, Table, Version};

pub(super) fn over_time(told: &ChartVersionsOverTime, base: &PageUrl) -> AnyView {
    let [first, .., last] = told.days.as_slice() else { return ().into_any() };
    let all = told.releases.as_slice();
    let of_all = |(part, of): (&i64, &i64)| if *of > 0 { part * 100 / of } else { 0 };
    let shares = |one: &ChartVersionOverTime| one.releases.iter().zip(all).map(of_all).max().unwrap_or(0);
    // All lines have one scale, which ends where the highest of them does.
    let top = told.versions.iter().map(shares).max().unwrap_or(0).max(1);
    let row = |one: &ChartVersionOverTime| {
        let (now, of) = (one.releases.last().copied().unwrap_or(0), all.last().copied().unwrap_or(0));
        let version = view! { <Version version=one.version.clone() /> };
        let version = match now {
            0 => version.into_any(),
            _ => {
                let href = base.with("tab", "users").with("version", one.version.clone()).at_part("views").href();
                view! { <a href=href>{version}</a> }.into_any()
            }
        };
        let path = line(one.releases.iter().zip(all).map(|(part, of)| (part * 100, of * top)));
        view! {
            <tr>
                <td class="row-link" data-label="Version">{version}</td>
                <td class="num" data-label="Share">{share(now, of)}</td>
                <td data-label="Highest share">{highest(one, told)}</td>
                <td data-label="Over time">
                    <svg class="spark" viewBox="0 0 300 100" preserveAspectRatio="none" aria-hidden="true"><path d=path></path></svg>
                </td>
            </tr>
        }
    };
    let rows = told.versions.iter().map(row).collect_view();
    let about = format!(
        "The versions that most releases had at once, as shares of all from {first} to {last}; the lines end at {top}%."
    );
    view! {
        <Section title="Versions over time">
            <p class="quiet">{about}</p>
            <Table caption="Versions over time, highest first">
                <thead>
                    <tr>
                        <th scope="col">"Version"</th>
                        <th scope="col" class="num">"Share"</th>
                        <th scope="col">"Highest share"</th>
                        <th scope="col">"Over time"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

/// The highest share that a version had, and when it had it last.
fn highest(one: &ChartVersionOverTime, told: &ChartVersionsOverTime) -> String {
    let points = one.releases.iter().zip(&told.releases).zip(&told.days);
    let higher = |(part, of): (i64, i64), (other, of_other): (i64, i64)| part * of_other >= other * of;
    let mut best: Option<((i64, i64), &str)> = None;
    for ((part, of), day) in points.filter(|((_, of), _)| **of > 0) {
        if best.is_none_or(|(known, _)| higher((*part, *of), known)) {
            best = Some(((*part, *of), day.as_str()));
        }
    }
    best.map(|((part, of), day)| format!("{} on {day}", percent(part, of))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_share_is_told_with_the_last_day_that_had_it() {
        let days = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"].map(str::to_owned).to_vec();
        let told = ChartVersionsOverTime { days, releases: vec![0, 4, 2, 4], versions: Vec::new() };
        let of = |releases: [i64; 4]| {
            highest(&ChartVersionOverTime { version: "1".to_owned(), releases: releases.to_vec() }, &told)
        };
        assert_eq!(of([0, 2, 1, 1]), "50% on 2026-01-03");
        assert_eq!(of([0, 0, 0, 1]), "25% on 2026-01-04");
    }
}
