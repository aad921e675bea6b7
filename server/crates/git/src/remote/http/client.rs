//! The client, and as whom it asks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use net::AddressGuard;
use reqwest::blocking::Client;
use reqwest::header::HeaderValue;

use super::refusal::root_cause;
use crate::GitError;
use crate::remote::{Auth, Limits};

/// Clients are kept, as they keep connections: listing and fetching share one. Few different timeouts exist.
pub(super) fn client(limits: &Limits) -> Result<Client, GitError> {
    type Settings = (Duration, Duration, Option<Arc<AddressGuard>>);
    static CLIENTS: Mutex<Vec<(Settings, Client)>> = Mutex::new(Vec::new());
    let key = (limits.connect_timeout, limits.idle_timeout, limits.guard.clone());
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, client)) = clients.iter().find(|(other, _)| *other == key) {
        return Ok(client.clone());
    }
    let mut builder = Client::builder()
        .connect_timeout(limits.connect_timeout)
        .timeout(limits.idle_timeout)
        // Packs are compressed already.
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none());
    if let Some(guard) = &limits.guard {
        builder = builder.dns_resolver(guard.resolver());
    }
    let client = builder
        .build()
        .map_err(|error| GitError::Unreachable { host: "the network".to_owned(), reason: root_cause(&error) })?;
    if clients.len() >= 8 {
        clients.remove(0);
    }
    clients.push((key, client.clone()));
    Ok(client)
}

pub(super) fn authorization(auth: &Auth) -> Result<Option<HeaderValue>, GitError> {
    let text = match auth {
        Auth::None => return Ok(None),
        Auth::Token(token) => basic("x-access-token", token.reveal()),
        Auth::Basic { username, password } => basic(username, password.reveal()),
        Auth::Bearer(token) => format!("Bearer {}", token.reveal()),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| GitError::RefusedUrl {
        url: "of the repository".to_owned(),
        reason: "its token holds characters that cannot be sent; check for line breaks".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

#[cfg(test)]
mod tests {
    use super::basic;

    #[test]
    fn basic_credentials_are_base64() {
        assert_eq!(basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(basic("a", "b"), "Basic YTpi");
        assert_eq!(basic("a", "bc"), "Basic YTpiYw==");
    }
}
