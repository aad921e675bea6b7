//! Branches: all of them, page by page, as each forge pages.

use std::collections::BTreeSet;

use serde_json::Value;
use standin::{Access, Fault, Kind, PRIVATE_TOKEN, Rule, TOKEN};

use crate::support::{Town, git, town};

/// Where a forge lists a repository's branches.
fn address(forge: &standin::Forge, full_name: &str) -> String {
    match forge.kind() {
        Kind::GitHub => format!("{}/repos/{full_name}/branches", forge.url()),
        Kind::GitLab => {
            format!("{}/api/v4/projects/{}/repository/branches", forge.url(), full_name.replace('/', "%2F"))
        }
        Kind::Forgejo | Kind::Git => format!("{}/api/v1/repos/{full_name}/branches", forge.url()),
    }
}

/// Follows the links of a list to its end.
async fn rows(town: &Town, first: String) -> (Vec<Value>, usize) {
    let (mut rows, mut pages, mut next) = (Vec::new(), 0, Some(first));
    while let Some(url) = next.take() {
        let got = town.get(&url, Some(TOKEN)).await;
        assert_eq!(got.status, 200, "{url}");
        rows.extend(got.body.as_array().unwrap().iter().cloned());
        pages += 1;
        next = got.header("link").and_then(|links| {
            let next = links.split(',').find_map(|link| link.trim().strip_suffix("; rel=\"next\""));
            next.map(|url| url.trim_matches(['<', '>']).to_owned())
        });
    }
    (rows, pages)
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_branches_are_listed_in_pages_with_what_protects_them() {
    let town = town(3).await;
    let long = format!("team/{}", "x".repeat(240));
    let mut names: Vec<String> = (0..300).map(|n| format!("feature/{n:03}")).collect();
    names.extend(["gr\u{fc}n/\u{1f33f}".to_owned(), long, "a.b".to_owned()]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for forge in [town.standin.github(), town.standin.gitlab(), town.standin.forgejo()] {
        let what = format!("{:?}", forge.kind());
        let one = &forge.repositories()[0];
        let head = forge.make_branches(one.id, &names).unwrap();
        let moved = forge.commit_on(one.id, "feature/007", &[("a.yaml", Some("a: 1\n"))], "push").unwrap();
        forge.protect(one.id, "feature/100");
        let url = address(forge, &one.full_name());
        let (size, expected_pages) = if forge.kind() == Kind::Forgejo { ("limit=50", 7) } else { ("per_page=100", 4) };
        let (all, pages) = rows(&town, format!("{url}?{size}")).await;
        assert_eq!((all.len(), pages), (304, expected_pages), "{what}");
        let id = |row: &Value| row["commit"]["sha"].as_str().or(row["commit"]["id"].as_str()).unwrap().to_owned();
        let listed: BTreeSet<&str> = all.iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert!(names.iter().all(|name| listed.contains(name)) && listed.contains("main"), "{what}");
        for row in &all {
            let name = row["name"].as_str().unwrap();
            assert_eq!(id(row), if name == "feature/007" { &*moved } else { &*head }, "{what}: {name}");
            assert_eq!(row["protected"], Value::from(name == "feature/100"), "{what}: {name}");
        }
        if forge.kind() == Kind::GitLab {
            let (by_key, pages) = rows(&town, format!("{url}?per_page=100&pagination=keyset")).await;
            assert_eq!((by_key, pages), (all, 4));
        }
        // Git says the same.
        let refs = git(&["ls-remote", "--heads", &forge.clone_url(&one.full_name())]).await.unwrap();
        assert_eq!(refs.lines().count(), 304, "{what}");

        forge.delete_branch(one.id, "feature/000").unwrap();
        let rewritten = forge.rewrite_on(one.id, "feature/007").unwrap();
        assert_ne!(rewritten, moved);
        assert_eq!(rows(&town, format!("{url}?{size}")).await.0.len(), 303, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_follow_the_repository_and_faults_find_them() {
    let town = town(3).await;
    for forge in [town.standin.github(), town.standin.gitlab(), town.standin.forgejo()] {
        let what = format!("{:?}", forge.kind());
        let one = &forge.repositories()[1];
        let url = address(forge, &one.full_name());
        forge.fail(Rule::new(Fault::Status { code: 503 }).on("branches").times(1));
        assert_eq!(town.get(&url, Some(TOKEN)).await.status, 503, "{what}");
        assert_eq!(town.get(&url, Some(TOKEN)).await.status, 200, "{what}");
        forge.set_access(one.id, Access::Private);
        assert_eq!(town.get(&url, Some(TOKEN)).await.status, 404, "{what}");
        assert_eq!(town.get(&url, Some(PRIVATE_TOKEN)).await.status, 200, "{what}");
        forge.set_access(one.id, Access::Public);
        forge.rename(one.id, "elsewhere");
        let moved = town.get(&url, Some(TOKEN)).await;
        assert!(
            [301, 307].contains(&moved.status) && moved.header("location").unwrap().contains("/branches"),
            "{what}"
        );
        forge.delete(one.id);
        assert_eq!(town.get(&url, Some(TOKEN)).await.status, 404, "{what}");
    }
}
