//! What a request brings is read once, from one place, under the names that are known there and by their types; nothing else of
//! it has any effect, and there is nothing but what is described.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use entity::kind::Role;
use serde_json::{Value, json};
use store::accounts;

use super::people::{PASSWORD, account, ask, cookie, form, location, person};
use super::permissions::{place, session};
use super::rights::body_of;
use crate::support::{Answer, RepositoryBuilder, TestApp, on_each_engine, operations};

/// Somebody who may do everything, in person.
async fn admin(app: &TestApp) -> String {
    session(app, app.admin_id().await).await
}

#[tokio::test]
async fn every_operation_refuses_fields_that_it_does_not_know_and_values_of_another_type() {
    on_each_engine(async |app| {
        let who = admin(app).await;
        let mut asked = 0;
        for (method, path, operation) in operations() {
            let path = place(path);
            let id = operation["operationId"].as_str().unwrap();
            // What forges and Tekton send has more than is read, as they please.
            if operation["requestBody"]["content"]["application/json"].is_null() || id.starts_with("receive_") {
                continue;
            }
            let known = body_of(id).unwrap();
            let refused = async |body: Value, what: &str| -> Answer {
                let answer = ask(app, method.clone(), &path, Some(&who), Some(body)).await;
                assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{id} takes {what}: {}", answer.text());
                answer
            };
            let mut more = known.clone();
            more["surprise"] = json!(true);
            let answer = refused(more, "a field that it does not know").await;
            assert!(answer.text().contains("surprise"), "{id} does not say which field: {}", answer.text());
            for (what, body) in [("a list", json!([known])), ("a text", json!("{}")), ("a number", json!(7))] {
                refused(body, what).await;
            }
            for (field, value) in known.as_object().unwrap() {
                let mut other = known.clone();
                other[field] = if value.is_string() { json!(7) } else { json!("7") };
                refused(other, &format!("{field} of another type")).await;
            }
            asked += 1;
        }
        assert!(asked > 12, "{asked} operations were asked");
        assert_eq!(accounts::count_accounts(&app.state.db.read).await.unwrap(), 1, "somebody was made");
    })
    .await;
}

#[tokio::test]
async fn every_parameter_is_taken_once_and_from_its_own_place() {
    on_each_engine(async |app| {
        let who = admin(app).await;
        let mut asked = 0;
        for (method, path, operation) in operations() {
            let path = place(path);
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for parameter in parameters.filter(|parameter| parameter["in"] == "query") {
                let name = parameter["name"].as_str().unwrap();
                for values in [["1", "1"], ["1", "2"]] {
                    let twice = format!("{path}?{name}={}&{name}={}", values[0], values[1]);
                    let answer = ask(app, method.clone(), &twice, Some(&who), None).await;
                    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{twice}: {}", answer.text());
                    assert!(answer.text().contains("give each parameter once"), "{twice}: {}", answer.text());
                }
                asked += 1;
            }
        }
        assert!(asked > 100, "{asked} parameters were given twice");

        // What belongs into a body is not read from the address, nor the other way round.
        let refresh = "/api/v1/auth/refresh?refresh_token=x";
        let answer = ask(app, Method::POST, refresh, None, Some(json!({}))).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        person(app, "grace@example.org", Role::User).await;
        let right = [("email", "grace@example.org"), ("password", PASSWORD)];
        let [email, password] = right;
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(right).finish();
        for (address, fields) in [
            (format!("/sign-in?{query}"), vec![]),
            ("/sign-in".to_owned(), vec![email, password, email]),
            ("/sign-in".to_owned(), vec![("email", "eve@example.org"), email, password]),
        ] {
            let answer = form(app, &address, &fields, None).await;
            assert!(
                answer.status.is_client_error() && cookie(&answer).is_none(),
                "{address} {fields:?}: {}",
                answer.status
            );
        }
        assert!(cookie(&form(app, "/sign-in", &right, None).await).is_some(), "once is right");
    })
    .await;
}

#[tokio::test]
async fn what_is_escaped_twice_is_unescaped_once() {
    on_each_engine(async |app| {
        RepositoryBuilder::new("ada/x%41").store(app).await;
        RepositoryBuilder::new("ben/xA").store(app).await;
        for (written, found) in [("x%2541", &["ada/x%41"][..]), ("x%41", &["ben/xA"][..]), ("x%252541", &[][..])] {
            let answer = app.get(&format!("/api/v1/repositories/search?q={written}")).await;
            assert_eq!(answer.column("full_name"), found, "{written}");
        }
        // What is refused is refused by what it means, and nothing that only looks like it.
        for text in ["%00", "a%00"] {
            app.refused(&format!("/api/v1/repositories/search?q={text}")).await;
        }
        assert_eq!(app.get("/api/v1/repositories/search?q=%2500").await.count(), 0, "a text like any other");
        person(app, "grace@example.org", Role::User).await;
        for from in ["//evil.example", "%2F%2Fevil.example", "/%2Fevil.example"] {
            let fields = [("email", "grace@example.org"), ("password", PASSWORD), ("from", from)];
            let answer = form(&app.with_config("discovery: {enabled: false}"), "/sign-in", &fields, None).await;
            let place = location(&answer);
            assert!(place == "/" || place == "/%2Fevil.example", "{from}: {place}");
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_themselves_more_by_fields_that_are_not_theirs_to_set() {
    on_each_engine(async |app| {
        let (id, _) = account(app, "grace@example.org", "viewer").await;
        let who = session(app, id).await;
        let own = async || ask(app, Method::GET, "/api/v1/users/me", Some(&who), None).await.json();
        let before = own().await;
        for (field, value) in [
            ("role", json!("admin")),
            ("is_superuser", json!(true)),
            ("is_active", json!(true)),
            ("permissions", json!(["admin"])),
            ("id", json!("00000000-0000-0000-0000-000000000001")),
            ("password_hash", json!("$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA")),
            ("has_second_factor", json!(true)),
            ("created_at", json!("2020-01-01T00:00:00Z")),
        ] {
            let body = json!({ "full_name": "Grace", field: value });
            let answer = ask(app, Method::PUT, "/api/v1/users/me", Some(&who), Some(body)).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {}", answer.text());
            assert_eq!(own().await, before, "{field} was set");
        }
        // Forms have their own fields; what stands beside them is nobody's.
        let body = "email=grace@example.org&full_name=Grace&role=admin&is_superuser=true&permissions[]=admin";
        let request = Request::post("/ui/change_profile")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, format!("Bearer {who}"));
        let answer = app.send(request.body(Body::from(body)).unwrap()).await;
        assert!(answer.status.is_success() || answer.status.is_redirection(), "{}: {}", answer.status, answer.text());
        let after = own().await;
        assert_eq!((&after["full_name"], &after["role"]), (&json!("Grace"), &json!("viewer")), "{after}");
        assert_eq!((&after["is_superuser"], &after["permissions"]), (&json!(false), &before["permissions"]), "{after}");

        let wanted = json!({ "email": "lin@example.org", "role": "viewer" });
        let invited = ask(app, Method::POST, "/api/v1/admin/users", Some(&app.token), Some(wanted)).await.json();
        let fields = [("password", PASSWORD), ("role", "admin"), ("is_superuser", "true")];
        let taken = form(app, invited["link"].as_str().unwrap(), &fields, None).await;
        assert_eq!(location(&taken), "/sign-in?chosen");
        let lin = accounts::find_credentials_by_email(&app.state.db.read, "lin@example.org").await.unwrap().unwrap();
        let lin = accounts::find_account(&app.state.db.read, lin.id).await.unwrap().unwrap();
        assert_eq!((lin.role.as_str(), lin.is_superuser), ("viewer", false));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_served_that_only_makers_and_attackers_look_for() {
    on_each_engine(async |app| {
        for path in [
            "/.env",
            "/.git/config",
            "/.git/HEAD",
            "/Cargo.toml",
            "/kubestats.yaml",
            "/data/kubestats.db",
            "/assets/",
            "/server-status",
            "/debug/pprof/",
            "/actuator/env",
            "/trace.axd",
            "/console",
            "/graphql",
            "/phpinfo.php",
            "/api/v1/debug",
            "/api/v1/admin/",
            "/ui/",
            "/live_reload",
        ] {
            let answer = app.get_with(path, &[(header::ACCEPT, "text/html")]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text());
        }
        let page = app.get_with("/", &[(header::ACCEPT, "text/html")]).await.text();
        assert!(!page.contains("live_reload") && !page.contains("ws://"), "{page}");
        let answer = app.get("/api/v1/jobs").await;
        for name in ["server", "x-powered-by", "x-aspnet-version", "via"] {
            assert_eq!(answer.header(name), "", "{name} says what it is made of");
        }
    })
    .await;
}
