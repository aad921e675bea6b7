//! The forges' clients, each made when it is first asked for, and what they keep in the database.

mod apis;
mod entered;
mod guards;
mod kept;
mod own;
mod probe;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actions::access::Access;
use auth::seal::Keys;
use entity::address::{Address, Scheme};
use entity::kind::Provider;
use entity::view::Timestamp;
use forge::{Forge, ForgeError, Forgejo, Github, Gitlab, Limits, Settings, Store, Token};
use net::AddressGuard;
use store::db::Db;

pub use self::apis::Apis;
use self::entered::{Entered, entered_forge, entered_name, without_place};
pub use self::entered::{check_access, git_token};
use self::guards::entered_guard;
pub use self::guards::{check_machine, guard, is_plain_by_choice};
use self::kept::DbStore;
use self::own::OwnForge;
pub use self::own::RepositoryForge;
use self::tokens::EnteredTokens;
pub use self::tokens::with_entered;
use crate::config::{Config, ForgeConfig, Secret, git_host};

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
    entered: EnteredTokens,
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
            entered: EnteredTokens::new(db, keys),
        }
    }

    /// Looks for tokens that people entered, unless that was done just now. To be called before forges are asked.
    pub async fn refresh(&self) {
        self.entered.refresh().await;
    }

    /// Those of the configuration.
    #[must_use]
    pub fn configured(&self) -> &[ForgeConfig] {
        &self.configured
    }

    /// Whether somebody gave a token to any forge.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.configured.iter().any(|forge| forge.token.is_some()) || !self.entered.is_empty()
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
            self.entered.of(&host).filter(|_| is_safe).map(|(_, token)| token)
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
        let Some((since, token)) = self.entered.of(host).filter(|_| forge.token.is_none()) else {
            return (None, forge);
        };
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
#[must_use]
pub fn known(configured: &[ForgeConfig], host: &str, provider: Provider) -> ForgeConfig {
    let found = configured.iter().find(|forge| forge.host() == host).cloned();
    found.unwrap_or_else(|| ForgeConfig::of_host(host, provider))
}
