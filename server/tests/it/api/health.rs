//! `/health`, `/api/health` and its parts.

use axum::http::StatusCode;

use crate::support::on_each_engine;

#[tokio::test]
async fn a_well_program_says_so() {
    on_each_engine(async |app| {
        let health = app.get("/health").await;
        assert_eq!(health.status, StatusCode::OK);
        let health = health.json();
        for part in ["status", "database_status", "redis_status"] {
            assert_eq!(health[part], "healthy", "{part}");
        }
        assert_eq!(app.get("/api/health").await.json()["status"], "healthy");
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
        for path in ["/health", "/api/health/db", "/api/health/redis"] {
            let answer = app.get(path).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(answer.json()["status"], "unhealthy", "{path}");
        }
        assert_eq!(app.get("/api/health").await.status, StatusCode::OK);
        let list = app.get("/api/v1/jobs").await;
        assert!(list.status.is_server_error(), "{}", list.status);
        let text = list.text();
        assert!(!text.contains("sqlx") && !text.contains("pool"), "the cause is ours alone: {text}");
    })
    .await;
}
