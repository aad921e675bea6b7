//! Who is told of an event: each trigger's condition is held against it, at once where nothing has to be read for that.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use actions::triggers::CommitFacts;
use entity::kind::{BranchEventKind, ClauseKind, Provider, TargetKind};
use entity::value::ObjectId;
use entity::view::{Clause, Condition, TektonFound, Timestamp};
use store::db::{ConnectionTrait, DataError};
use store::repositories::SyncTarget;
use store::triggers::{Decision, EnabledTrigger, decide, enabled_triggers};
use store::watch::{FollowedEvent, NewEvent};
use triggers::{ChangedPaths, CompiledCondition, EventFacts, Needs};

/// A condition ready to be held against events, or why it can't be.
type Compiled = Arc<Result<CompiledCondition, String>>;

/// Conditions by a hash of what they say and whom their triggers tell: they are asked for at every webhook, and change seldom.
static COMPILED: LazyLock<Mutex<HashMap<blake3::Hash, Compiled>>> = LazyLock::new(Mutex::default);
/// More are not kept; triggers that are changed leave old ones behind.
const KEPT: usize = 1_000;

/// Triggers that are on, each with its condition.
pub struct Triggers(Vec<(EnabledTrigger, Compiled)>);

fn compiled(condition: &Condition, target: TargetKind) -> Compiled {
    let mut hasher = blake3::Hasher::new();
    hasher.update(target.as_str().as_bytes()).update(&[0]);
    let hash = hasher.update(serde_json::to_string(condition).unwrap_or_default().as_bytes()).finalize();
    let kept = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(compiled) = kept().get(&hash) {
        return Arc::clone(compiled);
    }
    let compiled = CompiledCondition::new(condition).map(|condition| condition.of_target(target));
    let compiled = Arc::new(compiled.map_err(|error| error.to_string()));
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
            let condition = compiled(&trigger.condition, trigger.target_kind);
            (trigger, condition)
        };
        Ok(Self(enabled_triggers(c).await?.into_iter().map(with_condition).collect()))
    }

    /// What each makes of an event, and what of its commit would have to be known for more.
    pub(super) fn judge(&self, facts: &EventFacts<'_>) -> (Vec<Decision>, Needs) {
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
    pub(super) fn needs(&self) -> Needs {
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
pub(super) struct Happened<'a> {
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

/// All that conditions may ask, as far as it is known.
pub(super) fn facts<'a>(asked: &Asked<'a>, event: &Happened<'a>, read: &'a CommitFacts) -> EventFacts<'a> {
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
pub(super) fn gone() -> CommitFacts {
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
