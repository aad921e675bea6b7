//! Secrets of targets, webhooks and repositories, which are kept sealed wherever they were entered.

use actions::access::{Access, open_access};
use actions::secrets::purpose;
use actions::triggers::open_secrets;
use auth::seal::Keys;
use store::db::{DataError, Db};
use store::secrets::{find_secret, of_access, of_sink, of_trigger, of_webhook};
use triggers::TargetSecrets;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Finds secrets when they are needed, and keeps none of those that are sealed.
#[derive(Clone)]
pub struct Secrets {
    db: Db,
    keys: Keys,
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error(transparent)]
    Database(#[from] DataError),
    #[error("its secret can't be opened ({0}): enter it anew")]
    Sealed(String),
}

impl Secrets {
    /// Over what is kept in a database and sealed with these keys.
    #[must_use]
    pub fn new(db: &Db, keys: &Keys) -> Self {
        Self { db: db.clone(), keys: keys.clone() }
    }

    /// What a trigger's target knows us by; nothing where it needs nothing.
    ///
    /// # Errors
    /// The database's, or that it was sealed with another key.
    pub async fn of_trigger(&self, id: Uuid) -> Result<TargetSecrets, SecretError> {
        let Some(sealed) = find_secret(&self.db.read, &of_trigger(id)).await? else {
            return Ok(TargetSecrets::default());
        };
        open_secrets(&self.keys, id, &sealed).map_err(SecretError::Sealed)
    }

    /// What a repository's webhooks are signed with; nothing where none is set up.
    ///
    /// # Errors
    /// The database's, or that it was sealed with another key.
    pub async fn of_webhook(&self, repository: Uuid) -> Result<Option<Zeroizing<String>>, SecretError> {
        let Some(plain) = self.open(&of_webhook(repository)).await? else { return Ok(None) };
        let text = std::str::from_utf8(&plain).map_err(|_| SecretError::Sealed("it is no text".to_owned()))?;
        Ok(Some(Zeroizing::new(text.to_owned())))
    }

    /// What a repository is asked with that somebody entered for it alone; nothing where nobody did.
    ///
    /// # Errors
    /// The database's, or that it was sealed with another key.
    pub async fn of_repository(&self, id: Uuid) -> Result<Option<Access>, SecretError> {
        let Some(sealed) = find_secret(&self.db.read, &of_access(id)).await? else { return Ok(None) };
        open_access(&self.keys, id, &sealed).map(Some).map_err(SecretError::Sealed)
    }

    /// The hash that what opens a trigger's sink is known by; nothing where it has none.
    ///
    /// # Errors
    /// The database's, or that it was sealed with another key.
    pub async fn of_sink(&self, trigger: Uuid) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        self.open(&of_sink(trigger)).await
    }

    async fn open(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        let Some(sealed) = find_secret(&self.db.read, name).await? else { return Ok(None) };
        let opened = self.keys.open(&purpose(name), &sealed);
        opened.map(Some).map_err(|error| SecretError::Sealed(error.to_string()))
    }
}
