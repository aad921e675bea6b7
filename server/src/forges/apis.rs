//! Where the APIs are that are asked about repositories, for whoever wants to know.

use std::collections::HashMap;

use entity::address::Address;
use entity::kind::Provider;
use store::repositories::SyncTarget;
use url::Url;

use super::known;
use crate::config::{Config, ForgeConfig};

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
