//! The program under connections that never finish: it serves others meanwhile, ends those, and stays small.

use std::{
    fs,
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::support;

/// So many connections of each kind are held.
const HELD: usize = 3_000;
/// What others may have to wait for an answer, where the machine has nothing else to do.
const OTHERS_WAIT: Duration = Duration::from_millis(100);
/// Where it has: how many times as long as somebody waits at the same time whose program nobody holds.
const TIMES_AS_LONG: u32 = 3;
/// Something hangs that takes longer.
const PATIENCE: Duration = Duration::from_mins(1);
/// A file of the documentation that is larger than what a connection buffers.
const LARGE: &str = "/docs/swagger-ui-bundle.js";

/// Ways to hold a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Silent,
    HalfHead,
    Idle,
    StalledBody,
    UnreadAnswer,
}

const KINDS: [Kind; 5] = [Kind::Silent, Kind::HalfHead, Kind::Idle, Kind::StalledBody, Kind::UnreadAnswer];

impl Kind {
    fn request(self) -> String {
        match self {
            Self::Silent => String::new(),
            Self::HalfHead => "GET /health HTTP/1.1\r\nhost: localhost\r\nx-more: ".to_owned(),
            Self::Idle => "GET /api/health HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            Self::StalledBody => "POST /api/v1/auth/refresh HTTP/1.1\r\nhost: localhost\r\n\
                 content-type: application/json\r\ncontent-length: 100\r\n\r\n{\"refresh_token\":"
                .to_owned(),
            Self::UnreadAnswer => format!("GET {LARGE} HTTP/1.1\r\nhost: localhost\r\n\r\n").repeat(4),
        }
    }

    /// Holds a connection this way. None where the server hung up already, as it may with those that wait.
    async fn hold(self, from: IpAddr, server: SocketAddr) -> Option<TcpStream> {
        let mut stream = connect(from, server, true).await.ok()?;
        stream.write_all(self.request().as_bytes()).await.ok()?;
        if self == Self::Idle {
            let mut answer = [0; 1024];
            let read = stream.read(&mut answer).await.ok()?;
            assert!(read == 0 || answer.starts_with(b"HTTP/1.1 "), "{:?}", String::from_utf8_lossy(&answer));
        }
        Some(stream)
    }
}

async fn connect(from: IpAddr, server: SocketAddr, small: bool) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if small {
        socket.set_recv_buffer_size(4 << 10)?;
    }
    // A connection that the server ended keeps its port for a while.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(server).await
}

/// A running program, ended when it is dropped.
struct Program {
    running: support::Program,
    folder: tempfile::TempDir,
    address: SocketAddr,
}

impl Program {
    /// With this `server` section.
    async fn start(section: &str) -> Self {
        Self::start_within("unlimited", section).await
    }

    /// The same where the system allows it no more than so many open files.
    async fn start_within(files: &str, section: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubestats.yaml");
        let text = format!(
            "app:\n  data_dir: {}\n  listen: 127.0.0.1:0\n  samples: never\n  log_format: text\nserver: {section}\n\
             discovery: {{enabled: false}}\n",
            folder.path().join("data").display()
        );
        fs::write(&file, text).unwrap();
        let log = folder.path().join("log");
        let within = match files {
            "unlimited" => "exec \"$@\"".to_owned(),
            files => format!("ulimit -n {files}; exec \"$@\""),
        };
        let child = Command::new("sh")
            .args(["-c", &within, "sh", env!("CARGO_BIN_EXE_kubestats"), "serve", "--config"])
            .arg(&file)
            .env_remove("DATABASE_URL")
            .env("NO_COLOR", "1")
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let running = support::Program(child);
        let address = support::address_in(&|| fs::read_to_string(&log).unwrap()).await;
        Self { running, folder, address }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn stop(&self) {
        let status = Command::new("kill").arg(self.running.0.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(Path::new("/proc").join(self.running.0.id().to_string()).join(file)).unwrap()
    }

    /// Memory in use, in MB.
    fn memory(&self) -> u64 {
        let status = self.proc("status");
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        kilobytes.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_000
    }

    /// Asks for a path; status, and how long the answer took.
    async fn ask(&self, from: IpAddr, path: &str) -> std::io::Result<(u16, Duration)> {
        let began = Instant::now();
        let mut stream = connect(from, self.address, false).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await??;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split_whitespace().nth(1).and_then(|status| status.parse().ok());
        Ok((status.ok_or(ErrorKind::UnexpectedEof)?, began.elapsed()))
    }

    /// Others are answered, and soon: half of many answers within the time, all of them at last. A program that is left alone
    /// tells how long that takes on this machine now.
    async fn others_are_answered(&self, alone: &Self, from: IpAddr, during: &str) {
        let (mut waits, mut usual) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            for path in ["/health", "/api/v1/jobs"] {
                for (program, waits) in [(self, &mut waits), (alone, &mut usual)] {
                    let asked = program.ask(from, path).await;
                    let (status, took) = asked.unwrap_or_else(|error| panic!("{during}: {error}"));
                    assert_eq!(status, 200, "{during}: {path}");
                    waits.push(took);
                }
            }
        }
        waits.sort_unstable();
        usual.sort_unstable();
        let (median, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
        let usual = usual[usual.len() / 2];
        println!("{during}: {median:?} beside {usual:?}, {longest:?} at most, {} MB", self.memory());
        assert!(median < OTHERS_WAIT.max(usual * TIMES_AS_LONG), "{during}: {waits:?} beside {usual:?}");
    }

    /// Waits until this address is let in.
    async fn lets_in(&self, from: IpAddr, during: &str) {
        let began = Instant::now();
        while !matches!(self.ask(from, "/api/v1/jobs").await, Ok((200, _))) {
            assert!(began.elapsed() < PATIENCE, "{during}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// This process holds the other ends.
fn raise_own_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, last])
}

async fn hold(kind: Kind, number: usize, from: IpAddr, server: SocketAddr) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for _ in 0..number / 50 {
        let some = (0..50).map(|_| kind.hold(from, server));
        held.extend(futures::future::join_all(some).await.into_iter().flatten());
    }
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_connections_that_never_finish_are_held_while_others_are_answered() {
    raise_own_limit();
    let section = format!("{{max_connections: {}, max_connections_per_address: off}}", 2 * HELD);
    let alone = Program::start(&section).await;
    for kind in KINDS {
        let program = Program::start(&section).await;
        assert_eq!(program.ask(address(1), LARGE).await.unwrap().0, 200);
        let before = program.memory();
        let held = hold(kind, HELD, address(2), program.address).await;
        assert_eq!(held.len(), HELD, "{kind:?}: {}", program.log());
        program.others_are_answered(&alone, address(1), &format!("{kind:?}")).await;
        let grown = program.memory().saturating_sub(before);
        assert!(grown < 250, "{kind:?}: {grown} MB for {HELD} connections");
        drop(held);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_setting_a_flood_from_one_address_takes_nothing_from_anybody() {
    raise_own_limit();
    let (program, began) = (Program::start("{}").await, Instant::now());
    let alone = Program::start("{}").await;
    let limits = program.proc("limits");
    let files: Vec<&str> =
        limits.lines().find(|line| line.starts_with("Max open files")).unwrap().split_whitespace().collect();
    assert_eq!(files[3], files[4], "the soft limit is the hard one: {limits}");
    for kind in KINDS {
        let held = hold(kind, HELD, address(2), program.address).await;
        program.others_are_answered(&alone, address(1), &format!("{kind:?} from elsewhere")).await;
        // Those who stall in the middle may be sent away a little later than those who only wait.
        tokio::time::sleep(Duration::from_millis(2_200)).await;
        let during = format!("{kind:?} from the same address");
        program.lets_in(address(2), &during).await;
        program.others_are_answered(&alone, address(2), &during).await;
        drop(held);
    }
    let log = program.log();
    let said = log.lines().filter(|line| line.contains("server.max_connections")).count();
    let minutes = usize::try_from(began.elapsed().as_secs() / 60).unwrap();
    assert!(said >= 1 && said <= 1 + minutes, "it is said once a minute: {log}");
    assert!(!log.contains("Too many open files"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_system_allows_few_files_connections_leave_enough_for_the_rest() {
    raise_own_limit();
    let program = Program::start_within("300", "{}").await;
    let alone = Program::start_within("300", "{}").await;
    for kind in KINDS {
        // All at once: those who are sent away for the next are not gone yet when it comes.
        let held = futures::future::join_all((0..500).map(|_| kind.hold(address(2), program.address))).await;
        tokio::time::sleep(Duration::from_millis(2_200)).await;
        let during = format!("{kind:?} with few files");
        program.lets_in(address(1), &during).await;
        program.others_are_answered(&alone, address(1), &during).await;
        drop(held);
    }
    let log = program.log();
    assert!(log.contains("ulimit -n") && !log.contains("Too many open files"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_finishes_is_ended_and_who_goes_on_is_not() {
    let program = Program::start("{header_timeout: 1s, idle_timeout: 2s, stall_timeout: 3s}").await;
    let ended = KINDS.map(async |kind| {
        let began = Instant::now();
        let mut stream = kind.hold(address(2), program.address).await.unwrap();
        // Reading would be what an unread answer must not have: its end is seen by what can no longer be sent.
        while began.elapsed() < PATIENCE {
            if kind == Kind::UnreadAnswer {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if stream.write_all(b"x").await.is_err() {
                    return (kind, began.elapsed());
                }
                continue;
            }
            match tokio::time::timeout(PATIENCE, stream.read(&mut [0; 1024])).await {
                Ok(Ok(1..)) => {}
                Ok(_) => return (kind, began.elapsed()),
                Err(_) => break,
            }
        }
        panic!("{kind:?} is held for ever");
    });
    // A head that drips is no head that goes on.
    let drips = async {
        let mut stream = connect(address(2), program.address, false).await.unwrap();
        let began = Instant::now();
        while stream.write_all(b"G").await.is_ok() {
            assert!(began.elapsed() < PATIENCE, "a head may drip for ever");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    // A live stream says nothing for 15 seconds, and a body or a reader that is slow goes on.
    let lives = async {
        let mut stream = connect(address(1), program.address, false).await.unwrap();
        stream.write_all(b"GET /api/v1/stream HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = [0; 4096];
        assert!(stream.read(&mut answer).await.unwrap() > 0);
        let still = tokio::time::timeout(Duration::from_secs(8), stream.read(&mut answer)).await;
        assert!(!matches!(still, Ok(Ok(0) | Err(_))), "a live stream was ended: {still:?}");
    };
    let slow_body = async {
        let mut stream = connect(address(1), program.address, false).await.unwrap();
        // Nobody has to sign in to be told that this does not work, once all of it was read.
        let body = r#"{"refresh_token":"x"}"#;
        let head = format!(
            "POST /api/v1/auth/refresh HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        for byte in body.bytes() {
            stream.write_all(&[byte]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("refresh token"), "{answer}");
    };
    let slow_reader = async {
        let mut stream = connect(address(1), program.address, true).await.unwrap();
        let request = format!("GET {LARGE} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let (mut read, mut piece, began) = (0, vec![0; 128 << 10], Instant::now());
        loop {
            let pause = began.elapsed() < Duration::from_secs(6);
            tokio::time::sleep(Duration::from_millis(if pause { 50 } else { 0 })).await;
            match stream.read(&mut piece).await.unwrap() {
                0 => break,
                more => read += more,
            }
        }
        assert!(read > 1_000_000, "the answer was cut off after {read} bytes");
    };
    let (ended, ..) = tokio::join!(futures::future::join_all(ended), drips, lives, slow_body, slow_reader);
    println!("{ended:?}");
    for (kind, after) in ended {
        let at_least = Duration::from_millis(match kind {
            Kind::Silent | Kind::HalfHead => 900,
            // An answer that is handed over whole waits for its reader, and for the next request.
            Kind::Idle | Kind::UnreadAnswer => 1_900,
            Kind::StalledBody => 2_900,
        });
        assert!(after > at_least && after < PATIENCE, "{kind:?} was ended after {after:?}");
    }
    assert!(program.log().lines().all(|line| !line.contains("ERROR")), "{}", program.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_every_connection_is_at_work_health_is_still_told_and_others_are_asked_to_come_again() {
    let mut program = Program::start("{max_connections: 20, max_connections_per_address: 20}").await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = connect(address(2), program.address, false).await.unwrap();
        stream.write_all(b"GET /api/v1/stream HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        streams.push(stream);
    }
    for from in [address(1), address(2)] {
        assert_eq!(program.ask(from, "/health").await.unwrap().0, 200);
        for path in ["/", "/api/v1/jobs", "/repositories"] {
            assert_eq!(program.ask(from, path).await.unwrap().0, 503, "{path}");
        }
    }
    // Reserved seats are not to be held either.
    let _silent = hold(Kind::Silent, 50, address(2), program.address).await;
    assert_eq!(program.ask(address(1), "/health").await.unwrap().0, 200);
    // Who works goes on, and the program still ends in order.
    program.stop();
    for stream in &mut streams {
        let mut rest = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    }
    let began = Instant::now();
    while program.running.0.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < PATIENCE, "it does not end: {}", program.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(program.running.0.wait().unwrap().success(), "{}", program.log());
}
