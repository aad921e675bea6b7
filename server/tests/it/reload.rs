//! Reading the configuration again while the program runs: all of it or nothing, and told in every place.

mod checked;
mod running;
mod told;

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use axum::http::StatusCode;
use entity::input::{FoundRepository, ObjectId, SyncedHead};
use entity::kind::{Provider, ReloadCause, ReloadOutcome};
use serde_json::Value;
use server::{
    clock,
    jobs::{LiveDeps, ProcessName},
    start::{InForce, Reloader, Source},
    telemetry::LogLevel,
    web::seats::Seats,
};
use store::{db::ConnectionTrait as _, repositories, schedules, secrets, triggers, watch};
use tokio_util::sync::CancellationToken;

use crate::support::{Change, KEYS, Manifest, RepositoryBuilder, TestApp, day, on_each_engine};

/// A process with a configuration of its own, over the database of a test.
struct Process {
    app: TestApp,
    live: LiveDeps,
    in_force: InForce,
    reloader: Arc<Reloader>,
    folder: tempfile::TempDir,
}

impl Process {
    fn start(app: &TestApp) -> Self {
        Self::named(app, "one-0")
    }

    fn named(app: &TestApp, worker: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (db, queue, keys) = (&app.state.db, &app.state.queue, KEYS());
        let file = folder.path().join("kubestats.yaml");
        let text = Self::text(&folder, "");
        fs::write(&file, &text).unwrap();
        let environment: server::config::Environment = [("APP_TOKEN".to_owned(), "secret-token".to_owned())].into();
        let config = server::config::load(Some(&file), environment.clone()).unwrap();
        let live = LiveDeps::from(server::start::deps(&config, db, queue, Some(&keys)).unwrap());
        let in_force = InForce::new(config);
        let source = Source { file: Some(file), environment, listen: None };
        let name = ProcessName { worker: worker.to_owned(), host: format!("host-of-{worker}") };
        let over = (db, queue, &keys);
        let reloader = Reloader::new(source, in_force.clone(), live.clone(), over, LogLevel::default(), name);
        let stop = CancellationToken::new();
        let providers = server::start::providers(&in_force.get()).unwrap();
        let state = server::start::live_state(&in_force, Some(&reloader), (db, queue, &keys), providers, &stop);
        let app = app.with_state(state.with(|state| state.seats = Seats::new(2)));
        Self { app, live, in_force, reloader, folder }
    }

    fn text(folder: &tempfile::TempDir, text: &str) -> String {
        let data = folder.path().join("data");
        format!("app: {{samples: never, data_dir: {}}}\ndiscovery: {{enabled: false}}\n{text}", data.display())
    }

    fn write(&self, text: &str) {
        fs::write(self.file(), Self::text(&self.folder, text)).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("kubestats.yaml")
    }

    /// Asks for a reload as an admin; the answer.
    async fn reload(&self, expected: StatusCode) -> Value {
        let answer = self.app.post("/api/v1/config/reload").await;
        assert_eq!(answer.status, expected, "{}", answer.text());
        answer.json()
    }

    async fn reloads(&self) -> Vec<Value> {
        self.app.get("/api/v1/config/reloads").await.json().as_array().unwrap().clone()
    }
}

const FULL: &str = "
polling: {interval: 7m}
schedules: {prune: off}
repositories:
  - {url: 'https://h.example/team/app', branch_regex: '^main$', token: '${APP_TOKEN}'}
  - {url: 'https://h.example/team/other', branch_regex: '.*', enabled: false}
  - {url: 'https://h.example/team/shown'}
tekton: {event_listener_url: 'http://el.example:8080', secret: '${APP_TOKEN}'}
triggers:
  - {name: flux, enabled: false, when: {branches: '^main$'}, target: {flux: {url: 'https://flux.example/hook'}}}
";

#[tokio::test]
async fn what_the_file_names_is_put_in_force_and_taken_back() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        let (db, now) = (&app.state.db, clock::now());
        process.write(FULL);
        let told = process.reload(StatusCode::OK).await;
        assert_eq!(told["outcome"], "applied", "{told}");
        assert_eq!(
            told["applied"],
            serde_json::json!([
                "polling.interval",
                "repositories",
                "schedules.prune",
                "tekton.event_listener_url",
                "tekton.secret",
                "triggers"
            ])
        );
        assert_eq!(told["needs_restart"], serde_json::json!([]));
        // Jobs that begin now, and pages.
        let deps = process.live.load();
        assert_eq!(deps.polling.interval, Some(Duration::from_mins(7)));
        assert_eq!(deps.tokens["https://h.example/team/app"].expose(), "secret-token");
        assert_eq!(process.in_force.get().triggers.len(), 2);
        let stored = repositories::list_sync_targets(&db.read).await.unwrap();
        let id = |name: &str| stored.iter().find(|found| found.full_name == name).unwrap().id;
        let watch = watch::find_watch(&db.read, id("team/app")).await.unwrap().unwrap();
        assert_eq!((watch.is_enabled, watch.branch_regex.as_deref()), (true, Some("^main$")));
        assert!(!watch.tells_first_look);
        // Who names no branches has none watched.
        assert_eq!(watch::find_watch(&db.read, id("team/shown")).await.unwrap(), None);
        let prune = schedules::list_schedules(&db.read).await.unwrap();
        assert!(prune.iter().any(|schedule| schedule.name == "prune" && !schedule.enabled));
        let jobs = app.get("/api/v1/jobs").await;
        assert_eq!(jobs.count(), 2, "a sync for each that is on: {}", jobs.text());
        let found = triggers::list_triggers(&db.read, now).await.unwrap();
        let names: Vec<(&str, bool, bool)> =
            found.iter().map(|found| (found.name.as_str(), found.is_enabled, found.is_configured)).collect();
        assert_eq!(names, [("flux", false, true), ("tekton", true, true)]);
        let name = format!("trigger:{}", found[1].id);
        let sealed = secrets::find_secret(&db.read, &name).await.unwrap().unwrap();
        let plain = KEYS().open(&actions::secrets::purpose(&name), &sealed).unwrap();
        let kept: ::triggers::TargetSecrets = serde_json::from_slice(&plain).unwrap();
        assert_eq!((kept.current.as_deref(), kept.previous), (Some("secret-token"), None));

        // The same again is nothing to do.
        assert_eq!(process.reload(StatusCode::OK).await["outcome"], "unchanged");
        assert_eq!(secrets::find_secret(&db.read, &name).await.unwrap().unwrap(), sealed, "sealed once");

        // The configuration alone says how its repositories are watched.
        process.write(
            "repositories:\n  - {url: 'https://h.example/team/app'}\n  - {url: 'https://h.example/team/shown'}\n",
        );
        process.reload(StatusCode::OK).await;
        let is_watched = async |name: &str| {
            watch::find_watch(&db.read, id(name)).await.unwrap().is_some_and(|watch| watch.is_enabled)
        };
        assert!(!is_watched("team/app").await && !is_watched("team/shown").await, "nobody named branches");
        let found = triggers::list_triggers(&db.read, now).await.unwrap();
        assert!(found.iter().all(|found| !found.is_enabled && found.is_configured));
        assert_eq!(secrets::find_secret(&db.read, &name).await.unwrap(), None);
        process.write("");
        process.reload(StatusCode::OK).await;
        assert_eq!(repositories::list_sync_targets(&db.read).await.unwrap().len(), 0);
        assert!(!is_watched("team/shown").await, "nor what it names no more");
    })
    .await;
}

#[tokio::test]
async fn branches_to_scan_come_and_go_with_the_file() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        let db = &app.state.db;
        let names = async || {
            let stored = repositories::list_sync_targets(&db.read).await.unwrap();
            let mut names: Vec<String> = stored.into_iter().map(|found| found.full_name).collect();
            names.sort();
            names
        };
        let of = |branches: &str| {
            format!("repositories:\n  - {{url: 'https://h.example/team/app', scan_branches: [{branches}]}}\n")
        };
        process.write(&of("staging, qa"));
        process.reload(StatusCode::OK).await;
        assert_eq!(names().await, ["team/app", "team/app@qa", "team/app@staging"]);
        assert_eq!(app.get("/api/v1/jobs").await.count(), 3, "a sync for each");
        let listed = app.get("/api/v1/repositories/").await;
        assert_eq!((listed.count(), listed.column("full_name")), (1, vec!["team/app".to_owned()]));
        let found = app.get(&format!("/api/v1/repositories/{}", listed.column("id")[0])).await.json();
        assert!(found["scanned_branch"].is_null(), "{found}");
        let told = found["scanned_branches"].as_array().unwrap();
        let branches: Vec<&str> = told.iter().map(|one| one["branch"].as_str().unwrap()).collect();
        assert_eq!(branches, ["main", "qa", "staging"]);
        let beside = app.get(&format!("/api/v1/repositories/{}", told[1]["repository_id"].as_str().unwrap())).await;
        let beside = beside.json();
        assert_eq!(beside["scanned_branch"], "qa");
        assert_eq!(beside["full_name"], "team/app@qa");
        assert_eq!(beside["scanned_branches"], found["scanned_branches"]);
        // Another interval holds from the next look on, which is made now.
        db.write.execute_unprepared("DELETE FROM job").await.unwrap();
        process.write(&of("staging, qa").replace('}', ", polling_interval: 7m}"));
        process.reload(StatusCode::OK).await;
        assert_eq!(app.get("/api/v1/jobs").await.count(), 3, "each is looked at in another interval");

        process.write(&of("qa"));
        process.reload(StatusCode::OK).await;
        assert_eq!(names().await, ["team/app", "team/app@qa"]);
        process.write("repositories:\n  - {url: 'https://h.example/team/app'}\n");
        process.reload(StatusCode::OK).await;
        assert_eq!(names().await, ["team/app"]);
        process.write(&of("qa").replace('}', ", enabled: false}"));
        process.reload(StatusCode::OK).await;
        assert_eq!(names().await, [""; 0]);
        process.write(&of("qa"));
        process.reload(StatusCode::OK).await;
        assert_eq!(names().await, ["team/app", "team/app@qa"]);
        process.write("");
        process.reload(StatusCode::OK).await;
        assert_eq!(names().await, [""; 0], "branches go with their repository");
    })
    .await;
}

#[tokio::test]
async fn a_main_branch_that_the_file_names_is_not_scanned_beside_itself() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        let db = &app.state.db;
        let names_with = async |branches: &str, main: Option<&str>| {
            if let Some(main) = main {
                let row = repositories::find_repository_by_name(&db.read, "team/app").await.unwrap().unwrap();
                let head = SyncedHead {
                    branch: main.to_owned(),
                    head: ObjectId([7; 20]),
                    committed_at: day(1),
                    clone_bytes: 1,
                };
                repositories::record_synced(&db.write, row.id, &head, day(1)).await.unwrap();
            }
            process.write(&format!(
                "repositories:\n  - {{url: 'https://h.example/team/app', scan_branches: [{branches}]}}\n"
            ));
            process.reload(StatusCode::OK).await;
            let stored = repositories::list_sync_targets(&db.read).await.unwrap();
            let mut names: Vec<String> = stored.into_iter().map(|found| found.full_name).collect();
            names.sort();
            names
        };
        assert_eq!(names_with("main", None).await, ["team/app", "team/app@main"], "nobody knows yet");
        assert_eq!(names_with("main, qa", Some("main")).await, ["team/app", "team/app@qa"]);
        assert_eq!(names_with("qa, main", Some("qa")).await, ["team/app", "team/app@main"]);
        assert_eq!(names_with("qa", None).await, ["team/app"]);
    })
    .await;
}

#[tokio::test]
async fn what_was_entered_for_a_repository_is_forgotten_once_the_configuration_names_it() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        let (db, now) = (&app.state.db, clock::now());
        let added = |name: &str| {
            let url = format!("https://h.example/{name}");
            FoundRepository { url, ..RepositoryBuilder::new(name).added().found() }
        };
        let found = [added("team/app"), added("kim/lab")];
        let stored = repositories::upsert_repositories(&db.write, &found, now).await.unwrap();
        for (id, _) in &stored {
            assert!(secrets::put_access(&db.write, *id, vec![1], now).await.unwrap());
        }
        process.write(FULL);
        process.reload(StatusCode::OK).await;
        let left: Vec<_> = secrets::list_with_access(&db.read).await.unwrap().into_iter().collect();
        assert_eq!(left, [stored[1].0], "its own keys say how it is asked, and nothing of others");
    })
    .await;
}

#[tokio::test]
async fn forges_and_blocks_of_a_new_file_hold_for_what_people_add() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        process.write("security: {allowed_networks: [127.0.0.0/8]}\n");
        process.reload(StatusCode::OK).await;
        process.write("");
        fs::write(
            process.file(),
            Process::text(&process.folder, "").replace("{enabled: false}", "{enabled: true, block: [spam/*]}"),
        )
        .unwrap();
        let told = process.reload(StatusCode::OK).await;
        assert_eq!(
            told["applied"],
            serde_json::json!(["discovery.block", "discovery.enabled", "security.allowed_networks"])
        );
        let coverage = process.app.get("/api/v1/discovery").await.json();
        assert_eq!(coverage["settings"]["block"], serde_json::json!(["spam/*"]), "{coverage}");
        assert!(actions::discover(&process.app.state.actions, &actions::Actor::command()).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn two_reloads_at_once_are_one_after_the_other() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        process.write(FULL);
        let reload = || process.reloader.run(ReloadCause::Signal, None);
        let (first, second) = tokio::join!(reload(), reload());
        let mut outcomes = [first.outcome, second.outcome];
        outcomes.sort_by_key(|outcome| outcome.as_str());
        assert_eq!(outcomes, [ReloadOutcome::Applied, ReloadOutcome::Unchanged]);
        let stored = repositories::list_sync_targets(&app.state.db.read).await.unwrap();
        assert!(stored.len() == 2 && stored.iter().all(|found| found.provider == Provider::Git));
    })
    .await;
}

#[tokio::test]
async fn the_days_of_samples_that_go_are_counted_anew_without_being_asked_for() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        let counts = async || app.get("/api/v1/jobs?kind=aggregate_daily_ecosystem_stats").await.count();
        let changes = vec![Change::Create(Manifest::release("podinfo", "6.0.0"))];
        RepositoryBuilder::new("samples/home").sample().commit(2, "Add podinfo", changes).store(app).await;
        store::ecosystem::aggregate(&app.state.db, day(9)).await.unwrap();
        assert_eq!((app.get("/api/v1/repositories/").await.count(), counts().await), (1, 0));
        process.write("polling: {interval: 7m}");
        process.reload(StatusCode::OK).await;
        assert_eq!((app.get("/api/v1/repositories/").await.count(), counts().await), (0, 1));
        assert!(store::ecosystem::is_stale(&app.state.db.read).await.unwrap());
    })
    .await;
}
