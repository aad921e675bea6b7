//! What honest remotes do: clone, move on, rewrite, rename, empty out.

use git::{Auth, GitError, Repo};

use crate::support::server::{Server, serve_git};
use crate::support::{Work, fetch, fetch_with, limits, list};

#[test]
fn an_empty_repository_is_no_failure_to_list_and_a_clear_one_to_fetch() {
    let work = Work::empty();
    let server = Server::git(work.dir.path());
    for address in [server.url("cluster/.git"), work.path.display().to_string()] {
        let listed = list(&address).unwrap();
        assert!(listed.branches.is_empty() && listed.head.is_none());
        let error = fetch(&work.clone_dir(), &address).unwrap_err();
        assert!(matches!(error, GitError::EmptyRepository), "{error}");
    }
    assert!(!work.clone_dir().exists());
}

#[test]
fn an_emptied_repository_leaves_the_clone_alone() {
    let work = Work::with_commit();
    let server = Server::git(work.dir.path());
    let head = fetch(&work.clone_dir(), &server.url("cluster/.git")).unwrap().head;
    work.git(&["update-ref", "-d", "refs/heads/main"]);
    assert!(matches!(fetch(&work.clone_dir(), &server.url("cluster/.git")), Err(GitError::EmptyRepository)));
    assert_eq!(Repo::open(work.clone_dir()).unwrap().head(None).unwrap(), head);
}

#[test]
fn a_head_that_points_nowhere_is_told_as_such() {
    let work = Work::with_commit();
    work.git(&["branch", "other"]);
    work.git(&["symbolic-ref", "HEAD", "refs/heads/gone"]);
    let server = Server::git(work.dir.path());
    let addresses = [server.url("cluster/.git"), work.path.display().to_string()];
    for address in &addresses {
        assert_eq!(fetch(&work.clone_dir(), address).unwrap().branch, "main");
        let fetched = fetch_with(&work.clone_dir(), address, Some("other"), &Auth::None, &limits()).unwrap();
        assert_eq!(fetched.branch, "other");
    }
    assert_eq!(
        Repo::open(&work.path).unwrap().resolve("HEAD").unwrap(),
        work.git(&["rev-parse", "main"]).parse().unwrap()
    );
    work.git(&["branch", "-m", "main", "third"]);
    for address in &addresses {
        let error = fetch(&work.clone_dir(), address).unwrap_err();
        assert!(matches!(&error, GitError::HeadGone { branches, .. } if branches == &["other", "third"]), "{error}");
    }
    let error = Repo::open(&work.path).unwrap().resolve("HEAD").unwrap_err();
    assert!(error.to_string().contains("the branch gone, which does not exist"), "{error}");
    work.git(&["branch", "-D", "-q", "third"]);
    for address in &addresses {
        assert_eq!(fetch(&work.clone_dir(), address).unwrap().branch, "other");
    }
}

fn revision(work: &Work, address: &str, revision: &str) -> Result<entity::input::ObjectId, GitError> {
    let dir = work.dir.path().join("clones/revision");
    let cancel = std::sync::atomic::AtomicBool::new(false);
    let id = git::fetch_revision(
        &dir,
        &crate::support::url(address),
        revision,
        &Auth::None,
        &limits(),
        &cancel,
        &mut |_| {},
    );
    if let (Ok(id), true) = (&id, dir.exists()) {
        assert_eq!(Repo::open(&dir).unwrap().commit_info(*id).unwrap().id, *id);
        git::remove_clone(&dir).unwrap();
    }
    id
}

#[test]
fn whatever_names_a_commit_of_a_remote_is_found() {
    let work = Work::with_commit();
    let first = work.head();
    work.git(&["tag", "light"]);
    work.git(&["tag", "-a", "-m", "of a tag", "heavy"]);
    work.git(&["tag", "-a", "-m", "of a tag of a tag", "nested", "heavy"]);
    let second = work.commit("b.yaml", "b: 1\n", "second");
    work.git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
    let side = work.commit("c.yaml", "c: 1\n", "side");
    // Names that mean something else as well.
    work.git(&["update-ref", "refs/heads/HEAD", &side.to_string()]);
    work.git(&["branch", "light"]);
    work.git(&["update-ref", "refs/notes/build", &second.to_string()]);
    work.git(&["checkout", "-q", "main"]);
    let root = work.dir.path().to_owned();
    let old = Server::start(move |mut request, stream| {
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("git-protocol"));
        serve_git(&root, &request, stream);
    });
    let new = Server::git(work.dir.path());
    let folder = format!("file://{}", work.path.display());
    for address in [new.url("cluster/.git"), old.url("cluster/.git"), folder] {
        for (name, commit) in [
            ("HEAD", second),
            ("main", second),
            ("side", side),
            ("refs/heads/side", side),
            ("heads/side", side),
            ("heads/HEAD", side),
            ("refs/heads/light", side),
            ("light", first),
            ("tags/light", first),
            ("heavy", first),
            ("nested", first),
            ("refs/tags/heavy", first),
            ("refs/notes/build", second),
            ("main~1", first),
            ("HEAD^", first),
            (&second.to_string(), second),
            (&first.to_string(), first),
            (&first.to_string()[..9], first),
            (&format!("{second}~1"), first),
        ] {
            let found = revision(&work, &address, name).unwrap_or_else(|error| panic!("{name} at {address}: {error}"));
            assert_eq!(found, commit, "{name} at {address}");
        }
        for name in ["nothing", "refs/heads/nothing", "ffffffffffffffffffffffffffffffffffffffff", "main~99"] {
            let error = revision(&work, &address, name).unwrap_err();
            let is_told = matches!(error, GitError::RevisionGone { .. } | GitError::UnknownRevision { .. });
            assert!(is_told, "{name} at {address}: {error}");
        }
    }
    // A commit that no branch leads to is given out where the server does that.
    work.git(&["update-ref", "-d", "refs/heads/side"]);
    work.git(&["update-ref", "-d", "refs/heads/HEAD"]);
    work.git(&["update-ref", "-d", "refs/heads/light"]);
    work.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    for server in [&new, &old] {
        assert_eq!(revision(&work, &server.url("cluster/.git"), &side.to_string()).unwrap(), side);
    }
    let error = revision(&work, &new.url("cluster/.git"), "side").unwrap_err();
    assert!(error.to_string().contains("there is main"), "{error}");
}

#[test]
fn a_ref_to_an_object_that_is_gone_is_a_clear_error() {
    let work = Work::with_commit();
    std::fs::write(work.path.join(".git/refs/heads/broken"), format!("{}\n", "1".repeat(40))).unwrap();
    let server = Server::git(work.dir.path());
    for address in [server.url("cluster/.git"), work.path.display().to_string()] {
        let error = fetch_with(&work.clone_dir(), &address, Some("broken"), &Auth::None, &limits()).unwrap_err();
        assert!(
            matches!(
                error,
                GitError::BranchGone { .. }
                    | GitError::Corrupt { .. }
                    | GitError::Protocol { .. }
                    | GitError::Unreachable { .. }
            ),
            "{error}"
        );
        assert!(fetch(&work.clone_dir(), &address).is_ok());
    }
}

#[test]
fn a_detached_head_is_fetched() {
    let work = Work::with_commit();
    let head = work.commit("b.yaml", "b: 1\n", "second");
    work.git(&["checkout", "-q", "--detach"]);
    work.git(&["branch", "-f", "main", "HEAD~1"]);
    let server = Server::git(work.dir.path());
    let fetched = fetch(&work.clone_dir(), &server.url("cluster/.git")).unwrap();
    assert_eq!((fetched.head, fetched.branch.as_str(), fetched.default_branch), (head, "HEAD", None));
    assert_eq!(Repo::open(work.clone_dir()).unwrap().head(None).unwrap(), head);
}
