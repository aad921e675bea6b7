//! `tekton`: RepoSentry's keys. With an address of an EventListener they are a trigger named `tekton`.

use std::collections::BTreeMap;

use entity::kind::{BranchEventKind, TargetKind};
use entity::view::{Condition, Pace, Target};
use serde::Serialize;

use super::reader::Section;
use super::secret::Secret;
use super::triggers::{ConfiguredTrigger, check_target, secret, target_url};
use super::watching::{WatchingConfig, pace};
use crate::bootstrap::{NAMESPACE, PIPELINE, check_name};

/// The trigger that these keys make.
pub const TRIGGER: &str = "tekton";

/// `tekton`: whom it tells, and where its bootstrap pipeline is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TektonConfig {
    /// Address of the EventListener that is told of every commit that brings Tekton's resources; none is told without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_listener_url: Option<String>,
    /// Namespace of the bootstrap pipeline, for `kubestats bootstrap render`.
    pub system_namespace: String,
    /// Name of the bootstrap pipeline, for the same.
    pub bootstrap_pipeline: String,
    /// Beside the event's own.
    pub headers: BTreeMap<String, String>,
    /// Sent as a bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    #[serde(flatten)]
    pace: PaceKeys,
}

/// A pace under the names of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PaceKeys(pub(super) Pace);

impl Serialize for PaceKeys {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use std::time::Duration;

        #[derive(Serialize)]
        struct Keys {
            #[serde(serialize_with = "super::duration::serialize")]
            timeout: Duration,
            #[serde(serialize_with = "super::duration::serialize_list")]
            retry_waits: Vec<Duration>,
        }
        let waits = self.0.waits_ms.iter().copied().map(Duration::from_millis).collect();
        Keys { timeout: Duration::from_millis(self.0.timeout_ms), retry_waits: waits }.serialize(serializer)
    }
}

impl TektonConfig {
    pub(super) fn read(section: Section<'_>, watching: &WatchingConfig) -> Self {
        let config = Self {
            event_listener_url: section.value("event_listener_url", target_url),
            system_namespace: section.value("system_namespace", name).unwrap_or_else(|| NAMESPACE.to_owned()),
            bootstrap_pipeline: section.value("bootstrap_pipeline", name).unwrap_or_else(|| PIPELINE.to_owned()),
            headers: headers(&section),
            secret: secret(&section, "secret", TargetKind::Tekton),
            pace: PaceKeys(pace(&section, watching)),
        };
        if let Some(trigger) = config.trigger()
            && let Err(message) = check_target(&trigger.target)
        {
            section.error("event_listener_url", message);
        }
        section.finish();
        config
    }

    /// What these keys make. As with RepoSentry, who brings nothing for Tekton starts nothing, and a branch that is gone neither.
    #[must_use]
    pub(super) fn trigger(&self) -> Option<ConfiguredTrigger> {
        let url = self.event_listener_url.clone()?;
        Some(ConfiguredTrigger {
            name: TRIGGER.to_owned(),
            is_enabled: true,
            condition: Condition {
                // Not `tekton_detected` as well: one commit is to start its pipelines once.
                events: vec![BranchEventKind::BranchCreated, BranchEventKind::BranchUpdated],
                tekton: Some(true),
                ..Condition::default()
            },
            target: Target::Tekton { url, headers: self.headers.clone() },
            secret: self.secret.clone(),
            previous_secret: None,
            pace: self.pace.0.clone(),
        })
    }
}

/// Those of the file. `Content-Type` is the event's own; who writes it down as RepoSentry's examples do may.
fn headers(section: &Section<'_>) -> BTreeMap<String, String> {
    let mut headers = section.map("headers").unwrap_or_default();
    headers.retain(|name, value| {
        let is_type = name.eq_ignore_ascii_case("content-type");
        if is_type && !value.eq_ignore_ascii_case("application/json") {
            section.error("headers", format!("Content-Type is {value:?}; events are application/json, leave it out"));
        }
        !is_type
    });
    headers
}

/// A name as Kubernetes has them.
fn name(text: &str) -> Result<String, String> {
    check_name(text).map(|()| text.to_owned())
}
