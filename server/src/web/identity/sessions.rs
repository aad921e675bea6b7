//! Sessions of browsers: `tower-sessions` over our own table. What a cookie holds is not stored, its hash is.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use entity::kind::SessionKind;
use entity::view::Timestamp;
use sha2::{Digest as _, Sha256};
use store::accounts::{self, NewSession, StoredSession};
use store::db::{Db, new_id};
use tower_sessions::cookie::{SameSite, time};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, SessionManagerLayer, SessionStore};
use uuid::Uuid;

use super::{ACCOUNT, Settings};
use crate::clock;

/// Under which name a session's row, a [`StoredSession`], is lent to the one who reads it; it is never stored again.
pub(super) const KEPT: &str = "kept";
/// Where an agent and an address come from until the row is made.
pub const USER_AGENT: &str = "user_agent";
pub const ADDRESS: &str = "address";
/// Where it says of which time the password was that let somebody in.
pub const PASSWORD_SINCE: &str = "password_since";
/// What is said of a session that is not made, as that password is another since: the library has no error of its own for it.
pub const OUTDATED: &str = "the password is another since";

/// The table of sessions, as the session's library wants it.
#[derive(Clone, Debug)]
pub struct SessionRows {
    db: Db,
    idle: TimeDelta,
    max: TimeDelta,
}

impl SessionRows {
    /// Over this database.
    #[must_use]
    pub fn new(db: Db, settings: &Settings) -> Self {
        let delta = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        Self { db, idle: delta(settings.session_idle), max: delta(settings.session_max) }
    }
}

/// The layer that reads and writes the cookie. Over https its name says that no other host of the domain can have set it.
#[must_use]
pub fn layer(db: &Db, settings: &Settings) -> SessionManagerLayer<SessionRows> {
    let lasts = time::Duration::try_from(settings.session_max).unwrap_or(time::Duration::MAX);
    SessionManagerLayer::new(SessionRows::new(db.clone(), settings))
        .with_name(if settings.secure { "__Host-kubestats" } else { "kubestats" })
        .with_secure(settings.secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(lasts))
}

fn hash(id: &Id) -> [u8; 32] {
    Sha256::digest(id.0.to_be_bytes()).into()
}

fn backend(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

fn account(record: &Record) -> Option<Uuid> {
    record.data.get(ACCOUNT)?.as_str()?.parse().ok()
}

fn password_since(record: &Record) -> Option<Timestamp> {
    record.data.get(PASSWORD_SINCE)?.as_str()?.parse().ok()
}

fn text(record: &Record, key: &str) -> Option<String> {
    const MOST: usize = 300;
    Some(record.data.get(key)?.as_str()?.chars().filter(|c| !c.is_control()).take(MOST).collect())
}

fn data(record: &Record) -> Result<String> {
    const NOT_STORED: [&str; 4] = [KEPT, USER_AGENT, ADDRESS, PASSWORD_SINCE];
    let stored = record.data.iter().filter(|(key, _)| !NOT_STORED.contains(&key.as_str()));
    let stored: serde_json::Map<_, _> = stored.map(|(key, value)| (key.clone(), value.clone())).collect();
    serde_json::to_string(&stored).map_err(|error| Error::Encode(error.to_string()))
}

fn expiry(record: &Record) -> DateTime<Utc> {
    DateTime::from_timestamp(record.expiry_date.unix_timestamp(), 0).unwrap_or_else(clock::now)
}

#[async_trait]
impl SessionStore for SessionRows {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            let now = clock::now();
            let session = NewSession {
                id: new_id(now),
                token_hash: hash(&record.id),
                kind: SessionKind::Browser,
                account_id: account(record),
                data: data(record)?,
                created_at: now,
                expires_at: Ord::min(expiry(record), now + self.max),
                address: text(record, ADDRESS),
                user_agent: text(record, USER_AGENT),
                family_hash: None,
            };
            let txn = self.db.begin().await.map_err(backend)?;
            if let Some(id) = session.account_id
                && !accounts::hold_account(&txn, id, password_since(record)).await.map_err(backend)?
            {
                return Err(backend(OUTDATED));
            }
            if accounts::insert_session(&txn, &session).await.map_err(backend)? {
                return txn.commit().await.map_err(backend);
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let hash = hash(&record.id);
        // A session does not last longer because something in it changed.
        let found = accounts::find_session(&self.db.write, &hash).await.map_err(backend)?;
        let Some(found) = found else { return Ok(()) };
        let ends = Ord::min(expiry(record), found.created_at + self.max);
        let saved = accounts::save_session(&self.db.write, &hash, &data(record)?, account(record), ends).await;
        saved.map_err(backend).map(drop)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let now = clock::now();
        let found = accounts::find_session(&self.db.read, &hash(id)).await.map_err(backend)?;
        let counts = |found: &StoredSession| found.expires_at > now && now - found.seen_at < self.idle;
        let Some(found) = found.filter(counts) else { return Ok(None) };
        let mut data: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&found.data).map_err(|error| Error::Decode(error.to_string()))?;
        let kept = serde_json::to_value(&found).map_err(|error| Error::Decode(error.to_string()))?;
        data.insert(KEPT.to_owned(), kept);
        let expiry_date = time::OffsetDateTime::from_unix_timestamp(found.expires_at.timestamp());
        Ok(Some(Record {
            id: *id,
            data: data.into_iter().collect(),
            expiry_date: expiry_date.map_err(|error| Error::Decode(error.to_string()))?,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        accounts::drop_session(&self.db.write, &hash(id)).await.map_err(backend)
    }
}
