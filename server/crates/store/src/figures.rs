//! Figures over repositories that REST clients ask for.

use std::collections::BTreeMap;

use chrono::{Duration, DurationRound as _, NaiveDate};
use sea_orm::{ColumnTrait as _, FromQueryResult, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::repositories::{list_languages, read, with_metrics};
use super::{ConnectionTrait, Result};
use crate::db::sql::{Sql, stored_time};
use entity::kind::EventType;
use entity::table::{repository, repository_metrics};
use entity::view::{RecentRepositories, RecentRepository, RepositoryStats, Timestamp};

/// What "recent" means to clients of the v1 API.
const RECENT_DAYS: i64 = 3;

/// Totals, languages and the repositories with the most stars.
pub async fn repository_stats(c: &impl ConnectionTrait) -> Result<RepositoryStats> {
    #[derive(FromQueryResult)]
    struct Totals {
        repositories: i64,
        stars: i64,
        forks: i64,
    }
    let totals = Sql::new(
        "SELECT COUNT(*) AS repositories, CAST(COALESCE(SUM(m.stars_count), 0) AS BIGINT) AS stars, \
         CAST(COALESCE(SUM(m.forks_count), 0) AS BIGINT) AS forks \
         FROM repository r LEFT JOIN repositorymetrics m ON m.id = (SELECT n.id FROM repositorymetrics n \
         WHERE n.repository_id = r.id ORDER BY n.recorded_at DESC, n.id DESC LIMIT 1)",
    );
    let totals = totals.one::<Totals>(c).await?.unwrap_or(Totals { repositories: 0, stars: 0, forks: 0 });
    let stars = repository_metrics::Column::StarsCount;
    let top = with_metrics().order_by_asc(stars.is_null()).order_by_desc(stars);
    let top = top.order_by_asc(repository::Column::FullName).order_by_asc(repository::Column::Id).limit(5);
    let languages = list_languages(c).await?;
    Ok(RepositoryStats {
        total_repositories: totals.repositories,
        total_stars: totals.stars,
        total_forks: totals.forks,
        languages: languages.into_iter().map(|language| (language.name, language.count)).collect(),
        top_repositories: read(c, top).await?,
    })
}

#[derive(FromQueryResult)]
struct RecentRow {
    id: Uuid,
    name: String,
    full_name: String,
    owner: String,
    description: Option<String>,
    created: i64,
    modified: i64,
    deleted: i64,
    resurrected: i64,
    last_activity: Timestamp,
}

impl RecentRow {
    fn into_view(self) -> RecentRepository {
        let numbers = [
            (EventType::Created, self.created),
            (EventType::Modified, self.modified),
            (EventType::Deleted, self.deleted),
            (EventType::Resurrected, self.resurrected),
        ];
        let event_breakdown: BTreeMap<String, i64> = numbers
            .into_iter()
            .filter(|(_, number)| *number > 0)
            .map(|(event_type, number)| (event_type.to_string(), number))
            .collect();
        RecentRepository {
            repository_id: self.id,
            name: self.name,
            full_name: self.full_name,
            owner: self.owner,
            description: self.description,
            total_events: event_breakdown.values().sum(),
            last_activity: self.last_activity,
            event_breakdown,
        }
    }
}

/// Repositories with the most events since the beginning of a day.
pub(crate) async fn most_active(c: &impl ConnectionTrait, since: NaiveDate) -> Result<Vec<RecentRepository>> {
    // `COALESCE` keeps SQLite from reading the whole history only to have it in groups.
    let mut sql = Sql::new(
        "SELECT r.id, r.name, r.full_name, r.owner, r.description, w.created, w.modified, w.deleted, w.resurrected, \
         (SELECT MAX(m.committed_at) FROM \"commit\" m WHERE m.repository_id = r.id AND m.sequence = \
         (SELECT MAX(n.sequence) FROM \"commit\" n WHERE n.repository_id = r.id)) AS last_activity \
         FROM (SELECT COALESCE(repository_id, repository_id) AS repository_id, CAST(SUM(created) AS BIGINT) AS created, \
         CAST(SUM(modified) AS BIGINT) AS modified, CAST(SUM(deleted) AS BIGINT) AS deleted, \
         CAST(SUM(resurrected) AS BIGINT) AS resurrected FROM repository_day WHERE day >= ",
    );
    sql.bind(since.to_string()).push(
        " GROUP BY 1 ORDER BY SUM(created + modified + deleted + resurrected) DESC, 1 LIMIT 10) w \
         JOIN repository r ON r.id = w.repository_id \
         ORDER BY w.created + w.modified + w.deleted + w.resurrected DESC, r.full_name, r.id",
    );
    Ok(sql.all::<RecentRow>(c).await?.into_iter().map(RecentRow::into_view).collect())
}

/// Repositories with the most events in the last three days, by the times of their commits.
pub async fn recent_repositories(c: &impl ConnectionTrait, now: Timestamp) -> Result<RecentRepositories> {
    // Whole minutes, so that an answer in which nothing is new is the same answer.
    let since = now - Duration::days(RECENT_DAYS);
    let cutoff_date = stored_time(since.duration_trunc(Duration::minutes(1)).unwrap_or(since));
    // `COALESCE` keeps SQLite from reading the whole history only to have it in groups.
    let mut sql = Sql::new(
        "SELECT r.id, r.name, r.full_name, r.owner, r.description, w.created, w.modified, w.deleted, w.resurrected, \
         w.last_activity FROM (SELECT COALESCE(repository_id, repository_id) AS repository_id, CAST(SUM(created) AS BIGINT) AS created, \
         CAST(SUM(modified) AS BIGINT) AS modified, CAST(SUM(deleted) AS BIGINT) AS deleted, \
         CAST(SUM(resurrected) AS BIGINT) AS resurrected, MAX(committed_at) AS last_activity \
         FROM \"commit\" WHERE committed_at >= ",
    );
    sql.bind(cutoff_date).push(
        " GROUP BY 1) w JOIN repository r ON r.id = w.repository_id \
         ORDER BY w.created + w.modified + w.deleted + w.resurrected DESC, r.full_name, r.id LIMIT 10",
    );
    let recent_active_repositories = sql.all::<RecentRow>(c).await?.into_iter().map(RecentRow::into_view).collect();
    Ok(RecentRepositories { recent_active_repositories, period_days: RECENT_DAYS, cutoff_date })
}
