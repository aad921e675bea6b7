//! Deliveries while many processes decide, send, ask again and remove at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;

#[tokio::test]
async fn processes_that_start_at_once_pin_the_same_triggers() {
    on_each_engine(async |db| {
        let pins = (0..4).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let txn = db.begin().await.unwrap();
                let pinned = pin_triggers(&txn, &[wanted("a"), wanted("b")], at(8, 0)).await.unwrap();
                txn.commit().await.unwrap();
                pinned
            })
        });
        let mut ids = BTreeSet::new();
        for pin in pins.collect::<Vec<_>>() {
            ids.extend(pin.await.unwrap().into_iter().map(|pinned| pinned.id().unwrap()));
        }
        assert_eq!(ids.len(), 2);
    })
    .await;
}

/// Everything that writes of a lane at the same time: no two wait for each other, and no delivery is left behind one that ended.
#[tokio::test]
async fn lanes_hold_however_many_decide_end_ask_again_and_remove_at_once() {
    const EACH: u8 = 12;
    on_each_engine(async |db| {
        let triggers = [add(&db, "a").await, add(&db, "b").await];
        let doomed = add(&db, "doomed").await;
        let pairs = [watched(&db, "ada/home").await, watched(&db, "kim/lab").await];
        let doomed_repository = watched(&db, "leo/gone").await;
        let branches = |commit| [seen("main", commit), seen("dev", commit)];
        for repository in pairs.into_iter().chain([doomed_repository]) {
            look(&db, repository, &branches(1), at(8, 0)).await;
        }
        let busy = Arc::new(AtomicUsize::new(3));
        let mut tasks = Vec::new();
        for repository in pairs.into_iter().chain([doomed_repository]) {
            let (db, busy) = (db.clone(), Arc::clone(&busy));
            tasks.push(tokio::spawn(async move {
                for commit in 2..2 + EACH {
                    let Some(began) = store::watch::watch_state(&db.read, repository).await.unwrap() else { break };
                    let look = store::watch::Look::new(&began, NoticedBy::Poll, branches(commit).to_vec());
                    let txn = db.begin().await.unwrap();
                    let noted = store::watch::note_refs(&txn, repository, &look, at(8, 1)).await.unwrap();
                    for event in noted.events {
                        let decision = |id: Uuid| Decision {
                            trigger_id: id,
                            trigger_name: "x".into(),
                            is_match: true,
                            clauses: vec![],
                        };
                        let decisions: Vec<Decision> = triggers.into_iter().chain([doomed]).map(decision).collect();
                        decide(&txn, event.id, &decisions, at(8, 1)).await.unwrap();
                    }
                    txn.commit().await.unwrap();
                }
                busy.fetch_sub(1, Ordering::SeqCst);
            }));
        }
        for worker in ["v", "w"] {
            let (db, busy) = (db.clone(), Arc::clone(&busy));
            tasks.push(tokio::spawn(async move {
                let mut quiet = 0;
                while busy.load(Ordering::SeqCst) > 0 || quiet < 20 {
                    let room = DeliveryRoom { worker, most: 4, per_trigger: 6, failing: 3 };
                    let claimed = claim_deliveries(&db, room, at(9, 0)).await.unwrap();
                    quiet = if claimed.is_empty() { quiet + 1 } else { 0 };
                    for (place, claimed) in claimed.into_iter().enumerate() {
                        let end = match place % 3 {
                            0 => AttemptEnd::Refused { why: "status 404".into() },
                            _ => AttemptEnd::Delivered,
                        };
                        let attempt = Attempt { number: claimed.attempts, ..went(end) };
                        match record_attempt(&db, claimed.id, worker, &attempt, at(9, 0)).await {
                            Ok(_) | Err(DataError::LostLease { .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                    if quiet > 0 {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            }));
        }
        {
            let (db, busy) = (db.clone(), Arc::clone(&busy));
            tasks.push(tokio::spawn(async move {
                while busy.load(Ordering::SeqCst) > 0 {
                    for trigger in triggers {
                        let ids = failed_deliveries(&db.read, trigger, at(8, 0), 5).await.unwrap();
                        replay_deliveries(&db, &ids, at(9, 0)).await.unwrap();
                    }
                    remove_events_before(&db, at(8, 2), 5).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }));
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(remove_trigger(&db, doomed, at(9, 0)).await.unwrap());
        let txn = db.begin().await.unwrap();
        assert!(repositories::remove_repository(&txn, doomed_repository).await.unwrap());
        txn.commit().await.unwrap();
        for task in tasks {
            task.await.unwrap();
        }
        // What is left goes out to the last one.
        loop {
            let claimed = claim_deliveries(&db, room(50, 50), at(9, 0)).await.unwrap();
            if claimed.is_empty() {
                break;
            }
            for claimed in claimed {
                record(&db, claimed.id, AttemptEnd::Delivered, at(9, 0)).await.unwrap();
            }
        }
        let page = PageQuery { skip: 0, limit: 1_000 };
        for state in [DeliveryState::Behind, DeliveryState::Pending, DeliveryState::Retrying, DeliveryState::Sending] {
            let left = DeliveryFilter { state: Some(state), page, ..Default::default() };
            assert_eq!(list_deliveries(&db.read, &left).await.unwrap().data, [], "{state:?}");
        }
        let events = list_branch_events(&db.read, &BranchEventFilter { page, ..Default::default() }).await.unwrap();
        assert!(events.data.iter().all(|event| event.repository_id != doomed_repository));
        let finished = [BranchEventState::Processed, BranchEventState::Failed];
        assert!(events.data.iter().all(|event| finished.contains(&event.state)), "{:?}", events.data);
    })
    .await;
}
