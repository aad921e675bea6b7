//! What one release sets: of a chart that is in the repository, or that nobody knows the place of, there is no other page.

use entity::view::{ChartRelease, ChartValue, Listing, PageQuery, Timestamp};
use leptos::prelude::*;

use super::super::chart::{line_of, stands_for, value};
use super::uses::release_name;
use crate::components::{EmptyState, PageUrl, Pager, Table, TimeAgo, Version, chart_href, cut_path};

/// `list` is where all releases are, `url` the address at hand.
pub(super) fn view(
    release: Option<ChartRelease>,
    listing: Listing<ChartValue>,
    page: PageQuery,
    (list, url): (&PageUrl, &PageUrl),
    now: Timestamp,
) -> AnyView {
    let all = list.href();
    let Some(release) = release else {
        return view! {
            <EmptyState title="The release was not here then">
                <p><a href=all>"All charts"</a></p>
            </EmptyState>
        }
        .into_any();
    };
    let at = url.get("at").unwrap_or_default();
    let values = match listing.data.is_empty() {
        true if listing.count > 0 => ().into_any(),
        true => view! { <EmptyState title="The release sets no value" /> }.into_any(),
        false => {
            let chart = release.chart_key.as_deref();
            let rows = listing.data.into_iter().map(|one| row(one, chart, at, now)).collect_view();
            table(rows.into_any())
        }
    };
    view! {
        {head(release, all, at)}
        {values}
        <Pager page count=listing.count url=url.clone() what="values" />
    }
    .into_any()
}

fn head(release: ChartRelease, all: String, at: &str) -> AnyView {
    let name = release_name(&release, at);
    let chart = release.chart_name.map(|chart| view! { " of the chart " <code>{chart}</code> });
    let version = release.version.map(|version| view! { " " <Version version=version /> });
    let file = cut_path(&release.file_path);
    let file = match release.web_url {
        Some(href) => view! { <a href=href rel="noopener external">{file}</a> }.into_any(),
        None => file.into_any(),
    };
    view! { <p class="value-head"><a href=all>"All charts"</a> " / " {name} {chart} {version} " in " {file}</p> }
        .into_any()
}

fn table(rows: AnyView) -> AnyView {
    view! {
        <Table caption="What the release sets">
            <thead>
                <tr>
                    <th scope="col">"Value"</th>
                    <th scope="col">"Set to"</th>
                    <th scope="col">"Since"</th>
                    <th scope="col">"Where"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
    .into_any()
}

fn row(one: ChartValue, chart: Option<&str>, at: &str, now: Timestamp) -> AnyView {
    let place = line_of(&one);
    let set_to = value(&one.value, one.masked);
    let known = stands_for(&one.value, &one.variables);
    let path = match chart {
        // Beside what others set there.
        Some(key) => {
            let href = PageUrl::new(chart_href(key)).with("tab", "values").with("path", one.path.clone());
            let href = href.with("at", at).at_part("views").href();
            view! { <a class="value-path" href=href>{one.path}</a> }.into_any()
        }
        None => view! { <code class="value-path">{one.path}</code> }.into_any(),
    };
    view! {
        <tr>
            <td class="row-link" data-label="Value">{path}</td>
            <td data-label="Set to">{set_to} {known}</td>
            <td data-label="Since"><TimeAgo time=one.since now /></td>
            <td class="file" data-label="Where">{place}</td>
        </tr>
    }
    .into_any()
}
