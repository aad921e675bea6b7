//! What happened to a repository's watched branches is followed: commits are read, from the clone or, where it can't tell, by the
//! forge's API, and it is decided who is told.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::time::Duration;

use actions::access::Access;
use actions::triggers::CommitFacts;
use chrono::TimeDelta;
use entity::kind::{BranchEventKind, LogLevel};
use entity::view::{Live, Timestamp};
use forge::WantedChanges;
use store::db::DataError;
use store::repositories::{self, SyncTarget};
use store::triggers::{Decision, decide, decide_unknown};
use store::watch::{
    FollowedEvent, Learned, events_to_follow, knows_protection, note_facts, note_told, postpone_event, postpone_facts,
    watch_state,
};
use triggers::{ChangedPaths, MAX_PATHS, Needs};
use uuid::Uuid;

use super::api::learn_protection;
use super::api_reader::ApiReader;
use super::decide::{Triggers, facts, gone};
use super::reader::{CommitError, OpenClone, fetch_all};
use crate::clock;
use crate::jobs::{Deps, JobContext, JobError, entered_access};

/// Events that are looked at together.
const BATCH: u64 = 50;
/// So long after the first look branches are told of that were there before.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// A clone that is made has so long, before what is best known soon is asked for by the API.
const SOON: Duration = Duration::from_secs(5);

/// Follows what happened to a repository's watched branches: reads commits, decides who is told, keeps what was found.
///
/// # Errors
/// The database's, or that the job was stopped.
pub async fn follow(deps: &Deps, context: &JobContext, repository: Uuid) -> Result<String, JobError> {
    let Some(target) = repositories::sync_target(&deps.db.read, repository).await? else {
        return Ok("the repository is no longer here".to_owned());
    };
    // Of what was there before it was watched, asked for a while only: some forges do not tell. Later of new ones.
    let first = watch_state(&deps.db.read, repository).await?.and_then(|watch| watch.first_look_at);
    let is_fresh = first.is_some_and(|at| clock::now() - at < FRESH);
    let has_new = is_fresh && !knows_protection(&deps.db.read, repository).await?;
    let mut done = Done { has_new, ..Done::default() };
    let mut tried: HashMap<Uuid, u32> = HashMap::new();
    let mut by_api = ApiReader::new(repository);
    loop {
        let mut due = events_to_follow(&deps.db.read, repository, clock::now(), BATCH).await?;
        // One that can neither be followed nor put off would be met for ever.
        due.retain(|event| {
            let times = tried.entry(event.id).or_default();
            *times += 1;
            *times <= 3
        });
        if due.is_empty() {
            break;
        }
        let triggers = Triggers::load(&deps.db.read).await?;
        let cloned = OpenClone::new(deps, &target);
        let mut following =
            Following { deps, context, target: &target, cloned, own: None, triggers, by_api: &mut by_api };
        // What refs alone answer does not wait for commits.
        for event in due.iter_mut().filter(|event| event.is_undecided) {
            event.is_undecided = !following.decide_at_once(event).await?;
        }
        deps.queue.bell().ring_for_deliveries();
        // What the clone tells does not wait for what somebody has to be asked for, which may take long.
        let commits = due.iter().filter_map(|event| event.new_commit).collect();
        let here = following.cloned.having(commits).await.unwrap_or_default();
        let is_here = |event: &FollowedEvent| event.new_commit.is_none_or(|commit| here.contains(&commit));
        let (at_hand, mut due) = apart(due, |event| &event.branch_name, is_here);
        following.all(at_hand, Some(&CommitError::removed()), &mut done).await?;
        let hindered = following.fetch(&mut due).await?;
        following.all(due, hindered.as_ref(), &mut done).await?;
        following.ring();
    }
    if done.has_new && !target.is_off() {
        learn_protection(deps, context, repository).await?;
    }
    let Done { followed, put_off, .. } = done;
    Ok(match put_off {
        0 => format!("followed {followed} events of branches"),
        _ => format!("followed {followed} events of branches; {put_off} wait for commits that can't be read now"),
    })
}

/// What a job came to so far.
#[derive(Default)]
struct Done {
    followed: u32,
    put_off: u32,
    /// Nobody told yet which of its branches are protected.
    has_new: bool,
}

/// Events whose commits are here, and the others: those of a branch stay in their order, so that what comes after one that is
/// waited for waits with it.
fn apart<E>(due: Vec<E>, branch: impl Fn(&E) -> &String, is_here: impl Fn(&E) -> bool) -> (Vec<E>, Vec<E>) {
    let mut waiting = HashSet::new();
    due.into_iter().partition(|event| {
        let is_next = is_here(event) && !waiting.contains(branch(event));
        if !is_next {
            waiting.insert(branch(event).clone());
        }
        is_next
    })
}

/// Whether an event waits for its commit to be read or for its decision.
fn is_waiting(event: &FollowedEvent) -> bool {
    event.is_undecided || event.is_unread
}

/// Whether nothing is left of an event that another try may bring: what its commit brings for Tekton is known, and it is decided
/// who is told. Whether the branch was forced is waited for where time may mend it.
fn is_enough(event: &FollowedEvent, error: &CommitError) -> bool {
    let is_marked = event.old_commit.is_none() || event.is_forced.is_some();
    event.tekton.is_some() && !event.is_undecided && (is_marked || error.is_lasting())
}

/// What is known of an event's commit before it is read.
fn known(event: &FollowedEvent) -> CommitFacts {
    CommitFacts { tekton: event.tekton.clone(), is_forced: event.is_forced, paths: None }
}

/// What is followed, by which triggers.
struct Following<'a> {
    deps: &'a Deps,
    context: &'a JobContext,
    target: &'a SyncTarget,
    cloned: OpenClone<'a>,
    /// What somebody entered for it alone; read before anything is fetched.
    own: Option<Access>,
    triggers: Triggers,
    by_api: &'a mut ApiReader,
}

impl Following<'_> {
    /// Follows events, each as far as that can be now.
    async fn all(
        &mut self,
        events: Vec<FollowedEvent>,
        hindered: Option<&CommitError>,
        done: &mut Done,
    ) -> Result<(), JobError> {
        for mut event in events {
            if self.context.is_cancelled() {
                return Err(JobError::Cancelled);
            }
            match self.one(&mut event, hindered).await? {
                true => {
                    done.followed += 1;
                    done.has_new |= event.kind == BranchEventKind::BranchCreated;
                }
                false => done.put_off += 1,
            }
        }
        Ok(())
    }

    /// Fetches the commits of events, if they can be had. While a clone is made, which may take long, what is best known soon is
    /// asked for by the API.
    async fn fetch(&mut self, due: &mut [FollowedEvent]) -> Result<Option<CommitError>, JobError> {
        let (deps, context, target) = (self.deps, self.context, self.target);
        if target.is_off() {
            // What the clone has is read all the same.
            let why = "the repository is switched off: nothing is fetched";
            return Ok(Some(CommitError::Gone(why.to_owned())));
        }
        if target.sync_status.is_set_aside() {
            return Ok(Some(CommitError::set_aside()));
        }
        let wanted = due.iter().filter(|event| is_waiting(event));
        let wanted: Vec<_> = wanted.filter_map(|event| Some((event.branch_name.clone(), event.new_commit?))).collect();
        if wanted.is_empty() {
            return Ok(None);
        }
        self.own = entered_access(deps, context, target.id, target.origin).await?;
        self.cloned.close();
        let has_clone = deps.clone_dir(target.id).is_dir();
        let mut fetching = pin!(fetch_all(deps, context, target, self.own.clone(), wanted));
        if has_clone {
            return Ok(fetching.await);
        }
        tokio::select! {
            hindered = &mut fetching => return Ok(hindered),
            () = tokio::time::sleep(SOON) => {}
        }
        let mut kept = Ok(());
        for event in due.iter_mut().filter(|event| is_waiting(event)) {
            // What the API was still to tell, the clone tells once it is there; or the API is asked for it again.
            let told = tokio::select! {
                hindered = &mut fetching => return Ok(hindered),
                told = self.ask_api(event) => told,
            };
            kept = match told {
                Ok(told) => self.keep_told(event, &told).await,
                Err(error) => Err(error),
            };
            if kept.is_err() {
                break;
            }
        }
        self.ring();
        // Whoever tries again fetches into the same clone.
        let hindered = fetching.await;
        kept.map(|()| hindered)
    }

    /// Whether the event is followed; else it waits.
    async fn one(&mut self, event: &mut FollowedEvent, hindered: Option<&CommitError>) -> Result<bool, JobError> {
        if !is_waiting(event) {
            return Ok(true);
        }
        let mut unread = None;
        let read = match event.new_commit {
            None => gone(),
            Some(_) => {
                let needs = Needs { tekton: true, ..self.triggers.needs() };
                match self.cloned.read(self.context, self.own.as_ref(), event, needs, hindered).await {
                    Ok(read) => self.complete(event, read).await?,
                    Err(_) if self.context.is_cancelled() => return Err(JobError::Cancelled),
                    Err(error) => {
                        self.context.note(LogLevel::Warn, &format!("{}: {}", event.branch_name, error.why()));
                        let told = if error.may_ask_api() { self.ask_api(event).await? } else { known(event) };
                        self.keep_told(event, &told).await?;
                        if self.context.is_cancelled() {
                            return Err(JobError::Cancelled);
                        }
                        let now = clock::now();
                        let wait = error.wait(event.tries, now - event.noticed_at);
                        if let Some(wait) = wait.filter(|_| !is_enough(event, &error)) {
                            self.put_off(event, error.why(), now + wait).await?;
                            return Ok(false);
                        }
                        unread = Some(format!("what triggers ask of the commit could not be read: {}", error.why()));
                        told
                    }
                }
            }
        };
        // What can't be read is not known: such a part is not met, its verdict says so, and the event has failed.
        let judged = event.is_undecided.then(|| self.judge(event, &read));
        let learned = Learned { tekton: read.tekton.as_ref(), is_forced: read.is_forced };
        let now = clock::now();
        let txn = self.deps.db.begin().await?;
        if let Some((decisions, lacks)) = judged {
            match unread.filter(|_| lacks.any()) {
                Some(why) => decide_unknown(&txn, event.id, &decisions, &why, now).await?,
                None => decide(&txn, event.id, &decisions, now).await?,
            };
        }
        note_facts(&txn, event.id, learned, now).await?;
        txn.commit().await.map_err(DataError::from)?;
        // Others may take long.
        self.deps.queue.bell().ring_for_deliveries();
        Ok(true)
    }

    /// What the clone told of a commit, and where it does not have the old one any more, or never had it, what the API tells.
    async fn complete(&mut self, event: &mut FollowedEvent, read: CommitFacts) -> Result<CommitFacts, JobError> {
        let has_both = event.old_commit.is_none() || read.is_forced.is_some();
        let mut told = CommitFacts { is_forced: read.is_forced.or(event.is_forced), ..read };
        if !has_both && !self.target.is_off() {
            self.ask_changes(event, &mut told).await?;
        }
        match self.context.is_cancelled() {
            true => Err(JobError::Cancelled),
            false => Ok(told),
        }
    }

    /// Asks the forge's API for what is not known of an event's commit.
    async fn ask_api(&mut self, event: &mut FollowedEvent) -> Result<CommitFacts, JobError> {
        if let Some(commit) = event.new_commit.filter(|_| event.tekton.is_none()) {
            event.tekton = self.by_api.read(self.deps, self.context, commit).await?;
        }
        let mut told = known(event);
        self.ask_changes(event, &mut told).await?;
        Ok(told)
    }

    /// Asks it whether the commit leaves the old one behind and, where somebody's condition hangs on that, which paths changed.
    async fn ask_changes(&mut self, event: &mut FollowedEvent, told: &mut CommitFacts) -> Result<(), JobError> {
        let Some(new) = event.new_commit else { return Ok(()) };
        let lacks_paths = event.is_undecided && self.judge(event, told).1.paths;
        let lacks_mark = event.is_unread && event.old_commit.is_some() && told.is_forced.is_none();
        if !lacks_paths && !lacks_mark {
            return Ok(());
        }
        let wanted = WantedChanges { old: event.old_commit, new, paths: lacks_paths.then_some(MAX_PATHS) };
        let Some(changes) = self.by_api.changes(self.deps, self.context, &wanted).await? else { return Ok(()) };
        told.is_forced = told.is_forced.or(changes.is_forced);
        event.is_forced = told.is_forced;
        if let Some(found) = changes.paths {
            told.paths = Some(ChangedPaths { paths: found.paths, is_complete: found.is_complete });
        }
        Ok(())
    }

    /// Decides at once, where nothing has to be read for that; whether it is decided.
    async fn decide_at_once(&self, event: &FollowedEvent) -> Result<bool, JobError> {
        let read = match event.new_commit {
            None => gone(),
            Some(_) => known(event),
        };
        let (decisions, lacks) = self.judge(event, &read);
        if lacks.any() {
            return Ok(false);
        }
        let txn = self.deps.db.begin().await?;
        let decided = decide(&txn, event.id, &decisions, clock::now()).await?;
        txn.commit().await.map_err(DataError::from)?;
        Ok(decided)
    }

    /// Keeps what is told of an event's commit while that can't be read, and decides as far as it answers.
    async fn keep_told(&self, event: &mut FollowedEvent, told: &CommitFacts) -> Result<(), JobError> {
        let CommitFacts { tekton, is_forced, paths } = told;
        if tekton.is_none() && is_forced.is_none() && paths.is_none() {
            return Ok(());
        }
        let judged = event.is_undecided.then(|| self.judge(event, told));
        let now = clock::now();
        let txn = self.deps.db.begin().await?;
        if let Some((decisions, lacks)) = judged
            && !lacks.any()
            && decide(&txn, event.id, &decisions, now).await?
        {
            event.is_undecided = false;
        }
        let learned = Learned { tekton: tekton.as_ref(), is_forced: *is_forced };
        note_told(&txn, event.id, learned, now).await?;
        txn.commit().await.map_err(DataError::from)?;
        // Others may take long.
        self.deps.queue.bell().ring_for_deliveries();
        Ok(())
    }

    async fn put_off(&self, event: &FollowedEvent, why: &str, again: Timestamp) -> Result<(), JobError> {
        let w = &self.deps.db.write;
        if event.is_undecided {
            postpone_event(w, event.id, why, again).await?;
        }
        postpone_facts(w, event.id, again, !event.is_undecided).await?;
        Ok(())
    }

    fn judge(&self, event: &FollowedEvent, read: &CommitFacts) -> (Vec<Decision>, Needs) {
        self.triggers.judge(&facts(&self.target.into(), &event.into(), read))
    }

    /// Whoever tells targets, and open pages, learn of what was decided and found.
    fn ring(&self) {
        self.deps.queue.bell().ring_for_deliveries();
        self.deps.queue.bus().send(Live::Branches { repository_id: self.target.id });
    }
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn what_comes_after_a_commit_that_is_waited_for_waits_with_it() {
        let due = [("a", true), ("b", false), ("a", true), ("b", true), ("c", true), ("b", false)];
        let due: Vec<(String, bool)> = due.map(|(branch, is_here)| (branch.to_owned(), is_here)).to_vec();
        let (at_hand, others) = apart(due, |event| &event.0, |event| event.1);
        let branches = |events: Vec<(String, bool)>| events.into_iter().map(|event| event.0).collect::<String>();
        assert_eq!((branches(at_hand), branches(others)), ("aac".to_owned(), "bbb".to_owned()));
    }
}
