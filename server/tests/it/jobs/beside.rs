//! Branches that are scanned beside a repository's main one: each is read as a repository is, and counts for nobody.

use chrono::{NaiveDate, TimeDelta};
use entity::kind::{Origin, SyncStatus};
use entity::value::is_uncounted;
use entity::view::{
    ChartFilter, ChartReleaseFilter, ChartValueFilter, EcosystemRange, EventFilter, ImageFilter, ImagePlaceFilter,
    PageQuery, RepositoryFilter, ResourceFilter, SystemState, Timestamp,
};
use server::clock;
use store::db::Db;
use store::{charts, commits, ecosystem, events, figures, images, overview, repositories, resources};
use uuid::Uuid;

use super::repository::{Bench, Origins};
use crate::support::on_each_engine;

const SOURCE: &str = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts, namespace: flux-system}\nspec: {url: 'https://charts.example.org'}\n";

fn release(name: &str, version: &str, replicas: u32) -> String {
    format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: {name}, namespace: apps}}\nspec:\n  \
         chart:\n    spec:\n      chart: {name}\n      version: {version}\n      sourceRef: {{kind: HelmRepository, name: charts, \
         namespace: flux-system}}\n  values:\n    replicas: {replicas}\n    image: {{repository: example.org/{name}, tag: '{version}'}}\n"
    )
}

fn pod(image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: one}}\nspec:\n  containers:\n    - {{name: a, image: '{image}'}}\n"
    )
}

/// `main` with an upgrade, and `staging` with another one and more.
fn two_branches() -> Origins {
    let origin = Origins::new();
    let web = |version: &str, replicas: u32| release("web", version, replicas);
    origin.commit(
        "first",
        &[("source.yaml", Some(SOURCE)), ("web.yaml", Some(&web("1.0.0", 1))), ("pod.yaml", Some(&pod("nginx:1")))],
    );
    origin.commit("upgrade", &[("web.yaml", Some(&web("1.1.0", 1)))]);
    origin.git(&["checkout", "--quiet", "-b", "staging"]);
    origin.commit("try it", &[("web.yaml", Some(&web("2.0.0", 3))), ("pod.yaml", Some(&pod("caddy:2")))]);
    origin.commit("and another", &[("db.yaml", Some(&release("db", "0.1.0", 1)))]);
    origin.git(&["checkout", "--quiet", "main"]);
    origin
}

/// Everything that is told of all repositories together, in words.
async fn told_of_all(db: &Db, now: Timestamp) -> Vec<String> {
    let (c, page) = (&db.read, PageQuery::default());
    ecosystem::mark_stale(&db.write, NaiveDate::MIN).await.unwrap();
    ecosystem::aggregate(db, now).await.unwrap();
    let mut all = Vec::new();
    macro_rules! tell {
        ($question:expr) => {
            all.push(format!("{}: {:#?}", stringify!($question), $question.await.unwrap()))
        };
    }
    tell!(repositories::list_repositories(c, &RepositoryFilter::default()));
    tell!(repositories::list_names(c, 10));
    tell!(figures::repository_stats(c));
    tell!(figures::recent_repositories(c, now));
    tell!(overview::figures(c, now));
    let mut first_page = overview::overview(c, now).await.unwrap();
    first_page.system = SystemState::default();
    all.push(format!("overview: {first_page:#?}"));
    let mut whole = ecosystem::overview(c, EcosystemRange::default(), None, now).await.unwrap();
    // By whom it was computed says nothing of what was counted.
    let latest = whole.latest.take().unwrap();
    all.push(format!("latest: {:?} {:?}", latest.resource_type_breakdown, latest.popular_helm_charts));
    all.push(format!("latest: {} {}", latest.total_repositories, latest.total_resource_events));
    all.push(format!("ecosystem: {whole:#?}"));
    tell!(ecosystem::charts(c, EcosystemRange::default(), None, now));
    tell!(ecosystem::trends(c, 30, now));
    tell!(ecosystem::database_stats(c, now));
    tell!(ecosystem::list_release_activity(c, page, 10, true));
    for filter in [
        EventFilter::default(),
        EventFilter { version_changes_only: true, ..EventFilter::default() },
        EventFilter { resource_kind: Some("HelmRelease".to_owned()), ..EventFilter::default() },
        EventFilter { text: Some("web".to_owned()), ..EventFilter::default() },
        EventFilter { since: Some(now - TimeDelta::days(2)), ..EventFilter::default() },
    ] {
        tell!(events::list_events(c, &filter));
    }
    for filter in [
        ResourceFilter::default(),
        ResourceFilter { kind: Some("Pod".to_owned()), ..ResourceFilter::default() },
        ResourceFilter { chart: Some("web".to_owned()), ..ResourceFilter::default() },
        ResourceFilter { text: Some("web".to_owned()), ..ResourceFilter::default() },
    ] {
        tell!(resources::list_resources(c, &filter));
        tell!(resources::list_grouped(c, &filter));
    }
    tell!(resources::resource_facets(c, &ResourceFilter::default()));
    tell!(commits::list_commits(c, None, page));
    let listed = charts::list_charts(c, &ChartFilter::default(), now).await.unwrap();
    let chart_id = listed.data[0].id;
    all.push(format!("charts: {listed:#?}"));
    tell!(charts::find_chart(c, chart_id, None, now));
    tell!(charts::list_users(c, chart_id, None));
    tell!(charts::used_with(c, chart_id, None));
    tell!(charts::alternatives(c, chart_id, None, now));
    tell!(charts::list_upgrades(c, chart_id, (None, None), None, page));
    tell!(charts::list_releases(c, &ChartReleaseFilter { chart_id: Some(chart_id), ..ChartReleaseFilter::default() }));
    let values = ChartValueFilter { chart_id, ..ChartValueFilter::default() };
    tell!(charts::list_value_paths(c, &values));
    tell!(charts::list_path_values(c, &values, "replicas"));
    tell!(images::list_images(c, &ImageFilter::default()));
    tell!(images::find_image(c, "nginx", None, now));
    tell!(images::list_image_places(c, &ImagePlaceFilter::default()));
    all
}

async fn versions(db: &Db, repository: Uuid) -> Vec<Option<String>> {
    let filter = ChartReleaseFilter { repository_id: Some(repository), ..ChartReleaseFilter::default() };
    let mut versions: Vec<_> =
        charts::list_releases(&db.read, &filter).await.unwrap().data.into_iter().map(|one| one.version).collect();
    versions.sort();
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_branch_is_read_for_itself_and_changes_no_count() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        let (origin, now) = (two_branches(), clock::now() + TimeDelta::hours(1));
        let bench = Bench::new(db);
        let main = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(main).await;
        let before = told_of_all(db, now).await;

        let names = ["staging".to_owned(), "gone".to_owned()];
        let pinned = repositories::pin_branches(&db.write, main, &names, now).await.unwrap();
        let (staging, gone) = (pinned[0].0, pinned[1].0);
        assert!(pinned.iter().all(|(id, is_new)| *is_new && is_uncounted(*id)) && !is_uncounted(main));
        bench.bring_up_to_date(staging).await;
        let seen = bench.repository(staging).await;
        assert_eq!((seen.full_name.as_str(), seen.default_branch.as_str()), ("ada/cluster@staging", "staging"));
        assert_eq!(seen.scanned_branch.as_deref(), Some("staging"));
        assert_eq!(seen.scanned_commit.as_deref(), Some(origin.git(&["rev-parse", "staging"]).trim()));
        // Each has its own state and its own history.
        let of = |versions: &[&str]| versions.iter().map(|version| Some((*version).to_owned())).collect::<Vec<_>>();
        assert_eq!(versions(db, main).await, of(&["1.1.0"]));
        assert_eq!(versions(db, staging).await, of(&["0.1.0", "2.0.0"]));
        let counts = [bench.repository(main).await.counts, seen.counts];
        assert_eq!(counts.map(|counts| counts.commits), [2, 4]);
        assert_eq!(counts.map(|counts| counts.active_resources), [3, 4]);
        assert_eq!(counts.map(|counts| counts.charts), [1, 2]);
        let of_staging = EventFilter { repository_id: Some(staging), ..EventFilter::default() };
        let listed = events::list_events(&db.read, &of_staging).await.unwrap();
        assert_eq!((listed.count, listed.data.len()), (7, 7));
        // What is said of its release knows the others', as theirs do not know it.
        let named = images::named_at(&db.read, staging, "pod.yaml", None).await.unwrap();
        assert_eq!((named[0].key.as_str(), named[0].repositories), ("docker.io/library/caddy", 0));
        assert_eq!(told_of_all(db, now).await, before);

        // One that is not on the remote says so, and keeps no other from being read.
        assert!(bench.sync(gone).await.is_err());
        let seen = bench.repository(gone).await;
        assert_eq!(seen.sync_status, SyncStatus::Error);
        assert_eq!(seen.sync_error.as_deref(), Some("branch gone is not on the remote; its default branch is main"));
        let told = repositories::list_scanned_branches(&db.read, staging).await.unwrap();
        let told: Vec<_> = told.iter().map(|one| (one.branch.as_str(), one.is_main, one.repository_id)).collect();
        assert_eq!(told, [("main", true, main), ("gone", false, gone), ("staging", false, staging)]);

        // Nor do commits that come, and those that are taken back.
        origin.git(&["checkout", "--quiet", "staging"]);
        origin.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
        origin.commit("another way", &[("web.yaml", Some(&release("web", "2.0.1", 3))), ("pod.yaml", None)]);
        origin.git(&["checkout", "--quiet", "main"]);
        bench.bring_up_to_date(staging).await;
        assert_eq!(versions(db, staging).await, of(&["2.0.1"]));
        assert_eq!(told_of_all(db, now).await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_that_are_not_named_any_more_are_off_and_go_with_their_repository() {
    on_each_engine(async |app| {
        let db = &app.state.db;
        let (origin, now) = (two_branches(), clock::now());
        let bench = Bench::new(db);
        let main = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(main).await;
        let names = ["staging".to_owned()];
        let staging = repositories::pin_branches(&db.write, main, &names, now).await.unwrap()[0].0;
        bench.bring_up_to_date(staging).await;
        let before = bench.repository(staging).await;
        assert!(!before.may_be_deleted());

        let urls = [origin.path().display().to_string()];
        assert_eq!(repositories::disable_missing(&db.write, Origin::Config, &urls).await.unwrap(), 0);
        assert!(bench.repository(staging).await.enabled, "its repository is named as ever");
        assert_eq!(repositories::disable_other_branches(&db.write, &[staging]).await.unwrap(), 0);
        assert_eq!(repositories::disable_other_branches(&db.write, &[]).await.unwrap(), 1);
        let off = bench.repository(staging).await;
        assert!(!off.enabled && off.may_be_deleted() && off.counts == before.counts, "what was found stays readable");
        assert!(bench.sync(staging).await.unwrap().starts_with("skipped"));
        assert_eq!(repositories::list_scanned_branches(&db.read, main).await.unwrap(), []);
        assert!(bench.repository(main).await.enabled);
        // Named again it is the same, and goes on.
        let again = repositories::pin_branches(&db.write, main, &names, now).await.unwrap();
        assert_eq!(again, [(staging, false)]);
        assert!(bench.repository(staging).await.enabled);

        let txn = db.begin().await.unwrap();
        assert!(repositories::remove_repository(&txn, main).await.unwrap());
        txn.commit().await.unwrap();
        assert_eq!(repositories::find_repository(&db.read, staging).await.unwrap(), None);
        let left = resources::list_grouped(&db.read, &ResourceFilter::default()).await.unwrap();
        assert_eq!(left.count, 0, "what counted went once, and not twice");
    })
    .await;
}

/// The same repository twice: once asked by its main branch first, once by the branch that is named beside it and is the same.
#[tokio::test(flavor = "multi_thread")]
async fn the_main_branch_is_not_scanned_beside_itself_and_is_once_another_is_the_main_one() {
    on_each_engine(async |app| {
        let (db, now) = (&app.state.db, clock::now());
        let names = ["main".to_owned(), "staging".to_owned()];
        for asks_for_branch_first in [true, false] {
            let origin = two_branches();
            let config = format!(
                "security: {{allow_local_repositories: true}}\nrepositories: [{{url: '{}', scan_branches: [main, staging]}}]",
                origin.path().display()
            );
            let bench = Bench::with_config(db, &config);
            let main = bench.pin(&origin.path()).await;
            let beside = async || repositories::branches_beside(&db.read, main).await.unwrap();
            // Nobody knows yet which the main one is.
            let pinned = repositories::pin_branches(&db.write, main, &names, now).await.unwrap();
            let (same, staging) = (pinned[0].0, pinned[1].0);
            assert_eq!(beside().await.len(), 2);
            if asks_for_branch_first {
                let said = bench.sync(same).await.unwrap();
                assert_eq!(said, "skipped: main is the repository's main branch, and scanned as that");
                assert_eq!(beside().await, [staging]);
            }
            bench.bring_up_to_date(main).await;
            bench.bring_up_to_date(staging).await;
            assert_eq!(beside().await, [staging]);
            assert!(bench.sync(same).await.unwrap().starts_with("skipped"));
            assert_eq!(bench.repository(same).await.head_commit, None, "nothing was fetched for it");
            // Named again, it stays left out.
            let again = repositories::pin_branches(&db.write, main, &names, now).await.unwrap();
            assert_eq!((again, beside().await), (vec![(staging, false)], vec![staging]));

            // Another is the main one: what was found in that stays, and the one that was it is looked at beside.
            origin.git(&["checkout", "--quiet", "staging"]);
            bench.sync(main).await.unwrap();
            assert_eq!(bench.repository(main).await.default_branch, "staging");
            assert_eq!(beside().await, [same]);
            assert!(bench.repository(staging).await.counts.active_resources > 0);
            let listed = app.get(&format!("/api/v1/jobs?repository_id={same}")).await;
            assert_eq!(listed.column("kind"), ["sync_repository"], "{}", listed.text());
            bench.bring_up_to_date(same).await;
            let seen = bench.repository(same).await;
            assert_eq!(seen.scanned_commit.as_deref(), Some(origin.git(&["rev-parse", "main"]).trim()));

            origin.git(&["checkout", "--quiet", "main"]);
            bench.sync(main).await.unwrap();
            assert_eq!(beside().await, [staging]);
            let txn = db.begin().await.unwrap();
            assert!(repositories::remove_repository(&txn, main).await.unwrap());
            txn.commit().await.unwrap();
        }
    })
    .await;
}
