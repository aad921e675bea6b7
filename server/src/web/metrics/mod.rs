//! Figures for Prometheus: what is answered, counted as it happens, and what the database holds, asked for at most once in
//! ten seconds.
//!
//! Nothing that a client writes becomes a label: paths are told as the routes that they fit.

mod figures;
mod samples;
mod serve;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use entity::view::Timestamp;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};
use prometheus_client::registry::Registry;
use store::accounts;
use store::db::Db;
use tokio::sync::Mutex;

use crate::clock;

pub use samples::MetricList;
pub use serve::{Access, PATH, V1_PATH, described, route, router};

/// Seconds; an answer that takes longer than the last is given up.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// Whoever was seen since then counts as here.
const SEEN_WITHIN: chrono::TimeDelta = chrono::TimeDelta::minutes(15);
/// How long what the database said is told again.
const KEPT: Duration = Duration::from_secs(10);
/// What no route answers.
const UNMATCHED: &str = "unmatched";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    endpoint: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    method: &'static str,
    endpoint: String,
}

/// All figures of this process; cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Asked, Histogram, fn() -> Histogram>,
    active_users: Gauge<u64, AtomicU64>,
    /// What the database said last.
    stored: Mutex<Option<Stored>>,
}

/// What the database said.
#[derive(Clone, Debug)]
struct Stored {
    /// By the clock that nobody sets.
    at: Instant,
    asked_at: Timestamp,
    /// As text; nothing where it did not answer.
    figures: Option<String>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::<Answered, Counter>::default();
        let durations: Family<Asked, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let active_users = Gauge::<u64, AtomicU64>::default();
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register("http_request_duration_seconds", "Time until an answer began", durations.clone());
        registry.register("active_users_total", "Accounts that were seen in the last 15 minutes", active_users.clone());
        Self(Arc::new(Inner { registry, requests, durations, active_users, stored: Mutex::default() }))
    }
}

impl Metrics {
    /// So many accounts were seen lately.
    pub fn set_active_users(&self, number: u64) {
        self.0.active_users.set(number);
    }

    fn answered(&self, method: &Method, endpoint: Option<&str>, status: u16, took: Duration) {
        let (method, endpoint) = (verb(method), endpoint.unwrap_or(UNMATCHED).to_owned());
        self.0.durations.get_or_create(&Asked { method, endpoint: endpoint.clone() }).observe(took.as_secs_f64());
        self.0.requests.get_or_create(&Answered { method, endpoint, status }).inc();
    }

    /// Everything as OpenMetrics text. Where the database does not answer, `kubestats_database_up` says so and what it
    /// would tell is left out: no figure is better than an old one.
    pub async fn text(&self, db: &Db, password_hashes: u64) -> String {
        let stored = self.stored(db).await;
        let mut text = self.of_process(db, &stored, password_hashes);
        text.push_str(stored.figures.as_deref().unwrap_or_default());
        // Writing to a string cannot fail.
        let _ = text::encode_eof(&mut text);
        text
    }

    /// The same one by one.
    pub async fn list(&self, db: &Db, password_hashes: u64) -> MetricList {
        let stored = self.stored(db).await;
        let text = self.of_process(db, &stored, password_hashes);
        let of_database = samples::read(stored.figures.as_deref().unwrap_or_default(), stored.asked_at);
        let metrics: Vec<_> = samples::read(&text, clock::now()).chain(of_database).collect();
        MetricList { total: metrics.len(), metrics }
    }

    /// What the database says, or said a moment ago.
    async fn stored(&self, db: &Db) -> Stored {
        let mut last = self.0.stored.lock().await;
        match &*last {
            Some(stored) if stored.at.elapsed() < KEPT => stored.clone(),
            _ => {
                let asked_at = clock::now();
                let figures = figures::ask(db).await;
                if let Ok(active) = accounts::count_active_accounts(&db.read, asked_at - SEEN_WITHIN).await {
                    self.set_active_users(active);
                }
                let stored = Stored { at: Instant::now(), asked_at, figures };
                *last = Some(stored.clone());
                stored
            }
        }
    }

    /// What this process counts and knows, as text.
    fn of_process(&self, db: &Db, stored: &Stored, password_hashes: u64) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode_registry(&mut text, &self.0.registry);
        let own = figures::of_process(db, stored.figures.is_some(), password_hashes);
        let _ = text::encode_registry(&mut text, &own);
        text
    }
}

/// A method that anybody could make up is `OTHER`.
fn verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Counts every request and how long it took.
pub async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let endpoint = request.extensions().get::<MatchedPath>().cloned();
    let began = Instant::now();
    let response = next.run(request).await;
    let endpoint = endpoint.as_ref().map(MatchedPath::as_str);
    metrics.answered(&method, endpoint, response.status().as_u16(), began.elapsed());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_make_up_is_one_figure() {
        let metrics = Metrics::default();
        for number in 0..1_000 {
            let method = Method::from_bytes(format!("VERB{number}").as_bytes()).unwrap();
            metrics.answered(&method, None, 404, Duration::from_millis(3));
        }
        let mut text = String::new();
        text::encode_registry(&mut text, &metrics.0.registry).unwrap();
        assert!(
            text.contains(r#"http_requests_total{method="OTHER",endpoint="unmatched",status="404"} 1000"#),
            "{text}"
        );
        assert!(text.contains(r#"_bucket{le="0.005",method="OTHER",endpoint="unmatched"} 1000"#), "{text}");
        assert_eq!(text.matches("http_requests_total{").count(), 1, "{text}");
    }
}
