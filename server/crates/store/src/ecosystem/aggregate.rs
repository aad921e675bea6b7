//! Computes the statistics of days, in steps that can be stopped between.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{Days, NaiveDate};
use sea_orm::{
    AccessMode, DatabaseTransaction, FromQueryResult, IsolationLevel, TransactionOptions, TransactionTrait, Value,
};
use uuid::Uuid;

use super::fold::{DayStats, fold, most};
use super::gather::{births, gather, start_of};
use crate::db::sql::{Sql, stored_time};
use crate::db::{ConnectionTrait, Db, Engine, Result, new_id};
use crate::repositories::UNKNOWN_LANGUAGE;
use crate::row::{json, to_json};
use crate::scans::bulk::Bulk;
use crate::scans::totals::mark_stale as insert_mark;
use entity::view::Timestamp;

/// So many days are computed and stored at once.
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

/// What is to be done: from the first day that is marked stale, is missing, was computed before it ended or counts
/// other repositories than there are, up to today.
pub async fn plan(c: &impl ConnectionTrait, now: Timestamp) -> Result<Plan> {
    let today = now.date_naive();
    let (mut marks, mut marked) = (Vec::new(), None::<NaiveDate>);
    for row in Sql::new("SELECT id, day FROM stale_day").rows(c).await? {
        marks.push(row.try_get_by_index(0)?);
        let day: String = row.try_get_by_index(1)?;
        let day = day.parse().unwrap_or(NaiveDate::MIN);
        marked = Some(marked.map_or(day, |first| first.min(day)));
    }
    let mut born: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for (_, day, _) in births(c).await? {
        *born.entry(day.min(today)).or_default() += 1;
    }
    let begin = born.keys().next().copied();
    let mut plan = Plan { marks, steps: Vec::new(), begin, today };
    let Some(begin) = begin else { return Ok(plan) };

    let mut stored: BTreeMap<NaiveDate, (i64, NaiveDate)> = BTreeMap::new();
    for row in Sql::new("SELECT day, total_repositories, calculated_at FROM ecosystemstats").rows(c).await? {
        let (day, at): (String, Timestamp) = (row.try_get_by_index(0)?, row.try_get_by_index(2)?);
        // What a clock that stood ahead computed is no more than a guess.
        if let Ok(day) = day.parse()
            && at <= now
        {
            stored.insert(day, (row.try_get_by_index(1)?, at.date_naive()));
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
    txn.commit().await?;
    Ok(count)
}

/// After the last step: the marks are answered, and days before the first repository go.
pub async fn finish(db: &Db, plan: &Plan) -> Result<()> {
    let txn = db.begin().await?;
    let mut sql = Sql::new("DELETE FROM ecosystemstats");
    if let Some(begin) = plan.begin {
        sql.push(" WHERE day < ").bind(begin.to_string()).push(" OR day > ").bind(plan.today.to_string());
    }
    sql.run(&txn).await?;
    for marks in plan.marks.chunks(500) {
        let mut sql = Sql::new("DELETE FROM stale_day WHERE id IN ");
        sql.bind_list(marks.iter().copied());
        sql.run(&txn).await?;
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
    languages: String,
    topics: String,
}

async fn see(c: &impl ConnectionTrait) -> Result<Seen> {
    #[derive(FromQueryResult)]
    struct Row {
        language: Option<String>,
        topics: String,
    }
    let (mut languages, mut topics) = (BTreeMap::<String, i64>::new(), BTreeMap::<String, i64>::new());
    for row in Sql::new("SELECT language, topics FROM repository").all::<Row>(c).await? {
        *languages.entry(row.language.unwrap_or_else(|| UNKNOWN_LANGUAGE.to_owned())).or_default() += 1;
        for topic in json::<Vec<String>>("repository.topics", &row.topics)? {
            *topics.entry(topic).or_default() += 1;
        }
    }
    let languages = to_json("languages", &languages)?;
    Ok(Seen { languages, topics: to_json("topics", &most(topics, POPULAR))? })
}

async fn store(
    c: &impl ConnectionTrait,
    today: NaiveDate,
    days: Vec<DayStats>,
    seen: Option<&Seen>,
    seconds: f64,
    now: Timestamp,
) -> Result<()> {
    let head = "INSERT INTO ecosystemstats (id, day, total_repositories, active_repositories, \
        repositories_with_resources, measured_repositories, total_resources, active_resources, active_helm_releases, total_resource_events, \
        daily_created_resources, daily_modified_resources, daily_deleted_resources, daily_resurrected_resources, \
        total_stars, total_forks, total_watchers, total_open_issues, repositories_with_known_issues, repository_growth, resource_growth, star_growth, \
        resource_type_breakdown, popular_helm_charts, language_breakdown, popular_topics, calculated_at, \
        calculation_duration_seconds)";
    let replaced = [
        "total_repositories",
        "active_repositories",
        "repositories_with_resources",
        "measured_repositories",
        "total_resources",
        "active_resources",
        "active_helm_releases",
        "total_resource_events",
        "daily_created_resources",
        "daily_modified_resources",
        "daily_deleted_resources",
        "daily_resurrected_resources",
        "total_stars",
        "total_forks",
        "total_watchers",
        "total_open_issues",
        "repositories_with_known_issues",
        "repository_growth",
        "resource_growth",
        "star_growth",
        "resource_type_breakdown",
        "popular_helm_charts",
        "calculated_at",
        "calculation_duration_seconds",
    ];
    let replaced: Vec<String> = replaced.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    // What was seen on a day stays, as nobody can see it later.
    let tail = format!(
        " ON CONFLICT (day) DO UPDATE SET {}, \
         language_breakdown = COALESCE(excluded.language_breakdown, ecosystemstats.language_breakdown), \
         popular_topics = COALESCE(excluded.popular_topics, ecosystemstats.popular_topics)",
        replaced.join(", ")
    );
    let mut bulk = Bulk::new(c, head, &tail, 28);
    for day in days {
        let seen = seen.filter(|_| day.day == today);
        let row: [Value; 28] = [
            new_id(start_of(day.day)).into(),
            day.day.to_string().into(),
            day.total_repositories.into(),
            day.active_repositories.into(),
            day.repositories_with_resources.into(),
            day.measured_repositories.into(),
            day.total_resources.into(),
            day.active_resources.into(),
            day.kinds.get("HelmRelease").copied().unwrap_or(0).into(),
            day.total_events.into(),
            day.numbers.created.into(),
            day.numbers.modified.into(),
            day.numbers.deleted.into(),
            day.numbers.resurrected.into(),
            day.stars.into(),
            day.forks.into(),
            day.watchers.into(),
            day.open_issues.into(),
            day.repositories_with_known_issues.into(),
            day.repository_growth.into(),
            day.resource_growth.into(),
            day.star_growth.into(),
            to_json("resource_type_breakdown", &day.kinds)?.into(),
            to_json("popular_helm_charts", &most(day.charts, POPULAR))?.into(),
            seen.map(|seen| seen.languages.clone()).into(),
            seen.map(|seen| seen.topics.clone()).into(),
            stored_time(now).into(),
            seconds.into(),
        ];
        bulk.push(row).await?;
    }
    bulk.finish().await?;
    Ok(())
}
