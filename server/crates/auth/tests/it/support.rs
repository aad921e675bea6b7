//! A client for this machine, a browser without a screen, and what they share.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use auth::{Http, Limits};
use net::{AddressGuard, parse_network};
use url::Url;

pub const CLIENT: &str = "kubestats-client";
pub const SECRET: &str = "a secret & a +";
pub const REDIRECT: &str = "http://127.0.0.1:4999/auth/callback";

/// The client of the sign-ins, allowed to talk to this machine, and as patient as a busy one wants it.
pub fn http() -> Http {
    http_within(Duration::from_mins(1))
}

/// The same for those who never answer.
pub fn http_within(timeout: Duration) -> Http {
    let guard = AddressGuard::new([parse_network("127.0.0.0/8").unwrap()]);
    Http::new(Arc::new(guard), Limits { timeout, body_bytes: 64 << 10 }).unwrap()
}

/// A browser that follows nothing by itself.
pub fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// The parameters of an address.
pub fn query(url: &str) -> HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

/// What a redirect brings back to us.
pub fn brought_back(answer: &reqwest::Response) -> HashMap<String, String> {
    assert!(answer.status().is_redirection(), "{}", answer.status());
    let location = answer.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(REDIRECT), "{location}");
    query(location)
}
