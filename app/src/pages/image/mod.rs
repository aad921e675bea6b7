mod data;

use entity::view::{ImagePlace, ImageTag, ImageThrough, Timestamp};
use leptos::prelude::*;

use self::data::{ImageData, find_image};
use super::chart::percent;
use super::filters::{as_of, chips, past, values};
use super::{load, show};
use crate::chart::LineChart;
use crate::components::{
    Breadcrumb, Choice, CopyButton, Crumb, FilterBar, Metric, Metrics, Number, PageHead, PageUrl, Pager, Section,
    Select, SkeletonBlock, SkeletonRows, Table, TimeAgo, Version, chart_href, cut_path, number_text, repository_href,
    resource_href, tag_version,
};
use crate::live::Live;

/// `/images/{name}`: its tags, and who uses them.
#[component]
pub fn Image() -> impl IntoView {
    let page = load(
        |path, query| find_image(path.get("name").unwrap_or_default(), query),
        |_, live| matches!(live, Live::Events { .. }),
    );
    show(page, "The image", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonBlock of="metrics" />
        <SkeletonRows rows=25 />
    }
    .into_any()
}

fn view(data: ImageData, url: PageUrl) -> AnyView {
    let ImageData { now, detail, line, places, page, at } = data;
    let image = detail.image;
    let pinned = percent(image.pinned, image.places);
    let name = image.name.clone();
    let short = name.rsplit('/').next().unwrap_or(&name).to_owned();
    let facts = view! {
        <span class="fact"><code class="path">{name.clone()}</code><CopyButton text=name what="name of the image" /></span>
    }
    .into_any();
    let (past, day) = (past(at, &url), as_of(&url));
    let tags: Vec<Choice> =
        detail.tags_in_use.iter().filter_map(|tag| Some(Choice::word(tag.tag.clone()?).counting(tag.places))).collect();
    let set = chips(&url, &[("tag", "Tag"), ("at", "As of")]);
    let value = values(&url);
    let (tag_rows, filter_url, pager_url) =
        (tag_table(detail.tags_in_use, &url), url.clone(), url.clone().at_part("places"));
    let through = through(detail.through, url.get("at").unwrap_or_default());
    let rows = places.data.into_iter().map(|place| place_row(place, now)).collect_view();
    view! {
        <Breadcrumb crumbs=vec![Crumb::link("Images", "/images"), Crumb::here(short.clone())] />
        <PageHead title=short facts>{day}</PageHead>
        {past}
        <Metrics>
            <Metric label="Repositories" value=image.repositories />
            <Metric label="Places" value=image.places />
            <Metric label="Tags" value=image.tags />
            <Metric label="Pinned by digest" value=None text=Some(pinned) />
        </Metrics>
        <div class="columns even">
            <Section title="Tags">{tag_rows}</Section>
            <Section title="Used through">{through}</Section>
        </div>
        <Section title="Where it is" id="places">
            <FilterBar url=filter_url keys=&["tag"] chips=set>
                <Select name="tag" label="Tag" choices=tags selected=value("tag") />
            </FilterBar>
            <Table caption="Where it is">
                <thead>
                    <tr>
                        <th scope="col">"Repository"</th>
                        <th scope="col">"Tag"</th>
                        <th scope="col">"In"</th>
                        <th scope="col">"Field"</th>
                        <th scope="col">"Since"</th>
                        <th scope="col">"File"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
            <Pager page count=places.count url=pager_url what="places" />
        </Section>
        <Section title="Repositories over time"><LineChart line choices=Vec::new() none="There is no line yet" /></Section>
    }
    .into_any()
}

fn tag_table(tags: Vec<ImageTag>, url: &PageUrl) -> AnyView {
    let row = |tag: ImageTag| {
        let name = match tag.tag {
            Some(tag) => {
                let href = url.with("tag", tag.clone()).at_part("places").href();
                view! { <a href=href><Version version=Some(tag) /></a> }.into_any()
            }
            None => view! { <span class="quiet">"none written"</span> }.into_any(),
        };
        view! {
            <tr>
                <td class="row-link" data-label="Tag">{name}</td>
                <td class="num" data-label="Repositories"><Number value=tag.repositories /></td>
                <td class="num" data-label="Places"><Number value=tag.places /></td>
                <td class="num" data-label="Digests">{digests(tag.digests, tag.most_pinned)}</td>
            </tr>
        }
    };
    let mut rows: Vec<_> = tags.into_iter().map(row).collect();
    let rest = rows.split_off(rows.len().min(15));
    let table = |rows: Vec<_>| {
        view! {
            <Table caption="Tags in use, highest first">
                <thead>
                    <tr>
                        <th scope="col">"Tag"</th>
                        <th scope="col" class="num">"Repositories"</th>
                        <th scope="col" class="num">"Places"</th>
                        <th scope="col" class="num">"Digests"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        }
    };
    let more = (!rest.is_empty()).then(|| {
        view! { <details class="older"><summary>{format!("{} more tags", rest.len())}</summary>{table(rest)}</details> }
    });
    view! { {table(rows)} {more} }.into_any()
}

/// How many digests are written beside a tag, and which.
fn digests(count: i64, most: Vec<String>) -> AnyView {
    if most.is_empty() {
        return view! { <Number value=count /> }.into_any();
    }
    let rest = count - i64::try_from(most.len()).unwrap_or(0);
    let rest = (rest > 0).then(|| view! { <li class="quiet">{format!("and {rest} more")}</li> });
    let one = |digest: String| view! { <li><code class="value">{digest}</code></li> };
    let most = most.into_iter().map(one).collect_view();
    view! { <details class="digests"><summary>{number_text(count)}</summary><ul>{most} {rest}</ul></details> }
        .into_any()
}

fn through(through: Vec<ImageThrough>, at: &str) -> AnyView {
    let row = |one: ImageThrough| {
        let what = match (one.chart_key, one.kind) {
            (Some(key), _) => {
                let name = key.rsplit('/').next().unwrap_or(&key).to_owned();
                let href = PageUrl::new(chart_href(&key)).with("at", at).href();
                view! { <a href=href title=key>{name}</a> " " <span class="quiet">"chart"</span> }.into_any()
            }
            (None, Some(kind)) => view! { {kind} }.into_any(),
            (None, None) => {
                view! { <span class="quiet">"values of a chart that is not known, or a kustomization"</span> }
                    .into_any()
            }
        };
        view! {
            <tr>
                <td data-label="Through">{what}</td>
                <td class="num" data-label="Repositories"><Number value=one.repositories /></td>
                <td class="num" data-label="Places"><Number value=one.places /></td>
            </tr>
        }
    };
    let mut rows: Vec<_> = through.into_iter().map(row).collect();
    let rest = rows.split_off(rows.len().min(15));
    let table = |rows: Vec<_>| {
        view! {
            <Table caption="Charts and kinds that it is used through">
                <thead>
                    <tr><th scope="col">"Through"</th><th scope="col" class="num">"Repositories"</th><th scope="col" class="num">"Places"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        }
    };
    let more = (!rest.is_empty()).then(|| {
        view! { <details class="older"><summary>{format!("{} more", rest.len())}</summary>{table(rest)}</details> }
    });
    view! { {table(rows)} {more} }.into_any()
}

/// A place as a row; `name` of it stands in what has it.
fn place_row(place: ImagePlace, now: Timestamp) -> AnyView {
    let what = place.name.or(place.kind).unwrap_or_else(|| "kustomization".to_owned());
    let what = match place.resource_id {
        Some(id) => view! { <a href=resource_href(id)>{what}</a> }.into_any(),
        None => view! { {what} }.into_any(),
    };
    let tag = tag_version(place.tag, place.digest);
    let file = cut_path(&place.file_path);
    let file = match place.web_url {
        Some(href) => view! { <a href=href rel="noopener external">{file}</a> }.into_any(),
        None => file.into_any(),
    };
    view! {
        <tr>
            <td class="row-link" data-label="Repository"><a href=repository_href(place.repository_id)>{place.repository}</a></td>
            <td data-label="Tag"><Version version=tag /></td>
            <td data-label="In">{what}</td>
            <td data-label="Field"><code class="field-path">{place.path}</code></td>
            <td data-label="Since"><TimeAgo time=place.since now /></td>
            <td class="file" data-label="File" title=place.file_path.clone()>{file}</td>
        </tr>
    }
    .into_any()
}
