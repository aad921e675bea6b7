//! `kubestats.yaml` and the environment: read, checked, every error at once.
//!
//! Precedence: defaults, then the file, then `KUBESTATS_<SECTION>_<KEY>` (and `DATABASE_URL`).

mod accounts;
mod charts;
mod discovery;
mod duration;
mod expand;
mod exposure;
mod host;
mod mail;
mod reader;
mod repository;
mod schedules;
mod secret;
mod sections;
mod server;
mod sign_in;
mod telemetry;

use std::path::{Path, PathBuf};

use entity::address::Address;
use entity::kind::JobKind;
use serde::Serialize;

pub use accounts::{AccountsConfig, Superuser};
pub use charts::ChartsConfig;
pub use discovery::{DiscoveryConfig, ForgeConfig};
pub use expand::Environment;
pub use exposure::{MetricsConfig, RateLimitsConfig, TlsConfig};
pub use mail::{Encryption, MailConfig, SmtpConfig};
pub use reader::ConfigError;
pub use repository::RepositoryConfig;
pub use schedules::{Schedule, SchedulesConfig};
pub use secret::{MASKED, Secret, with_secrets};
pub use sections::{AppConfig, History, PollingConfig, ScanConfig, SecurityConfig, StorageConfig};
pub use server::ServerConfig;
pub use sign_in::{AdmissionConfig, GITHUB, GithubSignIn, OidcSignIn};
pub use telemetry::{OtlpConfig, TelemetryConfig};

/// What `kubestats config init` writes: every key with its default and what it is for.
pub const TEMPLATE: &str = include_str!("template.yaml");

/// What most people set.
pub const TEMPLATE_BASIC: &str = include_str!("template_basic.yaml");

/// One repository and its token.
pub const TEMPLATE_MINIMAL: &str = include_str!("template_minimal.yaml");

/// The file that is read where none is named.
pub const DEFAULT_FILE: &str = "kubestats.yaml";

/// A configuration file is small; a larger one is a mistake.
const MAX_FILE_BYTES: u64 = 4 << 20;

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
    pub repositories: Vec<RepositoryConfig>,
    /// Every forge that something is known of: those of `discovery`, github.com as the environment describes it, and those
    /// that repositories name with `api_base_url`.
    #[serde(skip)]
    pub forges: Vec<ForgeConfig>,
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

/// Reads the named file, or `kubestats.yaml` where that exists, or the defaults alone.
///
/// # Errors
/// Everything that is wrong, in the file's order.
pub fn load(file: Option<&Path>, environment: Environment) -> Result<Config, ConfigErrors> {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    if file.is_none() && !path.exists() {
        return parse(path, "", environment);
    }
    let wrong = |message: String| {
        let file = path.display().to_string();
        ConfigErrors(vec![ConfigError { file, line: None, key: String::new(), message }])
    };
    let size = std::fs::metadata(path).map_err(|error| wrong(format!("cannot be read: {error}")))?.len();
    if size > MAX_FILE_BYTES {
        return Err(wrong(format!("is {size} bytes large; a configuration has at most {MAX_FILE_BYTES}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    parse(path, &text, environment)
}

/// Reads a configuration's text; `path` is only named in errors.
///
/// # Errors
/// Everything that is wrong, in the file's order.
pub fn parse(path: &Path, text: &str, environment: Environment) -> Result<Config, ConfigErrors> {
    let file = path.display().to_string();
    let documents = yaml::parse(text.as_bytes(), &yaml::Limits::default()).map_err(|error| {
        ConfigErrors(vec![ConfigError {
            file: file.clone(),
            line: error.line,
            key: String::new(),
            message: error.message,
        }])
    })?;
    if let Some(second) = documents.get(1) {
        let message = "a second document begins here; a configuration is one".to_owned();
        return Err(ConfigErrors(vec![ConfigError {
            file,
            line: Some(second.line_start),
            key: String::new(),
            message,
        }]));
    }
    let reader = reader::Reader::new(path, environment);
    let root = reader.root(documents.first().map(|document| document.root()));
    // Security comes first: it says which variables the other sections may use.
    let security = SecurityConfig::read(root.section("security"));
    let app = AppConfig::read(root.section("app"));
    let server = ServerConfig::read(root.section("server"));
    let telemetry = TelemetryConfig::read(root.section("telemetry"));
    let storage = StorageConfig::read(root.section("storage"));
    let scan = ScanConfig::read(root.section("scan"));
    let polling = PollingConfig::read(root.section("polling"));
    let mut schedules = SchedulesConfig::read(root.section("schedules"));
    let section = root.section("mail");
    let mail = MailConfig::read(&section, server.public_url.as_deref());
    section.finish();
    if mail.is_none() {
        schedules.switch_off(JobKind::SendMail);
    }
    let accounts = AccountsConfig::read(root.section("accounts"));
    let charts = ChartsConfig::read(root.section("charts"));
    let discovery = DiscoveryConfig::read(root.section("discovery"));
    let mut repositories: Vec<RepositoryConfig> = Vec::new();
    for section in root.sections("repositories") {
        let place = section.place();
        let Some(found) = RepositoryConfig::read(section, &security) else { continue };
        if let Some(other) = repositories.iter().find(|other| other.name == found.name || other.url == found.url) {
            let message = format!("{} ({}) stands twice; each repository once", other.name, other.url);
            reader.error(&place.0, place.1, message);
            continue;
        }
        repositories.push(found);
    }
    if accounts.has_providers() && server.public_url.is_none() {
        let why = "is missing; whoever signs in elsewhere is led back to it, so it has to be exact";
        reader.error("server.public_url", None, why.to_owned());
    }
    root.finish();
    let forges = forges(&reader, &discovery, &repositories);
    let config = Config {
        app,
        server,
        telemetry,
        storage,
        scan,
        polling,
        schedules,
        security,
        accounts,
        mail,
        charts,
        discovery,
        repositories,
        forges,
    };
    match reader.into_errors() {
        errors if errors.is_empty() => Ok(config),
        errors => Err(ConfigErrors(errors)),
    }
}

/// Who is asked about which host.
fn forges(reader: &reader::Reader, discovery: &DiscoveryConfig, repositories: &[RepositoryConfig]) -> Vec<ForgeConfig> {
    let mut forges = discovery.forges.clone();
    let github = ForgeConfig::github(reader);
    match forges.iter_mut().find(|forge| forge.host() == github.host()) {
        Some(forge) if forge.token.is_none() => {
            forge.token = github.token;
            forge.token_key = github.token_key;
        }
        Some(_) => {}
        // Whoever lists forges wants those searched; github.com is still asked about repositories that come from it.
        None => forges.push(ForgeConfig { search: discovery.forges.is_empty(), ..github }),
    }
    for repository in repositories.iter().filter(|repository| repository.api_base_url.is_some()) {
        let address = Address::read(&repository.url).ok();
        let Some(address) = address.and_then(|address| address.at_forge(repository.provider)) else { continue };
        if repository.provider == entity::kind::Provider::Git || forges.iter().any(|forge| forge.host() == address.host)
        {
            continue;
        }
        forges.push(ForgeConfig {
            token: repository.token.clone(),
            api_base_url: repository.api_base_url.clone(),
            token_key: format!("the token of the repository {}", repository.name),
            is_trusted: true,
            ..ForgeConfig::of_host(&address.host, repository.provider)
        });
    }
    forges
}

#[cfg(test)]
mod tests;
