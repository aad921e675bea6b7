//! Packs that are taken in: their indexes are Git's to the byte, and however large an object is, it takes little memory.

use std::path::{Path, PathBuf};
use std::process::Command;

use git::{Auth, GitError, Limits, Repo};

use crate::support::server::Server;
use crate::support::{Work, assert_tidy, fetch, fetch_with, git, limits};

fn packs(clone: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(clone.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    let mut packs: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "pack")).collect();
    packs.sort();
    packs
}

/// What git makes of the packs is what lies beside them.
fn assert_indexed_as_git_does(clone: &Path) {
    git(clone, &["fsck", "--strict", "--no-dangling"], b"");
    for pack in packs(clone) {
        let index = tempfile::tempdir().unwrap();
        let theirs = index.path().join("theirs.idx");
        let names = [pack.to_str().unwrap(), theirs.to_str().unwrap()];
        git(clone, &["index-pack", "-o", names[1], names[0]], b"");
        assert!(
            std::fs::read(pack.with_extension("idx")).unwrap() == std::fs::read(theirs).unwrap(),
            "{}",
            pack.display()
        );
    }
}

fn numbers(seed: u64, count: usize) -> String {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{}\n", state >> 33)
        })
        .collect()
}

#[test]
fn indexes_are_those_that_git_writes() {
    let work = Work::with_commit();
    let mut text = numbers(1, 4_000);
    for n in 0..60 {
        text.insert_str(n * 50, &format!("changed {n}\n"));
        work.write(&format!("apps/{}/app.yaml", n % 7), &text);
        work.commit("grows.yaml", &text[..text.len() / (1 + n % 5)], "more");
    }
    work.git(&["tag", "-a", "-m", "one", "v1"]);
    work.git(&["repack", "-q", "-a", "-d", "-f", "--depth=50"]);
    let server = Server::git(work.dir.path());
    let dir = work.clone_dir();
    let first = fetch(&dir, &server.url("cluster/.git")).unwrap();
    assert_indexed_as_git_does(&dir);
    // What comes now builds on what is here, and is completed by it.
    for n in 0..3 {
        text.insert_str(n * 90, "changed again\n");
        work.commit("apps/3/app.yaml", &text, "again");
    }
    let second = fetch(&dir, &server.url("cluster/.git")).unwrap();
    assert!(!second.cloned && second.received_bytes < first.received_bytes / 5, "{second:?}");
    assert_eq!(packs(&dir).len(), 2);
    assert_indexed_as_git_does(&dir);
    assert_tidy(&dir);
}

#[test]
fn deltas_that_name_their_base_and_come_before_it_are_resolved() {
    let work = Work::with_commit();
    let mut text = numbers(2, 2_000);
    for n in 0..20 {
        text.insert_str(n * 70, &format!("changed {n}\n"));
        work.commit("a.yaml", &text, "more");
    }
    // Without offsets every delta names its base.
    let root = work.dir.path().to_owned();
    work.git(&["-c", "repack.useDeltaBaseOffset=false", "repack", "-q", "-a", "-d", "-f"]);
    let server = Server::start(move |mut request, stream| {
        let body = String::from_utf8_lossy(&request.body).replace("000dofs-delta", "");
        request.body = body.into_bytes();
        crate::support::server::serve_git(&root, &request, stream);
    });
    let dir = work.clone_dir();
    fetch(&dir, &server.url("cluster/.git")).unwrap();
    assert_indexed_as_git_does(&dir);
    // Chains of deltas, the first of which is of an object that is here and not in the pack.
    for n in 0..20 {
        text.insert_str(n * 90, &format!("changed again {n}\n"));
        work.commit("a.yaml", &text, "again");
    }
    let again = fetch(&dir, &server.url("cluster/.git")).unwrap();
    assert!(!again.cloned, "{again:?}");
    assert_eq!(packs(&dir).len(), 2);
    assert_indexed_as_git_does(&dir);
}

#[test]
fn an_object_beyond_the_limit_is_refused_and_one_below_is_no_matter() {
    let work = Work::with_commit();
    work.commit("large.bin", &"x".repeat(3_000_000), "large");
    let server = Server::git(work.dir.path());
    let small = Limits { object_bytes: 2_000_000, ..limits() };
    let error = fetch_with(&work.clone_dir(), &server.url("cluster/.git"), None, &Auth::None, &small).unwrap_err();
    assert!(error.to_string().contains("an object of 3000000 bytes"), "{error}");
    fetch(&work.clone_dir(), &server.url("cluster/.git")).unwrap();
    assert_indexed_as_git_does(&work.clone_dir());
}

/// The most memory that this process has had, in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
}

#[test]
#[ignore = "run by `large_objects_take_little_memory`, in a process of its own"]
fn fetches_and_tells_its_peak() {
    let address = std::env::var("KUBESTATS_TEST_FETCH").unwrap();
    let dir = PathBuf::from(std::env::var("KUBESTATS_TEST_CLONE").unwrap());
    let patient = Limits { total_timeout: std::time::Duration::from_mins(5), ..Limits::default() };
    fetch_with(&dir, &address, None, &Auth::None, &patient).unwrap();
    let repo = Repo::open(&dir).unwrap();
    let head = repo.head(None).unwrap();
    for file in repo.tree_files(head, &Default::default()).unwrap().files {
        match repo.read_blob(file.id, 10 << 20) {
            Ok(_) | Err(GitError::BlobTooLarge { .. } | GitError::TooMuchToUnpack { .. }) => {}
            Err(error) => panic!("{}: {error}", file.path),
        }
    }
    std::fs::write(dir.join("peak"), peak().to_string()).unwrap();
}

#[test]
fn large_objects_take_little_memory() {
    let work = Work::with_commit();
    // Bombs, each a change of the next where git sees that; one that is large and does not shrink; one that shrank.
    let mut zeros = vec![0u8; 100 << 20];
    for n in 0..4 {
        zeros[..=n].fill(1);
        std::fs::write(work.path.join(format!("bomb-{n}.yaml")), &zeros).unwrap();
    }
    drop(zeros);
    std::fs::write(work.path.join("noise.bin"), numbers(3, 5_000_000)).unwrap();
    work.commit_all("large");
    std::fs::write(work.path.join("bomb-0.yaml"), vec![0u8; 6 << 20]).unwrap();
    work.commit_all("smaller");
    work.git(&["repack", "-q", "-a", "-d", "-f", "--window-memory=0"]);
    let server = Server::git(work.dir.path());
    let dir = work.clone_dir();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "packs::fetches_and_tells_its_peak", "--ignored", "--nocapture"])
        .env("KUBESTATS_TEST_FETCH", server.url("cluster/.git"))
        .env("KUBESTATS_TEST_CLONE", &dir)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let peak: u64 = std::fs::read_to_string(dir.join("peak")).unwrap().parse().unwrap();
    assert!(peak < 150, "{peak} MB");
    std::fs::remove_file(dir.join("peak")).unwrap();
    assert_indexed_as_git_does(&dir);
}
