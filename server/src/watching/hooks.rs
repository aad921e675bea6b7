//! Webhooks of forges: what they say of a branch is noted at once where it follows from what is stored, and asks for a look
//! where it does not. Polling stays the truth.

use entity::kind::{JobRequest, NoticedBy, Priority, RequestedBy};
use entity::view::{Live, Timestamp};
use forge::hooks::{Hook, HookChange, HookError, HookKind, read_hook};
use http::HeaderMap;
use store::db::{DataError, Db, Transaction};
use store::queue::JobQueue;
use store::repositories::{self, SyncTarget};
use store::watch::{Change, Told, Took, WatchState, note_change, take_receipt, tell_receipt, watch_state};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::decide::{Asked, Triggers, decide_known};
use super::look::watched_names;
use super::secrets::{SecretError, Secrets};
use crate::clock;

/// What a webhook is answered.
#[derive(Debug)]
pub enum HookAnswer {
    /// It was taken; a sentence says what came of it.
    Taken(&'static str),
    /// No webhook of this repository is set up here, or there is no such repository.
    NoneHere,
    /// It is not what it says that it is, or can't be read.
    Refused(HookError),
    /// It can't be taken now.
    Unavailable(String),
}

impl From<DataError> for HookAnswer {
    fn from(error: DataError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Takes webhooks; cheap to clone.
#[derive(Clone)]
pub struct Hooks {
    db: Db,
    queue: JobQueue,
    secrets: Secrets,
}

impl Hooks {
    /// Over a database and its queue.
    #[must_use]
    pub fn new(db: &Db, queue: &JobQueue, secrets: Secrets) -> Self {
        Self { db: db.clone(), queue: queue.clone(), secrets }
    }

    /// What webhooks of a repository have to be signed with, to be asked before a body is read.
    ///
    /// # Errors
    /// What to answer where there is none.
    pub async fn secret(&self, repository: Uuid) -> Result<Zeroizing<String>, HookAnswer> {
        match self.secrets.of_webhook(repository).await {
            Ok(Some(secret)) => Ok(secret),
            Ok(None) => Err(HookAnswer::NoneHere),
            Err(SecretError::Database(error)) => Err(error.into()),
            Err(SecretError::Sealed(why)) => {
                tracing::error!(%repository, why, "a webhook's secret can't be opened; make a new one");
                Err(HookAnswer::Unavailable("its secret can't be opened".to_owned()))
            }
        }
    }

    /// Takes a webhook that came for a repository.
    pub async fn take(
        &self,
        kind: HookKind,
        repository: Uuid,
        secret: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> HookAnswer {
        match read_hook(kind, headers, body, secret, clock::now()) {
            Ok(hook) => self.note(repository, &hook).await.unwrap_or_else(HookAnswer::from),
            Err(error) => HookAnswer::Refused(error),
        }
    }

    async fn note(&self, repository: Uuid, hook: &Hook) -> Result<HookAnswer, DataError> {
        let now = clock::now();
        let began = watch_state(&self.db.read, repository).await?;
        let target = repositories::sync_target(&self.db.read, repository).await?;
        let Some(target) = target.filter(|target| !target.is_off()) else { return Ok(HookAnswer::NoneHere) };
        let txn = self.db.begin().await?;
        if take_receipt(&txn, repository, &hook.delivery_id, &hook.event, now).await? == Took::Again {
            // Of senders without ids the same words may tell of another push: there, back, and there again.
            let look = hook.change.is_some().then_some(JobRequest::SyncRepository { repository_id: repository });
            self.finish(txn, repository, look.as_slice(), now).await?;
            return Ok(HookAnswer::Taken(match look {
                Some(_) => "it was taken before; the remote is looked at",
                None => "it was taken before",
            }));
        }
        let mut jobs = Vec::new();
        let said = match (&hook.change, &began) {
            _ if hook.is_ping => "a sign of life",
            (None, _) => "it says nothing of a branch",
            (Some(_), None) => {
                jobs.push(JobRequest::SyncRepository { repository_id: repository });
                "the repository's branches are not watched; it is looked at"
            }
            (Some(told), Some(began)) => {
                // What is followed is fetched and scanned by a sync in any case.
                jobs.push(JobRequest::SyncRepository { repository_id: repository });
                match told.after.is_some() || told.is_deleted {
                    true => self.note_change(&txn, &target, began, told, &mut jobs).await?,
                    false => "it does not tell where the branch stands; the remote is looked at",
                }
            }
        };
        tell_receipt(&txn, repository, &hook.delivery_id, said).await?;
        self.finish(txn, repository, &jobs, now).await?;
        Ok(HookAnswer::Taken(said))
    }

    async fn note_change(
        &self,
        txn: &Transaction,
        target: &SyncTarget,
        began: &WatchState,
        told: &HookChange,
        jobs: &mut Vec<JobRequest>,
    ) -> Result<&'static str, DataError> {
        let now = clock::now();
        let change = Change {
            branch: told.branch.clone(),
            old: told.before,
            new: told.after.filter(|_| !told.is_deleted),
            is_watched: watched_names(began.branch_regex.as_deref())(&told.branch),
            branch_regex: began.branch_regex.clone(),
        };
        Ok(match note_change(txn, target.id, &change, NoticedBy::Webhook, now).await? {
            Told::Noted(None) => "noted; the branch is not watched",
            Told::Noted(Some(event)) => {
                let triggers = Triggers::load(txn).await?;
                decide_known(txn, &triggers, &Asked::from(target), std::slice::from_ref(&event), now).await?;
                jobs.push(JobRequest::FollowBranches { repository_id: target.id });
                "noted"
            }
            Told::Known => "known already",
            Told::LookNeeded => "it does not follow from what was seen last; the remote is looked at",
        })
    }

    async fn finish(
        &self,
        txn: Transaction,
        repository: Uuid,
        jobs: &[JobRequest],
        now: Timestamp,
    ) -> Result<(), DataError> {
        for job in jobs {
            if let JobRequest::SyncRepository { repository_id } = job {
                // The push may be to any of the branches that are scanned.
                for branch in repositories::branches_beside(&txn, *repository_id).await? {
                    let sync = JobRequest::SyncRepository { repository_id: branch };
                    self.queue.enqueue_in(&txn, &sync, RequestedBy::Webhook, Priority::FOLLOW_UP, now).await?;
                }
            }
            self.queue.enqueue_in(&txn, job, RequestedBy::Webhook, Priority::FOLLOW_UP, now).await?;
        }
        txn.commit().await?;
        self.queue.bell().ring_for_deliveries();
        self.queue.ring();
        self.queue.bus().send(Live::Branches { repository_id: repository });
        Ok(())
    }
}
