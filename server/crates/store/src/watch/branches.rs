//! Lists of branches.

use std::collections::HashSet;

use sea_orm::sea_query::{Condition, ExprTrait as _, Func, JoinType, Query, SelectStatement};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _,
};
use uuid::Uuid;

use crate::db::pattern::contains;
use crate::db::select::{count, is_any, is_like, matching, paged};
use crate::db::{ConnectionTrait, Result};
use entity::table::{branch, repository};
use entity::value::ObjectId;
use entity::view::{Branch, BranchFilter, Listing, Timestamp};

/// So many of the branches that changed last are looked through for a text.
const READ: u64 = 20_000;
/// So many names are looked for by one statement.
const NAMES: usize = 500;

#[derive(DerivePartialModel)]
#[sea_orm(entity = "branch::Entity")]
struct Row {
    id: Uuid,
    repository_id: Uuid,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    repository_full_name: String,
    #[sea_orm(from_expr = "repository::Column::LastSyncAt")]
    last_sync_at: Option<Timestamp>,
    #[sea_orm(from_expr = "repository::Column::SyncFailures")]
    sync_failures: Option<i64>,
    name: String,
    head: ObjectId,
    is_watched: bool,
    is_protected: Option<bool>,
    first_seen_at: Timestamp,
    changed_at: Timestamp,
    last_seen_at: Timestamp,
    deleted_at: Option<Timestamp>,
}

impl From<Row> for Branch {
    fn from(row: Row) -> Self {
        // Of what is there nothing is written at each look, and a sync that failed has seen nothing.
        let is_seen = row.deleted_at.is_none() && row.sync_failures == Some(0);
        let looked = row.last_sync_at.filter(|looked| is_seen && *looked > row.last_seen_at);
        Self {
            id: row.id,
            repository_id: row.repository_id,
            repository_full_name: row.repository_full_name,
            name: row.name,
            head_commit: row.head.to_string(),
            is_watched: row.is_watched,
            is_protected: row.is_protected,
            first_seen_at: row.first_seen_at,
            changed_at: row.changed_at,
            last_seen_at: looked.unwrap_or(row.last_seen_at),
            deleted_at: row.deleted_at,
        }
    }
}

/// One branch.
pub async fn find_branch(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Branch>> {
    let row = branch::Entity::find_by_id(id).left_join(repository::Entity);
    Ok(row.into_partial_model::<Row>().one(c).await?.map(Branch::from))
}

/// Which branches, those that changed last first.
pub async fn list_branches(c: &impl ConnectionTrait, filter: &BranchFilter) -> Result<Listing<Branch>> {
    use branch::Column::{ChangedAt, Id};
    let branches = matching::<branch::Entity>(conditions(filter));
    let count = count(c, branches.clone()).await?;
    let ids = branches.select_only().column(Id).order_by_desc(ChangedAt).order_by_desc(Id);
    let ids = paged(ids, filter.page).into_query();
    let rows = branch::Entity::find().left_join(repository::Entity).filter(branch::COLUMN.id.in_subquery(ids));
    let rows = rows.order_by_desc(ChangedAt).order_by_desc(Id).into_partial_model::<Row>().all(c).await?;
    Ok(Listing { data: rows.into_iter().map(Branch::from).collect(), count })
}

/// How many branches are there and watched, of a repository or of all.
pub async fn count_watched(c: &impl ConnectionTrait, repository: Option<Uuid>) -> Result<u64> {
    let of = repository.map(|id| branch::COLUMN.repository_id.eq(id));
    count(c, branch::Entity::find().filter(is_standing_watched().add_option(of))).await
}

/// Names of a repository's branches that are there, in their order; at most so many.
pub async fn list_branch_names(c: &impl ConnectionTrait, repository: Uuid, limit: u64) -> Result<Vec<String>> {
    use branch::Column::Name;
    let there = branch::Entity::find().select_only().column(Name).filter(branch::COLUMN.repository_id.eq(repository));
    let there = there.filter(branch::COLUMN.deleted_at.is_null()).order_by_asc(Name).limit(limit);
    Ok(there.into_tuple().all(c).await?)
}

/// Those of these names that no branch of the repository has that is there.
pub async fn gone_names(c: &impl ConnectionTrait, repository: Uuid, names: &[&str]) -> Result<Vec<String>> {
    use branch::Column::Name;
    let mut gone = Vec::new();
    for names in names.chunks(NAMES) {
        let there = branch::Entity::find().select_only().column(Name);
        let there =
            there.filter(branch::COLUMN.repository_id.eq(repository)).filter(branch::COLUMN.deleted_at.is_null());
        let there = there.filter(is_any(Name.into_expr(), names.iter().copied()));
        let there: HashSet<String> = there.into_tuple::<String>().all(c).await?.into_iter().collect();
        gone.extend(names.iter().filter(|name| !there.contains(**name)).map(|name| (*name).to_owned()));
    }
    Ok(gone)
}

/// Branches that are there and watched; written so that their index serves.
pub(super) fn is_standing_watched() -> Condition {
    Condition::all().add(branch::Column::IsWatched.into_expr()).add(branch::COLUMN.deleted_at.is_null())
}

fn conditions(filter: &BranchFilter) -> Condition {
    let is_deleted = |deleted| match deleted {
        true => branch::COLUMN.deleted_at.is_not_null(),
        false => branch::COLUMN.deleted_at.is_null(),
    };
    let text = filter.text.as_deref().filter(|text| !text.is_empty()).map(contains);
    let says = |pattern| is_like(Func::lower(branch::Column::Name.into_expr()), pattern);
    let of_text = text.map(|pattern| match filter.repository_id {
        Some(_) => says(pattern),
        None => branch::COLUMN.id.in_subquery(newest_with(pattern)),
    });
    let marks = match (filter.watched, filter.deleted) {
        (None, None) => None,
        (Some(true), Some(false)) => Some(is_standing_watched()),
        (watched, deleted) => Some(
            Condition::all()
                .add_option(deleted.map(is_deleted))
                .add_option(watched.map(|watched| branch::COLUMN.is_watched.eq(watched))),
        ),
    };
    Condition::all()
        .add_option(filter.repository_id.map(|id| branch::COLUMN.repository_id.eq(id)))
        .add_option(marks)
        .add_option(of_text)
}

fn newest_with(pattern: String) -> SelectStatement {
    use branch::Column::{ChangedAt, Id, Name};
    let newest = branch::Entity::find().select_only().column(Id).order_by_desc(ChangedAt).order_by_desc(Id).limit(READ);
    Query::select()
        .column((branch::Entity, Id))
        .from_subquery(newest.into_query(), "i")
        .join(JoinType::InnerJoin, branch::Entity, Id.into_expr().equals(("i", Id)))
        .and_where(is_like(Func::lower(Name.into_expr()), pattern))
        .to_owned()
}
