//! What outlives a request: answers for conditional requests, and limits that several processes share.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// Who asks whom: limits are counted by host and token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    pub host: String,
    /// Tells tokens apart without telling them; empty without one.
    pub token: String,
}

/// An answer with the tag by which the forge knows it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub etag: String,
    /// What of the answer is used, as JSON.
    pub body: String,
    /// Where the next page is.
    pub next: Option<String>,
}

/// What a forge said of its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Requests, or points, that a window has.
    pub quota: Option<i64>,
    pub remaining: Option<i64>,
    pub resets_at: Option<DateTime<Utc>>,
    /// Nothing is to be asked before this time.
    pub blocked_until: Option<DateTime<Utc>>,
    pub seen_at: DateTime<Utc>,
}

/// What is kept cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// Keeps answers and limits; several processes may share one.
#[async_trait]
pub trait Store: Send + Sync {
    /// The answer to a question asked before.
    async fn answer(&self, key: &str) -> Result<Option<Kept>, StoreError>;

    /// Keeps an answer in place of the one before.
    async fn keep(&self, account: &Account, key: &str, answer: &Kept) -> Result<(), StoreError>;

    /// What the forge last said of a limit.
    async fn window(&self, account: &Account, resource: &str) -> Result<Option<Window>, StoreError>;

    /// Keeps what the forge says of a limit now, and adds to what was spent.
    async fn record(&self, account: &Account, resource: &str, window: &Window, spent: i64) -> Result<(), StoreError>;
}

/// Forgets when the program ends: for a single look, and for tests.
#[derive(Debug, Default)]
pub struct MemoryStore {
    answers: Mutex<HashMap<String, Kept>>,
    windows: Mutex<HashMap<(Account, String), (Window, i64)>>,
}

impl MemoryStore {
    /// Every limit with what was spent of it.
    pub fn windows(&self) -> Vec<(Account, String, Window, i64)> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let all = windows
            .iter()
            .map(|((account, resource), (window, spent))| (account.clone(), resource.clone(), window.clone(), *spent));
        all.collect()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn answer(&self, key: &str) -> Result<Option<Kept>, StoreError> {
        Ok(self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    async fn keep(&self, _: &Account, key: &str, answer: &Kept) -> Result<(), StoreError> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), answer.clone());
        Ok(())
    }

    async fn window(&self, account: &Account, resource: &str) -> Result<Option<Window>, StoreError> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(windows.get(&(account.clone(), resource.to_owned())).map(|(window, _)| window.clone()))
    }

    async fn record(&self, account: &Account, resource: &str, window: &Window, spent: i64) -> Result<(), StoreError> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = windows.entry((account.clone(), resource.to_owned())).or_insert((window.clone(), 0));
        kept.0 = window.clone();
        kept.1 += spent;
        Ok(())
    }
}
