//! How every forge is asked: limits first, then the address, then one bounded and conditional request, then what the answer
//! says of the limits.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::BodyExt as _;
use net::AddressGuard;
use octocrab::Octocrab;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use url::Url;

use crate::error::ForgeError;
use crate::facts::GoneReason;
use crate::limit;
use crate::place::is_same_place;
use crate::store::{Account, Kept, Store};
use crate::wire::{Wire, WireError};

/// How we call ourselves.
const AGENT: &str = concat!("kubestats/", env!("CARGO_PKG_VERSION"));
/// Renamed and transferred repositories are redirected to once; more is odd.
const MAX_REDIRECTS: usize = 3;

/// A forge's access token. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

/// Bounds of every request.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of an answer, unpacked.
    pub body_bytes: usize,
    pub connect_timeout: Duration,
    /// The whole request.
    pub timeout: Duration,
    /// Requests at once to one host.
    pub concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            concurrency: 4,
        }
    }
}

/// Which forge, as whom, and within what bounds.
#[derive(Clone)]
pub struct Settings {
    /// The host that people know the forge by; an API may have another.
    pub host: String,
    /// Where its API is, such as `https://api.github.com`, `https://gitlab.com/api/v4`, `https://codeberg.org/api/v1`.
    pub base_url: Url,
    pub token: Option<Token>,
    /// The key of the configuration that holds the token, for errors that tell how to mend them.
    pub token_key: String,
    pub guard: Arc<AddressGuard>,
    pub store: Arc<dyn Store>,
    pub limits: Limits,
}

/// A question to a forge.
pub(crate) struct Ask<'a> {
    /// For errors: "the repositories of topic kubesearch".
    pub what: &'a str,
    /// Which of the forge's limits it counts against, unless the answer says otherwise.
    pub resource: &'static str,
    pub url: Url,
    /// Sent by POST.
    pub body: Option<String>,
}

/// What came.
pub(crate) enum Answer<T> {
    Here { value: T, next: Option<Url>, unchanged: bool },
    Gone(GoneReason),
}

/// How a forge wants to be asked.
pub(crate) struct Manner {
    pub accept: &'static str,
    /// `Bearer`, `token`.
    pub scheme: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
    /// An answer with status 304 counts against no limit, given a token.
    pub unchanged_is_free: bool,
    /// Requests go through octocrab.
    pub is_github: bool,
}

enum Carrier {
    Plain(Wire),
    Octocrab(Octocrab),
}

/// One forge with one token.
pub(crate) struct Exchange {
    pub host: String,
    pub base_url: Url,
    pub has_token: bool,
    pub account: Account,
    settings: Settings,
    manner: Manner,
    carrier: Carrier,
    authorization: Option<HeaderValue>,
    seats: Semaphore,
}

impl Exchange {
    pub(crate) fn new(settings: Settings, manner: Manner) -> Result<Self, ForgeError> {
        let host = settings.host.clone();
        settings.guard.check_url(&settings.base_url)?;
        let what = "its first request".to_owned();
        let client = reqwest::Client::builder()
            .dns_resolver(settings.guard.resolver())
            .connect_timeout(settings.limits.connect_timeout)
            .timeout(settings.limits.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ForgeError::Unreachable { host: host.clone(), what, reason: error.to_string() })?;
        let authorization = match &settings.token {
            None => None,
            Some(token) => {
                let text = format!("{} {}", manner.scheme, token.reveal());
                let mut value = HeaderValue::from_str(&text).map_err(|_| ForgeError::TokenRefused {
                    host: host.clone(),
                    what: "anything, as it holds characters that cannot be sent".to_owned(),
                    key: settings.token_key.clone(),
                })?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let token = settings.token.as_ref().map(|token| {
            blake3::derive_key("kubestats forge token id", token.reveal().as_bytes())[..6]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        });
        let wire = Wire::new(client, settings.limits.body_bytes);
        let carrier = match manner.is_github {
            false => Carrier::Plain(wire),
            true => match octocrab::OctocrabBuilder::new_empty()
                .with_service(wire)
                .with_auth(octocrab::AuthState::None)
                .build()
            {
                Ok(octocrab) => Carrier::Octocrab(octocrab),
                Err(never) => match never {},
            },
        };
        Ok(Self {
            account: Account { host: host.clone(), token: token.unwrap_or_default() },
            host,
            base_url: settings.base_url.clone(),
            has_token: authorization.is_some(),
            seats: Semaphore::new(settings.limits.concurrency.max(1)),
            settings,
            manner,
            carrier,
            authorization,
        })
    }

    /// An address below the API's base, the parts encoded.
    pub(crate) fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }

    /// Asks, and reads the answer as `T`; only what `T` has is kept for the next time.
    pub(crate) async fn ask<T: Serialize + DeserializeOwned>(&self, ask: &Ask<'_>) -> Result<Answer<T>, ForgeError> {
        self.ask_noting(ask, |_, _| {}).await
    }

    /// The same, for answers of which a part stands in the headers: `note` puts it where it is kept.
    pub(crate) async fn ask_noting<T: Serialize + DeserializeOwned>(
        &self,
        ask: &Ask<'_>,
        note: fn(&mut T, &HeaderMap),
    ) -> Result<Answer<T>, ForgeError> {
        let _seat = self.seats.acquire().await.map_err(|_| self.unreachable(ask, "the program stops".to_owned()))?;
        self.wait_or_refuse(ask).await?;
        let key = self.key(&ask.url);
        let kept = match ask.body {
            None => self.settings.store.answer(&key).await?,
            Some(_) => None,
        };
        let etag = kept.as_ref().map(|kept| kept.etag.as_str());
        let (response, at) = self.follow(ask, etag).await?;
        let (parts, body) = response.into_parts();
        let unchanged = parts.status.as_u16() == 304;
        if let (true, Some(kept)) = (unchanged, kept) {
            let free = self.manner.unchanged_is_free && self.has_token;
            self.keep(ask, &parts.headers, parts.status, "", i64::from(!free)).await?;
            let next = kept.next.as_deref().and_then(|next| Url::parse(next).ok());
            let value = serde_json::from_str(&kept.body)
                .map_err(|error| self.unreadable(ask, format!("what was kept of it is damaged: {error}")))?;
            return Ok(Answer::Here { value, next, unchanged: true });
        }
        let body = body.collect().await.map_err(|error| self.unreachable(ask, error.to_string()))?.to_bytes();
        if !parts.status.is_success() {
            let text = String::from_utf8_lossy(&body[..body.len().min(4_000)]).into_owned();
            self.keep(ask, &parts.headers, parts.status, &text, 1).await?;
            return self.refusal(ask, &parts, &text).map(Answer::Gone);
        }
        self.keep(ask, &parts.headers, parts.status, "", 1).await?;
        let mut value: T = self.read(ask, &body)?;
        note(&mut value, &parts.headers);
        let next = parts.headers.get(LINK).and_then(|link| link.to_str().ok()).and_then(next_link);
        let next = next.and_then(|next| at.join(next).ok());
        if let Some(next) = &next {
            self.check_place(ask, next)?;
        }
        if ask.body.is_none()
            && let Some(etag) = parts.headers.get(ETAG).and_then(|etag| etag.to_str().ok())
        {
            let body = serde_json::to_string(&value).map_err(|error| self.unreadable(ask, error.to_string()))?;
            let kept = Kept { etag: etag.to_owned(), body, next: next.as_ref().map(Url::to_string) };
            self.settings.store.keep(&self.account, &key, &kept).await?;
        }
        Ok(Answer::Here { value, next, unchanged: false })
    }

    /// For answers that count for more than one: GitHub's GraphQL tells in the answer.
    pub(crate) async fn record_cost(&self, resource: &str, more: i64) -> Result<(), ForgeError> {
        if more > 0
            && let Some(window) = self.settings.store.window(&self.account, resource).await?
        {
            self.settings.store.record(&self.account, resource, &window, more).await?;
        }
        Ok(())
    }

    async fn wait_or_refuse(&self, ask: &Ask<'_>) -> Result<(), ForgeError> {
        let Some(window) = self.settings.store.window(&self.account, ask.resource).await? else { return Ok(()) };
        match limit::wait_until(&window, 1, Utc::now()) {
            Some(until) => Err(self.limited(ask, until)),
            None => Ok(()),
        }
    }

    fn limited(&self, ask: &Ask<'_>, until: chrono::DateTime<Utc>) -> ForgeError {
        let hint = if self.has_token { "" } else { "; a token raises it" };
        ForgeError::RateLimited {
            host: self.host.clone(),
            what: ask.what.to_owned(),
            resource: ask.resource.to_owned(),
            until,
            hint,
        }
    }

    /// Sends the request and follows redirects within the forge.
    async fn follow(
        &self,
        ask: &Ask<'_>,
        etag: Option<&str>,
    ) -> Result<(Response<http_body_util::Full<Bytes>>, Url), ForgeError> {
        let mut at = ask.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.check_place(ask, &at)?;
            let response = self.send(ask, &at, etag).await?;
            if !matches!(response.status().as_u16(), 301 | 302 | 307 | 308) || ask.body.is_some() {
                return Ok((response, at));
            }
            let target = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            at = target.and_then(|to| at.join(to).ok()).ok_or_else(|| ForgeError::Redirected {
                host: self.host.clone(),
                what: ask.what.to_owned(),
                to: "nowhere".to_owned(),
            })?;
        }
        Err(self.unreadable(ask, format!("it redirects more than {MAX_REDIRECTS} times")))
    }

    /// The token goes to the API's own place only, and nothing goes where the guard says no.
    fn check_place(&self, ask: &Ask<'_>, url: &Url) -> Result<(), ForgeError> {
        if !is_same_place(&self.base_url, url) {
            let to = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
            return Err(ForgeError::Redirected { host: self.host.clone(), what: ask.what.to_owned(), to });
        }
        Ok(self.settings.guard.check_url(url)?)
    }

    async fn send(
        &self,
        ask: &Ask<'_>,
        url: &Url,
        etag: Option<&str>,
    ) -> Result<Response<http_body_util::Full<Bytes>>, ForgeError> {
        let mut request = Request::builder()
            .method(if ask.body.is_some() { Method::POST } else { Method::GET })
            .uri(url.as_str())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, self.manner.accept);
        for (name, value) in self.manner.headers {
            request = request.header(*name, *value);
        }
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if ask.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Bytes::from(ask.body.clone().unwrap_or_default()))
            .map_err(|error| self.unreachable(ask, error.to_string()))?;
        match &self.carrier {
            Carrier::Plain(wire) => wire.clone().send(request).await.map_err(|error| self.wire(ask, error)),
            Carrier::Octocrab(octocrab) => {
                let response = octocrab.send(request.map(Into::into)).await;
                let (parts, body) = response.map_err(|error| self.octocrab(ask, &error))?.into_parts();
                let body = body.collect().await.map_err(|error| self.octocrab(ask, &error))?.to_bytes();
                Ok(Response::from_parts(parts, http_body_util::Full::new(body)))
            }
        }
    }

    /// Keeps what the answer says of the limits.
    async fn keep(
        &self,
        ask: &Ask<'_>,
        headers: &HeaderMap,
        status: http::StatusCode,
        body: &str,
        spent: i64,
    ) -> Result<(), ForgeError> {
        let now = Utc::now();
        let window = limit::window(headers, status, body, now).unwrap_or(crate::store::Window {
            quota: None,
            remaining: None,
            resets_at: None,
            blocked_until: None,
            seen_at: now,
        });
        let told = headers.get("x-ratelimit-resource").and_then(|resource| resource.to_str().ok());
        // Told words of an odd length would fill the table of limits.
        let resource = told.filter(|told| told.len() <= 40 && window.blocked_until.is_none()).unwrap_or(ask.resource);
        Ok(self.settings.store.record(&self.account, resource, &window, spent).await?)
    }

    /// What an answer without success means.
    fn refusal(&self, ask: &Ask<'_>, parts: &http::response::Parts, body: &str) -> Result<GoneReason, ForgeError> {
        let (host, what) = (self.host.clone(), ask.what.to_owned());
        let key = self.settings.token_key.clone();
        if limit::is_limit(&parts.headers, parts.status, body) {
            let window = limit::window(&parts.headers, parts.status, body, Utc::now());
            let until = window.and_then(|window| window.blocked_until).unwrap_or_else(Utc::now);
            return Err(self.limited(ask, until));
        }
        let said = said(body);
        match parts.status.as_u16() {
            404 | 410 => Ok(GoneReason::NotFound),
            451 => Ok(GoneReason::Legal),
            403 if body.contains("\"block\"") || said.to_lowercase().contains("access blocked") => {
                Ok(GoneReason::Blocked)
            }
            401 if self.has_token => Err(ForgeError::TokenRefused { host, what, key }),
            401 => Err(ForgeError::TokenMissing { host, what, key }),
            403 => Err(ForgeError::Forbidden { host, what, said, key }),
            400 | 422 => Err(ForgeError::BadQuery { host, what, said }),
            status => Err(ForgeError::Status { host, what, status, said }),
        }
    }

    fn read<T: DeserializeOwned>(&self, ask: &Ask<'_>, body: &[u8]) -> Result<T, ForgeError> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let place = if path == "." { String::new() } else { format!("{path}: ") };
            self.unreadable(ask, format!("{place}{}", error.into_inner()))
        })
    }

    pub(crate) fn unreadable(&self, ask: &Ask<'_>, reason: String) -> ForgeError {
        let reason = reason.chars().take(300).collect();
        ForgeError::Unreadable { host: self.host.clone(), what: ask.what.to_owned(), reason }
    }

    fn unreachable(&self, ask: &Ask<'_>, reason: String) -> ForgeError {
        ForgeError::Unreachable { host: self.host.clone(), what: ask.what.to_owned(), reason }
    }

    fn wire(&self, ask: &Ask<'_>, error: WireError) -> ForgeError {
        let (host, what) = (self.host.clone(), ask.what.to_owned());
        match error {
            WireError::Refused(net::Refused::Unresolved { host: name, reason }) => {
                ForgeError::Unreachable { host, what, reason: format!("the name {name} leads nowhere: {reason}") }
            }
            WireError::Refused(refused) => refused.into(),
            WireError::TooLarge(limit) => ForgeError::TooLarge { host, what, limit },
            WireError::Failed(reason) => ForgeError::Unreachable { host, what, reason },
        }
    }

    /// octocrab wraps what the wire says.
    fn octocrab(&self, ask: &Ask<'_>, error: &octocrab::Error) -> ForgeError {
        let mut cause: &(dyn std::error::Error + 'static) = error;
        loop {
            if let Some(error) = cause.downcast_ref::<WireError>() {
                return self.wire(ask, error.clone());
            }
            match cause.source() {
                Some(inner) => cause = inner,
                None => return self.unreachable(ask, cause.to_string()),
            }
        }
    }

    /// Whom is asked for what as whom, in a form that tells nothing.
    fn key(&self, url: &Url) -> String {
        blake3::hash(format!("{}\n{}\n{url}", self.account.host, self.account.token).as_bytes()).to_hex().to_string()
    }
}

/// What the forge says is wrong, in one line.
fn said(body: &str) -> String {
    let message = serde_json::from_str::<serde_json::Value>(body).ok().and_then(|value| {
        let text = |name: &str| value.get(name).and_then(|text| text.as_str()).map(str::to_owned);
        text("message").or_else(|| text("error"))
    });
    let text = message.unwrap_or_else(|| body.to_owned());
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
    if line.is_empty() { "nothing more".to_owned() } else { line }
}

/// The address with `rel="next"` of a `Link` header.
fn next_link(header: &str) -> Option<&str> {
    header.split(',').find_map(|link| {
        let (address, parameters) = link.split_once(';')?;
        let is_next = parameters.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then(|| address.trim().strip_prefix('<')?.strip_suffix('>')).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_read_from_the_link_header() {
        let header = "<https://h/a?page=1>; rel=\"prev\", <https://h/a?page=3>; rel=\"next\"";
        assert_eq!(next_link(header), Some("https://h/a?page=3"));
        assert_eq!(next_link("<https://h/a?page=9>; rel=\"last\""), None);
        assert_eq!(next_link("nonsense"), None);
    }

    #[test]
    fn what_a_forge_says_fits_on_a_line() {
        assert_eq!(said("{\"message\": \"Bad\\n credentials\"}"), "Bad credentials");
        assert_eq!(said("<html>no</html>"), "<html>no</html>");
        assert_eq!(said(""), "nothing more");
        assert_eq!(said(&"x".repeat(9_000)).len(), 200);
    }
}
