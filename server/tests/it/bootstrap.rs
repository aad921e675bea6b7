//! `kubestats bootstrap render`: what it writes is held against what Tekton's documents ask of each kind, names against what
//! they name, rights against what nobody may have.

mod scripts;

use std::collections::{BTreeMap, BTreeSet};
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
