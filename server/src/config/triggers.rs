//! `triggers`: who is told of what happens to watched branches.

use entity::credential::has_credentials;
use entity::kind::{BranchEventKind, TargetKind};
use entity::view::{Condition, Pace, Target};
use serde::Serialize;
use serde::ser::SerializeMap as _;
use triggers::{SecretUse, secret_use};

use super::reader::Section;
use super::secret::{Secret, read_secret};
use super::sections::SecurityConfig;
use super::tekton::PaceKeys;
use super::watching::{WatchingConfig, pace};

/// Where GitHub's API is, where nothing else is said.
const GITHUB_API: &str = "https://api.github.com";
/// The same of GitLab.
const GITLAB_API: &str = "https://gitlab.com/api/v4";
/// Longest name of a trigger, in characters.
const MOST_OF_NAME: usize = 100;

/// One entry of `triggers`, or what `tekton` makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredTrigger {
    pub name: String,
    pub is_enabled: bool,
    pub condition: Condition,
    pub target: Target,
    /// Proves to the target who tells.
    pub secret: Option<Secret>,
    /// The one before it, while receivers still know only that.
    pub previous_secret: Option<Secret>,
    pub pace: Pace,
}

impl ConfiguredTrigger {
    /// `None` if there is no target that could be told; the errors are with the reader then.
    pub(super) fn read(section: Section<'_>, security: &SecurityConfig, watching: &WatchingConfig) -> Option<Self> {
        let name = section.value("name", trigger_name);
        if name.is_none() && !section.has("name") {
            section.error("name", "is missing; write what it is called on pages and in logs, such as deploy");
        }
        let is_enabled = section.switch("enabled").unwrap_or(true);
        let condition = condition(section.section("when"));
        let target = target(&section, security);
        // Without a target nothing is known of its secrets; they are read all the same, so that they are no unknown keys.
        let kind = target.as_ref().map_or(TargetKind::Flux, Target::kind);
        let [secret, previous_secret] = ["secret", "previous_secret"].map(|name| secret(&section, name, kind));
        if !section.has("secret") {
            if section.has("previous_secret") {
                section.error("secret", "is missing; previous_secret is the one that it takes the place of");
            } else if target.is_some() && secret_use(kind) == SecretUse::Required {
                section.error("secret", format!("is missing; a {kind} needs one, such as ${{DEPLOY_SECRET}}"));
            }
        }
        let pace = pace(&section, watching);
        section.finish();
        let (name, target) = (name?, target?);
        Some(Self { name, is_enabled, condition, target, secret, previous_secret, pace })
    }

    /// Where it is told, where that is an address.
    #[must_use]
    pub fn url(&self) -> Option<url::Url> {
        let text = match &self.target {
            Target::Tekton { url, .. } | Target::Webhook { url, .. } | Target::Flux { url } => url,
            Target::GithubDispatch { api_url, .. } | Target::GitlabPipeline { api_url, .. } => api_url,
            Target::Command { .. } => return None,
        };
        url::Url::parse(text).ok()
    }
}

/// Under the keys of the file, so that what is shown can be read again.
impl Serialize for ConfiguredTrigger {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct When<'a> {
            repositories: &'a [String],
            #[serde(skip_serializing_if = "Option::is_none")]
            branches: Option<&'a str>,
            events: &'a [BranchEventKind],
            paths: &'a [String],
            #[serde(skip_serializing_if = "Option::is_none")]
            tekton: Option<bool>,
            #[serde(skip_serializing_if = "Option::is_none")]
            cel: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Trigger<'a> {
            name: &'a str,
            enabled: bool,
            when: When<'a>,
            target: TargetKeys<'a>,
            #[serde(skip_serializing_if = "Option::is_none")]
            secret: Option<&'a Secret>,
            #[serde(skip_serializing_if = "Option::is_none")]
            previous_secret: Option<&'a Secret>,
            #[serde(flatten)]
            pace: PaceKeys,
        }
        let when = When {
            repositories: &self.condition.repositories,
            branches: self.condition.branches.as_deref(),
            events: &self.condition.events,
            paths: &self.condition.paths,
            tekton: self.condition.tekton,
            cel: self.condition.expression.as_deref(),
        };
        Trigger {
            name: &self.name,
            enabled: self.is_enabled,
            when,
            target: TargetKeys(&self.target),
            secret: self.secret.as_ref(),
            previous_secret: self.previous_secret.as_ref(),
            pace: PaceKeys(self.pace.clone()),
        }
        .serialize(serializer)
    }
}

struct TargetKeys<'a>(&'a Target);

impl Serialize for TargetKeys<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        // The kind is the key, and beside a command there is nothing.
        let keys = match self.0 {
            Target::Command { command } => serde_json::json!(command),
            other => serde_json::to_value(other)
                .map_err(serde::ser::Error::custom)?
                .as_object_mut()
                .and_then(|tagged| tagged.remove(other.kind().as_str()))
                .unwrap_or_default(),
        };
        map.serialize_entry(self.0.kind().as_str(), &keys)?;
        map.end()
    }
}

fn trigger_name(text: &str) -> Result<String, String> {
    match text.trim() {
        text if text.is_empty() || text.chars().count() > MOST_OF_NAME || text.chars().any(char::is_control) => {
            Err(format!("{text:?} is no name; from 1 to {MOST_OF_NAME} characters are allowed"))
        }
        text => Ok(text.to_owned()),
    }
}

/// `when`: which events it is for.
fn condition(section: Section<'_>) -> Condition {
    let condition = Condition {
        repositories: section.texts("repositories").unwrap_or_default(),
        branches: section.text("branches"),
        events: section
            .list("events", |text| text.parse().map_err(|error: entity::kind::UnknownWord| error.to_string()))
            .unwrap_or_default(),
        paths: section.texts("paths").unwrap_or_default(),
        tekton: section.switch("tekton"),
        expression: section.text("cel"),
    };
    if let Err(message) = check_condition(&condition) {
        let (key, line) = section.place();
        section.reader().error(&key, line, message);
    }
    section.finish();
    condition
}

/// `target`: the one key in it says what sort of program is told.
fn target(section: &Section<'_>, security: &SecurityConfig) -> Option<Target> {
    const KINDS: [&str; 6] = ["tekton", "webhook", "flux", "github_dispatch", "gitlab_pipeline", "command"];
    let at = section.section("target");
    let set: Vec<&str> = KINDS.into_iter().filter(|kind| at.has(kind)).collect();
    let mut found = None;
    for kind in KINDS {
        let read = match kind {
            "command" => command(&at, security),
            kind => {
                let keys = at.section(kind);
                let read = set.contains(&kind).then(|| of_kind(kind, &keys)).flatten();
                keys.finish();
                read
            }
        };
        found = found.or(read);
    }
    // What else stands there is told as the unknown key that it is.
    let is_empty = at.is_empty();
    at.finish();
    match set.as_slice() {
        [_] => {
            let target = found?;
            if let Err(message) = check_target(&target) {
                section.error("target", message);
            }
            Some(target)
        }
        [] => {
            if is_empty {
                section.error("target", format!("is missing; one of {} is to be told", KINDS.join(", ")));
            }
            None
        }
        several => {
            let several = several.join(" and ");
            section.error("target", format!("has {several}; one trigger tells one of them, so write two"));
            None
        }
    }
}

fn of_kind(kind: &str, at: &Section<'_>) -> Option<Target> {
    let required = |name: &'static str, such: &str| {
        if !at.has(name) {
            at.error(name, format!("is missing; write it as {such}"));
        }
        match name {
            "url" => at.value(name, target_url),
            _ => at.text(name),
        }
    };
    let headers = || at.map("headers").unwrap_or_default();
    let api = |or: &str| match at.has("api_url") {
        true => at.value("api_url", target_url),
        false => Some(or.to_owned()),
    };
    Some(match kind {
        "tekton" => {
            let (url, headers) = (required("url", "http://el-listener.namespace.svc:8080"), headers());
            Target::Tekton { url: url?, headers }
        }
        "webhook" => {
            let (url, headers) = (required("url", "https://ci.example.org/hooks/1"), headers());
            Target::Webhook { url: url?, headers }
        }
        "flux" => Target::Flux { url: required("url", "https://flux.example.org/hook/…")? },
        "github_dispatch" => {
            let (api_url, repository) = (api(GITHUB_API), at.text("repository"));
            let event_type = required("event_type", "the type that the workflow waits for, such as deploy");
            Target::GithubDispatch { api_url: api_url?, repository, event_type: event_type? }
        }
        _ => {
            let (project, reference) = (at.text("project"), at.text("reference"));
            Target::GitlabPipeline { api_url: api(GITLAB_API)?, project, reference }
        }
    })
}

/// `command`: a program of this machine, which only who writes its files may name.
fn command(section: &Section<'_>, security: &SecurityConfig) -> Option<Target> {
    let command = section.texts("command")?;
    if !security.allow_commands {
        section.error("command", "commands are not run; set security.allow_commands to true to allow them");
    }
    Some(Target::Command { command })
}

/// An address that events can be sent to.
pub(super) fn target_url(text: &str) -> Result<String, String> {
    if has_credentials(text) {
        return Err("credentials in a URL end up in logs; use the key secret instead".to_owned());
    }
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is no http or https URL, such as http://el-listener.namespace.svc:8080")),
    }
}

/// What the sender would refuse later.
pub(super) fn check_target(target: &Target) -> Result<(), String> {
    triggers::check_target(target).map_err(|error| error.to_string())
}

/// Reads a secret and holds it against what the target does with it.
pub(super) fn secret(section: &Section<'_>, name: &'static str, kind: TargetKind) -> Option<Secret> {
    read_secret(section, name, |text| triggers::check_secret(kind, text).map_err(|error| error.message))
}

/// What no event could be held against.
fn check_condition(condition: &Condition) -> Result<(), String> {
    triggers::CompiledCondition::new(condition).map(drop).map_err(|error| match error.field.as_str() {
        // As it is called here.
        "expression" => format!("cel: {}", error.message),
        _ => error.to_string(),
    })
}
