//! Where targets are that nothing is sent to: hosts that the configuration alone may name, and those that took the place of
//! another at the last moment.

use std::time::{Duration, Instant};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use entity::kind::DeliveryState;
use entity::view::{Condition, Pace, Target};
use sea_orm::TransactionTrait as _;
use serde_json::json;
use server::{
    clock,
    watching::{Secrets, Teller},
};
use store::db::{Db, DbSettings, Engine};
use store::triggers::{NewTrigger, list_attempts, pin_triggers};

use super::branches::Watched;
use super::receiver::Receiver;
use crate::support::on_each_engine;

/// Everything that is waited for happens by then.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_host_that_the_configuration_names_is_open_to_its_own_triggers_alone() {
    on_each_engine(async |app| {
        let receiver = Receiver::start().await;
        let ours = Target::Flux { url: receiver.url() };
        let config = format!(
            "security: {{allow_local_repositories: true}}\n\
             triggers: [{{name: ours, target: {{flux: {{url: '{}'}}}}}}]",
            receiver.url()
        );
        let watched = Watched::with_config(&app.state.db, None, &config).await;
        watched.look().await;
        let pace = Pace { timeout_ms: 30_000, waits_ms: Vec::new() };
        let wanted = NewTrigger {
            name: "ours".to_owned(),
            is_enabled: true,
            condition: Condition::default(),
            target: ours.clone(),
            pace,
        };
        let txn = app.state.db.begin().await.unwrap();
        pin_triggers(&txn, &[wanted], clock::now()).await.unwrap();
        txn.commit().await.unwrap();
        // The very same target, another path there, and the same machine by its name.
        let by_name = format!("http://localhost:{}/hook", receiver.address.port());
        for (name, target) in [
            ("same", ours),
            ("beside", Target::Webhook { url: format!("{}/other", receiver.url()), headers: [].into() }),
            ("by name", Target::Webhook { url: by_name, headers: [].into() }),
        ] {
            watched.tell(name, Condition::default(), target, &[]).await;
        }
        watched.origin.commit("change", &[]);
        watched.look().await;
        let telling = watched.start_telling();
        let deliveries = watched.until_told().await;
        assert_eq!(deliveries.len(), 4, "{deliveries:#?}");
        for delivery in &deliveries {
            let is_ours = delivery.trigger_name == "ours";
            let expected = if is_ours { DeliveryState::Delivered } else { DeliveryState::Failed };
            assert_eq!(delivery.state, expected, "{delivery:#?}");
            let error = delivery.error.as_deref().unwrap_or_default();
            assert_eq!(error.contains("security.allowed_networks"), !is_ours, "{delivery:#?}");
        }
        assert_eq!(receiver.came().len(), 1, "{:#?}", receiver.came());
        drop(watched);
        telling.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn nothing_is_sent_where_a_target_was_replaced_at_the_last_moment() {
    on_each_engine(async |app| {
        let (first, second) = (Receiver::start().await, Receiver::start().await);
        let watched = Watched::new(&app.state.db, None).await;
        watched.look().await;
        let target = Target::Webhook { url: first.url(), headers: [].into() };
        let trigger = watched.tell("all", Condition::default(), target, &[1]).await;
        watched.origin.commit("change", &[]);
        watched.look().await;

        // Secrets are read by connections that are all in use here: what was taken up waits for them before it is sent.
        let settings = DbSettings { max_connections: 3, acquire_timeout: PATIENCE, ..DbSettings::new(&app.url) };
        let db = Db::connect(&settings).await.unwrap();
        let mut held = Vec::new();
        for _ in 0..if db.engine == Engine::Sqlite { 1 } else { 3 } {
            held.push(db.read.begin().await.unwrap());
        }
        let telling = watched.run(Teller { secrets: Secrets::new(&db, &watched.keys), ..watched.teller() });
        let began = Instant::now();
        while watched.deliveries().await[0].state != DeliveryState::Sending {
            assert!(began.elapsed() < PATIENCE, "{:#?}", watched.deliveries().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let wanted = json!({
            "name": "all",
            "target": { "webhook": { "url": second.url() } },
            "pace": { "timeout_ms": 30_000, "waits_ms": [1] },
        });
        let request = Request::put(format!("/api/v1/triggers/{trigger}"));
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(wanted.to_string()));
        let changed = app.send(request.unwrap()).await;
        assert_eq!((changed.status, &changed.json()["forgot_secret"]), (StatusCode::OK, &json!(true)));
        for transaction in held {
            transaction.rollback().await.unwrap();
        }

        // That attempt is given up, and the next one has no secret for the target that is there now.
        let deliveries = watched.until_told().await;
        let attempts = list_attempts(&app.state.db.read, deliveries[0].id, 10).await.unwrap();
        let errors: Vec<&str> = attempts.iter().map(|attempt| attempt.error.as_deref().unwrap_or_default()).collect();
        assert_eq!((deliveries[0].state, errors.len()), (DeliveryState::Failed, 2), "{attempts:#?}");
        assert!(errors[1].contains("its target was changed just before it was sent"), "{errors:?}");
        assert!(errors[0].contains("secret"), "{errors:?}");
        assert!(attempts.iter().all(|attempt| attempt.request.is_none() && attempt.status.is_none()), "{attempts:#?}");
        assert!(first.came().is_empty() && second.came().is_empty(), "something was sent");
        drop(watched);
        telling.await.unwrap();
        db.close().await.unwrap();
    })
    .await;
}
