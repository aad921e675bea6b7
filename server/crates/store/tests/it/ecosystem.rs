//! Statistics of days, against what a person counts.

use std::collections::BTreeMap;

use entity::input::*;
use entity::kind::*;
use entity::view::{EcosystemRange, EcosystemStats, PageQuery, Timestamp};
use sea_orm::Statement;
use store::db::{ConnectionTrait as _, Db};
use store::{ecosystem, repositories, scans};
use uuid::Uuid;

use crate::support::input::*;
use crate::support::{on_each_engine, time};

async fn days(db: &Db, now: Timestamp) -> BTreeMap<String, EcosystemStats> {
    let page = PageQuery { skip: 0, limit: 1000 };
    let listing = ecosystem::list_days(&db.read, 900, page, now).await.unwrap();
    assert_eq!(listing.count, listing.data.len() as u64);
    listing.data.into_iter().map(|day| (day.date.date_naive().to_string(), day)).collect()
}

/// The same without what differs from run to run.
async fn rows(db: &Db, now: Timestamp) -> Vec<EcosystemStats> {
    let strip = |day: EcosystemStats| EcosystemStats {
        id: Uuid::nil(),
        calculated_at: Timestamp::default(),
        calculation_duration_seconds: 0.0,
        ..day
    };
    days(db, now).await.into_values().map(strip).collect()
}

async fn run(db: &Db, sql: &str) {
    let backend = db.write.get_database_backend();
    db.write.execute_raw(Statement::from_string(backend, sql)).await.unwrap();
}

/// Created on its forge (as far as is known) at the beginning of this day.
async fn created(db: &Db, name: &str, day: &str) -> Uuid {
    let id = add_repository(db, name).await;
    run(db, &format!("UPDATE repository SET created_at = '{day}T00:00:00+00:00' WHERE full_name = '{name}'")).await;
    id
}

fn at(mut commit: FoundCommit, text: &str) -> FoundCommit {
    commit.committed_at = time(text);
    commit
}

fn release(name: &str, path: &str, chart: &str) -> FoundResource {
    let mut release = resource("helm.toolkit.fluxcd.io/v2", "HelmRelease", name, path);
    release.charts.push(FoundChart { name: chart.into(), url: None, version: Some("1.0.0".into()) });
    release
}

/// Two releases and a service come at the end of 1 January, a release is changed and the service goes on the 3rd,
/// the service comes back on the 5th.
async fn three_days(db: &Db, id: Uuid) {
    let (mut web, mut service) = (release("web", "a.yaml", "app-template"), resource("v1", "Service", "web", "b.yaml"));
    let grafana = release("grafana", "c.yaml", "grafana");
    let first = [&web, &service, &grafana].map(|r| event(r, EventType::Created)).to_vec();
    web.version = Some("2.0.0".into());
    let second = vec![event(&web, EventType::Modified), event(&service, EventType::Deleted)];
    let third = vec![event(&service, EventType::Resurrected)];
    service.new_events = 3;
    web.new_events = 2;
    let commits = vec![
        // 00:30 on the 2nd where it was written, but UTC decides.
        at(commit(0, first), "2026-01-02T00:30:00+02:00"),
        at(commit(1, second), "2026-01-03T23:59:59Z"),
        at(commit(2, third), "2026-01-05T00:00:00Z"),
    ];
    let mut batch = batch(commits, vec![web, service, grafana]);
    install(&mut batch, 1, "a.yaml", "app-template", &[(0, "1.0.0"), (1, "2.0.0")]);
    install(&mut batch, 2, "c.yaml", "grafana", &[(0, "1.0.0")]);
    batch.through.as_mut().unwrap().committed_at = time("2026-01-05T00:00:00Z");
    scan(db, id, &batch).await;
}

fn counts(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test]
async fn repository_found_today_shows_its_history_by_days_of_utc() {
    on_each_engine(async |db| {
        let now = time("2026-01-06T12:00:00Z");
        let id = created(&db, "ada/home", "2025-12-31").await;
        three_days(&db, id).await;
        assert_eq!(ecosystem::aggregate(&db, now).await.unwrap(), 7);
        let days = days(&db, now).await;
        assert_eq!(days.keys().map(String::as_str).collect::<Vec<_>>()[0], "2025-12-31");
        let what = |day: &str| {
            let d = &days[day];
            let daily = [
                d.daily_created_resources,
                d.daily_modified_resources,
                d.daily_deleted_resources,
                d.daily_resurrected_resources,
            ];
            (d.total_repositories, d.repositories_with_resources, d.total_resources, d.active_resources, daily)
        };
        assert_eq!(what("2025-12-31"), (1, 0, 0, 0, [0; 4]));
        assert_eq!(what("2026-01-01"), (1, 1, 3, 3, [3, 0, 0, 0]));
        assert_eq!(what("2026-01-02"), (1, 1, 3, 3, [0; 4]));
        assert_eq!(what("2026-01-03"), (1, 1, 3, 2, [0, 1, 1, 0]));
        assert_eq!(what("2026-01-04"), (1, 1, 3, 2, [0; 4]));
        assert_eq!(what("2026-01-05"), (1, 1, 3, 3, [0, 0, 0, 1]));
        assert_eq!(what("2026-01-06"), (1, 1, 3, 3, [0; 4]));
        assert_eq!(days["2026-01-02"].resource_type_breakdown, counts(&[("HelmRelease", 2), ("Service", 1)]));
        assert_eq!(days["2026-01-04"].resource_type_breakdown, counts(&[("HelmRelease", 2)]));
        assert_eq!(days["2026-01-01"].popular_helm_charts, counts(&[("app-template", 1), ("grafana", 1)]));
        assert!(days["2025-12-31"].popular_helm_charts.is_empty());
        let growth: Vec<i64> = days.values().map(|day| day.resource_growth).collect();
        assert_eq!(growth, [0, 3, 0, -1, 0, 1, 0]);
        assert_eq!(days.values().map(|day| day.repository_growth).collect::<Vec<_>>(), [1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(days.values().map(|day| day.active_repositories).collect::<Vec<_>>(), [0, 1, 1, 1, 1, 1, 1]);
        assert_eq!(days.values().map(|day| day.total_resource_events).collect::<Vec<_>>(), [0, 3, 3, 5, 5, 6, 6]);
        // Languages were looked at today; nobody knows what they were before.
        assert_eq!(days["2026-01-06"].language_breakdown, counts(&[("Unknown", 1)]));
        assert!(days["2026-01-05"].language_breakdown.is_empty() && !days["2026-01-05"].languages_known);
        assert_eq!(days["2026-01-06"].measured_repositories, 0);
    })
    .await;
}

#[tokio::test]
async fn days_are_computed_again_only_where_something_made_them_stale_and_come_out_the_same() {
    on_each_engine(async |db| {
        let now = time("2026-01-06T12:00:00Z");
        let id = created(&db, "ada/home", "2025-12-31").await;
        three_days(&db, id).await;
        ecosystem::aggregate(&db, now).await.unwrap();
        let first = rows(&db, now).await;
        assert_eq!(ecosystem::aggregate(&db, now).await.unwrap(), 1, "only the day that has not ended");
        assert_eq!(rows(&db, now).await, first);

        ecosystem::mark_stale(&db.write, "2026-01-04".parse().unwrap()).await.unwrap();
        assert_eq!(ecosystem::aggregate(&db, now).await.unwrap(), 3);
        assert_eq!(rows(&db, now).await, first);

        // A day later: the day that ended is computed once more, and what was seen on it stays.
        let tomorrow = time("2026-01-07T02:30:00Z");
        assert_eq!(ecosystem::aggregate(&db, tomorrow).await.unwrap(), 2);
        let later = rows(&db, tomorrow).await;
        assert_eq!((&later[..7], later.len()), (&first[..], 8));

        // A repository found now, with history between: its days and all after them change.
        let other = created(&db, "kim/lab", "2026-01-04").await;
        let one = resource("v1", "ConfigMap", "one", "a.yaml");
        let told = at(commit(0, vec![event(&one, EventType::Created)]), "2026-01-05T10:00:00Z");
        scan(&db, other, &batch(vec![told], vec![one])).await;
        assert_eq!(ecosystem::aggregate(&db, tomorrow).await.unwrap(), 4);
        let with_it = days(&db, tomorrow).await;
        let totals: Vec<_> = with_it.values().map(|d| (d.total_repositories, d.active_resources)).collect();
        assert_eq!(totals, [(1, 0), (1, 3), (1, 3), (1, 2), (2, 2), (2, 4), (2, 4), (2, 4)]);

        // Removed again: as if it had never been.
        let txn = db.begin().await.unwrap();
        repositories::remove_repository(&txn, other).await.unwrap();
        txn.commit().await.unwrap();
        ecosystem::aggregate(&db, tomorrow).await.unwrap();
        let without: Vec<_> =
            days(&db, tomorrow).await.values().map(|d| (d.total_repositories, d.active_resources)).collect();
        assert_eq!(without, [(1, 0), (1, 3), (1, 3), (1, 2), (1, 2), (1, 3), (1, 3), (1, 3)]);
        let txn = db.begin().await.unwrap();
        repositories::remove_repository(&txn, id).await.unwrap();
        txn.commit().await.unwrap();
        ecosystem::aggregate(&db, tomorrow).await.unwrap();
        assert!(days(&db, tomorrow).await.is_empty());
    })
    .await;
}

/// A chart that kustomize renders is in no resource, so that the repository is known by no event of its first days.
#[tokio::test]
async fn a_repository_that_is_removed_takes_its_charts_along_from_all_days() {
    on_each_engine(async |db| {
        let now = time("2026-01-06T12:00:00Z");
        created(&db, "ada/home", "2026-01-01").await;
        let lab = created(&db, "kim/lab", "2026-01-05").await;
        let mut found = batch(vec![at(commit(0, vec![]), "2026-01-02T10:00:00Z")], vec![]);
        install(&mut found, 1, "kustomization.yaml", "rendered", &[(0, "1.0.0")]);
        found.commits.clear();
        scan(&db, lab, &found).await;
        ecosystem::aggregate(&db, now).await.unwrap();
        let charts = async || {
            let charts = days(&db, now).await.into_values().map(|day| day.popular_helm_charts.len());
            charts.collect::<Vec<_>>()
        };
        assert_eq!(charts().await, [0, 1, 1, 1, 1, 1]);
        let txn = db.begin().await.unwrap();
        repositories::remove_repository(&txn, lab).await.unwrap();
        txn.commit().await.unwrap();
        ecosystem::aggregate(&db, now).await.unwrap();
        assert_eq!(charts().await, [0; 6]);
    })
    .await;
}

#[tokio::test]
async fn rewound_history_takes_its_days_back() {
    on_each_engine(async |db| {
        let now = time("2026-01-06T12:00:00Z");
        let id = created(&db, "ada/home", "2026-01-01").await;
        three_days(&db, id).await;
        ecosystem::aggregate(&db, now).await.unwrap();
        let known = scans::known_at(&db.read, id, 0).await.unwrap();
        let mut restored = Batch::default();
        for known in known {
            let mut back = resource(&known.api_version, &known.kind, &known.name, &known.file_path);
            back.id = known.id;
            if known.kind == "HelmRelease" {
                let name = if known.name == "web" { "app-template" } else { "grafana" };
                back.charts.push(FoundChart { name: name.into(), url: None, version: None });
            }
            restored.resources.push(back);
        }
        let kept = ScannedCommit { id: oid(100), sequence: 0, committed_at: time("2026-01-01T22:30:00Z") };
        scans::rewind(&db.write, id, Some(kept), &restored, now).await.unwrap();
        assert_eq!(ecosystem::aggregate(&db, now).await.unwrap(), 4);
        let days = days(&db, now).await;
        assert_eq!(days.values().map(|day| day.active_resources).collect::<Vec<_>>(), [3, 3, 3, 3, 3, 3]);
        assert_eq!(days.values().map(|day| day.total_resource_events).collect::<Vec<_>>(), [3; 6]);
        assert_eq!(days["2026-01-06"].popular_helm_charts, counts(&[("app-template", 1), ("grafana", 1)]));
    })
    .await;
}

#[tokio::test]
async fn stars_are_those_of_the_newest_snapshot_up_to_the_day_and_unknown_before() {
    on_each_engine(async |db| {
        let now = time("2026-01-06T12:00:00Z");
        let id = created(&db, "ada/home", "2026-01-01").await;
        let other = created(&db, "kim/lab", "2026-01-01").await;
        for (repository, at, stars) in [
            (id, "2026-01-03T01:00:00+00:00", 10),
            (id, "2026-01-03T23:00:00+00:00", 12),
            (id, "2026-01-05T12:00:00+00:00", 15),
            (other, "2026-01-05T12:00:00+00:00", 100),
        ] {
            let mut values: Vec<sea_orm::Value> =
                vec![Uuid::now_v7().into(), repository.into(), i64::from(stars).into()];
            values.push(time(at).into());
            // The other's forge does not tell open issues.
            values.push((repository == id).into());
            let sql = "INSERT INTO repositorymetrics (id, repository_id, stars_count, forks_count, watchers_count, \
                open_issues_count, open_issues_known, size, kubernetes_resources_count, updated_at, recorded_at) \
                VALUES ($1, $2, $3, 1, 2, 3, $5, 4, 5, $4, $4)";
            let statement = Statement::from_sql_and_values(db.write.get_database_backend(), sql, values);
            db.write.execute_raw(statement).await.unwrap();
        }
        ecosystem::aggregate(&db, now).await.unwrap();
        let days = days(&db, now).await;
        let stars: Vec<_> = days.values().map(|d| (d.measured_repositories, d.total_stars, d.star_growth)).collect();
        // The second repository's 100 stars did not grow overnight: they were not known before.
        assert_eq!(stars, [(0, 0, 0), (0, 0, 0), (1, 12, 0), (1, 12, 0), (2, 115, 3), (2, 115, 0)]);
        let today = &days["2026-01-06"];
        assert_eq!((today.total_forks, today.total_open_issues, today.repositories_with_known_issues), (2, 3, 1));
        let overview = ecosystem::overview(&db.read, EcosystemRange::Week, None, now).await.unwrap();
        assert_eq!(overview.spans.iter().map(|span| span.stars).collect::<Vec<_>>()[1..3], [None, Some(12)]);
        assert_eq!((overview.growth.stars, overview.growth.repositories), (None, 2));
    })
    .await;
}

#[tokio::test]
async fn a_chart_that_is_replaced_counts_up_to_the_day_before_whether_or_not_a_resource_changed() {
    on_each_engine(async |db| {
        let now = time("2026-01-06T12:00:00Z");
        let id = created(&db, "ada/home", "2026-01-01").await;
        let web = release("web", "a.yaml", "old-chart");
        let told = at(commit(0, vec![event(&web, EventType::Created)]), "2026-01-02T10:00:00Z");
        let mut first = batch(vec![told], vec![web]);
        install(&mut first, 1, "a.yaml", "old-chart", &[(0, "1.0.0")]);
        // What a repository has in a folder of its own is no chart that anybody else installs.
        install(&mut first, 2, "b.yaml", "folder", &[(0, "1.0.0")]);
        let of_folder = &mut first.uses.uses.last_mut().unwrap().facts;
        (of_folder.how, of_folder.chart_id, of_folder.source_id) = (ChartResolution::Local, None, None);
        scan(&db, id, &first).await;
        ecosystem::aggregate(&db, now).await.unwrap();
        assert_eq!(days(&db, now).await["2026-01-03"].popular_helm_charts, counts(&[("old-chart", 1)]));

        // By a kustomization, which is no resource.
        let mut second = batch(vec![at(commit(1, vec![]), "2026-01-05T10:00:00Z")], vec![]);
        install(&mut second, 3, "a.yaml", "new-chart", &[(0, "2.0.0")]);
        let uses = &mut second.uses;
        let point = uses.commits[0].at;
        uses.releases.clear();
        uses.uses[0].release_id = 1;
        uses.ended_uses.push((100, point));
        // A real batch has no commit without events.
        second.commits.clear();
        scan(&db, id, &second).await;
        assert_eq!(ecosystem::aggregate(&db, now).await.unwrap(), 2);
        let days = days(&db, now).await;
        assert!(days["2026-01-01"].popular_helm_charts.is_empty());
        assert_eq!(days["2026-01-04"].popular_helm_charts, counts(&[("old-chart", 1)]));
        for day in ["2026-01-05", "2026-01-06"] {
            assert_eq!(days[day].popular_helm_charts, counts(&[("new-chart", 1)]), "{day}");
        }
    })
    .await;
}

#[tokio::test]
async fn wrong_clocks_neither_begin_the_calendar_nor_outlive_today() {
    on_each_engine(async |db| {
        let now = time("2026-01-06T12:00:00Z");
        let id = created(&db, "ada/home", "2026-01-01").await;
        let (one, two) = (resource("v1", "ConfigMap", "one", "a.yaml"), resource("v1", "ConfigMap", "two", "b.yaml"));
        let commits = vec![
            at(commit(0, vec![event(&one, EventType::Created)]), "1970-01-01T00:00:01Z"),
            at(commit(1, vec![event(&two, EventType::Created)]), "2061-01-01T00:00:00Z"),
        ];
        scan(&db, id, &batch(commits, vec![one, two])).await;
        ecosystem::aggregate(&db, now).await.unwrap();
        let overview = ecosystem::overview(&db.read, EcosystemRange::All, None, now).await.unwrap();
        assert_eq!(overview.spans[0].start.as_str(), "2014-06-06");
        assert_eq!((overview.spans[0].active_resources, overview.spans.last().unwrap().active_resources), (1, 2));
        let latest = ecosystem::find_latest(&db.read).await.unwrap().unwrap();
        assert_eq!((latest.date, latest.daily_created_resources), (time("2026-01-06T00:00:00Z"), 1));
        // All days once more, in the same steps: nothing depends on how far a run reaches back.
        let before = rows(&db, now).await;
        ecosystem::mark_stale(&db.write, "2025-11-11".parse().unwrap()).await.unwrap();
        ecosystem::aggregate(&db, now).await.unwrap();
        assert_eq!(rows(&db, now).await, before);
    })
    .await;
}

#[tokio::test]
async fn overview_of_a_generated_database_agrees_with_what_is_counted_now() {
    on_each_engine(async |db| {
        crate::fill::fill(&db, crate::fill::Scale { repositories: 4, resources: 80, events: 900 }).await.unwrap();
        let now = crate::fill::now();
        ecosystem::aggregate(&db, now).await.unwrap();
        let counted = store::overview::overview(&db.read, now).await.unwrap();
        for range in EcosystemRange::ALL {
            let shown = ecosystem::overview(&db.read, range, None, now).await.unwrap();
            let latest = shown.latest.unwrap();
            assert_eq!((latest.active_resources, latest.total_resource_events), (counted.resources, counted.events));
            assert_eq!(latest.active_repositories, counted.active_repositories);
            assert_eq!(latest.resource_type_breakdown.values().sum::<i64>(), counted.resources);
            assert!(
                !shown.stale && shown.spans.len() <= 185 && shown.newest.len() == 4 && shown.most_active.len() == 4
            );
            if range == EcosystemRange::All {
                let events: i64 = shown.spans.iter().map(|s| s.created + s.modified + s.deleted + s.resurrected).sum();
                assert_eq!(events, counted.events);
                assert!(shown.spans[0].active_resources > 0);
                assert_eq!(shown.growth.active_resources, counted.resources);
            }
        }
        // Of the past by the days that had ended: at noon it is the day before.
        let days = ecosystem::list_days(&db.read, 365, PageQuery { skip: 40, limit: 1 }, now).await.unwrap().data;
        for hours in [24, 36] {
            let at = days[0].date + chrono::TimeDelta::hours(hours) - chrono::TimeDelta::seconds(1);
            let shown = ecosystem::overview(&db.read, EcosystemRange::Month, Some(at), now).await.unwrap();
            assert_eq!(shown.latest.as_ref(), Some(&days[0]));
            assert_eq!(shown.spans.last().unwrap().active_resources, days[0].active_resources);
        }
        let before =
            ecosystem::overview(&db.read, EcosystemRange::Month, Some(time("1999-01-01T00:00:00Z")), now).await;
        assert_eq!(before.unwrap().latest, None);
        let stats = ecosystem::database_stats(&db.read, now).await.unwrap();
        assert_eq!((stats.table_counts.repositories, stats.table_counts.kubernetes_resource_events), (4, 3600));
        assert_eq!(stats.sync_run_stats.event_type_breakdown.values().sum::<i64>(), 3600);
        assert_eq!((stats.sync_run_stats.recent_sync_runs.len(), stats.sync_run_stats.total_sync_runs), (4, 4));
    })
    .await;
}

#[tokio::test]
async fn activity_of_releases_tells_the_newest_changes_with_their_texts() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let other = add_repository(&db, "kim/lab").await;
        let mut web = release("web", "a.yaml", "app-template");
        let mut batch_one = batch(vec![commit(0, vec![event(&web, EventType::Created)])], vec![web.clone()]);
        batch_one.manifests.push(manifest(oid(1), "a: 1\nb: 2\nc: 3\nd: 4\n"));
        scan(&db, id, &batch_one).await;
        let mut bump = event(&web, EventType::Modified);
        (bump.version_before, bump.version_after) = (Some("1.0.0".into()), Some("2.0.0".into()));
        web.updated_at = day(1);
        scan(&db, id, &batch(vec![commit(1, vec![bump])], vec![web])).await;
        let (mut same, mut old) = (release("web", "x.yaml", "app-template"), release("old", "y.yaml", "old"));
        (same.updated_at, old.updated_at) = (day(0), day(0));
        let told = [&same, &old].map(|r| event(r, EventType::Created)).to_vec();
        scan(&db, other, &batch(vec![commit(0, told)], vec![same, old])).await;

        let page = |skip| PageQuery { skip, limit: 1 };
        let first = ecosystem::list_release_activity(&db.read, page(0), 10, true).await.unwrap();
        assert_eq!((first.count, first.data[0].release_name.as_str()), (2, "web"));
        let changes = &first.data[0].changes;
        assert_eq!(changes.len(), 3);
        let newest = &changes[0];
        assert_eq!(newest.version_before.as_deref().zip(newest.version_after.as_deref()), Some(("1.0.0", "2.0.0")));
        assert_eq!((newest.yaml.as_deref(), newest.user.as_deref()), (Some("a: 1\nb: 2\nc: 3\n"), Some("ada/home")));
        assert_eq!((newest.author_name.as_str(), newest.field_changes.len()), ("Ada", 1));
        assert!(newest.web_url.as_deref().unwrap().starts_with("https://github.com/ada/home/commit/"));
        let second = ecosystem::list_release_activity(&db.read, page(1), 10, true).await.unwrap();
        assert_eq!((second.count, second.data[0].release_name.as_str()), (2, "old"));
        assert!(ecosystem::list_release_activity(&db.read, page(2), 10, false).await.unwrap().data.is_empty());
        // As it is kept: the same without texts.
        let kept = store::kept::list_release_activity(&db, page(0), 10).await.unwrap();
        assert_eq!(kept, ecosystem::list_release_activity(&db.read, page(0), 10, false).await.unwrap());
        assert_eq!((kept.data[0].changes.len(), kept.data[0].changes[0].yaml.as_deref()), (3, None));
    })
    .await;
}
