//! What is asked, of whom, as whom and within what bounds; and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use net::AddressGuard;
use url::Url;

use crate::facts::GoneReason;
use crate::store::Store;

/// A forge's access token. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

/// Bounds of every request.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of an answer, unpacked.
    pub body_bytes: usize,
    pub connect_timeout: Duration,
    /// The whole request.
    pub timeout: Duration,
    /// Requests at once to one host.
    pub concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            concurrency: 4,
        }
    }
}

/// Which forge, as whom, and within what bounds.
#[derive(Clone)]
pub struct Settings {
    /// The host that people know the forge by; an API may have another.
    pub host: String,
    /// Where its API is, such as `https://api.github.com`, `https://gitlab.com/api/v4`, `https://codeberg.org/api/v1`.
    pub base_url: Url,
    pub token: Option<Token>,
    /// The key of the configuration that holds the token, for errors that tell how to mend them.
    pub token_key: String,
    pub guard: Arc<AddressGuard>,
    pub store: Arc<dyn Store>,
    pub limits: Limits,
}

/// A question to a forge.
pub(crate) struct Ask<'a> {
    /// For errors: "the repositories of topic kubesearch".
    pub what: &'a str,
    /// Which of the forge's limits it counts against, unless the answer says otherwise.
    pub resource: &'static str,
    pub url: Url,
    /// Sent by POST.
    pub body: Option<String>,
}

/// What came.
pub(crate) enum Answer<T> {
    Here {
        value: T,
        /// The answer's `Link` header says that there is a next page. Where that leads is nobody's business: forges write
        /// their own idea of their address there, so each client builds the address itself.
        more: bool,
        unchanged: bool,
    },
    Gone(GoneReason),
}

/// How a forge wants to be asked.
pub(crate) struct Manner {
    pub accept: &'static str,
    /// `Bearer`, `token`.
    pub scheme: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
    /// An answer with status 304 counts against no limit, given a token.
    pub unchanged_is_free: bool,
    /// Requests go through octocrab.
    pub is_github: bool,
}
