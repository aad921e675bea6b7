//! What a branch's way from one commit to another changed: what a clone of the same repository tells, whichever forge tells of it.

use forge::{Changes, Forge, ForgeError, Key, PlainGit, RepositoryPath, WantedChanges};
use git::Repo;
use standin::bare::Content;
use standin::{Access, Fault, Kind, PRIVATE_TOKEN, Rule, TOKEN};

use crate::town::{first, town};
use crate::{client, key};

/// More paths than any of these commits changes.
const MOST: usize = 1_000;
const TEXT: &str = "a: 1\n";
const COMMITS: [&[(&str, Option<&str>)]; 2] = [&[("a.yaml", Some(TEXT))], &[("apps/web/b.yaml", Some(TEXT))]];

fn wanted(old: Option<&str>, new: &str) -> WantedChanges {
    WantedChanges { old: old.map(|old| old.parse().unwrap()), new: new.parse().unwrap(), paths: Some(MOST) }
}

/// What one way alone is asked for.
async fn changes(client: &dyn Forge, key: &Key, wanted: &WantedChanges) -> Result<Changes, ForgeError> {
    client.changes(&client.find_path(key).await?, wanted).await
}

async fn ask(forge: &standin::Forge, wanted: &WantedChanges) -> Result<Changes, ForgeError> {
    changes(client(forge, Some(TOKEN)).as_ref(), &key(&first(forge)), wanted).await
}

/// What a clone's reader gives.
fn of_clone(forge: &standin::Forge, wanted: &WantedChanges) -> Changes {
    let repo = Repo::open(first(forge).git).unwrap();
    let descends = wanted.old.and_then(|old| repo.is_ancestor(old, wanted.new).unwrap());
    let paths = repo.changed_paths(wanted.old, wanted.new, MOST).unwrap();
    Changes { is_forced: descends.map(|descends| !descends), paths: Some(paths) }
}

/// Where branches of a repository stood, one after the other.
struct Ways {
    main: String,
    one: String,
    /// On `one`.
    two: String,
    /// On `main`.
    aside: String,
    /// In the place of `aside`, with the same files.
    anew: String,
    /// On nothing.
    lone: String,
}

fn ways(forge: &standin::Forge) -> Ways {
    let id = first(forge).id;
    let put = |branch: &str, contents: &[(&str, Content<'_>)]| forge.put_on(id, branch, contents).unwrap();
    let main = forge.make_branches(id, &["topic"]).unwrap();
    let one = [("clusters/a.yaml", Content::File("a: 2\n")), ("docs/b.md", Content::File("# B\n"))];
    let one = put("topic", &one);
    let two = [
        ("docs/b.md", Content::Gone),
        ("docs/gr\u{fc}n/b.md", Content::File("# B\n")),
        ("a.yaml", Content::Link("clusters/a.yaml")),
        ("other", Content::Submodule("1111111111111111111111111111111111111111")),
    ];
    let two = put("topic", &two);
    forge.make_branches(id, &["topic"]).unwrap();
    let aside = put("topic", &[("clusters/a.yaml", Content::File("a: 3\n")), ("z.yaml", Content::File(TEXT))]);
    let anew = forge.rewrite_on(id, "topic").unwrap();
    let lone = put("lone", &[("lone/x.yaml", Content::File(TEXT)), ("a.yaml", Content::File(TEXT))]);
    Ways { main, one, two, aside, anew, lone }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_forge_tells_what_a_clone_tells() {
    // Pages of a tree are no matter.
    for forgejo_trees in [1_000, 2] {
        let town = town(&COMMITS, |options| options.forgejo_trees = forgejo_trees).await;
        for forge in town.forges() {
            let Ways { main, one, two, aside, anew, lone } = ways(forge);
            for (what, old, new, is_forced, count) in [
                ("a push", Some(&main), &one, Some(false), 2),
                ("several", Some(&main), &two, Some(false), 4),
                ("what is renamed has two paths", Some(&one), &two, Some(false), 4),
                ("set back", Some(&two), &main, Some(true), 4),
                ("another one in its place", Some(&two), &aside, Some(true), 5),
                ("the same written anew", Some(&aside), &anew, Some(true), 0),
                ("a new branch", None, &two, None, 4),
                ("a new branch that came from nothing", None, &lone, None, 2),
            ] {
                let what = format!("{:?}, {what}", forge.kind());
                let wanted = wanted(old.map(String::as_str), new);
                let mut expected = of_clone(forge, &wanted);
                let paths = expected.paths.as_ref().map_or(0, |paths| paths.paths.len());
                assert_eq!((expected.is_forced, paths), (is_forced, count), "{what}: a clone");
                if forge.kind() == Kind::GitLab && new == &lone {
                    // It compares with commits alone.
                    expected.paths = None;
                }
                assert_eq!(ask(forge, &wanted).await.unwrap(), expected, "{what}");
                // By name as well as by number; strangers are told as much.
                let by_name = Key { id: None, ..key(&first(forge)) };
                assert_eq!(changes(client(forge, None).as_ref(), &by_name, &wanted).await.unwrap(), expected, "{what}");
                // What nobody asks for is not told.
                let unasked = WantedChanges { paths: None, ..wanted };
                let expected = Changes { paths: None, ..expected };
                assert_eq!(ask(forge, &unasked).await.unwrap(), expected, "{what}");
            }
            // That such two have nothing in common is not told apart from other things that forges say so.
            let wanted = wanted(Some(&two), &lone);
            let expected = Changes { is_forced: None, ..of_clone(forge, &wanted) };
            assert_eq!(ask(forge, &wanted).await.unwrap(), expected, "{:?}", forge.kind());
        }
    }
}

/// Requests count.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_answer_tells_is_asked_for_once() {
    let town = town(&COMMITS, |_| {}).await;
    for (forge, push, forced) in [
        (town.standin.github(), "compare", "compare trees trees"),
        (town.standin.gitlab(), "merge_base compare", "merge_base compare"),
        (town.standin.forgejo(), "compare trees trees", "compare trees trees"),
    ] {
        let Ways { main, two, aside, .. } = ways(forge);
        for (old, new, expected) in [(&main, &two, push), (&two, &aside, forced)] {
            forge.reset();
            ask(forge, &wanted(Some(old), new)).await.unwrap();
            let asked = forge.requests().into_iter().filter_map(|request| {
                ["compare", "merge_base", "trees"].into_iter().find(|part| request.path.contains(&format!("/{part}")))
            });
            assert_eq!(asked.collect::<Vec<_>>().join(" "), expected, "{:?}", forge.kind());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_off_is_not_taken_for_all() {
    let names: Vec<String> = (0..301).map(|number| format!("many/{number:03}.yaml")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), Content::File(TEXT))).collect();
    for is_cut in [false, true] {
        let town = town(&COMMITS, |options| {
            if is_cut {
                (options.github_trees, options.gitlab_diffs) = (5, 300);
            }
        })
        .await;
        for forge in town.forges() {
            let what = format!("{:?}, {is_cut}", forge.kind());
            let (id, Ways { two, aside, anew, .. }) = (first(forge).id, ways(forge));
            let head = forge.put_on(id, "topic", &many).unwrap();
            let wanted_all = wanted(Some(&anew), &head);
            let (found, expected) = (ask(forge, &wanted_all).await.unwrap(), of_clone(forge, &wanted_all));
            assert_eq!(found.is_forced, Some(false), "{what}");
            let (paths, all) = (found.paths.unwrap(), expected.paths.unwrap());
            if is_cut && forge.kind() != Kind::Forgejo {
                assert_eq!((paths.paths.len(), paths.is_complete), (300, false), "{what}");
                assert!(paths.paths.iter().all(|path| all.paths.contains(path)), "{what}");
            } else {
                assert_eq!(paths, all, "{what}");
            }
            let few = WantedChanges { paths: Some(7), ..wanted_all };
            let few = ask(forge, &few).await.unwrap().paths.unwrap();
            assert_eq!((few.paths.len(), few.is_complete), (7, false), "{what}");

            // Without whole trees GitHub does not tell what differs from a commit that was left behind.
            let wanted = wanted(Some(&two), &aside);
            let mut expected = of_clone(forge, &wanted);
            if is_cut && forge.kind() == Kind::GitHub {
                expected.paths = None;
            }
            assert_eq!(ask(forge, &wanted).await.unwrap(), expected, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_commits_that_are_not_there_nothing_is_told() {
    let town = town(&COMMITS, |_| {}).await;
    let unknown = "1".repeat(40);
    for forge in town.forges() {
        let Ways { main, one, .. } = ways(forge);
        for (old, new) in [(Some(&unknown), &one), (Some(&main), &unknown), (None, &unknown)] {
            let found = ask(forge, &wanted(old.map(String::as_str), new)).await.unwrap();
            assert_eq!(found, Changes::default(), "{:?}: {old:?} {new}", forge.kind());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_told_where_the_repository_moved_and_not_where_it_is_hidden() {
    let town = town(&COMMITS, |_| {}).await;
    for forge in town.forges() {
        let what = format!("{:?}", forge.kind());
        let (truth, Ways { main, one, .. }) = (first(forge), ways(forge));
        let wanted = wanted(Some(&main), &one);
        let expected = of_clone(forge, &wanted);
        assert!(forge.rename(truth.id, "elsewhere") && forge.transfer(truth.id, "somebody"));
        let told = async |token: &str, key: Key| changes(client(forge, Some(token)).as_ref(), &key, &wanted).await;
        for key in [key(&truth), Key { id: None, ..key(&truth) }] {
            assert_eq!(told(TOKEN, key).await.unwrap(), expected, "{what}");
        }
        forge.set_access(truth.id, Access::Private);
        let error = told(TOKEN, Key { id: None, ..key(&truth) }).await.unwrap_err();
        assert!(matches!(&error, ForgeError::Gone { key, .. } if key == "the.key"), "{what}: {error:?}");
        assert_eq!(told(PRIVATE_TOKEN, key(&truth)).await.unwrap(), expected, "{what}");
    }
    let plain = PlainGit::new(None, git::Limits::default());
    let error = plain.changes(&RepositoryPath::default(), &wanted(None, &"1".repeat(40))).await.unwrap_err();
    assert!(matches!(error, ForgeError::Unsupported { .. }), "{error:?}");
}

/// Nothing half read is taken for all, and limits are known before they are hit.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_comparison_is_told() {
    let town = town(&COMMITS, |_| {}).await;
    for forge in town.forges() {
        let Ways { main, one, .. } = ways(forge);
        let wanted = wanted(Some(&main), &one);
        for (fault, expected) in [
            (Fault::Status { code: 502 }, "Status"),
            (Fault::Cut, "Unreachable"),
            (Fault::WrongJson, "Unreadable"),
            (
                Fault::MissingFields { fields: ["status", "total_commits", "diffs"].map(str::to_owned).to_vec() },
                "Unreadable",
            ),
            (
                Fault::MissingFields { fields: ["parents", "filename", "new_path"].map(str::to_owned).to_vec() },
                "Unreadable",
            ),
            (Fault::PrimaryLimit { reset: 60 }, "RateLimited"),
            (Fault::SecondaryLimit { retry_after: Some(30) }, "RateLimited"),
            (Fault::TooMany { retry_after: Some(30) }, "RateLimited"),
            (Fault::BadCredentials, "TokenRefused"),
        ] {
            let what = format!("{:?}, {fault:?}", forge.kind());
            forge.clear_faults();
            forge.reset();
            forge.fail(Rule::new(fault).on("/compare"));
            let client = client(forge, Some(TOKEN));
            let error = changes(client.as_ref(), &key(&first(forge)), &wanted).await.expect_err(&what);
            let name = format!("{error:?}");
            assert!(name.starts_with(expected), "{what}: {name}");
            assert!(!name.contains(TOKEN), "{what}: {name}");
            if expected == "RateLimited" {
                let asked = forge.counters().api;
                let again = changes(client.as_ref(), &key(&first(forge)), &wanted).await.unwrap_err();
                assert!(matches!(again, ForgeError::RateLimited { .. }), "{what}: {again:?}");
                assert_eq!(forge.counters().api, asked, "{what}: it waits");
            }
        }
        // What has no end is not taken in: it is not told, and what others tell is.
        forge.clear_faults();
        forge.reset();
        forge.fail(Rule::new(Fault::Endless).on("/compare"));
        let all = of_clone(forge, &wanted);
        let expected = match forge.kind() {
            Kind::GitLab => Changes { paths: None, ..all },
            _ => Changes { is_forced: None, ..all },
        };
        match ask(forge, &wanted).await {
            Ok(found) => assert_eq!(found, expected, "{:?}", forge.kind()),
            Err(error) => assert!(matches!(error, ForgeError::Unreachable { .. }), "{:?}: {error:?}", forge.kind()),
        }
    }
}
