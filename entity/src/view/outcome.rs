use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Added;
use crate::kind::RepositoryAction;

/// What came of something that a person asked for on a page, kept until they have read it: forms lead on to a page that
/// tells it, whatever process of many answers there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutcomeOf {
    /// One action on repositories that somebody chose.
    Changed {
        action: RepositoryAction,
        /// Id and full name of those that it was done to.
        done: Vec<(Uuid, String)>,
        refused: Vec<Refused>,
    },
    /// Addresses were added.
    Added(Vec<Added>),
    /// A sync of all that may be synced is queued.
    SyncAll { job_id: Uuid, repositories: i64 },
    /// Discovery is queued.
    Discovery { job_id: Uuid },
    /// Nothing was done, for this reason.
    Nothing(String),
    /// Something else was done, in a sentence.
    Done(String),
}

/// A repository that an action was refused for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The full name; the id where nothing has it.
    pub name: String,
    /// A sentence without its full stop.
    pub reason: String,
}

/// An outcome with its id, by which a page's address names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub id: Uuid,
    pub of: OutcomeOf,
}
