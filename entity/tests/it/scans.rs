use entity::db::DataError;
use entity::found::*;
use entity::kind::*;
use entity::query::{commits, events, problems, repositories, resources, scans};
use entity::view::{CommitPlace, CommitRead, EventFilter, PageQuery, ResourceFilter};

use crate::support::found::*;
use crate::support::{at, on_each_engine};

const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");

fn deployment(name: &str, path: &str) -> FoundResource {
    resource(DEPLOYMENT.0, DEPLOYMENT.1, name, path)
}

#[tokio::test]
async fn batch_moves_the_cursor_and_every_figure_with_it() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let (web, mut old) = (deployment("web", "a.yaml"), deployment("old", "b.yaml"));
        let mut release = resource("helm.toolkit.fluxcd.io/v2", "HelmRelease", "grafana", "c.yaml");
        release.charts.push(FoundChart { name: "grafana".into(), url: None, version: Some("1.0.0".into()) });
        let created = [&web, &old, &release].map(|r| event(r, EventType::Created)).to_vec();
        (old.status, old.deleted_at, old.new_events) = (ResourceStatus::Deleted, Some(day(1)), 2);
        let gone = event(&old, EventType::Deleted);
        let both = batch(vec![commit(0, created), commit(1, vec![gone])], vec![web, old, release]);
        assert_eq!(scan(&db, id, &both).await, 4);
        let stored = repositories::find_repository(&db.read, id).await.unwrap().unwrap();
        let counts = stored.counts;
        assert_eq!((counts.active_resources, counts.deleted_resources, counts.events), (2, 1, 4));
        assert_eq!((counts.helm_releases, counts.charts, counts.commits, counts.yaml_files), (1, 1, 2, 7));
        assert_eq!((stored.gitops_tool, stored.scan_status), (GitOpsTool::Flux, SyncStatus::Success));
        assert_eq!(stored.scanned_commit, Some(oid(101).to_string()));
        assert_eq!(stored.last_scan_total_resources, Some(2));
        let target = repositories::sync_target(&db.read, id).await.unwrap().unwrap();
        assert_eq!(target.scanned, Some(scanned(1)));
        let runs = scans::list_scan_runs(&db.read, id, PageQuery::default()).await.unwrap();
        let run = &runs.data[0];
        assert_eq!((run.commits, run.events, run.from_commit.as_deref()), (2, 4, None));
        assert_eq!((run.to_commit.clone(), run.finished_at), (stored.scanned_commit, Some(at(9, 2))));
    })
    .await;
}

#[tokio::test]
async fn figures_are_right_before_the_scan_ends() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let run = scans::begin_scan(&db.write, id, at(9, 0)).await.unwrap();
        let (mut web, db_) = (deployment("web", "a.yaml"), deployment("db", "b.yaml"));
        let created = [&web, &db_].map(|r| event(r, EventType::Created)).to_vec();
        let first = batch(vec![commit(0, created)], vec![web.clone(), db_]);
        scans::apply_batch(&db.write, id, run, &first, at(9, 1)).await.unwrap();
        web.status = ResourceStatus::Deleted;
        web.deleted_at = Some(day(1));
        let second = batch(vec![commit(1, vec![event(&web, EventType::Deleted)])], vec![web]);
        scans::apply_batch(&db.write, id, run, &second, at(9, 1)).await.unwrap();
        for (statuses, expected) in [
            (vec![ResourceStatus::Active], 1),
            (vec![ResourceStatus::Deleted], 1),
            (vec![], 2),
            (vec![ResourceStatus::Active, ResourceStatus::Deleted], 2),
        ] {
            for kind in [None, Some("Deployment".to_owned())] {
                let filter = ResourceFilter { statuses: statuses.clone(), kind, ..ResourceFilter::default() };
                let listing = resources::list_resources(&db.read, &filter).await.unwrap();
                assert_eq!((listing.count, listing.data.len() as u64), (expected, expected));
            }
        }
        let facets = resources::resource_facets(&db.read, &ResourceFilter::default()).await.unwrap();
        assert_eq!((facets.kinds[0].count, facets.namespaces[0].count), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn batch_against_another_commit_is_stale_and_stores_nothing() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let web = deployment("web", "a.yaml");
        let first = batch(vec![commit(0, vec![event(&web, EventType::Created)])], vec![web]);
        scan(&db, id, &first).await;
        let run = scans::begin_scan(&db.write, id, at(9, 0)).await.unwrap();
        let again = scans::apply_batch(&db.write, id, run, &first, at(9, 1)).await;
        let Err(DataError::StaleBatch { expected, stored, .. }) = again else { panic!("{again:?}") };
        assert_eq!((expected, stored), (None, Some(oid(100))));
        let counts = scans::finish_scan(&db.write, id, run, HeadFigures::default(), at(9, 2)).await.unwrap();
        assert_eq!((counts.events, counts.active_resources), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn failed_batch_leaves_no_trace() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let (one, two) = (deployment("web", "a.yaml"), deployment("web", "a.yaml"));
        let created = [&one, &two].map(|r| event(r, EventType::Created)).to_vec();
        let mut broken = batch(vec![commit(0, created)], vec![one, two]);
        broken.manifests.push(manifest(oid(1), "a: b"));
        let run = scans::begin_scan(&db.write, id, at(9, 0)).await.unwrap();
        let result = scans::apply_batch(&db.write, id, run, &broken, at(9, 1)).await;
        assert!(matches!(result, Err(DataError::Database(_))), "two active resources in one place");
        scans::fail_scan(&db.write, id, run, "two in one place", at(9, 2)).await.unwrap();
        let stored = repositories::find_repository(&db.read, id).await.unwrap().unwrap();
        assert_eq!((stored.scan_status, stored.scan_error.as_deref()), (SyncStatus::Error, Some("two in one place")));
        assert_eq!((stored.scanned_commit, stored.counts.events), (None, 0));
        assert!(scans::known_all(&db.read, id).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn resources_of_one_identity_change_places_in_one_batch() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let (mut one, mut two) = (deployment("web", "a.yaml"), deployment("web", "b.yaml"));
        let created = [&one, &two].map(|r| event(r, EventType::Created)).to_vec();
        scan(&db, id, &batch(vec![commit(0, created)], vec![one.clone(), two.clone()])).await;
        std::mem::swap(&mut one.file_path, &mut two.file_path);
        let moved = [&one, &two].map(|r| event(r, EventType::Modified)).to_vec();
        scan(&db, id, &batch(vec![commit(1, moved)], vec![one.clone(), two])).await;
        let known = scans::known_by_files(&db.read, id, &["b.yaml"]).await.unwrap();
        assert_eq!(known.iter().map(|known| known.id).collect::<Vec<_>>(), [one.id]);
    })
    .await;
}

#[tokio::test]
async fn known_resources_are_found_by_file_key_and_source() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let other = add_repository(&db, "kim/lab").await;
        let first = deployment("web", "dir/a.yaml");
        let second = deployment("db", "dir/a.yaml#1");
        let odd = deployment("odd", "dir/a.yaml#b.yaml");
        let mut release = resource("helm.toolkit.fluxcd.io/v2", "HelmRelease", "grafana", "c.yaml");
        release.source = Some(SourceRef { kind: "OCIRepository".into(), name: "grafana".into(), namespace: None });
        release.charts.push(FoundChart { name: "g".into(), url: Some("oci://x/g".into()), version: None });
        let source = resource("source.toolkit.fluxcd.io/v1", "OCIRepository", "grafana", "d.yaml");
        let mut gone = deployment("gone", "dir/a.yaml#2");
        gone.status = ResourceStatus::Deleted;
        let all = vec![first, second, odd, release, source, gone];
        scan(&db, id, &batch(vec![commit(0, vec![])], all)).await;
        let names = |known: Vec<KnownResource>| known.into_iter().map(|known| known.name).collect::<Vec<_>>();

        assert_eq!(scans::known_all(&db.read, id).await.unwrap().len(), 6);
        assert!(scans::known_all(&db.read, other).await.unwrap().is_empty());
        let in_file = scans::known_by_files(&db.read, id, &["dir/a.yaml", "nothing.yaml"]).await.unwrap();
        assert_eq!(names(in_file), ["web", "db"]);
        assert!(scans::known_by_files(&db.read, id, &[] as &[&str]).await.unwrap().is_empty());
        let key = |group: &str, name: &str| ResourceKey {
            group: group.into(),
            kind: "Deployment".into(),
            namespace: "default".into(),
            name: name.into(),
        };
        let keys = [key("apps", "gone"), key("other", "web"), key("apps", "db")];
        let mut by_key = names(scans::known_by_keys(&db.read, id, &keys).await.unwrap());
        by_key.sort();
        assert_eq!(by_key, ["db", "gone"]);
        let by_source = scans::known_by_source(&db.read, id, "OCIRepository", "grafana").await.unwrap();
        assert_eq!((by_source.len(), by_source[0].chart_url.as_deref()), (1, Some("oci://x/g")));
        assert_eq!(by_source[0].source.as_ref().map(|source| source.name.as_str()), Some("grafana"));
        let sources = scans::known_sources(&db.read, id, "OCIRepository", "grafana").await.unwrap();
        assert_eq!((sources.len(), sources[0].file_path.as_str()), (1, "d.yaml"));
    })
    .await;
}

#[tokio::test]
async fn problems_of_a_file_are_replaced_and_cleared() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let problem =
            |line| FoundProblem { class: ProblemClass::Tab, line: Some(line), column: None, message: "tab\0".into() };
        let file = |path: &str, lines: &[u32]| FileProblems {
            file_path: path.into(),
            commit: oid(100),
            since: day(0),
            problems: lines.iter().map(|line| problem(*line)).collect(),
        };
        let mut first = batch(vec![commit(0, vec![])], vec![]);
        first.problems = vec![file("b.yaml", &[9, 4]), file("a.yaml", &[1])];
        scan(&db, id, &first).await;
        let listed = problems::list_problems(&db.read, id, PageQuery::default()).await.unwrap();
        let lines: Vec<_> = listed.data.iter().map(|p| (p.file_path.as_str(), p.line.unwrap())).collect();
        assert_eq!((lines, listed.count), (vec![("a.yaml", 1), ("b.yaml", 4), ("b.yaml", 9)], 3));
        let link = format!("https://github.com/ada/home/blob/{}/a.yaml#L1", oid(100));
        assert_eq!(listed.data[0].web_url.as_deref(), Some(link.as_str()));
        let mut second = batch(vec![commit(1, vec![])], vec![]);
        second.problems = vec![file("b.yaml", &[]), file("a.yaml", &[2])];
        scan(&db, id, &second).await;
        let listed = problems::list_problems(&db.read, id, PageQuery::default()).await.unwrap();
        assert_eq!((listed.count, listed.data[0].line), (1, Some(2)));
        assert_eq!(repositories::find_repository(&db.read, id).await.unwrap().unwrap().counts.problems, 1);
    })
    .await;
}

#[tokio::test]
async fn rewound_repository_is_as_it_was_at_the_kept_commit() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let web = deployment("web", "a.yaml");
        let first = batch(vec![commit(0, vec![event(&web, EventType::Created)])], vec![web.clone()]);
        scan(&db, id, &first).await;
        let before = repositories::find_repository(&db.read, id).await.unwrap().unwrap();
        let mut moved = web.clone();
        moved.file_path = "z.yaml".into();
        let mut late = deployment("late", "l.yaml");
        late.first_sequence = 1;
        let changes = vec![event(&moved, EventType::Modified), event(&late, EventType::Created)];
        scan(&db, id, &batch(vec![commit(1, changes)], vec![moved, late])).await;

        let restored = Batch { resources: vec![web.clone()], ..Batch::default() };
        scans::rewind(&db.write, id, Some(scanned(0)), &restored, at(9, 0)).await.unwrap();
        let after = repositories::find_repository(&db.read, id).await.unwrap().unwrap();
        assert_eq!((after.counts, after.scanned_commit), (before.counts, before.scanned_commit));
        let known = scans::known_all(&db.read, id).await.unwrap();
        assert_eq!((known.len(), known[0].file_path.as_str()), (1, "a.yaml"));
        assert_eq!(resources::find_resource(&db.read, web.id).await.unwrap().unwrap().events, 1);
        let trend = events::trends(&db.read, id, 400, at(9, 0)).await.unwrap();
        assert_eq!(trend.iter().map(|day| day.created + day.modified).sum::<i64>(), 1);
        assert_eq!(scans::event_commits(&db.read, id).await.unwrap(), [(oid(100), 0)]);

        scans::rewind(&db.write, id, None, &Batch::default(), at(9, 0)).await.unwrap();
        assert!(scans::known_all(&db.read, id).await.unwrap().is_empty());
        assert_eq!(repositories::sync_target(&db.read, id).await.unwrap().unwrap().scanned, None);
        assert_eq!(scan(&db, id, &first).await, 1, "and the same history can be told again");
    })
    .await;
}

#[tokio::test]
async fn removed_repository_takes_everything_along_but_not_the_others() {
    on_each_engine(async |db| {
        let (gone, kept) = (add_repository(&db, "a/gone").await, add_repository(&db, "a/kept").await);
        for id in [gone, kept] {
            let web = deployment("web", "a.yaml");
            scan(&db, id, &batch(vec![commit(0, vec![event(&web, EventType::Created)])], vec![web])).await;
        }
        assert!(repositories::remove_repository(&db.write, gone).await.unwrap());
        assert!(!repositories::remove_repository(&db.write, gone).await.unwrap());
        let left = events::list_events(&db.read, &EventFilter::default()).await.unwrap();
        assert_eq!((left.count, left.data.len(), left.data[0].repository_id), (1, 1, kept));
    })
    .await;
}

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

#[tokio::test]
async fn texts_go_with_the_last_repository_that_has_them() {
    on_each_engine(async |db| {
        let (mine, common) = (oid(1), oid(2));
        let mut ids = Vec::new();
        for (repository, texts) in [("ada/home", vec![mine, common]), ("bob/home", vec![common])] {
            let id = add_repository(&db, repository).await;
            let resources: Vec<_> = texts
                .iter()
                .map(|text| {
                    let mut web = deployment(&format!("web-{}", text.0[0]), "a.yaml");
                    web.place.blob = *text;
                    web
                })
                .collect();
            let created = resources.iter().map(|r| event(r, EventType::Created)).collect();
            let mut found = batch(vec![commit(0, created)], resources);
            found.manifests = texts.iter().map(|text| manifest(*text, "a: 1")).collect();
            scan(&db, id, &found).await;
            ids.push(id);
        }
        assert_eq!(scans::remove_unused_manifests(&db).await.unwrap(), 0);
        let txn = db.begin().await.unwrap();
        repositories::remove_repository(&txn, ids[0]).await.unwrap();
        txn.commit().await.unwrap();
        assert_eq!(scans::remove_unused_manifests(&db).await.unwrap(), 1);
        let txn = db.begin().await.unwrap();
        repositories::remove_repository(&txn, ids[1]).await.unwrap();
        txn.commit().await.unwrap();
        assert_eq!(scans::remove_unused_manifests(&db).await.unwrap(), 1);
    })
    .await;
}
