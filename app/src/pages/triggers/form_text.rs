//! From a form's text to a trigger, and back.

use std::time::Duration;

use actions::triggers::TriggerRequest;
use entity::duration;
use entity::kind::{BranchEventKind, TargetKind};
use entity::view::{Condition, FieldError, Pace, Target, Trigger};

use super::form_data::TriggerForm;

fn error(field: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), message: message.into() }
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn lines(text: &str) -> Vec<String> {
    text.lines().filter_map(some).collect()
}

/// A trigger as a form has it, and what of the form's text can't be read.
pub(super) fn read(form: &TriggerForm) -> (TriggerRequest, Vec<FieldError>) {
    let mut errors = Vec::new();
    let mut events = Vec::new();
    for event in &form.events {
        match event.parse() {
            Ok(event) => events.push(event),
            Err(_) => errors.push(error("events", format!("{event:.40?} is no event"))),
        }
    }
    let condition = Condition {
        repositories: lines(&form.repositories),
        branches: some(&form.branches),
        events,
        paths: lines(&form.paths),
        tekton: match form.tekton.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        expression: some(&form.expression),
    };
    let default = Pace::default();
    let timeout_ms = match some(&form.timeout) {
        Some(text) => duration_ms(&text).unwrap_or_else(|| {
            errors.push(error("timeout", "write how long an attempt may take, such as 10s"));
            default.timeout_ms
        }),
        None => default.timeout_ms,
    };
    let mut waits_ms = Vec::new();
    for wait in form.waits.split([' ', ',', '\t', '\n', '\r']).filter(|wait| !wait.is_empty()) {
        match duration_ms(wait) {
            Some(wait) => waits_ms.push(wait),
            None => errors.push(error("waits", format!("{wait:.20?} is no time; write waits such as 5s 1m 2h"))),
        }
    }
    let target = target(form, &mut errors);
    let is_enabled = Some(form.is_enabled == "on");
    let wanted = TriggerRequest {
        name: form.name.trim().to_owned(),
        is_enabled,
        condition,
        target,
        pace: Pace { timeout_ms, waits_ms },
    };
    (wanted, errors)
}

fn target(form: &TriggerForm, errors: &mut Vec<FieldError>) -> Target {
    let url = form.url.trim().to_owned();
    let api_url = form.api_url.trim().to_owned();
    match form.kind.parse() {
        Ok(kind @ (TargetKind::Tekton | TargetKind::Webhook)) => {
            let mut headers = std::collections::BTreeMap::new();
            for line in lines(&form.headers) {
                match line.split_once(':') {
                    Some((name, value)) => {
                        headers.insert(name.trim().to_owned(), value.trim().to_owned());
                    }
                    None => errors.push(error("headers", format!("{line:.40?} is no header; write Name: value"))),
                }
            }
            match kind {
                TargetKind::Tekton => Target::Tekton { url, headers },
                _ => Target::Webhook { url, headers },
            }
        }
        Ok(TargetKind::GithubDispatch) => Target::GithubDispatch {
            api_url,
            repository: some(&form.project),
            event_type: form.event_type.trim().to_owned(),
        },
        Ok(TargetKind::GitlabPipeline) => {
            Target::GitlabPipeline { api_url, project: some(&form.project), reference: some(&form.reference) }
        }
        Ok(TargetKind::Flux) => Target::Flux { url },
        // A command is refused by what checks all of it.
        Ok(TargetKind::Command) => Target::Command { command: vec![url] },
        Err(_) => {
            errors.push(error("kind", "choose whom it tells"));
            Target::Flux { url }
        }
    }
}

/// What is wrong with a trigger, by the fields of its form.
pub(super) fn wrong(wanted: &TriggerRequest) -> Vec<FieldError> {
    let kind = wanted.target.kind();
    let errors = actions::triggers::check(wanted).into_iter();
    errors.map(|FieldError { field, message }| error(field_of(&field, kind), sentence(&field, &message))).collect()
}

/// What is wrong, where it stands beside its field: many reasons leave out what they are about.
fn sentence(field: &str, message: &str) -> String {
    const GOES_ON: [&str; 7] = ["is ", "are ", "has ", "holds ", "stands ", "would ", "can't "];
    if !GOES_ON.iter().any(|word| message.starts_with(word)) {
        return message.to_owned();
    }
    let entry = field.split_once('[').and_then(|(_, rest)| rest.split(']').next()?.parse::<usize>().ok());
    match (entry, field.split_once("headers.")) {
        (Some(entry), _) => format!("Line {} {message}", entry + 1),
        (None, Some((_, header))) => format!("{header} {message}"),
        (None, None) => {
            let about = match field.rsplit('.').next().unwrap_or(field) {
                "repositories" | "paths" => "The list",
                "headers" => "The headers",
                _ => "This",
            };
            format!("{about} {message}")
        }
    }
}

/// The form's name of a field.
fn field_of(field: &str, kind: TargetKind) -> &'static str {
    let is_forge = matches!(kind, TargetKind::GithubDispatch | TargetKind::GitlabPipeline);
    let inner = field.strip_prefix("condition.").or_else(|| field.strip_prefix("target."));
    let inner = inner.or_else(|| field.strip_prefix("pace.")).unwrap_or(field);
    match inner.split(['[', '.']).next().unwrap_or(inner) {
        "name" => "name",
        "repositories" => "repositories",
        "branches" => "branches",
        "paths" => "paths",
        "expression" | "condition" => "expression",
        "headers" => "headers",
        "repository" | "project" => "project",
        "event_type" => "event_type",
        "reference" => "reference",
        "timeout_ms" => "timeout",
        "waits_ms" => "waits",
        _ if is_forge => "api_url",
        _ => "url",
    }
}

/// The form of a trigger that is here.
pub(super) fn form(trigger: &Trigger) -> TriggerForm {
    let condition = trigger.condition.clone();
    let waits: Vec<String> = trigger.pace.waits_ms.iter().map(|wait| duration_text(*wait)).collect();
    let form = TriggerForm {
        kind: trigger.target.kind().to_string(),
        name: trigger.name.clone(),
        is_enabled: if trigger.is_enabled { "on".to_owned() } else { String::new() },
        repositories: condition.repositories.join("\n"),
        branches: condition.branches.unwrap_or_default(),
        events: condition.events.iter().map(ToString::to_string).collect(),
        paths: condition.paths.join("\n"),
        tekton: condition.tekton.map(|tekton| tekton.to_string()).unwrap_or_default(),
        expression: condition.expression.unwrap_or_default(),
        timeout: duration_text(trigger.pace.timeout_ms),
        waits: waits.join(" "),
        ..TriggerForm::default()
    };
    match trigger.target.clone() {
        Target::Tekton { url, headers } | Target::Webhook { url, headers } => {
            let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            TriggerForm { url, headers: headers.join("\n"), ..form }
        }
        Target::Flux { url } => TriggerForm { url, ..form },
        Target::GithubDispatch { api_url, repository, event_type } => {
            TriggerForm { api_url, project: repository.unwrap_or_default(), event_type, ..form }
        }
        Target::GitlabPipeline { api_url, project, reference } => TriggerForm {
            api_url,
            project: project.unwrap_or_default(),
            reference: reference.unwrap_or_default(),
            ..form
        },
        Target::Command { .. } => form,
    }
}

/// The form of a new trigger.
pub(super) fn new_form(kind: Option<TargetKind>) -> TriggerForm {
    let Pace { timeout_ms, waits_ms } = Pace::default();
    let waits: Vec<String> = waits_ms.iter().map(|wait| duration_text(*wait)).collect();
    let api_url = match kind {
        Some(TargetKind::GithubDispatch) => "https://api.github.com",
        Some(TargetKind::GitlabPipeline) => "https://gitlab.com/api/v4",
        _ => "",
    };
    // Nothing runs for a branch that is gone.
    let events: &[BranchEventKind] = match kind {
        Some(TargetKind::Tekton | TargetKind::GithubDispatch | TargetKind::GitlabPipeline) => {
            &[BranchEventKind::BranchCreated, BranchEventKind::BranchUpdated]
        }
        _ => &[],
    };
    TriggerForm {
        kind: kind.filter(|kind| *kind != TargetKind::Command).map(|kind| kind.to_string()).unwrap_or_default(),
        timeout: duration_text(timeout_ms),
        waits: waits.join(" "),
        api_url: api_url.to_owned(),
        events: events.iter().map(|event| event.as_str().to_owned()).collect(),
        ..TriggerForm::default()
    }
}

/// A time such as `10s` or `1h30m` in milliseconds.
fn duration_ms(text: &str) -> Option<u64> {
    u64::try_from(duration::parse(text).ok()?.as_millis()).ok()
}

/// Milliseconds as a form takes them.
pub(super) fn duration_text(milliseconds: u64) -> String {
    duration::format(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_back_as_it_was_shown() {
        for (kind, target) in [
            ("webhook", "url"),
            ("tekton", "url"),
            ("flux", "url"),
            ("github_dispatch", "api_url"),
            ("gitlab_pipeline", "api_url"),
        ] {
            let mut given = new_form(kind.parse().ok());
            given.name = "ci".into();
            given.repositories = "ada/*\nbob/home".into();
            given.events = vec!["branch_updated".into()];
            given.tekton = "true".into();
            given.event_type = if kind == "github_dispatch" { "deploy".into() } else { String::new() };
            match target {
                "url" => given.url = "https://ci.example/hook".into(),
                _ => given.project = "ada/ci".into(),
            }
            let (wanted, errors) = read(&given);
            assert_eq!(errors, [], "{kind}");
            let shown = form(&Trigger {
                id: uuid::Uuid::nil(),
                name: wanted.name.clone(),
                is_enabled: wanted.is_enabled == Some(true),
                is_configured: false,
                condition: wanted.condition.clone(),
                target: wanted.target.clone(),
                pace: wanted.pace.clone(),
                created_at: chrono::DateTime::UNIX_EPOCH,
                changed_at: chrono::DateTime::UNIX_EPOCH,
                disabled_reason: None,
                unconfigured_at: None,
                failures_in_row: 0,
                last_delivery_at: None,
                last_error: None,
                days: Vec::new(),
            });
            assert_eq!(shown, given, "{kind}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_field() {
        let form = TriggerForm {
            kind: "webhook".into(),
            events: vec!["party".into()],
            headers: "no header".into(),
            timeout: "long".into(),
            waits: "5s soon".into(),
            ..TriggerForm::default()
        };
        let fields: Vec<String> = read(&form).1.into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["events", "timeout", "waits", "headers"]);
        assert_eq!(read(&TriggerForm::default()).1[0].field, "kind");
    }

    #[test]
    fn reasons_are_sentences_beside_their_fields() {
        assert_eq!(sentence("condition.paths[2]", "is empty"), "Line 3 is empty");
        assert_eq!(sentence("target.headers.X-A", "is no header"), "X-A is no header");
        assert_eq!(sentence("target.url", "is no address"), "This is no address");
        assert_eq!(sentence("condition.paths", "has 120 patterns"), "The list has 120 patterns");
        assert_eq!(sentence("target.headers", "are 33"), "The headers are 33");
        assert_eq!(sentence("name", "give it one"), "give it one");
        let kind = TargetKind::GithubDispatch;
        let fields =
            ["condition.paths[2]", "target.headers.X-A", "target.api_url", "pace.waits_ms", "target.repository"];
        let names = fields.map(|field| field_of(field, kind));
        assert_eq!(names, ["paths", "headers", "api_url", "waits", "project"]);
    }
}
