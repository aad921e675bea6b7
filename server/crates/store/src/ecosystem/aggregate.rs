//! Computes the statistics of days, in steps that can be stopped between.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{Days, NaiveDate, TimeDelta};
use sea_orm::sea_query::{Expr, Func, OnConflict};
use sea_orm::{
    AccessMode, Condition, DatabaseTransaction, DerivePartialModel, EntityTrait as _, IntoActiveModel as _,
    IsolationLevel, Iterable as _, QueryFilter as _, QuerySelect as _, TransactionOptions, TransactionTrait,
};
use uuid::Uuid;

use super::RELEASE;
use super::births::births;
use super::fold::{DayStats, fold, most};
use super::gather::{gather, start_of};
use super::read::is_stale;
use crate::db::answers::mark_all_changed;
use crate::db::select::is_counted;
use crate::db::upsert::excluded;
use crate::db::{ConnectionTrait, Db, Engine, Result, new_id};
use crate::queue::JobQueue;
use crate::repositories::UNKNOWN_LANGUAGE;
use crate::scans::totals::mark_stale as insert_mark;
use entity::kind::{JobRequest, Priority, RequestedBy};
use entity::table::{ecosystem_stats, repository, stale_day};
use entity::value::JsonText;
use entity::view::Timestamp;

/// So many days are computed and stored at once: their values are fewer than a statement may have.
const STEP_DAYS: u64 = 183;
/// So many charts and topics are popular.
const POPULAR: usize = 20;

/// Which days are to be computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Marks that the plan answers; later ones stay for the next.
    marks: Vec<Uuid>,
    /// Spans without gaps, the newest first.
    pub steps: Vec<(NaiveDate, NaiveDate)>,
    /// The first day on which there was a repository; what is stored of days before it goes.
    begin: Option<NaiveDate>,
    today: NaiveDate,
}

impl Plan {
    /// How many days it is about.
    #[must_use]
    pub fn days(&self) -> i64 {
        self.steps.iter().map(|(first, last)| (*last - *first).num_days() + 1).sum()
    }
}

/// Says that the statistics from this day on are to be computed again.
pub async fn mark_stale(w: &impl ConnectionTrait, day: NaiveDate) -> Result<()> {
    insert_mark(w, &day.to_string()).await
}

/// Asks, in the caller's transaction, for the days that wait to be computed again, where any do. What makes days stale within
/// seconds is counted together.
pub async fn ask_if_stale(queue: &JobQueue, txn: &impl ConnectionTrait, now: Timestamp) -> Result<Option<Uuid>> {
    const WAIT: TimeDelta = TimeDelta::seconds(10);
    if !is_stale(txn).await? {
        return Ok(None);
    }
    let request = JobRequest::AggregateDailyEcosystemStats;
    queue.enqueue_at(txn, &request, RequestedBy::Job, Priority::ROUTINE, now, now + WAIT).await.map(Some)
}

/// What is to be done: from the first day that is marked stale, is missing, was computed before it ended or counts
/// other repositories than there are, up to today.
pub async fn plan(c: &impl ConnectionTrait, now: Timestamp) -> Result<Plan> {
    let today = now.date_naive();
    let (mut marks, mut marked) = (Vec::new(), None::<NaiveDate>);
    for mark in stale_day::Entity::find().all(c).await? {
        marks.push(mark.id);
        let day = mark.day.parse().unwrap_or(NaiveDate::MIN);
        marked = Some(marked.map_or(day, |first| first.min(day)));
    }
    let mut born: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for birth in births(c).await? {
        *born.entry(birth.born().min(today)).or_default() += 1;
    }
    let begin = born.keys().next().copied();
    let mut plan = Plan { marks, steps: Vec::new(), begin, today };
    let Some(begin) = begin else { return Ok(plan) };

    let mut stored: BTreeMap<NaiveDate, (i64, NaiveDate)> = BTreeMap::new();
    for row in ecosystem_stats::Entity::find().into_partial_model::<StoredDay>().all(c).await? {
        // What a clock that stood ahead computed is no more than a guess.
        if let Ok(day) = row.day.parse()
            && row.calculated_at <= now
        {
            stored.insert(day, (row.total_repositories, row.calculated_at.date_naive()));
        }
    }
    let mut repositories = 0;
    let is_fine = |day: &NaiveDate| {
        repositories += born.get(day).copied().unwrap_or(0);
        let known = stored.get(day).is_some_and(|(counted, computed)| *counted == repositories && computed > day);
        known && marked.is_none_or(|marked| *day < marked)
    };
    let fine = begin.iter_days().take_while(|day| *day <= today).take_while(is_fine_of(is_fine)).last();
    let first = fine.and_then(|day| day.succ_opt()).unwrap_or(begin).min(today);
    let mut last = today;
    loop {
        let from = last.checked_sub_days(Days::new(STEP_DAYS - 1)).unwrap_or(first).max(first);
        plan.steps.push((from, last));
        match from.pred_opt().filter(|_| from > first) {
            Some(before) => last = before,
            None => return Ok(plan),
        }
    }
}

/// What tells whether a day is fine as it is stored.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "ecosystem_stats::Entity")]
struct StoredDay {
    day: String,
    total_repositories: i64,
    calculated_at: Timestamp,
}

/// `take_while` wants a closure that may change what it counts with.
fn is_fine_of(mut is_fine: impl FnMut(&NaiveDate) -> bool) -> impl FnMut(&NaiveDate) -> bool {
    move |day| is_fine(day)
}

/// Computes and stores one step; gives back how many days.
pub async fn run_step(db: &Db, plan: &Plan, step: (NaiveDate, NaiveDate), now: Timestamp) -> Result<u64> {
    let started = Instant::now();
    let (first, last) = step;
    let snapshot = snapshot(db).await?;
    let facts = gather(&snapshot, first, last, last == plan.today).await?;
    let seen = if last == plan.today { Some(see(&snapshot).await?) } else { None };
    snapshot.rollback().await?;
    let days = fold(facts);
    let count = u64::try_from(days.len()).unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a number of days")]
    let seconds = started.elapsed().as_secs_f64() / days.len().max(1) as f64;
    let txn = db.begin().await?;
    store(&txn, plan.today, days, seen.as_ref(), seconds, now).await?;
    mark_all_changed(&txn).await?;
    txn.commit().await?;
    Ok(count)
}

/// After the last step: the marks are answered, and days before the first repository go.
pub async fn finish(db: &Db, plan: &Plan) -> Result<()> {
    let txn = db.begin().await?;
    let day = ecosystem_stats::COLUMN.day;
    let mut unknown = ecosystem_stats::Entity::delete_many();
    if let Some(begin) = plan.begin {
        unknown = unknown.filter(Condition::any().add(day.lt(begin.to_string())).add(day.gt(plan.today.to_string())));
    }
    if unknown.exec(&txn).await?.rows_affected > 0 {
        mark_all_changed(&txn).await?;
    }
    for marks in plan.marks.chunks(500) {
        let answered = stale_day::COLUMN.id.is_in(marks.iter().copied());
        stale_day::Entity::delete_many().filter(answered).exec(&txn).await?;
    }
    txn.commit().await?;
    Ok(())
}

/// Everything at once; gives back how many days were computed.
pub async fn aggregate(db: &Db, now: Timestamp) -> Result<u64> {
    let plan = plan(&db.read, now).await?;
    let mut days = 0;
    for step in plan.steps.iter().copied() {
        days += run_step(db, &plan, step, now).await?;
    }
    finish(db, &plan).await?;
    Ok(days)
}

/// A transaction in which every statement sees the same.
async fn snapshot(db: &Db) -> Result<DatabaseTransaction> {
    let mut options = TransactionOptions::default();
    if db.engine == Engine::Postgres {
        options.isolation_level = Some(IsolationLevel::RepeatableRead);
        options.access_mode = Some(AccessMode::ReadOnly);
    }
    Ok(db.read.begin_with_options(options).await?)
}

/// What can only be seen on the day itself.
struct Seen {
    languages: BTreeMap<String, i64>,
    topics: BTreeMap<String, i64>,
}

async fn see(c: &impl ConnectionTrait) -> Result<Seen> {
    use repository::Column::{Id, Language, Topics};
    let (mut languages, mut topics) = (BTreeMap::<String, i64>::new(), BTreeMap::<String, i64>::new());
    let told = repository::Entity::find().filter(is_counted(Id)).select_only();
    let told = told.columns([Language, Topics]).into_tuple();
    let told: Vec<(Option<String>, JsonText<Vec<String>>)> = told.all(c).await?;
    for (language, JsonText(of_repository)) in told {
        *languages.entry(language.unwrap_or_else(|| UNKNOWN_LANGUAGE.to_owned())).or_default() += 1;
        for topic in of_repository {
            *topics.entry(topic).or_default() += 1;
        }
    }
    Ok(Seen { languages, topics: most(topics, POPULAR) })
}

async fn store(
    c: &impl ConnectionTrait,
    today: NaiveDate,
    days: Vec<DayStats>,
    seen: Option<&Seen>,
    seconds: f64,
    now: Timestamp,
) -> Result<()> {
    let row = |day: DayStats| {
        let seen = seen.filter(|_| day.day == today);
        row(day, seen, seconds, now).into_active_model()
    };
    let days = ecosystem_stats::Entity::insert_many(days.into_iter().map(row));
    days.on_conflict(computed_again()).exec_without_returning(c).await?;
    Ok(())
}

/// A day as it is stored.
fn row(day: DayStats, seen: Option<&Seen>, seconds: f64, now: Timestamp) -> ecosystem_stats::Model {
    ecosystem_stats::Model {
        id: new_id(start_of(day.day)),
        day: day.day.to_string(),
        total_repositories: day.total_repositories,
        active_repositories: day.active_repositories,
        repositories_with_resources: day.repositories_with_resources,
        measured_repositories: day.measured_repositories,
        total_resources: day.total_resources,
        active_resources: day.active_resources,
        active_helm_releases: day.kinds.get(RELEASE).copied().unwrap_or(0),
        total_resource_events: day.total_events,
        daily_created_resources: day.numbers.created,
        daily_modified_resources: day.numbers.modified,
        daily_deleted_resources: day.numbers.deleted,
        daily_resurrected_resources: day.numbers.resurrected,
        total_stars: day.stars,
        total_forks: day.forks,
        total_watchers: day.watchers,
        total_open_issues: day.open_issues,
        repositories_with_known_issues: day.repositories_with_known_issues,
        repository_growth: day.repository_growth,
        resource_growth: day.resource_growth,
        star_growth: day.star_growth,
        resource_type_breakdown: JsonText(day.kinds),
        popular_helm_charts: JsonText(most(day.charts, POPULAR)),
        language_breakdown: seen.map(|seen| JsonText(seen.languages.clone())),
        popular_topics: seen.map(|seen| JsonText(seen.topics.clone())),
        calculated_at: now.into(),
        calculation_duration_seconds: seconds,
    }
}

/// What becomes of a day that is stored already. It keeps its id, and what was seen on it, as nobody can see that later.
fn computed_again() -> OnConflict {
    use ecosystem_stats::Column::{self, Day, Id, LanguageBreakdown, PopularTopics};
    let seen = |column: Column| Func::coalesce([excluded(column), Expr::col((ecosystem_stats::Entity, column))]);
    let kept = |column: &Column| matches!(column, Id | Day | LanguageBreakdown | PopularTopics);
    OnConflict::column(Day)
        .update_columns(Column::iter().filter(|column| !kept(column)))
        .value(LanguageBreakdown, seen(LanguageBreakdown))
        .value(PopularTopics, seen(PopularTopics))
        .to_owned()
}
