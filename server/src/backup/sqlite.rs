use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use migration::{Migrator, MigratorTrait as _};
use store::db::{Db, DbSettings};
use store::maintenance;

use super::{Restored, Schema, draft, refuse_at_work, settings, sync_folder};
use crate::config::Config;
use crate::start;

pub(super) async fn copy(config: &Config, into: &Path) -> anyhow::Result<()> {
    let path = config.sqlite_path();
    ensure!(path.exists(), "{} is not there: there is no database to back up", path.display());
    let db = Db::open_existing(&settings(config), true).await.context("the database cannot be opened")?;
    let copied = maintenance::copy_into(&db, into).await.context("the database cannot be copied");
    db.close().await?;
    copied?;
    let copy = Db::open_existing(&at(into), false).await?;
    let checked = check(&copy, "the database").await;
    copy.close().await?;
    checked.map(|_| ())
}

pub(super) async fn restore(config: &Config, file: &Path, replace: bool) -> anyhow::Result<Restored> {
    let path = config.sqlite_path();
    start::make_private(super::folder_of(&path))?;
    let _lock = start::lock(&config.app.data_dir)?;
    let before = with_ending(&path, ".before-restore");
    let exists = path.exists();
    if exists {
        ensure!(
            replace,
            "{} exists; --yes puts the backup in its place and keeps it as {}",
            path.display(),
            before.display()
        );
        ensure!(
            !before.exists(),
            "{} is there from an earlier restore; move it elsewhere or remove it first",
            before.display()
        );
        set_aside_log(config).await?;
    }
    // Beside the database, so that taking its place is one step.
    let draft = draft(&path)?;
    fs::copy(file, draft.path()).with_context(|| format!("{} cannot be copied", file.display()))?;
    let copy =
        Db::open_existing(&at(draft.path()), true).await.context("the backup is damaged, or cannot be opened")?;
    let brought = bring_up_to_date(&copy, file).await;
    copy.close().await?;
    let migrated = brought?;
    fs::File::open(draft.path())?.sync_all()?;

    if exists {
        // The database keeps its name until the backup takes it.
        fs::hard_link(&path, &before).or_else(|_| fs::rename(&path, &before))?;
        for log in ["-wal", "-shm"] {
            let (log_file, kept) = (with_ending(&path, log), with_ending(&before, log));
            // One that an earlier restore left is of another database, which this one would be taken for.
            if kept.exists() {
                fs::remove_file(&kept)?;
            }
            if log_file.exists() {
                fs::rename(&log_file, kept)?;
            }
        }
    }
    draft
        .persist(&path)
        .map_err(|error| error.error)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    sync_folder(&path)?;
    Ok(Restored { replaced: exists.then_some(before), migrated })
}

/// Folds the write-ahead log into the database that is about to be replaced, which is to be whole where it is kept. One that
/// is too damaged for that is kept with its log.
async fn set_aside_log(config: &Config) -> anyhow::Result<()> {
    let Ok(db) = Db::open_existing(&settings(config), true).await else { return Ok(()) };
    // The lock of the data directory says that no server runs; a server elsewhere may have the same file.
    let at_work = match maintenance::applied_migrations(&db).await {
        Ok(Some(applied)) if Schema::of(&applied) == Schema::default() => refuse_at_work(&db).await,
        _ => Ok(()),
    };
    db.close().await?;
    at_work
}

async fn bring_up_to_date(db: &Db, file: &Path) -> anyhow::Result<usize> {
    let what = file.display().to_string();
    let schema = check(db, &what).await?;
    schema.check(&what)?;
    if !schema.pending.is_empty() {
        Migrator::up(&db.write, None)
            .await
            .with_context(|| format!("the schema of {what} cannot be brought up to date"))?;
    }
    Ok(schema.pending.len())
}

/// Whether a file is a sound database of ours; its schema.
async fn check(db: &Db, what: &str) -> anyhow::Result<Schema> {
    let damage = maintenance::find_damage(db).await.with_context(|| format!("{what} is damaged"))?;
    ensure!(damage.is_empty(), "{what} is damaged: {}", damage.join("; "));
    let applied = maintenance::applied_migrations(db).await?.unwrap_or_default();
    ensure!(!applied.is_empty(), "{what} is no database of Kubestats");
    Ok(Schema::of(&applied))
}

fn at(path: &Path) -> DbSettings {
    DbSettings::new(format!("sqlite://{}", path.display()))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
