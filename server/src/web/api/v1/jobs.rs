//! Jobs: work that was asked for, goes on or is done.

use actions::Actions;
use axum::{Json, extract::State, http::StatusCode};
use entity::{
    kind::{JobKind, JobState, RequestedBy},
    view::{Job, JobDetail, JobFilter, Listing},
};
use serde::Deserialize;
use store::db::Db;
use utoipa::IntoParams;

use crate::web::{
    api::{
        extract::{Check, Id, PageParams, Params},
        problem::Problem,
    },
    rights::Actor,
};

/// What existing clients look for when there is no such job.
pub(super) const NOT_FOUND: &str = "Job not found";

/// Which jobs.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobParams {
    /// What the job does.
    #[param(value_type = Option<JobKind>)]
    kind: Option<String>,
    /// Where it is in its life.
    #[param(value_type = Option<JobState>)]
    state: Option<String>,
    /// Only queued and running ones.
    #[param(value_type = Option<bool>, default = false)]
    unfinished: Option<String>,
    /// Only of this repository.
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<String>,
    /// Only those that were asked for from there.
    #[param(value_type = Option<RequestedBy>)]
    requested_by: Option<String>,
    /// Only those that ended at or after this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    since: Option<String>,
    /// Only those that ended before this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    until: Option<String>,
    /// Part of the repository's name, of the result or of the error.
    text: Option<String>,
}

/// All jobs
#[utoipa::path(
    get, path = "/jobs", operation_id = "list_jobs", tag = "jobs",
    params(PageParams, JobParams),
    responses(
        (status = 200, description = "Newest first", body = Listing<Job>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_jobs(
    State(db): State<Db>,
    Params(page): Params<PageParams>,
    Params(params): Params<JobParams>,
) -> Result<Json<Listing<Job>>, Problem> {
    let mut check = Check::default();
    let filter = JobFilter {
        kind: check.word("kind", params.kind.as_deref()),
        state: check.word("state", params.state.as_deref()),
        unfinished: check.flag("unfinished", params.unfinished.as_deref()),
        repository_id: check.uuid("repository_id", params.repository_id.as_deref()),
        requested_by: check.word("requested_by", params.requested_by.as_deref()),
        retrying: None,
        since: check.time("since", params.since.as_deref()),
        until: check.time("until", params.until.as_deref()),
        text: check.text("text", params.text.as_deref()),
        page: page.page(&mut check),
    };
    check.finish()?;
    Ok(Json(store::jobs::list_jobs(&db.read, &filter).await?))
}

/// One job
#[utoipa::path(
    get, path = "/jobs/{job_id}", operation_id = "get_job", tag = "jobs",
    params(("job_id" = Uuid, Path, description = "The job")),
    responses(
        (status = 200, description = "The job with its progress", body = Job),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_job(State(db): State<Db>, Id(id): Id) -> Result<Json<Job>, Problem> {
    store::jobs::find_job(&db.read, id).await?.map(Json).ok_or_else(|| Problem::not_found(NOT_FOUND))
}

/// One job with everything that it said
#[utoipa::path(
    get, path = "/jobs/{job_id}/log", operation_id = "get_job_log", tag = "jobs",
    params(("job_id" = Uuid, Path, description = "The job")),
    responses(
        (status = 200, description = "The job and its log, oldest line first", body = JobDetail),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_job_log(State(db): State<Db>, Id(id): Id) -> Result<Json<JobDetail>, Problem> {
    store::tasks::find_job_detail(&db.read, id).await?.map(Json).ok_or_else(|| Problem::not_found(NOT_FOUND))
}

/// Call a job off
///
/// One that waits never runs; one that runs is told at once and stops at its next step.
#[utoipa::path(
    post, path = "/jobs/{job_id}/cancel", operation_id = "cancel_job", tag = "jobs",
    params(("job_id" = Uuid, Path, description = "The job")),
    responses(
        (status = 202, description = "The job is cancelled", body = Job),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The job has ended already", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn cancel_job(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
) -> Result<(StatusCode, Json<Job>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(actions::cancel(&ctx, &actor, id).await?)))
}
