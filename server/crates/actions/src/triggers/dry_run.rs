//! What a condition would have been met by, had its trigger been there before. Nothing is kept and nobody is told.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use entity::kind::{BranchEventKind, TargetKind};
use entity::view::{Condition, DryRun, DryRunMatch, TektonFound};
use store::triggers::{PastCommit, PastEvent, past_commits, past_events};
use tokio::time::{Instant, timeout, timeout_at};
use triggers::{ChangedPaths, CompiledCondition, EventFacts, Needs};
use uuid::Uuid;

use super::CommitReader;
use super::check::usable_condition;
use crate::{Actions, Actor, Refusal, Result};

/// So far back it is looked.
const DAYS: i64 = 30;
/// So much is looked at, newest first.
const MOST_EVENTS: u64 = 10_000;
const MOST_COMMITS: u64 = 2_000;
/// So long it may take.
const LONGEST: Duration = Duration::from_secs(10);
/// So many matches are listed.
const LISTED: usize = 100;
/// After as many it lets others go on.
const IN_ONE_GO: usize = 32;

/// What a condition would have been met by in the last 30 days, where its trigger told such a target: events of watched branches,
/// and commits of default branches from before they were watched.
///
/// # Errors
/// The refusal, also where the condition can't be used.
pub async fn dry_run(
    ctx: &Actions,
    actor: &Actor,
    condition: &Condition,
    target: Option<TargetKind>,
) -> Result<DryRun> {
    actor.need(entity::kind::Permission::ManagePipelines)?;
    let compiled = usable_condition(condition)?;
    let compiled = match target {
        Some(target) => compiled.of_target(target),
        None => compiled,
    };
    let end = Instant::now() + LONGEST;
    // Reading clones is work: few at a time may ask for it.
    let Ok(Ok(_seat)) = timeout(LONGEST, ctx.dry_runs.acquire()).await else { return Err(Refusal::Later(10)) };
    let until = ctx.now();
    let since = until - TimeDelta::days(DAYS);
    let events = past_events(&ctx.db.read, since, MOST_EVENTS).await?;
    let mut commits = past_commits(&ctx.db.read, since, MOST_COMMITS).await?;
    let all_events = (events.len() as u64) < MOST_EVENTS;
    let all_commits = (commits.len() as u64) < MOST_COMMITS;
    leave_out_events(&mut commits, &events);
    let has_commits = !commits.is_empty();

    let mut run = Run::new(&compiled, ctx.reader.clone(), end);
    run.hold(events.into_iter().map(Past::from)).await;
    let events = run.looked_at;
    run.hold(commits.into_iter().filter_map(Past::of_commit)).await;
    let commits = run.looked_at - events;

    let mut notes = Vec::new();
    if !all_events {
        notes.push(format!("Only the newest {MOST_EVENTS} events were looked at."));
    }
    if !all_commits {
        notes.push(format!("Only the newest {MOST_COMMITS} commits were looked at."));
    }
    if has_commits {
        notes.push(
            "Each commit of a default branch from before it was watched, or of one that is watched no longer, counts as a \
             change of its own; commits that changed no Kubernetes resource are not known."
                .to_owned(),
        );
        notes.extend(untold_by_commits(&condition.events));
    }
    if run.is_late {
        notes.push(format!("Not all was looked at: it took longer than {} seconds.", LONGEST.as_secs()));
    }
    if let Some(why) = run.why_unknown.take() {
        notes.push(format!("What some commits changed could not be read: {why}."));
    }
    run.matches.sort_by_key(|found| std::cmp::Reverse(found.at));
    run.matches.truncate(LISTED);
    Ok(DryRun {
        since,
        until,
        events,
        commits,
        matched: run.matched,
        unknown: run.unknown,
        is_complete: all_events && all_commits && !run.is_late,
        notes,
        matches: run.matches,
    })
}

/// Commits of a branch that was watched then are events: those that are looked at count once.
fn leave_out_events(commits: &mut Vec<PastCommit>, events: &[PastEvent]) {
    let came = events.iter().filter_map(|event| Some((event.repository_id, &event.branch_name, event.new_commit?)));
    let came: HashSet<_> = came.collect();
    commits.retain(|commit| {
        let branch = commit.branch_name.as_ref();
        branch.is_none_or(|branch| !came.contains(&(commit.repository_id, branch, commit.sha)))
    });
}

/// Which of the events that a condition asks for no commit tells of, as each counts as a push to its branch.
fn untold_by_commits(asked: &[BranchEventKind]) -> Option<String> {
    let others: Vec<&str> =
        asked.iter().filter(|kind| **kind != BranchEventKind::BranchUpdated).map(|kind| kind.as_str()).collect();
    if others.is_empty() {
        return None;
    }
    let matches = match asked.contains(&BranchEventKind::BranchUpdated) {
        true => "",
        false => ", so that none of them matches",
    };
    Some(format!("Commits count as branch_updated alone{matches}; they do not tell of {}.", others.join(" and ")))
}

/// Something that happened.
struct Past {
    found: DryRunMatch,
    repository_url: String,
    provider: entity::kind::Provider,
    old_commit: Option<entity::value::ObjectId>,
    new_commit: Option<entity::value::ObjectId>,
    is_forced: Option<bool>,
    tekton: Option<TektonFound>,
}

impl From<PastEvent> for Past {
    fn from(event: PastEvent) -> Self {
        Self {
            found: DryRunMatch {
                event_id: Some(event.id),
                at: event.noticed_at,
                kind: event.kind,
                repository_id: event.repository_id,
                repository_full_name: event.repository_full_name,
                branch_name: event.branch_name,
                commit: event.new_commit.or(event.old_commit).map(|commit| commit.to_string()),
                subject: None,
            },
            repository_url: event.repository_url,
            provider: event.provider,
            old_commit: event.old_commit,
            new_commit: event.new_commit,
            is_forced: event.is_forced,
            tekton: event.tekton.map(|tekton| tekton.0),
        }
    }
}

impl Past {
    /// A commit as a change of its branch; nothing where the branch's name is not known.
    fn of_commit(commit: PastCommit) -> Option<Self> {
        Some(Self {
            found: DryRunMatch {
                event_id: None,
                at: commit.committed_at,
                kind: BranchEventKind::BranchUpdated,
                repository_id: commit.repository_id,
                repository_full_name: commit.repository_full_name,
                branch_name: commit.branch_name?,
                commit: Some(commit.sha.to_string()),
                subject: Some(commit.subject),
            },
            repository_url: commit.repository_url,
            provider: commit.provider,
            old_commit: None,
            new_commit: Some(commit.sha),
            is_forced: Some(false),
            tekton: None,
        })
    }

    fn facts<'a>(&'a self, paths: Option<&'a ChangedPaths>, tekton: Option<&'a TektonFound>) -> EventFacts<'a> {
        EventFacts {
            repository_full_name: &self.found.repository_full_name,
            repository_url: &self.repository_url,
            provider: self.provider,
            branch: &self.found.branch_name,
            kind: self.found.kind,
            old_commit: self.old_commit,
            new_commit: self.new_commit,
            is_forced: self.is_forced,
            paths,
            tekton: tekton.or(self.tekton.as_ref()),
        }
    }
}

struct Run<'a> {
    condition: &'a CompiledCondition,
    reader: Option<Arc<dyn CommitReader>>,
    end: Instant,
    looked_at: u32,
    matched: u32,
    unknown: u32,
    why_unknown: Option<String>,
    is_late: bool,
    matches: Vec<DryRunMatch>,
    /// How many more are kept of what is held against the condition now.
    room: usize,
}

impl<'a> Run<'a> {
    fn new(condition: &'a CompiledCondition, reader: Option<Arc<dyn CommitReader>>, end: Instant) -> Self {
        Self {
            condition,
            reader,
            end,
            looked_at: 0,
            matched: 0,
            unknown: 0,
            why_unknown: None,
            is_late: false,
            matches: Vec::new(),
            room: 0,
        }
    }

    /// Holds the condition against these, for as long as there is time.
    async fn hold(&mut self, pasts: impl Iterator<Item = Past>) {
        // They come newest first.
        self.room = LISTED;
        for (place, past) in pasts.enumerate() {
            if Instant::now() >= self.end {
                self.is_late = true;
            }
            if self.is_late {
                return;
            }
            if place.is_multiple_of(IN_ONE_GO) {
                tokio::task::yield_now().await;
            }
            self.look(past).await;
        }
    }

    async fn look(&mut self, past: Past) {
        let first = self.condition.judge(&past.facts(None, None));
        let is_match = if first.is_match || !first.lacks.any() { Some(first.is_match) } else { self.read(&past).await };
        self.looked_at += 1;
        match is_match {
            Some(true) => {
                self.matched += 1;
                self.keep(past.found);
            }
            Some(false) => {}
            None => self.unknown += 1,
        }
    }

    /// The answer once it is read what the commit changed; nothing where that can't be.
    async fn read(&mut self, past: &Past) -> Option<bool> {
        let (repository, new): (Uuid, _) = (past.found.repository_id, past.new_commit?);
        let Some(reader) = self.reader.clone() else {
            self.why_unknown.get_or_insert_with(|| "this process reads no clones".to_owned());
            return None;
        };
        let needs: Needs = self.condition.needs();
        let facts = match timeout_at(self.end, reader.read(repository, past.old_commit, new, needs)).await {
            Ok(Ok(facts)) => facts,
            Ok(Err(why)) => {
                self.why_unknown.get_or_insert(why);
                return None;
            }
            Err(_) => {
                self.is_late = true;
                return None;
            }
        };
        let mut known = past.facts(facts.paths.as_ref(), facts.tekton.as_ref());
        known.is_forced = known.is_forced.or(facts.is_forced);
        let judgement = self.condition.judge(&known);
        let is_known = judgement.is_match || !judgement.lacks.any();
        if !is_known {
            self.why_unknown.get_or_insert_with(|| "the clone does not have all that was there before".to_owned());
        }
        is_known.then_some(judgement.is_match)
    }

    fn keep(&mut self, found: DryRunMatch) {
        if self.room > 0 {
            self.room -= 1;
            self.matches.push(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::kind::Provider;
    use entity::value::ObjectId;

    use super::*;

    #[test]
    fn a_commit_that_is_an_event_of_its_branch_counts_once() {
        let (repository, at) = (Uuid::from_u128(1), "2026-11-21T08:00:00Z".parse().unwrap());
        let event = |branch: &str, commit: u8| PastEvent {
            id: Uuid::from_u128(2),
            repository_id: repository,
            repository_full_name: "ada/home".into(),
            repository_url: "https://git.example/ada/home".into(),
            provider: Provider::Git,
            branch_name: branch.into(),
            kind: BranchEventKind::BranchUpdated,
            old_commit: None,
            new_commit: Some(ObjectId([commit; 20])),
            is_forced: None,
            tekton: None,
            noticed_at: at,
        };
        let commit = |branch: Option<&str>, commit: u8| PastCommit {
            repository_id: repository,
            repository_full_name: "ada/home".into(),
            repository_url: "https://git.example/ada/home".into(),
            provider: Provider::Git,
            branch_name: branch.map(str::to_owned),
            sha: ObjectId([commit; 20]),
            committed_at: at,
            subject: "x".into(),
        };
        let mut commits =
            vec![commit(Some("main"), 1), commit(Some("main"), 2), commit(Some("main"), 3), commit(None, 3)];
        leave_out_events(&mut commits, &[event("main", 3), event("topic", 1)]);
        assert_eq!(commits, [commit(Some("main"), 1), commit(Some("main"), 2), commit(None, 3)]);
    }

    #[test]
    fn what_commits_do_not_tell_of_is_said() {
        use BranchEventKind::{BranchDeleted, BranchUpdated, TektonDetected};
        let said = |asked: &[BranchEventKind]| untold_by_commits(asked).unwrap_or_default();
        assert_eq!((said(&[]), said(&[BranchUpdated])), (String::new(), String::new()));
        assert_eq!(
            said(&[TektonDetected]),
            "Commits count as branch_updated alone, so that none of them matches; they do not tell of tekton_detected."
        );
        assert_eq!(
            said(&[BranchUpdated, BranchDeleted, TektonDetected]),
            "Commits count as branch_updated alone; they do not tell of branch_deleted and tekton_detected."
        );
    }
}
