use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::config::ValidateArgs;
use super::doctor::{self, Report, State};
use super::{TextFormat, environment};
use crate::config::{Config, ConfigErrors, DEFAULT_FILE, VariableState, check_env, load};

/// Says whether a configuration is valid and, where that is asked for, whether what it names is there.
pub(super) fn run(file: Option<PathBuf>, args: &ValidateArgs) -> anyhow::Result<()> {
    let read = load(file.as_deref(), environment());
    let mut report = Report::default();
    if args.check_env {
        look_at_variables(&mut report, file.as_deref());
    }
    if let (true, Ok(config)) = (args.check_connections, &read) {
        doctor::look_at_connections(&mut report, config)?;
    }
    let name = file.unwrap_or_else(|| DEFAULT_FILE.into());
    match args.format {
        TextFormat::Text => tell(&name, &read, &report)?,
        TextFormat::Json => tell_json(&name, &read, &report)?,
    }
    let failed = report.count(State::Fail);
    match read {
        // They are told already where a program reads.
        Err(errors) if args.format == TextFormat::Json => anyhow::bail!("{} things are wrong", errors.0.len()),
        Err(errors) => Err(errors.into()),
        Ok(_) => {
            anyhow::ensure!(failed == 0, "{failed} of {} things that were looked at are wrong", report.len());
            Ok(())
        }
    }
}

/// Every `${NAME}` that the files have, whatever else may be wrong with them.
fn look_at_variables(report: &mut Report, file: Option<&Path>) {
    const PART: &str = "environment";
    // What is no YAML is told as such.
    let Ok(variables) = check_env(file, environment()) else { return };
    if variables.is_empty() {
        return report.ok(PART, "no variable is named");
    }
    for variable in variables {
        let line = variable.line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = format!("{}{line}: {}", variable.file, variable.key);
        let name = variable.name;
        match variable.state {
            VariableState::Set => report.ok(PART, format!("{place}: {name} is set")),
            VariableState::Unset => {
                report.fail(PART, format!("{place}: {name} is not set"), "set it in the environment of the program");
            }
            VariableState::NotAllowed => {
                let advice = "add it to security.allowed_env_vars, if it is meant";
                report.fail(PART, format!("{place}: {name} may not be used here"), advice);
            }
        }
    }
}

fn from(name: &Path) -> String {
    if name.exists() { name.display().to_string() } else { "the defaults".to_owned() }
}

fn tell(name: &Path, read: &Result<Config, ConfigErrors>, report: &Report) -> std::io::Result<()> {
    if let Ok(config) = read {
        let count = config.repositories.len();
        writeln!(std::io::stdout(), "{}: valid, {count} repositories", from(name))?;
    }
    report.write(super::Format::Table)
}

fn tell_json(name: &Path, read: &Result<Config, ConfigErrors>, report: &Report) -> std::io::Result<()> {
    let none = Vec::new();
    let errors = read.as_ref().map_or_else(|errors| &errors.0, |_| &none);
    let told = serde_json::json!({
        "valid": read.is_ok(),
        "file": from(name),
        "repositories": read.as_ref().ok().map(|config| config.repositories.len()),
        "errors": errors,
        "checks": report,
    });
    writeln!(std::io::stdout(), "{told:#}")
}
