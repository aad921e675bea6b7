//! Figures over repositories that REST clients ask for.

use std::collections::BTreeMap;

use chrono::{Duration, DurationRound as _, NaiveDate};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, JoinType, SelectStatement};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, IdenStatic as _, QueryFilter as _, QueryOrder as _, QuerySelect,
    QueryTrait as _, Select,
};
use uuid::Uuid;

use super::repositories::{list_languages, read, with_metrics};
use super::{ConnectionTrait, Result};
use crate::db::select::{count_all, is_counted, sum};
use entity::kind::EventType;
use entity::table::{commit, repository, repository_day, repository_metrics};
use entity::value::StoredTimestamp;
use entity::view::{RecentRepositories, RecentRepository, RepositoryStats, Timestamp};

/// What "recent" means to clients of the v1 API.
const RECENT_DAYS: i64 = 3;
/// Repositories that are told as the most active ones.
const MOST_ACTIVE: u64 = 10;

/// Totals, languages and the repositories with the most stars.
pub async fn repository_stats(c: &impl ConnectionTrait) -> Result<RepositoryStats> {
    #[derive(Default, FromQueryResult)]
    struct Totals {
        repositories: i64,
        stars: i64,
        forks: i64,
    }
    use repository_metrics::Column::{ForksCount, StarsCount};
    let counted = || with_metrics().filter(is_counted(repository::Column::Id));
    let totals = counted().select_only().expr_as(count_all(), "repositories");
    let totals = totals.expr_as(sum(StarsCount.into_expr()), "stars").expr_as(sum(ForksCount.into_expr()), "forks");
    let totals = totals.into_model::<Totals>().one(c).await?.unwrap_or_default();
    let top = counted().order_by_asc(StarsCount.is_null()).order_by_desc(StarsCount);
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

impl From<RecentRow> for RecentRepository {
    fn from(row: RecentRow) -> Self {
        let numbers = [
            (EventType::Created, row.created),
            (EventType::Modified, row.modified),
            (EventType::Deleted, row.deleted),
            (EventType::Resurrected, row.resurrected),
        ];
        let event_breakdown: BTreeMap<String, i64> = numbers
            .into_iter()
            .filter(|(_, number)| *number > 0)
            .map(|(event_type, number)| (event_type.to_string(), number))
            .collect();
        Self {
            repository_id: row.id,
            name: row.name,
            full_name: row.full_name,
            owner: row.owner,
            description: row.description,
            total_events: event_breakdown.values().sum(),
            last_activity: row.last_activity,
            event_breakdown,
        }
    }
}

/// Sums of each repository's rows. `COALESCE` keeps SQLite from reading the whole history only to have it in groups.
fn by_repository<E: EntityTrait>(rows: Select<E>, repository: E::Column, numbers: [E::Column; 4]) -> Select<E> {
    let id = Func::coalesce([repository.into_expr(), repository.into_expr()]);
    let mut grouped = rows.select_only().expr_as(id.clone(), "repository_id");
    for number in numbers {
        grouped = grouped.expr_as(sum(number.into_expr()), number.as_str());
    }
    QuerySelect::query(&mut grouped).add_group_by([id.into()]);
    grouped
}

/// Repositories with these sums, those with more events first. What they did last is an expression over both.
async fn most_events(
    c: &impl ConnectionTrait,
    sums: SelectStatement,
    last_activity: Expr,
    limit: u64,
) -> Result<Vec<RecentRepository>> {
    use repository::Column::{Description, FullName, Id, Name, Owner};
    let number = |name: &'static str| Expr::col(("w", name));
    let mut rows = repository::Entity::find().select_only().columns([Id, Name, FullName, Owner, Description]);
    for name in ["created", "modified", "deleted", "resurrected"] {
        rows = rows.expr_as(number(name), name);
    }
    let is_of = number("repository_id").equals((repository::Entity, Id));
    QuerySelect::query(&mut rows).join_subquery(JoinType::InnerJoin, sums, "w", is_of);
    let events = number("created").add(number("modified")).add(number("deleted")).add(number("resurrected"));
    let rows = rows.expr_as(last_activity, "last_activity").order_by_desc(events);
    let rows = rows.order_by_asc(FullName).order_by_asc(Id).limit(limit);
    let rows: Vec<RecentRow> = rows.into_model().all(c).await?;
    Ok(rows.into_iter().map(RecentRepository::from).collect())
}

/// Repositories with the most events from a day on, to another or to now. What they did last is told of now.
pub(crate) async fn most_active(
    c: &impl ConnectionTrait,
    first: NaiveDate,
    last: Option<NaiveDate>,
) -> Result<Vec<RecentRepository>> {
    use repository_day::Column::{Created, Deleted, Modified, RepositoryId, Resurrected};
    let days = repository_day::Entity::find().filter(repository_day::COLUMN.day.gte(first.to_string()));
    let days = days.filter(is_counted(RepositoryId));
    let days = days.apply_if(last, |days, last| days.filter(repository_day::COLUMN.day.lte(last.to_string())));
    let days = by_repository(days, RepositoryId, [Created, Modified, Deleted, Resurrected]);
    let events =
        [Modified, Deleted, Resurrected].into_iter().fold(Created.into_expr(), |all, more| all.add(more.into_expr()));
    let days = days.order_by_desc(events.sum()).order_by_asc(Expr::col("repository_id")).limit(MOST_ACTIVE);
    let of_repository = commit::Column::RepositoryId.into_expr().equals((repository::Entity, repository::Column::Id));
    let newest = commit::Entity::find().select_only().column(commit::Column::CommittedAt).filter(of_repository);
    let newest = newest.order_by_desc(commit::Column::Sequence).limit(1).into_query();
    most_events(c, days.into_query(), newest.into(), MOST_ACTIVE).await
}

/// Repositories with the most events in the last three days, by the times of their commits.
pub async fn recent_repositories(c: &impl ConnectionTrait, now: Timestamp) -> Result<RecentRepositories> {
    use commit::Column::{CommittedAt, Created, Deleted, Modified, RepositoryId, Resurrected};
    // Whole minutes, so that an answer in which nothing is new is the same answer.
    let since = now - Duration::days(RECENT_DAYS);
    let since = StoredTimestamp::from(since.duration_trunc(Duration::minutes(1)).unwrap_or(since));
    let commits = commit::Entity::find().filter(commit::COLUMN.committed_at.gte(since));
    let commits = commits.filter(is_counted(RepositoryId));
    let commits = by_repository(commits, RepositoryId, [Created, Modified, Deleted, Resurrected]);
    let commits = commits.expr_as(CommittedAt.max(), "last_activity").into_query();
    let last_activity = Expr::col(("w", "last_activity"));
    Ok(RecentRepositories {
        recent_active_repositories: most_events(c, commits, last_activity, MOST_ACTIVE).await?,
        period_days: RECENT_DAYS,
        cutoff_date: since.into(),
    })
}
