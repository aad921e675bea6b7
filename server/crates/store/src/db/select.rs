//! Parts of questions that many subjects need.

use sea_orm::sea_query::{
    Asterisk, Condition, Expr, ExprTrait as _, Func, Keyword, LikeExpr, Query, SelectStatement, WindowStatement,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter as _, QuerySelect, Select, Value,
};

use super::Result;
use entity::value::FIRST_UNCOUNTED;
use entity::view::{Listing, PageQuery};

/// The most rows that a page may have.
pub(crate) const MAX_PAGE: u64 = 1000;

/// A value that stands in the statement itself: partial indexes serve only statements that say their condition so.
pub(crate) fn constant(value: impl Into<Value>) -> Expr {
    Expr::Constant(value.into())
}

/// `COUNT(*)`.
pub(crate) fn count_all() -> Expr {
    Func::count(Expr::col(Asterisk)).into()
}

/// A sum, 0 of no rows. PostgreSQL adds whole numbers up to a decimal one.
pub(crate) fn sum(of: impl Into<Expr>) -> Expr {
    Expr::from(Func::coalesce([of.into().sum(), constant(0)])).cast_as("BIGINT")
}

/// `column LIKE pattern`, where the pattern escapes by `\` as `contains` and `holds` write it.
pub(crate) fn is_like(column: impl Into<Expr>, pattern: String) -> Expr {
    column.into().like(LikeExpr::new(pattern).escape('\\'))
}

/// Columns of one row added up.
pub(crate) fn added<C: ColumnTrait, const N: usize>(columns: [C; N]) -> Expr {
    let added = columns.into_iter().map(ColumnTrait::into_expr).reduce(sea_orm::ExprTrait::add);
    added.unwrap_or_else(|| constant(0))
}

/// `column IN (...)`. Of no values it becomes a list that nothing is in: for SeaORM's own condition, which compares two
/// bound numbers, SQLite reads the table from end to end.
pub(crate) fn is_any<V: Into<Value>>(column: impl Into<Expr>, values: impl IntoIterator<Item = V>) -> Expr {
    let mut values: Vec<Expr> = values.into_iter().map(Expr::val).collect();
    if values.is_empty() {
        values.push(Keyword::Null.into());
    }
    column.into().is_in(values)
}

/// Whether what has this id counts: the id of a repository, or a resource or event of one, that is no branch scanned beside the
/// main one. Said so, SQLite looks up no range of an index for what is true of nearly all rows; PostgreSQL turns it around.
pub(crate) fn is_counted(id: impl ColumnTrait) -> Expr {
    id.into_expr().gte(FIRST_UNCOUNTED).not()
}

/// A column of what counts, of other rows nothing: what is counted by it counts each once.
pub(crate) fn if_counted(id: impl ColumnTrait) -> Expr {
    Expr::case(is_counted(id), id.into_expr()).into()
}

/// Rows that meet the conditions. Without any the statement would say `WHERE TRUE`, which SQLite counts row by row.
pub(crate) fn matching<E: EntityTrait>(conditions: Condition) -> Select<E> {
    if conditions.is_empty() { E::find() } else { E::find().filter(conditions) }
}

/// How many rows match.
pub(crate) async fn count<E: EntityTrait>(c: &impl ConnectionTrait, select: Select<E>) -> Result<u64> {
    number(c, select.select_only().column_as(count_all(), "count")).await
}

/// The only column of the only row as a number, 0 without one.
pub(crate) async fn number<E: EntityTrait>(c: &impl ConnectionTrait, select: Select<E>) -> Result<u64> {
    let number: Option<Option<i64>> = select.into_tuple().one(c).await?;
    Ok(number.flatten().and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
}

/// One page, bounded.
pub(crate) fn paged<S: QuerySelect>(select: S, page: PageQuery) -> S {
    select.limit(std::cmp::min(page.limit, MAX_PAGE)).offset(at_most(page.skip))
}

/// The same rows counted from the nearer end of the list, and whether that is its last row: what a page skips is read.
pub(crate) fn from_nearer_end(page: PageQuery, count: u64) -> (PageQuery, bool) {
    let end = Ord::min(page.skip.saturating_add(Ord::min(page.limit, MAX_PAGE)), count);
    let behind = count - end;
    if page.skip >= count || behind >= page.skip {
        return (page, false);
    }
    (PageQuery { skip: behind, limit: end - page.skip }, true)
}

/// The first rows of a question, with how many match: counted only where some may have been left out.
pub(crate) async fn listed<T, E: EntityTrait>(
    c: &impl ConnectionTrait,
    data: Vec<T>,
    most: u64,
    all: Select<E>,
) -> Result<Listing<T>> {
    let told = u64::try_from(data.len()).unwrap_or(u64::MAX);
    let count = if told < most { told } else { count(c, all).await? };
    Ok(Listing { data, count })
}

/// A number of rows as the engines count them.
pub(crate) fn at_most(rows: u64) -> u64 {
    std::cmp::min(rows, i64::MAX.unsigned_abs())
}

/// The rows of a question that begins with no table, but with another question.
pub(crate) async fn rows<T: FromQueryResult>(c: &impl ConnectionTrait, query: &SelectStatement) -> Result<Vec<T>> {
    let rows = c.query_all(query).await?;
    Ok(rows.iter().map(|row| T::from_query_result(row, "")).collect::<std::result::Result<_, _>>()?)
}

/// One page of a question that begins with no table, and how many rows match: told with the rows, so that what is put together
/// is put together once; asked by itself only beyond the last page.
pub(crate) async fn page_of<T: FromQueryResult>(
    c: &impl ConnectionTrait,
    query: &SelectStatement,
    page: PageQuery,
) -> Result<(Vec<T>, u64)> {
    let mut paged = query.clone();
    let count = Func::count(Expr::col(Asterisk));
    paged.expr_window_as(count, WindowStatement::new(), "matches");
    paged.limit(std::cmp::min(page.limit, MAX_PAGE)).offset(at_most(page.skip));
    let found = c.query_all(&paged).await?;
    let data = found.iter().map(|row| T::from_query_result(row, "")).collect::<std::result::Result<_, _>>()?;
    let matches: i64 = match found.first() {
        Some(row) => row.try_get("", "matches")?,
        None if page.skip == 0 && page.limit > 0 => 0,
        None => {
            let mut all = Query::select();
            all.from_subquery(query.clone().clear_order_by().take(), "all").expr_as(count_all(), "matches");
            c.query_one(&all).await?.map_or(Ok(0), |row| row.try_get("", "matches"))?
        }
    };
    Ok((data, u64::try_from(matches).unwrap_or(0)))
}

/// Inserts what a question gives, in the order of these columns; how many rows.
pub(crate) async fn insert_from<E: EntityTrait>(
    c: &impl ConnectionTrait,
    columns: impl IntoIterator<Item = E::Column>,
    select: SelectStatement,
) -> Result<u64> {
    let mut insert = Query::insert();
    insert.into_table(E::default().table_ref()).columns(columns);
    let insert = insert.select_from(select).map_err(|error| DbErr::Custom(error.to_string()))?;
    Ok(c.execute(insert).await?.rows_affected())
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
