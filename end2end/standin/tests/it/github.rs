//! GitHub's REST and GraphQL: paging, conditional requests, quotas, redirects.

use serde_json::{Value, json};
use standin::{Access, Limits, OTHER_TOKEN, PRIVATE_TOKEN, TOKEN};

use crate::support::{town, town_with};

#[tokio::test]
async fn search_pages_end_at_a_thousand() {
    let town = town_with(2_500, |options| options.limits = Limits::generous()).await;
    let github = town.standin.github();
    let expected = github.repositories().iter().filter(|one| !one.fork).count();
    let at = format!("{}/search/repositories?q=topic:kubesearch&sort=updated&per_page=100", github.url());
    let mut next = Some(at.clone());
    let mut names = Vec::new();
    while let Some(url) = next.take() {
        let got = town.get(&url, Some(TOKEN)).await;
        assert_eq!((got.status, got.body["total_count"].as_u64()), (200, Some(expected as u64)), "{url}");
        names.extend(got.body["items"].as_array().unwrap().iter().map(|item| item["full_name"].clone()));
        next =
            got.header("link").unwrap().split(", ").find_map(|link| {
                link.strip_suffix("; rel=\"next\"").map(|url| url.trim_matches(['<', '>']).to_owned())
            });
    }
    assert_eq!(names.len(), 1_000);
    let refused = town.get(&format!("{at}&page=11"), Some(TOKEN)).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.body["message"], "Only the first 1000 search results are available");
    // Slices by date bring the rest.
    let mut all = 0;
    for year in 2018..=2026 {
        let url = at.replace("&sort", &format!("+pushed:{year}-01-01..{year}-12-31&sort"));
        all += town.get(&url, Some(TOKEN)).await.body["total_count"].as_u64().unwrap();
    }
    assert_eq!(all, expected as u64);
}

#[tokio::test]
async fn what_is_known_already_costs_nothing_with_a_token() {
    let town = town(1).await;
    let github = town.standin.github();
    let url = format!("{}/api/v3/repos/{}", github.url(), github.repositories()[0].full_name());
    let first = town.get(&url, Some(TOKEN)).await;
    assert_eq!((first.status, first.header("x-ratelimit-remaining")), (200, Some("4999")));
    let etag = first.header("etag").unwrap().to_owned();
    let second = town.get_if(&url, Some(TOKEN), Some(&etag)).await;
    assert_eq!((second.status, second.header("x-ratelimit-remaining")), (304, Some("4999")));
    assert_eq!(second.body, Value::String(String::new()));
    // Another token's tag is another, and a stranger's 304 is no gift.
    assert_eq!(town.get_if(&url, Some(OTHER_TOKEN), Some(&etag)).await.status, 200);
    let stranger = town.get(&url, None).await.header("etag").unwrap().to_owned();
    let again = town.get_if(&url, None, Some(&stranger)).await;
    assert_eq!((again.status, again.header("x-ratelimit-remaining")), (304, Some("58")));
    let counters = github.counters();
    assert_eq!((counters.not_modified, counters.quota, counters.api), (2, 4, 5));

    github.change(github.repositories()[0].id, |one| one.stars += 1);
    assert_eq!(town.get_if(&url, Some(TOKEN), Some(&etag)).await.status, 200);
}

#[tokio::test]
async fn the_primary_limit_stops_each_token_alone() {
    let town = town_with(1, |options| options.limits.search = 2).await;
    let url = format!("{}/search/repositories?q=topic:kubesearch", town.standin.github().url());
    assert_eq!(town.get(&url, Some(TOKEN)).await.header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(town.get(&url, Some(TOKEN)).await.status, 200);
    let limited = town.get(&url, Some(TOKEN)).await;
    assert_eq!((limited.status, limited.header("x-ratelimit-remaining")), (403, Some("0")));
    assert_eq!(limited.header("x-ratelimit-resource"), Some("search"));
    assert!(limited.body["message"].as_str().unwrap().starts_with("API rate limit exceeded"));
    assert_eq!(town.get(&url, Some(OTHER_TOKEN)).await.status, 200);
    assert_eq!(town.get(&url, Some("of somebody else")).await.status, 401);
    assert_eq!(town.standin.github().counters().limited, 1);
}

#[tokio::test]
async fn renamed_private_blocked_and_deleted_are_told_as_github_tells_them() {
    let town = town(5).await;
    let github = town.standin.github();
    let [renamed, transferred, private, blocked, deleted] = &github.repositories()[..] else { panic!("five") };
    let at = |name: &str| format!("{}/repos/{name}", github.url());
    github.rename(renamed.id, "another-name");
    github.transfer(transferred.id, "another-owner");
    github.set_access(private.id, Access::Private);
    github.set_access(blocked.id, Access::Blocked);
    github.delete(deleted.id);
    for moved in [renamed, transferred] {
        let got = town.get(&at(&moved.full_name()), Some(TOKEN)).await;
        assert_eq!(got.status, 301);
        let followed = town.get(got.header("location").unwrap(), Some(TOKEN)).await;
        assert_eq!((followed.status, followed.body["id"].as_u64()), (200, Some(moved.id)));
        assert_ne!(followed.body["full_name"], json!(moved.full_name()));
    }
    assert_eq!(town.get(&at(&private.full_name()), Some(TOKEN)).await.status, 404);
    assert_eq!(town.get(&at(&private.full_name()), Some(PRIVATE_TOKEN)).await.body["private"], json!(true));
    let got = town.get(&at(&blocked.full_name()), Some(TOKEN)).await;
    assert_eq!((got.status, got.body["block"]["reason"].as_str()), (451, Some("dmca")));
    assert_eq!(town.get(&at(&deleted.full_name()), Some(TOKEN)).await.status, 404);
    assert_eq!(town.get(&format!("{}/repositories/{}", github.url(), deleted.id), Some(TOKEN)).await.status, 404);
}

const METRICS: &str = "query($ids: [ID!]!) {
  nodes(ids: $ids) { ...metrics }
  rateLimit { cost remaining limit resetAt }
}
fragment metrics on Repository {
  number: databaseId
  nameWithOwner stargazerCount forkCount diskUsage pushedAt
  watchers { totalCount }
  issues(states: OPEN) { totalCount }
  repositoryTopics(first: 20) { nodes { topic { name } } }
  primaryLanguage { name }
  licenseInfo { spdxId }
  owner { __typename login }
}";

#[tokio::test]
async fn a_hundred_repositories_come_by_their_node_ids_in_one_request() {
    let town = town(100).await;
    let github = town.standin.github();
    let search = format!("{}/search/repositories?q=topic:kubesearch+fork:true&per_page=100", github.url());
    let items = town.get(&search, Some(TOKEN)).await.body["items"].as_array().unwrap().clone();
    let ids: Vec<_> = items.iter().map(|item| item["node_id"].clone()).collect();
    let gone = github.repository(items[7]["full_name"].as_str().unwrap()).unwrap();
    github.delete(gone.id);

    let got = town.graphql(METRICS, json!({ "ids": ids })).await;
    let nodes = got.body["data"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 100);
    assert_eq!(nodes[7], Value::Null);
    assert_eq!(got.body["errors"][0]["type"], "NOT_FOUND");
    assert_eq!(got.body["errors"][0]["path"], json!(["nodes", 7]));
    for (node, item) in nodes.iter().zip(&items).filter(|(node, _)| !node.is_null()) {
        assert_eq!(node["number"], item["id"]);
        assert_eq!(node["stargazerCount"], item["stargazers_count"]);
        let topics: Vec<_> = node["repositoryTopics"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["topic"]["name"].clone())
            .collect();
        assert_eq!(json!(topics), item["topics"]);
        assert_eq!(node["licenseInfo"]["spdxId"], item["license"]["spdx_id"]);
    }
    // Three connections of each repository: 297 of them, three points.
    assert_eq!(got.body["data"]["rateLimit"]["cost"], 3);
    assert_eq!(got.body["data"]["rateLimit"]["remaining"], 4_997);
    assert_eq!(got.header("x-ratelimit-remaining"), Some("4997"));
    assert_eq!(github.counters().quota_by_resource["graphql"], 3);
}

#[tokio::test]
async fn what_graphql_does_not_know_is_an_error() {
    let town = town(1).await;
    for (query, message) in [
        ("{ viewer { login } }", "Field 'viewer' doesn't exist on type 'Query'"),
        ("{ nodes(ids: []) { stargazerCount } }", ""),
        ("{ rateLimit }", "Field must have selections"),
        ("query($a: String!) { rateLimit { cost } }", "Variable $a of type String! was provided invalid value"),
        (
            "{ repository(owner: \"no\", name: \"one\") { id } }",
            "Could not resolve to a Repository with the name 'no/one'.",
        ),
        ("{ rateLimit { cost }", "Parse error"),
    ] {
        let got = town.graphql(query, json!({})).await;
        assert_eq!(got.status, 200);
        let told = got.body["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(told.contains(message), "{query}: {told}");
    }
    let id = town.standin.github().repositories()[0].id;
    let full_name = town.standin.github().repositories()[0].full_name();
    let (owner, name) = full_name.split_once('/').unwrap();
    town.standin.github().rename(id, "new-name");
    let query =
        "query($o: String!, $n: String!) { here: repository(owner: $o, name: $n) { id name a: name @skip(if: true) } }";
    let got = town.graphql(query, json!({"o": owner, "n": name})).await;
    assert_eq!(got.body["data"]["here"]["name"], "new-name");
    assert!(got.body["data"]["here"].get("a").is_none());
    let id = got.body["data"]["here"]["id"].clone();
    let wrong = town.graphql("query($ids: [ID!]!) { nodes(ids: $ids) { stargazerCount } }", json!({"ids": [id]})).await;
    assert_eq!(wrong.body["errors"][0]["message"], "Field 'stargazerCount' doesn't exist on type 'Node'");
}
