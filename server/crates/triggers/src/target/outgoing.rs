//! What is about to be sent, and how it may be shown.

use std::fmt;

use entity::credential::{names_credential, without_credentials};
use entity::kind::TargetKind;
use entity::view::{MASK, SentRequest};
use url::Url;

use super::TargetSecrets;

/// Longest text of a request's body that is kept, in bytes.
const MAX_SHOWN_BODY: usize = 64 << 10;
/// Shorter secrets are not looked for in texts: they would be found in words.
const MIN_MASKED: usize = 4;

/// A request or a command, ready to be sent. Made by [`build_request`](super::build_request) alone.
#[derive(Clone)]
pub struct Outgoing {
    pub(crate) kind: TargetKind,
    pub(crate) content: Content,
    secrets: Vec<String>,
}

#[derive(Clone)]
pub(crate) enum Content {
    Request(Request),
    Command(Command),
}

/// A POST.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) url: Url,
    /// In the order in which they are sent; a name stands once.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A program that is run without a shell.
#[derive(Clone)]
pub(crate) struct Command {
    pub(crate) command: Vec<String>,
    pub(crate) variables: Vec<(&'static str, String)>,
    pub(crate) input: String,
}

impl Outgoing {
    pub(super) fn new(kind: TargetKind, content: Content, secrets: &TargetSecrets) -> Self {
        let mut masked: Vec<String> = Vec::new();
        for secret in [&secrets.current, &secrets.previous].into_iter().flatten() {
            // In a body some of its signs are escaped.
            let escaped = serde_json::Value::from(secret.as_str()).to_string();
            masked.extend([secret.clone(), escaped.trim_matches('"').to_owned()]);
        }
        masked.retain(|secret| secret.len() >= MIN_MASKED);
        // One that is the beginning of another would leave its end.
        masked.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { kind, content, secrets: masked }
    }

    /// As it may be kept and shown: without secrets, and no longer than a row should be.
    #[must_use]
    pub fn shown(&self) -> SentRequest {
        match &self.content {
            Content::Request(request) => SentRequest {
                method: "POST".to_owned(),
                url: self.masked(&without_credentials(request.url.as_str())),
                headers: request.headers.iter().map(|(name, value)| (name.clone(), self.header(name, value))).collect(),
                body: bounded(&self.masked(&request.body)),
            },
            Content::Command(command) => SentRequest {
                method: "RUN".to_owned(),
                url: self.masked(&command.command.join(" ")),
                headers: command.variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
                body: bounded(&command.input),
            },
        }
    }

    fn header(&self, name: &str, value: &str) -> String {
        if name.eq_ignore_ascii_case("authorization") {
            let scheme = value.split_once(' ').map(|(scheme, _)| format!("{scheme} ")).unwrap_or_default();
            return format!("{scheme}{MASK}");
        }
        // Signatures are no secrets, and tell who checks them what went wrong.
        if names_credential(name) { MASK.to_owned() } else { self.masked(value) }
    }

    /// A text without the secrets, also where somebody sends them back.
    pub(crate) fn masked(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASK))
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown(), f)
    }
}

fn bounded(text: &str) -> String {
    if text.len() <= MAX_SHOWN_BODY {
        return text.to_owned();
    }
    let end = (0..=MAX_SHOWN_BODY).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    format!("{}…", &text[..end])
}
