//! Jobs: work that was asked for, goes on or is done.

use axum::{Json, extract::State};
use entity::{
    db::Db,
    kind::{JobKind, JobState},
    query,
    view::{Job, JobFilter, Listing},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::web::api::{
    extract::{Check, Id, PageParams, Params},
    problem::Problem,
};

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
        page: page.page(&mut check),
    };
    check.finish()?;
    Ok(Json(query::jobs::list_jobs(&db.read, &filter).await?))
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
    query::jobs::find_job(&db.read, id).await?.map(Json).ok_or_else(|| Problem::not_found("Job not found"))
}
