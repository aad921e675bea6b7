//! Commits of other branches beside the followed one, and what two commits have to do with each other.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use entity::input::ObjectId;
use git::{Auth, BelowLimits, FetchedCommits, GitError, Limits, Repo};

use crate::support::server::{Server, serve_git};
use crate::support::{Work, assert_tidy, fetch, git as run_git, limits, url};

fn bring(dir: &Path, address: &str, wanted: &[(&str, ObjectId)]) -> Result<FetchedCommits, GitError> {
    bring_within(dir, address, wanted, &limits())
}

fn bring_within(
    dir: &Path,
    address: &str,
    wanted: &[(&str, ObjectId)],
    limits: &Limits,
) -> Result<FetchedCommits, GitError> {
    let wanted: Vec<(String, ObjectId)> = wanted.iter().map(|(branch, id)| ((*branch).to_owned(), *id)).collect();
    git::fetch_commits(dir, &url(address), &wanted, &Auth::None, limits, &AtomicBool::new(false), &mut |_| {})
}

/// Objects in a clone's packs.
fn packed(dir: &Path) -> usize {
    let counted = run_git(dir, &["count-objects", "-v"], b"");
    counted.lines().find_map(|line| line.strip_prefix("in-pack: ")).unwrap().parse().unwrap()
}

/// A commit on a branch of its own, made from where `main` stands.
fn branch(work: &Work, name: &str, path: &str) -> ObjectId {
    work.git(&["checkout", "-q", "-B", name, "main"]);
    let commit = work.commit(path, &format!("of: {name}\n"), name);
    work.git(&["checkout", "-q", "main"]);
    commit
}

#[test]
fn commits_of_other_branches_come_beside_the_followed_one_and_stay() {
    let work = Work::with_commit();
    let long = format!("team/{}", "x".repeat(245));
    let names = ["feature/a", "feature/a.b", "gr\u{fc}n/\u{1f33f}", long.as_str()];
    let commits: Vec<(&str, ObjectId)> = names.iter().map(|name| (*name, branch(&work, name, "b.yaml"))).collect();
    let server = Server::git(work.dir.path());
    let asked = || server.requests.load(Ordering::Relaxed);
    let (dir, address) = (work.clone_dir(), server.url("cluster/.git"));
    let head = fetch(&dir, &address).unwrap().head;

    let had = packed(&dir);
    let brought = bring(&dir, &address, &commits).unwrap();
    assert_eq!((brought.here.len(), brought.missing.len()), (4, 0));
    // Of each branch a commit, a folder and a file, and nothing that was there.
    assert_eq!(packed(&dir) - had, 4 * 3);
    let repo = Repo::open(&dir).unwrap();
    assert_eq!((repo.head(None).unwrap(), repo.head_branch().as_deref()), (head, Some("main")));
    for (name, id) in &commits {
        assert_eq!(repo.commit_info(*id).unwrap().subject, *name);
        let kept = run_git(&dir, &["rev-parse", &format!("refs/kubestats/branches/{name}")], b"");
        assert_eq!(kept, id.to_string());
    }
    run_git(&dir, &["fsck", "--strict"], b"");

    // What is there is not asked for.
    let before = asked();
    let again = bring(&dir, &address, &commits).unwrap();
    assert_eq!((again.here.len(), asked()), (4, before));

    // The followed branch moves on, and the others stay.
    let next = work.commit("c.yaml", "c: 1\n", "next");
    assert_eq!(fetch(&dir, &address).unwrap().head, next);
    assert_eq!(git::kept_branches(&dir).len(), 4);
    git::forget_branches(&dir, &["feature/a", "never"]).unwrap();
    assert!(!git::kept_branches(&dir).contains_key("feature/a") && git::kept_branches(&dir).len() == 3);
    assert_eq!(Repo::open(&dir).unwrap().head(None).unwrap(), next);
    git::forget_branches(&work.dir.path().join("clones/none"), &["x"]).unwrap();
    assert_tidy(&dir);
}

#[test]
fn commits_come_while_the_clone_is_read_but_nothing_replaces_it() {
    let work = Work::with_commit();
    let side = branch(&work, "side", "b.yaml");
    let server = Server::git(work.dir.path());
    let (dir, address) = (work.clone_dir(), server.url("cluster/.git"));
    let head = fetch(&dir, &address).unwrap().head;
    let reader = git::use_clone(&dir).unwrap();
    let open = Repo::open(&dir).unwrap();
    let brought = bring(&dir, &address, &[("side", side)]).unwrap();
    assert_eq!(brought.here.len(), 1);
    assert_eq!(open.commit_info(head).unwrap().id, head);
    assert_eq!(open.commit_info(side).unwrap().subject, "side");
    git::forget_branches(&dir, &["side"]).unwrap();
    let next = work.commit("c.yaml", "c: 1\n", "next");
    assert!(matches!(fetch(&dir, &address), Err(GitError::Busy { .. })));
    assert!(matches!(git::remove_clone(&dir), Err(GitError::Busy { .. })));
    drop(reader);
    assert_eq!(fetch(&dir, &address).unwrap().head, next);
    assert_tidy(&dir);
    git::remove_clone(&dir).unwrap();
    let left = std::fs::read_dir(dir.parent().unwrap()).unwrap().count();
    assert_eq!(left, 0, "nothing is left beside it");
}

#[test]
fn a_commit_that_is_not_given_out_by_itself_comes_with_its_branch_or_is_missing() {
    let work = Work::with_commit();
    let root = work.dir.path().to_owned();
    // Servers of the first protocol give out the tips of branches alone.
    let old = Server::start(move |mut request, stream| {
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("git-protocol"));
        serve_git(&root, &request, stream);
    });
    let first = branch(&work, "moves", "b.yaml");
    work.git(&["checkout", "-q", "moves"]);
    let second = work.commit("c.yaml", "c: 1\n", "moved on");
    let gone = branch(&work, "rewritten", "d.yaml");
    let instead = branch(&work, "rewritten", "e.yaml");
    let deleted = branch(&work, "deleted", "f.yaml");
    work.git(&["branch", "-q", "-D", "deleted"]);
    work.git(&["reflog", "expire", "--expire=now", "--all"]);
    work.git(&["gc", "-q", "--prune=now"]);
    let (dir, address) = (work.clone_dir(), old.url("cluster/.git"));
    fetch(&dir, &address).unwrap();
    let wanted = [("moves", first), ("rewritten", gone), ("deleted", deleted)];
    let brought = bring(&dir, &address, &wanted).unwrap();
    assert_eq!(brought.here, [("moves".to_owned(), first)]);
    assert_eq!(brought.missing, [("rewritten".to_owned(), gone), ("deleted".to_owned(), deleted)]);
    let repo = Repo::open(&dir).unwrap();
    assert_eq!(repo.is_ancestor(first, second).unwrap(), Some(true));
    assert!(repo.contains(instead));
    let kept = git::kept_branches(&dir);
    assert_eq!(kept.into_iter().collect::<Vec<_>>(), [("moves".to_owned(), first)]);
}

#[test]
fn without_a_clone_one_is_made_that_follows_nothing_yet() {
    let work = Work::with_commit();
    let side = branch(&work, "side", "b.yaml");
    let server = Server::git(work.dir.path());
    for (n, address) in [server.url("cluster/.git"), format!("file://{}", work.path.display())].iter().enumerate() {
        let dir = work.dir.path().join(format!("clones/{n}"));
        let brought = bring(&dir, address, &[("side", side)]).unwrap();
        assert_eq!(brought.here, [("side".to_owned(), side)]);
        let repo = Repo::open(&dir).unwrap();
        assert_eq!(repo.commit_info(side).unwrap().subject, "side");
        assert!(matches!(repo.head(None), Err(GitError::EmptyRepository)));
        let fetched = fetch(&dir, address).unwrap();
        assert_eq!((fetched.head, fetched.previous, fetched.cloned), (work.head(), None, false));
        assert_eq!(git::kept_branches(&dir).get("side"), Some(&side));
        let nothing = bring(&work.dir.path().join("clones/none"), address, &[("x", ObjectId([7; 20]))]).unwrap();
        assert_eq!((nothing.here.len(), nothing.missing.len()), (0, 1));
        assert!(!work.dir.path().join("clones/none").exists());
    }
}

#[test]
fn a_worn_clone_is_made_anew_with_what_it_follows() {
    let work = Work::with_commit();
    let server = Server::git(work.dir.path());
    let (dir, address) = (work.clone_dir(), server.url("cluster/.git"));
    let head = fetch(&dir, &address).unwrap().head;
    let pack = std::fs::read_dir(dir.join("objects/pack"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "pack"))
        .unwrap();
    for n in 0..70 {
        for extension in ["pack", "idx"] {
            let copy = dir.join(format!("objects/pack/pack-{n:040}.{extension}"));
            std::fs::copy(pack.with_extension(extension), copy).unwrap();
        }
    }
    let side = branch(&work, "side", "b.yaml");
    work.commit("c.yaml", "c: 1\n", "not asked for");
    let brought = bring(&dir, &address, &[("side", side)]).unwrap();
    assert!(brought.missing.is_empty());
    assert_eq!(std::fs::read_dir(dir.join("objects/pack")).unwrap().count(), 2);
    assert_eq!(Repo::open(&dir).unwrap().head(None).unwrap(), head);
    assert_eq!(git::kept_branches(&dir).get("side"), Some(&side));
}

#[test]
fn what_is_too_large_is_given_up_and_the_clone_left_as_it_was() {
    let work = Work::with_commit();
    let side = branch(&work, "side", "b.yaml");
    let server = Server::git(work.dir.path());
    let (dir, address) = (work.clone_dir(), server.url("cluster/.git"));
    let head = fetch(&dir, &address).unwrap().head;
    let small = Limits { pack_bytes: 20, ..limits() };
    let error = bring_within(&dir, &address, &[("side", side)], &small).unwrap_err();
    assert!(matches!(error, GitError::TooLarge { limit: 20 }), "{error}");
    let few = Limits { refs: 1, ..limits() };
    let error = bring_within(&dir, &address, &[("side", side), ("main", head)], &few).unwrap_err();
    assert!(matches!(error, GitError::TooManyRefs { limit: 1 }), "{error}");
    assert_eq!(Repo::open(&dir).unwrap().head(None).unwrap(), head);
    assert!(git::kept_branches(&dir).is_empty());
    let error = bring(&dir, &server.url("none/.git"), &[("side", side)]).unwrap_err();
    assert!(matches!(error, GitError::NotFound { .. }), "{error}");
    assert_tidy(&dir);
}

#[test]
fn ancestors_are_told_from_rewritten_commits_whatever_the_clocks_say() {
    let work = Work::with_commit();
    let root = work.head();
    let kept = work.commit("b.yaml", "b: 1\n", "kept");
    let side = branch(&work, "side", "c.yaml");
    work.git(&["merge", "-q", "--no-ff", "-m", "merged", "side"]);
    let merge = work.head();
    let tip = work.commit("d.yaml", "d: 1\n", "tip");
    let gone = branch(&work, "gone", "e.yaml");
    // A child that is older than its parents by its own words, and a parent from the future.
    let tree = work.git(&["rev-parse", "HEAD^{tree}"]);
    let dated = |parent: ObjectId, date: &str| -> ObjectId {
        let text =
            format!("tree {tree}\nparent {parent}\nauthor A <a@x> {date} +0000\ncommitter A <a@x> {date} +0000\n\nx\n");
        let id = work.git_with(&["hash-object", "-t", "commit", "-w", "--stdin"], text.as_bytes());
        id.parse().unwrap()
    };
    let future = dated(tip, "4000000000");
    let past = dated(future, "1000");
    let repo = Repo::open(&work.path).unwrap();
    for (old, new, expected) in [
        (root, tip, true),
        (kept, tip, true),
        (side, tip, true),
        (merge, merge, true),
        (tip, merge, false),
        (gone, tip, false),
        (tip, gone, true),
        (gone, side, false),
        (root, past, true),
        (future, past, true),
        (past, future, false),
        (past, tip, false),
        (side, past, true),
        (gone, past, false),
        (past, gone, false),
    ] {
        assert_eq!(repo.is_ancestor(old, new).unwrap(), Some(expected), "{old} of {new}");
        let status = std::process::Command::new("git")
            .current_dir(&work.path)
            .args(["merge-base", "--is-ancestor", &old.to_string(), &new.to_string()])
            .status()
            .unwrap();
        assert_eq!(status.success(), expected, "git says otherwise: {old} of {new}");
    }
    assert_eq!(repo.is_ancestor(ObjectId([7; 20]), tip).unwrap(), None);
    assert_eq!(repo.is_ancestor(tip, ObjectId([7; 20])).unwrap(), None);
    assert_eq!(repo.is_ancestor_within(root, past, 3).unwrap(), None);
    // Where history was cut off, only what is found is sure.
    let shallow = work.dir.path().join("shallow");
    let from = format!("file://{}", work.path.display());
    work.git(&["clone", "-q", "--depth=2", "--branch=main", &from, &shallow.display().to_string()]);
    run_git(&shallow, &["fetch", "-q", "--depth=1", "origin", "gone"], b"");
    let repo = Repo::open(&shallow).unwrap();
    assert_eq!(repo.is_ancestor(merge, tip).unwrap(), Some(true));
    assert_eq!(repo.is_ancestor(gone, tip).unwrap(), None);
}

#[test]
fn changed_paths_are_those_that_git_names() {
    let work = Work::with_commit();
    let first = work.head();
    work.write("apps/\u{fc}nder.yaml", "x: 1\n");
    work.write("docs/readme.md", "text\n");
    work.write("run.sh", "true\n");
    std::os::unix::fs::symlink("run.sh", work.path.join("link")).unwrap();
    let second = work.commit_all("more");
    work.write("docs/deep/er/file", "1\n");
    std::fs::remove_file(work.path.join("apps/a.yaml")).unwrap();
    std::fs::remove_file(work.path.join("link")).unwrap();
    std::os::unix::fs::symlink("docs", work.path.join("link")).unwrap();
    work.git(&["update-index", "--chmod=+x", "run.sh"]);
    work.git(&["add", "-A"]);
    work.git(&["update-index", "--chmod=+x", "run.sh"]);
    work.git(&["commit", "-q", "-m", "third"]);
    // A file that becomes a folder.
    let third = work.head();
    std::fs::remove_file(work.path.join("docs/readme.md")).unwrap();
    let fourth = work.commit("docs/readme.md/now.yaml", "x: 1\n", "fourth");
    let repo = Repo::open(&work.path).unwrap();
    let named = |old: &str, new: ObjectId| {
        let said = work.git(&["-c", "core.quotePath=false", "diff-tree", "-r", "--name-only", old, &new.to_string()]);
        let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for (old, new) in [(first, second), (second, third), (third, fourth), (first, fourth), (fourth, first)] {
        let changed = repo.changed_paths(Some(old), new, 10_000).unwrap();
        assert!(changed.is_complete);
        let mut paths = changed.paths;
        paths.sort();
        assert_eq!(paths, named(&old.to_string(), new), "{old} to {new}");
    }
    assert!(repo.changed_paths(Some(third), third, 10).unwrap().paths.is_empty());
    // A new branch: against the first parent, or all there is.
    assert_eq!(
        repo.changed_paths(None, third, 10_000).unwrap(),
        repo.changed_paths(Some(second), third, 10_000).unwrap()
    );
    assert_eq!(repo.changed_paths(None, first, 10_000).unwrap().paths, ["apps/a.yaml"]);
    let few = repo.changed_paths(Some(first), fourth, 2).unwrap();
    assert_eq!((few.paths.len(), few.is_complete), (2, false));
    let exact = repo.changed_paths(Some(first), second, 4).unwrap();
    assert_eq!((exact.paths.len(), exact.is_complete), (4, true));
    let error = repo.changed_paths(Some(ObjectId([7; 20])), second, 4).unwrap_err();
    assert!(matches!(error, GitError::MissingObject { .. }), "{error}");
}

#[test]
fn changed_paths_of_a_bomb_are_told_as_incomplete() {
    let work = Work::with_commit();
    let before = work.head();
    let mut tree = work.raw_tree(&[("100644", b"a.yaml", &work.blob("x: 1\n"))]);
    for _ in 0..12 {
        let names: Vec<String> = (0..10).map(|n| format!("d{n}")).collect();
        let entries: Vec<_> = names.iter().map(|name| ("40000", name.as_bytes(), tree.as_str())).collect();
        tree = work.raw_tree(&entries);
    }
    let head = work.commit_tree(&tree);
    let changed = Repo::open(&work.path).unwrap().changed_paths(Some(before), head, 2_000_000).unwrap();
    assert!(!changed.is_complete && changed.paths.len() < 1_000_000);
}

const BELOW: BelowLimits = BelowLimits { files: 100, file_bytes: 1 << 20, total_bytes: 10 << 20, entries: 1_000 };

#[test]
fn a_folder_of_which_nothing_is_read_is_there() {
    let work = Work::with_commit();
    work.write(".tekton/README.md", "no\n");
    let of_text = work.commit_all("a text");
    work.write(".tekton/large.yaml", "kind: Task\n");
    std::os::unix::fs::symlink("large.yaml", work.path.join(".tekton/link.yaml")).unwrap();
    let of_large = work.commit_all("a large file and a link");
    let repo = Repo::open(&work.path).unwrap();
    for (commit, left_out) in [(of_text, 0), (of_large, 2)] {
        let limits = BelowLimits { file_bytes: 5, ..BELOW };
        let below = repo.files_below(commit, ".tekton", &limits, git::is_yaml_path).unwrap();
        assert_eq!((below.is_there, below.files.len(), below.left_out.len()), (true, 0, left_out), "{below:?}");
    }
}

#[test]
fn files_below_a_folder_are_read_within_bounds() {
    let work = Work::with_commit();
    work.write(".tekton/run.yaml", "kind: PipelineRun\n");
    work.write(".tekton/tasks/build.yml", "kind: Task\n");
    work.write(".tekton/notes.txt", "no\n");
    work.write(".tekton.yaml", "no: 1\n");
    std::os::unix::fs::symlink("/etc/passwd", work.path.join(".tekton/link.yaml")).unwrap();
    let head = work.commit_all("tekton");
    let repo = Repo::open(&work.path).unwrap();
    let read = |limits: &BelowLimits| repo.files_below(head, ".tekton", limits, git::is_yaml_path).unwrap();
    let all = read(&BELOW);
    assert!(all.is_there);
    let names: Vec<&str> = all.files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(names, [".tekton/run.yaml", ".tekton/tasks/build.yml"]);
    assert_eq!(all.files[0].1, b"kind: PipelineRun\n");
    assert_eq!(all.left_out, [".tekton/link.yaml: it is a link or another repository"]);
    let one = read(&BelowLimits { files: 1, ..BELOW });
    assert!(one.files.len() == 1 && one.left_out.iter().any(|said| said.starts_with(".tekton/tasks/build.yml: 1 ")));
    let small = read(&BelowLimits { file_bytes: 12, ..BELOW });
    assert_eq!(small.files.len(), 1);
    assert!(small.left_out.iter().any(|said| said.starts_with(".tekton/run.yaml: ") && said.contains("18 bytes")));
    let total = read(&BelowLimits { total_bytes: 20, ..BELOW });
    assert_eq!((total.files.len(), total.left_out.len()), (1, 2));
    let few = read(&BelowLimits { entries: 2, ..BELOW });
    assert!(few.left_out.iter().any(|said| said.contains("more than 2 files and folders")));
    for folder in ["apps/a.yaml", "nothing", ".tekton/link.yaml"] {
        let none = repo.files_below(head, folder, &BELOW, |_| true).unwrap();
        assert_eq!(none, git::FilesBelow::default(), "{folder}");
    }
    let error = repo.files_below(ObjectId([7; 20]), ".tekton", &BELOW, |_| true).unwrap_err();
    assert!(matches!(error, GitError::MissingObject { .. }), "{error}");
}
