//! What is sent about triggers. Unlike what is stored, nothing that we do not know is passed over: a misspelt field of a
//! condition would ask nothing, and its trigger be for everything.

use std::collections::BTreeMap;

use actions::triggers::TriggerRequest;
use entity::kind::{BranchEventKind, TargetKind};
use entity::view::{Condition, Pace, Target};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Which events a trigger is for. What is left out asks nothing; the rest must all be met.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WantedCondition {
    /// Patterns of repositories' full names, such as `owner/*`; one of them has to match.
    repositories: Vec<String>,
    /// A regular expression that has to match somewhere in the branch's name.
    branches: Option<String>,
    /// Kinds of events; one of them has to be the event's.
    events: Vec<BranchEventKind>,
    /// Patterns of paths, such as `clusters/**`; a changed file has to match one.
    paths: Vec<String>,
    /// Whether the commit has to bring Tekton's resources, or has not to.
    tekton: Option<bool>,
    /// An expression in CEL that has to be true.
    expression: Option<String>,
}

impl From<WantedCondition> for Condition {
    fn from(wanted: WantedCondition) -> Self {
        let WantedCondition { repositories, branches, events, paths, tekton, expression } = wanted;
        Self { repositories, branches, events, paths, tekton, expression }
    }
}

/// Whom a trigger tells.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WantedTarget {
    /// A Tekton EventListener, by CloudEvents in binary mode.
    Tekton {
        url: String,
        /// Beside the event's own.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// Any program that takes webhooks as the Standard Webhooks specification has them.
    Webhook {
        url: String,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
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
}

impl From<WantedTarget> for Target {
    fn from(wanted: WantedTarget) -> Self {
        match wanted {
            WantedTarget::Tekton { url, headers } => Self::Tekton { url, headers },
            WantedTarget::Webhook { url, headers } => Self::Webhook { url, headers },
            WantedTarget::Flux { url } => Self::Flux { url },
            WantedTarget::GithubDispatch { api_url, repository, event_type } => {
                Self::GithubDispatch { api_url, repository, event_type }
            }
            WantedTarget::GitlabPipeline { api_url, project, reference } => {
                Self::GitlabPipeline { api_url, project, reference }
            }
        }
    }
}

/// How long an attempt may take, and when the next one follows a failed one.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WantedPace {
    /// 10,000 where it is left out.
    timeout_ms: u64,
    /// Waits after the first failed attempt, the second, and so on.
    waits_ms: Vec<u64>,
}

impl Default for WantedPace {
    fn default() -> Self {
        let Pace { timeout_ms, waits_ms } = Pace::default();
        Self { timeout_ms, waits_ms }
    }
}

/// A trigger as it is to be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedTrigger {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Left out, a new trigger is off, and another stays as it is.
    is_enabled: Option<bool>,
    #[serde(default)]
    condition: WantedCondition,
    target: WantedTarget,
    #[serde(default)]
    pace: WantedPace,
}

impl From<WantedTrigger> for TriggerRequest {
    fn from(wanted: WantedTrigger) -> Self {
        let WantedTrigger { name, is_enabled, condition, target, pace } = wanted;
        let pace = Pace { timeout_ms: pace.timeout_ms, waits_ms: pace.waits_ms };
        Self { name, is_enabled, condition: condition.into(), target: target.into(), pace }
    }
}

/// A condition to try.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriedCondition {
    pub condition: WantedCondition,
}

/// A condition to hold against what happened.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedDryRun {
    pub condition: WantedCondition,
    /// The kind of target that its trigger would tell: some are not told of branches that are gone. Left out, it is one that is told
    /// of everything.
    pub target_kind: Option<TargetKind>,
}

/// A trigger's secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedSecret {
    /// Left out, one is made, where the target takes webhooks.
    #[schema(value_type = Option<String>, format = Password)]
    pub secret: Option<Zeroizing<String>>,
}

/// What a trigger is tested with.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerTest {
    /// The branch whose newest event is sent.
    pub branch_id: Uuid,
}

/// Which deliveries are to go out once more.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedReplay {
    /// Of failed ones those that were given up since then, of all those that were made since then.
    pub since: Option<chrono::DateTime<chrono::Utc>>,
    /// Only where all of a range are asked for.
    pub until: Option<chrono::DateTime<chrono::Utc>>,
    /// Only those that were given up; so it is where this is left out.
    #[serde(default = "yes")]
    pub only_failed: bool,
}

const fn yes() -> bool {
    true
}
