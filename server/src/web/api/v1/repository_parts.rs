//! What belongs to one repository: its resources, problems, charts and images.

use axum::{Json, extract::State};
use entity::{
    kind::ProblemClass,
    view::{
        ChartRelease, ChartReleaseFilter, ChartReleaseSort, ChartValue, ImagePlace, ImagePlaceFilter, Listing,
        Problem as FileProblem, Resource, ResourceTreeRow,
    },
};
use store::db::Db;

use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    at::AtParams,
    repositories::find,
    resources::{ResourceOrder, ResourceParams},
};
use crate::web::api::{
    extract::{Check, Id, PageParams, Params},
    problem::Problem,
};

/// Resources of a repository
#[utoipa::path(
    get, path = "/repositories/{repository_id}/resources", operation_id = "list_repository_resources", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository"), PageParams, ResourceParams, ResourceOrder),
    responses(
        (status = 200, description = "One page and the true total", body = Listing<Resource>),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repository_resources(
    State(db): State<Db>,
    Id(id): Id,
    Params(page): Params<PageParams>,
    Params(params): Params<ResourceParams>,
    Params(order): Params<ResourceOrder>,
) -> Result<Json<Listing<Resource>>, Problem> {
    let mut check = Check::default();
    let filter = order.order(params.filter(Some(id), &page, &mut check), &mut check);
    check.finish()?;
    find(&db, id).await?;
    Ok(Json(store::resources::list_resources(&db.read, &filter).await?))
}

/// Resources of a repository by the places where they stand
#[utoipa::path(
    get, path = "/repositories/{repository_id}/tree", operation_id = "list_repository_tree", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository"), AtParams),
    responses(
        (status = 200, description = "All of them by path, at most 20,000: those at the head, or those that stood at a time",
            body = Listing<ResourceTreeRow>),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repository_tree(
    State(db): State<Db>,
    Id(id): Id,
    Params(at): Params<AtParams>,
) -> Result<Json<Listing<ResourceTreeRow>>, Problem> {
    let mut check = Check::default();
    let at = at.moment(&mut check);
    check.finish()?;
    find(&db, id).await?;
    Ok(Json(store::resources::list_tree(&db.read, id, at, store::resources::MAX_TREE).await?))
}

/// Which problems.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProblemParams {
    /// Only of this class; without it all but `helm_template`, which nobody needs to mend.
    #[param(inline, value_type = Option<ProblemClass>)]
    class: Option<String>,
}

/// Files that could not be read as they should
#[utoipa::path(
    get, path = "/repositories/{repository_id}/problems", operation_id = "list_repository_problems", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository"), PageParams, ProblemParams),
    responses(
        (status = 200, description = "With path, line and reason", body = Listing<FileProblem>),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repository_problems(
    State(db): State<Db>,
    Id(id): Id,
    Params(page): Params<PageParams>,
    Params(params): Params<ProblemParams>,
) -> Result<Json<Listing<FileProblem>>, Problem> {
    let mut check = Check::default();
    let page = page.page(&mut check);
    let class = check.word("class", params.class.as_deref());
    check.finish()?;
    find(&db, id).await?;
    Ok(Json(store::problems::list_problems(&db.read, id, class, page).await?))
}

/// Charts that a repository uses
#[utoipa::path(
    get, path = "/repositories/{repository_id}/charts", operation_id = "list_repository_charts", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository"), PageParams, AtParams),
    responses(
        (status = 200, description = "Its releases: where each chart comes from, and how its version stands to others",
            body = Listing<ChartRelease>),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repository_charts(
    State(db): State<Db>,
    Id(id): Id,
    Params(page): Params<PageParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<Listing<ChartRelease>>, Problem> {
    let mut check = Check::default();
    let filter = ChartReleaseFilter {
        repository_id: Some(id),
        sort: ChartReleaseSort::Repository,
        at: at.moment(&mut check),
        page: page.page(&mut check),
        ..ChartReleaseFilter::default()
    };
    check.finish()?;
    find(&db, id).await?;
    Ok(Json(store::kept::list_releases(&db, &filter).await?))
}

/// Which release of a repository.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReleaseParams {
    /// The `id` of one of the charts that the repository uses.
    #[param(required = true, value_type = i64, minimum = 1, maximum = 9_223_372_036_854_775_807_i64)]
    release_id: Option<String>,
}

/// Values that a release of a repository sets
#[utoipa::path(
    get, path = "/repositories/{repository_id}/values", operation_id = "list_release_values", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository"), PageParams, ReleaseParams, AtParams),
    responses(
        (status = 200, description = "By path, each with the line that sets it, wherever the chart comes from",
            body = Listing<ChartValue>),
        (status = 404, description = "No such repository, or it has no such release then",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No release is given, or wrong parameters",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_release_values(
    State(db): State<Db>,
    Id(id): Id,
    Params(page): Params<PageParams>,
    Params(params): Params<ReleaseParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<Listing<ChartValue>>, Problem> {
    let mut check = Check::default();
    if params.release_id.is_none() {
        check.refuse("release_id", "", "missing", "must be given: the id of a release");
    }
    let release = check.number_id("release_id", params.release_id.as_deref()).unwrap_or_default();
    let at = at.moment(&mut check);
    let page = page.page(&mut check);
    check.finish()?;
    find(&db, id).await?;
    if store::charts::find_release(&db.read, id, release, at).await?.is_none() {
        return Err(Problem::not_found("Release not found"));
    }
    Ok(Json(store::charts::list_release_values(&db.read, id, release, at, page).await?))
}

/// Images that a repository uses
#[utoipa::path(
    get, path = "/repositories/{repository_id}/images", operation_id = "list_repository_images", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository"), PageParams, AtParams),
    responses(
        (status = 200, description = "Each place with its tag, digest and field", body = Listing<ImagePlace>),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repository_images(
    State(db): State<Db>,
    Id(id): Id,
    Params(page): Params<PageParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<Listing<ImagePlace>>, Problem> {
    let mut check = Check::default();
    let filter = ImagePlaceFilter {
        repository_id: Some(id),
        at: at.moment(&mut check),
        page: page.page(&mut check),
        ..ImagePlaceFilter::default()
    };
    check.finish()?;
    find(&db, id).await?;
    Ok(Json(store::kept::list_image_places(&db, &filter).await?))
}
