//! Passwords: how they are kept, compared and judged.
//!
//! Kept by argon2id with the parameters that OWASP names. Before that a password is brought to Unicode's form NFC, as NIST SP
//! 800-63B asks for a normal form and RFC 8265 for this one: keyboards write the same letter in one character or in two, and
//! whoever signs in from another machine typed the same. The forms of compatibility (NFKC, NFKD) are not used: they make one
//! of what people see as two, such as `²` and `2`, and a password weaker for it.

mod lines;
mod strength;
mod turns;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::Instant;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::oneshot;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use lines::Lines;
use turns::{Turn, Turns};

pub use lines::InLine;
pub use strength::{Weak, check};
pub use turns::Standing;

/// Longer texts are no passwords; they would only be work.
pub const MAX_BYTES: usize = 1024;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// What a stored hash may ask of us at most: it might have been written by somebody else.
const MOST_MEMORY_KIB: u32 = 65_536;
const MOST_PASSES: u32 = 8;
const MOST_LANES: u32 = 4;
/// How far hashing stands back (`nice`): it still gets a tenth of a processor that others want for themselves.
#[cfg(target_os = "linux")]
const GIVES_WAY: i32 = 10;
/// Compared with where there is nothing to compare with. No password leads to a hash of zeros.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Too many passwords are being hashed; this is not the person's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many people are signing in right now: try again in a few seconds")]
pub struct Busy;

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    Wrong,
    Right,
    /// Right, but kept by parameters below today's: hash it again while it is known.
    RightButOld,
}

/// Hashes and compares passwords, two at a time. Who waits when for how long is decided in [`turns`].
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    turns: Turns,
    lines: Lines,
    hashes: Arc<AtomicU64>,
}

impl Passwords {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many passwords were hashed or compared so far, whoever they were of: what signing in costs.
    #[must_use]
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    /// Hashes or compares once.
    async fn hashing<T: Send + 'static>(
        &self,
        turn: Turn,
        hash: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        self.hashes.fetch_add(1, Ordering::Relaxed);
        work(turn, hash).await
    }

    /// The text to keep for a password: a PHC string. Whether the password is a good one is [`check`]'s to say.
    pub async fn hash(&self, password: &str) -> Result<String, Busy> {
        let password = normal(password);
        // Only who may set a password gets here.
        let turn = self.turns.take(Standing::Known).await?;
        self.hashing(turn, move || {
            today()
                .hash_password_with_salt(password.as_bytes(), crate::random::<16>().as_slice())
                .expect("the parameters and the salt's length are argon2's own")
                .to_string()
        })
        .await
    }

    /// Waits until no other try of a stranger for this name goes on; to be held while the password is compared. Whoever came in
    /// from there before ([`Standing::Known`]) needs no such place: they know that there is an account.
    pub async fn line_up(&self, name: &str) -> Result<InLine, Busy> {
        self.lines.take(name).await
    }

    /// Compares a password with what is kept. Without anything kept (no such account, or one that has no password) the answer
    /// takes as long: where a place is free the same work is done, else it waits for its turn among all and then for as long as
    /// such work took lately, so that it takes no place from who has an account. The time tells nobody who has one, and however
    /// many are made up, those that are there are not kept waiting.
    pub async fn verify(&self, password: &str, stored: Option<&str>, standing: Standing) -> Result<Verified, Busy> {
        if password.len() > MAX_BYTES {
            return Ok(Verified::Wrong);
        }
        let password = normal(password);
        let Some(stored) = stored.map(str::to_owned) else {
            return match self.turns.take_to_spare() {
                Some(turn) => self.hashing(turn, move || compare(&password, NOBODY)).await,
                None => self.turns.pass_by(standing).await.map(|()| Verified::Wrong),
            };
        };
        let turn = self.turns.take(standing).await?;
        self.hashing(turn, move || compare(&password, &stored)).await
    }
}

/// Runs on a thread of its own, which gives way to all others: where somebody tries passwords, pages come first. The turn is given
/// back by the work itself: whoever stops waiting for the answer does not make room for more work.
async fn work<T: Send + 'static>(turn: Turn, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name("password".to_owned()).spawn(move || {
        // Linux knows it of threads; what is once given away is not given back, so that none of a pool can be used.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::setpriority_process(None, GIVES_WAY) {
            static TOLD: Once = Once::new();
            // Where the system allows no service to change priorities, hashing is as others are.
            TOLD.call_once(|| tracing::info!(%error, "hashing passwords does not give way to what else is done"));
        }
        let began = Instant::now();
        let done = work();
        turn.took(began.elapsed());
        // Nobody may wait any more.
        let _ = tell.send(done);
    });
    thread.map_err(|error| {
        tracing::error!(%error, "no thread to look at a password on");
        Busy
    })?;
    told.await.map_err(|_| Busy)
}

fn today() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("parameters within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn normal(password: &str) -> Zeroizing<String> {
    // Room for the longest that it can become; text that grows leaves copies behind.
    let mut normal = Zeroizing::new(String::with_capacity(password.len() * 3));
    normal.extend(password.nfc());
    normal
}

fn compare(password: &str, stored: &str) -> Verified {
    let readable = PasswordHash::new(stored).ok().and_then(|hash| Some((params(&hash)?, hash)));
    let Some((params, hash)) = readable else {
        tracing::error!("a stored password cannot be read, so nobody signs in with it: set it anew");
        return compare(password, NOBODY);
    };
    if today().verify_password(password.as_bytes(), &hash).is_err() {
        return Verified::Wrong;
    }
    let strong = hash.algorithm == Algorithm::Argon2id.ident()
        && hash.version == Some(Version::V0x13.into())
        && params.m_cost() >= MEMORY_KIB
        && params.t_cost() >= PASSES
        && hash.salt.is_some_and(|salt| salt.len() >= 16)
        && hash.hash.is_some_and(|output| output.len() >= 32);
    if strong { Verified::Right } else { Verified::RightButOld }
}

/// `None` where they are not argon2's, or ask for more than anybody should.
fn params(hash: &PasswordHash) -> Option<Params> {
    Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let params = Params::try_from(hash).ok()?;
    let bearable =
        params.m_cost() <= MOST_MEMORY_KIB && params.t_cost() <= MOST_PASSES && params.p_cost() <= MOST_LANES;
    // A short output is found by trying.
    (bearable && hash.hash.is_some_and(|output| output.len() >= 16)).then_some(params)
}

#[cfg(test)]
mod tests;
