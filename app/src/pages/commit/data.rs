use entity::view::{CommitDetail, PageQuery, QuietCommit, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// What a commit's page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommitData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub shown: CommitShown,
}

/// A commit, whether it changed resources or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CommitShown {
    /// With the page of its events that is here.
    Changed {
        detail: CommitDetail,
        page: PageQuery,
    },
    Quiet(QuietCommit),
}

/// What a commit did; `sha` may be the beginning of a hash that fits one commit only.
#[server(prefix = "/ui", endpoint = "commit", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn find_commit(repository_id: String, sha: String, query: String) -> Result<CommitData, AppError> {
    use crate::pages::ask;
    use store::{commits, repositories};

    let page = ask::page(&ask::params(&query)?, 50);
    let id = ask::id(&repository_id, "commit")?;
    let context = ask::context()?;
    let c = &context.db.read;
    let shown = match commits::find_commit(c, id, &sha, page).await? {
        Some(detail) => CommitShown::Changed { detail, page },
        None => {
            let repository = repositories::find_repository(c, id).await?.ok_or_else(|| ask::missing("commit"))?;
            let read = (context.read_commit)(&repository, &sha).await;
            let quiet = commits::find_quiet_commit(c, &repository, &sha, read).await?;
            CommitShown::Quiet(quiet.ok_or_else(|| ask::missing("commit"))?)
        }
    };
    Ok(CommitData { now: ask::now(), shown })
}
