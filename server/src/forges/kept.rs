//! What forges answered and how much they allow, kept in the database for all processes.

use async_trait::async_trait;
use forge::{Account, Kept, Store, StoreError, Window};
use store::db::{DataError, Db};
use store::forges::{self, Budget, KeptAnswer};
use store::queue::CLOCKS_DIFFER;

use crate::clock;

/// Answers and limits in the database, shared by all processes.
pub(super) struct DbStore(pub(super) Db);

fn failed(error: DataError) -> StoreError {
    StoreError(error.to_string())
}

#[async_trait]
impl Store for DbStore {
    async fn answer(&self, key: &str) -> Result<Option<Kept>, StoreError> {
        let found = match forges::find_answer(&self.0.read, key).await {
            Ok(found) => found,
            // A damaged answer is asked for anew.
            Err(DataError::Damaged { .. }) => None,
            Err(error) => return Err(failed(error)),
        };
        if found.is_some() {
            forges::touch_answer(&self.0.write, key, clock::now()).await.map_err(failed)?;
        }
        Ok(found.map(|found| Kept { etag: found.etag, body: found.body, next: found.next }))
    }

    async fn keep(&self, account: &Account, key: &str, answer: &Kept) -> Result<(), StoreError> {
        let kept = KeptAnswer { etag: answer.etag.clone(), body: answer.body.clone(), next: answer.next.clone() };
        forges::keep_answer(&self.0.write, key, &account.host, &kept, clock::now()).await.map_err(failed)
    }

    async fn window(&self, account: &Account, resource: &str) -> Result<Option<Window>, StoreError> {
        let found = forges::find_budget(&self.0.read, &account.host, &account.token, resource).await.map_err(failed)?;
        // Seen at a time that has not come: the clock was set back since, and the times are worth nothing.
        let found = found.filter(|found| found.seen_at <= clock::now() + CLOCKS_DIFFER);
        Ok(found.map(|found| Window {
            quota: found.quota,
            remaining: found.remaining,
            resets_at: found.resets_at,
            blocked_until: found.blocked_until,
            seen_at: found.seen_at,
        }))
    }

    async fn record(&self, account: &Account, resource: &str, window: &Window, spent: i64) -> Result<(), StoreError> {
        let budget = Budget {
            quota: window.quota,
            remaining: window.remaining,
            resets_at: window.resets_at,
            blocked_until: window.blocked_until,
            seen_at: window.seen_at,
        };
        let who = (account.host.as_str(), account.token.as_str(), resource);
        forges::record_budget(&self.0.write, who, &budget, spent).await.map_err(failed)
    }
}
