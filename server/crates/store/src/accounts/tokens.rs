use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, RelationTrait as _, Select, Set,
};
use uuid::Uuid;

use super::holder::{Holder, HolderRow, joined};
use crate::db::select::count;
use crate::db::{ConnectionTrait, Result, new_id};
use entity::kind::Permission;
use entity::table::{account, api_token};
use entity::value::{JsonText, StoredTimestamp};
use entity::view::{ApiToken, Timestamp};

/// A token that is to be kept.
#[derive(Clone, Debug)]
pub struct NewToken {
    pub account_id: Uuid,
    pub token_hash: [u8; 32],
    pub name: String,
    pub scopes: Vec<Permission>,
    pub repositories: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

/// A token as it is kept, with the account that it is of.
#[derive(Clone, Debug)]
pub struct StoredToken {
    pub token: ApiToken,
    /// When something was changed with it last, where there are replicas.
    pub changed_at: Option<Timestamp>,
    /// Nobody, where the account may no longer sign in.
    pub holder: Option<Holder>,
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "api_token::Entity")]
struct Row {
    id: Uuid,
    name: String,
    scopes: JsonText<Vec<Permission>>,
    repositories: JsonText<Vec<String>>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
    used_from: Option<String>,
    changed_at: Option<Timestamp>,
}

impl From<Row> for ApiToken {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            scopes: row.scopes.0,
            repositories: row.repositories.0,
            created_at: row.created_at,
            expires_at: row.expires_at,
            used_at: row.used_at,
            used_from: row.used_from,
        }
    }
}

/// Keeps a token by its hash and gives its id.
pub async fn insert_token(w: &impl ConnectionTrait, new: &NewToken, now: Timestamp) -> Result<Uuid> {
    let id = new_id(now);
    let row = api_token::ActiveModel {
        id: Set(id),
        token_hash: Set(new.token_hash.to_vec()),
        account_id: Set(new.account_id),
        name: Set(new.name.clone()),
        scopes: Set(JsonText(new.scopes.clone())),
        repositories: Set(JsonText(new.repositories.clone())),
        created_at: Set(now.into()),
        expires_at: Set(new.expires_at.map(Into::into)),
        used_at: Set(None),
        used_from: Set(None),
        changed_at: Set(None),
        expiry_told_at: Set(None),
    };
    api_token::Entity::insert(row).exec_without_returning(w).await?;
    Ok(id)
}

/// What a token opens, in one statement.
pub async fn find_token(c: &impl ConnectionTrait, hash: &[u8; 32]) -> Result<Option<StoredToken>> {
    opened(c, api_token::Entity::find().filter(api_token::Column::TokenHash.eq(hash.to_vec()))).await
}

/// The same of one that let somebody in before, by its id.
pub async fn find_open_token(c: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<Option<StoredToken>> {
    let found = opened(c, api_token::Entity::find_by_id(id)).await?;
    Ok(found.filter(|found| found.token.expires_at.is_none_or(|end| end > now)))
}

async fn opened(c: &impl ConnectionTrait, found: Select<api_token::Entity>) -> Result<Option<StoredToken>> {
    #[derive(DerivePartialModel)]
    #[sea_orm(entity = "api_token::Entity")]
    struct Found {
        #[sea_orm(nested)]
        token: Row,
        #[sea_orm(nested)]
        holder: Option<HolderRow>,
    }
    let found = joined(found.join(JoinType::InnerJoin, api_token::Relation::Account.def()));
    let found = found.into_partial_model::<Found>().one(c).await?;
    Ok(found.map(|found| StoredToken {
        changed_at: found.token.changed_at,
        token: found.token.into(),
        holder: found.holder.and_then(HolderRow::holder),
    }))
}

/// Says that a token was used, and from where.
pub async fn touch_token(w: &impl ConnectionTrait, id: Uuid, address: Option<&str>, now: Timestamp) -> Result<()> {
    let change = api_token::ActiveModel {
        used_at: Set(Some(now.into())),
        used_from: Set(address.map(str::to_owned)),
        ..Default::default()
    };
    api_token::Entity::update_many().set(change).filter(api_token::COLUMN.id.eq(id)).exec(w).await?;
    Ok(())
}

/// Says that something was changed with a token.
pub async fn mark_token(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<()> {
    let change = api_token::ActiveModel { changed_at: Set(Some(now.into())), ..Default::default() };
    api_token::Entity::update_many().set(change).filter(api_token::COLUMN.id.eq(id)).exec(w).await?;
    Ok(())
}

/// An account's tokens, the newest first.
pub async fn list_tokens(c: &impl ConnectionTrait, account_id: Uuid) -> Result<Vec<ApiToken>> {
    let of = api_token::Entity::find().filter(api_token::COLUMN.account_id.eq(account_id));
    let rows: Vec<Row> = of.order_by_desc(api_token::Column::Id).into_partial_model().all(c).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// What tokens are called, of those that are still there.
pub async fn token_names(c: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>> {
    let of = api_token::Entity::find().filter(api_token::COLUMN.id.is_in(ids.iter().copied()));
    Ok(of.select_only().columns([api_token::Column::Id, api_token::Column::Name]).into_tuple().all(c).await?)
}

/// How many tokens an account has, those included whose time is over.
pub async fn count_tokens(c: &impl ConnectionTrait, account_id: Uuid) -> Result<u64> {
    count(c, api_token::Entity::find().filter(api_token::COLUMN.account_id.eq(account_id))).await
}

/// Makes all tokens of an account stop working.
pub async fn delete_tokens(w: &impl ConnectionTrait, account_id: Uuid) -> Result<u64> {
    let all = api_token::Entity::delete_many().filter(api_token::COLUMN.account_id.eq(account_id));
    Ok(all.exec(w).await?.rows_affected)
}

/// Makes a token of an account stop working.
pub async fn delete_token(w: &impl ConnectionTrait, account_id: Uuid, id: Uuid) -> Result<bool> {
    let this = api_token::Entity::delete_by_id(id).filter(api_token::COLUMN.account_id.eq(account_id));
    Ok(this.exec(w).await?.rows_affected > 0)
}

/// A token that ends soon, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingToken {
    pub id: Uuid,
    pub name: String,
    pub expires_at: Timestamp,
    pub account_id: Uuid,
    pub email: String,
}

/// Tokens of active accounts that still work, end by then, and were told of to nobody.
pub async fn list_ending_tokens(
    c: &impl ConnectionTrait,
    now: Timestamp,
    until: Timestamp,
    limit: u64,
) -> Result<Vec<EndingToken>> {
    let ending = api_token::Entity::find()
        .join(JoinType::InnerJoin, api_token::Relation::Account.def())
        .filter(account::COLUMN.is_active.eq(true))
        .filter(api_token::COLUMN.expiry_told_at.is_null())
        .filter(api_token::COLUMN.expires_at.gt(StoredTimestamp::from(now)))
        .filter(api_token::COLUMN.expires_at.lte(StoredTimestamp::from(until)));
    let ending = ending
        .select_only()
        .columns([api_token::Column::Id, api_token::Column::Name, api_token::Column::ExpiresAt])
        .column(api_token::Column::AccountId)
        .column(account::Column::Email);
    let ending = ending.order_by_asc(api_token::Column::Id).limit(limit);
    let rows: Vec<(Uuid, String, StoredTimestamp, Uuid, String)> = ending.into_tuple().all(c).await?;
    let token = |(id, name, expires_at, account_id, email): (Uuid, String, StoredTimestamp, Uuid, String)| {
        EndingToken { id, name, expires_at: expires_at.into(), account_id, email }
    };
    Ok(rows.into_iter().map(token).collect())
}

/// Notes that a token's account is told that it ends. Of two that note it at once, one gets true.
pub async fn mark_ending_told(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<bool> {
    let told = api_token::ActiveModel { expiry_told_at: Set(Some(now.into())), ..Default::default() };
    let untold = api_token::COLUMN.expiry_told_at.is_null();
    let update = api_token::Entity::update_many().set(told).filter(api_token::COLUMN.id.eq(id)).filter(untold);
    Ok(update.exec(w).await?.rows_affected > 0)
}
