//! What a connection waits for and since when: from this it follows when it has waited too long, and whether another
//! may have its seat.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A peer that keeps us waiting in the middle of an exchange may lose its seat to others after so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a connection may wait, by what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a request's head, from its first byte to its last.
    pub head: Duration,
    /// For the first request, or the next one on a kept connection.
    pub idle: Duration,
    /// For the next piece of a request's body, or for the peer to take the next piece of an answer.
    pub stall: Duration,
}

impl Patience {
    /// No wait that begins now is over before.
    fn shortest(&self) -> Duration {
        self.head.min(self.idle).min(self.stall)
    }
}

/// One connection's progress; its wire, its exchanges and the room of all connections write and read it.
#[derive(Debug)]
pub struct Progress(Mutex<State>);

#[derive(Clone, Copy, Debug)]
struct State {
    /// The request that is waited for; nothing while one is answered.
    head: Option<Head>,
    /// Since when the next piece of a request's body is waited for.
    body_since: Option<Instant>,
    /// Since when the peer takes no more of what we write.
    unread_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    since: Instant,
    /// Whether the bytes of this head have begun.
    begun: bool,
}

impl Progress {
    /// A connection that was just accepted. Browsers open some ahead of what they will ask; one that is closed in the moment
    /// in which they ask would be an error to their readers.
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(State { head: Some(Head { since: now, begun: false }), body_since: None, unread_since: None }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment: there is nothing half done to be found.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handshake is done: from here the first request is waited for.
    pub fn greeted(&self, now: Instant) {
        self.state().head = Some(Head { since: now, begun: false });
    }

    /// Bytes came in.
    pub fn read(&self, now: Instant) {
        if let Some(head) = self.state().head.as_mut().filter(|head| !head.begun) {
            *head = Head { since: now, begun: true };
        }
    }

    /// The peer took bytes of an answer.
    pub fn wrote(&self, now: Instant) {
        let mut state = self.state();
        state.unread_since = None;
        // An answer may still be on its way when we are done with it.
        if let Some(head) = state.head.as_mut().filter(|head| !head.begun) {
            head.since = now;
        }
    }

    /// The peer has taken what was held back, if something was.
    pub fn flushed(&self, now: Instant) {
        if self.state().unread_since.is_some() {
            self.wrote(now);
        }
    }

    /// The peer takes no more for now.
    pub fn unread(&self, now: Instant) {
        self.state().unread_since.get_or_insert(now);
    }

    /// The next piece of a request's body is not here yet.
    pub fn body_awaited(&self, now: Instant) {
        self.state().body_since.get_or_insert(now);
    }

    /// It is here, or is not wanted any more.
    pub fn body_came(&self) {
        self.state().body_since = None;
    }

    /// A request's head is here: it is being answered.
    pub fn begin(&self) {
        self.state().head = None;
    }

    /// The answer is written, as far as we are concerned; the next request may come.
    pub fn end(&self, now: Instant) {
        let mut state = self.state();
        state.head = Some(Head { since: now, begun: false });
        state.body_since = None;
    }

    /// When this connection will have waited too long, as things stand. Nothing while it is our turn.
    fn deadline(&self, patience: &Patience) -> Option<Instant> {
        let state = *self.state();
        let head = state.head.map(|head| head.since + if head.begun { patience.head } else { patience.idle });
        let stalled = [state.body_since, state.unread_since].into_iter().flatten().map(|since| since + patience.stall);
        head.into_iter().chain(stalled).min()
    }

    /// Ends once the connection has waited too long.
    pub async fn overdue(&self, patience: &Patience) {
        loop {
            let now = Instant::now();
            match self.deadline(patience) {
                Some(deadline) if deadline <= now => return,
                // What begins to wait meanwhile waits no shorter than this.
                deadline => {
                    let look_again = now + patience.shortest();
                    let until = deadline.map_or(look_again, |deadline| deadline.min(look_again));
                    tokio::time::sleep_until(until.into()).await;
                }
            }
        }
    }

    /// Whether nothing is lost but time if this connection is closed for another: it waits for a request, or its peer
    /// keeps us waiting for a while already.
    pub fn may_go(&self, now: Instant) -> bool {
        let state = *self.state();
        let stalled = |since: Option<Instant>| since.is_some_and(|since| now.duration_since(since) >= PATIENCE);
        match (state.head, state.unread_since) {
            (Some(_), None) => true,
            (_, unread) => stalled(unread) || stalled(state.body_since),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCES: Patience =
        Patience { head: Duration::from_secs(10), idle: Duration::from_mins(1), stall: Duration::from_secs(20) };

    /// A connection that was accepted at second 0, and the clock.
    fn accepted() -> (Progress, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        (Progress::new(start), move |second| start + Duration::from_secs(second))
    }

    #[test]
    fn a_new_connection_may_wait_and_owes_a_whole_head_once_it_began_one_however_slowly_it_drips() {
        let (progress, at) = accepted();
        assert_eq!(progress.deadline(&PATIENCES), Some(at(60)));
        for second in 0..9 {
            progress.read(at(second));
        }
        assert_eq!(progress.deadline(&PATIENCES), Some(at(10)));
        assert!(progress.may_go(at(9)));
    }

    #[test]
    fn a_kept_connection_is_kept_for_the_idle_time_and_owes_a_head_once_it_began_one() {
        let (progress, at) = accepted();
        progress.begin();
        progress.end(at(5));
        assert_eq!(progress.deadline(&PATIENCES), Some(at(65)));
        for second in 35..40 {
            progress.read(at(second));
        }
        assert_eq!(progress.deadline(&PATIENCES), Some(at(45)));
    }

    #[test]
    fn an_answer_may_take_as_long_as_its_peer_goes_on_reading() {
        let (progress, at) = accepted();
        progress.begin();
        assert_eq!(progress.deadline(&PATIENCES), None, "a live stream never ends");
        for second in [100, 110, 120] {
            progress.unread(at(second));
            progress.unread(at(second + 1));
            assert_eq!(progress.deadline(&PATIENCES), Some(at(second + 20)));
            assert!(!progress.may_go(at(second + 1)));
            progress.wrote(at(second + 5));
        }
        // The last piece of it is written but not taken: we are done, the peer is not.
        progress.end(at(200));
        progress.unread(at(200));
        assert!(!progress.may_go(at(201)), "somebody is reading an answer");
        progress.wrote(at(215));
        assert_eq!(progress.deadline(&PATIENCES), Some(at(275)));
    }

    #[test]
    fn who_stalls_in_the_middle_is_given_up() {
        for stall in [Progress::unread, Progress::body_awaited] {
            let (progress, at) = accepted();
            progress.begin();
            stall(&progress, at(5));
            stall(&progress, at(6));
            assert!(!progress.may_go(at(6)));
            assert!(progress.may_go(at(7)));
            assert_eq!(progress.deadline(&PATIENCES), Some(at(25)));
            progress.body_came();
            progress.wrote(at(8));
            assert!(!progress.may_go(at(1_000)));
        }
    }
}
