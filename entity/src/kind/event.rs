use super::words;

words! {
    /// What happened to a resource in a commit.
    EventType {
        Created = "CREATED",
        Modified = "MODIFIED",
        Deleted = "DELETED",
        Resurrected = "RESURRECTED",
    }
}

words! {
    /// The coarse part of `changes_detected`; exact field paths stand beside it as text.
    ChangeTag {
        ResourceCreated = "resource_created",
        ResourceDeleted = "resource_deleted",
        ResourceResurrected = "resource_resurrected",
        FileContent = "file_content",
        FilePath = "file_path",
        Version = "version",
        /// `apiVersion` moved within the same group (`v2beta2` to `v2`).
        ApiVersion = "api_version",
        /// What a source (OCIRepository, HelmRepository, ...) delivers changed, not this manifest.
        Source = "source",
    }
}
