//! Links of kubesearch, which lead to the same charts here, for ever.

use app::components::{PageUrl, chart_href};
use axum::{
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Redirect, Response},
};
use store::{
    charts,
    db::{Db, Result},
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
    match page_of(&state.db, &key).await {
        Ok(Some(page)) => Redirect::permanent(&page.href()).into_response(),
        Ok(None) => pages::file_or_not_found(state, request).await,
        Err(error) => Problem::from(error).into_response(),
    }
}

/// The page of the chart; of the releases of one name, where the key has that and anybody has one.
async fn page_of(db: &Db, key: &str) -> Result<Option<PageUrl>> {
    let Some(chart) = charts::chart_by_alias(&db.read, key).await? else { return Ok(None) };
    let page = PageUrl::new(chart_href(&chart));
    let Some((id, _)) = charts::chart_by_key(&db.read, &chart).await? else { return Ok(Some(page)) };
    let release = charts::release_by_alias(&db.read, id, key).await?;
    Ok(Some(page.with("release", release.unwrap_or_default())))
}
