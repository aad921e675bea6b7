//! Reading the configuration again while the program runs: all of it or nothing, and told in every place.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use entity::input::FoundRepository;
use entity::kind::{Provider, ReloadCause, ReloadOutcome};
use entity::view::{Condition, Live, Pace, Target};
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

use crate::support::{
    Answer, KEYS, Nobody, RepositoryBuilder, TestApp, access_token, on_each_engine, with_first_account,
};

/// Something hangs that takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

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
        let app = app.with_state(server::state::AppState { seats: Seats::new(2), ..state });
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

    async fn check(&self, text: &str, kind: &str) -> Answer {
        let request = Request::post("/api/v1/config/validate").header(header::CONTENT_TYPE, kind);
        self.app.send(request.body(Body::from(text.to_owned())).unwrap()).await
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
async fn a_file_with_errors_changes_nothing_and_all_of_them_are_told() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        process.write("repositories: [{url: 'https://h.example/team/app'}]\n");
        process.reload(StatusCode::OK).await;
        let before = process.in_force.get();
        process.write("repositories: []\npolling: {interval: 1s}\napp2: {}\ntriggers: [{name: a}]\n");
        let told = process.reload(StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!((told["outcome"].as_str(), told["error_count"].as_u64()), (Some("refused"), Some(3)), "{told}");
        let errors = told["errors"].as_array().unwrap();
        let place = |error: &Value| format!("{}:{}", error["line"], error["key"].as_str().unwrap());
        let places: Vec<String> = errors.iter().map(place).collect();
        assert_eq!(places, ["4:polling.interval", "5:app2", "6:triggers[0].target"]);
        assert_eq!(process.in_force.get().to_yaml().unwrap(), before.to_yaml().unwrap());
        assert_eq!(repositories::list_sync_targets(&app.state.db.read).await.unwrap().len(), 1);

        // A name that a person took: known by the database alone, and the rest of the file is left alone with it.
        let taken = triggers::NewTrigger {
            name: "mine".to_owned(),
            is_enabled: true,
            condition: Condition::default(),
            target: Target::Flux { url: "https://flux.example/hook".to_owned() },
            pace: Pace::default(),
        };
        triggers::insert_trigger(&app.state.db.write, &taken, clock::now()).await.unwrap();
        process.write(
            "repositories: [{url: 'https://h.example/team/new'}]\ntriggers: [{name: mine, target: {flux: {url: 'https://h/x'}}}]\n",
        );
        let told = process.reload(StatusCode::UNPROCESSABLE_ENTITY).await;
        let message = told["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("there is a trigger named \"mine\" already"), "{message}");
        let names: Vec<String> = repositories::list_sync_targets(&app.state.db.read)
            .await
            .unwrap()
            .into_iter()
            .map(|found| found.full_name)
            .collect();
        assert_eq!(names, ["team/app"]);
        let triggers = triggers::list_triggers(&app.state.db.read, clock::now()).await.unwrap();
        assert!(triggers.len() == 1 && !triggers[0].is_configured);

        // What needs a restart is named, and the rest is in force.
        process.write("server: {idle_timeout: 2m}\n");
        let told = process.reload(StatusCode::OK).await;
        assert_eq!((&told["outcome"], &told["applied"]), (&"applied".into(), &serde_json::json!(["repositories"])));
        assert_eq!(told["needs_restart"], serde_json::json!(["server.idle_timeout"]));

        // Everybody sees that, admins alone what stands in the file.
        let shown = process.reloads().await;
        let outcomes: Vec<&str> = shown.iter().map(|reload| reload["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["applied", "refused", "refused", "applied"]);
        assert_eq!((shown[2]["error_count"].as_u64(), shown[2]["errors"].as_array().unwrap().len()), (Some(3), 0));
        assert!(shown.iter().all(|reload| reload["asked_by"].is_null() && reload["cause"] == "request"));
        let bearer = format!("Bearer {}", process.app.token);
        let shown = process.app.get_with("/api/v1/config/reloads", &[(header::AUTHORIZATION, &bearer)]).await.json();
        assert_eq!(shown[2]["errors"].as_array().unwrap().len(), 3);
        assert!(shown[0]["asked_by"].as_str().is_some_and(|who| who.contains('@')), "{shown}");
        let page = process.app.get("/tasks").await.text();
        assert!(page.contains("the configuration before stays in force") && !page.contains("app2"), "{page}");
        let audit = process.app.get("/api/v1/admin/audit?action=reload_configuration").await;
        assert_eq!(audit.count(), 4, "{}", audit.text());
    })
    .await;
}

#[tokio::test]
async fn every_process_tells_of_the_reloads_of_all() {
    on_each_engine(async |app| {
        let (one, two) = (Process::start(app), Process::named(app, "two-0"));
        one.write("polling: {interval: 7m}\n");
        one.reload(StatusCode::OK).await;
        two.write("polling: {interval: '${APP_TOKEN}'}\ntriggers: [{name: '${APP_TOKEN}'}]\n");
        let refused = two.reloader.run(ReloadCause::File, None).await;
        assert_eq!((refused.outcome, refused.error_count), (ReloadOutcome::Refused, 2));
        let told = one.reloads().await;
        assert_eq!(told, two.reloads().await);
        let of = |reload: &Value| {
            ["worker", "host", "outcome", "cause"].map(|field| reload[field].as_str().unwrap().to_owned())
        };
        let told: Vec<[String; 4]> = told.iter().map(of).collect();
        let expected =
            [["two-0", "host-of-two-0", "refused", "file"], ["one-0", "host-of-one-0", "applied", "request"]];
        assert_eq!(told, expected.map(|words| words.map(str::to_owned)));
        // What is wrong is told in full to admins, and no secret in it.
        let bearer = format!("Bearer {}", app.token);
        let shown = one.app.get_with("/api/v1/config/reloads", &[(header::AUTHORIZATION, &bearer)]).await;
        assert_eq!(shown.json()[0]["errors"].as_array().unwrap().len(), 2);
        assert!(shown.text().contains("${APP_TOKEN}") && !shown.text().contains("secret-token"), "{}", shown.text());
        // A process that can read none again tells of them too, and one that starts anew still does.
        let page = app.get("/tasks").await.text();
        assert!(page.contains("host-of-one-0") && page.contains("host-of-two-0"), "{page}");
        drop((one, two));
        assert_eq!(Process::start(app).reloads().await.len(), 2);
    })
    .await;
}

/// While the database can't be written, what came of a reload waits, and is kept with the next one.
#[tokio::test]
async fn a_reload_that_could_not_be_kept_is_kept_with_the_next() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        let mut heard = app.state.queue.bus().subscribe();
        let mut is_told = || std::iter::from_fn(|| heard.try_recv().ok()).any(|live| live == Live::Reload);
        let w = &app.state.db.write;
        w.execute_unprepared("ALTER TABLE config_reload RENAME TO away").await.unwrap();
        process.write("polling: {interval: 7m}\n");
        assert_eq!(process.reload(StatusCode::OK).await["outcome"], "applied");
        assert!(!is_told(), "there is nothing new to be read yet");
        w.execute_unprepared("ALTER TABLE away RENAME TO config_reload").await.unwrap();
        process.write("polling: {interval: 8m}\n");
        process.reload(StatusCode::OK).await;
        assert!(is_told(), "open pages read it anew");
        let told = process.reloads().await;
        assert_eq!(told.len(), 2);
        assert!(told.iter().all(|reload| reload["applied"] == serde_json::json!(["polling.interval"])), "{told:?}");
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
async fn a_configuration_is_checked_without_any_effect() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        let told =
            process.check("app: {listen: nowhere}\nrepositories: [{url: 'ftp://h/a'}]", "application/yaml").await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text());
        let told = told.json();
        assert_eq!((told["is_valid"].as_bool(), told["errors"].as_array().unwrap().len()), (Some(false), 2));
        assert_eq!(told["errors"][0]["key"], "app.listen");
        let valid = process.check(FULL, "text/yaml; charset=utf-8").await.json();
        assert_eq!(valid, serde_json::json!({ "is_valid": true, "errors": [] }));
        assert!(process.in_force.get().repositories.is_empty() && process.reloads().await.is_empty());
        // It shows nothing of other files.
        let told = process.check("repositories_config: /etc/passwd", "application/yaml").await.text();
        assert!(told.contains("is none of the files in use") && !told.contains("root:"), "{told}");
        let other = process.check("{}", "application/json").await;
        assert_eq!(other.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let request = Request::post("/api/v1/config/validate").extension(Nobody).body(Body::empty()).unwrap();
        assert_eq!(process.app.send(request).await.status, StatusCode::UNAUTHORIZED);
        // Of a process that cannot read its own again it is said.
        assert_eq!(app.post("/api/v1/config/reload").await.status, StatusCode::CONFLICT);
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

/// A running program, ended when it is dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn wait_for(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_notices_a_changed_file_and_the_signal() {
    let folder = tempfile::tempdir().unwrap();
    let (file, log) = (folder.path().join("kubestats.yaml"), folder.path().join("log"));
    let text = |level: &str, more: &str| {
        format!(
            "app: {{data_dir: {}, listen: '127.0.0.1:0', samples: never, log_format: text, log_level: {level}}}\n\
             discovery: {{enabled: false}}\n{more}",
            folder.path().join("data").display()
        )
    };
    fs::write(&file, text("info", "")).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubestats"));
    program.args(["serve", "--config"]).arg(&file).env_remove("DATABASE_URL").env("NO_COLOR", "1");
    with_first_account(&mut program);
    let program = program.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
    let pid = program.id().to_string();
    let _program = Program(program);
    let said = || fs::read_to_string(&log).unwrap();
    wait_for("it does not begin to serve", async || said().contains("serving http://")).await;
    let address = said().split("serving http://").nth(1).unwrap().lines().next().unwrap().trim().to_owned();

    // As an editor does: beside it, then in its place.
    let new = folder.path().join("new");
    fs::write(&new, text("info", "repositories: [{url: 'https://h.invalid/team/app', enabled: false}]\n")).unwrap();
    fs::rename(&new, &file).unwrap();
    wait_for("the changed file is not read", async || said().contains("applied=\"repositories\"")).await;

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let bearer = access_token(&address).await;
    let reloads = async || {
        let asked = client.get(format!("http://{address}/api/v1/config/reloads")).bearer_auth(&bearer);
        let answer = asked.send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&answer).unwrap().as_array().unwrap().clone()
    };
    let shown = reloads().await;
    assert_eq!((shown.len(), &shown[0]["cause"], &shown[0]["outcome"]), (1, &"file".into(), &"applied".into()));

    // A broken file is told once, and the program goes on.
    fs::write(&file, "app: [\n").unwrap();
    wait_for("the broken file is not told", async || said().contains("the configuration is refused")).await;
    fs::write(&file, text("warn", "")).unwrap();
    wait_for("the mended file is not read", async || {
        reloads().await.first().is_some_and(|newest| newest["outcome"] == "applied")
    })
    .await;
    let refused = reloads().await.iter().filter(|reload| reload["outcome"] == "refused").count();
    assert_eq!(refused, 1);

    // The log says no more than its new level, and the signal is heard all the same.
    let before = reloads().await.len();
    let sent = Command::new("kill").args(["-HUP", &pid]).status().unwrap();
    assert!(sent.success());
    wait_for("the signal is not heard", async || reloads().await.len() > before).await;
    assert_eq!(reloads().await[0]["cause"], "signal");
    assert!(!said().contains("nothing changed"), "{}", said());
}
