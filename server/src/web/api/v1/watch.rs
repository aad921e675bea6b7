//! Which branches of a repository are watched, and the webhooks by which its forge tells of them.

use actions::Actions;
use actions::access::find_access;
use actions::watch as ask;
use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode},
    response::AppendHeaders,
};
use entity::view::{RepositoryAccess, RepositoryWebhooks, Watch, WatchPreview};
use serde::{Deserialize, Serialize};
use store::watch::WatchSettings as Settings;
use utoipa::{IntoParams, ToSchema};

use crate::web::api::extract::{Body, Check, Id, PageParams, Params};
use crate::web::api::problem::Problem;
use crate::web::rights::Actor;

/// How branches are to be watched.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchSettings {
    /// Off keeps the settings and watches nothing.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub is_enabled: bool,
    /// Names of branches that are watched, as a regular expression that may match anywhere in them; all where there is none.
    #[schema(max_length = 500)]
    pub branch_regex: Option<String>,
    /// Whether branches that the first look finds are events.
    #[serde(default)]
    pub tells_first_look: bool,
    /// So far apart are looks at the remote, also those of syncs. Where nothing is set, a busy repository is looked at more
    /// often than a quiet one.
    #[schema(minimum = 60, maximum = 2_592_000)]
    pub polling_interval_seconds: Option<i64>,
}

/// How branches are watched, and what the repository is asked with.
#[derive(Serialize, ToSchema)]
pub struct RepositoryWatch {
    #[serde(flatten)]
    pub watch: Watch,
    /// Whether a token is kept that somebody entered for this repository alone. What the configuration gives it is not told.
    pub has_own_token: bool,
    /// Where its forge's API is, where somebody entered that; told to those who may manage repositories.
    pub api_base_url: Option<String>,
}

impl RepositoryWatch {
    fn new(watch: Watch, access: RepositoryAccess) -> Self {
        Self { watch, has_own_token: access.has_own_token, api_base_url: access.api_base_url }
    }
}

const fn yes() -> bool {
    true
}

/// An expression to try.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PreviewParams {
    /// A regular expression that may match anywhere in a branch's name; without it all match.
    branch_regex: Option<String>,
}

/// A secret that was made.
#[derive(Serialize, ToSchema)]
pub struct WebhookSecret {
    /// What the forge signs its webhooks with. Shown this once.
    pub secret: String,
    /// Where the forge sends them to, below the address of this program.
    pub path: String,
}

/// How the branches of a repository are watched
#[utoipa::path(
    get, path = "/repositories/{repository_id}/watch", operation_id = "get_watch", tag = "branches",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 200, description = "Off where they never were", body = RepositoryWatch),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_watch(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
) -> Result<Json<RepositoryWatch>, Problem> {
    let watch = ask::find_watch(&ctx, &actor, id).await?;
    Ok(Json(RepositoryWatch::new(watch, find_access(&ctx, &actor, id).await?)))
}

/// Watch branches of a repository
///
/// A sync follows, which looks at them. Branches that are there at the first look are no events unless `tells_first_look` is set.
/// How repositories of the configuration are watched is changed there alone.
#[utoipa::path(
    put, path = "/repositories/{repository_id}/watch", operation_id = "change_watch", tag = "branches",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    request_body = WatchSettings,
    responses(
        (status = 200, description = "How they are watched now", body = RepositoryWatch,
            headers(("location" = String, description = "Where the job that looks at them can be watched, where one is queued"))),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The configuration says how, or the repository is blocked or switched off", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id, or an expression or an interval that can't be used", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change_watch(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
    Body(given): Body<WatchSettings>,
) -> Result<(AppendHeaders<Option<(HeaderName, String)>>, Json<RepositoryWatch>), Problem> {
    let WatchSettings { is_enabled, branch_regex, tells_first_look, polling_interval_seconds } = given;
    let settings = Settings { is_enabled, branch_regex, tells_first_look, polling_interval_seconds };
    // Not changed by it, and asked for before: what is done is not answered by an error.
    let access = find_access(&ctx, &actor, id).await?;
    let set = ask::set_watch(&ctx, &actor, id, settings).await?;
    Ok((AppendHeaders(set.job.map(super::watch_job)), Json(RepositoryWatch::new(set.watch, access))))
}

/// Watch the branches of a repository no more
///
/// What was seen stays.
#[utoipa::path(
    delete, path = "/repositories/{repository_id}/watch", operation_id = "delete_watch", tag = "branches",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 204, description = "Nobody watches them"),
        (status = 404, description = "No such repository, or nobody watches it", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The configuration says how they are watched", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete_watch(Actor(actor): Actor, State(ctx): State<Actions>, Id(id): Id) -> Result<StatusCode, Problem> {
    ask::unset_watch(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an expression would watch
#[utoipa::path(
    get, path = "/repositories/{repository_id}/watch/preview", operation_id = "get_watch_preview", tag = "branches",
    params(("repository_id" = Uuid, Path, description = "The repository"), PreviewParams),
    responses(
        (status = 200, description = "Of the branches that are known; says where the expression can't be used", body = WatchPreview),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_watch_preview(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
    Params(params): Params<PreviewParams>,
) -> Result<Json<WatchPreview>, Problem> {
    let mut check = Check::default();
    let pattern = check.text("branch_regex", params.branch_regex.as_deref());
    check.finish()?;
    Ok(Json(ask::preview_watch(&ctx, &actor, id, pattern.as_deref()).await?))
}

/// Make the secret that webhooks of a repository are signed with
///
/// It takes the place of the one before, whose webhooks are refused from then on. Kept sealed, and shown this once.
#[utoipa::path(
    post, path = "/repositories/{repository_id}/webhook-secret", operation_id = "create_webhook_secret", tag = "branches",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 201, description = "The secret, and where webhooks are sent to", body = WebhookSecret),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create_webhook_secret(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
) -> Result<(StatusCode, Json<WebhookSecret>), Problem> {
    let made = ask::make_webhook_secret(&ctx, &actor, id).await?;
    Ok((StatusCode::CREATED, Json(WebhookSecret { secret: made.text.to_string(), path: made.path })))
}

/// Forget the secret of a repository's webhooks
///
/// None are taken from then on.
#[utoipa::path(
    delete, path = "/repositories/{repository_id}/webhook-secret", operation_id = "delete_webhook_secret", tag = "branches",
    params(("repository_id" = Uuid, Path, description = "The repository")),
    responses(
        (status = 204, description = "It is forgotten"),
        (status = 404, description = "No such repository, or it has no secret", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete_webhook_secret(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    ask::remove_webhook_secret(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Webhooks of a repository that came in
#[utoipa::path(
    get, path = "/repositories/{repository_id}/webhooks", operation_id = "list_repository_webhooks", tag = "branches",
    params(("repository_id" = Uuid, Path, description = "The repository"), PageParams),
    responses(
        (status = 200, description = "Those that were taken, the newest first, and whether there is a secret", body = RepositoryWebhooks),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repository_webhooks(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Id(id): Id,
    Params(page): Params<PageParams>,
) -> Result<Json<RepositoryWebhooks>, Problem> {
    let mut check = Check::default();
    let page = page.page(&mut check);
    check.finish()?;
    Ok(Json(ask::list_webhooks(&ctx, &actor, id, page).await?))
}
