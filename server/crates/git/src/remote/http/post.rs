//! A POST as gix makes it: written first, sent when its answer is read.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::blocking::{Client, Response};
use reqwest::header::{HeaderMap, HeaderValue, LOCATION};

use super::Requests;
use super::refusal::shown;
use crate::GitError;
use crate::remote::budget::Budget;

/// The request that gix writes; small, as it holds names of commits only.
pub(in crate::remote) struct PostBody(pub(super) Arc<Mutex<Pending>>);

pub(super) struct Pending {
    pub(super) body: Vec<u8>,
    pub(super) closed: bool,
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
pub(super) struct Sender {
    pub(super) client: Client,
    pub(super) budget: Arc<Budget>,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) pending: Arc<Mutex<Pending>>,
}

impl Sender {
    pub(super) fn send(self) -> std::io::Result<Response> {
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
