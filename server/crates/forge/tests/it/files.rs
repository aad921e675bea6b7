//! Files of a folder at a commit: what a clone of the same repository gives, whichever forge tells of it.

use forge::{Forge, ForgeError, Key, PlainGit, RepositoryPath, WantedFiles};
use git::{BelowLimits, FilesBelow, Repo};
use standin::bare::Content;
use standin::{Access, Fault, Kind, PRIVATE_TOKEN, Rule, TOKEN};

use crate::town::{first, town};
use crate::{client, key};

const LIMITS: BelowLimits = BelowLimits { files: 100, file_bytes: 1 << 20, total_bytes: 10 << 20, entries: 1_000 };
const COMMITS: [&[(&str, Option<&str>)]; 1] = [&[("a.yaml", Some("a: 1\n"))]];
const TASK: &str = "kind: Task\n";
const CONTENTS: [(&str, Content<'static>); 8] = [
    (".tekton/run.yaml", Content::File("kind: PipelineRun\n")),
    (".tekton/tasks/build.yml", Content::File("kind: Task\nmetadata: {name: \u{fc}}\n")),
    (".tekton/tasks/empty.yaml", Content::File("")),
    (".tekton/notes.txt", Content::File("no\n")),
    (".tekton/link.yaml", Content::Link("run.yaml")),
    (".tekton/other.yaml", Content::Submodule("1111111111111111111111111111111111111111")),
    (".tekton.yaml", Content::File(TASK)),
    ("apps/.tekton/not.yaml", Content::File(TASK)),
];

fn wanted(commit: &str, limits: BelowLimits) -> WantedFiles<'static> {
    WantedFiles { commit: commit.parse().unwrap(), folder: ".tekton", limits, is_wanted: git::is_yaml_path }
}

/// What a clone's reader gives.
fn of_clone(forge: &standin::Forge, wanted: &WantedFiles<'_>) -> FilesBelow {
    let repo = Repo::open(first(forge).git).unwrap();
    repo.files_below(wanted.commit, wanted.folder, &wanted.limits, wanted.is_wanted).unwrap()
}

/// What one commit alone is asked for.
async fn below(client: &dyn Forge, key: &Key, wanted: &WantedFiles<'_>) -> Result<FilesBelow, ForgeError> {
    client.files_below(&client.find_path(key).await?, wanted).await
}

async fn read(forge: &standin::Forge, wanted: &WantedFiles<'_>) -> Result<FilesBelow, ForgeError> {
    below(client(forge, Some(TOKEN)).as_ref(), &key(&first(forge)), wanted).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_forge_gives_the_files_that_a_clone_gives() {
    // Pages of a tree are no matter.
    for forgejo_trees in [1_000, 2] {
        let town = town(&COMMITS, |options| options.forgejo_trees = forgejo_trees).await;
        for forge in town.forges() {
            let what = format!("{:?}", forge.kind());
            let id = first(forge).id;
            let head = forge.put_on(id, "main", &CONTENTS).unwrap();
            let found = read(forge, &wanted(&head, LIMITS)).await.unwrap();
            assert_eq!(found, of_clone(forge, &wanted(&head, LIMITS)), "{what}");
            let names: Vec<&str> = found.files.iter().map(|(path, _)| path.as_str()).collect();
            assert_eq!(names, [".tekton/run.yaml", ".tekton/tasks/build.yml", ".tekton/tasks/empty.yaml"], "{what}");
            assert_eq!(found.left_out.len(), 2, "{what}: a link and another repository");
            // By name as well as by number; strangers are told as much.
            let by_name = Key { id: None, ..key(&first(forge)) };
            let again = below(client(forge, None).as_ref(), &by_name, &wanted(&head, LIMITS)).await.unwrap();
            assert_eq!(again, found, "{what}");
            // An older commit is read as it was.
            let without = forge.put_on(id, "main", &[(".tekton/run.yaml", Content::Gone)]).unwrap();
            assert_eq!(read(forge, &wanted(&without, LIMITS)).await.unwrap().files.len(), 2, "{what}");
            assert_eq!(read(forge, &wanted(&head, LIMITS)).await.unwrap(), found, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_left_out_and_told() {
    let town = town(&COMMITS, |options| options.forgejo_trees = 1_000).await;
    for forge in town.forges() {
        let what = format!("{:?}", forge.kind());
        let head = forge.put_on(first(forge).id, "main", &CONTENTS).unwrap();
        for limits in [
            BelowLimits { files: 1, ..LIMITS },
            BelowLimits { file_bytes: 17, ..LIMITS },
            BelowLimits { total_bytes: 20, ..LIMITS },
        ] {
            let what = format!("{what}, {limits:?}");
            let (found, expected) = {
                let wanted = wanted(&head, limits);
                (read(forge, &wanted).await.unwrap(), of_clone(forge, &wanted))
            };
            assert_eq!(found.files, expected.files, "{what}");
            assert_eq!(found.left_out.len(), expected.left_out.len(), "{what}: {found:?}");
            if forge.kind() == Kind::GitLab {
                // How large a file is it does not tell before.
                let larger = "has more than";
                let is_told = |said: &String| said.contains(larger) || expected.left_out.contains(said);
                assert!(found.left_out.iter().all(is_told), "{what}: {found:?}");
            } else {
                assert_eq!(found.left_out, expected.left_out, "{what}");
            }
        }
        let few = read(forge, &wanted(&head, BelowLimits { entries: 2, ..LIMITS })).await.unwrap();
        assert!(few.left_out.iter().any(|said| said.contains("more than 2 files and folders")), "{what}: {few:?}");
        // What is known to be too large is not asked for, and what is not is not taken in.
        forge.reset();
        let none = read(forge, &wanted(&head, BelowLimits { file_bytes: 0, ..LIMITS })).await.unwrap();
        assert_eq!((none.is_there, none.files.len()), (true, 1), "{what}: the empty one");
        let asked = forge.requests().iter().filter(|request| request.path.contains("/blobs/")).count();
        assert_eq!(asked, if forge.kind() == Kind::GitLab { 3 } else { 1 }, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_folders_are_read_page_by_page() {
    let town = town(&COMMITS, |options| options.forgejo_trees = 50).await;
    let names: Vec<String> = (0..130).map(|n| format!(".tekton/docs/{n:03}.md")).collect();
    let mut contents: Vec<(&str, Content<'_>)> = names.iter().map(|name| (name.as_str(), Content::File("-"))).collect();
    contents.extend([(".tekton/a.yaml", Content::File(TASK)), (".tekton/z.yaml", Content::File(TASK))]);
    for forge in town.forges() {
        let head = forge.put_on(first(forge).id, "main", &contents).unwrap();
        let found = read(forge, &wanted(&head, LIMITS)).await.unwrap();
        assert_eq!(found, of_clone(forge, &wanted(&head, LIMITS)), "{:?}", forge.kind());
        assert_eq!((found.files.len(), found.left_out.len()), (2, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_there_is_no_error_and_an_unknown_commit_is_one() {
    let town = town(&COMMITS, |options| options.forgejo_trees = 1_000).await;
    for forge in town.forges() {
        let what = format!("{:?}", forge.kind());
        let id = first(forge).id;
        let without = forge.commit(id, &[("a.yaml", Some("a: 2\n"))], "no folder").unwrap();
        let file = forge.put_on(id, "main", &[(".tekton", Content::File(TASK))]).unwrap();
        let link = forge.put_on(id, "main", &[(".tekton", Content::Link("apps"))]).unwrap();
        let empty = [(".tekton", Content::Gone), ("a.yaml", Content::Gone)];
        let empty = forge.put_on(id, "main", &empty).unwrap();
        for (commit, is) in [(without, "no folder"), (file, "a file"), (link, "a link"), (empty, "an empty commit")] {
            let found = read(forge, &wanted(&commit, LIMITS)).await.unwrap();
            assert_eq!(found, FilesBelow::default(), "{what}: {is}");
        }
        let error = read(forge, &wanted(&"1".repeat(40), LIMITS)).await.unwrap_err();
        assert!(matches!(error, ForgeError::NoCommit { .. }) && !error.is_temporary(), "{what}: {error:?}");
        assert!(error.to_string().contains("knows no commit 1111"), "{what}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_where_the_repository_moved_and_not_where_it_is_hidden() {
    let town = town(&COMMITS, |options| options.forgejo_trees = 1_000).await;
    for forge in town.forges() {
        let what = format!("{:?}", forge.kind());
        let truth = first(forge);
        let head = forge.put_on(truth.id, "main", &CONTENTS).unwrap();
        assert!(forge.rename(truth.id, "elsewhere") && forge.transfer(truth.id, "somebody"));
        let wanted = wanted(&head, LIMITS);
        let read = async |token: &str, key: Key| below(client(forge, Some(token)).as_ref(), &key, &wanted).await;
        for key in [key(&truth), Key { id: None, ..key(&truth) }] {
            assert_eq!(read(TOKEN, key).await.unwrap().files.len(), 3, "{what}");
        }
        forge.set_access(truth.id, Access::Private);
        let error = read(TOKEN, key(&truth)).await.unwrap_err();
        assert!(matches!(&error, ForgeError::Gone { key, .. } if key == "the.key"), "{what}: {error:?}");
        assert_eq!(read(PRIVATE_TOKEN, key(&truth)).await.unwrap().files.len(), 3, "{what}");
    }
    let plain = PlainGit::new(None, git::Limits::default());
    let nowhere = plain.find_path(&Key::default()).await.map(drop);
    let nothing = plain.files_below(&RepositoryPath::default(), &wanted(&"1".repeat(40), LIMITS)).await.map(drop);
    for answer in [nowhere, nothing] {
        assert!(matches!(answer, Err(ForgeError::Unsupported { .. })), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_commits_the_repository_is_asked_for_once() {
    let town = town(&COMMITS, |options| options.forgejo_trees = 1_000).await;
    for forge in town.forges() {
        let what = format!("{:?}", forge.kind());
        let truth = first(forge);
        let older = forge.put_on(truth.id, "main", &CONTENTS).unwrap();
        let newer = forge.put_on(truth.id, "main", &[(".tekton/run.yaml", Content::Gone)]).unwrap();
        let client = client(forge, Some(TOKEN));
        let path = client.find_path(&key(&truth)).await.unwrap();
        forge.reset();
        for (commit, files) in [(older, 3), (newer, 2)] {
            let found = client.files_below(&path, &wanted(&commit, LIMITS)).await.unwrap();
            assert_eq!(found.files.len(), files, "{what}");
        }
        let asked: Vec<String> = forge.requests().into_iter().map(|request| request.path).collect();
        let is_of_git = |path: &String| path.contains("/git/") || path.contains("/repository/");
        assert!(!asked.is_empty() && asked.iter().all(is_of_git), "{what}: {asked:?}");
    }
}

/// Nothing half read is taken for all, and limits are known before they are hit.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_reading_files_is_told() {
    let town = town(&COMMITS, |options| options.forgejo_trees = 1_000).await;
    for forge in town.forges() {
        let head = forge.put_on(first(forge).id, "main", &CONTENTS).unwrap();
        for (fault, expected) in [
            (Fault::Status { code: 502 }, "Status"),
            (Fault::Cut, "Unreachable"),
            (Fault::PrimaryLimit { reset: 60 }, "RateLimited"),
            (Fault::SecondaryLimit { retry_after: Some(30) }, "RateLimited"),
            (Fault::TooMany { retry_after: Some(30) }, "RateLimited"),
            (Fault::BadCredentials, "TokenRefused"),
        ] {
            // The list, then a file: the second, so that one is read already.
            for (path, after) in [("/tree", 0), ("/blobs/", 1)] {
                let what = format!("{:?}, {fault:?} on {path}", forge.kind());
                forge.clear_faults();
                forge.reset();
                forge.fail(Rule::new(fault.clone()).on(path).after(after));
                let client = client(forge, Some(TOKEN));
                let (at, wanted) = (key(&first(forge)), wanted(&head, LIMITS));
                let error = below(client.as_ref(), &at, &wanted).await.expect_err(&what);
                let name = format!("{error:?}");
                assert!(name.starts_with(expected) && !name.contains(TOKEN), "{what}: {name}");
                if expected == "RateLimited" {
                    let asked = forge.counters().api;
                    let again = below(client.as_ref(), &at, &wanted).await.unwrap_err();
                    assert!(matches!(again, ForgeError::RateLimited { .. }), "{what}: {again:?}");
                    assert_eq!(forge.counters().api, asked, "{what}: it waits");
                }
            }
        }
        forge.clear_faults();
        forge.reset();
        for fault in [Fault::WrongJson, Fault::MissingFields { fields: vec!["tree".to_owned(), "id".to_owned()] }] {
            let what = format!("{:?}, {fault:?}", forge.kind());
            forge.clear_faults();
            forge.fail(Rule::new(fault).on("/tree"));
            let error = read(forge, &wanted(&head, LIMITS)).await.expect_err(&what);
            assert!(matches!(error, ForgeError::Unreadable { .. }), "{what}: {error:?}");
        }
    }
}
