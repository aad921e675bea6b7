//! What stays text.

use sea_orm::DbBackend;

use super::filter::{after_prefix, search_words, searched, spellings};
use crate::db::ConnectionTrait;
use crate::db::sql::{Sql, contains};

/// [`super::text_condition`] for statements that are text themselves: the list of events, whose plan depends on its shape,
/// takes the condition as a part.
pub(crate) fn push_text(sql: &mut Sql, c: &impl ConnectionTrait, alias: &str, text: &str, wide: bool) {
    let lower = searched(text);
    if wide && !lower.is_empty() && lower.len() < 3 {
        sql.push("(");
        for (n, begin) in spellings(&lower).into_iter().enumerate() {
            sql.push(if n == 0 { "(" } else { " OR (" }).push(alias).push(".name >= ").bind(begin.as_str());
            if let Some(end) = after_prefix(&begin) {
                sql.push(" AND ").push(alias).push(".name < ").bind(end);
            }
            sql.push(")");
        }
        sql.push(")");
        return;
    }
    if c.get_database_backend() == DbBackend::Sqlite && lower.len() >= 3 {
        sql.push(alias).push(".number IN (SELECT rowid FROM resource_search WHERE resource_search MATCH ");
        sql.bind(search_words(&lower)).push(") AND ");
    }
    sql.push(alias).push(".search LIKE ").bind(contains(text)).push(" ESCAPE '\\'");
}
