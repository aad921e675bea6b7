use entity::input::*;
use entity::kind::*;
use entity::view::{EventFilter, PageQuery, ResourceFilter};
use store::db::DataError;
use store::{events, repositories, resources, scans};

use crate::support::input::*;
use crate::support::{at, on_each_engine};

const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");

pub fn deployment(name: &str, path: &str) -> FoundResource {
    resource(DEPLOYMENT.0, DEPLOYMENT.1, name, path)
}

#[tokio::test]
async fn batch_moves_the_cursor_and_every_figure_with_it() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let (web, mut old) = (deployment("web", "a.yaml"), deployment("old", "b.yaml"));
        let release = resource("helm.toolkit.fluxcd.io/v2", "HelmRelease", "grafana", "c.yaml");
        let created = [&web, &old, &release].map(|r| event(r, EventType::Created)).to_vec();
        (old.status, old.deleted_at, old.new_events) = (ResourceStatus::Deleted, Some(day(1)), 2);
        let gone = event(&old, EventType::Deleted);
        let both = batch(vec![commit(0, created), commit(1, vec![gone])], vec![web, old, release]);
        assert_eq!(scan(&db, id, &both).await, 4);
        let stored = repositories::find_repository(&db.read, id).await.unwrap().unwrap();
        let counts = stored.counts;
        assert_eq!((counts.active_resources, counts.deleted_resources, counts.events), (2, 1, 4));
        assert_eq!((counts.helm_releases, counts.commits, counts.yaml_files), (1, 2, 7));
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

#[tokio::test]
async fn resources_that_were_gone_for_a_while_are_known_with_the_place_where_they_went() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let (mut web, mut old) = (deployment("web", "a.yaml"), deployment("old", "b.yaml"));
        let stays = deployment("stays", "c.yaml");
        let created = [&web, &old, &stays].map(|r| event(r, EventType::Created)).to_vec();
        let gone = [&web, &old].map(|r| event(r, EventType::Deleted)).to_vec();
        let back = event(&web, EventType::Resurrected);
        (old.status, old.deleted_at, old.new_events) = (ResourceStatus::Deleted, Some(day(1)), 2);
        web.new_events = 3;
        let all = batch(
            vec![commit(0, created), commit(1, gone), commit(2, vec![]), commit(3, vec![back])],
            vec![web.clone(), old, stays],
        );
        scan(&db, id, &all).await;
        for (sequence, expected) in [(0, vec![]), (1, vec![(web.id, 1)]), (2, vec![(web.id, 1)]), (3, vec![])] {
            assert_eq!(scans::gone_for_a_while(&db.read, id, sequence).await.unwrap(), expected, "{sequence}");
        }
    })
    .await;
}

#[tokio::test]
async fn odd_paths_are_replaced_and_leave_other_problems_alone() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let web = deployment("web", "a.yaml");
        let found = |path: &str, class| FileProblems {
            file_path: path.to_owned(),
            commit: oid(100),
            since: day(0),
            problems: vec![FoundProblem { class, line: None, column: None, message: "odd\0".to_owned() }],
        };
        let mut first = batch(vec![commit(0, vec![event(&web, EventType::Created)])], vec![web]);
        first.problems = vec![found("b.yaml", ProblemClass::Syntax)];
        scan(&db, id, &first).await;
        for (paths, expected) in [(vec!["x", "y"], 3), (vec!["z"], 2), (vec![], 1)] {
            let paths: Vec<FileProblems> = paths.into_iter().map(|path| found(path, ProblemClass::Path)).collect();
            scans::record_odd_paths(&db.write, id, &paths, at(9, 3)).await.unwrap();
            let stored = repositories::find_repository(&db.read, id).await.unwrap().unwrap();
            assert_eq!(stored.counts.problems, expected);
        }
    })
    .await;
}
