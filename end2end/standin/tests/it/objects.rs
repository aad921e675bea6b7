//! Trees, files and commits, as each forge tells them.

use serde_json::{Value, json};
use standin::bare::Content;
use standin::{Access, Forge, Kind, PRIVATE_TOKEN, Repository, TOKEN};

use crate::support::{Got, Town, town, town_with};

const CONTENTS: [(&str, Content<'static>); 4] = [
    (".tekton/build.yaml", Content::File("kind: Task\n")),
    (".tekton/tasks/test.yaml", Content::File("kind: Pipeline\n")),
    (".tekton/link.yaml", Content::Link("build.yaml")),
    (".tekton/other", Content::Submodule("1111111111111111111111111111111111111111")),
];

fn base(forge: &Forge, one: &Repository) -> String {
    match forge.kind() {
        Kind::GitHub => format!("{}/repos/{}", forge.url(), one.full_name()),
        Kind::GitLab => format!("{}/api/v4/projects/{}/repository", forge.url(), one.full_name().replace('/', "%2F")),
        Kind::Forgejo | Kind::Git => format!("{}/api/v1/repos/{}", forge.url(), one.full_name()),
    }
}

fn row<'a>(rows: &'a [Value], path: &str) -> &'a Value {
    rows.iter().find(|row| row["path"] == path).unwrap_or_else(|| panic!("{path} is not in {rows:?}"))
}

async fn get(town: &Town, url: &str) -> Got {
    town.get(url, Some(TOKEN)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn git_s_own_objects_are_told_by_github_and_forgejo() {
    let town = town_with(2, |options| options.forgejo_trees = 3).await;
    for forge in [town.standin.github(), town.standin.forgejo()] {
        let what = format!("{:?}", forge.kind());
        let one = &forge.repositories()[0];
        let head = forge.put_on(one.id, "main", &CONTENTS).unwrap();
        let at = format!("{}/git", base(forge, one));
        let root = get(&town, &format!("{at}/trees/{head}")).await.body;
        let folder = row(root["tree"].as_array().unwrap(), ".tekton").clone();
        assert_eq!((folder["mode"].as_str(), folder["type"].as_str()), (Some("040000"), Some("tree")), "{what}");

        let url = format!("{at}/trees/{}?recursive=1", folder["sha"].as_str().unwrap());
        let mut all = get(&town, &url).await.body;
        let mut rows = all["tree"].as_array().unwrap().clone();
        if forge.kind() == Kind::Forgejo {
            assert_eq!((rows.len(), &all["truncated"], &all["total_count"]), (3, &json!(true), &json!(5)));
            all = get(&town, &format!("{url}&page=2")).await.body;
            rows.extend(all["tree"].as_array().unwrap().iter().cloned());
            assert_eq!(get(&town, &format!("{url}&page=3")).await.body["tree"], Value::Null);
        }
        assert_eq!((rows.len(), &all["truncated"]), (5, &json!(false)), "{what}");
        let of = |path: &str| (row(&rows, path)["mode"].clone(), row(&rows, path)["type"].clone());
        assert_eq!(of("build.yaml"), (json!("100644"), json!("blob")), "{what}");
        assert_eq!(of("link.yaml"), (json!("120000"), json!("blob")), "{what}");
        assert_eq!(of("other"), (json!("160000"), json!("commit")), "{what}");
        assert_eq!(of("tasks"), (json!("040000"), json!("tree")), "{what}");
        let file = row(&rows, "tasks/test.yaml");
        assert_eq!(file["size"], json!(15), "{what}");

        let blob = get(&town, &format!("{at}/blobs/{}", file["sha"].as_str().unwrap())).await.body;
        assert_eq!((&blob["encoding"], &blob["size"]), (&json!("base64"), &json!(15)), "{what}");
        assert_eq!(blob["content"].as_str().unwrap().trim(), "a2luZDogUGlwZWxpbmUK", "{what}");
        assert_eq!(get(&town, &format!("{at}/commits/{head}")).await.body["sha"], json!(head), "{what}");

        let unknown = "1".repeat(40);
        let missing = if forge.kind() == Kind::GitHub { 404 } else { 400 };
        for (kind, status) in [("trees", missing), ("blobs", missing), ("commits", 404)] {
            assert_eq!(get(&town, &format!("{at}/{kind}/{unknown}")).await.status, status, "{what}: {kind}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_tells_folders_by_their_path_and_files_as_they_are() {
    let town = town(2).await;
    let gitlab = town.standin.gitlab();
    let one = &gitlab.repositories()[0];
    let head = gitlab.put_on(one.id, "main", &CONTENTS).unwrap();
    let at = base(gitlab, one);
    let list = async |query: &str| get(&town, &format!("{at}/tree?ref={head}&{query}")).await;
    let all = list("path=.tekton&recursive=true").await.body;
    let rows = all.as_array().unwrap();
    assert_eq!(rows.len(), 5);
    let file = row(rows, ".tekton/tasks/test.yaml");
    assert_eq!((&file["name"], &file["mode"], &file["type"]), (&json!("test.yaml"), &json!("100644"), &json!("blob")));
    let first = list("path=.tekton&recursive=true&per_page=2").await;
    assert_eq!((first.body.as_array().unwrap().len(), first.header("x-next-page")), (2, Some("2")));
    assert!(first.header("link").unwrap().contains("rel=\"next\""));
    assert_eq!(list("path=.tekton").await.body.as_array().unwrap().len(), 4, "what is right in it");

    let raw = get(&town, &format!("{at}/blobs/{}/raw", file["id"].as_str().unwrap())).await;
    assert_eq!((raw.status, raw.body), (200, json!("kind: Pipeline\n")));
    assert_eq!(get(&town, &format!("{at}/commits/{head}")).await.body["id"], json!(head));
    let unknown = "1".repeat(40);
    let none = list("path=nothing").await;
    assert_eq!((none.status, &none.body["message"]), (404, &json!("404 invalid revision or path Not Found")));
    for path in [format!("tree?ref={unknown}"), format!("commits/{unknown}"), format!("blobs/{unknown}/raw")] {
        assert_eq!(get(&town, &format!("{at}/{path}")).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_follow_the_repository_and_are_shown_to_those_who_see_it() {
    let town = town(2).await;
    for forge in [town.standin.github(), town.standin.gitlab(), town.standin.forgejo()] {
        let what = format!("{:?}", forge.kind());
        let one = &forge.repositories()[1];
        let head = forge.put_on(one.id, "main", &CONTENTS).unwrap();
        let path = if forge.kind() == Kind::GitLab { "commits" } else { "git/commits" };
        let url = format!("{}/{path}/{head}", base(forge, one));
        assert_eq!(get(&town, &url).await.status, 200, "{what}");
        forge.set_access(one.id, Access::Private);
        assert_eq!(get(&town, &url).await.status, 404, "{what}");
        assert_eq!(town.get(&url, Some(PRIVATE_TOKEN)).await.status, 200, "{what}");
        forge.set_access(one.id, Access::Public);
        forge.rename(one.id, "elsewhere");
        let moved = get(&town, &url).await;
        assert!([301, 307].contains(&moved.status), "{what}: {}", moved.status);
        let to = moved.header("location").unwrap();
        let to = if to.starts_with('/') { format!("{}{to}", forge.url()) } else { to.to_owned() };
        assert_eq!(get(&town, &to).await.status, 200, "{what}: {to}");
    }
}
