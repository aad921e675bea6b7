//! `kubestats doctor`, on instances that are well and on those that are not.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use auth::seal::Keys;
use chrono::TimeDelta;
use entity::kind::{JobKind, JobRequest, Priority, RequestedBy};
use migration::{Migrator, MigratorTrait as _};
use sea_orm::ConnectionTrait as _;
use serde_json::Value;
use server::clock;
use standin::{Fault, Generator, Limits, Options, Person, Rule, Standin, TOKEN};
use store::db::Engine;
use store::queue::Outcome;
use store::workers::{self, FoundWorker};

use crate::support::{KEYS, RepositoryBuilder, TestApp, on_each_engine, on_sqlite};

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
    doctor_with(url, config, arguments, None).await
}

/// The same with a key for secrets in the environment, or none.
async fn doctor_with(url: &str, config: &str, arguments: &[&str], key: Option<[u8; 32]>) -> Said {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kubestats.yaml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubestats"));
    command.args(["doctor", "--format", "json"]).args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    command
        .env("DATABASE_URL", url)
        .env_remove("GITHUB_TOKEN")
        .env("FORGE_TOKEN", TOKEN)
        .env("BAD_TOKEN", "secret-and-wrong");
    match key.map(|key| key.iter().map(|byte| format!("{byte:02x}")).collect::<String>()) {
        Some(hex) => command.env("KUBESTATS_SECRET_KEY", hex),
        None => command.env_remove("KUBESTATS_SECRET_KEY"),
    };
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

/// Such as while a migration waits for a table, and all others wait behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_opens_and_answers_nothing_is_told() {
    on_each_engine(async |app| {
        if app.state.db.engine == Engine::Sqlite {
            return;
        }
        let txn = app.state.db.begin().await.unwrap();
        txn.execute_unprepared("LOCK TABLE worker IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let began = Instant::now();
        let said = doctor(&app.url, "", &["--offline"]).await;
        said.has("database", "fail", "opened, and does not answer within");
        assert!(!said.well && began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
        txn.rollback().await.unwrap();
        doctor(&app.url, "", &["--offline"]).await.has("workers", "ok", "0 processes were seen");
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

/// Keeps a token for a forge as its page does.
async fn enter(app: &TestApp, host: &str, token: &str, keys: &Keys) {
    let name = store::secrets::of_forge(host);
    let sealed = keys.seal(&actions::secrets::purpose(&name), token.as_bytes());
    store::secrets::put_secret(&app.state.db.write, &name, sealed, clock::now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_people_entered_are_opened_and_tried() {
    on_each_engine(async |app| {
        let people = vec![Person { id: 7, login: "ada".to_owned(), name: None, emails: Vec::new() }];
        let options = Options { limits: Limits::default(), people, ..Options::with(repositories()) };
        let standin = Standin::start(options).await.unwrap();
        let github = standin.github().url().to_owned();
        let host = github.trim_start_matches("http://");
        let forge = |token: &str| {
            format!(
                "security: {{require_https: false}}\n\
                 discovery: {{forges: [{{url: '{github}', api_base_url: '{github}', provider: github{token}}}]}}\n"
            )
        };
        let key = Some([7; 32]);
        enter(app, host, TOKEN, &KEYS()).await;
        let said = doctor_with(&app.url, &forge(""), &[], key).await;
        assert!(said.well, "{}", said.json);
        said.has("forges", "ok", "takes the token that was entered");
        said.has("forges", "ok", "of 5000");
        // The configuration's token goes first, as with jobs.
        let said = doctor_with(&app.url, &forge(", token: '${FORGE_TOKEN}'"), &[], key).await;
        assert!(said.well, "{}", said.json);
        said.has("forges", "ok", "the token that was entered is not used");

        // Without the key, with another, or where it is damaged there is no token: said without asking anybody.
        for (key, why) in [(None, "there is no key"), (Some([8; 32]), "sealed with the key")] {
            for arguments in [&["--offline"][..], &[]] {
                let said = doctor_with(&app.url, &forge(""), arguments, key).await;
                said.has("forges", "fail", why);
                said.has("forges", "fail", host);
                assert!(!said.well);
            }
        }
        let said = doctor_with(&app.url, &forge(""), &["--offline"], key).await;
        assert!(said.well, "{}", said.json);

        enter(app, host, "secret-and-wrong", &KEYS()).await;
        let said = doctor_with(&app.url, &forge(""), &[], key).await;
        said.has("forges", "fail", "refused the token");
        assert!(!said.well && said.json.to_string().contains("/admin/forges"), "{}", said.json);

        let said = doctor_with(&app.url, "discovery: {enabled: false}", &[], key).await;
        said.has("forges", "warn", "is for no forge that is known here");
        assert!(said.well, "{}", said.json);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_runs_far_longer_than_usual_is_named() {
    on_each_engine(async |app| {
        let queue = &app.state.queue;
        let ago = |minutes| clock::now() - TimeDelta::minutes(minutes);
        let lease = Duration::from_hours(6);
        enqueue(app, "kim/lab", TimeDelta::minutes(300)).await;
        let usual = queue.claim("w", JobKind::ALL, ago(300), lease).await.unwrap().unwrap();
        queue.finish(usual.id, "w", Outcome::Succeeded("nothing new".to_owned()), ago(290)).await.unwrap();
        enqueue(app, "ada/home", TimeDelta::minutes(90)).await;
        let long = queue.claim("w", JobKind::ALL, ago(90), lease).await.unwrap().unwrap();
        let said = doctor(&app.url, "", &["--offline"]).await;
        assert!(said.well, "what only warns does not fail");
        said.has("jobs", "warn", "Sync of ada/home runs for 90 min at w; the longest of its kind lately took 10 min");
        assert!(said.json.to_string().contains(&format!("/tasks/{}", long.id)), "{}", said.json);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_found_where_they_are_as_a_rule() {
    on_sqlite(async |app| {
        doctor(&app.url, "", &["--offline"]).await.has("backups", "warn", "none was found in");
        doctor("sqlite:none.db", "", &["--offline"]).await.has("backups", "ok", "nothing to back up yet");
        let folder = Path::new(app.url.trim_start_matches("sqlite://")).parent().unwrap();
        std::fs::write(folder.join("kubestats-20260101-000000.db"), b"SQLite format 3\0").unwrap();
        for other in ["other.db", "kubestats-20250101-000000.db.before-restore"] {
            std::fs::write(folder.join(other), b"SQLite format 3\0").unwrap();
        }
        let said = doctor(&app.url, "", &["--offline"]).await;
        said.has("backups", "ok", "1 of them, the newest 0 days old");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_for_backups_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    if std::fs::write(folder.path().join("probe"), "").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    let place = folder.path().display().to_string();
    let said = doctor("sqlite:none.db", "", &["--offline", "--backups", &place]).await;
    said.has("backups", "warn", "cannot be written by the user of this command");
}

fn repositories() -> Vec<standin::Repository> {
    Generator::new(3, vec![Path::new("nowhere.git").to_owned()]).repositories()
}
