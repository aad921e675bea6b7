//! `POST /api/v1/repositories/{id}/sync` and `/scan`: asking for work.

use axum::http::{Method, StatusCode};
use entity::kind::SyncStatus;
use store::repositories;
use uuid::Uuid;

use crate::support::{Change, Manifest, RepositoryBuilder, TestApp, day, on_each_engine, operations};

async fn synced(app: &TestApp) -> Uuid {
    RepositoryBuilder::new("ada/home-ops")
        .commit(2, "Add", vec![Change::Create(Manifest::release("podinfo", "6.0.0"))])
        .store(app)
        .await
}

#[tokio::test]
async fn sync_and_scan_become_jobs_that_can_be_watched() {
    on_each_engine(async |app| {
        let id = synced(app).await;
        for (verb, kind) in [("sync", "sync_repository"), ("scan", "scan_repository")] {
            let accepted = app.post(&format!("/api/v1/repositories/{id}/{verb}")).await;
            assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.text());
            let body = accepted.json();
            assert!(body["message"].as_str().unwrap().contains("ada/home-ops"), "{body}");
            let location = accepted.header("location");
            assert_eq!(location, format!("/api/v1/jobs/{}", body["job_id"].as_str().unwrap()));
            let job = app.get(location).await.json();
            assert_eq!((&job["kind"], &job["state"]), (&kind.into(), &"queued".into()));
            assert_eq!((&job["requested_by"], &job["repository_id"]), (&"api".into(), &id.to_string().into()));
        }
    })
    .await;
}

#[tokio::test]
async fn ten_clicks_are_one_job() {
    on_each_engine(async |app| {
        let id = synced(app).await;
        let mut jobs = Vec::new();
        for _ in 0..10 {
            let accepted = app.post(&format!("/api/v1/repositories/{id}/sync")).await;
            jobs.push(accepted.json()["job_id"].as_str().unwrap().to_owned());
        }
        jobs.dedup();
        assert_eq!(jobs.len(), 1);
        assert_eq!(app.get("/api/v1/jobs").await.count(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_may_not_be_worked_on_is_refused_with_the_reason() {
    on_each_engine(async |app| {
        let db = &app.state.db.write;
        let off = RepositoryBuilder::new("ada/off").disabled().store(app).await;
        let large = RepositoryBuilder::new("ada/large").store(app).await;
        repositories::record_set_aside(db, large, "it has 140 MB, the limit is 100 MB", day(2)).await.unwrap();
        let blocked = RepositoryBuilder::new("ada/blocked").store(app).await;
        repositories::record_sync_failed(db, blocked, SyncStatus::Blocked, "by hand", day(2)).await.unwrap();
        let fresh = RepositoryBuilder::new("ada/fresh").store(app).await;
        for (id, verb, reason) in [
            (off, "sync", "switched off"),
            (off, "scan", "switched off"),
            (large, "sync", "140 MB"),
            (blocked, "scan", "is blocked"),
            (fresh, "scan", "ask for a sync first"),
        ] {
            let answer = app.post(&format!("/api/v1/repositories/{id}/{verb}")).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text());
            assert!(answer.json()["detail"].as_str().unwrap().contains(reason), "{}", answer.text());
        }
        assert_eq!(app.get("/api/v1/jobs").await.count(), 0);
        let unknown = app.post(&format!("/api/v1/repositories/{}/sync", Uuid::now_v7())).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        assert_eq!(unknown.json()["detail"], "Repository not found");
        assert_eq!(app.post("/api/v1/repositories/7/scan").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    })
    .await;
}

#[tokio::test]
async fn every_route_that_changes_something_passes_the_rights_check() {
    on_each_engine(async |app| {
        let id = synced(app).await.to_string();
        let mut asked = 0;
        for (method, path, _) in operations().filter(|(method, ..)| !method.is_safe()) {
            let path = path.replace("{repository_id}", &id);
            let answer = app.request(method.clone(), &path, &[("sec-fetch-site", "cross-site")]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            asked += 1;
        }
        assert!(asked >= 2, "only {asked} operations change something");
        let by_form = app.request(Method::POST, "/ui/request_sync", &[("sec-fetch-site", "cross-site")]).await;
        assert_eq!(by_form.status, StatusCode::FORBIDDEN);
        assert_eq!(app.get("/api/v1/jobs").await.count(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_pages_ask_for_in_vain_has_the_status_that_says_so() {
    on_each_engine(async |app| {
        let missing = Uuid::now_v7();
        for (path, status) in [
            (format!("/ui/repository?id={missing}&query="), StatusCode::NOT_FOUND),
            (format!("/ui/resource?id={missing}&query="), StatusCode::NOT_FOUND),
            ("/ui/repository?query=".to_owned(), StatusCode::BAD_REQUEST),
            ("/ui/ecosystem?query=".to_owned(), StatusCode::OK),
        ] {
            let answer = app.request(Method::GET, &path, &[]).await;
            assert_eq!(answer.status, status, "{path}");
        }
    })
    .await;
}
