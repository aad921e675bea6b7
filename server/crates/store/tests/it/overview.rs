//! The first page: growth, versions put together, who is busy and who is new.

use chrono::TimeDelta;
use entity::input::*;
use entity::kind::*;
use entity::view::{BumpSubject, FieldChange, OverviewGrowth, Timestamp, VersionBump};
use sea_orm::Statement;
use store::db::{ConnectionTrait as _, Db};
use store::{ecosystem, overview};

use crate::support::input::*;
use crate::support::{on_each_engine, time};

fn now() -> Timestamp {
    time("2026-03-01T12:00:00Z")
}

async fn run(db: &Db, sql: &str) {
    let backend = db.write.get_database_backend();
    db.write.execute_raw(Statement::from_string(backend, sql)).await.unwrap();
}

fn on(mut commit: FoundCommit, text: &str) -> FoundCommit {
    commit.committed_at = time(text);
    commit
}

fn release(name: &str, chart: &str) -> FoundResource {
    let mut release = resource("helm.toolkit.fluxcd.io/v2", "HelmRelease", name, &format!("{name}.yaml"));
    release.charts.push(FoundChart { name: chart.into(), url: None, version: Some("1.0.0".into()) });
    release
}

fn bump(resource: &FoundResource, before: &str, after: &str) -> FoundEvent {
    let mut bump = event(resource, EventType::Modified);
    (bump.version_before, bump.version_after) = (Some(before.into()), Some(after.into()));
    bump.changes_detected.push("version".into());
    bump
}

fn tag(resource: &FoundResource, path: &str, old: &str, new: &str) -> FoundEvent {
    let mut tag = event(resource, EventType::Modified);
    tag.changes = vec![FieldChange { path: path.into(), old: Some(old.into()), new: Some(new.into()) }];
    tag
}

fn said(bump: &VersionBump) -> (BumpSubject, &str, &str, &str, i64, i64) {
    let (before, after) = (bump.before.as_deref().unwrap_or("none"), bump.after.as_deref().unwrap_or("none"));
    (bump.subject, bump.name.as_str(), before, after, bump.repositories, bump.resources)
}

#[tokio::test]
async fn one_step_of_a_chart_in_many_repositories_is_one_line() {
    on_each_engine(async |db| {
        for (number, name) in ["ada/home", "kim/lab", "lee/ops"].into_iter().enumerate() {
            let id = add_repository(&db, name).await;
            let (web, blog) = (release("web", "app-template"), release("blog", "app-template"));
            let mut source = resource("source.toolkit.fluxcd.io/v1", "OCIRepository", "app-template", "source.yaml");
            source.version = Some("1.0.0".into());
            let first = [&web, &blog, &source].map(|resource| event(resource, EventType::Created)).to_vec();
            let caused =
                |resource| FoundEvent { caused_by_resource_id: Some(source.id), ..bump(resource, "1.0.0", "2.0.0") };
            // The source and what deploys from it are told by one commit: the source adds nothing.
            let second = vec![bump(&source, "1.0.0", "2.0.0"), caused(&web), caused(&blog)];
            // Only one goes on; a source that nothing deploys from stands for itself.
            let third =
                if number == 0 { vec![bump(&web, "2.0.0", "3.0.0"), bump(&source, "2.0.0", "2.5.0")] } else { vec![] };
            let mut commits = vec![
                on(commit(0, first), "2026-02-01T10:00:00Z"),
                on(commit(1, second), &format!("2026-02-0{}T10:00:00Z", number + 2)),
            ];
            if !third.is_empty() {
                commits.push(on(commit(2, third), "2026-02-20T10:00:00Z"));
            }
            let mut found = batch(commits, vec![web, blog, source]);
            let release = number as i64 * 10;
            let web_went = [(0, "1.0.0"), (1, "2.0.0"), (2, "3.0.0")];
            install(&mut found, release + 1, "web.yaml", "app-template", &web_went[..if number == 0 { 3 } else { 2 }]);
            install(&mut found, release + 2, "blog.yaml", "app-template", &web_went[..2]);
            scan(&db, id, &found).await;
        }
        let shown = overview::overview(&db.read, now()).await.unwrap();
        let told: Vec<_> = shown.bumps.iter().map(said).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[..2].contains(&(BumpSubject::Chart, "app-template", "2.0.0", "3.0.0", 1, 1)), "{told:?}");
        assert!(told[..2].contains(&(BumpSubject::Source, "app-template", "2.0.0", "2.5.0", 1, 1)), "{told:?}");
        assert_eq!(told[2], (BumpSubject::Chart, "app-template", "1.0.0", "2.0.0", 3, 6));
        let newest = &shown.bumps[2].changes[0];
        assert_eq!((newest.repository_full_name.as_str(), newest.author_name.as_deref()), ("lee/ops", Some("Ada")));
        assert_eq!(
            (newest.event_timestamp, newest.commit.as_str()),
            (time("2026-02-04T10:00:00Z"), oid(101).to_string().as_str())
        );
        assert_eq!(shown.bumps[2].changes.len(), 6);
        let keys: Vec<_> = shown.bumps.iter().map(|bump| bump.chart_key.as_deref()).collect();
        assert_eq!((keys[2], keys.contains(&None)), (Some("charts.example/app-template"), true));
    })
    .await;
}

#[tokio::test]
async fn steps_of_charts_are_told_whatever_installs_them() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        // Of an Application of two sources the second one's chart goes on; a chart of k3s and one that is replaced, too.
        let app = resource("argoproj.io/v1alpha1", "Application", "two", "app.yaml");
        let k3s = resource("helm.cattle.io/v1", "HelmChart", "node", "k3s.yaml");
        let replaced = release("other", "app-template");
        let came = [&app, &k3s, &replaced].map(|resource| event(resource, EventType::Created)).to_vec();
        let went = vec![event(&app, EventType::Modified), bump(&k3s, "1", "2"), bump(&replaced, "1.0.0", "7.0.0")];
        let commits = vec![
            on(commit(0, came), "2026-02-01T10:00:00Z"),
            on(commit(1, went), "2026-02-02T10:00:00Z"),
            // No resource changed with it.
            on(commit(2, vec![]), "2026-02-03T10:00:00Z"),
        ];
        let mut found = batch(commits, vec![app, k3s, replaced]);
        install(&mut found, 1, "app.yaml", "first", &[(0, "1.0.0")]);
        install(&mut found, 2, "app.yaml", "second", &[(0, "5.0.0"), (1, "6.0.0")]);
        install(&mut found, 3, "k3s.yaml", "node", &[(0, "1"), (1, "2")]);
        install(&mut found, 4, "other.yaml", "app-template", &[(0, "1.0.0"), (1, "7.0.0")]);
        install(&mut found, 5, "kustomization.yaml", "rendered", &[(0, "1.0.0"), (2, "1.1.0")]);
        install(&mut found, 6, "unknown.yaml", "unknown", &[(0, "1.0.0"), (1, "2.0.0")]);
        let of_release = |uses: &mut UsesBatch, id: i64, change: fn(&mut ChartUseFacts)| {
            uses.uses.iter_mut().filter(|one| one.release_id == id).for_each(|one| change(&mut one.facts));
        };
        of_release(&mut found.uses, 5, |facts| facts.kind = ChartUseKind::Kustomize);
        of_release(&mut found.uses, 6, |facts| (facts.chart_id, facts.source_id) = (None, None));
        // Another chart is no step, though the resource has another version.
        let last = found.uses.uses.iter_mut().find(|one| one.id == 401).unwrap();
        (last.facts.chart_id, last.facts.source_id) = (Some(chart_id("node")), Some(chart_id("node")));
        scan(&db, id, &found).await;

        let shown = overview::overview(&db.read, now()).await.unwrap();
        let mut told: Vec<_> = shown.bumps.iter().map(said).collect();
        assert_eq!(told[0], (BumpSubject::Chart, "rendered", "1.0.0", "1.1.0", 1, 1));
        told.sort_by_key(|one| one.1);
        let expected = [
            (BumpSubject::Chart, "node", "1", "2", 1, 1),
            (BumpSubject::Chart, "rendered", "1.0.0", "1.1.0", 1, 1),
            (BumpSubject::Chart, "second", "5.0.0", "6.0.0", 1, 1),
            (BumpSubject::Chart, "unknown", "1.0.0", "2.0.0", 1, 1),
        ];
        assert_eq!(told, expected);
        let of = |name: &str| shown.bumps.iter().find(|bump| bump.name == name).unwrap();
        let rendered = &of("rendered").changes[0];
        assert_eq!((rendered.event_id, rendered.resource_id, rendered.author_name.as_deref()), (None, None, None));
        assert_eq!((rendered.resource_kind.as_str(), rendered.resource_name.as_str()), ("Kustomization", "rendered"));
        assert_eq!(
            (rendered.commit.as_str(), rendered.event_timestamp),
            (&*oid(102).to_string(), time("2026-02-03T10:00:00Z"))
        );
        let second = &of("second").changes[0];
        assert_eq!((second.resource_name.as_str(), second.author_name.as_deref()), ("two", Some("Ada")));
        assert!(second.event_id.is_some() && second.resource_id.is_some());
        assert_eq!(of("unknown").chart_key, None);
    })
    .await;
}

/// A file that moves, a variable that changes: a release begins another span with its version as it was.
#[tokio::test]
async fn a_commit_that_changes_hundreds_of_releases_otherwise_hides_no_step() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let commits = vec![
            on(commit(0, vec![]), "2026-02-01T10:00:00Z"),
            on(commit(1, vec![]), "2026-02-02T10:00:00Z"),
            on(commit(2, vec![]), "2026-02-03T10:00:00Z"),
        ];
        let mut found = batch(commits, vec![]);
        install(&mut found, 1, "web.yaml", "web", &[(0, "1.0.0"), (1, "2.0.0")]);
        for release in 2..402 {
            install(&mut found, release, &format!("{release}.yaml"), "other", &[(0, "1.0.0"), (2, "1.0.0")]);
        }
        scan(&db, id, &found).await;
        let shown = overview::overview(&db.read, now()).await.unwrap();
        let told: Vec<_> = shown.bumps.iter().map(said).collect();
        assert_eq!(told, [(BumpSubject::Chart, "web", "1.0.0", "2.0.0", 1, 1)]);
    })
    .await;
}

#[tokio::test]
async fn tags_of_images_are_steps_and_what_only_looks_like_one_is_not() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let mut web = release("web", "app-template");
        let path = "spec.values.controllers.main.containers.main.image";
        web.images.push(FoundImage {
            image: "ghcr.io/ada/web".into(),
            tag: Some("1.1".into()),
            digest: None,
            field_path: path.into(),
        });
        let tag_path = format!("{path}.tag");
        let events =
            vec![tag(&web, &tag_path, "1.0@sha256:aa", "1.1@sha256:bb"), tag(&web, "spec.values.other.tag", "4", "5")];
        let digest = vec![tag(&web, &tag_path, "1.1@sha256:bb", "1.1@sha256:cc")];
        // A committer's clock that is years ahead must not stand first for ever.
        let future = vec![tag(&web, &tag_path, "1.1", "9.9")];
        let commits = vec![
            on(commit(0, vec![event(&web, EventType::Created)]), "2026-02-01T10:00:00Z"),
            on(commit(1, events), "2026-02-02T10:00:00Z"),
            on(commit(2, digest), "2026-02-03T10:00:00Z"),
            on(commit(3, future), "2061-02-03T10:00:00Z"),
        ];
        scan(&db, id, &batch(commits, vec![web])).await;
        let shown = overview::overview(&db.read, now()).await.unwrap();
        let told: Vec<_> = shown.bumps.iter().map(said).collect();
        assert_eq!(told, [(BumpSubject::Image, "ghcr.io/ada/web", "1.0", "1.1", 1, 1)]);
    })
    .await;
}

#[tokio::test]
async fn growth_is_against_thirty_days_ago_and_what_is_not_known_is_not_told() {
    on_each_engine(async |db| {
        let growth = async || overview::overview(&db.read, now()).await.unwrap().growth;
        let nothing = OverviewGrowth { repositories: Some(0), ..OverviewGrowth::default() };
        assert_eq!(growth().await, nothing);

        let id = add_repository(&db, "ada/home").await;
        let (web, blog, service) =
            (release("web", "app"), release("blog", "app"), resource("v1", "Service", "web", "s.yaml"));
        let commits = vec![
            on(
                commit(0, vec![event(&web, EventType::Created), event(&service, EventType::Created)]),
                "2026-01-05T10:00:00Z",
            ),
            // 30 January is 30 days before 1 March: what happened on it had happened then.
            on(commit(1, vec![event(&web, EventType::Modified)]), "2026-01-30T23:00:00Z"),
            on(
                commit(2, vec![event(&blog, EventType::Created), event(&service, EventType::Deleted)]),
                "2026-01-31T01:00:00Z",
            ),
        ];
        let mut service = service;
        service.status = ResourceStatus::Deleted;
        service.deleted_at = Some(time("2026-01-31T01:00:00Z"));
        scan(&db, id, &batch(commits, vec![web, blog, service])).await;
        let other = add_repository(&db, "kim/lab").await;
        run(&db, "UPDATE repository SET created_at = '2026-02-14T00:00:00+00:00' WHERE full_name = 'kim/lab'").await;
        // No day was computed yet: releases are not known, everything else is kept with each scan.
        let known = OverviewGrowth { repositories: Some(1), resources: Some(0), helm_releases: None, events: Some(2) };
        assert_eq!(growth().await, known);
        ecosystem::aggregate(&db, now()).await.unwrap();
        assert_eq!(growth().await, OverviewGrowth { helm_releases: Some(1), ..known });
        ecosystem::mark_stale(&db.write, "2026-01-20".parse().unwrap()).await.unwrap();
        assert_eq!(growth().await, known, "the day it would be counted from is to be computed anew");

        let shown = overview::overview(&db.read, now()).await.unwrap();
        let newest: Vec<_> = shown.newest.iter().map(|new| (new.repository_id, new.first_day.as_deref())).collect();
        assert_eq!(newest.len(), 2);
        assert!(newest.contains(&(other, None)) && newest.contains(&(id, Some("2026-01-05"))));
        // The window of the busiest begins on 31 January: today is its thirtieth day.
        let busiest = &shown.most_active;
        assert_eq!((busiest.len(), busiest[0].repository_id, busiest[0].changes), (1, id, 2));
        assert_eq!((busiest[0].daily.len(), busiest[0].daily[0], busiest[0].daily.iter().sum::<i64>()), (30, 2, 2));
    })
    .await;
}

#[tokio::test]
async fn busiest_repositories_of_a_generated_database_add_up() {
    on_each_engine(async |db| {
        crate::fill::fill(&db, crate::fill::Scale { repositories: 10, resources: 40, events: 600 }).await.unwrap();
        let now = crate::fill::now();
        let shown = overview::overview(&db.read, now).await.unwrap();
        assert_eq!((shown.most_active.len(), shown.newest.len()), (8, 8));
        assert!(shown.most_active.windows(2).all(|pair| pair[0].changes >= pair[1].changes));
        for busy in &shown.most_active {
            assert_eq!(busy.daily.iter().sum::<i64>(), busy.changes);
            let since = now - TimeDelta::days(29);
            let trends = store::events::trends(&db.read, busy.repository_id, 30, now).await.unwrap();
            assert_eq!(trends[0].date, since.date_naive().to_string());
            let counted: Vec<i64> = trends.iter().map(|d| d.created + d.modified + d.deleted + d.resurrected).collect();
            assert_eq!(busy.daily, counted);
        }
        assert!(!shown.bumps.is_empty() && shown.bumps.len() <= 14);
    })
    .await;
}
