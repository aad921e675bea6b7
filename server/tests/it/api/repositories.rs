//! `/api/v1/repositories`: lists, one, figures.

use axum::http::StatusCode;
use chrono::{Duration, Utc};
use uuid::Uuid;

use crate::support::{Change, Manifest, RepositoryBuilder, TestApp, on_each_engine};

async fn three(app: &TestApp) -> [Uuid; 3] {
    let home = RepositoryBuilder::new("ada/home-ops")
        .commit(2, "Add podinfo", vec![Change::Create(Manifest::release("podinfo", "6.0.0"))])
        .problem("apps/broken.yaml", 3, "mapping values are not allowed here")
        .store(app)
        .await;
    let lab = RepositoryBuilder::new("bob/lab")
        .commit(
            5,
            "Add two",
            vec![Change::Create(Manifest::config_map("one")), Change::Create(Manifest::config_map("two"))],
        )
        .store(app)
        .await;
    let idle = RepositoryBuilder::new("eve/idle").disabled().store(app).await;
    [home, lab, idle]
}

#[tokio::test]
async fn list_gives_pages_with_the_true_total() {
    on_each_engine(async |app| {
        let empty = app.get("/api/v1/repositories/").await;
        assert_eq!((empty.status, empty.count()), (StatusCode::OK, 0));
        three(app).await;
        let all = app.get("/api/v1/repositories/").await;
        assert_eq!(all.count(), 3);
        // The newest commit first; what has none stands last.
        assert_eq!(all.column("full_name"), ["bob/lab", "ada/home-ops", "eve/idle"]);
        let second = app.get("/api/v1/repositories/?skip=1&limit=1").await;
        assert_eq!((second.count(), second.column("full_name")), (3, vec!["ada/home-ops".to_owned()]));
        let deep = app.get("/api/v1/repositories/?skip=1000000&limit=1000").await;
        assert_eq!((deep.count(), deep.column("id").len()), (3, 0));
        let bare = app.get("/api/v1/repositories").await;
        assert_eq!(bare.body, all.body);
        app.holds_etag("/api/v1/repositories/?limit=2").await;
    })
    .await;
}

#[tokio::test]
async fn list_is_filtered_and_sorted() {
    on_each_engine(async |app| {
        three(app).await;
        for (query, names) in [
            ("text=HOME", &["ada/home-ops"][..]),
            ("text=clusters%20of%20bob", &["bob/lab"]),
            ("status=success&sort=name&direction=ascending", &["ada/home-ops", "bob/lab"]),
            ("status=pending", &["eve/idle"]),
            ("origin=sample", &[]),
            ("language=Rust", &[]),
            ("sort=resources", &["bob/lab", "ada/home-ops", "eve/idle"]),
            ("sort=name&direction=ascending", &["ada/home-ops", "bob/lab", "eve/idle"]),
            ("topic=kubernetes&sort=name&direction=ascending", &["ada/home-ops", "bob/lab", "eve/idle"]),
            ("topic=kubernete", &[]),
            ("topic=k%25s", &[]),
            ("language=Unknown&sort=name&direction=ascending", &["ada/home-ops", "bob/lab", "eve/idle"]),
            ("sort=problems&limit=1", &["ada/home-ops"]),
        ] {
            let answer = app.get(&format!("/api/v1/repositories/?{query}")).await;
            assert_eq!(answer.column("full_name"), names, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn wrong_parameters_are_all_named_with_what_is_allowed() {
    on_each_engine(async |app| {
        let refused = app.refused("/api/v1/repositories/?limit=0&skip=-1&status=fine&sort=size&direction=up").await;
        assert_eq!(refused, ["query.status", "query.sort", "query.direction", "query.skip", "query.limit"]);
        assert_eq!(app.refused("/api/v1/repositories/?limit=1001").await, ["query.limit"]);
        assert_eq!(app.refused("/api/v1/repositories/?limit=ten").await, ["query.limit"]);
        let answer = app.get("/api/v1/repositories/?status=fine&limit=1001").await.json();
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains("pending, syncing, success, error, blocked, pending_approval"), "{detail}");
        assert!(detail.contains("from 1 to 1000"), "{detail}");
        assert_eq!(answer["errors"][0]["input"], "fine");
        assert!(answer["instance"].as_str().unwrap().starts_with("urn:uuid:"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn one_repository_is_found_by_its_id() {
    on_each_engine(async |app| {
        let [home, ..] = three(app).await;
        let path = format!("/api/v1/repositories/{home}");
        let found = app.get(&path).await.json();
        assert_eq!(found["full_name"], "ada/home-ops");
        assert_eq!((&found["sync_status"], &found["scan_status"]), (&"success".into(), &"success".into()));
        assert_eq!(found["counts"]["helm_releases"], 1);
        assert_eq!(found["counts"]["problems"], 1);
        assert!(found["latest_metrics"].is_null() && found["working_directory_path"].is_null());
        app.holds_etag(&path).await;
        assert_eq!(app.missing(&format!("/api/v1/repositories/{}", Uuid::now_v7())).await, "Repository not found");
        assert_eq!(app.refused("/api/v1/repositories/not-an-id").await, ["path.repository_id"]);
    })
    .await;
}

#[tokio::test]
async fn search_looks_into_names_and_descriptions() {
    on_each_engine(async |app| {
        three(app).await;
        let found = app.get("/api/v1/repositories/search?q=ops").await;
        assert_eq!((found.count(), found.column("full_name")), (1, vec!["ada/home-ops".to_owned()]));
        assert_eq!(app.get("/api/v1/repositories/search?q=100%25_").await.count(), 0);
        assert_eq!(app.get("/api/v1/repositories/search?q=clusters&limit=2").await.count(), 3);
        assert_eq!(app.refused("/api/v1/repositories/search").await, ["query.q"]);
        assert_eq!(app.refused("/api/v1/repositories/search?q=&limit=0").await, ["query.q", "query.limit"]);
        let long = "x".repeat(1_001);
        assert_eq!(app.refused(&format!("/api/v1/repositories/search?q={long}")).await[0], "query.q");
        app.holds_etag("/api/v1/repositories/search?q=ops").await;
    })
    .await;
}

#[tokio::test]
async fn stats_count_everything_and_hold_no_invented_numbers() {
    on_each_engine(async |app| {
        let empty = app.get("/api/v1/repositories/stats").await.json();
        assert_eq!(empty["total_repositories"], 0);
        three(app).await;
        let stats = app.get("/api/v1/repositories/stats").await.json();
        assert_eq!(stats["total_repositories"], 3);
        assert_eq!((&stats["total_stars"], &stats["total_forks"]), (&0.into(), &0.into()));
        assert_eq!(stats["languages"], serde_json::json!({}));
        assert_eq!(stats["top_repositories"].as_array().unwrap().len(), 3);
        app.holds_etag("/api/v1/repositories/stats").await;
    })
    .await;
}

#[tokio::test]
async fn recent_repositories_are_those_with_commits_in_the_last_three_days() {
    on_each_engine(async |app| {
        three(app).await;
        assert_eq!(
            app.get("/api/v1/repositories/recent").await.json()["recent_active_repositories"],
            serde_json::json!([])
        );
        let yesterday = Utc::now() - Duration::days(1);
        let release = Manifest::release("grafana", "1.0.0");
        let busy = RepositoryBuilder::new("ada/busy")
            .commit_at(yesterday, "Add grafana", vec![Change::Create(release.clone())])
            .commit_at(yesterday, "Remove grafana", vec![Change::Delete(release)])
            .store(app)
            .await;
        let recent = app.get("/api/v1/repositories/recent").await.json();
        // The same in every answer of a minute, so that an unchanged one is answered by its tag.
        assert!(recent["cutoff_date"].as_str().unwrap().ends_with(":00Z"), "{recent}");
        assert_eq!(recent["period_days"], 3);
        let rows = recent["recent_active_repositories"].as_array().unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["repository_id"], busy.to_string());
        assert_eq!(rows[0]["total_events"], 2);
        assert_eq!(rows[0]["event_breakdown"], serde_json::json!({"CREATED": 1, "DELETED": 1}));
    })
    .await;
}

#[tokio::test]
async fn metrics_are_empty_where_no_forge_told_any() {
    on_each_engine(async |app| {
        let [home, ..] = three(app).await;
        let path = format!("/api/v1/repositories/{home}/metrics");
        let metrics = app.get(&path).await;
        assert_eq!((metrics.count(), metrics.column("id").len()), (0, 0));
        app.holds_etag(&path).await;
        assert_eq!(app.refused(&format!("{path}?limit=1001")).await, ["query.limit"]);
        let unknown = Uuid::now_v7();
        assert_eq!(app.missing(&format!("/api/v1/repositories/{unknown}/metrics")).await, "Repository not found");
    })
    .await;
}

#[tokio::test]
async fn parts_of_a_repository_are_listed() {
    on_each_engine(async |app| {
        let release = Manifest::release("podinfo", "6.0.0");
        let id = RepositoryBuilder::new("ada/parts")
            .commit(
                2,
                "Add",
                vec![
                    Change::Create(release.clone()),
                    Change::Create(Manifest::deployment("web", "ghcr.io/ada/web")),
                    Change::Create(Manifest::config_map("settings")),
                ],
            )
            .commit(3, "Remove", vec![Change::Delete(Manifest::config_map("settings"))])
            .problem("apps/broken.yaml", 3, "mapping values are not allowed here")
            .store(app)
            .await;
        let path = |part: &str| format!("/api/v1/repositories/{id}/{part}");

        let resources = app.get(&path("resources?sort=name&direction=ascending")).await;
        assert_eq!(
            (resources.count(), resources.column("name")),
            (3, ["podinfo", "settings", "web"].map(str::to_owned).into())
        );
        assert_eq!(app.get(&path("resources?status=DELETED")).await.column("name"), ["settings"]);
        assert_eq!(app.get(&path("resources?kind=Deployment")).await.column("name"), ["web"]);

        let problems = app.get(&path("problems")).await;
        assert_eq!((problems.count(), problems.column("file_path")), (1, vec!["apps/broken.yaml".to_owned()]));
        assert_eq!(problems.json()["data"][0]["line"], 3);

        let charts = app.get(&path("charts")).await;
        assert_eq!((charts.count(), charts.column("version")), (1, vec!["6.0.0".to_owned()]));
        let images = app.get(&path("images")).await;
        assert_eq!((images.count(), images.column("image")), (1, vec!["ghcr.io/ada/web".to_owned()]));

        for part in ["resources", "problems", "charts", "images"] {
            app.holds_etag(&path(part)).await;
            assert_eq!(app.refused(&path(&format!("{part}?limit=0"))).await, ["query.limit"]);
            assert_eq!(app.get(&path(&format!("{part}?skip=1000"))).await.column("kind").len(), 0);
            let unknown = format!("/api/v1/repositories/{}/{part}", Uuid::now_v7());
            assert_eq!(app.missing(&unknown).await, "Repository not found");
        }
    })
    .await;
}

#[tokio::test]
async fn the_newest_metrics_count_and_older_ones_stay_readable() {
    on_each_engine(async |app| {
        let [home, lab, _] = three(app).await;
        app.store_metrics(home, 10, 1, 2).await;
        app.store_metrics(home, 12, 2, 3).await;
        app.store_metrics(lab, 40, 5, 2).await;
        let stats = app.get("/api/v1/repositories/stats").await.json();
        assert_eq!((&stats["total_stars"], &stats["total_forks"]), (&52.into(), &7.into()));
        assert_eq!(stats["top_repositories"][0]["full_name"], "bob/lab");
        assert_eq!(stats["top_repositories"][1]["latest_metrics"]["stars_count"], 12);
        let path = format!("/api/v1/repositories/{home}/metrics");
        let metrics = app.get(&path).await;
        assert_eq!((metrics.count(), metrics.column("stars_count")), (2, ["12", "10"].map(str::to_owned).into()));
        let newest = app.get(&format!("{path}?limit=1")).await;
        assert_eq!((newest.count(), newest.column("recorded_at")), (2, vec!["2026-01-03T12:00:00Z".to_owned()]));
    })
    .await;
}
