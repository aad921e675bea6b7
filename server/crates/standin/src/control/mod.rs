//! The control page.
use crate::forge::Forge;
use axum::Router;
use std::sync::Arc;

pub(crate) fn router(_forge: &Arc<Forge>) -> Router {
    Router::new()
}
