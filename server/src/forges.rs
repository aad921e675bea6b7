//! The forges' clients, each made when it is first asked for, and what they keep in the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use entity::address::{Address, Scheme};
use entity::kind::Provider;
use forge::{
    Account, Forge, ForgeError, Forgejo, Github, Gitlab, Kept, Limits, MemoryStore, Probe, Settings, Store, StoreError,
    Token, Window,
};
use net::AddressGuard;
use store::db::{DataError, Db};
use store::forges::{self, Budget, KeptAnswer};
use store::queue::CLOCKS_DIFFER;

use crate::clock;
use crate::config::{Config, ForgeConfig, Secret};

/// All forges that are configured, and those of hosts that repositories come from.
pub struct Forges {
    configured: Vec<ForgeConfig>,
    guard: Arc<AddressGuard>,
    require_https: bool,
    store: Arc<dyn Store>,
    limits: Limits,
    clients: Mutex<HashMap<String, Arc<dyn Forge>>>,
}

impl Forges {
    /// The forges that a configuration names, over this database.
    #[must_use]
    pub fn new(config: &Config, db: &Db) -> Self {
        Self {
            configured: config.forges.clone(),
            guard: Arc::new(guard(config)),
            require_https: config.security.require_https,
            store: Arc::new(DbStore(db.clone())),
            limits: Limits::default(),
            clients: Mutex::default(),
        }
    }

    /// Those of the configuration.
    #[must_use]
    pub fn configured(&self) -> &[ForgeConfig] {
        &self.configured
    }

    /// Whether somebody gave a token to any forge.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.configured.iter().any(|forge| forge.token.is_some())
    }

    /// The token with which git may fetch from this address: that of an entry of `discovery.forges`. github.com needs none
    /// for what is public, and one that ran out would stop every sync.
    #[must_use]
    pub fn git_token(&self, url: &str) -> Option<&Secret> {
        let host = Address::read(url).ok()?.forge_host()?;
        let found = self.configured.iter().find(|forge| forge.host() == host && forge.is_trusted)?;
        found.token.as_ref().filter(|_| host != "github.com")
    }

    /// Whether an address that a forge gives may be cloned from, as far as can be told without asking for its name.
    ///
    /// # Errors
    /// A sentence.
    pub fn check_address(&self, address: &str) -> Result<(), String> {
        let none = |why: String| format!("its address {address:?} is none: {why}");
        let address = Address::read(address).map_err(|error| none(error.to_string()))?;
        match address.scheme() {
            Scheme::Https | Scheme::Ssh => {}
            Scheme::Http if self.require_https && !is_plain_by_choice(&self.configured, &address) => {
                return Err(
                    "its address is plain http, which is not allowed; set security.require_https to false to allow it"
                        .to_owned(),
                );
            }
            Scheme::Http => {}
            Scheme::File => return Err("its address is a path, which is not cloned from".to_owned()),
            Scheme::Other(scheme) => {
                return Err(format!("its address begins with {scheme}:, which is not cloned from"));
            }
        }
        let url = address.machine().ok_or_else(|| none("it names no host".to_owned()))?;
        self.guard.check_url(&url).map_err(|refused| refused.to_string())
    }

    /// Which addresses may be talked to.
    #[must_use]
    pub fn guard(&self) -> &Arc<AddressGuard> {
        &self.guard
    }

    /// The client for a host. To be called within a tokio runtime.
    ///
    /// # Errors
    /// If the forge's address or token cannot be used, or the host has no API that is known here.
    pub fn of_host(&self, host: &str, provider: Provider) -> Result<Arc<dyn Forge>, ForgeError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(host) {
            return Ok(Arc::clone(client));
        }
        let found = self.configured.iter().find(|forge| forge.host() == host).cloned();
        let forge = found.unwrap_or_else(|| ForgeConfig::of_host(host, provider));
        let client = self.client(host, &forge, Arc::clone(&self.store))?;
        clients.insert(host.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    /// Asks a forge for a sign of life, within bounds of time and without a database.
    ///
    /// # Errors
    /// If the forge's address or token cannot be used, or it does not answer as it should.
    pub async fn probe(config: &Config, forge: &ForgeConfig, within: Duration) -> Result<Probe, ForgeError> {
        let forges = Self {
            configured: Vec::new(),
            guard: Arc::new(guard(config)),
            require_https: config.security.require_https,
            store: Arc::new(MemoryStore::default()),
            limits: Limits { connect_timeout: within, timeout: within, ..Limits::default() },
            clients: Mutex::default(),
        };
        forges.client(&forge.host(), forge, Arc::clone(&forges.store))?.probe().await
    }

    fn client(&self, host: &str, forge: &ForgeConfig, store: Arc<dyn Store>) -> Result<Arc<dyn Forge>, ForgeError> {
        let unsupported = |what: &str| ForgeError::Unsupported { host: host.to_owned(), what: what.to_owned() };
        let settings = Settings {
            host: host.to_owned(),
            base_url: forge.api().ok_or_else(|| unsupported("its address is no URL"))?,
            token: forge.token.as_ref().map(|token| Token::new(token.expose())),
            token_key: forge.token_key.clone(),
            guard: Arc::clone(&self.guard),
            store,
            limits: self.limits.clone(),
        };
        Ok(match forge.provider {
            Provider::Github => Arc::new(Github::new(settings)?),
            Provider::Gitlab => Arc::new(Gitlab::new(settings)?),
            Provider::Forgejo => Arc::new(Forgejo::new(settings)?),
            Provider::Git => return Err(unsupported("plain Git servers tell nothing but refs")),
        })
    }
}

/// Whether the operator wrote this host's forge with plain http in the configuration.
#[must_use]
pub fn is_plain_by_choice(configured: &[ForgeConfig], address: &Address) -> bool {
    let host = address.forge_host();
    let plain = |forge: &&ForgeConfig| forge.is_trusted && forge.url.starts_with("http://");
    configured.iter().filter(plain).any(|forge| Some(forge.host()) == host)
}

/// What the configuration allows: networks by `security.allowed_networks`, forges by being written there.
#[must_use]
pub fn guard(config: &Config) -> AddressGuard {
    let guard = AddressGuard::new(config.security.allowed_networks.iter().copied());
    config.forges.iter().filter(|forge| forge.is_trusted).fold(guard, |guard, forge| {
        let addresses = [url::Url::parse(&forge.url).ok(), forge.api()];
        addresses.into_iter().flatten().fold(guard, |guard, url| guard.trusting_host_of(&url))
    })
}

/// Answers and limits in the database, shared by all processes.
struct DbStore(Db);

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
