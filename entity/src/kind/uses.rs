use super::words;

words! {
    /// What says that a chart is used.
    ChartUseKind {
        /// A HelmRelease of Flux.
        HelmRelease = "helmrelease",
        /// A source of an Argo CD Application, or of what an ApplicationSet makes.
        Argo = "argo",
        /// An entry of a kustomization.
        Kustomize = "kustomize",
        /// A HelmChart of k3s.
        K3s = "k3s",
        /// A dependency of a chart that lies in the repository itself.
        Dependency = "dependency",
    }
}

words! {
    /// How the place that a chart comes from was found out.
    ChartResolution {
        HelmRepository = "helmrepository",
        OciRepository = "ocirepository",
        GitRepository = "gitrepository",
        /// A comment for Renovate names the repository.
        Hint = "hint",
        Argo = "argo",
        /// A folder of another repository.
        ArgoGit = "argo-git",
        Kustomize = "kustomize",
        K3s = "k3s",
        Dependency = "dependency",
        /// A folder of the repository itself.
        Local = "local",
        Unresolved = "unresolved",
    }
}

words! {
    /// Why the place that a chart comes from is not known.
    UnresolvedReason {
        SourceNotFound = "source-not-found",
        /// Sources that disagree are as near as each other.
        SourceAmbiguous = "source-ambiguous",
        /// Something is left to be filled in.
        Templated = "templated",
        /// No address is written, or none that is understood.
        NoUrl = "no-url",
        /// A bucket, or Git where a registry is needed.
        UnsupportedKind = "unsupported-kind",
    }
}

words! {
    /// How much a written version leaves open.
    VersionKind {
        None = "none",
        /// Something is left to be filled in.
        Templated = "templated",
        Digest = "digest",
        /// Three numbers.
        Exact = "exact",
        Range = "range",
        /// `latest`, `HEAD`, a branch.
        Floating = "floating",
    }
}

words! {
    /// Whose build renders a document.
    Renderer {
        Flux = "flux",
        Argo = "argo",
        Kustomize = "kustomize",
        None = "none",
    }
}

words! {
    /// What became of a reference.
    ReferenceStatus {
        Resolved = "resolved",
        /// A Secret or ConfigMap that another document makes.
        Made = "made",
        /// Most likely made by the chart of a release of that name.
        Chart = "chart",
        /// Of another repository, or made in the cluster.
        External = "external",
        /// Something is left to be filled in.
        Templated = "templated",
        /// It has to be here, and is not.
        Dangling = "dangling",
    }
}

words! {
    /// What a value is.
    ValueType {
        String = "string",
        Number = "number",
        Boolean = "boolean",
        Null = "null",
        /// An empty map.
        Object = "object",
        /// An empty list.
        Array = "array",
        /// From a Secret, or encrypted.
        Secret = "secret",
    }
}

words! {
    /// Where an image stands.
    ImagePlaceKind {
        /// In the values of a chart.
        Values = "values",
        /// In a resource itself.
        Resource = "resource",
        /// In a kustomization that puts it in the place of another.
        Kustomize = "kustomize",
    }
}

words! {
    /// What stands in a place where an image is expected.
    ImageState {
        Image = "image",
        /// Something is left to be filled in.
        Templated = "templated",
        /// No image, where one must be.
        Invalid = "invalid",
        /// Another tag or digest of an image that the chart names.
        WithoutRepository = "without-repository",
    }
}
