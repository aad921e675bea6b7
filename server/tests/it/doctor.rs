//! `kubestats doctor`, on instances that are well and on those that are not.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use chrono::TimeDelta;
use entity::kind::{JobKind, JobRequest, Priority, RequestedBy};
use migration::{Migrator, MigratorTrait as _};
use sea_orm::ConnectionTrait as _;
use serde_json::Value;
use server::clock;
use standin::{Fault, Generator, Limits, Options, Rule, Standin, TOKEN};
use store::workers::{self, FoundWorker};

use crate::support::{RepositoryBuilder, TestApp, on_each_engine, on_sqlite};

/// What the program says, and whether it ended well.
struct Said {
    well: bool,
    json: Value,
}

impl Said {
    /// State and message of the checks of one part.
    fn of(&self, part: &str) -> Vec<(String, String)> {
        let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
        let checks = self.json["checks"].as_array().unwrap().iter().filter(|check| check["part"] == part);
        checks.map(|check| (text(check, "state"), text(check, "message"))).collect()
    }

    /// Whether a part has a check of this state with these words.
    fn has(&self, part: &str, state: &str, words: &str) {
        let found = self.of(part);
        assert!(
            found.iter().any(|(is, message)| is == state && message.contains(words)),
            "{part} {state} {words}: {found:?}"
        );
        let advised = self.json["checks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|check| check["state"] == "ok" || check["advice"].is_string());
        assert!(advised, "{}", self.json);
    }
}

async fn doctor(url: &str, config: &str, arguments: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kubestats.yaml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubestats"));
    command.args(["doctor", "--format", "json"]).args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    command
        .env("DATABASE_URL", url)
        .env_remove("GITHUB_TOKEN")
        .env("FORGE_TOKEN", TOKEN)
        .env("BAD_TOKEN", "secret-and-wrong");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for secret in [TOKEN, "secret-and-wrong", "pass-of-ada"] {
        assert!(!text.contains(secret) && !String::from_utf8_lossy(&output.stderr).contains(secret), "{text}");
    }
    assert!(!folder.path().join("data").exists(), "it makes nothing");
    let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    Said { well: output.status.success(), json }
}

fn worker() -> FoundWorker {
    FoundWorker {
        id: "w".to_owned(),
        role: "all",
        host: "box".to_owned(),
        pid: 7,
        version: "1",
        started_at: clock::now(),
        capacity: 4,
        disk_limit_bytes: None,
    }
}

async fn enqueue(app: &TestApp, name: &str, ago: TimeDelta) {
    let repository_id = RepositoryBuilder::new(name).store(app).await;
    let request = JobRequest::SyncRepository { repository_id };
    app.state.queue.enqueue(&request, RequestedBy::Page, Priority::CLICK, clock::now() - ago).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_database_and_its_queue_are_told() {
    on_each_engine(async |app| {
        let said = doctor(&app.url, "", &["--offline"]).await;
        assert!(said.well, "{}", said.json);
        said.has("database", "ok", "the schema is this program's");
        said.has("jobs", "ok", "none waits");
        said.has("forges", "ok", "not asked");

        enqueue(app, "ada/home", TimeDelta::hours(2)).await;
        enqueue(app, "kim/lab", TimeDelta::hours(1)).await;
        let said = doctor(&app.url, "", &["--offline"]).await;
        assert!(said.well, "what only warns does not fail");
        said.has("jobs", "warn", "2 wait, the oldest for 120 min");
        let lease = Duration::from_secs(1);
        let long_ago = clock::now() - TimeDelta::minutes(90);
        app.state.queue.claim("gone", JobKind::ALL, long_ago, lease).await.unwrap().unwrap();
        workers::record_worker(&app.state.db.write, &worker(), clock::now()).await.unwrap();
        let said = doctor(&app.url, "", &["--offline"]).await;
        said.has("jobs", "warn", "1 jobs run by the table and their workers are gone");
        said.has("jobs", "warn", "1 wait, the oldest for 60 min");
        said.has("workers", "ok", "1 processes were seen");

        let db = &app.state.db.write;
        Migrator::down(db, Some(1)).await.unwrap();
        doctor(&app.url, "", &["--offline"]).await.has("database", "warn", "lacks 1 migrations");
        Migrator::up(db, None).await.unwrap();
        let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_fly', 1)";
        db.execute_unprepared(newer).await.unwrap();
        let said = doctor(&app.url, "", &["--offline"]).await;
        said.has("database", "fail", "of a newer Kubestats");
        assert!(!said.well);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_are_away_or_damaged_are_told() {
    on_sqlite(async |app| {
        let began = Instant::now();
        let said = doctor("postgres://ada:pass-of-ada@127.0.0.1:1/stats", "", &["--offline"]).await;
        said.has("database", "fail", "cannot be opened");
        assert!(!said.well && began.elapsed() < Duration::from_mins(1));
        doctor("sqlite:///nowhere/at/all.db", "", &["--offline"]).await.has("database", "ok", "is not there yet");

        for number in 0..200 {
            RepositoryBuilder::new(&format!("ada/{number}")).store(app).await;
        }
        app.state.db.close().await.unwrap();
        let path = app.url.trim_start_matches("sqlite://");
        let bytes = std::fs::read(path).unwrap();
        let damaged: Vec<u8> = bytes
            .iter()
            .enumerate()
            .map(|(at, byte)| if at > 16_384 && at % 4_096 < 256 { 0x5a } else { *byte })
            .collect();
        std::fs::write(path, damaged).unwrap();
        let said = doctor(&app.url, "", &["--offline"]).await;
        assert!(!said.well && said.of("database").iter().any(|(state, _)| state == "fail"), "{}", said.json);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_the_configuration_is_told() {
    let said = doctor("sqlite:none.db", "app:\n  listen: nowhere\nscan:\n  history: always\n", &["--offline"]).await;
    assert!(!said.well);
    said.has("configuration", "fail", "kubestats.yaml:2: app.listen");
    said.has("configuration", "fail", "kubestats.yaml:4: scan.history");
    let said =
        doctor("sqlite:none.db", "app: {listen: '0.0.0.0:1'}\nsecurity: {require_https: false}\n", &["--offline"])
            .await;
    assert!(said.well);
    said.has("configuration", "warn", "requests for any name are answered");
    said.has("configuration", "warn", "plain http");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_backups_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let look = async || {
        let place = folder.path().display().to_string();
        doctor("sqlite:none.db", "", &["--offline", "--backups", &place]).await
    };
    look().await.has("backups", "warn", "there is none");
    let file = std::fs::File::create(folder.path().join("kubestats-1.db")).unwrap();
    std::io::Write::write_all(&mut &file, b"SQLite format 3\0").unwrap();
    std::fs::write(folder.path().join("notes.txt"), "no backup").unwrap();
    look().await.has("backups", "ok", "1 of them, the newest 0 days old");
    file.set_modified(SystemTime::now() - Duration::from_hours(240)).unwrap();
    look().await.has("backups", "warn", "the newest 10 days old");
    let said = doctor("sqlite:none.db", "", &["--offline", "--backups", "/nowhere/at/all"]).await;
    said.has("backups", "fail", "cannot be read");
    assert!(!said.well);
}

#[tokio::test(flavor = "multi_thread")]
async fn forges_tell_their_budgets_and_why_they_refuse() {
    let standin = Standin::start(Options { limits: Limits::default(), ..Options::with(repositories()) }).await.unwrap();
    let github = standin.github().url().to_owned();
    let config = |token: &str| {
        format!(
            "discovery:\n  forges:\n    - {{url: '{github}', api_base_url: '{github}', provider: github, token: '${{{token}}}'}}\n    \
             - {{url: '{}', provider: gitlab}}\n    - {{url: '{}', provider: forgejo}}\n",
            standin.gitlab().url(),
            standin.forgejo().url(),
        )
    };
    let said = doctor("sqlite:none.db", &config("FORGE_TOKEN"), &[]).await;
    assert!(said.well, "{}", said.json);
    assert_eq!(said.of("forges").len(), 3, "{}", said.json);
    said.has("forges", "ok", "core 5000 of 5000");
    said.has("clock", "ok", "right");

    standin.github().exhaust(Some(0), "core", Duration::from_mins(10));
    let said = doctor("sqlite:none.db", &config("FORGE_TOKEN"), &[]).await;
    said.has("forges", "warn", "core 0 of 5000 until");
    assert!(said.well);

    let said = doctor("sqlite:none.db", &config("BAD_TOKEN"), &[]).await;
    assert!(!said.well);
    said.has("forges", "fail", "refused the token");

    standin.github().fail(Rule::new(Fault::Status { code: 500 }));
    let said = doctor("sqlite:none.db", &config("FORGE_TOKEN"), &[]).await;
    said.has("forges", "fail", "status 500");

    let away = "discovery: {forges: [{url: 'http://127.0.0.1:1', provider: forgejo}]}";
    let said = doctor("sqlite:none.db", away, &[]).await;
    said.has("forges", "fail", "cannot be reached");
    said.has("clock", "warn", "could not be compared");
}

fn repositories() -> Vec<standin::Repository> {
    Generator::new(3, vec![Path::new("nowhere.git").to_owned()]).repositories()
}
