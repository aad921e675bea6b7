//! The forges' clients, each made when it is first asked for, and what they keep in the database.

mod entered;
mod machine;
mod own;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actions::access::Access;
use actions::forges::{PREFIX, open_token};
use async_trait::async_trait;
use auth::seal::Keys;
use entity::address::{Address, Scheme};
use entity::kind::Provider;
use entity::view::{ForgeBudget, Timestamp, TokenTest};
use forge::{
    Account, Forge, ForgeError, Forgejo, Github, Gitlab, Holder, Kept, Limits, MemoryStore, Probe, Settings, Store,
    StoreError, Token, Window,
};
use net::AddressGuard;
use store::db::{DataError, Db};
use store::forges::{self, Budget, KeptAnswer};
use store::queue::CLOCKS_DIFFER;
use store::repositories::SyncTarget;
use url::Url;

use self::entered::{Entered, entered_forge, entered_name, without_place};
pub use self::entered::{check_access, git_token};
pub use self::machine::check_machine;
use self::own::OwnForge;
pub use self::own::RepositoryForge;
use crate::clock;
use crate::config::{Config, ForgeConfig, Secret, git_host};

/// A token that was entered, changed or removed in any process is used in all of them after so long.
const ENTERED_FOR: Duration = Duration::from_secs(5);

/// Where such a token is set, for errors that tell how to mend them.
const ENTERED_KEY: &str = "/admin/forges, where it was entered";

/// A token that somebody entered, and since when: a client that was made with another is made anew.
type EnteredToken = (Timestamp, Secret);

/// The tokens that people entered, by host, as they were at a time.
#[derive(Default)]
struct EnteredTokens {
    read_at: Option<Instant>,
    by_host: HashMap<String, EnteredToken>,
    /// Those that can't be opened; it is said once of each.
    unopened: HashMap<String, Timestamp>,
}

/// A client, and since when the token was entered that it asks with.
type Client = (Option<Timestamp>, Arc<dyn Forge>);

/// All forges that are configured, and those of hosts that repositories come from.
pub struct Forges {
    configured: Vec<ForgeConfig>,
    /// By the repository's address.
    own: HashMap<String, OwnForge>,
    guard: Arc<AddressGuard>,
    /// For addresses that people entered: what the configuration names is not theirs.
    entered_guard: Arc<AddressGuard>,
    require_https: bool,
    store: Arc<dyn Store>,
    limits: Limits,
    clients: Mutex<HashMap<String, Client>>,
    /// Where tokens are that people entered, and what opens them.
    sealed: Option<(Db, Keys)>,
    entered: Mutex<EnteredTokens>,
}

impl Forges {
    /// The forges that a configuration names, over this database; with keys also by the tokens that people entered there.
    #[must_use]
    pub fn new(config: &Config, db: &Db, keys: Option<&Keys>) -> Self {
        Self {
            configured: config.forges.clone(),
            own: config.repositories.iter().filter_map(OwnForge::new).collect(),
            guard: Arc::new(guard(config)),
            entered_guard: Arc::new(entered_guard(config)),
            require_https: config.security.require_https,
            store: Arc::new(DbStore(db.clone())),
            limits: Limits::default(),
            clients: Mutex::default(),
            sealed: keys.map(|keys| (db.clone(), keys.clone())),
            entered: Mutex::default(),
        }
    }

    /// Looks for tokens that people entered, unless that was done just now. To be called before forges are asked.
    pub async fn refresh(&self) {
        let Some((db, keys)) = &self.sealed else { return };
        let entered = || self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        if entered().read_at.is_some_and(|at| at.elapsed() < ENTERED_FOR) {
            return;
        }
        let found = match store::secrets::list_sealed(&db.read, PREFIX).await {
            Ok(found) => found,
            // Those that are known are used meanwhile.
            Err(error) => return tracing::warn!(%error, "forges' tokens could not be read"),
        };
        let (mut by_host, mut unopened) = (HashMap::new(), HashMap::new());
        for secret in found {
            let host = secret.name.trim_start_matches(PREFIX).to_owned();
            match open_token(keys, &secret) {
                Ok(token) => {
                    by_host.insert(host, (secret.changed_at, Secret::new(token.to_string())));
                }
                Err(error) => {
                    if entered().unopened.get(&host) != Some(&secret.changed_at) {
                        tracing::warn!(host, error, "a forge's token can't be opened; enter it anew");
                    }
                    unopened.insert(host, secret.changed_at);
                }
            }
        }
        *entered() = EnteredTokens { read_at: Some(Instant::now()), by_host, unopened };
    }

    fn entered(&self, host: &str) -> Option<EnteredToken> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner).by_host.get(host).cloned()
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
            || !self.entered.lock().unwrap_or_else(PoisonError::into_inner).by_host.is_empty()
    }

    /// The token with which git may fetch from this address: that of an entry of `discovery.forges`, else the one that was
    /// entered.
    #[must_use]
    pub fn git_token(&self, url: &str) -> Option<Secret> {
        let address = Address::read(url).ok()?;
        let host = git_host(&address)?;
        let entered = || {
            // Nothing that was entered goes over a line that others read, unless the operator wrote that address.
            let is_safe = *address.scheme() != Scheme::Http || is_plain_by_choice(&self.configured, &address);
            self.entered(&host).filter(|_| is_safe).map(|(_, token)| token)
        };
        ForgeConfig::git_token(&self.configured, &host).or_else(entered)
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
        let (since, forge) = self.usual(host, provider);
        self.kept(host, host, since, &forge)
    }

    /// The client for a repository of a host: with the token and at the address that the configuration gives for it, where it
    /// does, or that somebody entered for it alone. To be called within a tokio runtime.
    ///
    /// # Errors
    /// As [`Forges::of_host`].
    pub fn of_repository(
        &self,
        url: &str,
        host: &str,
        provider: Provider,
        access: Option<&Access>,
    ) -> Result<RepositoryForge, ForgeError> {
        let (since, usual) = self.usual(host, provider);
        let entered = access.and_then(|access| entered_forge(access, url, host, &usual));
        if let Some(Entered { forge, is_elsewhere }) = entered {
            // Not kept, so that no token of one repository stays in memory once it is forgotten.
            let client = match is_elsewhere {
                true => {
                    let name = entered_name(url);
                    let client = self.client(&name, &forge, &self.entered_guard);
                    client.map_err(|error| without_place(&name, error))?
                }
                false => self.client(host, &forge, &self.guard)?,
            };
            return Ok(RepositoryForge { client, has_token: forge.token.is_some(), is_entered: true, is_elsewhere });
        }
        let (key, since, forge) = match self.own.get(url) {
            None => (host.to_owned(), since, usual),
            Some(own) => {
                let forge = own.over(usual);
                // Many repositories have the same token, and share a client.
                let token = forge.token.as_ref().map(|token| blake3::hash(token.expose().as_bytes()).to_hex());
                let api = forge.api_base_url.as_deref().unwrap_or_default();
                (format!("{host} {api} {}", token.as_deref().unwrap_or_default()), None, forge)
            }
        };
        let client = self.kept(&key, host, since, &forge)?;
        Ok(RepositoryForge { client, has_token: forge.token.is_some(), is_entered: false, is_elsewhere: false })
    }

    /// The forge of a host, with the token that was entered where none is configured, and since when that is.
    fn usual(&self, host: &str, provider: Provider) -> (Option<Timestamp>, ForgeConfig) {
        let forge = known(&self.configured, host, provider);
        let Some((since, token)) = self.entered(host).filter(|_| forge.token.is_none()) else { return (None, forge) };
        (Some(since), with_entered(forge, token))
    }

    /// The client that is known by this key, made anew where another token was entered since.
    fn kept(
        &self,
        key: &str,
        host: &str,
        since: Option<Timestamp>,
        forge: &ForgeConfig,
    ) -> Result<Arc<dyn Forge>, ForgeError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, client)) = clients.get(key)
            && *made == since
        {
            return Ok(Arc::clone(client));
        }
        let client = self.client(host, forge, &self.guard)?;
        clients.insert(key.to_owned(), (since, Arc::clone(&client)));
        Ok(client)
    }

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
            sealed: None,
            entered: Mutex::default(),
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

    fn client(&self, host: &str, forge: &ForgeConfig, guard: &Arc<AddressGuard>) -> Result<Arc<dyn Forge>, ForgeError> {
        let unsupported = |what: &str| ForgeError::Unsupported { host: host.to_owned(), what: what.to_owned() };
        let settings = Settings {
            host: host.to_owned(),
            base_url: forge.api().ok_or_else(|| unsupported("its address is no URL"))?,
            token: forge.token.as_ref().map(|token| Token::new(token.expose())),
            token_key: forge.token_key.clone(),
            guard: Arc::clone(guard),
            store: Arc::clone(&self.store),
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

/// The forge of a host, as somebody configured it or as those of its kind are.
fn known(configured: &[ForgeConfig], host: &str, provider: Provider) -> ForgeConfig {
    let found = configured.iter().find(|forge| forge.host() == host).cloned();
    found.unwrap_or_else(|| ForgeConfig::of_host(host, provider))
}

/// Where the APIs are that are asked about repositories.
pub struct Apis<'c> {
    configured: &'c [ForgeConfig],
    /// By the repository's address.
    own: HashMap<&'c str, &'c str>,
}

impl<'c> Apis<'c> {
    /// As a configuration has it.
    #[must_use]
    pub fn new(config: &'c Config) -> Self {
        let own = config.repositories.iter().filter_map(|it| Some((it.url.as_str(), it.api_base_url.as_deref()?)));
        Self { configured: &config.forges, own: own.collect() }
    }

    /// Where a repository's is; nothing where it has none.
    #[must_use]
    pub fn of(&self, target: &SyncTarget) -> Option<Url> {
        if target.provider == Provider::Git {
            return None;
        }
        let address = Address::read(&target.url).ok()?.at_forge(target.provider)?;
        let host = target.forge_host.as_deref().unwrap_or(&address.host);
        let forge = known(self.configured, host, target.provider);
        match self.own.get(target.url.as_str()) {
            _ if forge.provider == Provider::Git => None,
            Some(own) => Url::parse(own).ok(),
            None => forge.api(),
        }
    }
}

/// A forge that has no token of the configuration, with the one that somebody entered.
#[must_use]
pub fn with_entered(forge: ForgeConfig, token: Secret) -> ForgeConfig {
    ForgeConfig { token: Some(token), token_key: ENTERED_KEY.to_owned(), ..forge }
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
    // A forge that one repository names by its API, which may be on another machine than the forge itself.
    let own = config.repositories.iter().filter_map(|it| Some([it.url.as_str(), it.api_base_url.as_deref()?]));
    let own = own.flatten().filter_map(|address| Url::parse(address).ok());
    let guard = own.fold(guard, |guard, url| guard.trusting_host_of(&url));
    config.forges.iter().filter(|forge| forge.is_trusted).fold(guard, |guard, forge| {
        let addresses = [Url::parse(&forge.url).ok(), forge.api()];
        addresses.into_iter().flatten().fold(guard, |guard, url| guard.trusting_host_of(&url))
    })
}

/// What people's own addresses may lead to: public networks, and those of `security.allowed_networks`.
fn entered_guard(config: &Config) -> AddressGuard {
    AddressGuard::new(config.security.allowed_networks.iter().copied())
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
