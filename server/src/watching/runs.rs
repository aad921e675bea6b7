//! What Tekton tells of the runs that deliveries began, at an address of a trigger. A cluster's Tekton can be given one address
//! only, so that what comes there counts for other triggers as well, but for those that have an address of their own.

use auth::token::is_opaque;
use chrono::TimeDelta;
use entity::kind::TargetKind;
use entity::view::{Live, Timestamp};
use http::HeaderMap;
use store::db::{DataError, Db};
use store::queue::JobQueue;
use store::secrets::{find_secret_time, of_sink};
use store::triggers::{Answered, find_answered, is_telling, set_run_state};
use triggers::{RunError, RunEvent, RunTold, read_run};
use uuid::Uuid;

use super::secrets::{SecretError, Secrets};
use crate::clock;

/// An event that is older does not come before its delivery's end is kept: nobody is asked to send it again.
const EARLY: TimeDelta = TimeDelta::minutes(5);

const NOT_OURS: &str = "no delivery of a trigger began this run";

/// What an event is answered.
#[derive(Debug)]
pub enum RunAnswer {
    /// It was taken; a sentence says what came of it.
    Taken(&'static str),
    /// Nothing is taken at this address.
    NoneHere,
    /// It can't be read.
    Refused(RunError),
    /// What began the run may not be known yet: it is to be sent again.
    Early,
    /// It can't be taken now.
    Unavailable(String),
}

impl From<DataError> for RunAnswer {
    fn from(error: DataError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Takes events of runs; cheap to clone.
#[derive(Clone)]
pub struct Runs {
    db: Db,
    queue: JobQueue,
    secrets: Secrets,
}

impl Runs {
    /// Over a database, and the bus of its queue.
    #[must_use]
    pub fn new(db: &Db, queue: &JobQueue, secrets: Secrets) -> Self {
        Self { db: db.clone(), queue: queue.clone(), secrets }
    }

    /// Whether somebody knows the address of a trigger, to be asked before a body is read.
    ///
    /// # Errors
    /// What to answer where they do not.
    pub async fn admit(&self, trigger: Uuid, token: &str) -> Result<(), RunAnswer> {
        match self.secrets.of_sink(trigger).await {
            Ok(Some(hash)) if is_opaque(token, &hash) => Ok(()),
            Ok(_) => Err(RunAnswer::NoneHere),
            Err(SecretError::Database(error)) => Err(error.into()),
            // Strangers are not told that there is one.
            Err(SecretError::Sealed(why)) => {
                tracing::error!(trigger.id = %trigger, why, "what opens a trigger's sink can't be read; make a new one");
                Err(RunAnswer::NoneHere)
            }
        }
    }

    /// Takes an event that came to the address of a trigger.
    pub async fn take(&self, trigger: Uuid, headers: &HeaderMap, body: &[u8]) -> RunAnswer {
        let now = clock::now();
        match read_run(headers, body, now) {
            Ok(RunTold::Run(event)) => self.note(trigger, &event, now).await.unwrap_or_else(RunAnswer::from),
            Ok(RunTold::Nothing(why)) => RunAnswer::Taken(why),
            Err(error) => RunAnswer::Refused(error),
        }
    }

    async fn note(&self, asked: Uuid, event: &RunEvent, now: Timestamp) -> Result<RunAnswer, DataError> {
        let w = &self.db.write;
        // Asked first: of an attempt that ends meanwhile the id is kept by then.
        let may_be_early = now - event.at < EARLY && is_telling(w).await?;
        let RunEvent { event_id, state, name, at } = event;
        let Some(answered) = find_answered(w, event_id, TargetKind::Tekton).await? else {
            return Ok(if may_be_early { RunAnswer::Early } else { RunAnswer::Taken(NOT_OURS) });
        };
        let Answered { delivery_id, trigger_id, repository_id } = answered;
        if trigger_id != asked && find_secret_time(w, &of_sink(trigger_id)).await?.is_some() {
            return Ok(RunAnswer::Taken("the run's trigger has an address of its own"));
        }
        set_run_state(w, delivery_id, event_id, *state, name, *at).await?;
        self.queue.bus().send(Live::Branches { repository_id });
        self.queue.bus().send(Live::Trigger { trigger_id, delivery_id: Some(delivery_id) });
        Ok(RunAnswer::Taken("noted"))
    }
}
