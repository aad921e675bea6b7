//! Jobs that only wait for somebody else's answer, and in whose places others run meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// So many jobs of a process may have stepped aside: all of them are there beside those that have a place.
const MOST: usize = 16;

/// How many have stepped aside; clones of it share that.
#[derive(Clone, Debug, Default)]
pub(super) struct Aside(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    count: AtomicUsize,
    one_more: Notify,
}

impl Aside {
    pub(super) fn count(&self) -> usize {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Until one more has stepped aside.
    pub(super) async fn heard(&self) {
        self.0.one_more.notified().await;
    }

    /// Gives a job's place to another, unless too many did so already.
    pub(super) fn step(&self) -> Option<SteppedAside> {
        let one_more = |count| (count < MOST).then_some(count + 1);
        self.0.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        self.0.one_more.notify_one();
        Some(SteppedAside(self.clone()))
    }
}

/// A job that stepped aside, for as long as this is there. Whoever runs in its place goes on all the same when it comes back.
#[derive(Debug)]
pub(crate) struct SteppedAside(Aside);

impl Drop for SteppedAside {
    fn drop(&mut self) {
        self.0.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn so_many_step_aside_and_come_back() {
        let aside = Aside::default();
        let gone: Vec<_> = (0..MOST).map(|_| aside.step().unwrap()).collect();
        assert_eq!(aside.count(), MOST);
        assert!(aside.step().is_none(), "it keeps its place");
        // Somebody who looks only now hears of them.
        aside.heard().await;
        drop(gone);
        assert_eq!(aside.count(), 0);
    }
}
