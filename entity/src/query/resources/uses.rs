//! What resources use and name: references, charts, images; and where they stand.

use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::db::sql::Sql;
use crate::view::{ChartUse, ImageUse, Listing, PageQuery, References, ResourceTreeRow};

/// The most leaves that a tree may have.
pub const MAX_TREE: u64 = 20_000;

/// What a resource names and what names it.
pub async fn find_references(c: &impl ConnectionTrait, resource: Uuid) -> Result<References> {
    let mut outgoing = Sql::new(
        "SELECT f.relation, f.kind, f.name, COALESCE(f.namespace, k.namespace_inherited, k.namespace) AS namespace, \
         t.id AS resource_id, t.file_path FROM resource_reference f JOIN kubernetesresource k ON k.id = f.resource_id \
         LEFT JOIN kubernetesresource t ON t.repository_id = f.repository_id AND t.kind = f.kind AND t.name = f.name \
         AND t.status = 'ACTIVE' AND ",
    );
    outgoing.push(SAME_NAMESPACE).push(" WHERE f.resource_id = ").bind(resource);
    outgoing.push(" ORDER BY f.position, t.file_path, t.id LIMIT 500");
    let mut incoming = Sql::new(
        "SELECT f.relation, k.kind, k.name, COALESCE(k.namespace_inherited, k.namespace) AS namespace, \
         k.id AS resource_id, k.file_path FROM kubernetesresource t JOIN resource_reference f \
         ON f.repository_id = t.repository_id AND f.kind = t.kind AND f.name = t.name \
         JOIN kubernetesresource k ON k.id = f.resource_id AND k.status = 'ACTIVE' WHERE ",
    );
    incoming.push(SAME_NAMESPACE).push(" AND t.id = ").bind(resource);
    incoming.push(" ORDER BY k.kind, k.name, k.id, f.position LIMIT 500");
    let mut references = References { outgoing: outgoing.all(c).await?, incoming: incoming.all(c).await? };
    // Where several resources fit a name, the reference stands once, with the first of them.
    references
        .outgoing
        .dedup_by(|b, a| (a.relation, &a.kind, &a.name, &a.namespace) == (b.relation, &b.kind, &b.name, &b.namespace));
    Ok(references)
}

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

/// Whether `t` stands where the reference `f` of the resource `k` points to: the namespace that the reference names,
/// else the resource's own; where Git tells no namespace of one side, the name decides.
const SAME_NAMESPACE: &str = "(COALESCE(f.namespace, k.namespace_inherited, k.namespace) IS NULL \
    OR COALESCE(t.namespace_inherited, t.namespace) IS NULL \
    OR COALESCE(t.namespace_inherited, t.namespace) = COALESCE(f.namespace, k.namespace_inherited, k.namespace) \
    OR t.namespace = f.namespace)";
