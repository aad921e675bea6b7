//! What is set in invented charts.

/// What may be set at a path. The values that most people choose stand first.
#[derive(Clone, Copy)]
pub(super) enum Setting {
    Boolean,
    Number(&'static [&'static str]),
    Text(&'static [&'static str]),
    /// A name that everybody has for themselves.
    Host,
    Secret,
}

use Setting::{Boolean, Host, Number, Secret, Text};

pub(super) const SECTIONS: &[&str] = &[
    "controllers.main",
    "ingress.main",
    "persistence.data",
    "serviceAccount",
    "metrics.serviceMonitor",
    "server",
    "agent",
    "operator",
    "defaultPodOptions",
    "route.app",
    "persistence.config",
    "webhook",
];
pub(super) const KEYS: &[(&str, Setting)] = &[
    ("enabled", Boolean),
    ("replicas", Number(&["1", "2", "3", "0"])),
    ("resources.requests.cpu", Text(&["10m", "100m", "50m", "25m", "1"])),
    ("resources.requests.memory", Text(&["128Mi", "256Mi", "64Mi", "512Mi", "1Gi"])),
    ("resources.limits.memory", Text(&["512Mi", "1Gi", "2Gi", "256Mi", "4Gi", "8Gi"])),
    ("storageClass", Text(&["ceph-block", "longhorn", "openebs-hostpath", "local-path", "nfs"])),
    ("size", Text(&["1Gi", "5Gi", "10Gi", "20Gi", "50Gi", "100Gi"])),
    ("type", Text(&["ClusterIP", "LoadBalancer", "persistentVolumeClaim", "emptyDir", "nfs"])),
    ("port", Number(&["8080", "80", "443", "3000", "9090"])),
    ("hosts[]", Host),
    ("password", Secret),
    ("annotations.reloader", Text(&["auto", "true", "search"])),
    ("securityContext.runAsNonRoot", Boolean),
];
