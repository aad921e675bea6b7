//! Watched repositories.

use actions::Actions;
use actions::access::list_entered_apis;
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use entity::address::shown_url;
use entity::kind::{Provider, SyncStatus};
use entity::view::{PageQuery, WatchedRepository, WatchedRepositoryFilter};
use serde::Serialize;
use store::db::{DataError, Db};
use store::repositories::{find_repository_by_name, find_sync_targets};
use store::watch::{find_watched_repository, list_watched_repositories};
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::OffsetParams;
use super::{Envelope, Failure, Refused};
use crate::clock;
use crate::watching::{Polled, Polling};
use crate::web::api::extract::{Check, MAX_LIMIT, Params, PathText};
use crate::web::api::problem::Problem;
use crate::web::rights::Actor;

const NOT_FOUND: &str = "Repository not found";

/// A repository whose branches are watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReposentryRepository {
    /// `owner/name`, or what the configuration calls it.
    pub name: String,
    pub url: String,
    pub provider: Provider,
    /// Names of branches that are watched; empty where all are.
    pub branch_regex: String,
    /// Whether it is looked at.
    pub enabled: bool,
    /// How far apart looks at it are, such as `300s`: as is set for it or for all, else as follows from the age of its last
    /// commit. Null for samples, which are looked at once.
    pub polling_interval: Option<String>,
    pub polling_interval_seconds: Option<u64>,
    /// Where the API of its forge is asked; null where it has none, or where somebody entered an address for this repository
    /// alone, which is told to those who may manage it.
    pub api_base_url: Option<String>,
}

impl ReposentryRepository {
    fn new(found: WatchedRepository, polled: Polled) -> Self {
        let seconds = polled.interval.map(|interval| interval.as_secs());
        Self {
            url: shown_url(&found.url),
            name: found.full_name,
            provider: found.provider,
            branch_regex: found.watch.branch_regex.unwrap_or_default(),
            enabled: found.is_enabled && found.watch.is_enabled,
            polling_interval: seconds.map(|seconds| format!("{seconds}s")),
            polling_interval_seconds: seconds,
            api_base_url: polled.api.map(|api| shown_url(api.as_str().trim_end_matches('/'))),
        }
    }
}

/// Repositories with how they are asked, as far as the actor may see that.
async fn told(
    (ctx, db, polling): (&Actions, &Db, &Polling),
    actor: &actions::Actor,
    found: Vec<WatchedRepository>,
) -> Result<Vec<ReposentryRepository>, DataError> {
    let targets = find_sync_targets(&db.read, found.iter().map(|found| found.id)).await?;
    let entered = list_entered_apis(ctx, &db.read, actor, &targets).await?;
    let mut polled = polling.of(&targets, clock::now());
    let told = |found: WatchedRepository| {
        let mut polled = polled.remove(&found.id).unwrap_or_default();
        if let Some(entered) = entered.get(&found.id) {
            polled.api = entered.as_deref().and_then(|api| Url::parse(api).ok());
        }
        ReposentryRepository::new(found, polled)
    };
    Ok(found.into_iter().map(told).collect())
}

/// Watched repositories, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReposentryRepositories {
    /// How many there are.
    pub total: u64,
    pub repositories: Vec<ReposentryRepository>,
}

/// How the looks at a repository go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RepositoryStatus {
    pub name: String,
    pub enabled: bool,
    /// How the last look ended.
    pub status: SyncStatus,
    /// Why it failed; null where it did not.
    pub error: Option<String>,
    pub last_checked: Option<DateTime<Utc>>,
    /// When the branches were first looked at: what came later is an event.
    pub first_checked: Option<DateTime<Utc>>,
    /// Branches that are there.
    pub branches: i64,
    /// Those of them that are watched.
    pub watched_branches: i64,
    /// When something was noticed last.
    pub last_event_at: Option<DateTime<Utc>>,
}

/// Watched repositories
#[utoipa::path(
    get, path = "/api/repositories", operation_id = "list_reposentry_repositories", tag = "reposentry",
    params(OffsetParams),
    responses(
        (status = 200, description = "By name", body = Envelope<ReposentryRepositories>),
        (status = 422, description = "Wrong parameters", body = Failure),
    )
)]
pub async fn list_reposentry_repositories(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    State(db): State<Db>,
    State(polling): State<Polling>,
    params: Result<Params<OffsetParams>, Problem>,
) -> Result<Json<Envelope<ReposentryRepositories>>, Refused> {
    let mut check = Check::default();
    let page = params?.0.page(&mut check, MAX_LIMIT);
    check.finish()?;
    let filter = WatchedRepositoryFilter { watched: Some(true), text: None, page };
    let found = list_watched_repositories(&db.read, &filter).await?;
    let repositories = told((&ctx, &db, &polling), &actor, found.data).await?;
    Ok(Envelope::of(ReposentryRepositories { total: found.count, repositories }))
}

/// One watched repository
#[utoipa::path(
    get, path = "/api/repositories/{name}", operation_id = "get_reposentry_repository", tag = "reposentry",
    params(("name" = String, Path, description = "Its name, slashes as `%2F`, or its id")),
    responses(
        (status = 200, description = "The repository", body = Envelope<ReposentryRepository>),
        (status = 404, description = "None is watched by that name", body = Failure),
    )
)]
pub async fn get_reposentry_repository(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    State(db): State<Db>,
    State(polling): State<Polling>,
    path: Result<PathText, Problem>,
) -> Result<Json<Envelope<ReposentryRepository>>, Refused> {
    let found = find(&db, path?.get("name")).await?;
    let told = told((&ctx, &db, &polling), &actor, vec![found]).await?.pop();
    told.map(Envelope::of).ok_or_else(|| Refused::missing(NOT_FOUND))
}

/// How the looks at a repository go
#[utoipa::path(
    get, path = "/api/v1/repositories/{repository_id}/status", operation_id = "get_repository_status", tag = "reposentry",
    params(("repository_id" = String, Path, description = "Its id, or its name with slashes as `%2F`")),
    responses(
        (status = 200, description = "Its last look", body = Envelope<RepositoryStatus>),
        (status = 404, description = "None is watched by that name", body = Failure),
    )
)]
pub async fn get_repository_status(
    State(db): State<Db>,
    path: Result<PathText, Problem>,
) -> Result<Json<Envelope<RepositoryStatus>>, Refused> {
    let found = find(&db, path?.get("repository_id")).await?;
    Ok(Envelope::of(RepositoryStatus {
        enabled: found.is_enabled && found.watch.is_enabled,
        name: found.full_name,
        status: found.sync_status,
        error: found.sync_error,
        last_checked: found.last_sync_at,
        first_checked: found.watch.first_look_at,
        branches: found.branches,
        watched_branches: found.watched_branches,
        last_event_at: found.last_event_at,
    }))
}

/// The watched repository of a name or id.
pub(super) async fn find(db: &Db, name: Option<&str>) -> Result<WatchedRepository, Refused> {
    let mut check = Check::default();
    let name = check.at("path").text("name", name);
    check.finish()?;
    let name = name.ok_or_else(|| Refused::missing(NOT_FOUND))?;
    let missing = || Refused::missing(NOT_FOUND);
    let is_watched = |found: &WatchedRepository| found.watch.is_enabled;
    if let Ok(id) = name.parse::<Uuid>() {
        return find_watched_repository(&db.read, id).await?.filter(is_watched).ok_or_else(missing);
    }
    let named = find_repository_by_name(&db.read, &name).await?.ok_or_else(missing)?;
    if let Some(found) = find_watched_repository(&db.read, named.id).await?.filter(is_watched) {
        return Ok(found);
    }
    // One of the same name may be watched on another host.
    let page = PageQuery { skip: 0, limit: MAX_LIMIT };
    let filter = WatchedRepositoryFilter { watched: Some(true), text: Some(name), page };
    let mut others = list_watched_repositories(&db.read, &filter).await?.data.into_iter();
    others.find(|other| other.full_name.eq_ignore_ascii_case(&named.full_name)).ok_or_else(missing)
}
