//! One POST: guarded, without redirects, bounded in bytes and time.

use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use entity::kind::TargetKind;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::end::{self, Answer};
use super::{Client, MAX_ANSWER, SendEnd, Sent, shown, text_of};
use crate::target::Request;
use crate::text::cut;

/// More than is kept, so that no secret is cut before it is masked.
const READ: usize = 2 * MAX_ANSWER;

pub(super) async fn send(
    client: &Client,
    kind: TargetKind,
    request: &Request,
    timeout: Duration,
    masked: impl Fn(&str) -> String,
) -> Sent {
    let deadline = Instant::now() + timeout;
    if let Err(refused) = client.guard.check_url(&request.url) {
        return Sent::without_answer(end::of_guard(&refused));
    }
    let headers = match headers(request) {
        Ok(headers) => headers,
        Err(why) => return Sent::without_answer(SendEnd::Refused { why }),
    };
    let sending = client.http.post(request.url.clone()).headers(headers).body(request.body.clone()).send();
    let mut response = match timeout_at(deadline, sending).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Sent::without_answer(failed(&error)),
        Err(_) => {
            let why = format!("does not answer within {}", shown(timeout));
            return Sent::without_answer(SendEnd::Failed { why, retry_after: None });
        }
    };
    let status = response.status();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    // The status is what counts; who says that it arrived and then falls silent has said so.
    let reading = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = READ - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == READ {
                break;
            }
        }
    };
    let _ = timeout_at(deadline, reading).await;
    // Masked before it is cut: a part of a secret is one too.
    let answer = text_of(masked(&String::from_utf8_lossy(&body)).as_bytes());
    let told =
        Answer { kind, url: &request.url, status, headers: &headers, text: answer.as_deref().unwrap_or_default() };
    Sent {
        duration: Duration::ZERO,
        status: Some(i32::from(status.as_u16())),
        answer_id: end::answer_id(&told),
        end: end::of_answer(&told, &client.guard),
        answer,
    }
}

/// Asks an address for a sign of life by a GET that tells nothing; the status of its answer, of which no more is read.
///
/// # Errors
/// A sentence, where the guard does not let it through or there is no answer in time.
pub async fn knock(client: &Client, url: &Url, timeout: Duration) -> Result<u16, String> {
    client.guard.check_url(url).map_err(|refused| refused.to_string())?;
    match timeout_at(Instant::now() + timeout, client.http.get(url.clone()).send()).await {
        Ok(Ok(response)) => Ok(response.status().as_u16()),
        Ok(Err(error)) => Err(match failed(&error) {
            SendEnd::Failed { why, .. } | SendEnd::Refused { why } | SendEnd::Gone { why } => why,
            SendEnd::Delivered => "gives no answer".to_owned(),
        }),
        Err(_) => Err(format!("does not answer within {}", shown(timeout))),
    }
}

fn headers(request: &Request) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for (name, value) in &request.headers {
        let unwritable = || format!("the header {} can't be written", cut(name, 60));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unwritable())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| unwritable())?;
        value.set_sensitive(key == ::http::header::AUTHORIZATION);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// The innermost cause says more than "error sending request".
fn failed(error: &reqwest::Error) -> SendEnd {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    loop {
        if let Some(refused) = cause.downcast_ref::<net::Refused>() {
            return end::of_guard(refused);
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => break,
        }
    }
    let cause = cut(&entity::credential::without_credentials(&cause.to_string()), 300);
    let why =
        if error.is_connect() { format!("can't be reached: {cause}") } else { format!("gives no answer: {cause}") };
    SendEnd::Failed { why, retry_after: None }
}
