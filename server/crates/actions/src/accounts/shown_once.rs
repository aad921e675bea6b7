//! What is shown once travels to the next page in the browser's own keeping, sealed for the session that made it: it is
//! stored nowhere here, and whoever finds it in a log or a backup can't open it.

use auth::seal::Keys;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use entity::view::{ShownOnce, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Actions, Actor};

/// How long the next page may take to come.
const WORKS: TimeDelta = TimeDelta::minutes(10);

#[derive(Serialize, Deserialize)]
struct Kept {
    until: Timestamp,
    shown: ShownOnce,
}

fn purpose(session: Uuid) -> String {
    format!("shown-once:{session}")
}

/// Seals it for the session that asks; nothing where none does.
#[must_use]
pub fn keep_shown(ctx: &Actions, actor: &Actor, shown: ShownOnce) -> Option<String> {
    seal(&ctx.outside.keys, actor.session_id()?, &Kept { until: ctx.now() + WORKS, shown })
}

/// Opens what was sealed for the session that asks, within its time.
#[must_use]
pub fn open_shown(ctx: &Actions, actor: &Actor, sealed: &str) -> Option<ShownOnce> {
    open(&ctx.outside.keys, actor.session_id()?, sealed, ctx.now())
}

fn seal(keys: &Keys, session: Uuid, kept: &Kept) -> Option<String> {
    let plain = Zeroizing::new(serde_json::to_vec(kept).ok()?);
    Some(URL_SAFE_NO_PAD.encode(keys.seal(&purpose(session), &plain)))
}

fn open(keys: &Keys, session: Uuid, sealed: &str, now: Timestamp) -> Option<ShownOnce> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let plain = keys.open(&purpose(session), &sealed).ok()?;
    let kept: Kept = serde_json::from_slice(&plain).ok()?;
    (kept.until > now).then_some(kept.shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_session_that_made_it_sees_it_and_not_for_long() {
        let (keys, now) = (Keys::new([7; 32], None), Timestamp::UNIX_EPOCH);
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let token = || ShownOnce::Token { name: "a".to_owned(), text: "kst_a".to_owned() };
        let sealed = seal(&keys, own, &Kept { until: now + WORKS, shown: token() }).unwrap();
        assert!(!sealed.contains("kst"));
        assert!(open(&keys, own, &sealed, now) == Some(token()));
        assert!(open(&keys, other, &sealed, now).is_none());
        assert!(open(&keys, own, &sealed, now + WORKS).is_none());
        assert!(open(&Keys::new([8; 32], None), own, &sealed, now).is_none());
        assert!(open(&keys, own, "no text of ours", now).is_none());
    }
}
