//! The outermost layer: writes down every request and spoils answers as the faults in force say.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde_json::Value;

use crate::faults::Fault;
use crate::forge::{Forge, Kind, lock};
use crate::gate::{self, Caller, Cost};
use crate::record;

/// Bodies larger than this are no answers of a forge's API.
const MOST: usize = 256 << 20;

/// Runs a request through the faults and into the record.
pub(crate) async fn watch(State(forge): State<Arc<Forge>>, mut request: Request, next: Next) -> Response {
    let running = forge.running.fetch_add(1, Ordering::SeqCst) + 1;
    let counted = Running(Arc::clone(&forge));
    let at = Utc::now();
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    let query = request.uri().query().map(str::to_owned);
    let caller = gate::caller(&forge, request.headers());
    let token = caller.token();
    request.extensions_mut().insert(caller);

    let faults = lock(&forge.faults).take(&path);
    for delay in faults.iter().filter_map(Fault::delay) {
        tokio::time::sleep(delay).await;
    }
    let mut response = match faults.iter().find_map(|fault| instead(&forge, fault, request.extensions().get(), &path)) {
        Some(response) => response,
        None => next.run(request).await,
    };
    for fault in &faults {
        response = after(fault, response).await;
    }
    drop(counted);

    let cost = response.extensions().get::<Cost>().map_or(0, |cost| cost.0);
    let mut record = lock(&forge.record);
    record.counters.peak_concurrency = record.counters.peak_concurrency.max(running);
    let status = response.status().as_u16();
    let faults = faults.iter().map(Fault::word).collect();
    record.add(record::Request { at, method, path, query, token, status, cost, faults });
    drop(record);
    response
}

/// Counts a request as running until it is answered or the client is gone.
struct Running(Arc<Forge>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a fault answers in place of the forge, if it does.
fn instead(forge: &Forge, fault: &Fault, caller: Option<&Caller>, path: &str) -> Option<Response> {
    let token = caller.and_then(Caller::token);
    Some(match fault {
        Fault::Status { code } => broken(StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)),
        Fault::PrimaryLimit { reset } => {
            let resource = gate::resource(forge.kind(), path);
            forge.exhaust(token, resource, std::time::Duration::from_secs(*reset));
            gate::limited(forge, token, resource)
        }
        Fault::SecondaryLimit { retry_after } => gate::secondary(StatusCode::FORBIDDEN, *retry_after),
        Fault::TooMany { retry_after } => match forge.kind() {
            Kind::GitHub => gate::secondary(StatusCode::TOO_MANY_REQUESTS, *retry_after),
            _ => gate::too_many(*retry_after),
        },
        Fault::BadCredentials => gate::bad_credentials(forge.kind()),
        Fault::Blocked => gate::blocked(forge),
        Fault::Endless => endless(),
        Fault::Slow { .. } | Fault::Cut | Fault::WrongJson | Fault::MissingFields { .. } => return None,
    })
}

/// The page that a proxy shows when the server behind it fails: HTML, whatever was asked for.
fn broken(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or("Error");
    let page = format!("<html><head><title>{status}</title></head><body><h1>{reason}</h1></body></html>\n");
    (status, [(header::CONTENT_TYPE, "text/html")], page).into_response()
}

fn endless() -> Response {
    let spaces = Bytes::from_static(&[b' '; 16_384]);
    let stream = futures::stream::repeat_with(move || Ok::<_, Infallible>(spaces.clone()));
    let mut response = Body::from_stream(stream).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What a fault makes of an answer.
async fn after(fault: &Fault, response: Response) -> Response {
    match fault {
        Fault::Cut => cut(response).await,
        Fault::WrongJson => remade(response, |_| Some(b"{\"items\": [{\"id\": 1,".to_vec())).await,
        Fault::MissingFields { fields } => {
            remade(response, |body| {
                let mut value = serde_json::from_slice(body).ok()?;
                strip(&mut value, fields);
                serde_json::to_vec(&value).ok()
            })
            .await
        }
        _ => response,
    }
}

/// The full length is announced, half of it sent, then the connection breaks.
async fn cut(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, MOST).await.unwrap_or_default();
    let length = body.len().max(2);
    let half = body.slice(..body.len() / 2);
    parts.headers.remove(header::TRANSFER_ENCODING);
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let stream = futures::stream::unfold(0_u8, move |step| {
        let half = half.clone();
        async move {
            match step {
                0 => Some((Ok(half), 1)),
                1 => {
                    // What was sent should be under way before the break, or the client sees no answer at all.
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    Some((Err(std::io::Error::other("cut by a fault")), 2))
                }
                _ => None,
            }
        }
    });
    Response::from_parts(parts, Body::from_stream(stream))
}

async fn remade(response: Response, make: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, MOST).await.unwrap_or_default();
    let remade = make(&body).map_or(body, Bytes::from);
    forget_length(&mut parts.headers);
    Response::from_parts(parts, Body::from(remade))
}

fn forget_length(headers: &mut HeaderMap) {
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ETAG);
}

fn strip(value: &mut Value, fields: &[String]) {
    match value {
        Value::Object(map) => {
            map.retain(|name, _| !fields.contains(name));
            map.values_mut().for_each(|inner| strip(inner, fields));
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| strip(inner, fields)),
        _ => {}
    }
}
