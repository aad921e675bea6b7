use std::collections::HashSet;

use entity::input::SyncedHead;
use entity::kind::*;
use entity::view::{PageQuery, RepositoryFilter, RepositorySort, Sort};
use store::db::{ConnectionTrait as _, DataError};
use store::repositories::*;
use store::{discovery, secrets};
use uuid::Uuid;

use crate::support::input::{add_repository, oid, repository};
use crate::support::{at, on_each_engine};

fn head(number: u8, minute: u32) -> SyncedHead {
    SyncedHead { branch: "trunk".into(), head: oid(number), committed_at: at(7, minute), clone_bytes: 1234 }
}

#[tokio::test]
async fn repository_brought_in_twice_stays_one_and_takes_the_newer_words() {
    on_each_engine(async |db| {
        let mut found = repository("ada/home");
        found.description = Some("first".into());
        found.topics = vec!["k8s".into()];
        let first = upsert_repositories(&db.write, &[found.clone()], at(8, 0)).await.unwrap();
        found.description = None;
        found.branch_regex = Some("^main$".into());
        let second = upsert_repositories(&db.write, &[found, repository("kim/lab")], at(8, 5)).await.unwrap();
        assert_eq!((first[0].1, second[0].1, second[1].1), (true, false, true));
        assert_eq!(first[0].0, second[0].0);
        let stored = find_repository(&db.read, first[0].0).await.unwrap().unwrap();
        assert_eq!(stored.description.as_deref(), Some("first"));
        assert_eq!((stored.topics, stored.created_at), (vec!["k8s".to_owned()], at(8, 0)));
        assert_eq!(stored.sync_status, SyncStatus::Pending);
        let target = sync_target(&db.read, first[0].0).await.unwrap().unwrap();
        assert_eq!((target.branch, target.branch_regex.as_deref()), (None, Some("^main$")));
        assert_eq!(find_repository_by_name(&db.read, "ADA/Home").await.unwrap().map(|r| r.id), Some(first[0].0));
        assert!(find_repository_by_name(&db.read, "ada/nothing").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn names_are_listed_in_the_order_of_a_dictionary() {
    on_each_engine(async |db| {
        let mut ids = Vec::new();
        for name in ["Zoe/home", "ada/home", "Kim/lab"] {
            ids.push((add_repository(&db, name).await, name.to_owned()));
        }
        let named = list_names(&db.read, 10).await.unwrap();
        assert_eq!(named, [ids[1].clone(), ids[2].clone(), ids[0].clone()]);
        assert_eq!(list_names(&db.read, 2).await.unwrap(), named[..2]);
        // The list itself is in the same order.
        let by_name = RepositoryFilter { sort: RepositorySort::Name, direction: Sort::Ascending, ..Default::default() };
        let listed = list_repositories(&db.read, &by_name).await.unwrap().data;
        assert_eq!(listed.into_iter().map(|one| (one.id, one.full_name)).collect::<Vec<_>>(), named);
        let meant = async |text: &str| find_meant(&db.read, text).await.unwrap();
        for text in [&ids[2].0.to_string(), "kim/LAB", "Kim/lab", "lab", "im/l"] {
            assert_eq!(meant(text).await.as_ref(), Some(&ids[2]), "{text}");
        }
        // Of a part that several have none is meant, and signs of patterns are signs of names.
        for text in ["home", "%", "_", "Kim", "kim/lab/", "", "01a0e1f4-0000-7000-8000-000000000000"] {
            let expected = (text == "Kim").then_some(&ids[2]);
            assert_eq!(meant(text).await.as_ref(), expected, "{text:?}");
        }
        let other = add_repository(&db, "Ünder/Home").await;
        assert_eq!(meant("Ünder/Home").await.map(|one| one.0), Some(other));
        // A whole name is meant before others that hold it.
        let longer = add_repository(&db, "kim/lab-two").await;
        assert_eq!(meant("kim/lab").await.as_ref(), Some(&ids[2]));
        assert_eq!(meant("lab-").await.map(|one| one.0), Some(longer));
    })
    .await;
}

#[tokio::test]
async fn sync_states_are_told_as_they_happen() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        record_sync_started(&db.write, id).await.unwrap();
        let status = async || sync_target(&db.read, id).await.unwrap().unwrap().sync_status;
        assert_eq!(status().await, SyncStatus::Syncing);
        record_sync_failed(&db.write, id, SyncStatus::Error, &"x".repeat(5000), at(8, 1)).await.unwrap();
        let stored = find_repository(&db.read, id).await.unwrap().unwrap();
        assert_eq!(stored.sync_error.map(|error| error.len()), Some(2000));
        // One that could not be made says nothing new: why the last one failed stays.
        record_sync_started(&db.write, id).await.unwrap();
        record_sync_postponed(&db.write, id, SyncStatus::Error).await.unwrap();
        let stored = find_repository(&db.read, id).await.unwrap().unwrap();
        assert_eq!((stored.sync_status, stored.sync_error.is_some()), (SyncStatus::Error, true));
        record_synced(&db.write, id, &head(9, 0), at(8, 2)).await.unwrap();
        let stored = find_repository(&db.read, id).await.unwrap().unwrap();
        assert_eq!((stored.sync_status, stored.sync_error), (SyncStatus::Success, None));
        assert_eq!(stored.head_commit, Some(oid(9).to_string()));
        assert_eq!((stored.default_branch.as_str(), stored.counts.clone_bytes), ("trunk", 1234));
        assert_eq!(stored.head_committed_at, Some(at(7, 0)));
        record_set_aside(&db.write, id, "120 MB, the limit is 100 MB", at(8, 3)).await.unwrap();
        assert_eq!(status().await, SyncStatus::PendingApproval);
        let missing = record_sync_started(&db.write, Uuid::now_v7()).await;
        assert!(matches!(missing, Err(DataError::NotFound { what: "repository", .. })));
    })
    .await;
}

#[tokio::test]
async fn interrupted_states_are_reset_but_running_ones_are_not() {
    on_each_engine(async |db| {
        let (left, running) = (add_repository(&db, "a/left").await, add_repository(&db, "a/running").await);
        for id in [left, running] {
            record_sync_started(&db.write, id).await.unwrap();
        }
        let queue = store::queue::JobQueue::new(db.clone());
        let request = JobRequest::SyncRepository { repository_id: running };
        queue.enqueue(&request, RequestedBy::Start, Priority::ROUTINE, at(8, 0)).await.unwrap();
        queue.claim("w", JobKind::ALL, at(8, 0), std::time::Duration::from_mins(1)).await.unwrap().unwrap();
        assert_eq!(reset_interrupted(&db.write).await.unwrap(), 1);
        let status = async |id| sync_target(&db.read, id).await.unwrap().unwrap().sync_status;
        assert_eq!((status(left).await, status(running).await), (SyncStatus::Pending, SyncStatus::Syncing));
    })
    .await;
}

#[tokio::test]
async fn list_filters_sorts_and_counts_truly() {
    on_each_engine(async |db| {
        let names = ["ada/alpha", "kim/beta_100%", "lee/gamma"];
        let mut ids = Vec::new();
        for name in names {
            ids.push(add_repository(&db, name).await);
        }
        record_synced(&db.write, ids[0], &head(1, 10), at(8, 1)).await.unwrap();
        record_synced(&db.write, ids[1], &head(2, 20), at(8, 1)).await.unwrap();
        record_scan_state(&db.write, ids[1], SyncStatus::Error, Some("broken"), at(8, 1)).await.unwrap();
        let list = async |filter: RepositoryFilter| {
            let page = list_repositories(&db.read, &filter).await.unwrap();
            (page.data.into_iter().map(|r| r.full_name).collect::<Vec<_>>(), page.count)
        };
        let by = |sort, direction| RepositoryFilter { sort, direction, ..Default::default() };
        // What has no commit stands last in both directions.
        let newest = list(by(RepositorySort::LastCommit, Sort::Descending)).await;
        assert_eq!(newest.0, ["kim/beta_100%", "ada/alpha", "lee/gamma"]);
        let oldest = list(by(RepositorySort::LastCommit, Sort::Ascending)).await;
        assert_eq!(oldest.0, ["ada/alpha", "kim/beta_100%", "lee/gamma"]);
        for sort in [
            RepositorySort::Name,
            RepositorySort::Resources,
            RepositorySort::HelmReleases,
            RepositorySort::Events,
            RepositorySort::Problems,
            RepositorySort::LastSync,
            RepositorySort::Discovered,
        ] {
            assert_eq!(list(by(sort, Sort::Ascending)).await.1, 3);
        }
        let text = |text: &str| RepositoryFilter { text: Some(text.into()), ..Default::default() };
        assert_eq!(list(text("BETA_100%")).await.0, ["kim/beta_100%"]);
        assert_eq!(list(text("a_a")).await.1, 0, "LIKE's signs are plain text");
        let failing = RepositoryFilter { status: Some(SyncStatus::Error), ..Default::default() };
        assert_eq!(list(failing).await.0, ["kim/beta_100%"]);
        let page = PageQuery { skip: 1, limit: 1 };
        let second = list(RepositoryFilter { page, ..by(RepositorySort::Name, Sort::Ascending) }).await;
        assert_eq!(second, (vec!["kim/beta_100%".to_owned()], 3));
        assert!(list_languages(&db.read).await.unwrap().is_empty());
        assert_eq!(list_sync_targets(&db.read).await.unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn repositories_that_left_the_configuration_are_switched_off_or_removed() {
    on_each_engine(async |db| {
        for name in ["a/one", "a/two"] {
            add_repository(&db, name).await;
        }
        let kept = ["https://github.com/a/one".to_owned()];
        assert_eq!(disable_missing(&db.write, Origin::Sample, &[]).await.unwrap(), 0);
        assert_eq!(disable_missing(&db.write, Origin::Config, &kept).await.unwrap(), 1);
        assert_eq!(list_sync_targets(&db.read).await.unwrap().len(), 1);
        assert_eq!(remove_missing(&db.write, Origin::Config, &kept).await.unwrap().len(), 1);
        let left = list_repositories(&db.read, &RepositoryFilter::default()).await.unwrap();
        assert_eq!((left.count, left.data[0].full_name.as_str()), (1, "a/one"));
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_the_engine_ended_by_itself_takes_nothing_with_it() {
    on_each_engine(async |db| {
        // As SQLite does where the disk is full.
        let ended = db.begin().await.unwrap();
        ended.execute_unprepared("ROLLBACK").await.unwrap();
        drop(ended);
        drop(db.begin().await.unwrap());
        let txn = db.begin().await.unwrap();
        let stored = upsert_repositories(&txn, &[repository("ada/home")], at(8, 0)).await.unwrap();
        txn.commit().await.unwrap();
        assert!(find_repository(&db.read, stored[0].0).await.unwrap().is_some(), "others see what was committed");
    })
    .await;
}

#[tokio::test]
async fn what_was_entered_for_a_repository_alone_goes_with_it() {
    on_each_engine(async |db| {
        let (id, other) = (add_repository(&db, "ada/home").await, add_repository(&db, "kim/lab").await);
        for (repository, sealed) in [(id, 1), (other, 2), (id, 3)] {
            assert!(secrets::put_access(&db.write, repository, vec![sealed], at(9, 0)).await.unwrap());
        }
        let nobody = secrets::put_access(&db.write, Uuid::now_v7(), vec![4], at(9, 0)).await.unwrap();
        assert!(!nobody, "there is no such repository");
        secrets::put_secret(&db.write, &secrets::of_webhook(id), vec![5], at(9, 0)).await.unwrap();
        assert_eq!(secrets::find_secret(&db.read, &secrets::of_access(id)).await.unwrap(), Some(vec![3]));
        assert_eq!(secrets::list_with_access(&db.read).await.unwrap(), HashSet::from([id, other]));
        let txn = db.begin().await.unwrap();
        assert!(remove_repository(&txn, id).await.unwrap());
        txn.commit().await.unwrap();
        assert_eq!(secrets::list_with_access(&db.read).await.unwrap(), HashSet::from([other]));
        assert_eq!(secrets::list_secrets(&db.read, "").await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_was_gone_is_asked_for_anew_and_what_somebody_blocked_stays_so() {
    on_each_engine(async |db| {
        let (gone, blocked) = (add_repository(&db, "ada/home").await, add_repository(&db, "kim/lab").await);
        discovery::record_gone(&db.write, gone, "it was made private", at(9, 0)).await.unwrap();
        discovery::block(&db.write, blocked, "by hand").await.unwrap();
        discovery::touch_facts(&db.write, blocked, at(9, 0)).await.unwrap();
        let due = async || discovery::list_metrics_targets(&db.read, at(8, 30)).await.unwrap().len();
        assert_eq!(due().await, 0, "they were asked about");
        assert!(discovery::ask_anew(&db.write, gone, at(10, 0)).await.unwrap());
        assert!(!discovery::ask_anew(&db.write, blocked, at(10, 0)).await.unwrap());
        assert_eq!(due().await, 2);
        let status = async |id: Uuid| find_repository(&db.read, id).await.unwrap().unwrap().sync_status;
        assert_eq!((status(gone).await, status(blocked).await), (SyncStatus::Pending, SyncStatus::Blocked));
    })
    .await;
}

#[tokio::test]
async fn branches_that_are_scanned_beside_are_blocked_and_let_in_with_their_repository() {
    on_each_engine(async |db| {
        let (main, other) = (add_repository(&db, "ada/home").await, add_repository(&db, "kim/lab").await);
        let pin = async |of: Uuid, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let pinned = pin_branches(&db.write, of, &names, at(8, 0)).await.unwrap();
            pinned.into_iter().map(|(id, _)| id).collect::<Vec<Uuid>>()
        };
        let (staging, elsewhere) = (pin(main, &["staging"]).await[0], pin(other, &["staging"]).await[0]);
        let status = async |id: Uuid| find_repository(&db.read, id).await.unwrap().unwrap().sync_status;

        discovery::block(&db.write, main, "by hand").await.unwrap();
        assert_eq!((status(main).await, status(staging).await), (SyncStatus::Blocked, SyncStatus::Blocked));
        assert_eq!((status(other).await, status(elsewhere).await), (SyncStatus::Pending, SyncStatus::Pending));
        // One that comes later is fetched from the same place.
        let qa = pin(main, &["staging", "qa"]).await[1];
        let stored = find_repository(&db.read, qa).await.unwrap().unwrap();
        assert_eq!((stored.sync_status, stored.sync_error.as_deref()), (SyncStatus::Blocked, Some("by hand")));
        discovery::approve(&db.write, main, at(9, 0)).await.unwrap();
        for id in [main, staging, qa] {
            assert_eq!(status(id).await, SyncStatus::Pending);
            assert!(sync_target(&db.read, id).await.unwrap().unwrap().approved);
        }

        // By itself a branch says nothing of its repository.
        discovery::block(&db.write, staging, "by hand").await.unwrap();
        assert_eq!((status(main).await, status(qa).await), (SyncStatus::Pending, SyncStatus::Pending));
        // In the order of their ids, which those of one moment have by chance.
        let mut both = [qa, staging];
        both.sort_unstable();
        assert_eq!(branches_beside(&db.read, main).await.unwrap(), both);
        assert!(branches_beside(&db.read, staging).await.unwrap().is_empty());
    })
    .await;
}
