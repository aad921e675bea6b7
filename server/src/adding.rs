//! Reads addresses that people want to add: what they name, and whether that may be cloned from here.

use std::sync::Arc;

use actions::NotUsable;
use entity::address::{Address, Scheme, is_local};
use entity::credential::has_credentials;
use entity::input::FoundRepository;
use entity::kind::{AddVerdict, Origin};
use net::{AddressGuard, Refused};
use store::discovery::matches;

use crate::config::{Config, ForgeConfig};
use crate::forges::{check_machine, is_plain_by_choice};

/// What decides about addresses.
pub struct Adding {
    guard: Arc<AddressGuard>,
    forges: Vec<ForgeConfig>,
    block: Vec<String>,
    require_https: bool,
}

impl Adding {
    /// As the configuration says.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            guard: Arc::new(crate::forges::guard(config)),
            forges: config.forges.clone(),
            block: config.discovery.block.clone(),
            require_https: config.security.require_https,
        }
    }

    /// The repository that an address names, if it may be added.
    ///
    /// # Errors
    /// Why not.
    pub async fn read(&self, text: &str) -> Result<FoundRepository, NotUsable> {
        let invalid = |reason: String| NotUsable { verdict: AddVerdict::Invalid, reason };
        if has_credentials(text) {
            // Neither kept nor said again.
            let said = "it carries credentials, and addresses end up in logs; enter the token at the page of its watch once it \
                        is added, or set token: in the configuration";
            return Err(invalid(said.to_owned()));
        }
        let address = Address::read_pasted(text).map_err(|error| {
            invalid(format!("this is no address of a repository ({error}); write it as https://github.com/owner/name"))
        })?;
        let no_repository =
            || invalid("it names a host but no repository on it; write it as https://github.com/owner/name".to_owned());
        match address.scheme() {
            Scheme::Https | Scheme::Ssh => {}
            Scheme::Http if self.require_https && !is_plain_by_choice(&self.forges, &address) => {
                let text = "plain http is not allowed; use https, or set security.require_https to false";
                return Err(invalid(text.to_owned()));
            }
            Scheme::Http => {}
            Scheme::File if is_local(text.trim()) => {
                return Err(invalid("paths and file:// addresses can only be named in the configuration".to_owned()));
            }
            Scheme::File => {
                return Err(invalid("this is no address; write it as https://github.com/owner/name".to_owned()));
            }
            Scheme::Other(other) => {
                return Err(invalid(format!("the scheme {other:?} is not known here; use https or ssh")));
            }
        }
        let host = address.forge_host().ok_or_else(no_repository)?;
        let configured = self.forges.iter().find(|forge| forge.host() == host);
        let provider = configured.map_or_else(|| address.provider(), |forge| forge.provider);
        let named = address.at_forge(provider).ok_or_else(no_repository)?;
        if let Some(pattern) = self.block.iter().find(|pattern| matches(pattern, &named.host, &named.full_name)) {
            let reason = format!("{} is blocked: discovery.block has {pattern}", named.full_name);
            return Err(NotUsable { verdict: AddVerdict::Blocked, reason });
        }
        self.check_place(&address).await?;
        let web_url = address.web_address_of(&named.full_name);
        let (owner, name) = named.full_name.rsplit_once('/').unwrap_or(("", &named.full_name));
        Ok(FoundRepository {
            owner: owner.to_owned(),
            name: name.to_owned(),
            full_name: named.full_name.clone(),
            description: None,
            provider,
            origin: Origin::Added,
            url: web_url.clone().unwrap_or_else(|| address.to_string()),
            web_url,
            enabled: true,
            branch_regex: None,
            polling_interval_seconds: None,
            topics: Vec::new(),
        })
    }

    /// Where the name leads now. What is connected to later is checked again then.
    async fn check_place(&self, address: &Address) -> Result<(), NotUsable> {
        let Some(url) = address.machine() else { return Ok(()) };
        check_machine(&self.guard, &url).await.map_err(|refused| {
            let verdict = match refused {
                Refused::Address { .. } => AddVerdict::Private,
                Refused::Unresolved { .. } | Refused::NoHost { .. } => AddVerdict::Invalid,
            };
            NotUsable { verdict, reason: refused.to_string() }
        })
    }
}
