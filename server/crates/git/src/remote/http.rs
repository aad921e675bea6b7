//! HTTP for gix, with bounds: gix' own client knows neither timeouts nor where redirects may lead.

use std::any::Any;
use std::io::{BufRead, Cursor, Read, Write};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gix::protocol::transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use net::AddressGuard;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION};
use url::Url;

use super::budget::Budget;
use super::redirect::may_follow;
use super::session::AGENT;
use super::{Auth, Limits};
use crate::GitError;

/// Redirects that are followed before the first answer.
const MAX_REDIRECTS: usize = 5;
/// Bytes beyond the pack that one answer may have: side band, progress messages, lists of refs.
const EXTRA_BYTES: u64 = 16 << 20;

/// How long to be silent after a refusal that does not say for how long.
const SILENCE: Duration = Duration::from_secs(60);
/// No remote closes for longer; a larger number is a mistake or malice.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// One connection's worth of requests to one repository.
pub(super) struct Requests {
    client: Client,
    budget: Arc<Budget>,
    authorization: Option<HeaderValue>,
    redirected: Option<String>,
}

impl Requests {
    pub(super) fn new(budget: &Arc<Budget>, url: &Url, auth: &Auth) -> Result<Self, GitError> {
        let authorization = authorization(auth)?;
        let loopback = match url.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if let Some(guard) = &budget.limits.guard {
            guard.check_url(url).map_err(|refused| refused_address(url.as_str(), &refused))?;
        }
        if authorization.is_some() && url.scheme() == "http" && !loopback {
            return Err(GitError::RefusedUrl {
                url: url.to_string(),
                reason: "a token is not sent unencrypted; use https://".to_owned(),
            });
        }
        Ok(Self { client: client(&budget.limits)?, budget: Arc::clone(budget), authorization, redirected: None })
    }

    fn send(&self, request: RequestBuilder) -> std::io::Result<Response> {
        self.budget.check()?;
        let request = match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        };
        let response = request.send().map_err(|error| self.budget.stop(self.unreachable(&error)))?;
        if (200..400).contains(&response.status().as_u16()) {
            return Ok(response);
        }
        Err(self.budget.stop(self.status(&response)))
    }

    /// What an answer without success means.
    fn status(&self, response: &Response) -> GitError {
        let (host, status) = (self.budget.host.clone(), response.status().as_u16());
        if let Some(wait) = limited(status, response.headers()) {
            return GitError::Limited { host, status, wait };
        }
        match status {
            401 | 403 | 407 => GitError::NeedsAuth { host, rejected: self.authorization.is_some() },
            404 | 410 => GitError::NotFound { url: shown(response.url()), status },
            500.. => GitError::Unreachable { host, reason: format!("it answers with HTTP status {status}") },
            _ => GitError::Protocol { host, what: format!("it answers with HTTP status {status}") },
        }
    }

    /// Asks in version 2 of Git's protocol without a greeting. `None` is an answer that says nothing of Git: there is
    /// nothing here, somewhere else, or for somebody else.
    pub(super) fn question(&self, url: &str, question: Vec<u8>) -> std::io::Result<Option<Body>> {
        const RESULT: &str = "application/x-git-upload-pack-result";
        self.budget.check()?;
        let mut request = self.client.post(url).body(question);
        for (name, value) in [
            ("content-type", "application/x-git-upload-pack-request"),
            ("accept", RESULT),
            ("git-protocol", "version=2"),
            ("user-agent", AGENT),
        ] {
            request = request.header(name, value);
        }
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let response = request.send().map_err(|error| self.budget.stop(self.unreachable(&error)))?;
        let status = response.status().as_u16();
        if status >= 500 || limited(status, response.headers()).is_some() {
            return Err(self.budget.stop(self.status(&response)));
        }
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if status != 200 || !kind.starts_with(RESULT) {
            return Ok(None);
        }
        Ok(Some(Body::new(Source::Open(response), &self.budget)))
    }

    fn unreachable(&self, error: &reqwest::Error) -> GitError {
        if error.is_timeout() {
            let limits = &self.budget.limits;
            return if error.is_connect() {
                self.budget.timeout("connecting to", limits.connect_timeout)
            } else {
                self.budget.timeout("waiting for", limits.idle_timeout)
            };
        }
        match refusal(error) {
            Some(refused @ net::Refused::Address { .. }) => refused_address(&self.budget.host, refused),
            _ => GitError::Unreachable { host: self.budget.host.clone(), reason: root_cause(error) },
        }
    }

    /// A GET that follows redirects within the host only: whoever answers elsewhere was not asked for by anybody.
    fn get_following(&mut self, url: &str, base_url: &str, headers: &HeaderMap) -> std::io::Result<Response> {
        let tail = url.strip_prefix(base_url).unwrap_or_default().to_owned();
        let mut at = Url::parse(url).map_err(std::io::Error::other)?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(self.client.get(at.clone()).headers(headers.clone()))?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let target =
                response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| at.join(to).ok());
            let refused = |to: String| GitError::Redirected { from: shown(&at), to };
            let Some(mut target) = target else {
                return Err(self.budget.stop(refused("nowhere".to_owned())));
            };
            let _ = target.set_username("");
            let _ = target.set_password(None);
            let Some(base) = target.as_str().strip_suffix(&tail).filter(|_| may_follow(&at, &target)) else {
                return Err(self.budget.stop(refused(shown(&target))));
            };
            self.redirected = Some(base.to_owned());
            at = target;
        }
        Err(self.budget.stop(GitError::Protocol {
            host: self.budget.host.clone(),
            what: format!("it redirects more than {MAX_REDIRECTS} times"),
        }))
    }
}

impl Http for Requests {
    type Headers = Cursor<Vec<u8>>;
    type ResponseBody = Body;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let response = self.get_following(url, base_url, &header_map(headers)).map_err(gix::Error::from_error)?;
        let headers = Cursor::new(header_lines(response.headers()));
        Ok(GetResponse { headers, body: Body::new(Source::Open(response), &self.budget) })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let request = Arc::new(Mutex::new(Pending { body: Vec::new(), closed: false }));
        let sender = Sender {
            client: self.client.clone(),
            budget: Arc::clone(&self.budget),
            authorization: self.authorization.clone(),
            url: url.to_owned(),
            headers: header_map(headers),
            pending: Arc::clone(&request),
        };
        // gix wants to see the headers before it reads the body, and writes the request after it has got both readers. The
        // request is therefore sent by the first read; the content type is checked there too.
        let headers = Cursor::new(b"content-type: application/x-git-upload-pack-result\n".to_vec());
        Ok(PostResponse {
            post_body: PostBody(request),
            headers,
            body: Body::new(Source::Unsent(Box::new(sender)), &self.budget),
        })
    }

    fn configure(&mut self, _config: &dyn Any) -> gix::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected.clone()
    }
}

/// How long to wait where a refusal means a limit: 429 always does, 403 and 503 where they say when to come again or that
/// nothing remains.
fn limited(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text("retry-after").and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let is_used_up = text("x-ratelimit-remaining") == Some("0");
    let is_limit = match status {
        429 => true,
        403 => headers.contains_key("retry-after") || is_used_up,
        503 => headers.contains_key("retry-after"),
        _ => false,
    };
    let reset = text("x-ratelimit-reset").and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let until_reset = reset.filter(|_| is_used_up).map(|reset| reset.saturating_sub(now));
    is_limit.then(|| asked.or(until_reset).unwrap_or(SILENCE).clamp(Duration::from_secs(1), LONGEST))
}

/// The request that gix writes; small, as it holds names of commits only.
pub(super) struct PostBody(Arc<Mutex<Pending>>);

struct Pending {
    body: Vec<u8>,
    closed: bool,
}

impl Write for PostBody {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).body.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for PostBody {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
    }
}

/// Everything to send a POST once its body is written.
struct Sender {
    client: Client,
    budget: Arc<Budget>,
    authorization: Option<HeaderValue>,
    url: String,
    headers: HeaderMap,
    pending: Arc<Mutex<Pending>>,
}

impl Sender {
    fn send(self) -> std::io::Result<Response> {
        let body = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            if !pending.closed {
                return Err(std::io::Error::other("the answer is read before the request is written"));
            }
            std::mem::take(&mut pending.body)
        };
        let requests =
            Requests { client: self.client, budget: self.budget, authorization: self.authorization, redirected: None };
        let response = requests.send(requests.client.post(&self.url).headers(self.headers).body(body))?;
        if response.status().is_redirection() {
            let to = response
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok())
                .and_then(|to| response.url().join(to).ok());
            let to = to.map_or_else(|| "nowhere".to_owned(), |to| shown(&to));
            return Err(requests.budget.stop(GitError::Redirected { from: shown(response.url()), to }));
        }
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/x-git-upload-pack-result") {
            let host = requests.budget.host.clone();
            let what = format!("it sends {:?} instead of a pack", kind.chars().take(80).collect::<String>());
            return Err(requests.budget.stop(GitError::Protocol { host, what }));
        }
        Ok(response)
    }
}

/// An answer that is read piece by piece, each piece counted and timed.
pub(super) struct Body {
    source: Source,
    budget: Arc<Budget>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    left: u64,
}

enum Source {
    Unsent(Box<Sender>),
    Open(Response),
    Done,
}

impl Body {
    fn new(source: Source, budget: &Arc<Budget>) -> Self {
        let pack = if budget.expects_pack.load(Ordering::Relaxed) { budget.limits.pack_bytes } else { 0 };
        let left = pack.saturating_add(EXTRA_BYTES);
        Self { source, budget: Arc::clone(budget), buffer: vec![0; 64 << 10], start: 0, end: 0, left }
    }

    fn fill(&mut self) -> std::io::Result<()> {
        if let Source::Unsent(_) = &self.source
            && let Source::Unsent(sender) = std::mem::replace(&mut self.source, Source::Done)
        {
            self.source = Source::Open(sender.send()?);
        }
        let Source::Open(response) = &mut self.source else { return Ok(()) };
        self.budget.check()?;
        let budget = &self.budget;
        let read = response.read(&mut self.buffer).map_err(|error| {
            let timed_out = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<reqwest::Error>())
                .is_some_and(reqwest::Error::is_timeout);
            budget.stop(if timed_out || error.kind() == std::io::ErrorKind::TimedOut {
                budget.timeout("waiting for", budget.limits.idle_timeout)
            } else {
                GitError::Unreachable {
                    host: budget.host.clone(),
                    reason: format!("the connection broke off ({})", root_cause(&error)),
                }
            })
        })?;
        (self.start, self.end) = (0, read);
        if read == 0 {
            self.source = Source::Done;
            return Ok(());
        }
        self.left = match self.left.checked_sub(read as u64) {
            Some(left) => left,
            None if self.budget.expects_pack.load(Ordering::Relaxed) => {
                return Err(self.budget.stop(GitError::TooLarge { limit: self.budget.limits.pack_bytes }));
            }
            None => {
                return Err(self.budget.stop(GitError::TooManyRefs { limit: self.budget.limits.refs as u64 }));
            }
        };
        self.budget.received(read)
    }
}

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.start == self.end {
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }
}

/// Clients are kept, as they keep connections: listing and fetching share one. Few different timeouts exist.
fn client(limits: &Limits) -> Result<Client, GitError> {
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

fn authorization(auth: &Auth) -> Result<Option<HeaderValue>, GitError> {
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

fn header_map(lines: impl IntoIterator<Item = impl AsRef<str>>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in lines {
        let Some((name, value)) = line.as_ref().split_once(':') else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value.trim())) {
            map.append(name, value);
        }
    }
    map
}

fn header_lines(headers: &HeaderMap) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in headers {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.push(b':');
        lines.extend_from_slice(value.as_bytes());
        lines.push(b'\n');
    }
    lines
}

/// A URL for messages: what a remote sends may hold anything.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    let text = url.to_string();
    text.strip_suffix("/info/refs").unwrap_or(&text).chars().take(200).collect()
}

/// What the guard said, if it is why a request failed.
fn refusal<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a net::Refused> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref() {
            return Some(refused);
        }
        cause = error.source();
    }
    None
}

/// The address leads where the guard lets nobody go.
pub(super) fn refused_address(url: &str, refused: &net::Refused) -> GitError {
    match refused {
        net::Refused::Unresolved { host, reason } => {
            GitError::Unreachable { host: host.clone(), reason: reason.clone() }
        }
        refused => GitError::RefusedUrl { url: url.chars().take(200).collect(), reason: refused.to_string() },
    }
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string().chars().take(200).collect()
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
