//! What the stand-in answers, checked against what the forges publish: `schemas/check.mjs` says how.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use standin::{Access, TOKEN};

use crate::oauth::{people, token};
use crate::support::{Got, Town, town_with};

/// Every field of the GraphQL types that the stand-in has.
const EVERYTHING: &str = "query($ids: [ID!]!, $owner: String!, $name: String!) {
  nodes(ids: $ids) { __typename id ... on Repository { ...all } }
  repository(owner: $owner, name: $name) { ...all }
  rateLimit { limit cost remaining used resetAt nodeCount }
}
fragment all on Repository {
  id databaseId name nameWithOwner description url resourcePath sshUrl homepageUrl
  owner { __typename id login url resourcePath avatarUrl ... on User { databaseId } ... on Organization { databaseId } }
  stargazerCount forkCount diskUsage pushedAt createdAt updatedAt
  isArchived isFork isPrivate isDisabled isLocked isMirror isTemplate visibility
  stargazers { totalCount } watchers { totalCount } forks { totalCount }
  issues(states: OPEN) { totalCount } pullRequests(states: [OPEN]) { totalCount }
  repositoryTopics(first: 20) { totalCount nodes { id url topic { name } } }
  licenseInfo { id key name spdxId } primaryLanguage { name } defaultBranchRef { name }
}";

/// Git's name of what a revision names.
fn object_of(repository: &standin::Repository, rev: &str) -> String {
    let output = Command::new("git").arg("-C").arg(&repository.git).args(["rev-parse", rev]).output().unwrap();
    assert!(output.status.success(), "{rev}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn openapi(town: &Town) -> Vec<Value> {
    let github = town.standin.github();
    let repositories = github.repositories();
    let [moved, private, blocked, user, organization, ..] = &repositories[..] else { panic!("enough are there") };
    github.rename(moved.id, "moved");
    github.set_access(private.id, Access::Private);
    github.set_access(blocked.id, Access::Blocked);
    github.change(user.id, |one| (one.organization, one.description, one.license) = (false, None, None));
    github.change(organization.id, |one| (one.organization, one.license) = (true, Some("MIT".to_owned())));
    let head = github.make_branches(user.id, &["release/1.0", "gr\u{fc}n"]).unwrap();
    let id = |rev: &str| object_of(&github.repository(&user.full_name()).unwrap(), rev);
    let (file, folder) = (id("main:apps/web.yaml"), id("main:apps"));
    github.protect(user.id, "release/1.0");
    let branches = "/repos/{owner}/{repo}/branches";
    let (trees, blobs) = ("/repos/{owner}/{repo}/git/trees/{tree_sha}", "/repos/{owner}/{repo}/git/blobs/{file_sha}");
    let commits = "/repos/{owner}/{repo}/git/commits/{commit_sha}";
    let (compare, older, unknown) = ("/repos/{owner}/{repo}/compare/{basehead}", id("main~2"), "1".repeat(40));
    let repository = "/repos/{owner}/{repo}";
    let search = "/search/repositories";
    let mut answers = Vec::new();
    for (what, described, asked) in [
        ("a search", search, "/search/repositories?q=topic:kubesearch+fork:true&per_page=100".to_owned()),
        ("a page too far", search, "/search/repositories?q=topic:kubesearch&per_page=100&page=11".to_owned()),
        ("a search for nothing", search, "/search/repositories?q=".to_owned()),
        ("the quota", "/rate_limit", "/rate_limit".to_owned()),
        ("a user's repository", repository, format!("/repos/{}", user.full_name())),
        ("an organisation's repository", repository, format!("/repos/{}", organization.full_name())),
        ("a repository by its id", repository, format!("/repositories/{}", organization.id)),
        ("a repository as Enterprise tells it", repository, format!("/api/v3/repos/{}", user.full_name())),
        ("branches", branches, format!("/repos/{}/branches?per_page=2", user.full_name())),
        ("branches of no repository", branches, "/repos/no/one/branches".to_owned()),
        ("a commit's tree", trees, format!("/repos/{}/git/trees/{head}", user.full_name())),
        ("all of a tree", trees, format!("/repos/{}/git/trees/{folder}?recursive=1", user.full_name())),
        ("a tree that is not there", trees, format!("/repos/{}/git/trees/{unknown}", user.full_name())),
        ("a blob", blobs, format!("/repos/{}/git/blobs/{file}", user.full_name())),
        ("a commit", commits, format!("/repos/{}/git/commits/{head}", user.full_name())),
        ("a commit that is not there", commits, format!("/repos/{}/git/commits/{file}", user.full_name())),
        ("a comparison", compare, format!("/repos/{}/compare/{older}...{head}", user.full_name())),
        ("a comparison's page", compare, format!("/repos/{}/compare/{older}...{head}?page=2", user.full_name())),
        ("a comparison with nothing", compare, format!("/repos/{}/compare/{unknown}...{head}", user.full_name())),
        ("a private repository", repository, format!("/repos/{}", private.full_name())),
        ("a renamed repository", repository, format!("/repos/{}", moved.full_name())),
    ] {
        let got = town.get(&format!("{}{asked}", github.url()), Some(TOKEN)).await;
        answers.push(json!({"what": what, "path": described, "status": got.status, "body": got.body}));
    }
    let token = token(town, "read:user user:email").await;
    for (what, path) in [("who somebody is", "/user"), ("somebody's addresses", "/user/emails")] {
        let got = town.get(&format!("{}{path}", github.url()), Some(&token)).await;
        answers.push(json!({"what": what, "path": path, "status": got.status, "body": got.body}));
    }
    let statuses: Vec<_> = answers.iter().map(|one| one["status"].as_u64().unwrap()).collect();
    assert_eq!(
        statuses,
        [
            200, 422, 422, 200, 200, 200, 200, 200, 200, 404, 200, 200, 404, 200, 200, 404, 200, 200, 404, 404, 301,
            200, 200
        ]
    );
    answers
}

async fn graphql(town: &Town) -> Vec<Value> {
    let repositories = town.standin.github().repositories();
    let searched =
        format!("{}/search/repositories?q=topic:kubesearch+fork:true&per_page=100", town.standin.github().url());
    let items = town.get(&searched, Some(TOKEN)).await.body["items"].as_array().unwrap().clone();
    let ids: Vec<_> = items.iter().take(99).map(|item| item["node_id"].clone()).collect();
    let one = &repositories[10];
    let variables = json!({"ids": ids, "owner": one.owner, "name": one.name});
    let got = town.graphql(EVERYTHING, variables.clone()).await;
    assert_eq!(got.body.get("errors"), None);
    vec![json!({"what": "every field", "query": EVERYTHING, "variables": variables, "data": got.body["data"]})]
}

async fn types(town: &Town) -> Vec<Value> {
    let mut answers = Vec::new();
    let forgejo = town.standin.forgejo();
    let first = &forgejo.repositories()[0];
    let (name, file) = (first.full_name(), object_of(first, "main:apps/web.yaml"));
    let (head, older) = (object_of(first, "main"), object_of(first, "main~2"));
    for (what, r#type, asked) in [
        ("Forgejo: a search", "SearchResults", "/api/v1/repos/search?q=kubesearch&topic=true".to_owned()),
        ("Forgejo: a repository", "Repository", format!("/api/v1/repos/{name}")),
        ("Forgejo: branches", "Branch[]", format!("/api/v1/repos/{name}/branches")),
        ("Forgejo: a tree", "GitTreeResponse", format!("/api/v1/repos/{name}/git/trees/{head}?recursive=true")),
        ("Forgejo: a blob", "GitBlobResponse", format!("/api/v1/repos/{name}/git/blobs/{file}")),
        ("Forgejo: a commit", "Commit", format!("/api/v1/repos/{name}/git/commits/{head}")),
        ("Forgejo: a comparison", "Compare", format!("/api/v1/repos/{name}/compare/{older}...{head}")),
        ("Forgejo: a tree that is not there", "APIError", format!("/api/v1/repos/{name}/git/trees/{}", "1".repeat(40))),
        ("Forgejo: an error", "APIError", "/api/v1/repos/no/one".to_owned()),
    ] {
        let got = town.get(&format!("{}{asked}", forgejo.url()), None).await;
        answers.push(json!({"what": what, "from": "gitea-js", "type": r#type, "body": got.body}));
    }
    let gitlab = town.standin.gitlab();
    let id = gitlab.repositories()[0].id;
    gitlab.change(id, |one| one.license = Some("GPL-3.0".to_owned()));
    let tree = format!("/projects/{id}/repository/tree?ref={head}&path=apps&recursive=true");
    let (compare, base) = (
        format!("/projects/{id}/repository/compare?from={older}&to={head}&straight=true"),
        format!("/projects/{id}/repository/merge_base?refs%5B%5D={older}&refs%5B%5D={head}"),
    );
    let full = "SimpleProjectSchema & Partial<ProjectSchema>";
    for (what, r#type, asked, token) in [
        ("GitLab: a list for strangers", "SimpleProjectSchema[]", "/projects".to_owned(), None),
        ("GitLab: a list", "(SimpleProjectSchema & Partial<ProjectSchema>)[]", "/projects".to_owned(), Some(TOKEN)),
        ("GitLab: branches", "BranchSchema[]", format!("/projects/{id}/repository/branches"), None),
        ("GitLab: a folder", "RepositoryTreeSchema[]", tree, None),
        ("GitLab: a commit", "CommitSchema", format!("/projects/{id}/repository/commits/{head}"), None),
        ("GitLab: a comparison", "RepositoryCompareSchema", compare, None),
        ("GitLab: what two commits come from", "CommitSchema", base, None),
        ("GitLab: a project", full, format!("/projects/{id}?license=true&statistics=true"), Some(TOKEN)),
    ] {
        let got = town.get(&format!("{}/api/v4{asked}", gitlab.url()), token).await;
        assert_eq!(got.status, 200);
        answers.push(json!({"what": what, "from": "@gitbeaker/core", "type": r#type, "body": got.body}));
    }
    answers
}

async fn recorded(town: &Town) -> Vec<Value> {
    let github = town.standin.github();
    let repository = &github.repositories()[20];
    github.change(repository.id, |one| one.organization = true);
    let at = format!("{}/repos/{}", github.url(), repository.full_name());
    let told = |what: &str, scenario: &str, path: &str, got: &Got| {
        let headers: Vec<_> = got.headers.keys().map(reqwest::header::HeaderName::as_str).collect();
        let keys: Vec<_> = got.body.as_object().unwrap().keys().cloned().collect();
        json!({"what": what, "scenario": scenario, "path": path, "status": got.status, "headers": headers, "keys": keys})
    };
    let here = town.get(&at, Some(TOKEN)).await;
    let found = town.get(&format!("{}/search/repositories?q=topic:kubesearch+oak", github.url()), Some(TOKEN)).await;
    github.rename(repository.id, "renamed-since");
    let moved = town.get(&at, Some(TOKEN)).await;
    vec![
        told("recorded: a repository", "get-repository", "/repos/", &here),
        told("recorded: a search", "search-issues", "/search/", &found),
        told("recorded: a rename", "rename-repository", "/repos/", &moved),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_what_the_forges_publish() {
    let town = town_with(130, people).await;
    let answers = json!({
        "graphql": graphql(&town).await,
        "recorded": recorded(&town).await,
        "types": types(&town).await,
        "openapi": openapi(&town).await,
    });
    let file = town.folder.path().join("answers.json");
    std::fs::write(&file, answers.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/check.mjs");
    let output = Command::new("node").arg(&script).arg(&file).output().expect("node is installed: run .ci/setup test");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let hint = if error.contains("ENOENT") || error.contains("Cannot find") {
        "\nThe forges' schemas are not here: run .ci/setup test"
    } else {
        ""
    };
    assert!(output.status.success(), "{error}{out}{hint}");
}
