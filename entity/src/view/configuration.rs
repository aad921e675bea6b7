use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::kind::{ReloadCause, ReloadOutcome};

/// One thing wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigProblem {
    /// The file, or `environment`.
    pub file: String,
    /// From 1; nothing for the environment and for what is missing.
    pub line: Option<u32>,
    /// Such as `repositories[0].url`; empty where it is about the whole file.
    pub key: String,
    /// What was found, and what is allowed.
    pub message: String,
}

impl std::fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// What was found of a configuration that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigCheck {
    pub is_valid: bool,
    /// Everything that is wrong, in the files' order.
    pub errors: Vec<ConfigProblem>,
}

/// A time at which a process read its configuration again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigReload {
    pub at: DateTime<Utc>,
    /// The process that read it, by its name among the workers.
    pub worker: String,
    /// The machine that it runs on.
    pub host: String,
    pub cause: ReloadCause,
    /// Who asked, where somebody did.
    pub asked_by: Option<String>,
    pub outcome: ReloadOutcome,
    /// Keys that have another value since.
    pub applied: Vec<String>,
    /// Keys that have another value in the file, which only a restart puts in force.
    pub needs_restart: Vec<String>,
    /// How many things are wrong with the file.
    pub error_count: u32,
    /// What they are, of very many the first: why the old configuration stays in force; for admins alone.
    pub errors: Vec<ConfigProblem>,
}
