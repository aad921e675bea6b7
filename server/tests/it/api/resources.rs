//! `/api/v1/kubernetes/resources`, grouped, and one resource.

use axum::http::StatusCode;
use serde_json::json;
use store::db::ConnectionTrait as _;
use uuid::Uuid;

use crate::support::{Change, Manifest, RepositoryBuilder, TestApp, on_each_engine};

async fn two(app: &TestApp) -> [Uuid; 2] {
    let settings = Manifest::config_map("settings");
    let home = RepositoryBuilder::new("ada/home-ops")
        .commit(
            2,
            "Add",
            vec![
                Change::Create(Manifest::release("podinfo", "6.0.0")),
                Change::Create(settings.clone()),
                Change::Create(Manifest::deployment("web", "ghcr.io/ada/web")),
            ],
        )
        .commit(4, "Remove settings", vec![Change::Delete(settings)])
        .store(app)
        .await;
    let many = (0..120).map(|number| Change::Create(Manifest::config_map(format!("map-{number:03}")))).collect();
    let lab = RepositoryBuilder::new("bob/lab")
        .commit(3, "Add podinfo", vec![Change::Create(Manifest::release("podinfo", "6.1.0"))])
        .commit(5, "Add many", many)
        .store(app)
        .await;
    [home, lab]
}

#[tokio::test]
async fn all_states_are_listed_and_filtered() {
    on_each_engine(async |app| {
        let [home, lab] = two(app).await;
        for (query, count) in [
            (String::new(), 124),
            ("status=ACTIVE".to_owned(), 123),
            ("status=DELETED".to_owned(), 1),
            ("status=active,deleted".to_owned(), 124),
            ("kind=HelmRelease".to_owned(), 2),
            ("api_version=apps/v1".to_owned(), 1),
            ("namespace=apps".to_owned(), 2),
            (format!("repository_id={home}"), 3),
            (format!("repository_id={lab}&kind=HelmRelease"), 1),
            ("text=map-11".to_owned(), 10),
            ("text=PodInfo".to_owned(), 2),
            ("name=podinfo".to_owned(), 2),
            ("name=podinf".to_owned(), 0),
            ("kind=HelmRelease&name=podinfo&status=ACTIVE".to_owned(), 2),
            ("chart=podinfo".to_owned(), 2),
            (format!("chart=podinfo&repository_id={lab}"), 1),
            ("chart=app-template".to_owned(), 0),
            ("kind=".to_owned(), 124),
        ] {
            let answer = app.get(&format!("/api/v1/kubernetes/resources?{query}")).await;
            assert_eq!(answer.count(), count, "{query}: {}", answer.text());
            assert_eq!(answer.column("id").len() as u64, count.min(100), "{query}");
        }
        let release = app.get("/api/v1/kubernetes/resources?kind=HelmRelease&sort=created&direction=ascending").await;
        assert_eq!(release.json()["data"][0]["data"], serde_json::json!({"version": "6.0.0"}));
        app.holds_etag("/api/v1/kubernetes/resources?limit=3").await;
    })
    .await;
}

#[tokio::test]
async fn a_spec_that_is_no_object_is_told_as_an_empty_one() {
    on_each_engine(async |app| {
        let release = Change::Create(Manifest::release("podinfo", "6.0.0"));
        RepositoryBuilder::new("ada/home-ops").commit(2, "Add", vec![release]).store(app).await;
        for spec in ["null", "\"text\"", "[1]"] {
            let update = format!("UPDATE resource_data SET data = '{spec}'");
            app.state.db.write.execute_unprepared(&update).await.unwrap();
            let told = app.get("/api/v1/kubernetes/resources").await.json();
            assert_eq!(told["data"][0]["data"], serde_json::json!({}), "{spec}");
        }
    })
    .await;
}

#[tokio::test]
async fn pages_that_show_nothing_say_why() {
    on_each_engine(async |app| {
        let [home, _] = two(app).await;
        let resource =
            app.get("/api/v1/kubernetes/resources?limit=1").await.json()["data"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(app.post("/api/v1/repositories/sync-all").await.status, StatusCode::ACCEPTED);
        let beyond = "There is no page 999";
        for (path, text) in [
            ("/resources?page=999".to_owned(), beyond),
            ("/resources?view=grouped&page=999".to_owned(), beyond),
            ("/repositories?page=999".to_owned(), beyond),
            (format!("/repositories/{home}?page=999"), beyond),
            (format!("/repositories/{home}?tab=resources&view=table&page=999"), beyond),
            (format!("/repositories/{home}?tab=charts&page=999"), beyond),
            (format!("/resources/{resource}?page=999"), beyond),
            ("/tasks?page=999".to_owned(), beyond),
            ("/resources?status=foo".to_owned(), "No resource matches"),
            ("/resources?repository=foo&view=grouped".to_owned(), "No resource matches"),
            (format!("/repositories/{home}?tab=resources&view=table&status=foo"), "No resource matches"),
            (format!("/repositories/{home}?type=foo"), "No change matches"),
            (format!("/repositories/{home}?versions=foo"), "No change matches"),
            ("/repositories?status=foo".to_owned(), "No repository here"),
            ("/repositories?topic=foo".to_owned(), "No repository here"),
            ("/tasks?state=foo".to_owned(), "No run matches"),
        ] {
            let page = app.get(&path).await.text();
            assert!(page.contains(text), "{path}: not {text:?}");
            assert!(!page.contains("No changes yet") && !page.contains("Nothing was done yet"), "{path}");
        }
        let page = app.get("/resources?status=all&text=zzzz").await.text();
        assert!(page.contains("No resource matches") && !page.contains("hidden unless asked for"));
    })
    .await;
}

#[tokio::test]
async fn deep_pages_together_are_the_whole_list() {
    on_each_engine(async |app| {
        two(app).await;
        let mut names = Vec::new();
        for skip in (0..150).step_by(50) {
            let path = format!("/api/v1/kubernetes/resources?sort=name&direction=ascending&skip={skip}&limit=50");
            let page = app.get(&path).await;
            assert_eq!(page.count(), 124);
            names.extend(page.column("id"));
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 124);
        let beyond = app.get("/api/v1/kubernetes/resources?skip=900000000").await;
        assert_eq!((beyond.count(), beyond.column("id").len()), (124, 0));
    })
    .await;
}

#[tokio::test]
async fn groups_hold_the_same_kind_and_name_of_all_repositories() {
    on_each_engine(async |app| {
        let [home, lab] = two(app).await;
        let groups = app.get("/api/v1/kubernetes/resources/grouped?limit=10").await;
        assert_eq!(groups.count(), 123);
        let first = &groups.json()["data"][0];
        assert_eq!((&first["kind"], &first["name"]), (&"HelmRelease".into(), &"podinfo".into()));
        assert_eq!(first["total_count"], 2);
        let mut repositories: Vec<_> = first["repositories"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["repository_id"].as_str().unwrap())
            .collect();
        repositories.sort_unstable();
        let mut expected = [home.to_string(), lab.to_string()];
        expected.sort_unstable();
        assert_eq!(repositories, expected);
        let of_home =
            app.get(&format!("/api/v1/kubernetes/resources/grouped?repository_id={home}&status=ACTIVE")).await;
        assert_eq!(of_home.count(), 2);
        app.holds_etag("/api/v1/kubernetes/resources/grouped?kind=HelmRelease").await;
    })
    .await;
}

#[tokio::test]
async fn wrong_filters_are_refused() {
    on_each_engine(async |app| {
        for list in ["/api/v1/kubernetes/resources", "/api/v1/kubernetes/resources/grouped"] {
            for (query, place) in [
                ("status=GONE", "query.status"),
                ("status=ACTIVE,GONE", "query.status"),
                ("repository_id=1", "query.repository_id"),
                ("limit=0", "query.limit"),
                ("skip=x", "query.skip"),
                ("text=%00", "query.text"),
                ("kind=a&kind=b", "query"),
            ] {
                assert_eq!(app.refused(&format!("{list}?{query}")).await, [place], "{list}?{query}");
            }
        }
        assert_eq!(app.refused("/api/v1/kubernetes/resources?sort=size").await, ["query.sort"]);
        let answer = app.get("/api/v1/kubernetes/resources?status=GONE").await.json();
        assert!(answer["detail"].as_str().unwrap().contains("ACTIVE, DELETED"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn one_resource_comes_with_its_references() {
    on_each_engine(async |app| {
        let [home, _] = two(app).await;
        let list = app.get(&format!("/api/v1/repositories/{home}/resources?kind=Deployment")).await;
        let path = format!("/api/v1/resources/{}", list.column("id")[0]);
        let found = app.get(&path).await;
        assert_eq!(found.status, StatusCode::OK);
        let found = found.json();
        assert_eq!((&found["name"], &found["repository_full_name"]), (&"web".into(), &"ada/home-ops".into()));
        assert_eq!(found["references"]["outgoing"][0]["name"], "settings");
        assert_eq!(found["references"]["outgoing"][0]["field"], "pod.envFrom[]");
        app.holds_etag(&path).await;
        assert_eq!(app.missing(&format!("/api/v1/resources/{}", Uuid::now_v7())).await, "Resource not found");
        assert_eq!(app.refused("/api/v1/resources/podinfo").await, ["path.resource_id"]);
    })
    .await;
}

#[tokio::test]
async fn what_others_use_of_a_resource_is_counted() {
    on_each_engine(async |app| {
        let [home, _] = two(app).await;
        for (kind, charts, images) in [
            ("HelmRelease", json!([{"key": "charts.example.org/podinfo", "repositories": 2}]), json!([])),
            ("Deployment", json!([]), json!([{"key": "ghcr.io/ada/web", "repositories": 1}])),
        ] {
            let list = app.get(&format!("/api/v1/repositories/{home}/resources?kind={kind}")).await;
            let path = format!("/api/v1/resources/{}/uses", list.column("id")[0]);
            assert_eq!(app.get(&path).await.json(), json!({"charts": charts, "images": images}), "{kind}");
            app.holds_etag(&path).await;
        }
        let nothing = format!("/api/v1/resources/{}/uses", Uuid::now_v7());
        assert_eq!(app.missing(&nothing).await, "Resource not found");
    })
    .await;
}
