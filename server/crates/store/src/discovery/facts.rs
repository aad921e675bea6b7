//! What forges know of repositories: who they are, their figures, and that they are gone.

use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::db::sql::{Sql, stored_time};
use crate::db::{ConnectionTrait, DataError, Result, new_id};
use crate::repositories::{shorten, upsert_repositories};
use crate::row::to_json;
use entity::found::{FoundRepository, RepositoryFacts};
use entity::kind::{Origin, Provider, SyncStatus};
use entity::view::Timestamp;

/// A repository that is here, as much as it takes to know it again.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct KnownRepository {
    pub id: Uuid,
    pub url: String,
    pub full_name: String,
    pub origin: Origin,
    pub forge_host: Option<String>,
    pub forge_id: Option<i64>,
    pub sync_status: SyncStatus,
    pub gone_at: Option<Timestamp>,
}

/// A repository whose facts are to be asked for.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct MetricsTarget {
    pub id: Uuid,
    pub url: String,
    pub full_name: String,
    pub provider: Provider,
    pub origin: Origin,
    pub forge_host: Option<String>,
    pub forge_id: Option<i64>,
    pub forge_node_id: Option<String>,
    pub discovery_tags: String,
    pub gone_at: Option<Timestamp>,
}

/// Every repository, to compare with what a search finds.
pub async fn list_known(c: &impl ConnectionTrait) -> Result<Vec<KnownRepository>> {
    let sql = Sql::new(
        "SELECT id, url, full_name, origin, forge_host, forge_id, sync_status, gone_at FROM repository ORDER BY id",
    );
    sql.all(c).await
}

/// Repositories of forges that nobody was asked about since then, longest first. Samples have no forge.
pub async fn list_metrics_targets(c: &impl ConnectionTrait, since: Timestamp) -> Result<Vec<MetricsTarget>> {
    let mut sql = Sql::new(
        "SELECT id, url, full_name, provider, origin, forge_host, forge_id, forge_node_id, discovery_tags, gone_at \
         FROM repository WHERE provider <> 'git' AND origin <> 'sample' AND (facts_at IS NULL OR facts_at < ",
    );
    // What was asked about at a time that has not come is of a clock that stood wrong.
    sql.bind(stored_time(since)).push(" OR facts_at > ").bind(stored_time(since + TimeDelta::days(1)));
    sql.push(") ORDER BY (facts_at IS NOT NULL), facts_at, id");
    sql.all(c).await
}

/// A new repository comes in with what its forge tells; with a reason it waits for approval.
pub async fn take_up(
    w: &impl ConnectionTrait,
    facts: &RepositoryFacts,
    tags: &[String],
    set_aside: Option<&str>,
    now: Timestamp,
) -> Result<Uuid> {
    let found = FoundRepository {
        url: facts.clone_url.clone(),
        owner: facts.owner.clone(),
        name: facts.name.clone(),
        full_name: facts.full_name.clone(),
        description: facts.description.clone(),
        provider: facts.provider,
        origin: Origin::Discovered,
        web_url: facts.web_url.clone(),
        enabled: true,
        branch_regex: None,
        polling_interval_seconds: None,
        topics: facts.topics.clone(),
    };
    let ids = upsert_repositories(w, &[found], now).await?;
    let id = ids.first().map(|(id, _)| *id).ok_or(DataError::NotFound { what: "repository", id: Uuid::nil() })?;
    record_facts(w, id, facts, Asked::InSearch, now).await?;
    record_tags(w, id, tags).await?;
    if let Some(reason) = set_aside {
        let mut sql = Sql::new("UPDATE repository SET sync_status = 'pending_approval', sync_error = ");
        sql.bind(shorten(reason)).push(" WHERE id = ").bind(id);
        sql.run(w).await?;
    }
    Ok(id)
}

/// How a forge came to tell something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Among what a search found: where figures are missing, the next round asks for them, rather than one hours later.
    InSearch,
    /// For this repository.
    ForItself,
}

/// What the forge tells now. A name follows renames and transfers; so does the address, unless the configuration wrote it
/// down or another repository has it. A repository that was gone is back.
pub async fn record_facts(
    w: &impl ConnectionTrait,
    id: Uuid,
    facts: &RepositoryFacts,
    asked: Asked,
    now: Timestamp,
) -> Result<()> {
    let now = stored_time(now);
    let facts_at = (asked == Asked::ForItself || facts.watchers.is_some()).then_some(now);
    let search = format!("{}\n{}", facts.full_name, facts.description.as_deref().unwrap_or_default()).to_lowercase();
    let mut sql = Sql::new("UPDATE repository SET github_id = ");
    sql.bind(facts.forge_id).push(", forge_host = ").bind(facts.host.as_str());
    sql.push(", forge_id = ").bind(facts.forge_id);
    sql.push(", forge_node_id = COALESCE(").bind(facts.node_id.clone()).push(", forge_node_id)");
    sql.push(", owner = ").bind(facts.owner.as_str()).push(", name = ").bind(facts.name.as_str());
    sql.push(", full_name = ").bind(facts.full_name.as_str()).push(", search = ").bind(search);
    sql.push(", description = ").bind(facts.description.clone());
    sql.push(", language = COALESCE(").bind(facts.language.clone()).push(", language)");
    sql.push(", topics = ").bind(to_json("topics", &facts.topics)?);
    sql.push(", license_name = COALESCE(").bind(facts.license_name.clone()).push(", license_name)");
    sql.push(", default_branch = COALESCE(default_branch, ").bind(facts.default_branch.clone()).push(")");
    sql.push(", web_url = COALESCE(").bind(facts.web_url.clone()).push(", web_url)");
    sql.push(", created_at = COALESCE(").bind(facts.created_at.map(stored_time)).push(", created_at)");
    sql.push(", is_archived = ").bind(facts.is_archived).push(", facts_at = ").bind(facts_at);
    sql.push(", sync_error = CASE WHEN gone_at IS NULL THEN sync_error ELSE NULL END");
    sql.push(", sync_status = CASE WHEN gone_at IS NULL THEN sync_status ELSE 'pending' END");
    sql.push(", next_sync_at = CASE WHEN gone_at IS NULL THEN next_sync_at ELSE ").bind(now).push(" END");
    sql.push(", gone_at = NULL WHERE id = ").bind(id);
    if sql.run(w).await?.rows_affected() == 0 {
        return Err(DataError::NotFound { what: "repository", id });
    }
    let mut moved = Sql::new("UPDATE repository SET url = ");
    moved.bind(facts.clone_url.as_str()).push(" WHERE id = ").bind(id);
    moved.push(" AND origin IN ('discovered', 'added') AND url <> ").bind(facts.clone_url.as_str());
    moved.push(" AND NOT EXISTS (SELECT 1 FROM repository other WHERE other.url = ").bind(facts.clone_url.as_str());
    moved.push(")");
    moved.run(w).await?;
    Ok(())
}

/// Whether another repository here has this number of the forge: it is the same one under another address.
pub async fn is_taken(c: &impl ConnectionTrait, id: Uuid, host: &str, forge_id: i64) -> Result<bool> {
    let mut sql = Sql::new("SELECT COUNT(*) FROM repository WHERE forge_host = ");
    sql.bind(host).push(" AND forge_id = ").bind(forge_id).push(" AND id <> ").bind(id);
    Ok(sql.count(c).await? > 0)
}

/// By which of the topics that are searched for the repository is found.
pub async fn record_tags(w: &impl ConnectionTrait, id: Uuid, tags: &[String]) -> Result<()> {
    let tags = to_json("discovery_tags", tags)?;
    let mut sql = Sql::new("UPDATE repository SET discovery_tags = ");
    sql.bind(tags.clone()).push(" WHERE id = ").bind(id).push(" AND discovery_tags <> ").bind(tags);
    sql.run(w).await?;
    Ok(())
}

/// A snapshot of a forge's figures. What this answer does not tell is taken over from the last snapshot; what none has told
/// stays unknown.
pub async fn record_metrics(w: &impl ConnectionTrait, id: Uuid, facts: &RepositoryFacts, now: Timestamp) -> Result<()> {
    let now = stored_time(now);
    let mut sql = Sql::new(
        "INSERT INTO repositorymetrics (id, repository_id, stars_count, forks_count, forks_known, watchers_count, \
         watchers_known, open_issues_count, open_issues_known, size, size_known, kubernetes_resources_count, updated_at, \
         pushed_at, recorded_at) SELECT ",
    );
    let last = |column: &str| {
        format!(
            "(SELECT m.{column} FROM repositorymetrics m WHERE m.repository_id = r.id \
             ORDER BY m.recorded_at DESC, m.id DESC LIMIT 1)"
        )
    };
    let figure = |sql: &mut Sql, count: &str, known: &str, value: Option<i64>| {
        sql.push(", COALESCE(CAST(").bind(value).push(" AS BIGINT), ").push(&last(count)).push(", 0), ");
        match value {
            Some(_) => sql.push("TRUE"),
            None => sql.push("COALESCE(").push(&last(known)).push(", FALSE)"),
        };
    };
    // PostgreSQL takes a bare value of a SELECT for text.
    sql.push("CAST(").bind(new_id(now)).push(uuid_type(w)).push("), r.id, CAST(").bind(facts.stars);
    sql.push(" AS BIGINT)");
    figure(&mut sql, "forks_count", "forks_known", facts.forks);
    figure(&mut sql, "watchers_count", "watchers_known", facts.watchers);
    figure(&mut sql, "open_issues_count", "open_issues_known", facts.open_issues);
    figure(&mut sql, "size", "size_known", facts.size_kb);
    sql.push(", r.active_resources, CAST(").bind(facts.updated_at.map_or(now, stored_time)).push(time_type(w));
    sql.push("), CAST(").bind(facts.pushed_at.map(stored_time)).push(time_type(w));
    sql.push("), CAST(").bind(now).push(time_type(w)).push(") FROM repository r WHERE r.id = ").bind(id);
    sql.run(w).await?;
    Ok(())
}

fn uuid_type(c: &impl ConnectionTrait) -> &'static str {
    if is_sqlite(c) { " AS BLOB" } else { " AS UUID" }
}

fn time_type(c: &impl ConnectionTrait) -> &'static str {
    if is_sqlite(c) { " AS TEXT" } else { " AS TIMESTAMPTZ" }
}

fn is_sqlite(c: &impl ConnectionTrait) -> bool {
    c.get_database_backend() == sea_orm::DbBackend::Sqlite
}

/// Asked in vain for a reason that is not the repository's; it is asked about again with the others.
pub async fn touch_facts(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<()> {
    let mut sql = Sql::new("UPDATE repository SET facts_at = ");
    sql.bind(stored_time(now)).push(" WHERE id = ").bind(id);
    sql.run(w).await?;
    Ok(())
}

/// The repository is gone, for this reason. It is blocked until it is seen again; what was found in it stays.
pub async fn record_gone(w: &impl ConnectionTrait, id: Uuid, reason: &str, now: Timestamp) -> Result<()> {
    let now = stored_time(now);
    // Who blocked it by hand has the last word, also once it is back.
    let mut sql = Sql::new("UPDATE repository SET sync_status = 'blocked', sync_error = ");
    sql.bind(shorten(reason)).push(", gone_at = COALESCE(gone_at, ").bind(now).push("), facts_at = ").bind(now);
    sql.push(" WHERE id = ").bind(id).push(" AND (sync_status <> 'blocked' OR gone_at IS NOT NULL)");
    if sql.run(w).await?.rows_affected() == 0 {
        touch_facts(w, id, now).await?;
    }
    Ok(())
}
