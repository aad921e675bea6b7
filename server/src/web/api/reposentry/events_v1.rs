//! Events at the addresses that RepoSentry's documents name, with the filters that they promise.

use axum::{Json, extract::State};
use entity::kind::BranchEventKind;
use entity::view::BranchEventFilter;
use serde::Deserialize;
use store::db::Db;
use utoipa::IntoParams;

use super::events::{
    OffsetParams, RecentEvents, ReposentryEvent, ReposentryEvents, USUAL_LIMIT, get_reposentry_event, list,
    list_recent_reposentry_events,
};
use super::{Envelope, Failure, Refused, repositories};
use crate::web::api::extract::{Check, Params, PathText};
use crate::web::api::problem::Problem;

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// Only of this repository: its name, or its id.
    repository: Option<String>,
    /// Only of this kind.
    #[serde(rename = "type")]
    #[param(rename = "type", inline, value_type = Option<BranchEventKind>)]
    kind: Option<String>,
    /// Noticed at this time or later.
    #[param(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    since: Option<String>,
    /// Noticed before this time.
    #[param(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    until: Option<String>,
}

/// What happened to watched branches, at its other address
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "list_v1_reposentry_events", tag = "reposentry",
    params(OffsetParams, EventParams),
    responses(
        (status = 200, description = "Newest first; 100 where no limit is given", body = Envelope<ReposentryEvents>),
        (status = 404, description = "No repository is watched by that name", body = Failure),
        (status = 422, description = "Wrong parameters", body = Failure),
    )
)]
pub async fn list_v1_reposentry_events(
    State(db): State<Db>,
    page: Result<Params<OffsetParams>, Problem>,
    params: Result<Params<EventParams>, Problem>,
) -> Result<Json<Envelope<ReposentryEvents>>, Refused> {
    let (mut check, params) = (Check::default(), params?.0);
    let page = page?.0.page(&mut check, USUAL_LIMIT);
    let filter = BranchEventFilter {
        kind: check.word("type", params.kind.as_deref()),
        since: check.time("since", params.since.as_deref()),
        until: check.time("until", params.until.as_deref()),
        page,
        ..BranchEventFilter::default()
    };
    let repository = check.text("repository", params.repository.as_deref());
    check.finish()?;
    let repository_id = match &repository {
        Some(name) => Some(repositories::find(&db, Some(name)).await?.id),
        None => None,
    };
    let (events, count) = list(&db, &BranchEventFilter { repository_id, ..filter }).await?;
    Ok(Envelope::of(ReposentryEvents { total: events.len(), count, limit: page.limit, offset: page.skip, events }))
}

/// What happened to watched branches within the last day, at its other address
#[utoipa::path(
    get, path = "/api/v1/events/recent", operation_id = "list_recent_v1_reposentry_events", tag = "reposentry",
    responses((status = 200, description = "Newest first", body = Envelope<RecentEvents>))
)]
pub async fn list_recent_v1_reposentry_events(db: State<Db>) -> Result<Json<Envelope<RecentEvents>>, Refused> {
    list_recent_reposentry_events(db).await
}

/// One event, at its other address
#[utoipa::path(
    get, path = "/api/v1/events/{event_id}", operation_id = "get_v1_reposentry_event", tag = "reposentry",
    params(("event_id" = String, Path, description = "The event")),
    responses(
        (status = 200, description = "The event", body = Envelope<ReposentryEvent>),
        (status = 404, description = "There is none of that id", body = Failure),
    )
)]
pub async fn get_v1_reposentry_event(
    db: State<Db>,
    path: Result<PathText, Problem>,
) -> Result<Json<Envelope<ReposentryEvent>>, Refused> {
    get_reposentry_event(db, path).await
}
