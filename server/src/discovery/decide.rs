//! Which of the repositories that a search finds are taken up.

use std::time::Duration;

use entity::input::RepositoryFacts;
use entity::kind::RejectReason;
use entity::view::Timestamp;
use store::discovery::matches;

/// What the configuration lets in.
#[derive(Clone, Debug)]
pub struct Rules {
    pub max_size_mb: u64,
    pub max_age: Duration,
    pub archived: bool,
    pub forks: bool,
    pub block: Vec<String>,
}

/// What is done with a repository that is not here yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    TakeUp,
    /// It comes in and waits until somebody approves it.
    SetAside(String),
    Leave(RejectReason, String),
}

/// Decides about a new repository; `is_deleted` says that somebody deleted it here.
#[must_use]
pub fn decide(facts: &RepositoryFacts, rules: &Rules, is_deleted: bool, now: Timestamp) -> Decision {
    use RejectReason::{Archived, Blocked, Deleted, Fork, Inactive, Private};
    if is_deleted {
        return Decision::Leave(Deleted, "somebody deleted it here; add it by its address to have it back".to_owned());
    }
    if let Some(pattern) = rules.block.iter().find(|pattern| matches(pattern, &facts.host, &facts.full_name)) {
        return Decision::Leave(Blocked, format!("discovery.block has {pattern}"));
    }
    if facts.is_private {
        return Decision::Leave(Private, "it is not public; name it in repositories to have it".to_owned());
    }
    if facts.is_archived && !rules.archived {
        return Decision::Leave(Archived, "it is archived; discovery.archived lets archived ones in".to_owned());
    }
    if facts.is_fork && !rules.forks {
        return Decision::Leave(Fork, "it is a fork; discovery.forks lets forks in".to_owned());
    }
    let days = |age: Duration| age.as_secs() / 86_400;
    if let Some(age) = facts.pushed_at.and_then(|at| (now - at).to_std().ok()).filter(|age| *age > rules.max_age) {
        let detail =
            format!("the last push was {} days ago; discovery.max_age allows {}", days(age), days(rules.max_age));
        return Decision::Leave(Inactive, detail);
    }
    match facts.size_kb.and_then(|size| u64::try_from(size).ok()) {
        Some(kilobytes) if kilobytes > rules.max_size_mb * 1_024 => Decision::SetAside(format!(
            "it has {} MB, more than the {} MB of scan.max_repository_size_mb: approve it to have it synced",
            kilobytes / 1_024,
            rules.max_size_mb
        )),
        _ => Decision::TakeUp,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone as _, Utc};
    use entity::kind::Provider;

    use super::*;

    fn now() -> Timestamp {
        Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).unwrap()
    }

    fn rules() -> Rules {
        Rules {
            max_size_mb: 100,
            max_age: Duration::from_hours(2160),
            archived: false,
            forks: false,
            block: vec!["spam/*".to_owned()],
        }
    }

    fn facts() -> RepositoryFacts {
        RepositoryFacts {
            host: "github.com".to_owned(),
            provider: Provider::Github,
            forge_id: 1,
            node_id: None,
            owner: "ada".to_owned(),
            name: "home-ops".to_owned(),
            full_name: "ada/home-ops".to_owned(),
            clone_url: "https://github.com/ada/home-ops.git".to_owned(),
            web_url: None,
            description: None,
            language: None,
            topics: Vec::new(),
            license_name: None,
            default_branch: None,
            created_at: None,
            updated_at: None,
            pushed_at: Some(now() - TimeDelta::days(90)),
            stars: 0,
            forks: None,
            watchers: None,
            open_issues: None,
            size_kb: Some(100 * 1_024),
            is_archived: false,
            is_fork: false,
            is_private: false,
        }
    }

    fn reason(facts: &RepositoryFacts) -> Option<RejectReason> {
        match decide(facts, &rules(), false, now()) {
            Decision::Leave(reason, detail) => {
                assert!(!detail.is_empty());
                Some(reason)
            }
            _ => None,
        }
    }

    #[test]
    fn what_is_just_within_the_rules_is_taken_up() {
        assert_eq!(decide(&facts(), &rules(), false, now()), Decision::TakeUp);
        // What the forge does not tell is no reason to leave it out.
        let unknown = RepositoryFacts { size_kb: None, pushed_at: None, ..facts() };
        assert_eq!(decide(&unknown, &rules(), false, now()), Decision::TakeUp);
    }

    #[test]
    fn each_rule_has_its_reason() {
        let old = Some(now() - TimeDelta::days(91));
        for (facts, expected) in [
            (RepositoryFacts { is_archived: true, ..facts() }, RejectReason::Archived),
            (RepositoryFacts { is_fork: true, ..facts() }, RejectReason::Fork),
            (RepositoryFacts { is_private: true, ..facts() }, RejectReason::Private),
            (RepositoryFacts { pushed_at: old, ..facts() }, RejectReason::Inactive),
            (RepositoryFacts { full_name: "Spam/thing".to_owned(), ..facts() }, RejectReason::Blocked),
        ] {
            assert_eq!(reason(&facts), Some(expected));
        }
        assert!(matches!(decide(&facts(), &rules(), true, now()), Decision::Leave(RejectReason::Deleted, _)));
        let lenient = Rules { archived: true, forks: true, ..rules() };
        let both = RepositoryFacts { is_archived: true, is_fork: true, ..facts() };
        assert_eq!(decide(&both, &lenient, false, now()), Decision::TakeUp);
    }

    #[test]
    fn large_ones_are_set_aside_with_both_sizes() {
        let large = RepositoryFacts { size_kb: Some(100 * 1_024 + 1), ..facts() };
        let Decision::SetAside(why) = decide(&large, &rules(), false, now()) else { panic!("not set aside") };
        assert!(why.contains("100 MB") && why.contains("scan.max_repository_size_mb"), "{why}");
    }
}
