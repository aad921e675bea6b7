//! Repositories that use charts: histories that are told by hand, stored through the writes of scans.

use chrono::TimeDelta;
use entity::{
    input::{
        Batch, ChartUseFacts, FoundChartSource, FoundChartUse, FoundChartValue, FoundImageUse, FoundRelease,
        HeadFigures, ImageUseFacts, LinePoint, ScannedCommit, Span, UseCommit, UsesBatch, ValueFacts, ValueSpanKey,
    },
    kind::{ChartResolution, ChartUseKind, ImagePlaceKind, ImageState, Renderer, ValueType, VersionKind},
    view::Timestamp,
};
use store::scans;
use uuid::Uuid;

use crate::support::{RepositoryBuilder, TestApp, commit_id, day};

pub const APP: &str = "ghcr.io/bjw-s-labs/helm/app-template";
pub const GRAFANA: &str = "grafana.github.io/helm-charts/grafana";
pub const OTHER_GRAFANA: &str = "registry-1.docker.io/bitnamicharts/grafana";
/// As many digits as the ids of charts have.
pub const APP_ID: i64 = 8_000_000_000_000_000_001;
pub const GRAFANA_ID: i64 = 8_000_000_000_000_000_002;
pub const OTHER_GRAFANA_ID: i64 = 8_000_000_000_000_000_003;
/// A place of the first chart that is not the one that gives the key.
pub const OLD_APP: &str = "bjw-s-labs.github.io/helm-charts/app-template";

pub const REPLICAS: &str = "controllers.main.replicas";
pub const HOST: &str = "defaultPodOptions.hostNetwork";
pub const TOKEN: &str = "env.TOKEN";
pub const INGRESS: &str = "ingress.enabled";
pub const PATHS: [&str; 4] = [REPLICAS, HOST, TOKEN, INGRESS];

/// Where charts come from: what is no registry belongs to Argo CD here.
fn sources() -> [FoundChartSource; 4] {
    let source = |id, key: &str, chart_id, chart_key: &str| FoundChartSource {
        id,
        key: key.to_owned(),
        url: {
            let scheme = if key.contains("github.io") { "https" } else { "oci" };
            format!("{scheme}://{}", key.rsplit_once('/').unwrap().0)
        },
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

/// A repository with a commit at each of these times.
struct Home {
    name: &'static str,
    times: Vec<Timestamp>,
    uses: UsesBatch,
}

impl Home {
    /// With commits on these days of January.
    fn new(name: &'static str, days: &[u32]) -> Self {
        Self::at_times(name, days.iter().map(|one| day(*one)).collect())
    }

    fn at_times(name: &'static str, times: Vec<Timestamp>) -> Self {
        let uses = UsesBatch {
            sources: sources().to_vec(),
            aliases: vec![("bjw-s-app-template".to_owned(), APP_ID)],
            paths: (1..).zip(PATHS).map(|(id, path)| (id, path.to_owned())).collect(),
            images: vec![(41, "docker.io/library/nginx".to_owned())],
            ..UsesBatch::default()
        };
        let mut home = Self { name, times, uses };
        let commit = |place| UseCommit { id: commit_id(name, place), at: home.at(place) };
        home.uses.commits = (0..home.times.len()).map(commit).collect();
        home
    }

    fn at(&self, commit: usize) -> LinePoint {
        LinePoint { sequence: i64::try_from(commit).unwrap(), time: self.times[commit].timestamp() }
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
                variables: Default::default(),
            };
            let span = self.span(*from, versions.get(place + 1).map(|(to, _)| *to));
            let id_of_use = id * 10 + i64::try_from(place).unwrap();
            self.uses.uses.push(FoundChartUse { id: id_of_use, release_id: id, facts, span });
        }
        self
    }

    /// The same, with a release under another name, and under Helm's.
    fn called(mut self, release_id: i64, name: &str, release_name: &str) -> Self {
        for one in self.uses.uses.iter_mut().filter(|one| one.release_id == release_id) {
            one.facts.name = Some(name.to_owned());
            one.facts.release_name = Some(release_name.to_owned());
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
            written: None,
            variables: Default::default(),
        };
        let span = self.span(from, None);
        self.uses.image_uses.push(FoundImageUse { id: release_id, ordinal: 0, facts, span });
        self
    }

    /// Another image in a release's values.
    fn other_image(self, release_id: i64, image_id: i64, name: &str) -> Self {
        let mut home = self.image(release_id, "1.0", None, 0);
        home.uses.images.push((image_id, name.to_owned()));
        home.uses.image_uses.last_mut().unwrap().facts.image_id = Some(image_id);
        home
    }

    async fn store(self, app: &TestApp) -> Uuid {
        let id = RepositoryBuilder::new(self.name).store(app).await;
        let (db, last) = (&app.state.db, self.times.len() - 1);
        let (sequence, now) = (self.at(last).sequence, self.times[last]);
        let through = ScannedCommit { id: commit_id(self.name, last), sequence, committed_at: now };
        let batch = Batch { through: Some(through), uses: self.uses, ..Batch::default() };
        let run = scans::begin_scan(&db.write, id, now).await.unwrap();
        scans::apply_batch(&db.write, id, run, &batch, now).await.unwrap();
        scans::finish_scan(&db.write, id, run, HeadFigures { yaml_files: 1 }, now).await.unwrap();
        id
    }
}

/// One that went back to the version before and up again, one that went up at once, one that gave up.
pub async fn three(app: &TestApp) -> [Uuid; 3] {
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
    let eve =
        Home::new("eve/k8s", &[6, 15]).release(5, APP, &[(0, "2.6.0"), (1, "")]).value(5, REPLICAS, "3", 0, Some(1));
    let ids = [ada.store(app).await, bob.store(app).await, eve.store(app).await];
    app.store_metrics(ids[1], 10, 1, 3).await;
    ids
}

/// One that went up by two commits, with another between that changed a value; one that did so at once; one that went beyond and
/// back; one that gave up between.
pub async fn by_several(app: &TestApp) {
    let kim = Home::new("kim/cluster", &[2, 4, 6, 8])
        .release(6, APP, &[(0, "3.0.0"), (1, "3.0.1"), (3, "3.1.0")])
        .value(6, REPLICAS, "1", 0, Some(1))
        .value(6, REPLICAS, "2", 1, Some(2))
        .value(6, REPLICAS, "1", 2, None)
        .value(6, HOST, "false", 0, Some(2))
        .value(6, HOST, "true", 2, None)
        .value(6, TOKEN, "", 0, None)
        .value(6, INGRESS, "true", 3, None);
    let ada = Home::new("ada/home-ops", &[2, 9]).release(1, APP, &[(0, "3.0.0"), (1, "3.1.0")]).value(
        1,
        REPLICAS,
        "1",
        0,
        Some(1),
    );
    let bob = Home::new("bob/lab", &[2, 5, 7]).release(3, APP, &[(0, "3.0.0"), (1, "3.2.0"), (2, "3.1.0")]);
    let eve = Home::new("eve/k8s", &[2, 3, 5, 7]).release(5, APP, &[(0, "3.0.0"), (1, "3.0.1"), (2, ""), (3, "3.1.0")]);
    for home in [kim, ada, bob, eve] {
        home.store(app).await;
    }
}

/// One with the chart of an app; one that makes the app of another chart by its image; one that runs the image
/// beside something else, and one that runs another beside.
pub async fn by_image(app: &TestApp) {
    let image = "docker.io/grafana/grafana";
    let ada = Home::new("ada/home-ops", &[2]).release(1, GRAFANA, &[(0, "8.0.0")]);
    let bob = Home::new("bob/lab", &[3]).release(3, APP, &[(0, "3.0.0")]).called(3, "My-Grafana", "My-Grafana");
    let kim = Home::new("kim/cluster", &[4]).release(6, APP, &[(0, "3.0.0")]).called(6, "blog", "blog");
    let eve = Home::new("eve/k8s", &[5]).release(5, OLD_APP, &[(0, "3.0.0")]).called(5, "grafana", "grafana");
    ada.store(app).await;
    bob.other_image(3, 42, image).store(app).await;
    kim.other_image(6, 42, image).store(app).await;
    eve.other_image(5, 43, "docker.io/grafana/grafana-agent").store(app).await;
}

/// Five that began with the same version, and have stayed with it or gone up by more or less; their ids.
pub async fn spread_out(app: &TestApp) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for (id, name, version) in [
        (1, "ada/home-ops", "3.0.0"),
        (3, "bob/lab", "3.0.1"),
        (5, "eve/k8s", "3.1.0"),
        (6, "kim/cluster", "3.1.0"),
        (7, "zoe/cloud", "3.2.0"),
    ] {
        let states = [(0, "3.0.0"), (1, version)];
        let states = if version == "3.0.0" { &states[..1] } else { &states[..] };
        let home = Home::new(name, &[2, 20]).release(id, APP, states).value(id, REPLICAS, "1", 0, None);
        ids.push(home.store(app).await);
    }
    ids
}

/// Two that run several apps by one chart, with keys under which kubesearch showed them. Returns the first.
pub async fn several_apps(app: &TestApp, keys: &[&str]) -> Uuid {
    let mut ada = Home::new("ada/home-ops", &[2])
        .release(1, APP, &[(0, "3.0.0")])
        .release(2, APP, &[(0, "3.0.0")])
        .called(1, "home-assistant", "home-assistant")
        .called(2, "plex", "media-plex")
        .value(1, REPLICAS, "1", 0, None)
        .value(1, HOST, "true", 0, None)
        .value(2, REPLICAS, "2", 0, None);
    ada.uses.aliases.extend(keys.iter().map(|key| ((*key).to_owned(), APP_ID)));
    let bob = Home::new("bob/lab", &[4, 10])
        .release(3, APP, &[(0, "2.6.0"), (1, "3.0.0")])
        .called(3, "plex", "plex")
        .value(3, REPLICAS, "3", 0, Some(1))
        .value(3, REPLICAS, "2", 1, None);
    let id = ada.store(app).await;
    bob.store(app).await;
    id
}

/// One with a chart of its own beside one of everybody's; returns it with its own one's release.
pub async fn of_its_own(app: &TestApp) -> (Uuid, i64) {
    let mut kim = Home::new("kim/cluster", &[2, 5])
        .release(6, APP, &[(0, "3.0.0")])
        .release(7, APP, &[(0, "3.0.0")])
        .value(6, REPLICAS, "1", 0, Some(1))
        .value(6, REPLICAS, "2", 1, None)
        .value(6, TOKEN, "", 0, None)
        .value(7, HOST, "true", 0, None);
    for one in kim.uses.uses.iter_mut().filter(|one| one.release_id == 6) {
        (one.facts.chart_id, one.facts.source_id) = (None, None);
        (one.facts.source_url, one.facts.how) = (Some(".".to_owned()), ChartResolution::Local);
    }
    for one in kim.uses.values.iter_mut().filter(|one| one.key.release_id == 6) {
        one.chart_id = None;
    }
    (kim.store(app).await, 6)
}

/// One with an image in which variables stand, of which the repository tells one.
pub async fn templated(app: &TestApp) -> Uuid {
    let (first, second) = ("ghcr.io/${OWNER}/web:${TAG}", "ghcr.io/kim/web:${TAG}");
    let mut kim = Home::new("kim/cluster", &[2, 5])
        .release(6, APP, &[(0, "3.0.0")])
        .value(6, HOST, first, 0, Some(1))
        .value(6, HOST, second, 1, None)
        .image(6, "", None, 0)
        .image(6, "", None, 1);
    let told = [("TAG".to_owned(), "1.27".to_owned()), ("DOMAIN".to_owned(), "example.org".to_owned())];
    kim.uses.uses[0].facts.variables = told.into();
    let states = [(first, kim.span(0, Some(1))), (second, kim.span(1, None))];
    for ((number, image), (written, span)) in (60..).zip(&mut kim.uses.image_uses).zip(states) {
        (image.id, image.span) = (number, span);
        let facts = &mut image.facts;
        (facts.path, facts.state, facts.image_id, facts.tag) = (HOST.to_owned(), ImageState::Templated, None, None);
        facts.written = Some(written.to_owned());
    }
    kim.store(app).await
}

/// One that has upgraded since yesterday as another did before, and took a chart that was new with them; one that gave
/// up theirs.
pub async fn lately(app: &TestApp, now: Timestamp) {
    let days = |days: &[i64]| days.iter().map(|ago| now - TimeDelta::days(*ago)).collect();
    let ada = Home::at_times("ada/home-ops", days(&[60, 1])).release(1, APP, &[(0, "3.0.0"), (1, "3.1.0")]).release(
        2,
        GRAFANA,
        &[(1, "8.0.0")],
    );
    let bob = Home::at_times("bob/lab", days(&[50, 2])).release(3, OLD_APP, &[(0, "3.0.0"), (1, "3.1.0")]).release(
        4,
        OTHER_GRAFANA,
        &[(0, "11.0.0"), (1, "")],
    );
    ada.store(app).await;
    bob.store(app).await;
}
