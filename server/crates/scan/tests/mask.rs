//! Secrets never leave a file: neither in its text, nor in hashes, nor as JSON.

use entity::input::ObjectId;
use entity::view::MASK;
use scan::diff::diff;
use scan::file::{ParsedFile, read_file, read_file_masking};
use scan::mask::Rules;
use yaml::{Kind, Limits, Node, parse};

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
    assert!(!file.manifests[0].spec_json().contains("hunter"));
    assert!(file.manifests[0].spec_json().contains("readable"));
}

#[test]
fn a_secret_s_hash_does_not_depend_on_its_values() {
    let with = |value: &str| read(&format!("{SECRET}data: {{a: {value}}}\n")).manifests.remove(0);
    let (one, two) = (with("hunter"), with("hunter2"));
    assert_eq!(one.file_hash(), two.file_hash());
    assert_ne!(one.digest(), two.digest(), "a changed value is a change all the same");
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

/// Masks a text and checks that what contains `shown` stays and what contains `hunter` goes, wherever it is looked for.
fn check(text: &str) -> String {
    let masked = mask(text);
    let count = |text: &str| text.matches("shown").count();
    assert_eq!(count(&masked), count(text), "{masked}");
    let file = read(text);
    for manifest in &file.manifests {
        let told = format!("{}{:?}{:?}", manifest.spec_json(), manifest.facts, manifest.root());
        assert!(!told.contains("hunter"), "{told}");
    }
    let problems = format!("{:?}", file.problems);
    assert!(!problems.contains("hunter"), "{problems}");
    // A value that changes is told by its path alone.
    let other = text.replace("hunter", "hunter-again");
    let other = read(&other);
    assert_eq!(other.manifests.len(), file.manifests.len());
    for (old, new) in file.manifests.iter().zip(&other.manifests) {
        let told = diff(old.root(), new.root());
        assert_eq!(old.digest() == new.digest(), told.total == 0);
        assert_eq!(old.file_hash(), new.file_hash(), "{text}");
        let told = format!("{told:?}");
        assert!(!told.contains("hunter"), "{told}");
    }
    // Masked once is masked for good.
    assert_eq!(String::from_utf8(read(&masked).masked().expect("manifests")).expect("UTF-8"), masked);
    masked
}

#[test]
fn everything_in_a_secret_is_masked_but_what_names_it() {
    check(
        "apiVersion: v1\nkind: Secret\ntype: shown\nimmutable: true\nmetadata:\n  name: shown\n  namespace: shown\n  labels: {a: shown}\n  \
         annotations:\n    argocd.argoproj.io/sync-wave: shown\n    openshift.io/token-secret.name: shown\n    \
         openshift.io/token-secret.value: hunter\n    some.org/note: hunter\n  data: {a: hunter}\n  password: hunter\n\
         Data: {a: hunter}\nStringData: hunter\nunknown:\n- hunter\n- {a: hunter}\nspec: {data: hunter}\nother: !hunter {b: hunter}\n",
    );
}

#[test]
fn what_people_mistype_is_a_secret_all_the_same() {
    for head in [
        "apiVersion: v1\nkind: secret\n",
        "apiVersion: v1\nkind: SECRET\n",
        "apiVersion: core/v1\nkind: Secret\n",
        "apiVersion: v1\nkind: Secrets\n",
        "apiVersion: V1\nKind: Secret\nkind: Secret\n",
        "apiVersion: v1\nkind: ' Secret'\n",
        "apiVersion: v1\nkind: !!str Secret\n",
    ] {
        for data in ["data", "Data", "stringdata", "StringData", "stringData", "date"] {
            check(&format!("{head}metadata: {{name: shown}}\n{data}: {{a: hunter}}\n"));
        }
    }
    let beside = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: shown}\n";
    check(&format!("kind: Secret\nmetadata: {{name: shown}}\ndata: {{a: hunter}}\n{beside}"));
    check(&format!("type: Opaque\nmetadata: {{name: shown}}\ndata: {{a: hunter}}\n{beside}"));
    check(&format!("metadata: {{name: shown}}\nstringdata: {{a: hunter}}\n{beside}"));
}

#[test]
fn secrets_are_masked_wherever_they_stand() {
    let inner = "apiVersion: v1\n{i}kind: Secret\n{i}metadata: {name: shown}\n{i}stringData: {a: hunter}\n";
    let at = |indent: usize| inner.replace("{i}", &" ".repeat(indent));
    check(&format!(
        "apiVersion: template.openshift.io/v1\nkind: Template\nmetadata: {{name: shown}}\nobjects:\n- {}- {{apiVersion: v1, kind: Service, metadata: {{name: shown}}}}\n\
         parameters:\n- {{name: SIZE, value: shown}}\n- {{name: DB_PASSWORD, value: hunter}}\n",
        at(2)
    ));
    check(&format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: shown}}\nspec:\n  valuesFrom:\n  - {{kind: Secret, name: shown, valuesKey: shown}}\n  \
         values:\n    replicas: 2\n    image: {{repository: shown, tag: shown}}\n    extraObjects:\n    - {}    manifests:\n      one:\n        {}",
        at(6),
        at(8)
    ));
    check(&format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shown}}\nspec:\n  source:\n    helm:\n      values: |\n        replicas: shown\n        \
         extra:\n        - {}        token: hunter # hunter\n        other: shown # shown\n      parameters:\n      - {{name: auth.password, value: hunter}}\n      - {{name: a.b, value: shown}}\n",
        at(10)
    ));
    check(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: shown}}\ndata:\n  manifest.yaml: |-\n    # shown\n    a: shown\n    ---\n    {}  json: '{{\"kind\":\"Secret\",\"data\":{{\"a\":\"hunter\"}},\"metadata\":{{\"name\":\"shown\"}}}}'\n  \
         template.yaml: |\n    {{{{ if .x }}}}\n    kind: Secret\n    stringData:\n      a: hunter\n    {{{{ end }}}}\n",
        at(4)
    ));
}

#[test]
fn patches_of_secrets_are_masked_as_text_and_as_yaml() {
    check(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: shown}\npatches:\n- target: {kind: Secret, name: shown}\n  patch: |-\n    \
         - op: replace\n      path: /data/a\n      value: hunter\n    - op: add\n      path: /metadata/labels/shown\n      value: shown\n- patch: |\n    apiVersion: v1\n    kind: Secret\n    \
         metadata: {name: shown}\n    data: {a: hunter}\n- target: {kind: Secret}\n  patch: |\n    metadata: {name: shown}\n    stringData: {a: hunter}\n- target: {kind: Deployment, name: shown}\n  patch: |-\n    \
         - {op: replace, path: /data/a, value: shown}\n    - {op: add, path: /spec/password, value: hunter}\n\
         patchesStrategicMerge:\n- |-\n  apiVersion: v1\n  kind: Secret\n  metadata: {name: shown}\n  stringData:\n    a: hunter\n\
         patchesJson6902:\n- target: {version: v1, kind: Secret, name: shown}\n  patch: |-\n    [{\"op\": \"add\", \"path\": \"/stringData/a\", \"value\": \"hunter\"}]\n",
    );
}

#[test]
fn kinds_that_make_secrets_show_what_they_take_and_not_what_they_hold() {
    check(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: shown}\nspec:\n  encryptedData: {a: hunter}\n  template:\n    type: shown\n    \
         metadata:\n      name: shown\n      annotations: {argocd.argoproj.io/sync-wave: shown, other: hunter}\n    data: {a: hunter}\n    stringData: {a: hunter, b: 'shown {{ index . \"b\" }}'}\n",
    );
    check(
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: shown}\nspec:\n  secretStoreRef: {kind: ClusterSecretStore, name: shown}\n  target:\n    name: shown\n    template:\n      \
         engineVersion: shown\n      data: {a: '{{ .shown }}', b: hunter}\n  data:\n  - secretKey: shown\n    remoteRef: {key: shown, property: shown}\n  dataFrom:\n  - extract: {key: shown}\n",
    );
    check(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: shown}\nresources: [shown.yaml]\nsecretGenerator:\n- name: shown\n  type: shown\n  files: [shown=shown.txt]\n  envs: [shown.env]\n  \
         literals: [shown=hunter, 'shown=hunter and hunter=', hunter]\n  options: {labels: {a: shown}, annotations: {a: hunter}, immutable: true}\n  other: hunter\n- name: shown\n  literals: shown=hunter\n\
         configMapGenerator:\n- name: shown\n  literals: [a=shown, DB_PASSWORD=hunter 2, url=https://u:hunter@shown/]\n"
            .replace("literals: shown=hunter", "literals: hunter").as_str(),
    );
}

#[test]
fn keys_variables_and_options_that_name_credentials_are_masked_and_others_are_not() {
    check(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: shown}\nspec:\n  values:\n    password: hunter\n    adminPassword: \"hunter\"\n    passwords: [hunter, 'hunter 2']\n    api_key: hunter\n    \
         client-secret: >\n      hunter\n      hunter\n    secret: hunter\n    credentials: {user: shown, token: hunter}\n    existingSecret: shown\n    secretName: shown\n    tokenTTL: shown\n    keyRef: shown\n    key: shown\n    name: shown\n    \
         apiKey: ${shown}\n    token: '{{ shown }}'\n    pwd: ''\n    email: hunter@example.org\n    env:\n      DB_PASSWORD: hunter\n      DB_HOST: shown\n      list: [{name: API_TOKEN, value: hunter}, {name: HOST, value: shown}]\n    \
         secretKeyRef: {name: shown, key: shown}\n    automountServiceAccountToken: true\n    args: [--password=hunter, --user=shown, --token, hunter, --host, shown]\n",
    );
    check(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shown}\nspec:\n  template:\n    spec:\n      containers:\n      - name: shown\n        image: shown:1\n        env:\n        - name: DB_PASSWORD\n          value: hunter\n        \
         - {name: TOKEN, valueFrom: {secretKeyRef: {name: shown, key: shown}}}\n        - {name: URL, value: 'postgres://u:hunter@shown/db'}\n        command: [sh, -c, 'export PGPASSWORD=hunter; run --host=shown --api-key \"$KEY\"']\n",
    );
    check(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shown}\ndata:\n  TOKEN: hunter\n  HOST: shown\n  app.ini: |\n    [shown]\n    user = shown\n    password = hunter\n    secret: hunter\n  .env: |\n    A=shown\n    API_KEY=hunter\n  \
         config.json: |\n    {\"a\": \"shown\", \"password\": \"hunter\", \"url\": \"https://shown/?private_token=hunter&a=shown\"}\n  config.yaml: |\n    smtp:\n      host: shown\n      password: hunter\n",
    );
}

#[test]
fn what_belongs_to_a_value_goes_with_it() {
    let masked = check(&format!(
        "{SECRET}stringData: &hunter1 # hunter\n  a: &hunter2 !hunter x\n  b: *hunter2\n  c: !<tag:hunter,2000:x> 'y'\n  d: &hunter3 [a, !hunter {{b: c}}]\nother: *hunter3\n"
    ));
    assert!(masked.contains("&hidden-1") && masked.contains("*hidden-2"), "{masked}");
    check(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shown} # shown\ndata:\n  # shown\n\n  a: shown # shown\n  # hunter\n  # hunter\n  token: &hunter !hunter x # hunter\n  b: shown # shown\n  password: *hunter\n",
    );
    for text in ["{a: *hunter}", "data: {a: hunter, b: *hunter}\n", "data:\n  a: !hunter!x y\n"] {
        let file = read(&format!("{SECRET}{text}"));
        let problems = format!("{:?}", file.problems);
        assert!(!file.problems.is_empty() && !problems.contains("hunter"), "{problems}");
    }
}

#[test]
fn rules_may_be_left_out_but_for_secrets() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {password: p, url: 'https://u:t@h/', mail: a@example.org}\n";
    let masked = |rules: &Rules, text: &str| {
        let file = read_file_masking(ObjectId([0; 20]), text.as_bytes(), &Limits::default(), rules);
        String::from_utf8(file.masked().expect("manifests")).expect("UTF-8")
    };
    let none = Rules { credentials: false, urls: false, emails: false };
    assert_eq!(masked(&none, text), text);
    let urls = Rules { urls: true, ..none };
    assert_eq!(masked(&urls, text), text.replace("u:t", MASK));
    let emails = Rules { emails: true, ..none };
    assert_eq!(masked(&emails, text), text.replace("a@example.org", &format!("\"{MASK}\"")));
    let secret = format!("{SECRET}stringData: {{a: hunter}}\n");
    assert!(!masked(&none, &secret).contains("hunter"));
}

#[test]
fn names_of_secrets_in_objects_and_labels_in_queries_stay() {
    let text = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: i\n  annotations: {nginx.ingress.kubernetes.io/auth-secret: n/s}\nspec:\n  \
         tls: [{secretName: s}]\n  secret: s\n  secretKey: k\n  expr: 'sum(kube_secret_info{secret=\"s\"})'\n  args: [--token-file=/t, --password-file, /p, '--key=$(KEY)', '--token $TOKEN']\n  \
         match: {apiVersion: v1, kind: Secret, name: s}\n";
    assert_eq!(String::from_utf8(read(text).masked().expect("manifests")).expect("UTF-8"), text);
    check(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: shown}\nspec: {clientSecret: hunter, password: hunter, args: ['run --token hunter --host shown']}\n",
    );
}
