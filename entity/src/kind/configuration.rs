use super::words;

words! {
    /// Why a configuration was read again.
    ReloadCause {
        /// The process got SIGHUP.
        Signal = "signal",
        /// A file changed.
        File = "file",
        /// Somebody asked.
        Request = "request",
    }
}

words! {
    /// What came of reading a configuration again.
    ReloadOutcome {
        Applied = "applied",
        /// What is in force is what the file says, as far as it can change without a restart.
        Unchanged = "unchanged",
        /// There are errors, and the old one stays in force.
        Refused = "refused",
    }
}
