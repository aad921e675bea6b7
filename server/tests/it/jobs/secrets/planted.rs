//! What is planted: one file for each form in which people write secrets.

use std::collections::BTreeSet;

use super::super::repository::Origins;

pub const MARK: &str = "hunter";

/// One file for each form. A file that is no YAML tells no document and must tell no value either.
const FILES: &[(&str, &str)] = &[
    (
        "secret.yaml",
        "# hunter01\napiVersion: v1\nkind: Secret\ntype: visible01\nmetadata:\n  name: visible02\n  labels: {app: visible03}\n  annotations:\n    \
         argocd.argoproj.io/sync-wave: visible04\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {\"data\": {\"a\": \"hunter02\"}}\n    \
         openshift.io/token-secret.value: hunter03\n    example.org/note: hunter04\ndata:\n  plain: hunter05 # hunter06\n  block: |\n    hunter07\n    \
         hunter08\n  list: [hunter09, {deep: hunter10}]\nunknown: hunter11\nspec: {a: hunter12}\n",
    ),
    (
        "typos.yaml",
        "apiVersion: v1\nkind: secret\nmetadata: {name: visible05}\nstringdata: {a: hunter13}\nData: {a: hunter14}\n---\napiVersion: v1\nkind: SECRET\nmetadata: {name: visible06}\ndate: {a: hunter15}\nStringData: hunter16\n---\nkind: Secret\nmetadata: {name: no-version}\ndata: {a: hunter17}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: visible07, data: {a: hunter18}}\n",
    ),
    (
        "properties.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: visible08}\ndata: &hunter19\n  a: !hunter20 hunter21\n  b: &hunter22 hunter23\n  c: *hunter22\nstringData: *hunter19\n",
    ),
    ("broken-alias.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: broken}\ndata: {a: *hunter24}\n"),
    (
        "broken-twice.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: visible09}\ndata: {a: hunter25, a: hunter26}\n",
    ),
    ("broken-tag.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: broken}\ndata: {a: !hunter!27 hunter28}\n"),
    ("broken-flow.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: broken}\ndata: {a: [hunter29, \"hunter30}\n"),
    (
        "list.yaml",
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: visible10}, data: {a: hunter31}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: visible11}, data: {a: visible12}}\n",
    ),
    (
        "template.yaml",
        "apiVersion: template.openshift.io/v1\nkind: Template\nmetadata: {name: visible13}\nobjects:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: visible14}\n  stringData: {a: hunter32}\nparameters:\n- {name: DB_PASSWORD, value: hunter33}\n- {name: SIZE, value: visible15}\n",
    ),
    (
        "sealed.yaml",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: visible16}\nspec:\n  encryptedData: {a: hunter34}\n  template:\n    data: {a: hunter35}\n    stringData: {a: hunter36}\n",
    ),
    (
        "external.yaml",
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: visible17}\nspec:\n  target:\n    template:\n      data: {a: hunter37, b: '{{ .visible18 }}'}\n  data: [{secretKey: visible19, remoteRef: {key: visible20}}]\n",
    ),
    (
        "kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: visible21}\nsecretGenerator:\n- name: visible22\n  literals: [visible23=hunter38]\n  options: {annotations: {a: hunter39}}\nconfigMapGenerator:\n- name: visible24\n  literals: [TOKEN=hunter40, a=visible25]\npatches:\n- target: {kind: Secret}\n  patch: |-\n    - op: replace\n      path: /data/a\n      value: hunter41\n- patch: |-\n    apiVersion: v1\n    kind: Secret\n    metadata: {name: visible26}\n    stringData:\n      a: hunter42\npatchesStrategicMerge:\n- |-\n  kind: Secret\n  metadata: {name: visible27}\n  data: {a: hunter43}\n",
    ),
    (
        "release.yaml",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: visible28}\nspec:\n  chart: {spec: {chart: visible29, version: 1.0.0, sourceRef: {kind: HelmRepository, name: charts}}}\n  valuesFrom: [{kind: Secret, name: visible30, valuesKey: visible31}]\n  values:\n    image: {repository: visible32, tag: visible33}\n    adminPassword: hunter44 # hunter45\n    existingSecret: visible34\n    secretName: visible35\n    tokenTTL: visible36\n    api_key: '{{ visible37 }}'\n    mail: hunter46@example.org\n    env: [{name: DB_PASSWORD, value: hunter47}, {name: DB_HOST, value: visible38}]\n    args: [--password=hunter48, --token, hunter49, --host=visible39]\n    database: postgres://visible:hunter50@visible40/db\n    extraObjects:\n    - apiVersion: v1\n      kind: Secret\n      metadata: {name: visible41}\n      stringData: {image: 'hunter51:1', repository: hunter52}\n",
    ),
    (
        "application.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: visible42}\nspec:\n  source:\n    repoURL: https://u:hunter53@visible43.example.org/charts\n    chart: visible44\n    targetRevision: 1.0.0\n    helm:\n      values: |\n        replicas: visible45\n        password: hunter54\n        extra:\n        - kind: Secret\n          metadata: {name: visible46}\n          data: {a: hunter55}\n      parameters: [{name: auth.password, value: hunter56}, {name: a.b, value: visible47}]\n",
    ),
    (
        "source.yaml",
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts}\nspec:\n  url: https://hunter57@visible48.example.org/?private_token=hunter58&a=visible49\n",
    ),
    (
        "config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: visible50}\ndata:\n  DB_PASSWORD: hunter59\n  HOST: visible51\n  app.ini: |\n    user = visible52\n    password = hunter60\n  config.json: '{\"token\": \"hunter61\", \"a\": \"visible53\"}'\n  objects.yaml: |\n    a: visible54\n    ---\n    apiVersion: v1\n    kind: Secret\n    metadata: {name: visible55}\n    data: {a: hunter62}\n",
    ),
    (
        "sops.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: visible56}\ndata: {a: 'ENC[AES256_GCM,data:hunter63]', b: visible57}\nsops: {mac: 'ENC[hunter64]', version: 3.9.0}\n",
    ),
    (
        "deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: visible58}\nspec:\n  template:\n    spec:\n      containers:\n      - name: visible59\n        image: visible60:1\n        env: [{name: API_TOKEN, value: hunter65}]\n        command: [sh, -c, 'PGPASSWORD=hunter66 psql visible61']\n      volumes: [{name: a, secret: {secretName: visible62}}]\n",
    ),
];

/// A repository whose second commit changes every secret, and whose third takes half of the files away.
pub fn planted() -> Origins {
    let origin = Origins::new();
    let plain: Vec<_> = FILES.iter().map(|(path, text)| (*path, Some(*text))).collect();
    origin.commit("plain", &plain);
    let other: Vec<_> = FILES.iter().map(|(path, text)| (*path, text.replace(MARK, "hunter-changed-"))).collect();
    let other: Vec<_> = other.iter().map(|(path, text)| (*path, Some(text.as_str()))).collect();
    origin.commit("changed", &other);
    let gone: Vec<_> = FILES.iter().step_by(2).map(|(path, _)| (*path, None)).collect();
    origin.commit("gone", &gone);
    origin.commit("back", &plain);
    origin
}

/// Numbers of the marked values, so that a new one cannot be forgotten.
pub fn visible() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, text) in FILES {
        for (at, word) in text.match_indices("visible") {
            let number: String = text[at + word.len()..].chars().take_while(char::is_ascii_digit).collect();
            if !number.is_empty() {
                found.insert(format!("{word}{number}"));
            }
        }
    }
    found
}
