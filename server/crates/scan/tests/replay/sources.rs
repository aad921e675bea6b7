//! Releases and the sources that they deploy from.

use crate::support::{History, replay};

pub fn release(version: &str, spec: &str) -> String {
    format!("apiVersion: helm.toolkit.fluxcd.io/{version}\nkind: HelmRelease\nmetadata:\n  name: web\nspec:\n{spec}")
}

pub const BY_REFERENCE: &str = "  chartRef:\n    kind: OCIRepository\n    name: web\n";

fn oci(tag: &str) -> String {
    format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: web\nspec:\n  url: \
         oci://example.com/charts/app\n  ref:\n    tag: {tag}\n"
    )
}

fn helm_repository(url: &str) -> String {
    format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata:\n  name: charts\n  namespace: flux\n\
         spec:\n  url: {url}\n"
    )
}

#[test]
fn a_bump_of_the_source_shows_on_the_release() {
    let mut history = History::default();
    history.commit(&[("a/release.yaml", Some(&release("v2", BY_REFERENCE))), ("a/oci.yaml", Some(&oci("1.0.0")))]);
    history.commit(&[("a/oci.yaml", Some(&oci("1.1.0")))]);
    history.commit(&[("a/oci.yaml", None)]);
    let store = replay(&history);
    assert_eq!(
        store.told(1),
        [
            "MODIFIED OCIRepository/web file_content,version spec.ref.tag: 1.0.0 > 1.1.0",
            "MODIFIED HelmRelease/web version,source OCIRepository/web.spec.ref.tag: 1.0.0 > 1.1.0",
        ]
    );
    let bump = &store.events[3].1;
    assert_eq!((bump.version_before.as_deref(), bump.version_after.as_deref()), (Some("1.0.0"), Some("1.1.0")));
    assert_eq!(bump.caused_by_resource_id, Some(store.row("OCIRepository", "web").id));
    assert_eq!(store.told(2).len(), 2, "a source that is gone is told: {:?}", store.told(2));
    assert_eq!(store.row("HelmRelease", "web").version, None);
    history.trees.truncate(2);
    let store = replay(&history);
    let chart = &store.row("HelmRelease", "web").charts[0];
    assert_eq!((chart.name.as_str(), chart.url.as_deref()), ("app", Some("oci://example.com/charts/app")));
    assert_eq!(chart.version.as_deref(), Some("1.1.0"));
}

#[test]
fn each_release_follows_the_source_of_its_own_folder() {
    let mut history = History::default();
    let folders = ["a", "b", "c"];
    let files = |tag: &str| {
        let sources = folders.map(|folder| (format!("{folder}/oci.yaml"), oci(tag)));
        let releases = folders.map(|folder| (format!("{folder}/release.yaml"), release("v2", BY_REFERENCE)));
        sources.into_iter().chain(releases).collect::<Vec<_>>()
    };
    for tag in ["1.0.0", "1.1.0"] {
        let files = files(tag);
        history.commit(&files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect::<Vec<_>>());
    }
    history.commit(&[("b/oci.yaml", Some(&oci("2.0.0")))]);
    let store = replay(&history);
    for (sequence, event) in store.events.iter().filter(|(_, event)| event.caused_by_resource_id.is_some()) {
        let cause = &store.rows[&event.caused_by_resource_id.unwrap()].0;
        assert_eq!(
            cause.file_path[..2],
            event.file_path[..2],
            "in commit {sequence} another folder's source is blamed"
        );
    }
    assert_eq!(store.told(1).len(), 6);
    assert_eq!(store.told(2).len(), 2);
    let version = |folder: &str| {
        let path = format!("{folder}/release.yaml");
        store.rows.values().find(|(row, _)| row.file_path == path).and_then(|(row, _)| row.version.clone())
    };
    assert_eq!(folders.map(version), ["1.1.0", "2.0.0", "1.1.0"].map(|version| Some(version.to_owned())));
}

#[test]
fn a_release_that_changes_with_its_source_has_one_event() {
    let mut history = History::default();
    history.commit(&[("a/release.yaml", Some(&release("v2", BY_REFERENCE))), ("a/oci.yaml", Some(&oci("1.0.0")))]);
    let changed = format!("{BY_REFERENCE}  values:\n    replicas: 2\n");
    history.commit(&[("a/release.yaml", Some(&release("v2", &changed))), ("a/oci.yaml", Some(&oci("1.1.0")))]);
    assert_eq!(
        replay(&history).told(1),
        [
            "MODIFIED OCIRepository/web file_content,version spec.ref.tag: 1.0.0 > 1.1.0",
            "MODIFIED HelmRelease/web file_content,version,source spec.values.replicas: - > 2 \
             OCIRepository/web.spec.ref.tag: 1.0.0 > 1.1.0",
        ]
    );
}

#[test]
fn a_chart_of_a_repository_has_its_own_version_and_the_repositorys_address() {
    let spec = |version: &str| {
        format!(
            "  chart:\n    spec:\n      chart: app\n      version: {version}\n      sourceRef:\n        kind: \
             HelmRepository\n        name: charts\n        namespace: flux\n"
        )
    };
    let mut history = History::default();
    let (one, two) = (release("v2", &spec("1.0.0")), release("v2", &spec("1.0.1")));
    history.commit(&[("a.yaml", Some(&one)), ("r.yaml", Some(&helm_repository("https://one.example.com")))]);
    history.commit(&[("a.yaml", Some(&two))]);
    history.commit(&[("r.yaml", Some(&helm_repository("https://two.example.com")))]);
    let store = replay(&history);
    assert_eq!(store.told(1), ["MODIFIED HelmRelease/web file_content,version spec.chart.spec.version: 1.0.0 > 1.0.1"]);
    assert_eq!(
        store.told(2),
        [
            "MODIFIED HelmRelease/web source HelmRepository/charts.spec.url: https://one.example.com > \
             https://two.example.com",
            "MODIFIED HelmRepository/charts file_content spec.url: https://one.example.com > https://two.example.com",
        ]
    );
    let row = store.row("HelmRelease", "web");
    assert_eq!(row.version.as_deref(), Some("1.0.1"));
    assert_eq!(row.charts[0].url.as_deref(), Some("https://two.example.com"));
}

fn oci_with(reference: &str) -> String {
    format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: web\nspec:\n  url: \
         oci://example.com/charts/app\n  ref: {{{reference}}}\n"
    )
}

#[test]
fn only_the_field_that_flux_looks_at_is_a_step_of_the_release() {
    let mut history = History::default();
    let release = release("v2", BY_REFERENCE);
    let refs = [
        "tag: a, semver: 1.x",
        "tag: b, semver: 1.x",
        "tag: b, semver: 2.x",
        "tag: b, semver: 2.x, digest: 'sha256:1'",
    ];
    for (at, reference) in refs.into_iter().enumerate() {
        let source = oci_with(reference);
        let release = (at == 0).then_some(("a/release.yaml", Some(release.as_str())));
        history.commit(&[("a/oci.yaml", Some(source.as_str()))].into_iter().chain(release).collect::<Vec<_>>());
    }
    let store = replay(&history);
    assert_eq!(store.told(1), ["MODIFIED OCIRepository/web file_content spec.ref.tag: a > b"]);
    assert_eq!(
        store.told(2),
        [
            "MODIFIED OCIRepository/web file_content,version spec.ref.semver: 1.x > 2.x",
            "MODIFIED HelmRelease/web version,source OCIRepository/web.spec.ref.semver: 1.x > 2.x",
        ]
    );
    let row = store.row("HelmRelease", "web");
    assert_eq!(row.version.as_deref(), Some("sha256:1"));
    let last = &store.events.last().unwrap().1;
    assert_eq!((last.version_before.as_deref(), last.version_after.as_deref()), (Some("2.x"), Some("sha256:1")));
}

fn repository_in(namespace: &str, url: &str) -> String {
    format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {{name: charts{namespace}}}\nspec: {{url: {url}}}\n"
    )
}

fn url_of_the_release(sources: &[(&str, &str, &str)], reference: &str) -> Option<String> {
    let spec = format!(
        "  chart: {{spec: {{chart: app, version: 1.0.0, sourceRef: {{kind: HelmRepository, name: charts{reference}}}}}}}\n"
    );
    let release = release("v2", &spec);
    let mut files = vec![("apps/web/release.yaml".to_owned(), release)];
    files.extend(sources.iter().map(|(path, namespace, url)| ((*path).to_owned(), repository_in(namespace, url))));
    let mut history = History::default();
    for (path, text) in &files {
        history.commit(&[(path.as_str(), Some(text.as_str()))]);
    }
    replay(&history).row("HelmRelease", "web").charts[0].url.clone()
}

#[test]
fn a_source_is_chosen_by_namespace_then_by_the_nearest_folder() {
    let (flux, other) = (", namespace: flux", ", namespace: other");
    let found = |sources: &[(&str, &str, &str)], reference| url_of_the_release(sources, reference);
    let far = ("infra/sources.yaml", "", "https://far");
    // A namespace that is not written is inherited: the source is the only one of its name.
    assert_eq!(found(&[far], flux).as_deref(), Some("https://far"));
    assert_eq!(found(&[("infra/a.yaml", other, "https://other")], flux).as_deref(), Some("https://other"));
    let named = ("infra/named.yaml", flux, "https://named");
    assert_eq!(
        found(&[("apps/web/a.yaml", other, "https://other"), far, named], flux).as_deref(),
        Some("https://named")
    );
    assert_eq!(found(&[("apps/web/a.yaml", other, "https://other"), far], flux).as_deref(), Some("https://far"));
    // The namespace is not known: the nearest folder decides, not what the files are called.
    let near = ("apps/sources.yaml", flux, "https://near");
    let alike = ("infra/web/release.yaml", "", "https://alike");
    assert_eq!(found(&[alike, near], "").as_deref(), Some("https://near"));
}

#[test]
fn sources_that_are_equally_near_and_differ_decide_nothing() {
    let sources =
        |one: &'static str, two: &'static str| [("clusters/a/s.yaml", "", one), ("clusters/b/s.yaml", "", two)];
    assert_eq!(url_of_the_release(&sources("https://one", "https://two"), ""), None);
    assert_eq!(url_of_the_release(&sources("https://one", "https://one"), "").as_deref(), Some("https://one"));
}
