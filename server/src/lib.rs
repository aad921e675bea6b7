//! What does the work: configuration, forge clients, git, the scan engine, jobs, REST.
