//! Conditions: which events a trigger is for.

mod expression;
mod judge;
mod paths;

use entity::kind::{BranchEventKind, Provider, TargetKind};
use entity::value::ObjectId;
use entity::view::{Clause, Condition, TektonFound};

use self::expression::Expression;
use self::paths::PathPatterns;
use crate::pattern::BranchPattern;

/// As many paths of a commit are looked at.
pub const MAX_PATHS: usize = 10_000;
/// As many patterns of one sort a condition may have.
const MAX_PATTERNS: usize = 100;
/// Longest pattern of repositories or paths, in bytes.
const MAX_PATTERN_BYTES: usize = 500;

/// What of a commit has to be known before a condition can be held against an event. Reading either also tells whether
/// the branch was forced, where an expression asks for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub paths: bool,
    pub tekton: bool,
}

impl Needs {
    /// Whether refs alone do not answer.
    #[must_use]
    pub const fn any(self) -> bool {
        self.paths || self.tekton
    }

    /// What either of them needs.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { paths: self.paths || other.paths, tekton: self.tekton || other.tekton }
    }
}

/// The files that a commit changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedPaths {
    /// From the root of the repository, without a slash before them; at most [`MAX_PATHS`] are looked at.
    pub paths: Vec<String>,
    /// Whether these are all of them.
    pub is_complete: bool,
}

impl ChangedPaths {
    /// What may be read elsewhere where an answer hangs on paths that are not among these: whoever told them did not tell all. Of
    /// more than are looked at nobody needs to read the rest.
    pub(crate) const fn lacks(&self) -> Needs {
        Needs { paths: !self.is_complete, tekton: false }
    }
}

/// All that a condition may ask of an event.
#[derive(Clone, Copy, Debug)]
pub struct EventFacts<'a> {
    pub repository_full_name: &'a str,
    pub repository_url: &'a str,
    pub provider: Provider,
    pub branch: &'a str,
    pub kind: BranchEventKind,
    pub old_commit: Option<ObjectId>,
    /// Nothing where the branch is gone.
    pub new_commit: Option<ObjectId>,
    pub is_forced: Option<bool>,
    /// Nothing where nobody read them.
    pub paths: Option<&'a ChangedPaths>,
    /// Nothing where nobody read them.
    pub tekton: Option<&'a TektonFound>,
}

/// What a condition makes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub is_match: bool,
    /// The parts that ask something, up to the first that is not met.
    pub clauses: Vec<Clause>,
    /// What was not known and might have changed the answer: if it can be read, the condition is worth another look.
    pub lacks: Needs,
}

/// Why a condition can't be used; says which field, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ConditionError {
    /// Such as `branches`, or `paths[2]`.
    pub field: String,
    pub message: String,
}

impl ConditionError {
    fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// A condition that was checked and is ready to be held against events.
#[derive(Debug)]
pub struct CompiledCondition {
    repositories: Vec<String>,
    branches: BranchPattern,
    events: Vec<BranchEventKind>,
    paths: Option<PathPatterns>,
    tekton: Option<bool>,
    expression: Option<Expression>,
    /// The sort of target that its trigger tells, where that is known.
    target: Option<TargetKind>,
}

impl CompiledCondition {
    /// Checks a condition and makes it ready.
    ///
    /// # Errors
    /// The first field that can't be used, and how to mend it.
    pub fn new(condition: &Condition) -> Result<Self, ConditionError> {
        check_count("repositories", condition.repositories.len())?;
        for (at, pattern) in condition.repositories.iter().enumerate() {
            check_pattern(&format!("repositories[{at}]"), pattern, "owner/*")?;
        }
        let repositories = condition.repositories.iter().map(|pattern| pattern.trim().to_owned()).collect();
        let mut events = condition.events.clone();
        events.sort_unstable();
        events.dedup();
        let expression = condition.expression.as_deref().filter(|text| !text.trim().is_empty());
        Ok(Self {
            repositories,
            branches: BranchPattern::new(condition.branches.as_deref())
                .map_err(|why| ConditionError::new("branches", why))?,
            events,
            paths: PathPatterns::new(&condition.paths)?,
            tekton: condition.tekton,
            expression: expression.map(Expression::new).transpose()?,
            target: None,
        })
    }

    /// The same for a target of this sort: some are not told of branches that are gone ([`crate::told_gone`]).
    #[must_use]
    pub fn of_target(self, kind: TargetKind) -> Self {
        Self { target: Some(kind), ..self }
    }

    /// What has to be read of an event's commit; of a branch that is gone there is nothing to read.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let own = Needs { paths: self.paths.is_some(), tekton: self.tekton.is_some() };
        self.expression.as_ref().map_or(own, |expression| own.and(expression.needs()))
    }
}

fn check_count(field: &str, count: usize) -> Result<(), ConditionError> {
    if count > MAX_PATTERNS {
        return Err(ConditionError::new(field, format!("has {count} patterns; at most {MAX_PATTERNS} are allowed")));
    }
    Ok(())
}

fn check_pattern(field: &str, pattern: &str, example: &str) -> Result<(), ConditionError> {
    if pattern.trim().is_empty() {
        return Err(ConditionError::new(field, format!("is empty; remove it, or write a pattern such as {example}")));
    }
    if pattern.len() > MAX_PATTERN_BYTES {
        let length = pattern.len();
        return Err(ConditionError::new(field, format!("has {length} bytes; at most {MAX_PATTERN_BYTES} are allowed")));
    }
    if pattern.chars().any(char::is_control) {
        return Err(ConditionError::new(field, "has a character that cannot be seen; write it anew"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
