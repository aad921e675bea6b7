//! Events of a repository, and their numbers by day.

use axum::{Json, extract::State};
use entity::{
    kind::EventType,
    view::{Event, EventDailyCount, EventFilter, EventTrend, EventUpgrades, Listing},
};
use serde::{Deserialize, Serialize};
use store::db::Db;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{at::AtParams, repositories::find};
use crate::{
    clock,
    web::api::{
        extract::{Check, Id, PageParams, Params, PathText},
        problem::Problem,
    },
};

const NOT_FOUND: &str = "Event not found";

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// What happened.
    #[param(value_type = Option<EventType>)]
    event_type: Option<String>,
    /// Kind of the resource.
    resource_kind: Option<String>,
    /// Namespace of the resource, written or inherited.
    resource_namespace: Option<String>,
    /// One resource.
    #[param(value_type = Option<Uuid>)]
    resource_id: Option<String>,
    /// One commit, by its full hash.
    #[param(pattern = "^[0-9A-Fa-f]{40,64}$")]
    commit: Option<String>,
    /// Part of the resource's name or file path.
    text: Option<String>,
    /// Only events that changed the version.
    #[param(value_type = Option<bool>, default = false)]
    version_changes_only: Option<String>,
    /// Not before this time.
    #[param(value_type = Option<chrono::DateTime<Utc>>)]
    since: Option<String>,
    /// Before this time.
    #[param(value_type = Option<chrono::DateTime<Utc>>)]
    until: Option<String>,
}

impl EventParams {
    fn filter(&self, repository_id: Uuid, page: &PageParams, check: &mut Check) -> EventFilter {
        EventFilter {
            repository_id: Some(repository_id),
            resource_id: check.uuid("resource_id", self.resource_id.as_deref()),
            commit: check.commit("commit", self.commit.as_deref(), 40),
            event_type: check.word("event_type", self.event_type.as_deref()),
            resource_kind: check.text("resource_kind", self.resource_kind.as_deref()),
            resource_namespace: check.text("resource_namespace", self.resource_namespace.as_deref()),
            text: check.text("text", self.text.as_deref()),
            version_changes_only: check.flag("version_changes_only", self.version_changes_only.as_deref()),
            since: check.time("since", self.since.as_deref()),
            until: check.time("until", self.until.as_deref()),
            page: page.page(check),
        }
    }
}

/// How far back.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DaysParams {
    /// Days up to today.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 365, default = 30)]
    days: Option<String>,
}

/// Every day of a trend is a row; ten years are enough for any chart.
const MAX_TREND_DAYS: u32 = 3_660;

/// How far back.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TrendParams {
    /// Days up to today.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 3660, default = 30)]
    days: Option<String>,
}

/// Numbers by day and type; days without events are left out.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventDailyCounts {
    /// Oldest day first.
    pub data: Vec<EventDailyCount>,
}

/// Numbers by day.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventTrends {
    /// Every day, oldest first.
    pub data: Vec<EventTrend>,
}

/// What changed in a repository
#[utoipa::path(
    get, path = "/repositories/{repository_id}/events", operation_id = "list_repository_events", tag = "events",
    params(("repository_id" = Uuid, Path, description = "The repository"), PageParams, EventParams),
    responses(
        (status = 200, description = "Newest first", body = Listing<Event>),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repository_events(
    State(db): State<Db>,
    Id(id): Id,
    Params(page): Params<PageParams>,
    Params(params): Params<EventParams>,
) -> Result<Json<Listing<Event>>, Problem> {
    let mut check = Check::default();
    let filter = params.filter(id, &page, &mut check);
    check.finish()?;
    find(&db, id).await?;
    Ok(Json(store::events::list_events(&db.read, &filter).await?))
}

/// Events by day and type
#[utoipa::path(
    get, path = "/repositories/{repository_id}/events/daily-counts", operation_id = "list_repository_event_counts",
    tag = "events",
    params(("repository_id" = Uuid, Path, description = "The repository"), DaysParams),
    responses(
        (status = 200, description = "Oldest day first", body = EventDailyCounts),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repository_event_counts(
    State(db): State<Db>,
    Id(id): Id,
    Params(params): Params<DaysParams>,
) -> Result<Json<EventDailyCounts>, Problem> {
    let mut check = Check::default();
    let days = check.days(params.days.as_deref(), 365);
    check.finish()?;
    find(&db, id).await?;
    Ok(Json(EventDailyCounts { data: store::events::daily_counts(&db.read, id, days, clock::now()).await? }))
}

/// Events by day with the number of resources that stood
#[utoipa::path(
    get, path = "/repositories/{repository_id}/event-trends", operation_id = "list_repository_event_trends",
    tag = "events",
    params(("repository_id" = Uuid, Path, description = "The repository"), TrendParams),
    responses(
        (status = 200, description = "Oldest day first", body = EventTrends),
        (status = 404, description = "No such repository", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_repository_event_trends(
    State(db): State<Db>,
    Id(id): Id,
    Params(params): Params<TrendParams>,
) -> Result<Json<EventTrends>, Problem> {
    let mut check = Check::default();
    let days = check.days(params.days.as_deref(), MAX_TREND_DAYS);
    check.finish()?;
    find(&db, id).await?;
    Ok(Json(EventTrends { data: store::events::trends(&db.read, id, days, clock::now()).await? }))
}

/// What others changed with the step that an event made
#[utoipa::path(
    get, path = "/repositories/{repository_id}/events/{event_id}/upgrades", operation_id = "list_event_upgrades",
    tag = "events",
    params(
        ("repository_id" = Uuid, Path, description = "The repository"),
        ("event_id" = Uuid, Path, description = "An event that changed the version of a chart"),
        PageParams, AtParams,
    ),
    responses(
        (status = 200, description = "The chart, its versions before and after, and who made that step",
            body = EventUpgrades),
        (status = 404, description = "No such repository or event, or it is no step between versions of a chart",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_event_upgrades(
    State(db): State<Db>,
    Id(id): Id,
    path: PathText,
    Params(page): Params<PageParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<EventUpgrades>, Problem> {
    let mut check = Check::default();
    let page = page.page(&mut check);
    let at = at.moment(&mut check);
    let event = check.at("path").uuid("event_id", path.get("event_id"));
    check.finish()?;
    find(&db, id).await?;
    let of = match event {
        Some(event) => store::charts::step_of_event(&db.read, event).await?,
        None => None,
    };
    let of = of.filter(|of| of.repository_id == id).ok_or_else(|| Problem::not_found(NOT_FOUND))?;
    let step = of.step.ok_or_else(|| Problem::not_found("The event made no step between versions of a chart"))?;
    Ok(Json(store::kept::list_step_upgrades(&db, step, at, page).await?))
}
