//! Links of kubesearch, which lead to the same charts here, for ever.

use app::components::chart_href;
use axum::{
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Redirect, Response},
};

use super::{api::problem::Problem, pages};
use crate::state::AppState;

/// `/hr/{key}`: a chart under one of the keys that kubesearch gave it.
pub(super) async fn kubesearch(state: State<AppState>, Path(key): Path<String>, request: Request<Body>) -> Response {
    let key = key.trim_end_matches('/').to_lowercase();
    // Longer keys there are none, and no text of the database has the character that it refuses.
    if key.len() > 1_000 || key.contains('\0') {
        return pages::file_or_not_found(state, request).await;
    }
    match store::charts::chart_by_alias(&state.db.read, &key).await {
        Ok(Some(chart)) => Redirect::permanent(&chart_href(&chart)).into_response(),
        Ok(None) => pages::file_or_not_found(state, request).await,
        Err(error) => Problem::from(error).into_response(),
    }
}
