//! How often somebody may try to log in.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::keyed::Keyed;
use crate::web::client_address::one_party;

/// Tries of one address at once, and the time after which it has one more.
const BY_ADDRESS: (NonZeroU32, Duration) = (NonZeroU32::new(3).unwrap(), Duration::from_secs(20));
/// The same for one account from wherever: guesses from a thousand addresses end here.
const BY_ACCOUNT: (NonZeroU32, Duration) = (NonZeroU32::new(60).unwrap(), Duration::from_secs(10));
/// Answers of other sites that an address may bring at once: no password is tried by them, but we ask the site each time.
const BY_ANSWER: (NonZeroU32, Duration) = (NonZeroU32::new(60).unwrap(), Duration::from_secs(1));
/// Addresses that one browser may vouch for at once, and the time after which it may for one more: one that was stolen opens no
/// way for guesses from everywhere.
const BY_DEVICE: (NonZeroU32, Duration) = (NonZeroU32::new(10).unwrap(), Duration::from_mins(10));
/// So many pairs of address and account are remembered that fitted once.
const KNOWN: usize = 20_000;

/// Nobody is answered before this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub Duration);

impl RetryAfter {
    /// Whole seconds, at least one, as `Retry-After` has them.
    #[must_use]
    pub fn seconds(self) -> u32 {
        u32::try_from(self.0.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
    }
}

/// Limits tries to log in. An account need not exist: who guesses learns nothing of that.
#[derive(Debug)]
pub struct LoginLimits {
    by_address: Keyed<IpAddr>,
    by_account: Keyed<Account>,
    by_answer: Keyed<IpAddr>,
    by_device: Keyed<Uuid>,
    known: Mutex<Known>,
}

/// An account's name, of whatever length, in little space.
type Account = [u8; 16];
type Pair = (IpAddr, Account);

/// Pairs that fitted, the oldest of which is forgotten for one more.
#[derive(Debug, Default)]
struct Known {
    pairs: HashMap<Pair, u64>,
    order: VecDeque<(Pair, u64)>,
    next: u64,
}

impl Default for LoginLimits {
    fn default() -> Self {
        Self {
            by_address: Keyed::new(BY_ADDRESS.0, BY_ADDRESS.1),
            by_account: Keyed::new(BY_ACCOUNT.0, BY_ACCOUNT.1),
            by_answer: Keyed::new(BY_ANSWER.0, BY_ANSWER.1),
            by_device: Keyed::new(BY_DEVICE.0, BY_DEVICE.1),
            known: Mutex::default(),
        }
    }
}

impl LoginLimits {
    /// Whether a password may be tried now; to be asked before anything is computed or looked up.
    ///
    /// Where an account is under attack, whoever logged in to it from the same address before still may.
    ///
    /// # Errors
    /// When to come again.
    pub fn check(&self, address: IpAddr, account: &str) -> Result<(), RetryAfter> {
        let pair = pair(address, account);
        if let Some(after) = self.by_address.check(pair.0).retry_after {
            return Err(RetryAfter(after));
        }
        if self.is_known(&pair) {
            return Ok(());
        }
        self.by_account.check(pair.1).retry_after.map_or(Ok(()), |after| Err(RetryAfter(after)))
    }

    /// Whether somebody logged in to an account from an address (of IPv6: from its /64) before.
    #[must_use]
    pub fn knows(&self, address: IpAddr, account: &str) -> bool {
        self.is_known(&pair(address, account))
    }

    fn is_known(&self, pair: &Pair) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).pairs.contains_key(pair)
    }

    /// Takes an address for one from which somebody logged in to an account before, as their browser did: people travel, and an
    /// account under attack is not to be lost to them elsewhere.
    pub fn vouch(&self, address: IpAddr, account: &str, device: Uuid) {
        if !self.knows(address, account) && self.by_device.check(device).retry_after.is_none() {
            self.succeeded(address, account);
        }
    }

    /// Whether another site may be asked now who brings its answer.
    ///
    /// # Errors
    /// When to come again.
    pub fn check_answer(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.by_answer.check(one_party(address)).retry_after.map_or(Ok(()), |after| Err(RetryAfter(after)))
    }

    /// Remembers that somebody logged in.
    pub fn succeeded(&self, address: IpAddr, account: &str) {
        let pair = pair(address, account);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.next += 1;
        let number = known.next;
        known.pairs.insert(pair, number);
        known.order.push_back((pair, number));
        while known.order.len() > KNOWN {
            let Some((pair, number)) = known.order.pop_front() else { break };
            // One that logged in again since stands further back as well.
            if known.pairs.get(&pair) == Some(&number) {
                known.pairs.remove(&pair);
            }
        }
    }
}

/// Case tells no accounts apart.
fn pair(address: IpAddr, account: &str) -> Pair {
    let hash = blake3::hash(account.trim().to_lowercase().as_bytes());
    let mut short = Account::default();
    short.copy_from_slice(&hash.as_bytes()[..16]);
    (one_party(address), short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn an_address_has_three_tries_and_then_one_in_twenty_seconds() {
        let limits = LoginLimits::default();
        let from: IpAddr = "2001:db8::1".parse().unwrap();
        for account in ["a@example.org", "b@example.org", "c@example.org"] {
            assert_eq!(limits.check(from, account), Ok(()));
        }
        let again = limits.check("2001:db8::2".parse().unwrap(), "d@example.org").unwrap_err();
        assert!((1..=20).contains(&again.seconds()), "{again:?}");
        assert_eq!(limits.check("2001:db8:0:1::1".parse().unwrap(), "a@example.org"), Ok(()));
    }

    #[test]
    fn an_account_under_attack_is_guessed_at_slowly_and_its_owner_still_gets_in() {
        let limits = LoginLimits::default();
        let home = address(1);
        limits.succeeded(home, "Ada@example.org");
        let guesses = (1_000..6_000).filter(|guess| limits.check(address(*guess), "ada@example.org").is_ok()).count();
        assert!((60..70).contains(&guesses), "{guesses} guesses of 5000 went through");
        assert_eq!(limits.check(home, "ada@example.org "), Ok(()), "the owner is locked out by others");
        assert!(limits.check(address(2), "ada@example.org").is_err());
        assert!(limits.knows(home, "ada@example.org") && !limits.knows(address(2), "ada@example.org"));
        assert_eq!(limits.check(address(3), "bob@example.org"), Ok(()), "other accounts are not touched");
    }

    #[test]
    fn a_browser_vouches_for_few_addresses() {
        let limits = LoginLimits::default();
        let device = Uuid::from_u128(7);
        let guesses = (1_000..).take_while(|guess| limits.check(address(*guess), "ada@example.org").is_ok());
        assert!(guesses.count() < 100);
        for number in 1..=10 {
            limits.vouch(address(number), "Ada@example.org", device);
            limits.vouch(address(number), "Ada@example.org", device);
            assert_eq!(limits.check(address(number), "ada@example.org"), Ok(()));
        }
        limits.vouch(address(11), "ada@example.org", device);
        assert!(limits.check(address(11), "ada@example.org").is_err(), "it vouches for all the world");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let limits = LoginLimits::default();
        limits.succeeded(address(1), "a");
        for number in 0..50_000 {
            limits.succeeded(address(number), "b");
            if number % 1_000 == 0 {
                limits.succeeded(address(1), "a");
            }
        }
        let known = limits.known.lock().unwrap();
        assert!(known.order.len() <= KNOWN && known.pairs.len() <= KNOWN);
        assert!(known.pairs.contains_key(&pair(address(1), "a")), "who comes again is remembered");
    }
}
