//! Deliveries when several things happen at once, or somebody dies, or comes late.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use entity::kind::*;
use entity::view::*;
use store::triggers::*;
use store::watch::{
    Learned, events_to_follow, find_branch_event, list_branch_events, note_facts, remove_events_before,
};
use store::{DataError, repositories, secrets};
use uuid::Uuid;

use crate::support::{at, on_each_engine};
use crate::triggers::{Mover, add, decided, delivery, failed, ids, record, room, tell, wanted, went};
use crate::watch::{look, seen, watched};

#[tokio::test]
async fn an_earlier_attempt_ends_no_later_one_of_the_same_worker() {
    on_each_engine(async |db| {
        let pace = Pace { timeout_ms: 5 * 60_000, waits_ms: vec![5_000, 60_000] };
        let id = insert_trigger(&db.write, &NewTrigger { pace, ..wanted("ci") }, at(8, 0)).await.unwrap();
        let event = Mover::new(&db, "ada/home", "main").await.push(&db).await;
        tell(&db, event, &[id], at(9, 0)).await;
        let first = claim_deliveries(&db, room(5, 5), at(9, 0)).await.unwrap().remove(0);
        assert_eq!(recover_deliveries(&db, at(9, 5), 10).await.unwrap(), 0, "its target may take five minutes");
        assert_eq!(lost_deliveries(&db.read, at(9, 7), 10).await.unwrap(), [first.id]);
        assert_eq!(recover_deliveries(&db, at(9, 7), 10).await.unwrap(), 1);
        let second = claim_deliveries(&db, room(5, 5), at(9, 8)).await.unwrap().remove(0);
        assert_eq!((second.id, second.attempts), (first.id, 2));
        let late = Attempt { number: first.attempts, ..went(failed()) };
        let late = record_attempt(&db, first.id, "w", &late, at(9, 8)).await.unwrap_err();
        assert!(matches!(late, DataError::LostLease { .. }), "{late}");
        assert_eq!(delivery(&db, first.id).await.state, DeliveryState::Sending);
        record(&db, second.id, AttemptEnd::Delivered, at(9, 9)).await.unwrap();
        assert_eq!(delivery(&db, first.id).await.state, DeliveryState::Delivered);
    })
    .await;
}

#[tokio::test]
async fn deaths_of_our_own_say_nothing_of_a_target_and_come_to_an_end() {
    on_each_engine(async |db| {
        let pace = Pace { timeout_ms: 1_000, waits_ms: vec![] };
        let id = insert_trigger(&db.write, &NewTrigger { pace, ..wanted("ci") }, at(8, 0)).await.unwrap();
        let event = Mover::new(&db, "ada/home", "main").await.push(&db).await;
        tell(&db, event, &[id], at(9, 0)).await;
        let mut now = at(9, 0);
        for round in 1..=6 {
            let claimed = claim_deliveries(&db, room(5, 5), now).await.unwrap();
            assert_eq!((claimed.len(), claimed[0].attempts), (1, round));
            now += TimeDelta::minutes(5);
            assert_eq!(recover_deliveries(&db, now, 10).await.unwrap(), 1);
            let told = delivery(&db, claimed[0].id).await;
            let expected = if round < 6 { DeliveryState::Retrying } else { DeliveryState::Failed };
            assert_eq!(told.state, expected, "the pace has no second try, but nobody knows of the first: {round}");
            now += TimeDelta::minutes(1);
        }
        let trigger = find_trigger(&db.read, id, now).await.unwrap().unwrap();
        assert_eq!((trigger.failures_in_row, trigger.last_error), (0, None));
        assert_eq!((trigger.days[0].attempts, trigger.days[0].failed_attempts, trigger.days[0].failed), (6, 0, 1));
    })
    .await;
}

#[tokio::test]
async fn what_was_given_up_is_told_when_the_branch_comes_to_its_commit_again() {
    on_each_engine(async |db| {
        let pace = Pace { timeout_ms: 1_000, waits_ms: vec![] };
        let id = insert_trigger(&db.write, &NewTrigger { pace, ..wanted("ci") }, at(8, 0)).await.unwrap();
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let first = mover.push(&db).await;
        tell(&db, first, &[id], at(9, 0)).await;
        let claimed = ids(&db, room(5, 5), at(9, 0)).await[0];
        assert_eq!(record(&db, claimed, failed(), at(9, 0)).await.unwrap().state, DeliveryState::Failed);
        assert_eq!(failed_deliveries(&db.read, id, at(9, 0), 10).await.unwrap(), [claimed]);
        assert_eq!(failed_deliveries(&db.read, id, at(9, 1), 10).await.unwrap(), [] as [Uuid; 0]);
        let between = look(&db, mover.repository, &[seen("main", 9)], at(9, 1)).await.events[0].id;
        tell(&db, between, &[], at(9, 1)).await;
        let again = look(&db, mover.repository, &[seen("main", 2)], at(9, 2)).await.events[0].id;
        tell(&db, again, &[id], at(9, 2)).await;
        let told = find_branch_event(&db.read, again).await.unwrap().unwrap();
        assert_eq!((told.verdicts[0].delivery_id, told.verdicts[0].is_repeated), (Some(claimed), false));
        assert_eq!(told.state, BranchEventState::Pending);
        assert_eq!(
            (delivery(&db, claimed).await.state, delivery(&db, claimed).await.event_id),
            (DeliveryState::Pending, again)
        );
        assert_eq!(ids(&db, room(5, 5), at(9, 3)).await, [claimed], "by the same id");
        record(&db, claimed, AttemptEnd::Delivered, at(9, 3)).await.unwrap();
        for event in [first, again] {
            assert_eq!(find_branch_event(&db.read, event).await.unwrap().unwrap().state, BranchEventState::Processed);
        }
    })
    .await;
}

#[tokio::test]
async fn many_dead_targets_leave_room_for_those_that_answer() {
    on_each_engine(async |db| {
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let mut dead = Vec::new();
        for number in 0..12 {
            dead.push(add(&db, &format!("dead-{number}")).await);
        }
        for minute in 0..5 {
            let event = mover.push(&db).await;
            tell(&db, event, &dead, at(9, minute)).await;
            for id in ids(&db, room(100, 1), at(9, minute)).await {
                record(&db, id, AttemptEnd::Refused { why: "status 404".into() }, at(9, minute)).await.unwrap();
            }
        }
        let live = add(&db, "live").await;
        let event = mover.push(&db).await;
        tell(&db, event, &[&dead[..], &[live]].concat(), at(9, 10)).await;
        // Whoever has one place gives it to the live one, though all others wait as long.
        let claimed = claim_deliveries(&db, room(1, 5), at(9, 10)).await.unwrap();
        assert_eq!(claimed.iter().map(|claimed| claimed.trigger_id).collect::<Vec<_>>(), [live]);
        let claimed = claim_deliveries(&db, room(8, 5), at(9, 10)).await.unwrap();
        assert_eq!(claimed.len(), 2, "so many that fail are tried at the same time");
        assert_eq!(ids(&db, room(8, 5), at(9, 10)).await, [] as [Uuid; 0]);
        record(&db, claimed[0].id, AttemptEnd::Delivered, at(9, 10)).await.unwrap();
        assert_eq!(ids(&db, room(8, 5), at(9, 10)).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_trigger_that_is_gone_is_left_out_and_takes_its_deliveries_and_secrets_along() {
    on_each_engine(async |db| {
        let (gone, stays) = (add(&db, "gone").await, add(&db, "stays").await);
        let names = [format!("trigger:{gone}"), format!("sink:{gone}")];
        for name in &names {
            secrets::put_secret(&db.write, name, vec![1], at(8, 0)).await.unwrap();
        }
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let first = mover.push(&db).await;
        tell(&db, first, &[gone], at(9, 0)).await;
        assert_eq!(find_branch_event(&db.read, first).await.unwrap().unwrap().state, BranchEventState::Pending);
        assert!(remove_trigger(&db, gone, at(9, 1)).await.unwrap());
        assert_eq!(find_branch_event(&db.read, first).await.unwrap().unwrap().state, BranchEventState::Processed);
        assert_eq!(list_deliveries(&db.read, &DeliveryFilter::default()).await.unwrap().count, 0);
        for name in &names {
            assert_eq!(secrets::find_secret(&db.read, name).await.unwrap(), None, "{name}");
        }
        let second = mover.push(&db).await;
        tell(&db, second, &[gone, stays], at(9, 2)).await;
        let verdicts = find_branch_event(&db.read, second).await.unwrap().unwrap().verdicts;
        assert_eq!(verdicts.iter().map(|verdict| verdict.trigger_id).collect::<Vec<_>>(), [stays]);
    })
    .await;
}

#[tokio::test]
async fn one_that_waits_for_another_try_is_tried_at_once_and_stays_the_first_of_its_branch() {
    on_each_engine(async |db| {
        let id = add(&db, "ci").await;
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        for hour in [9, 10] {
            let event = mover.push(&db).await;
            tell(&db, event, &[id], at(hour, 0)).await;
        }
        let first = ids(&db, room(5, 5), at(10, 0)).await[0];
        assert_eq!(replay_deliveries(&db, &[first], at(10, 0)).await.unwrap(), 0, "it is being sent");
        record(&db, first, failed(), at(10, 0)).await.unwrap();
        assert_eq!(delivery(&db, first).await.state, DeliveryState::Retrying);
        assert!(ids(&db, room(5, 5), at(10, 0)).await.is_empty(), "its next try is later");
        assert_eq!(replay_deliveries(&db, &[first], at(10, 0)).await.unwrap(), 1);
        assert_eq!(delivery(&db, first).await.state, DeliveryState::Pending);
        assert_eq!(ids(&db, room(5, 5), at(10, 0)).await, [first], "and the later one waits for it");
        record(&db, first, AttemptEnd::Delivered, at(10, 1)).await.unwrap();
        assert_eq!(ids(&db, room(5, 5), at(10, 1)).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_a_target_tells_of_its_run_is_kept_in_its_order() {
    on_each_engine(async |db| {
        let id = add(&db, "ci").await;
        let event = Mover::new(&db, "ada/home", "main").await.push(&db).await;
        tell(&db, event, &[id], at(9, 0)).await;
        let claimed = ids(&db, room(5, 5), at(9, 0)).await[0];
        let set = async |answer: &str, state, name: &str, now| {
            set_run_state(&db.write, claimed, answer, state, name, now).await.unwrap();
        };
        let known = async || {
            let told = delivery(&db, claimed).await;
            (told.run_state, told.run_name, told.run_at)
        };
        set("run-7", RunState::Started, "early", at(9, 0)).await;
        assert_eq!(known().await, (None, None, None), "it has not answered yet");
        assert!(is_telling(&db.read).await.unwrap());
        record(&db, claimed, AttemptEnd::Delivered, at(9, 1)).await.unwrap();
        assert!(!is_telling(&db.read).await.unwrap());
        let kind = delivery(&db, claimed).await.target_kind;
        let of = async |answer, kind| find_answered(&db.read, answer, kind).await.unwrap();
        let answered = of("run-7", kind).await.unwrap();
        assert_eq!((answered.delivery_id, answered.trigger_id), (claimed, id));
        assert_eq!(of("run-1", kind).await, None);
        let other = TargetKind::ALL.iter().find(|other| **other != kind).unwrap();
        assert_eq!(of("run-7", *other).await, None);
        assert_eq!(known().await, (None, None, None));
        set("run-7", RunState::Started, "build-x1", at(9, 2)).await;
        assert_eq!(known().await, (Some(RunState::Started), Some("build-x1".into()), Some(at(9, 2))));
        set("run-7", RunState::Failed, "build-x1", at(9, 5)).await;
        set("run-7", RunState::Started, "late", at(9, 6)).await;
        set("run-7", RunState::Succeeded, "build-x1", at(9, 4)).await;
        set("run-1", RunState::Failed, "another", at(9, 9)).await;
        assert_eq!(known().await, (Some(RunState::Failed), Some("build-x1".into()), Some(at(9, 5))));
        // Told once more, it begins another run.
        replay_deliveries(&db, &[claimed], at(10, 0)).await.unwrap();
        ids(&db, room(5, 5), at(10, 0)).await;
        let next = Attempt { number: 2, answer_id: Some("run-8".into()), ..went(AttemptEnd::Delivered) };
        record_attempt(&db, claimed, "w", &next, at(10, 0)).await.unwrap();
        assert_eq!(known().await, (None, None, None));
        // And another three, of which one fails.
        set("run-8", RunState::Succeeded, "first", at(10, 2)).await;
        set("run-8", RunState::Started, "second", at(10, 3)).await;
        assert_eq!(known().await, (Some(RunState::Succeeded), Some("first".into()), Some(at(10, 2))));
        set("run-8", RunState::Failed, "second", at(10, 1)).await;
        set("run-8", RunState::Succeeded, "third", at(10, 5)).await;
        assert_eq!(known().await, (Some(RunState::Failed), Some("second".into()), Some(at(10, 1))));
    })
    .await;
}

fn brings() -> TektonFound {
    let resource = TektonResource {
        api_version: "tekton.dev/v1".into(),
        kind: "PipelineRun".into(),
        name: "build".into(),
        namespace: None,
        path: ".tekton/build.yaml".into(),
        index: 0,
        is_valid: true,
        errors: vec![],
        dependencies: vec!["Task/x".into()],
    };
    TektonFound {
        has_directory: true,
        total_files: 1,
        valid_files: 1,
        resources: vec![resource; 300],
        estimated_action: TektonAction::Trigger,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_commit_that_brings_tekton_resources_is_an_event_of_its_own_once() {
    on_each_engine(async |db| {
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let learn = async |event, found: &TektonFound| {
            let txn = db.begin().await.unwrap();
            assert!(decide(&txn, event, &[], at(9, 0)).await.unwrap());
            let learned = Learned { tekton: Some(found), is_forced: Some(true) };
            let detected = note_facts(&txn, event, learned, at(9, 0)).await.unwrap();
            txn.commit().await.unwrap();
            detected
        };
        let event = mover.push(&db).await;
        let follows = learn(event, &brings()).await.unwrap();
        let stored = find_branch_event(&db.read, event).await.unwrap().unwrap();
        assert_eq!((stored.is_forced, stored.tekton.as_ref().unwrap().resources.len()), (Some(true), 200), "bounded");
        assert_eq!(
            (follows.kind, &follows.new_commit.unwrap().to_string()),
            (BranchEventKind::TektonDetected, stored.new_commit.as_ref().unwrap())
        );
        // It is decided next, before what happens to the branch afterwards, and knows what was found.
        let later = mover.push(&db).await;
        let due = events_to_follow(&db.read, mover.repository, at(9, 9), 10).await.unwrap();
        assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [follows.id]);
        assert_eq!(due[0].tekton.as_ref().map(|found| found.resources.len()), Some(200));
        assert_eq!((due[0].is_undecided, due[0].is_unread), (true, false), "its commit was read");
        assert_eq!(learn(follows.id, &brings()).await, None, "it leads to no further one");
        assert_eq!(learn(later, &TektonFound::default()).await, None, "nothing is brought");
        let of_branch = BranchEventFilter { branch_id: Some(follows.branch_id), ..Default::default() };
        let timeline = list_branch_events(&db.read, &of_branch).await.unwrap().data;
        assert_eq!(timeline.iter().map(|event| event.id).collect::<Vec<_>>(), [later, follows.id, event]);
        let back = look(&db, mover.repository, &[seen("main", 2)], at(9, 3)).await.events[0].id;
        assert_eq!(learn(back, &brings()).await, None, "it was told of this commit");
        let past = past_events(&db.read, at(8, 0), 3).await.unwrap();
        assert_eq!((past.len(), past[0].id, past[0].repository_full_name.as_str()), (3, back, "ada/home"));
        assert_eq!(past[0].tekton.as_ref().map(|found| found.0.resources.len()), Some(200));
    })
    .await;
}

#[tokio::test]
async fn a_repository_that_is_removed_takes_all_of_it_along() {
    on_each_engine(async |db| {
        let id = add(&db, "ci").await;
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let (first, second) = (mover.push(&db).await, mover.push(&db).await);
        tell(&db, first, &[id], at(9, 0)).await;
        tell(&db, second, &[id], at(9, 0)).await;
        let claimed = claim_deliveries(&db, room(5, 5), at(9, 0)).await.unwrap().remove(0);
        let secret = format!("webhook:{}", mover.repository);
        secrets::put_secret(&db.write, &secret, vec![1], at(8, 0)).await.unwrap();
        store::watch::take_receipt(&db.write, mover.repository, "a", "push", at(9, 0)).await.unwrap();
        let told = async || list_deliveries(&db.read, &DeliveryFilter::default()).await.unwrap().count;
        assert_eq!(told().await, 2);
        let txn = db.begin().await.unwrap();
        assert!(repositories::remove_repository(&txn, mover.repository).await.unwrap());
        txn.commit().await.unwrap();
        assert_eq!(told().await, 0);
        assert_eq!(store::watch::list_branches(&db.read, &BranchFilter::default()).await.unwrap().count, 0);
        assert_eq!(enabled_triggers(&db.read).await.unwrap()[0].id, id, "it is nobody's");
        assert_eq!(secrets::find_secret(&db.read, &secret).await.unwrap(), None);
        assert!(find_branch_event(&db.read, first).await.unwrap().is_none());
        // Whoever works on what was there is told so.
        let attempt = Attempt { number: claimed.attempts, ..went(AttemptEnd::Delivered) };
        let lost = record_attempt(&db, claimed.id, "w", &attempt, at(9, 1)).await.unwrap_err();
        assert!(matches!(lost, DataError::LostLease { .. }), "{lost}");
        assert!(!decided(&db, second, &[], at(9, 1)).await);
        let taken = store::watch::take_receipt(&db.write, mover.repository, "b", "push", at(9, 1)).await.unwrap_err();
        assert!(matches!(taken, DataError::NotFound { what: "repository", .. }), "{taken}");
    })
    .await;
}

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
