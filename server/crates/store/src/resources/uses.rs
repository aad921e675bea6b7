//! What resources use: charts, images; and where they stand.

use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::Sql;
use entity::view::{ChartUse, ImageUse, Listing, PageQuery, ResourceTreeRow};

/// The most leaves that a tree may have.
pub const MAX_TREE: u64 = 20_000;

/// Charts that a repository installs, by name.
pub async fn list_charts(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ChartUse>> {
    let from = " FROM resource_chart u JOIN kubernetesresource k ON k.id = u.resource_id AND k.status = 'ACTIVE' \
                WHERE u.repository_id = ";
    let mut count = Sql::new("SELECT COUNT(*)");
    count.push(from).bind(repository);
    let mut rows = Sql::new(
        "SELECT k.id AS resource_id, k.kind, k.name AS resource_name, \
         COALESCE(k.namespace_inherited, k.namespace) AS namespace, u.name AS chart_name, u.url AS chart_url, \
         u.version, k.updated_at",
    );
    rows.push(from).bind(repository).push(" ORDER BY u.name, u.resource_id, u.position").page(page);
    Ok(Listing { count: count.count(c).await?, data: rows.all(c).await? })
}

/// Images that a repository runs, by name.
pub async fn list_images(c: &impl ConnectionTrait, repository: Uuid, page: PageQuery) -> Result<Listing<ImageUse>> {
    let from = " FROM resource_image u JOIN kubernetesresource k ON k.id = u.resource_id AND k.status = 'ACTIVE' \
                WHERE u.repository_id = ";
    let mut count = Sql::new("SELECT COUNT(*)");
    count.push(from).bind(repository);
    let mut rows =
        Sql::new("SELECT k.id AS resource_id, k.kind, k.name AS resource_name, u.image, u.tag, u.digest, u.field_path");
    rows.push(from).bind(repository).push(" ORDER BY u.image, u.tag, u.resource_id, u.position").page(page);
    Ok(Listing { count: count.count(c).await?, data: rows.all(c).await? })
}

/// Active resources of a repository by path, at most [`MAX_TREE`].
pub async fn list_tree(c: &impl ConnectionTrait, repository: Uuid) -> Result<Vec<ResourceTreeRow>> {
    let mut sql = Sql::new(
        "SELECT id, file_path, kind, name, COALESCE(namespace_inherited, namespace) AS namespace, version \
         FROM kubernetesresource WHERE status = 'ACTIVE' AND repository_id = ",
    );
    sql.bind(repository).push(" ORDER BY file_path, kind, name, id LIMIT ");
    sql.bind(i64::try_from(MAX_TREE).unwrap_or(i64::MAX));
    sql.all(c).await
}
