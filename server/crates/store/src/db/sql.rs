//! SQL text and its values, written together: one text serves both engines.

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DbBackend, ExecResult, FromQueryResult, QueryResult, Statement, Value};

use super::Result;
use entity::value::StoredTimestamp;
use entity::view::{PageQuery, Timestamp};

/// The most rows that a page may have.
pub(crate) const MAX_PAGE: u64 = 1000;

/// A statement being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Adds text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value and its placeholder. Both engines read `$1`.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Adds `($1, $2, ...)`; for an empty list a list that nothing is in.
    pub(crate) fn bind_list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        self.push("(");
        let mut first = true;
        for value in values {
            if !std::mem::take(&mut first) {
                self.push(", ");
            }
            self.bind(value);
        }
        self.push(if first { "NULL)" } else { ")" })
    }

    /// Adds another statement's text and values; its placeholders are counted on.
    pub(crate) fn append(&mut self, other: &Sql) -> &mut Self {
        let shift = self.values.len();
        let mut rest = other.text.as_str();
        while let Some(at) = rest.find('$') {
            self.text.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            match rest[..digits].parse::<usize>() {
                Ok(number) => self.text.push_str(&(number + shift).to_string()),
                Err(_) => self.text.push_str(&rest[..digits]),
            }
            rest = &rest[digits..];
        }
        self.text.push_str(rest);
        self.values.extend(other.values.iter().cloned());
        self
    }

    /// The text as a part of a question that is built.
    pub(crate) fn into_expr(self, backend: DbBackend) -> Expr {
        let mut text = self.text;
        if backend == DbBackend::Sqlite {
            // Built ones have no numbers there.
            for number in (1..=self.values.len()).rev() {
                text = text.replace(&format!("${number}"), "?");
            }
        }
        Expr::cust_with_values(text, self.values)
    }

    /// Adds ` LIMIT n OFFSET n`, bounded.
    pub(crate) fn page(&mut self, page: PageQuery) -> &mut Self {
        let skip = i64::try_from(page.skip).unwrap_or(i64::MAX);
        let limit = i64::try_from(page.limit.min(MAX_PAGE)).unwrap_or(0);
        self.push(" LIMIT ").bind(limit).push(" OFFSET ").bind(skip)
    }

    pub(crate) fn statement(self, backend: DbBackend) -> Statement {
        Statement::from_sql_and_values(backend, self.text, self.values)
    }

    pub(crate) async fn run(self, c: &impl ConnectionTrait) -> Result<ExecResult> {
        Ok(c.execute_raw(self.statement(c.get_database_backend())).await?)
    }

    pub(crate) async fn rows(self, c: &impl ConnectionTrait) -> Result<Vec<QueryResult>> {
        Ok(c.query_all_raw(self.statement(c.get_database_backend())).await?)
    }

    pub(crate) async fn row(self, c: &impl ConnectionTrait) -> Result<Option<QueryResult>> {
        Ok(c.query_one_raw(self.statement(c.get_database_backend())).await?)
    }

    pub(crate) async fn all<T: FromQueryResult>(self, c: &impl ConnectionTrait) -> Result<Vec<T>> {
        let rows = self.rows(c).await?;
        Ok(rows.iter().map(|row| T::from_query_result(row, "")).collect::<std::result::Result<_, _>>()?)
    }

    pub(crate) async fn one<T: FromQueryResult>(self, c: &impl ConnectionTrait) -> Result<Option<T>> {
        Ok(self.row(c).await?.map(|row| T::from_query_result(&row, "")).transpose()?)
    }

    /// The first column of the first row as a number, 0 without one.
    pub(crate) async fn count(self, c: &impl ConnectionTrait) -> Result<u64> {
        let number: Option<i64> = match self.row(c).await? {
            Some(row) => row.try_get_by_index(0)?,
            None => None,
        };
        Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
    }
}

/// Conditions joined by `AND`; the first writes `WHERE`.
#[derive(Debug, Default)]
pub(crate) struct Where {
    sql: Sql,
}

impl Where {
    /// Where the next condition is to be written.
    pub(crate) fn and(&mut self) -> &mut Sql {
        let word = if self.sql.text.is_empty() { " WHERE " } else { " AND " };
        self.sql.push(word)
    }

    /// `column = value`, where there is a value.
    pub(crate) fn equals(&mut self, column: &str, value: Option<impl Into<Value>>) -> &mut Self {
        if let Some(value) = value {
            self.and().push(column).push(" = ").bind(value);
        }
        self
    }

    pub(crate) fn sql(&self) -> &Sql {
        &self.sql
    }
}

/// `%text%` in lower case with LIKE's own signs escaped by `\`; for columns that are stored in lower case.
pub(crate) fn contains(text: &str) -> String {
    holds(&text.to_lowercase())
}

/// The same for text as it is.
pub(crate) fn holds(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// A time as both engines keep it, for statements that are written as text.
pub(crate) fn stored_time(time: Timestamp) -> Timestamp {
    StoredTimestamp::from(time).into()
}
