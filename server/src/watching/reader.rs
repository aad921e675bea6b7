//! What a commit changed and what Tekton's resources it brings, read from the clone. A commit that the clone does not have is
//! fetched first, under a ref of its own.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;

use actions::access::Access;
use actions::triggers::{CommitFacts, CommitReader};
use chrono::TimeDelta;
use entity::value::ObjectId;
use entity::view::TektonFound;
use git::{BelowLimits, FilesBelow, GitError, Repo};
use store::repositories::SyncTarget;
use store::watch::FollowedEvent;
use tokio::task::JoinError;
use triggers::{ChangedPaths, MAX_BYTES, MAX_FILE_BYTES, MAX_FILES, MAX_PATHS, Needs, detect_tekton, is_tekton_file};
use uuid::Uuid;

use crate::jobs::{Deps, JobContext, clone_dir, remote};
use crate::turns::Turns;

/// Where Tekton's resources are looked for.
pub(super) const TEKTON: &str = ".tekton";
/// What is read there, whoever tells of it.
pub(super) const LIMITS: BelowLimits = BelowLimits {
    files: MAX_FILES,
    file_bytes: MAX_FILE_BYTES as u64,
    total_bytes: MAX_BYTES as u64,
    // Files and folders, those included that are no YAML.
    entries: 10_000,
};
/// Commits that are read at the same time: each takes a thread.
const AT_ONCE: usize = 4;

/// Why a commit could not be read.
#[derive(Clone, Debug)]
pub enum CommitError {
    /// It may be there later, after such a time at the soonest.
    Temporary { why: String, at_least: TimeDelta, fault: Fault },
    /// It can't be had any more.
    Gone(String),
    /// What is here of it, or comes, is broken.
    Damaged(String),
}

/// Whose fault it is that a commit can't be had now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The remote's, or that of the way to it: nothing else can be had there either.
    Remote,
    /// The same, but the remote refuses who asks, or knows of no such repository: nobody else is asked for what is not shown.
    Refused,
    /// Perhaps the remote's, perhaps that of one commit: others may be had by themselves.
    Unclear,
    /// The commit's, or our own.
    Commit,
}

impl From<GitError> for CommitError {
    fn from(error: GitError) -> Self {
        let why = error.to_string();
        match error {
            GitError::MissingObject { id } => Self::Gone(format!("the remote does not give out commit {id}")),
            GitError::Corrupt { .. } => Self::Damaged(why),
            // Who allows no more asks for that time.
            GitError::Limited { wait, .. } => Self::Temporary {
                why,
                at_least: TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1)),
                fault: Fault::Remote,
            },
            // What a remote refuses it may give once somebody mended a token.
            GitError::NeedsAuth { .. }
            | GitError::NotFound { .. }
            | GitError::RefusedUrl { .. }
            | GitError::Redirected { .. } => Self::temporary(why, Fault::Refused),
            GitError::NoRepository { .. }
            | GitError::Unreachable { .. }
            | GitError::Busy { .. }
            | GitError::Cancelled
            | GitError::DiskFull => Self::temporary(why, Fault::Remote),
            // Too slow, or no Git that speaks: an outage looks so as well.
            GitError::Timeout { .. } | GitError::Protocol { .. } | GitError::Io { .. } => {
                Self::temporary(why, Fault::Unclear)
            }
            // Too much or broken.
            _ => Self::temporary(why, Fault::Commit),
        }
    }
}

impl From<JoinError> for CommitError {
    fn from(error: JoinError) -> Self {
        Self::temporary(format!("reading the commit was broken off: {error}"), Fault::Commit)
    }
}

/// The longest wait between two tries.
const LAST_WAIT: TimeDelta = TimeDelta::hours(2);
/// Waits after tries that failed; after the last, what could not be read stays unknown.
const WAITS: [TimeDelta; 5] =
    [TimeDelta::seconds(5), TimeDelta::minutes(1), TimeDelta::minutes(5), TimeDelta::minutes(30), LAST_WAIT];
/// So long after an event the last wait is repeated where the commit is not at fault. An outage of a weekend, or a token that ran
/// out while whoever mends it was away, is over by then; who is told of an older push would start what nobody waits for.
const PATIENCE: TimeDelta = TimeDelta::days(7);
/// A forge's machines do not all know of a push at once: what is not there may be there soon.
const WAITS_FOR_GONE: usize = 2;

impl CommitError {
    const fn temporary(why: String, fault: Fault) -> Self {
        Self::Temporary { why, at_least: TimeDelta::zero(), fault }
    }

    /// The clone that had the commit was removed at this moment.
    pub fn removed() -> Self {
        Self::temporary("the clone was removed just now".to_owned(), Fault::Unclear)
    }

    /// The repository is too large to be cloned, and nobody let it in.
    pub fn set_aside() -> Self {
        let why = "the repository is set aside until somebody approves it: nothing is fetched";
        Self::temporary(why.to_owned(), Fault::Commit)
    }

    /// What to tell people.
    pub fn why(&self) -> &str {
        match self {
            Self::Temporary { why, .. } | Self::Gone(why) | Self::Damaged(why) => why,
        }
    }

    /// Whether the forge's API may be asked for what Git does not give: not for what the remote does not show, nor for a commit
    /// that it does not have.
    pub const fn may_ask_api(&self) -> bool {
        match self {
            Self::Temporary { fault, .. } => !matches!(fault, Fault::Refused),
            Self::Gone(_) => false,
            Self::Damaged(_) => true,
        }
    }

    /// Whether time alone hardly mends it.
    pub const fn is_lasting(&self) -> bool {
        matches!(self, Self::Temporary { fault: Fault::Commit, .. })
    }

    /// After what time to try again, where so many tries failed before this one and the event was noticed so long ago.
    pub fn wait(&self, tries: i32, age: TimeDelta) -> Option<TimeDelta> {
        let (waits, at_least, may_repeat) = match self {
            Self::Temporary { at_least, fault, .. } => (&WAITS[..], *at_least, *fault != Fault::Commit),
            Self::Gone(_) | Self::Damaged(_) => (&WAITS[..WAITS_FOR_GONE], TimeDelta::zero(), false),
        };
        let next = waits.get(usize::try_from(tries).unwrap_or(usize::MAX)).copied();
        let repeated = (may_repeat && age < PATIENCE).then_some(LAST_WAIT);
        next.or(repeated).map(|wait| at_least.max(wait))
    }
}

/// Fetches commits that branches moved to, all by one session. Where the remote can't be had, why; else each that did not come,
/// for one of them may be too much for all, is fetched by itself when it is read.
pub async fn fetch_all(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    own: Option<Access>,
    wanted: Vec<(String, ObjectId)>,
) -> Option<CommitError> {
    match fetch(deps, context, target, own, wanted).await {
        Err(error @ CommitError::Temporary { fault: Fault::Remote | Fault::Refused, .. }) => Some(error),
        Ok(()) | Err(_) => None,
    }
}

/// A repository's clone, opened once for all commits that are read of it; anew where something was fetched, or can't be read.
pub struct OpenClone<'a> {
    deps: &'a Deps,
    target: &'a SyncTarget,
    repo: Option<Repo>,
}

impl<'a> OpenClone<'a> {
    /// The clone of this repository, whether there is one or not.
    pub fn new(deps: &'a Deps, target: &'a SyncTarget) -> Self {
        Self { deps, target, repo: None }
    }

    /// Something is fetched into it: what was opened is old.
    pub fn close(&mut self) {
        self.repo = None;
    }

    /// Which of these commits it has: all that they need is read at once, whoever has to be asked for others.
    ///
    /// # Errors
    /// If reading was broken off.
    pub async fn having(&mut self, commits: Vec<ObjectId>) -> Result<HashSet<ObjectId>, CommitError> {
        let has = move |repo: &Repo| {
            let here = commits.iter().copied().filter(|commit| repo.contains(*commit));
            Ok(here.collect::<HashSet<_>>())
        };
        // Where there is none, or it can't be opened, it has nothing.
        Ok(self.work(has).await?.unwrap_or_default())
    }

    /// Reads a commit that a branch moved to; one that the clone does not have is fetched, unless the remote can't be had just
    /// now.
    ///
    /// # Errors
    /// Whether it is worth another try.
    pub async fn read(
        &mut self,
        context: &JobContext,
        own: Option<&Access>,
        event: &FollowedEvent,
        needs: Needs,
        hindered: Option<&CommitError>,
    ) -> Result<CommitFacts, CommitError> {
        let Some(new) = event.new_commit else { return Ok(CommitFacts::default()) };
        if self.having(vec![new]).await?.is_empty() {
            if let Some(error) = hindered {
                return Err(error.clone());
            }
            self.close();
            let wanted = vec![(event.branch_name.clone(), new)];
            fetch(self.deps, context, self.target, own.cloned(), wanted).await?;
        }
        let old = event.old_commit;
        Ok(self.work(move |repo| read(repo, old, new, needs)).await??)
    }

    /// Does what may take long with what is open, which stays so where that goes well. Where it does not, it is done once more
    /// with what is there now: a sync may have made the clone anew since, whose old files are gone.
    async fn work<T: Send + 'static>(
        &mut self,
        work: impl Fn(&Repo) -> Result<T, GitError> + Send + 'static,
    ) -> Result<Result<T, GitError>, JoinError> {
        let (open, clone) = (self.repo.take(), self.deps.clone_dir(self.target.id));
        let worked = tokio::task::spawn_blocking(move || {
            if let Some(repo) = open
                && let Ok(found) = work(&repo)
            {
                return Ok((repo, found));
            }
            let repo = Repo::open(&clone)?;
            work(&repo).map(|found| (repo, found))
        });
        Ok(worked.await?.map(|(repo, found)| {
            self.repo = Some(repo);
            found
        }))
    }
}

async fn fetch(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    own: Option<Access>,
    wanted: Vec<(String, ObjectId)>,
) -> Result<(), CommitError> {
    let (deps, target, cancel) = (deps.clone(), target.clone(), Arc::clone(&context.cancel));
    let work = tokio::task::spawn_blocking(move || {
        let (url, auth, limits) = remote(&deps, &target, own.as_ref())?;
        git::fetch_commits(&deps.clone_dir(target.id), &url, &wanted, &auth, &limits, &cancel, &mut |_| {}).map(drop)
    });
    Ok(work.await??)
}

/// Reads commits that clones have.
#[derive(Clone)]
pub struct CloneReader {
    data_dir: Arc<std::path::Path>,
    turns: Turns,
}

impl CloneReader {
    /// Over the clones below a data directory.
    #[must_use]
    pub fn new(data_dir: &std::path::Path) -> Self {
        Self { data_dir: data_dir.into(), turns: Turns::new(AT_ONCE) }
    }

    /// Reads a commit that the clone has.
    ///
    /// # Errors
    /// If there is no clone, or it does not have the commit.
    pub async fn read_here(
        &self,
        repository: Uuid,
        old: Option<ObjectId>,
        new: ObjectId,
        needs: Needs,
    ) -> Result<CommitFacts, CommitError> {
        let clone = clone_dir(&self.data_dir, repository);
        Ok(self.turns.work(move || read(&Repo::open(&clone)?, old, new, needs)).await??)
    }

    /// What a commit says of itself, where the clone has it.
    pub async fn commit_info(&self, repository: Uuid, commit: ObjectId) -> Option<git::CommitInfo> {
        let clone = clone_dir(&self.data_dir, repository);
        let read = tokio::task::spawn_blocking(move || Repo::open(&clone).ok()?.commit_info(commit).ok());
        read.await.ok().flatten()
    }
}

fn read(repo: &Repo, old: Option<ObjectId>, new: ObjectId, needs: Needs) -> Result<CommitFacts, GitError> {
    let mut found = CommitFacts::default();
    if needs.paths {
        // Without what it is compared with, a commit is compared with its parent: there may be more that changed.
        let known = old.filter(|old| repo.contains(*old));
        let changed = repo.changed_paths(known, new, MAX_PATHS)?;
        let is_complete = changed.is_complete && known == old;
        found.paths = Some(ChangedPaths { paths: changed.paths, is_complete });
    }
    if needs.tekton {
        found.tekton = Some(tekton_of(&repo.files_below(new, TEKTON, &LIMITS, is_tekton_file)?));
    }
    if let Some(old) = old {
        found.is_forced = repo.is_ancestor(old, new)?.map(|descends| !descends);
    }
    Ok(found)
}

/// What the files below `.tekton/` come to.
pub(super) fn tekton_of(below: &FilesBelow) -> TektonFound {
    let files = below.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    let mut found = detect_tekton(below.is_there, files);
    found.warnings.extend(below.left_out.iter().cloned());
    found
}

impl CommitReader for CloneReader {
    fn read(
        &self,
        repository: Uuid,
        old: Option<ObjectId>,
        new: ObjectId,
        needs: Needs,
    ) -> Pin<Box<dyn Future<Output = Result<CommitFacts, String>> + Send + '_>> {
        Box::pin(
            async move { self.read_here(repository, old, new, needs).await.map_err(|error| error.why().to_owned()) },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_is_waited_for_for_days_and_a_commit_for_hours() {
        let hours = |error: &CommitError| {
            let mut age = TimeDelta::zero();
            for tries in 0.. {
                let Some(wait) = error.wait(tries, age) else { break };
                age += wait;
            }
            age.num_hours()
        };
        let away = CommitError::from(GitError::Unreachable { host: "h".into(), reason: "away".into() });
        let slow = CommitError::from(GitError::Timeout { what: "fetching".into(), seconds: 1 });
        assert!((168..=170).contains(&hours(&away)) && hours(&slow) == hours(&away), "{}", hours(&away));
        let large = CommitError::from(GitError::TooLarge { limit: 1 });
        assert_eq!(hours(&large), 2);
        let refused = CommitError::from(GitError::NeedsAuth { host: "h".into(), rejected: true });
        assert_eq!(hours(&refused), hours(&away), "a token is mended");
        assert_eq!(CommitError::Gone("gone".into()).wait(2, TimeDelta::zero()), None);
        // Where the clock was wrong when it was noticed, it is tried as often as any.
        assert!(away.wait(0, TimeDelta::days(400)).is_some());
    }

    #[test]
    fn the_api_is_asked_for_what_git_can_t_give_and_not_for_what_it_does_not_show() {
        let host = || "h".to_owned();
        let may = |error: GitError| CommitError::from(error).may_ask_api();
        for error in [
            GitError::Unreachable { host: host(), reason: "away".into() },
            GitError::Limited { host: host(), status: 429, wait: std::time::Duration::from_secs(9) },
            GitError::Timeout { what: "fetching".into(), seconds: 1 },
            GitError::TooLarge { limit: 1 },
            GitError::Busy { path: "x".into() },
            GitError::DiskFull,
            GitError::Corrupt { what: "x".into() },
        ] {
            let what = error.to_string();
            assert!(may(error), "{what}");
        }
        for error in [
            GitError::NeedsAuth { host: host(), rejected: false },
            GitError::NotFound { url: "x".into(), status: 404 },
            GitError::MissingObject { id: ObjectId([1; 20]) },
        ] {
            let what = error.to_string();
            assert!(!may(error), "{what}");
        }
        assert!(!CommitError::Gone("it is switched off".into()).may_ask_api());
        assert!(CommitError::set_aside().may_ask_api() && CommitError::set_aside().is_lasting());
    }
}
