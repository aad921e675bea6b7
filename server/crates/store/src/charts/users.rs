//! Repositories that use a chart, to choose from.

use sea_orm::sea_query::{ExprTrait as _, Func};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result, uses_at};
use crate::db::select::{MAX_PAGE, is_any, is_counted};
use entity::table::{chart_use, repository};
use entity::view::Timestamp;

/// Repositories that use a chart, by name; at most a thousand.
pub async fn list_users(c: &impl ConnectionTrait, chart: i64, at: Option<Timestamp>) -> Result<Vec<(Uuid, String)>> {
    use repository::Column::{FullName, Id};
    let uses = chart_use::Entity::find().filter(chart_use::COLUMN.chart_id.eq(chart)).filter(uses_at(at));
    let these = uses.select_only().column(chart_use::Column::RepositoryId).into_query();
    let users = repository::Entity::find().filter(Id.in_subquery(these)).filter(is_counted(Id));
    let users = users.select_only().columns([Id, FullName]);
    Ok(users.order_by_asc(FullName).order_by_asc(Id).limit(MAX_PAGE).into_tuple().all(c).await?)
}

/// Of repositories that people name by id or by name, in any case, those that use a chart: by name, however many others do.
pub async fn users_named(
    c: &impl ConnectionTrait,
    chart: i64,
    named: &[String],
    at: Option<Timestamp>,
) -> Result<Vec<(Uuid, String)>> {
    use repository::Column::{FullName, Id};
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let uses = chart_use::Entity::find().filter(chart_use::COLUMN.chart_id.eq(chart)).filter(uses_at(at));
    let these = uses.select_only().column(chart_use::Column::RepositoryId).into_query();
    let ids = is_any(Id.into_expr(), named.iter().filter_map(|name| name.parse::<Uuid>().ok()));
    let lower = is_any(Func::lower(FullName.into_expr()), named.iter().map(|name| name.to_lowercase()));
    // Engines lower letters beyond ASCII in their own ways: as it is written a name is always found.
    let names = lower.or(is_any(FullName.into_expr(), named.iter().cloned()));
    let users = repository::Entity::find().filter(Id.in_subquery(these)).filter(ids.or(names));
    let users = users.select_only().columns([Id, FullName]).order_by_asc(FullName).order_by_asc(Id);
    Ok(users.limit(MAX_PAGE).into_tuple().all(c).await?)
}
