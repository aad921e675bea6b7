//! A configuration is looked at before it is put in force, and nothing is.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use super::{FULL, Process};
use crate::support::{Answer, Nobody, on_each_engine};

async fn check(process: &Process, text: &str, kind: &str) -> Answer {
    let request = Request::post("/api/v1/config/validate").header(header::CONTENT_TYPE, kind);
    process.app.send(request.body(Body::from(text.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_configuration_is_checked_without_any_effect() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        let told =
            check(&process, "app: {listen: nowhere}\nrepositories: [{url: 'ftp://h/a'}]", "application/yaml").await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text());
        let told = told.json();
        assert_eq!((told["is_valid"].as_bool(), told["errors"].as_array().unwrap().len()), (Some(false), 2));
        assert_eq!(told["errors"][0]["key"], "app.listen");
        let valid = check(&process, FULL, "text/yaml; charset=utf-8").await.json();
        assert_eq!(valid, serde_json::json!({ "is_valid": true, "errors": [] }));
        assert!(process.in_force.get().repositories.is_empty() && process.reloads().await.is_empty());
        // It shows nothing of other files.
        let told = check(&process, "repositories_config: /etc/passwd", "application/yaml").await.text();
        assert!(told.contains("is none of the files in use") && !told.contains("root:"), "{told}");
        let other = check(&process, "{}", "application/json").await;
        assert_eq!(other.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let request = Request::post("/api/v1/config/validate").extension(Nobody).body(Body::empty()).unwrap();
        assert_eq!(process.app.send(request).await.status, StatusCode::UNAUTHORIZED);
        // Of a process that cannot read its own again it is said.
        assert_eq!(app.post("/api/v1/config/reload").await.status, StatusCode::CONFLICT);
    })
    .await;
}
