//! Charts that the rules group otherwise than before, and what two repositories share, as scans store them.

use std::sync::Arc;

use entity::view::ResourceFilter;
use scan::uses::ChartSources;
use serde_json::json;
use uuid::Uuid;

use super::repository::{Bench, Origins};
use crate::support::{TestApp, on_each_engine};

const FILES: [(&str, Option<&str>); 3] = [
    (
        "source.yaml",
        Some(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts, namespace: apps}\n\
             spec: {url: 'https://charts.example.org'}\n",
        ),
    ),
    (
        "web.yaml",
        Some(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: apps}\nspec:\n  \
             chart:\n    spec:\n      chart: web\n      version: 1.0.0\n      sourceRef: {kind: HelmRepository, name: charts}\n",
        ),
    ),
    (
        "pod.yaml",
        Some(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: one}\nspec:\n  containers:\n    - {name: a, image: 'nginx:1'}\n",
        ),
    ),
];

const OWN: &str = "charts.example.org/web";
const ONE: &str = "one.example.org/web";
const TWO: &str = "two.example.org/web";

/// All keys lead to the chart of one of them, which is used from its only source; another leads nowhere yet.
async fn all_lead_to(app: &TestApp, keys: &[&str], chart: &str) {
    for key in keys {
        let found = app.get(&format!("/api/v1/charts/find?key={key}")).await.json();
        assert_eq!((&found["chart"]["key"], &found["chart"]["repositories"]), (&json!(chart), &json!(1)), "{key}");
        assert_eq!(found["sources"].as_array().unwrap().len(), 1, "{key}: {found}");
        assert_eq!(found["sources"][0]["key"], OWN, "{key}");
        let told = app.get(&format!("/api/v1/charts/{}/snippets", found["chart"]["id"])).await.json();
        let text = told["snippets"][0]["text"].as_str().unwrap();
        assert!(text.contains("https://charts.example.org") && text.contains("1.0.0"), "{key}: {text}");
        let answer = app.get(&format!("/charts/{key}")).await;
        match *key == chart {
            true => assert!(!answer.text().contains("Nobody uses it"), "{key}"),
            false => assert_eq!(answer.header("location"), format!("/charts/{chart}"), "{key}"),
        }
    }
    for key in [OWN, ONE, TWO].iter().filter(|key| !keys.contains(key)) {
        assert_eq!(app.missing(&format!("/api/v1/charts/find?key={key}")).await, "Chart not found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_that_is_grouped_otherwise_is_found_by_every_key_that_it_ever_had() {
    on_each_engine(async |app| {
        let origin = Origins::new();
        origin.commit("all", &FILES);
        let mut bench = Bench::new(&app.state.db);
        let repository = bench.pin(&origin.path()).await;
        // No source has the key of a group; the last steps go back to rules of before.
        for (to, keys, chart) in [
            (Some("one.example.org/"), &[OWN, ONE][..], ONE),
            (Some("two.example.org/"), &[OWN, ONE, TWO], TWO),
            (None, &[OWN, ONE, TWO], OWN),
            (Some("two.example.org/"), &[OWN, ONE, TWO], TWO),
            (Some("one.example.org/"), &[OWN, ONE, TWO], ONE),
        ] {
            let rules = to.map_or(json!({}), |to| json!({"prefixes": [{"from": ["charts.example.org/"], "to": to}]}));
            bench.deps.chart_sources = Arc::new(ChartSources::with(&rules.to_string()).unwrap());
            bench.bring_up_to_date(repository).await;
            all_lead_to(app, keys, chart).await;
            assert_eq!(app.get("/api/v1/charts").await.column("key"), [chart]);
        }
    })
    .await;
}

async fn resource_id(app: &TestApp, repository: Uuid, kind: &str) -> Uuid {
    let filter = ResourceFilter { repository_id: Some(repository), ..ResourceFilter::default() };
    let listed = store::resources::list_resources(&app.state.db.read, &filter).await.unwrap().data;
    listed.into_iter().find(|one| one.kind == kind).unwrap().id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_tells_how_many_others_use_its_chart_and_its_image() {
    on_each_engine(async |app| {
        let (first, second) = (Origins::new(), Origins::new());
        let bench = Bench::new(&app.state.db);
        let mut used = Vec::new();
        for (origin, said) in [(&first, "used here only"), (&second, "used by 1 other repository")] {
            origin.commit("all", &FILES);
            let repository = bench.pin(&origin.path()).await;
            bench.bring_up_to_date(repository).await;
            used.push(repository);
            for kind in ["HelmRelease", "Pod"] {
                let id = resource_id(app, repository, kind).await;
                let page = app.get(&format!("/resources/{id}")).await.text();
                assert!(page.contains(said), "{kind}: {page}");
            }
        }
        assert_ne!(used[0], used[1]);
        // The first says so too, as soon as there is another.
        for (kind, list, key) in [("HelmRelease", "charts", OWN), ("Pod", "images", "docker.io/library/nginx")] {
            let id = resource_id(app, used[0], kind).await;
            let page = app.get(&format!("/resources/{id}")).await.text();
            assert!(page.contains("used by 1 other repository"), "{kind}: {page}");
            let uses = app.get(&format!("/api/v1/resources/{id}/uses")).await.json();
            assert_eq!((&uses[list][0]["key"], &uses[list][0]["repositories"]), (&json!(key), &json!(2)));
        }
    })
    .await;
}
