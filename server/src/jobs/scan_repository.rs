//! Replays the commits that are fetched but not yet scanned, and stores what they did in bounded transactions.
//!
//! The cursor moves with every transaction, so a killed scan goes on where it was.

use std::collections::HashSet;
use std::time::Duration;

use entity::address::shown_url;
use entity::input::{Batch, FileProblems, HeadFigures, ObjectId, ScannedCommit};
use entity::kind::{JobRequest, LogLevel, Priority, RequestedBy, SyncStatus};
use entity::value::is_uncounted;
use entity::view::Live;
use git::{ChainCommit, FileKind, GitError, KnownCommit, Repo, TreeLimits};
use scan::chart::Charts;
use scan::replay::{Options, Replay, Start};
use store::db::DataError;
use store::problems::known_problems;
use store::repositories::{self, SyncTarget};
use store::scans;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::{Deps, JobContext, JobError, entered_access, sync_repository};
use crate::clock;
use crate::config::History;
use crate::replay::{
    Followed, Origins, Parser, ReplayError, StoredMemory, Tracking, TrackingSettings, Walk, pack, scan_format,
};

/// Up to so many new commits, only what they touch is read; beyond, the whole state is loaded once.
const INCREMENTAL_COMMITS: usize = 64;

/// What the thread that replays hands to the task that stores.
enum Step {
    /// Takes back what came after the fork of a rewritten history; the batch holds the rows as they were then.
    Rewind(Option<ScannedCommit>, Batch),
    Store(Batch),
}

/// What only the head's tree tells.
struct HeadFacts {
    figures: HeadFigures,
    odd_paths: Vec<FileProblems>,
    charts: Charts,
    /// What the head uses, for the commits after it.
    followed: Option<(ScannedCommit, Followed)>,
}

pub(super) async fn run(deps: &Deps, context: &JobContext, repository: Uuid) -> Result<String, JobError> {
    let Some(target) = repositories::sync_target(&deps.db.read, repository).await? else {
        return Ok("the repository is no longer here".to_owned());
    };
    let Some(head) = target.head else { return Ok("there is no commit to scan yet".to_owned()) };
    if let Some(said) = ensure_clone(deps, context, &target, head).await? {
        return Ok(said);
    }
    let now = clock::now();
    repositories::record_scan_state(&deps.db.write, repository, SyncStatus::Syncing, None, now).await?;
    let run = scans::begin_scan(&deps.db.write, repository, now).await?;
    deps.queue.bus().send(Live::Repository { repository_id: repository });
    context.say(deps, "reading the history", None).await;
    let result = replay(deps, context, &target, run, head).await;
    let result = match result {
        Ok((events, HeadFacts { figures, odd_paths, charts, followed })) => {
            scans::record_odd_paths(&deps.db.write, repository, &odd_paths, clock::now()).await?;
            scans::mark_helm_templates(&deps.db.write, repository, |path| charts.holds_template(path)).await?;
            scans::finish_scan(&deps.db.write, repository, run, figures, clock::now()).await?;
            if let Some((at, followed)) = followed {
                deps.kept_uses.put(repository, at, scan_format(&deps.mask, &deps.chart_sources), followed);
            }
            // Charts come and go without any event, too, and a scan that was killed may have stored all before it could ask.
            if let Some(job) = store::ecosystem::ask_if_stale(&deps.queue, &deps.db.write, clock::now()).await? {
                deps.queue.announce(&[job]).await;
            }
            Ok(format!("{events} events, scanned up to {}", head.short()))
        }
        Err(error) => {
            let now = clock::now();
            scans::fail_scan(&deps.db.write, repository, run, &error.to_string(), now).await?;
            if matches!(error, JobError::Cancelled | JobError::Later(..)) {
                repositories::record_scan_state(&deps.db.write, repository, SyncStatus::Pending, None, now).await?;
            }
            Err(error)
        }
    };
    deps.queue.bus().send(Live::Repository { repository_id: repository });
    result
}

/// Fetches the clone where this machine has none that holds the commit: another machine made the sync, or the clone was
/// removed to save disk. A sentence where there is nothing to scan any more.
async fn ensure_clone(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    head: ObjectId,
) -> Result<Option<String>, JobError> {
    let clone = deps.clone_dir(target.id);
    let has_head = move || Repo::open(&clone).is_ok_and(|repo| repo.contains(head));
    if tokio::task::spawn_blocking(has_head.clone()).await? {
        return Ok(None);
    }
    let Some(branch) = &target.branch else { return Ok(Some("there is no branch to scan yet".to_owned())) };
    context.note(LogLevel::Info, "this machine does not have the commit; fetching it");
    let own = entered_access(deps, context, target.id, target.origin).await?;
    match sync_repository::fetch(deps, context, target, own, branch).await? {
        Ok(_) if tokio::task::spawn_blocking(has_head).await? => Ok(None),
        Ok(_) => {
            let request = JobRequest::SyncRepository { repository_id: target.id };
            deps.queue.enqueue(&request, RequestedBy::Job, Priority::FOLLOW_UP, clock::now()).await?;
            Ok(Some("the remote no longer has the commit; a sync is asked for".to_owned()))
        }
        // The remote is to be left alone for a while.
        Err(error @ GitError::Limited { .. }) => Err(error.into()),
        Err(error) => {
            let error = JobError::from(error);
            if !matches!(error, JobError::Cancelled) {
                let reason = error.to_string().replace(&target.url, &shown_url(&target.url));
                let (status, now) = (SyncStatus::Error, clock::now());
                repositories::record_scan_state(&deps.db.write, target.id, status, Some(&reason), now).await?;
            }
            Err(error)
        }
    }
}

/// Replays on a thread of its own and stores here, both at once.
async fn replay(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    run: Uuid,
    head: ObjectId,
) -> Result<(u64, HeadFacts), JobError> {
    let format = scan_format(&deps.mask, &deps.chart_sources);
    if target.scanned.is_none() && target.scan_format != format {
        scans::record_format(&deps.db.write, target.id, format).await?;
    }
    // One step waits while one is stored, and one more in the walk for what is used: others would only be memory.
    let (steps, mut taken) = mpsc::channel(1);
    let (said, progress) = watch::channel((0, 0));
    let thread = {
        let (deps, context, target, runtime) = (deps.clone(), context.clone(), target.clone(), Handle::current());
        tokio::task::spawn_blocking(move || replay_blocking(&deps, &context, &target, head, &runtime, &steps, &said))
    };
    let mut events = 0;
    let store = async {
        while let Some(step) = taken.recv().await {
            match step {
                Step::Rewind(kept, batch) => {
                    scans::rewind(&deps.db.write, target.id, kept, &batch, clock::now()).await?;
                    if kept.is_none() {
                        scans::record_format(&deps.db.write, target.id, format).await?;
                    }
                }
                Step::Store(batch) => {
                    let count = scans::apply_batch(&deps.db.write, target.id, run, &batch, clock::now()).await?;
                    events += count;
                    deps.queue.bus().send(Live::Events { repository_id: target.id, count });
                }
            }
        }
        Ok::<(), DataError>(())
    };
    let stored = tokio::select! {
        stored = store => stored,
        never = report(deps, context, progress) => match never {},
    };
    // Without a receiver the thread stops at its next batch.
    drop(taken);
    let replayed = thread.await?;
    stored?;
    Ok((events, replayed.map_err(|error| job_error(deps, target, error))?))
}

/// Hands the replay's progress on to whoever watches the job.
async fn report(
    deps: &Deps,
    context: &JobContext,
    mut progress: watch::Receiver<(i64, i64)>,
) -> std::convert::Infallible {
    loop {
        if progress.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        let (done, total) = *progress.borrow_and_update();
        let text = format!("replayed {done} of {total} commits");
        context.say(deps, &text, Some((done, total))).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}

fn job_error(deps: &Deps, target: &SyncTarget, error: ReplayError) -> JobError {
    match error {
        ReplayError::Git(error @ (GitError::Corrupt { .. } | GitError::MissingObject { .. })) => {
            let removed = git::remove_clone(&deps.clone_dir(target.id)).is_ok();
            let next = if removed { "the clone was removed; the next sync fetches it anew" } else { "" };
            JobError::GiveUp(format!("{error}. {next}").trim_end_matches(". ").to_owned())
        }
        ReplayError::Git(error) => error.into(),
        ReplayError::Memory(error) => match error.downcast::<DataError>() {
            Ok(error) => (*error).into(),
            Err(error) => JobError::Retry(error.to_string()),
        },
        ReplayError::Closed => JobError::Retry("what was replayed could not be stored".to_owned()),
    }
}

fn replay_blocking(
    deps: &Deps,
    context: &JobContext,
    target: &SyncTarget,
    head: ObjectId,
    runtime: &Handle,
    steps: &mpsc::Sender<Step>,
    said: &watch::Sender<(i64, i64)>,
) -> Result<HeadFacts, ReplayError> {
    let clone = deps.clone_dir(target.id);
    // From here on it is not removed to save disk. Where that happened just before, the next try fetches it again.
    let _in_use = git::use_clone(&clone)?;
    let repo = Repo::open(&clone).ok().filter(|repo| repo.contains(head));
    let repo = repo.ok_or_else(|| GitError::Busy { path: clone.display().to_string() })?;
    let max_bytes = usize::try_from(deps.scan.max_file_size_mb << 20).unwrap_or(usize::MAX);
    let parser = Parser::new(max_bytes, deps.mask).with_uses();
    let mut memory = StoredMemory::new(&deps.db, runtime, target.id, &repo, &parser);
    let send = |step| steps.blocking_send(step).map_err(|_| ReplayError::Closed);
    // What was taken by other rules is taken anew, from the first commit on.
    let scanned = target.scanned.filter(|_| target.scan_format == scan_format(&deps.mask, &deps.chart_sources));
    let is_outdated = scanned.is_none() && target.scanned.is_some();
    let known = scanned.map(|scanned| KnownCommit { id: scanned.id, sequence: scanned.sequence });
    let chain = repo.first_parent_chain(head, known)?;
    let mut commits = chain.commits.as_slice();
    let mut snapshot_first = false;

    let start = match scanned.filter(|_| !chain.rewritten) {
        Some(at) if commits.len() <= INCREMENTAL_COMMITS => Start::Incremental { at },
        Some(at) => Start::Full {
            at,
            rows: memory.all().map_err(ReplayError::Memory)?,
            files: memory.files_at(at.id).map_err(ReplayError::Memory)?,
        },
        None => Start::Fresh,
    };
    let options = Options { uncounted: is_uncounted(target.id), ..Options::default() };
    // The commit whose uses are stored.
    let mut from = scanned.filter(|_| !chain.rewritten);
    let mut replay = if chain.rewritten || is_outdated {
        let fork = if is_outdated { None } else { fork(&memory, &chain)? };
        match fork {
            Some(at) => {
                let kept = usize::try_from(at.sequence + 1).unwrap_or(usize::MAX).min(commits.len());
                let line;
                (line, commits) = commits.split_at(kept);
                let rows = memory.rows_at(at, line).map_err(ReplayError::Memory)?;
                let files = memory.files_at(at.id).map_err(ReplayError::Memory)?;
                from = Some(at);
                let mut replay = Replay::rewound(at, rows, files, options, &mut memory).map_err(ReplayError::Memory)?;
                send(Step::Rewind(Some(at), replay.take_batch(&mut memory, &pack).map_err(ReplayError::Memory)?))?;
                replay
            }
            None => {
                send(Step::Rewind(None, Batch::default()))?;
                (commits, snapshot_first) = wanted(commits, deps.scan.history);
                Replay::new(Start::Fresh, options)
            }
        }
    } else {
        if scanned.is_none() {
            (commits, snapshot_first) = wanted(commits, deps.scan.history);
        }
        Replay::new(start, options)
    };
    let settings = TrackingSettings {
        db: &deps.db,
        runtime,
        repository: target.id,
        repo: &repo,
        sources: &deps.chart_sources,
        rules: deps.mask,
        parser: &parser,
        threads: deps.scan.threads,
    };
    let mut tracking = match from {
        Some(at) => match deps.kept_uses.take(target.id, at, target.scan_format) {
            Some(followed) => Tracking::again(settings, followed),
            None => Tracking::from(settings, at)?,
        },
        None => Tracking::fresh(settings),
    };
    let total = i64::try_from(commits.len()).unwrap_or(i64::MAX);
    let walk = Walk {
        repo: &repo,
        commits,
        parser: &parser,
        threads: deps.scan.threads,
        snapshot_first,
        batches: deps.batches,
        cancel: &context.cancel,
    };
    walk.run(
        &mut replay,
        &mut memory,
        Some(&mut tracking),
        |batch| send(Step::Store(batch)),
        |progress| {
            said.send_replace((i64::try_from(progress.commits).unwrap_or(i64::MAX), total));
        },
    )?;
    let listing = repo.tree_files(head, &TreeLimits::default())?;
    let is_yaml = |file: &&git::TreeFile| {
        matches!(file.kind, FileKind::Regular | FileKind::Executable) && git::is_yaml_path(&file.path)
    };
    let yaml_files = i64::try_from(listing.files.iter().filter(is_yaml).count()).unwrap_or(i64::MAX);
    let charts = Charts::of(listing.files.iter().filter(is_yaml).map(|file| file.path.as_str()));
    let mut odd_paths = Vec::new();
    // Most repositories have none.
    if !listing.odd_paths.is_empty() {
        let stored = runtime.block_on(known_problems(&deps.db.read, target.id));
        let stored = stored.map_err(|error| ReplayError::Memory(error.into()))?;
        let origins = Origins::new(repo.first_parent_chain(head, None)?.commits, stored);
        odd_paths = origins.of_odd_paths(&repo, listing.odd_paths)?;
    }
    let last = commits.last().map(|commit| ScannedCommit {
        id: commit.id,
        sequence: commit.sequence,
        committed_at: commit.committed_at,
    });
    let followed = last.or(from).zip(tracking.into_followed());
    Ok(HeadFacts { figures: HeadFigures { yaml_files }, odd_paths, charts, followed })
}

/// Where the rewritten line left the one that was scanned: the newest of its commits that gave events.
fn fork(memory: &StoredMemory<'_>, chain: &git::Chain) -> Result<Option<ScannedCommit>, ReplayError> {
    let stored = memory
        .runtime
        .block_on(scans::event_commits(&memory.db.read, memory.repository))
        .map_err(|error| ReplayError::Memory(error.into()))?;
    let ids: HashSet<ObjectId> = stored.iter().map(|(id, _)| *id).collect();
    let fork = chain.newest_in(&ids).map(|commit| ScannedCommit {
        id: commit.id,
        sequence: commit.sequence,
        committed_at: commit.committed_at,
    });
    // The same commit at another place of the line means that the past before it changed: nothing can be kept.
    Ok(fork.filter(|fork| stored.contains(&(fork.id, fork.sequence))))
}

/// The commits that the configuration wants of a first scan, and whether they are cut off from their past.
fn wanted(commits: &[ChainCommit], history: History) -> (&[ChainCommit], bool) {
    let skip = match history {
        History::Full => 0,
        History::Commits(number) => commits.len().saturating_sub(usize::try_from(number).unwrap_or(usize::MAX)),
        History::Age(age) => {
            let since = chrono::Duration::from_std(age).ok().and_then(|age| clock::now().checked_sub_signed(age));
            let skip = since.map_or(0, |since| commits.iter().take_while(|commit| commit.committed_at < since).count());
            // The head is always scanned, however old it is.
            skip.min(commits.len().saturating_sub(1))
        }
    };
    (&commits[skip..], skip > 0)
}
