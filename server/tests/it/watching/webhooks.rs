//! Webhooks that come in, signed and forged, again and out of order.

use std::collections::BTreeSet;

use actions::secrets::purpose;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use entity::kind::{BranchEventKind, JobKind, JobState, NoticedBy};
use entity::view::{BranchFilter, Job, JobFilter, PageQuery};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use store::db::ConnectionTrait as _;
use store::repositories;
use store::secrets::put_secret;
use store::watch::list_branches;

use super::branches::Watched;
use crate::support::{Answer, KEYS, TestApp, on_each_engine};

pub const SECRET: &str = "a secret of one repository";

/// What GitHub writes into `X-Hub-Signature-256`.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// A push as GitHub sends it.
pub fn push(repository: uuid::Uuid, delivery: &str, secret: &str, body: &Value) -> Request<Body> {
    let body = body.to_string();
    Request::builder()
        .method(Method::POST)
        .uri(format!("/webhooks/github/{repository}"))
        .header("content-type", "application/json")
        .header("x-github-event", "push")
        .header("x-github-delivery", delivery)
        .header("x-hub-signature-256", sign(secret, body.as_bytes()))
        .body(Body::from(body))
        .unwrap()
}

fn moved(branch: &str, before: &str, after: &str) -> Value {
    json!({ "ref": format!("refs/heads/{branch}"), "before": before, "after": after, "forced": false })
}

pub async fn set_up(app: &TestApp, repository: uuid::Uuid) {
    let name = format!("webhook:{repository}");
    let sealed = KEYS().seal(&purpose(&name), SECRET.as_bytes());
    put_secret(&app.state.db.write, &name, sealed, server::clock::now()).await.unwrap();
}

async fn syncs(app: &TestApp) -> Vec<Job> {
    let page = PageQuery { skip: 0, limit: 100 };
    let filter =
        JobFilter { kind: Some(JobKind::SyncRepository), state: Some(JobState::Queued), page, ..JobFilter::default() };
    store::jobs::list_jobs(&app.state.db.read, &filter).await.unwrap().data
}

#[tokio::test]
async fn a_push_is_noted_at_once_and_once() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        let first = watched.origin.git(&["rev-parse", "HEAD"]).trim().to_owned();
        let second = watched.origin.commit("second", &[("app.yaml", Some("a: 2\n"))]);
        let third = watched.origin.commit("third", &[("app.yaml", Some("a: 3\n"))]);
        let send = async |delivery: &str, secret: &str, body: &Value| -> Answer {
            app.send(push(watched.repository, delivery, secret, body)).await
        };
        let told = moved("main", &first, &second);
        assert_eq!(send("1", SECRET, &told).await.status, StatusCode::NOT_FOUND, "no secret was made");
        set_up(app, watched.repository).await;
        assert_eq!(send("1", "a guess", &told).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(watched.events().await, []);

        for _ in 0..3 {
            assert_eq!(send("1", SECRET, &told).await.status, StatusCode::ACCEPTED);
        }
        let events = watched.events().await;
        assert_eq!(events.len(), 1, "the same delivery counts once");
        assert_eq!((events[0].kind, events[0].noticed_by), (BranchEventKind::BranchUpdated, NoticedBy::Webhook));
        assert_eq!(events[0].new_commit.as_deref(), Some(second.as_str()));
        assert_eq!(syncs(app).await.len(), 1, "what it brought is fetched and scanned");

        // By another delivery, and by one that comes too late.
        assert_eq!(send("2", SECRET, &told).await.status, StatusCode::ACCEPTED);
        assert_eq!(send("3", SECRET, &moved("main", &second, &third)).await.status, StatusCode::ACCEPTED);
        assert_eq!(send("4", SECRET, &told).await.status, StatusCode::ACCEPTED);
        watched.look().await;
        let events = watched.events().await;
        let steps: Vec<_> = events.iter().map(|event| event.new_commit.clone().unwrap()).collect();
        assert_eq!(steps, [second, third]);
        assert_eq!(events[1].old_commit, events[0].new_commit);
    })
    .await;
}

#[tokio::test]
async fn a_push_asks_for_the_branches_that_are_scanned_beside_too() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, None).await;
        set_up(app, watched.repository).await;
        let (db, names) = (&app.state.db, ["staging".to_owned()]);
        let pinned = repositories::pin_branches(&db.write, watched.repository, &names, server::clock::now()).await;
        let beside = pinned.unwrap()[0].0;
        let second = watched.origin.commit("second", &[("app.yaml", Some("a: 2\n"))]);
        let told = moved("staging", &"0".repeat(40), &second);
        assert_eq!(app.send(push(watched.repository, "1", SECRET, &told)).await.status, StatusCode::ACCEPTED);
        let asked =
            async || -> BTreeSet<_> { syncs(app).await.into_iter().filter_map(|job| job.repository_id).collect() };
        assert_eq!(asked().await, BTreeSet::from([watched.repository, beside]));
        // It has no webhook of its own.
        let direct = app.send(push(beside, "2", SECRET, &told)).await;
        assert_eq!(direct.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_webhook_is_told_what_it_lacks() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, None).await;
        set_up(app, watched.repository).await;
        let mut request = push(watched.repository, "1", SECRET, &json!({ "zen": "quiet" }));
        request.headers_mut().remove("x-hub-signature-256");
        assert_eq!(app.send(request).await.status, StatusCode::UNAUTHORIZED);
        let mut ping = push(watched.repository, "2", SECRET, &json!({ "zen": "quiet" }));
        ping.headers_mut().insert("x-github-event", "ping".parse().unwrap());
        assert_eq!(app.send(ping).await.status, StatusCode::ACCEPTED);
        let odd = push(watched.repository, "3", SECRET, &json!({ "ref": 7 }));
        assert_eq!(app.send(odd).await.status, StatusCode::BAD_REQUEST);
        let other = push(uuid::Uuid::now_v7(), "4", SECRET, &json!({}));
        let other = app.send(other).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND);
        // Whatever is asked for beside them is answered to programs, and says no more.
        let of = |answer: &Answer| answer.json()["detail"].as_str().unwrap().to_owned();
        for (method, path) in [
            (Method::POST, format!("/webhooks/bitbucket/{}", watched.repository)),
            (Method::POST, "/webhooks/github/no-id".to_owned()),
            (Method::POST, "/webhooks/github/%FF".to_owned()),
            (Method::POST, "/webhooks/github".to_owned()),
            (Method::GET, "/webhooks/github/".to_owned()),
        ] {
            let answer = app.request(method.clone(), &path, &[]).await;
            assert_eq!((answer.status, of(&answer)), (StatusCode::NOT_FOUND, of(&other)), "{method} {path}");
            assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
        }
        let read = app.get(&format!("/webhooks/github/{}", watched.repository)).await;
        assert_eq!((read.status, read.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
        assert_eq!(read.json()["error"]["code"], "METHOD_NOT_ALLOWED", "{}", read.text());
        // Gitea's are what Forgejo's are.
        let gitea = Request::post(format!("/webhooks/gitea/{}", watched.repository))
            .header("x-gitea-event", "push")
            .header("x-gitea-signature", sign(SECRET, b"{\"ref\": \"refs/tags/v1\"}").trim_start_matches("sha256="));
        let gitea = app.send(gitea.body(Body::from("{\"ref\": \"refs/tags/v1\"}")).unwrap()).await;
        assert_eq!(gitea.status, StatusCode::ACCEPTED, "{}", gitea.text());
        assert_eq!(watched.events().await, []);
    })
    .await;
}

/// Where the body is all that is signed, a branch that goes there, back and there again is told by the same webhook twice.
#[tokio::test]
async fn the_same_words_once_more_ask_for_a_look() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        set_up(app, watched.repository).await;
        let first = watched.origin.git(&["rev-parse", "HEAD"]).trim().to_owned();
        let second = watched.origin.commit("second", &[("app.yaml", Some("a: 2\n"))]);
        let send = async |delivery: &str, before: &str, after: &str| {
            let answer = app.send(push(watched.repository, delivery, SECRET, &moved("main", before, after))).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        };
        send("1", &first, &second).await;
        send("2", &second, &first).await;
        app.state.db.write.execute_unprepared("DELETE FROM job").await.unwrap();
        send("3", &first, &second).await;
        assert_eq!(watched.events().await.len(), 2, "it is known by its body");
        assert_eq!(syncs(app).await.len(), 1, "but it may be news");
        super::a_while_later(&app.state.db).await;
        watched.look().await;
        let events = watched.events().await;
        assert_eq!(events.len(), 3);
        assert!(events.iter().any(|event| event.noticed_by == NoticedBy::Poll), "{events:#?}");
    })
    .await;
}

#[tokio::test]
async fn a_webhook_that_comes_after_its_branch_went_asks_for_a_look() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        set_up(app, watched.repository).await;
        let head = watched.origin.git(&["rev-parse", "HEAD"]).trim().to_owned();
        let send = async |delivery: &str| {
            let body = moved("topic", &"0".repeat(40), &head);
            let answer = app.send(push(watched.repository, delivery, SECRET, &body)).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
            answer.json()["detail"].as_str().unwrap().to_owned()
        };
        watched.origin.git(&["update-ref", "refs/heads/topic", &head]);
        watched.look().await;
        watched.origin.git(&["update-ref", "-d", "refs/heads/topic"]);
        watched.look().await;
        app.state.db.write.execute_unprepared("DELETE FROM job").await.unwrap();
        let said = send("1").await;
        assert!(said.ends_with("the remote is looked at"), "{said}");
        assert_eq!(syncs(app).await.len(), 1);
        watched.look().await;
        let kinds = async || watched.events().await.iter().map(|event| event.kind).collect::<Vec<_>>();
        assert_eq!(kinds().await.len(), 2, "{:?}", kinds().await);
        // Somebody makes it again, which a webhook says as well.
        watched.origin.git(&["update-ref", "refs/heads/topic", &head]);
        send("2").await;
        watched.look().await;
        send("3").await;
        let kinds = kinds().await;
        let made = kinds.iter().filter(|kind| **kind == BranchEventKind::BranchCreated).count();
        assert_eq!((made, kinds.len()), (2, 3), "{kinds:?}");
    })
    .await;
}

#[tokio::test]
async fn a_branch_that_came_and_went_is_gone_after_the_next_look_whichever_webhook_comes_first() {
    on_each_engine(async |app| {
        let (db, nowhere) = (&app.state.db, "0".repeat(40));
        use BranchEventKind::{BranchCreated, BranchDeleted};
        for (end_first, expected) in [(false, vec![BranchCreated, BranchDeleted]), (true, vec![])] {
            let watched = Watched::new(db, None).await;
            watched.look().await;
            set_up(app, watched.repository).await;
            let head = watched.origin.git(&["rev-parse", "HEAD"]).trim().to_owned();
            let mut told = [moved("topic", &nowhere, &head), moved("topic", &head, &nowhere)];
            if end_first {
                told.reverse();
            }
            for (place, body) in told.iter().enumerate() {
                let answer = app.send(push(watched.repository, &place.to_string(), SECRET, body)).await;
                assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
            }
            watched.look().await;
            let standing = BranchFilter {
                repository_id: Some(watched.repository),
                deleted: Some(false),
                ..BranchFilter::default()
            };
            let standing = list_branches(&db.read, &standing).await.unwrap().data;
            assert_eq!(standing.iter().map(|branch| branch.name.as_str()).collect::<Vec<_>>(), ["main"]);
            let events = watched.events().await;
            let of_it = events.iter().filter(|event| event.repository_id == watched.repository);
            assert_eq!(of_it.map(|event| event.kind).collect::<Vec<_>>(), expected, "{end_first}");
        }
    })
    .await;
}

/// Not all of a forge's machines know of a push at once, and the list is asked for as soon as the webhook came.
#[tokio::test]
async fn a_list_that_does_not_know_of_a_push_yet_takes_nothing_back_and_is_asked_for_again() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        set_up(app, watched.repository).await;
        let first = watched.origin.git(&["rev-parse", "HEAD"]).trim().to_owned();
        let second = watched.origin.commit("second", &[("app.yaml", Some("a: 2\n"))]);
        watched.origin.git(&["update-ref", "refs/heads/main", &first]);
        let send = async |delivery: &str, branch: &str, before: &str, after: &str| {
            let answer = app.send(push(watched.repository, delivery, SECRET, &moved(branch, before, after))).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        };
        send("1", "main", &first, &second).await;
        app.state.db.write.execute_unprepared("DELETE FROM job").await.unwrap();
        watched.look().await;
        let events = watched.events().await;
        assert_eq!(events.len(), 1, "{events:#?}");
        let again = syncs(app).await;
        let when = events[0].noticed_at + chrono::TimeDelta::minutes(1);
        assert_eq!(again.iter().map(|job| job.run_at).collect::<Vec<_>>(), [when]);
        // What another webhook asks for does not wait until then.
        send("2", "other", &first, &second).await;
        let hurried = syncs(app).await;
        assert!(hurried.len() == 1 && hurried[0].id == again[0].id && hurried[0].run_at < when, "{hurried:?}");
        // Somebody did set it back.
        super::a_while_later(&app.state.db).await;
        watched.look().await;
        let events = watched.events().await;
        let back = events.iter().find(|event| event.noticed_by == NoticedBy::Poll).unwrap();
        assert_eq!((back.old_commit.as_ref(), back.new_commit.as_ref()), (Some(&second), Some(&first)));
        assert_eq!(events.len(), 2);
    })
    .await;
}
