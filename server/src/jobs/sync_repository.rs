//! Lists a remote's refs, fetches if the branch moved, asks for a scan if there is something to scan.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actions::access::Access;
use entity::address::shown_url;
use entity::input::{ObjectId, SyncedHead};
use entity::kind::{JobRequest, LogLevel, Origin, Priority, RequestedBy, SyncStatus};
use entity::view::Live;
use git::{Auth, FetchProgress, GitError, Limits, ListedRefs, RemoteUrl, Repo, UrlPolicy};
use store::db::DataError;
use store::repositories::{self, SyncTarget};
use store::tasks;
use store::watch::{keep_last_seen, watch_state};
use uuid::Uuid;

use super::due::{next_sync, next_try, soon_again};
use super::{Deps, JobContext, JobError, branches, entered_access};
use crate::forges::git_token;
use crate::{clock, watching};

/// What a sync came to.
enum Synced {
    /// There is no commit on the remote.
    Empty,
    /// The branch stands where it stood.
    Unmoved { branch: String, head: ObjectId },
    /// The branch stands here, and the clone has it.
    Fetched(SyncedHead),
}

pub(super) async fn run(deps: &Deps, context: &JobContext, repository: Uuid) -> Result<String, JobError> {
    let Some(target) = repositories::sync_target(&deps.db.read, repository).await? else {
        return Ok("the repository is no longer here".to_owned());
    };
    if target.is_off() {
        return Ok("skipped: the repository is switched off".to_owned());
    }
    let result = match sync(deps, context, &target).await {
        Ok(Some(synced)) => record(deps, &target, synced).await,
        Ok(None) => branches::leave_to_main(deps, &target).await,
        Err(error) => fail(deps, context, &target, error).await,
    };
    deps.queue.bus().send(Live::Repository { repository_id: repository });
    result
}

/// A fetch may take so long, however soon the remote has to say what it has: what is large takes its time.
const FETCH: Duration = Duration::from_mins(10);

/// The most that an approved repository may send.
const APPROVED_BYTES: u64 = 4 << 30;

/// Why a sync failed.
enum Failure {
    /// With what was seen of the branches all the same.
    Git(GitError, Option<String>),
    Job(JobError),
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        Self::Git(error, None)
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::Job(error.into())
    }
}

impl From<tokio::task::JoinError> for Failure {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Job(error.into())
    }
}

/// Gives nothing where the branch is the main one, beside which it was to be scanned.
async fn sync(deps: &Deps, context: &JobContext, target: &SyncTarget) -> Result<Option<Synced>, Failure> {
    context.say(deps, "asking the remote what it has", None).await;
    // What is noted while the remote is asked is newer than what it says.
    let began_at = clock::now();
    let watched = watch_state(&deps.db.read, target.id).await?;
    let own = entered_access(deps, context, target.id, target.origin).await?;
    let ask = {
        let (deps, target, own, cancel) = (deps.clone(), target.clone(), own.clone(), context.cancel.clone());
        let all = watched.is_some();
        tokio::task::spawn_blocking(move || ask(&deps, &target, own.as_ref(), all, &cancel))
    };
    let refs = match (ask.await?, &watched) {
        (Ok(refs), Some(began)) => {
            // A repository that is being moved or restored lists nothing for a moment; one that is empty does so again.
            if !is_empty(&refs) || target.head.is_none() {
                watching::note(deps, context, target, began, &refs, began_at).await?;
            }
            watching::ask_daily(deps, context, target, clock::now()).await?;
            refs
        }
        (Ok(refs), None) => refs,
        (Err(error), Some(began)) => {
            let seen = watching::look_by_api(deps, context, target, began, began_at, &error).await?;
            return Err(Failure::Git(error, seen));
        }
        (Err(error), None) => return Err(error.into()),
    };
    if is_empty(&refs) {
        return Ok(Some(Synced::Empty));
    }
    let branch = branches::choose_branch(&refs, target)?;
    if branches::is_main(deps, target, &refs, &branch).await? {
        return Ok(None);
    }
    let listed = refs.branch(&branch);
    if let (Some(listed), Some(followed)) = (listed, &target.branch)
        && target.head == Some(listed)
        && *followed == branch
    {
        return Ok(Some(Synced::Unmoved { branch, head: listed }));
    }
    repositories::record_sync_started(&deps.db.write, target.id).await?;
    deps.queue.bus().send(Live::Repository { repository_id: target.id });
    Ok(Some(Synced::Fetched(fetch(deps, context, target, own, &branch).await??)))
}

/// Notes what went wrong; a repository that fails again and again waits for its own next time instead of a retry.
async fn fail(deps: &Deps, context: &JobContext, target: &SyncTarget, failure: Failure) -> Result<String, JobError> {
    let now = clock::now();
    if context.is_cancelled() {
        // Stopped in the middle: not the repository's fault, so it goes back to waiting.
        repositories::record_sync_stopped(&deps.db.write, target.id).await?;
        return Err(JobError::Cancelled);
    }
    let (reason, error) = match failure {
        Failure::Git(GitError::TooLarge { limit }, _) => {
            let reason = GitError::TooLarge { limit }.to_string();
            repositories::record_set_aside(&deps.db.write, target.id, &reason, now).await?;
            return Ok(format!("set aside: {reason}"));
        }
        Failure::Git(error @ GitError::DiskFull, _) => return Err(wait_for_room(deps, target, error).await?),
        Failure::Git(error @ GitError::Limited { .. }, seen) => {
            repositories::record_sync_postponed(&deps.db.write, target.id, target.sync_status).await?;
            return Err(match JobError::from(error) {
                JobError::Later(reason, until) => {
                    let others = deps.queue.postpone_others(context.id, until).await?;
                    if others > 0 {
                        context.note(LogLevel::Info, &format!("{others} other jobs for this machine wait as long"));
                    }
                    JobError::Later(with_seen(reason, seen), until)
                }
                error => error,
            });
        }
        // What people read names the repository as pages do.
        Failure::Git(error, seen) => {
            (with_seen(error.to_string().replace(&target.url, &shown_url(&target.url)), seen), error.into())
        }
        // The database is away; once it is back the runner sees to the status, if this write is lost as well.
        Failure::Job(error @ JobError::Later(..)) => {
            repositories::record_sync_postponed(&deps.db.write, target.id, target.sync_status).await?;
            return Err(error);
        }
        Failure::Job(error) => (error.to_string(), error),
    };
    let failures = target.sync_failures.saturating_add(1);
    let next = next_sync(&deps.polling, target, target.head_committed_at, failures, now);
    let txn = deps.db.begin().await?;
    repositories::record_sync_failed(&txn, target.id, SyncStatus::Error, &reason, now).await?;
    repositories::plan_next_sync(&txn, target.id, next, failures).await?;
    if let Some(seen_at) = target.last_sync_at.filter(|_| target.sync_failures == 0) {
        keep_last_seen(&txn, target.id, seen_at).await?;
    }
    txn.commit().await.map_err(DataError::from)?;
    match error {
        JobError::Retry(_) if failures > soon_again(&deps.polling) => Err(JobError::GiveUp(reason)),
        JobError::Retry(_) => Err(match next_try(&deps.polling, failures, now) {
            Some(at) => JobError::Later(reason, at),
            None => JobError::Retry(reason),
        }),
        JobError::GiveUp(_) => Err(JobError::GiveUp(reason)),
        error => Err(error),
    }
}

/// Why a sync failed, and what was seen all the same.
fn with_seen(reason: String, seen: Option<String>) -> String {
    match seen {
        Some(seen) => format!("{reason}; {seen}"),
        None => reason,
    }
}

/// A full disk is no fault of the repository: it says so, and is tried again as soon as there may be room.
async fn wait_for_room(deps: &Deps, target: &SyncTarget, error: GitError) -> Result<JobError, JobError> {
    let now = clock::now();
    let next = next_sync(&deps.polling, target, target.head_committed_at, target.sync_failures, now);
    let txn = deps.db.begin().await?;
    repositories::record_sync_failed(&txn, target.id, SyncStatus::Error, &error.to_string(), now).await?;
    repositories::plan_next_sync(&txn, target.id, next, target.sync_failures).await?;
    if deps.max_disk_bytes.is_some() {
        let cleanup = JobRequest::CleanupRepositoryWorkdirs;
        deps.queue.enqueue_in(&txn, &cleanup, RequestedBy::Job, Priority::FOLLOW_UP, now).await?;
    }
    txn.commit().await.map_err(DataError::from)?;
    deps.queue.ring();
    Ok(error.into())
}

/// Stores where the branch stands and, in the same transaction, asks for the scan that this calls for.
async fn record(deps: &Deps, target: &SyncTarget, synced: Synced) -> Result<String, JobError> {
    let now = clock::now();
    watching::hurry(deps, target.id, now).await?;
    let next = |committed_at| next_sync(&deps.polling, target, committed_at, 0, now);
    let standing = match &synced {
        Synced::Empty => None,
        Synced::Unmoved { head, .. } => Some(*head),
        Synced::Fetched(head) => Some(head.head),
    };
    let scanned = target.scanned.map(|scanned| scanned.id);
    let is_current = scanned == standing
        && target.scan_status == SyncStatus::Success
        && target.scan_format == crate::replay::scan_format(&deps.mask, &deps.chart_sources);
    let wants_scan = standing.is_some() && !is_current;
    if !wants_scan && let Synced::Unmoved { branch, head } = &synced {
        repositories::record_unmoved(&deps.db.write, target.id, next(target.head_committed_at), now).await?;
        return Ok(format!("nothing new: {branch} stands at {}", head.short()));
    }
    let mut wanted = Vec::new();
    let txn = deps.db.begin().await?;
    let said = match synced {
        Synced::Empty => {
            repositories::record_synced_empty(&txn, target.id, now).await?;
            repositories::plan_next_sync(&txn, target.id, next(None), 0).await?;
            "the repository has no commits yet".to_owned()
        }
        Synced::Unmoved { branch, head } => {
            repositories::record_unmoved(&txn, target.id, next(target.head_committed_at), now).await?;
            format!("{branch} stands at {}; to be scanned", head.short())
        }
        Synced::Fetched(head) => {
            repositories::record_synced(&txn, target.id, &head, now).await?;
            repositories::plan_next_sync(&txn, target.id, next(Some(head.committed_at)), 0).await?;
            wanted.extend(branches::settle(deps, &txn, target, &head.branch, now).await?);
            format!("fetched {} at {}", head.branch, head.head.short())
        }
    };
    if wants_scan {
        wanted.push(JobRequest::ScanRepository { repository_id: target.id });
    }
    if let Some(limit) = deps.max_disk_bytes
        && tasks::disk_use(&txn).await?.bytes.unsigned_abs() > limit
    {
        wanted.push(JobRequest::CleanupRepositoryWorkdirs);
    }
    for request in &wanted {
        deps.queue.enqueue_in(&txn, request, RequestedBy::Job, Priority::FOLLOW_UP, now).await?;
    }
    txn.commit().await.map_err(DataError::from)?;
    deps.queue.ring();
    Ok(said)
}

/// Brings the clone up to the branch of the remote; makes it where this machine has none.
pub(super) async fn fetch(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    own: Option<Access>,
    branch: &str,
) -> Result<Result<SyncedHead, GitError>, tokio::task::JoinError> {
    let (said, progress) = tokio::sync::watch::channel(FetchProgress::default());
    let work = {
        let (deps, target, cancel) = (deps.clone(), target.clone(), context.cancel.clone());
        let branch = branch.to_owned();
        tokio::task::spawn_blocking(move || fetch_blocking(&deps, &target, own.as_ref(), &branch, &cancel, &said))
    };
    tokio::select! {
        fetched = work => fetched,
        never = report(deps, context, progress) => match never {},
    }
}

/// Hands the fetch's progress on to whoever watches the job.
async fn report(
    deps: &Deps,
    context: &JobContext,
    mut progress: tokio::sync::watch::Receiver<FetchProgress>,
) -> std::convert::Infallible {
    loop {
        if progress.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        let now = *progress.borrow_and_update();
        let megabytes = now.bytes as f64 / 1e6;
        let text = match (now.indexing, now.objects) {
            (true, objects) => format!("unpacking {objects} objects"),
            (false, 0) => "fetching".to_owned(),
            (false, objects) => format!("fetching {objects} objects, {megabytes:.1} MB so far"),
        };
        context.say(deps, &text, None).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The address, the right to it, and how much it may send how long. `own` is what [`entered_access`] gave.
pub(crate) fn remote(
    deps: &Deps,
    target: &SyncTarget,
    own: Option<&Access>,
) -> Result<(RemoteUrl, Auth, Limits), GitError> {
    let policy = UrlPolicy { allow_local: deps.allow_local || target.origin == Origin::Sample };
    // A sample lies in every machine's own data directory, under the same name.
    let sample = Path::new(&target.url).file_name().map(|name| deps.data_dir.join("samples").join(name));
    let sample = sample.filter(|path| target.origin == Origin::Sample && path.exists());
    let sample = sample.and_then(|path| std::path::absolute(path).ok()).map(|path| path.display().to_string());
    let url = RemoteUrl::parse(sample.as_deref().unwrap_or(&target.url), policy)?;
    let own = || git_token(own?, &target.url);
    let token = deps.tokens.get(&target.url).cloned().or_else(own).or_else(|| deps.forges.git_token(&target.url));
    let auth = token.map_or(Auth::None, |token| Auth::Token(git::Secret::new(token.expose())));
    let limits = Limits {
        // An approval is of a size that nobody foresaw; there is an end to it all the same.
        pack_bytes: if target.approved { APPROVED_BYTES } else { deps.scan.max_repository_size_mb << 20 },
        total_timeout: deps.polling.timeout.max(FETCH),
        // The operator may name any address; what people add and searches find may not lead inside.
        guard: matches!(target.origin, Origin::Added | Origin::Discovered).then(|| Arc::clone(deps.forges.guard())),
        ..Limits::default()
    };
    Ok((url, auth, limits))
}

fn is_empty(refs: &ListedRefs) -> bool {
    refs.branches.is_empty() && refs.head.is_none()
}

/// What the remote has: only a pattern and whoever watches need to see all branches.
fn ask(
    deps: &Deps,
    target: &SyncTarget,
    own: Option<&Access>,
    all: bool,
    cancel: &Arc<AtomicBool>,
) -> Result<ListedRefs, GitError> {
    let (url, auth, limits) = remote(deps, target, own)?;
    let limits = Limits { total_timeout: deps.polling.timeout, ..limits };
    match all || target.branch_regex.is_some() || target.scanned_branch.is_some() {
        true => git::list_refs(&url, &auth, &limits, cancel),
        false => git::list_head(&url, &auth, &limits, cancel),
    }
}

fn fetch_blocking(
    deps: &Deps,
    target: &SyncTarget,
    own: Option<&Access>,
    branch: &str,
    cancel: &Arc<AtomicBool>,
    said: &tokio::sync::watch::Sender<FetchProgress>,
) -> Result<SyncedHead, GitError> {
    let (url, auth, limits) = remote(deps, target, own)?;
    let clone = deps.clone_dir(target.id);
    let mut progress = |now| {
        said.send_replace(now);
    };
    let fetched = git::fetch(&clone, &url, Some(branch), &auth, &limits, cancel, &mut progress)?;
    let committed_at = Repo::open(&clone)?.commit_info(fetched.head)?.committed_at;
    let clone_bytes = i64::try_from(fetched.clone_bytes).unwrap_or(i64::MAX);
    Ok(SyncedHead { branch: fetched.branch, head: fetched.head, committed_at, clone_bytes })
}
