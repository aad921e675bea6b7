//! The sections of the configuration, each reading its own keys and knowing its own defaults.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use net::IpNet;
use serde::Serialize;
use serde::ser::SerializeMap as _;

use super::reader::Section;
use super::secret::Secret;
use super::{duration, host};

/// `app`: the program itself.
#[derive(Clone, Debug, Serialize)]
pub struct AppConfig {
    /// Where clones, samples and the SQLite database live.
    pub data_dir: PathBuf,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// Names of hosts (`*.` for all below one) that are answered to beside localhost and IP addresses. Where none is set:
    /// no other where `listen` is this machine's alone, else all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_hosts: Vec<String>,
    /// A `tracing` filter such as `info` or `kubestats=debug,info`.
    pub log_level: String,
    /// `auto` (text on a terminal, else JSON), `text` or `json`.
    pub log_format: &'static str,
    /// `auto` (while no repository is configured), `always` or `never`.
    pub samples: &'static str,
    /// Clones take at most so much disk; the oldest that can be fetched again go first. Nothing for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_disk_mb: Option<u64>,
    /// Where the schedules' times are read, such as `Europe/Oslo`; `TZ` where none is set, then UTC.
    #[serde(serialize_with = "zone_name")]
    pub time_zone: chrono_tz::Tz,
}

/// A level, or what else the log understands. A single word that is no level would be the name of a part, and silence all others.
fn log_level(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = LEVELS.iter().any(|level| text.eq_ignore_ascii_case(level));
    let is_filter = text.contains(['=', ',']) && tracing_subscriber::EnvFilter::try_new(text).is_ok();
    match is_level || is_filter {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{text:?} is no level of a log; allowed: {}, or a filter such as kubestats=debug,info",
            LEVELS.join(", ")
        )),
    }
}

fn zone_name<S: serde::Serializer>(zone: &chrono_tz::Tz, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(zone.name())
}

impl AppConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        let zone = |text: &str| {
            let wrong = || {
                format!("{text:?} is no time zone; allowed: UTC and the names of the tz database, such as Europe/Oslo")
            };
            text.parse().map_err(|_| wrong())
        };
        let time_zone = section.value("time_zone", zone).or_else(|| {
            // The system's own way of naming it may be one that is not understood here, `:/etc/localtime` for one.
            section.reader().environment().get("TZ")?.trim_start_matches(':').parse().ok()
        });
        let config = Self {
            max_disk_mb: section.number("max_disk_mb", 100..=100_000_000),
            time_zone: time_zone.unwrap_or(chrono_tz::UTC),
            data_dir: section.text("data_dir").unwrap_or_else(|| "./data".to_owned()).into(),
            listen: section
                .value("listen", |text| {
                    text.parse().map_err(|_| format!("{text:?} is no address with a port, such as 127.0.0.1:3000"))
                })
                .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 3000))),
            allowed_hosts: section.list("allowed_hosts", host::parse).unwrap_or_default(),
            log_level: section.value("log_level", log_level).unwrap_or_else(|| "info".to_owned()),
            log_format: section.one_of("log_format", &["auto", "text", "json"]).unwrap_or("auto"),
            samples: section.one_of("samples", &["auto", "always", "never"]).unwrap_or("auto"),
        };
        section.finish();
        config
    }
}

/// `storage`: the database.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// `sqlite` or `postgres`.
    pub engine: &'static str,
    /// `sqlite.path`; `<data_dir>/kubestats.db` where none is set.
    pub sqlite_path: Option<PathBuf>,
    /// `postgres.url`, or `DATABASE_URL`.
    pub postgres_url: Option<Secret>,
    /// `postgres.read_urls`: databases that follow it, for lists and pages.
    pub postgres_read_urls: Vec<Secret>,
    /// Connections kept open for reading, of each of them.
    pub max_connections: u32,
    /// How long a free connection is waited for, and SQLite's lock.
    pub connection_timeout: Duration,
}

/// Under the keys of the file, so that what is shown can be read again.
impl Serialize for StorageConfig {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Engine<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            path: Option<&'a PathBuf>,
            #[serde(skip_serializing_if = "Option::is_none")]
            url: Option<&'a Secret>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            read_urls: &'a [Secret],
            max_connections: u32,
            #[serde(serialize_with = "duration::serialize")]
            connection_timeout: Duration,
        }
        let is_sqlite = self.engine == "sqlite";
        let engine = Engine {
            path: self.sqlite_path.as_ref().filter(|_| is_sqlite),
            url: self.postgres_url.as_ref().filter(|_| !is_sqlite),
            read_urls: if is_sqlite { &[] } else { &self.postgres_read_urls },
            max_connections: self.max_connections,
            connection_timeout: self.connection_timeout,
        };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("type", self.engine)?;
        map.serialize_entry(self.engine, &engine)?;
        map.end()
    }
}

impl StorageConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        const PATIENCE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_mins(5);
        let mut engine = section.one_of("type", &["sqlite", "postgres"]);
        let sqlite = section.section("sqlite");
        let mut sqlite_path = sqlite.text("path").map(PathBuf::from);
        let sqlite_connections = sqlite.number("max_connections", 1..=64);
        let sqlite_timeout = sqlite.duration_within("connection_timeout", PATIENCE);
        sqlite.finish();
        let postgres = section.section("postgres");
        let mut postgres_url = postgres.text("url");
        let read_urls = postgres.list("read_urls", read_url).unwrap_or_default();
        let postgres_connections = postgres.number("max_connections", 2..=512);
        let postgres_timeout = postgres.duration_within("connection_timeout", PATIENCE);
        postgres.finish();
        let reader = section.reader();
        if let Some(url) = reader.environment().get("DATABASE_URL").filter(|url| !url.is_empty()) {
            if let Some(path) = url.strip_prefix("sqlite:") {
                engine = Some("sqlite");
                let path = path.trim_start_matches("//");
                sqlite_path = Some(path.split('?').next().unwrap_or(path).into());
            } else {
                engine = Some("postgres");
                postgres_url = Some(url.clone());
            }
        }
        let engine = engine.unwrap_or("sqlite");
        if engine == "postgres" {
            match &postgres_url {
                None => section.error("postgres", "url is missing; set it here or in DATABASE_URL"),
                Some(url) if !url.starts_with("postgres://") && !url.starts_with("postgresql://") => section
                    .error("postgres", "a database is named as postgres://user:password@host/name or sqlite:PATH"),
                Some(_) => {}
            }
        }
        let (connections, timeout) = match engine {
            "sqlite" => (sqlite_connections, sqlite_timeout),
            _ => (postgres_connections, postgres_timeout),
        };
        section.finish();
        Self {
            engine,
            sqlite_path,
            postgres_url: postgres_url.map(Secret::new),
            postgres_read_urls: read_urls,
            max_connections: connections.and_then(|number| u32::try_from(number).ok()).unwrap_or(10),
            connection_timeout: timeout.unwrap_or(Duration::from_secs(10)),
        }
    }
}

/// The address of a database that follows. It may hold a password, so it is not told.
fn read_url(text: &str) -> Result<Secret, String> {
    let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    let wrong = || "a database is named as postgres://user:password@host/name".to_owned();
    is_postgres.then(|| Secret::new(text.to_owned())).ok_or_else(wrong)
}

/// `scan.history`: how much of the past a first scan replays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Back to the first commit.
    Full,
    /// The newest so many first-parent commits.
    Commits(u64),
    /// Commits no older than this when the scan begins.
    Age(Duration),
}

impl Serialize for History {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Full => serializer.serialize_str("full"),
            Self::Commits(number) => serializer.serialize_u64(*number),
            Self::Age(age) => serializer.serialize_str(&duration::format(*age)),
        }
    }
}

/// `scan`: replaying commits.
#[derive(Clone, Debug, Serialize)]
pub struct ScanConfig {
    /// `full`, a number of commits, or an age such as `365d`.
    pub history: History,
    /// Threads that read and parse; 0 means one per core.
    pub threads: usize,
    /// A larger YAML file is a problem, not read.
    pub max_file_size_mb: u64,
    /// A larger repository is set aside instead of fetched.
    pub max_repository_size_mb: u64,
}

impl ScanConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        let history = section.value("history", |text| {
            if text == "full" {
                return Ok(History::Full);
            }
            match text.parse::<u64>() {
                Ok(0) => {
                    Err("0 commits are no history; write full, a number of commits, or an age such as 365d".into())
                }
                Ok(number) => Ok(History::Commits(number)),
                Err(_) => duration::parse(text).map(History::Age).map_err(|_| {
                    format!("{text:?} is not known here; allowed: full, a number of commits, or an age such as 365d")
                }),
            }
        });
        let config = Self {
            history: history.unwrap_or(History::Full),
            threads: section.number("threads", 0..=256).and_then(|number| usize::try_from(number).ok()).unwrap_or(0),
            max_file_size_mb: section.number("max_file_size_mb", 1..=100).unwrap_or(10),
            max_repository_size_mb: section
                .number("max_repository_size_mb", 1..=100_000)
                .or_else(|| size_from_environment(&section))
                .unwrap_or(100),
        };
        section.finish();
        config
    }
}

/// The original's name for the same limit.
fn size_from_environment(section: &Section<'_>) -> Option<u64> {
    const NAME: &str = "GITHUB_MAX_REPOSITORY_SIZE_MB";
    let text = section.reader().environment().get(NAME).filter(|text| !text.is_empty())?;
    let found = text.trim().parse().ok().filter(|size| (1..=100_000).contains(size));
    if found.is_none() {
        let message = format!("found {text:?}; a whole number from 1 to 100000 is allowed");
        section.reader().error(&format!("${NAME}"), None, message);
    }
    found
}

/// `polling`: how repositories are kept fresh.
#[derive(Clone, Debug, Serialize)]
pub struct PollingConfig {
    /// Time between two looks at a remote's refs, the same for all; where none is set, half the age of the last commit.
    #[serde(serialize_with = "duration::serialize_option", skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// A repository that changes all the time is looked at no more often.
    #[serde(serialize_with = "duration::serialize")]
    pub min_interval: Duration,
    /// A repository that rests, or fails, is looked at no less often.
    #[serde(serialize_with = "duration::serialize")]
    pub max_interval: Duration,
    /// A list of branches and a question to an API may take this long; a fetch may take as long, and ten minutes in any case.
    #[serde(serialize_with = "duration::serialize")]
    pub timeout: Duration,
    /// Jobs at once.
    pub max_workers: usize,
    /// Syncs at once from one host, over all processes.
    pub max_per_host: usize,
    /// Syncs that are queued at a time.
    pub batch_size: u64,
    /// Whether a forge's API is asked for branches and `.tekton/` where git can't be, and the other way round.
    pub enable_api_fallback: bool,
    /// How often in a row a sync that failed is tried again soon; where none is set, as often as every job of its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_attempts: Option<u32>,
    /// Before the first of those tries; each wait is twice as long as the one before. As with every job where none is set.
    #[serde(serialize_with = "duration::serialize_option", skip_serializing_if = "Option::is_none")]
    pub retry_backoff: Option<Duration>,
}

impl PollingConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        const MINUTE: Duration = Duration::from_mins(1);
        let workers = |name, most| section.number(name, 1..=most).and_then(|n| usize::try_from(n).ok());
        let interval = |name| section.duration_within(name, duration::POLLING_INTERVAL);
        let config = Self {
            interval: interval("interval"),
            min_interval: interval("min_interval").unwrap_or(10 * MINUTE),
            max_interval: interval("max_interval").unwrap_or(24 * 60 * MINUTE),
            timeout: section.duration("timeout", Duration::from_secs(1)).unwrap_or(Duration::from_mins(10)),
            max_workers: workers("max_workers", 64).unwrap_or(4),
            max_per_host: workers("max_per_host", 64).unwrap_or(3),
            batch_size: section.number("batch_size", 1..=10_000).unwrap_or(200),
            enable_api_fallback: section.switch("enable_api_fallback").unwrap_or(true),
            retry_attempts: section.number("retry_attempts", 0..=20).and_then(|number| u32::try_from(number).ok()),
            retry_backoff: section.duration_within("retry_backoff", Duration::from_secs(1)..=Duration::from_hours(1)),
        };
        if config.min_interval > config.max_interval {
            section.error("min_interval", "is longer than max_interval");
        }
        section.finish();
        config
    }
}

/// What may be masked beside Secrets.
const MASK_RULES: [&str; 3] = ["credentials", "urls", "emails"];

fn mask_rule(text: &str) -> Result<&'static str, String> {
    let known = MASK_RULES.into_iter().find(|known| *known == text);
    known.ok_or_else(|| format!("{text:?} is not known here; allowed: {}", MASK_RULES.join(", ")))
}

/// `security`: what the configuration may reach, and what nobody may see.
#[derive(Clone, Debug, Serialize)]
pub struct SecurityConfig {
    /// Names that `${NAME}` may use: exact, `PREFIX*` or `*SUFFIX`.
    pub allowed_env_vars: Vec<String>,
    /// Whether plain http is refused for repositories.
    pub require_https: bool,
    /// Whether repositories may be `file://` URLs or paths.
    pub allow_local_repositories: bool,
    /// Whether triggers may run commands of this machine.
    pub allow_commands: bool,
    /// What is masked beside Secrets: `credentials`, `urls`, `emails`.
    pub mask: Vec<&'static str>,
    /// Networks beside the public ones that addresses may lead to which people add or searches find.
    pub allowed_networks: Vec<IpNet>,
}

impl SecurityConfig {
    /// What scans mask beside Secrets.
    #[must_use]
    pub fn mask_rules(&self) -> scan::mask::Rules {
        let has = |rule| self.mask.contains(&rule);
        scan::mask::Rules { credentials: has("credentials"), urls: has("urls"), emails: has("emails") }
    }

    pub(super) fn read(section: Section<'_>) -> Self {
        let defaults =
            || ["GITHUB_TOKEN", "GITLAB_TOKEN", "GHE_TOKEN", "*_TOKEN", "*_SECRET"].map(str::to_owned).to_vec();
        let config = Self {
            allowed_env_vars: section.texts("allowed_env_vars").unwrap_or_else(defaults),
            require_https: section.switch("require_https").unwrap_or(true),
            allow_local_repositories: section.switch("allow_local_repositories").unwrap_or(false),
            allow_commands: section.switch("allow_commands").unwrap_or(false),
            mask: section.list("mask", mask_rule).unwrap_or_else(|| MASK_RULES.to_vec()),
            allowed_networks: section.list("allowed_networks", net::parse_network).unwrap_or_default(),
        };
        section.reader().allow(config.allowed_env_vars.clone());
        section.finish();
        config
    }
}
