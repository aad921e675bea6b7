use std::collections::BTreeSet;

use entity::input::*;
use entity::kind::*;
use entity::view::{ChartReleaseFilter, FieldChange, ImagePlaceFilter, PageQuery, ResourceFilter, ResourceSort, Sort};
use store::resources::VersionPlace;
use store::{charts, images, overview, resources};
use uuid::Uuid;

use crate::support::input::*;
use crate::support::{on_each_engine, time};

fn many() -> Vec<FoundResource> {
    let mut web = resource("apps/v1", "Deployment", "web", "apps/web.yaml");
    web.images.push(FoundImage {
        image: "ghcr.io/a/web".into(),
        tag: Some("1.0".into()),
        digest: None,
        field_path: "spec.template.spec.containers[0].image".into(),
    });
    web.updated_at = time("2026-03-01T00:00:00Z");
    let mut settings = resource("v1", "ConfigMap", "settings", "apps/Settings_50%.yaml");
    settings.namespace = None;
    settings.namespace_inherited = Some("default".into());
    let mut other = resource("v1", "ConfigMap", "settings", "apps/other.yaml");
    other.namespace = Some("other".into());
    let mut release = resource("helm.toolkit.fluxcd.io/v2", "HelmRelease", "grafana", "grafana.yaml");
    release.charts.push(FoundChart {
        name: "grafana".into(),
        url: Some("https://g".into()),
        version: Some("8".into()),
    });
    vec![web, settings, other, release]
}

#[tokio::test]
async fn list_filters_sorts_and_counts_truly() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        scan(&db, id, &batch(vec![commit(0, vec![])], many())).await;
        let list = async |filter: ResourceFilter| {
            let listing = resources::list_resources(&db.read, &filter).await.unwrap();
            assert_eq!(listing.count, listing.data.len() as u64, "{filter:?}");
            listing.data.into_iter().map(|r| format!("{}/{}", r.kind, r.name)).collect::<Vec<_>>()
        };
        for repository_id in [None, Some(id)] {
            let base = ResourceFilter { repository_id, ..ResourceFilter::default() };
            assert_eq!(list(base.clone()).await[0], "Deployment/web");
            let with = |change: fn(&mut ResourceFilter)| {
                let mut filter = base.clone();
                change(&mut filter);
                filter
            };
            assert_eq!(list(with(|f| f.kind = Some("ConfigMap".into()))).await.len(), 2);
            assert_eq!(list(with(|f| f.api_version = Some("v1".into()))).await.len(), 2);
            assert_eq!(list(with(|f| f.namespace = Some("default".into()))).await.len(), 3);
            let both = with(|f| (f.namespace, f.kind) = (Some("default".into()), Some("ConfigMap".into())));
            assert_eq!(list(both).await, ["ConfigMap/settings"]);
            for (text, expected) in [
                ("GRAFANA", 1),
                ("settings_50%", 1),
                ("s_5", 1),
                ("_", usize::from(repository_id.is_some())),
                ("%%", 0),
                ("we", 1),
                ("W", 1),
                ("eb", usize::from(repository_id.is_some())),
                ("\"", 0),
                ("apps/", 3),
            ] {
                let filter = ResourceFilter { text: Some(text.into()), ..base.clone() };
                assert_eq!(list(filter).await.len(), expected, "{text}");
            }
            let by = |sort, direction| ResourceFilter { sort, direction, ..base.clone() };
            let names = list(by(ResourceSort::Name, Sort::Ascending)).await;
            assert_eq!((names[0].as_str(), names[3].as_str()), ("HelmRelease/grafana", "Deployment/web"));
            let mut backwards = list(by(ResourceSort::Name, Sort::Descending)).await;
            backwards.reverse();
            assert_eq!(backwards, names);
            assert_eq!(list(by(ResourceSort::Kind, Sort::Descending)).await[0], "HelmRelease/grafana");
            assert_eq!(list(by(ResourceSort::Created, Sort::Ascending)).await.len(), 4);
        }
        let page = ResourceFilter { page: PageQuery { skip: 3, limit: 3 }, with_data: true, ..Default::default() };
        let page = resources::list_resources(&db.read, &page).await.unwrap();
        assert_eq!((page.count, page.data.len()), (4, 1));
        assert_eq!(page.data[0].data["interval"], "1h");
    })
    .await;
}

#[tokio::test]
async fn search_follows_a_moved_resource() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let mut web = resource("apps/v1", "Deployment", "web", "before.yaml");
        scan(&db, id, &batch(vec![commit(0, vec![event(&web, EventType::Created)])], vec![web.clone()])).await;
        web.file_path = "after.yaml".into();
        scan(&db, id, &batch(vec![commit(1, vec![event(&web, EventType::Modified)])], vec![web])).await;
        for (text, expected) in [("before", 0), ("after", 1)] {
            let filter = ResourceFilter { text: Some(text.into()), ..ResourceFilter::default() };
            assert_eq!(resources::list_resources(&db.read, &filter).await.unwrap().count, expected, "{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn groups_count_over_all_repositories_and_page_stably() {
    on_each_engine(async |db| {
        let (one, two) = (add_repository(&db, "a/one").await, add_repository(&db, "a/two").await);
        for id in [one, two] {
            scan(&db, id, &batch(vec![commit(0, vec![])], many())).await;
        }
        let all = resources::list_grouped(&db.read, &ResourceFilter::default()).await.unwrap();
        assert_eq!((all.count, all.data.len()), (3, 3));
        let first = &all.data[0];
        assert_eq!((first.kind.as_str(), first.total_count, first.repositories.len()), ("ConfigMap", 4, 2));
        assert_eq!((first.repositories[0].repository_name.as_str(), first.repositories[0].count), ("a/one", 2));
        for skip in 0..4 {
            let filter = ResourceFilter { page: PageQuery { skip, limit: 1 }, ..ResourceFilter::default() };
            let page = resources::list_grouped(&db.read, &filter).await.unwrap();
            assert_eq!(page.count, 3);
            assert_eq!(page.data.first(), all.data.get(skip as usize));
        }
        let filter = ResourceFilter { repository_id: Some(one), text: Some("web".into()), ..ResourceFilter::default() };
        let narrow = resources::list_grouped(&db.read, &filter).await.unwrap();
        assert_eq!((narrow.count, narrow.data[0].total_count), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn versions_have_numbers_places_and_texts() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let mut web = resource("apps/v1", "Deployment", "web", "a.yaml#1");
        web.place = TextPlace { blob: oid(1), line_start: 3, line_end: 4 };
        let created = event(&web, EventType::Created);
        web.place = TextPlace { blob: oid(2), line_start: 1, line_end: 1 };
        let modified = event(&web, EventType::Modified);
        let deleted = event(&web, EventType::Deleted);
        (web.status, web.new_events, web.commit) = (ResourceStatus::Deleted, 3, oid(102));
        let commits = vec![commit(0, vec![created]), commit(1, vec![modified]), commit(2, vec![deleted])];
        let mut found = batch(commits, vec![web.clone()]);
        found.manifests.push(manifest(oid(1), "a: 1\n---\nb: 2\nc: 3\n---\nd: 4\n"));
        scan(&db, id, &found).await;

        let versions = resources::list_versions(&db.read, web.id, PageQuery::default()).await.unwrap();
        assert_eq!(versions.count, 3);
        let numbers: Vec<_> = versions.data.iter().map(|v| (v.number, v.event.event_type)).collect();
        let expected = [(3, EventType::Deleted), (2, EventType::Modified), (1, EventType::Created)];
        assert_eq!(numbers, expected);
        let link = format!("https://github.com/ada/home/blob/{}/a.yaml#L3-L4", oid(100));
        assert_eq!(versions.data[2].web_url.as_deref(), Some(link.as_str()));
        assert_eq!(versions.data[0].web_url, None);
        let page = resources::list_versions(&db.read, web.id, PageQuery { skip: 2, limit: 5 }).await.unwrap();
        assert_eq!((page.count, page.data[0].number), (3, 1));

        let text = async |n: usize| {
            let event = versions.data[n].event.id;
            resources::find_version_text(&db.read, web.id, event).await.unwrap().unwrap()
        };
        let first = text(2).await;
        assert_eq!((first.text.as_str(), first.line_start, first.missing), ("b: 2\nc: 3\n", 3, None));
        assert!(text(1).await.missing.unwrap().contains("not stored"));
        assert!(text(0).await.missing.unwrap().contains("deleted"));
        let current = resources::find_current_text(&db.read, web.id).await.unwrap().unwrap();
        assert_eq!((current.event_id, current.commit), (versions.data[1].event.id, oid(102).to_string()));
        let stranger = resources::find_version_text(&db.read, Uuid::now_v7(), versions.data[0].event.id).await;
        assert_eq!(stranger.unwrap(), None);
        assert_eq!(resources::list_versions(&db.read, Uuid::now_v7(), PageQuery::default()).await.unwrap().count, 0);
    })
    .await;
}

#[tokio::test]
async fn what_sources_changed_between_two_versions_is_told_once_with_both_ends() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let source = resource("source.toolkit.fluxcd.io/v1", "OCIRepository", "web", "source.yaml");
        let web = resource("helm.toolkit.fluxcd.io/v2", "HelmRelease", "web", "a.yaml");
        let path = "OCIRepository/web.spec.ref.tag";
        let change = |path: &str, old: &str, new: &str| FieldChange {
            path: path.into(),
            old: Some(old.into()),
            new: Some(new.into()),
        };
        let by_source = |changes: Vec<FieldChange>| FoundEvent {
            changes,
            caused_by_resource_id: Some(source.id),
            ..event(&web, EventType::Modified)
        };
        let own = FoundEvent { changes: vec![change("spec.interval", "1h", "2h")], ..event(&web, EventType::Modified) };
        let commits = vec![
            commit(0, vec![event(&source, EventType::Created), event(&web, EventType::Created)]),
            commit(1, vec![by_source(vec![change(path, "1", "2")])]),
            commit(2, vec![own]),
            commit(3, vec![by_source(vec![change("spec.interval", "2h", "3h"), change(path, "2", "3")])]),
            commit(4, vec![by_source(vec![change(path, "3", "1")])]),
        ];
        let (mut web, mut source) = (web.clone(), source.clone());
        (web.new_events, source.new_events) = (5, 1);
        scan(&db, id, &batch(commits, vec![web.clone(), source])).await;
        let versions = resources::list_versions(&db.read, web.id, PageQuery::default()).await.unwrap().data;
        let between = async |from: usize, to: usize| {
            let [from, to] = [from, to].map(|number| versions[5 - number].event.id);
            resources::list_source_changes(&db.read, web.id, from, to).await.unwrap()
        };
        assert_eq!(between(1, 2).await, [change(path, "1", "2")]);
        assert_eq!(between(1, 4).await, [change(path, "1", "3")]);
        assert_eq!(between(2, 3).await, []);
        assert_eq!(between(3, 3).await, []);
        // There and back is no change.
        assert_eq!(between(1, 5).await, []);
        assert_eq!(between(4, 1).await, []);
    })
    .await;
}

/// What the document of a resource names.
fn reference(
    of: &FoundResource,
    kind: &str,
    name: &str,
    namespace: Option<&str>,
    status: ReferenceStatus,
) -> FoundReference {
    let key = i64::from_be_bytes(Uuid::now_v7().as_bytes()[8..].try_into().unwrap()) & i64::MAX;
    FoundReference {
        id: key,
        key,
        file_path: of.file_path.clone(),
        from_kind: of.kind.clone(),
        from_name: of.name.clone(),
        field: "spec".into(),
        kind: kind.into(),
        namespace: namespace.map(Into::into),
        name: name.into(),
        status,
        span: Span { from: LinePoint { sequence: 0, time: 0 }, to: None },
    }
}

fn with_references(mut batch: Batch, references: impl IntoIterator<Item = FoundReference>) -> Batch {
    batch.uses.references.extend(references);
    batch
}

#[tokio::test]
async fn references_are_resolved_by_name_and_namespace_both_ways() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let stranger = add_repository(&db, "kim/lab").await;
        let found = many();
        let (web, settings, other) = (found[0].id, found[1].id, found[2].id);
        for (repository, found) in [(id, found), (stranger, many())] {
            let named = [
                reference(&found[0], "ConfigMap", "settings", Some("default"), ReferenceStatus::Resolved),
                reference(&found[0], "Secret", "elsewhere", Some("default"), ReferenceStatus::External),
            ];
            scan(&db, repository, &with_references(batch(vec![commit(0, vec![])], found), named)).await;
        }
        let references = resources::find_references(&db.read, web).await.unwrap();
        let ends: Vec<_> = references.outgoing.iter().map(|r| (r.name.as_str(), r.resource_id)).collect();
        assert_eq!(ends, [("settings", Some(settings)), ("elsewhere", None)]);
        assert_eq!(references.outgoing[1].namespace.as_deref(), Some("default"));
        let incoming = resources::find_references(&db.read, settings).await.unwrap().incoming;
        assert_eq!(incoming.iter().map(|r| r.resource_id).collect::<Vec<_>>(), [Some(web)]);
        assert!(resources::find_references(&db.read, other).await.unwrap().incoming.is_empty());
    })
    .await;
}

#[tokio::test]
async fn references_mean_the_resource_of_their_own_cluster_from_both_ends() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let (mut found, mut named) = (Vec::new(), Vec::new());
        for cluster in ["production", "staging"] {
            let source = "source.toolkit.fluxcd.io/v1";
            found.push(resource(source, "GitRepository", "home", &format!("clusters/{cluster}/sources.yaml#1")));
            let path = format!("clusters/{cluster}/apps/web.yaml");
            let apps = resource("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "web", &path);
            named.push(reference(&apps, "GitRepository", "home", None, ReferenceStatus::Resolved));
            found.push(apps);
        }
        let ids: Vec<Uuid> = found.iter().map(|resource| resource.id).collect();
        scan(&db, id, &with_references(batch(vec![commit(0, vec![])], found), named)).await;
        for (source, apps) in [(ids[0], ids[1]), (ids[2], ids[3])] {
            let outgoing = resources::find_references(&db.read, apps).await.unwrap().outgoing;
            assert_eq!(outgoing.iter().map(|r| r.resource_id).collect::<Vec<_>>(), [Some(source)]);
            let incoming = resources::find_references(&db.read, source).await.unwrap().incoming;
            assert_eq!(incoming.iter().map(|r| r.resource_id).collect::<Vec<_>>(), [Some(apps)]);
            assert!(incoming[0].file_path.as_deref().unwrap().starts_with("clusters/"));
        }
    })
    .await;
}

#[tokio::test]
async fn charts_images_tree_and_overview_show_what_stands() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let mut found = many();
        let mut gone = resource("apps/v1", "Deployment", "gone", "gone.yaml");
        gone.status = ResourceStatus::Deleted;
        gone.images = found[0].images.clone();
        found.push(gone);
        let mut all = batch(vec![commit(0, vec![])], found);
        all.uses.releases = vec![FoundRelease { id: 1, first_sequence: 0 }, FoundRelease { id: 2, first_sequence: 0 }];
        // The second stands in no resource that is there.
        all.uses.uses = vec![chart_use(1, "grafana.yaml", "grafana"), chart_use(2, "gone.yaml", "gone")];
        all.uses.images = vec![(1, "ghcr.io/a/web".to_owned()), (2, "ghcr.io/g/grafana".to_owned())];
        let mut in_values = image_use(2, "", "image", 2);
        (in_values.facts.release_id, in_values.facts.place) = (Some(1), ImagePlaceKind::Values);
        all.uses.image_uses =
            vec![image_use(1, "apps/web.yaml", "spec.template.spec.containers[0].image", 1), in_values];
        scan(&db, id, &all).await;
        let of_it = ChartReleaseFilter { repository_id: Some(id), ..ChartReleaseFilter::default() };
        let charts = charts::list_releases(&db.read, &of_it).await.unwrap();
        let mut told: Vec<_> =
            charts.data.iter().map(|one| (one.chart_name.as_deref().unwrap(), one.resource_id.is_some())).collect();
        told.sort_unstable();
        assert_eq!((charts.count, told), (2, vec![("gone", false), ("grafana", true)]));
        let of_it = ImagePlaceFilter { repository_id: Some(id), ..ImagePlaceFilter::default() };
        let images = images::list_image_places(&db.read, &of_it).await.unwrap();
        let told: BTreeSet<_> =
            images.data.iter().map(|one| (one.image.as_deref().unwrap(), one.resource_id.is_some())).collect();
        assert_eq!((images.count, told), (2, BTreeSet::from([("ghcr.io/a/web", true), ("ghcr.io/g/grafana", true)])));
        let tree = resources::list_tree(&db.read, id, None, resources::MAX_TREE).await.unwrap();
        let paths: Vec<_> = tree.data.iter().map(|row| row.file_path.as_str()).collect();
        assert_eq!(paths, ["apps/Settings_50%.yaml", "apps/other.yaml", "apps/web.yaml", "grafana.yaml"]);
        for (most, shown) in [(4, 4), (3, 3)] {
            let first = resources::list_tree(&db.read, id, None, most).await.unwrap();
            assert_eq!((first.data.as_slice(), first.count), (&tree.data[..shown], 4), "what is left out is counted");
        }
        let overview = overview::overview(&db.read, time("2026-01-05T00:00:00Z")).await.unwrap();
        assert_eq!((overview.repositories, overview.resources, overview.helm_releases), (1, 4, 1));
        assert_eq!((overview.only_samples, overview.kinds[0].name.as_str()), (false, "ConfigMap"));
        assert_eq!((overview.commits.len(), overview.active_repositories), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn an_event_stands_among_its_own_versions_or_at_its_cause_where_the_manifest_stayed() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let mut source = resource("source.toolkit.fluxcd.io/v1", "OCIRepository", "web", "source.yaml");
        let mut web = resource("helm.toolkit.fluxcd.io/v2", "HelmRelease", "web", "a.yaml");
        let caused = FoundEvent {
            file_hash_before: Some(web.file_hash.clone()),
            caused_by_resource_id: Some(source.id),
            ..event(&web, EventType::Modified)
        };
        let commits = vec![
            commit(0, vec![event(&source, EventType::Created)]),
            commit(1, vec![event(&web, EventType::Created)]),
            commit(2, vec![event(&source, EventType::Modified), caused]),
        ];
        (source.new_events, web.new_events) = (2, 2);
        let (source_id, web_id) = (source.id, web.id);
        scan(&db, id, &batch(commits, vec![source, web])).await;
        let versions = resources::list_versions(&db.read, web_id, PageQuery::default()).await.unwrap().data;
        let place = async |event| resources::find_version_place(&db.read, event).await.unwrap();
        let at = |resource_id, number| Some(VersionPlace { resource_id, number, count: 2 });
        assert_eq!(place(versions[1].event.id).await, at(web_id, 1));
        assert_eq!(place(versions[0].event.id).await, at(source_id, 2));
        assert_eq!(place(web_id).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_state_of_a_day_is_that_of_its_event_whatever_a_scan_adds_meanwhile() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let mut web = resource("v1", "ConfigMap", "web", "a.yaml");
        // So many there were for who counted just before the last one came.
        web.new_events = 2;
        let web_id = web.id;
        let events = [EventType::Created, EventType::Modified, EventType::Modified];
        let commits = (0..).zip(events).map(|(sequence, what)| commit(sequence, vec![event(&web, what)])).collect();
        scan(&db, id, &batch(commits, vec![web])).await;
        let then = async |id, at| resources::find_resource_then(&db.read, id, at).await.unwrap();
        for sequence in 0..3 {
            let found = then(web_id, day(sequence)).await.unwrap();
            let version = found.version.unwrap();
            let expected = (i64::from(sequence) + 1, oid(100 + sequence).to_string());
            assert_eq!(
                ((version.number, version.event.commit), found.status),
                (expected, Some(ResourceStatus::Active))
            );
        }
        let before = then(web_id, time("2026-01-01T09:59:59Z")).await.unwrap();
        assert_eq!((before.status, before.version), (None, None));
        assert_eq!(then(Uuid::now_v7(), day(0)).await, None);
    })
    .await;
}
