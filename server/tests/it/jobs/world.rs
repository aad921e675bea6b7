//! A forge with a few repositories and a runner that works on them, for tests of what goes wrong between the two.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    input::FoundRepository,
    kind::{JobKind, JobRequest, JobState, Origin, Priority, Provider, RequestedBy, SyncStatus},
    view::{Job, JobFilter, PageQuery, Repository, RepositoryFilter},
};
use sea_orm::Statement;
use server::{
    clock, config,
    jobs::{Deps, Identity, Runner, due},
};
use standin::{Forge, Generator, Limits, Options, Standin, TOKEN};
use store::{
    db::{ConnectionTrait as _, Db},
    jobs,
    queue::JobQueue,
    repositories, tasks,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::repository::rows;

/// Everything that is waited for happens by then, or hangs; far more than a busy machine needs.
pub const PATIENCE: Duration = Duration::from_mins(2);
/// The repository that things befall.
pub const VICTIM: usize = 0;

/// Repositories with a short history each, made once for all tests of the process.
fn bare(number: usize) -> std::path::PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..3 {
            let deployment = |replicas: u32| {
                format!(
                    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\nspec:\n  replicas: {replicas}\n"
                )
            };
            let (first, second) = (deployment(1), deployment(2));
            let settings = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-{number}\n");
            let commits: [&[(&str, Option<&str>)]; 3] = [
                &[("app.yaml", Some(&first)), ("settings.yaml", Some(&settings))],
                &[("app.yaml", Some(&second))],
                &[("settings.yaml", None), ("broken.yaml", Some("a: [\n"))],
            ];
            standin::bare::create(&folder.path().join(number.to_string()), &commits).unwrap();
        }
        folder
    });
    folder.path().join(number.to_string())
}

/// The forge, the program's working part over a database, and where it keeps its clones.
pub struct World {
    pub standin: Arc<Standin>,
    pub deps: Deps,
    pub ids: Vec<u64>,
    runner: Option<JoinHandle<()>>,
    stop: CancellationToken,
    _data: tempfile::TempDir,
}

impl World {
    /// Three repositories on a forge that is searched, one on another machine that the configuration names.
    pub async fn start(db: &Db, with_token: bool) -> Self {
        let (standin, ids) = Self::forge(Limits::generous()).await;
        let world = Self::over(db, standin, ids, with_token);
        world.pin_elsewhere().await;
        world
    }

    /// The same without a token, on a forge that allows so much.
    pub async fn start_limited(db: &Db, limits: Limits) -> Self {
        let (standin, ids) = Self::forge(limits).await;
        let world = Self::over(db, standin, ids, false);
        world.pin_elsewhere().await;
        world
    }

    /// Somebody else over the same forge, who knows nothing yet.
    pub async fn newcomer(&self, db: &Db) -> Self {
        let world = Self::over(db, Arc::clone(&self.standin), self.ids.clone(), true);
        world.pin_elsewhere().await;
        world
    }

    /// Another process over the same database and forge.
    pub async fn fellow(&self, db: &Db) -> Self {
        Self::over(db, Arc::clone(&self.standin), self.ids.clone(), self.deps.forges.has_tokens())
    }

    async fn forge(limits: Limits) -> (Arc<Standin>, Vec<u64>) {
        let mut found = Generator::new(3, vec![bare(0), bare(1), bare(2)]).repositories();
        for (number, repository) in found.iter_mut().enumerate() {
            (repository.fork, repository.archived, repository.size_kb) = (false, false, 100);
            (repository.owner, repository.name) = ("ada".to_owned(), format!("r{number}"));
        }
        let ids = found.iter().map(|repository| repository.id).collect();
        let options = Options { limits, search_etags: true, ..Options::with(found) };
        (Arc::new(Standin::start(options).await.unwrap()), ids)
    }

    fn over(db: &Db, standin: Arc<Standin>, ids: Vec<u64>, with_token: bool) -> Self {
        let url = standin.github().url().to_owned();
        let token = if with_token { ", token: '${FORGE_TOKEN}'" } else { "" };
        let text = format!(
            "security: {{require_https: false}}\npolling: {{timeout: 60s}}\ndiscovery:\n  topics: [kubesearch]\n  \
             max_age: 36500d\n  forges:\n    - {{api_base_url: '{url}', url: '{url}', provider: github{token}}}\n"
        );
        let config = config::parse(Path::new("test"), &text, [("FORGE_TOKEN".to_owned(), TOKEN.to_owned())].into());
        let data = tempfile::tempdir().unwrap();
        let deps = Deps {
            data_dir: data.path().to_owned(),
            ..server::start::deps(&config.unwrap(), db, &JobQueue::new(db.clone()), None).unwrap()
        };
        Self { standin, deps, ids, runner: None, stop: CancellationToken::new(), _data: data }
    }

    async fn pin_elsewhere(&self) {
        let url = self.standin.git().clone_url("ada/r2");
        let repository = FoundRepository {
            url,
            owner: "bob".to_owned(),
            name: "elsewhere".to_owned(),
            full_name: "bob/elsewhere".to_owned(),
            description: None,
            provider: Provider::Git,
            origin: Origin::Config,
            web_url: None,
            enabled: true,
            branch_regex: None,
            polling_interval_seconds: None,
            topics: Vec::new(),
        };
        repositories::upsert_repositories(&self.deps.db.write, &[repository], clock::now()).await.unwrap();
    }

    pub fn github(&self) -> &Forge {
        self.standin.github()
    }

    /// Lets the runner work.
    pub fn run(&mut self) {
        let identity = Identity::take(&self.deps.data_dir, "all").unwrap();
        self.runner = Some(tokio::spawn(Runner::new(self.deps.clone(), identity).run(self.stop.clone())));
    }

    /// Ends the runner in order.
    pub async fn end(mut self) {
        self.stop.cancel();
        if let Some(runner) = self.runner.take() {
            runner.await.unwrap();
        }
    }

    pub async fn ask(&self, request: JobRequest) {
        self.deps.queue.enqueue(&request, RequestedBy::Schedule, Priority::ROUTINE, clock::now()).await.unwrap();
    }

    /// Waits until nothing runs and nothing could run now: what is left waits for its time.
    pub async fn settle(&self) {
        let idle = async || {
            let depths = tasks::queue_depths(&self.deps.db.read, clock::now()).await.unwrap();
            depths.iter().all(|depth| depth.running == 0 && depth.ready == 0)
        };
        self.wait("the queue is idle", idle).await;
    }

    /// Waits for a condition.
    pub async fn wait(&self, what: &str, is: impl AsyncFn() -> bool) {
        let began = Instant::now();
        while !is().await {
            assert!(
                began.elapsed() <= PATIENCE,
                "not within {PATIENCE:?}: {what}; {:#?}\n{:#?}",
                self.jobs(None).await,
                self.standing().await
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Makes a day pass: what waits for a time need not wait any longer, and every schedule's time has come.
    pub async fn pass_a_day(&self) {
        let past = clock::now() - TimeDelta::seconds(1);
        for (table, set, only) in [
            ("job", "run_at = $1", "state = 'queued'"),
            ("repository", "next_sync_at = $1", "next_sync_at IS NOT NULL"),
            (
                "forge_budget",
                "resets_at = $1, blocked_until = $1",
                "blocked_until IS NOT NULL OR resets_at IS NOT NULL",
            ),
        ] {
            self.execute(&format!("UPDATE {table} SET {set} WHERE {only}"), past).await;
        }
        self.execute("UPDATE repository SET facts_at = $1 WHERE facts_at IS NOT NULL", past - TimeDelta::days(1)).await;
        let (db, queue) = (&self.deps.db, &self.deps.queue);
        due::enqueue_due_syncs(db, queue, &self.deps.polling, clock::now()).await.unwrap();
        for request in [JobRequest::DiscoverRepositories, JobRequest::SyncAllRepositories] {
            self.ask(request).await;
        }
    }

    /// Runs a statement with one time in it.
    pub async fn execute(&self, sql: &str, at: DateTime<Utc>) {
        let write = &self.deps.db.write;
        let statement = Statement::from_sql_and_values(write.get_database_backend(), sql, [at.into()]);
        write.execute_raw(statement).await.unwrap();
    }

    pub async fn repositories(&self) -> Vec<Repository> {
        let page = PageQuery { skip: 0, limit: 1_000 };
        let filter = RepositoryFilter { page, ..RepositoryFilter::default() };
        repositories::list_repositories(&self.deps.db.read, &filter).await.unwrap().data
    }

    pub async fn jobs(&self, state: Option<JobState>) -> Vec<Job> {
        jobs_of(&self.deps.db, state).await
    }

    /// How each repository stands, as people see it.
    pub async fn standing(&self) -> Vec<String> {
        let stands = |found: Repository| {
            let stars = found.latest_metrics.as_ref().map_or(-1, |metrics| metrics.stars_count);
            let watchers = found.latest_metrics.as_ref().map_or(-1, |metrics| metrics.watchers_count);
            format!(
                "{}: sync {:?} {:?}, scan {:?} {:?}, topics {:?}, language {:?}, stars {stars}, watchers {watchers}",
                found.full_name,
                found.sync_status,
                found.sync_error,
                found.scan_status,
                found.scan_error,
                found.topics,
                found.language
            )
        };
        let mut standing: Vec<String> = self.repositories().await.into_iter().map(stands).collect();
        standing.sort();
        standing
    }

    /// Everything that people see: how the repositories stand, and what was found in them.
    pub async fn state(&self) -> Vec<String> {
        let mut state = self.standing().await;
        state.extend(rows(&self.deps.db).await);
        state
    }

    /// Whether these repositories are synced and scanned.
    pub async fn are_well(&self, names: &[&str]) -> bool {
        let all = self.repositories().await;
        let is_well =
            |found: &Repository| (found.sync_status, found.scan_status) == (SyncStatus::Success, SyncStatus::Success);
        names.iter().all(|name| all.iter().any(|found| found.full_name == *name && is_well(found)))
    }

    /// What must hold whenever nothing runs: no repository is in the middle of something, no job is left behind.
    pub async fn assert_nothing_is_stuck(&self, when: &str) {
        let syncing =
            |found: &&Repository| found.sync_status == SyncStatus::Syncing || found.scan_status == SyncStatus::Syncing;
        let stuck: Vec<_> =
            self.repositories().await.iter().filter(syncing).map(|found| found.full_name.clone()).collect();
        assert!(stuck.is_empty(), "{when}: {stuck:?} in syncing");
        let running = self.jobs(Some(JobState::Running)).await;
        assert!(running.is_empty(), "{when}: {running:#?}");
        let waiting = self.jobs(Some(JobState::Queued)).await;
        // Nothing that waits may wait for longer than a limit can last.
        let far = clock::now() + TimeDelta::hours(25);
        let lost: Vec<_> = waiting.iter().filter(|job| job.run_at > far).collect();
        assert!(lost.is_empty(), "{when}: {lost:#?}");
    }

    /// Jobs that have failed for good, those of a kind that a schedule asks for again left out where `but` names it.
    pub async fn failed(&self, but: &[JobKind]) -> Vec<Job> {
        let failed = self.jobs(Some(JobState::Failed)).await;
        let gave_way = |job: &Job| job.error.as_deref().unwrap_or_default().contains("another of its kind waits");
        failed.into_iter().filter(|job| !but.contains(&job.kind) && !gave_way(job)).collect()
    }
}

/// Every job, or those in one state.
pub async fn jobs_of(db: &Db, state: Option<JobState>) -> Vec<Job> {
    let page = PageQuery { skip: 0, limit: 1_000 };
    jobs::list_jobs(&db.read, &JobFilter { state, page, ..JobFilter::default() }).await.unwrap().data
}
