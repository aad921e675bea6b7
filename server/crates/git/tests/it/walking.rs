//! Histories walked, compared with what git itself says.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use git::{Change, CommitChanges, GitError, OddReason, Repo, WalkError, WalkOptions, walk};

use crate::support::{Work, git};

fn walked(repo: &Repo, options: &WalkOptions<'_>) -> Result<Vec<CommitChanges>, GitError> {
    let chain = repo.first_parent_chain(repo.head(None)?, None)?;
    let mut all = Vec::new();
    walk(
        repo,
        &chain.commits,
        options,
        |_, commit| commit,
        |commit| {
            all.push(commit);
            Ok::<_, Infallible>(ControlFlow::Continue(()))
        },
    )
    .map_err(WalkError::into_git)?;
    Ok(all)
}

fn options(threads: usize, run: usize) -> WalkOptions<'static> {
    WalkOptions { threads, run, ..WalkOptions::default() }
}

fn change(commit: &CommitChanges) -> Vec<(&str, bool, bool)> {
    commit
        .changes
        .iter()
        .map(|change| (change.path.as_str(), change.before.is_some(), change.after.is_some()))
        .collect()
}

#[test]
fn tells_each_commit_once_in_order_on_any_number_of_threads() {
    let work = Work::with_commit();
    let mut input = String::new();
    for n in 0..500 {
        write!(input, "commit refs/heads/main\ncommitter A <a@b> {} +0000\ndata 2\nc{}\n", 1_700_000_000 + n, n % 10)
            .unwrap();
        input.push_str(if n == 0 { "from refs/heads/main^0\n" } else { "" });
        write!(input, "M 100644 inline apps/{}/f.yaml\ndata 4\n{n:04}\n", n % 7).unwrap();
        write!(input, "M 100644 inline apps/{}/f.txt\ndata 4\n{n:04}\n", n % 5).unwrap();
    }
    work.git_with(&["fast-import", "--quiet"], input.as_bytes());
    let repo = Repo::open(&work.path).unwrap();
    let one = walked(&repo, &options(1, 64)).unwrap();
    assert_eq!(one.len(), 501);
    assert!(one.iter().enumerate().all(|(at, commit)| commit.sequence == at as i64 && commit.changes.len() == 1));
    for (threads, run) in [(2, 1), (3, 7), (8, 64), (2, 1_000)] {
        assert_eq!(walked(&repo, &options(threads, run)).unwrap(), one, "{threads} threads, runs of {run}");
    }
}

#[test]
fn files_appear_change_and_go_also_by_turning_into_something_else() {
    let work = Work::with_commit();
    work.write("link.yaml", "x: 1\n");
    work.write("dir.yaml", "x: 1\n");
    work.write("notes.txt", "x\n");
    work.write("UPPER.YAML", "x: 1\n");
    work.commit_all("add");
    for file in ["link.yaml", "dir.yaml"] {
        std::fs::remove_file(work.path.join(file)).unwrap();
    }
    std::os::unix::fs::symlink("apps/a.yaml", work.path.join("link.yaml")).unwrap();
    work.write("dir.yaml/in.yml", "y: 1\n");
    work.commit_all("turn");
    work.git(&["mv", "apps/a.yaml", "apps/b.yaml"]);
    work.git(&["update-index", "--chmod=+x", "apps/b.yaml"]);
    work.commit_all("move");
    let repo = Repo::open(&work.path).unwrap();
    let all = walked(&repo, &options(2, 2)).unwrap();
    assert_eq!(change(&all[1]), [("dir.yaml", false, true), ("link.yaml", false, true)]);
    assert_eq!(
        change(&all[2]),
        [("dir.yaml", true, false), ("dir.yaml/in.yml", false, true), ("link.yaml", true, false)]
    );
    assert_eq!(change(&all[3]), [("apps/a.yaml", true, false), ("apps/b.yaml", false, true)]);
}

#[test]
fn agrees_with_git_on_merges_and_everything() {
    let work = Work::with_commit();
    work.git(&["checkout", "-q", "-b", "side"]);
    work.commit("apps/side.yaml", "s: 1\n", "on the side");
    work.git(&["checkout", "-q", "main"]);
    work.commit("apps/a.yaml", "a: 2\n", "on main");
    work.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    work.git(&["rm", "-q", "apps/side.yaml"]);
    work.commit_all("remove");
    assert_agrees_with_git(&work.path);
}

/// Every change that `git log --raw` tells, as plain lines.
fn assert_agrees_with_git(path: &std::path::Path) {
    let arguments = [
        "log",
        "--first-parent",
        "-m",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        "--root",
        "--reverse",
        "--format=%H",
        "HEAD",
    ];
    let text = git(path, &["-c", "core.quotePath=false"].iter().chain(&arguments).copied().collect::<Vec<_>>(), b"");
    let mut expected = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let Some(rest) = line.strip_prefix(':') else {
            expected.push((line.to_owned(), Vec::new()));
            continue;
        };
        let (meta, path) = rest.split_once('\t').unwrap();
        let words = meta.split(' ').collect::<Vec<_>>();
        let side = |mode: &str, id: &str| mode.starts_with("100").then(|| id.parse().unwrap());
        let change =
            Change { path: path.to_owned(), before: side(words[0], words[2]), after: side(words[1], words[3]) };
        if git::is_read_path(path) && change.before != change.after {
            expected.last_mut().unwrap().1.push(change);
        }
    }
    let all = walked(&Repo::open(path).unwrap(), &WalkOptions::default()).unwrap();
    assert_eq!(all.len(), expected.len());
    for (ours, (id, mut theirs)) in all.into_iter().zip(expected) {
        let mut changes = ours.changes;
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        theirs.sort_by(|a, b| a.path.cmp(&b.path));
        assert_eq!((ours.id.to_string(), changes), (id, theirs));
    }
}

/// Real histories: a folder of bare repositories, `owner/name.git`.
#[test]
fn agrees_with_git_on_real_histories() {
    let Ok(folder) = std::env::var("KUBESTATS_TEST_HISTORIES") else {
        eprintln!(
            "SKIPPED: set KUBESTATS_TEST_HISTORIES to a folder of bare repositories (owner/name.git) to compare with git"
        );
        return;
    };
    let mut compared = 0;
    for owner in std::fs::read_dir(folder).unwrap().flatten() {
        for repository in std::fs::read_dir(owner.path()).unwrap().flatten() {
            assert_agrees_with_git(&repository.path());
            compared += 1;
        }
    }
    assert!(compared > 0);
}

#[test]
fn odd_paths_are_told_and_not_read() {
    let work = Work::with_commit();
    let blob = work.blob("x: 1\n");
    let dots = work.raw_tree(&[("100644", b"evil.yaml", &blob), ("100644", b"evil.txt", &blob)]);
    let long = format!("{}.yaml", "l".repeat(4_000));
    let tree = work.raw_tree(&[
        ("40000", b"..", &dots),
        ("100644", b"bad\xff.yaml", &blob),
        ("100644", b"bad\xff.txt", &blob),
        ("100644", b"good.yaml", &blob),
        ("100644", long.as_bytes(), &blob),
    ]);
    work.commit_tree(&tree);
    let all = walked(&Repo::open(&work.path).unwrap(), &options(1, 8)).unwrap();
    assert_eq!(change(&all[1]), [("apps/a.yaml", true, false), ("good.yaml", false, true)]);
    let reasons = all[1].odd_paths.iter().map(|odd| odd.reason).collect::<Vec<_>>();
    assert_eq!(reasons, [OddReason::Escapes, OddReason::NotUtf8, OddReason::TooLong]);
}

#[test]
fn a_tree_out_of_order_is_compared_as_if_it_were_in_order() {
    let work = Work::with_commit();
    let (one, two) = (work.blob("x: 1\n"), work.blob("x: 2\n"));
    work.commit_tree(&work.raw_tree(&[("100644", b"a.yaml", &one), ("100644", b"b.yaml", &one)]));
    work.commit_tree(&work.raw_tree(&[
        ("100644", b"b.yaml", &one),
        ("100644", b"a.yaml", &two),
        ("100644", b"b.yaml", &two),
    ]));
    let all = walked(&Repo::open(&work.path).unwrap(), &options(1, 8)).unwrap();
    assert_eq!(change(&all[2]), [("a.yaml", true, true)]);
}

#[test]
fn a_hundred_thousand_files_in_one_commit() {
    let work = Work::empty();
    let mut input =
        String::from("blob\nmark :1\ndata 5\nx: 1\n\ncommit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 1\nc\n");
    for n in 0..100_000 {
        writeln!(input, "M 100644 :1 {}/{}/{n}.yaml", n / 10_000, n / 100 % 100).unwrap();
    }
    work.git_with(&["fast-import", "--quiet"], input.as_bytes());
    let repo = Repo::open(&work.path).unwrap();
    let start = std::time::Instant::now();
    let all = walked(&repo, &options(2, 64)).unwrap();
    assert_eq!(all[0].changes.len(), 100_000);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    let tight = WalkOptions { entries: 50_000, ..options(2, 64) };
    assert!(matches!(walked(&repo, &tight), Err(GitError::TooManyFiles { limit: 50_000, .. })));
}

#[test]
fn a_missing_tree_ends_the_walk_after_the_commits_before_it() {
    let work = Work::with_commit();
    for n in 0..20 {
        work.commit("apps/a.yaml", &format!("a: {n}\n"), "more");
    }
    let tree = work.git(&["rev-parse", "HEAD~5:apps"]);
    std::fs::remove_file(work.path.join(".git/objects").join(&tree[..2]).join(&tree[2..])).unwrap();
    let repo = Repo::open(&work.path).unwrap();
    let chain = repo.first_parent_chain(repo.head(None).unwrap(), None).unwrap();
    for run in [1, 4, 64] {
        let mut told = Vec::new();
        let error = walk(
            &repo,
            &chain.commits,
            &options(2, run),
            |_, commit| commit.sequence,
            |sequence| {
                told.push(sequence);
                Ok::<_, Infallible>(ControlFlow::Continue(()))
            },
        )
        .unwrap_err()
        .into_git();
        assert!(matches!(error, GitError::MissingObject { id } if id.to_string() == tree), "{error}");
        assert_eq!(told, (0..15).collect::<Vec<_>>(), "runs of {run}");
    }
}

#[test]
fn the_consumer_may_break_off_fail_or_cancel() {
    let work = Work::with_commit();
    for n in 0..200 {
        work.git(&["commit", "-q", "--allow-empty", "-m", &n.to_string()]);
    }
    let repo = Repo::open(&work.path).unwrap();
    let chain = repo.first_parent_chain(repo.head(None).unwrap(), None).unwrap();
    let mut told = 0;
    walk(
        &repo,
        &chain.commits,
        &options(4, 3),
        |_, commit| commit,
        |_| {
            told += 1;
            Ok::<_, Infallible>(if told == 50 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        },
    )
    .unwrap();
    assert_eq!(told, 50);
    let failed = walk(&repo, &chain.commits, &options(4, 3), |_, commit| commit, |_| Err("full"));
    assert!(matches!(failed, Err(WalkError::Consume("full"))));
    let cancel = AtomicBool::new(false);
    let cancelling = WalkOptions { cancel: Some(&cancel), ..options(4, 3) };
    let ended = walk(
        &repo,
        &chain.commits,
        &cancelling,
        |_, commit| commit,
        |commit| {
            cancel.fetch_or(commit.sequence == 60, Ordering::Relaxed);
            Ok::<_, Infallible>(ControlFlow::Continue(()))
        },
    );
    assert!(matches!(ended, Err(WalkError::Git(GitError::Cancelled))));
}

#[test]
fn a_panic_in_a_worker_reaches_the_caller_and_hangs_nobody() {
    let work = Work::with_commit();
    for n in 0..100 {
        work.git(&["commit", "-q", "--allow-empty", "-m", &n.to_string()]);
    }
    let repo = Repo::open(&work.path).unwrap();
    let chain = repo.first_parent_chain(repo.head(None).unwrap(), None).unwrap();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        walk(
            &repo,
            &chain.commits,
            &options(3, 2),
            |_, commit| assert_ne!(commit.sequence, 40),
            |()| Ok::<_, Infallible>(ControlFlow::Continue(())),
        )
    }));
    assert!(caught.is_err());
}

#[test]
fn a_history_may_begin_with_a_snapshot() {
    let work = Work::with_commit();
    work.commit("b.yaml", "b: 1\n", "second");
    work.commit("c.yaml", "c: 1\n", "third");
    let repo = Repo::open(&work.path).unwrap();
    let chain = repo.first_parent_chain(repo.head(None).unwrap(), None).unwrap();
    let mut told = Vec::new();
    for snapshot_first in [true, false] {
        let options = WalkOptions { snapshot_first, ..options(1, 8) };
        walk(
            &repo,
            &chain.commits[1..],
            &options,
            |reader, commit| {
                let read =
                    commit.changes.iter().filter(|change| reader.read(change.after.unwrap(), |_| ()).is_ok()).count();
                (commit.changes.len(), read)
            },
            |counts| {
                told.push(counts);
                Ok::<_, Infallible>(ControlFlow::Continue(()))
            },
        )
        .unwrap();
    }
    assert_eq!(told, [(2, 2), (1, 1), (1, 1), (1, 1)]);
}
