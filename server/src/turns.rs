//! Work that takes a thread, so much of it at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// Turns of such work; clones of it share them.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Turns {
    /// For so much of it at once.
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once)))
    }

    /// Works on a thread of its own once it is its turn. The work itself holds the turn: it goes on where nobody waits for it any
    /// more, and whoever stops waiting makes no room for more of it.
    ///
    /// # Errors
    /// If the work panics, or the program is about to stop.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        // Nobody closes it.
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let work = move || {
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(work).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn who_stops_waiting_for_the_work_makes_no_room_for_more() {
        let turns = Turns::new(1);
        let (open, gate) = mpsc::channel::<()>();
        let (began, begins) = tokio::sync::oneshot::channel();
        let first = {
            let turns = turns.clone();
            let work = move || {
                let _ = began.send(());
                gate.recv().unwrap();
            };
            tokio::spawn(async move { turns.work(work).await })
        };
        begins.await.unwrap();
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        let second = turns.work(|| "done");
        tokio::pin!(second);
        let early = tokio::time::timeout(Duration::from_millis(100), &mut second).await;
        assert!(early.is_err(), "it began while the first one was still at work");
        open.send(()).unwrap();
        assert_eq!(second.await.unwrap(), "done");
    }
}
