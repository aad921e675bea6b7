//! The database and the data directory, made ready before anything works with them.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use auth::seal::Keys;
use migration::{Migrator, MigratorTrait as _};
use store::db::{DataError, Db, DbSettings};
use store::queue::JobQueue;
use store::repositories;

use super::repositories::{Occasion, pin};
use crate::config::Config;

/// How long a database that others keep busy is waited for at start: a step of the schema that waits for a lock gives up after
/// [`LOCK_WITHIN`](store::db::LOCK_WITHIN), lets those pass that wait behind it, and is tried again.
const PATIENCE: Duration = Duration::from_mins(5);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Connects to the configured database, its directory made if need be.
///
/// # Errors
/// If the directory or the database cannot be had.
pub async fn connect(config: &Config) -> anyhow::Result<Db> {
    if config.storage.engine == "sqlite"
        && let Some(folder) = config.sqlite_path().parent()
    {
        make_private(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let mut settings = DbSettings::new(config.database_url().expose());
    settings.max_connections = config.storage.max_connections;
    settings.acquire_timeout = config.storage.connection_timeout;
    settings.busy_timeout = config.storage.connection_timeout;
    settings.read_urls = config.storage.postgres_read_urls.iter().map(|url| url.expose().to_owned()).collect();
    Db::connect(&settings).await.context("the database cannot be opened")
}

/// Brings the schema up to date, once whoever else does so, or holds what a step needs, is done.
///
/// # Errors
/// If the database refuses, or stays too busy for too long.
pub async fn migrate(db: &Db) -> anyhow::Result<()> {
    patiently(PATIENCE, async || {
        let turn = db.take_turn().await?;
        up(db).await?;
        drop(turn);
        Ok(())
    })
    .await
}

async fn up(db: &Db) -> anyhow::Result<()> {
    let migrated = Migrator::up(&db.write, None).await.map_err(DataError::from);
    migrated.context("the database schema cannot be brought up to date")
}

/// Brings the schema and what the configuration names into the database.
///
/// # Errors
/// If the database refuses, or stays too busy for too long.
pub(super) async fn prepare(config: &Config, db: &Db, queue: &JobQueue, keys: &Keys) -> anyhow::Result<()> {
    patiently(PATIENCE, async || {
        // Processes that start at the same time prepare the database one after the other.
        let turn = db.take_turn().await?;
        up(db).await?;
        repositories::reset_interrupted(&db.write).await?;
        pin(config, db, queue, keys, Occasion::Start).await?;
        drop(turn);
        Ok(())
    })
    .await
}

/// Tries again what others got in the way of: processes that are at work hold rows that a start has to change.
pub(super) async fn patiently(patience: Duration, attempt: impl AsyncFn() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let Err(error) = attempt().await else { return Ok(()) };
        wait_for_others(error, began, patience).await?;
    }
}

/// Waits a while, where the error says that others got in the way and there is patience left.
///
/// # Errors
/// The error itself, otherwise.
pub(super) async fn wait_for_others(error: anyhow::Error, began: Instant, patience: Duration) -> anyhow::Result<()> {
    let passes = error.chain().filter_map(|cause| cause.downcast_ref::<DataError>()).any(DataError::is_transient);
    if !passes || began.elapsed() >= patience {
        return Err(error);
    }
    tracing::warn!(error = %format!("{error:#}"), "the database is not ready; trying again");
    tokio::time::sleep(PAUSE).await;
    Ok(())
}

/// A directory, if there is none yet, that is nobody else's to read: private repositories lie in it.
pub(crate) fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Two programs on one data directory would fetch into the same clones.
pub(crate) fn lock(data_dir: &Path) -> anyhow::Result<File> {
    let context = || format!("app.data_dir {} cannot be used", data_dir.display());
    make_private(data_dir).with_context(context)?;
    let file = File::create(data_dir.join("kubestats.lock")).with_context(context)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => anyhow::bail!("{}: another kubestats is running on it", context()),
        Err(std::fs::TryLockError::Error(error)) => Err(error).with_context(context),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn data_is_nobody_elses_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/data");
        make_private(&data).unwrap();
        assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
        // One that is there stays as somebody made it.
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o750)).unwrap();
        make_private(&data).unwrap();
        assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o750);
    }

    #[test]
    fn a_step_of_the_schema_that_waited_for_a_lock_in_vain_is_tried_again() {
        assert!(PATIENCE >= store::db::LOCK_WITHIN * 3);
    }

    #[tokio::test]
    async fn a_start_waits_for_a_busy_database_and_for_nothing_else() {
        let tries = AtomicU32::new(0);
        let third_time = async || match tries.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err(DataError::StaleBatch { repository: uuid::Uuid::nil(), expected: None, stored: None }.into()),
            _ => Ok(()),
        };
        patiently(PATIENCE, third_time).await.unwrap();
        assert_eq!(tries.load(Ordering::Relaxed), 3);
        let broken = async || {
            tries.fetch_add(1, Ordering::Relaxed);
            Err(DataError::UnknownEngine { scheme: "mysql".to_owned() }).context("at start")
        };
        assert!(patiently(PATIENCE, broken).await.unwrap_err().to_string().contains("at start"));
        assert_eq!(tries.load(Ordering::Relaxed), 4);
        let busy =
            async || Err(DataError::StaleBatch { repository: uuid::Uuid::nil(), expected: None, stored: None }.into());
        assert!(patiently(Duration::ZERO, busy).await.is_err());
    }
}
