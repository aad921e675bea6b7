//! Repositories: lists, figures, and asking for work on one.

use actions::{Actions, Done};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode},
};
use entity::{
    kind::{GitOpsTool, Origin, SyncStatus},
    view::{
        Listing, RecentRepositories, Repository, RepositoryFilter, RepositoryMetrics, RepositorySort, RepositoryStats,
        Sort,
    },
};
use serde::Deserialize;
use store::db::Db;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Accepted, accepted};
use crate::{
    clock,
    web::{
        api::{
            extract::{Check, Id, PageParams, Params},
            problem::Problem,
        },
        rights::Actor,
    },
};

/// What existing clients look for when there is no such repository.
pub const NOT_FOUND: &str = "Repository not found";

/// That a job is queued, and where it can be watched.
type Queued = (StatusCode, [(HeaderName, String); 1], Json<Accepted>);

const SORTS: &[(&str, RepositorySort)] = &[
    ("name", RepositorySort::Name),
    ("resources", RepositorySort::Resources),
    ("helm_releases", RepositorySort::HelmReleases),
    ("events", RepositorySort::Events),
    ("problems", RepositorySort::Problems),
    ("last_sync", RepositorySort::LastSync),
    ("last_commit", RepositorySort::LastCommit),
    ("discovered", RepositorySort::Discovered),
];

/// Which repositories.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RepositoryParams {
    /// Part of the full name or the description.
    text: Option<String>,
    /// Main programming language, as the forge tells it.
    language: Option<String>,
    /// A topic, as the forge tells it.
    topic: Option<String>,
    /// State of the sync or scan.
    #[param(value_type = Option<SyncStatus>)]
    status: Option<String>,
    /// What applies the repository to a cluster.
    #[param(value_type = Option<GitOpsTool>)]
    gitops_tool: Option<String>,
    /// How the repository came to be here.
    #[param(value_type = Option<Origin>)]
    origin: Option<String>,
    /// What the list is sorted by.
    #[param(inline, value_type = Option<RepositorySort>, default = "last_commit")]
    sort: Option<String>,
    /// Which end comes first.
    #[param(inline, value_type = Option<Sort>, default = "descending")]
    direction: Option<String>,
}

impl RepositoryParams {
    fn filter(&self, page: &PageParams, check: &mut Check) -> RepositoryFilter {
        RepositoryFilter {
            text: check.text("text", self.text.as_deref()),
            language: check.text("language", self.language.as_deref()),
            topic: check.text("topic", self.topic.as_deref()),
            status: check.word("status", self.status.as_deref()),
            gitops_tool: check.word("gitops_tool", self.gitops_tool.as_deref()),
            origin: check.word("origin", self.origin.as_deref()),
            sort: check.choice("sort", self.sort.as_deref(), SORTS),
            direction: check.direction(self.direction.as_deref()),
            page: page.page(check),
        }
    }
}

/// What to look for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchParams {
    /// Part of the full name or the description.
    #[param(required = true, value_type = String, min_length = 1)]
    q: Option<String>,
}

/// How many snapshots.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MetricsParams {
    /// Snapshots to give.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<String>,
}

/// All repositories
#[utoipa::path(
    get, path = "/repositories/", operation_id = "list_repositories", tag = "repositories",
    params(PageParams, RepositoryParams),
    responses(
        (status = 200, description = "One page and the true total", body = Listing<Repository>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repositories(
    State(db): State<Db>,
    Params(page): Params<PageParams>,
    Params(params): Params<RepositoryParams>,
) -> Result<Json<Listing<Repository>>, Problem> {
    let mut check = Check::default();
    let filter = params.filter(&page, &mut check);
    check.finish()?;
    Ok(Json(store::repositories::list_repositories(&db.read, &filter).await?))
}

/// Figures over all repositories
#[utoipa::path(
    get, path = "/repositories/stats", operation_id = "get_repository_stats", tag = "repositories",
    responses((status = 200, description = "Totals, languages and the repositories with the most stars", body = RepositoryStats))
)]
pub async fn get_repository_stats(State(db): State<Db>) -> Result<Json<RepositoryStats>, Problem> {
    Ok(Json(store::figures::repository_stats(&db.read).await?))
}

/// Repositories that changed in the last days
#[utoipa::path(
    get, path = "/repositories/recent", operation_id = "list_recent_repositories", tag = "repositories",
    responses((status = 200, description = "Most events first", body = RecentRepositories))
)]
pub async fn list_recent_repositories(State(db): State<Db>) -> Result<Json<RecentRepositories>, Problem> {
    Ok(Json(store::figures::recent_repositories(&db.read, clock::now()).await?))
}

/// Repositories by name or description
#[utoipa::path(
    get, path = "/repositories/search", operation_id = "search_repositories", tag = "repositories",
    params(SearchParams, PageParams),
    responses(
        (status = 200, description = "One page and the true total", body = Listing<Repository>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn search_repositories(
    State(db): State<Db>,
    Params(search): Params<SearchParams>,
    Params(page): Params<PageParams>,
) -> Result<Json<Listing<Repository>>, Problem> {
    let mut check = Check::default();
    let text = check.text("q", search.q.as_deref());
    if search.q.as_deref().is_none_or(str::is_empty) {
        check.refuse("q", "", "missing", "must be given: a part of a repository's name or description");
    }
    let filter = RepositoryFilter { text, page: page.page(&mut check), ..RepositoryFilter::default() };
    check.finish()?;
    Ok(Json(store::repositories::list_repositories(&db.read, &filter).await?))
}

/// One repository
#[utoipa::path(
    get, path = "/repositories/{repository_id}", operation_id = "get_repository", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 200, description = "The repository with its states, figures and newest metrics", body = Repository),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_repository(State(db): State<Db>, Id(id): Id) -> Result<Json<Repository>, Problem> {
    let mut found = find(&db, id).await?;
    found.scanned_branches = store::repositories::list_scanned_branches(&db.read, id).await?;
    Ok(Json(found))
}

/// A forge's figures over time
#[utoipa::path(
    get, path = "/repositories/{repository_id}/metrics", operation_id = "list_repository_metrics", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository"), MetricsParams),
    responses(
        (status = 200, description = "Newest first", body = Listing<RepositoryMetrics>),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repository_metrics(
    State(db): State<Db>,
    Id(id): Id,
    Params(params): Params<MetricsParams>,
) -> Result<Json<Listing<RepositoryMetrics>>, Problem> {
    let mut check = Check::default();
    let limit = check.number("limit", params.limit.as_deref(), 1..=1_000, 100);
    check.finish()?;
    find(&db, id).await?;
    Ok(Json(store::repositories::list_metrics(&db.read, id, limit).await?))
}

/// Ask for a sync: look at the remote, fetch what is new
#[utoipa::path(
    post, path = "/repositories/{repository_id}/sync", operation_id = "sync_repository", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 202, description = "The job is queued, or was already", body = Accepted,
            headers(("location" = String, description = "Where the job can be watched"))),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The repository is blocked or switched off", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn sync_repository(Actor(actor): Actor, State(ctx): State<Actions>, Id(id): Id) -> Result<Queued, Problem> {
    queued(actions::sync(&ctx, &actor, id).await?, "Sync")
}

/// Ask for a sync of every repository
#[utoipa::path(
    post, path = "/repositories/sync", operation_id = "sync_repositories", tag = "repositories",
    responses(
        (status = 202, description = "The job that asks for them is queued, or was already", body = Accepted,
            headers(("location" = String, description = "Where the job can be watched"))),
    )
)]
pub async fn sync_repositories(Actor(actor): Actor, State(ctx): State<Actions>) -> Result<Queued, Problem> {
    let (job_id, count) = actions::sync_all(&ctx, &actor).await?;
    let message = format!("Sync of all repositories is queued: {count} of them");
    Ok(accepted(job_id, message))
}

/// Ask for a sync of every repository, under its other name
#[utoipa::path(
    post, path = "/repositories/sync-all", operation_id = "sync_all_repositories", tag = "repositories",
    responses(
        (status = 202, description = "The job that asks for them is queued, or was already", body = Accepted,
            headers(("location" = String, description = "Where the job can be watched"))),
    )
)]
pub async fn sync_all_repositories(actor: Actor, ctx: State<Actions>) -> Result<Queued, Problem> {
    sync_repositories(actor, ctx).await
}

/// Ask for a scan: replay commits that are fetched but not yet scanned
#[utoipa::path(
    post, path = "/repositories/{repository_id}/scan", operation_id = "scan_repository", tag = "repositories",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 202, description = "The job is queued, or was already", body = Accepted,
            headers(("location" = String, description = "Where the job can be watched"))),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The repository is blocked, switched off or never synced", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn scan_repository(Actor(actor): Actor, State(ctx): State<Actions>, Id(id): Id) -> Result<Queued, Problem> {
    queued(actions::scan(&ctx, &actor, id).await?, "Scan")
}

/// The repository or the 404 that clients know.
///
/// # Errors
/// The 404, or a failure of the database.
pub async fn find(db: &Db, id: Uuid) -> Result<Repository, Problem> {
    store::repositories::find_repository(&db.read, id).await?.ok_or_else(|| Problem::not_found(NOT_FOUND))
}

fn queued(done: Done, what: &str) -> Result<Queued, Problem> {
    let Done { repository, job } = done;
    let job = job.ok_or_else(|| Problem::internal_text("work was asked for and no job queued"))?;
    Ok(accepted(job, format!("{what} of {} is queued", repository.full_name)))
}
