//! Says something that may happen very often only once in a while, with how often it happened.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_mins(1);

/// One thing that is said once a minute at most.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// How often it happened since it was last said, if it is to be said now.
    pub(crate) fn say(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (said, times) = &mut *state;
        *times += 1;
        if said.is_some_and(|said| now.duration_since(said) < PERIOD) {
            return None;
        }
        *said = Some(now);
        Some(std::mem::take(times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_a_minute_and_how_often_it_was() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.say(start), Some(1));
        for _ in 0..439 {
            assert_eq!(seldom.say(start), None);
        }
        assert_eq!(seldom.say(start + PERIOD), Some(440));
        assert_eq!(seldom.say(start + PERIOD), None);
    }
}
