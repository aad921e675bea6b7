use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::PageQuery;
use crate::kind::{BranchEventKind, ClauseKind, DeliveryState, RunState, TargetKind};

/// Which events a trigger is for. What is left empty asks nothing; the rest must all be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Condition {
    /// Patterns of repositories' full names, such as `owner/*`; one of them has to match.
    pub repositories: Vec<String>,
    /// A regular expression that has to match somewhere in the branch's name.
    pub branches: Option<String>,
    /// Kinds of events; one of them has to be the event's. Where there are none, changes of branches are meant.
    pub events: Vec<BranchEventKind>,
    /// Patterns of paths, such as `clusters/**`; a changed file has to match one.
    pub paths: Vec<String>,
    /// Whether the commit has to bring Tekton's resources, or has not to.
    pub tekton: Option<bool>,
    /// An expression in CEL that has to be true.
    pub expression: Option<String>,
}

/// Whom a trigger tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A Tekton EventListener, by CloudEvents in binary mode.
    Tekton {
        url: String,
        /// Beside the event's own.
        headers: BTreeMap<String, String>,
    },
    /// Any program that takes webhooks as the Standard Webhooks specification has them.
    Webhook { url: String, headers: BTreeMap<String, String> },
    /// A Receiver of Flux.
    Flux { url: String },
    /// A `repository_dispatch` of GitHub.
    GithubDispatch {
        /// Such as `https://api.github.com`.
        api_url: String,
        /// `owner/name`; the event's own repository where there is none.
        repository: Option<String>,
        event_type: String,
    },
    /// A pipeline of GitLab, by a trigger token.
    GitlabPipeline {
        /// Such as `https://gitlab.com/api/v4`.
        api_url: String,
        /// Its path or number; the event's own repository where there is none.
        project: Option<String>,
        /// The branch or tag to run for; the event's own branch where there is none.
        reference: Option<String>,
    },
    /// A command on the machine that Kubestats runs on; only the configuration may name one.
    Command {
        /// The program and what it is given, without a shell.
        command: Vec<String>,
    },
}

impl Target {
    /// What sort of program it is.
    #[must_use]
    pub const fn kind(&self) -> TargetKind {
        match self {
            Self::Tekton { .. } => TargetKind::Tekton,
            Self::Webhook { .. } => TargetKind::Webhook,
            Self::Flux { .. } => TargetKind::Flux,
            Self::GithubDispatch { .. } => TargetKind::GithubDispatch,
            Self::GitlabPipeline { .. } => TargetKind::GitlabPipeline,
            Self::Command { .. } => TargetKind::Command,
        }
    }
}

/// How long an attempt may take, and when the next one follows a failed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pace {
    pub timeout_ms: u64,
    /// Waits after the first failed attempt, the second, and so on; after as many, the next failure is the last.
    pub waits_ms: Vec<u64>,
}

impl Default for Pace {
    fn default() -> Self {
        const SECOND: u64 = 1_000;
        const MINUTE: u64 = 60 * SECOND;
        const HOUR: u64 = 60 * MINUTE;
        let waits_ms = vec![5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR];
        Self { timeout_ms: 10 * SECOND, waits_ms }
    }
}

/// A trigger with what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trigger {
    pub id: Uuid,
    pub name: String,
    pub is_enabled: bool,
    /// Written in the configuration, which alone changes it.
    pub is_configured: bool,
    pub condition: Condition,
    pub target: Target,
    pub pace: Pace,
    pub created_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
    /// Why it is off, where no person switched it off.
    pub disabled_reason: Option<String>,
    /// When it was no longer written in the configuration that it came from; it is off since, and may be removed.
    pub unconfigured_at: Option<DateTime<Utc>>,
    /// Attempts that failed since the last one that did not.
    pub failures_in_row: i64,
    pub last_delivery_at: Option<DateTime<Utc>>,
    /// Why the last failed attempt failed.
    pub last_error: Option<String>,
    /// What came of it on each of the last days, oldest first; days without a delivery are left out.
    pub days: Vec<TriggerDay>,
}

/// What came of a trigger's deliveries on one day, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TriggerDay {
    /// `YYYY-MM-DD`.
    pub day: String,
    pub delivered: i64,
    /// Deliveries that were given up.
    pub failed: i64,
    pub attempts: i64,
    pub failed_attempts: i64,
}

/// What a trigger made of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verdict {
    pub trigger_id: Uuid,
    /// Its name then.
    pub trigger_name: String,
    pub is_match: bool,
    /// The parts of its condition that ask something, up to the first that is not met.
    pub clauses: Vec<Clause>,
    /// What follows.
    pub delivery_id: Option<Uuid>,
    /// The delivery was there before this event, as the branch stood at the same commit then, and nothing more is told.
    pub is_repeated: bool,
}

/// A part of a condition against an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Clause {
    pub kind: ClauseKind,
    pub is_match: bool,
    /// What was asked, and what was found, in words.
    pub why: String,
}

/// What one trigger's target is told of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Delivery {
    pub id: Uuid,
    pub trigger_id: Uuid,
    pub trigger_name: String,
    pub target_kind: TargetKind,
    pub event_id: Uuid,
    pub kind: BranchEventKind,
    pub repository_id: Uuid,
    pub repository_full_name: String,
    pub branch_id: Uuid,
    pub branch_name: String,
    pub commit: String,
    pub state: DeliveryState,
    pub attempts: i32,
    pub next_try_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Of the last answer.
    pub status: Option<i32>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// What the target calls what it began, such as Tekton's `eventID`.
    pub answer_id: Option<String>,
    /// How far what it began got, where the target tells.
    pub run_state: Option<RunState>,
    /// What the target calls the run, such as the PipelineRun's name.
    pub run_name: Option<String>,
    /// When the target told that.
    pub run_at: Option<DateTime<Utc>>,
}

/// How far a delivery is, beside an event that says the rest of it. A branch's page has hundreds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "db", derive(sea_orm::DerivePartialModel), sea_orm(entity = "crate::table::delivery::Entity"))]
pub struct DeliveryProgress {
    pub id: Uuid,
    pub state: DeliveryState,
    pub attempts: i32,
    pub next_try_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Of the last answer.
    pub status: Option<i32>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// What the target calls what it began.
    pub answer_id: Option<String>,
    /// How far that got, where the target tells.
    pub run_state: Option<RunState>,
    pub run_name: Option<String>,
    pub run_at: Option<DateTime<Utc>>,
}

/// What came of asking for many deliveries once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Replayed {
    /// How many go out.
    pub deliveries: usize,
    /// Whether others were given up as well, which go out when it is asked again.
    pub has_more: bool,
}

/// Which deliveries, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryFilter {
    pub trigger_id: Option<Uuid>,
    pub event_id: Option<Uuid>,
    pub repository_id: Option<Uuid>,
    pub branch_id: Option<Uuid>,
    pub state: Option<DeliveryState>,
    /// Only those that were made then or later.
    pub since: Option<DateTime<Utc>>,
    /// Only those that were made before.
    pub until: Option<DateTime<Utc>>,
    pub page: PageQuery,
}

/// What was sent, secrets masked; of a body the first 64 KiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SentRequest {
    pub method: String,
    pub url: String,
    /// In the order in which they were sent.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// One attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryAttempt {
    /// From 1.
    pub number: i32,
    pub started_at: DateTime<Utc>,
    pub duration_ms: i64,
    /// Nothing where the process ended before it could tell.
    pub request: Option<SentRequest>,
    pub status: Option<i32>,
    /// The beginning of it.
    pub answer: Option<String>,
    pub error: Option<String>,
    /// When the next one followed.
    pub next_try_at: Option<DateTime<Utc>>,
}
