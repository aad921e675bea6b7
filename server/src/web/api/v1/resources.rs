//! Kubernetes resources: lists over all repositories, one resource, its versions.

use axum::{Json, extract::State};
use entity::{
    kind::ResourceStatus,
    view::{
        GroupedResource, Listing, References, Resource, ResourceFilter, ResourceSort, ResourceThen, ResourceVersion,
        SharedUse, Sort, Timestamp, WrittenImage,
    },
};
use serde::{Deserialize, Serialize};
use store::db::Db;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::at::AtParams;
use crate::{
    clock,
    web::api::{
        extract::{Check, Id, PageParams, Params},
        problem::Problem,
    },
};

const NOT_FOUND: &str = "Resource not found";

const SORTS: &[(&str, ResourceSort)] = &[
    ("name", ResourceSort::Name),
    ("kind", ResourceSort::Kind),
    ("updated", ResourceSort::Updated),
    ("created", ResourceSort::Created),
];

/// Which resources.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ResourceParams {
    /// Kind as written.
    kind: Option<String>,
    /// The whole name.
    name: Option<String>,
    /// Only those that install this chart.
    chart: Option<String>,
    /// `apiVersion` as written.
    api_version: Option<String>,
    /// Namespace, written or inherited.
    namespace: Option<String>,
    /// `ACTIVE`, `DELETED` or both, separated by commas; without it all.
    #[param(pattern = "^(ACTIVE|DELETED)(,(ACTIVE|DELETED))*$")]
    status: Option<String>,
    /// Part of the name or path. Over all repositories, one or two characters are looked for at the beginning of names.
    text: Option<String>,
}

/// In what order.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ResourceOrder {
    /// What the list is sorted by.
    #[param(inline, value_type = Option<ResourceSort>, default = "updated")]
    sort: Option<String>,
    /// Which end comes first.
    #[param(inline, value_type = Option<Sort>, default = "descending")]
    direction: Option<String>,
}

impl ResourceOrder {
    /// The filter in this order.
    pub fn order(&self, filter: ResourceFilter, check: &mut Check) -> ResourceFilter {
        ResourceFilter {
            sort: check.choice("sort", self.sort.as_deref(), SORTS),
            direction: check.direction(self.direction.as_deref()),
            ..filter
        }
    }
}

impl ResourceParams {
    /// The checked filter.
    pub fn filter(&self, repository_id: Option<Uuid>, page: &PageParams, check: &mut Check) -> ResourceFilter {
        ResourceFilter {
            repository_id,
            kind: check.text("kind", self.kind.as_deref()),
            name: check.text("name", self.name.as_deref()),
            chart: check.text("chart", self.chart.as_deref()),
            api_version: check.text("api_version", self.api_version.as_deref()),
            namespace: check.text("namespace", self.namespace.as_deref()),
            statuses: check.words::<ResourceStatus>("status", self.status.as_deref()),
            text: check.text("text", self.text.as_deref()),
            with_data: true,
            page: page.page(check),
            ..ResourceFilter::default()
        }
    }
}

/// Which repository.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfRepositoryParams {
    /// Only of this repository.
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<String>,
}

/// A resource with the references from and to it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ResourceDetail {
    /// The resource itself.
    #[serde(flatten)]
    pub resource: Resource,
    /// What it names and what names it.
    pub references: References,
}

/// What a resource has as others do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResourceUses {
    /// Charts that what stands at its place installs.
    pub charts: Vec<SharedUse>,
    /// Images that it names itself or by the values of a release, those that most use first.
    pub images: Vec<SharedUse>,
    /// Images of which no name can be told, since variables stand in them.
    pub written: Vec<WrittenImage>,
}

/// Resources of all repositories
#[utoipa::path(
    get, path = "/kubernetes/resources", operation_id = "list_resources", tag = "resources",
    params(PageParams, OfRepositoryParams, ResourceParams, ResourceOrder),
    responses(
        (status = 200, description = "One page and the true total", body = Listing<Resource>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_resources(
    State(db): State<Db>,
    Params(page): Params<PageParams>,
    Params(of): Params<OfRepositoryParams>,
    Params(params): Params<ResourceParams>,
    Params(order): Params<ResourceOrder>,
) -> Result<Json<Listing<Resource>>, Problem> {
    let mut check = Check::default();
    let repository_id = check.uuid("repository_id", of.repository_id.as_deref());
    let filter = order.order(params.filter(repository_id, &page, &mut check), &mut check);
    check.finish()?;
    Ok(Json(store::resources::list_resources(&db.read, &filter).await?))
}

/// Resources of the same kind and name, with the repositories that have them
#[utoipa::path(
    get, path = "/kubernetes/resources/grouped", operation_id = "list_grouped_resources", tag = "resources",
    params(PageParams, OfRepositoryParams, ResourceParams),
    responses(
        (status = 200, description = "Most frequent first, and the true number of groups", body = Listing<GroupedResource>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_grouped_resources(
    State(db): State<Db>,
    Params(page): Params<PageParams>,
    Params(of): Params<OfRepositoryParams>,
    Params(params): Params<ResourceParams>,
) -> Result<Json<Listing<GroupedResource>>, Problem> {
    let mut check = Check::default();
    let repository_id = check.uuid("repository_id", of.repository_id.as_deref());
    let filter = params.filter(repository_id, &page, &mut check);
    check.finish()?;
    Ok(Json(store::resources::list_grouped(&db.read, &filter).await?))
}

/// One resource
#[utoipa::path(
    get, path = "/resources/{resource_id}", operation_id = "get_resource", tag = "resources",
    params(("resource_id" = Uuid, Path, description = "The resource")),
    responses(
        (status = 200, description = "The resource and the references from and to it", body = ResourceDetail),
        (status = 404, description = "No such resource", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_resource(State(db): State<Db>, Id(id): Id) -> Result<Json<ResourceDetail>, Problem> {
    let resource = find(&db, id).await?;
    let references = store::resources::find_references(&db.read, id).await?;
    Ok(Json(ResourceDetail { resource, references }))
}

/// Every version of a resource
#[utoipa::path(
    get, path = "/resources/{resource_id}/versions", operation_id = "list_resource_versions", tag = "resources",
    params(("resource_id" = Uuid, Path, description = "The resource"), PageParams),
    responses(
        (status = 200, description = "Newest first, each with the event that made it", body = Listing<ResourceVersion>),
        (status = 404, description = "No such resource", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_resource_versions(
    State(db): State<Db>,
    Id(id): Id,
    Params(page): Params<PageParams>,
) -> Result<Json<Listing<ResourceVersion>>, Problem> {
    let mut check = Check::default();
    let page = page.page(&mut check);
    check.finish()?;
    find(&db, id).await?;
    Ok(Json(store::resources::list_versions(&db.read, id, page).await?))
}

/// What a resource was at a time
#[utoipa::path(
    get, path = "/resources/{resource_id}/state", operation_id = "get_resource_state", tag = "resources",
    params(("resource_id" = Uuid, Path, description = "The resource"), AtParams),
    responses(
        (status = 200, description = "Whether it was there, the state that it had, its charts and images then",
            body = ResourceThen),
        (status = 404, description = "No such resource", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_resource_state(
    State(db): State<Db>,
    Id(id): Id,
    Params(at): Params<AtParams>,
) -> Result<Json<ResourceThen>, Problem> {
    let mut check = Check::default();
    let at = at.moment(&mut check);
    check.finish()?;
    Ok(Json(then(&db, id, at.unwrap_or_else(clock::now)).await?))
}

/// Charts and images of a resource, and how many use them
#[utoipa::path(
    get, path = "/resources/{resource_id}/uses", operation_id = "list_resource_uses", tag = "resources",
    params(("resource_id" = Uuid, Path, description = "The resource"), AtParams),
    responses(
        (status = 200, description = "Each counts this repository too", body = ResourceUses),
        (status = 404, description = "No such resource", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_resource_uses(
    State(db): State<Db>,
    Id(id): Id,
    Params(at): Params<AtParams>,
) -> Result<Json<ResourceUses>, Problem> {
    let mut check = Check::default();
    let at = at.moment(&mut check);
    check.finish()?;
    if let Some(at) = at {
        let ResourceThen { charts, images, written, .. } = then(&db, id, at).await?;
        return Ok(Json(ResourceUses { charts, images, written }));
    }
    let resource = find(&db, id).await?;
    let (repository, place) = (resource.repository_id, resource.file_path.as_str());
    let charts = store::charts::installed_at(&db.read, repository, place, None).await?;
    let images = store::images::named_at(&db.read, repository, place, None).await?;
    let written = store::images::written_at(&db.read, repository, place, None).await?;
    Ok(Json(ResourceUses { charts, images, written }))
}

async fn then(db: &Db, id: Uuid, at: Timestamp) -> Result<ResourceThen, Problem> {
    store::resources::find_resource_then(&db.read, id, at).await?.ok_or_else(|| Problem::not_found(NOT_FOUND))
}

pub(super) async fn find(db: &Db, id: Uuid) -> Result<Resource, Problem> {
    store::resources::find_resource(&db.read, id).await?.ok_or_else(|| Problem::not_found(NOT_FOUND))
}
