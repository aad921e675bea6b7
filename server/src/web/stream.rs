//! Live updates: what the queue's bus tells goes out to open pages as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use entity::view::Live;
use futures::StreamExt as _;
use serde::Deserialize;
use tokio_stream::wrappers::{BroadcastStream, errors::BroadcastStreamRecvError};
use utoipa::IntoParams;

use super::api::{
    extract::{Check, Params},
    problem::Problem,
};
use super::rights::Actor;
use crate::state::AppState;

/// How often a silent stream says that it lives, so that proxies keep it open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// So many news are told at once where replicas are waited for.
const AT_ONCE: usize = 1_024;

/// How often it is asked whether who listens still may.
const LOOK_EACH: Duration = Duration::from_secs(5);

/// What of the stream is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamParams {
    /// Only what is about this repository.
    #[param(value_type = Option<uuid::Uuid>)]
    repository_id: Option<String>,
}

/// Live updates as server-sent events
///
/// Each event's data is one JSON object as described; its `type` tells the kinds apart. A client that
/// was too slow to follow gets an event named `missed` and should read again what it shows.
#[utoipa::path(
    get, path = "/stream", operation_id = "stream_live", tag = "live",
    params(StreamParams),
    responses(
        (status = 200, description = "Events, until one side hangs up", content_type = "text/event-stream", body = Live),
        (status = 422, description = "Wrong parameters", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many open streams", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn stream_live(
    State(state): State<AppState>,
    Actor(actor): Actor,
    Params(params): Params<StreamParams>,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let wanted = check.uuid("repository_id", params.repository_id.as_deref());
    check.finish()?;
    let seat = Arc::clone(&state.seats.0)
        .try_acquire_owned()
        .map_err(|_| Problem::unavailable("As many live streams are open as this server keeps; try again later", 30))?;
    let db = state.db.clone();
    let events = BroadcastStream::new(state.queue.bus().subscribe())
        // Whoever is told of news asks for them at once, and perhaps at a replica.
        .ready_chunks(AT_ONCE)
        .then(move |news| {
            let db = db.clone();
            async move {
                db.replicas_caught_up().await;
                futures::stream::iter(news)
            }
        })
        .flatten()
        .filter_map(move |told| std::future::ready(event(told, wanted)))
        .map(move |event| {
            // The seat is taken for as long as the stream lives.
            let _ = &seat;
            Ok::<_, Infallible>(event)
        })
        .take_until(ended(state.clone(), actor));
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // nginx would hold the events back otherwise.
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

/// When the program stops, or who listens may read no longer.
async fn ended(state: AppState, actor: actions::Actor) {
    let over = async {
        if state.identity.settings().anonymous_read {
            // Everybody may, whoever they are.
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(LOOK_EACH).await;
            if !state.identity.still_reads(&actor).await {
                return;
            }
        }
    };
    tokio::select! {
        () = state.shutdown.cancelled() => {}
        () = over => {}
    }
}

fn event(told: Result<Live, BroadcastStreamRecvError>, wanted: Option<uuid::Uuid>) -> Option<Event> {
    match told {
        Err(BroadcastStreamRecvError::Lagged(missed)) => {
            Some(Event::default().event("missed").data(missed.to_string()))
        }
        Ok(live) => {
            let about = match &live {
                Live::Job { job } => job.repository_id,
                Live::Repository { repository_id }
                | Live::Events { repository_id, .. }
                | Live::Branches { repository_id } => Some(*repository_id),
                Live::Trigger { .. } | Live::Reload => None,
            };
            if wanted.is_some() && wanted != about {
                return None;
            }
            match Event::default().json_data(&live) {
                Ok(event) => Some(event),
                Err(error) => {
                    tracing::error!(%error, "a live update cannot be written as JSON");
                    None
                }
            }
        }
    }
}
