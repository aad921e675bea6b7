//! Branches of repositories, and what happened to those that are watched.

use axum::{Json, extract::State};
use entity::kind::{BranchEventKind, BranchEventState};
use entity::view::{Branch, BranchEvent, BranchEventFilter, BranchFilter, Listing};
use serde::Deserialize;
use store::db::Db;
use store::watch;
use utoipa::IntoParams;
use uuid::Uuid;

use super::repositories::find;
use crate::web::api::{
    extract::{Check, Id, PageParams, Params},
    problem::Problem,
};

/// Which branches.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BranchParams {
    /// Part of the name, any case; over all repositories only the 20,000 that changed last are looked through.
    text: Option<String>,
    /// Only those that are watched, or only those that are not.
    #[param(value_type = Option<bool>)]
    watched: Option<String>,
    /// Only those that are gone, or only those that are there.
    #[param(value_type = Option<bool>)]
    deleted: Option<String>,
}

impl BranchParams {
    fn filter(&self, repository_id: Option<Uuid>, page: &PageParams, check: &mut Check) -> BranchFilter {
        BranchFilter {
            repository_id,
            text: check.text("text", self.text.as_deref()),
            watched: check.maybe_flag("watched", self.watched.as_deref()),
            deleted: check.maybe_flag("deleted", self.deleted.as_deref()),
            page: page.page(check),
        }
    }
}

/// Of which repository.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfRepository {
    /// Only those of this repository.
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<String>,
}

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BranchEventParams {
    /// Only those of this repository.
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<String>,
    /// Only those of this branch.
    #[param(value_type = Option<Uuid>)]
    branch_id: Option<String>,
    /// Part of the branch's name, any case; without a repository or branch only the 20,000 newest events are looked through.
    text: Option<String>,
    /// What happened.
    #[param(value_type = Option<BranchEventKind>)]
    r#type: Option<String>,
    /// How far everybody who is to be told has been.
    #[param(value_type = Option<BranchEventState>)]
    state: Option<String>,
    /// Noticed not before this time.
    #[param(value_type = Option<chrono::DateTime<Utc>>)]
    since: Option<String>,
    /// Noticed before this time.
    #[param(value_type = Option<chrono::DateTime<Utc>>)]
    until: Option<String>,
}

/// Branches of a repository
#[utoipa::path(
    get, path = "/repositories/{repository_id}/branches", operation_id = "list_repository_branches", tag = "branches",
    params(("repository_id" = Uuid, Path, description = "The repository"), PageParams, BranchParams),
    responses(
        (status = 200, description = "Those that changed last first, also those that are gone", body = Listing<Branch>),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repository_branches(
    State(db): State<Db>,
    Id(id): Id,
    Params(page): Params<PageParams>,
    Params(params): Params<BranchParams>,
) -> Result<Json<Listing<Branch>>, Problem> {
    let mut check = Check::default();
    let filter = params.filter(Some(id), &page, &mut check);
    check.finish()?;
    find(&db, id).await?;
    Ok(Json(watch::list_branches(&db.read, &filter).await?))
}

/// Branches of all repositories
#[utoipa::path(
    get, path = "/branches", operation_id = "list_branches", tag = "branches",
    params(PageParams, OfRepository, BranchParams),
    responses(
        (status = 200, description = "Those that changed last first, also those that are gone", body = Listing<Branch>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_branches(
    State(db): State<Db>,
    Params(page): Params<PageParams>,
    Params(of): Params<OfRepository>,
    Params(params): Params<BranchParams>,
) -> Result<Json<Listing<Branch>>, Problem> {
    let mut check = Check::default();
    let repository = check.uuid("repository_id", of.repository_id.as_deref());
    let filter = params.filter(repository, &page, &mut check);
    check.finish()?;
    Ok(Json(watch::list_branches(&db.read, &filter).await?))
}

/// One branch
#[utoipa::path(
    get, path = "/branches/{branch_id}", operation_id = "get_branch", tag = "branches",
    params(("branch_id" = Uuid, Path, description = "The branch")),
    responses(
        (status = 200, description = "It may be gone: `deleted_at` says since when", body = Branch),
        (status = 404, description = "No such branch", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_branch(State(db): State<Db>, Id(id): Id) -> Result<Json<Branch>, Problem> {
    let found = watch::find_branch(&db.read, id).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("Branch not found"))
}

/// What happened to watched branches
#[utoipa::path(
    get, path = "/branch-events", operation_id = "list_branch_events", tag = "branches",
    params(PageParams, BranchEventParams),
    responses(
        (status = 200, description = "Newest first, without what each trigger made of them", body = Listing<BranchEvent>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_branch_events(
    State(db): State<Db>,
    Params(page): Params<PageParams>,
    Params(params): Params<BranchEventParams>,
) -> Result<Json<Listing<BranchEvent>>, Problem> {
    let mut check = Check::default();
    let filter = BranchEventFilter {
        repository_id: check.uuid("repository_id", params.repository_id.as_deref()),
        branch_id: check.uuid("branch_id", params.branch_id.as_deref()),
        text: check.text("text", params.text.as_deref()),
        kind: check.word("type", params.r#type.as_deref()),
        state: check.word("state", params.state.as_deref()),
        since: check.time("since", params.since.as_deref()),
        until: check.time("until", params.until.as_deref()),
        page: page.page(&mut check),
    };
    check.finish()?;
    Ok(Json(watch::list_branch_events(&db.read, &filter).await?))
}

/// One event, with what each trigger made of it
#[utoipa::path(
    get, path = "/branch-events/{event_id}", operation_id = "get_branch_event", tag = "branches",
    params(("event_id" = Uuid, Path, description = "The event")),
    responses(
        (status = 200, description = "With each trigger's verdict and Tekton's resources at the commit, once they are known", body = BranchEvent),
        (status = 404, description = "No such event", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_branch_event(State(db): State<Db>, Id(id): Id) -> Result<Json<BranchEvent>, Problem> {
    let found = watch::find_branch_event(&db.read, id).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("Branch event not found"))
}
