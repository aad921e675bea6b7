//! What forges tell by webhooks, beside looks and twice.

use super::*;

#[tokio::test]
async fn what_a_forge_tells_is_noted_once_and_only_where_it_follows() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        assert_eq!(tell(&db, id, "main", Some(1), Some(2)).await, Told::LookNeeded, "nothing is stored yet");
        look(&db, id, &[seen("main", 1)], at(8, 0)).await;
        // In the wrong order: the later one waits for a look, or for the earlier one.
        assert_eq!(tell(&db, id, "main", Some(2), Some(3)).await, Told::LookNeeded);
        assert!(matches!(tell(&db, id, "main", Some(1), Some(2)).await, Told::Noted(Some(_))));
        assert_eq!(tell(&db, id, "main", Some(1), Some(2)).await, Told::Known);
        assert!(matches!(tell(&db, id, "main", Some(2), Some(3)).await, Told::Noted(Some(_))));
        assert!(matches!(tell(&db, id, "topic", None, Some(3)).await, Told::Noted(Some(_))));
        assert!(matches!(tell(&db, id, "topic", Some(3), None).await, Told::Noted(Some(_))));
        assert_eq!(tell(&db, id, "topic", Some(3), None).await, Told::Known);
        assert_eq!(tell(&db, id, &"x".repeat(1_025), None, Some(3)).await, Told::LookNeeded);
        assert_eq!(look(&db, id, &[seen("main", 3)], at(9, 1)).await.events, [], "the look agrees");
        assert_eq!(all_events(&db).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_webhook_that_comes_after_its_branch_went_makes_it_no_more() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        look(&db, id, &[seen("main", 1), seen("first", 9)], at(8, 0)).await;
        // Seen by looks before any webhook came, but for one that a webhook took away.
        look(&db, id, &[seen("main", 1), seen("first", 9), seen("topic", 2)], at(8, 10)).await;
        look(&db, id, &[seen("main", 1), seen("topic", 3), seen("told", 5)], at(8, 20)).await;
        assert!(matches!(tell_at(&db, id, "told", Some(5), None, at(8, 30)).await, Told::Noted(Some(_))));
        look(&db, id, &[seen("main", 1)], at(8, 30)).await;
        let events = all_events(&db).await.len();
        let soon = at(8, 30) + chrono::TimeDelta::seconds(59);
        for (branch, old, new, now) in [
            // Right after it went nobody knows, whatever the commit is.
            ("topic", None, Some(2), at(8, 30)),
            ("topic", None, Some(7), soon),
            ("told", None, Some(5), soon),
            // Later, where it stood there once: when it came, before the last push, and at the first look.
            ("topic", None, Some(2), at(9, 0)),
            ("topic", None, Some(3), at(9, 0)),
            ("first", None, Some(9), at(9, 0)),
            // What moved it does not follow at all.
            ("topic", Some(2), Some(3), at(9, 0)),
        ] {
            assert_eq!(tell_at(&db, id, branch, old, new, now).await, Told::LookNeeded, "{branch} {new:?} at {now}");
        }
        assert_eq!(look(&db, id, &[seen("main", 1)], at(9, 1)).await.events, [], "the look agrees");
        assert_eq!(all_events(&db).await.len(), events);
        // What was never seen there is news.
        match tell_at(&db, id, "topic", None, Some(8), at(9, 2)).await {
            Told::Noted(Some(event)) => assert_eq!(event.kind, BranchEventKind::BranchCreated),
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn a_branch_whose_end_is_told_before_its_beginning_leaves_no_event() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        look(&db, id, &[seen("main", 1)], at(8, 0)).await;
        let slow = watch_state(&db.read, id).await.unwrap().unwrap();
        assert_eq!(tell_at(&db, id, "topic", Some(2), None, at(9, 0)).await, Told::Known);
        let soon = |seconds| at(9, 0) + chrono::TimeDelta::seconds(seconds);
        // A look that began before saw it, and so does one by a list that lags.
        let there = [seen("main", 1), seen("topic", 2)];
        let noted = end_look(&db, id, &slow, &there, soon(1)).await;
        assert_eq!((noted.events, noted.overtaken), (vec![], 1));
        let noted = look(&db, id, &there, soon(10)).await;
        assert_eq!((noted.events, noted.look_again_at), (vec![], Some(soon(60))));
        // That it was made is told right after, and long after.
        for now in [soon(11), at(9, 30)] {
            assert_eq!(tell_at(&db, id, "topic", None, Some(2), now).await, Told::LookNeeded, "{now}");
            assert_eq!(tell_at(&db, id, "topic", Some(2), None, now).await, Told::Known, "{now}");
        }
        assert_eq!(look(&db, id, &[seen("main", 1)], at(9, 31)).await.events, []);
        assert_eq!(all_events(&db).await, []);
        let standing = BranchFilter { deleted: Some(false), ..BranchFilter::default() };
        assert_eq!(list_branches(&db.read, &standing).await.unwrap().count, 1);
        // Somebody does make it.
        let noted = look(&db, id, &there, at(9, 32)).await;
        assert_eq!(words(&noted), [("topic".to_owned(), BranchEventKind::BranchCreated)]);

        // Where nobody says where it stood, it is there until no list can lag behind any more.
        assert_eq!(tell_at(&db, id, "other", None, None, at(10, 0)).await, Told::Known);
        assert!(matches!(tell_at(&db, id, "other", None, Some(5), at(10, 0)).await, Told::Noted(Some(_))));
        let noted = look(&db, id, &there, at(10, 0)).await;
        assert_eq!((noted.events, noted.look_again_at), (vec![], Some(at(10, 1))));
        let noted = look(&db, id, &there, at(10, 1)).await;
        assert_eq!(words(&noted), [("other".to_owned(), BranchEventKind::BranchDeleted)]);
    })
    .await;
}

#[tokio::test]
async fn a_branch_that_is_made_again_right_after_it_went_is_one_event_after_a_look() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        look(&db, id, &[seen("main", 1), seen("seen", 2), seen("told", 2)], at(8, 0)).await;
        tell_at(&db, id, "told", Some(2), None, at(9, 0)).await;
        assert_eq!(look(&db, id, &[seen("main", 1)], at(9, 0)).await.events.len(), 1);
        let soon = |seconds| at(9, 0) + chrono::TimeDelta::seconds(seconds);
        for branch in ["seen", "told"] {
            assert_eq!(tell_at(&db, id, branch, None, Some(2), soon(10)).await, Told::LookNeeded);
        }
        // A list may not know yet of what a webhook took away: that one waits until it does.
        let there = [seen("main", 1), seen("seen", 2), seen("told", 2)];
        let noted = look(&db, id, &there, soon(11)).await;
        assert_eq!(words(&noted), [("seen".to_owned(), BranchEventKind::BranchCreated)]);
        assert_eq!(noted.look_again_at, Some(soon(60)));
        let noted = look(&db, id, &there, soon(60)).await;
        assert_eq!(words(&noted), [("told".to_owned(), BranchEventKind::BranchCreated)]);
        for branch in ["seen", "told"] {
            assert_eq!(tell_at(&db, id, branch, None, Some(2), soon(61)).await, Told::Known);
        }
        assert_eq!(look(&db, id, &there, soon(62)).await.events, []);
        assert_eq!(all_events(&db).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn every_change_is_one_event_however_many_look_and_tell_at_once() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        let names: Vec<String> = (0..30).map(|number| format!("branch-{number}")).collect();
        let at_commit = |commit| names.iter().map(|name| seen(name, commit)).collect::<Vec<_>>();
        look(&db, id, &at_commit(1), at(8, 0)).await;
        for commit in 2..6 {
            let polls = (0..3).map(|_| {
                let (db, branches) = (db.clone(), at_commit(commit));
                tokio::spawn(async move {
                    look(&db, id, &branches, at(8, 1)).await;
                })
            });
            let pushes = names.iter().map(|name| {
                let (db, name) = (db.clone(), name.clone());
                tokio::spawn(async move {
                    tell(&db, id, &name, Some(commit - 1), Some(commit)).await;
                })
            });
            for task in polls.chain(pushes).collect::<Vec<_>>() {
                task.await.unwrap();
            }
        }
        // Whatever was overtaken is seen now.
        look(&db, id, &at_commit(5), at(8, 2)).await;
        let page = PageQuery { skip: 0, limit: 1_000 };
        let events = list_branch_events(&db.read, &BranchEventFilter { page, ..Default::default() }).await.unwrap();
        assert_eq!(events.count, 30 * 4);
        let mut changes: Vec<_> = events.data.iter().map(|event| (&event.branch_name, &event.new_commit)).collect();
        changes.sort();
        changes.dedup();
        assert_eq!(changes.len(), 30 * 4, "each branch came to each commit once");
    })
    .await;
}

#[tokio::test]
async fn webhooks_are_taken_once_and_what_is_old_goes() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        let take = async |delivery: &str| take_receipt(&db.write, id, delivery, "push", at(8, 0)).await.unwrap();
        assert_eq!((take("a").await, take("a").await, take("b").await), (Took::First, Took::Again, Took::First));
        tell_receipt(&db.write, id, "a", "main moved").await.unwrap();
        assert_eq!(remove_receipts_before(&db, at(8, 0), 10).await.unwrap(), 0);
        assert_eq!(remove_receipts_before(&db, at(8, 1), 10).await.unwrap(), 2);

        look(&db, id, &[seen("main", 1), seen("tmp", 1)], at(8, 0)).await;
        let gone = look(&db, id, &[seen("main", 1)], at(8, 1)).await.events[0].clone();
        assert_eq!(remove_events_before(&db, at(9, 0), 10).await.unwrap(), 0, "it is not decided");
        assert_eq!(remove_branches_before(&db, at(9, 0), 10).await.unwrap(), 0, "its event is kept");
        let txn = db.begin().await.unwrap();
        assert!(triggers::decide(&txn, gone.id, &[], at(8, 2)).await.unwrap());
        txn.commit().await.unwrap();
        assert_eq!(remove_events_before(&db, at(8, 1), 10).await.unwrap(), 0, "it is not old");
        assert_eq!(remove_events_before(&db, at(9, 0), 10).await.unwrap(), 1);
        assert_eq!(remove_branches_before(&db, at(9, 0), 10).await.unwrap(), 1);
        assert_eq!(list_branches(&db.read, &BranchFilter::default()).await.unwrap().count, 1);
    })
    .await;
}

#[tokio::test]
async fn webhooks_of_long_ids_stay_apart() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        let long = "x".repeat(5_000);
        let take = async |end: &str| {
            let delivery = format!("{long}{end}");
            take_receipt(&db.write, id, &delivery, "push", at(8, 0)).await.unwrap()
        };
        assert_eq!((take("1").await, take("2").await, take("1").await), (Took::First, Took::First, Took::Again));
        tell_receipt(&db.write, id, &format!("{long}1"), "main moved").await.unwrap();
        let old = old_receipts(&db.write, at(9, 0), 10).await.unwrap();
        assert!(old.len() == 2 && old.iter().all(|(_, id)| id.len() < 200), "{old:?}");
    })
    .await;
}
