//! What every answer has in common: ids, headers, compression, errors.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};

use server::web::listen;

use crate::support::{Change, Manifest, RepositoryBuilder, on_each_engine};

#[tokio::test]
async fn unknown_paths_and_verbs_of_the_api_are_problems() {
    on_each_engine(async |app| {
        for path in ["/api/", "/api/v2/repositories", "/api/v1/nothing", "/assets/none.js"] {
            let detail = app.missing(path).await;
            assert!(detail.contains(path), "{detail}");
        }
        let answer = app.request(Method::DELETE, "/api/v1/jobs", &[]).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.header("allow").contains("GET"), "{:?}", answer.headers);
    })
    .await;
}

#[tokio::test]
async fn every_answer_has_an_id_and_the_security_headers() {
    on_each_engine(async |app| {
        for path in ["/api/v1/jobs", "/api/v1/nothing", "/health", "/docs/", "/"] {
            let answer = app.get_with(path, &[(header::HeaderName::from_static("x-request-id"), "mine")]).await;
            assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        }
        let problem = app.get("/api/v1/nothing").await;
        let instance = problem.json()["instance"].as_str().unwrap().to_owned();
        assert_eq!(instance, format!("urn:uuid:{}", problem.header("x-request-id")));
    })
    .await;
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_ask() {
    on_each_engine(async |app| {
        let many = (0..40).map(|number| Change::Create(Manifest::config_map(format!("map-{number}")))).collect();
        RepositoryBuilder::new("ada/home-ops").commit(2, "Add many", many).store(app).await;
        let path = "/api/v1/kubernetes/resources";
        let plain = app.get(path).await;
        assert_eq!(plain.header("content-encoding"), "");
        let accepted = "gzip, deflate, br, zstd";
        let request = Request::get(path).header(header::ACCEPT_ENCODING, accepted).body(Body::empty()).unwrap();
        let response = app.raw(request).await;
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert!(response.headers()["vary"].to_str().unwrap().contains("accept-encoding"));
        assert_eq!(response.headers()["etag"], plain.header("etag"));
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(body.len() * 4 < plain.body.len(), "{} of {}", body.len(), plain.body.len());
        let unknown = app.get_with(path, &[(header::ACCEPT_ENCODING, "br")]).await;
        assert_eq!((unknown.header("content-encoding"), &unknown.body), ("", &plain.body));
    })
    .await;
}

#[tokio::test]
async fn large_requests_are_refused() {
    on_each_engine(async |app| {
        let request = Request::post("/api/v1/repositories/x/sync").header(header::CONTENT_LENGTH, 10_000_000);
        let response = app.raw(request.body(Body::from(vec![b'x'; 10_000_000])).unwrap()).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["error"]["code"], body["request_id"].is_string()), (&"PAYLOAD_TOO_LARGE".into(), true));
    })
    .await;
}

#[tokio::test]
async fn what_does_not_come_in_time_is_said_to_be_late() {
    on_each_engine(async |app| {
        for path in ["/api/v1/auth/refresh", "/sign-in", "/ui/theme"] {
            let kind = if path.starts_with("/api") { "application/json" } else { "application/x-www-form-urlencoded" };
            let request = Request::post(path).header(header::CONTENT_TYPE, kind).extension(listen::Late);
            let answer = app.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT, "{path}");
            let body = answer.json();
            assert_eq!((&body["error"]["code"], body["request_id"].is_string()), (&"REQUEST_TIMEOUT".into(), true));
        }
    })
    .await;
}

#[tokio::test]
async fn asking_for_the_head_alone_gives_the_same_tag_and_no_body() {
    on_each_engine(async |app| {
        let whole = app.get("/api/v1/jobs").await;
        let request = Request::head("/api/v1/jobs").body(Body::empty()).unwrap();
        let response = app.raw(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["etag"], whole.header("etag"));
        assert!(axum::body::to_bytes(response.into_body(), 100).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_problem_can_be_read_by_those_who_ask_for_compression() {
    on_each_engine(async |app| {
        for encoding in ["gzip", "gzip, br"] {
            let answer = app.get_with("/api/v1/ecosystem/latest", &[(header::ACCEPT_ENCODING, encoding)]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            assert_eq!(answer.header("content-encoding"), "");
            assert_eq!(answer.json()["status"], 404);
        }
    })
    .await;
}
