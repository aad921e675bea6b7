use std::sync::Arc;
use std::time::Duration;

use net::{AddressGuard, Refused};
use url::Url;

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
