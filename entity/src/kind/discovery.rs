use super::words;

words! {
    /// Why a repository that a search found is not taken up.
    RejectReason {
        Archived = "archived",
        Fork = "fork",
        Private = "private",
        /// No push for longer than `discovery.max_age`.
        Inactive = "inactive",
        /// A pattern of `discovery.block` names it.
        Blocked = "blocked",
        /// Somebody deleted it here.
        Deleted = "deleted",
        /// The forge gives an address that may not be cloned from.
        Address = "address",
    }
}
