//! From an event to what others changed when they made the same step.

use app::components::{resource_href, upgrade_href};
use axum::{
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Redirect, Response},
};
use uuid::Uuid;

use super::{api::problem::Problem, pages};
use crate::state::AppState;

/// `/upgrades/{event}`: the step that an event made, on the page of its chart. Lists of events lead there themselves; who has an
/// event's id needs to know no chart.
pub(super) async fn of_event(state: State<AppState>, Path(event): Path<String>, request: Request<Body>) -> Response {
    let Ok(event) = event.parse::<Uuid>() else { return pages::file_or_not_found(state, request).await };
    match store::charts::step_of_event(&state.db.read, event).await {
        // For now: a rescan may tell another one. Where the chart is not known, what is known of the resource.
        Ok(Some(of)) => {
            let chart = of.step.map(|step| upgrade_href(&step.chart_key, &step.from, &step.to));
            Redirect::to(&chart.unwrap_or_else(|| resource_href(of.resource_id))).into_response()
        }
        Ok(None) => pages::file_or_not_found(state, request).await,
        Err(error) => Problem::from(error).into_response(),
    }
}
