//! The description of the API: locked, served, complete.

use std::{collections::BTreeSet, path::Path};

use axum::http::{StatusCode, header};
use server::web::api::openapi;

use crate::support::{errors_of, on_each_engine, operations};

/// Set to write `server/openapi.json` anew.
const UPDATE: &str = "KUBESTATS_UPDATE_OPENAPI";

#[test]
fn description_is_the_locked_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let now = format!("{}\n", serde_json::to_string_pretty(&openapi::document()).unwrap());
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let locked = std::fs::read_to_string(&path).unwrap_or_default();
    if now != locked {
        let differing = now.lines().zip(locked.lines()).position(|(now, locked)| now != locked);
        panic!(
            "the API changed: look at the difference and run this test with {UPDATE}=1 to lock it; first differing line of \
             server/openapi.json: {differing:?}"
        );
    }
}

#[test]
fn every_operation_has_its_own_name_made_of_verb_and_word() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations() {
        let name = operation["operationId"].as_str().unwrap_or_default();
        let first = name.split('_').next().unwrap_or_default();
        let verbs = [
            "list", "get", "search", "find", "compare", "diff", "sync", "scan", "stream", "cancel", "trigger", "add",
            "approve", "block", "delete", "discover", "create", "change", "end", "revoke", "enable", "disable", "test",
            "replay", "reload", "validate", "receive",
        ];
        assert!(verbs.contains(&first) && name.contains('_'), "{method} {path} is named {name:?}");
        assert!(names.insert(name), "{name} stands twice");
        assert!(operation["summary"].is_string(), "{name} has no summary");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{name}: {} is not described", parameter["name"]);
        }
    }
}

#[test]
fn every_parameter_accepts_its_own_default_and_is_one_thing() {
    let mut defaults = 0;
    for (_, path, operation) in operations() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let (place, schema) = (format!("{path}: {}", parameter["name"]), &parameter["schema"]);
            assert!(schema["allOf"].is_null(), "{place} is a mixture, which generators make no type of");
            if !schema["default"].is_null() {
                defaults += 1;
                let wrong = errors_of(schema, &schema["default"]);
                assert!(wrong.is_empty(), "{place} does not accept its own default: {wrong:?}");
            }
        }
    }
    assert!(defaults > 20, "only {defaults} defaults were looked at");
}

#[tokio::test]
async fn description_and_documentation_are_served_from_the_program() {
    on_each_engine(async |app| {
        let answer = app.get("/api/v1/openapi.json").await;
        assert_eq!(answer.json(), serde_json::to_value(openapi::document()).unwrap());
        app.holds_etag("/api/v1/openapi.json").await;
        assert_eq!(app.get("/docs").await.status, StatusCode::SEE_OTHER);
        assert_eq!(app.get("/swagger/doc.json").await.status, StatusCode::SEE_OTHER);
        let page = app.get("/docs/").await;
        assert!(page.status == StatusCode::OK && page.text().contains("swagger-ui"), "{}", page.text());
        assert!(!page.text().contains("http://") && !page.text().contains("https://"), "nothing comes from elsewhere");
        assert!(page.header("content-security-policy").contains("script-src 'self'"));
        let start = app.get("/docs/swagger-initializer.js").await.text();
        assert!(start.contains("/api/v1/openapi.json"), "{start}");
        // What the page names is there, packed for who takes it, and whole for who does not.
        for name in ["swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-ui.css"] {
            assert!(page.text().contains(name), "{name}");
            let at = format!("/docs/{name}");
            let packed = app.get_with(&at, &[(header::ACCEPT_ENCODING, "gzip")]).await;
            assert_eq!((packed.status, packed.header("content-encoding")), (StatusCode::OK, "gzip"), "{name}");
            let whole = app.get(&at).await;
            assert!(whole.header("content-encoding").is_empty() && whole.text().contains("swagger-ui"), "{name}");
            assert!(packed.body.len() * 2 < whole.body.len(), "{name}");
            app.holds_etag(&at).await;
        }
        assert_eq!(app.get("/docs/swagger-ui-es-bundle.js").await.status, StatusCode::NOT_FOUND);
    })
    .await;
}
