//! What stands in the form of a trigger, as text: it travels in addresses and forms, and is read on the server.

use entity::view::{DryRun, FieldError};
use serde::{Deserialize, Serialize};

/// A trigger as it stands in its form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TriggerForm {
    /// The word of its target's kind; empty until it is chosen.
    pub kind: String,
    pub name: String,
    /// `on` where it is to be on.
    pub is_enabled: String,
    /// Patterns, one a line.
    pub repositories: String,
    pub branches: String,
    pub events: Vec<String>,
    /// Patterns, one a line.
    pub paths: String,
    /// `true`, `false`, or empty.
    pub tekton: String,
    pub expression: String,
    pub url: String,
    /// `Name: value`, one a line.
    pub headers: String,
    pub api_url: String,
    /// A repository of GitHub, or a project of GitLab.
    pub project: String,
    pub event_type: String,
    pub reference: String,
    /// Such as `10s`.
    pub timeout: String,
    /// Such as `5s 1m 5m`.
    pub waits: String,
}

impl TriggerForm {
    /// Its fields by the names that they have in the form, empty ones left out.
    #[cfg(feature = "ssr")]
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let texts = [
            ("form[kind]", &self.kind),
            ("form[name]", &self.name),
            ("form[is_enabled]", &self.is_enabled),
            ("form[repositories]", &self.repositories),
            ("form[branches]", &self.branches),
            ("form[paths]", &self.paths),
            ("form[tekton]", &self.tekton),
            ("form[expression]", &self.expression),
            ("form[url]", &self.url),
            ("form[headers]", &self.headers),
            ("form[api_url]", &self.api_url),
            ("form[project]", &self.project),
            ("form[event_type]", &self.event_type),
            ("form[reference]", &self.reference),
            ("form[timeout]", &self.timeout),
            ("form[waits]", &self.waits),
        ];
        let texts = texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.clone()));
        texts.chain(self.events.iter().map(|event| ("form[events][]", event.clone()))).collect()
    }
}

/// What came of a look at a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormCheck {
    /// By the name of the field, as in [`TriggerForm`].
    pub errors: Vec<FieldError>,
    /// What of commits the condition has to know, in a sentence.
    pub reads: Option<String>,
    /// What it would have been for; nothing where nobody asked, or the condition can't be used.
    pub dry_run: Option<DryRun>,
}

impl FormCheck {
    /// What is wrong with a field.
    #[must_use]
    pub fn error(&self, field: &str) -> Option<String> {
        let of_field: Vec<&str> =
            self.errors.iter().filter(|error| error.field == field).map(|error| error.message.as_str()).collect();
        (!of_field.is_empty()).then(|| of_field.join(" "))
    }

    /// Whether anything is wrong with one of these fields.
    #[must_use]
    pub fn is_wrong(&self, fields: &[&str]) -> bool {
        self.errors.iter().any(|error| fields.contains(&error.field.as_str()))
    }
}
