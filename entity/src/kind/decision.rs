use super::words;

words! {
    /// What a person asks for with repositories that are here.
    RepositoryAction {
        Sync = "sync",
        /// Lets in what is blocked or waits for approval.
        Approve = "approve",
        /// Nothing new is fetched any more; what was found stays readable.
        Block = "block",
        /// All that was found goes, and searches do not bring it back.
        Delete = "delete",
    }
}

words! {
    /// What became of an address that somebody wants to add.
    AddVerdict {
        Added = "added",
        /// It is here already.
        Known = "known",
        /// It stands twice in one list.
        Repeated = "repeated",
        /// A pattern of `discovery.block` names it, or it is here and blocked.
        Blocked = "blocked",
        /// It leads to a machine that may not be talked to.
        Private = "private",
        /// It is no address that could be cloned from.
        Invalid = "invalid",
    }
}

words! {
    /// The answer to "why is it not here?".
    WhyNotKind {
        /// It is here and kept fresh.
        Here = "here",
        /// It is here and waits until somebody approves it.
        PendingApproval = "pending_approval",
        /// It is here, but nothing new is fetched.
        Blocked = "blocked",
        /// A search found it and a rule left it out.
        LeftOut = "left_out",
        /// Somebody deleted it here.
        Deleted = "deleted",
        /// No search found it.
        NotFound = "not_found",
        /// Nobody searches where it is, or at all.
        NotSearched = "not_searched",
        /// What was asked names no repository.
        Invalid = "invalid",
    }
}
