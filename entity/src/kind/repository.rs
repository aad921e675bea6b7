use super::words;

words! {
    /// How far a sync or scan of a repository is.
    SyncStatus {
        Pending = "pending",
        Syncing = "syncing",
        Success = "success",
        Error = "error",
        Blocked = "blocked",
        PendingApproval = "pending_approval",
    }
}

impl SyncStatus {
    /// Nothing new is fetched or scanned until somebody lets it in.
    #[must_use]
    pub const fn is_set_aside(self) -> bool {
        matches!(self, Self::Blocked | Self::PendingApproval)
    }
}

words! {
    /// The kind of forge that serves a repository.
    Provider {
        Github = "github",
        Gitlab = "gitlab",
        Forgejo = "forgejo",
        Git = "git",
    }
}

words! {
    /// How a repository came to be here.
    Origin {
        /// Named in the configuration file.
        Config = "config",
        /// One of the samples that the program brings.
        Sample = "sample",
        /// Added by a person.
        Added = "added",
        /// Found by a search.
        Discovered = "discovered",
    }
}

impl Origin {
    /// Whether people may enter a token and an API for it alone: the configuration says itself how its own are asked, and samples
    /// come with the program.
    #[must_use]
    pub const fn takes_access(self) -> bool {
        matches!(self, Self::Added | Self::Discovered)
    }
}

words! {
    /// What applies a repository to a cluster, as told by the resources in it.
    GitOpsTool {
        Flux = "flux",
        ArgoCd = "argocd",
        Both = "both",
        /// Kubernetes resources, but neither Flux's nor Argo CD's.
        Plain = "plain",
        /// No Kubernetes resources at all, or not scanned yet.
        None = "none",
    }
}
