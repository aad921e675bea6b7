use sea_orm::sea_query::{Expr, Func};
use sea_orm::{
    ColumnTrait as _, Condition, DerivePartialModel, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, RelationTrait as _, Select, Set,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use super::holder::Holder;
use super::holder::{HolderRow, joined};
use crate::db::select::{constant, number};
use crate::db::{ConnectionTrait, Result};
use entity::kind::SessionKind;
use entity::table::session;
use entity::value::StoredTimestamp;
use entity::view::{Session, Timestamp};

/// A session that is to be kept.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub id: Uuid,
    pub token_hash: [u8; 32],
    pub kind: SessionKind,
    pub account_id: Option<Uuid>,
    /// JSON of the session's library.
    pub data: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    /// Of what all its refresh tokens have in common; none for browsers.
    pub family_hash: Option<[u8; 32]>,
}

/// A session as it is kept, with the account that it is of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredSession {
    pub id: Uuid,
    #[serde(skip)]
    pub data: String,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub expires_at: Timestamp,
    /// When something was changed with it last, where there are replicas.
    pub changed_at: Option<Timestamp>,
    /// Nobody, or somebody who may no longer sign in.
    pub holder: Option<Holder>,
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "session::Entity")]
struct Row {
    id: Uuid,
    data: String,
    created_at: Timestamp,
    seen_at: Timestamp,
    expires_at: Timestamp,
    changed_at: Option<Timestamp>,
    #[sea_orm(nested)]
    holder: Option<HolderRow>,
}

impl From<Row> for StoredSession {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: row.data,
            created_at: row.created_at,
            seen_at: row.seen_at,
            expires_at: row.expires_at,
            changed_at: row.changed_at,
            holder: row.holder.and_then(HolderRow::holder),
        }
    }
}

/// Keeps a session; false where its token is taken.
pub async fn insert_session(w: &impl ConnectionTrait, new: &NewSession) -> Result<bool> {
    if find_id(w, &new.token_hash).await?.is_some() {
        return Ok(false);
    }
    let row = session::ActiveModel {
        id: Set(new.id),
        token_hash: Set(new.token_hash.to_vec()),
        kind: Set(new.kind),
        account_id: Set(new.account_id),
        data: Set(new.data.clone()),
        created_at: Set(new.created_at.into()),
        seen_at: Set(new.created_at.into()),
        expires_at: Set(new.expires_at.into()),
        address: Set(new.address.clone()),
        user_agent: Set(new.user_agent.clone()),
        family_hash: Set(new.family_hash.map(|hash| hash.to_vec())),
        changed_at: Set(None),
    };
    session::Entity::insert(row).exec_without_returning(w).await?;
    Ok(true)
}

fn by_hash(hash: &[u8; 32]) -> Select<session::Entity> {
    session::Entity::find().filter(session::Column::TokenHash.eq(hash.to_vec()))
}

async fn find_id(c: &impl ConnectionTrait, hash: &[u8; 32]) -> Result<Option<Uuid>> {
    Ok(by_hash(hash).select_only().column(session::Column::Id).into_tuple().one(c).await?)
}

/// What a cookie or a refresh token opens, in one statement: the session, its account and what that may do.
pub async fn find_session(c: &impl ConnectionTrait, hash: &[u8; 32]) -> Result<Option<StoredSession>> {
    let found = joined(by_hash(hash).join(JoinType::LeftJoin, session::Relation::Account.def()));
    Ok(found.into_partial_model::<Row>().one(c).await?.map(Into::into))
}

/// The session of a program, by the id that stands in its access token.
pub async fn find_api_session(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<StoredSession>> {
    let of = session::Entity::find_by_id(id).filter(session::Column::Kind.eq(SessionKind::Api));
    let found = joined(of.join(JoinType::LeftJoin, session::Relation::Account.def()));
    Ok(found.into_partial_model::<Row>().one(c).await?.map(Into::into))
}

/// The session that a refresh token is or was of, by what all tokens of it have in common.
pub async fn find_session_of_family(c: &impl ConnectionTrait, family: &[u8; 32]) -> Result<Option<StoredSession>> {
    let of = session::Entity::find().filter(session::Column::FamilyHash.eq(family.to_vec()));
    let found = joined(of.join(JoinType::LeftJoin, session::Relation::Account.def()));
    Ok(found.into_partial_model::<Row>().one(c).await?.map(Into::into))
}

/// Since when a browser's session has to have been seen to be open still; lent to pages with each request.
#[derive(Clone, Copy, Debug)]
pub struct IdleSince(pub Timestamp);

/// Those that did not end by not being used: a program's never do.
fn used_since(idle_since: Timestamp) -> Condition {
    let used = session::COLUMN.seen_at.gte(StoredTimestamp::from(idle_since));
    Condition::any().add(session::Column::Kind.eq(SessionKind::Api)).add(used)
}

/// A session that let somebody in before, by its id, where it still does. One of a browser ends where it is not used.
pub async fn find_open_session(
    c: &impl ConnectionTrait,
    id: Uuid,
    idle_since: Timestamp,
    now: Timestamp,
) -> Result<Option<StoredSession>> {
    let open = session::COLUMN.expires_at.gt(StoredTimestamp::from(now));
    let of = session::Entity::find_by_id(id).filter(open).filter(used_since(idle_since));
    let found = joined(of.join(JoinType::LeftJoin, session::Relation::Account.def()));
    Ok(found.into_partial_model::<Row>().one(c).await?.map(Into::into))
}

/// Stores what the session's library changed in it.
pub async fn save_session(
    w: &impl ConnectionTrait,
    hash: &[u8; 32],
    data: &str,
    account_id: Option<Uuid>,
    expires_at: Timestamp,
) -> Result<bool> {
    let change = session::ActiveModel {
        data: Set(data.to_owned()),
        account_id: Set(account_id),
        expires_at: Set(expires_at.into()),
        ..Default::default()
    };
    let update = session::Entity::update_many().set(change).filter(session::Column::TokenHash.eq(hash.to_vec()));
    Ok(update.exec(w).await?.rows_affected > 0)
}

/// Gives a program's session its next refresh token; the one before works no more. Of two that refresh at once, one gets it.
pub async fn rotate_session(
    w: &impl ConnectionTrait,
    old: &[u8; 32],
    (new, family): (&[u8; 32], &[u8; 32]),
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let change = session::ActiveModel {
        token_hash: Set(new.to_vec()),
        family_hash: Set(Some(family.to_vec())),
        expires_at: Set(expires_at.into()),
        seen_at: Set(now.into()),
        ..Default::default()
    };
    let update = session::Entity::update_many().set(change).filter(session::Column::TokenHash.eq(old.to_vec()));
    Ok(update.exec(w).await?.rows_affected > 0)
}

/// Says that a session was used, and from where.
pub async fn touch_session(w: &impl ConnectionTrait, id: Uuid, address: Option<&str>, now: Timestamp) -> Result<()> {
    let change = session::ActiveModel {
        seen_at: Set(now.into()),
        address: Set(address.map(str::to_owned)),
        ..Default::default()
    };
    session::Entity::update_many().set(change).filter(session::COLUMN.id.eq(id)).exec(w).await?;
    Ok(())
}

/// Says that something was changed with a session.
pub async fn mark_session(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<()> {
    let change = session::ActiveModel { changed_at: Set(Some(now.into())), ..Default::default() };
    session::Entity::update_many().set(change).filter(session::COLUMN.id.eq(id)).exec(w).await?;
    Ok(())
}

/// An account's open sessions, the one last seen first.
pub async fn list_open_sessions(
    c: &impl ConnectionTrait,
    account_id: Uuid,
    idle_since: IdleSince,
    now: Timestamp,
) -> Result<Vec<Session>> {
    list(c, unexpired(account_id, now).filter(used_since(idle_since.0))).await
}

/// The same with those that ended by not being used.
pub async fn list_sessions(c: &impl ConnectionTrait, account_id: Uuid, now: Timestamp) -> Result<Vec<Session>> {
    list(c, unexpired(account_id, now)).await
}

fn unexpired(account_id: Uuid, now: Timestamp) -> Select<session::Entity> {
    let of = session::Entity::find().filter(session::COLUMN.account_id.eq(account_id));
    of.filter(session::COLUMN.expires_at.gt(StoredTimestamp::from(now)))
}

async fn list(c: &impl ConnectionTrait, sessions: Select<session::Entity>) -> Result<Vec<Session>> {
    #[derive(DerivePartialModel)]
    #[sea_orm(entity = "session::Entity")]
    struct Shown {
        id: Uuid,
        kind: SessionKind,
        created_at: Timestamp,
        seen_at: Timestamp,
        expires_at: Timestamp,
        address: Option<String>,
        user_agent: Option<String>,
    }
    let rows: Vec<Shown> = sessions.order_by_desc(session::Column::SeenAt).into_partial_model().all(c).await?;
    let view = |row: Shown| Session {
        id: row.id,
        kind: row.kind,
        created_at: row.created_at,
        seen_at: row.seen_at,
        expires_at: row.expires_at,
        address: row.address,
        user_agent: row.user_agent,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// What browsers and programs said of themselves that sessions are of, where those are still there.
pub async fn session_agents(c: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<(Uuid, Option<String>)>> {
    let of = session::Entity::find().filter(session::COLUMN.id.is_in(ids.iter().copied()));
    Ok(of.select_only().columns([session::Column::Id, session::Column::UserAgent]).into_tuple().all(c).await?)
}

/// Ends one of an account's sessions.
pub async fn delete_session(w: &impl ConnectionTrait, account_id: Uuid, id: Uuid) -> Result<bool> {
    let this = session::Entity::delete_by_id(id).filter(session::COLUMN.account_id.eq(account_id));
    Ok(this.exec(w).await?.rows_affected > 0)
}

/// Ends all of an account's sessions but one.
pub async fn delete_sessions(w: &impl ConnectionTrait, account_id: Uuid, except: Option<Uuid>) -> Result<u64> {
    let mut of = Condition::all().add(session::COLUMN.account_id.eq(account_id));
    if let Some(id) = except {
        of = of.add(session::COLUMN.id.ne(id));
    }
    Ok(session::Entity::delete_many().filter(of).exec(w).await?.rows_affected)
}

/// Ends the session that a cookie holds.
pub async fn drop_session(w: &impl ConnectionTrait, hash: &[u8; 32]) -> Result<()> {
    session::Entity::delete_many().filter(session::Column::TokenHash.eq(hash.to_vec())).exec(w).await?;
    Ok(())
}

/// Removes sessions whose time is over: that of their own, or none of them seen since `idle_since`.
pub async fn prune_sessions(w: &impl ConnectionTrait, idle_since: Timestamp, now: Timestamp) -> Result<u64> {
    let idle = session::COLUMN.seen_at.lt(StoredTimestamp::from(idle_since));
    let idle = Condition::all().add(idle).add(session::Column::Kind.eq(SessionKind::Browser));
    let over = Condition::any().add(session::COLUMN.expires_at.lte(StoredTimestamp::from(now))).add(idle);
    Ok(session::Entity::delete_many().filter(over).exec(w).await?.rows_affected)
}

/// How many accounts were seen since then.
pub async fn count_active_accounts(c: &impl ConnectionTrait, since: Timestamp) -> Result<u64> {
    let distinct: Expr = Func::count_distinct(Expr::col(session::Column::AccountId)).into();
    let seen = session::Entity::find().filter(session::COLUMN.seen_at.gte(StoredTimestamp::from(since)));
    number(c, seen.select_only().column_as(Expr::from(Func::coalesce([distinct, constant(0)])), "count")).await
}
