//! `kubestats import-reposentry`: converts a configuration of RepoSentry, and says of every key that changes why.

mod convert;
mod leaves;
mod tokens;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{environment, private_file};
use crate::config::{ConfigErrors, DEFAULT_FILE, Environment, parse};

use convert::{Converted, Note};

/// What `import-reposentry` takes.
#[derive(Args)]
pub struct ImportArgs {
    /// RepoSentry's main configuration
    file: PathBuf,
    /// Where Kubestats' is written
    #[arg(long, short, default_value = DEFAULT_FILE, value_name = "FILE")]
    output: PathBuf,
    /// Write tokens that stand in clear there into this file, for you alone to read
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
    /// Print the result and write nothing
    #[arg(long, conflicts_with = "env_file")]
    dry_run: bool,
}

pub(super) fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let mut converted = convert::convert(&args.file)?;
    let left = still_wrong(args, &converted);
    let mut out = std::io::stdout().lock();
    converted.notes.sort_by_key(|note| (note.file != args.file.display().to_string(), note.line));
    for note in &converted.notes {
        tell(&mut out, note)?;
    }
    writeln!(out, "{} keys are taken over as they stand", converted.taken)?;
    if args.dry_run {
        write!(out, "{}", converted.text)?;
    } else {
        private_file::write(&args.output, &converted.text, args.force)?;
        writeln!(out, "wrote {}", args.output.display())?;
    }
    if let Some(path) = &args.env_file {
        private_file::write_private(path, &converted.tokens.env_file(), args.force)?;
        writeln!(out, "wrote {} with tokens in clear, for you alone to read", path.display())?;
    }
    for (file, line, key, name) in converted.tokens.places() {
        writeln!(out, "{file}:{line}: {key}: the token stands in clear; the environment has to hold it as {name}")?;
    }
    if let Err(errors) = left {
        for error in &errors.0 {
            writeln!(out, "{error}")?;
        }
        anyhow::bail!("{} things are left for you to mend, as told above", errors.0.len());
    }
    Ok(())
}

/// What Kubestats says of the result, every variable being set.
fn still_wrong(args: &ImportArgs, converted: &Converted) -> Result<(), ConfigErrors> {
    let mut environment: Environment = environment();
    // What overrides keys here is not part of the file.
    environment.retain(|name, _| !name.starts_with("KUBESTATS_") && name != "DATABASE_URL");
    for name in &converted.variables {
        environment.entry(name.clone()).or_insert_with(|| "set-later".to_owned());
    }
    parse(&args.output, &converted.text, environment).map(drop)
}

fn tell(out: &mut impl std::io::Write, note: &Note) -> std::io::Result<()> {
    let Note { file, line, key, what, why } = note;
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    let printable: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    writeln!(out, "{file}{line}: {key}: {}: {printable}", what.word())
}

/// The text of a file, of a size that configurations have.
fn read(path: &Path) -> anyhow::Result<String> {
    use std::io::Read as _;

    use anyhow::Context as _;

    const MOST_BYTES: u64 = 4 << 20;
    let context = || format!("{} cannot be read", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(context)?;
    file.take(MOST_BYTES + 1).read_to_string(&mut text).with_context(context)?;
    anyhow::ensure!(text.len() as u64 <= MOST_BYTES, "{} has more than {MOST_BYTES} bytes", path.display());
    Ok(text)
}
