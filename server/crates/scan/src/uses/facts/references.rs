//! What a document names, as it is written: builds put variables into it later.

use yaml::Node;

use super::super::text::{items, owned, word_at};
use super::{ARGO, FLUX_HELM, FLUX_KUSTOMIZE, FLUX_SOURCE, Reader, pods};

/// References kept of one document.
const MAX_REFERENCES: usize = 2_000;
/// Longest name; Kubernetes allows 253 bytes, and variables may stand in it.
const MAX_NAME: usize = 500;

const CERT_MANAGER: &str = "cert-manager.io";
const EXTERNAL_SECRETS: &str = "external-secrets.io";
const GATEWAY_API: &str = "gateway.networking.k8s.io";
const FLUX_NOTIFICATION: &str = "notification.toolkit.fluxcd.io";

/// An object that a document names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RawReference {
    pub field: &'static str,
    pub kind: Box<str>,
    pub namespace: Option<Box<str>>,
    pub name: Box<str>,
}

/// What a document names, and whether there was more than could be kept.
pub(super) fn read(reader: Reader<'_>) -> (Box<[RawReference]>, bool) {
    let mut references = References { found: Vec::new(), is_cut: false };
    references.flux(reader);
    references.platform(reader);
    references.network(reader);
    references.others(reader);
    if let Some(pod) = pods::spec(reader) {
        references.pod(pod);
    }
    (references.found.into(), references.is_cut)
}

struct References {
    found: Vec<RawReference>,
    is_cut: bool,
}

impl References {
    fn add(&mut self, field: &'static str, kind: Option<&str>, namespace: Option<Box<str>>, name: Option<Box<str>>) {
        if let (Some(kind), Some(name)) = (kind, name)
            && [kind, &name, namespace.as_deref().unwrap_or_default()].iter().all(|text| text.len() <= MAX_NAME)
        {
            if self.found.len() >= MAX_REFERENCES {
                self.is_cut = true;
                return;
            }
            self.found.push(RawReference { field, kind: kind.into(), namespace, name });
        }
    }

    /// An object of this kind by its name, in the document's own namespace.
    fn named(&mut self, field: &'static str, kind: &str, node: Option<Node<'_>>, path: &[&str]) {
        self.add(field, Some(kind), None, owned(node.and_then(|node| node.at(path))));
    }

    /// `{kind, name}` in the document's own namespace; `kind` where none is written.
    fn local(&mut self, field: &'static str, kind: Option<&str>, node: Option<Node<'_>>) {
        let written = node.and_then(|node| word_at(node, &["kind"]));
        self.add(field, written.or(kind), None, owned(node.and_then(|node| node.get("name"))));
    }

    /// `{kind, name, namespace}`; `kind` where none is written.
    fn object(&mut self, field: &'static str, kind: Option<&str>, node: Option<Node<'_>>) {
        let Some(node) = node else { return };
        self.add(field, word_at(node, &["kind"]).or(kind), owned(node.get("namespace")), owned(node.get("name")));
    }

    /// `{name, namespace}` of one kind.
    fn of_kind(&mut self, field: &'static str, kind: &str, node: Node<'_>) {
        self.add(field, Some(kind), owned(node.get("namespace")), owned(node.get("name")));
    }

    fn flux(&mut self, reader: Reader<'_>) {
        let Some(spec) = reader.spec() else { return };
        match (reader.group, reader.kind) {
            (FLUX_HELM, "HelmRelease") => {
                self.object("spec.chart.spec.sourceRef", None, spec.at(&["chart", "spec", "sourceRef"]));
                self.object("spec.chartRef", Some("OCIRepository"), spec.get("chartRef"));
                items(spec.get("dependsOn")).for_each(|node| self.of_kind("spec.dependsOn[]", "HelmRelease", node));
                items(spec.get("valuesFrom")).for_each(|node| self.local("spec.valuesFrom[]", None, Some(node)));
            }
            (FLUX_KUSTOMIZE, "Kustomization") => {
                self.object("spec.sourceRef", None, spec.get("sourceRef"));
                items(spec.get("dependsOn")).for_each(|node| self.of_kind("spec.dependsOn[]", "Kustomization", node));
                for node in items(spec.at(&["postBuild", "substituteFrom"])) {
                    self.local("spec.postBuild.substituteFrom[]", None, Some(node));
                }
                self.named("spec.decryption.secretRef", "Secret", Some(spec), &["decryption", "secretRef", "name"]);
            }
            (FLUX_SOURCE, kind) => {
                if kind == "HelmChart" {
                    self.local("spec.sourceRef", None, spec.get("sourceRef"));
                }
                self.named("spec.secretRef", "Secret", Some(spec), &["secretRef", "name"]);
                self.named("spec.certSecretRef", "Secret", Some(spec), &["certSecretRef", "name"]);
            }
            (FLUX_NOTIFICATION, _) => {
                self.named("spec.providerRef", "Provider", Some(spec), &["providerRef", "name"]);
                self.named("spec.secretRef", "Secret", Some(spec), &["secretRef", "name"]);
                for (key, field) in [("eventSources", "spec.eventSources[]"), ("resources", "spec.resources[]")] {
                    let named = items(spec.get(key)).filter(|node| word_at(*node, &["name"]) != Some("*"));
                    named.for_each(|node| self.object(field, None, Some(node)));
                }
            }
            _ => {}
        }
    }

    fn platform(&mut self, reader: Reader<'_>) {
        let spec = reader.spec();
        match (reader.group, reader.kind) {
            (ARGO, "Application") => self.named("spec.project", "AppProject", spec, &["project"]),
            (ARGO, "ApplicationSet") => {
                self.named("spec.project", "AppProject", spec, &["template", "spec", "project"]);
            }
            (CERT_MANAGER, "Certificate") => {
                self.local("spec.issuerRef", Some("Issuer"), spec.and_then(|spec| spec.get("issuerRef")));
            }
            (EXTERNAL_SECRETS, "ExternalSecret" | "ClusterExternalSecret" | "PushSecret") => {
                let Some(spec) = spec else { return };
                let inner = spec.get("externalSecretSpec").filter(|inner| inner.entries().len() > 0);
                let body = inner.unwrap_or(spec);
                self.local("spec.secretStoreRef", Some("SecretStore"), body.get("secretStoreRef"));
                for node in items(body.get("secretStoreRefs")) {
                    self.local("spec.secretStoreRef", Some("SecretStore"), Some(node));
                }
            }
            _ => {}
        }
    }

    fn network(&mut self, reader: Reader<'_>) {
        let Some(spec) = reader.spec() else { return };
        match (reader.group, reader.kind) {
            (_, "Ingress") => {
                let old = word_at(spec, &["backend", "serviceName"]);
                let service = word_at(spec, &["defaultBackend", "service", "name"]).or(old);
                self.add("spec.defaultBackend", Some("Service"), None, service.map(Into::into));
                for path in items(spec.get("rules")).flat_map(|rule| items(rule.at(&["http", "paths"]))) {
                    let old = word_at(path, &["backend", "serviceName"]);
                    let service = word_at(path, &["backend", "service", "name"]).or(old);
                    self.add("spec.rules[].backend", Some("Service"), None, service.map(Into::into));
                }
                items(spec.get("tls")).for_each(|tls| self.named("spec.tls[]", "Secret", Some(tls), &["secretName"]));
            }
            (GATEWAY_API, "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute" | "UDPRoute") => {
                for node in items(spec.get("parentRefs")) {
                    self.object("spec.parentRefs[]", Some("Gateway"), Some(node));
                }
                for node in items(spec.get("rules")).flat_map(|rule| items(rule.get("backendRefs"))) {
                    self.object("spec.rules[].backendRefs[]", Some("Service"), Some(node));
                }
            }
            (GATEWAY_API, "Gateway") => {
                self.named("spec.gatewayClassName", "GatewayClass", Some(spec), &["gatewayClassName"]);
                let listeners = items(spec.get("listeners"));
                for node in listeners.flat_map(|listener| items(listener.at(&["tls", "certificateRefs"]))) {
                    self.object("spec.listeners[].tls.certificateRefs[]", Some("Secret"), Some(node));
                }
            }
            _ => {}
        }
    }

    fn others(&mut self, reader: Reader<'_>) {
        let (body, spec) = (reader.body(), reader.spec());
        let get = |key: &str| spec.and_then(|spec| spec.get(key));
        match reader.kind {
            // Of these groups the kinds are known, and called otherwise.
            _ if [FLUX_SOURCE, FLUX_NOTIFICATION].contains(&reader.group) => {}
            "HorizontalPodAutoscaler" | "ScaledObject" => {
                self.local("spec.scaleTargetRef", Some("Deployment"), get("scaleTargetRef"));
            }
            "VerticalPodAutoscaler" => self.local("spec.targetRef", None, get("targetRef")),
            "RoleBinding" | "ClusterRoleBinding" => {
                self.local("roleRef", None, body.get("roleRef"));
                let accounts = items(body.get("subjects"));
                for node in accounts.filter(|node| word_at(*node, &["kind"]) == Some("ServiceAccount")) {
                    self.of_kind("subjects[]", "ServiceAccount", node);
                }
            }
            "StatefulSet" => self.named("spec.serviceName", "Service", spec, &["serviceName"]),
            _ => {}
        }
    }

    fn pod(&mut self, pod: Node<'_>) {
        let account = word_at(pod, &["serviceAccountName"]).or_else(|| word_at(pod, &["serviceAccount"]));
        self.add("pod.serviceAccountName", Some("ServiceAccount"), None, account.map(Into::into));
        for node in items(pod.get("imagePullSecrets")) {
            self.named("pod.imagePullSecrets[]", "Secret", Some(node), &["name"]);
        }
        for container in items(pod.get("containers")).chain(items(pod.get("initContainers"))) {
            for from in items(container.get("envFrom")) {
                self.named("pod.envFrom[]", "ConfigMap", Some(from), &["configMapRef", "name"]);
                self.named("pod.envFrom[]", "Secret", Some(from), &["secretRef", "name"]);
            }
            for variable in items(container.get("env")) {
                let from = variable.get("valueFrom");
                self.named("pod.env[].valueFrom", "ConfigMap", from, &["configMapKeyRef", "name"]);
                self.named("pod.env[].valueFrom", "Secret", from, &["secretKeyRef", "name"]);
            }
        }
        for volume in items(pod.get("volumes")) {
            self.named("pod.volumes[]", "Secret", Some(volume), &["secret", "secretName"]);
            self.volume(volume);
            self.named("pod.volumes[]", "PersistentVolumeClaim", Some(volume), &["persistentVolumeClaim", "claimName"]);
            for source in items(volume.at(&["projected", "sources"])) {
                self.named("pod.volumes[]", "Secret", Some(source), &["secret", "name"]);
                self.volume(source);
            }
        }
    }

    fn volume(&mut self, node: Node<'_>) {
        self.named("pod.volumes[]", "ConfigMap", Some(node), &["configMap", "name"]);
    }
}
