//! What was asked: a log of requests and counters, so that tests can say what something cost.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The log keeps this many of the latest requests.
const KEPT: usize = 20_000;

/// One request and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// When it came.
    pub at: DateTime<Utc>,
    /// GET or POST.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// The query, as it came.
    pub query: Option<String>,
    /// Which token it carried: its place in the options' list, or none.
    pub token: Option<usize>,
    /// What was answered.
    pub status: u16,
    /// What it cost of the quota.
    pub cost: u64,
    /// The faults that befell it.
    pub faults: Vec<String>,
}

/// Sums over everything since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests to the API.
    pub api: u64,
    /// Requests by git: refs and packs.
    pub git: u64,
    /// Git requests for refs alone (`info/refs` and `ls-refs`).
    pub git_refs: u64,
    /// Git requests that fetched.
    pub git_fetch: u64,
    /// Answers with 304.
    pub not_modified: u64,
    /// Quota spent: requests (REST) and points (GraphQL).
    pub quota: u64,
    /// Quota spent by resource (`core`, `search`, `graphql`).
    pub quota_by_resource: BTreeMap<String, u64>,
    /// Answers by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests that a fault befell.
    pub faulted: u64,
    /// Requests answered at the same time, at most.
    pub peak_concurrency: u64,
    /// Requests that no limit let through.
    pub limited: u64,
}

/// The log and the counters of one forge.
#[derive(Debug, Default)]
pub(crate) struct Record {
    requests: VecDeque<Request>,
    pub(crate) counters: Counters,
}

impl Record {
    pub(crate) fn add(&mut self, request: Request) {
        if self.requests.len() == KEPT {
            self.requests.pop_front();
        }
        let counters = &mut self.counters;
        if request.path.ends_with("/info/refs") || request.path.ends_with("/git-upload-pack") {
            counters.git += 1;
        } else {
            counters.api += 1;
        }
        counters.not_modified += u64::from(request.status == 304);
        counters.faulted += u64::from(!request.faults.is_empty());
        *counters.by_status.entry(request.status).or_default() += 1;
        self.requests.push_back(request);
    }

    pub(crate) fn spend(&mut self, resource: &str, cost: u64) {
        self.counters.quota += cost;
        *self.counters.quota_by_resource.entry(resource.to_owned()).or_default() += cost;
    }

    pub(crate) fn requests(&self) -> impl DoubleEndedIterator<Item = &Request> {
        self.requests.iter()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
