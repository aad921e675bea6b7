//! Taking work.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
    SqlErr,
};
use uuid::Uuid;

use super::finish::{failed, update};
use super::{JobQueue, lease_end};
use crate::db::select::{at_most, constant, count_all, is_any};
use crate::db::{Engine, Result, Transaction, Turn, wait_for_turn};
use crate::jobs::is_in;
use entity::kind::{JobKind, JobRequest, JobState, Priority, RequestedBy};
use entity::table::job;
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// How often jobs that may not run are looked past.
const LOOK_PAST: Duration = Duration::from_secs(1);

/// A job that a worker holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedJob {
    pub id: Uuid,
    pub request: JobRequest,
    pub requested_by: RequestedBy,
    pub priority: Priority,
    /// 1 on the first try.
    pub attempts: i32,
    /// The trace that it goes on with (W3C).
    pub traceparent: Option<String>,
}

/// What a worker has room for.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    /// Names the worker in the jobs it holds.
    pub worker: &'a str,
    pub kinds: &'a [JobKind],
    /// Jobs at most.
    pub jobs: usize,
    /// Jobs that ask one machine at the same time, over all workers; `None` where it does not matter.
    pub max_per_host: Option<usize>,
    /// How long a job is held without a renewal.
    pub lease: Duration,
}

/// A job that could be taken.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "job::Entity")]
struct Candidate {
    id: Uuid,
    key: String,
    repository_id: Option<Uuid>,
    host: Option<String>,
}

impl JobQueue {
    /// Takes the next job that may run, or nothing.
    pub async fn claim(
        &self,
        worker: &str,
        kinds: &[JobKind],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<ClaimedJob>> {
        let room = Room { worker, kinds, jobs: 1, max_per_host: None, lease };
        Ok(self.claim_many(room, now).await?.pop())
    }

    /// Takes the next jobs that may run, the most urgent first. Never one whose key or repository a running job has.
    pub async fn claim_many(&self, room: Room<'_>, now: Timestamp) -> Result<Vec<ClaimedJob>> {
        if room.jobs == 0 || room.kinds.is_empty() {
            return Ok(Vec::new());
        }
        let now = StoredTimestamp::from(now);
        let txn = self.db.begin().await?;
        if self.db.engine == Engine::Postgres {
            // One process at a time looks, so that counts per machine hold and nobody picks what another just took.
            wait_for_turn(&txn, Turn::Claim).await?;
        }
        let picked = self.pick(&txn, room, now).await?;
        if picked.is_empty() {
            return Ok(Vec::new());
        }
        let taken = job::ActiveModel {
            state: Set(JobState::Running),
            worker: Set(Some(room.worker.to_owned())),
            started_at: Set(Some(now)),
            lease_until: Set(Some(lease_end(now.into(), room.lease).into())),
            progress_text: Set(None),
            progress_done: Set(None),
            progress_total: Set(None),
            ..Default::default()
        };
        let take = job::Entity::update_many().set(taken);
        let take = take.col_expr(job::Column::Attempts, job::COLUMN.attempts.add(1));
        let take = take.filter(is_in(JobState::Queued)).filter(job::COLUMN.id.is_in(picked.iter().copied()));
        let taken = match take.exec_with_returning(&txn).await {
            Ok(taken) => taken,
            // A program of another version began a job of the same key at this very moment.
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error.into()),
        };
        let mut jobs = Vec::with_capacity(taken.len());
        for job in taken {
            match serde_json::from_str(&job.payload) {
                Ok(request) => jobs.push(ClaimedJob {
                    id: job.id,
                    request,
                    requested_by: job.requested_by,
                    priority: job.priority,
                    attempts: job.attempts,
                    traceparent: job.traceparent,
                }),
                // Queued by another version of the program: nobody here can run it, and it must not block the queue.
                Err(_) => {
                    let failed = failed("this version of the program does not know such a job", now);
                    let failed = job::ActiveModel { worker: Set(None), ..failed };
                    update(&txn, failed, job::COLUMN.id.eq(job.id)).await?;
                }
            }
        }
        txn.commit().await?;
        jobs.sort_by_key(|job| picked.iter().position(|id| *id == job.id));
        self.tell(&picked).await;
        Ok(jobs)
    }

    /// When the next queued job may run, for a worker that sleeps.
    pub async fn next_run_at(&self, kinds: &[JobKind]) -> Result<Option<Timestamp>> {
        let queued = job::Entity::find().filter(is_in(JobState::Queued));
        let queued = queued.filter(is_any(job::Column::Kind.into_expr(), kinds.iter().copied()));
        let next = queued.select_only().column_as(job::COLUMN.run_at.min(), "run_at");
        Ok(next.into_tuple::<Option<Timestamp>>().one(&self.db.read).await?.flatten())
    }
}

impl JobQueue {
    /// The jobs to take now. A machine that is asked as much as it may be holds up nobody but its own: those that may not
    /// run beside what is picked are looked past.
    async fn pick(&self, txn: &Transaction, room: Room<'_>, now: StoredTimestamp) -> Result<Vec<Uuid>> {
        let mut asked = match room.max_per_host {
            Some(_) => running_by_host(txn).await?,
            None => HashMap::new(),
        };
        let most = room.max_per_host.unwrap_or(usize::MAX);
        let (mut picked, mut keys, mut repositories) = (Vec::new(), HashSet::new(), HashSet::new());
        let mut looks_past = None;
        loop {
            let beside = Beside { asked: &asked, most, keys: &keys, repositories: &repositories };
            let candidates = candidates(txn, room, beside, now).await?;
            let seen_all = candidates.len() < look_ahead(room);
            for Candidate { id, key, repository_id, host } in candidates {
                if picked.len() >= room.jobs {
                    break;
                }
                let asked = host.map(|host| asked.entry(host).or_default());
                let may = asked.as_ref().is_none_or(|count| **count < most);
                if !may || keys.contains(&key) || repository_id.is_some_and(|id| !repositories.insert(id)) {
                    continue;
                }
                keys.insert(key);
                if let Some(count) = asked {
                    *count += 1;
                }
                picked.push(id);
            }
            if seen_all || picked.len() >= room.jobs || !*looks_past.get_or_insert_with(|| self.may_look_past()) {
                return Ok(picked);
            }
        }
    }

    /// Looking past many jobs reads them all. Where one machine has the whole queue that is in vain each time, so it is not
    /// done with every claim.
    fn may_look_past(&self) -> bool {
        let mut last = self.looked_past.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| last.elapsed() >= LOOK_PAST);
        if may {
            *last = Some(Instant::now());
        }
        may
    }
}

/// How many jobs run on each machine.
async fn running_by_host(txn: &Transaction) -> Result<HashMap<String, usize>> {
    let on_hosts = job::Entity::find().filter(is_in(JobState::Running)).filter(job::COLUMN.host.is_not_null());
    let counts = on_hosts.select_only().column(job::Column::Host).column_as(count_all(), "jobs");
    let counts: Vec<(String, i64)> = counts.group_by(job::Column::Host).into_tuple().all(txn).await?;
    Ok(counts.into_iter().map(|(host, count)| (host, usize::try_from(count).unwrap_or(0))).collect())
}

/// So many jobs are looked at for each that may be taken.
fn look_ahead(room: Room<'_>) -> usize {
    room.jobs.saturating_mul(4)
}

/// What runs or is picked already, and what may not run beside it.
#[derive(Clone, Copy)]
struct Beside<'a> {
    asked: &'a HashMap<String, usize>,
    most: usize,
    keys: &'a HashSet<String>,
    repositories: &'a HashSet<Uuid>,
}

/// The first jobs of the queue that may run beside the others.
async fn candidates(
    txn: &Transaction,
    room: Room<'_>,
    Beside { asked, most, keys, repositories }: Beside<'_>,
    now: StoredTimestamp,
) -> Result<Vec<Candidate>> {
    let mut jobs = job::Entity::find().filter(is_in(JobState::Queued)).filter(job::COLUMN.run_at.lte(now));
    // Kinds of another version are left to it.
    jobs = jobs.filter(job::Column::Kind.is_in(room.kinds.iter().copied()));
    jobs = jobs.filter(no_other(JobState::Running, job::Column::Key));
    jobs = jobs.filter(no_other(JobState::Running, job::Column::RepositoryId));
    let full: Vec<&str> = asked.iter().filter(|(_, count)| **count >= most).map(|(host, _)| host.as_str()).collect();
    if !full.is_empty() {
        jobs = jobs.filter(job::COLUMN.host.is_null().or(job::COLUMN.host.is_not_in(full)));
    }
    if !keys.is_empty() {
        jobs = jobs.filter(job::COLUMN.key.is_not_in(keys));
    }
    if !repositories.is_empty() {
        let others = job::COLUMN.repository_id.is_not_in(repositories.iter().copied());
        jobs = jobs.filter(job::COLUMN.repository_id.is_null().or(others));
    }
    use job::Column::{Id, Priority, RunAt};
    let jobs = jobs.order_by_desc(Priority).order_by_asc(RunAt).order_by_asc(Id);
    let limit = at_most(u64::try_from(look_ahead(room)).unwrap_or(u64::MAX));
    Ok(jobs.limit(limit).into_partial_model().all(txn).await?)
}

/// Jobs beside which none in that state has the same key, or the same repository.
pub(super) fn no_other(state: JobState, same: job::Column) -> Expr {
    let of_other = |column| Expr::col(("other", column));
    let others = Query::select()
        .expr(constant(1))
        .from_as(job::Entity, "other")
        .and_where(of_other(same).equals((job::Entity, same)))
        .and_where(of_other(job::Column::State).eq(constant(state)))
        .to_owned();
    Expr::not_exists(others)
}
