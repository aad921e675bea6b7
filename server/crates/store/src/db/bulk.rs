//! Many rows in few statements, whose texts repeat so that they are prepared once.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, OnConflict, Query, Values};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait as _, DbBackend, DbErr, EntityTrait, Iterable as _, Statement, Value,
};

use super::{ConnectionTrait, Result};

/// Rows per statement; what is left over at the end goes out in the smaller sizes, each at most once.
const SIZES: [usize; 8] = [128, 64, 32, 16, 8, 4, 2, 1];

/// An insert that collects rows. `insert_many` would give the same statements, but writes each anew: here a text is
/// written once for each size, and values are moved where it copies them.
pub(crate) struct Bulk<'a, C, E: EntityTrait> {
    c: &'a C,
    conflict: Option<OnConflict>,
    columns: Vec<E::Column>,
    texts: HashMap<usize, String>,
    values: Vec<Value>,
    rows: usize,
    touched: u64,
}

impl<'a, C: ConnectionTrait, E: EntityTrait> Bulk<'a, C, E> {
    pub(crate) fn new(c: &'a C) -> Self {
        let columns: Vec<_> = E::Column::iter().collect();
        let values = Vec::with_capacity(columns.len() * SIZES[0]);
        Self { c, conflict: None, columns, texts: HashMap::new(), values, rows: 0, touched: 0 }
    }

    /// What becomes of a row whose key is there already; it may not have values of its own.
    pub(crate) fn on_conflict(self, conflict: OnConflict) -> Self {
        Self { conflict: Some(conflict), ..self }
    }

    /// Takes a row, which must have a value for every column.
    pub(crate) async fn push(&mut self, mut row: impl ActiveModelTrait<Entity = E>) -> Result<()> {
        for column in &self.columns {
            match row.take(*column) {
                ActiveValue::Set(value) | ActiveValue::Unchanged(value) => self.values.push(value),
                ActiveValue::NotSet => return Err(DbErr::AttrNotSet(format!("{column:?}")).into()),
            }
        }
        self.rows += 1;
        if self.rows == SIZES[0] {
            self.send(SIZES[0]).await?;
        }
        Ok(())
    }

    /// Writes what is left; gives back the rows touched in all.
    pub(crate) async fn finish(mut self) -> Result<u64> {
        for size in SIZES {
            while self.rows >= size {
                self.send(size).await?;
            }
        }
        Ok(self.touched)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the builder wrote the text; it is kept, so that it is prepared once"
    )]
    async fn send(&mut self, rows: usize) -> Result<()> {
        let rest = self.values.split_off(rows * self.columns.len());
        let values = std::mem::replace(&mut self.values, rest);
        self.rows -= rows;
        let db_backend = self.c.get_database_backend();
        let text = || text::<E>(db_backend, &self.columns, self.conflict.as_ref(), rows);
        let sql = self.texts.entry(rows).or_insert_with(text).clone();
        let statement = Statement { sql, values: Some(Values(values)), db_backend };
        self.touched += self.c.execute_raw(statement).await?.rows_affected();
        self.values.reserve(self.columns.len() * SIZES[0]);
        Ok(())
    }
}

/// The statement for so many rows, with a place for each value. On SQLite places have no number, which it would look up one
/// by one, in time that grows with their square.
fn text<E: EntityTrait>(
    backend: DbBackend,
    columns: &[E::Column],
    conflict: Option<&OnConflict>,
    rows: usize,
) -> String {
    let mut insert = Query::insert();
    insert.into_table(E::default().table_ref()).columns(columns.iter().copied());
    for _ in 0..rows {
        insert.values_panic(columns.iter().map(|column| column.save_as(Expr::val(Value::Bool(None)))));
    }
    if let Some(conflict) = conflict {
        insert.on_conflict(conflict.clone());
    }
    let statement = backend.build(&insert);
    debug_assert_eq!(statement.values.map(|values| values.0.len()), Some(rows * columns.len()), "{}", statement.sql);
    statement.sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::upsert::replace;
    use entity::table::stale_day;

    #[test]
    fn places_are_numbered_for_postgres_alone() {
        let columns: Vec<_> = stale_day::Column::iter().collect();
        let replace = replace::<stale_day::Entity>();
        let text = |backend, conflict| text::<stale_day::Entity>(backend, &columns, conflict, 2);
        let insert = "INSERT INTO \"stale_day\" (\"id\", \"day\") VALUES ";
        let update = " ON CONFLICT (\"id\") DO UPDATE SET \"day\" = \"excluded\".\"day\"";
        assert_eq!(text(DbBackend::Postgres, Some(&replace)), format!("{insert}($1, $2), ($3, $4){update}"));
        assert_eq!(text(DbBackend::Sqlite, None), format!("{insert}(?, ?), (?, ?)"));
    }
}
