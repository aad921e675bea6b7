//! What a new configuration changes, and which of it can be put in force while the program runs.

use std::collections::BTreeMap;

use entity::kind::JobKind;
use serde_json::Value;

use super::secret::told_apart;
use super::{AccountsConfig, AppConfig, Config};

/// What becomes of a new configuration while the program runs.
#[derive(Clone, Debug)]
pub struct Reloaded {
    /// What is in force from now on: what can change of the new one, and the rest of the old one.
    pub config: Config,
    /// Keys that changed.
    pub applied: Vec<String>,
    /// Keys that have another value in the file than is in force.
    pub needs_restart: Vec<String>,
}

impl Config {
    /// Puts in force of a new configuration what can change while the program runs.
    #[must_use]
    pub fn reloaded(&self, new: Self) -> Reloaded {
        let (old, wanted) = (keys(self), keys(&new));
        let mut schedules = new.schedules;
        // Mails begin and end with a restart; until then nothing asks for them.
        if self.mail.is_none() {
            schedules.switch_off(JobKind::SendMail);
        }
        let config = Self {
            app: AppConfig {
                log_level: new.app.log_level,
                samples: new.app.samples,
                max_disk_mb: new.app.max_disk_mb,
                time_zone: new.app.time_zone,
                ..self.app.clone()
            },
            accounts: AccountsConfig { audit_retention: new.accounts.audit_retention, ..self.accounts.clone() },
            server: self.server.clone(),
            telemetry: self.telemetry.clone(),
            storage: self.storage.clone(),
            mail: self.mail.clone(),
            schedules,
            scan: new.scan,
            polling: new.polling,
            security: new.security,
            charts: new.charts,
            discovery: new.discovery,
            watching: new.watching,
            tekton: new.tekton,
            triggers: new.triggers,
            repositories: new.repositories,
            forges: new.forges,
            files: new.files,
        };
        let in_force = keys(&config);
        Reloaded { applied: differences(&old, &in_force), needs_restart: differences(&in_force, &wanted), config }
    }
}

/// Every key with its value; lists are one value.
fn keys(config: &Config) -> BTreeMap<String, Value> {
    let mut keys = BTreeMap::new();
    if let Ok(Value::Object(sections)) = told_apart(|| serde_json::to_value(config)) {
        flatten("", sections, &mut keys);
    }
    // The file may say something else under the same name.
    keys.insert("charts.sources".to_owned(), config.charts.known.fingerprint().to_string().into());
    keys
}

fn flatten(above: &str, section: serde_json::Map<String, Value>, keys: &mut BTreeMap<String, Value>) {
    for (name, value) in section {
        let key = if above.is_empty() { name } else { format!("{above}.{name}") };
        match value {
            Value::Object(section) => flatten(&key, section, keys),
            value => drop(keys.insert(key, value)),
        }
    }
}

/// Keys that stand in one of the two alone, or have another value there.
fn differences(old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>) -> Vec<String> {
    let changed = new.iter().filter(|(key, value)| old.get(*key) != Some(*value)).map(|(key, _)| key);
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let mut keys: Vec<String> = changed.chain(gone).cloned().collect();
    keys.sort();
    keys
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    fn config(text: &str) -> Config {
        parse(Path::new("kubestats.yaml"), text, [].into()).unwrap()
    }

    #[test]
    fn what_can_change_is_put_in_force_and_the_rest_is_named() {
        let old = config("app: {listen: '127.0.0.1:1'}\nserver: {public_url: 'https://k.example.org'}");
        let new = config(concat!(
            "app: {listen: '127.0.0.1:2', log_level: debug}\nserver: {public_url: 'https://k.example.org', idle_timeout: 2m}\n",
            "polling: {interval: 5m}\nrepositories: [{url: 'https://h/a/b'}]\nschedules: {prune: off}\n",
            "mail: {from: k@example.org, smtp: {host: a.example}}\nsecurity: {allowed_networks: [10.0.0.0/8]}\n",
        ));
        let found = old.reloaded(new.clone());
        let applied =
            ["app.log_level", "polling.interval", "repositories", "schedules.prune", "security.allowed_networks"];
        assert_eq!(found.applied, applied);
        let needs = ["app.listen", "mail.from", "mail.smtp.encryption", "mail.smtp.host", "mail.smtp.port"];
        assert_eq!(found.needs_restart, [&needs[..], &["schedules.send-mail", "server.idle_timeout"]].concat());
        assert_eq!((found.config.app.listen.port(), found.config.app.log_level.as_str()), (1, "debug"));
        // The same again changes nothing, and still needs the restart.
        let again = found.config.reloaded(new);
        assert_eq!((again.applied, again.needs_restart.len()), (Vec::new(), 7));
        assert!(old.reloaded(old.clone()).applied.is_empty());
    }

    #[test]
    fn other_secrets_are_other_values_and_show_nowhere() {
        let with = |secret: &str| {
            config(&format!(
                "repositories: [{{url: 'https://h/a/b', token: {secret}}}]\nserver: {{metrics: {{token: {secret}-0123456789abcdef}}}}"
            ))
        };
        let found = with("one").reloaded(with("two"));
        assert_eq!(found.applied, ["repositories"]);
        assert_eq!(found.needs_restart, ["server.metrics.token"]);
        assert!(with("one").reloaded(with("one")).applied.is_empty());
        assert!(!format!("{:?}", keys(&with("hunter2"))).contains("hunter2"));
        // Only while they are told apart.
        assert!(with("one").to_yaml().unwrap().contains(crate::config::MASKED));
    }
}
