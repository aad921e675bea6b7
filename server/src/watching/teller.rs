//! Tells targets what they are to be told: takes deliveries whose time has come, sends each, and keeps what came of it.

use std::time::{Duration, Instant};

use entity::view::{Live, Timestamp};
use store::db::{DataError, Db};
use store::queue::JobQueue;
use store::triggers::{
    Attempt, AttemptEnd, ClaimedDelivery, DeliveryRoom, claim_deliveries, find_target, next_delivery_at,
    record_attempt, recover_deliveries, recover_own_deliveries,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use triggers::{CommitDescription, SendEnd, Telling, build_request, send};

use super::reader::CloneReader;
use super::secrets::Secrets;
use crate::clock;
use crate::jobs::LiveDeps;

/// Attempts at once at targets that fail again and again.
const FAILING: usize = 8;
/// How long to sleep where no bell rings.
const POLL: Duration = Duration::from_secs(5);
/// How often deliveries of workers that died are looked for.
const RECOVER: Duration = Duration::from_secs(15);
/// How long attempts may take to end when the program ends; what does not is tried again by the next start.
const GRACE: Duration = Duration::from_secs(10);
/// How long the end of an attempt is held while the database is away, in tries a second apart.
const RECORD_TRIES: u32 = 60;

/// Tells targets until it is told to stop; cheap to clone.
#[derive(Clone)]
pub struct Teller {
    pub db: Db,
    pub queue: JobQueue,
    /// How much at once, and who may be talked to: as the configuration has it when an attempt begins.
    pub live: LiveDeps,
    pub secrets: Secrets,
    pub commits: CloneReader,
    /// Names this process in what it holds.
    pub worker: String,
}

impl Teller {
    /// Runs until `stop`, then lets attempts end.
    pub async fn run(self, stop: CancellationToken) {
        let mut running = JoinSet::new();
        let mut recovered = None::<Instant>;
        match recover_own_deliveries(&self.db, &self.worker, clock::now()).await {
            Ok(0) => {}
            Ok(deliveries) => info!(deliveries, "put back deliveries that the last run left unfinished"),
            Err(error) => error!(%error, "unfinished deliveries of the last run could not be put back"),
        }
        while !stop.is_cancelled() {
            if recovered.is_none_or(|at| at.elapsed() >= RECOVER) {
                recovered = Some(Instant::now());
                match recover_deliveries(&self.db, clock::now(), 100).await {
                    Ok(0) => {}
                    Ok(deliveries) => warn!(deliveries, "took back deliveries of a process that ended in the middle"),
                    Err(error) => error!(%error, "deliveries of vanished processes could not be taken back"),
                }
            }
            let watching = self.live.load().watching.clone();
            let room = watching.max_deliveries.saturating_sub(running.len());
            let now = clock::now();
            let claimed = self.claim(room, watching.max_per_trigger, now).await;
            let is_full = claimed.len() == room;
            for delivery in claimed {
                running.spawn(self.clone().tell(delivery));
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.queue.bell().heard_for_deliveries(), if !is_full => {}
                _ = running.join_next(), if !running.is_empty() => {}
                () = self.sleep(now), if !is_full => {}
            }
            while running.try_join_next().is_some() {}
        }
        let ended = tokio::time::timeout(GRACE, async { while running.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            warn!(deliveries = running.len(), "attempts did not end in time; they are made again");
        }
    }

    async fn claim(&self, most: usize, per_trigger: usize, now: Timestamp) -> Vec<ClaimedDelivery> {
        let room = DeliveryRoom { worker: &self.worker, most, per_trigger, failing: FAILING };
        claim_deliveries(&self.db, room, now).await.unwrap_or_else(|error| {
            error!(%error, "no delivery could be taken");
            Vec::new()
        })
    }

    /// Until something comes to be due that was not when deliveries were taken, at most a while. What was due then and not taken
    /// waits for its target's other attempts to end.
    async fn sleep(&self, taken_at: Timestamp) {
        let next = next_delivery_at(&self.db.read, taken_at).await.ok().flatten();
        // It may be due by now.
        let wait = next.map_or(POLL, |at| (at - clock::now()).to_std().unwrap_or_default());
        tokio::time::sleep(wait.min(POLL)).await;
    }

    async fn tell(self, delivery: ClaimedDelivery) {
        let attempt = Box::pin(self.attempt(&delivery)).await;
        self.record(&delivery, &attempt).await;
        self.queue.bus().send(Live::Branches { repository_id: delivery.repository_id });
        self.queue.bus().send(Live::Trigger { trigger_id: delivery.trigger_id, delivery_id: Some(delivery.id) });
    }

    async fn attempt(&self, delivery: &ClaimedDelivery) -> Attempt {
        let started_at = clock::now();
        let began = Instant::now();
        let unsent = |end: AttemptEnd| Attempt {
            number: delivery.attempts,
            started_at,
            duration: began.elapsed(),
            request: None,
            status: None,
            answer: None,
            answer_id: None,
            end,
        };
        let secrets = match self.secrets.of_trigger(delivery.trigger_id).await {
            Ok(secrets) => secrets,
            // Another key may be the right one: processes get a new one after the other.
            Err(error) => return unsent(AttemptEnd::Failed { why: error.to_string(), not_before: None }),
        };
        // A secret goes only to the target that it was entered for, however both change meanwhile.
        match find_target(&self.db.read, delivery.trigger_id).await {
            Ok(Some(target)) if target == delivery.target.0 => {}
            Ok(_) => {
                let why = "its target was changed just before it was sent".to_owned();
                return unsent(AttemptEnd::Unknown { why });
            }
            Err(error) => return unsent(AttemptEnd::Failed { why: error.to_string(), not_before: None }),
        }
        let commit = match delivery.new_commit {
            Some(commit) => self.commits.commit_info(delivery.repository_id, commit).await,
            None => None,
        };
        let telling = Telling {
            delivery_id: delivery.id,
            event_id: delivery.event_id,
            kind: delivery.kind,
            repository_url: &delivery.repository_url,
            repository_full_name: &delivery.repository_full_name,
            provider: delivery.provider,
            branch: &delivery.branch_name,
            old_commit: delivery.old_commit,
            new_commit: delivery.new_commit,
            commit: commit.as_ref().map(described),
            is_forced: delivery.is_forced,
            trigger_name: &delivery.trigger_name,
            noticed_at: delivery.noticed_at,
            sent_at: started_at,
            attempt: delivery.attempts,
            tekton: delivery.tekton.as_ref().map(|tekton| &tekton.0),
        };
        let outgoing = match build_request(&delivery.target.0, &secrets, &telling) {
            Ok(outgoing) => outgoing,
            Err(error) => return unsent(AttemptEnd::Refused { why: error.to_string() }),
        };
        let timeout = Duration::from_millis(delivery.pace.0.timeout_ms);
        let live = self.live.load();
        let client = if delivery.is_configured { &live.configured_targets } else { &live.targets };
        let sent = send(client, &outgoing, timeout).await;
        Attempt {
            number: delivery.attempts,
            started_at,
            duration: sent.duration,
            request: Some(outgoing.shown()),
            status: sent.status.and_then(|status| u16::try_from(status).ok()),
            answer: sent.answer,
            answer_id: sent.answer_id,
            end: end(sent.end, clock::now()),
        }
    }

    /// Keeps what came of an attempt; waits for a database that is away, as nobody else knows.
    async fn record(&self, delivery: &ClaimedDelivery, attempt: &Attempt) {
        for _ in 0..RECORD_TRIES {
            let recorded = record_attempt(&self.db, delivery.id, &self.worker, attempt, clock::now()).await;
            match recorded {
                Ok(recorded) => {
                    if recorded.lets_another_go {
                        self.queue.bell().ring_for_deliveries();
                    }
                    return;
                }
                Err(error @ DataError::LostLease { .. }) => {
                    warn!(%error, delivery.id = %delivery.id, "an attempt took too long; it is made again");
                    return;
                }
                Err(error) if error.is_transient() => tokio::time::sleep(Duration::from_secs(1)).await,
                Err(error) => {
                    error!(%error, delivery.id = %delivery.id, "what came of an attempt can't be kept");
                    return;
                }
            }
        }
        error!(delivery.id = %delivery.id, "what came of an attempt could not be kept for a minute; it is made again");
    }
}

fn described(commit: &git::CommitInfo) -> CommitDescription<'_> {
    CommitDescription {
        message: &commit.subject,
        author_name: &commit.author_name,
        author_email: &commit.author_email,
        time: commit.committed_at,
    }
}

fn end(end: SendEnd, now: Timestamp) -> AttemptEnd {
    let after = |wait: Duration| now + chrono::TimeDelta::from_std(wait).unwrap_or(chrono::TimeDelta::days(1));
    match end {
        SendEnd::Delivered => AttemptEnd::Delivered,
        SendEnd::Failed { why, retry_after } => AttemptEnd::Failed { why, not_before: retry_after.map(after) },
        SendEnd::Refused { why } => AttemptEnd::Refused { why },
        SendEnd::Gone { why } => AttemptEnd::Gone { why },
    }
}
