//! Versions, what people set, and who.

use entity::view::{ChartDetail, ChartRelease, ChartValuePath, ChartVersion, Listing, Timestamp};
use leptos::prelude::*;

use super::super::filters::chips;
use super::parts::{path_rows, release_rows, share};
use super::versions::over_time;
use crate::chart::{LineChart, LineData};
use crate::components::{Chips, EmptyState, Number, PageUrl, Section, Table, TimeAgo, Version, counted, number_text};

/// Versions that are shown before the rest is folded.
const VERSIONS: usize = 7;

pub(super) fn view(
    detail: &ChartDetail,
    line: LineData,
    (values, users): (Listing<ChartValuePath>, Listing<ChartRelease>),
    (base, narrowed): (&PageUrl, &PageUrl),
    now: Timestamp,
) -> AnyView {
    if detail.chart.releases == 0 {
        return view! {
            <EmptyState title="Nobody uses it">
                <p>"Those who did have removed it, or their repositories are gone; before the first use nobody had it yet."</p>
            </EmptyState>
            <Section title="Repositories over time"><LineChart line choices=Vec::new() none="There is no line yet" /></Section>
        }
        .into_any();
    }
    let all = |tab: &'static str, label: String| {
        view! { <a class="more" href=narrowed.with("tab", tab).at_part("views").href()>{label}</a> }.into_any()
    };
    let set = chips(narrowed, &[("release", "Release")]);
    let of_name = !set.is_empty();
    let versions = versions(detail, base, now);
    let paths = match values.data.is_empty() && of_name {
        true => view! { <EmptyState title="No releases of this name set a value" /> }.into_any(),
        false => path_rows(values.data, narrowed, false),
    };
    let all_users = match of_name {
        true => "All of this name".to_owned(),
        false => format!("All {}", counted(detail.chart.releases, "release", "releases")),
    };
    let all_users = all("users", all_users);
    let users = match users.data.is_empty() && of_name {
        true => view! { <EmptyState title="Nobody has a release of this name" /> }.into_any(),
        false => release_rows(users.data, true, now),
    };
    let all_values = all("values", format!("All {}", values.count));
    view! {
        <Chips url=narrowed.clone() chips=set />
        <div class="columns">
            <Section title="Versions">{versions}</Section>
            <Section title="Who uses it" aside=all_users>{users}</Section>
        </div>
        <Section title="Values" aside=all_values>
            {paths}
        </Section>
        {over_time(&detail.versions_over_time, base)}
        <Section title="Repositories over time"><LineChart line choices=Vec::new() none="There is no line yet" /></Section>
    }
    .into_any()
}

fn versions(detail: &ChartDetail, base: &PageUrl, now: Timestamp) -> AnyView {
    let mut rows: Vec<AnyView> =
        detail.versions.iter().map(|version| row(version, detail.chart.releases, base, now)).collect();
    let rest = rows.split_off(rows.len().min(VERSIONS));
    let more = (!rest.is_empty()).then(|| {
        let summary = counted(i64::try_from(rest.len()).unwrap_or(i64::MAX), "version more", "versions more");
        view! { <details class="older"><summary>{summary}</summary>{table(rest)}</details> }
    });
    view! { {table(rows)} {more} }.into_any()
}

fn table(rows: Vec<AnyView>) -> AnyView {
    view! {
        <Table caption="Versions in use or left lately, highest first">
            <thead>
                <tr>
                    <th scope="col">"Version"</th>
                    <th scope="col" class="num">"Share"</th>
                    <th scope="col" class="num">"Releases"</th>
                    <th scope="col">"First used"</th>
                    <th scope="col" class="num" title="Days until half of those who ever had it did">"Half had it in"</th>
                    <th scope="col" class="num" title="Of those who came to it, not rolled back within seven days">"Stayed"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

fn row(version: &ChartVersion, releases: i64, base: &PageUrl, now: Timestamp) -> AnyView {
    let href = base.with("tab", "users").with("version", version.version.clone()).at_part("views").href();
    let few = || view! { <span class="quiet" title="Fewer than five tell nothing">"–"</span> }.into_any();
    let half = match version.days_to_half {
        Some(days) => {
            view! { <span title=format!("Of {} releases", version.ever)>{format!("{days:.1} days")}</span> }.into_any()
        }
        None => few(),
    };
    let stayed = match version.stayed {
        Some(share) => {
            let of = format!("of {}", number_text(version.stayed_of));
            view! { {format!("{:.0}%", share * 100.0)} " " <span class="stayed-of quiet">{of}</span> }.into_any()
        }
        None => few(),
    };
    view! {
        <tr>
            <td class="row-link" data-label="Version"><a href=href><Version version=version.version.clone() /></a></td>
            <td class="num" data-label="Share">{share(version.releases, releases)}</td>
            <td class="num" data-label="Releases"><Number value=version.releases /></td>
            <td data-label="First used"><TimeAgo time=version.first_used_at now /></td>
            <td class="num" data-label="Half had it in">{half}</td>
            <td class="num" data-label="Stayed">{stayed}</td>
        </tr>
    }
    .into_any()
}
