//! Whether a trigger can be as somebody wants it: all that is wrong is told at once, each by its field.

use entity::view::{Condition, ConditionCheck, FieldError, Pace, Target};
use triggers::{CompiledCondition, ConditionError};

use super::change::TriggerRequest;
use crate::{Actor, Refusal, Result};

/// A trigger's name has at most so many characters.
const LONGEST_NAME: usize = 100;
/// An attempt may take from so long to so long.
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 500..=60_000;
/// So many tries follow a failed one at most.
const MOST_WAITS: usize = 20;
/// None of them later than this after the one before.
const LONGEST_WAIT_MS: u64 = 24 * 60 * 60 * 1_000;

fn wrong(field: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), message: message.into() }
}

/// Whether a condition can be used, and what of a commit it has to know. It asks nothing that is stored.
///
/// # Errors
/// If somebody asks who may not.
pub fn try_condition(actor: &Actor, condition: &Condition) -> Result<ConditionCheck> {
    actor.need(entity::kind::Permission::ManagePipelines)?;
    Ok(judge(condition))
}

fn judge(condition: &Condition) -> ConditionCheck {
    match CompiledCondition::new(condition) {
        Ok(compiled) => {
            let needs = compiled.needs();
            ConditionCheck { errors: Vec::new(), reads_paths: needs.paths, reads_tekton: needs.tekton }
        }
        Err(error) => {
            let mut errors = each_field(condition);
            // No part is wrong by itself, so that it is the whole.
            if errors.is_empty() {
                errors.push(of_condition(error));
            }
            ConditionCheck { errors, ..ConditionCheck::default() }
        }
    }
}

/// What is wrong with each part of a condition, by itself.
fn each_field(condition: &Condition) -> Vec<FieldError> {
    let Condition { repositories, branches, paths, expression, .. } = condition.clone();
    let parts = [
        Condition { repositories, ..Condition::default() },
        Condition { branches, ..Condition::default() },
        Condition { paths, ..Condition::default() },
        Condition { expression, ..Condition::default() },
    ];
    parts.iter().filter_map(|part| CompiledCondition::new(part).err().map(of_condition)).collect()
}

fn of_condition(error: ConditionError) -> FieldError {
    FieldError { field: format!("condition.{}", error.field), message: error.message }
}

/// All that is wrong with a trigger as somebody wants it.
#[must_use]
pub fn check(wanted: &TriggerRequest) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = wanted.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        errors.push(wrong("name", format!("give the trigger a name of 1 to {LONGEST_NAME} characters")));
    }
    errors.extend(judge(&wanted.condition).errors);
    if matches!(wanted.target, Target::Command { .. }) {
        errors.push(wrong("target", "a command can only be named in the configuration (triggers)"));
    } else if let Err(error) = triggers::check_target(&wanted.target) {
        errors.push(FieldError { field: format!("target.{}", error.field), message: error.message });
    }
    errors.extend(check_pace(&wanted.pace));
    errors
}

fn check_pace(pace: &Pace) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !TIMEOUT_MS.contains(&pace.timeout_ms) {
        errors.push(wrong("pace.timeout_ms", "an attempt may take from 500ms to 1m"));
    }
    if pace.waits_ms.len() > MOST_WAITS {
        errors.push(wrong("pace.waits_ms", format!("at most {MOST_WAITS} tries may follow a failed one")));
    } else if pace.waits_ms.iter().any(|wait| *wait > LONGEST_WAIT_MS) {
        errors.push(wrong("pace.waits_ms", "no try may wait for longer than 24h"));
    }
    errors
}

/// Whether it can be used.
pub(super) fn usable(wanted: &TriggerRequest) -> Result<()> {
    let errors = check(wanted);
    if errors.is_empty() { Ok(()) } else { Err(Refusal::Wrong(errors)) }
}

/// Whether a condition can be used.
pub(super) fn usable_condition(condition: &Condition) -> Result<CompiledCondition> {
    CompiledCondition::new(condition).map_err(|_| Refusal::Wrong(judge(condition).errors))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn wanted() -> TriggerRequest {
        TriggerRequest {
            name: "ci".into(),
            is_enabled: None,
            condition: Condition { branches: Some("^main$".into()), ..Condition::default() },
            target: Target::Webhook { url: "https://ci.example/hook".into(), headers: BTreeMap::new() },
            pace: Pace::default(),
        }
    }

    fn fields(wanted: &TriggerRequest) -> Vec<String> {
        check(wanted).into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_told_by_its_field() {
        assert!(check(&wanted()).is_empty());
        let all = TriggerRequest {
            name: " ".into(),
            condition: Condition {
                branches: Some("(".into()),
                expression: Some("branch ==".into()),
                ..Condition::default()
            },
            target: Target::Webhook { url: "ftp://ci.example".into(), headers: BTreeMap::new() },
            pace: Pace { timeout_ms: 1, waits_ms: vec![0; 21] },
            ..wanted()
        };
        let expected =
            ["name", "condition.branches", "condition.expression", "target.url", "pace.timeout_ms", "pace.waits_ms"];
        assert_eq!(fields(&all), expected);
    }

    #[test]
    fn only_the_configuration_names_a_command() {
        let command = TriggerRequest { target: Target::Command { command: vec!["/bin/true".into()] }, ..wanted() };
        let errors = check(&command);
        assert_eq!(errors.len(), 1);
        assert!(errors[0].message.contains("configuration"), "{errors:?}");
    }
}
