use std::io::Write as _;
use std::path::Path;

use clap::Subcommand;
use serde_json::{Value, json};

use super::ask::{Server, ServerArgs, shown};
use super::table::Table;
use super::{Format, TextFormat};

/// No page has more.
const MOST_OF_PAGE: u64 = 1_000;

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
            let server = Server::find(server, file)?;
            let data =
                all(|offset| server.data(&["api", "repositories"], &[("limit", MOST_OF_PAGE), ("offset", offset)]))?;
            match format {
                Format::Json => writeln!(out, "{data:#}")?,
                Format::Table => list(&mut out, &data)?,
            }
        }
        RepoCommand::Show { name, server, format } => {
            let server = Server::find(server, file)?;
            let mut repository = server.data(&["api", "repositories", name], &[])?;
            repository["status"] = server.data(&["api", "v1", "repositories", name, "status"], &[])?;
            match format {
                TextFormat::Json => writeln!(out, "{repository:#}")?,
                TextFormat::Text => show(&mut out, &repository, "")?,
            }
        }
    }
    Ok(())
}

/// Every page, as one.
fn all(mut page: impl FnMut(u64) -> anyhow::Result<Value>) -> anyhow::Result<Value> {
    let mut repositories = Vec::new();
    loop {
        let mut data = page(repositories.len() as u64)?;
        let total = data["total"].as_u64().unwrap_or_default();
        let found = data["repositories"].as_array_mut().map(std::mem::take).unwrap_or_default();
        let is_last = found.is_empty();
        repositories.extend(found);
        // Some may have gone between two pages.
        if is_last || repositories.len() as u64 >= total {
            return Ok(json!({ "total": total, "repositories": repositories }));
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_longer_than_a_page_are_told_to_their_end() {
        let pages = |there: u64, told: u64| {
            move |offset: u64| {
                let page: Vec<u64> = (offset..there.min(offset + MOST_OF_PAGE)).collect();
                Ok(json!({ "total": told, "repositories": page }))
            }
        };
        for count in [0, 1, 1_000, 1_001, 2_500] {
            let found = all(pages(count, count)).unwrap();
            let expected: Vec<u64> = (0..count).collect();
            assert_eq!(found, json!({ "total": count, "repositories": expected }));
        }
        // What goes meanwhile is not waited for.
        assert_eq!(all(pages(1_500, 1_501)).unwrap()["repositories"].as_array().unwrap().len(), 1_500);
        let broken = all(|offset| match offset {
            0 => Ok(json!({ "total": 2, "repositories": [1] })),
            _ => anyhow::bail!("away"),
        });
        assert_eq!(broken.unwrap_err().to_string(), "away");
    }
}
