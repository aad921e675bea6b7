//! HTTP for gix, with bounds: gix' own client knows neither timeouts nor where redirects may lead.

mod body;
mod client;
mod headers;
mod post;
mod redirect;
mod refusal;

use std::any::Any;
use std::io::Cursor;
use std::sync::{Arc, Mutex};

use gix::protocol::transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use url::Url;

use self::body::{Body, Source};
use self::client::{authorization, client};
use self::headers::{header_lines, header_map};
use self::post::{Pending, PostBody, Sender};
use self::redirect::may_follow;
pub(super) use self::refusal::refused_address;
use self::refusal::{limited, refusal, root_cause, shown};
use super::Auth;
use super::budget::Budget;
use crate::GitError;

/// How we call ourselves.
pub(in crate::remote) const AGENT: &str = concat!("git/kubestats-", env!("CARGO_PKG_VERSION"));

/// Redirects that are followed before the first answer.
const MAX_REDIRECTS: usize = 5;

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
        if let Some(guard) = &budget.limits.guard {
            guard.check_url(url).map_err(|refused| refused_address(url.as_str(), &refused))?;
        }
        if authorization.is_some() && url.scheme() == "http" && !net::is_here(url) {
            return Err(GitError::RefusedUrl {
                url: url.to_string(),
                reason: "a token is not sent unencrypted; use https://".to_owned(),
            });
        }
        Ok(Self { client: client(&budget.limits)?, budget: Arc::clone(budget), authorization, redirected: None })
    }

    fn asking(&self, request: RequestBuilder) -> reqwest::Result<Response> {
        self.budget.asked();
        self.budget.awaiting(|| request.send())
    }

    fn send(&self, request: RequestBuilder) -> std::io::Result<Response> {
        self.budget.check()?;
        let request = match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        };
        let response = self.asking(request).map_err(|error| self.budget.stop(self.unreachable(&error)))?;
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
        let response = self.asking(request).map_err(|error| self.budget.stop(self.unreachable(&error)))?;
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
