//! What outlives a request to a forge: answers with their tags, and limits, which all processes share.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, OnConflict};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};

use super::{ConnectionTrait, DataError, Result};
use crate::db::select::is_counted;
use crate::db::upsert::{excluded, replace};
use entity::kind::Provider;
use entity::table::{forge_answer, forge_budget, forge_spending, repository};
use entity::value::StoredTimestamp;
use entity::view::{ForgeBudget, Timestamp};

/// An answer that a forge knows again by its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    pub etag: String,
    pub body: String,
    pub next: Option<String>,
}

/// What a forge said of a limit last.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "forge_budget::Entity")]
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

/// The answer to a question asked before.
pub async fn find_answer(c: &impl ConnectionTrait, key: &str) -> Result<Option<KeptAnswer>> {
    let Some(row) = forge_answer::Entity::find_by_id(key).one(c).await? else { return Ok(None) };
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
    let row = forge_answer::ActiveModel {
        key: Set(key.to_owned()),
        host: Set(host.to_owned()),
        etag: Set(answer.etag.clone()),
        body: Set(body),
        next: Set(answer.next.clone()),
        used_at: Set(now.into()),
    };
    let insert = forge_answer::Entity::insert(row).on_conflict(replace::<forge_answer::Entity>());
    insert.exec_without_returning(w).await?;
    Ok(())
}

/// Notes that an answer served again, and forgets those that served nobody for long.
pub async fn touch_answer(w: &impl ConnectionTrait, key: &str, now: Timestamp) -> Result<()> {
    // A day's precision is enough, and spares a write per answer.
    let a_day_old = forge_answer::COLUMN.used_at.lt(StoredTimestamp::from(now - TimeDelta::days(1)));
    let used = forge_answer::ActiveModel { used_at: Set(now.into()), ..Default::default() };
    let this = forge_answer::COLUMN.key.eq(key);
    forge_answer::Entity::update_many().set(used).filter(this).filter(a_day_old).exec(w).await?;
    Ok(())
}

/// Forgets answers and spending that nobody will ask for; gives back how many rows.
pub async fn prune(w: &impl ConnectionTrait, now: Timestamp) -> Result<u64> {
    let answers_until = StoredTimestamp::from(now - TimeDelta::days(ANSWER_DAYS));
    let spending_until = StoredTimestamp::from(now - TimeDelta::hours(SPENDING_HOURS));
    let answers = forge_answer::Entity::delete_many().filter(forge_answer::COLUMN.used_at.lt(answers_until));
    let spending = forge_spending::Entity::delete_many().filter(forge_spending::COLUMN.hour.lt(spending_until));
    let budgets = forge_budget::Entity::delete_many().filter(forge_budget::COLUMN.seen_at.lt(answers_until));
    Ok(answers.exec(w).await?.rows_affected
        + spending.exec(w).await?.rows_affected
        + budgets.exec(w).await?.rows_affected)
}

/// What the forge last said of a limit.
pub async fn find_budget(c: &impl ConnectionTrait, host: &str, token: &str, resource: &str) -> Result<Option<Budget>> {
    let this = forge_budget::Entity::find_by_id((host.to_owned(), token.to_owned(), resource.to_owned()));
    Ok(this.into_partial_model().one(c).await?)
}

/// Keeps what the forge says now, and adds to what was spent in this hour. A forge that says nothing leaves what it said.
pub async fn record_budget(
    w: &impl ConnectionTrait,
    (host, token, resource): (&str, &str, &str),
    budget: &Budget,
    spent: i64,
) -> Result<()> {
    let row = forge_budget::ActiveModel {
        host: Set(host.to_owned()),
        token: Set(token.to_owned()),
        resource: Set(resource.to_owned()),
        quota: Set(budget.quota),
        remaining: Set(budget.remaining),
        resets_at: Set(budget.resets_at.map(Into::into)),
        blocked_until: Set(budget.blocked_until.map(Into::into)),
        seen_at: Set(budget.seen_at.into()),
    };
    forge_budget::Entity::insert(row).on_conflict(what_it_says()).exec_without_returning(w).await?;
    if spent == 0 {
        return Ok(());
    }
    let hour = budget.seen_at.timestamp().div_euclid(3_600) * 3_600;
    let row = forge_spending::ActiveModel {
        host: Set(host.to_owned()),
        token: Set(token.to_owned()),
        resource: Set(resource.to_owned()),
        hour: Set(Timestamp::from_timestamp(hour, 0).unwrap_or(budget.seen_at).into()),
        spent: Set(spent),
    };
    use forge_spending::Column::{Host, Hour, Resource, Spent, Token};
    let more = forge_spending::COLUMN.spent.add(excluded(Spent));
    let add = OnConflict::columns([Host, Token, Resource, Hour]).value(Spent, more).to_owned();
    forge_spending::Entity::insert(row).on_conflict(add).exec_without_returning(w).await?;
    Ok(())
}

/// What becomes of a limit that is known already: what the forge does not say now stays as it said it.
fn what_it_says() -> OnConflict {
    use forge_budget::Column::{BlockedUntil, Host, Quota, Remaining, ResetsAt, Resource, SeenAt, Token};
    let stored = |column: forge_budget::Column| Expr::col((forge_budget::Entity, column));
    let with_quota = |column| Expr::case(excluded(Quota).is_null(), stored(column)).finally(excluded(column));
    let if_said = |column| Func::coalesce([excluded(column), stored(column)]);
    OnConflict::columns([Host, Token, Resource])
        .value(Quota, if_said(Quota))
        .value(Remaining, with_quota(Remaining))
        .value(ResetsAt, with_quota(ResetsAt))
        .value(BlockedUntil, if_said(BlockedUntil))
        .update_column(SeenAt)
        .to_owned()
}

/// Hosts that repositories come from and that have an API, with how many do.
pub async fn list_hosts(c: &impl ConnectionTrait) -> Result<Vec<(String, Provider, i64)>> {
    use repository::Column::{Host, Id, Provider as Kind};
    let hosts = repository::Entity::find()
        .filter(is_counted(Id))
        .filter(Host.ne(""))
        .filter(Kind.ne(Provider::Git))
        .select_only()
        .columns([Host, Kind])
        .column_as(Id.count(), "count")
        .group_by(Host)
        .group_by(Kind)
        .order_by_asc(Host)
        .order_by_asc(Kind);
    Ok(hosts.into_tuple().all(c).await?)
}

/// Every limit that is known, by host and resource. Times that are over are not told.
pub async fn budgets(c: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<ForgeBudget>> {
    use forge_budget::Column::{Host, Resource, Token};
    let rows =
        forge_budget::Entity::find().order_by_asc(Host).order_by_asc(Resource).order_by_asc(Token).all(c).await?;
    let lately = forge_spending::COLUMN.hour.gt(StoredTimestamp::from(now - TimeDelta::hours(24)));
    let mut spent = BTreeMap::<(String, String, String), i64>::new();
    for hour in forge_spending::Entity::find().filter(lately).all(c).await? {
        *spent.entry((hour.host, hour.token, hour.resource)).or_default() += hour.spent;
    }
    let to_come = |time: Option<StoredTimestamp>| time.map(Timestamp::from).filter(|time| *time > now);
    let budget = |row: forge_budget::Model| {
        let resets_at = to_come(row.resets_at);
        let was_reset = row.resets_at.is_some() && resets_at.is_none();
        let key = (row.host, row.token, row.resource);
        let spent_last_24_h = spent.get(&key).copied().unwrap_or(0);
        let (host, _, resource) = key;
        ForgeBudget {
            host,
            resource,
            quota: row.quota,
            remaining: if was_reset { row.quota } else { row.remaining },
            resets_at,
            blocked_until: to_come(row.blocked_until),
            spent_last_24_h,
            seen_at: row.seen_at.into(),
        }
    };
    Ok(rows.into_iter().map(budget).collect())
}
