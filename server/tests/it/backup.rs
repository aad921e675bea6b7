//! `kubestats backup` and `restore`, the program as people start it, on both engines.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use migration::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use server::clock;
use store::db::{Db, DbSettings, Engine};
use store::maintenance;
use store::workers::{self, FoundWorker};
use tempfile::TempDir;

use crate::support::{Change, Manifest, Place, RepositoryBuilder, TestApp, on_each_engine, on_sqlite};

/// A machine on which the program is started.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command on a database.
    async fn run(&self, url: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubestats"));
        command.args(arguments).current_dir(self.folder.path()).env("DATABASE_URL", url).env_remove("GITHUB_TOKEN");
        command.env("KUBESTATS_APP_DATA_DIR", self.path("data")).stdin(Stdio::null());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn succeeds(&self, url: &str, arguments: &[&str]) -> String {
        let output = self.run(url, arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    async fn fails(&self, url: &str, arguments: &[&str]) -> String {
        let output = self.run(url, arguments).await;
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Backs up into a file of this name; where it is.
    async fn backup(&self, url: &str, name: &str) -> String {
        let file = self.path(name).display().to_string();
        self.succeeds(url, &["backup", "--output", &file]).await;
        file
    }

    /// Nothing that was begun and not ended lies about.
    fn has_no_drafts(&self) -> bool {
        let names = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names(self.folder.path()).all(|name| !name.to_string_lossy().contains("partial"))
    }
}

async fn open(url: &str) -> Db {
    Db::open_existing(&DbSettings::new(url), true).await.unwrap()
}

async fn texts(db: &Db, sql: String) -> Vec<String> {
    let backend = if db.engine == Engine::Sqlite { DbBackend::Sqlite } else { DbBackend::Postgres };
    let rows = db.read.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect()
}

/// Every row of every table, as the database writes it.
pub async fn all_rows(db: &Db) -> Vec<String> {
    let mut tables = maintenance::list_tables(db).await.unwrap();
    tables.sort();
    let mut rows = Vec::new();
    for table in tables {
        let sql = match db.engine {
            Engine::Postgres => format!("SELECT t::text FROM \"{table}\" t"),
            Engine::Sqlite => {
                let columns =
                    texts(db, format!("SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('{table}')")).await;
                format!("SELECT {} FROM \"{table}\"", columns.join(" || '|' || "))
            }
        };
        let mut found = texts(db, sql).await;
        found.sort();
        rows.extend(found.into_iter().map(|row| format!("{table}: {row}")));
    }
    rows
}

async fn rows_at(url: &str) -> Vec<String> {
    let db = open(url).await;
    let rows = all_rows(&db).await;
    db.close().await.unwrap();
    rows
}

async fn names_at(url: &str) -> Vec<String> {
    let db = open(url).await;
    let mut names = texts(&db, "SELECT full_name FROM repository".to_owned()).await;
    names.sort();
    db.close().await.unwrap();
    names
}

async fn add(app: &TestApp, name: &str) {
    let resources = (0..5).map(|number| Manifest::config_map(format!("c{number}")));
    let builder = RepositoryBuilder::new(name).commit(2, "add", resources.clone().map(Change::Create).collect());
    builder.commit(3, "remove", resources.take(2).map(Change::Delete).collect()).store(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_backed_up_while_others_write_is_whole_and_restored_elsewhere() {
    on_each_engine(async |app| {
        let machine = Machine::new();
        for number in 0..20 {
            add(app, &format!("ada/{number}")).await;
        }
        let ended = AtomicBool::new(false);
        let write = async {
            let mut written = 0;
            while !ended.load(Ordering::Relaxed) {
                add(app, &format!("kim/{written}")).await;
                written += 1;
            }
            written
        };
        let back_up = async {
            let file = machine.backup(&app.url, "busy").await;
            ended.store(true, Ordering::Relaxed);
            file
        };
        let (written, busy) = tokio::join!(write, back_up);
        assert!(written > 0);
        assert_eq!(std::fs::metadata(&busy).unwrap().permissions().mode() & 0o777, 0o600);

        let place = Place::beside(app).await;
        let told = machine.succeeds(&place.url, &["restore", &busy]).await;
        assert!(told.contains("is restored") && !told.contains("kept as"), "{told}");
        let restored = open(&place.url).await;
        assert!(texts(&restored, "SELECT full_name FROM repository".to_owned()).await.len() >= 20);
        let lost = "SELECT e.resource_name FROM kubernetesresourceevent e LEFT JOIN kubernetesresource r ON r.id = e.resource_id \
                    WHERE r.id IS NULL";
        assert_eq!(texts(&restored, lost.to_owned()).await, [""; 0], "half of something was copied");
        if restored.engine == Engine::Sqlite {
            let broken = "SELECT \"table\" FROM pragma_foreign_key_check";
            assert_eq!(texts(&restored, broken.to_owned()).await, [""; 0]);
        }
        restored.close().await.unwrap();
        place.remove().await;

        // With nobody writing, all is the same.
        let quiet = machine.backup(&app.url, "quiet").await;
        let place = Place::beside(app).await;
        machine.succeeds(&place.url, &["restore", &quiet]).await;
        let (source, copy) = (rows_at(&app.url).await, rows_at(&place.url).await);
        assert!(source.len() > 300, "{}", source.len());
        assert!(source == copy, "{} rows became {}", source.len(), copy.len());
        place.remove().await;
        assert!(machine.has_no_drafts());
    })
    .await;
}

fn worker(id: &str) -> FoundWorker {
    FoundWorker {
        id: id.to_owned(),
        role: "worker",
        host: "box".to_owned(),
        pid: 7,
        version: "1",
        started_at: clock::now(),
        capacity: 4,
        disk_limit_bytes: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_replaced_only_when_asked_and_kept() {
    on_each_engine(async |app| {
        let machine = Machine::new();
        add(app, "ada/home").await;
        let file = machine.backup(&app.url, "one").await;
        add(app, "kim/lab").await;

        let told = machine.fails(&app.url, &["restore", &file]).await;
        assert!(told.contains("--yes") && told.contains(".before-restore"), "{told}");
        workers::record_worker(&app.state.db.write, &worker("w"), clock::now()).await.unwrap();
        let told = machine.fails(&app.url, &["restore", &file, "--yes"]).await;
        assert!(told.contains("a server (worker, process 7 on box) works on this database"), "{told}");
        workers::remove_worker(&app.state.db.write, "w").await.unwrap();
        assert_eq!(names_at(&app.url).await, ["ada/home", "kim/lab"]);

        let told = machine.succeeds(&app.url, &["restore", &file, "--yes"]).await;
        assert!(told.contains("kept as"), "{told}");
        assert_eq!(names_at(&app.url).await, ["ada/home"]);
        let before = kept_by(app, &file);
        let told = machine.fails(&app.url, &["restore", &file, "--yes"]).await;
        assert!(told.contains("from an earlier restore"), "{told}");

        // What was replaced is a whole database itself.
        if app.state.db.engine == Engine::Sqlite {
            assert_eq!(names_at(&format!("sqlite://{before}")).await, ["ada/home", "kim/lab"]);
        } else {
            let place = Place::beside(app).await;
            machine.succeeds(&place.url, &["restore", &before]).await;
            assert_eq!(names_at(&place.url).await, ["ada/home", "kim/lab"]);
            place.remove().await;
        }
    })
    .await;
}

/// So many migrations ago accounts were there already.
const OLDER: u32 = 8;
/// What a program that is newer than this one has done to a database.
const NEWER: [&str; 3] = [
    "CREATE TABLE from_the_future (id INTEGER PRIMARY KEY)",
    "ALTER TABLE repository ADD COLUMN wings INTEGER",
    "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_fly', 1)",
];

async fn applied_at(url: &str) -> Option<Vec<String>> {
    let db = open(url).await;
    let applied = maintenance::applied_migrations(&db).await.unwrap();
    db.close().await.unwrap();
    applied
}

/// Every row but when migrations were applied.
async fn data_at(url: &str) -> Vec<String> {
    let mut rows = rows_at(url).await;
    rows.retain(|row| !row.starts_with("seaql_migrations: "));
    rows
}

/// Where a restore keeps what it replaces.
fn kept_by(app: &TestApp, file: &str) -> String {
    match app.state.db.engine {
        Engine::Sqlite => format!("{}.before-restore", app.url.trim_start_matches("sqlite://")),
        Engine::Postgres => format!("{file}.before-restore"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn older_schemas_are_brought_up_to_date_with_all_that_was_in_them_and_newer_ones_refused() {
    on_each_engine(async |app| {
        let machine = Machine::new();
        let db = &app.state.db;
        let all = maintenance::applied_migrations(db).await.unwrap();
        add(app, "ada/home").await;
        Migrator::down(&db.write, Some(OLDER)).await.unwrap();
        let older = machine.backup(&app.url, "older").await;
        Migrator::up(&db.write, None).await.unwrap();
        let place = Place::beside(app).await;
        let told = machine.succeeds(&place.url, &["restore", &older]).await;
        assert!(told.contains(&format!("by {OLDER} migrations")), "{told}");
        assert_eq!(applied_at(&place.url).await, all);
        let (source, copy) = (data_at(&app.url).await, data_at(&place.url).await);
        assert!(source.iter().any(|row| row.contains("ada/home")) && source.len() > 10, "{source:?}");
        assert!(source == copy, "{} rows became {}", source.len(), copy.len());

        for sql in NEWER {
            db.write.execute_unprepared(sql).await.unwrap();
        }
        let newer = machine.backup(&app.url, "newer").await;
        let empty = Place::beside(app).await;
        // Neither into a place where nothing is nor over what is there.
        for url in [&empty.url, &place.url] {
            let told = machine.fails(url, &["restore", &newer, "--yes"]).await;
            assert!(
                told.contains("is of a newer Kubestats than this one") && told.contains("m29990101_000001_fly"),
                "{told}"
            );
        }
        assert!(data_at(&place.url).await == copy && machine.has_no_drafts());
        match db.engine {
            Engine::Sqlite => assert!(!Path::new(empty.url.trim_start_matches("sqlite://")).exists()),
            Engine::Postgres => {
                let untouched = open(&empty.url).await;
                assert_eq!(maintenance::list_tables(&untouched).await.unwrap(), [""; 0]);
                untouched.close().await.unwrap();
            }
        }
        empty.remove().await;
        place.remove().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_backup_takes_the_place_of_a_database_that_was_migrated_further() {
    on_each_engine(async |app| {
        let machine = Machine::new();
        let db = &app.state.db;
        let all = maintenance::applied_migrations(db).await.unwrap();
        add(app, "ada/home").await;
        Migrator::down(&db.write, Some(OLDER)).await.unwrap();
        let older = machine.backup(&app.url, "older").await;
        Migrator::up(&db.write, None).await.unwrap();
        let whole = data_at(&app.url).await;

        // Over what this program made of it since, and over what a newer one did: the way back after an upgrade.
        add(app, "kim/lab").await;
        for by_newer in [false, true] {
            if by_newer {
                // By a connection of its own: those of before are to what was replaced.
                let newer = open(&app.url).await;
                for sql in NEWER.iter().chain(&["UPDATE repository SET full_name = 'kim/lab'"]) {
                    newer.write.execute_unprepared(sql).await.unwrap();
                }
                newer.close().await.unwrap();
                let told = machine.fails(&app.url, &["restore", &older]).await;
                assert!(told.contains("--yes"), "{told}");
            }
            let told = machine.succeeds(&app.url, &["restore", &older, "--yes"]).await;
            assert!(told.contains(&format!("by {OLDER} migrations")) && told.contains("kept as"), "{told}");
            assert_eq!(applied_at(&app.url).await, all, "nothing of the newer schema is left");
            assert!(data_at(&app.url).await == whole, "{by_newer}");
            let restored = open(&app.url).await;
            assert!(!maintenance::list_tables(&restored).await.unwrap().contains(&"from_the_future".to_owned()));
            assert!(restored.read.execute_unprepared("SELECT wings FROM repository").await.is_err());
            restored.close().await.unwrap();

            // What was replaced is whole, and as new as it was.
            let before = kept_by(app, &older);
            let place = Place::beside(app).await;
            if by_newer {
                let told = machine.fails(&place.url, &["restore", &before]).await;
                assert!(told.contains("is of a newer Kubestats than this one"), "{told}");
            } else if db.engine == Engine::Sqlite {
                // With its log beside it, as this test still has it open.
                assert_eq!(names_at(&format!("sqlite://{before}")).await, ["ada/home", "kim/lab"]);
            } else {
                machine.succeeds(&place.url, &["restore", &before]).await;
                assert_eq!(names_at(&place.url).await, ["ada/home", "kim/lab"]);
            }
            place.remove().await;
            std::fs::rename(&before, machine.path(if by_newer { "second" } else { "first" })).unwrap();
        }
        assert!(machine.has_no_drafts());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_fails_leaves_all_as_it_was() {
    on_each_engine(async |app| {
        let machine = Machine::new();
        add(app, "ada/home").await;
        // A backup that says of itself that it is older than it is: its last migration fails over tables that are there.
        let last = Migrator::migrations().last().unwrap().name().to_owned();
        let place = Place::beside(app).await;
        let file = machine.backup(&app.url, "whole").await;
        machine.succeeds(&place.url, &["restore", &file]).await;
        let other = open(&place.url).await;
        let forget = format!("DELETE FROM seaql_migrations WHERE version = '{last}'");
        other.write.execute_unprepared(&forget).await.unwrap();
        other.close().await.unwrap();
        let lying = machine.backup(&place.url, "lying").await;
        place.remove().await;

        let before = rows_at(&app.url).await;
        let told = machine.fails(&app.url, &["restore", &lying, "--yes"]).await;
        assert!(told.contains("cannot be brought up to date"), "{told}");
        assert!(rows_at(&app.url).await == before, "{told}");
        assert!(!Path::new(&format!("{lying}.before-restore")).exists());
        assert!(machine.has_no_drafts());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sound_backup_is_refused_with_a_sentence() {
    on_each_engine(async |app| {
        let machine = Machine::new();
        add(app, "ada/home").await;
        let file = machine.backup(&app.url, "whole").await;
        let told = machine.fails(&app.url, &["backup", "--output", &file]).await;
        assert!(told.contains("exists; a backup takes no other's place"), "{told}");

        let bytes = std::fs::read(&file).unwrap();
        let cut = machine.path("cut").display().to_string();
        std::fs::write(&cut, &bytes[..bytes.len() * 2 / 5]).unwrap();
        let text = machine.path("text").display().to_string();
        std::fs::write(&text, "apiVersion: v1\n").unwrap();
        let foreign = machine.path("foreign").display().to_string();
        let begin: &[u8] = if app.state.db.engine == Engine::Sqlite { b"PGDMP\x01" } else { b"SQLite format 3\0" };
        std::fs::write(&foreign, begin).unwrap();
        let before = rows_at(&app.url).await;
        for (file, words) in [
            (&cut, ["damaged", "pg_restore failed"].as_slice()),
            (&text, ["is no backup: neither a SQLite database nor"].as_slice()),
            (&foreign, ["is a backup of"].as_slice()),
            (&machine.path("none").display().to_string(), ["cannot be read"].as_slice()),
        ] {
            let told = machine.fails(&app.url, &["restore", file, "--yes"]).await;
            assert!(words.iter().any(|word| told.contains(word)), "{told}");
            assert!(rows_at(&app.url).await == before, "{told}");
        }
        assert!(machine.has_no_drafts());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_is_in_the_way_of_a_restore_and_not_of_a_backup() {
    on_sqlite(async |app| {
        let machine = Machine::new();
        std::fs::create_dir(machine.path("data")).unwrap();
        let lock = std::fs::File::create(machine.path("data/kubestats.lock")).unwrap();
        lock.try_lock().unwrap();
        let folder = machine.path("backups");
        std::fs::create_dir(&folder).unwrap();
        let told = machine.succeeds(&app.url, &["backup", "--output", &folder.display().to_string()]).await;
        let name = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        assert!(told.starts_with(&name.display().to_string()) && told.contains("found sound"), "{told}");
        let told = machine.fails(&app.url, &["restore", &name.display().to_string(), "--yes"]).await;
        assert!(told.contains("another kubestats is running"), "{told}");
        drop(lock);
        machine.succeeds(&app.url, &["restore", &name.display().to_string(), "--yes"]).await;
        let told = machine.fails("sqlite:///nowhere/at/all.db", &["backup"]).await;
        assert!(told.contains("there is no database to back up"), "{told}");
    })
    .await;
}
