//! What people do to repositories, and what is told about it. Each is replayed with every kind of cut as well.

use entity::kind::{ProblemClass, ResourceStatus};

use crate::support::{History, ledger, replay};

fn config(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: {value}\n")
}

fn release(version: &str, spec: &str) -> String {
    format!("apiVersion: helm.toolkit.fluxcd.io/{version}\nkind: HelmRelease\nmetadata:\n  name: web\nspec:\n{spec}")
}

const BY_REFERENCE: &str = "  chartRef:\n    kind: OCIRepository\n    name: web\n";

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
fn a_moved_file_is_one_event_and_the_same_resource() {
    let mut history = History::default();
    history.commit(&[("old/a.yaml", Some(&config("a", "1")))]);
    history.commit(&[("old/a.yaml", None), ("new/a.yaml", Some(&config("a", "1")))]);
    history.commit(&[("new/a.yaml", None), ("b.yml", Some(&config("a", "2")))]);
    let store = replay(&history);
    assert_eq!(store.told(1), ["MODIFIED ConfigMap/a file_path"]);
    assert_eq!(store.told(2), ["MODIFIED ConfigMap/a file_content,file_path data.key: 1 > 2"]);
    assert_eq!(store.events[1].1.file_path_before.as_deref(), Some("old/a.yaml"));
    assert_eq!(store.row("ConfigMap", "a").file_path, "b.yml");
}

#[test]
fn comments_key_order_and_quotes_are_no_change() {
    let mut history = History::default();
    history
        .commit(&[("a.yaml", Some("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: one, y: two}\n"))]);
    history.commit(&[(
        "a.yaml",
        Some("# A remark\nkind: ConfigMap\napiVersion: v1\nmetadata:\n  name: 'a'\ndata:\n  y: two\n  x: \"one\"\n"),
    )]);
    assert!(replay(&history).told(1).is_empty());
}

#[test]
fn a_number_that_becomes_text_is_told_apart() {
    let mut history = History::default();
    history.commit(&[("a.yaml", Some(&config("a", "1")))]);
    history.commit(&[("a.yaml", Some(&config("a", "\"1\"")))]);
    assert_eq!(replay(&history).told(1), ["MODIFIED ConfigMap/a file_content data.key: 1 > \"1\""]);
}

#[test]
fn an_api_version_bump_is_a_modification() {
    let mut history = History::default();
    history.commit(&[("a.yaml", Some(&release("v2beta2", BY_REFERENCE)))]);
    history.commit(&[("a.yaml", Some(&release("v2", BY_REFERENCE)))]);
    assert_eq!(
        replay(&history).told(1),
        ["MODIFIED HelmRelease/web file_content,api_version apiVersion: helm.toolkit.fluxcd.io/v2beta2 > \
             helm.toolkit.fluxcd.io/v2"]
    );
}

#[test]
fn a_namespace_that_is_added_keeps_the_resource() {
    let mut history = History::default();
    history.commit(&[("a.yaml", Some(&config("a", "1")))]);
    let named = config("a", "1").replace("name: a\n", "name: a\n  namespace: home\n");
    history.commit(&[("a.yaml", Some(&named))]);
    let store = replay(&history);
    assert_eq!(store.told(1), ["MODIFIED ConfigMap/a file_content metadata.namespace: - > home"]);
    assert_eq!(store.row("ConfigMap", "a").namespace.as_deref(), Some("home"));
}

#[test]
fn documents_in_another_order_are_no_event() {
    let mut history = History::default();
    let both = |left, right| format!("{}---\n{}", config(left, "1"), config(right, "1"));
    history.commit(&[("a.yaml", Some(&both("a", "b")))]);
    history.commit(&[("a.yaml", Some(&both("b", "a")))]);
    history.commit(&[("a.yaml", Some(&config("a", "1")))]);
    let store = replay(&history);
    assert!(store.told(1).is_empty());
    assert_eq!(store.told(2), ["DELETED ConfigMap/b resource_deleted"]);
    assert_eq!(store.row("ConfigMap", "a").file_path, "a.yaml");
}

#[test]
fn overlays_of_one_name_are_resources_of_their_own() {
    let mut history = History::default();
    history.commit(&[("base/a.yaml", Some(&config("a", "1"))), ("home/a.yaml", Some(&config("a", "2")))]);
    history.commit(&[("home/a.yaml", Some(&config("a", "3")))]);
    history.commit(&[("base/a.yaml", None), ("core/a.yaml", Some(&config("a", "1")))]);
    let store = replay(&history);
    assert_eq!(store.rows.len(), 2);
    assert_eq!(store.told(1), ["MODIFIED ConfigMap/a file_content data.key: 2 > 3"]);
    assert_eq!(store.told(2), ["MODIFIED ConfigMap/a file_path"]);
}

#[test]
fn a_broken_file_deletes_and_a_mended_one_brings_back() {
    let mut history = History::default();
    history.commit(&[("a.yaml", Some(&config("a", "1")))]);
    history.commit(&[("a.yaml", Some("kind: [never closed\n"))]);
    history.commit(&[("a.yaml", Some(&config("a", "1")))]);
    let store = replay(&history);
    assert_eq!(store.told(1), ["DELETED ConfigMap/a resource_deleted"]);
    assert_eq!(store.told(2), ["RESURRECTED ConfigMap/a resource_resurrected"]);
    assert_eq!(store.row("ConfigMap", "a").status, ResourceStatus::Active);
    assert!(store.problems.is_empty(), "a mended file has no problem");
    history.trees.truncate(2);
    let store = replay(&history);
    assert_eq!(store.problems["a.yaml"].problems[0].class, ProblemClass::Syntax);
    assert_eq!(store.row("ConfigMap", "a").status, ResourceStatus::Deleted);
}

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:00ff\nsize 12345\n";

#[test]
fn a_file_whose_content_goes_elsewhere_keeps_its_resources() {
    let mut history = History::default();
    let both = |value| format!("{}---\n{}", config("a", value), config("b", "1"));
    history.commit(&[("a.yaml", Some(&both("1"))), ("z.yaml", Some(&config("z", "1")))]);
    history.commit(&[("a.yaml", Some(POINTER))]);
    history.commit(&[("z.yaml", Some(&config("z", "2")))]);
    history.commit(&[("a.yaml", Some(&POINTER.replace("00ff", "11ff")))]);
    let store = replay(&history);
    for at in [1, 3] {
        assert!(store.told(at).is_empty(), "{:?}", store.told(at));
    }
    assert_eq!(store.row("ConfigMap", "a").status, ResourceStatus::Active);
    let problem = &store.problems["a.yaml"].problems[0];
    assert_eq!(problem.class, ProblemClass::Elsewhere);
    assert!(problem.message.contains("12345 bytes"), "{}", problem.message);
    // Back again, one changed and one as it was, the other way round.
    history.commit(&[("a.yaml", Some(&format!("{}---\n{}", config("b", "1"), config("a", "2"))))]);
    let store = replay(&history);
    assert_eq!(store.told(4), ["MODIFIED ConfigMap/a file_content data.key: 1 > 2"]);
    assert_eq!(store.row("ConfigMap", "a").file_path, "a.yaml#1");
    assert_eq!(store.row("ConfigMap", "b").file_path, "a.yaml");
    assert!(store.problems.is_empty());
}

#[test]
fn what_is_held_of_a_file_moves_and_goes_like_anything_else() {
    let mut history = History::default();
    history.commit(&[("a.yaml", Some(&format!("{}---\n{}", config("a", "1"), config("b", "1"))))]);
    // One of the two is kept readable elsewhere.
    history.commit(&[("a.yaml", Some("\0GITCRYPT\0x")), ("b.yaml", Some(&config("b", "1")))]);
    history.commit(&[("b.yaml", Some(&config("b", "2")))]);
    history.commit(&[("a.yaml", None)]);
    history.commit(&[("c.yaml", Some(&config("a", "1")))]);
    let store = replay(&history);
    assert_eq!(store.told(1), ["MODIFIED ConfigMap/b file_path"]);
    assert_eq!(store.told(2), ["MODIFIED ConfigMap/b file_content data.key: 1 > 2"]);
    assert_eq!(store.told(3), ["DELETED ConfigMap/a resource_deleted"]);
    assert_eq!(store.told(4), ["RESURRECTED ConfigMap/a resource_resurrected"]);
}

#[test]
fn a_deleted_resource_comes_back_only_once() {
    let mut history = History::default();
    history.commit(&[("a.yaml", Some(&config("a", "1")))]);
    history.commit(&[("a.yaml", None)]);
    history.commit(&[("b.yaml", Some(&config("a", "1"))), ("c.yaml", Some(&config("a", "1")))]);
    let store = replay(&history);
    assert_eq!(store.told(2), ["RESURRECTED ConfigMap/a resource_resurrected", "CREATED ConfigMap/a resource_created"]);
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

#[test]
fn a_secret_tells_which_field_changed_and_no_value() {
    let secret =
        |value: &str| format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  password: {value}\n");
    let mut history = History::default();
    history.commit(&[("s.yaml", Some(&secret("first-password")))]);
    history.commit(&[("s.yaml", Some(&secret("second-password")))]);
    let store = replay(&history);
    assert_eq!(store.told(1), ["MODIFIED Secret/s file_content stringData.password: •••••• > ••••••"]);
    let everything = store.outcome();
    let texts: String = store.texts.values().map(|text| String::from_utf8_lossy(text)).collect();
    assert!(!everything.contains("-password") && !texts.contains("-password"), "a secret's value is kept");
}

#[test]
fn items_of_a_list_are_resources_and_the_list_is_one_document_of_the_figures() {
    let list = |value: &str| {
        let item = |name: &str, value: &str| {
            format!("- apiVersion: v1\n  kind: ConfigMap\n  metadata: {{name: {name}}}\n  data: {{key: {value}}}\n")
        };
        format!("apiVersion: v1\nkind: List\nmetadata: {{name: all}}\nitems:\n{}{}", item("a", "1"), item("b", value))
    };
    let mut history = History::default();
    history.commit(&[("l.yaml", Some(&list("1")))]);
    history.commit(&[("l.yaml", Some(&list("2")))]);
    let store = replay(&history);
    assert_eq!(store.told(1), ["MODIFIED ConfigMap/b file_content data.key: 1 > 2"]);
    assert_eq!(store.row("ConfigMap", "b").file_path, "l.yaml#0.1");
    let figures = ledger(&history);
    assert_eq!((figures.resources_in_first_commit, figures.resources_at_head, figures.modified), (1, 1, 1));
}

#[test]
fn namespaces_are_inherited_from_the_outermost_kustomization_and_from_flux() {
    let mut history = History::default();
    history.commit(&[
        ("apps/kustomization.yaml", Some("namespace: outer\nresources: [./a]\n")),
        ("apps/a/kustomization.yaml", Some("namespace: inner\nresources:\n- a.yaml\n")),
        ("apps/a/a.yaml", Some(&config("a", "1"))),
    ]);
    history.commit(&[("apps/kustomization.yaml", Some("resources: [./a]\n"))]);
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\nspec:\n  path: \
                ./apps\n  targetNamespace: target\n";
    history.commit(&[("flux.yaml", Some(flux))]);
    let inherited = |commits: usize| {
        let part = History { trees: history.trees[..commits].to_vec() };
        replay(&part).row("ConfigMap", "a").namespace_inherited.clone()
    };
    assert_eq!(inherited(1).as_deref(), Some("outer"));
    assert_eq!(inherited(2).as_deref(), Some("inner"));
    assert_eq!(inherited(3).as_deref(), Some("target"));
    assert!(replay(&history).told(1).is_empty(), "a namespace that is inherited is no field of the manifest");
}

#[test]
fn a_very_long_history_of_one_file_counts_as_it_should() {
    let mut history = History::default();
    for number in 0..50 {
        history.commit(&[("a.yaml", Some(&config("a", &number.to_string())))]);
    }
    history.commit(&[("a.yaml", None)]);
    let figures = ledger(&history);
    assert_eq!((figures.resources_in_first_commit, figures.resources_at_head), (1, 0));
    assert_eq!((figures.added, figures.removed, figures.modified, figures.commits_with_events), (0, 1, 49, 50));
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

#[test]
fn another_spelling_of_the_same_object_is_no_event_and_another_tag_is() {
    let deployment = |replicas: &str, labels: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, labels: {labels}}}\nspec: {{replicas: {replicas}}}\n"
        )
    };
    let values = |tag: &str| release("v2", &format!("  values: {{image: {{repository: r/web, tag: {tag}}}}}\n"));
    let mut history = History::default();
    history.commit(&[("a.yaml", Some(&deployment("2", "{a: b, c: d}"))), ("r.yaml", Some(&values("1.10")))]);
    history.commit(&[("a.yaml", Some(&deployment("0x2", "{<<: {c: d}, a: &x b}")))]);
    history.commit(&[(
        "a.yaml",
        Some(
            "{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"metadata\": {\"name\": \
                                      \"web\", \"labels\": {\"c\": \"d\", \"a\": \"b\"}}, \"spec\": {\"replicas\": 2}}",
        ),
    )]);
    history.commit(&[("r.yaml", Some(&values("1.1")))]);
    history.commit(&[("r.yaml", Some(&format!("# a remark\n{}", values("1.1"))))]);
    let store = replay(&history);
    assert_eq!((store.told(1).len(), store.told(2).len(), store.told(4).len()), (0, 0, 0));
    assert_eq!(store.told(3), ["MODIFIED HelmRelease/web file_content spec.values.image.tag: 1.10 > 1.1"]);
    assert_eq!(store.row("HelmRelease", "web").images[0].tag.as_deref(), Some("1.1"));
    let figures = ledger(&history);
    assert_eq!(figures.modified, 3, "counted by how it is written");
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
