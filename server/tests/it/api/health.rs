//! `/health`, `/api/health` and its parts.

use axum::http::StatusCode;

use chrono::{TimeDelta, Utc};
use entity::kind::{JobRequest, Priority, RequestedBy};
use serde_json::{Value, json};
use store::{
    forges,
    workers::{FoundWorker, record_worker},
};

use crate::support::{TestApp, on_each_engine};

#[tokio::test]
async fn a_well_program_says_so() {
    on_each_engine(async |app| {
        let health = app.get("/health").await;
        assert_eq!(health.status, StatusCode::OK);
        let health = health.json();
        for part in ["status", "database_status", "redis_status"] {
            assert_eq!(health[part], "healthy", "{part}");
        }
        for path in ["/api/health", "/health/live", "/health/ready"] {
            assert_eq!(app.get(path).await.json()["status"], "healthy", "{path}");
        }
        assert_eq!(app.get("/api/health/db").await.json()["service"], "database");
        let queue = app.get("/api/health/redis").await.json();
        assert_eq!((&queue["queued_jobs"], &queue["running_jobs"]), (&0.into(), &0.into()));
    })
    .await;
}

#[tokio::test]
async fn a_lost_database_is_unhealthy_and_told_as_503() {
    on_each_engine(async |app| {
        app.state.db.close().await.unwrap();
        for path in ["/health", "/health/ready", "/api/health/db", "/api/health/redis"] {
            let answer = app.get(path).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(answer.json()["status"], "unhealthy", "{path}");
        }
        for path in ["/api/health", "/health/live"] {
            assert_eq!(app.get(path).await.status, StatusCode::OK, "{path}");
        }
        let detailed = app.get("/health/detailed").await;
        assert_eq!(detailed.status, StatusCode::SERVICE_UNAVAILABLE);
        let detailed = detailed.json();
        for (part, status) in [("database", "unhealthy"), ("queue", "unhealthy"), ("scheduler", "unhealthy")] {
            assert_eq!(find(&detailed, part)["status"], status, "{detailed}");
        }
        assert_eq!(detailed["oldest_waiting_job_seconds"], Value::Null);
        assert!(!detailed.to_string().contains("sqlx") && !detailed.to_string().contains("pool"), "{detailed}");
        let list = app.get("/api/v1/jobs").await;
        assert!(list.status.is_server_error(), "{}", list.status);
        let text = list.text();
        assert!(!text.contains("sqlx") && !text.contains("pool"), "the cause is ours alone: {text}");
    })
    .await;
}

fn find<'h>(health: &'h Value, part: &str) -> &'h Value {
    health["parts"].as_array().unwrap().iter().find(|found| found["name"] == part).unwrap()
}

/// The same server with a data directory, looked at anew.
async fn detailed(app: &TestApp, data_dir: &std::path::Path) -> (StatusCode, Value) {
    let app = app.with_config(&format!("app: {{data_dir: {}}}", data_dir.display()));
    let answer = app.get("/health/detailed").await;
    (answer.status, answer.json())
}

async fn worker(app: &TestApp, role: &'static str) {
    let now = Utc::now();
    let worker = FoundWorker {
        id: format!("{role}-1"),
        role,
        host: "box".to_owned(),
        pid: 1,
        version: "0",
        started_at: now,
        capacity: 1,
        disk_limit_bytes: None,
    };
    record_worker(&app.state.db.write, &worker, now).await.unwrap();
}

#[tokio::test]
async fn every_part_is_told_by_itself_and_503_only_where_no_work_can_be_done() {
    on_each_engine(async |app| {
        let folder = tempfile::tempdir().unwrap();
        // Who only serves pages does no jobs.
        worker(app, "web").await;
        let (status, health) = detailed(app, folder.path()).await;
        assert_eq!(
            (status, &find(&health, "scheduler")["status"]),
            (StatusCode::SERVICE_UNAVAILABLE, &"unhealthy".into())
        );
        worker(app, "worker").await;
        let (status, health) = detailed(app, folder.path()).await;
        assert_eq!((status, &health["status"]), (StatusCode::OK, &"healthy".into()), "{health}");
        let names: Vec<&str> =
            health["parts"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["database", "queue", "disk", "forges", "scheduler"]);
        assert!(health["parts"].as_array().unwrap().iter().all(|part| part["took_ms"].as_f64().unwrap() >= 0.0));
        assert_eq!(health["oldest_waiting_job_seconds"], Value::Null);

        // A job that nobody takes: late, and work all the same.
        let asked = Utc::now() - TimeDelta::hours(3);
        let request = JobRequest::Prune;
        app.state.queue.enqueue(&request, RequestedBy::Schedule, Priority::ROUTINE, asked).await.unwrap();
        // One that has its time still to come does not wait.
        let later = (Utc::now(), Utc::now() + TimeDelta::hours(1));
        let request = JobRequest::RefreshMetrics;
        let (queue, w, by) = (&app.state.queue, &app.state.db.write, RequestedBy::Schedule);
        queue.enqueue_at(w, &request, by, Priority::ROUTINE, later.0, later.1).await.unwrap();
        let (status, health) = detailed(app, folder.path()).await;
        assert_eq!((status, &find(&health, "queue")["status"]), (StatusCode::OK, &"degraded".into()), "{health}");
        let waits = health["oldest_waiting_job_seconds"].as_i64().unwrap();
        assert!((10_800..10_900).contains(&waits), "{waits}");

        // Which forges there are is for nobody to read here.
        let now = Utc::now();
        let spent = forges::Budget {
            quota: Some(60),
            remaining: Some(0),
            resets_at: Some(now + TimeDelta::hours(1)),
            blocked_until: None,
            seen_at: now,
        };
        let who = ("git.internal.lan", "", "core");
        forges::record_budget(&app.state.db.write, who, &spent, 60).await.unwrap();
        let (status, health) = detailed(app, folder.path()).await;
        assert_eq!((status, &find(&health, "forges")["status"]), (StatusCode::OK, &"degraded".into()), "{health}");
        let gone = folder.path().join("gone");
        let (status, health) = detailed(app, &gone).await;
        assert_eq!((status, &find(&health, "disk")["status"]), (StatusCode::SERVICE_UNAVAILABLE, &"unhealthy".into()));
        let told = health.to_string();
        assert!(!told.contains("internal.lan") && !told.contains("gone"), "{told}");
    })
    .await;
}

#[tokio::test]
async fn what_reposentry_tells_of_it_stands_beside_in_its_envelope() {
    on_each_engine(async |app| {
        let folder = tempfile::tempdir().unwrap();
        let told = async |path: &str, status: StatusCode| {
            let app = app.with_config(&format!("app: {{data_dir: {}}}", folder.path().display()));
            let answer = app.get(path).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
            let body = answer.json();
            assert_eq!(body["success"], status == StatusCode::OK, "{path}: {body}");
            assert_eq!(body["error"].is_null(), status == StatusCode::OK, "{path}: {body}");
            assert!(body["timestamp"].is_string(), "{path}: {body}");
            body
        };
        // Requests are answered, and nobody does jobs here.
        let health = told("/health", StatusCode::OK).await;
        assert_eq!((&health["status"], &health["data"]["healthy"]), (&"healthy".into(), &false.into()), "{health}");
        let components = json!({
            "api_server": {"status": "healthy"}, "config": {"status": "healthy"}, "git_client": {"status": "healthy"},
            "poller": {"status": "unhealthy"}, "storage": {"status": "healthy"}, "trigger": {"status": "healthy"},
        });
        assert_eq!(health["data"]["components"], components, "{health}");
        let checks = health["data"]["checks"].as_array().unwrap();
        let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["database", "queue", "disk", "forges", "scheduler"]);
        let fits = |check: &Value| check["status"].is_string() && check["duration"].as_i64().unwrap() >= 0;
        assert!(checks.iter().all(fits), "{health}");
        assert!(checks.iter().any(|check| check["duration"].as_i64().unwrap() > 0), "{health}");
        worker(app, "worker").await;
        let health = told("/health", StatusCode::OK).await;
        assert_eq!(health["data"]["healthy"], true, "{health}");
        assert_eq!(told("/health/live", StatusCode::OK).await["data"], json!({"status": "alive"}));
        assert_eq!(told("/health/ready", StatusCode::OK).await["data"], json!({"status": "ready"}));

        app.state.db.close().await.unwrap();
        let health = told("/health", StatusCode::SERVICE_UNAVAILABLE).await;
        assert_eq!(health["data"]["healthy"], false, "{health}");
        assert_eq!(health["data"]["components"]["storage"]["status"], "unhealthy", "{health}");
        let ready = told("/health/ready", StatusCode::SERVICE_UNAVAILABLE).await;
        assert_eq!(ready["data"], json!({"status": "not ready"}));
        assert_eq!(told("/health/live", StatusCode::OK).await["data"], json!({"status": "alive"}));
    })
    .await;
}

#[tokio::test]
async fn a_program_that_stops_asks_for_no_more_requests() {
    on_each_engine(async |app| {
        app.state.shutdown.cancel();
        assert_eq!(app.get("/health/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(app.get("/health/live").await.status, StatusCode::OK);
    })
    .await;
}
