use entity::view::{ImageSummary, Listing, PageQuery};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// What the list of images shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImagesData {
    pub images: Listing<ImageSummary>,
    /// Which rows are here.
    pub page: PageQuery,
}

/// Which images, as the page's address says.
#[server(prefix = "/ui", endpoint = "images", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn list_images(query: String) -> Result<ImagesData, AppError> {
    use crate::pages::ask;
    use entity::view::ImageFilter;

    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    let filter = ImageFilter {
        text: ask::text(&params, "text")?,
        used_by: params.get_str("used_by").and_then(|text| text.parse().ok()).unwrap_or(1),
        at: ask::at(&params)?,
        page: ask::page(&params, 50),
    };
    Ok(ImagesData { images: store::kept::list_images(&db, &filter).await?, page: filter.page })
}
