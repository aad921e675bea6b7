//! Resources: lists, groups, versions, texts, what they use and name.

use uuid::Uuid;

use super::{ConnectionTrait, DataError, Result};
use crate::view::{
    ChartUse, GroupedResource, ImageUse, Listing, PageQuery, References, Resource, ResourceFacets, ResourceFilter,
    ResourceTreeRow, ResourceVersion, VersionText,
};

/// The most leaves that a tree may have.
pub const MAX_TREE: u64 = 20_000;

/// Which resources, one page of them.
pub async fn list_resources(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<Listing<Resource>> {
    Err(DataError::NotReady)
}

/// One resource, with `data`.
pub async fn find_resource(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Resource>> {
    Err(DataError::NotReady)
}

/// Resources put together by kind and name, those that stand in most places first; `count` is the number of groups.
pub async fn list_grouped(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<Listing<GroupedResource>> {
    Err(DataError::NotReady)
}

/// What can be chosen in filters; only the filter's repository is looked at.
pub async fn resource_facets(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<ResourceFacets> {
    Err(DataError::NotReady)
}

/// Every state of a resource, newest first.
pub async fn list_versions(
    c: &impl ConnectionTrait,
    resource: Uuid,
    page: PageQuery,
) -> Result<Listing<ResourceVersion>> {
    Err(DataError::NotReady)
}

/// The text of a resource as one of its events left it; `None` where the event is not this resource's.
pub async fn find_version_text(c: &impl ConnectionTrait, resource: Uuid, event: Uuid) -> Result<Option<VersionText>> {
    Err(DataError::NotReady)
}

/// The text of a resource as it stands, or last stood.
pub async fn find_current_text(c: &impl ConnectionTrait, resource: Uuid) -> Result<Option<VersionText>> {
    Err(DataError::NotReady)
}

/// What a resource names and what names it.
pub async fn find_references(c: &impl ConnectionTrait, resource: Uuid) -> Result<References> {
    Err(DataError::NotReady)
}

/// Charts that a repository installs, by name.
pub async fn list_charts(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ChartUse>> {
    Err(DataError::NotReady)
}

/// Images that a repository runs, by name.
pub async fn list_images(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ImageUse>> {
    Err(DataError::NotReady)
}

/// Active resources of a repository by path, at most [`MAX_TREE`].
pub async fn list_tree(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<ResourceTreeRow>> {
    Err(DataError::NotReady)
}
