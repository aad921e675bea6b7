//! Secrets that people entered, sealed: the database never sees what they are.

use std::collections::HashSet;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};
use uuid::Uuid;

use crate::db::select::is_any;
use crate::db::{ConnectionTrait, Result};
use crate::watch::hold::{hold_origin, hold_repository};
use entity::kind::Origin;
use entity::table::{account, mail, sealed_secret};
use entity::value::StoredTimestamp;
use entity::view::Timestamp;

/// What the secrets of a trigger's target are kept as.
#[must_use]
pub fn of_trigger(id: Uuid) -> String {
    format!("trigger:{id}")
}

/// What opens the sink of a trigger is kept as.
#[must_use]
pub fn of_sink(trigger: Uuid) -> String {
    format!("sink:{trigger}")
}

/// What the secret of a repository's webhooks is kept as.
#[must_use]
pub fn of_webhook(repository: Uuid) -> String {
    format!("webhook:{repository}")
}

/// What names of repositories' own accesses begin with; the repository's id follows.
const ACCESS: &str = "access:";

/// What a token that is for one repository alone is kept as, with the address of its API.
#[must_use]
pub fn of_access(repository: Uuid) -> String {
    format!("{ACCESS}{repository}")
}

/// What names of forges' tokens begin with; the forge's host follows.
const FORGE: &str = "forge:";

/// What the token that somebody entered for a forge is kept as.
#[must_use]
pub fn of_forge(host: &str) -> String {
    format!("{FORGE}{host}")
}

/// The host of a name that [`of_forge`] made.
fn host_of(name: &str) -> Option<&str> {
    name.strip_prefix(FORGE)
}

/// Hosts of forges that somebody entered a token for, and when each was changed.
pub async fn list_with_token(c: &impl ConnectionTrait) -> Result<Vec<(String, Timestamp)>> {
    let found = list_secrets(c, FORGE).await?.into_iter();
    Ok(found.filter_map(|(name, at)| Some((host_of(&name)?.to_owned(), at))).collect())
}

/// The tokens that people entered for forges, sealed, by host.
pub async fn list_forge_tokens(c: &impl ConnectionTrait) -> Result<Vec<(String, SealedSecret)>> {
    let found = list_sealed(c, FORGE).await?.into_iter();
    Ok(found.filter_map(|secret| Some((host_of(&secret.name)?.to_owned(), secret))).collect())
}

/// Holds a repository for a change of its own access: until the transaction ends nobody else changes that, removes the repository,
/// or has the configuration take it over. Where it came from; nothing where it is gone.
pub async fn hold_access(w: &impl ConnectionTrait, repository: Uuid) -> Result<Option<Origin>> {
    hold_origin(w, repository).await
}

/// The own accesses of these repositories, sealed; of those that have none nothing.
pub async fn list_accesses(
    c: &impl ConnectionTrait,
    repositories: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<(Uuid, Vec<u8>)>> {
    use sealed_secret::Column::{Name, Sealed};
    let these = is_any(Name.into_expr(), repositories.into_iter().map(of_access));
    let these = sealed_secret::Entity::find().select_only().columns([Name, Sealed]).filter(these);
    let rows: Vec<(String, Vec<u8>)> = these.into_tuple().all(c).await?;
    Ok(rows.into_iter().filter_map(|(name, sealed)| Some((id_of(&name)?, sealed))).collect())
}

/// The repository of a name that [`of_access`] made.
fn id_of(name: &str) -> Option<Uuid> {
    name.strip_prefix(ACCESS)?.parse().ok()
}

/// Keeps a repository's own access, in place of the one before; whether the repository is there. Wants a transaction: nobody
/// removes the repository before it ends.
pub async fn put_access(w: &impl ConnectionTrait, repository: Uuid, sealed: Vec<u8>, now: Timestamp) -> Result<bool> {
    if !hold_repository(w, repository).await? {
        return Ok(false);
    }
    put_secret(w, &of_access(repository), sealed, now).await?;
    Ok(true)
}

/// Repositories that have an access of their own.
pub async fn list_with_access(c: &impl ConnectionTrait) -> Result<HashSet<Uuid>> {
    let names = list_secrets(c, ACCESS).await?.into_iter();
    Ok(names.filter_map(|(name, _)| id_of(&name)).collect())
}

/// Keeps a secret under its name, in place of the one before.
pub async fn put_secret(w: &impl ConnectionTrait, name: &str, sealed: Vec<u8>, now: Timestamp) -> Result<()> {
    use sealed_secret::Column::{ChangedAt, Name, Sealed};
    let row =
        sealed_secret::ActiveModel { name: Set(name.to_owned()), sealed: Set(sealed), changed_at: Set(now.into()) };
    let replace = OnConflict::column(Name).update_columns([Sealed, ChangedAt]).to_owned();
    sealed_secret::Entity::insert(row).on_conflict(replace).exec_without_returning(w).await?;
    Ok(())
}

/// A sealed secret.
pub async fn find_secret(c: &impl ConnectionTrait, name: &str) -> Result<Option<Vec<u8>>> {
    let found = sealed_secret::Entity::find_by_id(name).select_only().column(sealed_secret::Column::Sealed);
    Ok(found.into_tuple().one(c).await?)
}

/// When a secret was put there; nothing where there is none.
pub async fn find_secret_time(c: &impl ConnectionTrait, name: &str) -> Result<Option<Timestamp>> {
    let found = sealed_secret::Entity::find_by_id(name).select_only().column(sealed_secret::Column::ChangedAt);
    let found: Option<StoredTimestamp> = found.into_tuple().one(c).await?;
    Ok(found.map(Into::into))
}

/// Names of all secrets that begin so, and when each was changed.
pub async fn list_secrets(c: &impl ConnectionTrait, prefix: &str) -> Result<Vec<(String, Timestamp)>> {
    use sealed_secret::Column::{ChangedAt, Name};
    let all = sealed_secret::Entity::find().filter(Name.starts_with(prefix));
    let all = all.select_only().columns([Name, ChangedAt]).order_by_asc(Name);
    let rows: Vec<(String, StoredTimestamp)> = all.into_tuple().all(c).await?;
    Ok(rows.into_iter().map(|(name, at)| (name, at.into())).collect())
}

/// A secret with its name, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    pub name: String,
    pub sealed: Vec<u8>,
    pub changed_at: Timestamp,
}

impl From<sealed_secret::Model> for SealedSecret {
    fn from(row: sealed_secret::Model) -> Self {
        Self { name: row.name, sealed: row.sealed, changed_at: row.changed_at.into() }
    }
}

/// One secret with its name and time.
pub async fn find_sealed(c: &impl ConnectionTrait, name: &str) -> Result<Option<SealedSecret>> {
    Ok(sealed_secret::Entity::find_by_id(name).one(c).await?.map(SealedSecret::from))
}

/// All secrets whose names begin so; there are few.
pub async fn list_sealed(c: &impl ConnectionTrait, prefix: &str) -> Result<Vec<SealedSecret>> {
    let all = sealed_secret::Entity::find().filter(sealed_secret::Column::Name.starts_with(prefix));
    let all = all.order_by_asc(sealed_secret::Column::Name).all(c).await?;
    Ok(all.into_iter().map(SealedSecret::from).collect())
}

/// Something that was sealed with a key, wherever it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// A secret that somebody entered, by its name.
    Secret(String),
    /// A second factor's secret, by its account.
    SecondFactor(Uuid),
    /// What a mail says, by its id.
    Mail(Uuid),
}

/// Everything that is sealed, for a key that is to go.
pub async fn list_all_sealed(c: &impl ConnectionTrait) -> Result<Vec<(Sealed, Vec<u8>)>> {
    let secrets = list_sealed(c, "").await?.into_iter().map(|secret| (Sealed::Secret(secret.name), secret.sealed));
    let factors = account::Entity::find()
        .filter(account::COLUMN.totp_secret.is_not_null())
        .select_only()
        .columns([account::Column::Id, account::Column::TotpSecret]);
    let factors: Vec<(Uuid, Vec<u8>)> = factors.into_tuple().all(c).await?;
    let mails = mail::Entity::find()
        .filter(mail::COLUMN.sealed.is_not_null())
        .select_only()
        .columns([mail::Column::Id, mail::Column::Sealed]);
    let mails: Vec<(Uuid, Vec<u8>)> = mails.into_tuple().all(c).await?;
    let factors = factors.into_iter().map(|(id, sealed)| (Sealed::SecondFactor(id), sealed));
    let mails = mails.into_iter().map(|(id, sealed)| (Sealed::Mail(id), sealed));
    Ok(secrets.chain(factors).chain(mails).collect())
}

/// Puts a text that is sealed anew in place of the old one, unless another was put there meanwhile.
pub async fn replace_sealed(w: &impl ConnectionTrait, what: &Sealed, old: &[u8], new: Vec<u8>) -> Result<bool> {
    let done = match what {
        Sealed::Secret(name) => {
            let change = sealed_secret::ActiveModel { sealed: Set(new), ..Default::default() };
            let update = sealed_secret::Entity::update_many().set(change);
            let same = sealed_secret::Column::Sealed.eq(old.to_vec());
            update.filter(sealed_secret::COLUMN.name.eq(name.as_str())).filter(same).exec(w).await?
        }
        Sealed::SecondFactor(id) => {
            let change = account::ActiveModel { totp_secret: Set(Some(new)), ..Default::default() };
            let same = account::Column::TotpSecret.eq(old.to_vec());
            account::Entity::update_many().set(change).filter(account::COLUMN.id.eq(*id)).filter(same).exec(w).await?
        }
        Sealed::Mail(id) => {
            let change = mail::ActiveModel { sealed: Set(Some(new)), ..Default::default() };
            let same = mail::Column::Sealed.eq(old.to_vec());
            mail::Entity::update_many().set(change).filter(mail::COLUMN.id.eq(*id)).filter(same).exec(w).await?
        }
    };
    Ok(done.rows_affected > 0)
}

/// Forgets a secret.
pub async fn remove_secret(w: &impl ConnectionTrait, name: &str) -> Result<bool> {
    Ok(sealed_secret::Entity::delete_by_id(name).exec(w).await?.rows_affected > 0)
}
