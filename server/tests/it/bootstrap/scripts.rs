//! The scripts of the tasks, run with what strangers may send.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{documents, list, names, task, text};

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
const KUBECTL: &str = r#"printf '%s\n' "$*" >>kubectl.log
cd "$HOME"
case $1 in
  get)
    cat "made/$2-$3" 2>/dev/null || true ;;
  create)
    mkdir -p made
    cat >made/new
    name=$(jq -r '(.kind | ascii_downcase) as $kind
      | if $kind == "namespace" then "namespace-" else $kind + ".tekton.dev-" end + .metadata.name' made/new)
    mv made/new "made/$name" ;;
  apply)
    while [ $# -gt 1 ]; do shift; done
    if [ "$1" = - ]; then cat >>applied; else cat "work/$1" >>applied; fi ;;
esac"#;

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
