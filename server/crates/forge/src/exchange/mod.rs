//! How every forge is asked: limits first, then the address, then one bounded and conditional request, then what the answer
//! says of the limits.

mod place;
mod refusal;
mod settings;

use bytes::Bytes;
use chrono::Utc;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, USER_AGENT};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use octocrab::Octocrab;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use url::Url;

use self::place::{is_same_place, next_page};
pub(crate) use self::settings::{Answer, Ask, Manner};
pub use self::settings::{Limits, Settings, Token};
use crate::error::ForgeError;
use crate::facts::GoneReason;
use crate::limit;
use crate::store::{Account, Kept};
use crate::wire::Wire;

/// How we call ourselves.
const AGENT: &str = concat!("kubestats/", env!("CARGO_PKG_VERSION"));
/// Renamed and transferred repositories are redirected to once; more is odd.
const MAX_REDIRECTS: usize = 3;
/// A refusal is read as a whole, however little is asked for.
const REFUSAL_BYTES: usize = 64 << 10;

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
        let response = self.follow(ask, etag, usize::MAX).await?;
        let (parts, body) = response.into_parts();
        let unchanged = parts.status.as_u16() == 304;
        if let (true, Some(kept)) = (unchanged, kept) {
            let free = self.manner.unchanged_is_free && self.has_token;
            self.keep(ask, &parts.headers, parts.status, "", i64::from(!free)).await?;
            let value = serde_json::from_str(&kept.body)
                .map_err(|error| self.unreadable(ask, format!("what was kept of it is damaged: {error}")))?;
            return Ok(Answer::Here { value, more: kept.next.is_some(), unchanged: true });
        }
        let body = match self.taken(ask, &parts, body).await? {
            Ok(body) => body,
            Err(reason) => return Ok(Answer::Gone(reason)),
        };
        let mut value: T = self.read(ask, &body)?;
        note(&mut value, &parts.headers);
        let next = next_page(&parts.headers);
        if ask.body.is_none()
            && let Some(etag) = parts.headers.get(ETAG).and_then(|etag| etag.to_str().ok())
        {
            let body = serde_json::to_string(&value).map_err(|error| self.unreadable(ask, error.to_string()))?;
            let next = next.map(|next| next.chars().take(2_000).collect());
            let kept = Kept { etag: etag.to_owned(), body, next };
            self.settings.store.keep(&self.account, &key, &kept).await?;
        }
        Ok(Answer::Here { value, more: next.is_some(), unchanged: false })
    }

    /// Asks for up to so many bytes, and keeps nothing of them: what Git names by its content is asked for once.
    pub(crate) async fn fetch(&self, ask: &Ask<'_>, most: usize) -> Result<Answer<Bytes>, ForgeError> {
        let _seat = self.seats.acquire().await.map_err(|_| self.unreachable(ask, "the program stops".to_owned()))?;
        self.wait_or_refuse(ask).await?;
        let (parts, body) = self.follow(ask, None, most.max(REFUSAL_BYTES)).await?.into_parts();
        let body = match self.taken(ask, &parts, body).await? {
            Ok(body) => body,
            Err(reason) => return Ok(Answer::Gone(reason)),
        };
        if body.len() > most {
            return Err(ForgeError::TooLarge { host: self.host.clone(), what: ask.what.to_owned(), limit: most });
        }
        Ok(Answer::Here { value: body, more: next_page(&parts.headers).is_some(), unchanged: false })
    }

    /// An answer's body, or why there is none; what it says of the limits is kept.
    async fn taken(
        &self,
        ask: &Ask<'_>,
        parts: &Parts,
        body: Full<Bytes>,
    ) -> Result<Result<Bytes, GoneReason>, ForgeError> {
        let body = body.collect().await.map_err(|error| self.unreachable(ask, error.to_string()))?.to_bytes();
        if parts.status.is_success() {
            self.keep(ask, &parts.headers, parts.status, "", 1).await?;
            return Ok(Ok(body));
        }
        let text = beginning(&body);
        self.keep(ask, &parts.headers, parts.status, &text, 1).await?;
        self.refusal(ask, parts, &text).map(Err)
    }

    /// Asks once, keeps nothing, and gives back the answer where it is a success.
    pub(crate) async fn look(&self, ask: &Ask<'_>) -> Result<(Parts, Bytes), ForgeError> {
        let (parts, body) = self.follow(ask, None, usize::MAX).await?.into_parts();
        let body = body.collect().await.map_err(|error| self.unreachable(ask, error.to_string()))?.to_bytes();
        if parts.status.is_success() {
            return Ok((parts, body));
        }
        self.refusal(ask, &parts, &beginning(&body))?;
        // What is gone here is the API itself.
        Err(self.unreadable(ask, format!("status {}", parts.status.as_u16())))
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

    /// Sends the request, for an answer of up to so many bytes, and follows redirects within the forge.
    async fn follow(
        &self,
        ask: &Ask<'_>,
        etag: Option<&str>,
        most: usize,
    ) -> Result<Response<Full<Bytes>>, ForgeError> {
        let mut at = ask.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.check_place(ask, &at)?;
            let response = self.send(ask, &at, etag, most).await?;
            if !matches!(response.status().as_u16(), 301 | 302 | 307 | 308) || ask.body.is_some() {
                return Ok(response);
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
        most: usize,
    ) -> Result<Response<Full<Bytes>>, ForgeError> {
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
            Carrier::Plain(wire) => wire.within(most).send(request).await.map_err(|error| self.wire(ask, error)),
            // Its client is made with the limit of all answers; what is too large for this one is told when it is here.
            Carrier::Octocrab(octocrab) => {
                let response = octocrab.send(request.map(Into::into)).await;
                let (parts, body) = response.map_err(|error| self.octocrab(ask, &error))?.into_parts();
                let body = body.collect().await.map_err(|error| self.octocrab(ask, &error))?.to_bytes();
                Ok(Response::from_parts(parts, Full::new(body)))
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

    /// Reads an answer, with a sentence that says where it is wrong.
    pub(crate) fn read<T: DeserializeOwned>(&self, ask: &Ask<'_>, body: &[u8]) -> Result<T, ForgeError> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let place = if path == "." { String::new() } else { format!("{path}: ") };
            self.unreadable(ask, format!("{place}{}", error.into_inner()))
        })
    }

    /// Whom is asked for what as whom, in a form that tells nothing.
    fn key(&self, url: &Url) -> String {
        blake3::hash(format!("{}\n{}\n{url}", self.account.host, self.account.token).as_bytes()).to_hex().to_string()
    }
}

/// As much of a refusal as is looked at.
fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(4_000)]).into_owned()
}
