use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::report::Report;
use crate::config::{Config, ConfigErrors, DEFAULT_FILE};

const PART: &str = "configuration";

pub(super) fn report_errors(report: &mut Report, errors: &ConfigErrors) {
    for error in &errors.0 {
        report.fail(PART, error.to_string(), "mend it; `kubestats config init` writes every key with its default");
    }
}

/// What is valid, and may not be meant so.
pub(super) fn look(report: &mut Report, file: Option<&Path>, config: &Config) {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    match std::fs::metadata(path) {
        Ok(found) => {
            let count = config.repositories.len();
            report.ok(PART, format!("{}: valid, {count} repositories are named", path.display()));
            if found.permissions().mode() & 0o022 != 0 {
                let message = format!("{} can be written by others than its owner", path.display());
                report.warn(PART, message, format!("chmod go-w {}", path.display()));
            }
        }
        Err(_) => report.ok(PART, format!("the defaults and the environment; there is no {}", path.display())),
    }
    if !config.app.listen.ip().is_loopback() && config.app.allowed_hosts.is_empty() {
        let message = format!("{} is listened on, and requests for any name are answered", config.app.listen);
        report.warn(PART, message, "name those that it is reached by in app.allowed_hosts");
    }
    if !config.security.require_https {
        let message = "repositories may be fetched by plain http: who is in between can change them";
        report.warn(PART, message, "set security.require_https to true where nothing needs it");
    }
    if config.repositories.is_empty() && !config.discovery.is_on() {
        let message = "no repository is named and none is searched for: only those that people add are there";
        report.ok(PART, message);
    }
}
