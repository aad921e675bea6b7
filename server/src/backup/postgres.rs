use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use migration::{Migrator, MigratorTrait as _};
use store::db::{DataError, Db};
use store::maintenance::{self, MIGRATIONS};

use super::tool::Tool;
use super::{Restored, Schema, draft, keep, refuse_at_work, settings};
use crate::config::Config;

pub(super) async fn dump(config: &Config, into: &Path) -> anyhow::Result<()> {
    let db = open(config).await?;
    let target = Target::of(config, &db).await;
    db.close().await?;
    let target = target?;
    target.dump(into).await?;
    target.applied(into).await?;
    Ok(())
}

pub(super) async fn restore(config: &Config, file: &Path, replace: bool) -> anyhow::Result<Restored> {
    let db = open(config).await?;
    let restored = restore_into(config, &db, file, replace).await;
    db.close().await?;
    restored
}

async fn restore_into(config: &Config, db: &Db, file: &Path, replace: bool) -> anyhow::Result<Restored> {
    let target = Target::of(config, db).await?;
    target.check_restorer()?;
    let schema = Schema::of(&target.applied(file).await?);
    schema.check(&file.display().to_string())?;
    // A server that starts meanwhile waits.
    let turn = db.take_turn().await?;
    let exists = !maintenance::list_tables(db).await?.is_empty();
    let before = before(file);
    if exists {
        let ours = maintenance::applied_migrations(db).await?;
        ensure!(ours.is_some(), "the database has tables that are not Kubestats'; it needs one of its own");
        let told = before.display();
        ensure!(replace, "the database is not empty; --yes replaces what is in it and keeps that as {told}");
        ensure!(!before.exists(), "{told} is there from an earlier restore; move it elsewhere or remove it first");
        if Schema::of(&ours.unwrap_or_default()) == Schema::default() {
            refuse_at_work(db).await?;
        }
        let kept = draft(&before)?;
        target.dump(kept.path()).await.context("what is in the database cannot be kept")?;
        keep(kept, &before)?;
    }
    let put = target.put(db, file).await;
    if let Err(error) = put {
        if !exists {
            maintenance::drop_tables(db).await?;
            return Err(error);
        }
        let back = target.put(db, &before).await.with_context(|| {
            format!("{} could not be put back either; it holds what was in the database", before.display())
        });
        back?;
        std::fs::remove_file(&before)?;
        return Err(error.context("the database is as it was"));
    }
    drop(turn);
    Ok(Restored { replaced: exists.then_some(before), migrated: schema.pending.len() })
}

async fn open(config: &Config) -> anyhow::Result<Db> {
    Db::open_existing(&settings(config), true).await.context("the database cannot be reached")
}

/// Where what is replaced is kept: beside the backup, as the database itself may be on another machine.
fn before(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".before-restore");
    name.into()
}

/// A database with the programs that fit it.
struct Target {
    /// The server's version.
    server: u32,
    schema: String,
    dumper: Tool,
    restorer: Tool,
}

impl Target {
    async fn of(config: &Config, db: &Db) -> anyhow::Result<Self> {
        let server = maintenance::server_major(db).await?.context("the server does not tell its version")?;
        let url = config.database_url();
        let restorer = Tool::find("pg_restore", server, url.expose())?;
        let dumper = Tool::find("pg_dump", server, url.expose())?;
        Ok(Self { server, schema: maintenance::schema_name(db).await?, dumper, restorer })
    }

    /// Newer ones say things to the server that it does not know, and fail in the middle.
    fn check_restorer(&self) -> anyhow::Result<()> {
        let (server, found) = (self.server, self.restorer.major);
        ensure!(
            found == server,
            "pg_restore is of version {found}, the server of {server}: put that of {server} first on PATH (Debian: \
             postgresql-client-{server})"
        );
        Ok(())
    }

    /// Writes our schema's content into a file.
    async fn dump(&self, into: &Path) -> anyhow::Result<()> {
        let schema = format!("--schema={}", self.schema);
        let arguments = ["--format=custom", "--no-owner", "--no-privileges", "--no-password", &schema, "--file"];
        self.dumper.run(&arguments, into).await?;
        // Reads all of it, which a dump that was cut off does not let happen.
        self.restorer.run(&["--file=/dev/null"], into).await.context("what was written cannot be read again")?;
        Ok(())
    }

    /// Migrations that a backup has behind it.
    async fn applied(&self, file: &Path) -> anyhow::Result<Vec<String>> {
        let table = format!("--table={MIGRATIONS}");
        let text = self.restorer.run(&["--data-only", &table, "--file=-"], file).await?;
        let text = String::from_utf8_lossy(&text);
        let rows = text.lines().skip_while(|line| !line.starts_with("COPY ")).skip(1);
        let rows = rows.take_while(|line| *line != "\\.");
        let applied: Vec<String> = rows.filter_map(|row| row.split('\t').next()).map(str::to_owned).collect();
        ensure!(!applied.is_empty(), "{} is no backup of Kubestats' database", file.display());
        Ok(applied)
    }

    /// Puts a backup in the place of all tables, and brings its schema up to date.
    async fn put(&self, db: &Db, file: &Path) -> anyhow::Result<()> {
        maintenance::drop_tables(db).await?;
        maintenance::add_extensions(db).await.context("the extension pg_trgm cannot be made")?;
        let schema = format!("--schema={}", self.schema);
        let database = format!("--dbname={}", self.restorer.database());
        let whole = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password"];
        self.restorer.run(&[&whole[..], &[&schema, &database]].concat(), file).await?;
        let migrated = Migrator::up(&db.write, None).await.map_err(DataError::from);
        migrated.with_context(|| format!("the schema of {} cannot be brought up to date", file.display()))
    }
}
