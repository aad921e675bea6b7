//! From files and the environment to a configuration, or to everything that is wrong with it.

use std::path::{Path, PathBuf};

use entity::address::Address;
use entity::kind::{JobKind, Provider};
use yaml::Document;

use super::reader::{Reader, Section};
use super::{
    AccountsConfig, AppConfig, ChartsConfig, Config, ConfigError, ConfigErrors, ConfiguredTrigger, DEFAULT_FILE,
    DiscoveryConfig, Environment, ForgeConfig, MailConfig, PollingConfig, RepositoryConfig, ScanConfig,
    SchedulesConfig, SecurityConfig, ServerConfig, StorageConfig, TEKTON_TRIGGER, TektonConfig, TelemetryConfig,
    UsedVariable, WatchingConfig,
};

/// A configuration file is small; a larger one is a mistake.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Reads the named file, or `kubestats.yaml` where that exists, or the defaults alone.
///
/// # Errors
/// Everything that is wrong, in the files' order.
pub fn load(file: Option<&Path>, environment: Environment) -> Result<Config, ConfigErrors> {
    let (path, text) = main_file(file)?;
    parse(&path, &text, environment)
}

/// Reads a configuration's text; `path` is named in errors, and other files are found beside it.
///
/// # Errors
/// Everything that is wrong, in the files' order.
pub fn parse(path: &Path, text: &str, environment: Environment) -> Result<Config, ConfigErrors> {
    let (config, errors, _) = read(Reader::new(path, environment), text)?;
    if errors.is_empty() { Ok(config) } else { Err(ConfigErrors(errors)) }
}

/// What is wrong with a text that somebody sent: other files are read only where they are among `known`, as what is told of them
/// would show what is in them.
#[must_use]
pub fn check(path: &Path, text: &str, environment: Environment, known: &[PathBuf]) -> Vec<ConfigError> {
    let reader = Reader::new(path, environment).only(known);
    read(reader, text).map_or_else(|ConfigErrors(errors)| errors, |(_, errors, _)| errors)
}

/// Every `${NAME}` in the files, and whether it can be put in its place; whatever else may be wrong with them.
///
/// # Errors
/// If a file can't be read as YAML.
pub fn check_env(file: Option<&Path>, environment: Environment) -> Result<Vec<UsedVariable>, ConfigErrors> {
    let (path, text) = main_file(file)?;
    let (_, _, variables) = read(Reader::new(&path, environment), &text)?;
    Ok(variables)
}

fn main_file(file: Option<&Path>) -> Result<(PathBuf, String), ConfigErrors> {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    if file.is_none() && !path.exists() {
        return Ok((path.to_owned(), String::new()));
    }
    let text = text_of(path).map_err(|message| of_file(path, None, message))?;
    Ok((path.to_owned(), text))
}

fn of_file(path: &Path, line: Option<u32>, message: String) -> ConfigErrors {
    let file = path.display().to_string();
    ConfigErrors(vec![ConfigError { file, line, key: String::new(), message }])
}

fn text_of(path: &Path) -> Result<String, String> {
    let wrong = |error: std::io::Error| format!("cannot be read: {error}");
    let size = std::fs::metadata(path).map_err(wrong)?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("is {size} bytes large; a configuration has at most {MAX_FILE_BYTES}"));
    }
    std::fs::read_to_string(path).map_err(wrong)
}

fn document(path: &Path, text: &str) -> Result<Option<Document>, ConfigErrors> {
    let documents = yaml::parse(text.as_bytes(), &yaml::Limits::default())
        .map_err(|error| of_file(path, error.line, error.message))?;
    if let Some(second) = documents.get(1) {
        let message = "a second document begins here; a configuration is one".to_owned();
        return Err(of_file(path, Some(second.line_start), message));
    }
    Ok(documents.into_iter().next())
}

/// The configuration as far as it could be read, what is wrong with it, and the variables in it.
fn read(reader: Reader, text: &str) -> Result<(Config, Vec<ConfigError>, Vec<UsedVariable>), ConfigErrors> {
    let main = document(reader.file(), text)?;
    let root = reader.root(main.as_ref().map(Document::root));
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
    let watching = WatchingConfig::read(root.section("watching"));
    let tekton = TektonConfig::read(root.section("tekton"), &watching);
    let triggers = triggers(&root, &security, &watching, &tekton);
    let repositories = repositories(&root, &security);
    if accounts.has_providers() && server.public_url.is_none() {
        let why = "is missing; whoever signs in elsewhere is led back to it, so it has to be exact";
        reader.error("server.public_url", None, why.to_owned());
    }
    root.finish();
    let forges = forges(&reader, &discovery, &repositories);
    let files = reader.files();
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
        watching,
        tekton,
        triggers,
        repositories,
        forges,
        files,
    };
    let (errors, variables) = reader.into_parts();
    Ok((config, errors, variables))
}

/// Those of the main file, or of the one that it names.
fn repositories(root: &Section<'_>, security: &SecurityConfig) -> Vec<RepositoryConfig> {
    let named = root.text("repositories_config");
    let inline = root.sections("repositories");
    let Some(named) = named else { return each_once(inline, security) };
    let main = root.reader();
    if !inline.is_empty() {
        let message = "names another file, and repositories stand in this one too; write all of them in one place";
        root.error("repositories_config", message);
    }
    let path = main.file().parent().unwrap_or(Path::new("")).join(named);
    let text = match main.may_read(&path).and_then(|()| text_of(&path)) {
        Ok(text) => text,
        Err(message) => {
            root.error("repositories_config", format!("{} {message}", path.display()));
            return Vec::new();
        }
    };
    let document = match document(&path, &text) {
        Ok(document) => document,
        Err(ConfigErrors(errors)) => {
            for error in errors {
                main.add(error);
            }
            return Vec::new();
        }
    };
    let reader = main.of_file(&path);
    let root = reader.root(document.as_ref().map(Document::root));
    let found = each_once(root.sections("repositories"), security);
    root.finish();
    main.take(reader);
    found
}

fn each_once(sections: Vec<Section<'_>>, security: &SecurityConfig) -> Vec<RepositoryConfig> {
    let mut repositories: Vec<RepositoryConfig> = Vec::new();
    for section in sections {
        let (place, reader) = (section.place(), section.reader());
        let Some(found) = RepositoryConfig::read(section, security) else { continue };
        if let Some(other) = repositories.iter().find(|other| other.name == found.name || other.url == found.url) {
            let message = match other.url == found.url {
                true => format!("{} ({}) stands twice; each repository once", other.name, other.url),
                false => format!("{} is called {} already; give this one another `name`", other.url, other.name),
            };
            reader.error(&place.0, place.1, message);
            continue;
        }
        repositories.push(found);
    }
    repositories
}

/// What `tekton` makes, and those of the list.
fn triggers(
    root: &Section<'_>,
    security: &SecurityConfig,
    watching: &WatchingConfig,
    tekton: &TektonConfig,
) -> Vec<ConfiguredTrigger> {
    let mut triggers: Vec<ConfiguredTrigger> = tekton.trigger().into_iter().collect();
    for section in root.sections("triggers") {
        let place = section.place();
        let Some(found) = ConfiguredTrigger::read(section, security, watching) else { continue };
        // Also where nothing makes one: lists that leave that one out know it by its name.
        if found.name == TEKTON_TRIGGER {
            let message = format!(
                "{TEKTON_TRIGGER} is the name of the trigger that tekton.event_listener_url makes; give this one another"
            );
            root.reader().error(&place.0, place.1, message);
            continue;
        }
        if let Some(other) = triggers.iter().find(|other| other.name == found.name) {
            root.reader().error(&place.0, place.1, format!("the name {} stands twice; each once", other.name));
            continue;
        }
        triggers.push(found);
    }
    triggers
}

/// Who is asked about which host.
fn forges(reader: &Reader, discovery: &DiscoveryConfig, repositories: &[RepositoryConfig]) -> Vec<ForgeConfig> {
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
        if repository.provider == Provider::Git || forges.iter().any(|forge| forge.host() == address.host) {
            continue;
        }
        // It is the operator's for this one repository: git fetches no other with its token.
        forges.push(ForgeConfig {
            token: repository.token.clone(),
            api_base_url: repository.api_base_url.clone(),
            token_key: format!("the token of the repository {}", repository.name),
            ..ForgeConfig::of_host(&address.host, repository.provider)
        });
    }
    forges
}
