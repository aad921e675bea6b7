use entity::view::{RunningWork, SystemState};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use uuid::Uuid;

use crate::error::AppError;

/// Jobs that run, how many wait, which ended last.
#[server(prefix = "/ui", endpoint = "running_work", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_running_work() -> Result<RunningWork, AppError> {
    let db = super::ask::context()?.db;
    Ok(store::overview::running_work(&db.read).await?)
}

/// The line about the system that stands on every page.
#[server(prefix = "/ui", endpoint = "system_state", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_system_state() -> Result<SystemState, AppError> {
    let db = super::ask::context()?.db;
    Ok(store::overview::system_state(&db.read).await?)
}

/// Asks for a sync of a repository; gives back the job's id. One that is queued already serves for both.
#[server(prefix = "/ui", endpoint = "request_sync", output = Postcard, client = crate::client::PageClient)]
pub async fn request_sync(repository_id: Uuid) -> Result<Uuid, AppError> {
    use super::ask;

    let (ctx, actor) = ask::actions()?;
    ask::job(actions::sync(&ctx, actor, repository_id).await?)
}

/// Asks for a scan of what is fetched of a repository; gives back the job's id.
#[server(prefix = "/ui", endpoint = "request_scan", output = Postcard, client = crate::client::PageClient)]
pub async fn request_scan(repository_id: Uuid) -> Result<Uuid, AppError> {
    use super::ask;

    let (ctx, actor) = ask::actions()?;
    ask::job(actions::scan(&ctx, actor, repository_id).await?)
}
