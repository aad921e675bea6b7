//! Looks at branches, and the events that come of them.

mod lagging;
mod lists;
mod told;

use entity::input::SyncedHead;
use entity::kind::*;
use entity::view::*;
use store::db::Db;
use store::watch::*;
use store::{repositories, triggers};
use uuid::Uuid;

use crate::support::input::{add_repository, oid};
use crate::support::{at, on_each_engine};

pub fn seen(name: &str, commit: u8) -> SeenBranch {
    SeenBranch { name: name.to_owned(), commit: oid(commit), is_watched: true, is_protected: None }
}

fn settings() -> WatchSettings {
    WatchSettings { is_enabled: true, ..WatchSettings::default() }
}

/// A repository whose branches are watched.
pub async fn watched(db: &Db, name: &str) -> Uuid {
    let id = add_repository(db, name).await;
    set_watch(&db.write, id, &settings()).await.unwrap();
    id
}

/// One whole look.
pub async fn look(db: &Db, repository: Uuid, branches: &[SeenBranch], now: Timestamp) -> Noted {
    let began = watch_state(&db.read, repository).await.unwrap().unwrap();
    end_look(db, repository, &began, branches, now).await
}

async fn end_look(db: &Db, repository: Uuid, began: &WatchState, branches: &[SeenBranch], now: Timestamp) -> Noted {
    end(db, repository, began, &Look::new(began, NoticedBy::Poll, branches.to_vec()), now).await
}

/// A look by a list that may lack branches.
async fn look_with_gaps(db: &Db, repository: Uuid, branches: &[SeenBranch], now: Timestamp) -> Noted {
    let began = watch_state(&db.read, repository).await.unwrap().unwrap();
    let look = Look::new(&began, NoticedBy::Api, branches.to_vec()).with_gaps();
    end(db, repository, &began, &look, now).await
}

async fn end(db: &Db, repository: Uuid, began: &WatchState, look: &Look, now: Timestamp) -> Noted {
    if look.is_nothing_new(began) {
        return Noted::default();
    }
    let txn = db.begin().await.unwrap();
    let noted = note_refs(&txn, repository, look, now).await.unwrap();
    txn.commit().await.unwrap();
    noted
}

async fn tell(db: &Db, repository: Uuid, branch: &str, old: Option<u8>, new: Option<u8>) -> Told {
    tell_at(db, repository, branch, old, new, at(9, 0)).await
}

async fn tell_at(db: &Db, repository: Uuid, branch: &str, old: Option<u8>, new: Option<u8>, now: Timestamp) -> Told {
    let (branch, branch_regex) = (branch.to_owned(), None);
    let change = Change { branch, old: old.map(oid), new: new.map(oid), branch_regex, is_watched: true };
    let txn = db.begin().await.unwrap();
    let told = note_change(&txn, repository, &change, NoticedBy::Webhook, now).await.unwrap();
    txn.commit().await.unwrap();
    told
}

fn words(noted: &Noted) -> Vec<(String, BranchEventKind)> {
    noted.events.iter().map(|event| (event.branch_name.clone(), event.kind)).collect()
}

async fn all_events(db: &Db) -> Vec<BranchEvent> {
    list_branch_events(&db.read, &BranchEventFilter::default()).await.unwrap().data
}

#[tokio::test]
async fn the_first_look_is_what_changes_are_told_against() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        let first = look(&db, id, &[seen("main", 1), seen("old", 2)], at(8, 0)).await;
        assert!(first.is_first && first.events.is_empty(), "{first:?}");
        assert_eq!(look(&db, id, &[seen("main", 1), seen("old", 2)], at(8, 1)).await, Noted::default());
        let changed = look(&db, id, &[seen("main", 3), seen("new/ü", 4)], at(8, 2)).await;
        use BranchEventKind::{BranchCreated, BranchDeleted, BranchUpdated};
        let expected = [("main", BranchUpdated), ("new/ü", BranchCreated), ("old", BranchDeleted)];
        assert_eq!(words(&changed), expected.map(|(name, kind)| (name.to_owned(), kind)));
        let of = |kind| changed.events.iter().find(|event| event.kind == kind).unwrap().clone();
        assert_eq!((of(BranchUpdated).old_commit, of(BranchUpdated).new_commit), (Some(oid(1)), Some(oid(3))));
        assert_eq!((of(BranchCreated).old_commit, of(BranchCreated).new_commit), (None, Some(oid(4))));
        assert_eq!((of(BranchDeleted).old_commit, of(BranchDeleted).new_commit), (Some(oid(2)), None));
        // One that comes back is the same branch, and new.
        let back = look(&db, id, &[seen("main", 3), seen("new/ü", 4), seen("old", 2)], at(8, 3)).await;
        assert_eq!(words(&back), [("old".to_owned(), BranchCreated)]);
        assert_eq!(back.events[0].branch_id, of(BranchDeleted).branch_id);
        let stored = all_events(&db).await;
        assert_eq!(stored.len(), 4);
        assert!(
            stored.iter().all(|event| event.state == BranchEventState::Pending && event.noticed_by == NoticedBy::Poll)
        );
        assert_eq!(stored[0].repository_full_name, "ada/home");
    })
    .await;
}

#[tokio::test]
async fn the_first_look_tells_where_the_settings_say_so() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        set_watch(&db.write, id, &WatchSettings { tells_first_look: true, ..settings() }).await.unwrap();
        let unwatched = SeenBranch { is_watched: false, ..seen("tmp", 2) };
        let first = look(&db, id, &[seen("main", 1), unwatched.clone()], at(8, 0)).await;
        assert_eq!(words(&first), [("main".to_owned(), BranchEventKind::BranchCreated)]);
        // Changes of branches that nobody watches are no events; that one is watched from now on is none either.
        let moved = SeenBranch { commit: oid(3), ..unwatched };
        assert_eq!(look(&db, id, &[seen("main", 1), moved], at(8, 1)).await.events, []);
        assert_eq!(look(&db, id, &[seen("main", 1), seen("tmp", 3)], at(8, 2)).await.events, []);
        assert_eq!(look(&db, id, &[seen("main", 1), seen("tmp", 4)], at(8, 3)).await.events.len(), 1);
        // Nobody watches any more.
        assert!(unset_watch(&db.write, id).await.unwrap());
        assert_eq!(watch_state(&db.read, id).await.unwrap(), None);
        let watch = find_watch(&db.read, id).await.unwrap().unwrap();
        assert!(!watch.is_enabled && watch.first_look_at == Some(at(8, 0)));
    })
    .await;
}

#[tokio::test]
async fn no_look_overrules_what_was_noted_after_it_began() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        look(&db, id, &[seen("main", 1), seen("dev", 1)], at(8, 0)).await;
        let slow = watch_state(&db.read, id).await.unwrap().unwrap();
        // The forge tells while the slow look goes on.
        assert!(matches!(tell(&db, id, "main", Some(1), Some(2)).await, Told::Noted(Some(_))));
        assert!(matches!(tell(&db, id, "new", None, Some(7)).await, Told::Noted(Some(_))));
        let noted = end_look(&db, id, &slow, &[seen("main", 1), seen("dev", 5)], at(8, 1)).await;
        assert_eq!(words(&noted), [("dev".to_owned(), BranchEventKind::BranchUpdated)]);
        assert_eq!(noted.overtaken, 2, "main is not set back, and new is not gone");
        // The next look compares all of it again, and sees what the slow one could not.
        let next = look(&db, id, &[seen("main", 3), seen("dev", 5), seen("new", 7)], at(8, 2)).await;
        assert_eq!(words(&next), [("main".to_owned(), BranchEventKind::BranchUpdated)]);
        assert_eq!(next.overtaken, 0);
    })
    .await;
}

#[tokio::test]
async fn a_look_with_gaps_tells_of_changes_and_takes_no_branch_away() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        assert_eq!(look_with_gaps(&db, id, &[seen("main", 1)], at(8, 0)).await, Noted::default());
        let first = look(&db, id, &[seen("main", 1), seen("old", 2)], at(8, 1)).await;
        assert!(first.is_first && first.events.is_empty(), "what the other one missed would be new: {first:?}");

        use BranchEventKind::{BranchCreated, BranchDeleted, BranchUpdated};
        let noted = look_with_gaps(&db, id, &[seen("main", 3), seen("new", 4)], at(8, 2)).await;
        assert_eq!(words(&noted), [("main".to_owned(), BranchUpdated), ("new".to_owned(), BranchCreated)]);
        let events = all_events(&db).await;
        assert!(events.iter().all(|event| event.noticed_by == NoticedBy::Api), "{events:?}");
        // The next whole look compares again, also where it sees the very same.
        let whole = look(&db, id, &[seen("main", 3), seen("new", 4)], at(8, 3)).await;
        assert_eq!(words(&whole), [("old".to_owned(), BranchDeleted)]);
    })
    .await;
}

#[tokio::test]
async fn protection_is_told_once_and_is_no_change() {
    on_each_engine(async |db| {
        let (id, other) = (watched(&db, "ada/home").await, watched(&db, "kim/lab").await);
        let tmp = SeenBranch { is_watched: false, ..seen("tmp", 1) };
        look(&db, id, &[seen("main", 1), seen("dev", 1), tmp.clone()], at(8, 0)).await;
        look(&db, other, &[seen("main", 1)], at(8, 0)).await;
        assert!(lacks_protection(&db.read, id).await.unwrap());
        let mark = async |told: &[(&str, bool)]| {
            let told: Vec<(String, bool)> = told.iter().map(|(name, is)| ((*name).to_owned(), *is)).collect();
            let txn = db.begin().await.unwrap();
            mark_protected(&txn, id, &told).await.unwrap();
            txn.commit().await.unwrap();
        };
        mark(&[("main", true), ("never", true)]).await;
        assert!(lacks_protection(&db.read, id).await.unwrap(), "nobody told of dev");
        mark(&[("main", true), ("dev", false)]).await;
        assert!(!lacks_protection(&db.read, id).await.unwrap(), "those that nobody watches don't count");
        assert!(lacks_protection(&db.read, other).await.unwrap());
        let of = BranchFilter { repository_id: Some(id), ..Default::default() };
        let mut branches = list_branches(&db.read, &of).await.unwrap().data;
        branches.sort_by(|a, b| a.name.cmp(&b.name));
        let told: Vec<_> = branches.iter().map(|branch| (branch.name.as_str(), branch.is_protected)).collect();
        assert_eq!(told, [("dev", Some(false)), ("main", Some(true)), ("tmp", None)]);
        // Git does not tell, and takes nothing back.
        let after = look(&db, id, &[seen("main", 1), seen("dev", 2), tmp], at(8, 1)).await;
        assert_eq!(words(&after), [("dev".to_owned(), BranchEventKind::BranchUpdated)]);
        assert!(!lacks_protection(&db.read, id).await.unwrap());
        unset_watch(&db.write, id).await.unwrap();
        mark(&[("dev", true)]).await;
        let dev = list_branches(&db.read, &BranchFilter { text: Some("dev".into()), ..of }).await.unwrap().data;
        assert_eq!(dev[0].is_protected, Some(false), "nobody watches any more");
    })
    .await;
}

#[tokio::test]
async fn a_sync_that_failed_saw_no_branch() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        let head = SyncedHead { branch: "main".into(), head: oid(1), committed_at: at(7, 0), clone_bytes: 1 };
        repositories::record_synced(&db.write, id, &head, at(8, 0)).await.unwrap();
        look(&db, id, &[seen("main", 1), seen("dev", 1)], at(8, 0)).await;
        repositories::record_unmoved(&db.write, id, None, at(8, 30)).await.unwrap();
        let last_seen = async || {
            let branches = list_branches(&db.read, &BranchFilter::default()).await.unwrap().data;
            branches.into_iter().map(|branch| branch.last_seen_at).collect::<Vec<_>>()
        };
        assert_eq!(last_seen().await, [at(8, 30); 2]);
        for (failures, time) in [(1, at(9, 0)), (2, at(10, 0))] {
            let txn = db.begin().await.unwrap();
            repositories::record_sync_failed(&txn, id, SyncStatus::Error, "away", time).await.unwrap();
            repositories::plan_next_sync(&txn, id, None, failures).await.unwrap();
            if failures == 1 {
                keep_last_seen(&txn, id, at(8, 30)).await.unwrap();
            }
            txn.commit().await.unwrap();
            assert_eq!(last_seen().await, [at(8, 30); 2], "after {failures} failures");
        }
        look(&db, id, &[seen("main", 1)], at(11, 0)).await;
        let gone = BranchFilter { deleted: Some(true), ..Default::default() };
        let gone = list_branches(&db.read, &gone).await.unwrap().data.pop().unwrap();
        assert_eq!((gone.last_seen_at, gone.deleted_at), (at(8, 30), Some(at(11, 0))));
        repositories::record_unmoved(&db.write, id, None, at(11, 0)).await.unwrap();
        let there = BranchFilter { deleted: Some(false), ..Default::default() };
        assert_eq!(list_branches(&db.read, &there).await.unwrap().data[0].last_seen_at, at(11, 0));
    })
    .await;
}

#[tokio::test]
async fn a_look_by_another_pattern_than_todays_says_to_look_again() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        look(&db, id, &[seen("main", 1), seen("dev", 1)], at(8, 0)).await;
        let began = watch_state(&db.read, id).await.unwrap().unwrap();
        let only_main = WatchSettings { branch_regex: Some("^main$".into()), ..settings() };
        assert!(set_watch(&db.write, id, &only_main).await.unwrap());
        assert!(!set_watch(&db.write, id, &only_main).await.unwrap(), "nothing new");
        let overtaken = end_look(&db, id, &began, &[seen("main", 2), seen("dev", 2)], at(8, 1)).await;
        assert_eq!(overtaken, Noted { look_again: true, ..Noted::default() });
        assert_eq!(tell(&db, id, "main", Some(1), Some(2)).await, Told::LookNeeded, "so does a webhook");
        let dev = SeenBranch { is_watched: false, ..seen("dev", 2) };
        let noted = look(&db, id, &[seen("main", 2), dev], at(8, 2)).await;
        assert_eq!(words(&noted), [("main".to_owned(), BranchEventKind::BranchUpdated)]);
    })
    .await;
}

#[tokio::test]
async fn hundreds_of_branches_that_move_or_come_to_be_watched_stand_where_each_was_seen() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        let branches = |moved: u32, is_watched: bool| {
            let branch = |number: u32| {
                let mut commit = [0; 20];
                commit[..8].copy_from_slice(&[number.to_be_bytes(), (moved * (number % 2)).to_be_bytes()].concat());
                SeenBranch {
                    name: format!("b{number:03}"),
                    commit: entity::value::ObjectId(commit),
                    is_watched,
                    is_protected: number.is_multiple_of(3).then_some(number.is_multiple_of(2)),
                }
            };
            (0..700).map(branch).collect::<Vec<_>>()
        };
        let stands = async |seen: &[SeenBranch]| {
            let page = PageQuery { skip: 0, limit: 1_000 };
            let filter = BranchFilter { repository_id: Some(id), page, ..Default::default() };
            let mut stored = list_branches(&db.read, &filter).await.unwrap().data;
            stored.sort_by(|a, b| a.name.cmp(&b.name));
            let stored = stored.into_iter().map(|one| (one.name, one.head_commit, one.is_watched, one.is_protected));
            let seen = seen.iter();
            let seen = seen.map(|one| (one.name.clone(), one.commit.to_string(), one.is_watched, one.is_protected));
            assert!(stored.eq(seen));
        };
        look(&db, id, &branches(0, false), at(8, 0)).await;
        stands(&branches(0, false)).await;
        assert_eq!(look(&db, id, &branches(0, true), at(8, 1)).await.events, [], "watched from now on");
        stands(&branches(0, true)).await;
        let moved = look(&db, id, &branches(7, true), at(8, 2)).await;
        assert_eq!(moved.events.len(), 350);
        stands(&branches(7, true)).await;
        let gone = look(&db, id, &branches(7, true)[..100], at(8, 3)).await;
        assert_eq!(gone.events.len(), 600);
        let back = look(&db, id, &branches(9, true), at(8, 4)).await;
        assert_eq!(back.events.len(), 650, "those that are back, and those of the others that moved");
        stands(&branches(9, true)).await;
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_another_try_is_followed_once_there_is_a_reason_to() {
    on_each_engine(async |db| {
        let (id, other) = (watched(&db, "ada/home").await, watched(&db, "ada/other").await);
        for repository in [id, other] {
            look(&db, repository, &[seen("main", 1)], at(8, 0)).await;
            let event = look(&db, repository, &[seen("main", 2)], at(8, 1)).await.events[0].id;
            postpone_event(&db.write, event, "away", at(10, 0)).await.unwrap();
            postpone_facts(&db.write, event, at(10, 0), false).await.unwrap();
        }
        let due = async |repository: Uuid| events_to_follow(&db.read, repository, at(8, 2), 10).await.unwrap().len();
        assert!(has_put_off(&db.read, id, at(8, 2)).await.unwrap() && due(id).await == 0);
        let txn = db.begin().await.unwrap();
        assert_eq!(hurry_events(&txn, id, at(8, 2)).await.unwrap(), 2, "its decision, and its commit");
        txn.commit().await.unwrap();
        assert!(!has_put_off(&db.read, id, at(8, 2)).await.unwrap());
        assert_eq!((due(id).await, due(other).await), (1, 0));
        assert!(!has_put_off(&db.read, other, at(9, 59)).await.unwrap(), "its time comes soon enough");
    })
    .await;
}
