//! Which kinds are cluster-wide: a resource of such a kind is in no namespace, whatever a build sets.

use std::collections::HashMap;

use yaml::Node;

use super::tree::Tree;
use crate::detect::plain_at;

/// Every kind of a group.
const ALL: &[&str] = &["*"];

/// Cluster-wide kinds of Kubernetes and of what is commonly installed, by group, in alphabetical order.
const CLUSTER_WIDE: &[(&str, &[&str])] = &[
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.crossplane.io", ALL),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("argoproj.io", &["ClusterAnalysisTemplate", "ClusterWorkflowTemplate"]),
    ("authentication.k8s.io", &["SelfSubjectReview", "TokenReview"]),
    ("authorization.k8s.io", &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"]),
    ("capsule.clastix.io", &["CapsuleConfiguration", "GlobalTenantResource", "Tenant"]),
    ("cdi.kubevirt.io", &["CDI", "CDIConfig", "ObjectTransfer", "StorageProfile"]),
    ("cert-manager.io", &["ClusterIssuer"]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    (
        "cilium.io",
        &[
            "CiliumBGPAdvertisement",
            "CiliumBGPClusterConfig",
            "CiliumBGPNodeConfig",
            "CiliumBGPNodeConfigOverride",
            "CiliumBGPPeerConfig",
            "CiliumBGPPeeringPolicy",
            "CiliumCIDRGroup",
            "CiliumClusterwideEnvoyConfig",
            "CiliumClusterwideNetworkPolicy",
            "CiliumEgressGatewayPolicy",
            "CiliumEndpointSlice",
            "CiliumExternalWorkload",
            "CiliumIdentity",
            "CiliumL2AnnouncementPolicy",
            "CiliumLoadBalancerIPPool",
            "CiliumNode",
            "CiliumPodIPPool",
            "TracingPolicy",
        ],
    ),
    ("config.openshift.io", ALL),
    ("console.openshift.io", ALL),
    ("constraints.gatekeeper.sh", ALL),
    (
        "crd.projectcalico.org",
        &[
            "BGPConfiguration",
            "BGPFilter",
            "BGPPeer",
            "BlockAffinity",
            "CalicoNodeStatus",
            "ClusterInformation",
            "FelixConfiguration",
            "GlobalNetworkPolicy",
            "GlobalNetworkSet",
            "HostEndpoint",
            "IPAMBlock",
            "IPAMConfig",
            "IPAMHandle",
            "IPPool",
            "IPReservation",
            "KubeControllersConfiguration",
            "Tier",
        ],
    ),
    ("deviceplugin.intel.com", ALL),
    ("elbv2.k8s.aws", &["IngressClassParams"]),
    ("expansion.gatekeeper.sh", &["ExpansionTemplate"]),
    ("extensions", &["PodSecurityPolicy"]),
    ("external-secrets.io", &["ClusterExternalSecret", "ClusterPushSecret", "ClusterSecretStore"]),
    ("externaldata.gatekeeper.sh", &["Provider"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    (
        "fluentbit.fluent.io",
        &[
            "ClusterFilter",
            "ClusterFluentBitConfig",
            "ClusterInput",
            "ClusterMultilineParser",
            "ClusterOutput",
            "ClusterParser",
        ],
    ),
    ("fluentd.fluent.io", &["ClusterFilter", "ClusterFluentdConfig", "ClusterInput", "ClusterOutput"]),
    ("gateway.networking.k8s.io", &["GatewayClass"]),
    ("generators.external-secrets.io", &["ClusterGenerator"]),
    ("groupsnapshot.storage.k8s.io", &["VolumeGroupSnapshotClass", "VolumeGroupSnapshotContent"]),
    ("instancetype.kubevirt.io", &["VirtualMachineClusterInstancetype", "VirtualMachineClusterPreference"]),
    ("internal.apiserver.k8s.io", &["StorageVersion"]),
    ("karpenter.azure.com", &["AKSNodeClass"]),
    ("karpenter.k8s.aws", &["EC2NodeClass"]),
    ("karpenter.sh", &["NodeClaim", "NodeOverlay", "NodePool"]),
    ("keda.sh", &["ClusterTriggerAuthentication"]),
    (
        "kueue.x-k8s.io",
        &["AdmissionCheck", "ClusterQueue", "Cohort", "ResourceFlavor", "Topology", "WorkloadPriorityClass"],
    ),
    ("kyverno.io", &["ClusterAdmissionReport", "ClusterCleanupPolicy", "ClusterPolicy", "GlobalContextEntry"]),
    (
        "machineconfiguration.openshift.io",
        &["ContainerRuntimeConfig", "ControllerConfig", "KubeletConfig", "MachineConfig", "MachineConfigPool"],
    ),
    ("mutations.gatekeeper.sh", &["Assign", "AssignImage", "AssignMetadata", "ModifySet"]),
    ("networking.k8s.io", &["ClusterCIDR", "IPAddress", "IngressClass", "ServiceCIDR"]),
    ("nfd.k8s-sigs.io", &["NodeFeatureRule"]),
    ("nmstate.io", &["NMState", "NodeNetworkConfigurationPolicy", "NodeNetworkState"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("nvidia.com", &["ClusterPolicy", "NVIDIADriver"]),
    ("oauth.openshift.io", &["OAuthClient", "OAuthClientAuthorization"]),
    ("operator.tigera.io", &["APIServer", "Goldmane", "ImageSet", "Installation", "TigeraStatus", "Whisker"]),
    ("piraeus.io", &["LinstorCluster", "LinstorNodeConnection", "LinstorSatellite", "LinstorSatelliteConfiguration"]),
    ("pkg.crossplane.io", ALL),
    ("policies.kubewarden.io", &["ClusterAdmissionPolicy", "ClusterAdmissionPolicyGroup", "PolicyServer"]),
    (
        "policies.kyverno.io",
        &["DeletingPolicy", "GeneratingPolicy", "ImageValidatingPolicy", "MutatingPolicy", "ValidatingPolicy"],
    ),
    ("policy", &["PodSecurityPolicy"]),
    ("policy.cert-manager.io", &["CertificateRequestPolicy"]),
    ("policy.networking.k8s.io", &["AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"]),
    ("postgresql.cnpg.io", &["ClusterImageCatalog"]),
    ("project.openshift.io", &["Project", "ProjectRequest"]),
    (
        "projectcalico.org",
        &[
            "BGPConfiguration",
            "BGPFilter",
            "BGPPeer",
            "ClusterInformation",
            "FelixConfiguration",
            "GlobalNetworkPolicy",
            "GlobalNetworkSet",
            "HostEndpoint",
            "IPPool",
            "IPReservation",
            "KubeControllersConfiguration",
            "Profile",
            "Tier",
        ],
    ),
    ("quota.openshift.io", &["ClusterResourceQuota"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "DeviceTaintRule", "ResourceClass", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("scheduling.volcano.sh", &["Queue"]),
    ("security.openshift.io", &["SecurityContextConstraints"]),
    ("serving.kserve.io", &["ClusterServingRuntime", "ClusterStorageContainer"]),
    ("snapshot.storage.k8s.io", &["VolumeSnapshotClass", "VolumeSnapshotContent"]),
    ("spire.spiffe.io", &["ClusterFederatedTrustDomain", "ClusterSPIFFEID", "ClusterStaticEntry"]),
    ("storage.k8s.io", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"]),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
    ("tailscale.com", &["Connector", "DNSConfig", "ProxyClass", "ProxyGroup", "Recorder"]),
    ("tekton.dev", &["ClusterTask"]),
    ("templates.gatekeeper.sh", &["ConstraintTemplate"]),
    ("triggers.tekton.dev", &["ClusterInterceptor", "ClusterTriggerBinding"]),
    ("trust.cert-manager.io", &["Bundle"]),
    ("user.openshift.io", ALL),
    ("wgpolicyk8s.io", &["ClusterPolicyReport"]),
];

/// A kind that a CustomResourceDefinition makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomKind {
    pub group: String,
    pub kind: String,
    pub cluster_wide: bool,
}

impl CustomKind {
    pub(super) fn read(root: Node<'_>) -> Option<Self> {
        let spec = root.get("spec")?;
        Some(Self {
            group: plain_at(spec, &["group"])?,
            kind: plain_at(spec, &["names", "kind"])?,
            cluster_wide: match plain_at(spec, &["scope"])?.as_str() {
                "Cluster" => true,
                "Namespaced" => false,
                _ => return None,
            },
        })
    }
}

/// What is known of kinds: the tree's own definitions, then the table.
#[derive(Debug, Default)]
pub(super) struct Scopes(HashMap<String, HashMap<String, bool>>);

impl Scopes {
    pub fn of(tree: &Tree<'_>) -> Self {
        let mut scopes = Self::default();
        for placed in tree.custom_kinds() {
            let CustomKind { group, kind, cluster_wide } = placed.part;
            let known = scopes.0.entry(group.clone()).or_default().entry(kind.clone()).or_insert(*cluster_wide);
            // Definitions that disagree, of several versions: what may be in a namespace may have one.
            *known &= *cluster_wide;
        }
        scopes
    }

    pub fn is_cluster_wide(&self, group: &str, kind: &str) -> bool {
        let defined = self.0.get(group).and_then(|kinds| kinds.get(kind)).copied();
        defined.unwrap_or_else(|| is_known_cluster_wide(group, kind))
    }
}

/// Whether the table has a kind.
fn is_known_cluster_wide(group: &str, kind: &str) -> bool {
    CLUSTER_WIDE
        .binary_search_by(|(other, _)| (*other).cmp(group))
        .is_ok_and(|at| CLUSTER_WIDE[at].1.iter().any(|other| *other == kind || *other == "*"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::tree::Part;
    use crate::file::DocumentIndex;

    #[test]
    fn the_table_is_in_order_and_tells_groups_apart() {
        assert!(CLUSTER_WIDE.is_sorted_by(|(left, _), (right, _)| left < right));
        assert!(is_known_cluster_wide("", "Namespace"));
        assert!(is_known_cluster_wide("rbac.authorization.k8s.io", "ClusterRole"));
        assert!(is_known_cluster_wide("constraints.gatekeeper.sh", "K8sRequiredLabels"));
        assert!(!is_known_cluster_wide("rbac.authorization.k8s.io", "Role"));
        assert!(!is_known_cluster_wide("example.org", "Namespace"));
    }

    #[test]
    fn a_definition_in_the_tree_goes_over_the_table() {
        let part = |kind: &str, cluster_wide| {
            Part::Custom(CustomKind { group: "cert-manager.io".to_owned(), kind: kind.to_owned(), cluster_wide })
        };
        let parts = [part("Issuer", true), part("ClusterIssuer", false), part("Both", true), part("Both", false)];
        let placed = parts.iter().map(|part| ("crds.yaml", DocumentIndex::default(), part));
        let scopes = Scopes::of(&Tree::new(["crds.yaml"], [], placed));
        let wide = ["Issuer", "ClusterIssuer", "Both"].map(|kind| scopes.is_cluster_wide("cert-manager.io", kind));
        assert_eq!(wide, [true, false, false]);
        assert!(scopes.is_cluster_wide("storage.k8s.io", "StorageClass"));
    }
}
