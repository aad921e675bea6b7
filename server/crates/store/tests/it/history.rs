//! Commits, events and days as they are asked for.

use entity::kind::*;
use entity::view::{CommitPlace, CommitRead, EventFilter, PageQuery};
use store::{commits, events, repositories};

use crate::scans::deployment;
use crate::support::input::*;
use crate::support::{at, on_each_engine};

#[tokio::test]
async fn commit_is_found_by_a_beginning_of_its_hash_with_its_neighbours() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let web = deployment("web", "a.yaml");
        let commits_: Vec<_> = [(0, EventType::Created), (1, EventType::Modified), (2, EventType::Modified)]
            .map(|(n, kind)| commit(n, vec![event(&web, kind)]))
            .to_vec();
        scan(&db, id, &batch(commits_, vec![web])).await;
        let sha = oid(101).to_string();
        let page = PageQuery::default();
        for part in [&sha[..], &sha[..7], &sha[..4].to_uppercase()] {
            let found = commits::find_commit(&db.read, id, part, page).await.unwrap().unwrap();
            assert_eq!((found.commit.sha.as_str(), found.commit.modified), (sha.as_str(), 1));
            assert_eq!((found.previous, found.next), (Some(oid(100).to_string()), Some(oid(102).to_string())));
            assert_eq!((found.events.count, found.events.data.len()), (1, 1));
            assert_eq!(found.web_url, Some(format!("https://github.com/ada/home/commit/{sha}")));
        }
        for nothing in ["ffffffff", &sha[..3], "'; --", ""] {
            assert!(commits::find_commit(&db.read, id, nothing, page).await.unwrap().is_none(), "{nothing}");
        }
        for repository in [None, Some(id)] {
            let listed = commits::list_commits(&db.read, repository, PageQuery { skip: 1, limit: 1 }).await.unwrap();
            assert_eq!((listed.count, listed.data[0].sequence, listed.data[0].created), (3, 1, 0));
        }
    })
    .await;
}

#[tokio::test]
async fn a_commit_without_events_is_known_as_head_by_its_problems_or_by_the_clone() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let web = deployment("web", "a.yaml");
        scan(&db, id, &batch(vec![commit(0, vec![event(&web, EventType::Created)])], vec![web])).await;
        let mut repository = repositories::find_repository(&db.read, id).await.unwrap().unwrap();
        let (head, scanned) = (oid(0xaa).to_string(), oid(0xab).to_string());
        (repository.head_commit, repository.scanned_commit) = (Some(head.clone()), Some(scanned.clone()));
        repository.head_committed_at = Some(at(9, 0));
        let find = async |sha: &str, read| commits::find_quiet_commit(&db.read, &repository, sha, read).await.unwrap();

        let found = find(&head[..12], None).await;
        // Hashes of tests are one byte again and again, so a short beginning still fits one only.
        let found = found.unwrap();
        assert_eq!((found.sha.as_str(), found.place, found.problems), (head.as_str(), CommitPlace::NotScanned, 0));
        assert_eq!((found.committed_at, found.subject), (Some(at(9, 0)), None), "what is not known is not told");
        assert_eq!(found.web_url, Some(format!("https://github.com/ada/home/commit/{head}")));
        let found = find(&scanned.to_uppercase(), None).await.unwrap();
        assert_eq!((found.place, found.committed_at), (CommitPlace::Scanned, None));
        for unknown in [oid(7).to_string().as_str(), "aaa", "", "'; --", "zzzz"] {
            assert_eq!(find(unknown, None).await, None, "{unknown}");
        }

        let told = CommitRead {
            sha: oid(7).to_string(),
            committed_at: at(8, 0),
            author_name: "Ada".into(),
            subject: "Merge a branch".into(),
            place: CommitPlace::Aside,
        };
        let found = find("0707", Some(told)).await.unwrap();
        assert_eq!((found.sha, found.place), (oid(7).to_string(), CommitPlace::Aside));
        assert_eq!((found.subject.as_deref(), found.author_name.as_deref()), (Some("Merge a branch"), Some("Ada")));
        assert_eq!(found.committed_at, Some(at(8, 0)));
    })
    .await;
}

#[tokio::test]
async fn events_are_listed_by_every_filter_with_true_counts() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        add_repository(&db, "kim/empty").await;
        let (web, mut api) = (deployment("web-front", "apps/a.yaml"), resource("v1", "Service", "api", "svc/B.yaml"));
        api.namespace = None;
        api.namespace_inherited = Some("media".into());
        let mut bump = event(&web, EventType::Modified);
        (bump.version_before, bump.version_after) = (Some("1".into()), Some("2".into()));
        let commits_ = vec![
            commit(0, vec![event(&web, EventType::Created), event(&api, EventType::Created)]),
            commit(1, vec![bump]),
            commit(2, vec![event(&api, EventType::Deleted)]),
        ];
        let (mut web2, mut api2) = (web.clone(), api.clone());
        (web2.new_events, api2.new_events) = (2, 2);
        scan(&db, id, &batch(commits_, vec![web2, api2])).await;
        let list = async |filter: EventFilter| {
            let listing = events::list_events(&db.read, &filter).await.unwrap();
            assert_eq!(listing.count, listing.data.len() as u64, "{filter:?}");
            let order: Vec<_> = listing.data.iter().map(|e| e.event_timestamp).collect();
            assert!(order.is_sorted_by(|a, b| a >= b), "newest first: {order:?}");
            listing.count
        };
        for scope in [EventFilter::default(), EventFilter { repository_id: Some(id), ..EventFilter::default() }] {
            let with = |change: fn(&mut EventFilter)| {
                let mut filter = scope.clone();
                change(&mut filter);
                filter
            };
            assert_eq!(list(with(|_| ())).await, 4);
            assert_eq!(list(with(|f| f.event_type = Some(EventType::Created))).await, 2);
            assert_eq!(list(with(|f| f.resource_kind = Some("Service".into()))).await, 2);
            assert_eq!(list(with(|f| f.resource_namespace = Some("default".into()))).await, 2);
            assert_eq!(list(with(|f| f.resource_namespace = Some("media".into()))).await, 2);
            assert_eq!(list(with(|f| f.text = Some("FRONT".into()))).await, 2);
            assert_eq!(list(with(|f| f.text = Some("svc/b".into()))).await, 2);
            assert_eq!(list(with(|f| f.text = Some("_".into()))).await, 0);
            assert_eq!(list(with(|f| f.version_changes_only = true)).await, 1);
            assert_eq!(list(with(|f| f.commit = Some(oid(100).to_string()))).await, 2);
            assert_eq!(list(with(|f| f.commit = Some("nonsense".into()))).await, 0);
            assert_eq!(list(with(|f| f.since = Some(day(1)))).await, 2);
            assert_eq!(list(with(|f| f.until = Some(day(1)))).await, 2);
        }
        let of_web = EventFilter { resource_id: Some(web.id), ..EventFilter::default() };
        assert_eq!(list(of_web).await, 2);
        let page = EventFilter { page: PageQuery { skip: 3, limit: 10 }, ..EventFilter::default() };
        let page = events::list_events(&db.read, &page).await.unwrap();
        assert_eq!((page.count, page.data.len()), (4, 1));
        assert_eq!(page.data[0].changes[0].path, "spec.interval");
        let (kinds, namespaces) = events::event_facets(&db.read, id).await.unwrap();
        assert_eq!(
            kinds.iter().map(|k| (k.name.as_str(), k.count)).collect::<Vec<_>>(),
            [("Deployment", 2), ("Service", 2)]
        );
        assert_eq!(
            namespaces.iter().map(|n| (n.name.as_str(), n.count)).collect::<Vec<_>>(),
            [("default", 2), ("media", 2)]
        );
        let inherits = EventFilter { resource_kind: Some("Service".into()), ..EventFilter::default() };
        let found = events::list_events(&db.read, &inherits).await.unwrap();
        assert!(found.data.iter().all(|e| e.resource_namespace.is_none() && e.effective_namespace() == Some("media")));
    })
    .await;
}

#[tokio::test]
async fn an_event_is_found_by_the_namespace_that_was_written_then() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let mut web = deployment("web", "a.yaml");
        web.namespace = Some("default".into());
        let created = event(&web, EventType::Created);
        web.namespace = Some("media".into());
        let moved = event(&web, EventType::Modified);
        web.new_events = 2;
        scan(&db, id, &batch(vec![commit(0, vec![created]), commit(1, vec![moved])], vec![web])).await;
        for namespace in ["default", "media"] {
            let filter = EventFilter { resource_namespace: Some(namespace.into()), ..EventFilter::default() };
            let found = events::list_events(&db.read, &filter).await.unwrap();
            let said: Vec<_> = found.data.iter().map(|event| event.resource_namespace.as_deref()).collect();
            assert_eq!((found.count, said), (1, vec![Some(namespace)]));
        }
        let (_, namespaces) = events::event_facets(&db.read, id).await.unwrap();
        let named: Vec<_> = namespaces.iter().map(|found| (found.name.as_str(), found.count)).collect();
        assert_eq!(named, [("default", 1), ("media", 1)]);
    })
    .await;
}

#[tokio::test]
async fn days_are_counted_with_gaps_and_the_resources_that_stood() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let web = deployment("web", "a.yaml");
        let commits_ = vec![
            commit(0, vec![event(&web, EventType::Created)]),
            commit(3, vec![event(&web, EventType::Deleted), event(&web, EventType::Resurrected)]),
            commit(4, vec![event(&web, EventType::Deleted)]),
        ];
        scan(&db, id, &batch(commits_, vec![web])).await;
        let now = day(5);
        let trend = events::trends(&db.read, id, 5, now).await.unwrap();
        let days: Vec<_> = trend.iter().map(|d| (d.date.as_str(), d.commits, d.active_resources)).collect();
        let expected = [
            ("2026-01-02", 0, 1),
            ("2026-01-03", 0, 1),
            ("2026-01-04", 1, 1),
            ("2026-01-05", 1, 0),
            ("2026-01-06", 0, 0),
        ];
        assert_eq!(days, expected);
        let counts = events::daily_counts(&db.read, id, 3, now).await.unwrap();
        let counts: Vec<_> = counts.iter().map(|c| (c.date.as_str(), c.event_type, c.count)).collect();
        let expected = [
            ("2026-01-04", EventType::Deleted, 1),
            ("2026-01-04", EventType::Resurrected, 1),
            ("2026-01-05", EventType::Deleted, 1),
        ];
        assert_eq!(counts, expected);
        for repository in [None, Some(id)] {
            let buckets = events::activity(&db.read, repository, None, now, 100).await.unwrap();
            assert_eq!((buckets.len(), buckets[0].start.as_str(), buckets[0].created), (6, "2026-01-01", 1));
            assert_eq!((buckets[1].created, buckets[3].deleted, buckets[3].resurrected), (0, 1, 1));
            let folded = events::activity(&db.read, repository, None, now, 3).await.unwrap();
            assert_eq!((folded.len(), folded[1].days, folded[1].deleted), (3, 2, 1));
            let late = events::activity(&db.read, repository, Some(day(4)), now, 10).await.unwrap();
            assert_eq!((late.len(), late[0].deleted), (2, 1));
        }
    })
    .await;
}
