//! Remotes that mean harm or are broken: each a clear error, within bounded time, and the clone as it was.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use git::{Auth, GitError, Limits, Repo};

use crate::support::server::{Server, answer, serve_git, spoiling_the_pack};
use crate::support::{Work, assert_tidy, fetch, fetch_with, hasty, limits};

/// What is given up is so by now: long before whoever hangs goes on, and before a limit is reached that is not meant.
const SOON: Duration = Duration::from_secs(30);
/// How long a remote hangs or trickles, where nobody hangs up.
const FOR_EVER: Duration = Duration::from_mins(2);

/// Fetches in vain, for a reason that is not how long it takes.
fn fails(work: &Work, address: &str) -> GitError {
    fails_within(work, address, &limits())
}

/// Fetches from a remote that is waited for in vain.
fn times_out(work: &Work, address: &str) {
    let error = fails_within(work, address, &hasty());
    assert!(matches!(error, GitError::Timeout { .. }), "{error}");
}

fn fails_within(work: &Work, address: &str, limits: &Limits) -> GitError {
    let start = Instant::now();
    let error = fetch_with(&work.clone_dir(), address, None, &Auth::None, limits).unwrap_err();
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
    // The work may still be busy noticing; it holds the lock until it has.
    while let Err(GitError::Busy { .. }) = git::use_clone(&work.clone_dir()) {
        assert!(start.elapsed() < FOR_EVER, "the clone is held for ever");
    }
    error
}

fn hang(stream: TcpStream) {
    std::thread::sleep(FOR_EVER);
    drop(stream);
}

fn drip(mut stream: TcpStream) {
    let start = Instant::now();
    while start.elapsed() < FOR_EVER {
        if stream.write_all(b"0").is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_remote_that_hangs_before_the_first_byte() {
    let server = Server::start(|_, stream| hang(stream));
    let work = Work::empty();
    times_out(&work, &server.url("n"));
    let url = crate::support::url(&server.url("n"));
    let error = git::list_refs(&url, &Auth::None, &hasty(), &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, GitError::Timeout { .. }), "{error}");
}

#[test]
fn a_remote_that_hangs_within_the_pack() {
    let work = Work::with_commit();
    let server = spoiling_the_pack(work.dir.path().to_owned(), |full, mut stream| {
        let at = full.windows(4).position(|window| window == b"PACK").unwrap();
        let _ = stream.write_all(&full[..at + 30]);
        hang(stream);
    });
    times_out(&work, &server.url("cluster/.git"));
    assert!(!work.clone_dir().exists());
    assert_tidy(&work.clone_dir());
}

#[test]
fn a_remote_that_trickles_for_ever() {
    let server = Server::start(|_, mut stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\nffe0";
        let _ = stream.write_all(head.as_bytes());
        drip(stream);
    });
    times_out(&Work::empty(), &server.url("n"));
}

#[test]
fn a_remote_that_falls_silent_is_given_up_after_the_time_that_is_told() {
    let patient = Limits { slow_window: Duration::from_secs(1), ..limits() };
    let server = Server::start(|_, mut stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n\r\n0";
        let _ = stream.write_all(head.as_bytes());
        hang(stream);
    });
    let start = Instant::now();
    let cancel = AtomicBool::new(false);
    let error = git::list_refs(&crate::support::url(&server.url("n")), &Auth::None, &patient, &cancel).unwrap_err();
    assert!(matches!(error, GitError::Timeout { seconds: 1, .. }), "{error}");
    // What is told, and the moment that the work has to notice; any other limit takes longer.
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
}

#[test]
fn bytes_that_are_not_git_are_told_as_text() {
    let work = Work::with_commit();
    let root = work.dir.path().to_owned();
    // A line of the list of refs that is none, as a proxy that mangles chunks makes it.
    let server = Server::start(move |request, stream| {
        if request.method != "POST" {
            return serve_git(&root, &request, stream);
        }
        let kind = "Content-Type: application/x-git-upload-pack-result\r\n";
        answer(stream, "200 OK", kind, b"000a7e0\xff\r\n0000");
    });
    let error = fails(&Work::empty(), &server.url("cluster/.git"));
    assert!(matches!(error, GitError::Protocol { .. }), "{error}");
    assert!(error.to_string().contains("\"7e0\\xFF"), "{error}");
}

#[test]
fn a_pack_that_trickles_for_ever() {
    let work = Work::with_commit();
    let server = spoiling_the_pack(work.dir.path().to_owned(), |full, mut stream| {
        let at = full.windows(4).position(|window| window == b"PACK").unwrap();
        let _ = stream.write_all(&full[..at + 12]);
        let start = Instant::now();
        for byte in full[at + 12..].iter().cycle() {
            if start.elapsed() > FOR_EVER || stream.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    });
    times_out(&work, &server.url("cluster/.git"));
    assert_tidy(&work.clone_dir());
}

#[test]
fn the_whole_call_is_bounded_however_busy_the_remote_is() {
    let server = Server::start(|_, mut stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        let line = format!("ffe0{}", "x".repeat(0xffe0 - 4));
        let start = Instant::now();
        while start.elapsed() < FOR_EVER {
            if stream.write_all(line.as_bytes()).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let work = Work::empty();
    let limits = Limits { total_timeout: Duration::from_secs(1), ..hasty() };
    let start = Instant::now();
    let error = fetch_with(&work.clone_dir(), &server.url("n"), None, &Auth::None, &limits).unwrap_err();
    assert!(matches!(error, GitError::Timeout { .. } | GitError::Protocol { .. }), "{error}");
    assert!(start.elapsed() < SOON);
}

#[test]
fn a_list_of_refs_without_end() {
    let work = Work::with_commit();
    let root = work.dir.path().to_owned();
    let server = Server::start(move |request, mut stream| {
        if request.method != "POST" {
            return serve_git(&root, &request, stream);
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n\r\n");
        for n in 0u64.. {
            let line = format!("{:040x} refs/heads/{n:0900}\n", n + 1);
            if stream.write_all(format!("{:04x}{line}", line.len() + 4).as_bytes()).is_err() {
                return;
            }
        }
    });
    let error = fails(&work, &server.url("cluster/.git"));
    assert!(matches!(error, GitError::TooManyRefs { .. }), "{error}");
}

#[test]
fn a_redirect_to_another_host_is_refused_and_no_token_goes_there() {
    let work = Work::with_commit();
    let elsewhere = Server::git(work.dir.path());
    let target = elsewhere.url("cluster/.git/info/refs?service=git-upload-pack");
    let server = Server::start(move |_, stream| answer(stream, "302 Found", &format!("Location: {target}\r\n"), b""));
    let auth = Auth::Token(git::Secret::new("s3cret"));
    let error = fetch_with(&work.clone_dir(), &server.url("n"), None, &auth, &limits()).unwrap_err();
    assert!(matches!(error, GitError::Redirected { .. }), "{error}");
    assert_eq!(elsewhere.requests.load(Ordering::Relaxed), 0);
}

#[test]
fn a_redirect_within_the_host_is_followed_but_not_for_ever() {
    let work = Work::with_commit();
    let root = work.dir.path().to_owned();
    let server = Server::start(move |request, stream| match request.path.strip_prefix("/old/") {
        Some(rest) => {
            let location = format!("Location: /cluster/.git/{rest}?{}\r\n", request.query);
            answer(stream, "301 Moved Permanently", &location, b"");
        }
        None if request.path.starts_with("/loop/") => {
            let location = format!("Location: {}?{}\r\n", request.path, request.query);
            answer(stream, "302 Found", &location, b"");
        }
        None => serve_git(&root, &request, stream),
    });
    assert_eq!(fetch(&work.clone_dir(), &server.url("old")).unwrap().head, work.head());
    let error = fails(&work, &server.url("loop"));
    assert!(matches!(error, GitError::Protocol { .. }), "{error}");
}

#[test]
fn a_pack_that_is_cut_off_leaves_the_old_clone_usable() {
    let work = Work::with_commit();
    let head = work.head();
    let honest = Server::git(work.dir.path());
    fetch(&work.clone_dir(), &honest.url("cluster/.git")).unwrap();
    for n in 0..20 {
        work.commit(&format!("apps/{n}.yaml"), &format!("n: {n}\n"), "more");
    }
    let server = spoiling_the_pack(work.dir.path().to_owned(), |full, mut stream| {
        let _ = stream.write_all(&full[..full.len() * 2 / 3]);
    });
    let error = fails(&work, &server.url("cluster/.git"));
    assert!(matches!(error, GitError::Corrupt { .. } | GitError::Unreachable { .. }), "{error}");
    assert_eq!(Repo::open(work.clone_dir()).unwrap().head(None).unwrap(), head);
    assert!(fetch(&work.clone_dir(), &honest.url("cluster/.git")).is_ok());
    assert_tidy(&work.clone_dir());
}

#[test]
fn a_pack_with_flipped_bytes_is_corrupt() {
    let work = Work::with_commit();
    for n in 0..20 {
        work.commit(&format!("apps/{n}.yaml"), &format!("n: {n}\n").repeat(99), "more");
    }
    for at in [4, 20, 200, 900] {
        let server = spoiling_the_pack(work.dir.path().to_owned(), move |mut full, mut stream| {
            let pack = full.windows(4).position(|window| window == b"PACK").unwrap();
            full[pack + at] ^= 0x55;
            let _ = stream.write_all(&full);
        });
        let error = fails(&work, &server.url("cluster/.git"));
        assert!(matches!(error, GitError::Corrupt { .. } | GitError::Protocol { .. }), "{at}: {error}");
        assert!(!work.clone_dir().exists());
        assert_tidy(&work.clone_dir());
    }
}

#[test]
fn a_pack_that_lacks_the_commit_is_corrupt() {
    let work = Work::with_commit();
    let first = work.head();
    work.commit("b.yaml", "b: 1\n", "second");
    let root = work.dir.path().to_owned();
    let server = Server::start(move |mut request, stream| {
        if request.is_fetch() {
            // Another commit than the one that was asked for.
            let text = String::from_utf8(request.body).unwrap();
            let want = text.find("want ").unwrap() + 5;
            request.body = format!("{}{first}{}", &text[..want], &text[want + 40..]).into_bytes();
        }
        serve_git(&root, &request, stream);
    });
    let error = fails(&work, &server.url("cluster/.git"));
    assert!(matches!(error, GitError::Corrupt { .. }), "{error}");
    assert!(!work.clone_dir().exists());
}

#[test]
fn a_remote_that_answers_with_something_else() {
    for (status, kind) in [
        ("200 OK", "text/html"),
        ("418 Teapot", "text/plain"),
        ("200 OK", "application/x-git-upload-pack-advertisement"),
    ] {
        let kind = format!("Content-Type: {kind}\r\n");
        let server = Server::start(move |_, stream| answer(stream, status, &kind, b"<html>hello</html>"));
        let error = fails(&Work::empty(), &server.url("n"));
        assert!(matches!(error, GitError::Protocol { .. }), "{status}: {error}");
    }
    let server = Server::start(|_, stream| answer(stream, "503 Busy", "", b""));
    let error = fails(&Work::empty(), &server.url("n"));
    assert!(matches!(error, GitError::Unreachable { .. }) && error.is_temporary(), "{error}");
}

#[test]
fn a_repository_over_the_size_limit_is_given_up_while_it_streams_in() {
    let work = Work::with_commit();
    for n in 0..8u64 {
        // Incompressible enough.
        let mut state = n + 1;
        let text = (0..200_000).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + (state >> 59) as u8 % 26)
        });
        work.commit(&format!("big/{n}.txt"), &text.collect::<String>(), "big");
    }
    let server = Server::git(work.dir.path());
    let small = Limits { pack_bytes: 100_000, ..limits() };
    let error = fetch_with(&work.clone_dir(), &server.url("cluster/.git"), None, &Auth::None, &small).unwrap_err();
    assert!(matches!(error, GitError::TooLarge { limit: 100_000 }), "{error}");
    let few = Limits { objects: 5, ..limits() };
    let error = fetch_with(&work.clone_dir(), &server.url("cluster/.git"), None, &Auth::None, &few).unwrap_err();
    assert!(matches!(error, GitError::TooManyObjects { limit: 5 }), "{error}");
    let thin = Limits { object_bytes: 10_000, ..limits() };
    let error = fetch_with(&work.clone_dir(), &server.url("cluster/.git"), None, &Auth::None, &thin).unwrap_err();
    assert!(matches!(error, GitError::Corrupt { .. }), "{error}");
    assert!(!work.clone_dir().exists());
    assert_tidy(&work.clone_dir());
}

#[test]
fn cancelling_ends_a_hanging_fetch_soon() {
    let server = Server::start(|_, stream| hang(stream));
    let work = Work::empty();
    let cancel = AtomicBool::new(false);
    let start = Instant::now();
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            cancel.store(true, Ordering::Relaxed);
        });
        let url = crate::support::url(&server.url("n"));
        git::fetch(&work.clone_dir(), &url, None, &Auth::None, &limits(), &cancel, &mut |_| {}).unwrap_err()
    });
    assert!(matches!(error, GitError::Cancelled), "{error}");
    assert!(start.elapsed() < SOON);
}

#[test]
fn branch_names_that_are_paths_elsewhere_are_refused() {
    let work = Work::with_commit();
    let root = work.dir.path().to_owned();
    let head = work.head();
    let server = Server::start(move |request, stream| {
        if request.method != "POST" || request.is_fetch() {
            return serve_git(&root, &request, stream);
        }
        let line = format!("{head} HEAD symref-target:refs/heads/../../evil\n");
        let body = format!("{:04x}{line}0000", line.len() + 4);
        answer(stream, "200 OK", "Content-Type: application/x-git-upload-pack-result\r\n", body.as_bytes());
    });
    let error = fails(&work, &server.url("cluster/.git"));
    assert!(matches!(error, GitError::Unsupported { .. } | GitError::Protocol { .. }), "{error}");
    assert!(!work.clone_dir().exists());
}

#[test]
fn an_address_that_leads_inside_is_refused_before_anybody_is_asked() {
    let work = Work::with_commit();
    let server = Server::git(work.dir.path());
    let guarded = Limits { guard: Some(std::sync::Arc::default()), ..limits() };
    let literal = server.url("cluster/.git");
    for address in [literal.clone(), literal.replace("127.0.0.1", "localhost"), "ssh://git@localhost/n".to_owned()] {
        let error = fetch_with(&work.clone_dir(), &address, None, &Auth::None, &guarded).unwrap_err();
        assert!(matches!(error, GitError::RefusedUrl { .. }), "{address}: {error}");
        assert!(error.to_string().contains("security.allowed_networks"), "{error}");
    }
    assert_eq!(server.requests.load(Ordering::Relaxed), 0);
    let allowed = net::AddressGuard::new([net::parse_network("127.0.0.0/8").unwrap()]);
    let allowed = Limits { guard: Some(std::sync::Arc::new(allowed)), ..limits() };
    fetch_with(&work.clone_dir(), &literal, None, &Auth::None, &allowed).unwrap();
}
