//! The client, and as whom it asks.

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
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let plain = format!("{username}:{password}");
    let mut text = String::from("Basic ");
    for group in plain.as_bytes().chunks(3) {
        let bits = group.iter().enumerate().fold(0u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) as usize & 63;
            text.push(if digit <= group.len() { DIGITS[index] as char } else { '=' });
        }
    }
    text
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
