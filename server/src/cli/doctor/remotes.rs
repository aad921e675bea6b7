use std::sync::atomic::AtomicBool;

use futures::{StreamExt as _, stream};
use git::{Auth, GitError, Limits, RemoteUrl, UrlPolicy};

use super::WITHIN;
use super::report::Report;
use crate::config::{Config, RepositoryConfig, Secret};
use crate::jobs::needless_branch;
use crate::watching::watched_names;

const PART: &str = "remotes";
/// Remotes that are asked at once.
const AT_ONCE: usize = 4;

/// Asks each repository of the configuration where its HEAD stands, as a sync does.
pub(super) async fn look(report: &mut Report, config: &Config) {
    let repositories: Vec<_> = config.repositories.iter().filter(|repository| repository.enabled).collect();
    if repositories.is_empty() {
        return report.ok(PART, "no repository is named that is switched on");
    }
    let ask = |repository: &RepositoryConfig| {
        let (name, policy) =
            (repository.name.clone(), UrlPolicy { allow_local: config.security.allow_local_repositories });
        // As a sync has it, short of those that people entered in pages.
        let (url, token) = (repository.url.clone(), config.git_token(&repository.url));
        async move { (name, tokio::task::spawn_blocking(move || head(&url, policy, token)).await) }
    };
    let asked: Vec<_> = stream::iter(repositories.clone()).map(ask).buffered(AT_ONCE).collect().await;
    for (repository, (name, answer)) in repositories.into_iter().zip(asked) {
        match answer {
            Ok(Ok(Some(branch))) => {
                report.ok(PART, format!("{name} answers; its default branch is {branch}"));
                if names_itself(repository, &branch) {
                    report.warn(PART, needless_branch(&name, &branch), "take it out; nothing else changes by that");
                }
            }
            Ok(Ok(None)) => {
                report.warn(PART, format!("{name} answers, and is empty"), "push a commit, or leave it out");
            }
            Ok(Err(error)) => report.fail(PART, format!("{name}: {error}"), advice(&error)),
            Err(_) => report.fail(PART, format!("{name}: the look at it broke off"), "look again"),
        }
    }
}

/// Whether the default branch is the main one, and is named to be scanned beside it.
fn names_itself(repository: &RepositoryConfig, default: &str) -> bool {
    let is_main = watched_names(repository.branch_regex.as_deref());
    repository.scan_branches.iter().any(|branch| branch == default) && is_main(default)
}

/// The branch that HEAD leads to; nothing where there is no commit.
fn head(url: &str, policy: UrlPolicy, token: Option<Secret>) -> Result<Option<String>, GitError> {
    let remote = RemoteUrl::parse(url, policy)?;
    let auth = token.map_or(Auth::None, |token| Auth::Token(git::Secret::new(token.expose())));
    let limits = Limits {
        connect_timeout: WITHIN,
        idle_timeout: WITHIN,
        slow_window: WITHIN,
        total_timeout: 2 * WITHIN,
        ..Limits::default()
    };
    let listed = git::list_head(&remote, &auth, &limits, &AtomicBool::new(false))?;
    Ok(listed.head.map(|_| listed.default_branch.unwrap_or_else(|| "none".to_owned())))
}

fn advice(error: &GitError) -> &'static str {
    match error {
        GitError::NeedsAuth { .. } | GitError::NotFound { .. } => {
            "see that the address is right, and that its token is allowed to read the repository's contents; \
             one that was entered at /admin/forges is not used by this look, but by syncs"
        }
        GitError::Unreachable { .. } | GitError::Timeout { .. } => {
            "see that this machine may reach it: names, proxies, firewalls"
        }
        _ => "mend what it says; syncs of this repository fail until then",
    }
}
