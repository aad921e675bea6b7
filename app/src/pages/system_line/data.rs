use entity::view::SystemState;
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};

use crate::error::AppError;

/// The line about the system that stands on every page.
#[server(prefix = "/ui", endpoint = "system_state", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_system_state() -> Result<SystemState, AppError> {
    let db = crate::pages::ask::context()?.db;
    Ok(store::overview::system_state(&db.read).await?)
}
