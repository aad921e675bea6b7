//! Bodies that come in small pieces take as much memory as they have bytes.
//!
//! A piece that was read from a connection is a slice of the buffer that was read into, and keeps all of it: who sends
//! single bytes makes the server hold eight kilobytes for each until the body is whole. Small pieces are copied together.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Bytes, HttpBody};
use bytes::BytesMut;
use http_body::{Frame, SizeHint};

/// What is smaller waits for more; a buffer that is filled with less is not worth keeping.
const ENOUGH: usize = 4 << 10;

/// A body whose pieces are all of some size, but the last.
#[derive(Debug)]
pub struct Gathered<B> {
    body: B,
    small: BytesMut,
    /// What came behind pieces that had to go first.
    next: Option<Frame<Bytes>>,
}

impl<B> Gathered<B> {
    /// Over a body whose pieces may have any size.
    pub fn new(body: B) -> Self {
        Self { body, small: BytesMut::new(), next: None }
    }

    fn take_small(&mut self) -> Option<Frame<Bytes>> {
        (!self.small.is_empty()).then(|| Frame::data(self.small.split().freeze()))
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Gathered<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(next) = self.next.take() {
            return Poll::Ready(Some(Ok(next)));
        }
        loop {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(self.take_small().map(Ok)),
            };
            let is_small = frame.data_ref().is_some_and(|data| data.len() < ENOUGH);
            let Some(data) = frame.data_ref().filter(|_| is_small) else {
                let Some(small) = self.take_small() else { return Poll::Ready(Some(Ok(frame))) };
                self.next = Some(frame);
                return Poll::Ready(Some(Ok(small)));
            };
            self.small.extend_from_slice(data);
            if self.small.len() >= ENOUGH {
                return Poll::Ready(self.take_small().map(Ok));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.small.is_empty() && self.next.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let next = self.next.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len);
        let held = u64::try_from(self.small.len() + next).unwrap_or(u64::MAX);
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(held));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::future::poll_fn;

    use super::*;

    /// Pieces as a connection gives them; nothing where the next is not here yet.
    struct Pieces(VecDeque<Option<Bytes>>);

    impl Pieces {
        fn of(sizes: impl IntoIterator<Item = usize>) -> Self {
            let piece = |(n, size): (usize, usize)| Some(Bytes::from(vec![b'a' + u8::try_from(n % 26).unwrap(); size]));
            Self(sizes.into_iter().enumerate().map(piece).collect())
        }
    }

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.0.pop_front() {
                Some(Some(piece)) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                Some(None) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(None),
            }
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_empty()
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0.iter().flatten().map(|piece| piece.len() as u64).sum())
        }
    }

    async fn next(body: &mut Gathered<Pieces>) -> Option<Bytes> {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        Some(frame.unwrap().into_data().unwrap())
    }

    async fn sizes(pieces: Pieces) -> (Vec<usize>, Vec<u8>) {
        let mut body = Gathered::new(pieces);
        let (mut sizes, mut all) = (Vec::new(), Vec::new());
        let mut left = body.size_hint().exact().unwrap();
        while let Some(data) = next(&mut body).await {
            left -= data.len() as u64;
            assert_eq!(body.size_hint().exact(), Some(left));
            sizes.push(data.len());
            all.extend_from_slice(&data);
        }
        assert!(body.is_end_stream());
        (sizes, all)
    }

    #[tokio::test]
    async fn single_bytes_come_as_few_pieces() {
        let (sizes, all) = sizes(Pieces::of(vec![1; 10_000])).await;
        assert_eq!(sizes, [4_096, 4_096, 1_808]);
        assert_eq!(all.len(), 10_000);
    }

    #[tokio::test]
    async fn large_pieces_are_not_copied_and_order_is_kept() {
        let pieces = Pieces::of([3, 8_000, 2, 5_000]);
        let expected: Vec<u8> = pieces.0.iter().flatten().flatten().copied().collect();
        let large = pieces.0[1].clone().unwrap().as_ptr();
        let (sizes, all) = sizes(Pieces(pieces.0.clone())).await;
        assert_eq!((sizes, all), (vec![3, 8_000, 2, 5_000], expected));
        let mut body = Gathered::new(pieces);
        next(&mut body).await.unwrap();
        assert_eq!(next(&mut body).await.unwrap().as_ptr(), large);
    }

    #[tokio::test]
    async fn what_is_held_back_comes_when_the_rest_does() {
        let mut pieces = Pieces::of([10, 10]);
        pieces.0.insert(1, None);
        let mut body = Gathered::new(pieces);
        let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx).is_pending())).await;
        assert!(first && !body.is_end_stream());
        assert_eq!(next(&mut body).await.unwrap().len(), 20);
        assert!(next(&mut body).await.is_none());
    }
}
