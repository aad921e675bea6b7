//! Steps that events made, whatever kind of resource they are of, and resources by the charts that they install.

use entity::input::*;
use entity::kind::*;
use entity::view::{Event, EventFilter, PageQuery, ResourceFilter};
use store::db::Db;
use store::{charts, events, resources};
use uuid::Uuid;

use crate::support::input::*;
use crate::support::on_each_engine;

async fn told(db: &Db, id: Uuid) -> Vec<(String, Option<String>)> {
    let filter = EventFilter { repository_id: Some(id), ..EventFilter::default() };
    let events = events::list_events(&db.read, &filter).await.unwrap().data;
    for event in &events {
        let alone = charts::step_of_event(&db.read, event.id).await.unwrap().unwrap();
        assert_eq!((alone.step.as_ref(), alone.resource_id), (event.chart_step.as_ref(), event.resource_id));
    }
    let step = |event: Event| {
        let step = event.chart_step.map(|step| format!("{} {} {}", step.chart_key, step.from, step.to));
        (format!("{} {}", event.resource_kind, event.resource_name), step)
    };
    let mut told: Vec<_> = events.into_iter().map(step).collect();
    told.sort();
    told
}

fn bump(resource: &FoundResource, before: &str, after: &str) -> FoundEvent {
    let mut bump = event(resource, EventType::Modified);
    (bump.version_before, bump.version_after) = (Some(before.into()), Some(after.into()));
    bump
}

#[tokio::test]
async fn an_event_tells_the_step_of_its_chart_and_a_source_that_of_what_comes_from_it() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let source = resource("source.toolkit.fluxcd.io/v1", "OCIRepository", "web", "source.yaml");
        let idle = resource("source.toolkit.fluxcd.io/v1", "OCIRepository", "idle", "idle.yaml");
        let chart = resource("source.toolkit.fluxcd.io/v1", "HelmChart", "blog", "chart.yaml");
        let web = resource("helm.toolkit.fluxcd.io/v2", "HelmRelease", "web", "web.yaml");
        let blog = resource("helm.toolkit.fluxcd.io/v2", "HelmRelease", "blog", "blog.yaml");
        let set = resource("argoproj.io/v1alpha1", "ApplicationSet", "set", "apps.yaml#1");
        let node = resource("helm.cattle.io/v1", "HelmChart", "node", "apps.yaml#2");
        let settings = resource("v1", "ConfigMap", "settings", "apps.yaml#3");
        let all = [&source, &idle, &chart, &web, &blog, &set, &node, &settings];
        let by =
            |cause: &FoundResource, event: FoundEvent| FoundEvent { caused_by_resource_id: Some(cause.id), ..event };
        let (old, new) = ("sha256:aa", "sha256:bb");
        let went = vec![
            // The resource has the digest for its version, the release the tag beside it.
            bump(&source, old, new),
            by(&source, bump(&web, old, new)),
            bump(&idle, "1.0.0", "2.0.0"),
            bump(&chart, "3.0.0", "3.1.0"),
            by(&chart, bump(&blog, "3.0.0", "3.1.0")),
            bump(&set, "1.0.0", "1.1.0"),
            event(&node, EventType::Modified),
            event(&settings, EventType::Modified),
        ];
        let gone = vec![event(&web, EventType::Deleted), bump(&source, new, "sha256:cc")];
        let created = all.map(|resource| event(resource, EventType::Created)).to_vec();
        let commits = vec![commit(0, created), commit(1, went), commit(2, gone)];
        let resources = all.map(Clone::clone).to_vec();
        let mut found = batch(commits, resources);
        install(&mut found, 1, "web.yaml", "web", &[(0, "1.0.0"), (1, "1.1.0"), (2, "")]);
        install(&mut found, 2, "blog.yaml", "blog", &[(0, "3.0.0"), (1, "3.1.0")]);
        // Two charts of one document: the one whose version the resource has is told.
        install(&mut found, 3, "apps.yaml#1", "values", &[(0, "8.0.0"), (1, "9.0.0")]);
        install(&mut found, 4, "apps.yaml#1", "set", &[(0, "1.0.0"), (1, "1.1.0")]);
        install(&mut found, 5, "apps.yaml#2", "node", &[(0, "4.0.0"), (1, "4.1.0")]);
        scan(&db, id, &found).await;

        let mut steps = told(&db, id).await;
        steps.retain(|(_, step)| step.is_some());
        let expected = [
            ("ApplicationSet set", "charts.example/set 1.0.0 1.1.0"),
            ("HelmChart blog", "charts.example/blog 3.0.0 3.1.0"),
            ("HelmChart node", "charts.example/node 4.0.0 4.1.0"),
            ("HelmRelease blog", "charts.example/blog 3.0.0 3.1.0"),
            ("HelmRelease web", "charts.example/web 1.0.0 1.1.0"),
            ("OCIRepository web", "charts.example/web 1.0.0 1.1.0"),
        ];
        let steps: Vec<_> = steps.iter().map(|(what, step)| (what.as_str(), step.as_deref().unwrap())).collect();
        assert_eq!(steps, expected);
        let versions = resources::list_versions(&db.read, node.id, PageQuery::default()).await.unwrap().data;
        let shown = versions[0].event.version_step();
        assert_eq!((shown, versions[1].event.version_step()), (Some((Some("4.0.0"), Some("4.1.0"))), None));
    })
    .await;
}

#[tokio::test]
async fn resources_are_found_by_the_chart_that_they_install_or_did_when_they_went() {
    on_each_engine(async |db| {
        let release = |name: &str| resource("helm.toolkit.fluxcd.io/v2", "HelmRelease", name, &format!("{name}.yaml"));
        for name in ["ada/home", "bob/lab"] {
            let id = add_repository(&db, name).await;
            let (web, blog, back, other) = (release("web"), release("blog"), release("back"), release("other"));
            let twice = release("twice");
            let all = [&web, &blog, &back, &other, &twice];
            let commits = vec![
                commit(0, all.map(|one| event(one, EventType::Created)).to_vec()),
                commit(
                    1,
                    vec![
                        event(&web, EventType::Modified),
                        event(&back, EventType::Deleted),
                        event(&twice, EventType::Deleted),
                    ],
                ),
                commit(
                    2,
                    vec![
                        event(&blog, EventType::Deleted),
                        event(&back, EventType::Resurrected),
                        event(&twice, EventType::Resurrected),
                    ],
                ),
                commit(3, vec![event(&twice, EventType::Deleted)]),
            ];
            let (mut blog, mut twice) = (blog.clone(), twice.clone());
            (blog.status, blog.deleted_at) = (ResourceStatus::Deleted, Some(day(2)));
            (twice.status, twice.deleted_at) = (ResourceStatus::Deleted, Some(day(3)));
            let mut found = batch(commits, vec![web, blog, back, other, twice]);
            let first = if name == "ada/home" { 10 } else { 20 };
            // Another chart since the second commit; gone with the last; back with another one; a list's item elsewhere.
            install(&mut found, first, "web.yaml", "old", &[(0, "1"), (1, "")]);
            install(&mut found, first + 1, "web.yaml", "new", &[(1, "1")]);
            install(&mut found, first + 2, "blog.yaml", "old", &[(0, "1"), (1, "2"), (2, "")]);
            install(&mut found, first + 3, "back.yaml", "old", &[(0, "1"), (1, "")]);
            install(&mut found, first + 4, "back.yaml", "new", &[(2, "1")]);
            install(&mut found, first + 5, "other.yaml#0.3", "old", &[(0, "1")]);
            // Gone with one chart, and after it was back for good with another one.
            install(&mut found, first + 6, "twice.yaml", "old", &[(0, "1"), (1, "")]);
            install(&mut found, first + 7, "twice.yaml", "new", &[(2, "1"), (3, "")]);
            scan(&db, id, &found).await;
            let list = async |chart: &str, statuses: &[ResourceStatus], repository_id: Option<Uuid>| {
                let (chart, statuses) = (Some(chart.to_owned()), statuses.to_vec());
                let filter = ResourceFilter { chart, statuses, repository_id, ..ResourceFilter::default() };
                let listing = resources::list_resources(&db.read, &filter).await.unwrap();
                assert_eq!(listing.count, listing.data.len() as u64);
                let mut names: Vec<String> = listing.data.into_iter().map(|one| one.name).collect();
                names.sort();
                names
            };
            let (active, deleted) = (ResourceStatus::Active, ResourceStatus::Deleted);
            assert_eq!(list("new", &[active], Some(id)).await, ["back", "web"]);
            assert_eq!(list("new", &[deleted], Some(id)).await, ["twice"]);
            assert_eq!(list("old", &[active], Some(id)).await, [""; 0]);
            assert_eq!(list("old", &[deleted], Some(id)).await, ["blog"]);
            assert_eq!(list("old", &[], Some(id)).await, ["blog"]);
            assert_eq!(list("new", &[active, deleted], Some(id)).await, ["back", "twice", "web"]);
            assert_eq!(list("new", &[], None).await.len(), if name == "ada/home" { 3 } else { 6 });
            assert_eq!(list("none", &[], None).await, [""; 0]);
        }
    })
    .await;
}
