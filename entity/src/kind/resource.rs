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
