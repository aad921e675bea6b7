//! What outlives a request to a forge, and what was deleted.

use chrono::TimeDelta;
use entity::view::{ForgeBudget, Timestamp};
use store::discovery::{self, Tombstone};
use store::forges::{self, Budget, KeptAnswer};
use store::repositories;

use crate::support::input::{add_repository, repository};
use crate::support::{at, on_each_engine};

const CORE: (&str, &str, &str) = ("github.com", "t1", "core");

fn answer(etag: &str, next: Option<&str>) -> KeptAnswer {
    KeptAnswer { etag: etag.to_owned(), body: format!("[\"{etag} ü\"]"), next: next.map(str::to_owned) }
}

#[tokio::test]
async fn an_answer_takes_the_place_of_the_one_before_and_goes_when_nobody_asks() {
    on_each_engine(async |db| {
        let keep = async |key: &str, answer: &KeptAnswer, now| {
            forges::keep_answer(&db.write, key, "github.com", answer, now).await.unwrap();
        };
        let find = async |key: &str| forges::find_answer(&db.read, key).await.unwrap();
        assert_eq!(find("a").await, None);
        keep("a", &answer("one", Some("page 2")), at(8, 0)).await;
        keep("b", &answer("other", None), at(8, 0)).await;
        assert_eq!(find("a").await, Some(answer("one", Some("page 2"))));
        keep("a", &answer("two", None), at(9, 0)).await;
        assert_eq!((find("a").await, find("b").await), (Some(answer("two", None)), Some(answer("other", None))));

        // Within a day of its last use it is not written again, after that it is.
        let later = |days: i64| at(10, 0) + TimeDelta::days(days);
        forges::touch_answer(&db.write, "a", at(10, 0)).await.unwrap();
        forges::touch_answer(&db.write, "b", later(20)).await.unwrap();
        assert_eq!(forges::prune(&db.write, at(8, 59) + TimeDelta::days(30)).await.unwrap(), 0);
        assert_eq!(forges::prune(&db.write, at(9, 1) + TimeDelta::days(30)).await.unwrap(), 1);
        assert_eq!((find("a").await, find("b").await), (None, Some(answer("other", None))));
    })
    .await;
}

fn said(quota: Option<i64>, remaining: Option<i64>, resets_at: Option<Timestamp>, seen_at: Timestamp) -> Budget {
    Budget { quota, remaining, resets_at, blocked_until: None, seen_at }
}

#[tokio::test]
async fn a_forge_that_says_nothing_of_a_limit_leaves_what_it_said() {
    on_each_engine(async |db| {
        let record = async |budget: &Budget, spent| {
            forges::record_budget(&db.write, CORE, budget, spent).await.unwrap();
        };
        let find = async || forges::find_budget(&db.read, CORE.0, CORE.1, CORE.2).await.unwrap();
        assert_eq!(find().await, None);
        let first = said(Some(5_000), Some(4_999), Some(at(9, 0)), at(8, 0));
        record(&first, 1).await;
        assert_eq!(find().await, Some(first.clone()));
        record(&Budget { blocked_until: Some(at(8, 30)), ..said(None, Some(7), Some(at(7, 0)), at(8, 1)) }, 0).await;
        let blocked = Budget { blocked_until: Some(at(8, 30)), seen_at: at(8, 1), ..first };
        assert_eq!(find().await, Some(blocked));
        record(&said(Some(60), None, None, at(8, 2)), 2).await;
        assert_eq!(
            find().await,
            Some(Budget { blocked_until: Some(at(8, 30)), ..said(Some(60), None, None, at(8, 2)) })
        );
        assert_eq!(forges::find_budget(&db.read, CORE.0, "t2", CORE.2).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn limits_tell_what_was_spent_in_a_day_and_nothing_of_times_that_are_over() {
    on_each_engine(async |db| {
        let record = async |who, budget: Budget, spent| {
            forges::record_budget(&db.write, who, &budget, spent).await.unwrap();
        };
        let yesterday = at(8, 10) - TimeDelta::days(1);
        record(CORE, said(Some(100), Some(9), Some(at(8, 30)), yesterday), 40).await;
        for (minute, spent) in [(5, 1), (50, 2)] {
            record(CORE, said(Some(100), Some(9), Some(at(8, 30)), at(7, minute)), spent).await;
        }
        let blocked = Budget { blocked_until: Some(at(9, 0)), ..said(None, None, None, at(8, 0)) };
        record(("codeberg.org", "", "search"), blocked, 0).await;
        record((CORE.0, "t2", CORE.2), said(Some(60), Some(1), None, at(8, 0)), 5).await;
        let budget = |host: &str, resource: &str, quota, remaining, spent_last_24_h, seen_at| ForgeBudget {
            host: host.to_owned(),
            resource: resource.to_owned(),
            quota,
            remaining,
            resets_at: None,
            blocked_until: None,
            spent_last_24_h,
            seen_at,
        };
        let search = budget("codeberg.org", "search", None, None, 0, at(8, 0));
        let mine = budget("github.com", "core", Some(100), Some(9), 3, at(7, 50));
        let other = budget("github.com", "core", Some(60), Some(1), 5, at(8, 0));
        let found = forges::budgets(&db.read, at(8, 20)).await.unwrap();
        let expected = [
            ForgeBudget { blocked_until: Some(at(9, 0)), ..search.clone() },
            ForgeBudget { resets_at: Some(at(8, 30)), ..mine.clone() },
            other.clone(),
        ];
        assert_eq!(found, expected);
        // At that moment the quota is whole again, and the hour of yesterday is still more than a day ago.
        let found = forges::budgets(&db.read, at(9, 0)).await.unwrap();
        assert_eq!(found, [search, ForgeBudget { remaining: Some(100), ..mine }, other]);
        assert_eq!(forges::prune(&db.write, at(8, 1) + TimeDelta::days(2)).await.unwrap(), 1);
        // What was spent goes first, limits stay as long as answers.
        assert_eq!(forges::prune(&db.write, at(8, 0) + TimeDelta::days(40)).await.unwrap(), 5);
        assert!(forges::budgets(&db.read, at(8, 0)).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_deleted_repository_is_remembered_until_somebody_adds_it_again() {
    on_each_engine(async |db| {
        let (one, two) = (add_repository(&db, "ada/one").await, add_repository(&db, "ada/two").await);
        assert_eq!(discovery::remove_repository_for_good(&db.write, one, at(9, 0)).await.unwrap().unwrap().id, one);
        assert!(discovery::remove_repository_for_good(&db.write, one, at(9, 5)).await.unwrap().is_none());
        discovery::remove_repository_for_good(&db.write, two, at(8, 0)).await.unwrap().unwrap();
        assert!(repositories::find_repository(&db.read, one).await.unwrap().is_none());
        let stone = |name: &str, deleted_at| Tombstone {
            url: repository(name).url,
            full_name: name.to_owned(),
            forge_host: None,
            forge_id: None,
            deleted_at,
        };
        let stones = discovery::list_tombstones(&db.read).await.unwrap();
        assert_eq!(stones, [stone("ada/two", at(8, 0)), stone("ada/one", at(9, 0))]);
        discovery::lift_tombstones(&db.write, stones[..1].iter()).await.unwrap();
        assert_eq!(discovery::list_tombstones(&db.read).await.unwrap(), stones[1..]);
    })
    .await;
}
