use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Job;

/// What goes out to open pages as it happens (`/api/v1/stream`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Live {
    /// A job was queued, moved on or finished.
    Job { job: Box<Job> },
    /// Status or figures of a repository changed.
    Repository { repository_id: Uuid },
    /// A scan stored events.
    Events { repository_id: Uuid, count: u64 },
    /// A trigger changed, or a delivery of it moved on.
    Trigger { trigger_id: Uuid, delivery_id: Option<Uuid> },
    /// Branches of a repository changed, or what is told of that, or how they are watched.
    Branches { repository_id: Uuid },
    /// A process read its configuration again.
    Reload,
}
