//! Webhooks that come in: whether one is genuine, and which branch it tells of.
//!
//! They make watching faster and are never its truth: what one says is looked up before anything follows from it. Nothing of a
//! body is read before its signature is known to be right, and then only the few fields that are used.

mod payload;
mod proof;

use chrono::{DateTime, Utc};
use entity::input::ObjectId;
use http::HeaderMap;

use payload::{Payload, Told};

/// The most that a webhook may carry. GitHub and GitLab send up to 25 MB, of which thousands of commits are the most.
pub const MAX_HOOK_BYTES: usize = 5 << 20;

/// Longest delivery id and event that are kept as they came.
const MAX_WORD: usize = 200;

/// Who sends a webhook: the last but one part of the address that it is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HookKind {
    Github,
    Gitlab,
    /// Gitea too.
    Forgejo,
    /// Anybody who signs as the Standard Webhooks specification says, or with `X-Signature: sha256=…`.
    Generic,
}

impl HookKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Github, Self::Gitlab, Self::Forgejo, Self::Generic];

    /// The word in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Forgejo => "forgejo",
            Self::Generic => "generic",
        }
    }
}

/// A genuine webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// What the sender calls this delivery, the same when it is sent again. Of senders that give no id it is made of the body.
    pub delivery_id: String,
    /// The sender's word, such as `push` or `Push Hook`.
    pub event: String,
    /// The branch that it tells of. Pushed tags, and events of other things, tell of none.
    pub change: Option<HookChange>,
    /// It only says that the webhook was set up.
    pub is_ping: bool,
}

/// What a webhook says became of a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookChange {
    /// Without `refs/heads/`.
    pub branch: String,
    /// `None` for a branch that is new, and where the sender does not tell.
    pub before: Option<ObjectId>,
    /// `None` for a branch that was deleted, and where the sender does not tell.
    pub after: Option<ObjectId>,
    pub is_deleted: bool,
    /// Whether commits were dropped. Only GitHub tells.
    pub is_forced: Option<bool>,
}

/// Why a webhook is not taken. Each is a sentence for whoever set it up; none holds the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    #[error(
        "the webhook is not signed: it carries no {expected}. Give it the secret that was shown for this repository"
    )]
    Unsigned { expected: &'static str },
    #[error(
        "the webhook's {header} is not made with this repository's secret: set the secret once more, or make a new one"
    )]
    WrongSignature { header: &'static str },
    #[error(
        "the webhook was signed {} seconds {}: the clock of its sender or of this machine is wrong, or somebody sends it again",
        seconds.unsigned_abs(), if *seconds < 0 { "ahead of time" } else { "ago" }
    )]
    Stale { seconds: i64 },
    #[error("the webhook has more than {limit} bytes, which is the limit")]
    TooLarge { limit: usize },
    #[error("the webhook cannot be read: {why}")]
    Malformed { why: String },
}

/// Reads a webhook as it came: its signature first, over the very bytes of the body. Signatures of some kinds are good for
/// minutes only, so that it takes the time.
///
/// # Errors
/// If it is not signed with `secret`, too large, or not what its sender documents.
pub fn read_hook(
    kind: HookKind,
    headers: &HeaderMap,
    body: &[u8],
    secret: &str,
    now: DateTime<Utc>,
) -> Result<Hook, HookError> {
    if body.len() > MAX_HOOK_BYTES {
        return Err(HookError::TooLarge { limit: MAX_HOOK_BYTES });
    }
    let payload = Payload::new(headers, body);
    proof::check(kind, headers, &payload, secret, now)?;
    let event = event(kind, headers)?;
    let Told { event, change, is_ping } = payload.tell(kind, event)?;
    Ok(Hook { delivery_id: delivery_id(kind, headers, body, change.as_ref(), now), event, change, is_ping })
}

/// The sender's word for what happened; senders without a kind have none.
fn event(kind: HookKind, headers: &HeaderMap) -> Result<Option<&str>, HookError> {
    let names: &[&str] = match kind {
        HookKind::Github => &["x-github-event"],
        HookKind::Gitlab => &["x-gitlab-event"],
        HookKind::Forgejo => &["x-forgejo-event", "x-gitea-event", "x-gogs-event"],
        HookKind::Generic => return Ok(None),
    };
    match names.iter().find_map(|name| header(headers, name)) {
        Some(event) if event.len() <= MAX_WORD => Ok(Some(event)),
        Some(_) => Err(malformed(format!("its {} is longer than {MAX_WORD} characters", names[0]))),
        None => Err(malformed(format!("it carries no {}: it is not sent by this kind of forge", names[0]))),
    }
}

/// What the same delivery has each time that it is sent, and no other.
fn delivery_id(
    kind: HookKind,
    headers: &HeaderMap,
    body: &[u8],
    change: Option<&HookChange>,
    now: DateTime<Utc>,
) -> String {
    // Where the signature is over the body alone, anybody who saw it may write another id beside it.
    let names: &[&str] = match kind {
        HookKind::Github | HookKind::Forgejo => &[],
        // `X-Gitlab-Event-UUID` is shared by what one webhook led to, and `X-Gitlab-Webhook-UUID` differs with each try.
        HookKind::Gitlab => &["webhook-id", "idempotency-key"],
        HookKind::Generic if header(headers, "webhook-signature").is_some() => &["webhook-id"],
        HookKind::Generic => &[],
    };
    let told = names.iter().find_map(|name| header(headers, name));
    if let Some(id) = told.filter(|id| id.len() <= MAX_WORD) {
        return id.to_owned();
    }
    let mut hash = blake3::Hasher::new();
    hash.update(told.unwrap_or_default().as_bytes()).update(&[0]);
    hash.update(header(headers, "x-gitlab-event-uuid").unwrap_or_default().as_bytes()).update(&[0]).update(body);
    // A body that names no commit may well be the same for different things.
    if told.is_none() && !change.is_some_and(|change| change.before.is_some() || change.after.is_some()) {
        hash.update(&now.timestamp_nanos_opt().unwrap_or_default().to_le_bytes());
    }
    format!("body-{}", &hash.finalize().to_hex()[..32])
}

/// A header's text, if it is any.
fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|text| !text.is_empty())
}

fn malformed(why: impl Into<String>) -> HookError {
    HookError::Malformed { why: why.into() }
}
