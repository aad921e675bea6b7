//! Webhooks by the Standard Webhooks specification: an id that stays, the time of the attempt, and a signature of both with
//! the body. While a secret is replaced both sign, so that receivers change when they like.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::tekton::Detection;
use super::{AGENT, Content, Request, TargetError, TargetSecrets, Telling, check, json, second};

const PREFIX: &str = "whsec_";
/// What the specification allows, in bytes.
const SHORTEST: usize = 24;
const LONGEST: usize = 64;

/// What any program is told of an event.
#[derive(Serialize)]
struct Body<'a> {
    /// Such as `repository.branch_updated`.
    #[serde(rename = "type")]
    kind: String,
    /// When it was noticed.
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    event_id: String,
    delivery_id: String,
    trigger: &'a str,
    repository: Repository<'a>,
    branch: &'a str,
    #[serde(rename = "ref")]
    reference: String,
    /// Null where the branch is gone.
    commit: Option<Commit<'a>>,
    /// Null where the branch is new.
    previous_commit: Option<String>,
    /// Null where nobody knows.
    forced: Option<bool>,
    /// Null where nobody looked.
    tekton: Option<Detection<'a>>,
}

#[derive(Serialize)]
struct Repository<'a> {
    full_name: &'a str,
    url: &'a str,
    provider: &'static str,
}

#[derive(Serialize)]
struct Commit<'a> {
    sha: String,
    message: Option<&'a str>,
    author: Option<Author<'a>>,
    timestamp: Option<String>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
    email: &'a str,
}

pub(super) fn request(
    url: &str,
    headers: &BTreeMap<String, String>,
    secrets: &TargetSecrets,
    telling: &Telling<'_>,
) -> Result<Content, TargetError> {
    let url = check::web_url("url", url, false)?;
    let body = body(telling)?;
    let id = telling.delivery_id.to_string();
    let timestamp = telling.sent_at.timestamp().to_string();
    let mut signatures = Vec::with_capacity(2);
    for secret in [&secrets.current, &secrets.previous].into_iter().flatten() {
        signatures.push(signature(secret, &id, &timestamp, &body)?);
    }
    let mut sent = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("User-Agent".to_owned(), AGENT.to_owned()),
        ("webhook-id".to_owned(), id),
        ("webhook-timestamp".to_owned(), timestamp),
        ("webhook-signature".to_owned(), signatures.join(" ")),
    ];
    add_headers(&mut sent, headers);
    Ok(Content::Request(Request { url, headers: sent, body }))
}

/// The event as JSON.
pub(super) fn body(telling: &Telling<'_>) -> Result<String, TargetError> {
    let commit = telling.new_commit.filter(|_| !telling.is_gone()).map(|sha| Commit {
        sha: sha.to_string(),
        message: telling.message(),
        author: telling.commit.map(|it| Author { name: it.author_name, email: it.author_email }),
        timestamp: telling.commit.map(|it| second(it.time)),
    });
    json(&Body {
        kind: format!("repository.{}", telling.kind),
        timestamp: second(telling.noticed_at),
        data: Data {
            event_id: telling.event_id.to_string(),
            delivery_id: telling.delivery_id.to_string(),
            trigger: telling.trigger_name,
            repository: Repository {
                full_name: telling.repository_full_name,
                url: telling.repository_url,
                provider: telling.provider.as_str(),
            },
            branch: telling.branch,
            reference: format!("refs/heads/{}", telling.branch),
            commit,
            previous_commit: telling.old_commit.map(|it| it.to_string()),
            forced: telling.is_forced,
            tekton: telling.tekton.map(Detection::new),
        },
    })
}

/// Headers of the target in the place of ours with the same name, whatever the case, else behind them.
pub(super) fn add_headers(sent: &mut Vec<(String, String)>, headers: &BTreeMap<String, String>) {
    for (name, value) in headers {
        match sent.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            Some(own) => own.1.clone_from(value),
            None => sent.push((name.clone(), value.clone())),
        }
    }
}

/// The bytes that sign, of a secret as it is written.
pub(super) fn key(secret: &str) -> Result<Zeroizing<Vec<u8>>, TargetError> {
    let written = secret.strip_prefix(PREFIX).unwrap_or(secret);
    let refused = |message: &str| TargetError::new("secret", message);
    let key = STANDARD
        .decode(written)
        .map_err(|_| refused("has to be whsec_ and base64, as the Standard Webhooks specification has it"))?;
    let key = Zeroizing::new(key);
    if !(SHORTEST..=LONGEST).contains(&key.len()) {
        return Err(refused("has to be of 24 to 64 bytes behind whsec_, before they are written as base64"));
    }
    Ok(key)
}

fn signature(secret: &str, id: &str, timestamp: &str, body: &str) -> Result<String, TargetError> {
    let key = key(secret)?;
    let signed = hmac(&key, &[id, ".", timestamp, ".", body])?;
    Ok(format!("v1,{}", STANDARD.encode(signed)))
}

/// HMAC-SHA256 of texts one after the other.
pub(super) fn hmac(key: &[u8], texts: &[&str]) -> Result<[u8; 32], TargetError> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).map_err(|_| TargetError::new("secret", "cannot sign; write another"))?;
    for text in texts {
        mac.update(text.as_bytes());
    }
    Ok(mac.finalize().into_bytes().into())
}

/// A new secret as receivers are given it.
///
/// # Errors
/// If the system gives no randomness.
pub fn new_webhook_secret() -> Result<String, getrandom::Error> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice())?;
    Ok(format!("{PREFIX}{}", STANDARD.encode(key.as_slice())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the specification's own libraries test with.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let found = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            "{\"test\": 2432232314}",
        );
        assert_eq!(found.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let without_prefix = signature("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a", "1", "{}").unwrap();
        assert_eq!(without_prefix, signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a", "1", "{}").unwrap());
    }

    #[test]
    fn secrets_that_the_specification_does_not_know_are_refused_without_being_said() {
        for bad in ["hunter", "whsec_hunter!", "whsec_aGVsbG8=", &format!("whsec_{}", STANDARD.encode([7; 65]))] {
            let error = key(bad).unwrap_err().to_string();
            assert!(error.starts_with("secret: has to be"), "{error}");
            assert!(!error.contains("hunter") && !error.contains("aGVsbG8"), "{error}");
        }
        let (one, other) = (new_webhook_secret().unwrap(), new_webhook_secret().unwrap());
        assert_ne!(one, other);
        assert_eq!(key(&one).unwrap().len(), 32);
    }
}
