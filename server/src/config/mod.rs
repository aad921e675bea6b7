//! `kubestats.yaml` and the environment: read, checked, every error at once.
//!
//! Precedence: defaults, then the file, then `KUBESTATS_<SECTION>_<KEY>` (and `DATABASE_URL`).

mod accounts;
mod charts;
mod compare;
mod discovery;
mod expand;
mod exposure;
mod host;
mod load;
mod mail;
mod reader;
pub mod reposentry;
mod repository;
mod schedules;
mod secret;
mod sections;
mod server;
mod sign_in;
mod tekton;
mod telemetry;
mod triggers;
mod watching;

use std::path::PathBuf;

use entity::address::Address;
use entity::duration;
use serde::Serialize;

pub use self::triggers::ConfiguredTrigger;
pub use accounts::{AccountsConfig, Superuser};
pub use charts::ChartsConfig;
pub use compare::Reloaded;
pub use discovery::{DiscoveryConfig, ForgeConfig, git_host};
pub use entity::duration::parse as parse_duration;
pub use entity::view::ConfigProblem as ConfigError;
pub use expand::{Environment, UsedVariable, VariableState, is_allowed as variable_is_allowed, names as names_in};
pub use exposure::{MetricsConfig, RateLimitsConfig, TlsConfig};
pub use load::{check, check_env, load, parse};
pub use mail::{Encryption, MailConfig, SmtpConfig};
pub use repository::RepositoryConfig;
pub use schedules::{Schedule, SchedulesConfig};
pub use secret::{MASKED, Secret, with_secrets};
pub use sections::{AppConfig, History, PollingConfig, ScanConfig, SecurityConfig, StorageConfig};
pub use server::{ServerConfig, is_this_machine};
pub use sign_in::{AdmissionConfig, GITHUB, GithubSignIn, OidcSignIn};
pub use tekton::{TRIGGER as TEKTON_TRIGGER, TektonConfig};
pub use telemetry::{OtlpConfig, TelemetryConfig};
pub use watching::WatchingConfig;

/// What `kubestats config init` writes: every key with its default and what it is for.
pub const TEMPLATE: &str = include_str!("template.yaml");

/// What most people set.
pub const TEMPLATE_BASIC: &str = include_str!("template_basic.yaml");

/// One repository and its token.
pub const TEMPLATE_MINIMAL: &str = include_str!("template_minimal.yaml");

/// The file that is read where none is named.
pub const DEFAULT_FILE: &str = "kubestats.yaml";

/// Everything that can be configured.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    pub app: AppConfig,
    pub server: ServerConfig,
    pub telemetry: TelemetryConfig,
    pub storage: StorageConfig,
    pub scan: ScanConfig,
    pub polling: PollingConfig,
    pub schedules: SchedulesConfig,
    pub security: SecurityConfig,
    pub accounts: AccountsConfig,
    /// Nothing is sent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailConfig>,
    pub charts: ChartsConfig,
    pub discovery: DiscoveryConfig,
    pub watching: WatchingConfig,
    pub tekton: TektonConfig,
    /// Those of the list, and the one that `tekton` makes.
    #[serde(serialize_with = "of_the_list")]
    pub triggers: Vec<ConfiguredTrigger>,
    pub repositories: Vec<RepositoryConfig>,
    /// Every forge that something is known of: those of `discovery`, github.com as the environment describes it, and those
    /// that repositories name with `api_base_url`.
    #[serde(skip)]
    pub forges: Vec<ForgeConfig>,
    /// The files that were read, the main one first; it need not be there.
    #[serde(skip)]
    pub files: Vec<PathBuf>,
}

fn of_the_list<S: serde::Serializer>(triggers: &[ConfiguredTrigger], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(triggers.iter().filter(|trigger| trigger.name != TEKTON_TRIGGER))
}

impl Config {
    /// Where the SQLite database is.
    #[must_use]
    pub fn sqlite_path(&self) -> PathBuf {
        self.storage.sqlite_path.clone().unwrap_or_else(|| self.app.data_dir.join("kubestats.db"))
    }

    /// The database's address as the database library wants it.
    #[must_use]
    pub fn database_url(&self) -> Secret {
        match (self.storage.engine, &self.storage.postgres_url) {
            ("postgres", Some(url)) => url.clone(),
            _ => Secret::new(format!("sqlite://{}?mode=rwc", self.sqlite_path().display())),
        }
    }

    /// The token with which git may fetch from an address, short of those that people entered in pages: the repository's own,
    /// else that of its forge's entry.
    #[must_use]
    pub fn git_token(&self, url: &str) -> Option<Secret> {
        let address = Address::read(url).ok()?;
        // A token that was given for one way to a repository goes no other.
        let is_same = |other: &&RepositoryConfig| {
            Address::read(&other.url)
                .is_ok_and(|other| other.key() == address.key() && other.scheme() == address.scheme())
        };
        let repositories = || self.repositories.iter();
        let own = repositories().find(|own| own.url == url).or_else(|| repositories().find(is_same));
        let of_forge = || ForgeConfig::git_token(&self.forges, &git_host(&address)?);
        own.and_then(|own| own.token.clone()).or_else(of_forge)
    }

    /// Whether the program's samples are to be shown.
    #[must_use]
    pub fn shows_samples(&self) -> bool {
        match self.app.samples {
            "always" => true,
            "never" => false,
            _ => self.repositories.is_empty(),
        }
    }

    /// As YAML, secrets masked.
    ///
    /// # Errors
    /// Only if serialising fails, which a configuration that was read cannot cause.
    pub fn to_yaml(&self) -> Result<String, serde_yaml::Error> {
        serde_yaml::to_string(self)
    }
}

/// All that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl std::fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

#[cfg(test)]
mod tests;
