//! What targets were told: listed, shown to whom, tested and replayed.

use std::time::Duration;

use chrono::TimeDelta;
use entity::kind::Permission;
use entity::view::{MASK, SentRequest};
use store::triggers::{Attempt, AttemptEnd, DeliveryRoom, claim_deliveries, record_attempt};

use super::*;
use crate::api::people::{account, token};

/// Has the next delivery fail for good.
pub(in crate::api) async fn give_up(app: &TestApp) -> Uuid {
    let room = DeliveryRoom { worker: "w", most: 1, per_trigger: 1, failing: 1 };
    let claimed = claim_deliveries(&app.state.db, room, Utc::now() + TimeDelta::seconds(1)).await.unwrap();
    let attempt = Attempt {
        number: claimed[0].attempts,
        started_at: Utc::now(),
        duration: Duration::from_millis(12),
        request: Some(SentRequest {
            method: "POST".into(),
            url: "https://ci.example/hook".into(),
            headers: vec![("Authorization".into(), format!("Bearer {MASK}"))],
            body: "{\"a\":1}".into(),
        }),
        status: Some(400),
        answer: Some("no such pipeline".into()),
        answer_id: None,
        end: AttemptEnd::Refused { why: "status 400".into() },
    };
    record_attempt(&app.state.db, claimed[0].id, "w", &attempt, Utc::now()).await.unwrap();
    claimed[0].id
}

#[tokio::test]
async fn deliveries_are_listed_shown_tested_and_replayed() {
    on_each_engine(async |app| {
        let repository = watched(app, "ada/home").await;
        let trigger = make(app, "ci").await;
        let place = format!("/api/v1/triggers/{trigger}");
        assert_eq!(send(app, Method::POST, &format!("{place}/enable"), None).await.status, StatusCode::OK);
        let event = push(app, repository, 2).await.remove(0);
        tell(app, event.id, &trigger).await;
        let id = give_up(app).await;

        let listed = app.get(&format!("/api/v1/deliveries?trigger_id={trigger}&state=failed")).await;
        assert_eq!((listed.count(), listed.column("id")), (1, vec![id.to_string()]));
        for (query, count) in [
            (format!("repository_id={repository}"), 1),
            (format!("event_id={}", event.id), 1),
            (format!("branch_id={}", event.branch_id), 1),
            ("state=delivered".to_owned(), 0),
            ("since=2100-01-01T00:00:00Z".to_owned(), 0),
            ("until=2100-01-01T00:00:00Z".to_owned(), 1),
        ] {
            assert_eq!(app.get(&format!("/api/v1/deliveries?{query}")).await.count(), count, "{query}");
        }
        assert_eq!(app.refused("/api/v1/deliveries?state=lost&trigger_id=x").await.len(), 2);
        let one = send(app, Method::GET, &format!("/api/v1/deliveries/{id}"), None).await.json();
        assert_eq!(one["attempts"][0]["answer"], json!("no such pipeline"));
        assert_eq!(one["attempts"][0]["request"]["body"], json!("{\"a\":1}"));

        let again = send(app, Method::POST, &format!("/api/v1/deliveries/{id}/replay"), None).await;
        assert_eq!((again.status, &again.json()["state"]), (StatusCode::ACCEPTED, &json!("pending")));
        let busy = send(app, Method::POST, &format!("/api/v1/deliveries/{id}/replay"), None).await;
        assert_eq!(busy.status, StatusCode::UNPROCESSABLE_ENTITY, "it goes out by itself");
        assert_eq!(give_up(app).await, id, "by the same id");

        let replay = async |body: Value| {
            let answer = send(app, Method::POST, &format!("{place}/replay"), Some(body)).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
            answer.json()["deliveries"].as_u64().unwrap()
        };
        assert_eq!(replay(json!({ "since": "2100-01-01T00:00:00Z" })).await, 0);
        assert_eq!(replay(json!({ "until": "2000-01-01T00:00:00Z", "only_failed": false })).await, 0);
        let failed_until = Some(json!({ "until": "2100-01-01T00:00:00Z" }));
        let answer = send(app, Method::POST, &format!("{place}/replay"), failed_until).await;
        assert_eq!(refused(&answer), ["body.until"]);
        assert_eq!(replay(json!({ "since": "2000-01-01T00:00:00Z" })).await, 1);
        give_up(app).await;
        assert_eq!(replay(json!({ "until": "2100-01-01T00:00:00Z", "only_failed": false })).await, 1);
        give_up(app).await;
        let backwards =
            json!({ "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z", "only_failed": false });
        let answer = send(app, Method::POST, &format!("{place}/replay"), Some(backwards)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);

        // A test sends the newest event: that one again, or one that the trigger was not for.
        let test = async |branch: Uuid| {
            send(app, Method::POST, &format!("{place}/test"), Some(json!({ "branch_id": branch }))).await
        };
        assert_eq!(test(event.branch_id).await.json()["id"], json!(id));
        give_up(app).await;
        push(app, repository, 3).await;
        let fresh = test(event.branch_id).await;
        assert_eq!(fresh.status, StatusCode::ACCEPTED);
        assert_ne!(fresh.json()["id"], json!(id));
        assert_eq!(fresh.json()["commit"], json!(ObjectId([3; 20]).to_string()));
        assert_eq!(test(Uuid::now_v7()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "nothing happened there");
        send(app, Method::POST, &format!("{place}/disable"), None).await;
        assert_eq!(test(event.branch_id).await.status, StatusCode::CONFLICT, "one that is off sends nothing");
    })
    .await;
}

#[tokio::test]
async fn a_branch_that_has_not_changed_since_it_was_first_seen_is_tested_with_where_it_stands() {
    on_each_engine(async |app| {
        let repository = watched(app, "ada/home").await;
        let (one, other) = (make(app, "ci").await, make(app, "other").await);
        for trigger in [&one, &other] {
            send(app, Method::POST, &format!("/api/v1/triggers/{trigger}/enable"), None).await;
        }
        let db = &app.state.db.read;
        let branches = store::triggers::list_test_branches(db, 10).await.unwrap();
        assert_eq!(branches.iter().map(|branch| branch.branch_name.as_str()).collect::<Vec<_>>(), ["main"]);
        let branch = branches[0].id;
        let page = send(app, Method::GET, &format!("/triggers/{one}"), None).await.text();
        assert!(page.contains("Send test") && page.contains(&branch.to_string()), "{page}");
        let test = async |trigger: &str| {
            let path = format!("/api/v1/triggers/{trigger}/test");
            let sent = send(app, Method::POST, &path, Some(json!({ "branch_id": branch }))).await;
            assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text());
            sent.json()
        };
        let sent = test(&one).await;
        assert_eq!((&sent["commit"], &sent["kind"]), (&json!(ObjectId([1; 20]).to_string()), &json!("branch_created")));
        // Told to whom somebody chose alone: nobody decides it, and nobody reads its commit for others.
        let events = app.get(&format!("/api/v1/branch-events?branch_id={branch}")).await;
        assert_eq!((events.count(), events.column("matches")), (1, vec!["0".to_owned()]));
        let due = store::watch::events_to_follow(db, repository, Utc::now() + TimeDelta::days(1), 10).await.unwrap();
        assert!(due.is_empty(), "{due:?}");
        assert_eq!(app.get(&format!("/api/v1/deliveries?trigger_id={other}")).await.count(), 0);
        let first = give_up(app).await;
        assert_eq!(sent["id"], json!(first));
        // It is one event for all, and the same for who asks again.
        assert_eq!(test(&one).await["id"], sent["id"]);
        give_up(app).await;
        assert_eq!(test(&other).await["event_id"], sent["event_id"]);
        give_up(app).await;
        // What happens then comes after it.
        let pushed = push(app, repository, 2).await.remove(0);
        assert_eq!(test(&one).await["event_id"], json!(pushed.id));
    })
    .await;
}

#[tokio::test]
async fn who_may_not_manage_pipelines_sees_machines_alone() {
    on_each_engine(async |app| {
        let repository = watched(app, "ada/home").await;
        let trigger = make(app, "ci").await;
        send(app, Method::POST, &format!("/api/v1/triggers/{trigger}/enable"), None).await;
        let event = push(app, repository, 2).await.remove(0);
        tell(app, event.id, &trigger).await;
        let id = give_up(app).await;
        let (own, viewer) = account(app, "vera@example.org", "viewer").await;
        let paths = [
            "/api/v1/triggers".to_owned(),
            format!("/api/v1/triggers/{trigger}"),
            "/api/v1/deliveries".to_owned(),
            format!("/api/v1/deliveries/{id}"),
            "/triggers".to_owned(),
            format!("/triggers/{trigger}"),
            format!("/deliveries/{id}"),
            format!("/branches/{}", event.branch_id),
        ];
        for path in paths {
            let seen = ask(app, Method::GET, &path, Some(&viewer), None).await;
            assert_eq!(seen.status, StatusCode::OK, "{path}");
            for hidden in ["/hook", "no such pipeline", "status 400", "Bearer"] {
                assert!(!seen.text().contains(hidden), "{path} shows {hidden}");
            }
            let all = send(app, Method::GET, &path, None).await.text();
            assert!(all.contains("ci"), "{path}");
        }
        let page = send(app, Method::GET, &format!("/deliveries/{id}"), None).await.text();
        assert!(page.contains("no such pipeline") && page.contains("curl -X POST"), "{page}");
        assert!(page.contains("&lt;secret>") || page.contains("<secret>") || page.contains("&lt;secret&gt;"), "{page}");
        // A token for some repositories changes no trigger, and replays what is of its own.
        let (developer, _) = account(app, "dora@example.org", "developer").await;
        let scopes = [Permission::ManagePipelines, Permission::Read];
        for (repositories, status) in [(&["bob/*"][..], StatusCode::FORBIDDEN), (&["ada/*"][..], StatusCode::ACCEPTED)]
        {
            let some = token(app, developer, &scopes, repositories).await;
            let switch = format!("/api/v1/triggers/{trigger}/disable");
            assert_eq!(ask(app, Method::POST, &switch, Some(&some), None).await.status, StatusCode::FORBIDDEN);
            let replay = format!("/api/v1/deliveries/{id}/replay");
            assert_eq!(ask(app, Method::POST, &replay, Some(&some), None).await.status, status, "{repositories:?}");
        }
        assert!(own != developer);
    })
    .await;
}
