//! Charts, values and images as scans store them, wherever the history is cut, and against each commit's tree.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use entity::input::{ChartUseFacts, ImageUseFacts, ValueFacts};
use entity::kind::JobKind;
use entity::view::{EventFilter, JobFilter};
use git::Repo;
use scan::uses::{ChartSources, Evaluator, NothingKnown, TrackedCommit, Tracker};
use serde_json::json;
use server::clock;
use server::replay::{RepoBlobs, tree_changes};
use store::db::Db;
use store::scans;
use uuid::Uuid;

use super::repository::{Bench, Origins};
use crate::support::{TestApp, on_each_engine};

/// Commits of each repository that are compared with what is stored of them.
const SAMPLED: usize = 17;

const SOURCE: &str = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts, namespace: flux-system}\nspec: {url: 'https://charts.example.org'}\n";

fn release(version: &str, values: &str) -> String {
    format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: web, namespace: apps}}\nspec:\n  \
         chart:\n    spec:\n      chart: web\n      version: {version}\n      sourceRef: {{kind: HelmRepository, name: charts, \
         namespace: flux-system}}\n  valuesFrom: [{{kind: ConfigMap, name: web-values}}]\n  values:\n{values}"
    )
}

fn values(text: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web-values, namespace: apps}}\ndata:\n  values.yaml: |\n{text}"
    )
}

/// Steps that change a version, a value, a ConfigMap's value, a file's place, a source, and what is there at all.
fn steps() -> Vec<Vec<(&'static str, Option<String>)>> {
    let first =
        "    replicas: 1\n    image: {repository: example.org/web, tag: '1.0'}\n    adminPassword: hunter2-hunter2\n";
    let second = "    replicas: 2\n    image: {repository: example.org/web, tag: '1.1'}\n    hosts: [a, b, b]\n";
    let third = "    replicas: 2\n    hosts: [b, c]\n";
    let pod = |tag: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: one}}\nspec:\n  containers:\n    - {{name: a, image: 'nginx:{tag}'}}\n"
        )
    };
    vec![
        vec![
            ("source.yaml", Some(SOURCE.to_owned())),
            ("web.yaml", Some(release("1.0.0", first))),
            ("pod.yaml", Some(pod("1"))),
        ],
        vec![("web.yaml", Some(release("1.1.0", first)))],
        vec![("web.yaml", Some(release("1.1.0", second))), ("values.yaml", Some(values("    logLevel: debug\n")))],
        vec![("notes.txt", Some("nothing".to_owned()))],
        vec![("values.yaml", Some(values("    logLevel: info\n    extra: true\n"))), ("pod.yaml", Some(pod("2")))],
        vec![("web.yaml", None), ("apps/web/release.yaml", Some(release("1.1.0", second)))],
        vec![("source.yaml", Some(SOURCE.replace("charts.example.org", "other.example.org")))],
        vec![("apps/web/release.yaml", Some(release("1.0.0", third)))],
        vec![("apps/web/release.yaml", None), ("pod.yaml", None)],
        vec![("apps/web/release.yaml", Some(release("2.0.0", third)))],
    ]
}

fn take(origin: &Origins, step: &[(&'static str, Option<String>)]) {
    let files: Vec<(&str, Option<&str>)> = step.iter().map(|(path, text)| (*path, text.as_deref())).collect();
    origin.commit("step", &files);
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_are_the_same_in_one_scan_and_commit_by_commit() {
    on_each_engine(async |app| {
        let db = app.state.db.clone();
        let origin = Origins::new();
        let bench = Bench::new(&db);
        let repository = bench.pin(&origin.path()).await;
        for step in steps() {
            take(&origin, &step);
            bench.bring_up_to_date(repository).await;
        }
        let steps = steps_of_events(app, repository).await;
        assert_eq!(steps, ["other.example.org/web 1.1.0 1.0.0", "charts.example.org/web 1.0.0 1.1.0"]);
        let by_steps = bench.rows().await;
        let has = |part: &str| by_steps.iter().any(|row| row.contains(part));
        assert!(has("charts.example.org/web") && has("other.example.org/web"), "{by_steps:#?}");
        assert!(has("logLevel|0|string|debug") && has("example.org/web|1.1"), "{by_steps:#?}");
        assert!(!has("hunter2"), "{by_steps:#?}");
        store::repositories::remove_repository(&db.write, repository).await.unwrap();
        assert!(bench.rows().await.iter().all(|row| !row.starts_with("10:") && !row.starts_with("11:")));
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;
        assert_eq!(bench.rows().await, by_steps);
    })
    .await;
}

/// A chart that kustomize renders is in no resource, and no event tells of it.
#[tokio::test(flavor = "multi_thread")]
async fn days_are_counted_anew_where_a_chart_changes_and_no_resource_does() {
    on_each_engine(async |app| {
        let db = app.state.db.clone();
        let origin = Origins::new();
        let bench = Bench::new(&db);
        let repository = bench.pin(&origin.path()).await;
        let asked = async || {
            let kind = Some(JobKind::AggregateDailyEcosystemStats);
            let filter = JobFilter { kind, unfinished: true, ..JobFilter::default() };
            store::jobs::list_jobs(&db.read, &filter).await.unwrap().data
        };
        let rendered = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nhelmCharts:\n  \
            - {name: web, repo: 'https://charts.example.org', version: 1.0.0}\n";
        origin.commit("chart", &[("kustomization.yaml", Some(rendered))]);
        bench.sync(repository).await.unwrap();
        let said = bench.scan(repository).await.unwrap();
        assert!(said.starts_with("0 events"), "{said}");
        assert_eq!(asked().await.len(), 1);
        store::ecosystem::aggregate(&db, clock::now()).await.unwrap();
        assert!(bench.deps.queue.cancel(asked().await[0].id, clock::now()).await.unwrap());
        origin.commit("notes", &[("notes.txt", Some("nothing"))]);
        bench.bring_up_to_date(repository).await;
        assert_eq!(asked().await.len(), 0);
    })
    .await;
}

/// What events say of the steps that they made; the API says the same, and who made them.
async fn steps_of_events(app: &TestApp, repository: Uuid) -> Vec<String> {
    let (db, filter) = (&app.state.db, EventFilter { repository_id: Some(repository), ..EventFilter::default() });
    let mut steps = Vec::new();
    assert_eq!(store::charts::step_of_event(&db.read, Uuid::nil()).await.unwrap(), None);
    let path = |repository: Uuid, event: Uuid| format!("/api/v1/repositories/{repository}/events/{event}/upgrades");
    for event in store::events::list_events(&db.read, &filter).await.unwrap().data {
        let of = store::charts::step_of_event(&db.read, event.id).await.unwrap().unwrap();
        assert_eq!((of.repository_id, of.resource_id), (repository, event.resource_id));
        assert_eq!(of.step, event.chart_step);
        let Some(step) = of.step else {
            let missing = app.missing(&path(repository, event.id)).await;
            assert_eq!(missing, "The event made no step between versions of a chart");
            continue;
        };
        let told = app.get(&path(repository, event.id)).await.json();
        assert_eq!(
            (&told["chart_key"], &told["from"], &told["to"]),
            (&json!(step.chart_key), &json!(step.from), &json!(step.to))
        );
        assert_eq!((&told["upgrades"]["count"], &told["chart_id"]), (&json!(1), &json!(step.chart_id)));
        assert_eq!(told["upgrades"]["upgrades"][0]["commit"], event.commit);
        let of_chart = format!("/api/v1/charts/{}/upgrades?from={}&to={}", step.chart_id, step.from, step.to);
        assert_eq!(told["upgrades"], app.get(&of_chart).await.json());
        let before = app.get(&format!("{}?at=2001-01-01", path(repository, event.id))).await.json();
        assert_eq!(before["upgrades"]["count"], 0);
        let number = store::resources::find_version_place(&db.read, event.id).await.unwrap().unwrap().number;
        let (of, before) = (event.resource_id, number - 1);
        let page = app.get(&format!("/resources/{of}?from={before}&to={number}")).await.text();
        assert!(page.contains("Nobody else has made this step yet"), "{page}");
        steps.push(format!("{} {} {}", step.chart_key, step.from, step.to));
    }
    assert_eq!(app.missing(&path(repository, Uuid::nil())).await, "Event not found");
    assert_eq!(app.missing(&path(Uuid::nil(), Uuid::nil())).await, "Repository not found");
    let wrong = app.refused(&format!("/api/v1/repositories/{repository}/events/x/upgrades?at=x")).await;
    assert_eq!(wrong, ["query.at", "path.event_id"]);
    steps
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_of_a_rewritten_history_are_those_of_a_first_scan() {
    on_each_engine(async |app| {
        let db = app.state.db.clone();
        let origin = Origins::new();
        let bench = Bench::new(&db);
        let repository = bench.pin(&origin.path()).await;
        for step in &steps()[..7] {
            take(&origin, step);
        }
        bench.bring_up_to_date(repository).await;
        origin.git(&["reset", "--quiet", "--hard", "HEAD~4"]);
        take(&origin, &[("web.yaml", Some(release("3.0.0", "    replicas: 5\n")))]);
        bench.bring_up_to_date(repository).await;
        let rewritten = bench.rows().await;
        store::repositories::remove_repository(&db.write, repository).await.unwrap();
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;
        let of_uses = |rows: Vec<String>| -> Vec<String> {
            rows.into_iter()
                .filter(|row| ["9:", "10:", "11:", "12:"].iter().any(|table| row.starts_with(table)))
                .collect()
        };
        assert_eq!(of_uses(rewritten), of_uses(bench.rows().await));
    })
    .await;
}

fn corpus() -> Option<PathBuf> {
    let shared = match std::env::var_os("KUBESTATS_SHARED") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    Some(shared.join("corpus")).filter(|corpus| corpus.join("uses.json").is_file())
}

/// What is used at a place on a line, without ids of what is stored.
#[derive(Debug, PartialEq)]
struct Used {
    uses: Vec<(FactsText, BTreeSet<(i64, ValueFacts)>)>,
    images: Vec<ImageUseFacts>,
    /// The keys of edges.
    references: BTreeSet<i64>,
}

/// Facts as a text, which has an order.
type FactsText = String;

fn text(facts: &ChartUseFacts) -> FactsText {
    format!("{facts:?}")
}

async fn stored(db: &Db, repository: Uuid, sequence: i64) -> anyhow::Result<Used> {
    let mut uses = Vec::new();
    for one in scans::known_uses(&db.read, repository, sequence).await? {
        let values = scans::known_values(&db.read, one.release_id, sequence).await?;
        let values = values.into_iter().map(|value| (value.key.path_id, value.facts)).collect();
        uses.push((text(&one.facts), values));
    }
    let images = scans::known_images(&db.read, repository, sequence).await?;
    let mut images: Vec<ImageUseFacts> = images.into_iter().map(|one| without_release(one.facts)).collect();
    uses.sort();
    images.sort();
    let references = scans::known_references(&db.read, repository, sequence).await?;
    let references = references.into_iter().map(|(key, _)| key).collect();
    Ok(Used { uses, images, references })
}

/// Releases have other ids in a tree of its own.
fn without_release(facts: ImageUseFacts) -> ImageUseFacts {
    ImageUseFacts { release_id: facts.release_id.map(|_| 0), ..facts }
}

fn of_tree(repo: &Repo, commit: entity::input::ObjectId) -> anyhow::Result<Used> {
    let mut evaluator = Evaluator::new(Arc::new(ChartSources::built_in()));
    let (changes, _) = tree_changes(repo, commit, &scan::mask::Rules::default(), 64 << 20, 2)?;
    let delta = evaluator.apply(changes, &RepoBlobs::new(repo, 64 << 20));
    let mut tracker = Tracker::new(b"tree");
    let Ok(()) =
        tracker.follow(TrackedCommit { id: commit, sequence: 0, time: 0 }, delta, &evaluator, &mut NothingKnown);
    let batch = tracker.take_batch();
    let values = |release: i64| {
        let of_it = batch.values.iter().filter(move |value| value.key.release_id == release);
        of_it.map(|value| (value.key.path_id, value.facts.clone())).collect()
    };
    let uses = batch.uses.iter().map(|one| (text(&one.facts), values(one.release_id)));
    let mut uses: Vec<_> = uses.collect();
    let mut images: Vec<_> = batch.image_uses.iter().map(|one| without_release(one.facts.clone())).collect();
    uses.sort();
    images.sort();
    let references = batch.references.iter().map(|one| one.key).collect();
    Ok(Used { uses, images, references })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_of_a_commit_is_what_its_tree_uses() {
    let Some(corpus) = corpus() else {
        println!("SKIPPED: no corpus; name its parent folder in KUBESTATS_SHARED");
        return;
    };
    on_each_engine(async |app| {
        let mut compared = 0;
        for entry in std::fs::read_dir(&corpus).unwrap() {
            let bundle = entry.unwrap().path();
            if bundle.extension().is_none_or(|extension| extension != "bundle") {
                continue;
            }
            compared += compare(&app.state.db, &bundle).await.with_context(|| bundle.display().to_string()).unwrap();
        }
        assert!(compared >= 200, "{compared} commits are too few");
    })
    .await;
}

async fn compare(db: &Db, bundle: &Path) -> anyhow::Result<usize> {
    let folder = tempfile::tempdir()?;
    let clone = folder.path().join("clone");
    let status = Command::new("git").args(["clone", "-q", "--bare"]).arg(bundle).arg(&clone).status()?;
    ensure!(status.success(), "git clone failed");
    let bench = Bench::new(db);
    let repository = bench.pin(&clone).await;
    bench.bring_up_to_date(repository).await;
    let repo = Repo::open(&clone)?;
    let head: entity::input::ObjectId = bench.repository(repository).await.scanned_commit.context("a head")?.parse()?;
    let commits = repo.first_parent_chain(head, None)?.commits;
    let step = commits.len().div_ceil(SAMPLED).max(1);
    let mut compared = 0;
    // One of each so many, others each time: what fails names its commit.
    for these in commits.chunks(step) {
        let drawn = usize::try_from(Uuid::now_v7().as_u128() % these.len() as u128)?;
        let commit = &these[drawn];
        let (stored, right) = (stored(db, repository, commit.sequence).await?, of_tree(&repo, commit.id)?);
        let (count, rightly) = (stored.uses.len(), right.uses.len());
        ensure!(count == rightly, "{}: {count} uses stored of {rightly}", commit.id);
        ensure!(stored == right, "{}: {stored:#?}\nand not {right:#?}", commit.id);
        compared += 1;
    }
    store::repositories::remove_repository(&db.write, repository).await?;
    Ok(compared)
}

#[tokio::test(flavor = "multi_thread")]
async fn names_too_long_for_an_index_stop_no_scan() {
    on_each_engine(async |app| {
        let origin = Origins::new();
        // Nothing that compresses: engines would fit that into an index after all.
        let mut state = 7_u64;
        let mut long = |length: usize| -> String {
            let mut letter = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[usize::try_from(state >> 33).unwrap_or(0) % 36])
            };
            (0..length).map(|_| letter()).collect()
        };
        let source = SOURCE.replace("charts.example.org", &format!("charts.example.org/{}", long(3_900)));
        // Deep rather than long: YAML's own keys end at a thousand characters.
        let values = format!(
            "    {{{}: {{{}: {{{}: {{{}: 1}}}}}}, image: 'example.org/{}:1'}}\n",
            long(900),
            long(900),
            long(900),
            long(900),
            long(900)
        );
        take(&origin, &[("source.yaml", Some(source)), ("web.yaml", Some(release("1.0.0", &values)))]);
        let bench = Bench::new(&app.state.db);
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;
        let rows = bench.rows().await;
        let used = rows.iter().find(|row| row.starts_with("9:")).unwrap();
        assert!(used.contains("|web|apps|-|-|web|https://charts.example.org/"), "without a key: {used}");
        assert_eq!(rows.iter().filter(|row| row.starts_with("10:")).count(), 2);
        assert_eq!(rows.iter().filter(|row| row.starts_with("11:")).count(), 1);
    })
    .await;
}
