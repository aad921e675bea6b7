//! Pods: where their specification stands, and by which labels Services find them.

use entity::kind::ValueType;
use yaml::Node;

use super::super::text::{MAX_LISTED, MAX_TEXT, entries, scalar};
use super::{Labels, Reader};

/// Kinds whose `spec.template` is that of pods.
const WORKLOADS: [&str; 7] =
    ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "DeploymentConfig"];

/// The specification of the pods that a document makes.
pub(super) fn spec(reader: Reader<'_>) -> Option<Node<'_>> {
    let spec = reader.spec()?;
    match reader.kind {
        "Pod" if reader.group.is_empty() => Some(spec),
        "CronJob" => spec.at(&["jobTemplate", "spec", "template", "spec"]),
        kind if WORKLOADS.contains(&kind) => spec.at(&["template", "spec"]),
        _ => None,
    }
    .filter(|spec| spec.is_mapping())
}

pub(super) fn labels(reader: Reader<'_>) -> Labels {
    let labels = match reader.kind {
        "Pod" if reader.group.is_empty() => reader.body().at(&["metadata", "labels"]),
        kind if WORKLOADS.contains(&kind) => {
            reader.spec().and_then(|spec| spec.at(&["template", "metadata", "labels"]))
        }
        _ => None,
    };
    let labels = labels.into_iter().flat_map(entries).filter_map(label);
    labels.take(MAX_LISTED).map(|(name, value)| (name.into(), value.into())).collect()
}

/// The labels that a Service selects by; none where one of them is no text.
pub(super) fn selector(reader: Reader<'_>) -> Labels {
    if !reader.is("", "Service") {
        return Box::default();
    }
    let selector = reader.spec().and_then(|spec| spec.get("selector"));
    let labels: Option<Vec<_>> = selector.into_iter().flat_map(entries).take(MAX_LISTED).map(label).collect();
    labels.unwrap_or_default().into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn label<'t>((name, value): (&'t str, Node<'t>)) -> Option<(&'t str, &'t str)> {
    let (text, kind) = scalar(value)?;
    (kind != ValueType::Null && text.len() <= MAX_TEXT && name.len() <= MAX_TEXT).then_some((name, text))
}
