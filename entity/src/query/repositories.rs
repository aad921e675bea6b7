//! Repositories: lists, states, what jobs need to know.

use chrono::TimeDelta;
use uuid::Uuid;

use super::scans::totals::Totals;
use super::{ConnectionTrait, DataError, Result};
use crate::db::sql::{MAX_PAGE, Sql, Where, contains, stored_time};
use crate::db::{Db, Engine, new_id};
use crate::found::{FoundRepository, ObjectId, ScannedCommit, SyncedHead};
use crate::kind::{GitOpsTool, Origin, Provider, SyncStatus};
use crate::row::{RepositoryRow, SyncTargetRow, to_json};
use crate::view::{
    Listing, NamedCount, Repository, RepositoryFilter, RepositoryMetrics, RepositorySort, Sort, Timestamp,
};

/// What a sync or scan needs to know of a repository.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncTarget {
    pub id: Uuid,
    pub url: String,
    pub full_name: String,
    pub provider: Provider,
    pub origin: Origin,
    pub enabled: bool,
    /// The branch that was followed last; `None` before the first sync.
    pub branch: Option<String>,
    pub branch_regex: Option<String>,
    pub polling_interval_seconds: Option<i64>,
    /// The newest commit that is fetched.
    pub head: Option<ObjectId>,
    pub head_committed_at: Option<Timestamp>,
    /// How far the repository is scanned.
    pub scanned: Option<ScannedCommit>,
    pub sync_status: SyncStatus,
    pub scan_status: SyncStatus,
    /// Somebody let it in although it is larger than others may be.
    pub approved: bool,
    pub last_sync_at: Option<Timestamp>,
    /// Syncs that failed in a row.
    pub sync_failures: u32,
}

/// Which repositories, one page of them.
pub async fn list_repositories(c: &impl ConnectionTrait, filter: &RepositoryFilter) -> Result<Listing<Repository>> {
    let mut conditions = Where::default();
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        conditions.and().push("r.search LIKE ").bind(contains(text)).push(" ESCAPE '\\'");
    }
    conditions.equals("r.language", filter.language.clone());
    if let Some(status) = filter.status {
        let sql = conditions.and().push("(r.sync_status = ").bind(status.as_str());
        if matches!(status, SyncStatus::Error | SyncStatus::Syncing) {
            sql.push(" OR r.scan_status = ").bind(status.as_str());
        }
        sql.push(")");
    }
    conditions.equals("r.gitops_tool", filter.gitops_tool.map(GitOpsTool::as_str));
    conditions.equals("r.origin", filter.origin.map(Origin::as_str));

    let mut count = Sql::new("SELECT COUNT(*) FROM repository r");
    count.append(conditions.sql());
    let mut rows = Sql::new(RepositoryRow::SELECT);
    rows.append(conditions.sql());
    let direction = match filter.direction {
        Sort::Ascending => "ASC",
        Sort::Descending => "DESC",
    };
    let column = match filter.sort {
        RepositorySort::Name => "lower(r.full_name)",
        RepositorySort::Resources => "r.active_resources",
        RepositorySort::HelmReleases => "r.helm_releases",
        RepositorySort::Events => "r.events",
        RepositorySort::Problems => "r.problems",
        RepositorySort::LastSync => "r.last_sync_at",
        RepositorySort::LastCommit => "r.head_committed_at",
        RepositorySort::Discovered => "r.discovered_at",
    };
    // What is not known stands last, whatever the direction; engines would differ.
    rows.push(&format!(" ORDER BY ({column} IS NULL), {column} {direction}, r.full_name, r.id")).page(filter.page);
    let count = count.count(c).await?;
    let data = rows.all::<RepositoryRow>(c).await?;
    Ok(Listing { data: data.into_iter().map(RepositoryRow::into_view).collect::<Result<_>>()?, count })
}

/// One repository by id.
pub async fn find_repository(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Repository>> {
    let mut sql = Sql::new(RepositoryRow::SELECT);
    sql.push(" WHERE r.id = ").bind(id);
    sql.one::<RepositoryRow>(c).await?.map(RepositoryRow::into_view).transpose()
}

/// One repository by its full name, any case.
pub async fn find_repository_by_name(c: &impl ConnectionTrait, full_name: &str) -> Result<Option<Repository>> {
    let mut sql = Sql::new(RepositoryRow::SELECT);
    sql.push(" WHERE lower(r.full_name) = ").bind(full_name.to_lowercase());
    sql.push(" OR r.full_name = ").bind(full_name);
    sql.push(" ORDER BY r.enabled DESC, r.id LIMIT 1");
    sql.one::<RepositoryRow>(c).await?.map(RepositoryRow::into_view).transpose()
}

/// Languages with the number of repositories, most frequent first.
pub async fn list_languages(c: &impl ConnectionTrait) -> Result<Vec<NamedCount>> {
    let sql = Sql::new(
        "SELECT language AS name, COUNT(*) AS count FROM repository WHERE language IS NOT NULL \
         GROUP BY language ORDER BY count DESC, name",
    );
    sql.all(c).await
}

/// A forge's figures over time, newest first; `count` is how many are stored.
pub async fn list_metrics(
    c: &impl ConnectionTrait,
    repository: Uuid,
    limit: u64,
) -> Result<Listing<RepositoryMetrics>> {
    let mut count = Sql::new("SELECT COUNT(*) FROM repositorymetrics WHERE repository_id = ");
    count.bind(repository);
    let mut rows = Sql::new(
        "SELECT id, stars_count, forks_count, forks_known, watchers_count, watchers_known, open_issues_count, \
         open_issues_known, size, size_known, kubernetes_resources_count, updated_at, pushed_at, recorded_at FROM repositorymetrics WHERE repository_id = ",
    );
    rows.bind(repository).push(" ORDER BY recorded_at DESC, id DESC LIMIT ");
    rows.bind(i64::try_from(limit.min(MAX_PAGE)).unwrap_or(0));
    Ok(Listing { count: count.count(c).await?, data: rows.all(c).await? })
}

/// Every enabled repository, as start-up and schedules need them.
pub async fn list_sync_targets(c: &impl ConnectionTrait) -> Result<Vec<SyncTarget>> {
    let sql = Sql::new(&format!("SELECT {} FROM repository WHERE enabled ORDER BY id", SyncTargetRow::COLUMNS));
    sql.all::<SyncTargetRow>(c).await?.into_iter().map(SyncTargetRow::into_target).collect()
}

/// What jobs need to know of one repository.
pub async fn sync_target(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<SyncTarget>> {
    let mut sql = Sql::new(&format!("SELECT {} FROM repository WHERE id = ", SyncTargetRow::COLUMNS));
    sql.bind(id);
    sql.one::<SyncTargetRow>(c).await?.map(SyncTargetRow::into_target).transpose()
}

/// Brings in repositories, matched by URL. Gives each one's id and whether it is new, in the order given.
pub async fn upsert_repositories(
    w: &impl ConnectionTrait,
    found: &[FoundRepository],
    now: Timestamp,
) -> Result<Vec<(Uuid, bool)>> {
    let now = stored_time(now);
    let mut result = Vec::with_capacity(found.len());
    for repository in found {
        let mut known = Sql::new("SELECT id FROM repository WHERE url = ");
        known.bind(repository.url.as_str());
        let known: Option<Uuid> = known.row(w).await?.map(|row| row.try_get_by_index(0)).transpose()?;
        let id = known.unwrap_or_else(|| new_id(now));
        let search = format!("{}\n{}", repository.full_name, repository.description.as_deref().unwrap_or_default());
        let mut sql = Sql::new(
            "INSERT INTO repository (id, url, owner, name, full_name, description, search, topics, created_at, \
             discovery_tags, discovered_at, sync_status, scan_status, web_url, provider, origin, enabled, \
             branch_regex, polling_interval_seconds, host, next_sync_at, gitops_tool) VALUES (",
        );
        sql.bind(id).push(", ").bind(repository.url.as_str()).push(", ");
        sql.bind(repository.owner.as_str()).push(", ").bind(repository.name.as_str()).push(", ");
        sql.bind(repository.full_name.as_str()).push(", ").bind(repository.description.clone()).push(", ");
        sql.bind(search.to_lowercase()).push(", ").bind(to_json("topics", &repository.topics)?).push(", ");
        sql.bind(now).push(", '[]', ").bind(now).push(", 'pending', 'pending', ");
        sql.bind(repository.web_url.clone()).push(", ").bind(repository.provider.as_str()).push(", ");
        sql.bind(repository.origin.as_str()).push(", ").bind(repository.enabled).push(", ");
        sql.bind(repository.branch_regex.clone()).push(", ").bind(repository.polling_interval_seconds);
        sql.push(", ").bind(host_of(&repository.url)).push(", ").bind(now);
        sql.push(
            ", 'none') ON CONFLICT (url) DO UPDATE SET owner = excluded.owner, name = excluded.name, \
             full_name = excluded.full_name, description = COALESCE(excluded.description, repository.description), \
             search = excluded.search, \
             topics = CASE WHEN repository.facts_at IS NULL THEN excluded.topics ELSE repository.topics END, web_url = excluded.web_url, \
             provider = excluded.provider, origin = excluded.origin, enabled = excluded.enabled, \
             branch_regex = excluded.branch_regex, polling_interval_seconds = excluded.polling_interval_seconds",
        );
        sql.run(w).await?;
        result.push((id, known.is_none()));
    }
    Ok(result)
}

/// Switches off every repository of this origin whose URL is not among those kept; gives back how many.
/// What was found in them stays readable.
pub async fn disable_missing(w: &impl ConnectionTrait, origin: Origin, kept_urls: &[String]) -> Result<u64> {
    let mut sql = Sql::new("UPDATE repository SET enabled = FALSE WHERE enabled AND origin = ");
    sql.bind(origin.as_str());
    if !kept_urls.is_empty() {
        sql.push(" AND url NOT IN ").bind_list(kept_urls.iter().map(String::as_str));
    }

    Ok(sql.run(w).await?.rows_affected())
}

/// Removes every repository of this origin whose URL is not among those kept, with all that hangs on it.
pub async fn remove_missing(w: &impl ConnectionTrait, origin: Origin, kept_urls: &[String]) -> Result<Vec<Uuid>> {
    let mut sql = Sql::new("SELECT id FROM repository WHERE origin = ");
    sql.bind(origin.as_str());
    if !kept_urls.is_empty() {
        sql.push(" AND url NOT IN ").bind_list(kept_urls.iter().map(String::as_str));
    }

    let mut removed = Vec::new();
    for row in sql.rows(w).await? {
        let id = row.try_get_by_index(0)?;
        if remove_repository(w, id).await? {
            removed.push(id);
        }
    }
    Ok(removed)
}

/// Removes a repository with all that hangs on it; whether there was one. Wants a transaction: the totals over all
/// repositories change with it.
pub async fn remove_repository(w: &impl ConnectionTrait, id: Uuid) -> Result<bool> {
    let mut difference = Totals::default();
    difference.subtract(Totals::of(w, id).await?);
    difference.mark_changed_days();
    // Events first: the cascade would look for them resource by resource.
    let mut events = Sql::new("DELETE FROM kubernetesresourceevent WHERE repository_id = ");
    events.bind(id);
    events.run(w).await?;
    let mut sql = Sql::new("DELETE FROM repository WHERE id = ");
    sql.bind(id);
    if sql.run(w).await?.rows_affected() == 0 {
        return Ok(false);
    }
    difference.write(w).await?;
    Ok(true)
}

/// A sync begins. Why the last one failed stays until this one has ended: it may yet be postponed.
pub async fn record_sync_started(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET sync_status = CASE WHEN sync_status = 'blocked' THEN sync_status ");
    sql.push("ELSE 'syncing' END WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// A sync ended well; also where nothing was new.
///
/// Who was blocked meanwhile stays blocked.
pub async fn record_synced(w: &impl ConnectionTrait, id: Uuid, head: &SyncedHead, now: Timestamp) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET sync_status = CASE WHEN sync_status = 'blocked' THEN sync_status ");
    sql.push("ELSE 'success' END, sync_error = NULL, last_sync_at = ");
    sql.bind(stored_time(now)).push(", default_branch = ").bind(head.branch.as_str());
    sql.push(", head_commit = ").bind(head.head.0.to_vec());
    sql.push(", head_committed_at = ").bind(stored_time(head.committed_at));
    sql.push(", clone_bytes = ").bind(head.clone_bytes).push(" WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// A sync found nothing new: the one write that it costs.
pub async fn record_unmoved(
    w: &impl ConnectionTrait,
    id: Uuid,
    next_sync_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET sync_status = 'success', sync_error = NULL, sync_failures = 0, ");
    sql.push("last_sync_at = ").bind(stored_time(now)).push(", next_sync_at = ").bind(next_sync_at.map(stored_time));
    // What was set aside while the sync ran stays so.
    sql.push(" WHERE sync_status NOT IN ('blocked', 'pending_approval') AND id = ").bind(id);
    sql.run(w).await?;
    Ok(())
}

/// When a repository is synced next, `None` for never by itself, and how often syncs failed in a row.
pub async fn plan_next_sync(
    w: &impl ConnectionTrait,
    id: Uuid,
    next_sync_at: Option<Timestamp>,
    failures: u32,
) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET next_sync_at = ");
    sql.bind(next_sync_at.map(stored_time)).push(", sync_failures = ").bind(i64::from(failures));
    sql.push(" WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// Repositories that may be synced by themselves; the index of due ones is over these.
const SYNCABLE: &str = "enabled AND sync_status NOT IN ('blocked', 'pending_approval')";

/// How many repositories a sync of all reaches now.
pub async fn count_syncable(c: &impl ConnectionTrait) -> Result<i64> {
    let row = Sql::new(&format!("SELECT CAST(COUNT(*) AS BIGINT) FROM repository WHERE {SYNCABLE}")).row(c).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
}

/// Takes repositories whose time has come, the longest due first: each is given to one caller only, and comes again
/// at `again` unless its sync sets another time. Costs one look into an index where none is due.
pub async fn take_due(db: &Db, now: Timestamp, again: Timestamp, limit: u64) -> Result<Vec<Uuid>> {
    let mut due = Sql::new(&format!("SELECT id FROM repository WHERE {SYNCABLE} AND next_sync_at <= "));
    due.bind(stored_time(now)).push(" ORDER BY next_sync_at LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    if due.clone().row(&db.read).await?.is_none() {
        return Ok(Vec::new());
    }
    if db.engine == Engine::Postgres {
        due.push(" FOR UPDATE SKIP LOCKED");
    }
    let mut sql = Sql::new("UPDATE repository SET next_sync_at = ");
    sql.bind(stored_time(again)).push(" WHERE id IN (").append(&due).push(") RETURNING id");
    let mut taken = Vec::new();
    for row in sql.rows(&db.write).await? {
        taken.push(row.try_get_by_index(0)?);
    }
    Ok(taken)
}

/// Brings times that lie further ahead than any plan reaches (the clock was set back) nearer; how many. `most` is the
/// longest that a repository without an interval of its own waits.
pub async fn correct_next_syncs(db: &Db, most: TimeDelta, now: Timestamp) -> Result<u64> {
    let mut sql = Sql::new("SELECT id, next_sync_at, polling_interval_seconds FROM repository WHERE next_sync_at > ");
    sql.bind(stored_time(now + most * 2));
    let mut corrected = 0;
    for row in sql.rows(&db.read).await? {
        let (id, planned): (Uuid, Timestamp) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let own: Option<i64> = row.try_get_by_index(2)?;
        let longest = own.and_then(TimeDelta::try_seconds).map_or(most, |own| own.max(most));
        if planned <= now + longest * 2 {
            continue;
        }
        let mut sql = Sql::new("UPDATE repository SET next_sync_at = ");
        sql.bind(stored_time(now + longest / 2)).push(" WHERE id = ").bind(id);
        sql.push(" AND next_sync_at = ").bind(stored_time(planned));
        corrected += sql.run(&db.write).await?.rows_affected();
    }
    Ok(corrected)
}

/// A clone was removed from disk.
pub async fn record_clone_removed(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET clone_bytes = 0 WHERE id = ");
    sql.bind(id);
    sql.run(w).await?;
    Ok(())
}

/// A sync ended well and found no commits at all.
pub async fn record_synced_empty(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET sync_status = 'success', sync_error = NULL, last_sync_at = ");
    sql.bind(stored_time(now)).push(", head_commit = NULL, head_committed_at = NULL WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// A sync ended badly; `status` is `Error`, `Blocked` or `PendingApproval`. The reason is cut to 2,000 characters.
pub async fn record_sync_failed(
    w: &impl ConnectionTrait,
    id: Uuid,
    status: SyncStatus,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET sync_status = ");
    // A sync that fails while somebody blocks its repository does not undo that.
    if status == SyncStatus::Error {
        sql.push("CASE WHEN sync_status = 'blocked' THEN sync_status ELSE 'error' END");
    } else {
        sql.bind(status.as_str());
    }
    sql.push(", sync_error = ").bind(shorten(reason));
    sql.push(", last_sync_at = ").bind(stored_time(now)).push(" WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// A sync was stopped on request: the repository waits for the next one.
pub async fn record_sync_stopped(w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let mut sql = Sql::new(
        "UPDATE repository SET sync_status = 'pending', sync_error = NULL WHERE sync_status <> 'blocked' AND id = ",
    );
    sql.bind(id);
    sql.run(w).await?;
    Ok(())
}

/// A sync could not be made now, for a reason that is not the repository's: it stands where it stood before.
pub async fn record_sync_postponed(w: &impl ConnectionTrait, id: Uuid, before: SyncStatus) -> Result<()> {
    let before = if before == SyncStatus::Syncing { SyncStatus::Pending } else { before };
    let mut sql = Sql::new("UPDATE repository SET sync_status = ");
    sql.bind(before.as_str()).push(" WHERE sync_status = 'syncing' AND id = ").bind(id);
    sql.run(w).await?;
    Ok(())
}

/// A repository is set aside (too large, for one) until a person approves it.
pub async fn record_set_aside(w: &impl ConnectionTrait, id: Uuid, reason: &str, now: Timestamp) -> Result<()> {
    record_sync_failed(w, id, SyncStatus::PendingApproval, reason, now).await
}

/// Where the scan of a repository stands; a reason only for errors.
pub async fn record_scan_state(
    w: &impl ConnectionTrait,
    id: Uuid,
    status: SyncStatus,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET scan_status = ");
    sql.bind(status.as_str()).push(", scan_error = ").bind(reason.map(shorten));
    if matches!(status, SyncStatus::Success | SyncStatus::Error) {
        sql.push(", last_scan_at = ").bind(stored_time(now));
    }
    sql.push(" WHERE id = ").bind(id);
    touch_one(sql, w, id).await
}

/// Whether any repository is `syncing`, rightly or not.
pub async fn has_syncing(c: &impl ConnectionTrait) -> Result<bool> {
    let sql = Sql::new("SELECT 1 FROM repository WHERE sync_status = 'syncing' OR scan_status = 'syncing' LIMIT 1");
    Ok(sql.row(c).await?.is_some())
}

/// Whatever is still `syncing` although no job runs for it (after a crash) goes back to `pending`.
pub async fn reset_interrupted(w: &impl ConnectionTrait) -> Result<u64> {
    let mut count = 0;
    for (status, job) in [("sync_status", "sync_repository"), ("scan_status", "scan_repository")] {
        let mut sql = Sql::new(&format!("UPDATE repository SET {status} = 'pending' WHERE {status} = 'syncing' "));
        sql.push("AND NOT EXISTS (SELECT 1 FROM job j WHERE j.repository_id = repository.id AND j.state = 'running' ");
        sql.push("AND j.kind = ").bind(job).push(")");
        count += sql.run(w).await?.rows_affected();
    }
    Ok(count)
}

/// The machine that an address names, in lower case with its port; empty for folders of this one.
#[must_use]
pub fn host_of(url: &str) -> String {
    let rest = match url.split_once("://") {
        Some(("file", _)) => return String::new(),
        Some((_, rest)) => rest.split('/').next().unwrap_or_default(),
        // `git@host:owner/name`; anything else is a path.
        None => match url.split_once(':') {
            Some((host, _)) if !host.contains('/') => host,
            _ => return String::new(),
        },
    };
    rest.rsplit('@').next().unwrap_or_default().to_lowercase()
}

/// Runs an update that must touch this repository.
async fn touch_one(sql: Sql, w: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    match sql.run(w).await?.rows_affected() {
        0 => Err(DataError::NotFound { what: "repository", id }),
        _ => Ok(()),
    }
}

/// A reason as it is kept: at most 2,000 characters, and none that PostgreSQL refuses.
pub(crate) fn shorten(reason: &str) -> String {
    reason.chars().filter(|c| *c != '\0').take(2000).collect()
}
