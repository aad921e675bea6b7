//! Deliveries when somebody dies, comes late, goes or asks again.

mod attempts;
mod lanes;
mod runs;

use chrono::TimeDelta;
use entity::kind::*;
use entity::view::*;
use store::triggers::*;
use store::watch::{
    Learned, events_to_follow, find_branch_event, list_branch_events, note_facts, note_told, remove_events_before,
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
async fn what_is_refused_before_anything_is_sent_says_nothing_of_a_target() {
    on_each_engine(async |db| {
        let id = add(&db, "ci").await;
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let why = "event: the branch is gone";
        for minute in 0..6 {
            let event = mover.push(&db).await;
            tell(&db, event, &[id], at(9, minute)).await;
            let claimed = claim_deliveries(&db, room(5, 5), at(9, minute)).await.unwrap().remove(0);
            let end = AttemptEnd::Refused { why: why.into() };
            let attempt = Attempt { request: None, status: None, answer: None, ..went(end) };
            let recorded = record_attempt(&db, claimed.id, "w", &attempt, at(9, minute)).await.unwrap();
            assert_eq!(recorded.state, DeliveryState::Failed);
        }
        let trigger = find_trigger(&db.read, id, at(9, 9)).await.unwrap().unwrap();
        assert_eq!((trigger.failures_in_row, trigger.last_error.as_deref()), (0, Some(why)));
        let days = &trigger.days;
        assert_eq!((days[0].failed, days[0].attempts, days[0].failed_attempts), (6, 0, 0));
        assert_eq!(trigger.failing(at(9, 9)), None);
        // Where it was sent, the target said so.
        let event = mover.push(&db).await;
        tell(&db, event, &[id], at(9, 9)).await;
        let claimed = ids(&db, room(5, 5), at(9, 9)).await[0];
        record(&db, claimed, AttemptEnd::Refused { why: "status 404".into() }, at(9, 9)).await.unwrap();
        assert_eq!(find_trigger(&db.read, id, at(9, 9)).await.unwrap().unwrap().failures_in_row, 1);
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
async fn an_event_of_which_something_stayed_unknown_has_failed_whatever_is_told() {
    on_each_engine(async |db| {
        let id = add(&db, "ci").await;
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let mut events = Vec::new();
        for (is_match, state) in [(false, BranchEventState::Failed), (true, BranchEventState::Pending)] {
            let event = mover.push(&db).await;
            let decision = Decision { trigger_id: id, trigger_name: "ci".into(), is_match, clauses: vec![] };
            let txn = db.begin().await.unwrap();
            assert!(decide_unknown(&txn, event, &[decision], "git is away", at(9, 0)).await.unwrap());
            txn.commit().await.unwrap();
            let found = find_branch_event(&db.read, event).await.unwrap().unwrap();
            assert_eq!((found.state, found.error.as_deref()), (state, Some("git is away")));
            events.push(event);
        }
        let claimed = ids(&db, room(5, 5), at(9, 0)).await[0];
        record(&db, claimed, AttemptEnd::Delivered, at(9, 1)).await.unwrap();
        let have_failed = async || {
            for event in &events {
                let found = find_branch_event(&db.read, *event).await.unwrap().unwrap();
                assert_eq!(found.state, BranchEventState::Failed);
            }
        };
        have_failed().await;
        assert!(remove_trigger(&db, id, at(9, 2)).await.unwrap());
        have_failed().await;
    })
    .await;
}
