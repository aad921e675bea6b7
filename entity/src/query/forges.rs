//! What outlives a request to a forge: answers with their tags, and limits, which all processes share.

use chrono::TimeDelta;
use sea_orm::FromQueryResult;

use super::{ConnectionTrait, DataError, Result};
use crate::db::sql::{Sql, stored_time};
use crate::view::{ForgeBudget, Timestamp};

/// An answer that a forge knows again by its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    pub etag: String,
    pub body: String,
    pub next: Option<String>,
}

/// What a forge said of a limit last.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Budget {
    pub quota: Option<i64>,
    pub remaining: Option<i64>,
    pub resets_at: Option<Timestamp>,
    pub blocked_until: Option<Timestamp>,
    pub seen_at: Timestamp,
}

/// Bytes of one answer, unpacked; forges' answers are bounded well below.
const MAX_BODY: usize = 64 << 20;
/// What nobody asked for again in so many days is forgotten.
const ANSWER_DAYS: i64 = 30;
/// What was spent is told for a day; a little more is kept.
const SPENDING_HOURS: i64 = 72;

#[derive(FromQueryResult)]
struct AnswerRow {
    etag: String,
    body: Vec<u8>,
    next: Option<String>,
}

/// The answer to a question asked before.
pub async fn find_answer(c: &impl ConnectionTrait, key: &str) -> Result<Option<KeptAnswer>> {
    let mut sql = Sql::new("SELECT etag, body, next FROM forge_answer WHERE key = ");
    sql.bind(key);
    let Some(row) = sql.one::<AnswerRow>(c).await? else { return Ok(None) };
    let damaged = |reason: String| DataError::Damaged { what: "forge_answer.body", reason };
    let body = zstd::bulk::decompress(&row.body, MAX_BODY).map_err(|error| damaged(error.to_string()))?;
    let body = String::from_utf8(body).map_err(|error| damaged(error.to_string()))?;
    Ok(Some(KeptAnswer { etag: row.etag, body, next: row.next }))
}

/// Keeps an answer in place of the one before.
pub async fn keep_answer(
    w: &impl ConnectionTrait,
    key: &str,
    host: &str,
    answer: &KeptAnswer,
    now: Timestamp,
) -> Result<()> {
    let body = zstd::bulk::compress(answer.body.as_bytes(), 3)
        .map_err(|error| DataError::Damaged { what: "forge_answer.body", reason: error.to_string() })?;
    let mut sql = Sql::new("INSERT INTO forge_answer (key, host, etag, body, next, used_at) VALUES (");
    sql.bind(key).push(", ").bind(host).push(", ").bind(answer.etag.as_str()).push(", ").bind(body).push(", ");
    sql.bind(answer.next.clone()).push(", ").bind(stored_time(now)).push(
        ") ON CONFLICT (key) DO UPDATE SET etag = excluded.etag, body = excluded.body, next = excluded.next, \
         used_at = excluded.used_at",
    );
    sql.run(w).await?;
    Ok(())
}

/// Notes that an answer served again, and forgets those that served nobody for long.
pub async fn touch_answer(w: &impl ConnectionTrait, key: &str, now: Timestamp) -> Result<()> {
    // A day's precision is enough, and spares a write per answer.
    let mut sql = Sql::new("UPDATE forge_answer SET used_at = ");
    sql.bind(stored_time(now)).push(" WHERE key = ").bind(key);
    sql.push(" AND used_at < ").bind(stored_time(now - TimeDelta::days(1)));
    sql.run(w).await?;
    Ok(())
}

/// Forgets answers and spending that nobody will ask for; gives back how many rows.
pub async fn prune(w: &impl ConnectionTrait, now: Timestamp) -> Result<u64> {
    let mut answers = Sql::new("DELETE FROM forge_answer WHERE used_at < ");
    answers.bind(stored_time(now - TimeDelta::days(ANSWER_DAYS)));
    let mut spending = Sql::new("DELETE FROM forge_spending WHERE hour < ");
    spending.bind(stored_time(now - TimeDelta::hours(SPENDING_HOURS)));
    let mut budgets = Sql::new("DELETE FROM forge_budget WHERE seen_at < ");
    budgets.bind(stored_time(now - TimeDelta::days(ANSWER_DAYS)));
    Ok(answers.run(w).await?.rows_affected()
        + spending.run(w).await?.rows_affected()
        + budgets.run(w).await?.rows_affected())
}

/// What the forge last said of a limit.
pub async fn find_budget(c: &impl ConnectionTrait, host: &str, token: &str, resource: &str) -> Result<Option<Budget>> {
    let mut sql =
        Sql::new("SELECT quota, remaining, resets_at, blocked_until, seen_at FROM forge_budget WHERE host = ");
    sql.bind(host).push(" AND token = ").bind(token).push(" AND resource = ").bind(resource);
    sql.one(c).await
}

/// Keeps what the forge says now, and adds to what was spent in this hour. A forge that says nothing leaves what it said.
pub async fn record_budget(
    w: &impl ConnectionTrait,
    (host, token, resource): (&str, &str, &str),
    budget: &Budget,
    spent: i64,
) -> Result<()> {
    let mut sql = Sql::new(
        "INSERT INTO forge_budget (host, token, resource, quota, remaining, resets_at, blocked_until, seen_at) VALUES (",
    );
    sql.bind(host).push(", ").bind(token).push(", ").bind(resource).push(", ");
    sql.bind(budget.quota).push(", ").bind(budget.remaining).push(", ");
    sql.bind(budget.resets_at.map(stored_time)).push(", ").bind(budget.blocked_until.map(stored_time)).push(", ");
    sql.bind(stored_time(budget.seen_at)).push(
        ") ON CONFLICT (host, token, resource) DO UPDATE SET \
         quota = COALESCE(excluded.quota, forge_budget.quota), \
         remaining = CASE WHEN excluded.quota IS NULL THEN forge_budget.remaining ELSE excluded.remaining END, \
         resets_at = CASE WHEN excluded.quota IS NULL THEN forge_budget.resets_at ELSE excluded.resets_at END, \
         blocked_until = COALESCE(excluded.blocked_until, forge_budget.blocked_until), seen_at = excluded.seen_at",
    );
    sql.run(w).await?;
    if spent == 0 {
        return Ok(());
    }
    let hour = budget.seen_at.timestamp().div_euclid(3_600) * 3_600;
    let hour = Timestamp::from_timestamp(hour, 0).unwrap_or(budget.seen_at);
    let mut sql = Sql::new("INSERT INTO forge_spending (host, token, resource, hour, spent) VALUES (");
    sql.bind(host).push(", ").bind(token).push(", ").bind(resource).push(", ").bind(stored_time(hour));
    sql.push(", ").bind(spent).push(
        ") ON CONFLICT (host, token, resource, hour) DO UPDATE SET spent = forge_spending.spent + excluded.spent",
    );
    sql.run(w).await?;
    Ok(())
}

/// Every limit that is known, by host and resource. Times that are over are not told.
pub async fn budgets(c: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<ForgeBudget>> {
    let now = stored_time(now);
    let mut sql = Sql::new("SELECT b.host, b.resource, b.quota, CASE WHEN b.resets_at <= ");
    sql.bind(now).push(" THEN b.quota ELSE b.remaining END AS remaining, CASE WHEN b.resets_at <= ").bind(now);
    sql.push(" THEN NULL ELSE b.resets_at END AS resets_at, CASE WHEN b.blocked_until <= ").bind(now);
    sql.push(
        " THEN NULL ELSE b.blocked_until END AS blocked_until, b.seen_at, \
         CAST(COALESCE((SELECT SUM(s.spent) FROM forge_spending s WHERE s.host = b.host AND s.token = b.token \
         AND s.resource = b.resource AND s.hour > ",
    );
    sql.bind(stored_time(now - TimeDelta::hours(24)));
    sql.push("), 0) AS BIGINT) AS spent_last_24_h FROM forge_budget b ORDER BY b.host, b.resource, b.token");
    sql.all(c).await
}
