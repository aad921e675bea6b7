//! Who may do what, by session, by token and by nobody; that each role is answered as it may be is told by `permissions`.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use entity::kind::Permission;
use leptos::server_fn::axum::server_fn_paths;
use serde_json::{Value, json};
use store::{accounts, repositories};
use uuid::Uuid;

use super::people::{account, ask, form, location, token};
use super::permissions::place;
use crate::support::{Change, Manifest, Nobody, RepositoryBuilder, day, on_each_engine, operations};

/// What an operation that takes JSON is to be asked with.
pub(super) fn body_of(operation: &str) -> Option<Value> {
    Some(match operation {
        "add_repositories" => json!({ "urls": ["https://example.org/a/b"] }),
        "create_account" => json!({ "email": "a@example.org", "role": "admin" }),
        "change_account" => json!({ "role": "admin" }),
        "change_role" => json!({ "permissions": ["admin"] }),
        "create_token" => json!({ "name": "a", "scopes": ["admin"] }),
        "change_own_account" => json!({ "full_name": "a" }),
        "get_next_access_token" => json!({ "refresh_token": "a" }),
        "change_watch" => json!({ "branch_regex": "^main$" }),
        "change_repository_access" => json!({ "token": "a" }),
        "change_forge_token" => json!({ "token": "a" }),
        "create_trigger" | "change_trigger" => {
            json!({ "name": "a", "target": { "flux": { "url": "https://example.org/hook" } } })
        }
        "test_condition" | "test_dry_run" => json!({ "condition": {} }),
        "change_trigger_secret" => json!({ "secret": "a" }),
        "test_trigger" => json!({ "branch_id": Uuid::nil() }),
        "replay_trigger" => json!({}),
        "validate_configuration" => json!({ "text": "app: {}" }),
        // A form.
        "get_access_token" => return None,
        webhook if webhook.starts_with("receive_") => json!({ "ref": "refs/heads/main" }),
        other => panic!("say what {other} is to be asked with"),
    })
}

#[tokio::test]
async fn every_operation_that_changes_something_asks_who_it_is() {
    on_each_engine(async |app| {
        let (_, viewer) = account(app, "vera@example.org", "viewer").await;
        let mut asked = 0;
        for (method, path, operation) in operations().filter(|(method, ..)| !method.is_safe()) {
            let (id, path) = (operation["operationId"].as_str().unwrap(), place(path));
            // These are for coming in, or about the account that asks.
            let own = operation["tags"][0] == "login" || operation["tags"][0] == "users";
            // Those ask for a secret, and who knows none is told that there is nothing.
            let is_webhook = operation["tags"][0] == "webhooks";
            let has_body = operation.get("requestBody").is_some();
            let body = has_body.then(|| body_of(id)).flatten();
            if body.is_some() != has_body {
                continue;
            }
            let nobody = ask(app, method.clone(), &path, None, body.clone()).await.status;
            let (expected, of_viewer) = match id {
                "end_own_session" => (StatusCode::OK, StatusCode::FORBIDDEN),
                _ if is_webhook => (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
                _ => (StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN),
            };
            assert_eq!(nobody, expected, "{method} {path} as nobody");
            if !own || operation["tags"][0] == "users" {
                let answer = ask(app, method.clone(), &path, Some(&viewer), body).await;
                assert_eq!(answer.status, of_viewer, "{method} {path} as a viewer");
            }
            asked += 1;
        }
        assert!(asked > 20, "{asked} operations were asked");
        assert_eq!(accounts::count_accounts(&app.state.db.read).await.unwrap(), 2, "the tests' own and the viewer");
    })
    .await;
}

#[tokio::test]
async fn every_form_that_changes_something_asks_who_it_is() {
    on_each_engine(async |app| {
        let id = Uuid::nil().to_string();
        let fields = [
            ("id", id.as_str()),
            ("act", "sync"),
            ("name", "prune"),
            ("urls", "a/b"),
            ("from", "/"),
            ("theme", "dark"),
        ];
        let mut asked = 0;
        for (path, method) in server_fn_paths().filter(|(_, method)| *method == Method::POST) {
            let answer = form(app, path, &fields, None).await;
            if path.contains("theme") {
                assert!(
                    answer.status.is_success() || answer.status.is_redirection(),
                    "{path}: colours are everybody's"
                );
                continue;
            }
            assert!(
                matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST),
                "{method} {path} as nobody: {}",
                answer.status
            );
            asked += 1;
        }
        assert!(asked > 5, "{asked} forms were sent");
        let told = store::jobs::list_jobs(&app.state.db.read, &entity::view::JobFilter::default()).await.unwrap();
        assert_eq!(told.count, 0, "no job was asked for");
    })
    .await;
}

#[tokio::test]
async fn roles_and_tokens_allow_what_they_say_and_no_more() {
    on_each_engine(async |app| {
        let commits = || vec![Change::Create(Manifest::release("podinfo", "6.0.0"))];
        let one = RepositoryBuilder::new("ada/one").commit(2, "Add", commits()).store(app).await;
        let two = RepositoryBuilder::new("grace/two").commit(2, "Add", commits()).store(app).await;
        let sync = |id: Uuid| format!("/api/v1/repositories/{id}/sync");
        let (developer, all) = account(app, "dev@example.org", "developer").await;
        assert_eq!(ask(app, Method::POST, &sync(one), Some(&all), None).await.status, StatusCode::ACCEPTED);
        // An admin's scope gives a developer no admin's rights.
        let answer = ask(app, Method::GET, "/api/v1/admin/users", Some(&all), None).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        let reads = token(app, developer, &[Permission::Read], &[]).await;
        assert_eq!(ask(app, Method::POST, &sync(one), Some(&reads), None).await.status, StatusCode::FORBIDDEN);
        let some = token(app, developer, &[Permission::Read, Permission::ManageRepositories], &["ada/*"]).await;
        assert_eq!(ask(app, Method::POST, &sync(one), Some(&some), None).await.status, StatusCode::ACCEPTED);
        assert_eq!(ask(app, Method::POST, &sync(two), Some(&some), None).await.status, StatusCode::FORBIDDEN);
        // One for a repository is for its branches that are scanned beside it as well.
        let alone = token(app, developer, &[Permission::Read, Permission::ManageRepositories], &["ada/one"]).await;
        for (of, right) in [(one, StatusCode::ACCEPTED), (two, StatusCode::FORBIDDEN)] {
            let branch = ["team/qa".to_owned()];
            let pinned = repositories::pin_branches(&app.state.db.write, of, &branch, day(2)).await.unwrap();
            assert_eq!(ask(app, Method::POST, &sync(pinned[0].0), Some(&alone), None).await.status, right);
        }
        let all_at_once = ask(app, Method::POST, "/api/v1/repositories/sync", Some(&some), None).await;
        assert_eq!(all_at_once.status, StatusCode::FORBIDDEN);
        // One that may only change is told so where it reads, and changes what it may.
        let pipelines = token(app, developer, &[Permission::ManagePipelines], &[]).await;
        let answer = ask(app, Method::GET, "/api/v1/triggers", Some(&pipelines), None).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.json()["detail"].as_str().unwrap().ends_with("read is needed"), "{}", answer.json());
        let condition = || Some(json!({ "condition": {} }));
        let answer = ask(app, Method::POST, "/api/v1/triggers/check", Some(&pipelines), condition()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(ask(app, Method::POST, &sync(one), Some(&pipelines), None).await.status, StatusCode::FORBIDDEN);
        // A token is no person: it makes no other, and changes nothing of its account.
        let wanted = json!({ "name": "more", "scopes": ["read"] });
        for token in [&some, &all] {
            let answer = ask(app, Method::POST, "/api/v1/users/me/tokens", Some(token), Some(wanted.clone())).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            let renamed = Some(json!({ "full_name": "Eve" }));
            let answer = ask(app, Method::PUT, "/api/v1/users/me", Some(token), renamed).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
        }
        // What somebody mistyped, and what is no token at all.
        let mut mistyped = some.clone();
        mistyped.replace_range(6..7, if &some[6..7] == "a" { "b" } else { "a" });
        for wrong in [mistyped.as_str(), "kst_", "a.b.c", ""] {
            let answer = ask(app, Method::GET, "/api/v1/me", Some(wrong), None).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{wrong}");
            assert_eq!(answer.json()["detail"], "Could not validate credentials");
        }
        // Whoever is switched off is nobody at once.
        accounts::set_active(&app.state.db.write, developer, false).await.unwrap();
        assert_eq!(ask(app, Method::POST, &sync(one), Some(&some), None).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn without_anonymous_reading_nothing_is_read_but_how_one_comes_in() {
    on_each_engine(async |app| {
        let closed = app.with_config("server: {anonymous_read: false}");
        let page = |path: &'static str| {
            let request = Request::get(path).header(header::ACCEPT, "text/html");
            closed.send(request.body(Body::empty()).unwrap())
        };
        let answer = page("/charts?text=a").await;
        assert_eq!((answer.status, location(&answer)), (StatusCode::SEE_OTHER, "/sign-in?from=%2Fcharts%3Ftext%3Da"));
        for path in ["/api/v1/repositories/", "/api/v1/stream", "/api/v1/openapi.json", "/ui/repositories?query="] {
            let answer = closed.raw(Request::get(path).extension(Nobody).body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        }
        for path in ["/health", "/api/health", "/health/live"] {
            assert!(closed.get(path).await.status.is_success(), "{path}");
        }
        let (_, viewer) = account(&closed, "vera@example.org", "viewer").await;
        let answer = ask(&closed, Method::GET, "/api/v1/repositories/", Some(&viewer), None).await;
        assert_eq!(answer.status, StatusCode::OK);
    })
    .await;
}
