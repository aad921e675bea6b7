//! What honest remotes do: clone, move on, rewrite, rename, empty out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use git::{Auth, GitError, KnownCommit, Repo, Secret};

use crate::support::server::{Server, answer, serve_git};
use crate::support::{Work, assert_tidy, fetch, fetch_with, limits, list, list_head};

#[test]
fn clones_then_fetches_only_what_is_new() {
    let work = Work::with_commit();
    for n in 0..200 {
        work.commit(&format!("apps/{n}.yaml"), &format!("n: {n}\n").repeat(50), "more");
    }
    let server = Server::git(work.dir.path());
    let dir = work.clone_dir();
    let first = fetch(&dir, &server.url("cluster/.git")).unwrap();
    assert_eq!((first.branch.as_str(), first.head, first.previous, first.cloned), ("main", work.head(), None, true));
    assert!(first.received_bytes > 1_000 && first.clone_bytes > first.received_bytes);

    let nothing = fetch(&dir, &server.url("cluster/.git")).unwrap();
    assert_eq!((nothing.received_bytes, nothing.previous, nothing.cloned), (0, Some(first.head), false));

    let head = work.commit("apps/3.yaml", "n: changed\n", "one more");
    let second = fetch(&dir, &server.url("cluster/.git")).unwrap();
    assert_eq!((second.head, second.previous, second.cloned), (head, Some(first.head), false));
    assert!(second.received_objects <= 4 && second.received_bytes < first.received_bytes / 5, "{second:?}");
    let repo = Repo::open(&dir).unwrap();
    assert_eq!(repo.head(None).unwrap(), head);
    let chain = repo.first_parent_chain(head, Some(KnownCommit { id: first.head, sequence: 200 })).unwrap();
    assert_eq!((chain.commits.len(), chain.commits[0].sequence, chain.rewritten), (1, 201, false));
    assert_tidy(&dir);
}

#[test]
fn fetches_from_a_server_of_the_first_protocol() {
    let work = Work::with_commit();
    let root = work.dir.path().to_owned();
    let server = Server::start(move |mut request, stream| {
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("git-protocol"));
        serve_git(&root, &request, stream);
    });
    let dir = work.clone_dir();
    fetch(&dir, &server.url("cluster/.git")).unwrap();
    let head = work.commit("apps/b.yaml", "b: 1\n", "second");
    let fetched = fetch(&dir, &server.url("cluster/.git")).unwrap();
    assert_eq!((fetched.head, fetched.branch.as_str(), fetched.cloned), (head, "main", false));
}

#[test]
fn one_request_tells_where_head_stands() {
    let work = Work::with_commit();
    work.git(&["branch", "next"]);
    let server = Server::git(work.dir.path());
    let asked = || server.requests.load(Ordering::Relaxed);
    let listed = list_head(&server.url("cluster/.git")).unwrap();
    assert_eq!((listed.default_branch.as_deref(), listed.head), (Some("main"), Some(work.head())));
    assert_eq!((listed.branch("main"), listed.branches.len(), asked()), (Some(work.head()), 1, 1));
    let head = work.commit("apps/b.yaml", "b: 1\n", "second");
    assert_eq!(list_head(&server.url("cluster/.git")).unwrap().branch("main"), Some(head));
    assert_eq!(list(&server.url("cluster/.git")).unwrap().branches.len(), 2);
    assert_eq!(asked(), 3);
    // A HEAD that leads to no branch leaves the choice to whoever asks.
    work.git(&["symbolic-ref", "HEAD", "refs/heads/nowhere"]);
    assert_eq!(list_head(&server.url("cluster/.git")).unwrap().branches.len(), 2);
    let error = list_head(&server.url("none/.git")).unwrap_err();
    assert!(matches!(error, GitError::NotFound { status: 404, .. }), "{error}");
}

#[test]
fn a_server_of_the_first_protocol_is_asked_in_vain_but_once() {
    let work = Work::with_commit();
    let root = work.dir.path().to_owned();
    let server = Server::start(move |mut request, stream| {
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("git-protocol"));
        serve_git(&root, &request, stream);
    });
    for requests in [2, 3, 4] {
        let listed = list_head(&server.url("cluster/.git")).unwrap();
        assert_eq!(listed.branch("main"), Some(work.head()));
        assert_eq!(server.requests.load(Ordering::Relaxed), requests);
    }
}

#[test]
fn fetches_from_a_folder_without_any_program() {
    let work = Work::with_commit();
    work.git(&["repack", "-q", "-a", "-d"]);
    let head = work.commit("apps/b.yaml", "b: 1\n", "loose");
    let dir = work.clone_dir();
    let address = work.path.to_str().unwrap();
    assert_eq!(list(address).unwrap().branch("main"), Some(head));
    let first = fetch(&dir, &format!("file://{address}")).unwrap();
    assert_eq!((first.head, first.cloned), (head, true));
    let next = work.commit("apps/c.yaml", "c: 1\n", "next");
    let second = fetch(&dir, address).unwrap();
    assert_eq!((second.head, second.previous, second.cloned), (next, Some(head), false));
    assert_eq!(Repo::open(&dir).unwrap().tree_files(next, &Default::default()).unwrap().files.len(), 3);
    let small = git::Limits { pack_bytes: 100, ..limits() };
    let other = work.dir.path().join("clones/two");
    assert!(matches!(fetch_with(&other, address, None, &Auth::None, &small), Err(GitError::TooLarge { limit: 100 })));
    assert!(!other.exists());
    assert_tidy(&other);
}

#[test]
fn follows_a_force_push() {
    let work = Work::with_commit();
    let kept = work.commit("apps/b.yaml", "b: 1\n", "kept");
    let gone = work.commit("apps/c.yaml", "c: 1\n", "will vanish");
    let server = Server::git(work.dir.path());
    let dir = work.clone_dir();
    fetch(&dir, &server.url("cluster/.git")).unwrap();
    work.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let head = work.commit("apps/d.yaml", "d: 1\n", "instead");
    let fetched = fetch(&dir, &server.url("cluster/.git")).unwrap();
    assert_eq!((fetched.head, fetched.previous), (head, Some(gone)));
    let repo = Repo::open(&dir).unwrap();
    let chain = repo.first_parent_chain(head, Some(KnownCommit { id: gone, sequence: 2 })).unwrap();
    assert!(chain.rewritten);
    assert_eq!(chain.newest_in(&[kept, gone].into()).map(|commit| (commit.id, commit.sequence)), Some((kept, 1)));
    assert!(!repo.is_first_parent_ancestor(gone, head).unwrap() && repo.is_first_parent_ancestor(kept, head).unwrap());
}

#[test]
fn follows_a_renamed_default_branch_also_where_names_collide() {
    let work = Work::with_commit();
    let server = Server::git(work.dir.path());
    let dir = work.clone_dir();
    fetch(&dir, &server.url("cluster/.git")).unwrap();
    work.git(&["branch", "-m", "main", "main2"]);
    work.git(&["branch", "-m", "main2", "main/next"]);
    let fetched = fetch(&dir, &server.url("cluster/.git")).unwrap();
    assert_eq!((fetched.branch.as_str(), fetched.previous), ("main/next", None));
    assert_eq!(Repo::open(&dir).unwrap().head_branch().as_deref(), Some("main/next"));
    let error = fetch_with(&dir, &server.url("cluster/.git"), Some("main"), &Auth::None, &limits()).unwrap_err();
    assert!(
        matches!(&error, GitError::BranchGone { branch, default: Some(default) } if branch == "main" && default == "main/next"),
        "{error}"
    );
    assert!(Repo::open(&dir).unwrap().head(None).is_ok());
}

#[test]
fn tokens_are_sent_where_they_belong_and_a_missing_one_is_named() {
    let work = Work::with_commit();
    let root = work.dir.path().to_owned();
    let server = Server::start(move |request, stream| match request.header("authorization") {
        // x-access-token:s3cret
        Some("Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0" | "Bearer s3cret") => serve_git(&root, &request, stream),
        _ => answer(stream, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b""),
    });
    let address = server.url("cluster/.git");
    let dir = work.clone_dir();
    assert!(matches!(fetch(&dir, &address), Err(GitError::NeedsAuth { rejected: false, .. })));
    let error = fetch_with(&dir, &address, None, &Auth::Token(Secret::new("wrong")), &limits()).unwrap_err();
    assert!(matches!(error, GitError::NeedsAuth { rejected: true, .. }) && !error.to_string().contains("wrong"));
    assert!(!dir.exists());
    for auth in [Auth::Token(Secret::new("s3cret")), Auth::Bearer(Secret::new("s3cret"))] {
        assert!(!format!("{auth:?}").contains("s3cret"));
        fetch_with(&dir, &address, None, &auth, &limits()).unwrap();
    }
    let plain = crate::support::url("http://git.example.com/n");
    let cancel = AtomicBool::new(false);
    let error = git::list_refs(&plain, &Auth::Token(Secret::new("s3cret")), &limits(), &cancel).unwrap_err();
    assert!(matches!(error, GitError::RefusedUrl { .. }), "{error}");
}

#[test]
fn killed_runs_leave_nothing_that_disturbs() {
    let work = Work::with_commit();
    let server = Server::git(work.dir.path());
    let dir = work.clone_dir();
    fetch(&dir, &server.url("cluster/.git")).unwrap();
    let half = dir.parent().unwrap().join(".one.tmp-1-0");
    std::fs::create_dir_all(half.join("objects/pack")).unwrap();
    for name in [
        "packed-refs.lock",
        "HEAD.lock",
        "objects/pack/.tmpAbC",
        "objects/pack/pack-1.keep",
        "objects/pack/pack-2.pack",
    ] {
        std::fs::write(dir.join(name), "x").unwrap();
    }
    let head = work.commit("b.yaml", "b: 1\n", "second");
    assert_eq!(fetch(&dir, &server.url("cluster/.git")).unwrap().head, head);
    assert_tidy(&dir);
}

#[test]
fn a_damaged_clone_is_made_anew() {
    let work = Work::with_commit();
    let server = Server::git(work.dir.path());
    let dir = work.clone_dir();
    fetch(&dir, &server.url("cluster/.git")).unwrap();
    for damage in ["config", "HEAD", "packed-refs"] {
        std::fs::write(dir.join(damage), "\u{0}broken").unwrap();
        let fetched = fetch(&dir, &server.url("cluster/.git")).unwrap();
        assert!(fetched.cloned && Repo::open(&dir).unwrap().head(None).is_ok(), "{damage}");
    }
    git::remove_clone(&dir).unwrap();
    assert_eq!(std::fs::read_dir(dir.parent().unwrap()).unwrap().count(), 0);
}

#[test]
fn a_clone_that_is_worn_by_many_packs_is_made_anew() {
    let work = Work::with_commit();
    let server = Server::git(work.dir.path());
    let dir = work.clone_dir();
    fetch(&dir, &server.url("cluster/.git")).unwrap();
    let pack = std::fs::read_dir(dir.join("objects/pack"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "pack"))
        .unwrap();
    for n in 0..70 {
        for extension in ["pack", "idx"] {
            std::fs::copy(pack.with_extension(extension), dir.join(format!("objects/pack/pack-{n:040}.{extension}")))
                .unwrap();
        }
    }
    work.commit("b.yaml", "b: 1\n", "second");
    assert!(fetch(&dir, &server.url("cluster/.git")).unwrap().cloned);
    assert_eq!(std::fs::read_dir(dir.join("objects/pack")).unwrap().count(), 2);
}

#[test]
fn two_fetches_of_one_clone_exclude_each_other() {
    let work = Work::with_commit();
    let root = work.dir.path().to_owned();
    let has_one_ended = Arc::<AtomicBool>::default();
    let may_answer = Arc::clone(&has_one_ended);
    // Whoever comes first is answered once the other has ended, who can't have fetched anything by then.
    let server = Server::start(move |request, stream| {
        let began = Instant::now();
        while !may_answer.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(10));
        }
        serve_git(&root, &request, stream);
    });
    let (dir, address) = (work.clone_dir(), server.url("cluster/.git"));
    let once = || {
        let fetched = fetch(&dir, &address).map(|fetched| fetched.head);
        has_one_ended.store(true, Ordering::Relaxed);
        fetched
    };
    let results = std::thread::scope(|scope| {
        let threads = [0, 1].map(|_| scope.spawn(once));
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().any(|result| matches!(result, Err(GitError::Busy { .. }))));
}

#[test]
fn what_is_not_there_is_named() {
    let work = Work::with_commit();
    let server = Server::git(work.dir.path());
    let error = fetch(&work.clone_dir(), &server.url("nothing.git")).unwrap_err();
    assert!(matches!(error, GitError::NotFound { status: 404, .. }), "{error}");
    let error = fetch(&work.clone_dir(), "/nowhere/at/all").unwrap_err();
    assert!(matches!(error, GitError::NoRepository { .. }), "{error}");
    let error = fetch(&work.clone_dir(), "http://127.0.0.1:9/n").unwrap_err();
    assert!(matches!(error, GitError::Unreachable { .. }), "{error}");
    assert_eq!(list(&server.url("cluster/.git")).unwrap().head, Some(work.head()));
}
