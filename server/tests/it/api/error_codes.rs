//! The envelope of errors: each code comes with its status, from a server that listens. That it says the same as the problem
//! around it is looked at with every answer of these tests.

use axum::http::{Request, StatusCode, header};
use store::db::ConnectionTrait as _;
use uuid::Uuid;

use crate::support::{Answer, Listening, RepositoryBuilder, on_each_engine};

/// Asks with a token and a body of some kind, where there are any.
async fn ask(server: &Listening, asked: &str, token: Option<&str>, body: Option<(&str, &str)>) -> Answer {
    let (verb, path) = asked.split_once(' ').unwrap();
    let mut request = Request::builder().method(verb).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some((kind, _)) = body {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    let body = body.map_or("", |(_, body)| body).to_owned();
    server.send(request.body(body).unwrap()).await
}

#[track_caller]
fn has_code(answer: &Answer, status: u16, code: &str) {
    let told = answer.json();
    assert_eq!((answer.status.as_u16(), &told["error"]["code"]), (status, &code.into()), "{told}");
    assert_eq!(answer.header("content-type"), "application/problem+json", "{told}");
    assert_eq!(told["request_id"], answer.header("x-request-id"), "{told}");
    assert!(told["request_id"].as_str().is_some_and(|id| id.parse::<Uuid>().is_ok()), "{told}");
    assert!(told["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{told}");
}

#[tokio::test]
async fn each_code_comes_with_its_status_from_a_running_server() {
    on_each_engine(async |app| {
        let server = app.listen("{}").await;
        let configured = RepositoryBuilder::new("ada/home-ops").store(app).await;
        let (admin, nobody) = (Some(app.token.as_str()), None);
        let (json, form) = ("application/json", "application/x-www-form-urlencoded");
        let unknown = format!("GET /api/v1/repositories/{}", Uuid::now_v7());
        let [sync, delete] = [("POST", "/sync"), ("DELETE", "")]
            .map(|(verb, end)| format!("{verb} /api/v1/repositories/{configured}{end}"));
        let wrong_password = "username=nobody@example.org&password=wrong";
        for (asked, token, body, status, code) in [
            ("GET /api/v1/repositories/?limit=0", nobody, None, 422, "INVALID_REQUEST"),
            ("POST /api/v1/login/access-token", nobody, Some((form, "username=a")), 422, "INVALID_REQUEST"),
            ("POST /api/v1/login/access-token", nobody, Some((form, wrong_password)), 400, "INVALID_REQUEST"),
            ("POST /api/v1/repositories/", admin, Some((json, "{")), 400, "INVALID_REQUEST"),
            (sync.as_str(), nobody, None, 401, "UNAUTHORIZED"),
            ("GET /api/v1/jobs", Some("no-token"), None, 403, "FORBIDDEN"),
            (unknown.as_str(), nobody, None, 404, "NOT_FOUND"),
            ("GET /api/v1/nothing", nobody, None, 404, "NOT_FOUND"),
            ("DELETE /api/v1/jobs", admin, None, 405, "METHOD_NOT_ALLOWED"),
            (delete.as_str(), admin, None, 409, "CONFLICT"),
            ("POST /api/v1/repositories/", admin, Some(("text/plain", "{}")), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ] {
            let answer = ask(&server, asked, token, body).await;
            has_code(&answer, status, code);
        }
        // What was refused of a request is told in both places.
        let refused = ask(&server, "GET /api/v1/repositories/?limit=0&skip=x", nobody, None).await.json();
        assert_eq!(refused["error"]["details"].as_array().unwrap().len(), 2, "{refused}");
        assert_eq!(refused["error"]["details"][1]["loc"], serde_json::json!(["query", "limit"]), "{refused}");

        let limited = app.listen("{rate_limits: {enabled: true, anonymous_per_hour: 1}}").await;
        assert_eq!(ask(&limited, "GET /api/v1/jobs", nobody, None).await.status, StatusCode::OK);
        has_code(&ask(&limited, "GET /api/v1/jobs", nobody, None).await, 429, "RATE_LIMIT_EXCEEDED");

        // What the program needs is not there any more.
        app.state.db.write.execute_unprepared("ALTER TABLE job RENAME TO job_elsewhere").await.unwrap();
        let failed = ask(&server, "GET /api/v1/jobs", nobody, None).await;
        has_code(&failed, 500, "INTERNAL_ERROR");
        assert!(!failed.text().contains("job"), "the cause is ours alone: {}", failed.text());
    })
    .await;
}
