//! Secrets of targets, which are kept sealed wherever they were entered.

use actions::secrets::purpose;
use actions::triggers::sink_name;
use auth::seal::Keys;
use store::db::{DataError, Db};
use store::secrets::find_secret;
use triggers::TargetSecrets;
use uuid::Uuid;

/// What names of triggers' secrets begin with; the trigger's id follows.
const OF_TRIGGER: &str = "trigger:";
/// The same for webhooks that come in; the repository's id follows.
const OF_WEBHOOK: &str = "webhook:";

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
        let Some(text) = self.open(&format!("{OF_TRIGGER}{id}")).await? else { return Ok(TargetSecrets::default()) };
        serde_json::from_slice(&text).map_err(|error| SecretError::Sealed(error.to_string()))
    }

    /// What a repository's webhooks are signed with; nothing where none is set up.
    ///
    /// # Errors
    /// The database's, or that it was sealed with another key.
    pub async fn of_webhook(&self, repository: Uuid) -> Result<Option<String>, SecretError> {
        let Some(text) = self.open(&format!("{OF_WEBHOOK}{repository}")).await? else { return Ok(None) };
        let text = String::from_utf8(text).map_err(|_| SecretError::Sealed("it is no text".to_owned()))?;
        Ok(Some(text))
    }

    /// The hash that what opens a trigger's sink is known by; nothing where it has none.
    ///
    /// # Errors
    /// The database's, or that it was sealed with another key.
    pub async fn of_sink(&self, trigger: Uuid) -> Result<Option<Vec<u8>>, SecretError> {
        self.open(&sink_name(trigger)).await
    }

    async fn open(&self, name: &str) -> Result<Option<Vec<u8>>, SecretError> {
        let Some(sealed) = find_secret(&self.db.read, name).await? else { return Ok(None) };
        let opened = self.keys.open(&purpose(name), &sealed);
        opened.map(|text| Some(text.to_vec())).map_err(|error| SecretError::Sealed(error.to_string()))
    }
}
