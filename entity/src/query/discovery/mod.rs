//! Discovery: runs and what they found, what forges know of repositories, and what people decide about them.

mod facts;
mod people;
mod runs;

pub use facts::{
    KnownRepository, MetricsTarget, is_taken, list_known, list_metrics_targets, record_facts, record_gone,
    record_metrics, record_tags, take_up, touch_facts,
};
pub use people::{
    Decided, Tombstone, approve, block, is_approved, lift_tombstone, list_tombstones, remove_repository_for_good,
};
pub use runs::{
    PageCounts, StoredRun, begin_run, count_seen, discovery, find_current_run, find_run, finish_run, forget_rejected,
    record_rejected, record_run, record_seen,
};

pub use super::forges::budgets;

/// What two addresses of one repository share: `github.com/ada/home-ops`, whatever the scheme, user, case and ending.
#[must_use]
pub fn address_key(url: &str) -> String {
    let url = url.trim();
    let rest = match url.split_once("://") {
        Some((_, rest)) => rest.to_owned(),
        // `git@host:path`; a local path has no colon before its first slash.
        None => match url.split_once(':') {
            Some((host, path)) if !host.contains('/') => format!("{host}/{}", path.trim_start_matches('/')),
            _ => url.to_owned(),
        },
    };
    let (place, path) = rest.split_once('/').unwrap_or((&rest, ""));
    let place = place.rsplit('@').next().unwrap_or(place);
    let path = path.split(['?', '#']).next().unwrap_or(path).trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    format!("{place}/{path}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::address_key;

    #[test]
    fn addresses_of_one_repository_have_one_key() {
        for url in [
            "https://github.com/Ada/Home-Ops",
            "https://me@GitHub.com/ada/home-ops.git/",
            "git@github.com:ada/home-ops.git",
            "ssh://git@github.com/ada/home-ops",
            "http://github.com/ada/home-ops?x#y",
        ] {
            assert_eq!(address_key(url), "github.com/ada/home-ops", "{url}");
        }
        assert_ne!(address_key("https://git.lan:8443/a/b"), address_key("https://git.lan/a/b"));
    }
}
