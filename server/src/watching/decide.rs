//! Who is told of an event: each trigger's condition is held against it, at once where nothing has to be read for that.

use std::collections::HashMap;

use chrono::TimeDelta;
use entity::kind::{BranchEventKind, ClauseKind, LogLevel, Provider};
use entity::value::ObjectId;
use entity::view::{Clause, Live, TektonFound, Timestamp};
use store::db::{ConnectionTrait, DataError};
use store::repositories::{self, SyncTarget};
use store::triggers::{Decision, EnabledTrigger, Learned, decide, enabled_triggers};
use store::watch::{
    FollowedEvent, NewEvent, events_to_follow, note_facts, postpone_event, postpone_facts, watch_state,
};
use triggers::{ChangedPaths, CompiledCondition, EventFacts, Needs};
use uuid::Uuid;

use super::api::learn_protection;
use super::reader::{CommitError, CommitRead, fetch_and_read};
use crate::clock;
use crate::jobs::{Deps, JobContext, JobError};

/// Events that are looked at together.
const BATCH: u64 = 50;
/// Waits after tries to read a commit that failed; after the last, what could not be read stays unknown.
const WAITS: [TimeDelta; 5] =
    [TimeDelta::seconds(5), TimeDelta::minutes(1), TimeDelta::minutes(5), TimeDelta::minutes(30), TimeDelta::hours(2)];

/// Triggers that are on, each with its condition ready or why it can't be held against anything.
pub struct Triggers(Vec<(EnabledTrigger, Result<CompiledCondition, String>)>);

impl Triggers {
    /// Those that are on now.
    ///
    /// # Errors
    /// The database's.
    pub async fn load(c: &impl ConnectionTrait) -> Result<Self, DataError> {
        let compiled = |trigger: EnabledTrigger| {
            let condition = CompiledCondition::new(&trigger.condition).map_err(|error| error.to_string());
            (trigger, condition)
        };
        Ok(Self(enabled_triggers(c).await?.into_iter().map(compiled).collect()))
    }

    /// What each makes of an event, and what of its commit would have to be known for more.
    fn judge(&self, facts: &EventFacts<'_>) -> (Vec<Decision>, Needs) {
        let mut lacks = Needs::default();
        let decision = |(trigger, condition): &(EnabledTrigger, Result<CompiledCondition, String>)| {
            let (is_match, clauses) = match condition {
                Ok(condition) => {
                    let judged = condition.judge(facts);
                    lacks = lacks.and(judged.lacks);
                    (judged.is_match, judged.clauses)
                }
                // It was checked when it was set, by a program that knew more.
                Err(why) => (false, vec![Clause { kind: ClauseKind::Expression, is_match: false, why: why.clone() }]),
            };
            Decision { trigger_id: trigger.id, trigger_name: trigger.name.clone(), is_match, clauses }
        };
        let decisions = self.0.iter().map(decision).collect();
        (decisions, lacks)
    }

    /// What has to be read for any of them.
    fn needs(&self) -> Needs {
        let needs = self.0.iter().filter_map(|(_, condition)| condition.as_ref().ok()).map(CompiledCondition::needs);
        needs.fold(Needs::default(), Needs::and)
    }
}

/// A repository as conditions ask for it.
pub struct Asked<'a> {
    pub full_name: &'a str,
    pub url: &'a str,
    pub provider: Provider,
}

impl<'a> From<&'a SyncTarget> for Asked<'a> {
    fn from(target: &'a SyncTarget) -> Self {
        Self { full_name: &target.full_name, url: &target.url, provider: target.provider }
    }
}

/// An event as conditions ask for it.
struct Happened<'a> {
    branch: &'a str,
    kind: BranchEventKind,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
}

impl<'a> From<&'a NewEvent> for Happened<'a> {
    fn from(event: &'a NewEvent) -> Self {
        let (old, new) = (event.old_commit, event.new_commit);
        Self { branch: &event.branch_name, kind: event.kind, old, new }
    }
}

impl<'a> From<&'a FollowedEvent> for Happened<'a> {
    fn from(event: &'a FollowedEvent) -> Self {
        let (old, new) = (event.old_commit, event.new_commit);
        Self { branch: &event.branch_name, kind: event.kind, old, new }
    }
}

fn facts<'a>(asked: &Asked<'a>, event: &Happened<'a>, read: &'a CommitRead) -> EventFacts<'a> {
    EventFacts {
        repository_full_name: asked.full_name,
        repository_url: asked.url,
        provider: asked.provider,
        branch: event.branch,
        kind: event.kind,
        old_commit: event.old,
        new_commit: event.new,
        is_forced: read.is_forced,
        paths: read.paths.as_ref(),
        tekton: read.tekton.as_ref(),
    }
}

/// What is known of a branch that is gone: nothing is at its commit any more, so that nothing is started by it.
fn gone() -> CommitRead {
    let paths = ChangedPaths { paths: Vec::new(), is_complete: true };
    CommitRead { paths: Some(paths), tekton: Some(TektonFound::default()), is_forced: None }
}

/// Decides of events in the transaction that writes them, as far as nothing has to be read for that; whether all are decided.
///
/// # Errors
/// The database's.
pub async fn decide_known(
    w: &impl ConnectionTrait,
    triggers: &Triggers,
    asked: &Asked<'_>,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<bool, DataError> {
    let mut all = true;
    for event in events {
        let read = if event.new_commit.is_none() { gone() } else { CommitRead::default() };
        let (decisions, lacks) = triggers.judge(&facts(asked, &event.into(), &read));
        if lacks.any() {
            all = false;
        } else {
            decide(w, event.id, Learned::default(), &decisions, now).await?;
        }
    }
    Ok(all)
}

/// Follows what happened to a repository's watched branches: reads commits, decides who is told, keeps what was found.
///
/// # Errors
/// The database's, or that the job was stopped.
pub async fn follow(deps: &Deps, context: &JobContext, repository: Uuid) -> Result<String, JobError> {
    let Some(target) = repositories::sync_target(&deps.db.read, repository).await? else {
        return Ok("the repository is no longer here".to_owned());
    };
    let (mut followed, mut put_off) = (0_u32, 0_u32);
    // Nothing was noted but the first look.
    let watch = watch_state(&deps.db.read, repository).await?;
    let mut has_new = watch.is_some_and(|watch| watch.version == 1);
    let mut tried: HashMap<Uuid, u32> = HashMap::new();
    loop {
        let due = events_to_follow(&deps.db.read, repository, clock::now(), BATCH).await?;
        // One that can neither be followed nor put off would be met for ever.
        let due: Vec<FollowedEvent> = due.into_iter().filter(|event| *tried.entry(event.id).or_default() < 3).collect();
        if due.is_empty() {
            break;
        }
        let triggers = Triggers::load(&deps.db.read).await?;
        for event in due {
            if context.is_cancelled() {
                return Err(JobError::Cancelled);
            }
            *tried.entry(event.id).or_default() += 1;
            match one(deps, context, &target, &triggers, &event).await? {
                true => {
                    followed += 1;
                    has_new |= event.kind == BranchEventKind::BranchCreated;
                }
                false => put_off += 1,
            }
        }
        deps.queue.bell().ring_for_deliveries();
        deps.queue.bus().send(Live::Branches { repository_id: repository });
    }
    if has_new {
        learn_protection(deps, context, repository).await?;
    }
    Ok(match put_off {
        0 => format!("followed {followed} events of branches"),
        _ => format!("followed {followed} events of branches; {put_off} wait for commits that can't be read now"),
    })
}

/// Whether the event is followed; else it waits.
async fn one(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    triggers: &Triggers,
    event: &FollowedEvent,
) -> Result<bool, JobError> {
    let now = clock::now();
    let read = match event.new_commit {
        None => gone(),
        Some(commit) => {
            let needs = Needs { tekton: true, ..triggers.needs() };
            let read = fetch_and_read(deps, target, &event.branch_name, event.old_commit, commit, needs);
            match read.await {
                Ok(read) => read,
                Err(CommitError::Temporary(why)) => {
                    let tries = usize::try_from(event.tries).unwrap_or(usize::MAX);
                    let again = WAITS.get(tries).map(|wait| now + *wait);
                    context.note(LogLevel::Warn, &format!("{}: {why}", event.branch_name));
                    if let Some(again) = again {
                        if event.is_undecided {
                            postpone_event(&deps.db.write, event.id, &why, Some(again), now).await?;
                        } else {
                            postpone_facts(&deps.db.write, event.id, again).await?;
                        }
                        return Ok(false);
                    }
                    CommitRead::default()
                }
                Err(CommitError::Gone(why)) => {
                    context.note(LogLevel::Warn, &format!("{}: {why}", event.branch_name));
                    CommitRead::default()
                }
            }
        }
    };
    let learned = Learned { tekton: read.tekton.as_ref(), is_forced: read.is_forced };
    let txn = deps.db.begin().await?;
    if event.is_undecided {
        let asked = Asked::from(target);
        let happened = Happened::from(event);
        // What can't be read is not known: such a part is not met, and its verdict says so.
        let (decisions, _) = triggers.judge(&facts(&asked, &happened, &read));
        decide(&txn, event.id, learned, &decisions, now).await?;
    }
    note_facts(&txn, event.id, learned, now).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(true)
}
