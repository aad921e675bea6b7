//! Lists that do not know yet what webhooks told.

use chrono::TimeDelta;

use super::*;

/// So many seconds after the webhooks came.
fn after(seconds: i64) -> Timestamp {
    at(9, 0) + TimeDelta::seconds(seconds)
}

async fn told(db: &Db, repository: Uuid, changes: &[(&str, Option<u8>, Option<u8>)]) {
    for (branch, old, new) in changes {
        let told = tell(db, repository, branch, *old, *new).await;
        assert!(matches!(told, Told::Noted(Some(_))), "{branch}: {told:?}");
    }
}

#[tokio::test]
async fn a_list_that_lags_behind_webhooks_takes_nothing_back() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        look(&db, id, &[seen("main", 1), seen("old", 1), seen("dev", 1)], at(8, 0)).await;
        told(&db, id, &[("main", Some(1), Some(2)), ("old", Some(1), None), ("new", None, Some(7))]).await;
        // Of all that this list knows only the last is news.
        let lagging = look(&db, id, &[seen("main", 1), seen("old", 1), seen("dev", 5)], after(1)).await;
        assert_eq!(words(&lagging), [("dev".to_owned(), BranchEventKind::BranchUpdated)]);
        assert_eq!((lagging.overtaken, lagging.look_again_at), (3, Some(after(60))));
        let right = look(&db, id, &[seen("main", 2), seen("dev", 5), seen("new", 7)], after(2)).await;
        assert_eq!((right.events, right.overtaken, right.look_again_at), (vec![], 0, None));
        assert_eq!(all_events(&db).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn what_was_set_back_is_noted_once_no_list_can_lag_behind_any_more() {
    on_each_engine(async |db| {
        let id = watched(&db, "ada/home").await;
        let before = [seen("main", 1), seen("old", 1)];
        look(&db, id, &before, at(8, 0)).await;
        told(&db, id, &[("main", Some(1), Some(2)), ("old", Some(1), None), ("new", None, Some(7))]).await;
        let soon = look(&db, id, &before, after(59)).await;
        assert_eq!((soon.events, soon.overtaken, soon.look_again_at), (vec![], 3, Some(after(60))));
        // That counts from when it was asked what there is, however long the answer took.
        let began = watch_state(&db.read, id).await.unwrap().unwrap();
        let slow = Look::new(&began, NoticedBy::Poll, before.to_vec()).begun_at(after(59));
        assert_eq!(end(&db, id, &began, &slow, after(90)).await.overtaken, 3);
        let later = look(&db, id, &before, after(60)).await;
        use BranchEventKind::{BranchCreated, BranchDeleted, BranchUpdated};
        let expected = [("main", BranchUpdated), ("old", BranchCreated), ("new", BranchDeleted)];
        assert_eq!(words(&later), expected.map(|(name, kind)| (name.to_owned(), kind)));
        assert_eq!((later.events[0].old_commit, later.events[0].new_commit), (Some(oid(2)), Some(oid(1))));
        assert_eq!((later.overtaken, later.look_again_at), (0, None));
    })
    .await;
}

#[tokio::test]
async fn a_list_may_lag_behind_several_pushes_but_not_behind_what_a_list_showed() {
    on_each_engine(async |db| {
        let (id, other) = (watched(&db, "ada/home").await, watched(&db, "kim/lab").await);
        for repository in [id, other] {
            look(&db, repository, &[seen("main", 1)], at(8, 0)).await;
            tell_at(&db, repository, "main", Some(1), Some(2), after(0)).await;
        }
        tell_at(&db, id, "main", Some(2), Some(3), after(30)).await;
        for (shown, now, until) in [(1, after(40), after(60)), (2, after(40), after(90)), (2, after(70), after(90))] {
            let lagging = look(&db, id, &[seen("main", shown)], now).await;
            assert_eq!((lagging.events, lagging.look_again_at), (vec![], Some(until)), "{shown}");
        }
        let back = look(&db, id, &[seen("main", 1)], after(70)).await;
        assert_eq!(words(&back), [("main".to_owned(), BranchEventKind::BranchUpdated)], "it is too old");
        // A list showed what was pushed after that webhook.
        assert_eq!(look(&db, other, &[seen("main", 5)], after(10)).await.events.len(), 1);
        let back = look(&db, other, &[seen("main", 1)], after(20)).await;
        assert_eq!((back.events.len(), back.look_again_at), (1, None));
    })
    .await;
}
