//! `/api/v1/ecosystem` and `/api/v1/admin`: days, trends, releases, how much is stored.

use axum::http::StatusCode;
use chrono::{Duration, Utc};
use serde_json::{Value, json};
use store::ecosystem;

use super::charts::world::{APP, GRAFANA, OTHER_GRAFANA, lately, three};
use crate::support::{Change, Manifest, RepositoryBuilder, TestApp, commit_id, on_each_engine};

/// Two releases two days ago, one of them bumped yesterday.
async fn two_releases(app: &TestApp) {
    let now = Utc::now();
    let podinfo = |version| Manifest::release("podinfo", version);
    RepositoryBuilder::new("ada/home-ops")
        .commit_at(
            now - Duration::days(2),
            "Add two",
            vec![Change::Create(podinfo("6.0.0")), Change::Create(Manifest::release("grafana", "9.0.0"))],
        )
        .commit_at(now - Duration::days(1), "Bump podinfo", vec![Change::Modify(podinfo("6.1.0"))])
        .store(app)
        .await;
}

#[tokio::test]
async fn days_and_trends_reach_back_to_the_first_commit() {
    on_each_engine(async |app| {
        assert_eq!(app.get("/api/v1/ecosystem/latest").await.status, StatusCode::NOT_FOUND);
        assert_eq!(app.get("/api/v1/ecosystem/trends").await.status, StatusCode::NOT_FOUND);
        assert_eq!(app.get("/api/v1/ecosystem/").await.count(), 0);
        two_releases(app).await;
        ecosystem::aggregate(&app.state.db, Utc::now()).await.unwrap();

        assert_eq!(app.get("/api/v1/ecosystem").await.status, StatusCode::OK);
        let days = app.get("/api/v1/ecosystem/").await;
        let count = days.count();
        assert!(days.status == StatusCode::OK && count >= 3);
        let days = days.json();
        let column = |name: &str| {
            days["data"].as_array().unwrap().iter().map(|day| day[name].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(column("active_resources")[..3], [2, 2, 2]);
        assert_eq!(column("daily_modified_resources")[..3], [0, 1, 0]);
        assert_eq!(column("daily_created_resources")[..3], [0, 0, 2]);
        let second = app.get("/api/v1/ecosystem/?skip=1&limit=1").await;
        assert_eq!((second.count(), second.json()["data"].as_array().unwrap().len()), (count, 1));
        let latest = app.get("/api/v1/ecosystem/latest").await.json();
        assert_eq!(latest["id"], days["data"][0]["id"]);
        assert_eq!(latest["total_resource_events"], 3);
        let trends = app.get("/api/v1/ecosystem/trends?days=7").await.json();
        let values: Vec<i64> =
            trends["activity_trends"].as_array().unwrap().iter().map(|t| t["value"].as_i64().unwrap()).collect();
        assert!(values.ends_with(&[2, 1, 0]), "{values:?}");
        let overview = app.get("/api/v1/ecosystem/overview?range=7d").await.json();
        assert_eq!((overview["growth"]["events"].as_i64(), overview["stale"].as_bool()), (Some(3), Some(false)));
        app.holds_etag("/api/v1/ecosystem/").await;
        for (path, field) in [
            ("/api/v1/ecosystem/?limit=101", "limit"),
            ("/api/v1/ecosystem/?days=0", "days"),
            ("/api/v1/ecosystem/trends?days=6", "days"),
            ("/api/v1/ecosystem/overview?range=2d", "range"),
            ("/api/v1/ecosystem/helm-release-activity?page=0", "page"),
            ("/api/v1/ecosystem/helm-release-activity?page_size=51", "page_size"),
        ] {
            assert_eq!(app.refused(path).await, [format!("query.{field}")], "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn page_reaches_back_to_where_something_happened_unless_a_range_is_asked_for() {
    on_each_engine(async |app| {
        let long_ago = Utc::now() - Duration::days(200);
        let release = Change::Create(Manifest::release("podinfo", "6.0.0"));
        RepositoryBuilder::new("ada/home-ops").commit_at(long_ago, "Add one", vec![release]).store(app).await;
        ecosystem::aggregate(&app.state.db, Utc::now()).await.unwrap();
        for (path, range, empty) in
            [("/ecosystem", "1y", false), ("/ecosystem?range=30d", "30d", true), ("/ecosystem?range=all", "all", false)]
        {
            let text = app.get(path).await.text();
            let chosen = format!("range={range}\" data-noscroll=\"\" aria-current=\"page\"");
            assert!(text.contains(&chosen), "{path}: {range} is not the chosen one");
            assert_eq!(text.contains("No changes in this range"), empty, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn charts_are_told_by_where_they_are_going_and_who_upgraded() {
    on_each_engine(async |app| {
        let path = "/api/v1/ecosystem/charts";
        assert_eq!(app.get(path).await.json()["upgrades"], json!({"data": [], "count": 0}));
        lately(app, Utc::now()).await;
        let told = app.get(path).await.json();
        let moves = |list: &str| {
            let one = |one: &Value| (one["key"].clone(), one["now"].clone(), one["before"].clone());
            told[list].as_array().unwrap().iter().map(one).collect::<Vec<_>>()
        };
        assert_eq!(told["days"], 30);
        assert_eq!(moves("rising"), [(json!(GRAFANA), json!(1), json!(0))]);
        assert_eq!(moves("falling"), [(json!(OTHER_GRAFANA), json!(0), json!(1))]);
        assert_eq!((&told["popular"][0]["key"], &told["popular"][0]["releases"]), (&json!(APP), &json!(2)));
        assert_eq!((&told["new"]["count"], &told["new"]["data"][0]["key"]), (&json!(1), &json!(GRAFANA)));
        let upgrade = &told["upgrades"]["data"][0];
        assert_eq!((&upgrade["chart_key"], &upgrade["repositories"]), (&json!(APP), &json!(2)));
        assert_eq!((&upgrade["from"], &upgrade["to"]), (&json!("3.0.0"), &json!("3.1.0")));
        assert_eq!(upgrade["by"][0]["commit"], commit_id("ada/home-ops", 1).to_string());
        assert_eq!(app.get(&format!("{path}?range=all")).await.json()["days"], 90);
        assert_eq!(app.refused(&format!("{path}?range=2d")).await, ["query.range"]);
        app.holds_etag(path).await;
    })
    .await;
}

#[tokio::test]
async fn page_tells_what_the_week_did_to_charts() {
    on_each_engine(async |app| {
        lately(app, Utc::now()).await;
        ecosystem::aggregate(&app.state.db, Utc::now()).await.unwrap();
        let page = app.get("/ecosystem?range=30d").await.text();
        let of_upgrade = format!("/{}\"", commit_id("ada/home-ops", 1));
        for part in [
            "Rising charts",
            "/charts?sort=change&amp;direction=ascending",
            "Who upgraded what this week",
            "href=\"/charts/ghcr.io/bjw-s-labs/helm/app-template\"",
            "Upgrades of the week, newest first",
            &of_upgrade,
        ] {
            assert!(page.contains(part), "{part} is not there");
        }
        let of_year = app.get("/ecosystem?range=1y").await.text();
        // The list of all charts knows no change of a year.
        assert!(!of_year.contains("/charts?trend=rising") && of_year.contains("365 days ago"));
        assert!(app.get("/ecosystem?range=90d").await.text().contains("/charts?trend=rising"));
    })
    .await;
}

#[tokio::test]
async fn page_says_that_the_week_did_nothing_to_charts() {
    on_each_engine(async |app| {
        three(app).await;
        ecosystem::aggregate(&app.state.db, Utc::now()).await.unwrap();
        let page = app.get("/ecosystem?range=7d").await.text();
        for none in [
            "No chart is used by more repositories than 7 days ago",
            "No chart is used by fewer repositories than 7 days ago",
            "No chart came this week",
            "Nobody upgraded a chart this week",
        ] {
            assert!(page.contains(none), "{none}");
        }
        assert!(page.contains("app-template"), "charts in use are there");
    })
    .await;
}

#[tokio::test]
async fn aggregation_is_asked_for_once_however_often_and_from_the_day_given() {
    on_each_engine(async |app| {
        let first = app.post("/api/v1/ecosystem/trigger-aggregation").await;
        assert_eq!(first.status, StatusCode::ACCEPTED);
        let body = first.json();
        assert_eq!(first.header("location"), format!("/api/v1/jobs/{}", body["task_id"].as_str().unwrap()));
        assert!(body["target_date"].is_null() && body["status"] == "accepted");
        let again = app.post("/api/v1/ecosystem/trigger-aggregation?target_date=2026-01-31").await.json();
        assert_eq!((&again["task_id"], again["target_date"].as_str()), (&body["task_id"], Some("2026-01-31")));
        let job = app.get(&format!("/api/v1/jobs/{}", body["task_id"].as_str().unwrap())).await.json();
        assert_eq!(job["kind"], "aggregate_daily_ecosystem_stats");
        for wrong in
            ["yesterday", "2026-02-30", "2999-01-01", "-262143-01-01", "-0001-01-01", "%2B2026-01-01", "2026-1-1"]
        {
            let path = format!("/api/v1/ecosystem/trigger-aggregation?target_date={wrong}");
            assert_eq!(app.post(&path).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
    })
    .await;
}

#[tokio::test]
async fn activity_of_releases_shows_the_change_itself() {
    on_each_engine(async |app| {
        two_releases(app).await;
        let activity = app.get("/api/v1/ecosystem/helm-release-activity").await;
        assert_eq!((activity.count(), activity.column("release_name")), (2, vec!["podinfo".into(), "grafana".into()]));
        let activity = activity.json();
        let change = &activity["data"][0]["changes"][0];
        assert_eq!((change["change_type"].as_str(), change["user"].as_str()), (Some("MODIFIED"), Some("ada/home-ops")));
        assert_eq!(change["version_before"].as_str().zip(change["version_after"].as_str()), Some(("6.0.0", "6.1.0")));
        assert!(change["author_name"].is_string() && change["commit_subject"] == "Bump podinfo");
        assert!(change["yaml"].as_str().unwrap().contains("podinfo"));
        let second = app.get("/api/v1/ecosystem/helm-release-activity?page=2&page_size=1").await;
        assert_eq!((second.count(), second.column("release_name")), (2, vec!["grafana".into()]));
        assert_eq!(app.get("/api/v1/ecosystem/helm-release-activity?page=9").await.column("release_name").len(), 0);
    })
    .await;
}

#[tokio::test]
async fn database_stats_count_rows_and_scans() {
    on_each_engine(async |app| {
        let empty = app.get("/api/v1/admin/database-stats").await.json();
        assert_eq!(
            (empty["total_records"].as_i64(), &empty["sync_run_stats"]["recent_sync_runs"]),
            (Some(0), &serde_json::json!([]))
        );
        two_releases(app).await;
        let stats = app.get("/api/v1/admin/database-stats").await.json();
        assert_eq!(stats["table_counts"]["kubernetes_resources"], 2);
        assert_eq!(stats["table_counts"]["kubernetes_resource_events"], 3);
        assert_eq!(stats["recent_stats"]["resource_changes_last_7_days"], 3);
        assert_eq!(stats["sync_run_stats"]["event_type_breakdown"], serde_json::json!({ "CREATED": 2, "MODIFIED": 1 }));
        let run = &stats["sync_run_stats"]["recent_sync_runs"][0];
        assert_eq!(
            (run["repository_full_name"].as_str(), run["event_count"].as_i64()),
            (Some("ada/home-ops"), Some(3))
        );
        assert!(run["duration_milliseconds"].as_i64().unwrap() >= 0);
    })
    .await;
}
