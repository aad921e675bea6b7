use entity::view::{ImageDetail, ImagePlace, Listing, PageQuery, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::chart::LineData;
use crate::error::AppError;

/// What an image's page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub detail: ImageDetail,
    pub line: LineData,
    pub places: Listing<ImagePlace>,
    /// Which places are here.
    pub page: PageQuery,
    pub at: Option<Timestamp>,
}

/// An image by the name in the page's address.
#[server(prefix = "/ui", endpoint = "image", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn find_image(name: String, query: String) -> Result<ImageData, AppError> {
    use crate::pages::ask;
    use entity::view::ImagePlaceFilter;

    let (db, params, now) = (ask::context()?.db, ask::params(&query)?, ask::now());
    let at = ask::at(&params)?;
    let name = name.trim_end_matches('/');
    let detail = store::kept::find_image(&db, name, at, now).await?;
    let detail = detail.ok_or_else(|| ask::missing("image"))?;
    let filter = ImagePlaceFilter {
        image_id: Some(detail.image.id),
        tag: ask::text(&params, "tag")?,
        at,
        page: ask::page(&params, 50),
        ..ImagePlaceFilter::default()
    };
    let points: Vec<(String, i64)> =
        detail.adoption.iter().map(|point| (point.date.clone(), point.repositories)).collect();
    Ok(ImageData {
        now,
        line: crate::chart::draw_line("Repositories", &points),
        places: store::kept::list_image_places(&db, &filter).await?,
        page: filter.page,
        detail,
        at,
    })
}
