//! Which machines may be talked to.

use std::sync::Arc;
use std::time::Duration;

use entity::address::Address;
use net::{AddressGuard, Refused};
use url::Url;

use crate::config::{Config, ForgeConfig};

/// Asking for a name must not take for ever.
const RESOLVE: Duration = Duration::from_secs(5);

/// Whether the machine of an address may be talked to, by where its name leads now. What is connected to later is checked again
/// then.
///
/// # Errors
/// Why not.
pub async fn check_machine(guard: &Arc<AddressGuard>, url: &Url) -> Result<(), Refused> {
    guard.check_url(url)?;
    let (guard, host) = (Arc::clone(guard), url.host_str().unwrap_or_default().to_owned());
    let port = url.port_or_known_default().unwrap_or(22);
    let resolved = tokio::task::spawn_blocking(move || guard.resolve(&host, port));
    match tokio::time::timeout(RESOLVE, resolved).await {
        Ok(Ok(Err(refused))) => Err(refused),
        Ok(Ok(Ok(_))) => Ok(()),
        // Too slow a name server is the trouble of whoever connects, who checks again.
        Ok(Err(_)) | Err(_) => Ok(()),
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
pub(super) fn entered_guard(config: &Config) -> AddressGuard {
    AddressGuard::new(config.security.allowed_networks.iter().copied())
}
