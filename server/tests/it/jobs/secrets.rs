//! Marked values in every place where people put secrets, scanned as jobs do, and then looked for wherever anything is
//! kept, shown or said. What contains `hunter` must be nowhere; what contains `visible` must be readable.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use entity::kind::SyncStatus;
use sea_orm::Statement;
use serde_json::json;
use store::{
    db::{ConnectionTrait as _, Db, DbSettings, Engine, text},
    repositories,
};

use super::{
    processes::PATIENCE,
    repository::{Bench, Origins},
};
use crate::support::{TestApp, on_each_engine};

const MARK: &str = "hunter";

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
fn planted() -> Origins {
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
fn visible() -> BTreeSet<String> {
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

fn assert_unmarked(what: &str, text: &str) {
    if let Some(at) = text.find(MARK) {
        let from = text[..at].char_indices().rev().nth(100).map_or(0, |(at, _)| at);
        panic!("{what} tells a secret: {}", text[from..].chars().take(200).collect::<String>());
    }
}

/// Everything in every table, texts unpacked.
async fn dump(db: &Db) -> String {
    let ask = async |sql: &str| {
        let statement = Statement::from_string(db.read.get_database_backend(), sql.to_owned());
        db.read.query_all_raw(statement).await.unwrap()
    };
    let tables = match db.engine {
        Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
        Engine::Postgres => "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
    };
    let mut all = String::new();
    for table in ask(tables).await {
        let table: String = table.try_get_by_index(0).unwrap();
        let columns = match db.engine {
            Engine::Sqlite => format!("SELECT name FROM pragma_table_info('{table}')"),
            Engine::Postgres => {
                format!("SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}'")
            }
        };
        for column in ask(&columns).await {
            let column: String = column.try_get_by_index(0).unwrap();
            for row in ask(&format!("SELECT COALESCE(CAST(\"{column}\" AS TEXT), '') FROM \"{table}\"")).await {
                // What is no text in SQLite's eyes is looked at below.
                all.push_str(&row.try_get_by_index::<String>(0).unwrap_or_default());
                all.push('\n');
            }
        }
    }
    for row in ask("SELECT dictionary, compressed, size FROM manifest").await {
        let dictionary: i16 = row.try_get_by_index(0).unwrap();
        let packed: Vec<u8> = row.try_get_by_index(1).unwrap();
        let unpacked = text::decompress(dictionary, &packed, row.try_get_by_index(2).unwrap()).unwrap();
        all.push_str(std::str::from_utf8(&unpacked).unwrap());
    }
    all
}

/// Every page that links lead to.
async fn crawl(app: &TestApp) -> usize {
    let starts = ["/", "/repositories", "/resources", "/ecosystem", "/tasks"];
    let mut waiting: Vec<String> = starts.map(str::to_owned).to_vec();
    let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut read = 0;
    while let Some(path) = waiting.pop() {
        let mut page = app.get_with(&path, &[(header::ACCEPT, "text/html")]).await;
        // A busy machine answers some pages too late.
        for _ in 0..5 {
            if page.status == StatusCode::SERVICE_UNAVAILABLE {
                page = app.get_with(&path, &[(header::ACCEPT, "text/html")]).await;
            }
        }
        assert!(!page.status.is_server_error(), "{path}: {}", page.status);
        let text = page.text();
        assert_unmarked(&path, &text);
        read += 1;
        for link in text.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(link, _)| link) {
            let link = link.replace("&amp;", "&");
            let is_page = link.starts_with('/')
                && !link.starts_with("//")
                && !link.contains("/pkg/")
                && !link.starts_with("/docs");
            // Sorting and paging show the same again.
            let is_new = is_page && !link.contains("sort=") && seen.len() < 600 && seen.insert(link.clone());
            waiting.extend(is_new.then_some(link));
        }
    }
    read
}

/// What programs are told of everything that was found.
async fn rest(app: &TestApp, repository: uuid::Uuid) -> String {
    let mut told = String::new();
    let mut ask = async |path: String| {
        let answer = app.get(&path).await;
        let text = answer.text();
        assert!(answer.status.is_success(), "{path}: {text}");
        assert_unmarked(&path, &text);
        told.push_str(&text);
        answer
    };
    for part in ["", "/events?limit=500", "/resources?limit=500", "/problems?limit=500", "/charts", "/images"] {
        ask(format!("/api/v1/repositories/{repository}{part}")).await;
    }
    ask("/api/v1/jobs?limit=100".to_owned()).await;
    let resources = ask("/api/v1/kubernetes/resources?limit=500".to_owned()).await;
    for id in resources.column("id") {
        ask(format!("/api/v1/resources/{id}")).await;
        ask(format!("/api/v1/resources/{id}/manifest")).await;
        ask(format!("/api/v1/resources/{id}/diff")).await;
        ask(format!("/api/v1/resources/{id}/versions")).await;
    }
    told
}

#[tokio::test]
async fn no_secret_is_kept_or_shown_and_what_is_none_stays_readable() {
    let origin = planted();
    on_each_engine(async |app| {
        let db = &app.state.db;
        let bench = Bench::new(db);
        let mut news = bench.deps.queue.bus().subscribe();
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;
        assert_unmarked("the database", &dump(db).await);
        let mut stream = String::new();
        while let Ok(live) = news.try_recv() {
            stream.push_str(&serde_json::to_string(&live).unwrap());
        }
        assert!(stream.contains(&repository.to_string()), "the stream tells of the scan: {stream}");
        assert_unmarked("the stream", &stream);
        let told = rest(app, repository).await;
        for value in visible() {
            assert!(told.contains(&value), "{value} is not shown");
        }
        assert!(crawl(app).await > 100, "pages lead to pages");
        // That they changed is told, by name.
        let events = app.get(&format!("/api/v1/repositories/{repository}/events?limit=500")).await.json();
        let modified: BTreeSet<String> = events["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["event_type"] == "MODIFIED")
            .map(|event| event["resource_name"].as_str().unwrap_or_default().to_owned())
            .collect();
        for name in
            ["visible02", "visible05", "visible10", "visible16", "visible21", "visible28", "visible50", "visible58"]
        {
            assert!(modified.contains(name), "{name} in {modified:?}");
        }
        for event in events["data"].as_array().unwrap().iter().filter(|event| event["event_type"] == "MODIFIED") {
            assert!(event["changes_total"].as_i64().unwrap() > 0, "{event}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_other_rules_stored_is_taken_anew() {
    let origin = planted();
    on_each_engine(async |app| {
        let db = &app.state.db;
        let mut bench = Bench::new(db);
        let repository = bench.pin(&origin.path()).await;
        let strict = bench.deps.mask;
        bench.deps.mask = scan::mask::Rules { credentials: false, urls: false, emails: false };
        bench.bring_up_to_date(repository).await;
        let shown = dump(db).await;
        // Secrets are masked whatever the configuration says; the rest is shown to those who want it.
        assert!(shown.contains("hunter44") && shown.contains("hunter53") && shown.contains("hunter46@"));
        assert!(!shown.contains("hunter05") && !shown.contains("hunter51") && !shown.contains("hunter62"));
        let before = bench.rows().await.len();
        bench.deps.mask = strict;
        assert!(bench.sync(repository).await.unwrap().contains("to be scanned"), "the remote has nothing new");
        bench.scan(repository).await.unwrap();
        assert_unmarked("the database", &dump(db).await);
        assert_eq!(bench.rows().await.len(), before);
        assert!(bench.sync(repository).await.unwrap().contains("nothing new"));
    })
    .await;
}

#[tokio::test]
async fn credentials_in_added_addresses_are_neither_kept_nor_told() {
    on_each_engine(async |app| {
        let urls = [
            "https://user:hunter@140.82.121.3/a/b",
            "https://hunter@140.82.121.3/a/b",
            "https://140.82.121.3/a/b?private_token=hunter",
            "https://140.82.121.3/a/b#access_token=hunter",
            "user:hunter@140.82.121.3/a/b",
            "hunter:x-oauth-basic@140.82.121.3:a/b.git",
            "https:/user:hunter@140.82.121.3/a/b",
            "ssh://git:hunter@140.82.121.3/a/b",
            "ftp://user:hunter@140.82.121.3/a/b",
            "140.82.121.3/a/b?token=hunter",
        ];
        let body = json!({ "urls": urls }).to_string();
        let request = Request::post("/api/v1/repositories/").header(header::CONTENT_TYPE, "application/json");
        let answer = app.send(request.body(Body::from(body)).unwrap()).await;
        assert_unmarked("REST", &answer.text());
        for added in answer.json()["data"].as_array().unwrap() {
            assert_eq!(added["added"], false, "{added}");
            assert!(added["refused"].as_str().unwrap().contains("token:"), "{added}");
        }
        let form: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("urls", &urls.join("\n")).finish();
        let request = Request::post("/ui/add").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = app.send(request.header(header::ACCEPT, "text/html").body(Body::from(form)).unwrap()).await;
        assert!(answer.status.is_redirection(), "{}: {}", answer.status, answer.text());
        assert_unmarked("the form's answer", &format!("{:?}{}", answer.headers, answer.text()));
        let page = app.get(answer.header("location").trim_start_matches("http://localhost")).await;
        assert_unmarked("the outcome's page", &page.text());
        let kept = dump(&app.state.db).await;
        assert_unmarked("the database", &kept);
        assert!(kept.contains("140.82.121.3"), "the outcome is kept");
    })
    .await;
}

/// A process that ends with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_program_says_no_secret_at_any_level_and_leaves_none_in_its_files() {
    let origin = planted();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let text = format!(
        "app: {{data_dir: {}, listen: '127.0.0.1:0', log_level: 'trace,server=trace', samples: never}}\nsecurity: {{allow_local_repositories: true}}\n\
         repositories: [{{url: {}, name: ada/cluster}}]\n",
        data.display(),
        origin.path().display()
    );
    fs::write(folder.path().join("kubestats.yaml"), text).unwrap();
    let log = fs::File::create(folder.path().join("log")).unwrap();
    let served = Command::new(env!("CARGO_BIN_EXE_kubestats"))
        .args(["serve", "--config"])
        .arg(folder.path().join("kubestats.yaml"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let served = Served(served);
    let url = format!("sqlite://{}", data.join("kubestats.db").display());
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < PATIENCE, "{}", fs::read_to_string(folder.path().join("log")).unwrap());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let Ok(db) = Db::connect(&DbSettings::new(&url)).await else { continue };
        let targets = repositories::list_sync_targets(&db.read).await.unwrap_or_default();
        let done = targets.iter().any(|target| target.scanned.is_some() && target.scan_status == SyncStatus::Success);
        db.close().await.unwrap();
        if done {
            break;
        }
    }
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let (_, address) = log.split_once("serving http://").expect("it says where it serves");
    let address: String = address.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
    let answer = post(
        &address,
        r#"{"urls": ["https://u:hunter@140.82.121.3/a/b", "https://140.82.121.3/a/b?private_token=hunter"]}"#,
    );
    assert!(answer.contains("credentials"), "{answer}");
    assert_unmarked("the answer", &answer);
    drop(served);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.lines().count() > 10, "little is said at the most talkative level: {log}");
    assert_unmarked("the log", &log);
    for path in fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(MARK.len()).any(|part| part == MARK.as_bytes()), "{}", path.display());
    }
    for arguments in
        [&["scan", "--format", "json"][..], &["scan"], &["history", "--events"], &["history", "--format", "json"]]
    {
        let (out, error) = said(arguments, &origin.path());
        assert_unmarked(arguments[0], &out);
        assert_unmarked(arguments[0], &error);
    }
    // Not even in an error about the address itself.
    for address in
        ["https://user:hunter@127.0.0.1:1/a/b", "https://127.0.0.1:1/a/b?private_token=hunter", "user:hunter@nowhere"]
    {
        for command in ["scan", "history"] {
            let (out, error) = said(&[command], Path::new(address));
            assert!(!error.is_empty());
            assert_unmarked(command, &format!("{out}{error}"));
        }
    }
}

fn post(address: &str, body: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/repositories/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn said(arguments: &[&str], source: &Path) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kubestats")).args(arguments).arg(source).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
