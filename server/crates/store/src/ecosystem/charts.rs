//! Charts of all repositories together. They are counted when somebody asks: from uses that are open, and those of the days
//! that are asked about, never from all of history.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result};
use crate::charts::{Step, VersionSpan, commits_of, origins_of, steps, time, uses_at};
use crate::db::select::{count_all, is_any, is_counted, rows};
use entity::table::{chart, chart_use};
use entity::view::{
    ChartMove, EcosystemCharts, EcosystemRange, Listing, NewChart, PopularChart, RecentUpgrade, Timestamp, Upgrader,
    web_url,
};

/// What is new, and who upgraded, is told of so many days.
const WEEK: TimeDelta = TimeDelta::days(7);
/// All of history says nothing about where a chart is going.
const USUAL_DAYS: u32 = 90;
/// So many are told of what is used most.
const POPULAR: u64 = 12;
/// So many rise, and so many fall.
const MOVES: usize = 8;
/// Rows of the week.
const ROWS: usize = 20;
/// Repositories that are named of each upgrade.
const NAMED: usize = 3;

/// What is used most, what is rising and falling over a range, what is new and who upgraded in the last week; as it was `at`
/// a time, or as it is now.
pub async fn charts(
    c: &impl ConnectionTrait,
    range: EcosystemRange,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<EcosystemCharts> {
    let days = range.days().unwrap_or(USUAL_DAYS);
    let now = at.unwrap_or(now);
    let (rising, falling) = moves(c, now - TimeDelta::days(i64::from(days)), at).await?;
    let week = Week { since: (now - WEEK).timestamp(), now: now.timestamp(), at };
    let spans = week.spans(c).await?;
    let new = week.new_charts(c, &spans).await?;
    let upgrades = week.upgrades(c, &spans).await?;
    Ok(EcosystemCharts { days, popular: popular(c, at).await?, rising, falling, new, upgrades })
}

/// Uses of charts that are known. Said like this, each chart is looked up in the index that begins with charts and goes on
/// with times; a question for times alone would read every use.
fn uses_of_charts() -> Select<chart_use::Entity> {
    let charts = chart::Entity::find().select_only().column(chart::Column::Id).into_query();
    let uses = chart_use::Entity::find().filter(chart_use::Column::ChartId.in_subquery(charts));
    uses.filter(is_counted(chart_use::Column::RepositoryId))
}

/// Charts with most releases: a release has one use at a time.
async fn popular(c: &impl ConnectionTrait, at: Option<Timestamp>) -> Result<Vec<PopularChart>> {
    use chart_use::Column::ChartId;
    let most = uses_of_charts().filter(uses_at(at)).select_only();
    let most = most.column(ChartId).expr_as(count_all(), "releases").group_by(ChartId);
    let most = most.order_by_desc(count_all()).order_by_asc(ChartId).limit(POPULAR);
    let most: Vec<(i64, i64)> = most.into_tuple().all(c).await?;
    let charts = named(c, most.iter().map(|(id, _)| *id)).await?;
    let shown = |(id, releases): (i64, i64)| {
        let (key, name) = charts.get(&id)?.clone();
        Some(PopularChart { id, key, name, releases })
    };
    let mut popular: Vec<PopularChart> = most.into_iter().filter_map(shown).collect();
    popular.sort_by(|a, b| b.releases.cmp(&a.releases).then_with(|| a.name.cmp(&b.name)));
    Ok(popular)
}

/// Charts whose number of repositories is another one than it was then: those with more, and those with fewer.
async fn moves(
    c: &impl ConnectionTrait,
    then: Timestamp,
    at: Option<Timestamp>,
) -> Result<(Vec<ChartMove>, Vec<ChartMove>)> {
    let mut rising: Vec<ChartMove> = rows(c, &moved(then, at)).await?;
    let mut falling: Vec<ChartMove> = rising.extract_if(.., |one| one.change() < 0).collect();
    let order = |a: &ChartMove, b: &ChartMove| {
        let most = b.change().abs().cmp(&a.change().abs()).then(b.now.cmp(&a.now));
        most.then_with(|| (&a.name, &a.key).cmp(&(&b.name, &b.key)))
    };
    for moves in [&mut rising, &mut falling] {
        moves.sort_unstable_by(order);
        moves.truncate(MOVES);
    }
    Ok((rising, falling))
}

/// Charts with the number of their repositories now and then, where it is not the same. What is open, and what ended since, is
/// read by two ranges of the index: most uses ended long before.
fn moved(then: Timestamp, at: Option<Timestamp>) -> SelectStatement {
    use chart_use::Column::{ChartId, FromTime, RepositoryId, ToTime};
    let then = then.timestamp();
    let parts = |uses: Select<chart_use::Entity>| {
        uses.select_only().columns([ChartId, RepositoryId, FromTime, ToTime]).into_query()
    };
    let ended = parts(uses_of_charts().filter(chart_use::COLUMN.to_time.gt(then)));
    let uses = parts(uses_of_charts().filter(uses_at(None))).union(UnionType::All, ended).take();
    let of_use = |column: chart_use::Column| Expr::col(("w", column));
    let users = |which: Expr| {
        let counted: Expr = Expr::case(which, of_use(RepositoryId)).into();
        counted.count_distinct()
    };
    let is_open = match at.map(|at| at.timestamp()) {
        None => of_use(ToTime).is_null(),
        Some(at) => of_use(FromTime).lte(at).and(of_use(ToTime).is_null().or(of_use(ToTime).gt(at))),
    };
    let (now, before) = (users(is_open), users(of_use(FromTime).lte(then)));
    let of_chart = |column| Expr::col((chart::Entity, column));
    let (id, key, name) = (of_chart(chart::Column::Id), of_chart(chart::Column::Key), of_chart(chart::Column::Name));
    Query::select()
        .from_subquery(uses, "w")
        .inner_join(chart::Entity, id.clone().equals(("w", ChartId)))
        .expr_as(id.clone(), "id")
        .expr_as(key.clone(), "key")
        .expr_as(name.clone(), "name")
        .expr_as(now.clone(), "now")
        .expr_as(before.clone(), "before")
        .add_group_by([id, key, name])
        .and_having(now.ne(before))
        .take()
}

/// Keys and names of charts.
async fn named(c: &impl ConnectionTrait, ids: impl Iterator<Item = i64>) -> Result<HashMap<i64, (String, String)>> {
    let charts = chart::Entity::find().filter(is_any(chart::Column::Id.into_expr(), ids));
    let charts = charts.all(c).await?.into_iter();
    Ok(charts.map(|chart| (chart.id, (chart.key, chart.name))).collect())
}

/// The last days, in seconds since 1970. Commits of clocks that are ahead are not among them: they would lead all lists.
struct Week {
    since: i64,
    now: i64,
    /// The time that these are told of, where it is past: what ended later is open.
    at: Option<Timestamp>,
}

/// A chart that may be new: its first use, and who has it.
#[derive(Default)]
struct Candidate {
    first: Option<i64>,
    users: HashSet<Uuid>,
}

/// What a step is: the chart, from which version, to which.
type StepKey<'s> = (i64, &'s str, &'s str);

/// A repository that made a step: the time and place of the commit that did.
type Made = (i64, i64, Uuid);

/// Those that made a step: by each, when and where on its line last.
#[derive(Default)]
struct Makers {
    last: HashMap<Uuid, (i64, i64)>,
    rolled_back: HashSet<Uuid>,
}

/// A step of several repositories.
struct Folded<'s> {
    key: StepKey<'s>,
    /// By each once, the newest first.
    by: Vec<Made>,
    rolled_back: usize,
}

impl Week {
    const fn contains(&self, time: i64) -> bool {
        self.since < time && time <= self.now
    }

    /// Spans that began or ended since, in the order of their releases and commits: whatever a step of these days left,
    /// came to and went on to is among them.
    async fn spans(&self, c: &impl ConnectionTrait) -> Result<Vec<VersionSpan>> {
        use chart_use::COLUMN;
        let ended = uses_of_charts().filter(COLUMN.to_time.gt(self.since));
        let ended = ended.apply_if(self.at, |ended, at| ended.filter(COLUMN.to_time.lte(at.timestamp())));
        let mut spans: Vec<VersionSpan> = ended.into_partial_model().all(c).await?;
        let begun = uses_of_charts().filter(COLUMN.from_time.gt(self.since));
        let begun = begun.apply_if(self.at, |begun, at| begun.filter(COLUMN.from_time.lte(at.timestamp())));
        spans.extend(begun.clone().filter(uses_at(None)).into_partial_model::<VersionSpan>().all(c).await?);
        if let Some(at) = self.at {
            // Asked for by itself: of either the one or the other, SQLite would read all uses.
            let begun = begun.filter(COLUMN.to_time.gt(at.timestamp())).into_partial_model::<VersionSpan>();
            spans.extend(begun.all(c).await?.into_iter().map(|span| VersionSpan { to_sequence: None, ..span }));
        }
        spans.sort_unstable_by_key(|span| (span.release_id, span.from_sequence));
        Ok(spans)
    }

    /// Charts in use that nobody had used before.
    async fn new_charts(&self, c: &impl ConnectionTrait, spans: &[VersionSpan]) -> Result<Listing<NewChart>> {
        let mut candidates: HashMap<i64, Candidate> = HashMap::new();
        for span in spans {
            let Some(id) = span.chart_id else { continue };
            let chart = candidates.entry(id).or_default();
            chart.first = Some(chart.first.map_or(span.from_time, |first| Ord::min(first, span.from_time)));
            if span.to_sequence.is_none() {
                chart.users.insert(span.repository_id);
            }
        }
        let is_new = |chart: &Candidate| !chart.users.is_empty() && chart.first.is_some_and(|at| self.contains(at));
        candidates.retain(|_, chart| is_new(chart));
        // Those that others have had for long, and still have.
        let ids: Vec<i64> = candidates.keys().copied().collect();
        for ids in ids.chunks(500) {
            let before = chart_use::Entity::find()
                .filter(is_any(chart_use::Column::ChartId.into_expr(), ids.iter().copied()))
                .filter(chart_use::COLUMN.from_time.lte(self.since))
                .filter(is_counted(chart_use::Column::RepositoryId))
                .select_only()
                .column(chart_use::Column::ChartId)
                .distinct();
            for known in before.into_tuple::<i64>().all(c).await? {
                candidates.remove(&known);
            }
        }
        let count = u64::try_from(candidates.len()).unwrap_or(u64::MAX);
        let new = candidates.into_iter().filter_map(|(id, chart)| Some((id, chart.first?, chart.users.len())));
        let mut new: Vec<(i64, i64, usize)> = new.collect();
        new.sort_unstable_by_key(|(id, first, users)| (Reverse(*users), Reverse(*first), *id));
        new.truncate(ROWS);
        let charts = named(c, new.iter().map(|(id, ..)| *id)).await?;
        let shown = |(id, first, users): (i64, i64, usize)| {
            let (key, name) = charts.get(&id)?.clone();
            Some(NewChart { id, key, name, repositories: number(users), first_used_at: time(first) })
        };
        Ok(Listing { data: new.into_iter().filter_map(shown).collect(), count })
    }

    /// Steps up, those of several repositories as one; the newest first.
    fn folded<'s>(&self, spans: &'s [VersionSpan]) -> Vec<Folded<'s>> {
        let mut by_step: HashMap<StepKey<'s>, Makers> = HashMap::new();
        let of_these_days = |step: &Step<'_>| step.is_upgrade() && self.contains(step.after.from_time);
        for step in steps(spans).filter(of_these_days) {
            let (Some(chart), after) = (step.after.chart_id, step.after) else { continue };
            let makers = by_step.entry((chart, step.from, step.to)).or_default();
            let newest = makers.last.entry(after.repository_id).or_default();
            *newest = (*newest).max((after.from_time, after.from_sequence));
            if step.is_rolled_back() {
                makers.rolled_back.insert(after.repository_id);
            }
        }
        let folded = by_step.into_iter().map(|(key, Makers { last, rolled_back })| {
            let mut by: Vec<Made> = last.into_iter().map(|(repository, (at, place))| (at, place, repository)).collect();
            by.sort_unstable_by_key(|made| Reverse(*made));
            Folded { key, by, rolled_back: rolled_back.len() }
        });
        let mut folded: Vec<Folded<'_>> = folded.collect();
        folded.sort_by_key(|of| (Reverse(of.by.first().map(|(at, ..)| *at)), Reverse(of.by.len()), of.key));
        folded
    }

    async fn upgrades(&self, c: &impl ConnectionTrait, spans: &[VersionSpan]) -> Result<Listing<RecentUpgrade>> {
        let mut folded = self.folded(spans);
        let count = u64::try_from(folded.len()).unwrap_or(u64::MAX);
        folded.truncate(ROWS);
        let told = || folded.iter().flat_map(|of| of.by.iter().take(NAMED));
        let commits = commits_of(c, told().map(|(_, place, repository)| (*repository, *place))).await?;
        let origins = origins_of(c, told().map(|(.., repository)| *repository)).await?;
        let charts = named(c, folded.iter().map(|of| of.key.0)).await?;
        let upgrader = |(at, place, repository_id): &Made| {
            let commit = commits.get(&(*repository_id, *place))?.to_string();
            let (repository, provider, base) = origins.get(repository_id)?;
            Some(Upgrader {
                repository_id: *repository_id,
                repository: repository.clone(),
                at: time(*at),
                web_url: web_url(*provider, base.as_deref(), &commit, None, None),
                commit,
            })
        };
        let shown = |of: &Folded<'_>| {
            let (chart_id, from, to) = of.key;
            let (chart_key, chart_name) = charts.get(&chart_id)?.clone();
            Some(RecentUpgrade {
                chart_id,
                chart_key,
                chart_name,
                from: from.to_owned(),
                to: to.to_owned(),
                at: time(of.by.first()?.0),
                repositories: number(of.by.len()),
                rolled_back: number(of.rolled_back),
                by: of.by.iter().take(NAMED).filter_map(upgrader).collect(),
            })
        };
        Ok(Listing { data: folded.iter().filter_map(shown).collect(), count })
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
