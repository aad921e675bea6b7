//! GitLab, Forgejo, the control page and the generator.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use standin::{Generator, Limits, TOKEN};

use crate::support::{Town, bare_repository, read, town, town_with};

async fn ids(town: &Town, first: String, of: &str) -> Vec<u64> {
    let mut ids = Vec::new();
    let mut next = Some(first);
    while let Some(url) = next.take() {
        let got = town.get(&url, Some(TOKEN)).await;
        assert_eq!(got.status, 200, "{url}");
        let list = if of.is_empty() { &got.body } else { &got.body[of] };
        ids.extend(list.as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()));
        next = got.header("link").and_then(|links| {
            let next = links.split(',').find_map(|link| link.trim().strip_suffix("; rel=\"next\""));
            next.map(|url| url.trim_matches(['<', '>']).to_owned())
        });
    }
    ids
}

#[tokio::test]
async fn gitlab_lists_all_projects_by_key_and_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let mut generator = Generator::new(250, vec![bare_repository(&folder)]);
    generator.nested = true;
    let repositories = generator.repositories();
    let town = town_with(1, |options| options.gitlab = Some(repositories.clone())).await;
    let gitlab = town.standin.gitlab();
    let at = format!("{}/api/v4/projects?topic=kubesearch&order_by=id&sort=asc&per_page=100", gitlab.url());
    let mut expected: Vec<u64> = repositories.iter().map(|one| one.id).collect();
    expected.sort_unstable();
    assert_eq!(ids(&town, format!("{at}&pagination=keyset"), "").await, expected);
    assert_eq!(ids(&town, at.clone(), "").await, expected);
    let page = town.get(&format!("{at}&page=2"), Some(TOKEN)).await;
    let headers = ["x-total", "x-total-pages", "x-page", "x-next-page", "x-prev-page", "x-per-page"];
    assert_eq!(headers.map(|name| page.header(name).unwrap()), ["250", "3", "2", "3", "1", "100"]);
    assert!(page.header("ratelimit-remaining").is_some());
    let refused = town.get(&at.replace("order_by=id", "order_by=name&pagination=keyset"), Some(TOKEN)).await;
    assert_eq!(refused.status, 405);

    let nested = repositories.iter().find(|one| one.owner.ends_with("/platform/clusters")).unwrap();
    let top = nested.owner.split('/').next().unwrap();
    let groups = format!("{}/api/v4/groups/{top}/projects", gitlab.url());
    let with = ids(&town, format!("{groups}?include_subgroups=true"), "").await;
    let without = ids(&town, groups, "").await;
    assert!(with.contains(&nested.id) && !without.contains(&nested.id));

    let encoded = nested.full_name().replace('/', "%2F");
    let url = format!("{}/api/v4/projects/{encoded}", gitlab.url());
    assert_eq!(town.get(&url, Some(TOKEN)).await.body["path_with_namespace"], json!(nested.full_name()));
    // Strangers are told less.
    assert_eq!(town.get(&url, None).await.body.get("visibility"), None);
    gitlab.rename(nested.id, "elsewhere");
    let moved = town.get(&url, Some(TOKEN)).await;
    assert_eq!((moved.status, moved.header("location").unwrap().ends_with(&nested.id.to_string())), (301, true));
}

#[tokio::test]
async fn forgejo_lists_all_repositories_fifty_at_once() {
    let town = town(120).await;
    let forgejo = town.standin.forgejo();
    let at = format!("{}/api/v1/repos/search?q=kubesearch&topic=true&sort=id&order=asc&limit=100", forgejo.url());
    let mut expected: Vec<u64> = forgejo.repositories().iter().map(|one| one.id).collect();
    expected.sort_unstable();
    assert_eq!(ids(&town, at.clone(), "data").await, expected);
    let first = town.get(&at, None).await;
    assert_eq!((first.header("x-total-count"), first.body["data"].as_array().unwrap().len()), (Some("120"), 50));
    let one = &forgejo.repositories()[3];
    let url = format!("{}/api/v1/repos/{}", forgejo.url(), one.full_name());
    forgejo.rename(one.id, "elsewhere");
    let moved = town.get(&url, None).await;
    assert_eq!(moved.status, 307);
    let by_id = town.get(&format!("{}/api/v1/repositories/{}", forgejo.url(), one.id), None).await;
    assert_eq!(by_id.body["name"], "elsewhere");
    forgejo.delete(one.id);
    assert_eq!(town.get(&url, None).await.status, 404);
}

#[tokio::test]
async fn the_control_page_does_by_form_and_by_json_what_the_handle_does() {
    let town = town(2).await;
    let github = town.standin.github();
    let id = github.repositories()[0].id;
    let control = format!("{}/_control", github.url());
    let page = town.get(&control, None).await;
    assert!(matches!(&page.body, Value::String(html) if html.contains("GitHub, stand-in")));

    let form = "kind=status&value=503&path=%2Frepos%2F&after=&times=1";
    let request = town.http.post(format!("{control}/faults")).body(form);
    let got = read(request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()).await;
    assert_eq!((got.status, github.faults().len()), (303, 1));
    let post = async |path: String, body: Value| {
        let request = town.http.post(path).header("content-type", "application/json").body(body.to_string());
        read(request.send().await.unwrap()).await.status
    };
    let rule = json!({"fault": {"kind": "secondary_limit", "retry_after": 3}, "path": "/search/"});
    assert_eq!(post(format!("{control}/faults"), rule).await, 204);
    let repository = format!("{control}/repositories/{id}");
    for (action, to) in [("commit", "x"), ("rewrite", ""), ("transfer", "new-owner"), ("rename", "new-name")] {
        assert_eq!(post(repository.clone(), json!({"action": action, "to": to})).await, 204, "{action}");
    }
    assert_eq!(github.repository("new-owner/new-name").unwrap().id, id);
    assert_eq!(post(repository.clone(), json!({"action": "explode"})).await, 422);
    let state = town.http.get(&control).header("accept", "application/json").send().await.unwrap();
    let state = read(state).await.body;
    assert_eq!((state["repositories"].as_u64(), state["faults"].as_array().unwrap().len()), (Some(2), 2));
    // Looking on is not counted.
    assert_eq!(github.counters().api, 0);
    assert_eq!(post(repository, json!({"action": "delete"})).await, 204);
    assert_eq!(github.repositories().len(), 1);
}

#[tokio::test]
async fn twenty_thousand_repositories_are_made_and_searched_quickly() {
    let began = Instant::now();
    let town = town_with(20_000, |options| options.limits = Limits::generous()).await;
    let github = town.standin.github();
    assert_eq!(github.repositories().len(), 20_000);
    let names: std::collections::HashSet<_> =
        github.repositories().iter().map(standin::Repository::full_name).collect();
    assert_eq!(names.len(), 20_000);
    let url =
        format!("{}/search/repositories?q=topic:k8s-at-home+archived:false+size:<100000&per_page=100", github.url());
    let got = town.get(&url, Some(TOKEN)).await;
    assert!(got.body["total_count"].as_u64().unwrap() > 1_000);
    // Generous, as machines of tests are busy: it takes well under a second on an idle one.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let again = Generator { now: "2026-01-01T00:00:00Z".parse().unwrap(), ..Generator::new(50, Vec::new()) };
    assert_eq!(format!("{:?}", again.repositories()), format!("{:?}", again.clone().repositories()));
}
