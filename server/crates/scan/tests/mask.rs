//! Secrets never leave a file: neither in its text, nor in hashes, nor as JSON.

use entity::found::ObjectId;
use entity::view::MASK;
use scan::file::{ParsedFile, read_file};
use scan::yaml::{Kind, Limits, Node, parse};

fn read(text: &str) -> ParsedFile {
    read_file(ObjectId([0; 20]), text.as_bytes(), &Limits::default())
}

fn same_shape(left: Node<'_>, right: Node<'_>) -> bool {
    left.kind() == right.kind()
        && match left.kind() {
            Kind::Scalar => true,
            Kind::Sequence => {
                left.items().len() == right.items().len()
                    && left.items().zip(right.items()).all(|(left, right)| same_shape(left, right))
            }
            Kind::Mapping => {
                left.entries().len() == right.entries().len()
                    && left.entries().zip(right.entries()).all(|((name, left), (other, right))| {
                        name.scalar() == other.scalar() && same_shape(left, right)
                    })
            }
        }
}

/// Masks a text and checks what must hold for every masked text; the values that must be gone contain `hunter`.
fn mask(text: &str) -> String {
    let file = read(text);
    let masked = String::from_utf8(file.masked().expect("a file with manifests")).expect("UTF-8");
    assert!(!masked.contains("hunter"), "{masked}");
    assert_eq!(masked.lines().count(), text.lines().count(), "{masked}");
    let before = parse(text.as_bytes(), &Limits::default()).expect("YAML before");
    let after = parse(masked.as_bytes(), &Limits::default()).expect("YAML after");
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert!(same_shape(before.root(), after.root()), "{text}\n{masked}");
        // Blank lines at the very end are no longer part of a value, nor of its document.
        assert_eq!(before.line_start, after.line_start, "{masked}");
        assert!(before.line_end >= after.line_end, "{masked}");
    }
    masked
}

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";

#[test]
fn values_of_a_secret_are_masked_in_every_style() {
    let masked = mask(&format!(
        "{SECRET}data: # was hunter\n  # hunter too\n  plain: hunter # and hunter\n  single: 'hunter ''x'''\n  double: \"hunter\\n\n    hunter\"\n  \
         literal: |-\n    hunter\n\n    hunter\n\n  folded: >+\n    hunter\n    hunter\n\n  empty:\n  none: ~\n  \
         flow: [hunter, {{k: hunter}}]\n  folded_plain: hunter\n    hunter\n  tagged: !!binary |\n    hunter\n  \
         number: 12345\nstringData: {{ a: hunter, b: \"hunter\n  hunter\", c: x }}\n"
    ));
    assert!(masked.contains(&format!("plain: \"{MASK}\" # {MASK}")), "{masked}");
    assert!(masked.contains(&format!("data: # {MASK}")), "{masked}");
    assert!(!masked.contains("12345"), "{masked}");
    assert!(masked.contains("kind: Secret"), "{masked}");
}

#[test]
fn comments_are_masked_in_documents_with_secrets_and_only_there() {
    let masked = mask(&format!(
        "# hunter\n{SECRET}data: {{a: hunter}} # hunter\n# hunter\n---\n# kept\nkind: ConfigMap\napiVersion: v1\nmetadata: {{name: 'a # b'}} # kept\n"
    ));
    assert_eq!(masked.matches("# kept").count(), 2, "{masked}");
    assert!(masked.contains("'a # b'"), "{masked}");
}

#[test]
fn what_is_no_secret_stays_as_it_is() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {a: b}\n";
    assert_eq!(read(text).masked().as_deref(), Some(text.as_bytes()));
    let text = "apiVersion: external-secrets.io/v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: b}\n";
    assert_eq!(read(text).masked().as_deref(), Some(text.as_bytes()));
}

#[test]
fn values_are_masked_where_their_anchor_stands() {
    mask(&format!(
        "x-common: &common\n  token: hunter\nx-one: &one hunter\n{SECRET}stringData:\n  <<: *common\n  b: *one\n"
    ));
    mask(&format!("x-base: &base\n  data: {{a: hunter}}\n  stringData:\n    b: hunter\n{SECRET}<<: *base\n"));
    mask(&format!("{SECRET}data: &d {{a: hunter}}\nstringData: *d\n"));
}

#[test]
fn doubled_keys_hide_nothing() {
    mask(&format!("{SECRET}data: {{a: hunter}}\ndata: {{a: hunter2}}\n"));
}

#[test]
fn secrets_within_lists_are_masked() {
    mask(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n  data: {a: hunter}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c}\n",
    );
    mask(
        "apiVersion: v1\nkind: SecretList\nmetadata: {name: all}\nitems:\n- metadata: {name: s}\n  data: {a: hunter}\n",
    );
}

#[test]
fn what_kubectl_applied_last_is_masked() {
    mask(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {\"data\":{\"a\":\"hunter\"}}\n",
    );
}

#[test]
fn sops_documents_keep_only_what_is_readable() {
    let text = "apiVersion: apps/v1\nkind: Thing\nmetadata:\n  name: s\nspec:\n  open: readable\n  password: ENC[AES256_GCM,data:hunter]\n  \
                more: [\"ENC[AES256_GCM,data:hunter]\"]\nsops:\n  mac: ENC[hunter]\n  version: 3.9.0\n  age:\n  - recipient: age1hunter\n    enc: |\n      -----BEGIN AGE ENCRYPTED FILE-----\n      hunter\n";
    let masked = mask(text);
    assert!(masked.contains("open: readable"));
    let file = read(text);
    assert!(file.manifests[0].sensitive);
    assert!(!file.manifests[0].spec_json().contains("hunter"));
    assert!(file.manifests[0].spec_json().contains("readable"));
}

#[test]
fn a_secret_s_hash_does_not_depend_on_its_values() {
    let with = |value: &str| read(&format!("{SECRET}data: {{a: {value}}}\n")).manifests.remove(0);
    let (one, two) = (with("hunter"), with("hunter2"));
    assert_eq!(one.file_hash(), two.file_hash());
    assert_ne!(one.digest(), two.digest(), "a changed value is a change all the same");
    assert!(one.sensitive);
    assert_eq!(one.file_hash().len(), 64);
}

#[test]
fn lines_end_as_they_may_and_stay_as_many() {
    mask(&format!("{SECRET}data:\n  a: |\n    hunter\n    hunter\n  b: hunter\n").replace('\n', "\r\n"));
}

#[test]
fn identities_too_long_are_problems_and_still_counted() {
    let file = read(&format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\n", "x".repeat(254)));
    assert!(file.manifests.is_empty());
    assert_eq!(file.figures.kubernetes_documents, 1);
    assert_eq!(file.problems[0].class, entity::kind::ProblemClass::Name);
}

#[test]
fn items_of_a_list_have_their_own_place_and_lines() {
    let text = "kind: X\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n  metadata: {name: a}\n- apiVersion: v1\n  kind: B\n  metadata: {name: b}\n";
    let file = read(text);
    let places: Vec<_> = file.manifests.iter().map(|m| (m.place("f.yaml"), m.line_start, m.line_end)).collect();
    assert_eq!(places, [("f.yaml#1.0".to_owned(), 6, 8), ("f.yaml#1.1".to_owned(), 9, 11)]);
    assert_eq!((file.figures.list_documents, file.figures.list_items), (1, 2));
}
