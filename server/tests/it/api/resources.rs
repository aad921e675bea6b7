//! `/api/v1/kubernetes/resources`, grouped, and one resource.

use axum::http::StatusCode;
use serde_json::json;
use store::db::ConnectionTrait as _;
use uuid::Uuid;

use crate::support::{Change, Manifest, RepositoryBuilder, TestApp, day, on_each_engine};

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
            (
                "HelmRelease",
                json!([{"key": "charts.example.org/podinfo", "versions": ["6.0.0"], "repositories": 2}]),
                json!([]),
            ),
            ("Deployment", json!([]), json!([{"key": "ghcr.io/ada/web", "versions": ["1.0"], "repositories": 1}])),
        ] {
            let list = app.get(&format!("/api/v1/repositories/{home}/resources?kind={kind}")).await;
            let path = format!("/api/v1/resources/{}/uses", list.column("id")[0]);
            let right = json!({"charts": charts, "images": images, "written": []});
            assert_eq!(app.get(&path).await.json(), right, "{kind}");
            app.holds_etag(&path).await;
        }
        let nothing = format!("/api/v1/resources/{}/uses", Uuid::now_v7());
        assert_eq!(app.missing(&nothing).await, "Resource not found");
    })
    .await;
}

#[tokio::test]
async fn a_resource_and_a_tree_are_told_as_they_were_on_a_day() {
    on_each_engine(async |app| {
        let [home, _] = two(app).await;
        let of_kind = async |kind: &str| {
            app.get(&format!("/api/v1/repositories/{home}/resources?kind={kind}")).await.column("id").remove(0)
        };
        let settings = of_kind("ConfigMap").await;
        let path = format!("/api/v1/resources/{settings}/state");
        for (query, status, number, event_type) in [
            ("?at=2026-01-01", json!(null), json!(null), json!(null)),
            ("?at=2026-01-02", json!("ACTIVE"), json!(1), json!("CREATED")),
            ("?at=2026-01-03", json!("ACTIVE"), json!(1), json!("CREATED")),
            ("?at=2026-01-04", json!("DELETED"), json!(2), json!("DELETED")),
            ("", json!("DELETED"), json!(2), json!("DELETED")),
        ] {
            let told = app.get(&format!("{path}{query}")).await.json();
            assert_eq!((&told["status"], &told["version"]["number"]), (&status, &number), "{query}");
            assert_eq!(told["version"]["event"]["event_type"], event_type, "{query}");
            assert_eq!((&told["charts"], &told["images"]), (&json!([]), &json!([])), "{query}");
        }
        // What it uses is known since the fourth; the other repository's since the fifth.
        let podinfo = of_kind("HelmRelease").await;
        for (day, repositories) in [(3, None), (4, Some(1)), (5, Some(2))] {
            let charts: Vec<_> = repositories
                .iter()
                .map(|number| json!({"key": "charts.example.org/podinfo", "versions": ["6.0.0"], "repositories": number}))
                .collect();
            for place in ["state", "uses"] {
                let told = app.get(&format!("/api/v1/resources/{podinfo}/{place}?at=2026-01-0{day}")).await.json();
                assert_eq!(told["charts"], json!(charts), "{place} {day}");
            }
        }
        let tree = format!("/api/v1/repositories/{home}/tree");
        for (query, names) in [
            ("?at=2026-01-01", &[][..]),
            ("?at=2026-01-03", &["podinfo", "settings", "web"]),
            ("?at=2026-01-04", &["podinfo", "web"]),
            ("", &["podinfo", "web"]),
        ] {
            let told = app.get(&format!("{tree}{query}")).await;
            let mut found = told.column("name");
            found.sort();
            assert_eq!((found, told.count()), (names.iter().map(|name| (*name).to_owned()).collect(), names.len() as u64), "{query}");
        }
        // What does not fit is counted all the same.
        let cut = store::resources::list_tree(&app.state.db.read, home, Some(day(3)), 2).await.unwrap();
        assert_eq!((cut.data.len(), cut.count), (2, 3));
        for (page, text) in [
            (format!("/resources/{settings}?at=2026-01-01"), "It was not there yet"),
            (format!("/resources/{settings}?at=2026-01-03"), "As it was on 2026-01-03"),
            (format!("/resources/{settings}?at=2026-01-05"), "Its last text is below"),
            (format!("/resources/{settings}?at=1"), "Newest manifest"),
            (format!("/resources/{podinfo}?at=2026-01-04"), "used here only"),
            (format!("/repositories/{home}?tab=resources&at=2026-01-03"), "settings"),
            (format!("/repositories/{home}?tab=resources&view=table&at=2026-01-01"), "No resource stood here then"),
            (format!("/repositories/{home}?tab=charts&at=2026-01-03"), "named a chart then"),
            (format!("/repositories/{home}?tab=charts&view=images&at=2026-01-03"), "named an image then"),
        ] {
            let shown = app.get(&page).await.text();
            assert!(shown.contains(text), "{page}: {shown}");
            assert!(shown.contains("name=\"at\""), "{page} has no field for the day");
        }
        // Today's numbers do not stand beside a list of another day.
        for (query, counts) in [("", 2), ("&at=2026-01-03", 0)] {
            let page = app.get(&format!("/repositories/{home}?tab=charts{query}")).await.text();
            let (_, ways) = page.split_once("aria-label=\"Charts or images\"").unwrap();
            let (ways, _) = ways.split_once("</nav>").unwrap();
            assert_eq!(ways.matches("tab-count").count(), counts, "{query}: {ways}");
        }
        let nothing = format!("/api/v1/resources/{}", Uuid::now_v7());
        for place in ["state", "uses?at=2026-01-01"] {
            assert_eq!(app.missing(&format!("{nothing}/{place}")).await, "Resource not found");
        }
        assert_eq!(app.refused(&format!("{path}?at=soon")).await, ["query.at"]);
        assert_eq!(app.refused(&format!("{tree}?at=soon")).await, ["query.at"]);
        for page in [format!("/resources/{settings}?at=soon"), format!("/repositories/{home}?tab=resources&at=soon")] {
            assert_eq!(app.get(&page).await.status, StatusCode::BAD_REQUEST, "{page}");
        }
    })
    .await;
}
