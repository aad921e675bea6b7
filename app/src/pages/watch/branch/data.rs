use entity::view::{Branch, BranchEvent, CommitSummary, CommitWords, Delivery, Listing, PageQuery, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// What a branch's page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BranchData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub branch: Branch,
    /// The branch on its forge.
    pub web_url: Option<String>,
    /// Where it stands, on its forge.
    pub head_url: Option<String>,
    /// Whether it is the one that is read.
    pub is_default: bool,
    /// What happened to it, the last first.
    pub entries: Listing<Entry>,
    pub page: PageQuery,
    /// One event alone is shown, which the address names.
    pub is_alone: bool,
    /// Why the last look at the repository failed, where it did.
    pub trouble: Option<String>,
}

/// Something that happened to the branch, with all that followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub event: BranchEvent,
    /// What lies between the commits, on the forge.
    pub compare_url: Option<String>,
    /// The new commit with what it changed, where it changed resources that are read here.
    pub commit: Option<CommitSummary>,
    /// What it says of itself, of others that are at hand.
    pub words: Option<CommitWords>,
    /// What was told to whom, of those that its verdicts name.
    pub deliveries: Vec<Delivery>,
}

/// A branch with what happened to it, as the page's address says.
#[server(prefix = "/ui", endpoint = "branch", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn find_branch(id: String, query: String) -> Result<BranchData, AppError> {
    use crate::pages::ask;
    use entity::kind::SyncStatus;
    use entity::view::{branch_url, web_url};
    use store::{repositories, watch};

    let (_, actor) = ask::actions()?;
    let (context, params) = (ask::context()?, ask::params(&query)?);
    let (c, page) = (&context.db.read, ask::page(&params, 25));
    let branch = watch::find_branch(c, ask::id(&id, "branch")?).await?.ok_or_else(|| ask::missing("branch"))?;
    let repository = repositories::find_repository(c, branch.repository_id).await?;
    let repository = repository.ok_or_else(|| ask::missing("branch"))?;
    let mut events = watch::list_branch_history(c, branch.id, page).await?;
    let mut is_alone = false;
    // One that is named and not on this page stands alone.
    if let Some(wanted) = ask::uuid(&params, "event").filter(|id| events.data.iter().all(|event| event.id != *id)) {
        let found = watch::find_branch_event(c, wanted).await?.filter(|event| event.branch_id == branch.id);
        is_alone = found.is_some();
        if let Some(event) = found {
            events = Listing { data: vec![event], count: 1 };
        }
    }
    let base = repository.web_url.as_deref();
    Ok(BranchData {
        now: ask::now(),
        web_url: branch_url(repository.provider, base, &branch.name).filter(|_| branch.deleted_at.is_none()),
        head_url: web_url(repository.provider, base, &branch.head_commit, None, None),
        is_default: repository.default_branch == branch.name,
        entries: read::entries(&context, &actor, &repository, events).await?,
        trouble: repository.sync_error.filter(|_| repository.sync_status == SyncStatus::Error),
        branch,
        page,
        is_alone,
    })
}

#[cfg(feature = "ssr")]
mod read {
    use std::collections::HashMap;

    use actions::Actor;
    use actions::triggers::show_delivery;
    use entity::view::{BranchEvent, CommitSummary, CommitWords, Delivery, Listing, Repository, compare_url};
    use store::{commits, triggers};
    use uuid::Uuid;

    use super::Entry;
    use crate::context::ServerContext;
    use crate::error::AppError;

    /// The events with what followed from each, asked for together.
    pub(super) async fn entries(
        context: &ServerContext,
        actor: &Actor,
        repository: &Repository,
        events: Listing<BranchEvent>,
    ) -> Result<Listing<Entry>, AppError> {
        let c = &context.db.read;
        let told = events.data.iter().flat_map(|event| &event.verdicts).filter_map(|verdict| verdict.delivery_id);
        let told: Vec<Uuid> = told.collect();
        let shown = |delivery: Delivery| (delivery.id, show_delivery(actor, delivery));
        let deliveries: HashMap<Uuid, Delivery> =
            triggers::find_deliveries(c, &told).await?.into_iter().map(shown).collect();
        let new: Vec<&str> = events.data.iter().filter_map(|event| event.new_commit.as_deref()).collect();
        let commits: HashMap<String, CommitSummary> =
            commits::find_commits(c, repository.id, &new).await?.into_iter().map(|it| (it.sha.clone(), it)).collect();
        // Commits that changed no resource, and those of branches that are not scanned, are not stored.
        let others: Vec<String> =
            new.into_iter().filter(|sha| !commits.contains_key(*sha)).map(str::to_owned).collect();
        let words = if others.is_empty() { Vec::new() } else { (context.read_words)(repository.id, others).await };
        let words: HashMap<String, CommitWords> = words.into_iter().map(|it| (it.sha.clone(), it)).collect();
        Ok(events.map(|event| {
            let ids = event.verdicts.iter().filter_map(|verdict| verdict.delivery_id);
            let sides = event.old_commit.as_deref().zip(event.new_commit.as_deref());
            Entry {
                deliveries: ids.filter_map(|id| deliveries.get(&id).cloned()).collect(),
                compare_url: sides
                    .and_then(|(old, new)| compare_url(repository.provider, repository.web_url.as_deref(), old, new)),
                commit: event.new_commit.as_ref().and_then(|sha| commits.get(sha).cloned()),
                words: event.new_commit.as_ref().and_then(|sha| words.get(sha).cloned()),
                event,
            }
        }))
    }
}
