//! What Tekton tells of the runs that deliveries began, at an address of their trigger.

use auth::token::is_opaque;
use chrono::TimeDelta;
use entity::view::{Live, Timestamp};
use http::HeaderMap;
use store::db::{DataError, Db};
use store::queue::JobQueue;
use store::triggers::{find_delivery, is_being_told, set_run_state};
use triggers::{RunError, RunEvent, RunTold, read_run};
use uuid::Uuid;

use super::secrets::{SecretError, Secrets};
use crate::clock;

/// An event that is older does not come before its delivery's end is kept: nobody is asked to send it again.
const EARLY: TimeDelta = TimeDelta::minutes(5);

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

    async fn note(&self, trigger_id: Uuid, event: &RunEvent, now: Timestamp) -> Result<RunAnswer, DataError> {
        let w = &self.db.write;
        // Asked first: of an attempt that ends meanwhile the id is kept by then.
        let may_be_early = now - event.at < EARLY && is_being_told(w, trigger_id).await?;
        let RunEvent { event_id, state, name, at } = event;
        let noted = set_run_state(w, event_id, Some(trigger_id), *state, Some(name), *at).await?;
        let delivery = match noted {
            Some(id) => find_delivery(w, id).await?,
            None if may_be_early => return Ok(RunAnswer::Early),
            None => None,
        };
        let Some(delivery) = delivery else { return Ok(RunAnswer::Taken("no delivery of this trigger began the run")) };
        self.queue.bus().send(Live::Branches { repository_id: delivery.repository_id });
        self.queue.bus().send(Live::Trigger { trigger_id, delivery_id: Some(delivery.id) });
        Ok(RunAnswer::Taken("noted"))
    }
}
