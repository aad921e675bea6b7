//! Reads what tells of a span of days. Everything comes from one snapshot of the database: the state at the end and
//! the changes before it must fit.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate, NaiveTime};
use sea_orm::sea_query::{Expr, ExprTrait as _, JoinType, Order, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DerivePartialModel, EntityTrait as _, FromQueryResult, QueryFilter as _,
    QueryOrder as _, QuerySelect, QueryTrait as _,
};
use uuid::Uuid;

use super::births::{Birth, births};
use super::changes::{day_of, installed, kind_changes};
use super::fold::{DayNumbers, Facts, Metrics, RepositoryFacts};
use crate::charts::{covers, time};
use crate::db::Result;
use crate::db::select::{added, constant, count_all, is_counted, sum};
use entity::kind::Facet;
use entity::table::{chart_use, day_total, event, facet_total, repository, repository_day, repository_metrics};
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// What came less what went of something, by day and name.
type Changes = BTreeMap<NaiveDate, Vec<(String, i64)>>;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Facts of the days from first to last. The last span of all (`open`) takes what lies in the future, which wrong
/// clocks tell, for today's.
pub(super) async fn gather(c: &impl ConnectionTrait, first: NaiveDate, last: NaiveDate, open: bool) -> Result<Facts> {
    let before = first.checked_sub_days(Days::new(1)).unwrap_or(first);
    let span = Span { c, first: before, last, open };
    let totals = span.totals().await?;
    Ok(Facts {
        first,
        last,
        total_resources: totals.resources,
        active_resources: totals.active,
        total_events: totals.events,
        kinds: span.kinds().await?,
        charts: span.charts().await?,
        kind_changes: span.kind_changes().await?,
        chart_changes: span.chart_changes().await?,
        days: span.days().await?,
        repositories: span.repositories().await?,
    })
}

#[derive(FromQueryResult)]
struct Totals {
    resources: i64,
    active: i64,
    events: i64,
}

#[derive(FromQueryResult)]
struct DayChange {
    day: String,
    name: String,
    change: i64,
}

/// What a day changed in a repository's active resources.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "repository_day::Entity")]
struct RepositoryChange {
    repository_id: Uuid,
    day: String,
    #[sea_orm(from_expr = "change_of_active()")]
    change: i64,
}

fn change_of_active() -> Expr {
    use repository_day::Column::{Created, Deleted, Resurrected};
    added([Created, Resurrected]).sub(Deleted.into_expr())
}

struct Span<'a, C> {
    c: &'a C,
    first: NaiveDate,
    last: NaiveDate,
    open: bool,
}

impl<C: ConnectionTrait> Span<'_, C> {
    /// The first moment after the last day.
    fn end(&self) -> StoredTimestamp {
        stored_start_of(self.last.checked_add_days(Days::new(1)).unwrap_or(self.last))
    }

    /// The same in seconds since 1970, as spans say it.
    fn end_seconds(&self) -> i64 {
        start_of(self.last.checked_add_days(Days::new(1)).unwrap_or(self.last)).timestamp()
    }

    /// The last day as it is stored, where what comes after it is not the span's.
    fn last_told(&self) -> Option<String> {
        (!self.open).then(|| self.last.to_string())
    }

    /// A day as the span counts it.
    fn day(&self, text: &str) -> Option<NaiveDate> {
        Some(Ord::min(text.parse().ok()?, self.last))
    }

    /// Resources that ever were and that are, and events, all at the end of the last day.
    async fn totals(&self) -> Result<Totals> {
        use repository::Column::{ActiveResources, DeletedResources, Events, Id};
        let now = repository::Entity::find().filter(is_counted(Id)).select_only();
        let now = now
            .expr_as(sum(added([ActiveResources, DeletedResources])), "resources")
            .expr_as(sum(ActiveResources.into_expr()), "active")
            .expr_as(sum(Events.into_expr()), "events");
        let now = now.into_model().one(self.c).await?.unwrap_or(Totals { resources: 0, active: 0, events: 0 });
        let later = if self.open { None } else { self.later_totals().await? };
        let Some(later) = later else { return Ok(now) };
        Ok(Totals {
            resources: now.resources - later.resources,
            active: now.active - later.active,
            events: now.events - later.events,
        })
    }

    /// What came to these after the last day.
    async fn later_totals(&self) -> Result<Option<Totals>> {
        use day_total::Column::{Created, Deleted, Modified, Resurrected};
        let later = day_total::Entity::find().select_only();
        let later = later
            .expr_as(sum(Created.into_expr()), "resources")
            .expr_as(sum(added([Created, Resurrected]).sub(Deleted.into_expr())), "active")
            .expr_as(sum(added([Created, Modified, Deleted, Resurrected])), "events")
            .filter(day_total::COLUMN.day.gt(self.last.to_string()));
        Ok(later.into_model().one(self.c).await?)
    }

    async fn kinds(&self) -> Result<BTreeMap<String, i64>> {
        use facet_total::Column::{Active, Value};
        let now = facet_total::Entity::find().select_only().columns([Value, Active]);
        let now = now.filter(facet_total::COLUMN.facet.eq(Facet::Kind)).filter(facet_total::COLUMN.active.ne(0_i64));
        let mut counts: BTreeMap<String, i64> =
            now.into_tuple::<(String, i64)>().all(self.c).await?.into_iter().collect();
        // What stands now without what came after the last day.
        if !self.open {
            let later = kind_changes().filter(event::COLUMN.event_timestamp.gte(self.end()));
            let later: Vec<(String, i64)> = later.into_tuple().all(self.c).await?;
            for (name, change) in later {
                *counts.entry(name).or_default() -= change;
            }
        }
        Ok(counts)
    }

    /// Uses of charts at the end of the last day: what comes later by a wrong clock is counted on the open one.
    async fn charts(&self) -> Result<BTreeMap<String, i64>> {
        use chart_use::Column::{ChartName, FromTime, ToTime};
        let last = (!self.open).then(|| self.end_seconds() - 1).map(time);
        let uses = installed().filter(covers(FromTime, ToTime, last)).select_only();
        let uses = uses.column(ChartName).expr(count_all()).group_by(ChartName);
        Ok(uses.into_tuple::<(String, i64)>().all(self.c).await?.into_iter().collect())
    }

    /// Resources that came less those that went, by day and kind.
    async fn kind_changes(&self) -> Result<Changes> {
        let time = event::COLUMN.event_timestamp;
        let day = day_of(self.c, event::Column::EventTimestamp.into_expr());
        let all =
            kind_changes().expr_as(day.clone(), "day").group_by(day).filter(time.gte(stored_start_of(self.first)));
        let all = all.apply_if((!self.open).then(|| self.end()), |all, end| all.filter(time.lt(end)));
        let mut changes = Changes::new();
        for row in all.into_model::<DayChange>().all(self.c).await? {
            if let Some(day) = self.day(&row.day) {
                changes.entry(day).or_default().push((row.name, row.change));
            }
        }
        Ok(changes)
    }

    /// Uses of charts that began less those that ended, by day and name: a new version is both.
    async fn chart_changes(&self) -> Result<Changes> {
        use chart_use::Column::{ChartName, FromTime, ToTime};
        let mut changes = Changes::new();
        for (moment, sign) in [(FromTime, 1), (ToTime, -1)] {
            let day = moment.into_expr().div(constant(DAY));
            let all = installed().filter(moment.into_expr().gte(start_of(self.first).timestamp())).select_only();
            let all = all.expr_as(day.clone(), "day").column(ChartName).expr_as(count_all(), "count");
            let end = (!self.open).then(|| self.end_seconds());
            let all = all.apply_if(end, |all, end| all.filter(moment.into_expr().lt(end)));
            let all = all.group_by(day).group_by(ChartName);
            for (day, name, count) in all.into_tuple::<(i64, String, i64)>().all(self.c).await? {
                let day = Ord::min(time(day * DAY).date_naive(), self.last);
                changes.entry(day).or_default().push((name, sign * count));
            }
        }
        Ok(changes)
    }

    async fn days(&self) -> Result<BTreeMap<NaiveDate, DayNumbers>> {
        let day = day_total::COLUMN.day;
        let all = day_total::Entity::find().filter(day.gte(self.first.to_string()));
        let all = all.apply_if(self.last_told(), |all, last| all.filter(day.lte(last)));
        let mut days: BTreeMap<NaiveDate, DayNumbers> = BTreeMap::new();
        for row in all.all(self.c).await? {
            let Some(day) = self.day(&row.day) else { continue };
            let numbers = days.entry(day).or_default();
            numbers.created += row.created;
            numbers.modified += row.modified;
            numbers.deleted += row.deleted;
            numbers.resurrected += row.resurrected;
        }
        Ok(days)
    }

    async fn repositories(&self) -> Result<Vec<RepositoryFacts>> {
        let facts = |birth: Birth| {
            let (born, active) = (birth.born(), birth.active_resources);
            (birth.id, RepositoryFacts { born, active, changes: Vec::new(), metrics: Vec::new() })
        };
        let mut facts: HashMap<Uuid, RepositoryFacts> = births(self.c).await?.into_iter().map(facts).collect();
        let day = repository_day::COLUMN.day;
        if !self.open {
            let id = repository_day::Column::RepositoryId;
            let later = repository_day::Entity::find().select_only().column(id).group_by(id);
            let later = later.expr(change_of_active().sum().cast_as("BIGINT")).filter(day.gt(self.last.to_string()));
            let later: Vec<(Uuid, i64)> = later.into_tuple().all(self.c).await?;
            for (id, change) in later {
                if let Some(facts) = facts.get_mut(&id) {
                    facts.active -= change;
                }
            }
        }
        // Who is active on the first day may have been so for the last time long before.
        let since = self.first.checked_sub_days(Days::new(90)).unwrap_or(self.first);
        let changes = repository_day::Entity::find().filter(day.gte(since.to_string()));
        let changes = changes.apply_if(self.last_told(), |changes, last| changes.filter(day.lte(last)));
        let changes = changes.order_by_asc(repository_day::Column::Day);
        for row in changes.into_partial_model::<RepositoryChange>().all(self.c).await? {
            if let (Some(facts), Some(day)) = (facts.get_mut(&row.repository_id), self.day(&row.day)) {
                facts.changes.push((day, row.change));
            }
        }
        for row in self.metrics().await? {
            if let Some(facts) = facts.get_mut(&row.repository_id) {
                facts.metrics.push((row.recorded_at.date_naive(), row.into_metrics()));
            }
        }
        Ok(facts.into_values().collect())
    }

    /// The last snapshot of each repository before the span, then the last of each day in it.
    async fn metrics(&self) -> Result<Vec<MetricsRow>> {
        use repository_metrics::Column::{Id, RecordedAt, RepositoryId};
        let from = stored_start_of(self.first);
        let earlier = |column| Expr::col(("n", column));
        let newest_before = Query::select()
            .expr(earlier(Id))
            .from_as(repository_metrics::Entity, "n")
            .and_where(earlier(RepositoryId).eq(repository::Column::Id.into_expr()))
            .and_where(earlier(RecordedAt).lt(from))
            .order_by(("n", RecordedAt), Order::Desc)
            .order_by(("n", Id), Order::Desc)
            .limit(1)
            .take();
        let mut before = repository::Entity::find();
        QuerySelect::query(&mut before)
            .inner_join(repository_metrics::Entity, Id.into_expr().eq(Expr::from(newest_before)));
        let mut rows = before.into_partial_model().all(self.c).await?;

        let recorded_at = repository_metrics::COLUMN.recorded_at;
        let newest = repository_metrics::Entity::find().select_only().column(RepositoryId);
        let newest = newest
            .expr_as(RecordedAt.max(), "recorded_at")
            .filter(recorded_at.gte(from))
            .filter(recorded_at.lt(self.end()))
            .group_by(RepositoryId)
            .group_by(day_of(self.c, RecordedAt.into_expr()));
        let of_newest = |column: repository_metrics::Column| column.into_expr().eq(Expr::col(("w", column)));
        let is_newest = of_newest(RepositoryId).and(of_newest(RecordedAt));
        let mut within = repository_metrics::Entity::find();
        QuerySelect::query(&mut within).join_subquery(JoinType::InnerJoin, newest.into_query(), "w", is_newest);
        let within = within.order_by_asc(RecordedAt).order_by_asc(Id);
        rows.extend(within.into_partial_model::<MetricsRow>().all(self.c).await?);
        Ok(rows)
    }
}

/// A forge's figures at one time.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "repository_metrics::Entity")]
struct MetricsRow {
    repository_id: Uuid,
    recorded_at: Timestamp,
    stars_count: i64,
    forks_count: i64,
    watchers_count: i64,
    open_issues_count: i64,
    open_issues_known: bool,
    pushed_at: Option<Timestamp>,
}

impl MetricsRow {
    fn into_metrics(self) -> Metrics {
        Metrics {
            stars: self.stars_count,
            forks: self.forks_count,
            watchers: self.watchers_count,
            open_issues: self.open_issues_known.then_some(self.open_issues_count),
            pushed: self.pushed_at.map(|at| at.date_naive()),
        }
    }
}

pub(super) fn start_of(day: NaiveDate) -> Timestamp {
    day.and_time(NaiveTime::MIN).and_utc()
}

fn stored_start_of(day: NaiveDate) -> StoredTimestamp {
    start_of(day).into()
}
