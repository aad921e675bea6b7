//! Repositories: lists, what jobs need to know, coming and going.

mod syncs;

use uuid::Uuid;

use super::scans::totals::Totals;
use super::{ConnectionTrait, Result};
use crate::db::new_id;
use crate::db::sql::{MAX_PAGE, Sql, Where, contains, holds, stored_time};
use crate::row::{RepositoryRow, SyncTargetRow, to_json};
use entity::found::{FoundRepository, ObjectId, ScannedCommit};
use entity::kind::{GitOpsTool, Origin, Provider, SyncStatus};
use entity::view::{
    Listing, NamedCount, Repository, RepositoryFilter, RepositoryMetrics, RepositorySort, Sort, Timestamp,
};

pub(crate) use syncs::shorten;
pub use syncs::{
    correct_next_syncs, count_syncable, has_syncing, plan_next_sync, record_clone_removed, record_scan_state,
    record_set_aside, record_sync_failed, record_sync_postponed, record_sync_started, record_sync_stopped,
    record_synced, record_synced_empty, record_unmoved, reset_interrupted, take_due,
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
    /// The rules by which it was scanned; what was taken by others is taken anew.
    pub scan_format: i64,
    pub sync_status: SyncStatus,
    pub scan_status: SyncStatus,
    /// Somebody let it in although it is larger than others may be.
    pub approved: bool,
    pub last_sync_at: Option<Timestamp>,
    /// Syncs that failed in a row.
    pub sync_failures: u32,
}

/// What the language is called where no forge told it.
pub(crate) const UNKNOWN_LANGUAGE: &str = "Unknown";

/// Which repositories, one page of them.
pub async fn list_repositories(c: &impl ConnectionTrait, filter: &RepositoryFilter) -> Result<Listing<Repository>> {
    let mut conditions = Where::default();
    if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
        conditions.and().push("r.search LIKE ").bind(contains(text)).push(" ESCAPE '\\'");
    }
    match filter.language.as_deref() {
        Some(UNKNOWN_LANGUAGE) => drop(conditions.and().push("r.language IS NULL")),
        _ => drop(conditions.equals("r.language", filter.language.clone())),
    }
    if let Some(topic) = &filter.topic {
        // Topics are a list in JSON, and are looked for as they stand in it.
        let quoted = to_json("topics", topic)?;
        conditions.and().push("r.topics LIKE ").bind(holds(&quoted)).push(" ESCAPE '\\'");
    }
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
