//! Expressions in CEL: read once, bounded before they ever run, and held against what is known of an event.
//!
//! The crate that reads and runs them has no budget of its own. What could take long is refused when an expression is read
//! ([`bounds`]): what remains looks at each path a few times, whatever is written.

mod bounds;
mod values;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::{Env, ExecutionError, Program, Value};
use regex::Regex;

use self::bounds::{Found, Use};
use self::values::Paths;
use super::judge::{Answer, is_gone};
use super::{ChangedPaths, ConditionError, EventFacts, Needs};
use crate::text::cut;

/// Longest expression, in bytes.
const MAX_BYTES: usize = 2_000;
/// What reading may take of a stack: the longest chain of parts within parts, and to spare.
const STACK: usize = 64 << 20;

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// An expression that was checked.
#[derive(Debug)]
pub(super) struct Expression {
    text: String,
    program: Program,
    uses: Vec<Use>,
    /// What `matches` is called with.
    patterns: Arc<HashMap<String, Regex>>,
    /// More paths cannot make it false.
    grows: bool,
}

impl Expression {
    pub(super) fn new(text: &str) -> Result<Self, ConditionError> {
        let text = text.trim().to_owned();
        if text.len() > MAX_BYTES {
            return Err(refused(format!("has {} bytes; at most {MAX_BYTES} are allowed", text.len())));
        }
        let own = text.clone();
        let reader = std::thread::Builder::new().name("expression".to_owned()).stack_size(STACK);
        let read = reader.spawn(move || read(&own)).map(std::thread::JoinHandle::join);
        let Ok(Ok(read)) = read else {
            return Err(refused("can't be read; write it more simply".to_owned()));
        };
        let (program, Found { uses, patterns, grows }) = read.map_err(refused)?;
        let expression = Self { text, program, uses, patterns: Arc::new(patterns), grows };
        expression.check_type()?;
        Ok(expression)
    }

    /// What of a commit it asks for.
    pub(super) fn needs(&self) -> Needs {
        Needs { paths: self.asks(Use::Paths) || self.asks(Use::Forced), tekton: self.asks(Use::Tekton) }
    }

    fn asks(&self, what: Use) -> bool {
        self.uses.contains(&what)
    }

    /// Runs it for an event that could be: what no event can mend is said at once.
    fn check_type(&self) -> Result<(), ConditionError> {
        let message = match values::with_sample(|facts| self.run(facts, &Paths::of(facts))) {
            Ok(Value::Bool(_)) => return Ok(()),
            Ok(other) => format!("has to give true or false; it gives {}", article(&other)),
            Err(
                error @ (ExecutionError::NoSuchOverload(_)
                | ExecutionError::UnsupportedBinaryOperator(..)
                | ExecutionError::ValuesNotComparable(..)
                | ExecutionError::UnexpectedType { .. }),
            ) => format!("compares or combines what does not fit together: {}", explained(&error.to_string())),
            // Of another event it may be different.
            Err(_) => return Ok(()),
        };
        Err(refused(message))
    }

    pub(super) fn answer(&self, facts: &EventFacts<'_>) -> Answer {
        let text = cut(&self.text, 200);
        let paths = Paths::of(facts);
        let result = self.run(facts, &paths);
        let is_cut = self.asks(Use::Paths) && paths.is_cut();
        match result {
            Ok(Value::Bool(found)) if !is_cut || (found && self.grows) => {
                let shown = values::shown(&self.uses, facts, &paths);
                Answer::known(found, format!("{text} is {found}{shown}"))
            }
            Ok(Value::Bool(_)) => {
                let why = format!(
                    "{text} is unknown: the commit changed more files than the first {} that are looked at",
                    paths.count()
                );
                Answer::unknown(facts.paths.map_or_else(Needs::default, ChangedPaths::lacks), why)
            }
            Ok(other) => {
                Answer::known(false, format!("{text} gives {}, which is neither true nor false", article(&other)))
            }
            Err(error) => match self.lacks(facts) {
                Some((lacks, what)) => Answer::unknown(lacks, format!("{text} is unknown, as {what}")),
                None => Answer::known(false, format!("{text} fails: {}", explained(&error.to_string()))),
            },
        }
    }

    /// What is missing of what it asks for.
    fn lacks(&self, facts: &EventFacts<'_>) -> Option<(Needs, &'static str)> {
        if is_gone(facts) {
            return None;
        }
        let paths = self.asks(Use::Paths) && facts.paths.is_none();
        let tekton = self.asks(Use::Tekton) && facts.tekton.is_none();
        let forced = self.asks(Use::Forced) && values::forced(facts).is_none();
        let lacks = Needs { paths: paths || forced, tekton };
        let what = if paths {
            "which files changed is unknown"
        } else if tekton {
            "whether the commit brings Tekton's resources is unknown"
        } else if forced {
            "whether the branch was forced is unknown"
        } else {
            return None;
        };
        Some((lacks, what))
    }

    /// What is unknown is not there: an expression whose answer doesn't hang on it has one all the same.
    fn run(&self, facts: &EventFacts<'_>, paths: &Paths<'_>) -> Result<Value, ExecutionError> {
        let context = values::context(&ENV, &self.uses, facts, paths, &self.patterns)?;
        // A condition must not take down whoever decides.
        catch_unwind(AssertUnwindSafe(|| self.program.execute(&context)))
            .unwrap_or_else(|_| Err(ExecutionError::InternalError("it can't be worked out".to_owned())))
    }
}

/// Reads and checks an expression: goes down with every part that stands within another, whatever its depth.
fn read(text: &str) -> Result<(Program, Found), String> {
    let program = ENV.compile(text).map_err(|errors| {
        let first = errors.errors.first();
        let (line, column) = first.map_or((1, 1), |error| error.pos);
        let reason = first.map_or_else(String::new, |error| explained(&error.msg));
        format!("{}: {reason}", bounds::place(text, line, column))
    })?;
    let found = bounds::check(text, &program)?;
    Ok((program, found))
}

fn refused(message: String) -> ConditionError {
    ConditionError::new("expression", message)
}

/// An error's words, without operators' inner names and of a length that can be shown.
fn explained(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let mut plain = line.trim_start_matches("Syntax error: ").to_owned();
    for (inner, written) in
        [("_==_", "=="), ("_!=_", "!="), ("_<=_", "<="), ("_>=_", ">="), ("_&&_", "&&"), ("_||_", "||")]
    {
        plain = plain.replace(inner, written);
    }
    for operator in ["+", "-", "*", "/", "%", "<", ">"] {
        plain = plain.replace(&format!("_{operator}_"), operator);
    }
    cut(&plain, 200)
}

fn article(value: &Value) -> &'static str {
    match value {
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => "a number",
        Value::String(_) => "a text",
        Value::List(_) => "a list",
        Value::Bool(_) => "true or false",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests;
