use std::io::Write as _;
use std::path::Path;

use clap::Subcommand;
use serde_json::Value;

use super::ask::{Server, ServerArgs, shown};
use super::table::Table;
use super::{Format, TextFormat};

/// What `repo` does.
#[derive(Subcommand)]
pub enum RepoCommand {
    /// List the repositories whose branches are watched
    List {
        #[command(flatten)]
        server: ServerArgs,
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Tell all of one
    Show {
        /// As the list names it, such as owner/name
        name: String,
        #[command(flatten)]
        server: ServerArgs,
        #[arg(long, value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
    },
}

pub(super) fn run(file: Option<&Path>, command: &RepoCommand) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match command {
        RepoCommand::List { server, format } => {
            let data = Server::find(server, file)?.data(&["api", "repositories"])?;
            match format {
                Format::Json => writeln!(out, "{data:#}")?,
                Format::Table => list(&mut out, &data)?,
            }
        }
        RepoCommand::Show { name, server, format } => {
            let server = Server::find(server, file)?;
            let mut repository = server.data(&["api", "repositories", name])?;
            repository["status"] = server.data(&["api", "v1", "repositories", name, "status"])?;
            match format {
                TextFormat::Json => writeln!(out, "{repository:#}")?,
                TextFormat::Text => show(&mut out, &repository, "")?,
            }
        }
    }
    Ok(())
}

fn list(out: &mut impl std::io::Write, data: &Value) -> std::io::Result<()> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut table = Table::new(&["name", "provider", "branches", "interval", "address"]);
    for repository in data["repositories"].as_array().into_iter().flatten() {
        let pattern = repository["branch_regex"].as_str().filter(|pattern| !pattern.is_empty()).unwrap_or("all");
        table.row([
            text(&repository["name"]),
            text(&repository["provider"]),
            pattern.to_owned(),
            text(&repository["polling_interval"]),
            text(&repository["url"]),
        ]);
    }
    table.write(out, &format!("{} repositories are watched", data["total"]), usize::MAX)
}

/// Each field on a line of its own, nothing left out.
fn show(out: &mut impl std::io::Write, value: &Value, above: &str) -> std::io::Result<()> {
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match value {
            Value::Object(_) => show(out, value, &name)?,
            Value::Null => writeln!(out, "{name:<28} -")?,
            Value::String(text) => writeln!(out, "{name:<28} {}", shown(text))?,
            other => writeln!(out, "{name:<28} {other}")?,
        }
    }
    Ok(())
}
