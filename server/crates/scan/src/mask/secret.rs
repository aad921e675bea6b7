//! What of Secrets, and of what becomes one, is shown: what names it, and nothing else.

use entity::credential::{is_template, without_credentials};
use yaml::{Cover, Kind, Node, Tag};

use super::find::{Finder, NESTING};
use super::scope::Scope;
use super::text;

/// Longest name, type or annotation of a Secret that is shown: no longer one is a right one.
const MAX_NAME: usize = 500;
/// Groups of annotations that say who made a Secret and what becomes of it; no tool writes values of the Secret into them.
/// Any other annotation may hold them: `kubectl` keeps the whole object in one, OpenShift a token.
const HARMLESS_ANNOTATIONS: [&str; 20] = [
    "argocd.argoproj.io/",
    "avp.kubernetes.io/",
    "cert-manager.io/",
    "config.kubernetes.io/",
    "external-secrets.io/",
    "fluxcd.io/",
    "helm.sh/",
    "helm.toolkit.fluxcd.io/",
    "k8s-sidecar-target-directory",
    "kubernetes.io/service-account.name",
    "kubernetes.io/service-account.uid",
    "kustomize.config.k8s.io/",
    "kustomize.toolkit.fluxcd.io/",
    "meta.helm.sh/",
    "openshift.io/token-secret.name",
    "reflector.v1.k8s.emberstack.com/",
    "reloader.stakater.com/",
    "replicator.v1.mittwald.de/",
    "sealedsecrets.bitnami.com/",
    "tekton.dev/",
];

impl Finder<'_> {
    /// Everything in a Secret but what names it. All keys count, duplicates and merged ones too: what `get` would not
    /// find is secret all the same.
    pub(super) fn secret(&mut self, node: Node<'_>, depth: usize) {
        self.within.push(node.id());
        for (key, value) in node.entries() {
            self.within.push(key.id());
            match key.scalar().map(str::to_ascii_lowercase).as_deref() {
                Some("apiversion" | "kind" | "type" | "immutable") => self.keep(value),
                Some("metadata") if value.is_mapping() => self.metadata(value, depth),
                _ => self.merged_or_hidden(key, value, depth, Self::secret),
            }
        }
    }

    pub(super) fn metadata(&mut self, node: Node<'_>, depth: usize) {
        self.within.push(node.id());
        for (key, value) in node.entries() {
            self.within.push(key.id());
            match key.scalar() {
                Some("name" | "namespace" | "generateName") => self.keep(value),
                Some("labels") if value.is_mapping() => self.labels(value, depth),
                Some("annotations") if value.is_mapping() => self.annotations(value, depth),
                _ => self.merged_or_hidden(key, value, depth, Self::metadata),
            }
        }
    }

    pub(super) fn labels(&mut self, node: Node<'_>, depth: usize) {
        self.within.push(node.id());
        for (key, value) in node.entries() {
            self.within.push(key.id());
            match key.tag() {
                Tag::Merge => self.merged_or_hidden(key, value, depth, Self::labels),
                _ => self.keep(value),
            }
        }
    }

    pub(super) fn annotations(&mut self, node: Node<'_>, depth: usize) {
        self.within.push(node.id());
        for (key, value) in node.entries() {
            self.within.push(key.id());
            match key.scalar() {
                Some(name) if HARMLESS_ANNOTATIONS.iter().any(|group| name.starts_with(group)) => self.keep(value),
                _ => self.merged_or_hidden(key, value, depth, Self::annotations),
            }
        }
    }

    /// What a merge key brings in stands as if it were written here; anything else is hidden, but for its key.
    pub(super) fn merged_or_hidden(
        &mut self,
        key: Node<'_>,
        value: Node<'_>,
        depth: usize,
        merged: fn(&mut Self, Node<'_>, usize),
    ) {
        if key.kind() != Kind::Scalar {
            self.hide(key);
        }
        if key.tag() == Tag::Merge && depth < NESTING {
            let single = value.is_mapping().then_some(value);
            value.items().chain(single).for_each(|source| merged(self, source, depth + 1));
        } else {
            self.hide(value);
        }
    }

    /// What names a Secret is shown, as long as it can be a name.
    pub(super) fn keep(&mut self, node: Node<'_>) {
        match node.scalar() {
            Some(text) if text.len() <= MAX_NAME => {
                self.within.push(node.id());
                let shown = without_credentials(text);
                if shown != text {
                    self.cover(node, Cover::Parts(shown.into()));
                }
            }
            _ => self.hide(node),
        }
    }

    /// What another kind makes a Secret of: literals are hidden, what says where a value comes from is not.
    pub(super) fn template(&mut self, node: Node<'_>, scope: Scope, depth: usize) {
        for (key, value) in node.entries() {
            match key.scalar() {
                Some("data" | "stringData" | "templateFrom" | "annotations") => self.hide_literals(value, scope),
                Some("metadata") if value.is_mapping() => self.template(value, scope, depth),
                _ => self.visit(value, scope, depth),
            }
        }
    }

    pub(super) fn hide_literals(&mut self, node: Node<'_>, scope: Scope) {
        match node.kind() {
            Kind::Scalar if node.scalar().is_some_and(is_template) => self.scalar(node, scope),
            Kind::Scalar => self.hide(node),
            Kind::Sequence => node.items().for_each(|item| self.hide_literals(item, scope)),
            Kind::Mapping => {
                for (key, value) in node.entries() {
                    match key.scalar() {
                        // References to templates, and annotations that are no values.
                        Some("name" | "key" | "target" | "templateAs") => self.visit(value, scope, 0),
                        Some(name) if HARMLESS_ANNOTATIONS.iter().any(|group| name.starts_with(group)) => {
                            self.keep(value);
                        }
                        _ => self.hide_literals(value, scope),
                    }
                }
            }
        }
    }

    /// `secretGenerator`, or a document that is one: names and files are shown, literals by their keys only.
    pub(super) fn generator(&mut self, node: Node<'_>) {
        if node.kind() == Kind::Scalar {
            return self.hide(node);
        }
        self.lines.push((node.span().line, node.span().end_line));
        node.items().for_each(|item| self.generator(item));
        for (key, value) in node.entries() {
            match key.scalar().unwrap_or_default() {
                "name"
                | "namespace"
                | "type"
                | "behavior"
                | "apiVersion"
                | "kind"
                | "disableNameSuffixHash"
                | "immutable" => {
                    self.keep(value);
                }
                "files" | "file" | "envs" | "env" => match value.is_sequence() {
                    true => value.items().for_each(|item| self.keep(item)),
                    false => self.keep(value),
                },
                "literals" if value.is_sequence() => self.literals(value, true, Scope::default(), 0),
                "options" | "metadata" if value.is_mapping() => {
                    for (key, value) in value.entries() {
                        match key.scalar() {
                            Some("labels") if value.is_mapping() => self.labels(value, 0),
                            Some("annotations") if value.is_mapping() => self.annotations(value, 0),
                            Some("disableNameSuffixHash" | "immutable" | "name" | "namespace") => self.keep(value),
                            _ => self.hide(value),
                        }
                    }
                }
                _ => self.hide(value),
            }
        }
    }

    pub(super) fn literals(&mut self, node: Node<'_>, of_secret: bool, scope: Scope, depth: usize) {
        for item in node.items() {
            let text = item.scalar().unwrap_or_default();
            match text::literal(text, of_secret).filter(|_| of_secret || self.rules.credentials) {
                Some(Cover::Whole) => self.hide(item),
                Some(cover) => self.cover(item, cover),
                None if of_secret && item.kind() != Kind::Scalar => self.hide(item),
                None => self.visit(item, scope, depth),
            }
        }
    }
}
