//! Runs: how far each search is, what came, what was left out and why.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::db::sql::{Sql, Where, contains, stored_time};
use crate::db::{ConnectionTrait, Result, new_id};
use crate::row::{json, to_json};
use entity::found::{RejectedRepository, SearchState};
use entity::kind::RejectReason;
use entity::view::{
    Discovery, DiscoveryRun, DiscoverySearch, DiscoverySettings, Listing, RejectCount, RejectFilter, Rejected,
    Timestamp,
};

/// Runs that are kept to be looked at.
const KEPT_RUNS: i64 = 50;
/// Of these so many are shown.
const SHOWN_RUNS: i64 = 10;

/// A run that goes on, or could.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    pub id: Uuid,
    pub started_at: Timestamp,
    pub searches: Vec<SearchState>,
}

/// What one page of a search adds to its run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageCounts {
    pub requests: i64,
    pub unchanged: i64,
    pub known: i64,
    pub accepted: i64,
    pub set_aside: i64,
    pub rejected: i64,
}

#[derive(FromQueryResult)]
struct RunRow {
    id: Uuid,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    searches: String,
    requests: i64,
    unchanged: i64,
    found: i64,
    known: i64,
    accepted: i64,
    set_aside: i64,
    rejected: i64,
}

const RUN: &str = "SELECT id, started_at, finished_at, searches, requests, unchanged, found, known, accepted, set_aside, \
    rejected FROM discovery_run";

impl RunRow {
    fn into_view(self) -> Result<DiscoveryRun> {
        let searches: Vec<SearchState> = json("discovery_run.searches", &self.searches)?;
        Ok(DiscoveryRun {
            id: self.id,
            started_at: self.started_at,
            finished_at: self.finished_at,
            searches: searches.into_iter().map(|search| search.shown).collect::<Vec<DiscoverySearch>>(),
            requests: self.requests,
            unchanged: self.unchanged,
            found: self.found,
            known: self.known,
            accepted: self.accepted,
            set_aside: self.set_aside,
            rejected: self.rejected,
        })
    }
}

/// One run.
pub async fn find_run(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<DiscoveryRun>> {
    let mut sql = Sql::new(RUN);
    sql.push(" WHERE id = ").bind(id);
    sql.one::<RunRow>(c).await?.map(RunRow::into_view).transpose()
}

/// The newest runs that ended, the last one first.
pub async fn list_runs(c: &impl ConnectionTrait, limit: i64) -> Result<Vec<DiscoveryRun>> {
    let mut sql = Sql::new(RUN);
    sql.push(" WHERE finished_at IS NOT NULL ORDER BY started_at DESC, id DESC LIMIT ").bind(limit);
    sql.all::<RunRow>(c).await?.into_iter().map(RunRow::into_view).collect()
}

/// The run that was begun and not finished.
pub async fn find_current_run(c: &impl ConnectionTrait) -> Result<Option<StoredRun>> {
    let sql = Sql::new(&format!("{RUN} WHERE finished_at IS NULL ORDER BY started_at DESC, id DESC LIMIT 1"));
    let Some(row) = sql.one::<RunRow>(c).await? else { return Ok(None) };
    let searches = json("discovery_run.searches", &row.searches)?;
    Ok(Some(StoredRun { id: row.id, started_at: row.started_at, searches }))
}

/// A run begins; others that were not finished are given up, old ones forgotten.
pub async fn begin_run(w: &impl ConnectionTrait, searches: &[SearchState], now: Timestamp) -> Result<StoredRun> {
    let now = stored_time(now);
    let mut old = Sql::new("UPDATE discovery_run SET finished_at = ");
    old.bind(now).push(" WHERE finished_at IS NULL");
    old.run(w).await?;
    let mut forget = Sql::new(
        "DELETE FROM discovery_run WHERE id NOT IN (SELECT id FROM discovery_run ORDER BY started_at DESC, id DESC LIMIT ",
    );
    forget.bind(KEPT_RUNS).push(")");
    forget.run(w).await?;
    let id = new_id(now);
    let mut sql = Sql::new("INSERT INTO discovery_run (id, started_at, searches) VALUES (");
    sql.bind(id).push(", ").bind(now).push(", ").bind(to_json("searches", searches)?).push(")");
    sql.run(w).await?;
    Ok(StoredRun { id, started_at: now, searches: searches.to_vec() })
}

/// How far the searches are now, and what a page brought.
pub async fn record_run(w: &impl ConnectionTrait, run: &StoredRun, page: PageCounts) -> Result<()> {
    let mut sql = Sql::new("UPDATE discovery_run SET searches = ");
    sql.bind(to_json("searches", &run.searches)?);
    for (column, more) in [
        ("requests", page.requests),
        ("unchanged", page.unchanged),
        ("known", page.known),
        ("accepted", page.accepted),
        ("set_aside", page.set_aside),
        ("rejected", page.rejected),
    ] {
        sql.push(&format!(", {column} = {column} + ")).bind(more);
    }
    sql.push(", found = (SELECT COUNT(*) FROM discovery_seen s WHERE s.run_id = discovery_run.id) WHERE id = ");
    sql.bind(run.id);
    sql.run(w).await?;
    Ok(())
}

/// Which repositories the run saw; gives back those that it had not seen before.
pub async fn record_seen(w: &impl ConnectionTrait, run: Uuid, host: &str, ids: &[i64]) -> Result<Vec<i64>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new("INSERT INTO discovery_seen (run_id, host, forge_id) VALUES ");
    for (index, id) in ids.iter().enumerate() {
        sql.push(if index == 0 { "(" } else { ", (" }).bind(run).push(", ").bind(host).push(", ").bind(*id).push(")");
    }
    sql.push(" ON CONFLICT DO NOTHING RETURNING forge_id");
    let rows = sql.rows(w).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<_, _>>()?)
}

/// How many different repositories the run saw.
pub async fn count_seen(c: &impl ConnectionTrait, run: Uuid) -> Result<u64> {
    let mut sql = Sql::new("SELECT COUNT(*) FROM discovery_seen WHERE run_id = ");
    sql.bind(run);
    sql.count(c).await
}

/// A run ended. Where it saw everything, what is no longer found is no longer "left out" either.
pub async fn finish_run(w: &impl ConnectionTrait, run: &StoredRun, now: Timestamp) -> Result<()> {
    let mut sql = Sql::new("UPDATE discovery_run SET finished_at = ");
    sql.bind(stored_time(now)).push(", searches = ").bind(to_json("searches", &run.searches)?);
    sql.push(" WHERE id = ").bind(run.id);
    sql.run(w).await?;
    let whole = |search: &SearchState| search.shown.done && !search.shown.incomplete && search.shown.error.is_none();
    let mut hosts: Vec<&str> = run.searches.iter().map(|search| search.shown.host.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    for host in hosts {
        if run.searches.iter().filter(|search| search.shown.host == host).all(whole) {
            let mut sql = Sql::new("DELETE FROM discovery_reject WHERE host = ");
            sql.bind(host).push(" AND seen_at < ").bind(stored_time(run.started_at));
            sql.run(w).await?;
        }
    }
    let mut seen = Sql::new("DELETE FROM discovery_seen WHERE run_id = ");
    seen.bind(run.id);
    seen.run(w).await?;
    Ok(())
}

/// A repository is left out; the newest reason counts.
pub async fn record_rejected(w: &impl ConnectionTrait, rejected: &[RejectedRepository], now: Timestamp) -> Result<()> {
    for found in rejected {
        let mut sql = Sql::new(
            "INSERT INTO discovery_reject (host, forge_id, full_name, web_url, reason, detail, stars, pushed_at, search, \
             seen_at) VALUES (",
        );
        sql.bind(found.host.as_str()).push(", ").bind(found.forge_id).push(", ").bind(found.full_name.as_str());
        sql.push(", ").bind(found.web_url.clone()).push(", ").bind(found.reason.as_str()).push(", ");
        sql.bind(found.detail.as_str()).push(", ").bind(found.stars).push(", ");
        sql.bind(found.pushed_at.map(stored_time)).push(", ").bind(found.search.as_str()).push(", ");
        sql.bind(stored_time(now)).push(
            ") ON CONFLICT (host, forge_id) DO UPDATE SET full_name = excluded.full_name, web_url = excluded.web_url, \
             reason = excluded.reason, detail = excluded.detail, stars = excluded.stars, \
             pushed_at = excluded.pushed_at, search = excluded.search, seen_at = excluded.seen_at",
        );
        sql.run(w).await?;
    }
    Ok(())
}

/// These are here now.
pub async fn forget_rejected(w: &impl ConnectionTrait, host: &str, ids: &[i64]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new("DELETE FROM discovery_reject WHERE host = ");
    sql.bind(host).push(" AND forge_id IN ").bind_list(ids.iter().copied());
    sql.run(w).await?;
    Ok(())
}

/// What searches cover, and what they left out and why: the most stars first.
pub async fn discovery(
    c: &impl ConnectionTrait,
    settings: &DiscoverySettings,
    filter: &RejectFilter,
) -> Result<Discovery> {
    let current = Sql::new(&format!("{RUN} WHERE finished_at IS NULL ORDER BY started_at DESC, id DESC LIMIT 1"));
    let current = current.one::<RunRow>(c).await?.map(RunRow::into_view).transpose()?;
    let runs = list_runs(c, SHOWN_RUNS).await?;
    let by_reason =
        Sql::new("SELECT reason, COUNT(*) AS count FROM discovery_reject GROUP BY reason ORDER BY count DESC, reason");
    let mut conditions = Where::default();
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        conditions.and().push("lower(full_name) LIKE ").bind(contains(text)).push(" ESCAPE '\\'");
    }
    conditions.equals("reason", filter.reason.map(RejectReason::as_str));
    let mut count = Sql::new("SELECT COUNT(*) FROM discovery_reject");
    count.append(conditions.sql());
    let mut rows = Sql::new(
        "SELECT host, full_name, web_url, reason, detail, stars, pushed_at, search, seen_at FROM discovery_reject",
    );
    rows.append(conditions.sql()).push(" ORDER BY stars DESC, full_name, host, forge_id").page(filter.page);
    let count_of =
        async |sql: &str| -> Result<i64> { Ok(i64::try_from(Sql::new(sql).count(c).await?).unwrap_or(i64::MAX)) };
    Ok(Discovery {
        settings: settings.clone(),
        current,
        last: runs.first().cloned(),
        runs,
        by_reason: by_reason.all::<RejectCount>(c).await?,
        rejected: Listing { count: count.count(c).await?, data: rows.all::<Rejected>(c).await? },
        deleted: count_of("SELECT COUNT(*) FROM tombstone").await?,
        pending_approval: count_of("SELECT COUNT(*) FROM repository WHERE sync_status = 'pending_approval'").await?,
    })
}
