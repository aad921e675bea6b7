use std::io::Write as _;

use serde::Serialize;

use crate::cli::Format;

/// How something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum State {
    /// As it should be, or not looked at by choice, which the message says.
    Ok,
    /// It works, and should be seen to.
    Warn,
    /// It does not work, or not for long.
    Fail,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    part: &'static str,
    state: State,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// All that was looked at, in the order of looking.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(in crate::cli) struct Report(Vec<Check>);

impl Report {
    pub(in crate::cli) fn ok(&mut self, part: &'static str, message: impl Into<String>) {
        self.add(part, State::Ok, message.into(), None);
    }

    pub(in crate::cli) fn warn(&mut self, part: &'static str, message: impl Into<String>, advice: impl Into<String>) {
        self.add(part, State::Warn, message.into(), Some(advice.into()));
    }

    pub(in crate::cli) fn fail(&mut self, part: &'static str, message: impl Into<String>, advice: impl Into<String>) {
        self.add(part, State::Fail, message.into(), Some(advice.into()));
    }

    fn add(&mut self, part: &'static str, state: State, message: String, advice: Option<String>) {
        self.0.push(Check { part, state, message, advice });
    }

    pub(in crate::cli) fn count(&self, state: State) -> usize {
        self.0.iter().filter(|check| check.state == state).count()
    }

    pub(in crate::cli) fn len(&self) -> usize {
        self.0.len()
    }

    pub(in crate::cli) fn write(&self, format: Format) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        match format {
            Format::Json => {
                let worst = self.0.iter().map(|check| check.state).max().unwrap_or(State::Ok);
                let answer = serde_json::json!({ "state": worst, "checks": self.0 });
                writeln!(out, "{answer:#}")
            }
            Format::Table => {
                for Check { part, state, message, advice } in &self.0 {
                    writeln!(out, "{:<5} {part:<14} {}", state.word(), printable(message))?;
                    if let Some(advice) = advice {
                        writeln!(out, "{:<21}{}", "", printable(advice))?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// Parts come from outside: no forge may paint on a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
