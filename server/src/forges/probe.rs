//! One question to a forge, within bounds of time and without a database: is it there, and what does a token bring.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entity::kind::Provider;
use entity::view::{ForgeBudget, TokenTest};
use forge::{ForgeError, Holder, Limits, MemoryStore, Probe, Window};

use super::{EnteredTokens, Forges, entered_guard, guard, known};
use crate::config::{Config, ForgeConfig, Secret};

impl Forges {
    /// Asks a forge whose a token is and what it brings; nothing of it is kept.
    ///
    /// # Errors
    /// If the forge does not take it, or does not answer.
    pub async fn try_token(
        config: &Config,
        host: &str,
        provider: Provider,
        token: Secret,
        within: Duration,
    ) -> Result<TokenTest, ForgeError> {
        let forge = known(&config.forges, host, provider);
        let forge = ForgeConfig { token: Some(token), token_key: "the form".to_owned(), ..forge };
        let (holder, probe) = Self::probe_token(config, &forge, within).await?;
        let budget = |(resource, window): (String, Window)| ForgeBudget {
            host: host.to_owned(),
            resource,
            quota: window.quota,
            remaining: window.remaining,
            resets_at: window.resets_at,
            blocked_until: window.blocked_until,
            spent_last_24_h: 0,
            seen_at: window.seen_at,
        };
        let budgets = probe.limits.into_iter().map(budget).collect();
        Ok(TokenTest { host: host.to_owned(), login: holder.login, scopes: holder.scopes, budgets })
    }

    /// Without a database, within bounds of time.
    fn of_one_look(config: &Config, within: Duration) -> Self {
        Self {
            configured: Vec::new(),
            own: HashMap::new(),
            guard: Arc::new(guard(config)),
            entered_guard: Arc::new(entered_guard(config)),
            require_https: config.security.require_https,
            store: Arc::new(MemoryStore::default()),
            limits: Limits { connect_timeout: within, timeout: within, ..Limits::default() },
            clients: Mutex::default(),
            entered: EnteredTokens::default(),
        }
    }

    /// Asks a forge for a sign of life, within bounds of time and without a database.
    ///
    /// # Errors
    /// If the forge's address or token cannot be used, or it does not answer as it should.
    pub async fn probe(config: &Config, forge: &ForgeConfig, within: Duration) -> Result<Probe, ForgeError> {
        let forges = Self::of_one_look(config, within);
        forges.client(&forge.host(), forge, &forges.guard)?.probe().await
    }

    /// The same, and whose the forge's token is.
    ///
    /// # Errors
    /// As [`Forges::probe`].
    pub async fn probe_token(
        config: &Config,
        forge: &ForgeConfig,
        within: Duration,
    ) -> Result<(Holder, Probe), ForgeError> {
        let forges = Self::of_one_look(config, within);
        let client = forges.client(&forge.host(), forge, &forges.guard)?;
        Ok((client.holder().await?, client.probe().await?))
    }
}
