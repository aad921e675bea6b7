//! Many rows in few statements, whose texts repeat so that they are prepared once.

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use crate::db::Result;

/// Rows per statement; what is left over at the end goes out in the smaller sizes, each at most once.
const SIZES: [usize; 8] = [128, 64, 32, 16, 8, 4, 2, 1];

/// An insert that collects rows.
pub(crate) struct Bulk<'a, C> {
    c: &'a C,
    head: &'a str,
    tail: &'a str,
    columns: usize,
    values: Vec<Value>,
    rows: usize,
    touched: u64,
}

impl<'a, C: ConnectionTrait> Bulk<'a, C> {
    /// `head` ends before `VALUES`, `tail` begins after the rows.
    pub(crate) fn new(c: &'a C, head: &'a str, tail: &'a str, columns: usize) -> Self {
        Self { c, head, tail, columns, values: Vec::with_capacity(columns * SIZES[0]), rows: 0, touched: 0 }
    }

    pub(crate) async fn push<const N: usize>(&mut self, row: [Value; N]) -> Result<()> {
        debug_assert_eq!(N, self.columns, "{}", self.head);
        self.values.extend(row);
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

    async fn send(&mut self, rows: usize) -> Result<()> {
        let rest = self.values.split_off(rows * self.columns);
        let values = std::mem::replace(&mut self.values, rest);
        self.rows -= rows;
        let backend = self.c.get_database_backend();
        let text = text(backend, self.head, self.tail, self.columns, rows);
        let statement = Statement::from_sql_and_values(backend, text, values);
        self.touched += self.c.execute_raw(statement).await?.rows_affected();
        self.values.reserve(self.columns * SIZES[0]);
        Ok(())
    }
}

/// SQLite looks numbered places up one by one, in time that grows with their square: there they have no number.
fn text(backend: DbBackend, head: &str, tail: &str, columns: usize, rows: usize) -> String {
    let mut text = String::with_capacity(head.len() + tail.len() + rows * (columns * 7 + 3) + 8);
    text.push_str(head);
    text.push_str(" VALUES ");
    let mut number = 0;
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..columns {
            if column > 0 {
                text.push(',');
            }
            if backend == DbBackend::Postgres {
                number += 1;
                text.push('$');
                text.push_str(&number.to_string());
            } else {
                text.push('?');
            }
        }
        text.push(')');
    }
    text.push_str(tail);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_for_postgres_alone() {
        assert_eq!(text(DbBackend::Postgres, "I", " T", 2, 2), "I VALUES ($1,$2),($3,$4) T");
        assert_eq!(text(DbBackend::Sqlite, "I", "", 1, 3), "I VALUES (?),(?),(?)");
    }
}
