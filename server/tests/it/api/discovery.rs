//! Adding repositories, and what people decide about them.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use entity::kind::SyncStatus;
use serde_json::{Value, json};
use store::repositories;
use uuid::Uuid;

use crate::support::{Answer, RepositoryBuilder, TestApp, day, on_each_engine};

async fn add(app: &TestApp, urls: &[&str]) -> Answer {
    let body = json!({ "urls": urls }).to_string();
    let request = Request::post("/api/v1/repositories/").header(header::CONTENT_TYPE, "application/json");
    app.send(request.body(Body::from(body)).unwrap()).await
}

fn refusal(answer: &Value) -> &str {
    answer["refused"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn what_cannot_be_added_is_refused_with_the_reason() {
    on_each_engine(async |app| {
        let cases = [
            ("nonsense", "no address"),
            ("https://github.com/", "no repository"),
            ("ftp://192.88.99.1/a/b", "scheme"),
            ("file:///etc", "configuration"),
            ("http://140.82.121.3/a/b", "require_https"),
            ("https://me:secret@140.82.121.3/a/b", "credentials"),
            ("https://127.0.0.1/a/b", "loopback"),
            ("https://localhost/a/b", "loopback"),
            ("https://[::ffff:10.0.0.1]/a/b", "private"),
            ("https://169.254.169.254/latest/meta-data", "link-local"),
            ("git@10.0.0.1:a/b.git", "private"),
            ("ssh://git@192.168.1.1/a/b", "private"),
            ("https://140.82.121.3/spam/b", "discovery.block"),
        ];
        let urls: Vec<&str> = cases.iter().map(|(url, _)| *url).collect();
        let answer = add(app, &urls).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(!answer.text().contains("secret"), "{}", answer.text());
        let body = answer.json();
        for (index, (url, reason)) in cases.iter().enumerate() {
            let found = &body["data"][index];
            assert!(refusal(found).contains(reason), "{url}: {found}");
            assert_eq!(found["added"], false);
        }
        assert_eq!(app.get("/api/v1/repositories/").await.count(), 0);
        assert_eq!(app.get("/api/v1/jobs").await.count(), 0);
    })
    .await;
}

#[tokio::test]
async fn many_are_added_at_once_and_each_only_once() {
    on_each_engine(async |app| {
        // Literal public addresses need no name server.
        let first = "https://140.82.121.3/Ada/home-ops/";
        let answer =
            add(app, &[first, "https://140.82.121.3/ada/home-ops.git", "https://140.82.121.3/ben/cluster"]).await;
        let body = answer.json();
        assert_eq!((&body["data"][0]["added"], &body["data"][1]["added"]), (&json!(true), &json!(false)));
        assert!(refusal(&body["data"][1]).contains("twice"), "{body}");
        assert_eq!(body["data"][1]["repository_id"], body["data"][0]["repository_id"]);
        assert_eq!(app.get("/api/v1/repositories/").await.count(), 2);
        let jobs = app.get("/api/v1/jobs?kind=sync_repository").await;
        assert_eq!(jobs.count(), 2);
        let again = add(app, &[first]).await.json();
        assert!(refusal(&again["data"][0]).contains("here already"), "{again}");
        let id = body["data"][0]["repository_id"].as_str().unwrap();
        let repository = app.get(&format!("/api/v1/repositories/{id}")).await.json();
        assert_eq!((&repository["origin"], &repository["full_name"]), (&json!("added"), &json!("Ada/home-ops")));
    })
    .await;
}

#[tokio::test]
async fn lists_that_are_none_are_refused() {
    on_each_engine(async |app| {
        assert_eq!(add(app, &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(add(app, &vec!["x"; 1_001]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let send = async |kind: &str, body: &str| {
            let request = Request::post("/api/v1/repositories/").header(header::CONTENT_TYPE, kind);
            app.send(request.body(Body::from(body.to_owned())).unwrap()).await.status
        };
        assert_eq!(send("application/json", "{").await, StatusCode::BAD_REQUEST);
        assert_eq!(send("application/json", "{\"url\": 1}").await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(send("text/plain", "{}").await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    })
    .await;
}

#[tokio::test]
async fn approving_blocking_and_deleting_last() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/large").store(app).await;
        let path = |verb: &str| format!("/api/v1/repositories/{id}/{verb}");
        let not_now = app.post(&path("approve")).await;
        assert_eq!(not_now.status, StatusCode::BAD_REQUEST, "{}", not_now.text());
        repositories::record_set_aside(&app.state.db.write, id, "it has 140 MB", day(2)).await.unwrap();
        assert_eq!(app.post(&path("approve")).await.status, StatusCode::OK);
        let target = repositories::sync_target(&app.state.db.read, id).await.unwrap().unwrap();
        assert!(target.approved && target.sync_status == SyncStatus::Pending);
        assert_eq!(app.get("/api/v1/jobs?kind=sync_repository").await.count(), 1);

        assert_eq!(app.post(&path("block")).await.status, StatusCode::OK);
        // A sync that runs meanwhile does not undo it.
        repositories::record_sync_started(&app.state.db.write, id).await.unwrap();
        let blocked = app.get(&format!("/api/v1/repositories/{id}")).await.json();
        assert_eq!((&blocked["sync_status"], &blocked["sync_error"]), (&json!("blocked"), &json!("blocked by hand")));

        let configured = app.request(Method::DELETE, &format!("/api/v1/repositories/{id}"), &[]).await;
        assert_eq!(configured.status, StatusCode::CONFLICT, "{}", configured.text());
        let added = add(app, &["https://140.82.121.3/ada/cluster"]).await.json();
        let url = format!("/api/v1/repositories/{}", added["data"][0]["repository_id"].as_str().unwrap());
        assert_eq!(app.request(Method::DELETE, &url, &[]).await.status, StatusCode::OK);
        assert_eq!(app.missing(&url).await, "Repository not found");
        assert_eq!(app.get("/api/v1/discovery").await.json()["deleted"], 1);
        assert_eq!(app.request(Method::DELETE, &url, &[]).await.status, StatusCode::NOT_FOUND);
        // Who adds it again wants it back.
        assert_eq!(add(app, &["https://140.82.121.3/ada/cluster"]).await.json()["data"][0]["added"], true);
        assert_eq!(app.get("/api/v1/discovery").await.json()["deleted"], 0);
        for verb in ["approve", "block"] {
            let unknown = app.post(&format!("/api/v1/repositories/{}/{verb}", Uuid::now_v7())).await;
            assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        }
    })
    .await;
}

#[tokio::test]
async fn discovery_is_a_job_and_tells_what_it_covers() {
    on_each_engine(async |app| {
        let accepted = app.post("/api/v1/repositories/discover").await;
        assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.text());
        let body = accepted.json();
        let message = format!("Repository discovery task started: {}", body["job_id"].as_str().unwrap());
        assert_eq!(body["message"], message);
        let coverage = app.get("/api/v1/discovery").await.json();
        assert_eq!(coverage["settings"]["topics"], json!(["kubesearch", "k8s-at-home"]));
        assert_eq!((&coverage["last"], &coverage["rejected"]["count"]), (&Value::Null, &json!(0)));
        app.holds_etag("/api/v1/discovery").await;
        assert_eq!(app.refused("/api/v1/discovery?reason=nonsense&limit=0").await, ["query.reason", "query.limit"]);
    })
    .await;
}
