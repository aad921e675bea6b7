//! What a look at a remote's refs says of its watched branches.

use entity::kind::{JobRequest, LogLevel, NoticedBy, Priority, Provider, RequestedBy};
use entity::view::{Live, Timestamp};
use git::ListedRefs;
use store::db::DataError;
use store::repositories::SyncTarget;
use store::watch::{Look, SeenBranch, WatchState, has_put_off, hurry_events, note_refs};
use triggers::BranchPattern;
use uuid::Uuid;

use super::decide::{Triggers, decide_known};
use crate::clock;
use crate::jobs::{Deps, JobContext};

/// Of more events than these it is decided one by one: a transaction holds what others wait for.
const DECIDED_AT_ONCE: usize = 500;

/// Whether names are watched, by a watch's pattern. One that does not compile was refused when it was set; it watches nothing.
pub fn watched_names(pattern: Option<&str>) -> impl Fn(&str) -> bool {
    let pattern = BranchPattern::new(pattern);
    move |name| pattern.as_ref().is_ok_and(|pattern| pattern.matches(name))
}

/// Notes what Git's list of refs says, which was asked for at that time or a little later. A look that saw nothing new costs
/// nothing.
///
/// # Errors
/// If the database refuses.
pub async fn note(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    began: &WatchState,
    refs: &ListedRefs,
    began_at: Timestamp,
) -> Result<(), DataError> {
    let is_watched = watched_names(began.branch_regex.as_deref());
    let seen = |branch: &git::RemoteRef| {
        let name = branch.name.strip_prefix("refs/heads/")?;
        Some(SeenBranch { name: name.to_owned(), commit: branch.id, is_watched: is_watched(name), is_protected: None })
    };
    let look = Look::new(began, NoticedBy::Poll, refs.branches.iter().filter_map(seen).collect());
    note_look(deps, context, target, began, &look.begun_at(began_at), clock::now()).await
}

/// Notes what a look saw, with what follows from it in the same transaction.
pub(super) async fn note_look(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    began: &WatchState,
    look: &Look,
    now: Timestamp,
) -> Result<(), DataError> {
    if look.is_nothing_new(began) {
        return Ok(());
    }
    let repository = target.id;
    let triggers = Triggers::load(&deps.db.read).await?;
    let txn = deps.db.begin().await?;
    let noted = note_refs(&txn, repository, look, now).await?;
    if noted.events.len() <= DECIDED_AT_ONCE {
        decide_known(&txn, &triggers, &target.into(), &noted.events, now).await?;
    }
    if noted.look_again {
        let again = JobRequest::SyncRepository { repository_id: repository };
        deps.queue.enqueue_in(&txn, &again, RequestedBy::Job, Priority::FOLLOW_UP, now).await?;
    }
    if let Some(at) = noted.look_again_at {
        // What webhooks and people ask for is more urgent, and does not wait until then.
        let again = JobRequest::SyncRepository { repository_id: repository };
        deps.queue.enqueue_at(&txn, &again, RequestedBy::Job, Priority::ROUTINE, now, at).await?;
    }
    // After the first look there is nothing to decide, but forges are asked which branches are protected.
    let is_followed = !noted.events.is_empty() || noted.is_first && target.provider != Provider::Git;
    if is_followed {
        let follow = JobRequest::FollowBranches { repository_id: repository };
        deps.queue.enqueue_in(&txn, &follow, RequestedBy::Job, Priority::FOLLOW_UP, now).await?;
    }
    txn.commit().await?;
    say_left_out(context, noted.left_out);
    if noted.look_again_at.is_some() {
        let text =
            "the list shows branches as they were before webhooks told of them; it is asked for again in a minute";
        context.note(LogLevel::Info, text);
    }
    if !noted.events.is_empty() {
        let text = format!("{} changes of watched branches", noted.events.len());
        context.note(LogLevel::Info, &text);
    }
    if is_followed || noted.look_again || noted.look_again_at.is_some() {
        deps.queue.bell().ring_for_deliveries();
        deps.queue.ring();
    }
    deps.queue.bus().send(Live::Branches { repository_id: repository });
    Ok(())
}

/// Says in a job's log how many branches have names that nobody keeps.
pub(super) fn say_left_out(context: &JobContext, branches: usize) {
    if branches > 0 {
        context.note(LogLevel::Warn, &format!("{branches} branches have names that are too long to be watched"));
    }
}

/// The remote answers: events whose commits it did not give out before are followed now, and not at their next time. Costs a look
/// into two indexes where none waits.
///
/// # Errors
/// If the database refuses.
pub async fn hurry(deps: &Deps, repository: Uuid, now: Timestamp) -> Result<(), DataError> {
    if !has_put_off(&deps.db.read, repository, now).await? {
        return Ok(());
    }
    let txn = deps.db.begin().await?;
    hurry_events(&txn, repository, now).await?;
    let follow = JobRequest::FollowBranches { repository_id: repository };
    deps.queue.enqueue_in(&txn, &follow, RequestedBy::Job, Priority::FOLLOW_UP, now).await?;
    txn.commit().await?;
    deps.queue.ring();
    Ok(())
}
