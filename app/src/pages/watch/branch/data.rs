use entity::view::{Branch, BranchEvent, CommitSummary, CommitWords, DeliveryProgress, Listing, PageQuery, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// The one that is read: of others it is not known what commits change.
    pub default_branch: String,
    /// What is read of it, where it is scanned beside that one.
    pub scanned_as: Option<Uuid>,
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
    /// Other commits that came with it and changed resources, the newest first.
    pub others: Vec<CommitSummary>,
    /// How many more came with it.
    pub more: i64,
    /// What was told to whom, of those that its verdicts name.
    pub deliveries: Vec<DeliveryProgress>,
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
    let scanned = repositories::list_scanned_branches(c, repository.id).await?;
    let scanned_as = scanned.into_iter().find(|one| !one.is_main && one.branch == branch.name);
    let base = repository.web_url.as_deref();
    Ok(BranchData {
        now: ask::now(),
        web_url: branch_url(repository.provider, base, &branch.name).filter(|_| branch.deleted_at.is_none()),
        head_url: web_url(repository.provider, base, &branch.head_commit, None, None),
        is_default: repository.default_branch == branch.name,
        default_branch: repository.default_branch.clone(),
        scanned_as: scanned_as.map(|one| one.repository_id),
        entries: read::entries(&context, &actor, &repository, events).await?,
        trouble: repository.sync_error.filter(|_| repository.sync_status == SyncStatus::Error),
        branch,
        page,
        is_alone,
    })
}

#[cfg(feature = "ssr")]
mod read {
    use std::collections::{BTreeSet, HashMap};

    use actions::Actor;
    use actions::triggers::show_progress;
    use entity::kind::BranchEventKind;
    use entity::view::{
        BranchEvent, CommitSummary, CommitWords, DeliveryProgress, Listing, Push, Repository, compare_url,
    };
    use store::{commits, triggers};
    use uuid::Uuid;

    use super::Entry;
    use crate::context::ServerContext;
    use crate::error::AppError;

    /// So many commits of a push are shown beside its newest.
    const SHOWN: usize = 9;

    /// What is asked of the clone for an event: of a push that went on all commits that came by it, where these are scanned.
    fn push(event: &BranchEvent, is_scanned: bool) -> Option<Push> {
        let went_on = event.kind == BranchEventKind::BranchUpdated && event.is_forced != Some(true);
        let old = event.old_commit.clone().filter(|_| is_scanned && went_on);
        Some(Push { old, new: event.new_commit.clone()? })
    }

    /// The events with what followed from each, asked for together.
    pub(super) async fn entries(
        context: &ServerContext,
        actor: &Actor,
        repository: &Repository,
        events: Listing<BranchEvent>,
    ) -> Result<Listing<Entry>, AppError> {
        let c = &context.db.read;
        let ids = events.data.iter().flat_map(|event| &event.verdicts).filter_map(|verdict| verdict.delivery_id);
        let ids: Vec<Uuid> = ids.collect();
        let shown = |progress: DeliveryProgress| (progress.id, show_progress(actor, progress));
        let deliveries: HashMap<Uuid, DeliveryProgress> =
            triggers::find_progress(c, &ids).await?.into_iter().map(shown).collect();
        // Commits that changed no resource, and those of branches that are not scanned, are not stored.
        let is_scanned = |event: &BranchEvent| event.branch_name == repository.default_branch;
        let pushes = events.data.iter().filter_map(|event| push(event, is_scanned(event)));
        let pushes: Vec<Push> = pushes.collect();
        let read = if pushes.is_empty() { Vec::new() } else { (context.read_pushes)(repository.id, pushes).await };
        let came = events.data.iter().filter(|event| event.new_commit.is_some()).map(|event| event.id);
        let came: HashMap<Uuid, Vec<CommitWords>> = came.zip(read).collect();
        let hashes = events.data.iter().filter_map(|event| event.new_commit.as_deref());
        let hashes = hashes.chain(came.values().flatten().map(|words| words.sha.as_str()));
        let hashes: Vec<&str> = hashes.collect::<BTreeSet<_>>().into_iter().collect();
        let commits: HashMap<String, CommitSummary> = commits::find_commits(c, repository.id, &hashes)
            .await?
            .into_iter()
            .map(|it| (it.sha.clone(), it))
            .collect();
        Ok(events.map(|event| {
            let ids = event.verdicts.iter().filter_map(|verdict| verdict.delivery_id);
            let sides = event.old_commit.as_deref().zip(event.new_commit.as_deref());
            let came = came.get(&event.id).map(Vec::as_slice).unwrap_or_default();
            let before = came.get(1..).unwrap_or_default();
            let others = before.iter().filter_map(|words| commits.get(&words.sha).cloned()).take(SHOWN);
            let others: Vec<CommitSummary> = others.collect();
            let commit = event.new_commit.as_ref().and_then(|sha| commits.get(sha).cloned());
            Entry {
                deliveries: ids.filter_map(|id| deliveries.get(&id).cloned()).collect(),
                compare_url: sides
                    .and_then(|(old, new)| compare_url(repository.provider, repository.web_url.as_deref(), old, new)),
                words: came.first().filter(|_| commit.is_none()).cloned(),
                commit,
                more: i64::try_from(before.len() - others.len()).unwrap_or(i64::MAX),
                others,
                event,
            }
        }))
    }
}
