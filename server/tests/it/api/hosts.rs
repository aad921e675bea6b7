//! Requests for a name that is not the program's own: a page whose name was made to lead here.

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use entity::view::RepositoryFilter;
use serde_json::Value;
use store::repositories;

use crate::support::{TestApp, on_each_engine};

const FOREIGN: &str = "rebound.example:3000";

/// What a browser sends for a page of that name: for it, both are one origin.
async fn ask(app: &TestApp, method: Method, path: &str, host: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, host)
        .header(header::ORIGIN, format!("http://{host}"))
        .header("x-forwarded-host", "localhost")
        .header("sec-fetch-site", "same-origin")
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()));
    let response = app.raw(request.unwrap()).await;
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn a_foreign_name_can_neither_read_nor_act_and_is_told_which_key_names_it() {
    on_each_engine(async |app| {
        let adds = "urls=https://140.82.121.3/ada/home-ops";
        for (method, path, body) in [
            (Method::GET, "/", ""),
            (Method::GET, "/repositories", ""),
            (Method::GET, "/api/v1/repositories/", ""),
            (Method::GET, "/api/v1/nothing", ""),
            (Method::GET, "/docs/", ""),
            (Method::GET, "/assets/none.js", ""),
            (Method::OPTIONS, "/api/v1/repositories/", ""),
            (Method::POST, "/ui/add", adds),
            (Method::POST, "/api/v1/ecosystem/trigger-aggregation", ""),
        ] {
            let (status, problem) = ask(app, method, path, FOREIGN, body).await;
            assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{path}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(FOREIGN) && detail.contains("app.allowed_hosts"), "{path}: {detail}");
        }
        let found = repositories::list_repositories(&app.state.db.read, &RepositoryFilter::default()).await.unwrap();
        assert_eq!(found.count, 0, "a foreign page has added a repository");
        // The same request under a name of ours does it.
        let (status, _) = ask(app, Method::POST, "/ui/add", "localhost:3000", adds).await;
        assert_eq!(status, StatusCode::FOUND);
        let found = repositories::list_repositories(&app.state.db.read, &RepositoryFilter::default()).await.unwrap();
        assert_eq!(found.count, 1);
    })
    .await;
}

#[tokio::test]
async fn health_is_told_under_any_name_and_all_under_those_of_this_machine() {
    on_each_engine(async |app| {
        for path in ["/health", "/health/live", "/health/ready", "/api/health", "/api/health/db", "/api/health/redis"] {
            assert_eq!(ask(app, Method::GET, path, FOREIGN, "").await.0, StatusCode::OK, "{path}");
        }
        for host in ["localhost:3000", "kubestats.localhost", "127.0.0.1:3000", "[::1]:3000", "192.168.1.7"] {
            assert_eq!(ask(app, Method::GET, "/api/v1/repositories/", host, "").await.0, StatusCode::OK, "{host}");
        }
    })
    .await;
}
