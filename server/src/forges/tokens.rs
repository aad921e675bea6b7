//! The tokens that people entered for forges, as they are in the database.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actions::forges::open_token;
use auth::seal::Keys;
use entity::view::Timestamp;
use store::db::Db;

use crate::config::{ForgeConfig, Secret};

/// A token that was entered, changed or removed in any process is used in all of them after so long.
const ENTERED_FOR: Duration = Duration::from_secs(5);

/// Where such a token is set, for errors that tell how to mend them.
const ENTERED_KEY: &str = "/admin/forges, where it was entered";

/// A token that somebody entered, and since when: a client that was made with another is made anew.
pub(super) type EnteredToken = (Timestamp, Secret);

/// Those of the database, kept for a moment; none where there is no database or no key.
#[derive(Default)]
pub(super) struct EnteredTokens {
    /// Where they are, and what opens them.
    sealed: Option<(Db, Keys)>,
    known: Mutex<Known>,
}

/// By host, as they were at a time.
#[derive(Default)]
struct Known {
    read_at: Option<Instant>,
    by_host: HashMap<String, EnteredToken>,
    /// Those that can't be opened; it is said once of each.
    unopened: HashMap<String, Timestamp>,
}

impl EnteredTokens {
    pub(super) fn new(db: &Db, keys: Option<&Keys>) -> Self {
        Self { sealed: keys.map(|keys| (db.clone(), keys.clone())), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads them, unless that was done just now.
    pub(super) async fn refresh(&self) {
        let Some((db, keys)) = &self.sealed else { return };
        if self.known().read_at.is_some_and(|at| at.elapsed() < ENTERED_FOR) {
            return;
        }
        let found = match store::secrets::list_forge_tokens(&db.read).await {
            Ok(found) => found,
            // Those that are known are used meanwhile.
            Err(error) => return tracing::warn!(%error, "forges' tokens could not be read"),
        };
        let (mut by_host, mut unopened) = (HashMap::new(), HashMap::new());
        for (host, secret) in found {
            match open_token(keys, &secret) {
                Ok(token) => {
                    by_host.insert(host, (secret.changed_at, Secret::new(token.to_string())));
                }
                Err(error) => {
                    if self.known().unopened.get(&host) != Some(&secret.changed_at) {
                        tracing::warn!(host, error, "a forge's token can't be opened; enter it anew");
                    }
                    unopened.insert(host, secret.changed_at);
                }
            }
        }
        *self.known() = Known { read_at: Some(Instant::now()), by_host, unopened };
    }

    pub(super) fn of(&self, host: &str) -> Option<EnteredToken> {
        self.known().by_host.get(host).cloned()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known().by_host.is_empty()
    }
}

/// A forge that has no token of the configuration, with the one that somebody entered.
#[must_use]
pub fn with_entered(forge: ForgeConfig, token: Secret) -> ForgeConfig {
    ForgeConfig { token: Some(token), token_key: ENTERED_KEY.to_owned(), ..forge }
}
