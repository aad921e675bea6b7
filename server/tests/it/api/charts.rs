//! `/api/v1/charts` and `/api/v1/images`, over histories of uses that are told by hand.

use axum::http::StatusCode;
use entity::{
    input::{
        Batch, ChartUseFacts, FoundChartSource, FoundChartUse, FoundChartValue, FoundImageUse, FoundRelease,
        HeadFigures, ImageUseFacts, LinePoint, ScannedCommit, Span, UseCommit, UsesBatch, ValueFacts, ValueSpanKey,
    },
    kind::{ChartResolution, ChartUseKind, ImagePlaceKind, ImageState, Renderer, ValueType, VersionKind},
};
use serde_json::{Value, json};
use store::scans;
use uuid::Uuid;

use crate::support::{RepositoryBuilder, TestApp, commit_id, day, on_each_engine};

const APP: &str = "ghcr.io/bjw-s-labs/helm/app-template";
const GRAFANA: &str = "grafana.github.io/helm-charts/grafana";
const OTHER_GRAFANA: &str = "registry-1.docker.io/bitnamicharts/grafana";
/// As many digits as the ids of charts have.
const APP_ID: i64 = 8_000_000_000_000_000_001;
const GRAFANA_ID: i64 = 8_000_000_000_000_000_002;
const OTHER_GRAFANA_ID: i64 = 8_000_000_000_000_000_003;
/// A place of the first chart that is not the one that gives the key.
const OLD_APP: &str = "bjw-s-labs.github.io/helm-charts/app-template";

const REPLICAS: &str = "controllers.main.replicas";
const HOST: &str = "defaultPodOptions.hostNetwork";
const TOKEN: &str = "env.TOKEN";
const INGRESS: &str = "ingress.enabled";
const PATHS: [&str; 4] = [REPLICAS, HOST, TOKEN, INGRESS];

/// Where charts come from: what is no registry belongs to Argo CD here.
fn sources() -> [FoundChartSource; 4] {
    let source = |id, key: &str, chart_id, chart_key: &str| FoundChartSource {
        id,
        key: key.to_owned(),
        url: format!("{}{}", if key.contains("github.io") { "https://" } else { "oci://" }, key.rsplit_once('/').unwrap().0),
        chart_id,
        chart_key: chart_key.to_owned(),
        chart_name: chart_key.rsplit_once('/').unwrap().1.to_owned(),
    };
    [
        source(21, APP, APP_ID, APP),
        source(22, OLD_APP, APP_ID, APP),
        source(23, GRAFANA, GRAFANA_ID, GRAFANA),
        source(24, OTHER_GRAFANA, OTHER_GRAFANA_ID, OTHER_GRAFANA),
    ]
}

/// A repository with a commit on each of these days of January.
struct Home {
    name: &'static str,
    days: &'static [u32],
    uses: UsesBatch,
}

impl Home {
    fn new(name: &'static str, days: &'static [u32]) -> Self {
        let uses = UsesBatch {
            sources: sources().to_vec(),
            aliases: vec![("bjw-s-app-template".to_owned(), APP_ID)],
            paths: (1..).zip(PATHS).map(|(id, path)| (id, path.to_owned())).collect(),
            images: vec![(41, "docker.io/library/nginx".to_owned())],
            ..UsesBatch::default()
        };
        let mut home = Self { name, days, uses };
        let commit = |place| UseCommit { id: commit_id(name, place), at: home.at(place) };
        home.uses.commits = (0..days.len()).map(commit).collect();
        home
    }

    fn at(&self, commit: usize) -> LinePoint {
        LinePoint { sequence: i64::try_from(commit).unwrap(), time: day(self.days[commit]).timestamp() }
    }

    fn span(&self, from: usize, to: Option<usize>) -> Span {
        Span { from: self.at(from), to: to.map(|to| self.at(to)) }
    }

    /// A release of the chart at a place, with the commits that gave it its versions; an empty one ended it.
    fn release(mut self, id: i64, source: &str, versions: &[(usize, &str)]) -> Self {
        let source = sources().into_iter().find(|one| one.key == source).unwrap();
        let of_registry = source.url.starts_with("oci://");
        self.uses.releases.push(FoundRelease { id, first_sequence: self.at(versions[0].0).sequence });
        for (place, (from, version)) in (0..).zip(versions).filter(|(_, (_, version))| !version.is_empty()) {
            let facts = ChartUseFacts {
                chart_id: Some(source.chart_id),
                source_id: Some(source.id),
                file_path: "apps/app.yaml".to_owned(),
                document: "0".to_owned(),
                part: None,
                kind: if of_registry { ChartUseKind::HelmRelease } else { ChartUseKind::Argo },
                name: Some(source.chart_name.clone()),
                release_name: Some(source.chart_name.clone()),
                namespace: Some("apps".to_owned()),
                chart_name: Some(source.chart_name.clone()),
                source_url: Some(source.url.clone()),
                version: Some((*version).to_owned()),
                version_kind: VersionKind::Exact,
                digest: None,
                how: if of_registry { ChartResolution::OciRepository } else { ChartResolution::Argo },
                reason: None,
                by_name: false,
                rendered: Renderer::None,
                values_resolved: 0,
                values_missing: 0,
                values_secret: 0,
            };
            let span = self.span(*from, versions.get(place + 1).map(|(to, _)| *to));
            let id_of_use = id * 10 + i64::try_from(place).unwrap();
            self.uses.uses.push(FoundChartUse { id: id_of_use, release_id: id, facts, span });
        }
        self
    }

    /// What a release sets at a path; what is empty is secret.
    fn value(mut self, release_id: i64, path: &str, text: &str, from: usize, to: Option<usize>) -> Self {
        let path_id = (1..).zip(PATHS).find(|(_, one)| *one == path).unwrap().0;
        let kind = if text.is_empty() { ValueType::Secret } else { ValueType::String };
        self.uses.values.push(FoundChartValue {
            key: ValueSpanKey { release_id, path_id, ordinal: 0, from_sequence: self.at(from).sequence },
            chart_id: Some(APP_ID),
            facts: ValueFacts { kind, text: text.to_owned(), masked: text.is_empty() },
            file_path: Some("apps/app.yaml".to_owned()),
            line: 7,
            span: self.span(from, to),
        });
        self
    }

    /// An image in a release's values.
    fn image(mut self, release_id: i64, tag: &str, digest: Option<&str>, from: usize) -> Self {
        let facts = ImageUseFacts {
            release_id: Some(release_id),
            chart_id: Some(APP_ID),
            place: ImagePlaceKind::Values,
            file_path: String::new(),
            document: "0".to_owned(),
            kind: None,
            name: None,
            path: "controllers.main.image".to_owned(),
            state: ImageState::Image,
            image_id: Some(41),
            tag: Some(tag.to_owned()),
            digest: digest.map(str::to_owned),
        };
        let span = self.span(from, None);
        self.uses.image_uses.push(FoundImageUse { id: release_id, ordinal: 0, facts, span });
        self
    }

    async fn store(self, app: &TestApp) -> Uuid {
        let id = RepositoryBuilder::new(self.name).store(app).await;
        let (db, last) = (&app.state.db, self.days.len() - 1);
        let (sequence, now) = (self.at(last).sequence, day(self.days[last]));
        let through = ScannedCommit { id: commit_id(self.name, last), sequence, committed_at: now };
        let batch = Batch { through: Some(through), uses: self.uses, ..Batch::default() };
        let run = scans::begin_scan(&db.write, id, now).await.unwrap();
        scans::apply_batch(&db.write, id, run, &batch, now).await.unwrap();
        scans::finish_scan(&db.write, id, run, HeadFigures { yaml_files: 1 }, now).await.unwrap();
        id
    }
}

/// One that went back to the version before and up again, one that went up at once, one that gave up.
async fn three(app: &TestApp) -> [Uuid; 3] {
    let ada = Home::new("ada/home-ops", &[2, 5, 7, 20])
        .release(1, APP, &[(0, "3.0.0"), (1, "3.1.0"), (2, "3.0.0"), (3, "3.1.0")])
        .release(2, GRAFANA, &[(1, "8.0.0")])
        .value(1, REPLICAS, "1", 0, None)
        .value(1, HOST, "false", 0, None)
        .value(1, TOKEN, "", 0, None)
        .value(1, INGRESS, "true", 0, None)
        .image(1, "1.27", Some("sha256:0a"), 0);
    let bob = Home::new("bob/lab", &[4, 10])
        .release(3, OLD_APP, &[(0, "3.0.0"), (1, "3.1.0")])
        .release(4, OTHER_GRAFANA, &[(1, "11.0.0")])
        .value(3, REPLICAS, "1", 0, Some(1))
        .value(3, REPLICAS, "2", 1, None)
        .value(3, HOST, "false", 0, None)
        .image(3, "1.26", None, 1);
    let eve = Home::new("eve/k8s", &[6, 15])
        .release(5, APP, &[(0, "2.6.0"), (1, "")])
        .value(5, REPLICAS, "3", 0, Some(1));
    let ids = [ada.store(app).await, bob.store(app).await, eve.store(app).await];
    app.store_metrics(ids[1], 10, 1, 3).await;
    ids
}

/// Values of one field in a list within an answer.
fn each(rows: &Value, field: &str) -> Vec<Value> {
    rows.as_array().unwrap().iter().map(|row| row[field].clone()).collect()
}

#[tokio::test]
async fn charts_are_listed_filtered_and_sorted_as_of_any_time() {
    on_each_engine(async |app| {
        three(app).await;
        let all = [APP, GRAFANA, OTHER_GRAFANA];
        for (query, found) in [
            ("", &all[..]),
            ("text=APP-Temp", &[APP]),
            ("source=bjw-s-labs.github", &[APP]),
            ("kind=helmrelease", &[APP, OTHER_GRAFANA]),
            ("kind=k3s", &[]),
            ("used_by=2", &[APP]),
            ("sort=name&direction=ascending", &all),
            ("sort=releases", &all),
            ("at=2026-01-01", &[]),
            // A day is meant to its end.
            ("at=2026-01-02", &[APP]),
            ("at=2026-01-02T11:59:59Z", &[]),
            ("at=2026-01-02T14:00:00%2B02:00", &[APP]),
            ("at=2026-01-25&trend=new", &all),
            ("at=2026-01-25&trend=rising&sort=change", &all),
            ("at=2026-01-25&trend=falling", &[]),
        ] {
            let answer = app.get(&format!("/api/v1/charts?{query}")).await;
            assert_eq!(answer.column("key"), found, "{query}");
            assert_eq!(answer.count(), found.len() as u64, "{query}");
        }
        let page = app.get("/api/v1/charts?skip=1&limit=1").await;
        assert_eq!((page.column("key"), page.count()), (vec![GRAFANA.to_owned()], 3));

        let now = app.get("/api/v1/charts?text=app").await.json()["data"][0].clone();
        assert_eq!((&now["id"], &now["repositories"], &now["stars"]), (&json!(APP_ID), &json!(2), &json!(10)));
        assert_eq!((&now["newest_version"], &now["most_used_releases"]), (&json!("3.1.0"), &json!(2)));
        let then = app.get("/api/v1/charts?text=app&at=2026-01-12").await.json()["data"][0].clone();
        assert_eq!((&then["repositories"], &then["most_used_releases"]), (&json!(3), &json!(1)));
        app.holds_etag("/api/v1/charts?limit=3").await;
    })
    .await;
}

#[tokio::test]
async fn a_chart_is_found_by_its_id_and_by_each_of_its_keys() {
    on_each_engine(async |app| {
        three(app).await;
        let path = format!("/api/v1/charts/{APP_ID}");
        let chart = app.get(&path).await.json();
        assert_eq!(each(&chart["versions"], "version"), ["3.1.0"]);
        assert_eq!(each(&chart["sources"], "key"), [OLD_APP, APP]);
        assert_eq!(each(&chart["kinds"], "releases"), [1, 1]);
        for key in [APP, &APP.to_uppercase(), OLD_APP, "bjw-s-app-template"] {
            let found = app.get(&format!("/api/v1/charts/find?key={key}")).await.json();
            assert_eq!(found["chart"], chart["chart"], "{key}");
        }
        assert_eq!(app.missing("/api/v1/charts/find?key=ghcr.io/nobody/nothing").await, "Chart not found");

        let then = app.get(&format!("{path}?at=2026-01-08")).await.json();
        assert_eq!(then["chart"]["repositories"], 3);
        assert_eq!(each(&then["versions"], "version"), ["3.0.0", "2.6.0"]);
        assert_eq!(each(&then["versions"], "releases"), [2, 1]);
        assert_eq!(then["adoption"], json!([{"date": "2026-01-08", "repositories": 3, "releases": 3}]));
        let before = app.get(&format!("/api/v1/charts/find?key={APP}&at=2026-01-01")).await.json();
        assert_eq!((&before["chart"]["repositories"], &before["first_used_at"]), (&json!(0), &Value::Null));
        app.holds_etag(&path).await;
    })
    .await;
}

#[tokio::test]
async fn releases_of_a_chart_are_filtered_and_sorted() {
    on_each_engine(async |app| {
        three(app).await;
        let (ada, bob, eve) = ("ada/home-ops", "bob/lab", "eve/k8s");
        for (query, found) in [
            ("", &[bob, ada][..]),
            ("sort=recent", &[ada, bob]),
            ("version=3.1.0&sort=recent", &[ada, bob]),
            ("version=2.6.0", &[]),
            ("version=2.6.0&at=2026-01-12", &[eve]),
            ("path=ingress.enabled", &[ada]),
            ("path=controllers.main.replicas&value=2", &[bob]),
            ("path=controllers.main.replicas&value=1&at=2026-01-05&sort=recent", &[ada, bob]),
            (&format!("with={GRAFANA_ID}"), &[ada]),
            (&format!("with={GRAFANA_ID},{OTHER_GRAFANA_ID}"), &[]),
            ("with=9999999999999999999", &[]),
            ("skip=1", &[ada]),
        ] {
            let answer = app.get(&format!("/api/v1/charts/{APP_ID}/releases?{query}")).await;
            assert_eq!(answer.column("repository"), found, "{query}");
        }
        let release = &app.get(&format!("/api/v1/charts/{APP_ID}/releases?limit=1")).await.json()["data"][0];
        let head = commit_id(bob, 1);
        assert_eq!(release["web_url"], format!("https://github.com/bob/lab/blob/{head}/apps/app.yaml"));
        assert_eq!((&release["chart_key"], &release["values"]), (&json!(APP), &json!(2)));
    })
    .await;
}

#[tokio::test]
async fn values_are_told_by_path_beside_those_of_one_repository() {
    on_each_engine(async |app| {
        let [_, bob, _] = three(app).await;
        let values = format!("/api/v1/charts/{APP_ID}/values");
        for (query, found) in [
            ("", &PATHS[..]),
            ("text=ingress", &[INGRESS]),
            ("text=false", &[HOST]),
            ("major=3", &PATHS),
            ("major=2", &[]),
            ("major=2&at=2026-01-12", &[REPLICAS]),
            (&format!("with={GRAFANA_ID}"), &PATHS),
            (&format!("with={OTHER_GRAFANA_ID}"), &[REPLICAS, HOST]),
            (&format!("mine={bob}&unlike=true"), &[REPLICAS]),
        ] {
            let answer = app.get(&format!("{values}?{query}")).await;
            assert_eq!(answer.column("path"), found, "{query}");
            assert_eq!(answer.count(), found.len() as u64, "{query}");
        }
        let beside = app.get(&format!("{values}?mine={bob}")).await;
        assert_eq!(beside.column("mine"), ["2", "false", "null", "null"]);
        assert_eq!(beside.column("releases"), ["2", "2", "1", "1"]);
        let secret = &beside.json()["data"][2]["common"];
        assert_eq!(secret, &json!([{"value": "", "masked": true, "releases": 1}]));

        let path = format!("{values}/path?path={REPLICAS}");
        let set = app.get(&path).await;
        assert_eq!((set.column("value"), set.count()), (vec!["1".to_owned(), "2".to_owned()], 2));
        let line = format!("https://github.com/ada/home-ops/blob/{}/apps/app.yaml#L7", commit_id("ada/home-ops", 0));
        assert_eq!(set.column("web_url")[0], line);
        assert_eq!(app.get(&format!("{path}&at=2026-01-12")).await.column("value"), ["1", "2", "3"]);
        assert_eq!(app.get(&format!("{path}&at=2026-01-12&skip=2")).await.column("repository"), ["eve/k8s"]);
        assert_eq!(app.get(&format!("{values}/path?path=nobody.sets.it")).await.count(), 0);
    })
    .await;
}

#[tokio::test]
async fn upgrades_tell_what_changed_and_who_went_back() {
    on_each_engine(async |app| {
        three(app).await;
        let path = format!("/api/v1/charts/{APP_ID}/upgrades");
        let all = app.get(&path).await.json();
        assert_eq!(each(&all["upgrades"], "repository"), ["ada/home-ops", "bob/lab", "ada/home-ops"]);
        assert_eq!(each(&all["upgrades"], "rolled_back"), [false, false, true]);
        assert_eq!(all["upgrades"][1]["commit"], commit_id("bob/lab", 1).to_string());
        assert_eq!(all["upgrades"][1]["changed"], json!([REPLICAS]));
        assert_eq!(all["changed"], json!([{"path": REPLICAS, "upgrades": 1}]));
        for (query, count, rolled_back) in [
            ("", 3, 1),
            ("from=3.0.0&to=3.1.0", 3, 1),
            ("from=3.1.0&to=3.0.0", 1, 0),
            ("to=9.9.9", 0, 0),
            // That somebody went back was not known yet.
            ("at=2026-01-06", 1, 0),
            ("at=2026-01-08", 1, 1),
        ] {
            let told = app.get(&format!("{path}?{query}")).await.json();
            assert_eq!((&told["count"], &told["rolled_back"]), (&json!(count), &json!(rolled_back)), "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn releases_stand_side_by_side_and_charts_beside_charts() {
    on_each_engine(async |app| {
        let [ada, bob, eve] = three(app).await;
        let path = format!("/api/v1/charts/{APP_ID}/compare?repositories");
        // Who is named twice stands there once.
        let both = app.get(&format!("{path}={ada},{bob},{ada}")).await.json();
        assert_eq!(each(&both["releases"], "repository"), ["ada/home-ops", "bob/lab"]);
        assert_eq!(each(&both["rows"], "path"), [REPLICAS, TOKEN, INGRESS, HOST]);
        assert_eq!(each(&both["rows"], "differs"), [true, true, true, false]);
        assert_eq!(both["rows"][0]["values"], json!(["1", "2"]));
        assert_eq!(both["rows"][1]["values"], json!(["", null]));
        assert_eq!(app.get(&format!("{path}={eve}")).await.json(), json!({"releases": [], "rows": []}));
        let then = app.get(&format!("{path}={eve},{bob}&at=2026-01-12")).await.json();
        assert_eq!(then["rows"][0]["values"], json!(["3", "2"]));

        let of_app = app.get(&format!("/api/v1/charts/{APP_ID}/neighbours")).await.json();
        assert_eq!(each(&of_app["used_with"], "key"), [GRAFANA, OTHER_GRAFANA]);
        assert_eq!(of_app["alternatives"], json!([]));
        let of_grafana = app.get(&format!("/api/v1/charts/{GRAFANA_ID}/neighbours")).await.json();
        assert_eq!(each(&of_grafana["alternatives"], "key"), [OTHER_GRAFANA]);
        let before = app.get(&format!("/api/v1/charts/{GRAFANA_ID}/neighbours?at=2026-01-09")).await.json();
        assert_eq!((each(&before["used_with"], "key"), &before["alternatives"]), (vec![json!(APP)], &json!([])));
    })
    .await;
}

#[tokio::test]
async fn images_are_listed_with_their_tags_and_places() {
    on_each_engine(async |app| {
        let [_, bob, _] = three(app).await;
        let images = app.get("/api/v1/images?text=NGINX&used_by=2").await;
        assert_eq!((images.count(), images.column("name")), (1, vec!["docker.io/library/nginx".to_owned()]));
        let row = &images.json()["data"][0];
        assert_eq!((&row["places"], &row["tags"], &row["pinned"]), (&json!(2), &json!(2), &json!(1)));
        for none in ["used_by=3", "text=redis", "at=2026-01-01", "skip=1"] {
            assert!(app.get(&format!("/api/v1/images?{none}")).await.column("id").is_empty(), "{none}");
        }
        let image = app.get("/api/v1/images/find?name=docker.io/library/nginx").await.json();
        assert_eq!((&image["image"]["id"], each(&image["tags_in_use"], "tag")), (&json!(41), vec![json!("1.27"), json!("1.26")]));
        assert_eq!(each(&image["through"], "chart_key"), [APP]);
        assert_eq!(app.missing("/api/v1/images/find?name=nginx").await, "Image not found");
        for (query, tags) in [
            ("image_id=41&tag=1.27", &["1.27"][..]),
            ("image_id=41&at=2026-01-05", &["1.27"]),
            ("image_id=42", &[]),
            (&format!("repository_id={bob}"), &["1.26"]),
        ] {
            let places = app.get(&format!("/api/v1/images/places?{query}")).await;
            assert_eq!((places.column("tag"), places.count()), (owned(tags), tags.len() as u64), "{query}");
        }
        let place = &app.get(&format!("/api/v1/images/places?repository_id={bob}")).await.json()["data"][0];
        assert_eq!((&place["chart_key"], &place["file_path"]), (&json!(APP), &json!("apps/app.yaml")));
        app.holds_etag("/api/v1/images/places?image_id=41").await;
    })
    .await;
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn wrong_parameters_and_unknown_charts_are_told() {
    on_each_engine(async |app| {
        three(app).await;
        let of_app = format!("/charts/{APP_ID}");
        let id = Uuid::now_v7();
        for (path, places) in [
            ("/charts?kind=x&used_by=0&trend=up&sort=size".to_owned(), &["kind", "used_by", "trend", "sort"][..]),
            ("/charts?direction=up&at=yesterday&limit=0".to_owned(), &["direction", "at", "limit"]),
            ("/charts?at=2026-02-30".to_owned(), &["at"]),
            ("/charts?at=2026-1-2".to_owned(), &["at"]),
            ("/charts?at=2026-01-02T12:00:00".to_owned(), &["at"]),
            ("/charts/find".to_owned(), &["key"]),
            ("/charts/find?key=&at=x".to_owned(), &["key", "at"]),
            ("/charts/find?key=%00".to_owned(), &["key"]),
            (format!("{of_app}?at=x"), &["at"]),
            (format!("{of_app}/releases?with=a&sort=size"), &["with", "sort"]),
            (format!("{of_app}/releases?with=1,,2"), &["with"]),
            (format!("{of_app}/releases?with=1,2,3,4,5,6,7,8,9,10,11"), &["with"]),
            (format!("{of_app}/values?major=-1&with=0&mine=1&unlike=yes"), &["major", "with", "mine", "unlike"]),
            (format!("{of_app}/values/path?limit=1001"), &["path", "limit"]),
            (format!("{of_app}/upgrades?from=%00&at=x"), &["from", "at"]),
            (format!("{of_app}/compare"), &["repositories"]),
            (format!("{of_app}/compare?repositories="), &["repositories"]),
            (format!("{of_app}/compare?repositories={id},x"), &["repositories"]),
            (format!("{of_app}/compare?repositories={}", [id.to_string(); 7].join(",")), &["repositories"]),
            (format!("{of_app}/neighbours?at=x"), &["at"]),
            ("/images?used_by=0&at=x".to_owned(), &["used_by", "at"]),
            ("/images/find".to_owned(), &["name"]),
            ("/images/places?tag=1".to_owned(), &["image_id"]),
            ("/images/places?image_id=0&repository_id=1".to_owned(), &["image_id", "repository_id"]),
        ] {
            let expected: Vec<String> = places.iter().map(|place| format!("query.{place}")).collect();
            assert_eq!(app.refused(&format!("/api/v1{path}")).await, expected, "{path}");
        }
        for chart in ["x", "0", "-1", "05", "9223372036854775808", APP] {
            let answer = app.get(&format!("/api/v1/charts/{}", chart.replace('/', "%2F"))).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{chart}: {}", answer.text());
        }
        assert_eq!(app.refused("/api/v1/charts/x/values").await, ["path.chart_id"]);
        let compare = format!("/compare?repositories={id}");
        for part in ["", "/releases", "/values", "/values/path?path=a", "/upgrades", "/neighbours", &compare] {
            assert_eq!(app.missing(&format!("/api/v1/charts/1{part}")).await, "Chart not found", "{part}");
        }
    })
    .await;
}
