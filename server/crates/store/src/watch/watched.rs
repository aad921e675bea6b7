//! Repositories whose branches are watched.

use std::collections::HashMap;

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Order, Query};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, RelationTrait as _,
};
use uuid::Uuid;

use crate::db::pattern::contains;
use crate::db::select::{constant, count, count_all, is_any, is_like, matching, paged};
use crate::db::{ConnectionTrait, Result};
use entity::kind::{Provider, SyncStatus};
use entity::table::{branch, branch_event, repository, watch};
use entity::value::StoredTimestamp;
use entity::view::{Listing, Timestamp, Watch, WatchedRepository, WatchedRepositoryFilter};

#[derive(DerivePartialModel)]
#[sea_orm(entity = "repository::Entity")]
struct Row {
    id: Uuid,
    full_name: String,
    url: String,
    provider: Provider,
    enabled: bool,
    polling_interval_seconds: Option<i64>,
    last_sync_at: Option<Timestamp>,
    sync_status: SyncStatus,
    sync_error: Option<String>,
    #[sea_orm(from_expr = "watch::Column::IsEnabled")]
    is_watched: bool,
    #[sea_orm(from_expr = "watch::Column::BranchRegex")]
    watch_regex: Option<String>,
    #[sea_orm(from_expr = "watch::Column::TellsFirstLook")]
    tells_first_look: bool,
    #[sea_orm(from_expr = "watch::Column::FirstLookAt")]
    first_look_at: Option<Timestamp>,
    #[sea_orm(from_expr = "last_event_at()")]
    last_event_at: Option<StoredTimestamp>,
}

/// When the newest event of a repository was noticed.
fn last_event_at() -> Expr {
    use branch_event::Column::{Id, NoticedAt, RepositoryId};
    let newest = Query::select()
        .column((branch_event::Entity, NoticedAt))
        .from(branch_event::Entity)
        .and_where(RepositoryId.into_expr().equals((repository::Entity, repository::Column::Id)))
        .order_by((branch_event::Entity, Id), Order::Desc)
        .limit(1)
        .to_owned();
    newest.into()
}

/// Repositories whose branches are watched, or were, by full name.
pub async fn list_watched_repositories(
    c: &impl ConnectionTrait,
    filter: &WatchedRepositoryFilter,
) -> Result<Listing<WatchedRepository>> {
    use repository::Column::{FullName, Id};
    let watched = Query::select().column(watch::Column::RepositoryId).from(watch::Entity).to_owned();
    let watched = match filter.watched {
        Some(is_enabled) => watched.clone().and_where(watch::COLUMN.is_enabled.eq(is_enabled)).to_owned(),
        None => watched,
    };
    let text = filter.text.as_deref().map(str::to_lowercase).filter(|text| !text.is_empty());
    let conditions = Condition::all()
        .add(Id.in_subquery(watched))
        .add_option(text.map(|text| is_like(repository::Column::Search.into_expr(), contains(&text))));
    let repositories = matching::<repository::Entity>(conditions);
    let count = count(c, repositories.clone()).await?;
    let ids = paged(repositories.select_only().column(Id).order_by_asc(FullName).order_by_asc(Id), filter.page);
    Ok(Listing { data: shown(c, Id.in_subquery(ids.into_query())).await?, count })
}

/// One repository whose branches are watched, or were.
pub async fn find_watched_repository(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<WatchedRepository>> {
    Ok(shown(c, repository::Column::Id.eq(id)).await?.pop())
}

async fn shown(c: &impl ConnectionTrait, which: Expr) -> Result<Vec<WatchedRepository>> {
    use repository::Column::{FullName, Id};
    let rows = repository::Entity::find()
        .join(sea_orm::JoinType::InnerJoin, watch::Relation::Repository.def().rev())
        .filter(which);
    let rows: Vec<Row> = rows.order_by_asc(FullName).order_by_asc(Id).into_partial_model().all(c).await?;
    let branches = standing(c, &rows.iter().map(|row| row.id).collect::<Vec<_>>()).await?;
    let shown = |row: Row| {
        let (branches, watched_branches) = branches.get(&row.id).copied().unwrap_or_default();
        WatchedRepository {
            id: row.id,
            full_name: row.full_name,
            url: row.url,
            provider: row.provider,
            is_enabled: row.enabled,
            watch: Watch {
                is_enabled: row.is_watched,
                branch_regex: row.watch_regex,
                tells_first_look: row.tells_first_look,
                polling_interval_seconds: row.polling_interval_seconds,
                first_look_at: row.first_look_at,
            },
            last_sync_at: row.last_sync_at,
            sync_status: row.sync_status,
            sync_error: row.sync_error,
            branches,
            watched_branches,
            last_event_at: row.last_event_at.map(Into::into),
        }
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// How many branches of each of these repositories are there, and how many of them are watched.
async fn standing(c: &impl ConnectionTrait, repositories: &[Uuid]) -> Result<HashMap<Uuid, (i64, i64)>> {
    use branch::Column::{IsWatched, RepositoryId};
    let watched = Expr::case(IsWatched.into_expr(), constant(1)).count();
    let branches = branch::Entity::find().select_only().column(RepositoryId);
    let branches = branches.column_as(count_all(), "branches").column_as(watched, "watched");
    let branches = branches.filter(branch::COLUMN.deleted_at.is_null());
    let branches =
        branches.filter(is_any(RepositoryId.into_expr(), repositories.iter().copied())).group_by(RepositoryId);
    let rows: Vec<(Uuid, i64, i64)> = branches.into_tuple().all(c).await?;
    Ok(rows.into_iter().map(|(id, branches, watched)| (id, (branches, watched))).collect())
}
