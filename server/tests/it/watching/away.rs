//! Watched branches while clocks jump and remotes are away: for tests that set the clock, which have a process of their own.

use chrono::TimeDelta;
use entity::kind::{BranchEventState, DeliveryState};
use entity::view::{Condition, Target};
use server::{clock, jobs::due};
use store::db::Db;
use store::triggers::{DeliveryRoom, claim_deliveries, find_trigger, lost_deliveries};
use store::watch::events_to_follow;

use super::branches::Watched;
use super::receiver::Receiver;

/// What was stored while the clock stood a year ahead holds nobody up when it is right again.
pub async fn telling_goes_on(db: &Db) {
    clock::set_by(TimeDelta::days(365));
    let watched = Watched::new(db, None).await;
    watched.look().await;
    let target = Target::Webhook { url: "https://ci.example.org/".to_owned(), headers: [].into() };
    let trigger = watched.tell("told", Condition::default(), target.clone(), &[0]).await;
    watched.origin.git(&["branch", "one"]);
    watched.origin.git(&["branch", "two"]);
    watched.look().await;
    let room = DeliveryRoom { worker: "dead", most: 1, per_trigger: 9, failing: 1 };
    let held = claim_deliveries(db, room, clock::now()).await.unwrap();
    assert_eq!(held.len(), 1);
    watched.tell("read", of_clusters(), target, &[0]).await;
    push_aside(&watched, "three").await;
    let away = watched.origin.folder.path().join("away");
    std::fs::rename(watched.origin.path(), &away).unwrap();
    watched.follow().await;
    std::fs::rename(&away, watched.origin.path()).unwrap();
    clock::set_by(TimeDelta::zero());

    let now = clock::now();
    let deps = &watched.bench.deps;
    due::correct(db, &deps.queue, &deps.polling, now).await.unwrap();
    let lost = lost_deliveries(&db.read, now + TimeDelta::minutes(2), 10).await.unwrap();
    assert_eq!(lost, [held[0].id], "what a dead process held is taken back");
    let room = DeliveryRoom { most: 9, ..room };
    assert_eq!(claim_deliveries(db, room, now).await.unwrap().len(), 1, "what waits is sent");
    let changed_at = find_trigger(&db.read, trigger, now).await.unwrap().unwrap().changed_at;
    assert!(changed_at <= now, "what comes of attempts counts");
    watched.follow().await;
    let events = watched.events().await;
    assert!(events.len() == 3 && events.iter().all(|event| event.processed_at.is_some()), "{events:#?}");
}

fn of_clusters() -> Condition {
    Condition { paths: vec!["clusters/**".to_owned()], ..Condition::default() }
}

/// A push to a new branch that is seen, and whose commit is not fetched.
async fn push_aside(watched: &Watched, branch: &str) {
    watched.origin.git(&["checkout", "--quiet", "-b", branch]);
    watched.origin.commit(branch, &[(&format!("clusters/{branch}.yaml"), Some("a: 1\n"))]);
    watched.origin.git(&["checkout", "--quiet", "main"]);
    watched.bench.sync(watched.repository).await.unwrap();
}

/// A remote that is away for a day, and one that does not come back.
pub async fn events_wait_for_days(db: &Db) {
    let receiver = Receiver::start().await;
    let watched = Watched::new(db, None).await;
    watched.look().await;
    let target = Target::Webhook { url: receiver.url(), headers: [].into() };
    watched.tell("deploy", of_clusters(), target, &[0]).await;
    let telling = watched.start_telling();
    let away = watched.origin.folder.path().join("away");

    push_aside(&watched, "first").await;
    std::fs::rename(watched.origin.path(), &away).unwrap();
    for half_hours in 0..48 {
        clock::set_by(TimeDelta::minutes(30 * half_hours));
        watched.follow().await;
    }
    let waiting = watched.events().await;
    assert_eq!((waiting[0].state, waiting[0].verdicts.len()), (BranchEventState::Retrying, 0));
    assert!(watched.bench.sync(watched.repository).await.is_err());
    std::fs::rename(&away, watched.origin.path()).unwrap();
    let due = async || events_to_follow(&db.read, watched.repository, clock::now(), 10).await.unwrap().len();
    assert_eq!(due().await, 0, "its next try is later");
    watched.bench.sync(watched.repository).await.unwrap();
    assert_eq!(due().await, 1, "the remote answers again");
    watched.follow().await;
    let told = watched.until_told().await;
    assert_eq!((told.len(), told[0].state), (1, DeliveryState::Delivered), "{told:#?}");
    assert_eq!(receiver.came().len(), 1);

    push_aside(&watched, "second").await;
    std::fs::rename(watched.origin.path(), &away).unwrap();
    for hours in (24..=24 + 7 * 24).step_by(2) {
        clock::set_by(TimeDelta::hours(hours));
        watched.follow().await;
    }
    let given_up = watched.events().await.pop().unwrap();
    assert_eq!((given_up.branch_name.as_str(), given_up.state), ("second", BranchEventState::Failed));
    assert!(given_up.error.is_some_and(|why| why.contains("could not be read")));
    assert!(!given_up.verdicts[0].is_match);
    clock::set_by(TimeDelta::zero());
    drop(watched);
    telling.await.unwrap();
}
