//! One request over the network: guarded, bounded in bytes and time. Carries octocrab's requests as well.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use octocrab::OctoBody;

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("{0}")]
    Refused(net::Refused),
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    #[error("{0}")]
    Failed(String),
}

/// A client that reads no more than so many bytes.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    client: reqwest::Client,
    body_bytes: usize,
}

impl Wire {
    pub(crate) fn new(client: reqwest::Client, body_bytes: usize) -> Self {
        Self { client, body_bytes }
    }

    /// The same for an answer that may have no more than so many bytes.
    pub(crate) fn within(&self, body_bytes: usize) -> Self {
        Self { client: self.client.clone(), body_bytes: self.body_bytes.min(body_bytes) }
    }

    pub(crate) async fn send(self, request: Request<Bytes>) -> Result<Response<Full<Bytes>>, WireError> {
        let request = reqwest::Request::try_from(request).map_err(|error| WireError::Failed(error.to_string()))?;
        let mut answer = self.client.execute(request).await.map_err(|error| failed(&error))?;
        let mut response = Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            *headers = answer.headers().clone();
        }
        let too_large = WireError::TooLarge(self.body_bytes);
        if answer.content_length().is_some_and(|length| length > self.body_bytes as u64) {
            return Err(too_large);
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + chunk.len() > self.body_bytes {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        response.body(Full::new(body.freeze())).map_err(|error| WireError::Failed(error.to_string()))
    }
}

impl tower::Service<Request<OctoBody>> for Wire {
    type Response = Response<Full<Bytes>>;
    type Error = WireError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, WireError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<OctoBody>) -> Self::Future {
        let wire = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|error| WireError::Failed(error.to_string()))?.to_bytes();
            wire.send(Request::from_parts(parts, body)).await
        })
    }
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn failed(error: &reqwest::Error) -> WireError {
    if error.is_timeout() {
        return WireError::Failed("it does not answer in time".to_owned());
    }
    let mut cause: &(dyn std::error::Error + 'static) = error;
    loop {
        if let Some(refused) = cause.downcast_ref::<net::Refused>() {
            return WireError::Refused(refused.clone());
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => return WireError::Failed(cause.to_string().chars().take(200).collect()),
        }
    }
}
