//! What a forge's API tells of a repository's branches: all of them where Git's list can't be had for a while, and which are
//! protected, which Git does not tell.

use entity::kind::{LogLevel, NoticedBy, Origin, Provider};
use entity::view::{Live, Timestamp};
use forge::{Key, ListedBranches};
use git::GitError;
use store::db::DataError;
use store::discovery::find_metrics_target;
use store::repositories::SyncTarget;
use store::watch::{Look, SeenBranch, WatchState, lacks_protection, mark_protected};
use uuid::Uuid;

use super::look::{note_look, say_left_out, watched_names};
use crate::clock;
use crate::forges::RepositoryForge;
use crate::jobs::{Deps, JobContext, entered_access, place_of};

/// Asks the forge's API for the branches that Git could not list in the look that began then, and notes them; a sentence says what
/// was seen, where anything was.
///
/// # Errors
/// If the database refuses.
pub async fn look_by_api(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    began: &WatchState,
    began_at: Timestamp,
    failed: &GitError,
) -> Result<Option<String>, DataError> {
    if !deps.polling.enable_api_fallback || !is_passing(failed) || context.is_cancelled() {
        return Ok(None);
    }
    let Some((forge, key)) = at_forge(deps, context, target.id).await? else { return Ok(None) };
    // Whoever adds an address sees what Git shows to everybody; a token may be shown more, unless it is theirs.
    if target.origin != Origin::Config && began.first_look_at.is_none() && !forge.is_entered {
        return Ok(None);
    }
    let Some(listed) = list(deps, context, &forge, &key).await else { return Ok(None) };
    let name = forge.name();
    let count = listed.branches.len();
    if count == 0 {
        // In the middle of an outage that is no sign that all of them are gone.
        let text = format!("{name} lists no branch, which is left alone until Git can be asked");
        context.note(LogLevel::Warn, &text);
        return Ok(None);
    }
    say_left_out(context, listed.left_out);
    let is_watched = watched_names(began.branch_regex.as_deref());
    let seen = listed.branches.into_iter().map(|branch| SeenBranch {
        is_watched: is_watched(&branch.name),
        name: branch.name,
        commit: branch.commit,
        is_protected: branch.is_protected,
    });
    let look = Look::new(began, NoticedBy::Api, seen.collect()).begun_at(began_at);
    let (look, gaps) = match listed.is_complete {
        true => (look, ""),
        false => (look.with_gaps(), ", perhaps not all"),
    };
    note_look(deps, context, target, began, &look, clock::now()).await?;
    Ok(Some(format!("its branches were seen by {name} meanwhile ({count}{gaps})")))
}

/// Whether Git's list can't be had for a reason that passes, and that says nothing of the repository or of who asks.
fn is_passing(failed: &GitError) -> bool {
    matches!(failed, GitError::Unreachable { .. } | GitError::Timeout { .. } | GitError::Limited { .. })
}

/// Asks which branches of a repository are protected, where nobody told so far.
///
/// # Errors
/// If the database refuses.
pub(super) async fn learn_protection(deps: &Deps, context: &JobContext, repository: Uuid) -> Result<(), DataError> {
    match lacks_protection(&deps.db.read, repository).await? {
        true => ask_protection(deps, context, repository).await,
        false => Ok(()),
    }
}

/// Asks the same once a day, as people change it without any push: by the first sync after a time of day that each repository has
/// for itself, so that not all ask at once.
///
/// # Errors
/// If the database refuses.
pub async fn ask_daily(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    now: Timestamp,
) -> Result<(), DataError> {
    match target.last_sync_at {
        Some(last) if day_of(target.id, last) != day_of(target.id, now) => {
            ask_protection(deps, context, target.id).await
        }
        _ => Ok(()),
    }
}

/// Days as a repository counts them.
fn day_of(repository: Uuid, at: Timestamp) -> i64 {
    const SECONDS: i64 = 86_400;
    let begins = i64::try_from(repository.as_u128() % 86_400).unwrap_or_default();
    (at.timestamp() - begins).div_euclid(SECONDS)
}

/// Asks a forge that tells those with a token. What goes wrong there is a line of the job's log.
async fn ask_protection(deps: &Deps, context: &JobContext, repository: Uuid) -> Result<(), DataError> {
    let Some((forge, key)) = at_forge(deps, context, repository).await? else { return Ok(()) };
    if !forge.has_token {
        return Ok(());
    }
    let Some(listed) = list(deps, context, &forge, &key).await else { return Ok(()) };
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
pub(super) async fn at_forge(
    deps: &Deps,
    context: &JobContext,
    repository: Uuid,
) -> Result<Option<(RepositoryForge, Key)>, DataError> {
    let target = find_metrics_target(&deps.db.read, repository).await?;
    let Some(target) = target.filter(|target| target.provider != Provider::Git) else { return Ok(None) };
    let Some((host, key)) = place_of(&target) else { return Ok(None) };
    let own = entered_access(deps, context, repository, target.origin).await?;
    match deps.forges.of_repository(&target.url, &host, target.provider, own.as_ref()) {
        Ok(forge) => Ok(Some((forge, key))),
        Err(error) => {
            context.note(LogLevel::Warn, &format!("the API can't be asked: {error}"));
            Ok(None)
        }
    }
}

/// All branches; nothing where the forge does not tell them now, of which the job's log says why.
async fn list(deps: &Deps, context: &JobContext, forge: &RepositoryForge, key: &Key) -> Option<ListedBranches> {
    let _aside = context.step_aside();
    let why = tokio::select! {
        listed = forge.client.list_branches(key) => match listed {
            Ok(listed) => return Some(listed),
            Err(error) => forge.told(error).to_string(),
        },
        () = tokio::time::sleep(deps.polling.timeout) => "it takes longer than polling.timeout".to_owned(),
        () = context.cancelled() => return None,
    };
    context.note(LogLevel::Warn, &format!("the API does not tell the branches: {why}"));
    None
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn each_repository_has_one_moment_of_a_day() {
        let start: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let mut moments = std::collections::BTreeSet::new();
        for id in [1_u128, 40_000, 86_399, 86_400] {
            let id = Uuid::from_u128(id);
            let days = (0..=24 * 60).map(|minute| day_of(id, start + TimeDelta::minutes(minute)));
            let days: Vec<i64> = days.collect();
            let changes: Vec<usize> = (1..days.len()).filter(|at| days[*at] != days[at - 1]).collect();
            assert_eq!(changes.len(), 1, "{id}");
            moments.extend(changes);
        }
        assert!(moments.len() > 1, "not all at once");
    }
}
