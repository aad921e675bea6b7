//! From an event to what others changed when they made the same step.

use app::components::upgrade_href;
use axum::{
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Redirect, Response},
};
use uuid::Uuid;

use super::{api::problem::Problem, pages};
use crate::state::AppState;

/// `/upgrades/{event}`: the step that an event made, on the page of its chart. Lists of events need not know charts for it.
pub(super) async fn of_event(state: State<AppState>, Path(event): Path<String>, request: Request<Body>) -> Response {
    let Ok(event) = event.parse::<Uuid>() else { return pages::file_or_not_found(state, request).await };
    match store::charts::step_of_event(&state.db.read, event).await {
        // A rescan may tell another one.
        Ok(Some(step)) => Redirect::to(&upgrade_href(&step.key, &step.from, &step.to)).into_response(),
        Ok(None) => pages::file_or_not_found(state, request).await,
        Err(error) => Problem::from(error).into_response(),
    }
}
