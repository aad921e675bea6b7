//! PostgreSQL's own programs. What they need to know of the database, its password above all, goes by the environment, which
//! other users of the machine cannot read; arguments they can.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, bail, ensure};
use percent_encoding::percent_decode_str;
use url::Url;

/// Lines of what a program says that are handed on.
const SAID_LINES: usize = 10;

/// A program that belongs to PostgreSQL, and the database that it is to work on.
pub(super) struct Tool {
    name: &'static str,
    program: PathBuf,
    /// 17 for 17.2.
    pub major: u32,
    environment: Vec<(&'static str, String)>,
}

impl Tool {
    /// The program of the server's version where Debian keeps them side by side, else the one on PATH.
    pub(super) fn find(name: &'static str, server: u32, url: &str) -> anyhow::Result<Self> {
        let of_version = Path::new("/usr/lib/postgresql").join(server.to_string()).join("bin").join(name);
        let program = if of_version.is_file() { of_version } else { name.into() };
        let how = format!(
            "install PostgreSQL's client of version {server} (Debian: postgresql-client-{server}), or run this where it is"
        );
        let output = match Command::new(&program).arg("--version").stdin(Stdio::null()).output() {
            Ok(output) => output,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!("{name} is not on PATH: {how}")
            }
            Err(error) => return Err(error).with_context(|| format!("{name} cannot be started: {how}")),
        };
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        let major = major(&version).with_context(|| format!("{name} does not tell its version but {version:?}"))?;
        ensure!(major >= server, "{name} is of version {major} and cannot work with PostgreSQL {server}: {how}");
        Ok(Self { name, program, major, environment: environment(url)? })
    }

    /// Runs the program to its end; what it wrote to its standard output.
    pub(super) async fn run(&self, arguments: &[&str], file: &Path) -> anyhow::Result<Vec<u8>> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg(file).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let name = self.name;
        let output = tokio::task::spawn_blocking(move || command.output()).await?;
        let output = output.with_context(|| format!("{name} cannot be started"))?;
        ensure!(output.status.success(), "{name} failed: {}", said(&output));
        Ok(output.stdout)
    }

    /// The name of the database.
    pub(super) fn database(&self) -> &str {
        let database = self.environment.iter().find(|(name, _)| *name == "PGDATABASE");
        database.map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

/// The last lines that a program said.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(SAID_LINES)..].join("; ")
}

/// `pg_dump (PostgreSQL) 17.2 (Debian 17.2-1)`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What PostgreSQL's programs call the parts of a database's address.
fn environment(url: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
    // The address itself is not told: it has the password in it.
    let url = Url::parse(url).ok().context("the database's address cannot be read")?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut found: Vec<(&'static str, String)> = Vec::new();
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        found.push(("PGHOST", decoded(host.trim_matches(['[', ']']))));
    }
    if let Some(port) = url.port() {
        found.push(("PGPORT", port.to_string()));
    }
    if !url.username().is_empty() {
        found.push(("PGUSER", decoded(url.username())));
    }
    if let Some(password) = url.password() {
        found.push(("PGPASSWORD", decoded(password)));
    }
    let database = url.path().trim_start_matches('/');
    if !database.is_empty() {
        found.push(("PGDATABASE", decoded(database)));
    }
    for (key, value) in url.query_pairs() {
        let name = match key.as_ref() {
            "host" => "PGHOST",
            "hostaddr" => "PGHOSTADDR",
            "port" => "PGPORT",
            "user" => "PGUSER",
            "password" => "PGPASSWORD",
            "dbname" => "PGDATABASE",
            "sslmode" | "ssl-mode" => "PGSSLMODE",
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => "PGSSLROOTCERT",
            "sslcert" | "ssl-cert" => "PGSSLCERT",
            "sslkey" | "ssl-key" => "PGSSLKEY",
            "options" => "PGOPTIONS",
            _ => continue,
        };
        found.retain(|(other, _)| *other != name);
        found.push((name, value.into_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        assert_eq!(major("pg_dump (PostgreSQL) 17.2 (Debian 17.2-1.pgdg120+1)"), Some(17));
        assert_eq!(major("pg_restore (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("pg_dump"), None);
    }

    #[test]
    fn addresses_are_told_part_by_part() {
        let told =
            environment("postgres://ada:p%40ss@[::1]:5433/stats?sslmode=verify-full&sslrootcert=/ca.pem").unwrap();
        for part in [
            ("PGHOST", "::1"),
            ("PGPORT", "5433"),
            ("PGUSER", "ada"),
            ("PGPASSWORD", "p@ss"),
            ("PGDATABASE", "stats"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/ca.pem"),
        ] {
            assert!(told.contains(&(part.0, part.1.to_owned())), "{part:?} is not in {told:?}");
        }
        let told = environment("postgres:///stats?host=/run/postgresql&user=ada").unwrap();
        assert!(told.contains(&("PGHOST", "/run/postgresql".to_owned())) && told.len() == 3, "{told:?}");
    }

    #[test]
    fn a_program_that_is_too_old_or_not_there_is_told_with_the_way_to_it() {
        let missing = Tool::find("pg_nothing", 17, "postgres://h/d").err().unwrap().to_string();
        assert!(missing.contains("not on PATH") && missing.contains("postgresql-client-17"), "{missing}");
        let old = Tool::find("pg_dump", 99, "postgres://h/d").err().unwrap().to_string();
        assert!(old.contains("PostgreSQL 99") || old.contains("not on PATH"), "{old}");
    }
}
