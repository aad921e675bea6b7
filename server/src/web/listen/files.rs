//! How many files the process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Of the open files so many are kept for reserved seats, the database, clones and whatever else is no connection.
const KEPT: usize = 256;

/// Raises the process' own limit of open files to what the system allows it; most systems begin far below.
pub fn raise_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, ?current, ?maximum, "the limit of open files cannot be raised");
    }
}

/// As many of the wanted connections as the limit of open files leaves room for.
pub(super) fn affordable(wanted: usize) -> usize {
    let allowed = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
    let most = within(wanted, allowed.unwrap_or(usize::MAX));
    if most < wanted {
        tracing::warn!(
            wanted,
            most,
            "server.max_connections is more than the limit of open files (ulimit -n) leaves room for; fewer are let in"
        );
    }
    most
}

/// Of a small limit a third is for connections.
fn within(wanted: usize, allowed: usize) -> usize {
    wanted.min(allowed.saturating_sub(KEPT).max(allowed / 3)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_left_for_what_is_no_connection() {
        assert_eq!(within(2_000, usize::MAX), 2_000);
        assert_eq!(within(2_000, 1_024), 768);
        assert_eq!(within(2_000, 300), 100);
        assert_eq!(within(10, 1_024), 10);
    }
}
