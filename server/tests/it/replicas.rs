//! What is read from a replica, and what is not. On PostgreSQL alone: one database that plays a replica with other content, so
//! that it shows what was read where, and a real one that follows by streaming.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use entity::kind::Permission;
use migration::{Migrator, MigratorTrait as _};
use standin::Port;
use store::accounts::{self, NewToken};
use store::db::{ConnectionTrait as _, Db, DbSettings, Engine};

use crate::support::{Answer, Place, RepositoryBuilder, TestApp, day, on_each_engine};

/// The app, with another database for what only reads, which is of the same schema and holds something else.
async fn beside_another(app: &TestApp) -> (TestApp, TestApp, Place) {
    let place = Place::beside(app).await;
    let other = Db::connect(&DbSettings::new(&place.url)).await.unwrap();
    Migrator::up(&other.write, None).await.unwrap();
    let other = app.over(&other, "{}");
    let mut settings = DbSettings::new(&app.url);
    settings.read_urls = vec![place.url.clone()];
    let db = Db::connect(&settings).await.unwrap();
    db.look_at_replicas().await.unwrap();
    (app.over(&db, "{}"), other, place)
}

async fn token(app: &TestApp) -> String {
    let minted = auth::token::mint();
    let new = NewToken {
        account_id: app.admin_id().await,
        token_hash: minted.hash,
        name: "another".to_owned(),
        scopes: vec![Permission::Admin],
        repositories: Vec::new(),
        expires_at: None,
    };
    accounts::insert_token(&app.state.db.write, &new, day(1)).await.unwrap();
    minted.text.to_string()
}

async fn ask(app: &TestApp, method: Method, path: &str, token: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    app.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn lists_and_pages_are_read_at_a_replica_and_what_somebody_changed_where_it_was_written() {
    on_each_engine(async |written| {
        if written.state.db.engine == Engine::Sqlite {
            return;
        }
        let (app, other, place) = beside_another(written).await;
        let here = RepositoryBuilder::new("ada/here").store(written).await;
        RepositoryBuilder::new("ada/there").store(&other).await;
        // Whoever only reads gets what the replica has, on pages, by their functions and by REST.
        let names = async |app: &TestApp| app.get("/api/v1/repositories/").await.column("full_name");
        assert_eq!(names(&app).await, ["ada/there"]);
        for path in ["/repositories", "/ui/repositories?query="] {
            let text = app.get(path).await.text();
            assert!(text.contains("ada/there") && !text.contains("ada/here"), "{path}");
        }
        let head = app.request(Method::HEAD, "/api/v1/repositories/", &[]).await;
        assert_eq!(head.status, StatusCode::OK);
        // What it does not have is asked for where it was written, and is not there only if it is not there either.
        assert_eq!(app.get(&format!("/api/v1/repositories/{here}")).await.json()["full_name"], "ada/here");
        assert!(app.get(&format!("/repositories/{here}")).await.text().contains("ada/here"));
        app.missing(&format!("/api/v1/repositories/{}", uuid::Uuid::nil())).await;
        // Accounts, sessions and tokens are never read there: it knows none of these.
        let (own, another) = (app.token.as_str(), token(&app).await);
        let me = ask(&app, Method::GET, "/api/v1/users/me/tokens", own).await;
        assert_eq!((me.status, me.json().as_array().unwrap().len()), (StatusCode::OK, 2));
        assert_eq!(ask(&app, Method::GET, "/api/v1/admin/users", own).await.count(), 1);
        let reads = async |token: &str| {
            ask(&app, Method::GET, "/api/v1/repositories/", token).await.column("full_name").join(" ")
        };
        assert_eq!(reads(own).await, "ada/there");
        // Whoever changes something reads it where it was written, by whatever process; others do not.
        let block = ask(&app, Method::POST, &format!("/api/v1/repositories/{here}/block"), own).await;
        assert!(block.status.is_success(), "{}", block.text());
        assert_eq!((reads(own).await.as_str(), reads(&another).await.as_str()), ("ada/here", "ada/there"));
        let mut settings = DbSettings::new(&written.url);
        settings.read_urls = vec![place.url.clone()];
        let second = Db::connect(&settings).await.unwrap();
        second.look_at_replicas().await.unwrap();
        let process = app.over(&second, "{}");
        assert_eq!(ask(&process, Method::GET, "/api/v1/repositories/", own).await.column("full_name"), ["ada/here"]);
        let long_ago = chrono::Utc::now() - chrono::TimeDelta::seconds(16);
        for token in accounts::list_tokens(&written.state.db.read, app.admin_id().await).await.unwrap() {
            accounts::mark_token(&written.state.db.write, token.id, long_ago).await.unwrap();
        }
        assert_eq!(reads(own).await, "ada/there");
        // What actions decide by is read where it was written: the replica has no such repository.
        let sync = ask(&app, Method::POST, &format!("/api/v1/repositories/{here}/approve"), &another).await;
        assert!(sync.status.is_success(), "{}", sync.text());
        // One of another schema is left out, and so is one that is gone; health says so and nobody is told of an error.
        let health = app.get("/health/detailed").await.json();
        let part = |health: &serde_json::Value| {
            health["parts"].as_array().unwrap().iter().find(|part| part["name"] == "replicas").unwrap().clone()
        };
        assert_eq!(part(&health)["status"], "healthy");
        other.state.db.write.execute_unprepared("DELETE FROM seaql_migrations").await.unwrap();
        app.state.db.look_at_replicas().await.unwrap();
        assert_eq!(names(&app).await, ["ada/here"]);
        let states = app.state.db.replica_states();
        assert!(states[0].left_out.as_deref().unwrap().contains("schema"), "{states:?}");
        other.state.db.close().await.unwrap();
        second.close().await.unwrap();
        app.state.db.close().await.unwrap();
        place.remove().await;
    })
    .await;
}

#[tokio::test]
async fn where_a_replica_fails_or_is_gone_it_is_read_where_it_was_written() {
    on_each_engine(async |written| {
        if written.state.db.engine == Engine::Sqlite {
            return;
        }
        let (app, other, place) = beside_another(written).await;
        RepositoryBuilder::new("ada/here").store(written).await;
        RepositoryBuilder::new("ada/there").store(&other).await;
        let names = async || app.get("/api/v1/repositories/").await;
        assert_eq!(names().await.column("full_name"), ["ada/there"]);
        // A question that the replica can't answer, as when it has to show what conflicts with it.
        other.state.db.write.execute_unprepared("ALTER TABLE repository RENAME TO away").await.unwrap();
        let answer = names().await;
        assert_eq!((answer.status, answer.column("full_name")), (StatusCode::OK, vec!["ada/here".to_owned()]));
        assert!(app.get("/repositories").await.text().contains("ada/here"));
        assert!(app.state.db.replica_states()[0].left_out.is_some(), "it is doubted until it is looked at");
        app.state.db.look_at_replicas().await.unwrap();
        assert!(app.state.db.replica_states()[0].left_out.is_none());
        let page = app.get("/repositories").await;
        assert!(page.status == StatusCode::OK && page.text().contains("ada/here"), "{}", page.status);
        // Gone altogether, before anybody has noticed.
        app.state.db.look_at_replicas().await.unwrap();
        other.state.db.close().await.unwrap();
        place.remove().await;
        let answer = names().await;
        assert_eq!((answer.status, answer.column("full_name")), (StatusCode::OK, vec!["ada/here".to_owned()]));
        app.state.db.look_at_replicas().await.unwrap();
        let health = app.get("/health/detailed").await.json();
        let parts = health["parts"].as_array().unwrap();
        let part = parts.iter().find(|part| part["name"] == "replicas").unwrap();
        assert_eq!(part["status"], "degraded");
        let told = part["detail"].as_str().unwrap();
        assert!(told.contains("read_urls: 1") && !told.contains("localhost"), "{told}");
        app.state.db.close().await.unwrap();
    })
    .await;
}

/// A server of its own, in a folder that goes with it.
struct Server {
    program: Child,
    port: Port,
    _folder: Option<tempfile::TempDir>,
    data: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = as_somebody(&tool("pg_ctl")).args(["stop", "-m", "immediate", "-D"]).arg(&self.data).output();
        let _ = self.program.wait();
    }
}

/// Where PostgreSQL's own programs are, beside the others or where packages put them.
fn tool(name: &str) -> PathBuf {
    let found = std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let installed = installed.map(|version| version.path().join("bin"));
    let all: Vec<PathBuf> =
        installed.chain(found).map(|folder| folder.join(name)).filter(|file| file.exists()).collect();
    all.into_iter().next().unwrap_or_else(|| name.into())
}

/// PostgreSQL refuses to be run by root.
fn as_somebody(program: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.starts_with(b"0\n"));
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(program);
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn start(data: &Path, folder: Option<tempfile::TempDir>) -> Server {
    let port = Port::take().unwrap();
    let mut command = as_somebody(&tool("postgres"));
    command.arg("-D").arg(data).args(["-p", &port.number.to_string()]);
    command.args(["-k", data.to_str().unwrap(), "-h", "127.0.0.1"]);
    command.args(["-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_standby_streaming_delay=0"]);
    let program = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    Server { program, port, _folder: folder, data: data.to_owned() }
}

impl Server {
    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port.number)
    }

    async fn answers(&self) {
        let began = Instant::now();
        let mut settings = DbSettings::new(self.url("postgres"));
        settings.acquire_timeout = Duration::from_secs(2);
        while Db::open_existing(&settings, true).await.is_err() {
            assert!(began.elapsed() < Duration::from_mins(1), "PostgreSQL does not start");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Waits for what others do.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_mins(1), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streaming_replica_is_read_until_it_is_behind_or_gone() {
    if std::env::var_os("KUBESTATS_TEST_POSTGRES_URL").is_none() || !tool("pg_basebackup").exists() {
        println!("skipped: KUBESTATS_TEST_POSTGRES_URL is not set, or PostgreSQL's programs are not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Whoever runs PostgreSQL has to get in.
    run(Command::new("chmod").arg("755").arg(folder.path()));
    let own = folder.path().join("servers");
    std::fs::create_dir(&own).unwrap();
    let _ = Command::new("chown").arg("postgres").arg(&own).output();
    let (first, second) = (own.join("first"), own.join("second"));
    run(as_somebody(&tool("initdb")).args(["-U", "postgres", "-A", "trust", "-D"]).arg(&first));
    let primary = start(&first, Some(folder));
    primary.answers().await;
    let admin = Db::connect(&DbSettings::new(primary.url("postgres"))).await.unwrap();
    admin.write.execute_unprepared("CREATE DATABASE kubestats").await.unwrap();
    let mut copy = as_somebody(&tool("pg_basebackup"));
    copy.args([
        "-h",
        "127.0.0.1",
        "-U",
        "postgres",
        "-R",
        "-X",
        "stream",
        "-c",
        "fast",
        "-p",
        &primary.port.number.to_string(),
    ]);
    run(copy.arg("-D").arg(&second));
    let replica = start(&second, None);
    replica.answers().await;

    let mut settings = DbSettings::new(primary.url("kubestats"));
    settings.read_urls = vec![replica.url("kubestats")];
    let db = Db::connect(&settings).await.unwrap();
    Migrator::up(&db.write, None).await.unwrap();
    let app = TestApp::beside(&db, &settings.url).await;
    let is_read = async || {
        db.look_at_replicas().await.unwrap();
        db.replica_states()[0].left_out.is_none()
    };
    until("the replica is not read", is_read).await;
    assert!(db.replica_states()[0].behind.is_some(), "{:?}", db.replica_states());
    // News are told once the replica shows them.
    RepositoryBuilder::new("ada/one").store(&app).await;
    let following = tokio::spawn({
        let db = db.clone();
        async move { db.follow_replicas().await }
    });
    db.replicas_caught_up().await;
    following.abort();
    assert_eq!(app.get("/api/v1/repositories/").await.column("full_name"), ["ada/one"]);
    // It stands still: what is new is not shown there, and soon it is left out.
    let there = Db::open_existing(&DbSettings::new(replica.url("kubestats")), false).await.unwrap();
    there.read.execute_unprepared("SELECT pg_wal_replay_pause()").await.unwrap();
    RepositoryBuilder::new("ada/two").store(&app).await;
    db.look_at_replicas().await.unwrap();
    let mut names = app.get("/api/v1/repositories/").await.column("full_name");
    assert_eq!(names, ["ada/one"], "a moment behind is near enough for who changed nothing");
    until("a replica that stands still is read", async || !is_read().await).await;
    names = app.get("/api/v1/repositories/").await.column("full_name");
    names.sort_unstable();
    assert_eq!(names, ["ada/one", "ada/two"]);
    there.read.execute_unprepared("SELECT pg_wal_replay_resume()").await.unwrap();
    until("the replica has caught up and is not read", is_read).await;
    assert_eq!(app.get("/api/v1/repositories/").await.count(), 2);
    drop(replica);
    let answer = app.get("/api/v1/repositories/").await;
    assert_eq!((answer.status, answer.count()), (StatusCode::OK, 2));
    assert!(!is_read().await, "{:?}", db.replica_states());
    there.close().await.ok();
    db.close().await.unwrap();
}
