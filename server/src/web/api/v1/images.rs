//! Container images: who uses them, in which tags and where, now and at any time of the past.

use axum::{Json, extract::State};
use entity::view::{ImageDetail, ImageFilter, ImagePlace, ImagePlaceFilter, ImageSummary, Listing};
use serde::Deserialize;
use store::db::Db;
use utoipa::IntoParams;

use super::{at::AtParams, charts::used_by};
use crate::{
    clock,
    web::api::{
        extract::{Check, PageParams, Params},
        problem::Problem,
    },
};

/// Which images.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImageParams {
    /// Part of the name.
    text: Option<String>,
    /// Used by so many repositories at least.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1_000_000_000, default = 1)]
    used_by: Option<String>,
}

/// Which image.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImageNameParams {
    /// The whole name with its registry, such as `docker.io/library/nginx`.
    #[param(required = true, value_type = String, min_length = 1)]
    name: Option<String>,
}

/// Which places. An image or a repository has to be named.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImagePlaceParams {
    /// Only of this image; has to be given where no `repository_id` is.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 9_223_372_036_854_775_807_i64)]
    image_id: Option<String>,
    /// Only of this repository; has to be given where no `image_id` is.
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<String>,
    /// Only with this tag, as written.
    tag: Option<String>,
}

/// Images in use
#[utoipa::path(
    get, path = "/images", operation_id = "list_images_in_use", tag = "images",
    params(PageParams, ImageParams, AtParams),
    responses(
        (status = 200, description = "Those of most repositories first", body = Listing<ImageSummary>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_images_in_use(
    State(db): State<Db>,
    Params(page): Params<PageParams>,
    Params(params): Params<ImageParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<Listing<ImageSummary>>, Problem> {
    let mut check = Check::default();
    let filter = ImageFilter {
        text: check.text("text", params.text.as_deref()),
        used_by: used_by(&mut check, params.used_by.as_deref()),
        at: at.moment(&mut check),
        page: page.page(&mut check),
    };
    check.finish()?;
    Ok(Json(store::kept::list_images(&db, &filter).await?))
}

/// One image by its name
#[utoipa::path(
    get, path = "/images/find", operation_id = "find_image_by_name", tag = "images",
    params(ImageNameParams, AtParams),
    responses(
        (status = 200, description = "Its tags, through what it is used, and who used it month by month",
            body = ImageDetail),
        (status = 404, description = "No such image", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No name is given, or wrong parameters",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn find_image_by_name(
    State(db): State<Db>,
    Params(params): Params<ImageNameParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<ImageDetail>, Problem> {
    let mut check = Check::default();
    let name = check.required("name", params.name.as_deref(), "the name of an image, with its registry");
    let at = at.moment(&mut check);
    check.finish()?;
    store::kept::find_image(&db, &name, at, clock::now())
        .await?
        .map(Json)
        .ok_or_else(|| Problem::not_found("Image not found"))
}

/// Places where images stand
#[utoipa::path(
    get, path = "/images/places", operation_id = "list_image_places", tag = "images",
    params(PageParams, ImagePlaceParams, AtParams),
    responses(
        (status = 200, description = "Each with its file, and the resource or chart that has it",
            body = Listing<ImagePlace>),
        (status = 422, description = "Neither an image nor a repository is named, or wrong parameters",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_image_places(
    State(db): State<Db>,
    Params(page): Params<PageParams>,
    Params(params): Params<ImagePlaceParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<Listing<ImagePlace>>, Problem> {
    let mut check = Check::default();
    if params.image_id.is_none() && params.repository_id.is_none() {
        check.refuse("image_id", "", "missing", "must be given where no repository_id is");
    }
    let filter = ImagePlaceFilter {
        image_id: check.number_id("image_id", params.image_id.as_deref()),
        repository_id: check.uuid("repository_id", params.repository_id.as_deref()),
        tag: check.text("tag", params.tag.as_deref()),
        at: at.moment(&mut check),
        page: page.page(&mut check),
    };
    check.finish()?;
    Ok(Json(store::kept::list_image_places(&db, &filter).await?))
}
