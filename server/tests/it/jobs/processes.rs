//! `kubestats serve` killed at any moment, alone on SQLite and three at a time on PostgreSQL: every job runs, with the
//! effects of an undisturbed run.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use entity::{
    kind::{JobKind, JobState, SyncStatus},
    view::{JobFilter, PageQuery, QueueDepth},
};
use server::clock;
use store::{
    db::{ConnectionTrait as _, Db, DbSettings},
    jobs, repositories, schedules, tasks, workers,
};
use uuid::Uuid;

use super::repository::{Origins, rows};

/// Repositories that are worked on.
const REPOSITORIES: usize = 6;
/// Kills of each test; `KUBESTATS_KILLS` sets another number for a long run.
const KILLS: u32 = 25;
/// All work is done by then, or something hangs.
pub const PATIENCE: Duration = Duration::from_mins(4);

fn kills() -> u32 {
    std::env::var("KUBESTATS_KILLS").ok().and_then(|number| number.parse().ok()).unwrap_or(KILLS)
}

/// Repositories with a history each.
pub fn origins() -> Vec<Origins> {
    let origin = |number: usize| {
        let origin = Origins::new();
        for commit in 0..12 {
            let text = format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\nspec:\n  replicas: {commit}\n"
            );
            let other = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{commit}\ndata:\n  a: b\n");
            let path = format!("config/c{}.yaml", commit % 4);
            origin.commit(&format!("change {commit}"), &[("app.yaml", Some(&text)), (&path, Some(&other))]);
        }
        origin
    };
    (0..REPOSITORIES).map(origin).collect()
}

/// A machine: a data directory with a configuration.
pub struct Machine {
    pub folder: tempfile::TempDir,
    database: Option<String>,
}

impl Machine {
    pub fn new(origins: &[Origins], database: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut text = format!(
            "app:\n  data_dir: {}\n  listen: 127.0.0.1:0\n  log_level: server::start=info,warn\nsecurity:\n  allow_local_repositories: true\n\
             polling:\n  max_workers: 3\nrepositories:\n",
            folder.path().join("data").display()
        );
        for (number, origin) in origins.iter().enumerate() {
            text.push_str(&format!("  - url: {}\n    name: ada/r{number}\n", origin.path().display()));
        }
        fs::write(folder.path().join("kubestats.yaml"), text).unwrap();
        Self { folder, database: database.map(str::to_owned) }
    }

    pub fn url(&self) -> String {
        let file = self.folder.path().join("data/kubestats.db");
        self.database.clone().unwrap_or_else(|| format!("sqlite://{}", file.display()))
    }

    pub fn start(&self, role: &str) -> Child {
        self.start_with(role, &[])
    }

    /// With an address of its own to listen at.
    pub fn start_listening(&self, role: &str) -> Child {
        self.start_with(role, &["--listen", "127.0.0.1:0"])
    }

    fn start_with(&self, role: &str, more: &[&str]) -> Child {
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        Command::new(env!("CARGO_BIN_EXE_kubestats"))
            .args(["serve", "--role", role, "--config"])
            .arg(self.folder.path().join("kubestats.yaml"))
            .args(more)
            .env("DATABASE_URL", self.url())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn repos(&self) -> PathBuf {
        self.folder.path().join("data/repos")
    }
}

/// A generator of its own, so that a failure comes again with the same points, as far as the machine allows.
pub struct Seed(pub u64);

impl Seed {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

pub async fn open(url: &str) -> Db {
    let mut settings = DbSettings::new(url);
    settings.max_connections = 3;
    Db::connect(&settings).await.unwrap()
}

/// Whether every repository is synced and scanned and nothing waits.
pub async fn is_done(db: &Db) -> bool {
    let Ok(targets) = repositories::list_sync_targets(&db.read).await else { return false };
    let Ok(queue) = tasks::queue_depths(&db.read, clock::now()).await else { return false };
    // The statistics of days wait a while for more scans to end.
    let later = |depth: &QueueDepth| depth.waiting == 0 || depth.kind == JobKind::AggregateDailyEcosystemStats;
    let done = |status| status == SyncStatus::Success;
    targets.len() == REPOSITORIES
        && targets.iter().all(|target| done(target.sync_status) && done(target.scan_status))
        && queue.iter().all(|depth| depth.ready == 0 && depth.running == 0 && later(depth))
}

/// Waits until all work is done.
async fn until_done(machines: &[Machine]) -> Db {
    let began = Instant::now();
    let mut db = None;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if db.is_none()
            && (machines[0].database.is_some() || machines[0].folder.path().join("data/kubestats.db").exists())
        {
            db = Some(open(&machines[0].url()).await);
        }
        if let Some(open) = &db
            && is_done(open).await
        {
            return open.clone();
        }
        if began.elapsed() > PATIENCE {
            let left = match &db {
                Some(db) => unfinished(db).await,
                None => "no database".to_owned(),
            };
            let logs: Vec<String> = machines.iter().map(Machine::log).collect();
            panic!("not done after {PATIENCE:?}: {left}\n{}", logs.join("\n"));
        }
    }
}

pub async fn unfinished(db: &Db) -> String {
    let filter = JobFilter { unfinished: true, page: PageQuery { skip: 0, limit: 20 }, ..JobFilter::default() };
    format!("{:#?}", jobs::list_jobs(&db.read, &filter).await.map(|jobs| jobs.data))
}

pub fn stop(child: &mut Child) {
    // SIGKILL: nothing in the program hears of it.
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Rows of an undisturbed run on SQLite.
pub async fn expected(origins: &[Origins]) -> (Vec<String>, Duration) {
    let machine = [Machine::new(origins, None)];
    let began = Instant::now();
    let mut child = machine[0].start("all");
    let db = until_done(&machine).await;
    let took = began.elapsed();
    let rows = rows(&db).await;
    stop(&mut child);
    db.close().await.unwrap();
    assert!(rows.len() > 100, "{} rows", rows.len());
    (rows, took)
}

pub async fn compare(db: &Db, expected: &[String], kills: u32) {
    let rows = rows(db).await;
    let differing: Vec<_> = expected.iter().zip(&rows).filter(|(left, right)| left != right).take(3).collect();
    assert!(rows == expected, "after {kills} kills: {} rows instead of {}; {differing:#?}", rows.len(), expected.len());
    let failed = JobFilter { state: Some(JobState::Failed), ..JobFilter::default() };
    let failed = jobs::list_jobs(&db.read, &failed).await.unwrap().data;
    // Of two requests that are the same, one may give way to the other; none may be lost otherwise.
    let lost: Vec<_> =
        failed.iter().filter(|job| !job.error.as_deref().unwrap_or_default().contains("waits")).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

#[tokio::test]
async fn one_process_on_sqlite_killed_at_any_moment_loses_nothing() {
    let origins = origins();
    let (expected, whole) = expected(&origins).await;
    let mut seed = Seed(7);
    let mut killed = 0;
    while killed < kills() {
        let machine = [Machine::new(&origins, None)];
        loop {
            let mut child = machine[0].start("all");
            let share = seed.below(1_000) as f64 / 1_000.0;
            tokio::time::sleep(whole.mul_f64(share).max(Duration::from_millis(1))).await;
            stop(&mut child);
            killed += 1;
            // A few kills of each life, at last a run that nobody disturbs.
            if seed.below(4) == 0 || killed >= kills() {
                break;
            }
        }
        let mut child = machine[0].start("all");
        let db = until_done(&machine).await;
        stop(&mut child);
        compare(&db, &expected, killed).await;
        db.close().await.unwrap();
        let clones = fs::read_dir(machine[0].repos()).unwrap().flatten();
        let left = clones.map(|entry| entry.file_name().into_string().unwrap()).filter(|name| name.contains(".tmp-"));
        assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new(), "no half clone stays");
    }
    println!("{killed} kills on SQLite");
}

#[tokio::test]
async fn three_processes_on_postgres_share_the_work_and_one_may_be_killed_at_any_moment() {
    let Ok(server) = std::env::var("KUBESTATS_TEST_POSTGRES_URL") else {
        println!("skipped on PostgreSQL: KUBESTATS_TEST_POSTGRES_URL is not set");
        return;
    };
    let origins = origins();
    let (expected, whole) = expected(&origins).await;
    let admin = open(&server).await;
    let mut seed = Seed(11);
    let mut killed = 0;
    let mut shared = 0;
    while killed < kills() {
        let name = format!("kubestats_many_{}", Uuid::now_v7().simple());
        admin.write.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        // Three machines without a common disk; the one that scans may not be the one that synced.
        let machines: Vec<Machine> = (0..3).map(|_| Machine::new(&origins, Some(url.as_str()))).collect();
        // All three make the same empty database ready at the same moment.
        let mut children = vec![machines[0].start("all"), machines[1].start("worker"), machines[2].start("all")];
        for _ in 0..5 {
            tokio::time::sleep(whole.mul_f64(seed.below(1_000) as f64 / 2_000.0)).await;
            let victim = seed.below(3) as usize;
            stop(&mut children[victim]);
            children[victim] = machines[victim].start(if victim == 1 { "worker" } else { "all" });
            killed += 1;
        }
        let db = until_done(&machines).await;
        compare(&db, &expected, killed).await;
        // The two others may end all the work before the one started last has said that it is there.
        let began = Instant::now();
        loop {
            let known = workers::list_workers(&db.read, clock::now()).await.unwrap();
            if known.len() == 3 {
                break;
            }
            let logs = || machines.iter().map(Machine::log).collect::<String>();
            assert!(known.len() < 3 && began.elapsed() < PATIENCE, "{known:#?}\n{}", logs());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let page = PageQuery { skip: 0, limit: 1_000 };
        let done = jobs::list_jobs(&db.read, &JobFilter { page, ..JobFilter::default() }).await.unwrap().data;
        let mut busy: Vec<_> = done.into_iter().filter_map(|job| job.worker).collect();
        busy.sort();
        busy.dedup();
        shared = shared.max(busy.len());
        let runs: i64 =
            schedules::list_schedules(&db.read).await.unwrap().iter().map(|schedule| schedule.total_runs).sum();
        // A schedule's time may come while the test runs: once, whoever looks.
        assert!(runs <= 3, "{runs} scheduled runs");
        for child in &mut children {
            stop(child);
        }
        db.close().await.unwrap();
        admin.write.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    }
    assert!(shared > 1, "one process did all the work");
    println!("{killed} kills of one among three on PostgreSQL; up to {shared} workers shared the jobs");
}
