//! A private repository with a token that somebody entered, for it alone or for its forge: where that is sent, and where it is not.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actions::access::Access as Entered;
use actions::secrets::purpose;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use entity::kind::{JobRequest, Origin, SyncStatus};
use entity::view::Repository;
use serde_json::{Value, json};
use server::{
    clock,
    config::{self, Config},
    jobs::{self, Deps, JobContext, JobError},
};
use standin::{Access, Fault, Forge, PRIVATE_TOKEN, Rule, Standin, TOKEN};
use store::queue::JobQueue;
use store::repositories;
use store::secrets::{of_access, of_forge, put_access, put_secret};
use uuid::Uuid;

use super::forges::world::{home, watched, watched_home};
use crate::support::{Answer, KEYS, TestApp, on_each_engine};

/// Paths of Git, not those of the API.
const GIT: &str = "/home.git/";
/// Where the API tells of the branches.
const BRANCHES: &str = "/branches";
/// The place of [`PRIVATE_TOKEN`] among the tokens that the forges know.
const OWN: Option<usize> = Some(2);
const LOOPBACK: &str = ", allowed_networks: [127.0.0.0/8]";
/// Something hangs that takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A private repository at a forge, and another forge that has one of the same name.
struct Hidden {
    app: TestApp,
    forge: Standin,
    other: Standin,
    config: Config,
    deps: Deps,
    repository: Uuid,
    id: u64,
    folder: tempfile::TempDir,
}

/// What a process works with that has just begun.
fn process(app: &TestApp, config: &Config, data_dir: PathBuf) -> Deps {
    let db = &app.state.db;
    let deps = server::start::deps(config, db, &JobQueue::new(db.clone()), Some(&KEYS())).unwrap();
    Deps { data_dir, ..deps }
}

impl Hidden {
    async fn start(app: &TestApp, networks: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (options, id) = home(folder.path(), Access::Private);
        let forge = Standin::start(options.clone()).await.unwrap();
        let other = Standin::start(options).await.unwrap();
        let api = forge.github().url();
        let text = format!(
            "security: {{require_https: false{networks}}}\npolling: {{timeout: 60s}}\ndiscovery:\n  forges:\n    - \
             {{api_base_url: '{api}', url: '{api}', provider: github}}\n"
        );
        let app = app.with_config(&text);
        let config = config::parse(Path::new("test"), &text, [].into()).unwrap();
        let deps = process(&app, &config, folder.path().join("data"));
        let db = &app.state.db;
        let repository = watched_home(db, forge.github().clone_url("ada/home"), Origin::Added).await;
        Self { app, forge, other, config, deps, repository, id, folder }
    }

    async fn run(&self, request: JobRequest) -> Result<String, JobError> {
        jobs::handle(&self.deps, &JobContext::new(Uuid::now_v7()), &request).await
    }

    /// The same in a process that has just begun, on a machine without a clone.
    async fn run_anew(&self, machine: &str, request: JobRequest) -> Result<String, JobError> {
        let deps = process(&self.app, &self.config, self.folder.path().join(machine));
        jobs::handle(&deps, &JobContext::new(Uuid::now_v7()), &request).await
    }

    async fn sync(&self) -> Result<String, JobError> {
        self.run(JobRequest::SyncRepository { repository_id: self.repository }).await
    }

    /// Why a sync failed.
    async fn failed_sync(&self) -> String {
        self.sync().await.unwrap_err().to_string()
    }

    fn path(&self) -> String {
        format!("/api/v1/repositories/{}/access", self.repository)
    }

    /// What is entered has to be taken; the answer.
    async fn put(&self, access: Value) -> Value {
        let answer = self.asked(access).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(!answer.text().contains(PRIVATE_TOKEN), "{}", answer.text());
        answer.json()
    }

    async fn asked(&self, access: Value) -> Answer {
        let request = Request::put(self.path()).header(header::CONTENT_TYPE, "application/json");
        self.app.send(request.body(Body::from(access.to_string())).unwrap()).await
    }

    async fn seen(&self) -> Repository {
        repositories::find_repository(&self.app.state.db.read, self.repository).await.unwrap().unwrap()
    }

    /// Nobody has asked anything yet.
    fn reset(&self) {
        self.forge.github().reset();
        self.other.github().reset();
    }
}

/// By which tokens a forge was asked for paths with this part.
fn tokens(forge: &Forge, part: &str) -> Vec<Option<usize>> {
    let requests = forge.requests().into_iter().filter(|request| request.path.contains(part));
    requests.map(|request| request.token).collect()
}

/// Whether it was asked, and by nothing but this.
fn only(forge: &Forge, part: &str, token: Option<usize>) -> bool {
    let tokens = tokens(forge, part);
    !tokens.is_empty() && tokens.iter().all(|found| *found == token)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_its_own_goes_to_its_machine_and_to_the_api_that_it_was_entered_with() {
    on_each_engine(async |app| {
        let at = Hidden::start(app, LOOPBACK).await;
        let (forge, other) = (at.forge.github(), at.other.github());
        assert!(at.failed_sync().await.contains("asks for credentials"));
        at.reset();
        // By Git.
        assert_eq!(at.put(json!({ "token": PRIVATE_TOKEN })).await["has_own_token"], true);
        at.sync().await.unwrap();
        assert!(only(forge, GIT, OWN), "{:?}", tokens(forge, GIT));
        assert_eq!(at.seen().await.sync_status, SyncStatus::Success);

        // By the API.
        forge.fail(Rule::new(Fault::Status { code: 503 }).on(GIT));
        forge.commit_on(at.id, "main", &[("app.yaml", Some("a: 2\n"))], "Change").unwrap();
        let why = at.failed_sync().await;
        assert!(why.contains("seen by the API of 127.0.0.1:"), "{why}");
        assert!(!why.contains("entered"), "{why}");
        assert!(only(forge, BRANCHES, OWN), "{:?}", tokens(forge, BRANCHES));

        // Who names another address has the token forgotten.
        at.reset();
        let set = at.put(json!({ "api_base_url": other.url() })).await;
        assert!(set["has_own_token"] == false && set["forgot_token"] == true, "{set}");
        assert_eq!(set["api_base_url"], other.url());
        let why = at.failed_sync().await;
        assert!(why.contains("503") && !why.contains("API"), "{why}");
        assert!(only(forge, "/", None) && only(other, "/", None), "{:?}", tokens(other, "/"));

        // Entered with it, it goes there.
        at.reset();
        let set = at.put(json!({ "api_base_url": format!("{}/", other.url()), "token": PRIVATE_TOKEN })).await;
        assert!(set["has_own_token"] == true && set["forgot_token"] == false, "{set}");
        assert!(at.put(json!({ "api_base_url": other.url() })).await["has_own_token"] == true, "the same address");
        let why = at.failed_sync().await;
        // Where that is, is not told to everybody who reads why the sync failed.
        let place = other.url().trim_start_matches("http://");
        assert!(why.contains("seen by the API entered for ") && !why.contains(place), "{why}");
        let budgets = store::forges::budgets(&at.app.state.db.read, clock::now()).await.unwrap();
        assert!(budgets.iter().any(|budget| budget.host.starts_with("the API entered for ")), "{budgets:?}");
        assert!(budgets.iter().all(|budget| !budget.host.contains(place)), "{budgets:?}");
        assert!(only(other, BRANCHES, OWN) && tokens(forge, BRANCHES).is_empty());

        at.reset();
        assert_eq!(at.app.request(Method::DELETE, &at.path(), &[]).await.status, StatusCode::NO_CONTENT);
        forge.clear_faults();
        assert!(at.failed_sync().await.contains("asks for credentials"));
        assert!(only(forge, "/", None) && tokens(other, "/").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_gone_for_others_is_there_for_its_token_and_stays() {
    on_each_engine(async |app| {
        let at = Hidden::start(app, LOOPBACK).await;
        at.run(JobRequest::RefreshMetrics).await.unwrap();
        let seen = at.seen().await;
        assert!(seen.sync_status == SyncStatus::Blocked && seen.latest_metrics.is_none(), "{seen:?}");
        at.put(json!({ "token": PRIVATE_TOKEN })).await;
        assert_eq!(at.seen().await.sync_status, SyncStatus::Pending, "it is looked for again");
        at.reset();
        at.run(JobRequest::RefreshMetrics).await.unwrap();
        assert!(only(at.forge.github(), "/repos/ada/home", OWN));
        let seen = at.seen().await;
        assert!(seen.sync_status == SyncStatus::Pending && seen.latest_metrics.is_some(), "{seen:?}");
        // Whoever answers at an address that somebody entered tells figures, and not what the repository is called.
        let (other, id) = (at.other.github(), at.id);
        assert!(other.rename(id, "renamed") && other.change(id, |home| home.stars = 4_711));
        at.put(json!({ "token": PRIVATE_TOKEN, "api_base_url": other.url() })).await;
        at.run(JobRequest::RefreshMetrics).await.unwrap();
        let told = at.seen().await;
        assert_eq!((&told.full_name, &told.url), (&seen.full_name, &seen.url));
        assert_eq!(told.latest_metrics.unwrap().stars_count, 4_711);
        // A token that may fetch need not be one that the API shows it to.
        at.put(json!({ "token": TOKEN })).await;
        at.run(JobRequest::RefreshMetrics).await.unwrap();
        assert_eq!(at.seen().await.sync_status, SyncStatus::Pending);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_were_not_shown_does_not_hold_once_a_token_is_entered_meanwhile() {
    on_each_engine(async |app| {
        let at = Hidden::start(app, LOOPBACK).await;
        let forge = at.forge.github();
        // The round has begun, and waits for the forge's answer to somebody without a token.
        forge.fail(Rule::new(Fault::Slow { ms: 2_000 }).on("/repos/").times(1));
        let enter = async {
            let began = Instant::now();
            while !forge.faults().is_empty() {
                assert!(began.elapsed() < PATIENCE, "nobody asks");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            at.put(json!({ "token": PRIVATE_TOKEN })).await;
        };
        let (round, ()) = tokio::join!(at.run(JobRequest::RefreshMetrics), enter);
        round.unwrap();
        assert!(only(forge, "/repos/", None), "{:?}", tokens(forge, "/repos/"));
        let seen = at.seen().await;
        assert!(seen.sync_status == SyncStatus::Pending && seen.latest_metrics.is_none(), "{seen:?}");
        // The round that follows asks by it.
        at.reset();
        at.run(JobRequest::RefreshMetrics).await.unwrap();
        assert!(only(forge, "/repos/", OWN) && at.seen().await.latest_metrics.is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_somebody_entered_leads_inside_only_where_that_is_allowed() {
    on_each_engine(async |app| {
        // The configuration names this machine as that of a forge, which is nothing to other people's addresses.
        let at = Hidden::start(app, "").await;
        let (forge, other) = (at.forge.github(), at.other.github());
        let refused = at.asked(json!({ "api_base_url": other.url(), "token": PRIVATE_TOKEN })).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
        assert!(refused.text().contains("a loopback address") && !refused.text().contains(PRIVATE_TOKEN));
        at.put(json!({ "token": PRIVATE_TOKEN })).await;
        at.sync().await.unwrap();
        forge.fail(Rule::new(Fault::Status { code: 503 }).on(GIT));

        // Nor where it was allowed once, nor for the machine that a repository has moved to since.
        let keep = async |access: Entered| {
            let name = of_access(at.repository);
            let sealed = KEYS().seal(&purpose(&name), &serde_json::to_vec(&access).unwrap());
            assert!(put_access(&at.app.state.db.write, at.repository, sealed, clock::now()).await.unwrap());
        };
        let (url, token) = (at.seen().await.url, Some(PRIVATE_TOKEN.to_owned()));
        let there = Some(other.url().to_owned());
        keep(Entered { url: url.clone(), api_base_url: there.clone(), token: token.clone() }).await;
        let why = at.failed_sync().await;
        assert!(!why.contains("API") && tokens(other, "/").is_empty(), "{why}");
        at.reset();
        let elsewhere = url.replace(forge.url(), other.url());
        keep(Entered { url: elsewhere, api_base_url: None, token }).await;
        forge.clear_faults();
        assert!(at.failed_sync().await.contains("asks for credentials"));
        assert!(only(forge, "/", None) && tokens(other, "/").is_empty());
        let shown = at.app.get(&at.path()).await.json();
        assert!(shown["has_own_token"] == false, "{shown}");
        assert!(shown["error"].as_str().unwrap().contains("on another machine"), "{shown}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_of_figures_that_is_to_stop_waits_for_no_forge_and_keeps_what_it_was_told() {
    on_each_engine(async |app| {
        let at = Hidden::start(app, LOOPBACK).await;
        let (forge, db) = (at.forge.github(), &at.app.state.db);
        let home = forge.repository("ada/home").unwrap();
        forge.add(standin::Repository { id: home.id + 1, name: "second".to_owned(), ..home });
        let second = watched(db, forge.clone_url("ada/second"), "second", Origin::Added).await;
        for (repository, name) in [(at.repository, "ada/home"), (second, "ada/second")] {
            let (url, token) = (forge.clone_url(name), Some(PRIVATE_TOKEN.to_owned()));
            let access = serde_json::to_vec(&Entered { url, api_base_url: None, token }).unwrap();
            let sealed = KEYS().seal(&purpose(&of_access(repository)), &access);
            assert!(put_access(&db.write, repository, sealed, clock::now()).await.unwrap());
        }
        // One is told, and the answer of the other does not come.
        forge.fail(Rule::new(Fault::Slow { ms: 600_000 }).on("/repos/").after(1).times(1));
        let context = JobContext::new(Uuid::now_v7());
        let stop = async {
            let began = Instant::now();
            while !forge.faults().is_empty() {
                assert!(began.elapsed() < PATIENCE, "nobody asks");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            context.cancel.store(true, Ordering::Relaxed);
        };
        let (round, ()) = tokio::join!(jobs::handle(&at.deps, &context, &JobRequest::RefreshMetrics), stop);
        assert!(matches!(round, Err(JobError::Cancelled)), "{round:?}");
        let told = async || {
            let mut told = 0;
            for repository in [at.repository, second] {
                let found = repositories::find_repository(&db.read, repository).await.unwrap().unwrap();
                told += usize::from(found.latest_metrics.is_some());
            }
            told
        };
        assert_eq!(told().await, 1);
        // The next round asks for the other one alone.
        at.reset();
        at.run(JobRequest::RefreshMetrics).await.unwrap();
        assert_eq!((told().await, tokens(forge, "/repos/")), (2, vec![OWN]));
    })
    .await;
}

/// One that was entered for the forge is known to whichever job asks first.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_forge_is_used_by_every_job_of_a_process_that_has_just_begun() {
    on_each_engine(async |app| {
        let at = Hidden::start(app, LOOPBACK).await;
        let (forge, repository_id) = (at.forge.github(), at.repository);
        let name = of_forge(forge.url().trim_start_matches("http://"));
        let sealed = KEYS().seal(&purpose(&name), PRIVATE_TOKEN.as_bytes());
        put_secret(&at.app.state.db.write, &name, sealed, clock::now()).await.unwrap();
        at.sync().await.unwrap();
        at.run_anew("scans", JobRequest::ScanRepository { repository_id }).await.unwrap();
        assert_eq!(at.seen().await.scan_status, SyncStatus::Success);

        forge.commit_on(at.id, "main", &[("app.yaml", Some("a: 2\n"))], "Change").unwrap();
        at.sync().await.unwrap();
        at.reset();
        let followed = at.run_anew("follows", JobRequest::FollowBranches { repository_id }).await.unwrap();
        assert_eq!(followed, "followed 1 events of branches");
        assert!(only(forge, GIT, OWN), "{:?}", tokens(forge, GIT));
    })
    .await;
}
