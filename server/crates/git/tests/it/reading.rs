//! Reading what is in a repository, however odd.

use git::{FileKind, GitError, OddReason, Repo, TreeLimits};

use crate::support::Work;

#[test]
fn lists_files_links_and_submodules_and_tells_odd_paths_apart() {
    let work = Work::with_commit();
    let blob = work.blob("x: 1\n");
    let commit = work.head().to_string();
    let long = "d".repeat(250);
    let mut deep = work.raw_tree(&[("100644", b"deep.yaml", &blob)]);
    for _ in 0..17 {
        deep = work.raw_tree(&[("40000", long.as_bytes(), &deep)]);
    }
    let dots = work.raw_tree(&[("40000", b"..", &work.raw_tree(&[("100644", b"evil.yaml", &blob)]))]);
    let tree = work.raw_tree(&[
        ("100644", b"bad\xff.yaml", &blob),
        ("40000", b"deep", &deep),
        ("40000", b"dots", &dots),
        ("100755", b"exec.yaml", &blob),
        ("120000", b"link.yaml", &blob),
        ("100644", b"sla/sh.yaml", &blob),
        ("160000", b"sub.yaml", &commit),
    ]);
    let head = work.commit_tree(&tree);
    let repo = Repo::open(&work.path).unwrap();
    let listing = repo.tree_files(head, &TreeLimits::default()).unwrap();
    let files = listing.files.iter().map(|file| (file.path.as_str(), file.kind)).collect::<Vec<_>>();
    assert_eq!(
        files,
        [("exec.yaml", FileKind::Executable), ("link.yaml", FileKind::Symlink), ("sub.yaml", FileKind::Submodule)]
    );
    let mut reasons = listing.odd_paths.iter().map(|odd| odd.reason).collect::<Vec<_>>();
    reasons.sort_by_key(|reason| format!("{reason:?}"));
    assert_eq!(reasons, [OddReason::Escapes, OddReason::Escapes, OddReason::NotUtf8, OddReason::TooLong]);
    assert!(listing.odd_paths.iter().all(|odd| odd.path.chars().count() <= 200));
}

#[test]
fn a_tree_that_unfolds_without_end_is_given_up() {
    let work = Work::with_commit();
    let mut tree = work.raw_tree(&[("100644", b"a.yaml", &work.blob("x: 1\n"))]);
    for _ in 0..12 {
        let names = (0..10).map(|n| format!("d{n}")).collect::<Vec<_>>();
        let entries = names.iter().map(|name| ("40000", name.as_bytes(), tree.as_str())).collect::<Vec<_>>();
        tree = work.raw_tree(&entries);
    }
    let head = work.commit_tree(&tree);
    let repo = Repo::open(&work.path).unwrap();
    let start = std::time::Instant::now();
    let error = repo.tree_files(head, &TreeLimits { entries: 50_000, ..Default::default() }).unwrap_err();
    assert!(matches!(error, GitError::TooManyFiles { limit: 50_000, .. }), "{error}");
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn blobs_are_bounded_before_they_are_inflated() {
    let work = Work::with_commit();
    let id = work.blob(&"x".repeat(5_000_000)).parse().unwrap();
    let repo = Repo::open(&work.path).unwrap();
    let error = repo.read_blob(id, 1_000_000).unwrap_err();
    assert!(matches!(error, GitError::BlobTooLarge { size: 5_000_000, limit: 1_000_000, .. }), "{error}");
    assert_eq!(repo.read_blob(id, 5_000_000).unwrap().len(), 5_000_000);
    let error = repo.read_blob(work.head(), 1_000_000).unwrap_err();
    assert!(matches!(error, GitError::Corrupt { .. }), "{error}");
}

#[test]
fn a_missing_and_a_corrupt_object_are_told_by_name() {
    let work = Work::with_commit();
    let id = work.git(&["rev-parse", "HEAD:apps/a.yaml"]);
    let file = work.path.join(".git/objects").join(&id[..2]).join(&id[2..]);
    let repo = Repo::open(&work.path).unwrap();
    std::fs::remove_file(&file).unwrap();
    let error = repo.read_blob(id.parse().unwrap(), 100).unwrap_err();
    assert!(matches!(error, GitError::MissingObject { id: missing } if missing.to_string() == id), "{error}");
    std::fs::write(&file, b"this is not zlib").unwrap();
    let error = repo.read_blob(id.parse().unwrap(), 100).unwrap_err();
    assert!(matches!(&error, GitError::Corrupt { what } if what.contains(&id)), "{error}");
}

#[test]
fn revisions_are_found_or_named_as_unknown() {
    let work = Work::with_commit();
    let first = work.head();
    let second = work.commit("b.yaml", "b: 1\n", "feat: second\n\nbody");
    work.git(&["tag", "-a", "v1", "-m", "one", "HEAD~1"]);
    let repo = Repo::open(&work.path).unwrap();
    for (rev, expected) in
        [("HEAD", second), ("main", second), ("v1", first), ("HEAD~1", first), (&first.to_string()[..10], first)]
    {
        assert_eq!(repo.resolve(rev).unwrap(), expected, "{rev}");
    }
    for rev in ["nothing", "", "HEAD:b.yaml", "HEAD^{tree}", "..", "\u{0}"] {
        assert!(matches!(repo.resolve(rev), Err(GitError::UnknownRevision { .. })), "{rev}");
    }
    let info = repo.commit_info(second).unwrap();
    assert_eq!((info.subject.as_str(), info.author_name.as_str()), ("feat: second", "Ada"));
    assert_eq!((info.parents, info.committed_at.timestamp()), (vec![first], 1_700_000_000));
    assert!(matches!(repo.head(Some("nope")), Err(GitError::BranchGone { .. })));
}

#[test]
fn an_empty_folder_and_an_empty_repository_are_told_apart() {
    let work = Work::empty();
    let repo = Repo::open(&work.path).unwrap();
    assert!(matches!(repo.head(None), Err(GitError::EmptyRepository)));
    assert!(matches!(repo.resolve("HEAD"), Err(GitError::EmptyRepository)));
    assert!(matches!(Repo::open(work.dir.path()), Err(GitError::NoRepository { .. })));
    assert!(matches!(Repo::open("/nowhere"), Err(GitError::NoRepository { .. })));
}

#[test]
fn a_shallow_clone_ends_where_it_was_cut() {
    let work = Work::with_commit();
    work.commit("b.yaml", "b: 1\n", "second");
    let head = work.commit("c.yaml", "c: 1\n", "third");
    let shallow = work.dir.path().join("shallow");
    let from = format!("file://{}", work.path.display());
    work.git(&["clone", "-q", "--depth", "2", &from, shallow.to_str().unwrap()]);
    let chain = Repo::open(&shallow).unwrap().first_parent_chain(head, None).unwrap();
    assert_eq!(chain.commits.len(), 2);
    assert_eq!(chain.commits[0].parent, None);
    crate::support::fetch(&work.clone_dir(), shallow.to_str().unwrap()).unwrap();
    assert_eq!(Repo::open(work.clone_dir()).unwrap().first_parent_chain(head, None).unwrap().commits.len(), 2);
    let server = crate::support::server::Server::git(work.dir.path());
    let error = crate::support::fetch(&work.dir.path().join("clones/two"), &server.url("shallow/.git")).unwrap_err();
    assert!(matches!(error, GitError::Unsupported { .. }), "{error}");
}

#[test]
fn authors_subjects_and_times_are_those_that_git_tells() {
    let work = Work::with_commit();
    for (label, author, subject) in [
        ("ISO-8859-1", &b"J\xf6rg M\xfc\xdfig"[..], &b"Gr\xf6\xdfe f\xfcr \xc4gypten"[..]),
        ("ISO-8859-15", b"Ren\xe9", b"5 \xa4"),
        ("windows-1251", b"\xc1\xee\xf0\xe8\xf1", b"\xeb\xe8\xec\xe8\xf2"),
        ("SHIFT_JIS", b"\x8eR\x93c", b"\x90\xdd\x92\xe8\x82\xf0"),
        ("EUC-JP", b"\xbb\xb3\xc5\xc4", b"\xc0\xdf\xc4\xea"),
    ] {
        let (tree, parent) = (work.git(&["rev-parse", "HEAD^{tree}"]), work.head());
        let mut text = format!("tree {tree}\nparent {parent}\nauthor ").into_bytes();
        text.extend_from_slice(author);
        text.extend_from_slice(b" <a@example.com> 1 +0000\ncommitter A <a@example.com> 2 +0000\nencoding ");
        text.extend_from_slice(label.as_bytes());
        text.extend_from_slice(b"\n\n");
        text.extend_from_slice(subject);
        let id = work.git_with(&["hash-object", "-t", "commit", "-w", "--stdin"], &text);
        work.git(&["update-ref", "refs/heads/main", &id]);
        let info = Repo::open(&work.path).unwrap().commit_info(id.parse().unwrap()).unwrap();
        let told = work.git(&["log", "-1", "--encoding=UTF-8", "--format=%an%n%s"]);
        assert_eq!(format!("{}\n{}", info.author_name, info.subject), told, "{label}");
    }
    let tree = work.git(&["rev-parse", "HEAD^{tree}"]);
    for (seconds, year) in [("-1234567890", "1930"), ("-62135596801", "0001"), ("99999999999999", "9999")] {
        let text = format!("tree {tree}\nauthor A <a@b> {seconds} +0000\ncommitter A <a@b> {seconds} +0000\n\nold\n");
        let id = work.git_with(&["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], text.as_bytes());
        let info = Repo::open(&work.path).unwrap().commit_info(id.parse().unwrap()).unwrap();
        assert_eq!(info.committed_at.format("%Y").to_string(), year, "{seconds}");
    }
}

#[test]
fn formats_that_are_not_known_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    crate::support::git(path, &["init", "-q", "-b", "main", "--ref-format=reftable", "."], b"");
    crate::support::git(path, &["commit", "-q", "--allow-empty", "-m", "first"], b"");
    let bare = path.join("bare.git");
    crate::support::git(path, &["clone", "-q", "--bare", "--ref-format=reftable", ".", "bare.git"], b"");
    for place in [path, &bare] {
        let error = Repo::open(place).err().unwrap();
        assert!(matches!(error, GitError::Unsupported { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("reftable") && text.contains("git refs migrate --ref-format=files"), "{text}");
        let error = crate::support::list(&place.display().to_string()).unwrap_err();
        assert!(error.to_string().contains("reftable"), "{error}");
    }
    for (version, name, value, refused) in [
        ("1", "extensions.futureObjects", "yes", Some("futureObjects")),
        ("0", "extensions.futureObjects", "yes", None),
        ("1", "extensions.preciousObjects", "true", None),
        ("1", "extensions.refStorage", "files", None),
        ("1", "extensions.objectFormat", "sha256", Some("sha256")),
        ("2", "core.bare", "false", Some("version 2")),
    ] {
        let work = Work::with_commit();
        let head = work.head();
        let mut config = std::fs::read_to_string(work.path.join(".git/config")).unwrap();
        let (section, key) = name.split_once('.').unwrap();
        config.push_str(&format!("[{section}]\n\t{key} = {value}\n[core]\n\trepositoryformatversion = {version}\n"));
        std::fs::write(work.path.join(".git/config"), config).unwrap();
        match (Repo::open(&work.path), refused) {
            (Ok(repo), None) => assert_eq!(repo.resolve("HEAD").unwrap(), head, "{version} {name}"),
            (Err(error), Some(sign)) => {
                assert!(matches!(error, GitError::Unsupported { .. }), "{error}");
                assert!(error.to_string().contains(sign), "{error}");
            }
            (opened, _) => panic!("{version} {name}: {:?}", opened.err().map(|error| error.to_string())),
        }
    }
}

#[test]
fn branches_that_cannot_be_read_are_not_taken_for_none() {
    let work = Work::with_commit();
    std::fs::write(work.path.join(".git/refs/heads/main"), "not a hash\n").unwrap();
    for error in [
        Repo::open(&work.path).unwrap().resolve("HEAD").unwrap_err(),
        crate::support::fetch(&work.clone_dir(), &work.path.display().to_string()).unwrap_err(),
    ] {
        assert!(matches!(error, GitError::Corrupt { .. }), "{error}");
    }
}

#[test]
fn a_small_blob_that_is_a_change_of_a_large_one_is_refused_by_size() {
    let work = Work::with_commit();
    // One version of 200 MB, and one of 8 MB that is packed as a change of it.
    let large = vec![b'a'; 200 << 20];
    let mut small = vec![b'a'; 8 << 20];
    small.extend_from_slice(b"end\n");
    let large = work.git_with(&["hash-object", "-w", "--stdin"], &large);
    let small = work.git_with(&["hash-object", "-w", "--stdin"], &small);
    work.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{large},big.yaml")]);
    work.git(&["commit", "-q", "-m", "large"]);
    work.git(&["update-index", "--cacheinfo", &format!("100644,{small},big.yaml")]);
    work.git(&["commit", "-q", "-m", "small"]);
    work.git(&["repack", "-q", "-a", "-d", "-f", "--window=50"]);
    let chain = work.git_with(&["cat-file", "--batch-check=%(deltabase)"], small.as_bytes());
    assert_eq!(chain, large, "git packs the small one as a change of the large one");
    let repo = Repo::open(&work.path).unwrap();
    let error = repo.read_blob(small.parse().unwrap(), 10 << 20).unwrap_err();
    assert!(matches!(error, GitError::TooMuchToUnpack { .. }), "{error}");
    let error = repo.read_blob(large.parse().unwrap(), 10 << 20).unwrap_err();
    assert!(matches!(error, GitError::BlobTooLarge { .. }), "{error}");
}
