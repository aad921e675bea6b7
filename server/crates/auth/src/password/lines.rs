//! One try at a time for one name. Tries at once for a name that has an account would wait for each other's work, those for
//! one that has none would not: the time of several would tell what the time of one does not.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Busy;

/// Names are spread over so many lines, by a hash that nobody outside knows.
const LINES: usize = 1_024;
/// Who comes after these is told to come again, whatever the name is.
const WAITING: usize = 8;

/// The lines; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    state: RandomState,
    lines: Arc<[Line]>,
}

#[derive(Clone, Debug)]
struct Line {
    /// Whose try it is.
    turn: Arc<Semaphore>,
    /// Who is in the line, the one whose turn it is among them.
    room: Arc<Semaphore>,
}

/// A place at the head of a line, given on when it is dropped.
#[derive(Debug)]
pub struct InLine {
    _turn: OwnedSemaphorePermit,
    _room: OwnedSemaphorePermit,
}

impl Default for Lines {
    fn default() -> Self {
        let line = || Line { turn: Arc::new(Semaphore::new(1)), room: Arc::new(Semaphore::new(1 + WAITING)) };
        Self { state: RandomState::new(), lines: (0..LINES).map(|_| line()).collect() }
    }
}

impl Lines {
    pub(super) async fn take(&self, name: &str) -> Result<InLine, Busy> {
        let line = usize::try_from(self.state.hash_one(name) % LINES as u64).unwrap_or_default();
        let line = &self.lines[line];
        let room = Arc::clone(&line.room).try_acquire_owned().map_err(|_| Busy)?;
        let turn = Arc::clone(&line.turn).acquire_owned().await.map_err(|_| Busy)?;
        Ok(InLine { _turn: turn, _room: room })
    }
}
