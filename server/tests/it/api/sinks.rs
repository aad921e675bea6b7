//! Addresses at which Tekton tells of the runs that deliveries began: made, known by their secret alone, and what comes of events.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use chrono::{TimeDelta, Utc};
use entity::kind::Role;
use serde_json::{Value, json};
use store::secrets::find_secret;
use store::triggers::{Attempt, AttemptEnd, DeliveryRoom, NewTrigger, claim_deliveries, pin_triggers, record_attempt};
use uuid::Uuid;

use super::people::{PASSWORD, account, ask, cookie, form, person};
use super::triggers::{make, push, send, tell, watched};
use crate::support::{Answer, Nobody, TestApp, on_each_engine};

const EVENT_ID: &str = "14a657c3-6816-45bf-b214-4afdaefc4ebd";

/// A trigger of an EventListener, which is on.
async fn tekton(app: &TestApp, name: &str) -> String {
    let wanted =
        json!({ "name": name, "is_enabled": true, "target": { "tekton": { "url": "http://el.example:8080" } } });
    let made = send(app, Method::POST, "/api/v1/triggers", Some(wanted)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    made.json()["trigger"]["id"].as_str().unwrap().to_owned()
}

async fn sink(app: &TestApp, trigger: &str) -> String {
    let made = send(app, Method::POST, &format!("/api/v1/triggers/{trigger}/sink"), None).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    made.json()["path"].as_str().unwrap().to_owned()
}

fn object(kind: &str, event_id: &str) -> Value {
    json!({ kind: { "metadata": {
        "name": "build-x1", "namespace": "ci", "labels": { "triggers.tekton.dev/triggers-eventid": event_id },
    }}})
}

/// An event in binary mode, as Tekton sends it: it comes from nobody.
async fn event(app: &TestApp, path: &str, kind: &str, data: &Value) -> Answer {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header("ce-specversion", "1.0")
        .header("ce-id", Uuid::now_v7().to_string())
        .header("ce-source", "/apis/tekton.dev/v1/namespaces/ci/pipelineruns/build-x1")
        .header("ce-type", format!("dev.tekton.event.{kind}.v1"))
        .header("ce-time", Utc::now().to_rfc3339());
    app.send(request.extension(Nobody).body(Body::from(data.to_string())).unwrap()).await
}

/// What a stranger's event is answered, without what differs from answer to answer.
async fn unknown(app: &TestApp, path: &str) -> Value {
    let answer = event(app, path, "pipelinerun.failed", &object("pipelineRun", EVENT_ID)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text());
    let mut answer = answer.json();
    (answer["instance"], answer["request_id"]) = (Value::Null, Value::Null);
    answer
}

/// A worker takes the next delivery.
async fn claim(app: &TestApp) -> Uuid {
    let room = DeliveryRoom { worker: "w", most: 1, per_trigger: 1, failing: 1 };
    let now = Utc::now() + TimeDelta::seconds(1);
    claim_deliveries(&app.state.db, room, now).await.unwrap().remove(0).id
}

/// And its EventListener answers.
async fn arrive(app: &TestApp, delivery: Uuid, event_id: &str) {
    let attempt = Attempt {
        number: 1,
        started_at: Utc::now(),
        duration: Duration::from_millis(12),
        request: None,
        status: Some(202),
        answer: None,
        answer_id: Some(event_id.to_owned()),
        end: AttemptEnd::Delivered,
    };
    record_attempt(&app.state.db, delivery, "w", &attempt, Utc::now()).await.unwrap();
}

async fn run(app: &TestApp, delivery: Uuid) -> (Value, Value) {
    let found = send(app, Method::GET, &format!("/api/v1/deliveries/{delivery}"), None).await.json();
    (found["delivery"]["run_state"].clone(), found["delivery"]["run_name"].clone())
}

#[tokio::test]
async fn an_address_is_told_once_and_known_by_its_secret_alone() {
    on_each_engine(async |app| {
        let (trigger, other) = (tekton(app, "tekton").await, tekton(app, "other").await);
        let place = format!("/api/v1/triggers/{trigger}");
        assert!(send(app, Method::GET, &place, None).await.json()["sink_made_at"].is_null());
        let nothing = unknown(app, &format!("/webhooks/tekton/{trigger}/{}", "A".repeat(43))).await;
        let first = sink(app, &trigger).await;
        let token = first.strip_prefix(&format!("/webhooks/tekton/{trigger}/")).unwrap().to_owned();
        assert_eq!(token.len(), 43, "32 bytes");
        let taken = async |path: &str| event(app, path, "customrun.started", &json!({})).await.status;
        assert_eq!(taken(&first).await, StatusCode::ACCEPTED);

        let found = send(app, Method::GET, &place, None).await;
        assert!(found.json()["sink_made_at"].is_string() && !found.text().contains(&token));
        let page = send(app, Method::GET, &format!("/triggers/{trigger}"), None).await.text();
        assert!(page.contains("Make another address") && page.contains("config-events") && !page.contains(&token));
        let sealed = find_secret(&app.state.db.read, &format!("sink:{trigger}")).await.unwrap().unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains(&token));

        // Whatever is wrong with an address, the answer is the same.
        let others = sink(app, &other).await;
        let second = sink(app, &trigger).await;
        assert!(second != first && taken(&second).await == StatusCode::ACCEPTED);
        for path in [
            first.clone(),
            others.replace(&other, &trigger),
            second.replace(&trigger, &Uuid::now_v7().to_string()),
            second.replace(&trigger, "tekton"),
            format!("/webhooks/tekton/{trigger}/short"),
        ] {
            assert_eq!(unknown(app, &path).await, nothing, "{path}");
        }

        let log = send(app, Method::GET, "/api/v1/admin/audit", None).await.text();
        assert!(log.contains("set_trigger_sink") && !log.contains(&token), "{log}");
        let remove = async || send(app, Method::DELETE, &format!("{place}/sink"), None).await.status;
        assert_eq!((remove().await, remove().await), (StatusCode::NO_CONTENT, StatusCode::NOT_FOUND));
        assert_eq!(unknown(app, &second).await, nothing);
        let third = sink(app, &trigger).await;
        assert_eq!(send(app, Method::DELETE, &place, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(unknown(app, &third).await, nothing);
        assert_eq!(find_secret(&app.state.db.read, &format!("sink:{trigger}")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn only_tektons_triggers_have_one_those_of_the_configuration_too() {
    on_each_engine(async |app| {
        let webhook = make(app, "ci").await;
        let place = format!("/api/v1/triggers/{webhook}/sink");
        let refused = send(app, Method::POST, &place, None).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
        assert!(refused.text().contains("Only Tekton"), "{}", refused.text());
        let page = send(app, Method::GET, &format!("/triggers/{webhook}"), None).await.text();
        assert!(!page.contains("Make the address"), "{page}");
        let wanted = NewTrigger {
            name: "tekton".into(),
            is_enabled: true,
            condition: entity::view::Condition::default(),
            target: entity::view::Target::Tekton { url: "http://el:8080".into(), headers: [].into() },
            pace: entity::view::Pace::default(),
        };
        let txn = app.state.db.begin().await.unwrap();
        let pinned = pin_triggers(&txn, &[wanted], Utc::now()).await.unwrap()[0].id().unwrap();
        txn.commit().await.unwrap();
        sink(app, &pinned.to_string()).await;

        let (_, viewer) = account(app, "vera@example.org", "viewer").await;
        let seen = ask(app, Method::GET, &format!("/triggers/{pinned}"), Some(&viewer), None).await;
        assert!(seen.status == StatusCode::OK && !seen.text().contains("config-events"), "{}", seen.text());

        // One that tells another kind of target from now on has nobody to hear from.
        let own = tekton(app, "own").await;
        sink(app, &own).await;
        let to = json!({ "name": "own", "target": { "flux": { "url": "https://flux.example/hook" } } });
        assert_eq!(send(app, Method::PUT, &format!("/api/v1/triggers/{own}"), Some(to)).await.status, StatusCode::OK);
        assert_eq!(find_secret(&app.state.db.read, &format!("sink:{own}")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_delivery_ends_with_what_tekton_tells_of_its_run() {
    on_each_engine(async |app| {
        let repository = watched(app, "ada/home").await;
        let trigger = tekton(app, "tekton").await;
        let path = sink(app, &trigger).await;
        let data = object("pipelineRun", EVENT_ID);
        let taken = async |kind: &str, data: &Value| {
            let answer = event(app, &path, kind, data).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{kind}: {}", answer.text());
            answer.json()["detail"].as_str().unwrap().to_owned()
        };
        assert!(taken("pipelinerun.started", &data).await.contains("no delivery"), "nothing is being told");
        tell(app, push(app, repository, 2).await[0].id, &trigger).await;
        let id = claim(app).await;
        // Tekton may be faster than what came of an attempt is kept.
        let early = event(app, &path, "pipelinerun.started", &data).await;
        assert_eq!((early.status, early.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
        arrive(app, id, EVENT_ID).await;
        assert_eq!(run(app, id).await, (Value::Null, Value::Null));
        taken("pipelinerun.started", &data).await;
        assert_eq!(run(app, id).await, (json!("started"), json!("ci/build-x1")));
        let mut step = object("taskRun", EVENT_ID);
        step["taskRun"]["metadata"]["labels"]["tekton.dev/pipelineRun"] = json!("build-x1");
        assert!(taken("taskrun.failed", &step).await.contains("PipelineRun"));
        taken("pipelinerun.successful", &object("pipelineRun", "another")).await;
        taken("customrun.failed", &json!({})).await;
        assert_eq!(run(app, id).await.0, json!("started"));

        let structured = json!({
            "specversion": "1.0", "id": "a", "source": "/", "type": "dev.tekton.event.pipelinerun.successful.v1", "data": data,
        });
        let request = Request::post(&path).header(header::CONTENT_TYPE, "application/cloudevents+json");
        let answer = app.send(request.extension(Nobody).body(Body::from(structured.to_string())).unwrap()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        taken("pipelinerun.running", &data).await;
        assert_eq!(run(app, id).await.0, json!("succeeded"), "a run that ended does not begin again");
        let page = send(app, Method::GET, &format!("/deliveries/{id}"), None).await.text();
        assert!(page.contains("Succeeded") && page.contains("ci/build-x1"), "{page}");

        for (kind, body) in [("pipelinerun.failed", json!({})), ("pipelinerun.failed", json!({ "pipelineRun": 7 }))] {
            let answer = event(app, &path, kind, &body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
        }
        let large = json!({ "pipelineRun": "a".repeat(1 << 20) });
        let answer = event(app, &path, "pipelinerun.failed", &large).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.text());
        assert_eq!(run(app, id).await.0, json!("succeeded"));
    })
    .await;
}

#[tokio::test]
async fn one_address_counts_for_all_that_have_none_of_their_own() {
    on_each_engine(async |app| {
        let repository = watched(app, "ada/home").await;
        let (asked, other) = (tekton(app, "asked").await, tekton(app, "other").await);
        let path = sink(app, &asked).await;
        tell(app, push(app, repository, 2).await[0].id, &other).await;
        let id = claim(app).await;
        arrive(app, id, EVENT_ID).await;
        let data = object("pipelineRun", EVENT_ID);
        assert_eq!(event(app, &path, "pipelinerun.started", &data).await.status, StatusCode::ACCEPTED);
        assert_eq!(run(app, id).await.0, json!("started"));
        let own = sink(app, &other).await;
        let passed = event(app, &path, "pipelinerun.failed", &data).await;
        assert_eq!((passed.status, run(app, id).await.0), (StatusCode::ACCEPTED, json!("started")));
        event(app, &own, "pipelinerun.failed", &data).await;
        assert_eq!(run(app, id).await.0, json!("failed"));
    })
    .await;
}

#[tokio::test]
async fn a_page_shows_a_new_address_once_and_to_nobody_else() {
    on_each_engine(async |app| {
        let trigger = tekton(app, "tekton").await;
        person(app, "ada@example.org", Role::Developer).await;
        let fields = [("email", "ada@example.org"), ("password", PASSWORD)];
        let session = cookie(&form(app, "/sign-in", &fields, None).await).unwrap();
        let made = form(app, "/ui/make_trigger_sink", &[("trigger_id", &trigger)], Some(&session)).await;
        let kept = made.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
        let kept = kept.filter_map(|value| value.split(';').next()).find(|value| value.starts_with("kubestats_shown="));
        let kept = kept.unwrap_or_else(|| panic!("{:?}", made.headers)).to_owned();
        let read = async |cookies: &str| {
            let at = format!("/triggers/{trigger}");
            app.send(Request::get(at).header(header::COOKIE, cookies).body(Body::empty()).unwrap()).await
        };
        let start = format!("/webhooks/tekton/{trigger}/");
        let shown = read(&format!("{session}; {kept}")).await;
        assert_eq!(shown.header("cache-control"), "no-store", "no browser shows it again");
        let shown = shown.text();
        let (_, rest) = shown.split_once(&start).unwrap_or_else(|| panic!("{shown}"));
        let path = format!("{start}{}", &rest[..43]);
        let known = event(app, &path, "customrun.started", &json!({})).await;
        assert_eq!(known.status, StatusCode::ACCEPTED, "{path}");
        let (again, of_nobody) = (read(&session).await, read(&kept).await);
        assert!(!again.text().contains(&start) && !of_nobody.text().contains(&start));
        assert_eq!(again.header("cache-control"), "private, no-cache", "a page that shows nothing once");
    })
    .await;
}
