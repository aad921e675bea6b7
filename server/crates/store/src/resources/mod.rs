//! Resources: lists, groups, versions, texts, what they use and name.

mod filter;
mod grouped;
mod references;
pub(crate) mod row;
mod then;
mod tree;
mod versions;

use sea_orm::sea_query::ExprTrait;
use sea_orm::{
    ColumnTrait as _, EntityTrait, JoinType, Order, QueryFilter as _, QueryOrder as _, QuerySelect, QueryTrait as _,
    RelationDef, RelationTrait as _, Select,
};
use uuid::Uuid;

pub(crate) use filter::{effective_namespace, is_active, text_condition};
pub use grouped::list_grouped;
pub use references::find_references;
pub use then::find_resource_then;
pub use tree::{MAX_TREE, list_tree};
pub use versions::{
    VersionPlace, find_current_text, find_version_place, find_version_text, list_source_changes, list_versions,
};

use self::row::{FullResourceRow, ResourceRow};
use super::{ConnectionTrait, Result};
use crate::db::select::{MAX_PAGE, from_nearer_end, matching, paged};
use entity::kind::Facet;
use entity::table::{facet_total, repository, repository_facet, resource, resource_data};
use entity::view::{Listing, Resource, ResourceFacets, ResourceFilter};

/// Which resources, one page of them.
pub async fn list_resources(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<Listing<Resource>> {
    let conditions = filter::conditions(c, filter);
    let count = filter::count_resources(c, filter, &conditions).await?;
    let (page, back) = from_nearer_end(filter.page, count);
    let ids = matching::<resource::Entity>(conditions.clone()).select_only().column(resource::Column::Id);
    let ids = paged(filter::ordered(ids, filter, back), page).into_query();
    // Which rows these are the index tells alone; only they are then read whole.
    let mut rows = resource::Entity::find();
    let same = ExprTrait::equals(resource::Column::Id.into_expr(), ("i", resource::Column::Id));
    QuerySelect::query(&mut rows).from_clear().from_subquery(ids, "i").inner_join(resource::Entity, same);
    let rows = filter::ordered(rows.inner_join(repository::Entity), filter, false);
    let data = if filter.with_data {
        let rows = rows.join(JoinType::LeftJoin, of_data()).into_partial_model::<FullResourceRow>().all(c).await?;
        rows.into_iter().map(FullResourceRow::into_view).collect()
    } else {
        let rows = rows.into_partial_model::<ResourceRow>().all(c).await?;
        rows.into_iter().map(|row| row.into_view(None)).collect()
    };
    Ok(Listing { data, count })
}

/// From a resource to its `data`.
fn of_data() -> RelationDef {
    resource_data::Relation::Resource.def().rev()
}

/// One resource, with `data`.
pub async fn find_resource(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Resource>> {
    let this = resource::Entity::find_by_id(id).inner_join(repository::Entity).join(JoinType::LeftJoin, of_data());
    Ok(this.into_partial_model::<FullResourceRow>().one(c).await?.map(FullResourceRow::into_view))
}

/// What can be chosen in filters; only the filter's repository is looked at.
pub async fn resource_facets(c: &impl ConnectionTrait, filter: &ResourceFilter) -> Result<ResourceFacets> {
    let mut facets = ResourceFacets::default();
    for (facet, list) in [
        (Facet::Kind, &mut facets.kinds),
        (Facet::ApiVersion, &mut facets.api_versions),
        (Facet::Namespace, &mut facets.namespaces),
    ] {
        *list = match filter.repository_id {
            Some(repository) => {
                use repository_facet::{COLUMN, Column, Entity};
                let values = Entity::find().filter(COLUMN.repository_id.eq(repository));
                let values = values.filter(COLUMN.facet.eq(facet)).filter(COLUMN.active.gt(0_i64));
                choices(values, Column::Value, Column::Active).into_model().all(c).await?
            }
            None => {
                use facet_total::{COLUMN, Column, Entity};
                let values = Entity::find().filter(COLUMN.facet.eq(facet)).filter(COLUMN.active.gt(0_i64));
                choices(values, Column::Value, Column::Active).into_model().all(c).await?
            }
        };
    }
    Ok(facets)
}

/// The most frequent values, as [`entity::view::NamedCount`] has them.
fn choices<E: EntityTrait>(values: Select<E>, value: E::Column, active: E::Column) -> Select<E> {
    let named = values.select_only().column_as(value, "name").column_as(active, "count");
    named.order_by(active, Order::Desc).order_by(value, Order::Asc).limit(MAX_PAGE)
}
