//! What one commit did to the cluster.

use axum::{Json, extract::State};
use entity::view::CommitDetail;
use store::db::Db;

use super::repositories::find;
use crate::web::api::{
    extract::{Check, Id, PageParams, Params, PathText},
    problem::Problem,
};

/// What a commit did
#[utoipa::path(
    get, path = "/commits/{repository_id}/{sha}", operation_id = "get_commit", tag = "events",
    params(
        ("repository_id" = Uuid, Path, description = "The repository"),
        ("sha" = String, Path, pattern = "^[0-9A-Fa-f]{4,64}$", description = "The commit's hash, or a beginning of it that fits one commit only"),
        PageParams,
    ),
    responses(
        (status = 200, description = "The commit, its neighbours and a page of its events", body = CommitDetail),
        (status = 404, description = "No such repository, or no event in such a commit", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_commit(
    State(db): State<Db>,
    Id(repository_id): Id,
    path: PathText,
    Params(page): Params<PageParams>,
) -> Result<Json<CommitDetail>, Problem> {
    let mut check = Check::default();
    let page = page.page(&mut check);
    let sha = check.at("path").commit("sha", path.get("sha"), 4);
    check.finish()?;
    find(&db, repository_id).await?;
    let sha = sha.ok_or_else(|| Problem::not_found("Commit not found"))?;
    store::commits::find_commit(&db.read, repository_id, &sha, page)
        .await?
        .map(Json)
        .ok_or_else(|| Problem::not_found("Commit not found"))
}
