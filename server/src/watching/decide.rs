//! Who is told of an event: each trigger's condition is held against it, at once where nothing has to be read for that.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use actions::triggers::CommitFacts;
use chrono::TimeDelta;
use entity::kind::{BranchEventKind, ClauseKind, LogLevel, Provider};
use entity::value::ObjectId;
use entity::view::{Clause, Condition, Live, TektonFound, Timestamp};
use store::db::{ConnectionTrait, DataError, Db};
use store::repositories::{self, SyncTarget};
use store::triggers::{Decision, EnabledTrigger, decide, decide_unknown, enabled_triggers};
use store::watch::{
    FollowedEvent, Learned, NewEvent, events_to_follow, knows_protection, note_facts, postpone_event, postpone_facts,
    watch_state,
};
use triggers::{ChangedPaths, CompiledCondition, EventFacts, Needs};
use uuid::Uuid;

use super::api::learn_protection;
use super::reader::{CommitError, fetch_all, read_commit};
use crate::clock;
use crate::jobs::{Deps, JobContext, JobError};

/// Events that are looked at together.
const BATCH: u64 = 50;
/// So long after the first look branches are told of that were there before.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// A condition ready to be held against events, or why it can't be.
type Compiled = Arc<Result<CompiledCondition, String>>;

/// Conditions by a hash of what they say: they are asked for at every webhook, and change seldom.
static COMPILED: LazyLock<Mutex<HashMap<blake3::Hash, Compiled>>> = LazyLock::new(Mutex::default);
/// More are not kept; triggers that are changed leave old ones behind.
const KEPT: usize = 1_000;

/// Triggers that are on, each with its condition.
pub struct Triggers(Vec<(EnabledTrigger, Compiled)>);

fn compiled(condition: &Condition) -> Compiled {
    let hash = blake3::hash(serde_json::to_string(condition).unwrap_or_default().as_bytes());
    let kept = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(compiled) = kept().get(&hash) {
        return Arc::clone(compiled);
    }
    let compiled = Arc::new(CompiledCondition::new(condition).map_err(|error| error.to_string()));
    let mut kept = kept();
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(hash, Arc::clone(&compiled));
    compiled
}

impl Triggers {
    /// Those that are on now.
    ///
    /// # Errors
    /// The database's.
    pub async fn load(c: &impl ConnectionTrait) -> Result<Self, DataError> {
        let with_condition = |trigger: EnabledTrigger| {
            let condition = compiled(&trigger.condition);
            (trigger, condition)
        };
        Ok(Self(enabled_triggers(c).await?.into_iter().map(with_condition).collect()))
    }

    /// What each makes of an event, and what of its commit would have to be known for more.
    fn judge(&self, facts: &EventFacts<'_>) -> (Vec<Decision>, Needs) {
        let mut lacks = Needs::default();
        let decision = |(trigger, condition): &(EnabledTrigger, Compiled)| {
            let (is_match, clauses) = match condition.as_ref() {
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
        let needs =
            self.0.iter().filter_map(|(_, condition)| condition.as_ref().as_ref().ok()).map(CompiledCondition::needs);
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

fn facts<'a>(asked: &Asked<'a>, event: &Happened<'a>, read: &'a CommitFacts) -> EventFacts<'a> {
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
fn gone() -> CommitFacts {
    let paths = ChangedPaths { paths: Vec::new(), is_complete: true };
    CommitFacts { paths: Some(paths), tekton: Some(TektonFound::default()), is_forced: None }
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
        let read = if event.new_commit.is_none() { gone() } else { CommitFacts::default() };
        let (decisions, lacks) = triggers.judge(&facts(asked, &event.into(), &read));
        all &= !lacks.any() && decide(w, event.id, &decisions, now).await?;
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
    // Of what was there before it was watched, asked for a while only: some forges do not tell. Later of new ones.
    let first = watch_state(&deps.db.read, repository).await?.and_then(|watch| watch.first_look_at);
    let is_fresh = first.is_some_and(|at| clock::now() - at < FRESH);
    let mut has_new = is_fresh && !knows_protection(&deps.db.read, repository).await?;
    let mut tried: HashMap<Uuid, u32> = HashMap::new();
    loop {
        let due = events_to_follow(&deps.db.read, repository, clock::now(), BATCH).await?;
        // One that can neither be followed nor put off would be met for ever.
        let mut due: Vec<FollowedEvent> =
            due.into_iter().filter(|event| *tried.entry(event.id).or_default() < 3).collect();
        if due.is_empty() {
            break;
        }
        let triggers = Triggers::load(&deps.db.read).await?;
        // What refs alone answer does not wait for commits.
        for event in due.iter_mut().filter(|event| event.is_undecided) {
            event.is_undecided = !decide_one(&deps.db, &triggers, &target, event).await?;
        }
        deps.queue.bell().ring_for_deliveries();
        let hindered = match target.is_off() {
            // What the clone has is read all the same.
            true => Some(CommitError::Gone("the repository is switched off: nothing is fetched".to_owned())),
            false => {
                let wanted = due.iter().filter(|event| event.is_unread || event.is_undecided);
                let wanted = wanted.filter_map(|event| Some((event.branch_name.clone(), event.new_commit?)));
                fetch_all(deps, context, &target, wanted.collect()).await
            }
        };
        for event in due {
            if context.is_cancelled() {
                return Err(JobError::Cancelled);
            }
            *tried.entry(event.id).or_default() += 1;
            match one(deps, context, &target, &triggers, &event, hindered.as_ref()).await? {
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
    if has_new && !target.is_off() {
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
    hindered: Option<&CommitError>,
) -> Result<bool, JobError> {
    let is_undecided = event.is_undecided;
    if !is_undecided && !event.is_unread {
        return Ok(true);
    }
    let mut unread = None;
    let read = match event.new_commit {
        None => gone(),
        Some(_) => {
            let needs = Needs { tekton: true, ..triggers.needs() };
            match read_commit(deps, context, target, event, needs, hindered).await {
                Ok(read) => read,
                Err(_) if context.is_cancelled() => return Err(JobError::Cancelled),
                Err(error) => {
                    context.note(LogLevel::Warn, &format!("{}: {}", event.branch_name, error.why()));
                    let now = clock::now();
                    if let Some(wait) = error.wait(event.tries, now - event.noticed_at) {
                        put_off(deps, event, error.why(), now + wait).await?;
                        return Ok(false);
                    }
                    unread = Some(format!("what triggers ask of the commit could not be read: {}", error.why()));
                    CommitFacts { tekton: event.tekton.clone(), ..CommitFacts::default() }
                }
            }
        }
    };
    // What can't be read is not known: such a part is not met, its verdict says so, and the event has failed.
    let judged = is_undecided.then(|| triggers.judge(&facts(&target.into(), &event.into(), &read)));
    let learned = Learned { tekton: read.tekton.as_ref(), is_forced: read.is_forced };
    let now = clock::now();
    let txn = deps.db.begin().await?;
    if let Some((decisions, lacks)) = judged {
        match unread.filter(|_| lacks.any()) {
            Some(why) => decide_unknown(&txn, event.id, &decisions, &why, now).await?,
            None => decide(&txn, event.id, &decisions, now).await?,
        };
    }
    note_facts(&txn, event.id, learned, now).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(true)
}

/// Decides at once, where nothing has to be read for that; whether it is decided.
async fn decide_one(
    db: &Db,
    triggers: &Triggers,
    target: &SyncTarget,
    event: &FollowedEvent,
) -> Result<bool, JobError> {
    let read = match event.new_commit {
        None => gone(),
        Some(_) => CommitFacts { tekton: event.tekton.clone(), ..CommitFacts::default() },
    };
    let (decisions, lacks) = triggers.judge(&facts(&target.into(), &event.into(), &read));
    if lacks.any() {
        return Ok(false);
    }
    let txn = db.begin().await?;
    let decided = decide(&txn, event.id, &decisions, clock::now()).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(decided)
}

async fn put_off(deps: &Deps, event: &FollowedEvent, why: &str, again: Timestamp) -> Result<(), JobError> {
    if event.is_undecided {
        postpone_event(&deps.db.write, event.id, why, again).await?;
    }
    postpone_facts(&deps.db.write, event.id, again, !event.is_undecided).await?;
    Ok(())
}
