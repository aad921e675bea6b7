//! Where requests that only read are answered from: a replica, where there is one that is not behind.
//!
//! Read there is what needs no more than the right to read: lists and pages. What is about accounts, sessions and tokens, how
//! the program is, and what actions and jobs decide by is read where it was written. So is everything by whoever changed
//! something a moment ago: their session or token says so in the row that is read for each request anyway, so that it holds
//! for all processes and for programs without cookies. What a replica does not have, or fails to answer, is asked again
//! where it was written, unless the failure took long, as of a question that was stopped.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actions::Actor;
use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, request::Parts},
    middleware::Next,
    response::Response,
};
use entity::kind::{Needs, Permission};
use entity::view::Timestamp;
use store::db::{Db, READ_OWN};

use super::api::needs;
use super::client_address::{Client, one_party};
use crate::clock;
use crate::state::READING;

/// When whoever asks changed something last; in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Changed(pub Timestamp);

/// The handle that answers a request, for pages; in the request's extensions.
#[derive(Clone, Debug)]
pub struct Reading(pub Db);

/// What took longer at a replica would take as long where it was written, and whoever asked is about to give up.
const AGAIN_WITHIN: Duration = Duration::from_secs(10);

/// Pages of these are about who asks, or about accounts.
const OWN: [&str; 5] = ["/account", "/admin", "/sign-in", "/set-up", "/welcome"];

/// Whether a request only reads, and nothing but what everybody may who may read.
fn only_reads(request: &Request) -> bool {
    let reads = Some(Needs::Permission(Permission::Read));
    let path = request.uri().path();
    let matched = request.extensions().get::<MatchedPath>().map_or(path, MatchedPath::as_str);
    // What came of a form is told where it was stored.
    let tells = |query: &str| query.contains("outcome=") || query.contains("outcome%3D");
    let tells = request.uri().query().is_some_and(tells);
    let may_be = matches!(*request.method(), Method::GET | Method::HEAD) && !tells;
    may_be
        && match path {
            "/api/v1/stream" | "/metrics" => false,
            _ if path.starts_with("/api/") => needs::of(request.method(), matched) == reads,
            _ if path.starts_with("/ui/") => app::functions::needs(path, true) == reads,
            _ if path.starts_with(super::pages::ASSETS) || super::rights::is_open(path) => false,
            _ => !OWN.iter().any(|own| path.starts_with(own)),
        }
}

/// The same number for the same reader.
fn reader(parts: &Parts) -> u64 {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    match parts.extensions.get::<Actor>().and_then(Actor::account) {
        Some(account) => hasher.hash_one(account.id),
        None => hasher.hash_one(parts.extensions.get::<Client>().map(|client| one_party(client.address))),
    }
}

/// Answers from a replica, or from where it is written.
pub async fn choose(State(db): State<Arc<Db>>, request: Request, next: Next) -> Response {
    let changed = request.extensions().get::<Changed>().is_some_and(|changed| clock::now() - changed.0 < READ_OWN);
    if !db.has_replicas() || changed || !only_reads(&request) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Some(replica) = db.on_replica(reader(&parts)) else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let mut there = parts.clone();
    there.extensions.insert(Reading(replica.clone()));
    let asked = next.clone().run(Request::from_parts(there, Body::empty()));
    let began = Instant::now();
    let response = READING.scope(replica.clone(), asked).await;
    let status = response.status();
    let fails_late = status.is_server_error() && began.elapsed() > AGAIN_WITHIN;
    if fails_late || (status != StatusCode::NOT_FOUND && !status.is_server_error()) {
        return response;
    }
    let response = next.run(Request::from_parts(parts, body)).await;
    // What fails in both places is not the replica's fault.
    if status.is_server_error() && !response.status().is_server_error() {
        replica.doubt();
    }
    response
}
