//! How many live streams may be open.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Open streams at most: each holds a connection for as long as its page is open.
pub const MAX_STREAMS: usize = 512;

/// Seats for open streams.
#[derive(Clone, Debug)]
pub struct Seats(pub(super) Arc<Semaphore>);

impl Seats {
    /// So many seats.
    #[must_use]
    pub fn new(number: usize) -> Self {
        Self(Arc::new(Semaphore::new(number)))
    }
}

impl Default for Seats {
    fn default() -> Self {
        Self::new(MAX_STREAMS)
    }
}
