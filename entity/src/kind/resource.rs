use super::words;

words! {
    /// Whether a resource stands at the head of the branch.
    ResourceStatus {
        Active = "ACTIVE",
        Deleted = "DELETED",
    }
}

words! {
    /// By what resources are counted.
    Facet {
        ApiVersion = "api_version",
        Kind = "kind",
        /// As written, and as a kustomization above sets it where that is another one.
        Namespace = "namespace",
    }
}

words! {
    /// Why one resource names another.
    ReferenceKind {
        /// `spec.chartRef` of a HelmRelease.
        ChartRef = "chartRef",
        /// `sourceRef` of a chart, Kustomization or HelmChart.
        SourceRef = "sourceRef",
        DependsOn = "dependsOn",
        /// ConfigMap or Secret that values come from.
        ValuesFrom = "valuesFrom",
        /// ConfigMap or Secret that substitutes variables.
        SubstituteFrom = "substituteFrom",
        ConfigMap = "configMap",
        Secret = "secret",
        PersistentVolumeClaim = "persistentVolumeClaim",
        ServiceAccount = "serviceAccount",
        /// Service, Ingress or route to what it sends traffic to.
        Backend = "backend",
        /// Gateway that a route hangs on.
        ParentRef = "parentRef",
        /// Autoscaler or policy to its workload.
        ScaleTarget = "scaleTarget",
        /// Argo CD project.
        Project = "project",
        /// SecretStore, Issuer and their like.
        StoreRef = "storeRef",
    }
}
