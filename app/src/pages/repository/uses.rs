//! Charts that a repository installs, and images that it names.

use entity::kind::UnresolvedReason;
use entity::view::{ChartRelease, ImagePlace, Listing, PageQuery, Timestamp};
use leptos::prelude::*;

use crate::components::{
    EmptyState, Number, PageUrl, Pager, Table, TimeAgo, Version, chart_href, cut_path, image_href, resource_href,
    tag_version,
};

pub(super) fn charts(listing: Listing<ChartRelease>, page: PageQuery, url: &PageUrl, now: Timestamp) -> AnyView {
    if listing.count == 0 {
        return view! {
            <EmptyState title="No charts">
                <p>"No release of Flux, Argo CD, kustomize or k3s at the head of the branch names a chart."</p>
            </EmptyState>
        }
        .into_any();
    }
    if listing.data.is_empty() {
        return view! { <Pager page count=listing.count url=url.clone() what="releases" /> }.into_any();
    }
    let rows = listing.data.into_iter().map(|release| release_row(release, now)).collect_view();
    view! {
        <Table caption="Charts">
            <thead>
                <tr>
                    <th scope="col">"Release"</th>
                    <th scope="col">"Chart"</th>
                    <th scope="col">"Version"</th>
                    <th scope="col" title="The highest version that anybody uses">"Newest in use"</th>
                    <th scope="col" class="num" title="Releases of this chart, here and elsewhere, with a lower version">"Ahead of"</th>
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

fn release_row(release: ChartRelease, now: Timestamp) -> AnyView {
    let name = release.release_name.or(release.name).unwrap_or_else(|| release.file_path.clone());
    let name = match release.resource_id {
        Some(id) => view! { <a href=resource_href(id)>{name}</a> }.into_any(),
        None => view! { {name} }.into_any(),
    };
    let namespace = release.namespace.map(|namespace| view! { " " <span class="quiet">{namespace}</span> });
    let chart_name = release.chart_name.clone().unwrap_or_default();
    let chart = match &release.chart_key {
        Some(key) => view! { <a href=chart_href(key) title=key.clone()>{chart_name}</a> }.into_any(),
        None => {
            let why = release.reason.map_or("not known where it comes from", reason_words);
            view! { {chart_name} " " <span class="quiet" title="Where it comes from is not known">{why}</span> }
                .into_any()
        }
    };
    let is_newest = release.newest_version.is_some() && release.newest_version == release.version;
    let newest = match is_newest {
        true => view! { <span class="quiet">"this one"</span> }.into_any(),
        false => view! { <Version version=release.newest_version /> }.into_any(),
    };
    let ahead = release.ahead_of_percent.map_or_else(
        || view! { <span class="quiet" title="Too few to compare with, or no exact version">"–"</span> }.into_any(),
        |percent| view! { {format!("{percent}%")} }.into_any(),
    );
    view! {
        <tr>
            <td class="row-link" data-label="Release">{name}{namespace}</td>
            <td data-label="Chart" title=release.source_url>{chart}</td>
            <td data-label="Version"><Version version=release.version /></td>
            <td data-label="Newest in use">{newest}</td>
            <td class="num" data-label="Ahead of">{ahead}</td>
            <td class="num" data-label="Values"><Number value=release.values /></td>
            <td data-label="Since"><TimeAgo time=release.since now /></td>
        </tr>
    }
    .into_any()
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
        return view! {
            <EmptyState title="No images">
                <p>"No workload, release or kustomization at the head of the branch names an image."</p>
            </EmptyState>
        }
        .into_any();
    }
    if listing.data.is_empty() {
        return view! { <Pager page count=listing.count url=url.clone() what="places" /> }.into_any();
    }
    let rows = listing.data.into_iter().map(image_row).collect_view();
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

fn image_row(place: ImagePlace) -> AnyView {
    let image = match place.image {
        Some(name) => {
            let href = image_href(&name);
            view! { <a href=href>{name}</a> }.into_any()
        }
        None => view! { <span class="quiet">{place_word(&place.path)}</span> }.into_any(),
    };
    let tag = tag_version(place.tag, place.digest);
    let what = place.name.or(place.kind).unwrap_or_else(|| "kustomization".to_owned());
    let what = match place.resource_id {
        Some(id) => view! { <a href=resource_href(id)>{what}</a> }.into_any(),
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
