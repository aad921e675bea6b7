//! `/api/v1/stream`: live updates.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use entity::view::Live;
use futures::StreamExt as _;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{RepositoryBuilder, TestApp, on_each_engine};

/// An open stream, read line by line.
struct Lines {
    body: axum::body::BodyDataStream,
    text: String,
}

impl Lines {
    async fn open(app: &TestApp, query: &str) -> Self {
        let request = Request::get(format!("/api/v1/stream{query}")).header("accept-encoding", "gzip, br");
        let response = app.raw(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(response.headers().get("content-encoding").is_none(), "a compressed stream would be held back");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event's data; nothing where the stream ended.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                if let Some(data) = data {
                    return Some(serde_json::from_str(data).unwrap());
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_mins(1), self.body.next()).await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn a_queued_job_is_told_to_open_pages() {
    on_each_engine(async |app| {
        let id = RepositoryBuilder::new("ada/home-ops").store(app).await;
        let mut lines = Lines::open(app, "").await;
        let accepted = app.post(&format!("/api/v1/repositories/{id}/sync")).await;
        let told = lines.next().await.unwrap();
        assert_eq!(told["type"], "job");
        assert_eq!(told["job"]["id"], accepted.json()["job_id"]);
        assert_eq!(told["job"]["state"], "queued");
    })
    .await;
}

#[tokio::test]
async fn a_stream_of_one_repository_tells_of_no_other() {
    on_each_engine(async |app| {
        let (mine, other) = (Uuid::now_v7(), Uuid::now_v7());
        let mut lines = Lines::open(app, &format!("?repository_id={mine}")).await;
        let bus = app.state.queue.bus();
        bus.send(Live::Repository { repository_id: other });
        bus.send(Live::Events { repository_id: mine, count: 3 });
        let told = lines.next().await.unwrap();
        assert_eq!(told, serde_json::json!({"type": "events", "repository_id": mine, "count": 3}));
        assert_eq!(app.refused("/api/v1/stream?repository_id=x").await, ["query.repository_id"]);
    })
    .await;
}

#[tokio::test]
async fn a_listener_that_is_too_slow_is_told_so() {
    on_each_engine(async |app| {
        let mut lines = Lines::open(app, "").await;
        for _ in 0..1_000 {
            app.state.queue.bus().send(Live::Repository { repository_id: Uuid::nil() });
        }
        let missed = lines.next().await.unwrap();
        assert!(missed.as_u64().unwrap() > 0, "{missed}");
        assert_eq!(lines.next().await.unwrap()["type"], "repository");
    })
    .await;
}

#[tokio::test]
async fn seats_are_bounded_and_given_back() {
    on_each_engine(async |app| {
        let first = Lines::open(app, "").await;
        let _second = Lines::open(app, "").await;
        let full = app.get("/api/v1/stream").await;
        assert_eq!(full.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(full.header("retry-after"), "30");
        drop(first);
        let _third = Lines::open(app, "").await;
    })
    .await;
}

#[tokio::test]
async fn streams_end_when_the_program_stops() {
    on_each_engine(async |app| {
        let mut lines = Lines::open(app, "").await;
        app.state.shutdown.cancel();
        assert!(lines.next().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn an_open_stream_does_not_keep_the_program_from_stopping() {
    on_each_engine(async |app| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(server::web::serve(
            listener,
            app.state.clone(),
            server::start::limits(&server::config::ServerConfig::default()).unwrap(),
            stop.clone(),
        ));
        let mut line = TcpStream::connect(address).await.unwrap();
        line.write_all(b"GET /api/v1/stream HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut head = [0; 15];
        line.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        stop.cancel();
        // Whatever does not end by itself is waited for 10 s.
        tokio::time::timeout(Duration::from_secs(9), server).await.unwrap().unwrap().unwrap();
    })
    .await;
}
