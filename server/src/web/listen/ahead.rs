//! Bodies that are here before anybody answers.
//!
//! An answer holds tens of kilobytes from the moment it is begun: what a dozen layers and a handler know, whether or not
//! there is anything to do yet. Who sends a body slowly would make the server hold all of that for some bytes. So the body is
//! waited for first, as long as an answer may take, and what it holds meanwhile is bounded for all connections together.

use std::sync::Arc;
use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::Request,
};
use bytes::BytesMut;
use futures::{StreamExt as _, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So much of each body is always taken: nearly everything that people send.
const FREE: usize = 16 << 10;
/// What all bodies may hold beyond that; the next piece waits for room, and its sender with it.
const BEYOND: usize = 64 << 20;

/// Set on a request whose body did not come in time: it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late;

/// Which bodies are waited for, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Nobody answers to larger ones but with a refusal: they are not waited for to their end, or, where they say so, at all.
    pub most: usize,
    /// Bodies have so long.
    pub within: Duration,
    /// Below this path they are not waited for: whoever answers there finds out first whom they listen to.
    pub but_below: &'static str,
}

/// Where bodies wait until they are whole.
#[derive(Clone, Debug)]
pub struct Ahead {
    waiting: Waiting,
    room: Arc<Semaphore>,
}

impl Ahead {
    /// With room for all of them.
    #[must_use]
    pub fn new(waiting: Waiting) -> Self {
        Self { waiting, room: Arc::new(Semaphore::new(BEYOND)) }
    }

    /// The request once its body is here, as far as anybody reads it.
    pub async fn whole(&self, request: Request) -> Request {
        let Waiting { most, within, but_below } = self.waiting;
        let is_larger = request.body().size_hint().lower() > most as u64;
        // What only reads takes no body, and is answered without it.
        let has_none = request.method().is_safe() || request.body().is_end_stream();
        if has_none || is_larger || request.uri().path().starts_with(but_below) {
            return request;
        }
        let (mut parts, body) = request.into_parts();
        let read = tokio::time::timeout(within, self.read(body)).await;
        let body = read.unwrap_or_else(|_| {
            parts.extensions.insert(Late);
            Body::empty()
        });
        Request::from_parts(parts, body)
    }

    async fn read(&self, body: Body) -> Body {
        let mut pieces = body.into_data_stream();
        let mut whole = BytesMut::new();
        let mut room: Option<OwnedSemaphorePermit> = None;
        // One byte more than is allowed is enough for who refuses it.
        while whole.len() <= self.waiting.most {
            match pieces.next().await {
                Some(Ok(piece)) => {
                    self.make_room(&mut room, (whole.len() + piece.len()).saturating_sub(FREE)).await;
                    whole.extend_from_slice(&piece);
                }
                // Whoever reads it is told, as if it had read so far itself.
                Some(Err(error)) => {
                    return Body::from_stream(stream::iter([Ok(whole.freeze()), Err(error)]));
                }
                None => break,
            }
        }
        match room {
            None => whole.freeze().into(),
            Some(room) => Bytes::from_owner(Held { bytes: whole.freeze(), _room: room }).into(),
        }
    }

    async fn make_room(&self, room: &mut Option<OwnedSemaphorePermit>, wanted: usize) {
        let missing = wanted.saturating_sub(room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        if missing == 0 {
            return;
        }
        let Ok(more) = Arc::clone(&self.room).acquire_many_owned(missing).await else { return };
        match room {
            Some(room) => room.merge(more),
            None => *room = Some(more),
        }
    }
}

/// Bytes that take room for as long as anybody has them.
struct Held {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::Method;
    use futures::Stream;

    use super::*;

    const MOST: usize = 256 << 10;
    const SOON: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_mins(1);

    fn waiting(within: Duration) -> Waiting {
        Waiting { most: MOST, within, but_below: "/webhooks/" }
    }

    fn sent(pieces: impl Stream<Item = Result<Bytes, &'static str>> + Send + 'static) -> Request {
        let mut request = Request::new(Body::from_stream(pieces));
        *request.method_mut() = Method::POST;
        request
    }

    fn pieces(number: usize, size: usize) -> impl Stream<Item = Result<Bytes, &'static str>> {
        stream::iter((0..number).map(move |_| Ok(Bytes::from(vec![b'a'; size]))))
    }

    async fn length(request: Request) -> usize {
        to_bytes(request.into_body(), usize::MAX).await.unwrap().len()
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_whole_and_its_room_is_free_again_once_nobody_has_it() {
        let ahead = Ahead::new(waiting(LONG));
        for bytes in [0, 10, FREE, FREE + 1, MOST] {
            let whole = ahead.whole(sent(pieces(bytes, 1))).await;
            assert!(whole.extensions().get::<Late>().is_none());
            assert_eq!(ahead.room.available_permits(), BEYOND - bytes.saturating_sub(FREE));
            assert_eq!(whole.body().size_hint().exact(), Some(bytes as u64), "nothing is waited for any more");
            assert_eq!(length(whole).await, bytes);
            assert_eq!(ahead.room.available_permits(), BEYOND);
        }
    }

    #[tokio::test]
    async fn what_is_too_large_is_not_waited_for_to_its_end() {
        let ahead = Ahead::new(waiting(LONG));
        let endless = stream::repeat_with(|| Ok(Bytes::from(vec![b'a'; 4 << 10])));
        let cut = length(ahead.whole(sent(endless)).await).await;
        assert!(cut > MOST && cut <= MOST + (4 << 10), "{cut}");
        let mut told = Request::new(Body::from(vec![b'a'; MOST + 1]));
        *told.method_mut() = Method::POST;
        assert_eq!(length(ahead.whole(told).await).await, MOST + 1);
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_in_time_is_late() {
        let ahead = Ahead::new(waiting(SOON));
        let unended = || sent(pieces(3, 10).chain(stream::pending()));
        let mut webhook = unended();
        *webhook.uri_mut() = "/webhooks/github/x".parse().unwrap();
        assert!(ahead.whole(webhook).await.extensions().get::<Late>().is_none());
        let mut read = unended();
        *read.method_mut() = Method::GET;
        assert!(ahead.whole(read).await.extensions().get::<Late>().is_none());
        let late = ahead.whole(unended()).await;
        assert_eq!(late.extensions().get::<Late>(), Some(&Late));
        assert_eq!(length(late).await, 0);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_breaks_off_for_who_reads_it() {
        let broken = Ahead::new(waiting(LONG)).whole(sent(pieces(3, 10).chain(stream::iter([Err("gone")])))).await;
        assert!(broken.extensions().get::<Late>().is_none());
        assert!(to_bytes(broken.into_body(), usize::MAX).await.is_err());
    }

    #[tokio::test]
    async fn where_there_is_no_room_large_bodies_wait_and_small_ones_do_not() {
        let ahead = Ahead { waiting: waiting(SOON), room: Arc::new(Semaphore::new(FREE)) };
        let held = ahead.whole(sent(pieces(2, FREE))).await;
        assert_eq!(ahead.room.available_permits(), 0);
        let small = ahead.whole(sent(pieces(1, FREE))).await;
        assert_eq!(length(small).await, FREE);
        assert!(ahead.whole(sent(pieces(2, FREE))).await.extensions().get::<Late>().is_some());
        drop(held);
        assert_eq!(length(ahead.whole(sent(pieces(2, FREE))).await).await, 2 * FREE);
    }
}
