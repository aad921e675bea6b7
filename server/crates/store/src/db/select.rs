//! What questions have in common.

use sea_orm::sea_query::{Asterisk, Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{DbErr, EntityTrait, FromQueryResult, QuerySelect, Select, Value};

use super::sql::MAX_PAGE;
use super::{ConnectionTrait, Result};
use entity::view::PageQuery;

/// A value that stands in the statement's text: SQLite uses a partial index only where it can read its condition there.
pub(crate) fn constant(value: impl Into<Value>) -> Expr {
    Expr::Constant(value.into())
}

/// One page of what is asked for, bounded.
pub(crate) fn paged<S: QuerySelect<QueryStatement = SelectStatement>>(mut select: S, page: PageQuery) -> S {
    limits(select.query(), page);
    select
}

/// The same for a statement that is of no entity.
pub(crate) fn limits(select: &mut SelectStatement, page: PageQuery) -> &mut SelectStatement {
    // Larger numbers have no form in the database.
    select.limit(Ord::min(page.limit, MAX_PAGE)).offset(Ord::min(page.skip, i64::MAX.unsigned_abs()))
}

/// The rows of a statement that is of no entity.
pub(crate) async fn all<T: FromQueryResult>(select: &SelectStatement, c: &impl ConnectionTrait) -> Result<Vec<T>> {
    let rows = c.query_all(select).await?;
    Ok(rows.iter().map(|row| T::from_query_result(row, "")).collect::<Result<_, _>>()?)
}

/// How many rows there are.
pub(crate) async fn count<E: EntityTrait>(select: Select<E>, c: &impl ConnectionTrait) -> Result<u64> {
    number(select.select_only().expr(Expr::col(Asterisk).count()), c).await
}

/// The only column of the only row as a number, 0 without one.
pub(crate) async fn number<E: EntityTrait>(select: Select<E>, c: &impl ConnectionTrait) -> Result<u64> {
    let number: Option<Option<i64>> = select.into_tuple().one(c).await?;
    Ok(number.flatten().and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
}

/// Inserts what a question gives, in the order of these columns; how many rows.
pub(crate) async fn insert_from<E: EntityTrait>(
    columns: impl IntoIterator<Item = E::Column>,
    select: SelectStatement,
    c: &impl ConnectionTrait,
) -> Result<u64> {
    let mut insert = Query::insert();
    insert.into_table(E::default().table_ref()).columns(columns);
    let insert = insert.select_from(select).map_err(|error| DbErr::Custom(error.to_string()))?;
    Ok(c.execute(insert).await?.rows_affected())
}
