//! What the server lends to pages while it renders them.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::Arc;

use actions::Actions;
use entity::view::{CommitRead, CommitWords, DiscoverySettings, FieldChange, Push, Repository, Route};
use store::db::Db;
use uuid::Uuid;

/// Compares two manifests field by field. The comparison lives with the scanner, which pages cannot see.
pub type Compare = Arc<dyn Fn(&str, &str) -> Vec<FieldChange> + Send + Sync>;

/// Reads a commit by its hash, or a beginning of it, from a repository's clone; nothing where this machine has none.
pub type ReadCommit =
    Arc<dyn Fn(&Repository, &str) -> Pin<Box<dyn Future<Output = Option<CommitRead>> + Send>> + Send + Sync>;

/// Reads what commits say of themselves that came by pushes to a branch of a repository, from its clone: of each push in the order
/// given, the newest first. Nothing where this machine has no clone.
pub type ReadPushes =
    Arc<dyn Fn(Uuid, Vec<Push>) -> Pin<Box<dyn Future<Output = Vec<Vec<CommitWords>>> + Send>> + Send + Sync>;

/// Keeps the e-mail address for the next try to sign in, away from the page's address and so from every log.
pub const EMAIL_COOKIE: &str = "kubestats_email";

/// Keeps who somebody is elsewhere, sealed, until they agreed to come in by it.
pub const IDENTITY_COOKIE: &str = "kubestats_identity";

/// Keeps what is shown once, sealed, for the next page of its session.
pub const SHOWN_COOKIE: &str = "kubestats_shown";

/// Somebody else who can say who a person is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInProvider {
    /// Stands in the address where signing in there begins.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// Everything a server function works with; given once, to `leptos_routes_with_context`.
#[derive(Clone)]
pub struct ServerContext {
    /// The database.
    pub db: Db,
    /// What people may ask for.
    pub actions: Actions,
    /// Compares two manifests field by field.
    pub compare: Compare,
    /// Reads a commit from a repository's clone.
    pub read_commit: ReadCommit,
    /// Reads which commits came by pushes from a repository's clone.
    pub read_pushes: ReadPushes,
    /// What is searched for where.
    pub discovery: Arc<dyn Fn() -> DiscoverySettings + Send + Sync>,
    /// What programs can ask for, and what whoever asks needs.
    pub operations: Arc<Vec<Route>>,
    /// Whether everybody may read.
    pub anonymous_read: bool,
    /// Scheme and name by which other machines reach the program, where the configuration says so.
    pub public_url: Option<Arc<str>>,
    /// Whom people may sign in by, beside a password.
    pub providers: Arc<[SignInProvider]>,
}

/// Addresses of the site's files, which carry a hash of their content in their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    /// The style sheet.
    pub css: String,
    /// The glue of the WebAssembly.
    pub js: String,
    /// The WebAssembly.
    pub wasm: String,
    /// What works without it: theme, keys, copying, fresh times, charts.
    pub ui: String,
    /// The worker that holds the line for news.
    pub live: String,
    /// The icon.
    pub icon: String,
    /// The font that the first screen needs; not known where there is no built site.
    pub font: Option<String>,
    /// Of each lazy page the file with the parts of the WebAssembly that it needs, so that browsers fetch it at once.
    pub parts: HashMap<String, String>,
    /// Of which build all these are.
    pub build: String,
}

impl Default for Assets {
    fn default() -> Self {
        Self {
            css: "/pkg/kubestats.css".to_owned(),
            js: "/pkg/kubestats.js".to_owned(),
            wasm: "/pkg/kubestats_bg.wasm".to_owned(),
            ui: "/pkg/ui.js".to_owned(),
            live: "/pkg/live.js".to_owned(),
            icon: "/favicon.svg".to_owned(),
            font: None,
            parts: HashMap::new(),
            build: String::new(),
        }
    }
}

impl Assets {
    /// Reads the built site's `manifest.json`: logical name to file name. `prefix` is where the files are served, `build`
    /// what the server says of itself with every answer.
    #[must_use]
    pub fn from_manifest(manifest: &BTreeMap<String, String>, prefix: &str, build: String) -> Self {
        let find = |name: &str| manifest.get(name).map(|file| format!("{prefix}{file}"));
        let usual = Self::default();
        Self {
            css: find("main.css").unwrap_or(usual.css),
            js: find("kubestats.js").unwrap_or(usual.js),
            wasm: find("kubestats.wasm").unwrap_or(usual.wasm),
            ui: find("ui.js").unwrap_or(usual.ui),
            live: find("live.js").unwrap_or(usual.live),
            icon: find("favicon.svg").unwrap_or(usual.icon),
            font: find("inter-latin-wght-normal.woff2"),
            parts: manifest
                .iter()
                .filter_map(|(name, file)| Some((name.strip_prefix("parts/")?.to_owned(), format!("{prefix}{file}"))))
                .collect(),
            build,
        }
    }
}
