//! What a forge's API tells of a repository's branches: all of them where Git's list can't be had for a while, and which are
//! protected, which Git does not tell.

use std::time::Duration;

use entity::kind::{LogLevel, NoticedBy, Origin, Provider};
use entity::view::Live;
use forge::{Key, ListedBranches};
use git::GitError;
use store::db::DataError;
use store::discovery::find_metrics_target;
use store::repositories::SyncTarget;
use store::watch::{Look, SeenBranch, WatchState, lacks_protection, mark_protected};
use uuid::Uuid;

use super::look::{note_look, watched_names};
use crate::clock;
use crate::forges::RepositoryForge;
use crate::jobs::{Deps, JobContext, place_of};

/// How often a job that waits for a forge looks whether it is to stop.
const TICK: Duration = Duration::from_millis(250);

/// Asks the forge's API for the branches that Git could not list, and notes them; a sentence says what was seen, where anything
/// was.
///
/// # Errors
/// If the database refuses.
pub async fn look_by_api(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    began: &WatchState,
    failed: &GitError,
) -> Result<Option<String>, DataError> {
    if !deps.polling.enable_api_fallback || !is_passing(failed) || context.is_cancelled() {
        return Ok(None);
    }
    // Whoever adds an address sees what Git shows to everybody; a token may be shown more.
    if target.origin != Origin::Config && began.first_look_at.is_none() {
        return Ok(None);
    }
    let Some((forge, key)) = at_forge(deps, context, target.id).await? else { return Ok(None) };
    let Some(listed) = list(context, &forge, &key).await else { return Ok(None) };
    let host = forge.client.host();
    let count = listed.branches.len();
    if count == 0 {
        // In the middle of an outage that is no sign that all of them are gone.
        let text = format!("the API of {host} lists no branch, which is left alone until Git can be asked");
        context.note(LogLevel::Warn, &text);
        return Ok(None);
    }
    let is_watched = watched_names(began.branch_regex.as_deref());
    let seen = listed.branches.into_iter().map(|branch| SeenBranch {
        is_watched: is_watched(&branch.name),
        name: branch.name,
        commit: branch.commit,
        is_protected: branch.is_protected,
    });
    let look = Look::new(began, NoticedBy::Api, seen.collect());
    let (look, gaps) = match listed.is_complete {
        true => (look, ""),
        false => (look.with_gaps(), ", perhaps not all"),
    };
    note_look(deps, context, target, began, &look, clock::now()).await?;
    Ok(Some(format!("its branches were seen by the API of {host} meanwhile ({count}{gaps})")))
}

/// Whether Git's list can't be had for a reason that passes, and that says nothing of the repository or of who asks.
fn is_passing(failed: &GitError) -> bool {
    matches!(failed, GitError::Unreachable { .. } | GitError::Timeout { .. } | GitError::Limited { .. })
}

/// Asks which branches of a repository are protected, where nobody told so far and its forge does tell those with a token. What
/// goes wrong there is a line of the job's log.
///
/// # Errors
/// If the database refuses.
pub(super) async fn learn_protection(deps: &Deps, context: &JobContext, repository: Uuid) -> Result<(), DataError> {
    if !lacks_protection(&deps.db.read, repository).await? {
        return Ok(());
    }
    let Some((forge, key)) = at_forge(deps, context, repository).await? else { return Ok(()) };
    if !forge.has_token {
        return Ok(());
    }
    let Some(listed) = list(context, &forge, &key).await else { return Ok(()) };
    let told = listed.branches.into_iter().filter_map(|branch| Some((branch.name, branch.is_protected?)));
    let told: Vec<(String, bool)> = told.collect();
    if told.is_empty() {
        return Ok(());
    }
    let txn = deps.db.begin().await?;
    mark_protected(&txn, repository, &told).await?;
    txn.commit().await?;
    deps.queue.bus().send(Live::Branches { repository_id: repository });
    Ok(())
}

/// The forge of a repository, and what it is known by there; nothing where it has none with an API.
async fn at_forge(
    deps: &Deps,
    context: &JobContext,
    repository: Uuid,
) -> Result<Option<(RepositoryForge, Key)>, DataError> {
    let target = find_metrics_target(&deps.db.read, repository).await?;
    let Some(target) = target.filter(|target| target.provider != Provider::Git) else { return Ok(None) };
    let Some((host, key)) = place_of(&target) else { return Ok(None) };
    deps.forges.refresh().await;
    match deps.forges.of_repository(&target.url, &host, target.provider) {
        Ok(forge) => Ok(Some((forge, key))),
        Err(error) => {
            context.note(LogLevel::Warn, &format!("the branches can't be asked for by the API: {error}"));
            Ok(None)
        }
    }
}

/// All branches; nothing where the forge does not tell them now, of which the job's log says why.
async fn list(context: &JobContext, forge: &RepositoryForge, key: &Key) -> Option<ListedBranches> {
    tokio::select! {
        listed = forge.client.list_branches(key) => match listed {
            Ok(listed) => Some(listed),
            Err(error) => {
                context.note(LogLevel::Warn, &format!("the API does not tell the branches: {error}"));
                None
            }
        },
        () = cancelled(context) => None,
    }
}

async fn cancelled(context: &JobContext) {
    while !context.is_cancelled() {
        tokio::time::sleep(TICK).await;
    }
}
