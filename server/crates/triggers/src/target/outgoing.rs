//! What is about to be sent, and how it may be shown.

use std::fmt;

use entity::credential::{names_credential, without_credentials};
use entity::kind::TargetKind;
use entity::view::{MASK, SentRequest};
use url::Url;

use super::TargetSecrets;
use super::tekton::as_go_writes_it;

/// Shorter texts are not looked for in others: they would be found in words.
const MIN_MASKED: usize = 4;

/// A request or a command, ready to be sent. Made by [`build_request`](super::build_request) alone.
#[derive(Clone)]
pub struct Outgoing {
    pub(crate) kind: TargetKind,
    pub(crate) content: Content,
    /// What is masked where this is shown, longest first.
    hidden: Vec<String>,
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
    /// What is sent names the author's address; what is kept of it and shown to everybody does not.
    pub(super) fn new(kind: TargetKind, content: Content, secrets: &TargetSecrets, author_email: Option<&str>) -> Self {
        let secrets = [&secrets.current, &secrets.previous].into_iter().flatten().map(String::as_str);
        // A commit may have any word there, which is not to be masked wherever it stands.
        let author_email = author_email.filter(|email| email.contains('@'));
        let mut hidden: Vec<String> = Vec::new();
        for text in secrets.chain(author_email) {
            // In a body some of its signs are escaped.
            let escaped = serde_json::Value::from(text).to_string();
            let escaped = escaped.trim_matches('"');
            hidden.extend([text.to_owned(), escaped.to_owned(), as_go_writes_it(escaped)]);
        }
        hidden.retain(|text| text.len() >= MIN_MASKED);
        // One that is the beginning of another would leave its end.
        hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self { kind, content, hidden }
    }

    /// As it may be kept and shown: without secrets, and without the address of whoever wrote the commit.
    #[must_use]
    pub fn shown(&self) -> SentRequest {
        match &self.content {
            Content::Request(request) => SentRequest {
                method: "POST".to_owned(),
                url: self.masked(&without_credentials(request.url.as_str())),
                headers: request.headers.iter().map(|(name, value)| (name.clone(), self.header(name, value))).collect(),
                body: self.masked(&request.body),
            },
            Content::Command(command) => SentRequest {
                method: "RUN".to_owned(),
                url: self.masked(&command.command.join(" ")),
                headers: command.variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
                body: self.masked(&command.input),
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

    /// A text without what is hidden, also where somebody sends it back.
    pub(crate) fn masked(&self, text: &str) -> String {
        self.hidden.iter().fold(text.to_owned(), |text, hidden| text.replace(hidden.as_str(), MASK))
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown(), f)
    }
}
