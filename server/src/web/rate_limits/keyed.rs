//! A limiter by key whose memory is bounded, whoever asks how often.

use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

/// Keys that are told apart at most; each is some hundred bytes.
const MOST_KEYS: usize = 50_000;
/// Beyond them, newcomers share so many places.
const SHARED: u64 = 4_096;
/// How often keys are forgotten that have all of their quota again.
const TIDY: Duration = Duration::from_mins(1);
/// The same while there are too many.
const TIDY_WHEN_FULL: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place<K> {
    Own(K),
    Shared(u64),
}

/// What a key may do after it asked once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How often it may ask at once, having rested long enough.
    pub limit: u32,
    /// How often it may ask still.
    pub remaining: u32,
    /// Until it may ask as often as the limit says.
    pub resets_in: Duration,
    /// Nothing where it was let through; else until it will be.
    pub retry_after: Option<Duration>,
}

/// Limits each key by one quota.
pub(super) struct Keyed<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    limiter: RateLimiter<Place<K>, DashMapStateStore<Place<K>>, C, StateInformationMiddleware>,
    limit: u32,
    /// One more may be asked after each.
    period: Duration,
    most_keys: usize,
    tidied: Mutex<Instant>,
    hasher: RandomState,
}

impl<K: Hash + Eq + Clone, C: Clock> fmt::Debug for Keyed<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed").field("limit", &self.limit).field("period", &self.period).finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    /// So many at once, and one more after each period.
    pub(super) fn new(burst: NonZeroU32, period: Duration) -> Self {
        Self::by_clock(burst, period, MOST_KEYS, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock> Keyed<K, C> {
    fn by_clock(burst: NonZeroU32, period: Duration, most_keys: usize, clock: C) -> Self {
        let period = period.max(Duration::from_millis(1));
        // Only no time at all is no period.
        let quota = Quota::with_period(period).unwrap_or(Quota::per_second(burst)).allow_burst(burst);
        Self {
            limiter: RateLimiter::new(quota, DashMapStateStore::default(), clock),
            limit: burst.get(),
            period,
            most_keys,
            tidied: Mutex::new(Instant::now()),
            hasher: RandomState::new(),
        }
    }

    /// Asks once more.
    pub(super) fn check(&self, key: K) -> Verdict {
        let place = match self.is_full() {
            // A shared place is no reason to stop; it is less than one's own.
            true => Place::Shared(self.hasher.hash_one(&key) % SHARED),
            false => Place::Own(key),
        };
        let (remaining, retry_after) = match self.limiter.check_key(&place) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(until) => (0, Some(until.wait_time_from(self.limiter.clock().now()))),
        };
        let spent = self.limit.saturating_sub(remaining);
        Verdict { limit: self.limit, remaining, resets_in: self.period.saturating_mul(spent), retry_after }
    }

    /// Whether newcomers have no place of their own; forgets who needs none any more.
    fn is_full(&self) -> bool {
        let is_full = || self.limiter.len() >= self.most_keys;
        let was_full = is_full();
        let after = if was_full { TIDY_WHEN_FULL } else { TIDY };
        let is_due = {
            let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = tidied.elapsed() >= after;
            if is_due {
                *tidied = Instant::now();
            }
            is_due
        };
        if !is_due {
            return was_full;
        }
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
        is_full()
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn keyed(burst: u32, period: Duration, most_keys: usize) -> (Keyed<u32, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Keyed::by_clock(NonZeroU32::new(burst).unwrap(), period, most_keys, clock.clone()), clock)
    }

    #[test]
    fn a_key_is_told_what_is_left_and_when_it_may_ask_again_and_others_are_not_touched() {
        let (keyed, clock) = keyed(3, Duration::from_secs(20), 100);
        let left: Vec<u32> = (0..3).map(|_| keyed.check(1).remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = keyed.check(1);
        assert_eq!((refused.limit, refused.remaining), (3, 0));
        assert_eq!(refused.retry_after, Some(Duration::from_secs(20)));
        assert_eq!(refused.resets_in, Duration::from_mins(1));
        assert!(keyed.check(2).retry_after.is_none());
        clock.advance(Duration::from_secs(19));
        assert_eq!(keyed.check(1).retry_after, Some(Duration::from_secs(1)), "asking in vain costs nothing");
        clock.advance(Duration::from_secs(1));
        assert!(keyed.check(1).retry_after.is_none());
        assert!(keyed.check(1).retry_after.is_some());
    }

    #[test]
    fn however_many_ask_the_keys_are_bounded_and_everybody_is_limited() {
        let (keyed, _) = keyed(3, Duration::from_secs(20), 100);
        for key in 0..20_000 {
            keyed.check(key);
        }
        assert!(keyed.limiter.len() <= 100 + usize::try_from(SHARED).unwrap(), "{}", keyed.limiter.len());
        let through = (0..100).filter(|_| keyed.check(1_000_000).retry_after.is_none()).count();
        assert!(through <= 3, "{through} of 100");
    }

    #[test]
    fn who_has_all_of_its_quota_again_is_forgotten() {
        let (keyed, clock) = keyed(3, Duration::from_secs(20), 100);
        for key in 0..100 {
            keyed.check(key);
        }
        assert!(keyed.is_full());
        clock.advance(Duration::from_mins(2));
        keyed.limiter.retain_recent();
        assert!(!keyed.is_full() && keyed.limiter.is_empty());
    }
}
