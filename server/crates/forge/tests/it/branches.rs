//! Lists of branches: hundreds of them, of repositories that move, and while they change.

use std::time::Duration;

use forge::{Forge as _, ForgeError, Key, ListedBranches, PlainGit};
use standin::{Access, Fault, Kind, Links, PRIVATE_TOKEN, Rule, TOKEN};

use crate::town::{self, first};
use crate::{client, key};

struct Town {
    town: town::Town,
    names: Vec<String>,
}

/// Three repositories at each forge, the first with 304 branches of which one is protected.
async fn town(links: Links, forgejo_most: u64) -> Town {
    let commit: &[_] = &[("a.yaml", Some("a: 1\n"))];
    let town = town::town(&[commit], |options| {
        options.links = links;
        options.forgejo_most = forgejo_most;
    })
    .await;
    let standin = &town.standin;
    let mut names: Vec<String> = (0..300).map(|n| format!("feature/{n:03}")).collect();
    names.extend(["gr\u{fc}n/\u{1f33f}".to_owned(), format!("team/{}", "x".repeat(240)), "a.b".to_owned()]);
    for forge in [standin.github(), standin.gitlab(), standin.forgejo(), standin.git()] {
        let id = forge.repositories()[0].id;
        forge.make_branches(id, &names.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        forge.protect(id, "feature/100");
    }
    names.push("main".to_owned());
    names.sort();
    Town { town, names }
}

fn names(listed: &ListedBranches) -> Vec<&str> {
    listed.branches.iter().map(|branch| branch.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_branches_are_listed_with_what_protects_them() {
    let elsewhere = Links::Elsewhere("https://git.example.org".to_owned());
    for (links, forgejo_most) in [(Links::Own, 50), (elsewhere, 20), (Links::Dropped, 50)] {
        let town = town(links.clone(), forgejo_most).await;
        for forge in town.town.forges() {
            let what = format!("{:?}, {links:?}", forge.kind());
            let truth = first(forge);
            let moved = forge.commit_on(truth.id, "feature/007", &[("b.yaml", Some("b: 1\n"))], "push").unwrap();
            let client = client(forge, Some(TOKEN));
            let listed = client.list_branches(&key(&truth)).await.unwrap();
            assert_eq!(names(&listed), town.names, "{what}");
            assert_eq!((listed.default_branch.as_deref(), listed.is_complete), (Some("main"), true), "{what}");
            for branch in &listed.branches {
                assert_eq!(branch.is_protected, Some(branch.name == "feature/100"), "{what}: {}", branch.name);
                assert_eq!(branch.commit.to_string() == moved, branch.name == "feature/007", "{what}");
            }
            // By name as well as by number, and once more from what is known.
            let by_name = Key { id: None, ..key(&truth) };
            assert_eq!(client.list_branches(&by_name).await.unwrap(), listed, "{what}");
            assert_eq!(client.list_branches(&key(&truth)).await.unwrap(), listed, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_server_lists_branches_as_well() {
    let town = town(Links::Own, 50).await;
    let forge = town.town.standin.git();
    let full_name = forge.clone_url(&first(forge).full_name());
    let client = PlainGit::new(None, git::Limits::default());
    let listed = client.list_branches(&Key { full_name, ..Key::default() }).await.unwrap();
    assert_eq!(names(&listed), town.names);
    assert!(listed.is_complete && listed.branches.iter().all(|branch| branch.is_protected.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_told_that_a_long_list_may_have_a_gap() {
    let town = town(Links::Own, 50).await;
    for forge in town.town.forges() {
        let listed = client(forge, None).list_branches(&key(&first(forge))).await.unwrap();
        assert_eq!(names(&listed), town.names);
        // GitLab's goes on after a name, which has no gaps.
        assert_eq!(listed.is_complete, forge.kind() == Kind::GitLab, "{:?}", forge.kind());
        let small = client(forge, None).list_branches(&key(&forge.repositories()[1])).await.unwrap();
        assert_eq!((names(&small), small.is_complete), (vec!["main"], true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_goes_while_pages_are_read_hides_no_other_unnoticed() {
    let town = town(Links::Own, 50).await;
    for forge in town.town.forges() {
        let truth = first(forge);
        let client = client(forge, Some(TOKEN));
        // The second page waits until a branch of the first one is gone.
        forge.fail(Rule::new(Fault::Slow { ms: 4_000 }).on("/branches").after(1).times(1));
        let (key, deleted) = (key(&truth), async {
            while !forge.requests().iter().any(|request| request.path.ends_with("/branches")) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            forge.delete_branch(truth.id, "feature/000").unwrap();
        });
        let (listed, ()) = tokio::join!(client.list_branches(&key), deleted);
        let listed = listed.unwrap();
        let expected = if forge.kind() == Kind::GitLab { (304, true) } else { (303, false) };
        assert_eq!((listed.branches.len(), listed.is_complete), expected, "{:?}", forge.kind());
        let again = client.list_branches(&key).await.unwrap();
        assert_eq!((again.branches.len(), again.is_complete), (303, true), "{:?}", forge.kind());
        assert!(!names(&again).contains(&"feature/000"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_followed_where_it_moves_and_missed_where_it_is_gone() {
    let town = town(Links::Own, 50).await;
    for forge in town.town.forges() {
        let what = format!("{:?}", forge.kind());
        let truth = first(forge);
        let client_of = |token| client(forge, Some(token));
        assert!(forge.rename(truth.id, "elsewhere") && forge.transfer(truth.id, "somebody"));
        for key in [key(&truth), Key { id: None, ..key(&truth) }] {
            let listed = client_of(TOKEN).list_branches(&key).await.unwrap();
            assert_eq!((listed.branches.len(), listed.is_complete), (304, true), "{what}");
        }
        forge.set_access(truth.id, Access::Private);
        let error = client_of(TOKEN).list_branches(&key(&truth)).await.unwrap_err();
        assert!(matches!(&error, ForgeError::Gone { key, .. } if key == "the.key"), "{what}: {error:?}");
        assert!(error.to_string().contains("deleted or made private") && !error.is_temporary(), "{error}");
        assert_eq!(client_of(PRIVATE_TOKEN).list_branches(&key(&truth)).await.unwrap().branches.len(), 304, "{what}");
        forge.delete(truth.id);
        let error = client_of(PRIVATE_TOKEN).list_branches(&key(&truth)).await.unwrap_err();
        assert!(matches!(error, ForgeError::Gone { .. }), "{what}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_list_of_branches_is_told() {
    let town = town(Links::Own, 50).await;
    for forge in town.town.forges() {
        for (fault, expected) in [
            (Fault::Status { code: 502 }, "Status"),
            (Fault::Cut, "Unreachable"),
            (Fault::WrongJson, "Unreadable"),
            (Fault::Endless, "TooLarge|Unreachable"),
            (Fault::PrimaryLimit { reset: 60 }, "RateLimited"),
            (Fault::SecondaryLimit { retry_after: Some(30) }, "RateLimited"),
            (Fault::TooMany { retry_after: Some(30) }, "RateLimited"),
            (Fault::BadCredentials, "TokenRefused"),
        ] {
            let what = format!("{:?}, {fault:?}", forge.kind());
            forge.clear_faults();
            forge.reset();
            // Within the list, so that nothing half read is taken for all.
            forge.fail(Rule::new(fault).on("/branches").after(1).times(1));
            let error = client(forge, Some(TOKEN)).list_branches(&key(&first(forge))).await.expect_err(&what);
            let name = format!("{error:?}");
            assert!(expected.split('|').any(|expected| name.starts_with(expected)), "{what}: {name}");
            assert!(!name.contains(TOKEN), "{what}: {name}");
        }
    }
}
