//! Charts that a repository installs, and images that it names.

use entity::kind::{ChartResolution, UnresolvedReason};
use entity::view::{ChartRelease, ImagePlace, Listing, PageQuery, Timestamp};
use leptos::prelude::*;

use super::super::chart::stands_for;
use crate::components::{
    EmptyState, Number, PageUrl, Pager, Table, TimeAgo, Version, chart_href, counted, cut_path, image_href,
    resource_href, tag_version,
};

pub(super) fn charts(listing: Listing<ChartRelease>, page: PageQuery, url: &PageUrl, now: Timestamp) -> AnyView {
    if listing.count == 0 {
        let why = match url.get("at") {
            Some(_) => "No release of Flux, Argo CD, kustomize or k3s named a chart then.",
            None => "No release of Flux, Argo CD, kustomize or k3s at the head of the branch names a chart.",
        };
        return view! {
            <EmptyState title="No charts">
                <p>{why}</p>
            </EmptyState>
        }
        .into_any();
    }
    if listing.data.is_empty() {
        return view! { <Pager page count=listing.count url=url.clone() what="releases" /> }.into_any();
    }
    let rows = listing.data.into_iter().map(|release| release_row(release, url, now)).collect_view();
    view! {
        <Table caption="Charts">
            <thead>
                <tr>
                    <th scope="col">"Release"</th>
                    <th scope="col">"Chart"</th>
                    <th scope="col">"Version"</th>
                    <th scope="col" title="The highest version that anybody uses">"Newest in use"</th>
                    <th scope="col" title="Half of all releases of this chart have the median or a lower version">"Against the median"</th>
                    <th scope="col" class="num">"Values"</th>
                    <th scope="col">"Since"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
        <Pager page count=listing.count url=url.clone() what="releases" />
    }
    .into_any()
}

/// What a release is called, with the way to the resource that installs it where there is one.
pub(super) fn release_name(release: &ChartRelease, at: &str) -> AnyView {
    let name = release.release_name.as_ref().or(release.name.as_ref()).unwrap_or(&release.file_path).clone();
    match release.resource_id {
        Some(id) => {
            let href = PageUrl::new(resource_href(id)).with("at", at).href();
            view! { <a href=href>{name}</a> }.into_any()
        }
        None => view! { {name} }.into_any(),
    }
}

fn release_row(release: ChartRelease, url: &PageUrl, now: Timestamp) -> AnyView {
    let at = url.get("at").unwrap_or_default();
    let against = against(&release);
    let name = release_name(&release, at);
    let namespace = release.namespace.map(|namespace| view! { " " <span class="quiet">{namespace}</span> });
    let chart_name = release.chart_name.clone().unwrap_or_default();
    let chart = match &release.chart_key {
        Some(key) => {
            let href = PageUrl::new(chart_href(key)).with("at", at).href();
            view! { <a href=href title=key.clone()>{chart_name}</a> }.into_any()
        }
        None => {
            let why = match (release.how, release.reason) {
                (ChartResolution::Local, _) => "in this repository",
                (_, Some(reason)) => reason_words(reason),
                (_, None) => "not known where it comes from",
            };
            view! { {chart_name} " " <span class="quiet">{why}</span> }.into_any()
        }
    };
    let source = release.source_url.clone().filter(|url| url != ".");
    let source = source.map(|url| view! { <span class="row-about quiet" title=url.clone()>{url.clone()}</span> });
    let values = match &release.chart_key {
        // Beside what everybody sets.
        Some(key) if release.values > 0 => {
            let href = PageUrl::new(chart_href(key)).with("tab", "values").with("at", at);
            let href = href.with("mine", release.repository_id.to_string()).href();
            view! { <a href=href title="Beside what others set"><Number value=release.values /></a> }.into_any()
        }
        None if release.values > 0 => {
            let href = url.with("release_id", release.id.clone()).href();
            view! { <a href=href title="What it sets"><Number value=release.values /></a> }.into_any()
        }
        _ => view! { <Number value=release.values /> }.into_any(),
    };
    let is_newest = release.newest_version.is_some() && release.newest_version == release.version;
    let newest = match is_newest {
        true => view! { <span class="quiet">"this one"</span> }.into_any(),
        false => view! { <Version version=release.newest_version /> }.into_any(),
    };
    view! {
        <tr>
            <td class="row-link" data-label="Release">{name}{namespace}</td>
            <td data-label="Chart">{chart} {source}</td>
            <td data-label="Version"><Version version=release.version /></td>
            <td data-label="Newest in use">{newest}</td>
            <td data-label="Against the median">{against}</td>
            <td class="num" data-label="Values">{values}</td>
            <td data-label="Since"><TimeAgo time=release.since now /></td>
        </tr>
    }
    .into_any()
}

/// How far a release is behind the version that half of all have.
fn against(release: &ChartRelease) -> AnyView {
    let (Some(median), Some(behind)) = (release.median_version.as_deref(), release.behind_median) else {
        return view! { <span class="quiet" title="Too few to compare with, or no exact version">"–"</span> }
            .into_any();
    };
    let is_median = release.version.as_deref() == Some(median);
    let text = match behind {
        0 if is_median => "the same".to_owned(),
        0 => format!("ahead of {median}"),
        _ => format!("{} behind {median}", counted(behind, "version", "versions")),
    };
    let title = release.ahead_of_percent.map(|percent| format!("Higher than {percent}% of all releases"));
    view! { <span class:quiet=behind == 0 title=title>{text}</span> }.into_any()
}

/// Why it is not known where a chart comes from.
const fn reason_words(reason: UnresolvedReason) -> &'static str {
    match reason {
        UnresolvedReason::SourceNotFound => "its source is not in the repository",
        UnresolvedReason::SourceAmbiguous => "several sources have that name",
        UnresolvedReason::Templated => "a variable stands in its source",
        UnresolvedReason::NoUrl => "its source has no address",
        UnresolvedReason::UnsupportedKind => "its source is of a kind that is not read",
    }
}

pub(super) fn images(listing: Listing<ImagePlace>, page: PageQuery, url: &PageUrl) -> AnyView {
    if listing.count == 0 {
        let why = match url.get("at") {
            Some(_) => "No workload, release or kustomization named an image then.",
            None => "No workload, release or kustomization at the head of the branch names an image.",
        };
        return view! {
            <EmptyState title="No images">
                <p>{why}</p>
            </EmptyState>
        }
        .into_any();
    }
    if listing.data.is_empty() {
        return view! { <Pager page count=listing.count url=url.clone() what="places" /> }.into_any();
    }
    let at = url.get("at").unwrap_or_default();
    let rows = listing.data.into_iter().map(|place| image_row(place, at)).collect_view();
    view! {
        <Table caption="Images">
            <thead>
                <tr>
                    <th scope="col">"Image"</th>
                    <th scope="col">"Tag"</th>
                    <th scope="col">"In"</th>
                    <th scope="col">"Field"</th>
                    <th scope="col">"File"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
        <Pager page count=listing.count url=url.clone() what="places" />
    }
    .into_any()
}

fn image_row(place: ImagePlace, at: &str) -> AnyView {
    let image = match place.image {
        Some(name) => {
            let href = PageUrl::new(image_href(&name)).with("at", at).href();
            view! { <a href=href>{name}</a> }.into_any()
        }
        None => match place.written {
            Some(written) => {
                let known = stands_for(&written, &place.variables);
                view! { <code>{written}</code> {known} }.into_any()
            }
            None => view! { <span class="quiet">{place_word(&place.path)}</span> }.into_any(),
        },
    };
    let tag = tag_version(place.tag, place.digest);
    let what = place.name.or(place.kind).unwrap_or_else(|| "kustomization".to_owned());
    let what = match place.resource_id {
        Some(id) => {
            let href = PageUrl::new(resource_href(id)).with("at", at).href();
            view! { <a href=href>{what}</a> }.into_any()
        }
        None => view! { {what} }.into_any(),
    };
    view! {
        <tr>
            <td class="row-link path" data-label="Image">{image}</td>
            <td data-label="Tag"><Version version=tag /></td>
            <td data-label="In">{what}</td>
            <td data-label="Field"><code class="field-path">{place.path}</code></td>
            <td class="file" data-label="File" title=place.file_path.clone()>{cut_path(&place.file_path)}</td>
        </tr>
    }
    .into_any()
}

/// What is said of a place whose image is not known.
fn place_word(path: &str) -> String {
    format!("not known ({})", path.rsplit('.').next().unwrap_or(path))
}
