use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

use super::{ConfigCommand, Format, environment};
use crate::config::{DEFAULT_FILE, TEMPLATE, load};

#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub(super) fn run(file: Option<PathBuf>, command: &ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Init { file, force } => {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true).create_new(!force);
            let mut target = options.open(file).with_context(|| {
                format!("{} cannot be written (--force overwrites a file that exists)", file.display())
            })?;
            target.write_all(TEMPLATE.as_bytes())?;
            println!("wrote {}", file.display());
        }
        ConfigCommand::Show { format } => {
            let config = load(file.as_deref(), environment())?;
            match format {
                Format::Table => print!("{}", config.to_yaml()?),
                Format::Json => println!("{}", serde_json::to_string_pretty(&config)?),
            }
        }
        ConfigCommand::Validate => {
            let config = load(file.as_deref(), environment())?;
            let name = file.unwrap_or_else(|| DEFAULT_FILE.into());
            let from = if name.exists() { name.display().to_string() } else { "the defaults".to_owned() };
            println!("{from}: valid, {} repositories", config.repositories.len());
        }
    }
    Ok(())
}
