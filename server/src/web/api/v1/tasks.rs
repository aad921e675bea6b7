//! Jobs, workers and schedules in the words of the v1 API, whose clients know them as Celery's tasks; and all of it
//! in ours.

use std::collections::BTreeMap;

use actions::Actions;
use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode},
};
use chrono::{DateTime, Utc};
use entity::{
    kind::{JobKind, JobState},
    view::{Job, JobFilter, PageQuery, Tasks},
};
use serde::{Deserialize, Serialize};
use store::db::Db;
use utoipa::{IntoParams, ToSchema};

use super::watch_job;
use crate::{
    clock,
    web::{
        api::{
            extract::{Check, Id, MAX_SKIP, Params, PathText},
            problem::Problem,
        },
        rights::Actor,
    },
};

/// Jobs of each kind that a worker's lists hold at most.
const LISTED: u64 = 100;

/// A task that was started.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TaskStarted {
    /// The job, at `/api/v1/jobs/{task_id}`.
    pub task_id: String,
    /// `PENDING`.
    pub status: &'static str,
    /// What will be done, for people.
    pub message: String,
}

/// A job as the v1 API tells of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TaskMeta {
    /// The job's id.
    pub task_id: String,
    /// `PENDING`, `STARTED`, `SUCCESS`, `FAILURE`, `RETRY` or `REVOKED`.
    pub status: &'static str,
    /// What came of it, in words.
    pub result: Option<String>,
    /// Why it failed, in words.
    pub traceback: Option<String>,
    /// When it ended.
    pub date_done: Option<DateTime<Utc>>,
    /// Such as `kubestats.tasks.sync_repository.sync_repository`.
    pub name: String,
    /// The arguments as text.
    pub args: Option<String>,
    /// The named arguments as text.
    pub kwargs: Option<String>,
    /// Who runs or ran it.
    pub worker: Option<String>,
    /// Tries after the first.
    pub retries: i32,
}

/// What workers do, in the v1 API's words. Each map is by worker.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct WorkerStatus {
    /// Jobs that run.
    pub active: BTreeMap<String, Vec<TaskMeta>>,
    /// Jobs that wait for their time; they are no worker's yet and stand under `queue`.
    pub scheduled: BTreeMap<String, Vec<TaskMeta>>,
    /// Jobs that could run now; they are no worker's yet and stand under `queue`.
    pub reserved: BTreeMap<String, Vec<TaskMeta>>,
    /// What each worker tells of itself.
    pub stats: BTreeMap<String, WorkerStats>,
    /// The schedules.
    pub periodic_tasks: Vec<PeriodicTask>,
}

/// What a worker tells of itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkerStats {
    /// `web`, `worker` or `all`.
    pub role: String,
    /// The machine it runs on.
    pub hostname: String,
    /// Its process.
    pub pid: i64,
    /// Its version.
    pub version: String,
    /// Jobs that it takes at once.
    pub capacity: i64,
    /// Whether it was heard of lately.
    pub alive: bool,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it was last heard of.
    pub seen_at: DateTime<Utc>,
}

/// A schedule in the v1 API's words.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PeriodicTask {
    /// Its name, for `/tasks/trigger-periodic/{task_name}`.
    pub name: String,
    /// What it asks for.
    pub task: String,
    /// The cron expression.
    pub schedule: String,
    /// Whether it asks by itself.
    pub enabled: bool,
    /// How often it did.
    pub total_run_count: i64,
    /// Always empty.
    pub args: Vec<String>,
    /// Always empty.
    pub kwargs: BTreeMap<String, String>,
}

/// Which tasks.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TaskParams {
    /// `PENDING`, `STARTED`, `SUCCESS`, `FAILURE`, `RETRY` or `REVOKED`.
    #[param(pattern = "^(PENDING|STARTED|SUCCESS|FAILURE|RETRY|REVOKED)$")]
    status: Option<String>,
    /// Only those that ended at or after this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    since: Option<String>,
    /// Only those that ended before this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    until: Option<String>,
    /// Tasks to give.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<String>,
    /// Tasks to leave out at the beginning.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 1_000_000_000, default = 0)]
    offset: Option<String>,
}

/// Where a job stands, in Celery's words; queued jobs by whether they were tried already.
const STATES: &[(&str, (JobState, Option<bool>))] = &[
    ("PENDING", (JobState::Queued, Some(false))),
    ("STARTED", (JobState::Running, None)),
    ("SUCCESS", (JobState::Succeeded, None)),
    ("FAILURE", (JobState::Failed, None)),
    ("RETRY", (JobState::Queued, Some(true))),
    ("REVOKED", (JobState::Cancelled, None)),
];

fn status_of(job: &Job) -> &'static str {
    let tried = (job.state == JobState::Queued).then_some(job.attempts > 0);
    STATES.iter().find(|(_, state)| *state == (job.state, tried)).map_or("PENDING", |(word, _)| word)
}

/// A kind's full name, as clients of the v1 API know it.
fn task_name(kind: JobKind) -> String {
    let module = match kind {
        JobKind::SyncAllRepositories => "sync_repositories",
        kind => kind.as_str(),
    };
    format!("kubestats.tasks.{module}.{kind}")
}

fn meta(job: Job) -> TaskMeta {
    TaskMeta {
        task_id: job.id.to_string(),
        status: status_of(&job),
        name: task_name(job.kind),
        args: Some(job.repository_id.map_or_else(|| "()".to_owned(), |id| format!("('{id}',)"))),
        kwargs: Some("{}".to_owned()),
        retries: (job.attempts - 1).max(0),
        result: job.result,
        traceback: job.error,
        date_done: job.finished_at,
        worker: job.worker,
    }
}

/// Start a schedule's job now
#[utoipa::path(
    post, path = "/tasks/trigger-periodic/{task_name}", operation_id = "trigger_schedule", tag = "tasks",
    params(("task_name" = String, Path, description = "A schedule, such as `discover-repositories`")),
    responses(
        (status = 202, description = "The job is queued, or was already", body = TaskStarted,
            headers(("location" = String, description = "Where the job can be watched"))),
        (status = 404, description = "No such schedule", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Discovery is switched off", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn trigger_schedule(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    path: PathText,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<TaskStarted>), Problem> {
    let name = path.get("task_name").unwrap_or_default();
    let id = actions::trigger(&ctx, &actor, name).await?;
    let message = format!("Periodic task '{name}' triggered");
    Ok((
        StatusCode::ACCEPTED,
        [watch_job(id)],
        Json(TaskStarted { task_id: id.to_string(), status: "PENDING", message }),
    ))
}

/// One task
#[utoipa::path(
    get, path = "/tasks/status/{task_id}", operation_id = "get_task", tag = "tasks",
    params(("task_id" = Uuid, Path, description = "The task, that is the job")),
    responses(
        (status = 200, description = "Where it stands", body = TaskMeta),
        (status = 404, description = "No such task", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_task(State(db): State<Db>, Id(id): Id) -> Result<Json<TaskMeta>, Problem> {
    let job = store::jobs::find_job(&db.read, id).await?;
    job.map(|job| Json(meta(job))).ok_or_else(|| Problem::not_found("Task not found"))
}

/// Workers, what they do, and the schedules
#[utoipa::path(
    get, path = "/tasks/workers", operation_id = "get_workers", tag = "tasks",
    responses((status = 200, description = "By worker", body = WorkerStatus))
)]
pub async fn get_workers(State(db): State<Db>) -> Result<Json<WorkerStatus>, Problem> {
    let now = clock::now();
    let mut status = WorkerStatus::default();
    for worker in store::workers::list_workers(&db.read, now).await? {
        if worker.alive {
            status.active.insert(worker.id.clone(), worker.running.into_iter().map(meta).collect());
        }
        status.stats.insert(
            worker.id,
            WorkerStats {
                role: worker.role,
                hostname: worker.host,
                pid: worker.pid,
                version: worker.version,
                capacity: worker.capacity,
                alive: worker.alive,
                started_at: worker.started_at,
                seen_at: worker.seen_at,
            },
        );
    }
    let waiting =
        JobFilter { state: Some(JobState::Queued), page: PageQuery { skip: 0, limit: LISTED }, ..JobFilter::default() };
    let queued = store::jobs::list_jobs(&db.read, &waiting).await?.data;
    let (ready, later): (Vec<Job>, Vec<Job>) = queued.into_iter().partition(|job| job.run_at <= now);
    status.reserved.insert("queue".to_owned(), ready.into_iter().map(meta).collect());
    status.scheduled.insert("queue".to_owned(), later.into_iter().map(meta).collect());
    let periodic = |schedule: entity::view::Schedule| PeriodicTask {
        name: schedule.name,
        task: task_name(schedule.kind),
        schedule: schedule.cron,
        enabled: schedule.enabled,
        total_run_count: schedule.total_runs,
        args: Vec::new(),
        kwargs: BTreeMap::new(),
    };
    status.periodic_tasks = store::schedules::list_schedules(&db.read).await?.into_iter().map(periodic).collect();
    Ok(Json(status))
}

/// All tasks
#[utoipa::path(
    get, path = "/tasks/tasks/", operation_id = "list_tasks", tag = "tasks",
    params(TaskParams),
    responses(
        (status = 200, description = "Newest first", body = Vec<TaskMeta>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_tasks(
    State(db): State<Db>,
    Params(params): Params<TaskParams>,
) -> Result<Json<Vec<TaskMeta>>, Problem> {
    let mut check = Check::default();
    let mut filter = JobFilter {
        since: check.time("since", params.since.as_deref()),
        until: check.time("until", params.until.as_deref()),
        page: PageQuery {
            skip: check.number("offset", params.offset.as_deref(), 0..=MAX_SKIP, 0),
            limit: check.number("limit", params.limit.as_deref(), 1..=1_000, 100),
        },
        ..JobFilter::default()
    };
    if let Some(given) = params.status.as_deref() {
        match STATES.iter().find(|(word, _)| word.eq_ignore_ascii_case(given)) {
            Some((_, (state, retrying))) => (filter.state, filter.retrying) = (Some(*state), *retrying),
            None => {
                let words: Vec<&str> = STATES.iter().map(|(word, _)| *word).collect();
                check.refuse("status", given, "enum", format!("must be one of {}", words.join(", ")));
            }
        }
    }
    check.finish()?;
    let jobs = store::jobs::list_jobs(&db.read, &filter).await?;
    Ok(Json(jobs.data.into_iter().map(meta).collect()))
}

/// Everything that goes on
#[utoipa::path(
    get, path = "/tasks/overview", operation_id = "get_tasks_overview", tag = "tasks",
    responses((status = 200, description = "Workers, queue, schedules, budgets and disk as they are now", body = Tasks))
)]
pub async fn get_tasks_overview(State(db): State<Db>) -> Result<Json<Tasks>, Problem> {
    Ok(Json(store::tasks::tasks(&db.read, clock::now()).await?))
}
