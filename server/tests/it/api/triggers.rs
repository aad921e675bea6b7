//! Triggers by REST and pages: made, changed, switched, deleted, and their secrets.

pub(super) mod deliveries;
mod dry_run;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use chrono::Utc;
use entity::kind::{AuditAction, NoticedBy};
use entity::value::ObjectId;
use entity::view::{AuditFilter, PageQuery};
use serde_json::{Value, json};
use store::triggers::{Decision, NewTrigger, decide, pin_triggers};
use store::watch::{Look, NewEvent, SeenBranch, WatchSettings, note_refs, set_watch, watch_state};
use uuid::Uuid;

use super::people::{ask, form, location};
use crate::support::{Answer, RepositoryBuilder, TestApp, on_each_engine};

fn webhook(name: &str, url: &str) -> Value {
    json!({ "name": name, "condition": { "branches": "^main$" }, "target": { "webhook": { "url": url } } })
}

pub(super) async fn send(app: &TestApp, method: Method, path: &str, body: Option<Value>) -> Answer {
    ask(app, method, path, Some(&app.token), body).await
}

pub(super) async fn make(app: &TestApp, name: &str) -> String {
    let made = send(app, Method::POST, "/api/v1/triggers", Some(webhook(name, "https://ci.example/hook"))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    made.json()["trigger"]["id"].as_str().unwrap().to_owned()
}

/// The parts of a refused request.
fn refused(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    let place = |error: &Value| {
        error["loc"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".")
    };
    errors.iter().map(place).collect()
}

/// One look at a repository's only branch; the events that come of it.
pub(super) async fn push(app: &TestApp, repository: Uuid, commit: u8) -> Vec<NewEvent> {
    let db = &app.state.db;
    let began = watch_state(&db.read, repository).await.unwrap().unwrap();
    let main =
        SeenBranch { name: "main".to_owned(), commit: ObjectId([commit; 20]), is_watched: true, is_protected: None };
    let txn = db.begin().await.unwrap();
    let noted = note_refs(&txn, repository, &Look::new(&began, NoticedBy::Poll, vec![main]), Utc::now()).await.unwrap();
    txn.commit().await.unwrap();
    noted.events
}

pub(super) async fn watched(app: &TestApp, name: &str) -> Uuid {
    let id = RepositoryBuilder::new(name).store(app).await;
    let settings = WatchSettings { is_enabled: true, ..WatchSettings::default() };
    set_watch(&app.state.db.write, id, &settings).await.unwrap();
    push(app, id, 1).await;
    id
}

pub(super) async fn tell(app: &TestApp, event: Uuid, trigger: &str) {
    let decision =
        Decision { trigger_id: trigger.parse().unwrap(), trigger_name: "ci".into(), is_match: true, clauses: vec![] };
    let txn = app.state.db.begin().await.unwrap();
    assert!(decide(&txn, event, &[decision], Utc::now()).await.unwrap());
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn triggers_are_made_changed_switched_and_deleted() {
    on_each_engine(async |app| {
        let made = send(app, Method::POST, "/api/v1/triggers", Some(webhook("ci", "https://ci.example/hook"))).await;
        let secret = made.json()["secret"].as_str().unwrap().to_owned();
        assert!(secret.starts_with("whsec_") && secret.len() > 40, "{secret}");
        assert_eq!(made.json()["trigger"]["is_enabled"], json!(false), "a new one is off");
        let id = made.json()["trigger"]["id"].as_str().unwrap().to_owned();
        let place = format!("/api/v1/triggers/{id}");
        let found = send(app, Method::GET, &place, None).await;
        assert!(found.json()["secret"]["changed_at"].is_string());
        let listed = send(app, Method::GET, "/api/v1/triggers", None).await;
        assert!(!found.text().contains(&secret) && !listed.text().contains(&secret), "it is shown once");

        let taken = send(app, Method::POST, "/api/v1/triggers", Some(webhook("ci", "https://other.example"))).await;
        assert_eq!(refused(&taken), ["body.name"]);
        let on = send(app, Method::POST, &format!("{place}/enable"), None).await;
        assert_eq!(on.json()["is_enabled"], json!(true));
        // What is left out of a change stays, but for the condition, which is given whole.
        let same = send(app, Method::PUT, &place, Some(webhook("deploy", "https://ci.example/other"))).await;
        assert_eq!(
            (&same.json()["trigger"]["is_enabled"], &same.json()["forgot_secret"]),
            (&json!(true), &json!(false))
        );
        let moved = send(app, Method::PUT, &place, Some(webhook("deploy", "https://elsewhere.example/hook"))).await;
        assert_eq!(moved.json()["forgot_secret"], json!(true), "a secret goes to the machine that it was made for");
        assert!(send(app, Method::GET, &place, None).await.json()["secret"]["changed_at"].is_null());
        let off = send(app, Method::POST, &format!("{place}/disable"), None).await;
        assert_eq!(off.json()["is_enabled"], json!(false));

        assert_eq!(send(app, Method::DELETE, &place, None).await.status, StatusCode::NO_CONTENT);
        for (method, path, body) in [
            (Method::GET, place.clone(), None),
            (Method::DELETE, place.clone(), None),
            (Method::PUT, place.clone(), Some(webhook("a", "https://a.example"))),
            (Method::POST, format!("{place}/enable"), None),
            (Method::PUT, format!("{place}/secret"), Some(json!({}))),
            (Method::POST, format!("{place}/replay"), Some(json!({}))),
        ] {
            assert_eq!(send(app, method, &path, body).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        let filter = AuditFilter::default();
        let log = store::audit::list_audit_entries(&app.state.db.read, &filter, PageQuery::default()).await.unwrap();
        let of = |action| log.data.iter().filter(|entry| entry.action == action).count();
        let counts = [AuditAction::AddTrigger, AuditAction::ChangeTrigger, AuditAction::SwitchTrigger].map(of);
        assert_eq!((counts, of(AuditAction::RemoveTrigger)), ([1, 2, 2], 1));
        let told = serde_json::to_string(&log.data).unwrap();
        assert!(!told.contains(&secret) && !told.contains("/hook"), "no secrets and no paths of targets: {told}");
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_field() {
    on_each_engine(async |app| {
        let wrong = json!({
            "name": "", "condition": { "branches": "(", "expression": "branch ==" },
            "target": { "webhook": { "url": "ftp://ci.example" } }, "pace": { "timeout_ms": 1 },
        });
        let answer = send(app, Method::POST, "/api/v1/triggers", Some(wrong)).await;
        let places = refused(&answer);
        for place in ["body.name", "body.condition.branches", "body.condition.expression", "body.pace.timeout_ms"] {
            assert!(places.iter().any(|found| found == place), "{place}: {places:?}");
        }
        assert!(places.iter().any(|place| place.starts_with("body.target")), "{places:?}");
        // What is misspelt would ask nothing.
        for unknown in [
            json!({ "name": "a", "condition": { "branch": "main" }, "target": { "flux": { "url": "https://a.example" } } }),
            json!({ "name": "a", "target": { "flux": { "url": "https://a.example", "secret": "x" } } }),
            json!({ "name": "a", "target": { "command": { "command": ["/bin/true"] } } }),
            json!({ "name": "a", "target": { "flux": { "url": "https://a.example" } }, "pace": { "tries": 3 } }),
        ] {
            let answer = send(app, Method::POST, "/api/v1/triggers", Some(unknown.clone())).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{unknown}: {}", answer.text());
        }
        let tried = json!({ "condition": { "branches": "(", "paths": ["clusters/**"] } });
        let check = send(app, Method::POST, "/api/v1/triggers/check", Some(tried)).await.json();
        assert_eq!(check["errors"].as_array().unwrap().len(), 1, "{check}");
        assert_eq!(check["errors"][0]["field"], json!("condition.branches"));
        let tried = json!({ "condition": { "paths": ["clusters/**"] } });
        let check = send(app, Method::POST, "/api/v1/triggers/check", Some(tried)).await.json();
        assert_eq!((&check["errors"], &check["reads_paths"]), (&json!([]), &json!(true)));
        let dry = json!({ "condition": { "branches": "(" } });
        let answer = send(app, Method::POST, "/api/v1/triggers/dry-run", Some(dry)).await;
        assert_eq!(refused(&answer), ["body.condition.branches"]);
    })
    .await;
}

#[tokio::test]
async fn the_configurations_triggers_are_its_alone() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        let wanted = NewTrigger {
            name: "tekton".into(),
            is_enabled: true,
            condition: entity::view::Condition::default(),
            target: entity::view::Target::Tekton { url: "http://el:8080".into(), headers: [].into() },
            pace: entity::view::Pace::default(),
        };
        let txn = db.begin().await.unwrap();
        let id = pin_triggers(&txn, &[wanted], Utc::now()).await.unwrap()[0].id().unwrap();
        txn.commit().await.unwrap();
        let place = format!("/api/v1/triggers/{id}");
        for (method, path, body) in [
            (Method::PUT, place.clone(), Some(webhook("a", "https://a.example"))),
            (Method::DELETE, place.clone(), None),
            (Method::POST, format!("{place}/disable"), None),
            (Method::PUT, format!("{place}/secret"), Some(json!({ "secret": "a" }))),
            (Method::DELETE, format!("{place}/secret"), None),
        ] {
            let answer = send(app, method, &path, body).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{path}: {}", answer.text());
            assert!(answer.text().contains("stands in the configuration"), "{}", answer.text());
        }
    })
    .await;
}

#[tokio::test]
async fn secrets_are_replaced_without_a_gap() {
    on_each_engine(async |app| {
        let place = format!("/api/v1/triggers/{}/secret", make(app, "ci").await);
        let next = send(app, Method::PUT, &place, Some(json!({}))).await.json();
        assert!(next["secret"].as_str().unwrap().starts_with("whsec_"));
        assert_eq!(next["state"]["has_previous"], json!(true));
        let given = send(app, Method::PUT, &place, Some(json!({ "secret": "not a webhook's secret" }))).await;
        assert_eq!(given.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", given.text());
        let remove = async |query: &str| send(app, Method::DELETE, &format!("{place}{query}"), None).await;
        assert_eq!(remove("?previous=true").await.status, StatusCode::NO_CONTENT);
        assert_eq!(remove("?previous=true").await.status, StatusCode::NOT_FOUND, "there is none any more");
        assert_eq!(remove("").await.status, StatusCode::NO_CONTENT);
        assert_eq!(remove("").await.status, StatusCode::NOT_FOUND);

        let dispatch = json!({
            "name": "actions",
            "target": { "github_dispatch": { "api_url": "https://api.github.com", "event_type": "deploy" } },
        });
        let made = send(app, Method::POST, "/api/v1/triggers", Some(dispatch)).await.json();
        assert!(made["secret"].is_null(), "a forge's token is nobody's to make");
        let place = format!("/api/v1/triggers/{}/secret", made["trigger"]["id"].as_str().unwrap());
        assert_eq!(send(app, Method::PUT, &place, Some(json!({}))).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        for secret in ["github_pat_one", "github_pat_two"] {
            let kept = send(app, Method::PUT, &place, Some(json!({ "secret": secret }))).await;
            assert!(!kept.text().contains(secret), "what was given is not given back");
            assert_eq!(kept.json()["state"]["has_previous"], json!(false), "a token replaces the one before at once");
        }
    })
    .await;
}

#[tokio::test]
async fn a_form_that_is_refused_comes_back_with_all_that_stood_in_it() {
    on_each_engine(async |app| {
        let fields = |branches: &'static str| {
            [
                ("form[kind]", "webhook"),
                ("form[name]", "deploy & <more>"),
                ("form[branches]", branches),
                ("form[events][]", "branch_updated"),
                ("form[url]", "https://ci.example/hook"),
                ("form[headers]", "X-Team: a"),
                ("form[timeout]", "5s"),
                ("form[waits]", "1s 1m"),
            ]
        };
        let sent = async |fields: &[(&str, &str)]| {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            let request = Request::post("/ui/save_trigger")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ACCEPT, "text/html");
            app.send(request.body(Body::from(body)).unwrap()).await
        };
        let read = async |path: &str| {
            let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", app.token));
            app.send(request.body(Body::empty()).unwrap()).await
        };
        let back = sent(&fields("(")).await;
        let place = location(&back).to_owned();
        assert!(place.starts_with("/triggers/new?"), "{place}");
        let page = read(&place).await.text();
        assert!(page.contains("Nothing is saved yet") && page.contains("aria-invalid=\"true\""), "{page}");
        assert!(
            page.contains("deploy &amp; &lt;more") && page.contains("X-Team: a") && page.contains("1s 1m"),
            "{page}"
        );
        assert!(store::triggers::list_triggers(&app.state.db.read, Utc::now()).await.unwrap().is_empty());

        let saved = sent(&fields("^main$")).await;
        assert!(
            location(&saved).starts_with("/triggers/") && !location(&saved).contains("new"),
            "{}",
            location(&saved)
        );
        let all = store::triggers::list_triggers(&app.state.db.read, Utc::now()).await.unwrap();
        assert_eq!((all[0].name.as_str(), all[0].is_enabled), ("deploy & <more>", false));
        assert_eq!((all[0].pace.timeout_ms, &all[0].pace.waits_ms[..]), (5_000, &[1_000, 60_000][..]));
        let edit = read(&format!("/triggers/{}/edit", all[0].id)).await.text();
        assert!(edit.contains("^main$") && edit.contains("X-Team: a"), "{edit}");

        // Without scripts a dry run is the same page with the form in its address.
        let pairs = [("dry", "1"), ("form[kind]", "webhook"), ("form[name]", "a"), ("form[branches]", "^main$")];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let page = read(&format!("/triggers/new?{query}")).await.text();
        assert!(page.contains("Nothing happened in the last 30 days"), "{page}");
        // And nobody but who may manage pipelines gets there.
        let nobody = form(app, "/ui/save_trigger", &[("form[name]", "a")], None).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}
