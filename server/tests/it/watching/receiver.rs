//! A program that takes webhooks, remembers them, and answers as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A webhook that came.
#[derive(Clone, Debug)]
pub struct Came {
    pub headers: HeaderMap,
    pub body: Value,
}

impl Came {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

#[derive(Default)]
struct Seen {
    came: Vec<Came>,
    answers: VecDeque<u16>,
}

/// The receiver; it stops when this is dropped.
pub struct Receiver {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _stop: DropGuard,
}

impl Receiver {
    pub async fn start() -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let router = Router::new().fallback(take).with_state(Arc::clone(&seen));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let until = stop.clone();
        tokio::spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(async move { until.cancelled().await }).await
        });
        Self { address, seen, _stop: stop.drop_guard() }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The next webhooks are answered so; after these with 200.
    pub fn answer(&self, statuses: &[u16]) {
        self.seen.lock().unwrap().answers.extend(statuses);
    }

    pub fn came(&self) -> Vec<Came> {
        self.seen.lock().unwrap().came.clone()
    }

    /// How often each webhook came, by the id that stays the same at every try.
    pub fn by_id(&self) -> BTreeMap<String, usize> {
        let mut count = BTreeMap::new();
        for came in &self.seen.lock().unwrap().came {
            *count.entry(came.header("webhook-id").to_owned()).or_default() += 1;
        }
        count
    }
}

async fn take(State(seen): State<Arc<Mutex<Seen>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut seen = seen.lock().unwrap();
    seen.came.push(Came { headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) });
    let status = seen.answers.pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap().into_response()
}
