//! A copy of the database in one file, and the way back. Clones are not in it: they can be fetched anew.
//!
//! SQLite is copied by `VACUUM INTO`: one statement, of one moment, while the server goes on writing. The online backup
//! would begin again with every write of another process, and takes deleted rows along. PostgreSQL is copied by its own
//! `pg_dump`.

mod postgres;
mod schema;
mod sqlite;
mod tool;

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use entity::view::Timestamp;
use store::db::{Db, DbSettings, Engine};
use store::workers;
use tempfile::NamedTempFile;

use crate::clock;
use crate::config::Config;

pub use schema::Schema;

/// Where a backup was written.
#[derive(Debug)]
pub struct Written {
    pub file: PathBuf,
    pub bytes: u64,
}

/// What a restore did.
#[derive(Debug)]
pub struct Restored {
    /// Where what was there before is now; nothing where nothing was.
    pub replaced: Option<PathBuf>,
    /// Steps by which the backup's schema was brought up to date.
    pub migrated: usize,
}

/// Copies the configured database into a file of its own; one that exists is not written over. `output` may be a folder.
///
/// # Errors
/// If the database cannot be read whole, or the file cannot be written; nothing is left of it then.
pub async fn backup(config: &Config, output: Option<&Path>) -> anyhow::Result<Written> {
    let engine = engine(config)?;
    let name = format!("{PREFIX}{}.{}", clock::now().format("%Y%m%d-%H%M%S"), ending(engine));
    let file = match output {
        None => PathBuf::from(name),
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(file) => file.to_owned(),
    };
    ensure!(!file.exists(), "{} exists; a backup takes no other's place", file.display());
    let draft = draft(&file)?;
    match engine {
        Engine::Sqlite => sqlite::copy(config, draft.path()).await?,
        Engine::Postgres => postgres::dump(config, draft.path()).await?,
    }
    let bytes = keep(draft, &file)?;
    Ok(Written { file, bytes })
}

/// Puts a backup in the place of the configured database.
///
/// # Errors
/// If a server works on the database, the file is no backup or of a newer program, something would be replaced and `replace`
/// is not set, or the database refuses. The database is then as it was.
pub async fn restore(config: &Config, file: &Path, replace: bool) -> anyhow::Result<Restored> {
    let wanted = engine(config)?;
    let found = engine_of(file)?;
    let of = |engine| if engine == Engine::Sqlite { "SQLite" } else { "PostgreSQL" };
    ensure!(
        found == wanted,
        "{} is a backup of {}, the configuration's database is of {}",
        file.display(),
        of(found),
        of(wanted)
    );
    match wanted {
        Engine::Sqlite => sqlite::restore(config, file, replace).await,
        Engine::Postgres => postgres::restore(config, file, replace).await,
    }
}

/// Names that this program gives begin so.
const PREFIX: &str = "kubestats-";

/// Backups in a folder with the time of each, oldest first.
///
/// # Errors
/// If the folder cannot be read.
pub fn list(folder: &Path) -> std::io::Result<Vec<(PathBuf, Timestamp)>> {
    list_those(folder, |_| true)
}

/// The same of a folder that holds other things: those that have names that this program gives.
///
/// # Errors
/// If the folder cannot be read.
pub fn list_own(folder: &Path) -> std::io::Result<Vec<(PathBuf, Timestamp)>> {
    let endings = [Engine::Sqlite, Engine::Postgres].map(ending);
    list_those(folder, |path| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        name.starts_with(PREFIX) && name.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending))
    })
}

fn list_those(folder: &Path, is_meant: impl Fn(&Path) -> bool) -> std::io::Result<Vec<(PathBuf, Timestamp)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // Nothing is opened that may wait for somebody, such as a pipe.
        if is_meant(&path) && path.is_file() && engine_of(&path).is_ok() {
            found.push((path.clone(), std::fs::metadata(&path)?.modified()?.into()));
        }
    }
    found.sort_by_key(|(_, time)| *time);
    Ok(found)
}

fn engine(config: &Config) -> anyhow::Result<Engine> {
    Ok(settings(config).engine()?)
}

fn settings(config: &Config) -> DbSettings {
    DbSettings::new(config.database_url().expose())
}

const fn ending(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "db",
        Engine::Postgres => "dump",
    }
}

/// What a file is a backup of, by how it begins.
fn engine_of(file: &Path) -> anyhow::Result<Engine> {
    let mut begin = [0; 16];
    let read = File::open(file)
        .and_then(|file| file.take(16).read(&mut begin))
        .with_context(|| format!("{} cannot be read", file.display()))?;
    match &begin[..read] {
        b"SQLite format 3\0" => Ok(Engine::Sqlite),
        other if other.starts_with(b"PGDMP") => Ok(Engine::Postgres),
        _ => bail!("{} is no backup: neither a SQLite database nor an archive of pg_dump", file.display()),
    }
}

/// A file beside another, for its owner alone, that goes unless it is kept.
fn draft(beside: &Path) -> anyhow::Result<NamedTempFile> {
    let folder = folder_of(beside);
    let draft = tempfile::Builder::new().prefix(".kubestats-").suffix(".partial").tempfile_in(folder);
    draft.with_context(|| format!("nothing can be written in {}", folder.display()))
}

/// Gives a finished draft its name, once it is on the disk; how large it is.
fn keep(draft: NamedTempFile, file: &Path) -> anyhow::Result<u64> {
    let context = || format!("{} cannot be written", file.display());
    // Others have written into it by its name.
    let written = File::open(draft.path()).with_context(context)?;
    written.sync_all().with_context(context)?;
    let bytes = written.metadata().with_context(context)?.len();
    draft.persist_noclobber(file).map_err(|error| error.error).with_context(context)?;
    sync_folder(file).with_context(context)?;
    Ok(bytes)
}

/// Makes a new name as lasting as what it names.
fn sync_folder(of: &Path) -> std::io::Result<()> {
    File::open(folder_of(of))?.sync_all()
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses while a process works on the database.
async fn refuse_at_work(db: &Db) -> anyhow::Result<()> {
    let now = clock::now();
    let alive = workers::list_workers(&db.read, now).await?.into_iter().find(|worker| worker.alive);
    let Some(worker) = alive else { return Ok(()) };
    let ago = (now - worker.seen_at).num_seconds().max(0);
    bail!(
        "a server ({}, process {} on {}) works on this database, it was seen {ago} s ago: stop it; where it was killed, wait a \
         minute",
        worker.role,
        worker.pid,
        worker.host
    )
}
