use entity::kind::ReloadOutcome;
use entity::view::{ConfigReload, Job, JobDetail, Listing, PageQuery, Tasks, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::AppError;

/// What the page of tasks shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TasksData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub tasks: Tasks,
    /// Runs, newest first.
    pub jobs: Listing<Job>,
    /// Which of them are here.
    pub page: PageQuery,
    /// When processes read their configuration again, newest first.
    pub reloads: Vec<ConfigReload>,
}

/// Workers, queue, schedules, limits and runs, as the page's address says.
#[server(prefix = "/ui", endpoint = "tasks", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_tasks(query: String) -> Result<TasksData, AppError> {
    use crate::pages::ask;
    use entity::kind::{JobKind, JobState};
    use entity::view::JobFilter;
    use store::{jobs, tasks};

    let (db, now, params) = (ask::context()?.db, ask::now(), ask::params(&query)?);
    let filter = JobFilter {
        kind: ask::word(&params, "kind"),
        state: ask::word(&params, "state"),
        text: ask::text(&params, "text")?,
        page: ask::page(&params, 25),
        ..JobFilter::default()
    };
    let unknown = ask::is_unknown::<JobKind>(&params, "kind") || ask::is_unknown::<JobState>(&params, "state");
    Ok(TasksData {
        now,
        tasks: tasks::tasks(&db.read, now).await?,
        jobs: if unknown { Listing::default() } else { jobs::list_jobs(&db.read, &filter).await? },
        page: filter.page,
        reloads: {
            let (ctx, actor) = ask::actions()?;
            actions::list_reloads(&ctx, &actor).await?
        },
    })
}

/// What the page of one run shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub detail: JobDetail,
}

/// A run with its log.
#[server(prefix = "/ui", endpoint = "job", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn find_job(id: String) -> Result<JobData, AppError> {
    use crate::pages::ask;

    let db = ask::context()?.db;
    let detail = store::tasks::find_job_detail(&db.read, ask::id(&id, "run")?).await?;
    Ok(JobData { now: ask::now(), detail: detail.ok_or_else(|| ask::missing("run"))? })
}

/// Asks for what a schedule asks for, now; gives back the job's id.
#[server(prefix = "/ui", endpoint = "trigger_schedule", output = Postcard, client = crate::client::PageClient)]
pub async fn trigger_schedule(name: String) -> Result<Uuid, AppError> {
    let (ctx, actor) = crate::pages::ask::actions()?;
    Ok(actions::trigger(&ctx, &actor, &name).await?)
}

/// Has the process that answers read its configuration again.
#[server(prefix = "/ui", endpoint = "reload_configuration", output = Postcard, client = crate::client::PageClient)]
pub async fn reload_configuration() -> Result<ReloadOutcome, AppError> {
    let (ctx, actor) = crate::pages::ask::actions()?;
    Ok(actions::reload_configuration(&ctx, &actor).await?.outcome)
}

/// Cancels a run that waits or goes on; gives back its id. One that has ended stays as it is, which is said.
#[server(prefix = "/ui", endpoint = "cancel_job", output = Postcard, client = crate::client::PageClient)]
pub async fn cancel_job(job_id: Uuid) -> Result<Uuid, AppError> {
    let (ctx, actor) = crate::pages::ask::actions()?;
    Ok(actions::cancel(&ctx, &actor, job_id).await?.id)
}
