//! Lists a remote's refs, fetches if the branch moved, asks for a scan if there is something to scan.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entity::found::SyncedHead;
use entity::kind::{JobRequest, Origin, Priority, RequestedBy, SyncStatus};
use entity::query::repositories::{self, SyncTarget};
use entity::view::{Live, shown_url};
use git::{Auth, FetchProgress, GitError, Limits, ListedRefs, RemoteUrl, Repo, UrlPolicy};
use uuid::Uuid;

use super::{Deps, JobContext, JobError};
use crate::clock;

/// What looking at the remote came to.
enum Looked {
    /// There is no commit on the remote.
    Empty,
    /// The branch stands here, and the clone has it.
    At { head: SyncedHead, fetched: bool },
}

pub(super) async fn run(deps: &Deps, context: &JobContext, repository: Uuid) -> Result<String, JobError> {
    let Some(target) = repositories::sync_target(&deps.db.read, repository).await? else {
        return Ok("the repository is no longer here".to_owned());
    };
    if !target.enabled || target.sync_status == SyncStatus::Blocked {
        return Ok("skipped: the repository is switched off".to_owned());
    }
    repositories::record_sync_started(&deps.db.write, repository).await?;
    deps.queue.bus().send(Live::Repository { repository_id: repository });
    context.say(deps, "asking the remote what it has", None).await;
    let (said, progress) = tokio::sync::watch::channel(FetchProgress::default());
    let look = {
        let (deps, target, cancel) = (deps.clone(), target.clone(), context.cancel.clone());
        tokio::task::spawn_blocking(move || look(&deps, &target, &cancel, &said))
    };
    let looked = tokio::select! {
        looked = look => looked.map_err(JobError::from),
        never = report(deps, context, progress) => match never {},
    };
    let result = match looked {
        Ok(Ok(looked)) => record(deps, &target, looked).await,
        Ok(Err(GitError::TooLarge { limit })) => {
            let reason = GitError::TooLarge { limit }.to_string();
            repositories::record_set_aside(&deps.db.write, repository, &reason, clock::now()).await?;
            Ok(format!("set aside: {reason}"))
        }
        Ok(Err(error)) => {
            // What people read names the repository as pages do.
            let reason = error.to_string().replace(&target.url, &shown_url(&target.url));
            record_failure(deps, repository, &reason, context).await?;
            Err(error.into())
        }
        Err(error) => {
            record_failure(deps, repository, &error.to_string(), context).await?;
            Err(error)
        }
    };
    deps.queue.bus().send(Live::Repository { repository_id: repository });
    result
}

async fn record_failure(deps: &Deps, repository: Uuid, reason: &str, context: &JobContext) -> Result<(), JobError> {
    if context.cancel.load(Ordering::Relaxed) {
        // Stopped in the middle: not the repository's fault, so it goes back to waiting.
        return Ok(repositories::record_sync_stopped(&deps.db.write, repository).await?);
    }
    let now = clock::now();
    repositories::record_sync_failed(&deps.db.write, repository, SyncStatus::Error, reason, now).await?;
    Ok(())
}

/// Stores where the branch stands and, in the same transaction, asks for the scan that this calls for.
async fn record(deps: &Deps, target: &SyncTarget, looked: Looked) -> Result<String, JobError> {
    let now = clock::now();
    let Looked::At { head, fetched } = looked else {
        repositories::record_synced_empty(&deps.db.write, target.id, now).await?;
        return Ok("the repository has no commits yet".to_owned());
    };
    let scanned = target.scanned.is_some_and(|scanned| scanned.id == head.head);
    let txn = deps.db.begin().await?;
    repositories::record_synced(&txn, target.id, &head, now).await?;
    let wants_scan = !scanned || target.scan_status != SyncStatus::Success;
    if wants_scan {
        let request = JobRequest::ScanRepository { repository_id: target.id };
        deps.queue.enqueue_in(&txn, &request, RequestedBy::Job, Priority::FOLLOW_UP, now).await?;
    }
    txn.commit().await.map_err(entity::db::DataError::from)?;
    deps.queue.ring();
    let short = &head.head.to_string()[..8];
    Ok(match (fetched, wants_scan) {
        (true, _) => format!("fetched {} at {short}", head.branch),
        (false, true) => format!("{} stands at {short}; to be scanned", head.branch),
        (false, false) => format!("nothing new: {} stands at {short}", head.branch),
    })
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

fn look(
    deps: &Deps,
    target: &SyncTarget,
    cancel: &Arc<AtomicBool>,
    said: &tokio::sync::watch::Sender<FetchProgress>,
) -> Result<Looked, GitError> {
    let policy = UrlPolicy { allow_local: deps.allow_local || target.origin == Origin::Sample };
    let url = RemoteUrl::parse(&target.url, policy)?;
    let token = deps.tokens.get(&target.url);
    let auth = token.map_or(Auth::None, |token| Auth::Token(git::Secret::new(token.expose())));
    let limits = Limits {
        pack_bytes: deps.scan.max_repository_size_mb << 20,
        total_timeout: deps.polling.timeout,
        ..Limits::default()
    };
    let refs = git::list_refs(&url, &auth, &limits, cancel)?;
    if refs.branches.is_empty() && refs.head.is_none() {
        return Ok(Looked::Empty);
    }
    let branch = choose_branch(&refs, target)?;
    let clone = deps.clone_dir(target.id);
    if let (Some(listed), Some(known)) = (refs.branch(&branch), target.head)
        && listed == known
        && let Ok(repo) = Repo::open(&clone)
        && repo.contains(known)
    {
        let head = synced_head(&repo, branch, known, directory_bytes(&clone))?;
        return Ok(Looked::At { head, fetched: false });
    }
    let mut progress = |now| {
        said.send_replace(now);
    };
    let fetched = git::fetch(&clone, &url, Some(&branch), &auth, &limits, cancel, &mut progress)?;
    let repo = Repo::open(&clone)?;
    let head = synced_head(&repo, fetched.branch, fetched.head, fetched.clone_bytes)?;
    Ok(Looked::At { head, fetched: true })
}

fn synced_head(
    repo: &Repo,
    branch: String,
    head: entity::found::ObjectId,
    clone_bytes: u64,
) -> Result<SyncedHead, GitError> {
    let committed_at = repo.commit_info(head)?.committed_at;
    Ok(SyncedHead { branch, head, committed_at, clone_bytes: i64::try_from(clone_bytes).unwrap_or(i64::MAX) })
}

/// The branch to follow: what the configuration matches, else the remote's default, else the one followed so far.
fn choose_branch(refs: &ListedRefs, target: &SyncTarget) -> Result<String, GitError> {
    let names = || refs.branches.iter().filter_map(|branch| branch.name.strip_prefix("refs/heads/"));
    let default = refs.default_branch.as_deref().filter(|name| names().any(|other| other == *name));
    if let Some(pattern) = &target.branch_regex {
        // The configuration was checked; a pattern that does not compile matches nothing.
        let matches = |name: &str| regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(name));
        let chosen = default.filter(|name| matches(name)).or_else(|| names().find(|name| matches(name)));
        let gone =
            || GitError::BranchGone { branch: format!("matching {pattern}"), default: default.map(str::to_owned) };
        return chosen.map(str::to_owned).ok_or_else(gone);
    }
    let followed = target.branch.as_deref();
    let known = |name: &str| names().any(|other| other == name);
    if let Some(name) = default.or_else(|| followed.filter(|name| known(name))) {
        return Ok(name.to_owned());
    }
    let usual = ["main", "master"].into_iter().find(|name| known(name));
    let first = usual.map(str::to_owned).or_else(|| names().next().map(str::to_owned));
    first.ok_or_else(|| GitError::BranchGone {
        branch: followed.or(refs.default_branch.as_deref()).unwrap_or("HEAD").to_owned(),
        default: None,
    })
}

/// Bytes of all files below a directory; 0 where it cannot be read.
fn directory_bytes(path: &PathBuf) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => directory_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
