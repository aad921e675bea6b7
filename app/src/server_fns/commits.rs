use entity::view::{CommitDetail, PageQuery, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::wire::pack;
use crate::wire::{Packed, Text};

/// What a commit's page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommitData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub detail: CommitDetail,
    /// Which of its events are here.
    pub page: PageQuery,
}

/// What a commit did; `sha` may be the beginning of a hash that fits one commit only.
#[server(prefix = "/ui", endpoint = "commit", input = GetUrl, output = Text)]
pub async fn find_commit(repository_id: String, sha: String, query: String) -> Result<Packed<CommitData>, AppError> {
    use super::ask;

    let page = ask::page(&ask::params(&query)?, 50);
    let repository = ask::id(&repository_id, "commit")?;
    let detail = entity::query::commits::find_commit(&ask::context()?.db.read, repository, &sha, page).await?;
    pack(&CommitData { now: ask::now(), detail: detail.ok_or_else(|| ask::missing("commit"))?, page })
}
