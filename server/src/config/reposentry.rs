//! Every key of RepoSentry's configuration, and what becomes of it here: `docs/reposentry.md` shows this table, and a test holds
//! it against what is read.

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does what its name says; how, where that has to be said.
    Honoured(&'static str),
    /// It is refused, with a sentence that says what to write in its place.
    Refused(&'static str),
}

/// A key, a value that somebody may have written, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// As paths are told in errors; `[]` stands for each entry of a list.
    pub key: &'static str,
    /// Another value than the default.
    pub sample: &'static str,
    pub fate: Fate,
}

const fn honoured(key: &'static str, sample: &'static str, how: &'static str) -> Key {
    Key { key, sample, fate: Fate::Honoured(how) }
}

const fn refused(key: &'static str, sample: &'static str, instead: &'static str) -> Key {
    Key { key, sample, fate: Fate::Refused(instead) }
}

const NAME: &str = "the program has no other name than kubestats; leave it out (OTEL_SERVICE_NAME names it in traces)";
const LOG_FILE: &str = "logs go to standard error, where systemd, a container or `2>>file` keep them; leave it out, and \
                        read them by journalctl -u kubestats";
const PORT: &str = "pages, REST and health have one address; write app.listen, such as 0.0.0.0:8080";
const RATE_LIMIT: &str = "forges tell with every answer how much may still be asked, and Kubestats keeps within that by \
                          host and token; leave it out";
const GLOBAL: &str = "defaults of all repositories stand in the main file; leave it out, and write polling.interval there, \
                      enabled at a repository, or triggers";

/// In the order of RepoSentry's own documents.
pub const KEYS: &[Key] = &[
    refused("app.name", "reposentry", NAME),
    honoured("app.log_level", "debug", "also at a reload"),
    honoured("app.log_format", "json", "`auto` as well: text on a terminal, else JSON"),
    refused("app.log_file", "./logs/reposentry.log", LOG_FILE),
    refused("app.log_file_rotation", "{max_size: 100}", LOG_FILE),
    refused("app.health_check_port", "8080", PORT),
    honoured("app.data_dir", "./other", "the database is `kubestats.db` there, and clones lie beside it"),
    honoured(
        "polling.interval",
        "5m",
        "from `1m` to `30d`, also where RepoSentry took less; where none is set, half the age of the last commit",
    ),
    honoured(
        "polling.timeout",
        "11m",
        "of a list of branches, and of each question to an API; a fetch may take 10 minutes all the same",
    ),
    honoured("polling.max_workers", "5", "jobs at once"),
    honoured("polling.batch_size", "10", "syncs that are queued at a time; nothing is skipped, the rest follows"),
    honoured("polling.enable_api_fallback", "false", "on where it is not set, and with the repository's token"),
    honoured("polling.retry_attempts", "5", "how often a sync that failed is tried again soon; then at its next time"),
    honoured("polling.retry_backoff", "2s", "before the first of them; each wait is twice as long as the one before"),
    honoured("storage.type", "postgres", "`sqlite` or `postgres`; anything else is refused"),
    honoured("storage.sqlite.path", "./other.db", "RepoSentry's own database is not read"),
    honoured("storage.sqlite.max_connections", "11", "readers; SQLite has one writer"),
    honoured("storage.sqlite.connection_timeout", "31s", "for a free connection, and for the lock"),
    honoured(
        "tekton.event_listener_url",
        "http://el-reposentry-standard-eventlistener.reposentry-system.svc:8080",
        "makes the trigger `tekton`; without it nobody is told, and the program starts all the same",
    ),
    honoured("tekton.system_namespace", "other-system", "of `kubestats bootstrap render`"),
    honoured("tekton.bootstrap_pipeline", "other-pipeline", "of `kubestats bootstrap render`"),
    honoured("tekton.timeout", "11s", "of an attempt"),
    honoured("tekton.retry_attempts", "4", "after the first attempt; where neither is set, `watching.retry_waits`"),
    honoured("tekton.retry_backoff", "2s", "before the first of them; each wait is twice as long as the one before"),
    honoured(
        "tekton.headers",
        "{X-Team: platform}",
        "sent with every event, beside `X-Source: reposentry`; a `Content-Type` other than `application/json` is refused",
    ),
    refused("rate_limit.github.requests_per_hour", "4000", RATE_LIMIT),
    refused("rate_limit.github.burst", "10", RATE_LIMIT),
    refused("rate_limit.gitlab.requests_per_second", "8", RATE_LIMIT),
    refused("rate_limit.gitlab.burst", "5", RATE_LIMIT),
    honoured(
        "security.allowed_env_vars",
        "[ONLY_THIS]",
        "in both files; `*_SECRET` is allowed as well where none is set",
    ),
    honoured("security.require_https", "false", "`true` where it is not set, and asked of every repository's URL"),
    honoured(
        "repositories_config",
        "repositories.yaml",
        "relative to the main file; refused where that has `repositories` too, which RepoSentry dropped without a word",
    ),
    honoured("repositories[].name", "team/app", "`owner/name` of the URL where none is set"),
    honoured("repositories[].url", "https://github.com/team/app", "https, unless `security.require_https` is false"),
    honoured("repositories[].provider", "gitlab", "`github`, `gitlab`, `forgejo`, `git`; by the URL where none is set"),
    honoured(
        "repositories[].token",
        "${APP_TOKEN}",
        "not needed for what is public; a variable that is unset is an error",
    ),
    honoured(
        "repositories[].branch_regex",
        "^main$",
        "watches the branches that it matches, anywhere in their names; without it none is watched",
    ),
    honoured("repositories[].enabled", "false", "in both files; `true` where none is set"),
    honoured("repositories[].polling_interval", "5m", "from `1m` to `30d`, and obeyed"),
    honoured("repositories[].api_base_url", "https://ghe.example.org/api/v3", "of GitHub Enterprise and others"),
    refused("global_settings.default_polling_enabled", "true", GLOBAL),
    refused("global_settings.default_webhook_enabled", "true", GLOBAL),
    refused("global_settings.default_branch_protection", "true", GLOBAL),
];

/// Keys that only RepoSentry's documents, chart and tests have.
const OTHERS: &[(&str, &str)] = &[
    ("tekton.namespace", "write tekton.system_namespace"),
    ("tekton_integration", "write tekton, whose event_listener_url says whom to tell"),
    ("monitoring", "write server.metrics"),
    ("api", "write app.listen, such as 0.0.0.0:8080"),
];

/// Why a key is refused that RepoSentry has, and what to write in its place.
pub(super) fn refusal(path: &str) -> Option<&'static str> {
    let same = |key: &str| key == path || key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    let of_table = KEYS.iter().find_map(|key| match key.fate {
        Fate::Refused(sentence) if same(key.key) => Some(sentence),
        _ => None,
    });
    of_table.or_else(|| OTHERS.iter().find(|(key, _)| *key == path).map(|(_, sentence)| *sentence))
}

/// The table, as `docs/reposentry.md` has it.
#[must_use]
pub fn table() -> String {
    let mut text = "| Key | | |\n|---|---|---|\n".to_owned();
    for Key { key, fate, .. } in KEYS {
        let (word, what) = match fate {
            Fate::Honoured(how) => ("honoured", how),
            Fate::Refused(instead) => ("refused", instead),
        };
        text.push_str(&format!("| `{key}` | {word} | {what} |\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, ConfigErrors, parse};

    /// A file with one key.
    fn with(key: &str, value: &str) -> String {
        if let Some(field) = key.strip_prefix("repositories[].") {
            let url = if field == "url" { "" } else { "url: https://github.com/owner/name, " };
            return format!("repositories: [{{{url}{field}: {}}}]", quoted(value));
        }
        let parts: Vec<&str> = key.split('.').collect();
        let close = "}".repeat(parts.len());
        format!("{{{}: {}{close}", parts.join(": {"), quoted(value))
    }

    fn quoted(value: &str) -> String {
        if value.starts_with(['{', '[']) { value.to_owned() } else { format!("'{value}'") }
    }

    fn read(folder: &Path, text: &str) -> Result<Config, ConfigErrors> {
        let environment = [("APP_TOKEN".to_owned(), "secret".to_owned())];
        let others = [("DATABASE_URL".to_owned(), "postgres://u:p@h/d".to_owned())];
        let environment = match text.contains("postgres") {
            true => environment.into_iter().chain(others).collect(),
            false => environment.into(),
        };
        parse(&folder.join("kubestats.yaml"), text, environment)
    }

    #[test]
    fn every_key_of_reposentry_is_honoured_or_refused_with_what_to_write_instead() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("repositories.yaml"), "repositories: [{url: 'https://h/a/b'}]").unwrap();
        let none = read(folder.path(), "").unwrap().to_yaml().unwrap();
        let usual = read(folder.path(), "repositories: [{url: 'https://github.com/owner/name'}]");
        let usual = usual.unwrap().to_yaml().unwrap();
        for Key { key, sample, fate } in KEYS {
            let text = with(key, sample);
            match (fate, read(folder.path(), &text)) {
                (Fate::Honoured(_), Ok(config)) => {
                    let shown = config.to_yaml().unwrap();
                    assert!(shown != none && shown != usual, "{key} changes nothing: {text}");
                }
                (Fate::Refused(sentence), Err(errors)) => {
                    let told = errors.to_string();
                    assert!(told.contains(sentence) && errors.0.len() == 1, "{key}: {told}");
                }
                (fate, found) => panic!("{key} is {fate:?}, and {text} is {found:?}"),
            }
        }
        for (key, sentence) in OTHERS {
            let told = read(folder.path(), &with(key, "x")).unwrap_err().to_string();
            assert!(told.contains(sentence), "{key}: {told}");
        }
    }

    #[test]
    fn the_documentation_has_the_table() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reposentry.md");
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(&table()), "docs/reposentry.md should have:\n{}", table());
    }
}
