//! Deliveries on their way: when each is tried, in which order, by whom, and what an attempt comes to.

use chrono::TimeDelta;
use entity::kind::*;
use entity::view::*;
use store::DataError;
use store::triggers::*;
use store::watch::{find_branch_event, remove_events_before};
use uuid::Uuid;

use crate::support::{at, on_each_engine};
use crate::triggers::{Mover, add, delivery, failed, ids, record, room, tell, went};
use crate::watch::{look, seen, watched};

#[tokio::test]
async fn failed_attempts_wait_as_the_pace_says_and_then_it_has_failed() {
    on_each_engine(async |db| {
        let id = add(&db, "ci").await;
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let event = mover.push(&db).await;
        tell(&db, event, &[id], at(9, 0)).await;
        let try_at = async |now, end: AttemptEnd| {
            let claimed = ids(&db, room(5, 5), now).await;
            assert_eq!(claimed.len(), 1, "{now}");
            record(&db, claimed[0], end, now).await.unwrap()
        };
        let state = async || find_branch_event(&db.read, event).await.unwrap().unwrap().state;
        let first = try_at(at(9, 0), failed()).await;
        assert_eq!(first.next_try_at, Some(at(9, 0) + TimeDelta::seconds(5)));
        assert_eq!(state().await, BranchEventState::Retrying);
        assert_eq!(ids(&db, room(5, 5), at(9, 0) + TimeDelta::seconds(4)).await, [] as [Uuid; 0]);
        assert_eq!(next_delivery_at(&db.read, at(9, 0)).await.unwrap(), first.next_try_at);
        // The target names a later time than the pace does, and then one that nobody waits for.
        let end = AttemptEnd::Failed { why: "status 429".into(), not_before: Some(at(9, 30)) };
        assert_eq!(try_at(at(9, 1), end).await.next_try_at, Some(at(9, 30)));
        let last = try_at(at(9, 30), failed()).await;
        assert_eq!((last.state, last.next_try_at), (DeliveryState::Failed, None));
        assert_eq!(state().await, BranchEventState::Failed);
        let of_event = DeliveryFilter { event_id: Some(event), ..Default::default() };
        let told = list_deliveries(&db.read, &of_event).await.unwrap().data.pop().unwrap();
        assert_eq!((told.attempts, told.status, told.error.as_deref()), (3, Some(500), Some("status 500")));
        let trigger = find_trigger(&db.read, id, at(10, 0)).await.unwrap().unwrap();
        assert_eq!((trigger.failures_in_row, trigger.last_error.as_deref()), (3, Some("status 500")));
        assert_eq!((trigger.days[0].failed, trigger.days[0].failed_attempts), (1, 3));

        // Asked for once more, it begins anew by the same id.
        assert_eq!(replay_deliveries(&db, &[told.id], at(10, 0)).await.unwrap(), 1);
        assert_eq!(replay_deliveries(&db, &[told.id], at(10, 0)).await.unwrap(), 0, "it is on its way");
        assert_eq!(state().await, BranchEventState::Pending);
        let end = AttemptEnd::Failed { why: "later".into(), not_before: Some(at(10, 0) + TimeDelta::days(9)) };
        assert_eq!(try_at(at(10, 0), end).await.next_try_at, Some(at(10, 0) + TimeDelta::hours(24)));
        assert_eq!(
            try_at(at(10, 0) + TimeDelta::hours(24), AttemptEnd::Delivered).await.state,
            DeliveryState::Delivered
        );
        let numbers = list_attempts(&db.read, told.id, 10).await.unwrap();
        assert_eq!(numbers.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
        assert_eq!(find_trigger(&db.read, id, at(10, 0)).await.unwrap().unwrap().failures_in_row, 0);
    })
    .await;
}

#[tokio::test]
async fn deliveries_of_one_branch_go_out_in_order() {
    on_each_engine(async |db| {
        let (ci, cd) = (add(&db, "ci").await, add(&db, "cd").await);
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let events = [mover.push(&db).await, mover.push(&db).await, mover.push(&db).await];
        for event in events {
            tell(&db, event, &[ci, cd], at(9, 0)).await;
        }
        let of = async |id| delivery(&db, id).await;
        let claimed = ids(&db, room(9, 9), at(9, 0)).await;
        assert_eq!(claimed.len(), 2, "the first of each trigger");
        for id in &claimed {
            assert_eq!(of(*id).await.event_id, events[0]);
        }
        // One fails and is tried later: those behind it wait, those of the other trigger do not.
        let (bad, good) = match of(claimed[0]).await.trigger_id == ci {
            true => (claimed[0], claimed[1]),
            false => (claimed[1], claimed[0]),
        };
        assert!(!record(&db, bad, failed(), at(9, 0)).await.unwrap().lets_another_go);
        assert!(record(&db, good, AttemptEnd::Delivered, at(9, 0)).await.unwrap().lets_another_go);
        let next = ids(&db, room(9, 9), at(9, 0)).await;
        assert_eq!(next.len(), 1);
        assert_eq!((of(next[0]).await.trigger_id, of(next[0]).await.event_id), (cd, events[1]));
        // The first of ci again, then the others one after the other.
        let retried = ids(&db, room(9, 9), at(9, 1)).await;
        assert_eq!(retried, [bad]);
        // Asked for again while others wait: it is behind them no longer than its place in the order says.
        record(&db, bad, AttemptEnd::Delivered, at(9, 1)).await.unwrap();
        assert_eq!(replay_deliveries(&db, &[bad], at(9, 1)).await.unwrap(), 1);
        assert_eq!(of(bad).await.state, DeliveryState::Behind);
        for expected in [events[1], events[0], events[2]] {
            let next = ids(&db, room(9, 9), at(9, 2)).await;
            let next = next.into_iter().find(|id| *id != good).unwrap();
            assert_eq!(of(next).await.event_id, expected);
            record(&db, next, AttemptEnd::Delivered, at(9, 2)).await.unwrap();
        }
    })
    .await;
}

/// A worker sleeps until the next one: one that is due and has no room must not make it oversleep.
#[tokio::test]
async fn what_is_due_and_has_no_room_hides_nothing_that_comes_later() {
    on_each_engine(async |db| {
        let (full, soon) = (add(&db, "full").await, add(&db, "soon").await);
        let repository = watched(&db, "ada/home").await;
        let branches = |commit| [seen("a", commit), seen("b", commit)];
        look(&db, repository, &branches(1), at(8, 0)).await;
        let events = look(&db, repository, &branches(2), at(8, 1)).await.events;
        tell(&db, events[0].id, &[full, soon], at(9, 0)).await;
        tell(&db, events[1].id, &[full], at(9, 0)).await;
        let claimed = claim_deliveries(&db, room(9, 1), at(9, 0)).await.unwrap();
        assert_eq!(claimed.len(), 2, "one for each target");
        let failing = claimed.iter().find(|claimed| claimed.trigger_id == soon).unwrap().id;
        let again = record(&db, failing, failed(), at(9, 0)).await.unwrap().next_try_at;
        assert_eq!(again, Some(at(9, 0) + TimeDelta::seconds(5)));
        assert_eq!(
            first_delivery_at(&db.read).await.unwrap(),
            Some(at(9, 0)),
            "the second one of the target that is busy"
        );
        assert_eq!(next_delivery_at(&db.read, at(9, 0)).await.unwrap(), again);
        assert_eq!(next_delivery_at(&db.read, at(9, 1)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_dead_target_delays_nobody() {
    on_each_engine(async |db| {
        let (dead, alive) = (add(&db, "dead").await, add(&db, "alive").await);
        let repository = watched(&db, "ada/home").await;
        let branches = |commit| (0..40).map(|number| seen(&format!("b{number:02}"), commit)).collect::<Vec<_>>();
        look(&db, repository, &branches(1), at(8, 0)).await;
        let events = look(&db, repository, &branches(2), at(8, 1)).await.events;
        for event in &events {
            tell(&db, event.id, &[dead], at(8, 2)).await;
        }
        let last = look(&db, repository, &branches(3), at(8, 3)).await.events.pop().unwrap();
        tell(&db, last.id, &[alive], at(8, 4)).await;
        let claimed = claim_deliveries(&db, room(4, 3), at(9, 0)).await.unwrap();
        let of = |id| claimed.iter().filter(|claimed| claimed.trigger_id == id).count();
        assert_eq!((of(dead), of(alive)), (3, 1), "forty that are due longer leave it its place");
        assert_eq!(ids(&db, room(9, 3), at(9, 0)).await, [] as [Uuid; 0], "the dead one's room is taken");
        // After some failures in a row it gets one attempt at a time.
        for claimed in claimed.iter().filter(|claimed| claimed.trigger_id == dead) {
            record(&db, claimed.id, failed(), at(9, 0)).await.unwrap();
        }
        let more = ids(&db, room(9, 3), at(9, 0)).await;
        assert_eq!(more.len(), 3);
        for id in more {
            record(&db, id, failed(), at(9, 0)).await.unwrap();
        }
        let probe = ids(&db, room(9, 3), at(9, 0)).await;
        assert_eq!(probe.len(), 1);
        record(&db, probe[0], AttemptEnd::Delivered, at(9, 0)).await.unwrap();
        assert_eq!(ids(&db, room(9, 3), at(9, 0)).await.len(), 3);

        // What a trigger that is off has to tell waits.
        switch_trigger(&db.write, dead, false, at(9, 1)).await.unwrap();
        assert_eq!(ids(&db, room(9, 9), at(9, 9)).await, [] as [Uuid; 0]);
        switch_trigger(&db.write, dead, true, at(9, 10)).await.unwrap();
        assert!(!ids(&db, room(9, 9), at(9, 10)).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_target_that_is_gone_switches_its_trigger_off_and_says_so() {
    on_each_engine(async |db| {
        let id = add(&db, "ci").await;
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let event = mover.push(&db).await;
        tell(&db, event, &[id], at(9, 0)).await;
        let claimed = ids(&db, room(5, 5), at(9, 0)).await;
        let gone = AttemptEnd::Gone { why: "status 410: it wants to hear no more".into() };
        let recorded = record(&db, claimed[0], gone, at(9, 0)).await.unwrap();
        assert_eq!(recorded.state, DeliveryState::Failed);
        let trigger = find_trigger(&db.read, id, at(9, 1)).await.unwrap().unwrap();
        assert!(!trigger.is_enabled);
        assert_eq!(trigger.disabled_reason.as_deref(), Some("status 410: it wants to hear no more"));
        switch_trigger(&db.write, id, true, at(9, 2)).await.unwrap();
        let trigger = find_trigger(&db.read, id, at(9, 3)).await.unwrap().unwrap();
        assert_eq!((trigger.is_enabled, trigger.disabled_reason), (true, None));
    })
    .await;
}

#[tokio::test]
async fn what_a_dead_process_held_is_tried_again_and_nobody_pretends_to_know() {
    on_each_engine(async |db| {
        let id = add(&db, "ci").await;
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let event = mover.push(&db).await;
        tell(&db, event, &[id], at(9, 0)).await;
        let claimed = ids(&db, room(5, 5), at(9, 0)).await[0];
        assert_eq!(recover_deliveries(&db, at(9, 1), 10).await.unwrap(), 0, "its lease runs");
        assert_eq!(recover_deliveries(&db, at(9, 2), 10).await.unwrap(), 1);
        assert_eq!(recover_deliveries(&db, at(9, 2), 10).await.unwrap(), 0);
        let late = record(&db, claimed, AttemptEnd::Delivered, at(9, 2)).await.unwrap_err();
        assert!(matches!(late, DataError::LostLease { .. }), "{late}");
        let attempt = list_attempts(&db.read, claimed, 10).await.unwrap().pop().unwrap();
        assert!(attempt.request.is_none() && attempt.error.unwrap().contains("it may have arrived"));
        let again = claim_deliveries(&db, room(5, 5), at(9, 3)).await.unwrap();
        assert_eq!((again[0].id, again[0].attempts), (claimed, 2), "by the same id");
        record(&db, claimed, AttemptEnd::Delivered, at(9, 3)).await.unwrap();
        assert_eq!(remove_events_before(&db, at(10, 0), 10).await.unwrap(), 1);
        assert!(find_delivery(&db.read, claimed).await.unwrap().is_none(), "it goes with its event");
    })
    .await;
}

#[tokio::test]
async fn processes_that_claim_at_once_share_and_each_delivery_goes_to_one() {
    on_each_engine(async |db| {
        let id = add(&db, "ci").await;
        let repository = watched(&db, "ada/home").await;
        let branches = |commit| (0..30).map(|number| seen(&format!("b{number:02}"), commit)).collect::<Vec<_>>();
        look(&db, repository, &branches(1), at(8, 0)).await;
        for commit in 2..5 {
            for event in look(&db, repository, &branches(commit), at(8, 1)).await.events {
                tell(&db, event.id, &[id], at(8, 2)).await;
            }
        }
        let worker = |name: &'static str| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut sent = Vec::new();
                loop {
                    let room = DeliveryRoom { worker: name, most: 4, per_trigger: 12, failing: 1 };
                    let claimed = claim_deliveries(&db, room, at(9, 0)).await.unwrap();
                    if claimed.is_empty() && first_delivery_at(&db.read).await.unwrap().is_none() {
                        let sending = DeliveryFilter { state: Some(DeliveryState::Sending), ..Default::default() };
                        if list_deliveries(&db.read, &sending).await.unwrap().count == 0 {
                            return sent;
                        }
                    }
                    for claimed in claimed {
                        sent.push((claimed.branch_name.clone(), claimed.commit_hash));
                        let attempt = Attempt { number: claimed.attempts, ..went(AttemptEnd::Delivered) };
                        record_attempt(&db, claimed.id, name, &attempt, at(9, 0)).await.unwrap();
                    }
                }
            })
        };
        let mut sent = Vec::new();
        for worker in [worker("a"), worker("b"), worker("c")] {
            sent.extend(worker.await.unwrap());
        }
        assert_eq!(sent.len(), 90);
        sent.sort();
        sent.dedup();
        assert_eq!(sent.len(), 90);
    })
    .await;
}
