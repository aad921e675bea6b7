//! What Tekton's resources refer to by name: tasks, pipelines, accounts, secrets, configuration, volumes, triggers' parts.

use std::collections::BTreeSet;

use yaml::Node;

use super::text_at;
use crate::text::cut;

/// References of one resource that are kept.
const MAX: usize = 100;
/// Longest reference.
const MAX_CHARS: usize = 300;

/// `Kind/name` of each, sorted; what another place serves is named with it, such as `Task/git-clone (hub)`.
pub(super) fn dependencies(root: Node<'_>, kind: &str) -> Vec<String> {
    let mut found = Found::default();
    if let Some(spec) = root.get("spec") {
        found.spec(spec, kind, 0);
    }
    found.0.into_iter().collect()
}

#[derive(Default)]
struct Found(BTreeSet<String>);

impl Found {
    fn add(&mut self, kind: &str, name: Option<&str>) {
        // Names that parameters fill in are known when it runs.
        if let Some(name) = name.filter(|name| !name.contains("$(") && self.0.len() < MAX) {
            self.0.insert(cut(&format!("{kind}/{name}"), MAX_CHARS));
        }
    }

    fn spec(&mut self, spec: Node<'_>, kind: &str, depth: usize) {
        match kind {
            "Pipeline" => self.pipeline(spec),
            "Task" => self.task(spec),
            "PipelineRun" => {
                self.reference(spec.get("pipelineRef"), "Pipeline");
                each(spec.get("pipelineSpec"), |inner| self.pipeline(inner));
                self.run(spec);
            }
            "TaskRun" => {
                self.reference(spec.get("taskRef"), "Task");
                each(spec.get("taskSpec"), |inner| self.task(inner));
                self.run(spec);
            }
            "Trigger" => self.trigger(spec),
            "EventListener" => {
                self.account(spec);
                for trigger in items(spec, "triggers") {
                    self.trigger(trigger);
                }
                for group in items(spec, "triggerGroups") {
                    self.interceptors(group);
                }
            }
            "TriggerTemplate" if depth == 0 => {
                for template in items(spec, "resourcetemplates") {
                    if let (Some(kind), Some(inner)) = (text_at(template, "kind"), template.get("spec")) {
                        self.spec(inner, kind, depth + 1);
                    }
                }
            }
            _ => {}
        }
    }

    fn pipeline(&mut self, spec: Node<'_>) {
        for task in items(spec, "tasks").chain(items(spec, "finally")) {
            self.reference(task.get("taskRef"), "Task");
            self.reference(task.get("pipelineRef"), "Pipeline");
            each(task.get("taskSpec"), |inner| self.task(inner));
        }
    }

    fn task(&mut self, spec: Node<'_>) {
        self.volumes(spec);
        for step in items(spec, "steps").chain(items(spec, "sidecars")).chain(spec.get("stepTemplate")) {
            self.reference(step.get("ref"), "StepAction");
            for variable in items(step, "env") {
                let from = |key: &str| text_at(variable.at(&["valueFrom", key])?, "name");
                self.add("Secret", from("secretKeyRef"));
                self.add("ConfigMap", from("configMapKeyRef"));
            }
            for source in items(step, "envFrom") {
                self.add("Secret", source.get("secretRef").and_then(|it| text_at(it, "name")));
                self.add("ConfigMap", source.get("configMapRef").and_then(|it| text_at(it, "name")));
            }
        }
    }

    fn run(&mut self, spec: Node<'_>) {
        self.account(spec);
        for key in ["taskRunTemplate", "podTemplate"] {
            each(spec.get(key), |template| self.account(template));
        }
        for one in items(spec, "taskRunSpecs") {
            self.account(one);
        }
        for workspace in items(spec, "workspaces") {
            self.volume(workspace);
        }
    }

    fn account(&mut self, spec: Node<'_>) {
        for key in ["serviceAccountName", "taskServiceAccountName"] {
            self.add("ServiceAccount", text_at(spec, key));
        }
        for secret in items(spec, "imagePullSecrets") {
            self.add("Secret", text_at(secret, "name"));
        }
        self.volumes(spec);
    }

    fn volumes(&mut self, spec: Node<'_>) {
        for volume in items(spec, "volumes") {
            self.volume(volume);
        }
    }

    /// Volumes of pods and workspaces name these alike.
    fn volume(&mut self, volume: Node<'_>) {
        self.add("Secret", volume.get("secret").and_then(|it| text_at(it, "secretName")));
        self.add("ConfigMap", volume.get("configMap").and_then(|it| text_at(it, "name")));
        let claim = volume.get("persistentVolumeClaim").and_then(|it| text_at(it, "claimName"));
        self.add("PersistentVolumeClaim", claim);
        for source in volume.get("projected").into_iter().flat_map(|it| items(it, "sources")) {
            self.add("Secret", source.get("secret").and_then(|it| text_at(it, "name")));
            self.add("ConfigMap", source.get("configMap").and_then(|it| text_at(it, "name")));
        }
    }

    fn trigger(&mut self, trigger: Node<'_>) {
        self.account(trigger);
        self.add("Trigger", text_at(trigger, "triggerRef"));
        for binding in items(trigger, "bindings") {
            self.add(text_at(binding, "kind").unwrap_or("TriggerBinding"), text_at(binding, "ref"));
        }
        each(trigger.get("template"), |template| {
            self.add("TriggerTemplate", text_at(template, "ref"));
            each(template.get("spec"), |inner| self.spec(inner, "TriggerTemplate", 0));
        });
        self.interceptors(trigger);
    }

    fn interceptors(&mut self, trigger: Node<'_>) {
        for interceptor in items(trigger, "interceptors") {
            if let Some(reference) = interceptor.get("ref") {
                let kind = text_at(reference, "kind").unwrap_or("ClusterInterceptor");
                self.add(kind, text_at(reference, "name"));
            }
            for parameter in items(interceptor, "params") {
                self.add("Secret", parameter.get("value").and_then(|it| text_at(it, "secretName")));
            }
        }
    }

    /// By name, or by a resolver and its parameter `name`.
    fn reference(&mut self, reference: Option<Node<'_>>, kind: &str) {
        let Some(reference) = reference else { return };
        if let Some(resolver) = text_at(reference, "resolver") {
            let parameter = |wanted| items(reference, "params").find(|it| text_at(*it, "name") == Some(wanted));
            let place = ["name", "pathInRepo", "url"].into_iter().find_map(parameter);
            let place = place.and_then(|parameter| text_at(parameter, "value"));
            self.add(kind, Some(&format!("{} ({resolver})", place.unwrap_or("?"))));
            return;
        }
        self.add(text_at(reference, "kind").unwrap_or(kind), text_at(reference, "name"));
    }
}

fn items<'t>(node: Node<'t>, key: &str) -> impl Iterator<Item = Node<'t>> + use<'t> {
    node.get(key).into_iter().flat_map(Node::items)
}

fn each(node: Option<Node<'_>>, then: impl FnOnce(Node<'_>)) {
    if let Some(node) = node {
        then(node);
    }
}
