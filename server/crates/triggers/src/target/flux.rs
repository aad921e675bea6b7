//! Receivers of Flux: `generic-hmac` where there is a secret, else `generic`, whose address is the secret.

use super::{AGENT, Content, Request, TargetError, TargetSecrets, Telling, check, webhook};

pub(super) fn request(url: &str, secrets: &TargetSecrets, telling: &Telling<'_>) -> Result<Content, TargetError> {
    let url = check::web_url("url", url, false)?;
    let body = webhook::body(telling)?;
    let mut headers =
        vec![("Content-Type".to_owned(), "application/json".to_owned()), ("User-Agent".to_owned(), AGENT.to_owned())];
    // A Receiver knows one secret, so the one before is of no use.
    if let Some(secret) = &secrets.current {
        let signed = webhook::hmac(secret.as_bytes(), &[&body])?;
        headers.push(("X-Signature".to_owned(), format!("sha256={}", hex::encode(signed))));
    }
    Ok(Content::Request(Request { url, headers, body }))
}
