use sea_orm::{
    DerivePartialModel, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    RelationTrait as _, Set,
};
use uuid::Uuid;

use super::people::Credentials;
use crate::db::{ConnectionTrait, Result};
use entity::table::{account, account_identity};
use entity::view::{AccountIdentity, Timestamp};

/// The account that somebody's identity at an issuer opens, in one statement: read one after the other, the account could be of a
/// time at which the identity was no longer its.
pub async fn find_by_identity(c: &impl ConnectionTrait, issuer: &str, subject: &str) -> Result<Option<Credentials>> {
    let of = account::Entity::find()
        .join(JoinType::InnerJoin, account_identity::Relation::Account.def().rev())
        .filter(account_identity::COLUMN.issuer.eq(issuer))
        .filter(account_identity::COLUMN.subject.eq(subject));
    Ok(of.into_partial_model::<Credentials>().one(c).await?)
}

/// Ties an identity to an account. One that is tied already fails as the database says.
pub async fn link_identity(
    w: &impl ConnectionTrait,
    account_id: Uuid,
    issuer: &str,
    subject: &str,
    email: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let row = account_identity::ActiveModel {
        issuer: Set(issuer.to_owned()),
        subject: Set(subject.to_owned()),
        account_id: Set(account_id),
        email: Set(email.map(str::to_owned)),
        linked_at: Set(now.into()),
    };
    account_identity::Entity::insert(row).exec_without_returning(w).await?;
    Ok(())
}

/// Takes an identity from an account.
pub async fn unlink_identity(w: &impl ConnectionTrait, account_id: Uuid, issuer: &str, subject: &str) -> Result<bool> {
    let this = account_identity::Entity::delete_many()
        .filter(account_identity::COLUMN.account_id.eq(account_id))
        .filter(account_identity::COLUMN.issuer.eq(issuer))
        .filter(account_identity::COLUMN.subject.eq(subject));
    Ok(this.exec(w).await?.rows_affected > 0)
}

/// Takes all identities from an account, and gives those that there were.
pub async fn unlink_identities(w: &impl ConnectionTrait, account_id: Uuid) -> Result<Vec<AccountIdentity>> {
    let tied = list_identities(w, account_id).await?;
    let all = account_identity::Entity::delete_many().filter(account_identity::COLUMN.account_id.eq(account_id));
    all.exec(w).await?;
    Ok(tied)
}

/// Who an account is elsewhere.
pub async fn list_identities(c: &impl ConnectionTrait, account_id: Uuid) -> Result<Vec<AccountIdentity>> {
    #[derive(DerivePartialModel)]
    #[sea_orm(entity = "account_identity::Entity")]
    struct Row {
        issuer: String,
        subject: String,
        email: Option<String>,
        linked_at: Timestamp,
    }
    let rows = account_identity::Entity::find().filter(account_identity::COLUMN.account_id.eq(account_id));
    let rows: Vec<Row> = rows.order_by_asc(account_identity::Column::Issuer).into_partial_model().all(c).await?;
    let view = |row: Row| AccountIdentity {
        issuer: row.issuer,
        subject: row.subject,
        email: row.email,
        linked_at: row.linked_at,
    };
    Ok(rows.into_iter().map(view).collect())
}
