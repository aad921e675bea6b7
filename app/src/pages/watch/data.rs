use entity::view::{Branch, BranchEvent, Listing, PageQuery, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::pages::repository_choice::RepositoryChoice;

/// What the page of all that is watched shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WatchData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub list: WatchedList,
    /// Which rows are here.
    pub page: PageQuery,
    /// Repositories whose branches are watched.
    pub(in crate::pages) repositories: RepositoryChoice,
    /// How many repositories' branches are watched.
    pub watching: u64,
    /// Watched branches that are there.
    pub watched: u64,
}

/// What happened, or where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WatchedList {
    Events(Listing<BranchEvent>),
    Branches(Listing<Branch>),
}

/// Events and branches of all repositories that are watched, as the page's address says.
#[server(prefix = "/ui", endpoint = "watch", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_watch(query: String) -> Result<WatchData, AppError> {
    use crate::pages::ask;
    use entity::kind::{BranchEventKind, BranchEventState};
    use entity::view::{BranchEventFilter, BranchFilter};
    use store::watch;

    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    let (page, text) = (ask::page(&params, 50), ask::text(&params, "text")?);
    let first = watch::list_watched_names(&db.read, RepositoryChoice::MOST + 1).await?;
    let repositories = RepositoryChoice::read(&db.read, &params, first.data).await?;
    let (repository_id, no_repository) = (repositories.id(), repositories.is_missing());
    let list = if params.get_str("view") == Some("branches") {
        let there = there(&params);
        let filter = BranchFilter { repository_id, text, watched: Some(true), deleted: there.deleted, page };
        WatchedList::Branches(match no_repository || there.is_unknown {
            true => Listing::default(),
            false => watch::list_branches(&db.read, &filter).await?,
        })
    } else {
        let filter = BranchEventFilter {
            repository_id,
            text,
            kind: ask::word(&params, "type"),
            state: ask::word(&params, "state"),
            page,
            ..BranchEventFilter::default()
        };
        let is_unknown = ask::is_unknown::<BranchEventKind>(&params, "type")
            || ask::is_unknown::<BranchEventState>(&params, "state");
        WatchedList::Events(match no_repository || is_unknown {
            true => Listing::default(),
            false => watch::list_branch_events(&db.read, &filter).await?,
        })
    };
    Ok(WatchData {
        now: ask::now(),
        list,
        page,
        watching: first.count,
        repositories,
        watched: watch::count_watched(&db.read, None).await?,
    })
}

#[cfg(feature = "ssr")]
pub(in crate::pages) use read::there;

#[cfg(feature = "ssr")]
mod read {
    use leptos_router::params::ParamsMap;

    /// Which branches an address wants: those that are there, those that are gone, or all.
    pub(in crate::pages) struct There {
        pub deleted: Option<bool>,
        /// It says something that none of them is.
        pub is_unknown: bool,
    }

    pub(in crate::pages) fn there(params: &ParamsMap) -> There {
        let of = |deleted| There { deleted, is_unknown: false };
        match params.get_str("there").unwrap_or_default() {
            "" => of(Some(false)),
            "gone" => of(Some(true)),
            "all" => of(None),
            _ => There { deleted: None, is_unknown: true },
        }
    }
}
