//! Sending, once: what came of it says whether it is worth another try, and when.
//!
//! Targets are strangers. They are reached where the guard allows, answer within a time that covers all of it, and no more
//! than the beginning of what they answer is kept.

mod command;
mod end;
mod http;

use std::sync::Arc;
use std::time::{Duration, Instant};

use net::AddressGuard;

use crate::target::{Content, Outgoing};

pub use self::http::knock;

/// As much of an answer is kept, in bytes.
const MAX_ANSWER: usize = 16 << 10;

/// What came of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub duration: Duration,
    /// Of HTTP; of a command what it ended with.
    pub status: Option<i32>,
    /// The beginning of it, secrets masked.
    pub answer: Option<String>,
    /// What the target calls what it began.
    pub answer_id: Option<String>,
    pub end: SendEnd,
}

/// What follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendEnd {
    Delivered,
    /// Another try may do better, not before the time that the target asks for.
    Failed {
        why: String,
        retry_after: Option<Duration>,
    },
    /// Another try would end the same way.
    Refused {
        why: String,
    },
    /// The target wants nothing any more.
    Gone {
        why: String,
    },
}

/// What all sending goes through; connections are kept for a while, so it is made once.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    guard: Arc<AddressGuard>,
}

impl Client {
    /// A client that talks only to what the guard lets through.
    ///
    /// # Errors
    /// If the system gives no TLS.
    pub fn new(guard: Arc<AddressGuard>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .dns_resolver(guard.resolver())
            // A POST that moves is told to whoever wrote the address.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_gzip()
            .pool_max_idle_per_host(4)
            .pool_idle_timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self { http, guard })
    }
}

/// Sends once, within a time that covers connecting, sending and the answer. Whoever stops waiting ends it.
pub async fn send(client: &Client, outgoing: &Outgoing, timeout: Duration) -> Sent {
    let started = Instant::now();
    let mut sent = match &outgoing.content {
        Content::Request(request) => {
            http::send(client, outgoing.kind, request, timeout, |text| outgoing.masked(text)).await
        }
        Content::Command(command) => command::run(command, timeout).await,
    };
    sent.duration = started.elapsed();
    sent.answer = sent.answer.map(|answer| outgoing.masked(&answer));
    if let SendEnd::Failed { why, .. } | SendEnd::Refused { why } | SendEnd::Gone { why } = &mut sent.end {
        *why = outgoing.masked(why);
    }
    sent
}

impl Sent {
    fn without_answer(end: SendEnd) -> Self {
        Self { duration: Duration::ZERO, status: None, answer: None, answer_id: None, end }
    }
}

/// The beginning of an answer as a text that every database takes, with a mark where more came; nothing where it is empty.
fn text_of(answer: &[u8]) -> Option<String> {
    let kept = &answer[..answer.len().min(MAX_ANSWER)];
    let mut text = entity::value::clean(&String::from_utf8_lossy(kept));
    // What stands for unreadable bytes may be longer than they were.
    if answer.len() > MAX_ANSWER || text.len() > MAX_ANSWER {
        text.truncate(text.floor_char_boundary(MAX_ANSWER - '…'.len_utf8()));
        text.push('…');
    }
    (!text.is_empty()).then_some(text)
}

/// A time in words: `10 s`, `1.5 s`.
fn shown(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{:.1} s", time.as_secs_f64()) }
}
