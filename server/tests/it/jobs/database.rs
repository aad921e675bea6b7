//! The database gone for a while: the program stays up, says so, and goes on afterwards without loss or doubles.
//! A few seconds with every test run, 30 with `KUBESTATS_FAULTS=all`.

use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    process::Child,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use entity::kind::{JobRequest, JobState};
use migration::{Migrator, MigratorTrait as _};
use store::db::{ConnectionTrait as _, Db, DbSettings};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::processes::{Machine, PATIENCE, compare, expected, is_done, open, origins, stop, unfinished};
use super::world::World;
use crate::support::address_in;

/// How long the database is gone.
fn gone_for() -> Duration {
    let all = std::env::var("KUBESTATS_FAULTS").is_ok_and(|which| which == "all");
    Duration::from_secs(if all { 30 } else { 4 })
}

/// Stands between the program and PostgreSQL, and lets nobody through while it is shut.
struct Door {
    port: u16,
    shut: Arc<AtomicBool>,
    open_ones: Arc<Mutex<CancellationToken>>,
    passed: Arc<AtomicUsize>,
}

impl Door {
    async fn before(host: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (shut, passed) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let open_ones = Arc::new(Mutex::new(CancellationToken::new()));
        let (is_shut, cut, through) = (Arc::clone(&shut), Arc::clone(&open_ones), Arc::clone(&passed));
        tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                let (host, cut) = {
                    // Whoever shuts the door waits for this: nobody is on the way through once it is shut.
                    let cut = cut.lock().unwrap();
                    if is_shut.load(Ordering::SeqCst) {
                        continue;
                    }
                    through.fetch_add(1, Ordering::SeqCst);
                    (host.clone(), cut.clone())
                };
                tokio::spawn(async move {
                    let Ok(mut there) = TcpStream::connect(&host).await else { return };
                    tokio::select! {
                        () = cut.cancelled() => {}
                        _ = tokio::io::copy_bidirectional(&mut here, &mut there) => {}
                    }
                });
            }
        });
        Self { port, shut, open_ones, passed }
    }

    /// Cuts every connection, and every further one at once.
    fn shut(&self) {
        let open_ones = self.open_ones.lock().unwrap();
        self.shut.store(true, Ordering::SeqCst);
        open_ones.cancel();
    }

    fn open(&self) {
        *self.open_ones.lock().unwrap() = CancellationToken::new();
        self.shut.store(false, Ordering::SeqCst);
    }
}

/// The program's answer: status and body.
fn get(address: SocketAddr, path: &str) -> (u16, String) {
    send(address, &format!("GET {path}"))
}

/// The same to a request of any method: `POST /path`.
pub(super) fn send(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("{request}: no answer: {answer:?}")), answer)
}

pub(super) async fn asked(address: SocketAddr, path: &'static str) -> (u16, String) {
    tokio::task::spawn_blocking(move || get(address, path)).await.unwrap()
}

async fn until(what: &str, machine: &Machine, child: &mut Child, is: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is().await {
        assert!(child.try_wait().unwrap().is_none(), "the program ended: {}", machine.log());
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}\n{}", machine.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_gone_for_a_while_costs_nothing_but_time() {
    let Ok(server) = std::env::var("KUBESTATS_TEST_POSTGRES_URL") else {
        println!("skipped on PostgreSQL: KUBESTATS_TEST_POSTGRES_URL is not set");
        return;
    };
    let origins = origins();
    let (expected, _) = expected(&origins).await;
    let admin = open(&server).await;
    let name = format!("kubestats_gone_{}", Uuid::now_v7().simple());
    admin.write.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let mut direct = url::Url::parse(&server).unwrap();
    direct.set_path(&name);
    let host = format!("{}:{}", direct.host_str().unwrap(), direct.port().unwrap_or(5432));
    let door = Door::before(host).await;
    let mut through = direct.clone();
    through.set_host(Some("127.0.0.1")).unwrap();
    through.set_port(Some(door.port)).unwrap();

    let machine = Machine::new(&origins, Some(through.as_str()));
    let mut child = machine.start("all");
    let address = address_in(&|| machine.log()).await;
    let db = open(direct.as_str()).await;
    // In the middle of the work: something is done, not everything.
    let begun = async || {
        let done = super::world::jobs_of(&db, Some(JobState::Succeeded)).await;
        !done.is_empty()
    };
    until("a first job is done", &machine, &mut child, begun).await;
    door.shut();
    let gone = Instant::now();
    assert!(!is_done(&db).await, "everything was done before the database went away");
    let before = door.passed.load(Ordering::SeqCst);

    let (status, body) = asked(address, "/health").await;
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("\"database_status\":\"unhealthy\""), "{body}");
    // Pages answer, and say what is wrong, rather than hang or show nothing as if there were nothing.
    for path in ["/", "/repositories", "/api/v1/repositories/"] {
        let (status, body) = asked(address, path).await;
        assert!((500..600).contains(&status), "{path}: {status} {body}");
    }
    assert_eq!(asked(address, "/api/health").await.0, 200, "that it answers does not hang on the database");
    tokio::time::sleep(gone_for().saturating_sub(gone.elapsed())).await;
    assert_eq!(door.passed.load(Ordering::SeqCst), before, "somebody came through the shut door");
    door.open();

    until("health is well again", &machine, &mut child, async || asked(address, "/health").await.0 == 200).await;
    let began = Instant::now();
    while !is_done(&db).await {
        assert!(began.elapsed() < PATIENCE, "{}\n{}", unfinished(&db).await, machine.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    compare(&db, &expected, 0).await;
    for path in ["/", "/repositories", "/api/v1/repositories/"] {
        assert_eq!(asked(address, path).await.0, 200, "{path}");
    }
    stop(&mut child);
    db.close().await.unwrap();
    admin.write.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_file_that_another_locks_for_a_while_costs_nothing_but_time() {
    let undisturbed = std::cell::RefCell::new(Vec::new());
    crate::support::on_sqlite(async |app| {
        let mut world = World::start(&app.state.db, true).await;
        world.run();
        world.ask(JobRequest::DiscoverRepositories).await;
        world.ask(JobRequest::SyncAllRepositories).await;
        world.settle().await;
        *undisturbed.borrow_mut() = world.state().await;
        world.end().await;
    })
    .await;

    let folder = tempfile::tempdir().unwrap();
    let mut settings = DbSettings::new(format!("sqlite://{}", folder.path().join("test.db").display()));
    // The lock is held for longer than anybody waits for it.
    (settings.busy_timeout, settings.acquire_timeout) = (Duration::from_millis(200), Duration::from_millis(600));
    let db = Db::connect(&settings).await.unwrap();
    Migrator::up(&db.write, None).await.unwrap();
    // Who locks it waits for those who write just then, as long as it takes.
    let other = Db::connect(&DbSettings::new(&settings.url)).await.unwrap();
    let mut world = World::start(&db, true).await;
    world.ask(JobRequest::DiscoverRepositories).await;
    world.ask(JobRequest::SyncAllRepositories).await;
    world.run();
    world.wait("a first job is done", async || !world.jobs(Some(JobState::Succeeded)).await.is_empty()).await;
    let lock = other.begin().await.unwrap();
    let began = Instant::now();
    let mut told = false;
    while began.elapsed() < gone_for() || !told {
        // The sign of life is stored every 15 s: within that time it is noticed that it cannot be.
        told |= !world.deps.queue.is_writable();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(began.elapsed() <= gone_for() + Duration::from_secs(30), "nobody noticed that nothing can be written");
    }
    lock.rollback().await.unwrap();
    let done = async || {
        world.are_well(&["ada/r0", "ada/r1", "ada/r2", "bob/elsewhere"]).await
            && world.state().await == *undisturbed.borrow()
    };
    world.wait("everything is as if undisturbed", done).await;
    world.wait("it is known that writing works again", async || world.deps.queue.is_writable()).await;
    world.settle().await;
    world.assert_nothing_is_stuck("after the lock").await;
    let failed = world.failed(&[]).await;
    assert!(failed.is_empty(), "{failed:#?}");
    world.end().await;
}
