//! Resources: lists, groups, versions, texts, what they use and name.

mod filter;
mod grouped;
mod references;
mod uses;
mod versions;

use uuid::Uuid;

pub(crate) use filter::push_text;
pub use grouped::list_grouped;
pub use references::find_references;
pub use uses::{MAX_TREE, list_charts, list_images, list_tree};
pub use versions::{
    VersionPlace, find_current_text, find_version_place, find_version_text, list_source_changes, list_versions,
};

use super::{ConnectionTrait, Result};
use crate::db::sql::{MAX_PAGE, Sql};
use crate::row::ResourceRow;
use entity::view::{Listing, NamedCount, PageQuery, Resource, ResourceFacets, ResourceFilter};

/// Which resources, one page of them.
pub async fn list_resources(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<Listing<Resource>> {
    let conditions = filter::conditions(c, filter);
    let count = filter::count_resources(c, filter, &conditions).await?;
    let (page, back) = from_nearer_end(filter.page, count);
    let mut ids = Sql::new("SELECT k.id FROM kubernetesresource k");
    ids.append(conditions.sql()).push(" ORDER BY ").push(&filter::order(filter, back)).page(page);
    let mut rows = Sql::new("SELECT ");
    rows.push(ResourceRow::COLUMNS).push(if filter.with_data { ", d.data" } else { ", NULL AS data" });
    rows.push(" FROM (").append(&ids).push(") i JOIN kubernetesresource k ON k.id = i.id");
    rows.push(" JOIN repository r ON r.id = k.repository_id");
    if filter.with_data {
        rows.push(" LEFT JOIN resource_data d ON d.resource_id = k.id");
    }
    rows.push(" ORDER BY ").push(&filter::order(filter, false));
    let data = rows.all::<ResourceRow>(c).await?;
    Ok(Listing { data: data.into_iter().map(ResourceRow::into_view).collect::<Result<_>>()?, count })
}

/// The same rows counted from the nearer end of the list, and whether that is its last row: what a page skips is read.
fn from_nearer_end(page: PageQuery, count: u64) -> (PageQuery, bool) {
    let end = page.skip.saturating_add(page.limit.min(MAX_PAGE)).min(count);
    let behind = count - end;
    if page.skip >= count || behind >= page.skip {
        return (page, false);
    }
    (PageQuery { skip: behind, limit: end - page.skip }, true)
}

/// One resource, with `data`.
pub async fn find_resource(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Resource>> {
    let mut sql = Sql::new("SELECT ");
    sql.push(ResourceRow::COLUMNS).push(", d.data FROM kubernetesresource k");
    sql.push(" JOIN repository r ON r.id = k.repository_id LEFT JOIN resource_data d ON d.resource_id = k.id");
    sql.push(" WHERE k.id = ").bind(id);
    sql.one::<ResourceRow>(c).await?.map(ResourceRow::into_view).transpose()
}

/// What can be chosen in filters; only the filter's repository is looked at.
pub async fn resource_facets(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<ResourceFacets> {
    let mut facets = ResourceFacets::default();
    for (facet, list) in
        [("kind", &mut facets.kinds), ("api_version", &mut facets.api_versions), ("namespace", &mut facets.namespaces)]
    {
        let mut sql = Sql::new("SELECT value AS name, active AS count FROM ");
        match filter.repository_id {
            Some(repository) => sql.push("repository_facet WHERE repository_id = ").bind(repository).push(" AND "),
            None => sql.push("facet_total WHERE "),
        };
        sql.push("facet = ").bind(facet).push(" AND active > 0 ORDER BY active DESC, value LIMIT 1000");
        *list = sql.all::<NamedCount>(c).await?;
    }
    Ok(facets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_pages_are_read_from_the_end_and_are_the_same_rows() {
        let page = |skip, limit| PageQuery { skip, limit };
        assert_eq!(from_nearer_end(page(0, 25), 100), (page(0, 25), false));
        assert_eq!(from_nearer_end(page(90, 25), 100), (page(0, 10), true));
        assert_eq!(from_nearer_end(page(70, 25), 100), (page(5, 25), true));
        assert_eq!(from_nearer_end(page(100, 25), 100), (page(100, 25), false));
        assert_eq!(from_nearer_end(page(0, 25), 0), (page(0, 25), false));
        let last = page(u64::MAX, 25);
        assert_eq!(from_nearer_end(last, 100), (last, false));
    }
}
