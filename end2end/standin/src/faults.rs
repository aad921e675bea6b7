//! Faults on demand: what goes wrong, on which paths, and how often.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What goes wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Fault {
    /// The answer is right, but late.
    Slow {
        /// How late, in milliseconds.
        ms: u64,
    },
    /// This status with a page of HTML, as a broken server or the proxy before it answers (500, 502, 503, 504).
    Status {
        /// The status.
        code: u16,
    },
    /// The primary limit is used up: 403 with nothing remaining, until the reset.
    PrimaryLimit {
        /// Seconds until the reset.
        reset: u64,
    },
    /// A secondary limit: 403 while the primary budget is not used up.
    SecondaryLimit {
        /// Retry-After in seconds; without one the client has to know to wait.
        retry_after: Option<u64>,
    },
    /// 429 Too Many Requests.
    TooMany {
        /// Retry-After in seconds.
        retry_after: Option<u64>,
    },
    /// The connection is cut in the middle of the body.
    Cut,
    /// The body is no JSON, though the header says so.
    WrongJson,
    /// These fields are missing, wherever they are in the answer.
    MissingFields {
        /// Their names.
        fields: Vec<String>,
    },
    /// The token is not (or no longer) good: 401.
    BadCredentials,
    /// The repository is taken down for legal reasons: 451.
    Blocked,
    /// An answer that never ends: after the headers, bytes until the client goes away.
    Endless,
}

/// A fault, and what it befalls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// Only paths that contain this; every path without it. `git`-paths contain `/info/refs` or `/git-upload-pack`.
    #[serde(default)]
    pub path: Option<String>,
    /// How many matching requests go well before.
    #[serde(default)]
    pub after: u32,
    /// How many are befallen; all without it.
    #[serde(default)]
    pub times: Option<u32>,
}

impl Rule {
    /// A fault on every request until it is cleared.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, path: None, after: 0, times: None }
    }

    /// Only on paths that contain this.
    #[must_use]
    pub fn on(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Only after so many matching requests went well.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    /// Only so many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}

/// The rules in force, in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Rule>);

impl Faults {
    pub(crate) fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.0
    }

    /// The faults that befall this request; counts down what they have left.
    pub(crate) fn take(&mut self, path: &str) -> Vec<Fault> {
        let mut taken = Vec::new();
        for rule in &mut self.0 {
            if rule.path.as_deref().is_some_and(|wanted| !path.contains(wanted)) {
                continue;
            }
            if rule.after > 0 {
                rule.after -= 1;
                continue;
            }
            if let Some(times) = &mut rule.times {
                *times = times.saturating_sub(1);
            }
            taken.push(rule.fault.clone());
        }
        self.0.retain(|rule| rule.times != Some(0));
        taken
    }
}

impl Fault {
    /// How long to wait before anything is answered.
    pub(crate) fn delay(&self) -> Option<Duration> {
        match self {
            Self::Slow { ms } => Some(Duration::from_millis(*ms)),
            _ => None,
        }
    }

    /// One word for the log.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Slow { ms } => format!("slow {ms} ms"),
            Self::Status { code } => format!("status {code}"),
            Self::PrimaryLimit { .. } => "primary limit".to_owned(),
            Self::SecondaryLimit { .. } => "secondary limit".to_owned(),
            Self::TooMany { .. } => "429".to_owned(),
            Self::Cut => "cut".to_owned(),
            Self::WrongJson => "wrong JSON".to_owned(),
            Self::MissingFields { fields } => format!("without {}", fields.join(", ")),
            Self::BadCredentials => "bad credentials".to_owned(),
            Self::Blocked => "451".to_owned(),
            Self::Endless => "endless".to_owned(),
        }
    }
}
