//! What travels in the browser's own keeping, sealed and for a time: it is stored nowhere here, and whoever finds it in a log
//! or a backup can't open it.

use auth::seal::Keys;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use entity::view::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Actions;

#[derive(Serialize, Deserialize)]
struct Kept<T> {
    until: Timestamp,
    what: T,
}

/// Seals something for one purpose and so long; nothing where it can't be written down.
#[must_use]
pub fn keep_sealed<T: Serialize>(ctx: &Actions, purpose: &str, what: &T, lasts: TimeDelta) -> Option<String> {
    seal(&ctx.outside.keys, purpose, what, ctx.now() + lasts)
}

/// Opens what was sealed for this purpose, within its time.
#[must_use]
pub fn open_sealed<T: DeserializeOwned>(ctx: &Actions, purpose: &str, sealed: &str) -> Option<T> {
    open(&ctx.outside.keys, purpose, sealed, ctx.now())
}

pub(super) fn seal<T: Serialize>(keys: &Keys, purpose: &str, what: &T, until: Timestamp) -> Option<String> {
    let plain = Zeroizing::new(serde_json::to_vec(&Kept { until, what }).ok()?);
    Some(URL_SAFE_NO_PAD.encode(keys.seal(purpose, &plain)))
}

pub(super) fn open<T: DeserializeOwned>(keys: &Keys, purpose: &str, sealed: &str, now: Timestamp) -> Option<T> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let plain = keys.open(purpose, &sealed).ok()?;
    let kept: Kept<T> = serde_json::from_slice(&plain).ok()?;
    (kept.until > now).then_some(kept.what)
}
