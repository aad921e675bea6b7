use super::words;

words! {
    /// What happened to a branch.
    BranchEventKind {
        BranchCreated = "branch_created",
        BranchUpdated = "branch_updated",
        BranchDeleted = "branch_deleted",
        /// The commit that the branch stands at brings Tekton's resources.
        TektonDetected = "tekton_detected",
    }
}

words! {
    /// How far everybody who is to be told of an event has been told.
    BranchEventState {
        /// Nobody has been told yet, or it is not decided who is to be.
        Pending = "pending",
        /// All have been told, or nobody is to be.
        Processed = "processed",
        /// Somebody could not be told, and no further try follows.
        Failed = "failed",
        /// A try failed, and another follows.
        Retrying = "retrying",
    }
}

words! {
    /// How a change of a branch came to be known.
    NoticedBy {
        /// A look at the remote's refs.
        Poll = "poll",
        /// The forge told.
        Webhook = "webhook",
        /// The forge's API, where Git's refs could not be had.
        Api = "api",
    }
}

words! {
    /// How far a delivery is.
    DeliveryState {
        /// An earlier one of the same trigger and branch is not finished.
        Behind = "behind",
        Pending = "pending",
        /// Held by a worker.
        Sending = "sending",
        Retrying = "retrying",
        Delivered = "delivered",
        /// No further try follows.
        Failed = "failed",
    }
}

impl DeliveryState {
    /// Nothing more happens by itself.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed)
    }

    /// Whether somebody may ask for it now: it is finished, or waits for its next try.
    #[must_use]
    pub const fn may_be_replayed(self) -> bool {
        self.is_finished() || matches!(self, Self::Retrying)
    }
}

words! {
    /// How far what a delivery began got, as its target told afterwards.
    RunState {
        Started = "started",
        Succeeded = "succeeded",
        Failed = "failed",
    }
}

words! {
    /// What is best done with what a commit brings in `.tekton/`.
    #[derive(Default)]
    TektonAction {
        /// Its resources can be applied.
        Apply = "apply",
        /// It brings runs that begin by being applied.
        Trigger = "trigger",
        /// Somebody has to look at it first.
        Validate = "validate",
        /// There is nothing to do.
        #[default]
        Skip = "skip",
    }
}

words! {
    /// What sort of program a trigger tells.
    TargetKind {
        Tekton = "tekton",
        Webhook = "webhook",
        Flux = "flux",
        GithubDispatch = "github_dispatch",
        GitlabPipeline = "gitlab_pipeline",
        /// A command on the machine that Kubestats runs on.
        Command = "command",
    }
}

words! {
    /// A part of a trigger's condition.
    ClauseKind {
        Event = "event",
        Repository = "repository",
        Branch = "branch",
        Paths = "paths",
        Tekton = "tekton",
        Expression = "expression",
    }
}
