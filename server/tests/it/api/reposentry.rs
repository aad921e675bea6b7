//! The REST API that RepoSentry's clients know.

use axum::http::StatusCode;
use entity::input::ObjectId;
use serde_json::Value;
use store::watch::{self, Look, SeenBranch, WatchSettings};
use uuid::Uuid;

use crate::support::{RepositoryBuilder, TestApp, commit_id, on_each_engine};

/// What is in the envelope of an answer that went well.
async fn data(app: &TestApp, path: &str) -> Value {
    let answer = app.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    let body = answer.json();
    assert!(body["success"] == true && body["error"].is_null() && body["timestamp"].is_string(), "{path}: {body}");
    body["data"].clone()
}

/// Why an answer did not go well.
async fn failure(app: &TestApp, path: &str, status: StatusCode) -> String {
    let answer = app.get(path).await;
    assert_eq!(answer.status, status, "{path}: {}", answer.text());
    let body = answer.json();
    assert!(body["success"] == false && body["timestamp"].is_string(), "{path}: {body}");
    body["error"].as_str().unwrap().to_owned()
}
