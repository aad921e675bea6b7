//! What people ask for: syncs and scans, decisions about repositories, discovery, schedules, calling jobs off. Pages and
//! REST both ask here, so that neither lets through what the other refuses.

use uuid::Uuid;

use super::discovery::{self, Decided};
use super::jobs::find_job;
use super::repositories::{count_syncable, find_repository};
use super::schedules::{find_schedule_kind, list_schedules, record_triggered};
use crate::db::{DataError, Db, Result};
use crate::kind::{JobRequest, JobState, Priority, RepositoryAction, RequestedBy, SyncStatus};
use crate::queue::JobQueue;
use crate::view::{Job, Live, Repository, Timestamp};

/// What a block says where nobody gave another reason.
const BY_HAND: &str = "blocked by hand";

/// What came of asking: done, or why not.
pub type Asked<T> = std::result::Result<T, Refusal>;

/// Something was done with a repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The repository as it was before.
    pub repository: Box<Repository>,
    /// The job that was queued, where the action asks for one.
    pub job: Option<Uuid>,
}

/// Why something that was asked for is not done. Repositories are named in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing: `repository`, `job`.
    Missing(&'static str),
    /// There are only these schedules.
    NoSuchSchedule {
        name: String,
        known: Vec<String>,
    },
    /// There is nothing to approve in this state.
    NothingToApprove {
        name: String,
        status: SyncStatus,
    },
    /// It would be back after the next start.
    Configured {
        name: String,
    },
    /// The configuration switched it off, or names it no more.
    Disabled {
        name: String,
    },
    Blocked {
        name: String,
    },
    PendingApproval {
        name: String,
        reason: Option<String>,
    },
    /// There is nothing to scan yet.
    NeverSynced {
        name: String,
    },
    /// No forge is searched, so that a run would do nothing.
    DiscoveryOff,
    /// The job has ended already.
    Ended(JobState),
}

impl Refusal {
    /// A sentence without its full stop, with what to do.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Missing(what) => format!("there is no such {what} here"),
            Self::NoSuchSchedule { name, known } => {
                format!("there is no schedule {name:.100?}; there are: {}", known.join(", "))
            }
            Self::NothingToApprove { name, status } => {
                format!("{name} is neither blocked nor pending approval, but {status}")
            }
            Self::Configured { name } => {
                format!("{name} stands in the configuration; take it out there, or block it here")
            }
            Self::Disabled { name } => format!("{name} is switched off in the configuration (enabled: false)"),
            Self::Blocked { name } => format!("{name} is blocked; approve it to have it synced"),
            Self::PendingApproval { name, reason } => {
                format!("{name} waits for approval: {}", reason.as_deref().unwrap_or("no reason is known"))
            }
            Self::NeverSynced { name } => {
                format!("{name} has no commits here yet: ask for a sync first, the scan follows by itself")
            }
            Self::DiscoveryOff => {
                "Discovery is switched off, no forge is asked: set discovery.enabled, topics or queries \
                 in the configuration, or GITHUB_TOKEN"
                    .to_owned()
            }
            Self::Ended(state) => format!("The job has ended already: it {state}"),
        }
    }

    /// The repository that it is about, by its full name.
    #[must_use]
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::NothingToApprove { name, .. }
            | Self::Configured { name }
            | Self::Disabled { name }
            | Self::Blocked { name }
            | Self::PendingApproval { name, .. }
            | Self::NeverSynced { name } => Some(name),
            Self::Missing(_) | Self::NoSuchSchedule { .. } | Self::DiscoveryOff | Self::Ended(_) => None,
        }
    }

    /// Whether what was asked for is not there at all, rather than in a state that does not allow it.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_) | Self::NoSuchSchedule { .. })
    }
}

/// Whether new work may be done on a repository.
fn may_work(repository: &Repository) -> Asked<()> {
    let name = repository.full_name.clone();
    match repository.sync_status {
        _ if !repository.enabled => Err(Refusal::Disabled { name }),
        SyncStatus::Blocked => Err(Refusal::Blocked { name }),
        SyncStatus::PendingApproval => Err(Refusal::PendingApproval { name, reason: repository.sync_error.clone() }),
        SyncStatus::Pending | SyncStatus::Syncing | SyncStatus::Success | SyncStatus::Error => Ok(()),
    }
}

/// Whether a repository may be deleted: one that the configuration names would be back after the next start.
///
/// # Errors
/// The refusal.
pub fn may_delete(repository: &Repository) -> Asked<()> {
    match repository.may_be_deleted() {
        true => Ok(()),
        false => Err(Refusal::Configured { name: repository.full_name.clone() }),
    }
}

/// Asks for a sync of one repository. One that is queued already serves for both who asked.
///
/// # Errors
/// If the database fails; nothing is changed then.
pub async fn sync(db: &Db, queue: &JobQueue, id: Uuid, by: RequestedBy, now: Timestamp) -> Result<Asked<Done>> {
    work(db, queue, JobRequest::SyncRepository { repository_id: id }, id, by, now).await
}

/// Asks for a scan of what is fetched of one repository.
///
/// # Errors
/// If the database fails; nothing is changed then.
pub async fn scan(db: &Db, queue: &JobQueue, id: Uuid, by: RequestedBy, now: Timestamp) -> Result<Asked<Done>> {
    work(db, queue, JobRequest::ScanRepository { repository_id: id }, id, by, now).await
}

async fn work(
    db: &Db,
    queue: &JobQueue,
    request: JobRequest,
    id: Uuid,
    by: RequestedBy,
    now: Timestamp,
) -> Result<Asked<Done>> {
    let Some(repository) = find_repository(&db.read, id).await? else { return Ok(Err(Refusal::Missing("repository"))) };
    if let Err(refusal) = may_work(&repository) {
        return Ok(Err(refusal));
    }
    if matches!(request, JobRequest::ScanRepository { .. }) && repository.head_commit.is_none() {
        return Ok(Err(Refusal::NeverSynced { name: repository.full_name }));
    }
    let job = queue.enqueue(&request, by, Priority::CLICK, now).await?;
    Ok(Ok(Done { repository: Box::new(repository), job: Some(job) }))
}

/// Does it, in one transaction with the job that follows from it; open pages are told.
///
/// # Errors
/// If the database fails; nothing is changed then.
pub async fn act(
    db: &Db,
    queue: &JobQueue,
    action: RepositoryAction,
    id: Uuid,
    by: RequestedBy,
    now: Timestamp,
) -> Result<Asked<Done>> {
    if action == RepositoryAction::Sync {
        return sync(db, queue, id, by, now).await;
    }
    let Some(found) = find_repository(&db.read, id).await? else { return Ok(Err(Refusal::Missing("repository"))) };
    if action == RepositoryAction::Delete
        && let Err(refusal) = may_delete(&found)
    {
        return Ok(Err(refusal));
    }
    let txn = db.begin().await?;
    let (decided, job) = match action {
        RepositoryAction::Approve => {
            let decided = discovery::approve(&txn, id, now).await?;
            let job = match decided {
                Decided::Done(_) => {
                    let sync = JobRequest::SyncRepository { repository_id: id };
                    Some(queue.enqueue_in(&txn, &sync, by, Priority::CLICK, now).await?)
                }
                _ => None,
            };
            (decided, job)
        }
        RepositoryAction::Block => (discovery::block(&txn, id, BY_HAND).await?, None),
        RepositoryAction::Delete | RepositoryAction::Sync => {
            let removed = discovery::remove_repository_for_good(&txn, id, now).await?;
            (removed.map_or(Decided::NotFound, |repository| Decided::Done(Box::new(repository))), None)
        }
    };
    txn.commit().await.map_err(DataError::from)?;
    match decided {
        Decided::Done(repository) => {
            queue.ring();
            queue.bus().send(Live::Repository { repository_id: id });
            Ok(Ok(Done { repository, job }))
        }
        Decided::NotNow(status) => Ok(Err(Refusal::NothingToApprove { name: found.full_name, status })),
        Decided::NotFound => Ok(Err(Refusal::Missing("repository"))),
    }
}

/// Asks for a sync of every repository that may be synced. Gives the job and how many repositories those are now.
///
/// # Errors
/// If the database fails.
pub async fn sync_all(db: &Db, queue: &JobQueue, by: RequestedBy, now: Timestamp) -> Result<(Uuid, i64)> {
    let count = count_syncable(&db.read).await?;
    let job = queue.enqueue(&JobRequest::SyncAllRepositories, by, Priority::CLICK, now).await?;
    Ok((job, count))
}

/// Asks for discovery, where it is switched on.
///
/// # Errors
/// If the database fails.
pub async fn discover(queue: &JobQueue, is_on: bool, by: RequestedBy, now: Timestamp) -> Result<Asked<Uuid>> {
    if !is_on {
        return Ok(Err(Refusal::DiscoveryOff));
    }
    Ok(Ok(queue.enqueue(&JobRequest::DiscoverRepositories, by, Priority::CLICK, now).await?))
}

/// Asks for what a schedule asks for, now.
///
/// # Errors
/// If the database fails.
pub async fn trigger(
    db: &Db,
    queue: &JobQueue,
    name: &str,
    discovery_is_on: bool,
    by: RequestedBy,
    now: Timestamp,
) -> Result<Asked<Uuid>> {
    // No name of ours holds one, and PostgreSQL takes none.
    let kind = if name.contains('\0') { None } else { find_schedule_kind(&db.read, name).await? };
    let Some(request) = kind.and_then(JobRequest::plain) else {
        let known = list_schedules(&db.read).await?.into_iter().map(|schedule| schedule.name).collect();
        return Ok(Err(Refusal::NoSuchSchedule { name: name.to_owned(), known }));
    };
    let job = match request {
        JobRequest::DiscoverRepositories => match discover(queue, discovery_is_on, by, now).await? {
            Ok(job) => job,
            Err(refusal) => return Ok(Err(refusal)),
        },
        request => queue.enqueue(&request, by, Priority::CLICK, now).await?,
    };
    record_triggered(&db.write, name, job, now).await?;
    Ok(Ok(job))
}

/// Calls a job off: one that waits never runs, one that runs stops at its next step.
///
/// # Errors
/// If the database fails.
pub async fn cancel(db: &Db, queue: &JobQueue, id: Uuid, now: Timestamp) -> Result<Asked<Job>> {
    let cancelled = queue.cancel(id, now).await?;
    Ok(match find_job(&db.read, id).await? {
        None => Err(Refusal::Missing("job")),
        Some(job) if !cancelled => Err(Refusal::Ended(job.state)),
        Some(job) => Ok(job),
    })
}
