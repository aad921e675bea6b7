//! `/api/v1/repositories/{id}/events`, daily counts and trends.

use chrono::{Duration, Utc};
use uuid::Uuid;

use crate::support::{Change, Manifest, RepositoryBuilder, TestApp, commit_id, day, on_each_engine};

async fn podinfo(app: &TestApp) -> Uuid {
    let settings = Manifest::config_map("settings");
    RepositoryBuilder::new("ada/home-ops")
        .commit(
            2,
            "Add podinfo",
            vec![Change::Create(Manifest::release("podinfo", "6.0.0")), Change::Create(settings.clone())],
        )
        .commit(3, "Update podinfo", vec![Change::Modify(Manifest::release("podinfo", "6.1.0"))])
        .commit(4, "Remove settings", vec![Change::Delete(settings)])
        .store(app)
        .await
}

#[tokio::test]
async fn events_come_newest_first_with_commit_author_and_fields() {
    on_each_engine(async |app| {
        let id = podinfo(app).await;
        let path = format!("/api/v1/repositories/{id}/events");
        let events = app.get(&path).await;
        assert_eq!(events.count(), 4);
        assert_eq!(events.column("event_type")[..2], ["DELETED", "MODIFIED"]);
        let modified = &events.json()["data"][1];
        assert_eq!(modified["commit"], commit_id("ada/home-ops", 1).to_string());
        assert_eq!(modified["commit_subject"], "Update podinfo");
        assert_eq!(modified["author_name"], "Ada");
        assert_eq!(modified["event_timestamp"], "2026-01-03T12:00:00Z");
        assert_eq!(modified["changes_detected"], serde_json::json!(["file_content", "version", "spec.version"]));
        assert_eq!(modified["changes"], serde_json::json!([{"path": "spec.version", "old": "6.0.0", "new": "6.1.0"}]));
        app.holds_etag(&path).await;
        let deep = app.get(&format!("{path}?skip=500&limit=1000")).await;
        assert_eq!((deep.count(), deep.column("id").len()), (4, 0));
    })
    .await;
}

#[tokio::test]
async fn events_are_filtered() {
    on_each_engine(async |app| {
        let id = podinfo(app).await;
        let path = format!("/api/v1/repositories/{id}/events");
        let first = commit_id("ada/home-ops", 0);
        for (query, count) in [
            ("event_type=CREATED".to_owned(), 2),
            ("event_type=modified".to_owned(), 1),
            ("event_type=RESURRECTED".to_owned(), 0),
            ("resource_kind=ConfigMap".to_owned(), 2),
            ("resource_namespace=apps".to_owned(), 2),
            ("text=podinfo".to_owned(), 2),
            ("text=SETTINGS".to_owned(), 2),
            ("version_changes_only=true".to_owned(), 1),
            (format!("commit={first}"), 2),
            ("since=2026-01-03T00:00:00Z".to_owned(), 2),
            ("until=2026-01-03T00:00:00%2B00:00".to_owned(), 2),
            // Windows that touch share no event.
            ("since=2026-01-03T12:00:00Z".to_owned(), 2),
            ("until=2026-01-03T12:00:00Z".to_owned(), 2),
            ("event_type=CREATED&resource_kind=HelmRelease".to_owned(), 1),
        ] {
            let answer = app.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.count(), count, "{query}: {}", answer.text());
            assert_eq!(answer.column("id").len() as u64, count, "{query}");
        }
        let resource = app.get(&path).await.json()["data"][1]["resource_id"].as_str().unwrap().to_owned();
        assert_eq!(app.get(&format!("{path}?resource_id={resource}")).await.count(), 2);
    })
    .await;
}

#[tokio::test]
async fn wrong_filters_are_refused() {
    on_each_engine(async |app| {
        let id = podinfo(app).await;
        let path = format!("/api/v1/repositories/{id}/events");
        for (query, place) in [
            ("event_type=CHANGED", "query.event_type"),
            ("resource_id=7", "query.resource_id"),
            ("commit=abc", "query.commit"),
            ("version_changes_only=maybe", "query.version_changes_only"),
            ("since=yesterday", "query.since"),
            ("limit=1001", "query.limit"),
        ] {
            assert_eq!(app.refused(&format!("{path}?{query}")).await, [place], "{query}");
        }
        let answer = app.get(&format!("{path}?event_type=CHANGED")).await.json();
        assert!(answer["detail"].as_str().unwrap().contains("CREATED, MODIFIED, DELETED, RESURRECTED"), "{answer}");
        let unknown = Uuid::now_v7();
        for part in ["events", "events/daily-counts", "event-trends"] {
            let path = format!("/api/v1/repositories/{unknown}/{part}");
            assert_eq!(app.missing(&path).await, "Repository not found");
        }
    })
    .await;
}

#[tokio::test]
async fn daily_counts_and_trends_tell_the_last_days() {
    on_each_engine(async |app| {
        let release = Manifest::release("grafana", "1.0.0");
        let yesterday = Utc::now() - Duration::days(1);
        let id = RepositoryBuilder::new("ada/fresh")
            .commit_at(day(1), "Long ago", vec![Change::Create(Manifest::config_map("old"))])
            .commit_at(yesterday, "Add grafana", vec![Change::Create(release.clone())])
            .commit_at(yesterday, "Remove grafana", vec![Change::Delete(release)])
            .store(app)
            .await;
        let counts = app.get(&format!("/api/v1/repositories/{id}/events/daily-counts?days=7")).await.json();
        let date = yesterday.format("%Y-%m-%d").to_string();
        assert_eq!(
            counts["data"],
            serde_json::json!([
                {"date": date, "event_type": "CREATED", "count": 1},
                {"date": date, "event_type": "DELETED", "count": 1},
            ])
        );
        let trends = app.get(&format!("/api/v1/repositories/{id}/event-trends?days=7")).await.json();
        let days = trends["data"].as_array().unwrap();
        assert_eq!(days.len(), 7);
        let then = days.iter().find(|row| row["date"] == date.as_str()).unwrap();
        assert_eq!((&then["created"], &then["deleted"], &then["commits"]), (&1.into(), &1.into(), &2.into()));
        assert_eq!(days.last().unwrap()["active_resources"], 1);
        for part in ["events/daily-counts", "event-trends"] {
            let path = format!("/api/v1/repositories/{id}/{part}");
            app.holds_etag(&path).await;
            assert_eq!(app.refused(&format!("{path}?days=0")).await, ["query.days"]);
            assert_eq!(app.refused(&format!("{path}?days=40000")).await, ["query.days"]);
        }
        assert_eq!(
            app.refused(&format!("/api/v1/repositories/{id}/events/daily-counts?days=366")).await,
            ["query.days"]
        );
    })
    .await;
}
