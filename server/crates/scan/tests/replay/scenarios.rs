//! What people do to repositories, and what is told about it. Each is replayed with every kind of cut as well.

use entity::kind::{ProblemClass, ResourceStatus};

use crate::sources::{BY_REFERENCE, release};
use crate::support::{History, ledger, replay};

fn config(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: {value}\n")
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
