//! What came of something, as it travels to the page.

use serde::{Deserialize, Serialize};

/// How well it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    Good,
    Warn,
    Bad,
}

/// What came of something, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeText {
    /// Whether all, some or nothing of it was done.
    pub tone: Tone,
    pub text: String,
    /// What was not done and why, one sentence each.
    pub lines: Vec<String>,
    /// Where it can be watched.
    pub watch: Option<String>,
}
