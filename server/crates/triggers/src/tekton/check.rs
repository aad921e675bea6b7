//! What keeps Tekton from taking a resource, as far as the resource alone tells.

use yaml::Node;

use super::{PIPELINE_KINDS, PIPELINE_VERSIONS, TRIGGER_VERSIONS, is_run, is_served, text_at};
use crate::text::cut;

const MAX_ERRORS: usize = 10;

/// Everything that is wrong, each with how to mend it.
pub(super) fn errors(root: Node<'_>, api_version: &str, kind: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if !is_served(api_version, kind) {
        let versions = if PIPELINE_KINDS.contains(&kind) { PIPELINE_VERSIONS } else { TRIGGER_VERSIONS };
        let found = cut(api_version, 100);
        errors.push(format!("apiVersion {found} has no {kind} that can be used; write {}", versions[0]));
    }
    check_name(root, kind, &mut errors);
    match root.get("spec").filter(|spec| spec.is_mapping()) {
        Some(spec) => check_spec(spec, kind, &mut errors),
        None => errors.push("has no spec".to_owned()),
    }
    errors.truncate(MAX_ERRORS);
    errors
}

fn check_name(root: Node<'_>, kind: &str, errors: &mut Vec<String>) {
    let metadata = root.get("metadata");
    let named = |key: &str| metadata.and_then(|metadata| text_at(metadata, key));
    match (named("name"), named("generateName")) {
        (Some(name), _) if !is_name(name) => {
            let name = cut(name, 100);
            errors.push(format!("metadata.name {name:?} is no name: lower case letters, digits, - and . only"));
        }
        (Some(_), _) => {}
        (None, Some(_)) if is_run(kind) => {}
        (None, _) => errors.push("has no metadata.name".to_owned()),
    }
}

/// As Kubernetes names things: parts of letters, digits and dashes, joined by dots.
fn is_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(is_inner) && !part.starts_with('-') && !part.ends_with('-');
    name.len() <= 253 && name.split('.').all(is_part)
}

fn check_spec(spec: Node<'_>, kind: &str, errors: &mut Vec<String>) {
    let has = |key: &str| spec.get(key).is_some_and(|node| !node.is_null());
    let has_items = |key: &str| spec.get(key).is_some_and(|node| node.items().len() > 0);
    let mut need = |is_there: bool, message: &str| {
        if !is_there {
            errors.push(message.to_owned());
        }
    };
    match kind {
        "Pipeline" => need(has_items("tasks"), "spec.tasks has no task"),
        "Task" => need(has_items("steps"), "spec.steps has no step"),
        "PipelineRun" => need(
            has("pipelineSpec") || refers(spec, "pipelineRef"),
            "spec has neither a pipelineSpec nor a pipelineRef with a name or a resolver",
        ),
        "TaskRun" => need(
            has("taskSpec") || refers(spec, "taskRef"),
            "spec has neither a taskSpec nor a taskRef with a name or a resolver",
        ),
        "TriggerTemplate" => need(has_items("resourcetemplates"), "spec.resourcetemplates has no template"),
        "TriggerBinding" | "ClusterTriggerBinding" => need(has_items("params"), "spec.params has no parameter"),
        "Trigger" => need(has("template"), "spec.template is missing"),
        "EventListener" => need(
            ["triggers", "triggerGroups"].iter().any(|key| has_items(key))
                || ["labelSelector", "namespaceSelector"].iter().any(|key| has(key)),
            "spec names no triggers: triggers, triggerGroups, labelSelector or namespaceSelector is needed",
        ),
        _ => {}
    }
}

fn refers(spec: Node<'_>, key: &str) -> bool {
    spec.get(key).is_some_and(|reference| ["name", "resolver"].iter().any(|key| text_at(reference, key).is_some()))
}
