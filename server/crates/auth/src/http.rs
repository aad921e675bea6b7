//! Requests to those who know people: guarded, without redirects, bounded in bytes and time.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use net::AddressGuard;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use url::Url;

use crate::sign_in::{SignInError, tidy};

/// Bounds of every request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The whole request.
    pub timeout: Duration,
    /// Bytes of an answer, unpacked.
    pub body_bytes: usize,
}

impl Default for Limits {
    /// Somebody is waiting, and no such answer is long.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), body_bytes: 1 << 20 }
    }
}

/// The client that all sign-ins elsewhere go through.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    guard: Arc<AddressGuard>,
    limits: Limits,
}

impl Http {
    /// A client that talks only to what the guard lets through.
    ///
    /// # Errors
    /// If the system gives no TLS.
    pub fn new(guard: Arc<AddressGuard>, limits: Limits) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .dns_resolver(guard.resolver())
            .connect_timeout(limits.timeout)
            .timeout(limits.timeout)
            // Nothing that is asked here moves, and a secret must not follow where it does.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("kubestats/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, guard, limits })
    }

    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, SignInError> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| SignInError::Insecure { url: tidy(&request.uri().to_string()) })?;
        let host = url.host_str().unwrap_or_default().to_owned();
        check(&url)?;
        self.guard.check_url(&url).map_err(SignInError::Refused)?;
        let failed = |error: reqwest::Error| failed(&host, &error);
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let mut answer = self.client.execute(request).await.map_err(failed)?;
        let mut response = HttpResponse::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        let limit = self.limits.body_bytes;
        let too_large = || SignInError::TooLarge { host: host.clone(), limit };
        if answer.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if response.body().len() + chunk.len() > limit {
                return Err(too_large());
            }
            response.body_mut().extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = SignInError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, SignInError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// Codes and secrets go only over TLS; what stays on this machine needs none.
pub(crate) fn check(url: &Url) -> Result<(), SignInError> {
    match url.scheme() {
        "https" if url.has_host() => Ok(()),
        "http" if net::is_here(url) => Ok(()),
        _ => Err(SignInError::Insecure { url: tidy(url.as_str()) }),
    }
}

/// Whether an address may be given secrets: over TLS, or on this machine.
///
/// # Errors
/// A sentence.
pub fn check_address(text: &str) -> Result<(), SignInError> {
    address(text).map(|_| ())
}

/// An address that the operator wrote or a provider told.
pub(crate) fn address(text: &str) -> Result<Url, SignInError> {
    let url = Url::parse(text).map_err(|_| SignInError::Insecure { url: tidy(text) })?;
    check(&url).map(|()| url)
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn failed(host: &str, error: &reqwest::Error) -> SignInError {
    let host = host.to_owned();
    if error.is_timeout() {
        return SignInError::Unreachable { host, reason: "it does not answer in time".to_owned() };
    }
    let mut cause: &(dyn std::error::Error + 'static) = error;
    loop {
        if let Some(refused) = cause.downcast_ref::<net::Refused>() {
            return SignInError::Refused(refused.clone());
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => return SignInError::Unreachable { host, reason: tidy(&cause.to_string()) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_tls_or_stay_here() {
        for good in ["https://id.example/a", "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "http://id.example/",
            "http://10.0.0.1/",
            "http://localhost.example/",
            "javascript:alert(1)",
            "file:///etc",
            "",
        ] {
            assert!(matches!(address(bad), Err(SignInError::Insecure { .. })), "{bad}");
        }
    }
}
