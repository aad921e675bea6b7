//! What is shown once travels to the next page in the browser's own keeping, sealed for the session that made it: it is
//! stored nowhere here, and whoever finds it in a log or a backup can't open it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use entity::view::{ShownOnce, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Actions, Actor};

/// How long the next page may take to come.
const WORKS: TimeDelta = TimeDelta::minutes(10);

#[derive(Serialize, Deserialize)]
struct Kept {
    until: Timestamp,
    shown: ShownOnce,
}

fn purpose(actor: &Actor) -> Option<String> {
    Some(format!("shown-once:{}", actor.session_id()?))
}

/// Seals it for the session that asks; nothing where none does.
#[must_use]
pub fn keep_shown(ctx: &Actions, actor: &Actor, shown: ShownOnce) -> Option<String> {
    let plain = Zeroizing::new(serde_json::to_vec(&Kept { until: ctx.now() + WORKS, shown }).ok()?);
    Some(URL_SAFE_NO_PAD.encode(ctx.outside.keys.seal(&purpose(actor)?, &plain)))
}

/// Opens what was sealed for the session that asks, within its time.
#[must_use]
pub fn open_shown(ctx: &Actions, actor: &Actor, sealed: &str) -> Option<ShownOnce> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let plain = ctx.outside.keys.open(&purpose(actor)?, &sealed).ok()?;
    let kept: Kept = serde_json::from_slice(&plain).ok()?;
    (kept.until > ctx.now()).then_some(kept.shown)
}
