//! Git over smart HTTP, by the git program.

use standin::{Access, TOKEN};

use crate::support::{git, town, town_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_cloned_whole_by_protocol_2_and_by_0() {
    let town = town(3).await;
    for forge in [town.standin.github(), town.standin.git()] {
        let repository = &forge.repositories()[0];
        let url = forge.clone_url(&repository.full_name());
        for version in ["2", "0"] {
            let into = town.folder.path().join(format!("{:?}-{version}", forge.kind()));
            let into = into.to_str().unwrap();
            let protocol = format!("protocol.version={version}");
            git(&["-c", &protocol, "clone", "--quiet", &url, into]).await.unwrap();
            assert_eq!(git(&["-C", into, "rev-list", "--count", "HEAD"]).await.unwrap(), "3");
        }
        let counters = forge.counters();
        assert_eq!((counters.api, counters.git_fetch, counters.quota), (0, 2, 0));
        assert!(counters.git_refs >= 1, "{counters:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn git_follows_a_rename_and_finds_nothing_where_it_may_not_look() {
    let town = town(4).await;
    let forge = town.standin.github();
    let [first, second, third, fourth] = &forge.repositories()[..] else { panic!("four are there") };
    forge.rename(first.id, "elsewhere");
    let old = forge.clone_url(&first.full_name());
    let refs = git(&["ls-remote", &old, "HEAD"]).await.unwrap();
    assert!(refs.ends_with("HEAD"), "{refs}");

    forge.set_access(second.id, Access::Private);
    forge.delete(third.id);
    for hidden in [second, third] {
        let refused = git(&["ls-remote", &forge.clone_url(&hidden.full_name())]).await.unwrap_err();
        assert!(refused.contains("could not read Username"), "{refused}");
        let with_token = forge.clone_url(&hidden.full_name()).replace("http://", &format!("http://x:{TOKEN}@"));
        let refused = git(&["ls-remote", &with_token]).await.unwrap_err();
        assert!(refused.contains("not found"), "{refused}");
    }
    let with_right = forge.clone_url(&second.full_name()).replace("http://", "http://x:standin-token-private@");
    git(&["ls-remote", &with_right, "HEAD"]).await.unwrap();
    forge.set_access(fourth.id, Access::Blocked);
    let refused = git(&["ls-remote", &forge.clone_url(&fourth.full_name())]).await.unwrap_err();
    assert!(refused.contains("451"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_is_private_as_a_whole_asks_for_a_password() {
    let town = town_with(1, |options| options.git_needs_token = true).await;
    let forge = town.standin.git();
    let url = forge.clone_url(&forge.repositories()[0].full_name());
    assert!(git(&["ls-remote", &url]).await.is_err());
    git(&["ls-remote", &url.replace("http://", &format!("http://token:{TOKEN}@"))]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_pushed_to_rewritten_and_emptied_alone() {
    let town = town(2).await;
    let forge = town.standin.github();
    let [one, other] = &forge.repositories()[..] else { panic!("two are there") };
    let head = async |id: u64| {
        let name = forge.repositories().into_iter().find(|known| known.id == id).unwrap().full_name();
        let told = git(&["ls-remote", &forge.clone_url(&name), "refs/heads/main"]).await.unwrap();
        told.split_whitespace().next().map(str::to_owned)
    };
    let before = head(one.id).await;
    let pushed = forge.commit(one.id, &[("new.yaml", Some("a: b\n")), ("README.md", None)], "More").unwrap();
    assert_eq!(head(one.id).await.as_ref(), Some(&pushed));
    assert!(forge.repository(&one.full_name()).unwrap().pushed_at > one.pushed_at);
    let written_anew = forge.rewrite(one.id).unwrap();
    assert_ne!(pushed, written_anew);
    assert_eq!(head(one.id).await, Some(written_anew));
    forge.empty(one.id).unwrap();
    assert_eq!(head(one.id).await, None);
    // The other one, which shared the repository on disk, is as it was.
    assert_eq!(head(other.id).await, before);
}
