//! Triggers, and which events they are told of; with what tests of their deliveries begin with.

use std::collections::BTreeMap;
use std::time::Duration;

use entity::kind::*;
use entity::view::*;
use store::DataError;
use store::db::Db;
use store::triggers::*;
use store::watch::find_branch_event;
use uuid::Uuid;

use crate::support::{at, on_each_engine};
use crate::watch::{look, seen, watched};

pub fn wanted(name: &str) -> NewTrigger {
    NewTrigger {
        name: name.to_owned(),
        is_enabled: true,
        condition: Condition { branches: Some("^main$".into()), ..Default::default() },
        target: Target::Webhook { url: format!("https://{name}.example/hook"), headers: BTreeMap::new() },
        pace: Pace { timeout_ms: 1_000, waits_ms: vec![5_000, 60_000] },
    }
}

pub async fn add(db: &Db, name: &str) -> Uuid {
    insert_trigger(&db.write, &wanted(name), at(8, 0)).await.unwrap()
}

/// Decides that these are told of an event.
pub async fn tell(db: &Db, event: Uuid, triggers: &[Uuid], now: Timestamp) {
    let decision = |id: &Uuid| Decision { trigger_id: *id, trigger_name: "x".into(), is_match: true, clauses: vec![] };
    let decisions: Vec<Decision> = triggers.iter().map(decision).collect();
    assert!(decided(db, event, &decisions, now).await);
}

/// Whether it was still to be decided.
pub async fn decided(db: &Db, event: Uuid, decisions: &[Decision], now: Timestamp) -> bool {
    let txn = db.begin().await.unwrap();
    let decided = decide(&txn, event, decisions, now).await.unwrap();
    txn.commit().await.unwrap();
    decided
}

/// A watched repository with this branch, which moves on as often as events are asked for.
pub struct Mover {
    pub repository: Uuid,
    branch: String,
    commit: u8,
}

impl Mover {
    pub async fn new(db: &Db, repository: &str, branch: &str) -> Self {
        let repository = watched(db, repository).await;
        look(db, repository, &[seen(branch, 1)], at(8, 0)).await;
        Self { repository, branch: branch.to_owned(), commit: 1 }
    }

    pub async fn push(&mut self, db: &Db) -> Uuid {
        self.commit += 1;
        look(db, self.repository, &[seen(&self.branch, self.commit)], at(8, 1)).await.events[0].id
    }
}

pub fn room(most: usize, per_trigger: usize) -> DeliveryRoom<'static> {
    DeliveryRoom { worker: "w", most, per_trigger, failing: 2 }
}

pub fn went(end: AttemptEnd) -> Attempt {
    Attempt {
        number: 1,
        started_at: at(9, 0),
        duration: Duration::from_millis(12),
        request: Some(SentRequest {
            method: "POST".into(),
            url: "https://h/x".into(),
            headers: vec![("a".into(), "b".into())],
            body: "{}".into(),
        }),
        status: Some(if end == AttemptEnd::Delivered { 202 } else { 500 }),
        answer: Some("ä".repeat(20_000)),
        answer_id: (end == AttemptEnd::Delivered).then(|| "run-7".to_owned()),
        end,
    }
}

pub fn failed() -> AttemptEnd {
    AttemptEnd::Failed { why: "status 500".into(), not_before: None }
}

/// Keeps an attempt at a delivery that was just claimed.
pub async fn record(db: &Db, id: Uuid, end: AttemptEnd, now: Timestamp) -> store::db::Result<Recorded> {
    let attempt = Attempt { number: delivery(db, id).await.attempts, ..went(end) };
    record_attempt(db, id, "w", &attempt, now).await
}

pub async fn ids(db: &Db, room: DeliveryRoom<'_>, now: Timestamp) -> Vec<Uuid> {
    claim_deliveries(db, room, now).await.unwrap().into_iter().map(|claimed| claimed.id).collect()
}

pub async fn delivery(db: &Db, id: Uuid) -> Delivery {
    find_delivery(&db.read, id).await.unwrap().unwrap()
}

#[tokio::test]
async fn triggers_are_kept_changed_switched_and_removed() {
    on_each_engine(async |db| {
        let id = add(&db, "ci").await;
        let taken = insert_trigger(&db.write, &wanted("ci"), at(8, 1)).await.unwrap_err();
        assert!(taken.is_taken(), "{taken}");
        let to = NewTrigger { target: Target::Flux { url: "https://flux/hook/1".into() }, ..wanted("cd") };
        assert!(update_trigger(&db.write, id, &to, at(8, 2)).await.unwrap());
        let found = find_trigger(&db.read, id, at(8, 3)).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), &found.target, found.changed_at), ("cd", &to.target, at(8, 2)));
        assert_eq!(enabled_triggers(&db.read).await.unwrap().len(), 1);
        assert!(switch_trigger(&db.write, id, false, at(8, 4)).await.unwrap());
        assert!(enabled_triggers(&db.read).await.unwrap().is_empty());

        // Those of the configuration are its alone.
        let pin = async |wanted: &[NewTrigger]| {
            let txn = db.begin().await.unwrap();
            let ids = pin_triggers(&txn, wanted, at(8, 5)).await.unwrap();
            txn.commit().await.unwrap();
            ids
        };
        let pinned = pin(&[wanted("tekton")]).await[0].id().unwrap();
        assert_eq!(pin(&[wanted("tekton")]).await, [Pinned::Kept(pinned)]);
        assert!(!update_trigger(&db.write, pinned, &to, at(8, 6)).await.unwrap());
        assert!(!switch_trigger(&db.write, pinned, false, at(8, 6)).await.unwrap());
        assert!(!remove_trigger(&db, pinned, at(8, 6)).await.unwrap());
        assert_eq!(pin(&[wanted("cd"), wanted("tekton")]).await, [Pinned::NameTaken { by: id }, Pinned::Kept(pinned)]);
        pin(&[]).await;
        let left = find_trigger(&db.read, pinned, at(8, 7)).await.unwrap().unwrap();
        assert_eq!((left.is_enabled, left.unconfigured_at), (false, Some(at(8, 5))));
        assert!(!switch_trigger(&db.write, pinned, true, at(8, 7)).await.unwrap());
        let names = |all: Vec<Trigger>| all.into_iter().map(|one| (one.name, one.is_enabled)).collect::<Vec<_>>();
        let all = names(list_triggers(&db.read, at(8, 7)).await.unwrap());
        assert_eq!(all, [("cd".to_owned(), false), ("tekton".to_owned(), false)]);
        pin(&[wanted("tekton")]).await;
        assert_eq!(enabled_triggers(&db.read).await.unwrap()[0].id, pinned);
        assert!(remove_trigger(&db, id, at(8, 8)).await.unwrap());
        assert!(find_trigger(&db.read, id, at(8, 8)).await.unwrap().is_none());
        assert!(!remove_trigger(&db, id, at(8, 8)).await.unwrap());
        // One that is written nowhere any more goes when somebody says so.
        pin(&[]).await;
        assert!(remove_trigger(&db, pinned, at(8, 9)).await.unwrap());
        assert!(list_triggers(&db.read, at(8, 9)).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_event_and_a_trigger_are_one_delivery_and_it_says_why() {
    on_each_engine(async |db| {
        let (yes, no) = (add(&db, "yes").await, add(&db, "no").await);
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let event = mover.push(&db).await;
        let clause = Clause { kind: ClauseKind::Branch, is_match: false, why: "main is no release".into() };
        let decision = |id, is_match| Decision {
            trigger_id: id,
            trigger_name: "then".into(),
            is_match,
            clauses: if is_match { vec![] } else { vec![clause.clone()] },
        };
        assert!(decided(&db, event, &[decision(yes, true), decision(no, false)], at(8, 2)).await);
        let told = find_branch_event(&db.read, event).await.unwrap().unwrap();
        assert_eq!(told.state, BranchEventState::Pending);
        assert_eq!((told.verdicts.len(), told.matches), (2, 1));
        let listed = store::watch::list_branch_events(&db.read, &BranchEventFilter::default()).await.unwrap().data;
        assert_eq!((listed[0].id, listed[0].matches, listed[0].verdicts.len()), (event, 1, 0));
        assert_eq!((told.verdicts[1].is_match, &told.verdicts[1].clauses[..]), (false, &[clause][..]));
        let id = told.verdicts[0].delivery_id.unwrap();
        let made = delivery(&db, id).await;
        assert_eq!(
            (made.state, made.trigger_name.as_str(), made.branch_name.as_str()),
            (DeliveryState::Pending, "yes", "main")
        );
        assert_eq!(made.next_try_at, Some(at(8, 2)));

        let claimed = claim_deliveries(&db, room(5, 5), at(8, 3)).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert_eq!((claimed[0].id, claimed[0].attempts, claimed[0].branch_name.as_str()), (id, 1, "main"));
        assert_eq!(claimed[0].target.0, wanted("yes").target);
        assert_eq!(ids(&db, room(5, 5), at(8, 3)).await, [] as [Uuid; 0], "held");
        let recorded = record(&db, id, AttemptEnd::Delivered, at(8, 4)).await.unwrap();
        assert_eq!(recorded, Recorded { state: DeliveryState::Delivered, next_try_at: None, lets_another_go: false });
        let lost = record(&db, id, failed(), at(8, 4)).await.unwrap_err();
        assert!(matches!(lost, DataError::LostLease { .. }), "{lost}");
        let told = find_branch_event(&db.read, event).await.unwrap().unwrap();
        assert_eq!(told.state, BranchEventState::Processed);
        let attempts = list_attempts(&db.read, id, 10).await.unwrap();
        assert_eq!((attempts.len(), attempts[0].number, attempts[0].status), (1, 1, Some(202)));
        let cut = attempts[0].answer.as_deref().unwrap();
        assert_eq!(cut.strip_suffix('…').unwrap(), "ä".repeat(8_190), "whole characters, with the mark 16 KiB at most");
        assert_eq!(attempts[0].request, went(AttemptEnd::Delivered).request);
        assert_eq!(delivery(&db, id).await.answer_id.as_deref(), Some("run-7"));

        // The branch stands at the same commit once more: that was told already.
        let back = look(&db, mover.repository, &[seen("main", 1)], at(8, 5)).await.events[0].id;
        tell(&db, back, &[yes], at(8, 5)).await;
        let again = look(&db, mover.repository, &[seen("main", 2)], at(8, 6)).await.events[0].id;
        tell(&db, again, &[yes], at(8, 6)).await;
        let told = find_branch_event(&db.read, again).await.unwrap().unwrap();
        assert_eq!((told.verdicts[0].delivery_id, told.verdicts[0].is_repeated), (Some(id), true));
        assert_eq!(told.state, BranchEventState::Processed);
        let of_trigger = DeliveryFilter { trigger_id: Some(yes), ..Default::default() };
        assert_eq!(list_deliveries(&db.read, &of_trigger).await.unwrap().count, 2);
        let days = find_trigger(&db.read, yes, at(9, 0)).await.unwrap().unwrap().days;
        assert_eq!((days.len(), days[0].delivered, days[0].attempts, days[0].failed_attempts), (1, 1, 1, 0));
    })
    .await;
}
