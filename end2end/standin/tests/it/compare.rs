//! What lies between two commits, as each forge tells it.

use serde_json::{Value, json};
use standin::bare::Content;
use standin::{Forge, Kind, Repository, TOKEN};

use crate::support::{Got, Town, town, town_with};

const TEXT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n";

/// A branch that goes from one commit to another which does not come from it.
struct Moved {
    main: String,
    first: String,
    second: String,
}

fn moved(forge: &Forge, one: &Repository) -> Moved {
    let main = forge.make_branches(one.id, &["topic"]).unwrap();
    let first = forge.put_on(one.id, "topic", &[("first.yaml", Content::File(TEXT))]).unwrap();
    forge.make_branches(one.id, &["topic"]).unwrap();
    let renamed = [("README.md", Content::Gone), ("docs/README.md", Content::File("# Cluster\n"))];
    forge.put_on(one.id, "topic", &renamed).unwrap();
    let second = forge.put_on(one.id, "topic", &[("apps/web.yaml", Content::Link("../first.yaml"))]).unwrap();
    Moved { main, first, second }
}

async fn get(town: &Town, url: &str) -> Got {
    town.get(url, Some(TOKEN)).await
}

/// Texts of a list's field, by name.
fn texts<'a>(rows: &'a Value, name: &str) -> Vec<&'a str> {
    let mut texts: Vec<_> = rows.as_array().unwrap().iter().map(|row| row[name].as_str().unwrap()).collect();
    texts.sort_unstable();
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn github_compares_from_where_two_commits_parted() {
    let town = town(1).await;
    let github = town.standin.github();
    let one = &github.repositories()[0];
    let Moved { main, first, second } = moved(github, one);
    let at = format!("{}/repos/{}/compare", github.url(), one.full_name());
    let told = async |base: &str, head: &str| get(&town, &format!("{at}/{base}...{head}")).await.body;
    let ahead = told(&main, &second).await;
    assert_eq!((&ahead["status"], &ahead["ahead_by"], &ahead["behind_by"]), (&json!("ahead"), &json!(2), &json!(0)));
    assert_eq!(texts(&ahead["files"], "filename"), ["apps/web.yaml", "docs/README.md"]);
    let renamed = ahead["files"].as_array().unwrap().iter().find(|file| file["status"] == "renamed").unwrap();
    assert_eq!(renamed["previous_filename"], "README.md");
    assert_eq!(ahead["commits"][1]["sha"], json!(second), "the oldest first");

    let diverged = told(&first, &second).await;
    assert_eq!((&diverged["status"], &diverged["merge_base_commit"]["sha"]), (&json!("diverged"), &json!(main)));
    assert_eq!(diverged["files"], ahead["files"], "what the first one has is not told of");
    let behind = told(&second, &main).await;
    assert_eq!((&behind["status"], &behind["files"], &behind["behind_by"]), (&json!("behind"), &json!([]), &json!(2)));
    assert_eq!(told(&main, &main).await["status"], "identical");

    let paged = get(&town, &format!("{at}/{main}...{second}?per_page=1&page=2")).await.body;
    assert_eq!((paged["commits"].as_array().unwrap().len(), paged.get("files")), (1, None));
    let names: Vec<String> = (0..301).map(|number| format!("many/{number}.yaml")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), Content::File(TEXT))).collect();
    let many = github.put_on(one.id, "main", &many).unwrap();
    assert_eq!(told(&main, &many).await["files"].as_array().unwrap().len(), 300);
    let lone = github.put_on(one.id, "lone", &[("a.yaml", Content::File(TEXT))]).unwrap();
    for other in [lone, "1".repeat(40)] {
        let got = get(&town, &format!("{at}/{main}...{other}")).await;
        assert_eq!(got.status, 404, "{}", got.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forgejo_tells_the_commits_in_between() {
    let town = town(1).await;
    let forgejo = town.standin.forgejo();
    let one = &forgejo.repositories()[0];
    let Moved { main, first, second } = moved(forgejo, one);
    let at = format!("{}/api/v1/repos/{}/compare", forgejo.url(), one.full_name());
    let lone = forgejo.put_on(one.id, "lone", &[("a.yaml", Content::File(TEXT))]).unwrap();
    for (base, head, count) in [
        (&main, &second, 2),
        (&first, &second, 2),
        (&second, &first, 1),
        (&second, &main, 0),
        (&main, &main, 0),
        (&main, &lone, 0),
    ] {
        let got = get(&town, &format!("{at}/{base}...{head}")).await.body;
        let commits = got["commits"].as_array().unwrap();
        assert_eq!((&got["total_commits"], commits.len()), (&json!(count), count), "{base}...{head}");
        if count > 0 {
            assert_eq!(commits[0]["sha"], json!(head), "the newest first");
            let last = commits[count - 1]["parents"][0]["sha"].as_str();
            assert_eq!(last, Some(main.as_str()), "up to where they parted");
        }
    }
    let got = get(&town, &format!("{at}/{main}...{second}")).await.body;
    assert_eq!(got["commits"][0]["files"], json!([{"filename": "apps/web.yaml", "status": "modified"}]));
    let got = get(&town, &format!("{at}/{main}...{second}?files=false&verification=false")).await.body;
    assert_eq!(got["commits"][0].get("files"), None);
    assert_eq!(get(&town, &format!("{at}/{main}...{}", "1".repeat(40))).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_compares_either_way_and_tells_what_is_common() {
    let town = town_with(1, |options| options.gitlab_diffs = 2).await;
    let gitlab = town.standin.gitlab();
    let one = &gitlab.repositories()[0];
    let Moved { main, first, second } = moved(gitlab, one);
    let at = format!("{}/api/v4/projects/{}/repository", gitlab.url(), one.id);
    let compared = async |from: &str, to: &str, straight: bool| {
        get(&town, &format!("{at}/compare?from={from}&to={to}&straight={straight}")).await.body
    };
    let parted = compared(&first, &second, false).await;
    assert_eq!(texts(&parted["diffs"], "new_path"), ["apps/web.yaml", "docs/README.md"]);
    assert_eq!((&parted["compare_timeout"], &parted["commit"]["id"]), (&json!(false), &json!(second)));
    let renamed = parted["diffs"].as_array().unwrap().iter().find(|diff| diff["renamed_file"] == true).unwrap();
    assert_eq!(renamed["old_path"], "README.md");
    let straight = compared(&first, &second, true).await;
    assert_eq!((straight["diffs"].as_array().unwrap().len(), &straight["compare_timeout"]), (2, &json!(true)), "cut");
    let gone = compared(&first, &main, true).await;
    let row = &gone["diffs"][0];
    assert_eq!(
        (&row["deleted_file"], &row["b_mode"], &row["new_path"]),
        (&json!(true), &json!("0"), &json!("first.yaml"))
    );
    assert_eq!(gone["commits"], json!([]));

    let base = async |one: &str, other: &str| {
        get(&town, &format!("{at}/merge_base?refs%5B%5D={one}&refs%5B%5D={other}")).await
    };
    assert_eq!(base(&first, &second).await.body["id"], json!(main));
    assert_eq!(base(&main, &second).await.body["id"], json!(main));
    let lone = gitlab.put_on(one.id, "lone", &[("a.yaml", Content::File(TEXT))]).unwrap();
    let unknown = "1".repeat(40);
    assert_eq!((base(&main, &lone).await.status, base(&main, &unknown).await.status), (404, 400));
    assert_eq!(get(&town, &format!("{at}/merge_base?refs%5B%5D={main}")).await.status, 400);
    assert_eq!(get(&town, &format!("{at}/compare?from={unknown}&to={main}")).await.status, 404);
    assert_eq!(get(&town, &format!("{at}/compare?from={main}")).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn comparisons_follow_the_repository() {
    let town = town(1).await;
    for forge in [town.standin.github(), town.standin.gitlab(), town.standin.forgejo()] {
        let what = format!("{:?}", forge.kind());
        let one = &forge.repositories()[0];
        let Moved { main, second, .. } = moved(forge, one);
        let name = one.full_name();
        let url = match forge.kind() {
            Kind::GitHub => format!("{}/repos/{name}/compare/{main}...{second}", forge.url()),
            Kind::GitLab => {
                let name = name.replace('/', "%2F");
                format!("{}/api/v4/projects/{name}/repository/compare?from={main}&to={second}", forge.url())
            }
            Kind::Forgejo | Kind::Git => format!("{}/api/v1/repos/{name}/compare/{main}...{second}", forge.url()),
        };
        assert_eq!(get(&town, &url).await.status, 200, "{what}");
        forge.rename(one.id, "elsewhere");
        let moved = get(&town, &url).await;
        assert!([301, 307].contains(&moved.status), "{what}: {}", moved.status);
        let to = moved.header("location").unwrap();
        let to = if to.starts_with('/') { format!("{}{to}", forge.url()) } else { to.to_owned() };
        // GitLab's redirect leaves the query out.
        let status = if forge.kind() == Kind::GitLab { 400 } else { 200 };
        assert_eq!(get(&town, &to).await.status, status, "{what}: {to}");
    }
}
