//! `kubestats bootstrap render`: what it writes is held against what Tekton's documents ask of each kind, names against what
//! they name, rights against what nobody may have; and the scripts in it are run, with what strangers may send.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn render(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubestats"));
    command.args(["bootstrap", "render"]).args(arguments).current_dir(folder.path()).output().unwrap()
}

/// Every document, as JSON.
fn documents(arguments: &[&str]) -> Vec<Value> {
    let output = render(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // None is lost between two files.
    let count = text.lines().filter(|line| line.starts_with("apiVersion:")).count();
    let found: Vec<Value> = serde_yaml::Deserializer::from_str(&text)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect();
    assert_eq!(found.len(), count);
    found
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} of {value}"))
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn names<'v>(value: &'v Value, pointer: &str) -> BTreeSet<&'v str> {
    list(value, pointer).iter().map(|entry| text(entry, "/name")).collect()
}

fn of_kind<'d>(documents: &'d [Value], kind: &str) -> Vec<&'d Value> {
    documents.iter().filter(|document| document["kind"] == kind).collect()
}

fn task<'d>(documents: &'d [Value], name: &str) -> &'d Value {
    let name = format!("reposentry-bootstrap-{name}");
    of_kind(documents, "Task").into_iter().find(|task| text(task, "/metadata/name") == name).unwrap()
}

#[test]
fn every_document_has_its_name_its_place_and_a_version_that_tekton_serves() {
    let documents = documents(&[]);
    let told: BTreeSet<(&str, &str)> =
        documents.iter().map(|document| (text(document, "/kind"), text(document, "/metadata/name"))).collect();
    assert_eq!(told.len(), documents.len(), "none stands twice");
    for wanted in [
        ("Namespace", "reposentry-system"),
        ("ServiceAccount", "reposentry-bootstrap-sa"),
        ("ClusterRole", "reposentry-bootstrap-role"),
        ("ClusterRoleBinding", "reposentry-bootstrap-binding"),
        ("Pipeline", "reposentry-bootstrap-pipeline"),
        ("TriggerTemplate", "reposentry-bootstrap-template"),
        ("TriggerBinding", "reposentry-bootstrap-binding"),
        ("Task", "reposentry-bootstrap-clone"),
        ("Task", "reposentry-bootstrap-compute-namespace"),
        ("Task", "reposentry-bootstrap-validate"),
        ("Task", "reposentry-bootstrap-ensure-namespace"),
        ("Task", "reposentry-bootstrap-apply"),
        ("Task", "reposentry-bootstrap-run"),
        ("EventListener", "reposentry-standard-eventlistener"),
    ] {
        assert!(told.contains(&wanted), "{wanted:?}");
    }
    for document in &documents {
        let version = match text(document, "/kind") {
            "Task" | "Pipeline" => "tekton.dev/v1",
            "TriggerBinding" | "TriggerTemplate" | "EventListener" => "triggers.tekton.dev/v1beta1",
            "Namespace" | "ServiceAccount" | "ResourceQuota" | "LimitRange" => "v1",
            "NetworkPolicy" => "networking.k8s.io/v1",
            "ValidatingAdmissionPolicy" | "ValidatingAdmissionPolicyBinding" => "admissionregistration.k8s.io/v1",
            "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => "rbac.authorization.k8s.io/v1",
            other => panic!("{other} is not expected"),
        };
        assert_eq!(text(document, "/apiVersion"), version);
        let of_cluster = text(document, "/kind").starts_with("Cluster")
            || text(document, "/kind").starts_with("ValidatingAdmissionPolicy")
            || document["kind"] == "Namespace";
        let namespace = document.pointer("/metadata/namespace").and_then(Value::as_str);
        assert_eq!(namespace, (!of_cluster).then_some("reposentry-system"), "{document}");
    }
    let labels = &of_kind(&documents, "Namespace")[0]["metadata"]["labels"];
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
}

#[test]
fn another_namespace_and_pipeline_stand_everywhere() {
    let documents = documents(&["--namespace", "ci", "--pipeline", "mine"]);
    let all = Value::from(documents.clone()).to_string();
    assert!(!all.contains("reposentry-system") && !all.contains("reposentry-bootstrap-pipeline"), "{all}");
    assert_eq!(text(of_kind(&documents, "Pipeline")[0], "/metadata/name"), "mine");
    assert!(all.contains("system:serviceaccount:ci:reposentry-bootstrap-sa"), "{all}");
    for wrong in ["Upper", "a_b", "-a", "", &"a".repeat(64), "a: b"] {
        let output = render(&[&format!("--namespace={wrong}"), "--pipeline=x"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("is no name in Kubernetes"), "{wrong}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubestats.yaml");
    std::fs::write(&file, "tekton: {system_namespace: of-the-file}").unwrap();
    let output = render(&["--config", file.to_str().unwrap()]);
    assert!(String::from_utf8(output.stdout).unwrap().contains("namespace: of-the-file\n"));
}

#[test]
fn nobody_may_read_secrets_or_do_all_there_is() {
    let documents = documents(&[]);
    let mut rules = 0;
    for role in documents.iter().filter(|document| text(document, "/kind").ends_with("Role")) {
        for rule in list(role, "/rules") {
            rules += 1;
            let all: Vec<&str> = ["/apiGroups", "/resources", "/verbs"]
                .iter()
                .flat_map(|part| list(rule, part).iter().map(|word| word.as_str().unwrap()))
                .collect();
            for never in ["*", "secrets", "impersonate", "escalate", "pods/exec", "delete", "update"] {
                assert!(!all.contains(&never), "{role}");
            }
            // Roles are bound by name alone.
            assert!(!all.contains(&"bind") || list(rule, "/resourceNames").len() == 1, "{role}");
        }
    }
    assert!(rules > 8, "only {rules} rules were looked at");
    for binding in documents.iter().filter(|document| text(document, "/kind").ends_with("RoleBinding")) {
        let (kind, name) = (text(binding, "/roleRef/kind"), text(binding, "/roleRef/name"));
        assert!(of_kind(&documents, kind).iter().any(|role| text(role, "/metadata/name") == name), "{binding}");
        for subject in list(binding, "/subjects") {
            let accounts = of_kind(&documents, "ServiceAccount");
            assert!(
                accounts.iter().any(|account| text(account, "/metadata/name") == text(subject, "/name")),
                "{binding}"
            );
        }
    }
}

/// The names that stand as `$(<kind>.<name>` in a value, whatever follows.
fn used(value: &Value, kind: &str) -> BTreeSet<String> {
    let text = value.to_string();
    let begin = format!("$({kind}.");
    let end = |rest: &str| rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
    text.match_indices(&begin)
        .map(|(at, _)| &text[at + begin.len()..])
        .map(|rest| rest[..end(rest)].to_owned())
        .collect()
}

fn owned(names: BTreeSet<&str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn has_only(value: &Value, allowed: &[&str]) {
    for key in value.as_object().unwrap().keys() {
        assert!(allowed.contains(&key.as_str()), "{key} is no field here: {value}");
    }
}

#[test]
fn tasks_are_whole_and_restricted_and_no_value_is_part_of_a_script() {
    let documents = documents(&[]);
    let tasks = of_kind(&documents, "Task");
    for task in &tasks {
        let spec = &task["spec"];
        has_only(spec, &["description", "params", "results", "workspaces", "stepTemplate", "steps"]);
        assert_eq!(used(spec, "params"), owned(names(spec, "/params")), "{task}");
        assert_eq!(used(spec, "results"), owned(names(spec, "/results")), "{task}");
        assert_eq!(used(spec, "workspaces"), owned(names(spec, "/workspaces")), "{task}");
        for part in list(spec, "/params").iter().chain(list(spec, "/results")) {
            has_only(part, &["name", "type", "description", "default"]);
            assert!(part["type"] == "string" && part["description"].is_string(), "{part}");
        }
        let secure = &spec["stepTemplate"]["securityContext"];
        assert_eq!(secure["runAsNonRoot"], true);
        assert_eq!(secure["allowPrivilegeEscalation"], false);
        assert_eq!(secure["capabilities"], json!({"drop": ["ALL"]}));
        assert_eq!(secure["seccompProfile"]["type"], "RuntimeDefault");
        assert!(spec["stepTemplate"]["computeResources"]["limits"]["memory"].is_string());
        for step in list(spec, "/steps") {
            has_only(step, &["name", "image", "env", "script"]);
            let script = text(step, "/script");
            assert!(script.starts_with("#!/bin/sh\n") && script.contains("\nset -eu\n"), "{script}");
            for part in ["$(params", "$(results", "$(workspaces", "$(context", "$(tt", "eval"] {
                assert!(!script.contains(part), "{part} is in {script}");
            }
            let (_, tag) = text(step, "/image").rsplit_once(':').unwrap();
            assert!(tag.split('.').count() == 3, "{tag} is no version");
            // What a script reads is what it is given.
            let given = names(step, "/env");
            assert!(given.iter().all(|name| *name == "HOME" || script.contains(&format!("${name}"))), "{step}");
        }
    }
    assert_eq!(tasks.len(), 6);
}

#[test]
fn the_pipeline_gives_its_tasks_what_they_ask_for() {
    let documents = documents(&[]);
    let spec = &of_kind(&documents, "Pipeline")[0]["spec"];
    has_only(spec, &["description", "params", "workspaces", "tasks"]);
    let params: Vec<&str> = list(spec, "/params").iter().map(|param| text(param, "/name")).collect();
    assert_eq!(params, ["repo-url", "repo-branch", "commit-sha", "repo-full-name", "tekton-path"]);
    assert_eq!((&spec["params"][1]["default"], &spec["params"][4]["default"]), (&"main".into(), &".tekton".into()));
    assert_eq!(used(spec, "params"), owned(names(spec, "/params")));
    let by_name: BTreeMap<&str, &Value> =
        list(spec, "/tasks").iter().map(|entry| (text(entry, "/name"), entry)).collect();
    assert_eq!(by_name.len(), 6);
    for (name, entry) in &by_name {
        has_only(entry, &["name", "taskRef", "params", "workspaces", "runAfter", "when"]);
        assert_eq!(text(entry, "/taskRef/name"), format!("reposentry-bootstrap-{name}"));
        let task = task(&documents, name);
        assert_eq!(names(entry, "/params"), names(task, "/spec/params"), "{name}");
        assert_eq!(names(entry, "/workspaces"), names(task, "/spec/workspaces"), "{name}");
        for workspace in list(entry, "/workspaces") {
            assert!(names(spec, "/workspaces").contains(text(workspace, "/workspace")));
        }
        for before in list(entry, "/runAfter") {
            assert!(by_name.contains_key(before.as_str().unwrap()) && before != *name, "{entry}");
        }
        for other in used(entry, "tasks") {
            let results = names(self::task(&documents, &other), "/spec/results");
            let named = entry.to_string();
            assert!(
                results.iter().any(|result| named.contains(&format!("$(tasks.{other}.results.{result})"))),
                "{entry}"
            );
        }
        for when in list(entry, "/when") {
            has_only(when, &["input", "operator", "values"]);
            assert_eq!(when["values"], json!(["apply", "trigger"]));
        }
    }
}

#[test]
fn events_of_triggers_become_runs_of_the_pipeline() {
    let documents = documents(&[]);
    let binding = &of_kind(&documents, "TriggerBinding")[0]["spec"];
    let read: BTreeMap<&str, &str> =
        list(binding, "/params").iter().map(|param| (text(param, "/name"), text(param, "/value"))).collect();
    let expected = [
        ("repo-url", "$(body.repository.url)"),
        ("repo-branch", "$(body.branch.name)"),
        ("commit-sha", "$(body.commit.sha)"),
        ("repo-full-name", "$(body.repository.full_name)"),
    ];
    assert_eq!(read, BTreeMap::from(expected));
    let all: BTreeSet<&str> = read.keys().copied().collect();
    let template = &of_kind(&documents, "TriggerTemplate")[0]["spec"];
    assert_eq!(names(template, "/params"), all);
    let run = &template["resourcetemplates"][0];
    assert_eq!((&run["apiVersion"], &run["kind"]), (&"tekton.dev/v1".into(), &"PipelineRun".into()));
    assert_eq!(run["metadata"]["generateName"], "reposentry-bootstrap-run-");
    assert_eq!(used(run, "tt"), BTreeSet::from(["params".to_owned()]));
    let pipeline = of_kind(&documents, "Pipeline")[0];
    assert_eq!(run["spec"]["pipelineRef"]["name"], pipeline["metadata"]["name"]);
    assert_eq!(names(run, "/spec/params"), all);
    assert_eq!(names(run, "/spec/workspaces"), names(pipeline, "/spec/workspaces"));
    let account = text(run, "/spec/taskRunTemplate/serviceAccountName");
    assert_eq!(account, "reposentry-bootstrap-sa");

    let listener = &of_kind(&documents, "EventListener")[0]["spec"];
    has_only(listener, &["serviceAccountName", "triggers", "resources"]);
    assert_ne!(listener["serviceAccountName"], account, "what faces the network may do less");
    let trigger = &listener["triggers"][0];
    has_only(trigger, &["name", "interceptors", "bindings", "template"]);
    assert_eq!(trigger["bindings"][0]["ref"], "reposentry-bootstrap-binding");
    assert_eq!(trigger["template"]["ref"], "reposentry-bootstrap-template");
    let filter = trigger["interceptors"][0]["params"][0]["value"].as_str().unwrap();
    assert!(filter.contains("dev.reposentry.repository.branch_updated") && !filter.contains("deleted"), "{filter}");
    assert_eq!(listener["resources"]["kubernetesResource"]["servicePort"], 8080);
}

/// A folder to run scripts in, with programs in the place of the cluster's: `kubectl` answers what `answers` says and notes
/// what it was given.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir_all(bench.path().join("bin")).unwrap();
        std::fs::create_dir_all(bench.path().join("work/source/.tekton")).unwrap();
        bench
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn program(&self, name: &str, script: &str) {
        let file = self.path().join("bin").join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs the script of a task; the end of it and what it left as its result.
    fn run(&self, task_name: &str, given: &[(&str, &str)]) -> (bool, String, String) {
        let documents = documents(&[]);
        let script = text(task(&documents, task_name), "/spec/steps/0/script").to_owned();
        let file = self.path().join("script");
        std::fs::write(&file, script).unwrap();
        let result = self.path().join("result");
        let path = format!("{}:{}", self.path().join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.arg(&file).env("PATH", path).env("HOME", self.path()).current_dir(self.path());
        command
            .env("WORKSPACE", self.path().join("work"))
            .env("RESULT", &result)
            .env("OWN_NAMESPACE", "reposentry-system");
        let output = command.envs(given.iter().copied()).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.success(), said, std::fs::read_to_string(result).unwrap_or_default())
    }

    fn has(&self, file: &str) -> bool {
        self.path().join(file).exists()
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path().join(file)).unwrap_or_default()
    }
}

/// What strangers may call a branch or a repository.
const HOSTILE: [&str; 6] = [
    "$(touch owned)",
    "`touch owned`",
    "a;touch owned",
    "x\" && touch owned && \"",
    "--upload-pack=touch owned",
    "a\ntouch owned",
];

#[test]
fn clones_take_whole_hashes_and_https_alone_and_run_nothing_of_a_name() {
    let bench = Bench::new();
    bench.program("git", "for argument do printf '<%s>' \"$argument\"; done >>git.log; echo >>git.log");
    let sha = "0123456789abcdef0123456789abcdef01234567";
    let run = |url: &str, branch: &str, sha: &str| {
        bench.run("clone", &[("REPO_URL", url), ("REPO_BRANCH", branch), ("COMMIT_SHA", sha)])
    };
    let (well, said, _) = run("https://github.com/ada/home", "main", sha);
    assert!(well || said.contains("work/source"), "{said}");
    for url in
        ["http://h/a", "file:///etc", "ext::sh -c touch% owned", "-x", "", "https://", "https://h/a b", "ssh://h/a"]
    {
        let (well, said, _) = run(url, "main", sha);
        assert!(!well && said.contains("address"), "{url}: {said}");
    }
    for wrong in ["", "main", "0123", "HEAD", &sha.replace('0', "G"), "--all", &"a".repeat(41)] {
        let (well, said, _) = run("https://h/a", "main", wrong);
        assert!(!well && said.contains("hash"), "{wrong}: {said}");
    }
    for name in HOSTILE {
        run(&format!("https://h/{}", name.replace(char::is_whitespace, "")), name, sha);
    }
    assert!(!bench.has("owned") && !bench.has("work/owned") && !bench.has("work/source/owned"));
    assert!(bench.read("git.log").contains(&format!("<refs/heads/{}>", HOSTILE[0])), "{}", bench.read("git.log"));
}

#[test]
fn namespaces_are_of_repositories_and_never_the_pipelines_own() {
    let bench = Bench::new();
    let named = |name: &str| bench.run("compute-namespace", &[("REPO_FULL_NAME", name)]);
    for (name, namespace) in [
        ("Ada/Home-Ops", "reposentry-ada-home-ops"),
        ("group/sub/lab.yaml", "reposentry-group-sub-lab-yaml"),
        ("ada/ümläut", "reposentry-ada---ml--ut"),
        ("$(touch owned)/`x`", "reposentry---touch-owned---x"),
    ] {
        let (well, said, result) = named(name);
        assert!(well, "{name}: {said}");
        assert_eq!(result, namespace, "{name}");
    }
    let (_, _, long) = named(&format!("owner/{}", "n".repeat(100)));
    assert_eq!(long.len(), 63);
    for wrong in ["system", "", "/", "---"] {
        let (well, said, _) = named(wrong);
        assert!(!well && said.contains("gets no namespace"), "{wrong}: {said}");
    }
    assert!(!bench.has("owned"));
}

/// Whether the programs are here that scripts read documents with.
fn reads_documents() -> bool {
    let all = version("jq").is_some() && version("yq").is_some();
    if !all {
        println!("skipped: jq or yq is not installed");
    }
    all
}

fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

const PIPELINE: &str = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: Build, namespace: kube-system}\nspec:\n  \
    params: [{name: git-url}, {name: other, default: x}]\n  workspaces: [{name: shared-data}, {name: cache, optional: true}]\n";

#[test]
fn documents_are_taken_that_are_tektons_and_say_what_follows() {
    if !reads_documents() {
        return;
    }
    let bench = Bench::new();
    // The image has another yq than Debian; both write one line of JSON for each document.
    if !version("yq").unwrap().contains("mikefarah") {
        let places = std::env::var("PATH").unwrap();
        let place =
            places.split(':').map(|folder| format!("{folder}/yq")).find(|file| Path::new(file).exists()).unwrap();
        bench.program("yq", &format!("shift 3; exec {place} -c . \"$@\""));
    }
    let file =
        |name: &str, text: &str| std::fs::write(bench.path().join("work/source/.tekton").join(name), text).unwrap();
    let look = || bench.run("validate", &[("TEKTON_PATH", ".tekton")]);
    assert_eq!(look().2, "skip");
    file("listener.yaml", "apiVersion: triggers.tekton.dev/v1beta1\nkind: EventListener\nmetadata: {name: el}\n");
    let (well, said, action) = look();
    assert!(well && action == "validate" && said.contains("left alone: EventListener el"), "{said}");
    file("pipeline.yml", PIPELINE);
    file("role.yaml", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\n---\n");
    assert_eq!(look().2, "apply");
    assert!(!bench.read("work/documents.json").contains("ClusterRole"));
    file("run.yaml", "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {generateName: r-}\n");
    assert_eq!(look().2, "trigger");
    file("broken.yaml", "a: [");
    assert!(look().1.contains("no YAML"));
    for wrong in ["/etc", "..", "a/../../b", ""] {
        let (well, said, _) = bench.run("validate", &[("TEKTON_PATH", wrong)]);
        assert!(!well && said.contains("within the repository"), "{wrong}: {said}");
    }
}

/// A `kubectl` that keeps what it creates and gives it back.
const KUBECTL: &str = "printf '%s\\n' \"$*\" >>kubectl.log\ncd \"$HOME\"\ncase $1 in\n  get) cat \"made/$2-$3\" 2>/dev/null || true ;;\n  \
    create) mkdir -p made; cat >made/new; name=$(jq -r '(.kind | ascii_downcase) as $kind | if $kind == \"namespace\" then \
    \"namespace-\" else $kind + \".tekton.dev-\" end + .metadata.name' made/new); mv made/new \"made/$name\" ;;\n  \
    apply) while [ $# -gt 1 ]; do shift; done; if [ \"$1\" = - ]; then cat >>applied; else cat \"$HOME/work/$1\" >>applied; fi ;;\nesac";

const RUN: [(&str, &str); 5] = [
    ("NAMESPACE", "reposentry-ada-home"),
    ("REPO_URL", "https://github.com/ada/home"),
    ("REPO_FULL_NAME", "ada/home"),
    ("REPO_BRANCH", "feature/A b$(touch owned)"),
    ("COMMIT_SHA", "0123456789abcdef0123456789abcdef01234567"),
];

#[test]
fn every_pipeline_runs_once_for_a_commit_and_again_where_it_failed() {
    if !reads_documents() {
        return;
    }
    let bench = Bench::new();
    bench.program("kubectl", KUBECTL);
    let document = |name: &str| {
        json!({"apiVersion": "tekton.dev/v1", "kind": "Pipeline", "metadata": {"name": name, "namespace": "kube-system"},
            "spec": {"params": [{"name": "git-url"}, {"name": "other"}], "workspaces": [{"name": "shared-data"}, {"name": "cache"}]}})
    };
    let both = format!("{}\n{}\n", document("Build"), document("test"));
    std::fs::write(bench.path().join("work/documents.json"), both).unwrap();
    let (well, said, _) = bench.run("apply", &RUN);
    assert!(well, "{said}");
    let applied: Value = serde_json::from_str(&bench.read("applied")).unwrap();
    assert_eq!(applied["items"].as_array().unwrap().len(), 2);
    assert_eq!(applied["items"][0]["metadata"]["namespace"], "reposentry-ada-home");

    let made = || {
        let folder = std::fs::read_dir(bench.path().join("made")).unwrap();
        let mut names: Vec<String> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let (well, said, _) = bench.run("run", &RUN);
    assert!(well, "{said}");
    let first = "pipelinerun.tekton.dev-build-gh-home-feature-a-b--touch-owned-01234";
    assert_eq!(made(), [first.to_owned(), first.replace("build", "test")]);
    let run: Value = serde_json::from_str(&bench.read(&format!("made/{first}"))).unwrap();
    assert_eq!(run["spec"]["params"], json!([{"name": "git-url", "value": "https://github.com/ada/home"}]));
    assert_eq!(names(&run, "/spec/workspaces"), BTreeSet::from(["shared-data"]));
    assert_eq!(run["metadata"]["annotations"]["reposentry.io/commit"], RUN[4].1);
    assert_eq!(run["metadata"]["annotations"]["reposentry.io/branch"], RUN[3].1);

    // Told twice: nothing more.
    assert!(bench.run("run", &RUN).1.contains("runs or ran already"));
    assert_eq!(made().len(), 2);
    // It failed, and is told again.
    let mut failed = run.clone();
    failed["status"] = json!({"conditions": [{"type": "Succeeded", "status": "False"}]});
    std::fs::write(bench.path().join("made").join(first), failed.to_string()).unwrap();
    assert!(bench.run("run", &RUN).0);
    assert_eq!(made().len(), 3);
    assert!(made().contains(&format!("{first}-2")), "{:?}", made());
    assert!(!bench.has("owned") && !bench.has("work/owned"));
}

#[test]
fn runs_that_a_repository_brings_are_made_in_its_own_namespace() {
    if !reads_documents() {
        return;
    }
    let bench = Bench::new();
    bench.program("kubectl", KUBECTL);
    let run = json!({"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": {"generateName": "lint-", "namespace": "kube-system",
        "ownerReferences": [{"name": "x"}], "labels": {"a": "b"}}, "spec": {"taskRef": {"name": "lint"}, "params": [{"name": "git-revision", "value": "main"}, {"name": "a", "value": ["b"]}]}});
    std::fs::write(bench.path().join("work/documents.json"), format!("{run}\n")).unwrap();
    let (well, said, _) = bench.run("run", &RUN);
    assert!(well, "{said}");
    let made = std::fs::read_dir(bench.path().join("made")).unwrap().next().unwrap().unwrap();
    let made: Value = serde_json::from_str(&std::fs::read_to_string(made.path()).unwrap()).unwrap();
    assert_eq!(made["metadata"]["namespace"], "reposentry-ada-home");
    assert!(made["metadata"]["ownerReferences"].is_null() && made["metadata"]["labels"]["a"] == "b", "{made}");
    assert!(made["metadata"]["name"].as_str().unwrap().starts_with("lint-"), "{made}");
    let params = json!([{"name": "git-revision", "value": RUN[4].1}, {"name": "a", "value": ["b"]}]);
    assert_eq!(made["spec"]["params"], params);
}

#[test]
fn a_namespace_is_of_the_repository_that_came_first() {
    if !reads_documents() {
        return;
    }
    let bench = Bench::new();
    bench.program("kubectl", KUBECTL);
    let given = |repository: &'static str| [("NAMESPACE", "reposentry-a-b-c"), ("REPO_FULL_NAME", repository)];
    let (well, said, _) = bench.run("ensure-namespace", &given("a/b-c"));
    assert!(well, "{said}");
    let made: Value = serde_json::from_str(&bench.read("made/namespace-reposentry-a-b-c")).unwrap();
    assert_eq!(made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    let applied: Value = serde_json::from_str(&bench.read("applied")).unwrap();
    let kinds: Vec<&str> = list(&applied, "/items").iter().map(|item| text(item, "/kind")).collect();
    assert_eq!(kinds, ["ResourceQuota", "LimitRange", "NetworkPolicy"]);
    let (well, said, _) = bench.run("ensure-namespace", &given("a-b/c"));
    assert!(!well && said.contains("is of \"a/b-c\""), "{said}");
    assert!(bench.run("ensure-namespace", &given("a/b-c")).0);
}
