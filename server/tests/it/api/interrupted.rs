//! What is done and that it was done are one: where it can't be told, it is not done, whatever it is.

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::{Method, StatusCode};
use chrono::Utc;
use entity::kind::{JobRequest, Permission, Priority, RequestedBy, Role};
use entity::view::{AuditFilter, PageQuery};
use serde_json::{Value, json};
use store::accounts;
use store::db::ConnectionTrait as _;

use super::people::{PASSWORD, account, ask, by_cookie, cookie, form, known, location, login, person, token};
use super::permissions::session;
use super::triggers::deliveries::give_up;
use super::triggers::{make, push, send, tell, watched};
use crate::backup::all_rows;
use crate::support::{Answer, Change, Manifest, RepositoryBuilder, TestApp, day, on_each_engine, operations};

/// What changes nothing, is told nowhere, or asks somebody else first, and by which test that is shown.
const OTHERS: [&str; 7] = [
    "test_condition",
    "test_dry_run",
    "get_next_access_token",
    // By `programs_and_people_come_in_and_leave_whole` below.
    "get_access_token",
    // By `forges`: the forge has to take it.
    "change_forge_token",
    // By `reload`: these processes have no configuration.
    "reload_configuration",
    "validate_configuration",
];

/// How much is told.
async fn told(app: &TestApp) -> u64 {
    let filter = AuditFilter::default();
    store::audit::list_audit_entries(&app.state.db.read, &filter, PageQuery::default()).await.unwrap().count
}

/// Asks while nothing can be told: it fails, and no row of any table is another one afterwards.
async fn fails_whole(app: &TestApp, what: &str, ask: impl AsyncFn() -> Answer) {
    let rename = async |from: &str, to: &str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        app.state.db.write.execute_unprepared(&sql).await.unwrap();
    };
    let before = all_rows(&app.state.db).await;
    rename("audit_entry", "audit_entry_away").await;
    let answer = ask().await;
    rename("audit_entry_away", "audit_entry").await;
    assert!(answer.status.is_server_error(), "{what} is done without a word: {} {}", answer.status, answer.text());
    let after = all_rows(&app.state.db).await;
    let gone = before.iter().filter(|row| !after.contains(row));
    let came = after.iter().filter(|row| !before.contains(row));
    let differ: Vec<&String> = gone.chain(came).collect();
    assert!(differ.is_empty(), "{what} left something: {differ:#?}");
}

/// An operation, and what it is asked with.
type Asked = (&'static str, Method, String, Option<Value>);

/// Everything that can be asked for by REST, in an order in which each finds what it needs.
async fn everything(app: &TestApp) -> Vec<Asked> {
    let (db, now) = (&app.state.db, Utc::now());
    let schedules = server::config::parse(Path::new("test"), "", [].into()).unwrap().schedules;
    server::jobs::schedule::store(db, &schedules, chrono_tz::UTC, day(1)).await.unwrap();
    let release = vec![Change::Create(Manifest::release("podinfo", "6.0.0"))];
    let home = RepositoryBuilder::new("ada/home").added().commit(2, "Add", release).store(app).await;
    let home = format!("/api/v1/repositories/{home}");

    // Two deliveries that were given up, and a change on another branch that was told nobody.
    let (lab, other) = (watched(app, "kim/lab").await, watched(app, "kim/other").await);
    let ci = make(app, "ci").await;
    let ci = |rest: &str| format!("/api/v1/triggers/{ci}{rest}");
    assert_eq!(send(app, Method::POST, &ci("/enable"), None).await.status, StatusCode::OK);
    let mut failed = Vec::new();
    for commit in [2, 3] {
        let event = push(app, lab, commit).await.remove(0);
        tell(app, event.id, ci("").rsplit('/').next().unwrap()).await;
        failed.push(give_up(app).await);
    }
    let branch = push(app, other, 2).await.remove(0).branch_id;
    let listener = json!({ "name": "listener", "target": { "tekton": { "url": "http://el.example:8080" } } });
    let listener = send(app, Method::POST, "/api/v1/triggers", Some(listener)).await.json();
    let sink = format!("/api/v1/triggers/{}/sink", listener["trigger"]["id"].as_str().unwrap());
    let sync = JobRequest::SyncRepository { repository_id: lab };
    let job = app.state.queue.enqueue(&sync, RequestedBy::Page, Priority::CLICK, now).await.unwrap();

    // People, and what lets them in.
    let own = app.admin_id().await;
    let (grace, _) = account(app, "grace@example.org", "user").await;
    accounts::set_totp(&db.write, grace, Some(vec![1, 2, 3]), Some(now)).await.unwrap();
    let grace = |rest: &str| format!("/api/v1/admin/users/{grace}{rest}");
    token(app, own, &[Permission::Read], &[]).await;
    let revoked = accounts::list_tokens(&db.read, own).await.unwrap()[0].id;
    let nobody = actions::Actor::nobody(actions::Door::Api, true);
    let lasts = chrono::TimeDelta::days(1);
    let who = known(app, own).await;
    let started = actions::accounts::start_api_session(&app.state.actions, &nobody, &who, None, lasts).await;
    let ended = started.unwrap().0;
    store::secrets::put_secret(&db.write, "forge:github.com", vec![1, 2, 3], now).await.unwrap();

    let hook = json!({ "name": "ci", "target": { "webhook": { "url": "https://ci.example/other" } } });
    let made = json!({ "name": "made", "target": { "webhook": { "url": "https://ci.example/hook" } } });
    let v1 = |rest: &str| format!("/api/v1/{rest}");
    let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
    vec![
        ("sync_repositories", post.clone(), v1("repositories/sync"), None),
        ("sync_all_repositories", post.clone(), v1("repositories/sync-all"), None),
        ("discover_repositories", post.clone(), v1("repositories/discover"), None),
        ("trigger_aggregation", post.clone(), v1("ecosystem/trigger-aggregation?target_date=2026-01-04"), None),
        ("trigger_schedule", post.clone(), v1("tasks/trigger-periodic/prune"), None),
        ("cancel_job", post.clone(), v1(&format!("jobs/{job}/cancel")), None),
        (
            "add_repositories",
            post.clone(),
            v1("repositories/"),
            Some(json!({ "urls": ["https://140.82.121.3/ada/new"] })),
        ),
        ("sync_repository", post.clone(), format!("{home}/sync"), None),
        ("scan_repository", post.clone(), format!("{home}/scan"), None),
        ("change_watch", put.clone(), format!("{home}/watch"), Some(json!({ "branch_regex": "^main$" }))),
        ("create_webhook_secret", post.clone(), format!("{home}/webhook-secret"), None),
        ("delete_webhook_secret", delete.clone(), format!("{home}/webhook-secret"), None),
        ("delete_watch", delete.clone(), format!("{home}/watch"), None),
        ("change_repository_access", put.clone(), format!("{home}/access"), Some(json!({ "token": "a" }))),
        ("delete_repository_access", delete.clone(), format!("{home}/access"), None),
        ("block_repository", post.clone(), format!("{home}/block"), None),
        ("approve_repository", post.clone(), format!("{home}/approve"), None),
        ("delete_repository", delete.clone(), home.clone(), None),
        ("create_trigger", post.clone(), v1("triggers"), Some(made)),
        ("replay_delivery", post.clone(), v1(&format!("deliveries/{}/replay", failed[0])), None),
        ("replay_trigger", post.clone(), ci("/replay"), Some(json!({}))),
        ("test_trigger", post.clone(), ci("/test"), Some(json!({ "branch_id": branch }))),
        ("change_trigger", put.clone(), ci(""), Some(hook)),
        ("disable_trigger", post.clone(), ci("/disable"), None),
        ("enable_trigger", post.clone(), ci("/enable"), None),
        ("change_trigger_secret", put.clone(), ci("/secret"), Some(json!({}))),
        ("delete_trigger_secret", delete.clone(), ci("/secret"), None),
        ("create_trigger_sink", post.clone(), sink.clone(), None),
        ("delete_trigger_sink", delete.clone(), sink, None),
        ("delete_trigger", delete.clone(), ci(""), None),
        ("change_role", put.clone(), v1("admin/roles/operator"), Some(json!({ "permissions": ["read"] }))),
        ("delete_role", delete.clone(), v1("admin/roles/operator"), None),
        (
            "create_account",
            post.clone(),
            v1("admin/users"),
            Some(json!({ "email": "new@example.org", "role": "user" })),
        ),
        ("create_account_link", post.clone(), grace("/link"), None),
        ("delete_second_factor", delete.clone(), grace("/second-factor"), None),
        ("change_account", Method::PATCH, grace(""), Some(json!({ "role": "developer" }))),
        ("delete_account", delete.clone(), grace(""), None),
        ("delete_forge_token", delete.clone(), v1("admin/forges/github.com/token"), None),
        ("change_own_account", put, v1("users/me"), Some(json!({ "full_name": "Ada" }))),
        ("create_token", post.clone(), v1("users/me/tokens"), Some(json!({ "name": "ci", "scopes": ["read"] }))),
        ("revoke_token", delete.clone(), v1(&format!("users/me/tokens/{revoked}")), None),
        ("end_session", delete, v1(&format!("users/me/sessions/{ended}")), None),
        ("end_own_session", post, v1("auth/logout"), None),
    ]
}

#[tokio::test]
async fn what_can_not_be_told_is_not_done() {
    on_each_engine(async |app| {
        let own = app.admin_id().await;
        let changing = operations().filter(|(method, ..)| !method.is_safe());
        let mut left: BTreeSet<&str> =
            changing.map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
        for (operation, method, path, body) in everything(app).await {
            // Of this request alone: when a session was seen last is noted in it now and then.
            let who = session(app, own).await;
            let asks = async || ask(app, method.clone(), &path, Some(&who), body.clone()).await;
            fails_whole(app, operation, &asks).await;
            let before = told(app).await;
            let done = asks().await;
            assert!(done.status.is_success(), "{operation}: {} {}", done.status, done.text());
            assert!(told(app).await > before, "{operation} is told nowhere");
            assert!(left.remove(operation), "{operation} is none, or stands twice");
        }
        let left: Vec<&str> = left.into_iter().filter(|left| !left.starts_with("receive_")).collect();
        let others: BTreeSet<&str> = OTHERS.into_iter().collect();
        assert_eq!(left, others.into_iter().collect::<Vec<_>>(), "say how these are asked for");
    })
    .await;
}

#[tokio::test]
async fn programs_and_people_come_in_and_leave_whole() {
    on_each_engine(async |app| {
        person(app, "ada@example.org", Role::User).await;
        // Each with tries of its own.
        let fresh = || app.with_config("discovery: {enabled: false}");
        let program = fresh();
        let asks = async || login(&program, "ada@example.org", PASSWORD).await;
        fails_whole(app, "signing in as a program", &asks).await;
        assert_eq!(asks().await.status, StatusCode::OK);

        let browser = fresh();
        let fields = [("email", "ada@example.org"), ("password", PASSWORD)];
        let asks = async || {
            let answer = form(&browser, "/sign-in", &fields, None).await;
            assert!(
                answer.status == StatusCode::SEE_OTHER || cookie(&answer).is_none(),
                "nobody is in: {}",
                answer.text()
            );
            answer
        };
        fails_whole(app, "signing in", &asks).await;
        let signed_in = asks().await;
        let kept = cookie(&signed_in).unwrap();
        assert_eq!((signed_in.status, location(&signed_in)), (StatusCode::SEE_OTHER, "/"));

        let leaves = async || form(&browser, "/sign-out", &[], Some(&kept)).await;
        fails_whole(app, "signing out", &leaves).await;
        assert_eq!(by_cookie(&browser, "/api/v1/me", &kept).await.status, StatusCode::OK, "still in");
        assert_eq!(leaves().await.status, StatusCode::SEE_OTHER);
        assert_eq!(by_cookie(&browser, "/api/v1/me", &kept).await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}
