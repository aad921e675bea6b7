//! What targets are told, each as it expects it: what is sent is made here, and nothing is sent from here.

mod check;
mod command;
mod flux;
mod github;
mod gitlab;
mod outgoing;
mod tekton;
mod webhook;

use std::fmt;

use chrono::{DateTime, Utc};
use entity::kind::{BranchEventKind, Provider, TargetKind};
use entity::value::ObjectId;
use entity::view::{Target, TektonFound};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::check::check_target;
pub use self::outgoing::Outgoing;
pub(crate) use self::outgoing::{Command, Content, Request};
pub use self::webhook::new_webhook_secret;

/// How we call ourselves.
pub(crate) const AGENT: &str = concat!("kubestats/", env!("CARGO_PKG_VERSION"));
/// Longest secret that is used, in bytes.
const MAX_SECRET: usize = 4_000;
/// Resources of Tekton that are passed on.
const MAX_RESOURCES: usize = 100;

/// An event for one target, at one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    /// What the target knows it by, the same at every attempt.
    pub delivery_id: Uuid,
    pub event_id: Uuid,
    pub trigger_name: &'a str,
    pub kind: BranchEventKind,
    pub repository_full_name: &'a str,
    /// Without credentials.
    pub repository_url: &'a str,
    pub provider: Provider,
    pub branch: &'a str,
    pub old_commit: Option<ObjectId>,
    /// Nothing where the branch is gone.
    pub new_commit: Option<ObjectId>,
    pub is_forced: Option<bool>,
    /// Of the new commit, where it could be read.
    pub commit: Option<CommitDescription<'a>>,
    pub noticed_at: DateTime<Utc>,
    /// When this attempt is made: signatures hold for a while only.
    pub sent_at: DateTime<Utc>,
    /// From 1.
    pub attempt: i32,
    /// Where it was read.
    pub tekton: Option<&'a TektonFound>,
}

/// What a commit says of itself.
#[derive(Clone, Copy, Debug)]
pub struct CommitDescription<'a> {
    /// Its first line, which is bounded by whoever reads commits.
    pub message: &'a str,
    pub author_name: &'a str,
    pub author_email: &'a str,
    pub time: DateTime<Utc>,
}

/// Secrets of a target as they are kept, sealed: the current one, and the one before it while receivers change to it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TargetSecrets {
    pub current: Option<String>,
    pub previous: Option<String>,
}

impl fmt::Debug for TargetSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = |secret: &Option<String>| secret.as_ref().map(|_| entity::view::MASK);
        let (current, previous) = (masked(&self.current), masked(&self.previous));
        f.debug_struct("TargetSecrets").field("current", &current).field("previous", &previous).finish()
    }
}

/// Why a target can't be told: the field or the event that is wrong, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct TargetError {
    /// Of the target, such as `url` or `headers.X-Team`; `secret`, or `event`.
    pub field: String,
    pub message: String,
}

impl TargetError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// What a target does with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretUse {
    /// It takes none.
    None,
    Optional,
    Required,
}

/// What a sort of target does with a secret.
#[must_use]
pub const fn secret_use(kind: TargetKind) -> SecretUse {
    match kind {
        TargetKind::Tekton | TargetKind::Flux => SecretUse::Optional,
        TargetKind::Webhook | TargetKind::GithubDispatch | TargetKind::GitlabPipeline => SecretUse::Required,
        TargetKind::Command => SecretUse::None,
    }
}

/// Which branches that are gone a sort of target is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldGone {
    /// As of any other change.
    All,
    /// Only where a condition names the event: what it starts starts from a commit, and there is none.
    Named,
    /// None: it has no words for that.
    None,
}

/// Which branches that are gone a sort of target is told of.
#[must_use]
pub const fn told_gone(kind: TargetKind) -> ToldGone {
    match kind {
        TargetKind::Tekton => ToldGone::Named,
        TargetKind::GithubDispatch | TargetKind::GitlabPipeline => ToldGone::None,
        TargetKind::Webhook | TargetKind::Flux | TargetKind::Command => ToldGone::All,
    }
}

/// Whether a secret can be used for a sort of target, before it is stored.
///
/// # Errors
/// What is wrong with it; never the secret itself.
pub fn check_secret(kind: TargetKind, secret: &str) -> Result<(), TargetError> {
    let refused = |message: String| Err(TargetError::new("secret", message));
    if secret_use(kind) == SecretUse::None {
        return refused(format!("a {kind} takes no secret; remove it"));
    }
    if secret.is_empty() || secret.trim() != secret {
        return refused("is empty or has white space around it; write it without".to_owned());
    }
    if secret.len() > MAX_SECRET {
        return refused(format!("has {} bytes; at most {MAX_SECRET} are allowed", secret.len()));
    }
    if kind == TargetKind::Webhook {
        return webhook::key(secret).map(|_| ());
    }
    if kind != TargetKind::Flux && !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refused("has characters that no header can hold; write letters, digits and signs only".to_owned());
    }
    Ok(())
}

/// Makes what is sent to a target for an event.
///
/// # Errors
/// If the target or its secret is wrong, or this sort of target can't be told of such an event: trying again mends nothing.
pub fn build_request(target: &Target, secrets: &TargetSecrets, telling: &Telling<'_>) -> Result<Outgoing, TargetError> {
    check_target(target)?;
    let kind = target.kind();
    match (&secrets.current, secret_use(kind)) {
        (None, SecretUse::Required) => {
            return Err(TargetError::new("secret", format!("a {kind} needs a secret; set one")));
        }
        // One that stayed from another sort of target is not used.
        (Some(secret), SecretUse::Optional | SecretUse::Required) => check_secret(kind, secret)?,
        _ => {}
    }
    let content = match target {
        Target::Tekton { url, headers } => tekton::request(url, headers, secrets, telling)?,
        Target::Webhook { url, headers } => webhook::request(url, headers, secrets, telling)?,
        Target::Flux { url } => flux::request(url, secrets, telling)?,
        Target::GithubDispatch { api_url, repository, event_type } => {
            github::request(api_url, repository.as_deref(), event_type, secrets, telling)?
        }
        Target::GitlabPipeline { api_url, project, reference } => {
            gitlab::request(api_url, project.as_deref(), reference.as_deref(), secrets, telling)?
        }
        Target::Command { command } => command::content(command, telling)?,
    };
    Ok(Outgoing::new(kind, content, secrets, telling.commit.map(|commit| commit.author_email)))
}

impl<'a> Telling<'a> {
    /// Nothing stands on the branch any more.
    fn is_gone(&self) -> bool {
        self.new_commit.is_none() || self.kind == BranchEventKind::BranchDeleted
    }

    /// The commit's message, where it has one.
    fn message(&self) -> Option<&'a str> {
        self.commit.map(|commit| commit.message).filter(|message| !message.trim().is_empty())
    }
}

/// As RFC 3339 has it, to the second.
fn second(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// What can't be written as JSON is a mistake of ours; it is said and not sent.
fn json<T: Serialize>(value: &T) -> Result<String, TargetError> {
    serde_json::to_string(value)
        .map_err(|error| TargetError::new("event", format!("can't be written as JSON: {error}")))
}
