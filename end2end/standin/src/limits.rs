//! Quotas per token and resource, as the forges count them: a fixed window from the first request on.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// How much each resource allows.
#[derive(Debug, Clone)]
pub struct Limits {
    /// GitHub's REST requests per window with a token (5,000 per hour).
    pub core: u64,
    /// GitHub's REST requests per window without a token (60 per hour).
    pub core_anonymous: u64,
    /// GitHub's searches per search window with a token (30 per minute).
    pub search: u64,
    /// GitHub's searches per search window without a token (10 per minute).
    pub search_anonymous: u64,
    /// GitHub's GraphQL points per window (5,000 per hour); nothing without a token.
    pub graphql: u64,
    /// GitLab's and Forgejo's requests per minute.
    pub requests: u64,
    /// How long a window lasts (an hour at GitHub).
    pub window: Duration,
    /// How long a window of searches lasts (a minute at GitHub).
    pub search_window: Duration,
    /// Requests at the same time from which on GitHub's secondary limit answers (100).
    pub concurrent: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            core: 5_000,
            core_anonymous: 60,
            search: 30,
            search_anonymous: 10,
            graphql: 5_000,
            requests: 2_000,
            window: Duration::from_hours(1),
            search_window: Duration::from_mins(1),
            concurrent: 100,
        }
    }
}

impl Limits {
    /// Limits that no test reaches by accident.
    #[must_use]
    pub fn generous() -> Self {
        let much = 10_000_000;
        Self {
            core: much,
            core_anonymous: much,
            search: much,
            search_anonymous: much,
            graphql: much,
            requests: much,
            concurrent: 100_000,
            ..Self::default()
        }
    }

    pub(crate) fn of(&self, resource: &str, with_token: bool) -> u64 {
        match (resource, with_token) {
            ("search", true) => self.search,
            ("search", false) => self.search_anonymous,
            ("graphql", true) => self.graphql,
            ("graphql", false) => 0,
            ("core", true) => self.core,
            ("core", false) => self.core_anonymous,
            _ => self.requests,
        }
    }

    fn window_of(&self, resource: &str) -> Duration {
        match resource {
            "search" => self.search_window,
            "requests" => Duration::from_mins(1),
            _ => self.window,
        }
    }
}

/// A quota as the headers tell it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) limit: u64,
    pub(crate) used: u64,
    pub(crate) reset: DateTime<Utc>,
}

impl Budget {
    pub(crate) fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// Whole seconds until the reset, at least one.
    pub(crate) fn wait(&self) -> u64 {
        (self.reset - Utc::now()).num_seconds().max(0).unsigned_abs() + 1
    }
}

/// What each token has used of each resource.
#[derive(Debug, Default)]
pub(crate) struct Budgets(HashMap<(Option<usize>, &'static str), (u64, Instant)>);

impl Budgets {
    /// Takes `cost` from the budget if that much is left; the budget afterwards, and whether it was taken.
    pub(crate) fn take(
        &mut self,
        limits: &Limits,
        token: Option<usize>,
        resource: &'static str,
        cost: u64,
    ) -> (Budget, bool) {
        let window = limits.window_of(resource);
        let limit = limits.of(resource, token.is_some());
        let (used, ends) = self.0.entry((token, resource)).or_insert_with(|| (0, Instant::now() + window));
        if *ends <= Instant::now() {
            *used = 0;
            *ends = Instant::now() + window;
        }
        let enough = *used + cost <= limit;
        if enough {
            *used += cost;
        }
        let left = ends.saturating_duration_since(Instant::now());
        let reset = Utc::now() + chrono::Duration::from_std(left).unwrap_or_default();
        (Budget { limit, used: *used, reset }, enough)
    }

    /// Gives back what a request took that turned out to be free.
    pub(crate) fn give_back(&mut self, token: Option<usize>, resource: &'static str, cost: u64) {
        if let Some((used, _)) = self.0.get_mut(&(token, resource)) {
            *used = used.saturating_sub(cost);
        }
    }

    /// Uses up a budget, so that the next request meets the limit.
    pub(crate) fn exhaust(&mut self, limits: &Limits, token: Option<usize>, resource: &'static str, reset: Duration) {
        let limit = limits.of(resource, token.is_some());
        self.0.insert((token, resource), (limit, Instant::now() + reset));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
