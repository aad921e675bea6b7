//! A stand-in forge: GitHub, GitLab, Forgejo and plain git over real repositories, on this machine, with every fault
//! that a forge can have.
//!
//! Tests start it in process ([`Standin::start`]); people start the program (`make forge`). What it answers is checked
//! against the schemas that the forges publish, so that nobody tests against an own idea of GitHub. Each forge has a
//! port, an address book of repositories ([`Repository`]), quotas, a record of what was asked, and faults
//! ([`Forge::fail`]). `/_control` on each port shows and changes all of it.

pub mod bare;
mod branches;
mod compare;
mod control;
mod faults;
mod forge;
mod forgejo;
mod gate;
mod generate;
mod git;
mod github;
mod gitlab;
mod limits;
pub mod load;
mod objects;
mod port;
pub mod python;
mod record;
mod spoil;
mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use faults::{Fault, Rule};
pub use forge::{Forge, Kind};
pub use generate::Generator;
pub use github::oauth::{OAuthApp, Person};
pub use limits::Limits;
pub use port::Port;
pub use record::{Counters, Request};
pub use world::{Access, LICENSES, Repository};

/// The first good token of [`Options::default`].
pub const TOKEN: &str = "standin-token-one";
/// The second good token of [`Options::default`].
pub const OTHER_TOKEN: &str = "standin-token-two";
/// A token of [`Options::default`] that sees private repositories.
pub const PRIVATE_TOKEN: &str = "standin-token-private";

/// Why the stand-in could not do something.
#[derive(Debug)]
pub enum Error {
    /// A socket or file.
    Io(std::io::Error),
    /// The git program said no.
    Git {
        /// What it was asked.
        command: String,
        /// In which repository.
        path: PathBuf,
        /// What it said.
        detail: String,
    },
    /// No repository has this id.
    NoRepository {
        /// The id.
        id: u64,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the stand-in forge cannot read or write: {error}"),
            Self::Git { command, path, detail } => write!(f, "git {command} failed in {}: {detail}", path.display()),
            Self::NoRepository { id } => write!(f, "the stand-in forge has no repository with the id {id}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// The address that a forge writes into its `Link` headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Links {
    /// The one it is asked at.
    #[default]
    Own,
    /// The one that its administrator wrote down (`ROOT_URL`, `external_url`): behind a proxy or within a cluster another
    /// one than it is asked at.
    Elsewhere(String),
    /// None: a proxy drops the header.
    Dropped,
}

/// What to serve and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The repositories of every forge that has none of its own below.
    pub repositories: Vec<Repository>,
    /// GitLab's own repositories, whose owners may be nested groups.
    pub gitlab: Option<Vec<Repository>>,
    /// Good tokens, and whether each sees private repositories. Any other token is answered with 401.
    pub tokens: Vec<(String, bool)>,
    /// How much each token may ask.
    pub limits: Limits,
    /// Whether GitHub's search answers carry an ETag. The published schema allows 304 there; recorded answers of
    /// github.com say `Cache-Control: no-cache` and carry none, which is the default here.
    pub search_etags: bool,
    /// Whether `sort=updated` of GitHub's search goes by the last update instead of the last push. GitHub does not say
    /// which; a client had better find everything either way.
    pub search_sorts_by_update: bool,
    /// Whether git needs a token as password, as on a forge that is private as a whole.
    pub git_needs_token: bool,
    /// Where the links of lists lead.
    pub links: Links,
    /// How many repositories Forgejo gives at once, however many are asked for (`MAX_RESPONSE_ITEMS`).
    pub forgejo_most: u64,
    /// How many entries of a tree Forgejo gives at once (`DEFAULT_GIT_TREES_PER_PAGE`).
    pub forgejo_trees: u64,
    /// How many entries of a tree GitHub tells of; more are cut off.
    pub github_trees: usize,
    /// How many files of a comparison GitLab tells of (`diff_max_files`); more are cut off.
    pub gitlab_diffs: usize,
    /// The app that people sign in to by GitHub.
    pub oauth_app: Option<OAuthApp>,
    /// Who has an account at GitHub.
    pub people: Vec<Person>,
    /// The ports of GitHub, GitLab, Forgejo and plain git; 0 takes a free one.
    pub ports: [u16; 4],
}

impl Default for Options {
    fn default() -> Self {
        let token = |token: &str, private| (token.to_owned(), private);
        Self {
            repositories: Vec::new(),
            gitlab: None,
            tokens: vec![token(TOKEN, false), token(OTHER_TOKEN, false), token(PRIVATE_TOKEN, true)],
            limits: Limits::default(),
            search_etags: false,
            search_sorts_by_update: false,
            git_needs_token: false,
            links: Links::default(),
            forgejo_most: 50,
            forgejo_trees: 1_000,
            github_trees: 100_000,
            gitlab_diffs: 1_000,
            oauth_app: None,
            people: Vec::new(),
            ports: [0; 4],
        }
    }
}

impl Options {
    /// These repositories on every forge.
    #[must_use]
    pub fn with(repositories: Vec<Repository>) -> Self {
        Self { repositories, ..Self::default() }
    }
}

/// The four forges, running until this is dropped.
#[derive(Debug)]
pub struct Standin {
    forges: [Arc<Forge>; 4],
    stop: CancellationToken,
}

impl Standin {
    /// Starts all four on 127.0.0.1.
    ///
    /// # Errors
    /// If a port is taken or the temporary folder cannot be written.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let stop = CancellationToken::new();
        let mut forges = Vec::with_capacity(Kind::ALL.len());
        for (kind, port) in Kind::ALL.into_iter().zip(options.ports) {
            let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
            let repositories = match (&options.gitlab, kind) {
                (Some(own), Kind::GitLab) => own.clone(),
                _ => options.repositories.clone(),
            };
            let url = format!("http://{}", listener.local_addr()?);
            let shared = Options { repositories: Vec::new(), gitlab: None, ..options.clone() };
            let forge = Arc::new(Forge::new(kind, url, shared, repositories)?);
            let app = router(&forge);
            let stopped = stop.clone().cancelled_owned();
            tokio::spawn(async move {
                // It ends when it is told to; an error here means that the runtime is going down.
                let _ = axum::serve(listener, app).with_graceful_shutdown(stopped).await;
            });
            forges.push(forge);
        }
        let forges =
            <[Arc<Forge>; 4]>::try_from(forges).map_err(|_| std::io::Error::other("four forges are started"))?;
        Ok(Self { forges, stop })
    }

    /// The forge of this kind.
    #[must_use]
    pub fn forge(&self, kind: Kind) -> &Arc<Forge> {
        let [github, gitlab, forgejo, git] = &self.forges;
        match kind {
            Kind::GitHub => github,
            Kind::GitLab => gitlab,
            Kind::Forgejo => forgejo,
            Kind::Git => git,
        }
    }

    /// GitHub.
    #[must_use]
    pub fn github(&self) -> &Arc<Forge> {
        self.forge(Kind::GitHub)
    }

    /// GitLab.
    #[must_use]
    pub fn gitlab(&self) -> &Arc<Forge> {
        self.forge(Kind::GitLab)
    }

    /// Forgejo.
    #[must_use]
    pub fn forgejo(&self) -> &Arc<Forge> {
        self.forge(Kind::Forgejo)
    }

    /// A server of git and nothing else.
    #[must_use]
    pub fn git(&self) -> &Arc<Forge> {
        self.forge(Kind::Git)
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn router(forge: &Arc<Forge>) -> Router {
    let api = match forge.kind() {
        Kind::GitHub => github::router(forge),
        Kind::GitLab => gitlab::router(forge),
        Kind::Forgejo => forgejo::router(forge),
        Kind::Git => Router::new(),
    };
    let served = api.fallback(git::serve).with_state(Arc::clone(forge));
    let watched = served.layer(axum::middleware::from_fn_with_state(Arc::clone(forge), spoil::watch));
    // The control page stands outside: it is neither counted nor spoilt.
    control::router(forge).fallback_service(watched)
}
