//! Branches, events and watched repositories as they are listed.

use super::*;

#[tokio::test]
async fn names_of_branches_that_are_gone_are_told() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        let other = watched(&db, "kim/lab").await;
        look(&db, id, &[seen("main", 1), seen("dev", 1)], at(8, 0)).await;
        look(&db, other, &[seen("never", 1)], at(8, 0)).await;
        look(&db, id, &[seen("main", 1)], at(8, 1)).await;
        let gone = async |names: &[&str]| gone_names(&db.read, id, names).await.unwrap();
        assert_eq!(gone(&["main", "dev", "never"]).await, ["dev", "never"]);
        assert_eq!(gone(&["main"]).await, Vec::<String>::new());
        let many: Vec<String> = (0..1_200).map(|number| format!("b{number}")).collect();
        let mut names: Vec<&str> = many.iter().map(String::as_str).collect();
        names.push("main");
        assert_eq!(gone(&names).await, many);
    })
    .await;
}

#[tokio::test]
async fn branches_are_listed_with_long_and_odd_names() {
    on_each_engine(async |db| {
        let (id, other) = (watched(&db, "ada/home").await, watched(&db, "kim/lab").await);
        let long = format!("feature/{}", "ü".repeat(250));
        let beyond = "x".repeat(2_000);
        let mut branches: Vec<SeenBranch> = (0..300).map(|number| seen(&format!("release/{number:03}"), 1)).collect();
        branches.extend([seen(&long, 2), seen("100%_sure", 3), seen(&beyond, 4)]);
        branches[0].is_protected = Some(true);
        let first = look(&db, id, &branches, at(8, 0)).await;
        assert_eq!(first.left_out, 1);
        look(&db, other, &[seen("main", 1)], at(8, 1)).await;
        let list = async |filter: BranchFilter| {
            let page = list_branches(&db.read, &filter).await.unwrap();
            (page.data.into_iter().map(|branch| branch.name).collect::<Vec<_>>(), page.count)
        };
        assert_eq!(list(BranchFilter::default()).await.1, 303);
        let of = |text: &str| BranchFilter { repository_id: Some(id), text: Some(text.into()), ..Default::default() };
        assert_eq!(list(of("FEATURE/")).await, (vec![long], 1));
        assert_eq!(list(of("100%_")).await.1, 1, "LIKE's signs are plain text");
        let everywhere = BranchFilter { text: Some("main".into()), ..Default::default() };
        assert_eq!(list(everywhere).await, (vec!["main".into()], 1));
        let page = PageQuery { skip: 290, limit: 50 };
        let far = list(BranchFilter { repository_id: Some(id), page, ..Default::default() }).await;
        assert_eq!((far.0.len(), far.1), (12, 302));

        let head = SyncedHead { branch: "m".into(), head: oid(1), committed_at: at(7, 0), clone_bytes: 1 };
        repositories::record_synced(&db.write, id, &head, at(8, 30)).await.unwrap();
        branches.retain(|branch| branch.name != "release/007");
        look(&db, id, &branches, at(9, 0)).await;
        let gone = BranchFilter { deleted: Some(true), ..Default::default() };
        let gone = list_branches(&db.read, &gone).await.unwrap().data.pop().unwrap();
        assert_eq!((gone.name.as_str(), gone.last_seen_at), ("release/007", at(8, 30)));
        assert_eq!((gone.first_seen_at, gone.deleted_at), (at(8, 0), Some(at(9, 0))));
        let there = of("release/000");
        let there = list_branches(&db.read, &there).await.unwrap().data.pop().unwrap();
        assert_eq!((there.is_protected, there.last_seen_at), (Some(true), at(8, 30)));
        assert_eq!(find_branch(&db.read, there.id).await.unwrap(), Some(there));
    })
    .await;
}

#[tokio::test]
async fn events_are_decided_in_the_order_of_their_branch() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        look(&db, id, &[seen("main", 1), seen("dev", 1)], at(8, 0)).await;
        let first = look(&db, id, &[seen("main", 2), seen("dev", 1)], at(8, 1)).await.events[0].id;
        let second = look(&db, id, &[seen("main", 3), seen("dev", 1)], at(8, 2)).await.events[0].id;
        let other = look(&db, id, &[seen("main", 3), seen("dev", 2)], at(8, 3)).await.events[0].id;
        let due = async |now| {
            let due = events_to_follow(&db.read, id, now, 10).await.unwrap();
            due.into_iter().filter(|event| event.is_undecided).map(|event| event.id).collect::<Vec<_>>()
        };
        assert_eq!(due(at(8, 0)).await, [] as [Uuid; 0]);
        assert_eq!(repositories_to_follow(&db.read, at(8, 0), 10).await.unwrap(), [] as [Uuid; 0]);
        assert_eq!(repositories_to_follow(&db.read, at(9, 0), 10).await.unwrap(), [id]);
        assert_eq!(due(at(9, 0)).await, [first, other], "the second of main waits for the first");
        assert!(postpone_event(&db.write, first, "the clone is away", at(10, 0)).await.unwrap());
        assert_eq!(due(at(9, 0)).await, [other]);
        let told = find_branch_event(&db.read, first).await.unwrap().unwrap();
        assert_eq!((told.state, told.error.as_deref()), (BranchEventState::Retrying, Some("the clone is away")));
        let txn = db.begin().await.unwrap();
        let decide = async |event| triggers::decide(&txn, event, &[], at(9, 1)).await.unwrap();
        assert!(!decide(second).await, "the first of main is not decided");
        assert!(decide(first).await);
        assert!(!decide(first).await, "decided once");
        note_facts(&txn, first, Learned::default(), at(9, 1)).await.unwrap();
        txn.commit().await.unwrap();
        assert_eq!(due(at(9, 2)).await, [second, other]);
        let told = find_branch_event(&db.read, first).await.unwrap().unwrap();
        assert_eq!((told.state, told.error, told.processed_at), (BranchEventState::Processed, None, Some(at(9, 1))));
        assert!(!postpone_event(&db.write, first, "late", at(9, 9)).await.unwrap());
        let txn = db.begin().await.unwrap();
        let forced = Learned { tekton: None, is_forced: Some(true) };
        note_facts(&txn, second, forced, at(9, 2)).await.unwrap();
        txn.commit().await.unwrap();
        let of_branch = BranchEventFilter { branch_id: Some(told.branch_id), ..Default::default() };
        let timeline = list_branch_events(&db.read, &of_branch).await.unwrap().data;
        assert_eq!(timeline.iter().map(|event| event.id).collect::<Vec<_>>(), [second, first]);
        assert_eq!(timeline[0].is_forced, Some(true));
        let updated = BranchEventFilter { kind: Some(BranchEventKind::BranchUpdated), ..Default::default() };
        assert_eq!(list_branch_events(&db.read, &updated).await.unwrap().count, 3);
        let pending = BranchEventFilter { state: Some(BranchEventState::Pending), since: Some(at(8, 3)), ..updated };
        assert_eq!(list_branch_events(&db.read, &pending).await.unwrap().data[0].id, other);
    })
    .await;
}

#[tokio::test]
async fn watched_repositories_are_listed_with_what_is_known_of_them() {
    on_each_engine(async |db| {
        let (home, lab) = (watched(&db, "ada/home").await, watched(&db, "kim/lab").await);
        add_repository(&db, "leo/unwatched").await;
        let tmp = SeenBranch { is_watched: false, ..seen("tmp", 1) };
        look(&db, home, &[seen("main", 1), seen("dev", 1), tmp.clone()], at(8, 0)).await;
        look(&db, home, &[seen("main", 2), tmp], at(8, 5)).await;
        unset_watch(&db.write, lab).await.unwrap();
        let list = async |filter: WatchedRepositoryFilter| {
            let list = list_watched_repositories(&db.read, &filter).await.unwrap();
            assert_eq!(list.count, list.data.len() as u64);
            list.data
        };
        let all = list(WatchedRepositoryFilter::default()).await;
        assert_eq!(all.iter().map(|one| one.full_name.as_str()).collect::<Vec<_>>(), ["ada/home", "kim/lab"]);
        assert_eq!((all[0].branches, all[0].watched_branches, all[0].last_event_at), (2, 1, Some(at(8, 5))));
        assert_eq!((all[1].branches, all[1].watched_branches, all[1].last_event_at), (0, 0, None));
        assert_eq!((all[0].watch.is_enabled, all[1].watch.is_enabled), (true, false));
        let watched = list(WatchedRepositoryFilter { watched: Some(true), ..Default::default() }).await;
        assert_eq!(watched.iter().map(|one| one.id).collect::<Vec<_>>(), [home]);
        let text = Some("LAB".to_owned());
        assert_eq!(list(WatchedRepositoryFilter { text, ..Default::default() }).await[0].id, lab);
        let page = PageQuery { skip: 1, limit: 1 };
        let second = list_watched_repositories(&db.read, &WatchedRepositoryFilter { page, ..Default::default() }).await;
        assert_eq!(second.unwrap().data[0].id, lab);
        // Of branches those that are there and watched, whatever else there is.
        let there = BranchFilter { watched: Some(true), deleted: Some(false), ..Default::default() };
        let names: Vec<String> =
            list_branches(&db.read, &there).await.unwrap().data.into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["main"]);
    })
    .await;
}

#[tokio::test]
async fn branches_tell_where_they_are_from() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        let protected = SeenBranch { is_protected: Some(true), ..seen("main", 1) };
        look(&db, id, &[protected, seen("topic", 2)], at(8, 0)).await;
        let branches = list_branches(&db.read, &BranchFilter::default()).await.unwrap().data;
        // Asked for twice, and for one that is not here.
        let ids = branches.iter().chain(&branches).map(|branch| branch.id).chain([Uuid::nil()]);
        let origins = branch_origins(&db.read, ids).await.unwrap();
        assert_eq!((branches.len(), origins.len()), (2, 2));
        for branch in &branches {
            let origin = &origins[&branch.id];
            assert_eq!((origin.is_protected, origin.provider), (branch.is_protected, Provider::Github));
            assert!(origin.repository_url.contains("ada/home"), "{origin:?}");
        }
        assert!(branch_origins(&db.read, []).await.unwrap().is_empty());
    })
    .await;
}
