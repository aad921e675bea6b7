mod data;

use entity::view::ImageSummary;
use leptos::prelude::*;

use self::data::{ImagesData, list_images};
use super::chart::percent;
use super::filters::{chips, values};
use super::{load, show};
use crate::components::{
    Breadcrumb, Choice, Crumb, DateField, EmptyState, FilterBar, Number, PageHead, PageUrl, Pager, Select,
    SkeletonBlock, SkeletonRows, Table, TextField, image_href,
};
use crate::live::Live;

/// `/images`: what runs.
#[component]
pub fn Images() -> impl IntoView {
    let page = load(|_, query| list_images(query), |_, live| matches!(live, Live::Events { .. }));
    show(page, "The images", skeleton, view)
}

fn skeleton() -> AnyView {
    view! {
        <SkeletonBlock of="head" />
        <SkeletonRows rows=50 />
    }
    .into_any()
}

fn view(data: ImagesData, url: PageUrl) -> AnyView {
    let ImagesData { images, page } = data;
    let (value, count) = (values(&url), images.count);
    let chips = chips(&url, &[("text", "Name"), ("used_by", "Used by at least"), ("at", "As of")]);
    let used = ["2", "3", "5", "10", "25"].map(|n| Choice::new(n, format!("{n} repositories"))).into();
    let at = url.get("at").unwrap_or_default().to_owned();
    let body = match images.data.is_empty() {
        true if count > 0 => ().into_any(),
        true => view! {
            <EmptyState title="No image matches">
                <p>"Remove a filter, or " <a href="/images">"see all of them"</a> "."</p>
            </EmptyState>
        }
        .into_any(),
        false => {
            let rows = images.data.into_iter().map(|image| row(image, &at)).collect_view();
            view! {
                <Table caption="Images in use">
                    <thead>
                        <tr>
                            <th scope="col">"Image"</th>
                            <th scope="col" class="num">"Repositories"</th>
                            <th scope="col" class="num">"Places"</th>
                            <th scope="col" class="num">"Tags"</th>
                            <th scope="col" class="num" title="Places that name a digest">"Pinned by digest"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </Table>
            }
            .into_any()
        }
    };
    let facts =
        view! { <span class="quiet">"In values of charts, in resources, and in kustomizations"</span> }.into_any();
    view! {
        <Breadcrumb crumbs=vec![Crumb::here("Images")] />
        <PageHead title="Images" facts />
        <FilterBar url=url.clone() keys=&["text", "used_by", "at"] chips>
            <TextField name="text" label="Name" placeholder="Image" search=true value=value("text") />
            <Select name="used_by" label="Used by" choices=used selected=value("used_by") />
            <DateField name="at" label="As of" value=value("at") />
        </FilterBar>
        {body}
        <Pager page count url what="images" />
    }
    .into_any()
}

fn row(image: ImageSummary, at: &str) -> AnyView {
    let href = PageUrl::new(image_href(&image.name)).with("at", at).href();
    let pinned = percent(image.pinned, image.places);
    view! {
        <tr>
            <td class="row-link path" data-label="Image"><a href=href>{image.name}</a></td>
            <td class="num" data-label="Repositories"><Number value=image.repositories /></td>
            <td class="num" data-label="Places"><Number value=image.places /></td>
            <td class="num" data-label="Tags"><Number value=image.tags /></td>
            <td class="num" data-label="Pinned by digest" title=format!("{} of {}", image.pinned, image.places)>{pinned}</td>
        </tr>
    }
    .into_any()
}
