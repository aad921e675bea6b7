//! `.tekton/` as commits bring it.

use entity::kind::TektonAction;
use entity::view::{Condition, TektonFound};
use triggers::{CompiledCondition, EventFacts, MAX_BYTES, MAX_FILE_BYTES, MAX_FILES, detect_tekton};

use crate::telling;

fn detect(files: &[(&str, &str)]) -> TektonFound {
    let has_directory = files.iter().any(|(path, _)| path.starts_with(".tekton/"));
    detect_tekton(has_directory, files.iter().map(|(path, text)| (*path, text.as_bytes())))
}

/// An event as conditions ask for it.
fn facts() -> EventFacts<'static> {
    let told = telling();
    EventFacts {
        repository_full_name: told.repository_full_name,
        repository_url: told.repository_url,
        provider: told.provider,
        branch: told.branch,
        kind: told.kind,
        old_commit: told.old_commit,
        new_commit: told.new_commit,
        is_forced: told.is_forced,
        paths: None,
        tekton: None,
    }
}

const TASK: &str =
    "apiVersion: tekton.dev/v1\nkind: Task\nmetadata:\n  name: build\nspec:\n  steps:\n    - name: a\n      image: b\n";
const PIPELINE: &str = "\
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: all}
spec:
  tasks:
    - {name: one, taskRef: {name: build}}
    - {name: two, taskRef: {resolver: hub, params: [{name: kind, value: task}, {name: name, value: git-clone}]}}
    - name: three
      taskSpec:
        steps:
          - name: s
            env: [{name: A, valueFrom: {secretKeyRef: {name: token, key: a}}}]
  finally:
    - {name: last, taskRef: {name: report, kind: ClusterTask}}
";
const RUN: &str = "\
apiVersion: tekton.dev/v1beta1
kind: PipelineRun
metadata: {generateName: go-}
spec:
  pipelineRef: {name: all}
  serviceAccountName: builder
  workspaces:
    - {name: a, secret: {secretName: ssh}}
    - {name: b, configMap: {name: settings}}
    - {name: c, persistentVolumeClaim: {claimName: $(params.claim)}}
    - {name: d, persistentVolumeClaim: {claimName: data}}
";

#[test]
fn a_commit_without_the_folder_is_skipped_and_no_error() {
    let found = detect(&[("readme.md", "x"), ("tekton/a.yaml", TASK), ("sub/.tekton/a.yaml", TASK)]);
    assert!(!found.has_directory);
    assert_eq!((found.total_files, found.estimated_action), (0, TektonAction::Skip));
    assert_eq!(found.reasons, ["the commit has no .tekton/"]);
    assert!(found.errors.is_empty() && found.warnings.is_empty());
}

#[test]
fn a_folder_of_which_nothing_can_be_read_is_there_all_the_same() {
    for found in [detect_tekton(true, []), detect(&[(".tekton/README.md", "x")])] {
        assert!(found.has_directory);
        assert_eq!((found.total_files, found.estimated_action), (0, TektonAction::Skip));
        assert_eq!(found.reasons, ["nothing in .tekton/ is a resource of Tekton that can be used"]);
        let condition = Condition { tekton: Some(true), ..Condition::default() };
        let told = EventFacts { tekton: Some(&found), ..facts() };
        let judged = CompiledCondition::new(&condition).unwrap().judge(&told);
        assert_eq!(judged.clauses[0].why, "asked for Tekton's resources; nothing in .tekton/ can be used");
    }
}

#[test]
fn actions_follow_from_the_kinds_as_in_the_contract() {
    let binding = "apiVersion: triggers.tekton.dev/v1beta1\nkind: TriggerBinding\nmetadata: {name: b}\nspec: {params: [{name: a, value: b}]}\n";
    let action = |files: &[(&str, &str)]| detect(files).estimated_action;
    assert_eq!(action(&[(".tekton/a.yaml", TASK), (".tekton/b.yml", RUN)]), TektonAction::Trigger);
    assert_eq!(action(&[(".tekton/a.yaml", TASK), (".tekton/b.yaml", binding)]), TektonAction::Apply);
    assert_eq!(action(&[(".tekton/deep/a.YAML", PIPELINE)]), TektonAction::Apply);
    assert_eq!(action(&[(".tekton/a.yaml", binding)]), TektonAction::Validate);
    assert_eq!(action(&[(".tekton/a.txt", TASK)]), TektonAction::Skip);
    assert_eq!(action(&[(".tekton/a.yaml", "kind: ConfigMap\napiVersion: v1\n")]), TektonAction::Skip);
    assert_eq!(action(&[(".tekton/a.yaml", &TASK.replace("/v1\n", "/v1alpha1\n"))]), TektonAction::Skip);
}

#[test]
fn resources_are_named_with_their_place_and_what_they_refer_to() {
    let text = format!("---\n# all of it\n{PIPELINE}---\n---\n{RUN}");
    let found = detect(&[(".tekton/all.yaml", &text)]);
    assert_eq!((found.total_files, found.valid_files), (1, 1));
    assert_eq!(found.errors, [""; 0]);
    let [pipeline, run] = found.resources.as_slice() else { panic!("{:?}", found.resources) };
    assert_eq!((pipeline.kind.as_str(), pipeline.name.as_str(), pipeline.index), ("Pipeline", "all", 0));
    assert!(pipeline.is_valid, "{:?}", pipeline.errors);
    assert_eq!(pipeline.dependencies, ["ClusterTask/report", "Secret/token", "Task/build", "Task/git-clone (hub)"]);
    assert_eq!((run.kind.as_str(), run.name.as_str(), run.index), ("PipelineRun", "go-", 2));
    assert!(run.is_valid, "{:?}", run.errors);
    let expected =
        ["ConfigMap/settings", "PersistentVolumeClaim/data", "Pipeline/all", "Secret/ssh", "ServiceAccount/builder"];
    assert_eq!(run.dependencies, expected);
}

#[test]
fn triggers_refer_to_bindings_templates_and_what_these_make() {
    let text = "\
apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata: {name: listen, namespace: ci}
spec:
  serviceAccountName: sa
  triggers:
    - bindings: [{ref: b}, {ref: c, kind: ClusterTriggerBinding}, {name: x, value: y}]
      template: {ref: t}
      interceptors:
        - ref: {name: github}
          params: [{name: secretRef, value: {secretName: hook, secretKey: k}}]
    - triggerRef: other
---
apiVersion: triggers.tekton.dev/v1alpha1
kind: TriggerTemplate
metadata: {name: t}
spec:
  resourcetemplates:
    - apiVersion: tekton.dev/v1
      kind: TaskRun
      metadata: {generateName: r-}
      spec: {taskRef: {name: build}}
";
    let found = detect(&[(".tekton/a.yaml", text)]);
    let [listener, template] = found.resources.as_slice() else { panic!("{:?}", found.resources) };
    assert_eq!(listener.namespace.as_deref(), Some("ci"));
    assert_eq!(
        listener.dependencies,
        [
            "ClusterInterceptor/github",
            "ClusterTriggerBinding/c",
            "Secret/hook",
            "ServiceAccount/sa",
            "Trigger/other",
            "TriggerBinding/b",
            "TriggerTemplate/t",
        ]
    );
    assert_eq!(template.dependencies, ["Task/build"]);
    assert!(listener.is_valid && template.is_valid, "{listener:?} {template:?}");
}

#[test]
fn what_cannot_be_used_says_why() {
    for (text, expected) in [
        ("apiVersion: tekton.dev/v1\nkind: Task\nspec: {steps: [{name: a}]}\n", "has no metadata.name"),
        (
            "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {generateName: a-}\nspec: {steps: [{name: a}]}\n",
            "has no metadata.name",
        ),
        ("apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: a}\n", "has no spec"),
        ("apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: a}\nspec: {steps: []}\n", "spec.steps has no step"),
        ("apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: a}\nspec: {}\n", "spec.tasks has no task"),
        (
            "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: a}\nspec: {pipelineRef: {}}\n",
            "neither a pipelineSpec",
        ),
        ("apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {name: a}\nspec: {}\n", "neither a taskSpec"),
        (
            "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: A_b}\nspec: {steps: [{name: a}]}\n",
            "is no name: lower case",
        ),
        (
            "apiVersion: tekton.dev/v1alpha1\nkind: Task\nmetadata: {name: a}\nspec: {steps: [{name: a}]}\n",
            "apiVersion tekton.dev/v1alpha1 has no Task that can be used; write tekton.dev/v1",
        ),
        (
            "apiVersion: triggers.tekton.dev/v1\nkind: Trigger\nmetadata: {name: a}\nspec: {template: {ref: a}}\n",
            "write triggers.tekton.dev/v1beta1",
        ),
    ] {
        let found = detect(&[(".tekton/a.yaml", text)]);
        let [resource] = found.resources.as_slice() else { panic!("{text}: {found:?}") };
        assert!(!resource.is_valid, "{text}");
        assert!(resource.errors.iter().any(|error| error.contains(expected)), "{text}: {:?}", resource.errors);
        assert!(found.reasons.last().unwrap().contains("cannot be used"), "{:?}", found.reasons);
    }
}

#[test]
fn a_broken_file_hides_no_other() {
    let large = format!("# {}\n{TASK}", "x".repeat(MAX_FILE_BYTES));
    let found = detect(&[
        (".tekton/broken.yaml", "a: [\n"),
        (".tekton/large.yaml", &large),
        (
            ".tekton/other.yaml",
            "apiVersion: tekton.dev/v1\nkind: StepAction\nmetadata: {name: a}\n---\nfoo: bar\n---\n",
        ),
        (".tekton/task.yaml", TASK),
    ]);
    assert_eq!((found.total_files, found.valid_files, found.resources.len()), (4, 2, 1));
    assert!(found.errors[0].starts_with(".tekton/broken.yaml, line "), "{:?}", found.errors);
    assert!(found.errors[1].contains("more than the limit of 1048576"), "{:?}", found.errors);
    let [passed_over, unnamed] = found.warnings.as_slice() else { panic!("{:?}", found.warnings) };
    assert_eq!(passed_over, ".tekton/other.yaml, line 1: StepAction of tekton.dev/v1 is passed over");
    assert!(unnamed.ends_with(": has no apiVersion or no kind, and is passed over"), "{unnamed}");
    assert_eq!(found.estimated_action, TektonAction::Apply);
}

#[test]
fn a_mark_within_a_text_begins_no_document() {
    let text = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: a}\nspec:\n  steps:\n    - name: b\n      script: |\n        echo ---\n        cat <<E\n        --- \n        E\n";
    let found = detect(&[(".tekton/a.yaml", text)]);
    assert_eq!((found.resources.len(), found.valid_files), (1, 1), "{found:?}");
    assert!(found.resources[0].is_valid);
}

#[test]
fn how_much_is_read_and_said_is_bounded() {
    let file = format!(
        "{TASK}---
"
    )
    .repeat(600);
    let paths: Vec<String> = (0..1_100).map(|n| format!(".tekton/{n}.yaml")).collect();
    let found = detect_tekton(true, paths.iter().map(|path| (path.as_str(), "a: [\n".as_bytes())));
    assert_eq!((found.total_files as usize, found.errors.len(), found.warnings.len()), (MAX_FILES, 50, 1));
    let found = detect(&[(".tekton/a.yaml", &file)]);
    assert_eq!((found.resources.len(), found.warnings.len()), (200, 1));
    let megabyte = format!("# {}\n", "x".repeat(MAX_FILE_BYTES - 100));
    let found = detect_tekton(true, paths.iter().map(|path| (path.as_str(), megabyte.as_bytes())));
    // The last of them is counted and not read.
    assert_eq!(
        (found.total_files as usize, found.valid_files as usize),
        (MAX_BYTES / megabyte.len() + 1, MAX_BYTES / megabyte.len())
    );
    assert_eq!(found.warnings, ["only the first 16 MiB of .tekton/ are read"]);
    let refers: Vec<String> = (0..500).map(|n| format!("{{name: t{n}, taskRef: {{name: n{n}}}}}")).collect();
    let pipeline = format!(
        "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{name: a}}\nspec: {{tasks: [{}]}}\n",
        refers.join(", ")
    );
    assert_eq!(detect(&[(".tekton/a.yaml", &pipeline)]).resources[0].dependencies.len(), 100);
}
