use entity::view::{Listing, NamedCount, PageQuery, Repository, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::pages::outcome::OutcomeText;

/// What the list of repositories shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepositoriesData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub repositories: Listing<Repository>,
    /// Which of them are here.
    pub page: PageQuery,
    /// Languages to filter by.
    pub languages: Vec<NamedCount>,
    /// How many repositories there are without any filter.
    pub total: i64,
    /// What came of what was asked for last.
    pub outcome: Option<OutcomeText>,
}

/// Which repositories, as the page's address says.
#[server(prefix = "/ui", endpoint = "repositories", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn list_repositories(query: String) -> Result<RepositoriesData, AppError> {
    use crate::pages::ask;
    use store::{overview, repositories};

    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    let filter = read::repository_filter(&params)?;
    let total = overview::system_state(&db.read).await?.repositories;
    Ok(RepositoriesData {
        now: ask::now(),
        page: filter.page,
        repositories: match read::is_unknown(&params) {
            true => Listing::default(),
            false => repositories::list_repositories(&db.read, &filter).await?,
        },
        languages: repositories::list_languages(&db.read).await?,
        total,
        outcome: crate::pages::outcome::tell::find_text(&db, &params).await?,
    })
}

#[cfg(feature = "ssr")]
mod read {
    use entity::kind::{GitOpsTool, Origin, SyncStatus};
    use entity::view::{RepositoryFilter, RepositorySort, Sort};
    use leptos_router::params::ParamsMap;

    use crate::error::AppError;
    use crate::pages::ask;

    pub(super) fn repository_filter(params: &ParamsMap) -> Result<RepositoryFilter, AppError> {
        let sort = ask::serde_word(params, "sort").unwrap_or_default();
        let direction = if sort == RepositorySort::Name { Sort::Ascending } else { Sort::Descending };
        Ok(RepositoryFilter {
            text: ask::text(params, "text")?,
            language: ask::text(params, "language")?,
            topic: ask::text(params, "topic")?,
            status: ask::word(params, "status"),
            gitops_tool: ask::word(params, "tool"),
            origin: ask::word(params, "origin"),
            sort,
            direction: ask::direction(params, direction),
            page: ask::page(params, 25),
        })
    }

    /// Whether the address filters by what no repository can have.
    pub(super) fn is_unknown(params: &ParamsMap) -> bool {
        ask::is_unknown::<SyncStatus>(params, "status")
            || ask::is_unknown::<GitOpsTool>(params, "tool")
            || ask::is_unknown::<Origin>(params, "origin")
    }
}
