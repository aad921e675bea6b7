//! All repositories together: days, trends, what happens to releases, and how much is stored.

use actions::{Actions, Refusal};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use entity::view::{
    DatabaseStats, EcosystemCharts, EcosystemOverview, EcosystemRange, EcosystemStats, EcosystemTrends, Listing,
    PageQuery, ReleaseActivity, Timestamp,
};
use serde::{Deserialize, Serialize};
use store::db::Db;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::at::AtParams;
use crate::{
    clock,
    web::{
        api::{
            extract::{Check, MAX_SKIP, Params},
            problem::Problem,
        },
        rights::Actor,
    },
};

/// Which days.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatsParams {
    /// Rows to pass over.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 1_000_000_000, default = 0)]
    skip: Option<String>,
    /// Rows to give.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 100, default = 30)]
    limit: Option<String>,
    /// Days up to today.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 365, default = 30)]
    days: Option<String>,
}

/// How far back.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EcosystemTrendParams {
    /// Days up to today.
    #[param(value_type = Option<u64>, minimum = 7, maximum = 365, default = 30)]
    days: Option<String>,
}

/// How far back.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OverviewParams {
    /// How far back.
    #[param(value_type = Option<EcosystemRange>, default = "30d")]
    range: Option<String>,
}

impl OverviewParams {
    fn read(&self, at: &AtParams) -> Result<(EcosystemRange, Option<Timestamp>), Problem> {
        let mut check = Check::default();
        let ranges = EcosystemRange::ALL.map(|range| (range.as_str(), range));
        let range = check.choice("range", self.range.as_deref(), &ranges);
        let at = at.moment(&mut check);
        check.finish()?;
        Ok((range, at))
    }
}

/// Which page of releases.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ActivityParams {
    /// The page, from 1.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1_000_000_000, default = 1)]
    page: Option<String>,
    /// Releases on a page.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 50, default = 10)]
    page_size: Option<String>,
}

/// Which day.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AggregationParams {
    /// The first day to compute again, `YYYY-MM-DD`; without it, the days that are stale, and today.
    #[param(value_type = Option<chrono::NaiveDate>)]
    target_date: Option<String>,
}

/// The answer to a request for statistics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AggregationAccepted {
    /// Always `accepted`.
    pub status: String,
    /// What will be done, for people.
    pub message: String,
    /// The job that does it, at `/api/v1/jobs/{task_id}`.
    pub task_id: Uuid,
    /// The first day that is computed again, where one was given.
    pub target_date: Option<String>,
}

/// Statistics by day
#[utoipa::path(
    get, path = "/ecosystem/", operation_id = "list_ecosystem_stats", tag = "ecosystem",
    params(StatsParams),
    responses(
        (status = 200, description = "Newest day first, and how many there are within the days asked for", body = Listing<EcosystemStats>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_ecosystem_stats(
    State(db): State<Db>,
    Params(params): Params<StatsParams>,
) -> Result<Json<Listing<EcosystemStats>>, Problem> {
    let mut check = Check::default();
    let page = PageQuery {
        skip: check.number("skip", params.skip.as_deref(), 0..=MAX_SKIP, 0),
        limit: check.number("limit", params.limit.as_deref(), 1..=100, 30),
    };
    let days = check.days(params.days.as_deref(), 365);
    check.finish()?;
    Ok(Json(store::ecosystem::list_days(&db.read, days, page, clock::now()).await?))
}

/// The newest day
#[utoipa::path(
    get, path = "/ecosystem/latest", operation_id = "get_latest_ecosystem_stats", tag = "ecosystem",
    responses(
        (status = 200, description = "Statistics of the newest day", body = EcosystemStats),
        (status = 404, description = "No day is computed yet", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_latest_ecosystem_stats(State(db): State<Db>) -> Result<Json<EcosystemStats>, Problem> {
    store::ecosystem::find_latest(&db.read).await?.map(Json).ok_or_else(nothing_yet)
}

/// Lines over time
#[utoipa::path(
    get, path = "/ecosystem/trends", operation_id = "get_ecosystem_trends", tag = "ecosystem",
    params(EcosystemTrendParams),
    responses(
        (status = 200, description = "Repositories, active resources and events by day, oldest first", body = EcosystemTrends),
        (status = 404, description = "No day is computed yet", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_ecosystem_trends(
    State(db): State<Db>,
    Params(params): Params<EcosystemTrendParams>,
) -> Result<Json<EcosystemTrends>, Problem> {
    let mut check = Check::default();
    let days = check.number("days", params.days.as_deref(), 7..=365, 30);
    check.finish()?;
    let trends = store::ecosystem::trends(&db.read, u32::try_from(days).unwrap_or(365), clock::now()).await?;
    if trends.repository_trends.is_empty() { Err(nothing_yet()) } else { Ok(Json(trends)) }
}

/// Everything about a range of days
#[utoipa::path(
    get, path = "/ecosystem/overview", operation_id = "get_ecosystem_overview", tag = "ecosystem",
    params(OverviewParams, AtParams),
    responses(
        (status = 200, description = "The newest day, growth, spans of days, and who is new and active", body = EcosystemOverview),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_ecosystem_overview(
    State(db): State<Db>,
    Params(params): Params<OverviewParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<EcosystemOverview>, Problem> {
    let (range, at) = params.read(&at)?;
    Ok(Json(store::kept::ecosystem_overview(&db, range, at, clock::now()).await?))
}

/// Charts: what is used most, what is rising and falling, what is new, who upgraded
#[utoipa::path(
    get, path = "/ecosystem/charts", operation_id = "get_ecosystem_charts", tag = "ecosystem",
    params(OverviewParams, AtParams),
    responses(
        (status = 200, description = "Charts as they are used then, against the beginning of the range, and what the last seven days brought", body = EcosystemCharts),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_ecosystem_charts(
    State(db): State<Db>,
    Params(params): Params<OverviewParams>,
    Params(at): Params<AtParams>,
) -> Result<Json<EcosystemCharts>, Problem> {
    let (range, at) = params.read(&at)?;
    Ok(Json(store::kept::ecosystem_charts(&db, range, at, clock::now()).await?))
}

/// Ask for statistics to be computed
#[utoipa::path(
    post, path = "/ecosystem/trigger-aggregation", operation_id = "trigger_aggregation", tag = "ecosystem",
    params(AggregationParams),
    responses(
        (status = 202, description = "The job is queued, or was already", body = AggregationAccepted,
            headers(("location" = String, description = "Where the job can be watched"))),
        (status = 422, description = "Not a day, or one that has not begun", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn trigger_aggregation(
    Actor(actor): Actor,
    State(ctx): State<Actions>,
    Params(params): Params<AggregationParams>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<AggregationAccepted>), Problem> {
    let mut check = Check::default();
    let given = params.target_date.as_deref();
    let day = check.day("target_date", given);
    check.finish()?;
    let task_id = match actions::aggregate(&ctx, &actor, day).await {
        Err(Refusal::Future(_)) => {
            let mut check = Check::default();
            check.refuse("target_date", given.unwrap_or_default(), "date", "must not be in the future");
            return Err(check.problem());
        }
        asked => asked?,
    };
    let message = match day {
        Some(day) => format!("Statistics from {day} on are computed again"),
        None => "Statistics of the days that are stale and of today are computed".to_owned(),
    };
    let location = (header::LOCATION, format!("/api/v1/jobs/{task_id}"));
    let target_date = day.map(|day| day.to_string());
    let body = AggregationAccepted { status: "accepted".to_owned(), message, task_id, target_date };
    Ok((StatusCode::ACCEPTED, [location], Json(body)))
}

/// What happened to HelmReleases, by name
#[utoipa::path(
    get, path = "/ecosystem/helm-release-activity", operation_id = "list_helm_release_activity", tag = "ecosystem",
    params(ActivityParams),
    responses(
        (status = 200, description = "Releases that changed last first, each with its newest changes, and the number of names", body = Listing<ReleaseActivity>),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_helm_release_activity(
    State(db): State<Db>,
    Params(params): Params<ActivityParams>,
) -> Result<Json<Listing<ReleaseActivity>>, Problem> {
    let mut check = Check::default();
    let page = check.number("page", params.page.as_deref(), 1..=MAX_SKIP, 1);
    let limit = check.number("page_size", params.page_size.as_deref(), 1..=50, 10);
    check.finish()?;
    let page = PageQuery { skip: (page - 1).saturating_mul(limit), limit };
    Ok(Json(store::ecosystem::list_release_activity(&db.read, page, 10, true).await?))
}

/// How much is stored, and what scans did lately
#[utoipa::path(
    get, path = "/admin/database-stats", operation_id = "get_database_stats", tag = "admin",
    responses((status = 200, description = "Rows, changes of the last days, scans", body = DatabaseStats))
)]
pub async fn get_database_stats(State(db): State<Db>) -> Result<Json<DatabaseStats>, Problem> {
    Ok(Json(store::ecosystem::database_stats(&db.read, clock::now()).await?))
}

fn nothing_yet() -> Problem {
    Problem::not_found("No ecosystem statistics found: the first day is computed soon after the first scan")
}
